"""What still stands somewhere after an apply is found, whatever the spelling; what is kept by right is none of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.enforcement.sweep import sweep
from tests import mariadb
from tests.enforcement.enforcement_world import World, new_database
from tests.enforcement.keyed_shop import keyed_world

COPIES = [
    "CREATE TABLE kopi (nr integer PRIMARY KEY, epost varchar(200), navn varchar(200), annet varchar(2000))",
    "CREATE TABLE logg (nr integer PRIMARY KEY, innhold varchar(2000))",
]
ROWS: list[tuple[str, tuple[Any, ...]]] = [
    ("kopi", (1, "KARI@example.no", "Nordmann sa: Kari  Nordmann", None)),
    ("kopi", (2, "ola@example.no", "Ola Nordmann", "Anonymised anonymised@example.invalid")),
    ("kopi", (3, None, "Kari", "Nordmann 1234")),
    ("logg", (1, json.dumps({"til": "per@example.no", "navn": "Per Hansen"}).replace("@", "\\u0040"))),
    ("logg", (2, "Per&#32;Hansen <a href='mailto:per&#64;example.no'>")),
    ("logg", (3, "to=3Dper=40example.no")),
    ("logg", (4, "Ola Nordmann ola@example.no superkari@example.no kari@example.no.uk")),
]


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"), "swept")
    elif request.param == "mariadb":
        url = mariadb.fresh_database(request.getfixturevalue("mariadb_url"), "swept")
    world = keyed_world(tmp_path, url)
    for statement in COPIES:
        world.execute(statement)
    for table, values in ROWS:
        names = {f"v{i}": value for i, value in enumerate(values)}
        world.execute(f"INSERT INTO {table} VALUES ({', '.join(f':{name}' for name in names)})", **names)
    return world


def test_copies_are_found_in_every_spelling_and_what_is_kept_is_not(world: World) -> None:
    world.decide()
    result = world.apply(world.approved())

    assert result["verified"]
    assert result["sweep"] == [
        {"table": "kopi", "column": "epost", "rows": 1, "how": "email"},
        {"table": "kopi", "column": "navn", "rows": 1, "how": "name"},
        {"table": "logg", "column": "innhold", "rows": 3, "how": "email"},
        {"table": "logg", "column": "innhold", "rows": 2, "how": "name"}]
    assert sweep(world.settings)[0] == result["sweep"]
