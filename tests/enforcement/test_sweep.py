"""What still stands somewhere after an apply is found, whatever the spelling; what is kept by right is none of it."""

import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.cli import main as cli
from ajprivacy_pipeline.enforcement.bodies import Hit
from ajprivacy_pipeline.enforcement.erased import key_name
from ajprivacy_pipeline.enforcement.plans import plan_file
from ajprivacy_pipeline.enforcement.shapes import ApplyResult
from ajprivacy_pipeline.enforcement.sweep import sweep
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests import mariadb
from tests.enforcement.enforcement_world import ONE_QUICK, World, new_database
from tests.enforcement.keyed_shop import MAPPING, keyed_world

MAPPED = """
phone = "telefon"
street_address = "gate"
postal_code = "postnr"
"""
INVOICES = """
[[known_copies]]
table = "kjent"
column = "epost"
reason = "emptied by its own job"
[tables.invoices]
table = "faktura"
[tables.invoices.columns]
invoice_id = "nr"
customer_id = "kunde"
order_id = "ordre"
issued_at = "utstedt"
amount = "sum"
paid_amount = "betalt"
settled_at = "oppgjort"
billing_name = "navn"
"""
# Liv (5) is due but for what her invoice of 2024 keeps; ten more share one number (20 to 29).
SHOP = [
    "ALTER TABLE kunde ADD telefon varchar(40)", "ALTER TABLE kunde ADD gate varchar(80)",
    "ALTER TABLE kunde ADD postnr varchar(10)",
    ("UPDATE kunde SET telefon = '+47 912 34 567', gate = 'Storgata 12 B', postnr = '0150', merke = 'kari_n82' "
    "WHERE nr = 1"),
    "UPDATE kunde SET merke = '739184' WHERE navn = 'Per Hansen'",
    "INSERT INTO kunde VALUES (5, 'consumer', 'Liv Dahl', 'liv@example.no', NULL, NULL, NULL, NULL, NULL, NULL)",
    *(f"INSERT INTO kunde VALUES ({nr}, 'consumer', 'Navn Nummer{nr}', 'nr{nr}@example.no', NULL, NULL, NULL, "
      "'22334455', NULL, NULL)" for nr in range(20, 30)),
    *(f"INSERT INTO ordre VALUES ({200 + nr}, {nr}, NULL, '2012-01-01', '2012-01-05', '2012-01-05', 100, "
      f"'{name}', '1234')" for nr, name in ((5, "Liv Dahl"), *((nr, f"Navn Nummer{nr}") for nr in range(20, 30)))),
    *(f"INSERT INTO linje VALUES ({200 + nr}, 1, 5)" for nr in (5, *range(20, 30))),
    ("CREATE TABLE faktura (nr integer PRIMARY KEY, kunde integer, ordre integer, utstedt varchar(20), "
    "sum decimal(18,2), betalt decimal(18,2), oppgjort varchar(20), navn varchar(60))"),
    "INSERT INTO faktura VALUES (1, 5, 205, '2024-01-05', 100, 100, '2024-01-05', 'Liv Dahl')",
    ("CREATE TABLE kopi (nr integer PRIMARY KEY, epost varchar(200), navn varchar(200), gate varchar(80), "
    "post varchar(10), tall bigint)"),
    "CREATE TABLE logg (nr integer PRIMARY KEY, innhold varchar(2000))",
    "CREATE TABLE skjema (nr integer PRIMARY KEY, data json)",
    "CREATE TABLE kjent (nr integer PRIMARY KEY, epost varchar(200))",
]
ROWS: list[tuple[str, tuple[Any, ...]]] = [
    ("kopi", (1, "KARI@example.no", "Nordmann sa: Kari  Nordmann", None, None, None)),
    ("kopi", (2, "ola@example.no", "Ola Nordmann", None, None, 4791234567)),
    ("kopi", (3, "liv@example.no", "Liv Dahl", "Storgata 12 B", "9999", 22334455)),
    ("kopi", (4, None, "Kari", "storgata 12 b", "0150", 912345678)),
    ("kopi", (5, "anonymised@example.invalid", "Anonymised", None, "1", 1)),
    ("kopi", (6, None, None, None, None, 739184)),  # digits may be what somebody is called, too
    ("skjema", (1, json.dumps({"til": "per@example.no", "navn": "Per Hansen"}).replace("@", "\\u0040"))),
    ("logg", (2, "Per&#32;Hansen <a href='mailto:per&#64;example.no'>")),
    ("logg", (3, "to=3Dper=40example.no")),
    ("logg", (4, "Ola Nordmann ola@example.no superkari@example.no kari@example.no.uk 0912345671")),
    ("logg", (5, "ring 0047 912-34-567, bruker kari_n82, 2026-10-31 12:00:00")),
    ("kjent", (1, "kari@example.no")),
]
HITS: list[Hit] = [
    {"table": table, "column": column, "rows": rows, "how": how} for table, column, how, rows in (
        ("kopi", "epost", "email", 2), ("kopi", "gate", "address", 1), ("kopi", "navn", "name", 1),
        ("kopi", "tall", "phone", 1), ("kopi", "tall", "username", 1),
        ("logg", "innhold", "email", 2), ("logg", "innhold", "name", 1),
        ("logg", "innhold", "phone", 1), ("logg", "innhold", "username", 1), ("skjema", "data", "email", 1),
        ("skjema", "data", "name", 1))]
ELSEWHERE: list[Hit] = [{"table": "arkiv.gammel 1.0 (100%)", "column": "adresser", "rows": 1, "how": "email"}]


@dataclass(frozen=True)
class Swept:
    """A shop with copies that was carried out."""

    world: World
    plan: str
    result: ApplyResult
    expected: list[Hit]


@pytest.fixture(scope="module", params=ONE_QUICK)
def swept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Swept:
    folder = tmp_path_factory.mktemp(request.param)
    url = f"sqlite:///{folder / 'shop.db'}"
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"), "swept")
    elif request.param == "mariadb":
        url = mariadb.only_database(request.getfixturevalue("mariadb_url"), "swept")
    world = keyed_world(folder, url)
    statements, expected = list(SHOP), HITS
    if request.param == "postgresql":
        old = 'arkiv."gammel 1.0 (100%)"'
        statements += ["CREATE SCHEMA arkiv", f"CREATE TABLE {old} (nr integer, adresser text[], dag date)",
                       f"INSERT INTO {old} VALUES (1, '{{a@b.no,kari@example.no}}', '2020-01-01')"]
        expected = ELSEWHERE + HITS
    for statement in statements:
        world.execute(statement)
    for table, values in ROWS:
        names = {f"v{i}": value for i, value in enumerate(values)}
        world.execute(f"INSERT INTO {table} VALUES ({', '.join(f':{name}' for name in names)})", **names)
    (folder / "mapping.toml").write_text(
        MAPPING.replace('email = "epost"\n', f'email = "epost"{MAPPED}').replace(
            '[tables.invoices]\nabsent = "none"\n', INVOICES))
    decided = world.decide()
    assert decided["invoices", "1", "billing"][0] == "retain"
    assert decided["orders", "205", "delivery"][0] == "due"
    plan = world.approved()
    return Swept(world, plan, world.apply(plan), expected)


def test_copies_are_found_in_every_spelling_and_what_is_kept_is_not(swept: Swept) -> None:
    assert swept.result["verified"]
    assert swept.result["sweep"] == swept.expected


def test_the_set_holds_no_value_in_clear(swept: Swept) -> None:
    keys = KeyStore(swept.world.settings.keys, swept.world.settings.root_key)
    with zones.open_zone(swept.world.settings, keys, plan_file(swept.world.settings, swept.plan),
                         read_only=True) as con:
        rows = con.execute("SELECT * FROM erased").fetchall()
    text = repr(rows).lower()

    assert {row[0] for row in rows} == {"email", "phone", "username", "name", "address"}
    assert not [word for word in ("kari", "example", "91234567", "storgata", "hansen") if word in text]


@pytest.mark.soak
@pytest.mark.parametrize("swept", ONE_QUICK, indirect=True)
def test_what_is_too_much_at_once_is_looked_at_in_parts(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ajprivacy_pipeline.enforcement.sweep.MUCH", 0)
    assert sweep(swept.world.settings) == (swept.expected, [swept.plan])


@pytest.mark.soak
@pytest.mark.parametrize("swept", ONE_QUICK, indirect=True)
def test_a_sweep_looks_again_until_the_set_is_gone(swept: Swept) -> None:
    swept.world.execute("UPDATE kopi SET epost = NULL WHERE nr = 1")
    left = [{**hit, "rows": hit["rows"] - (hit["how"] == "email" and hit["table"] == "kopi")} for hit in swept.expected]

    assert sweep(swept.world.settings) == (left, [swept.plan])

    _later(swept.world, 29)
    assert sweep(swept.world.settings) == (left, [swept.plan])
    _later(swept.world, 2)

    hits, sets = sweep(swept.world.settings)
    assert sets == ["guard"]  # which holds the addresses and numbers of whoever is gone, for longer
    assert {hit["how"] for hit in hits} == {"email", "phone"}
    assert not KeyStore(swept.world.settings.keys, swept.world.settings.root_key).has(key_name(swept.plan))


def test_where_nothing_was_erased_the_command_says_so(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop.db").touch()
    monkeypatch.setenv("AJPRIVACY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AJPRIVACY_WAREHOUSE", f"sqlite:///{tmp_path / 'shop.db'}")
    monkeypatch.setattr(sys, "argv", ["ajprivacy", "sweep", "--json"])

    with pytest.raises(SystemExit) as left:
        cli.main()

    assert not left.value.code
    out, err = capsys.readouterr()
    assert json.loads(out) == []
    assert "there is nothing to look for" in err


def _later(world: World, days: int) -> None:
    """Let what became of plans have happened so many days earlier."""
    with closing(sqlite3.connect(world.settings.control / "control.db")) as control, control:
        control.execute("UPDATE plan_events SET happened_at = "
                        "strftime('%Y-%m-%d %H:%M:%f', happened_at, ?) || '000'", (f"-{days} days",))
