"""The words: of how many people nothing is left, and of how many no record has the id, told of nobody too many."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.oversight.holds import place_hold
from tests.enforcement.enforcement_world import Cells, World, sample_shop

KINDS = {"customer": "customers", "contact": "contacts"}
VALUES = {"customers": ["name", "email", "phone", "username", "street_address", "gender", "preferences",
                        "national_identity_number"],
          "contacts": ["name", "email", "phone", "username", "job_title", "preferences"]}


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sample shop, decided once."""
    folder = tmp_path_factory.mktemp("people")
    sample_shop(f"sqlite:///{folder / 'shop.db'}", 90, 5, folder)
    World(folder / "home", f"sqlite:///{folder / 'shop.db'}").decide()
    return folder


@pytest.fixture
def world(decided: Path, tmp_path: Path) -> World:
    """A copy of it."""
    shutil.copytree(decided, tmp_path / "copy")
    return World(tmp_path / "copy" / "home", f"sqlite:///{tmp_path / 'copy' / 'shop.db'}")


def verdict(world: World) -> dict[str, Any]:
    """What the last apply came to."""
    return next(entry.body for entry in reversed(open_ledger(world.settings).entries()) if entry.kind == "verified")


def slow(before: Cells, after: Cells) -> tuple[set[str], set[str]]:
    """Who is anonymised, and who is unlinked, by looking at every cell before and after."""
    named: dict[str, set[str]] = {}
    for cells, suffix in ((before, "before"), (after, "after")):
        for table, rows in cells.items():
            for row in rows.values():
                for kind, own in KINDS.items():
                    if table != own and row.get(f"{kind}_id") is not None:
                        named.setdefault(f"{kind}:{row[f'{kind}_id']}/{suffix}", set()).add(table)
    anonymised, unlinked = set(), set()
    for kind, table in KINDS.items():
        for key, row in before[table].items():
            person, now = f"{kind}:{key}", after[table][key]
            was, has = (named.get(f"{person}/{when}", set()) for when in ("before", "after"))
            records = {"orders", "invoices", "cases"}
            if was & records and not has & records:
                unlinked.add(person)
            changed = row != now or was != has
            if changed and not has and all(now[column] is None for column in VALUES[table]):
                anonymised.add(person)
    return anonymised, unlinked


def test_they_are_those_of_whom_nothing_is_left(world: World) -> None:
    before = world.cells()
    plan = world.approved()
    assert world.apply(plan)["sweep"] == []
    anonymised, unlinked = slow(before, world.cells())
    said = verdict(world)
    assert 0 < said["anonymised"] <= len(anonymised)
    assert 0 < said["unlinked"] <= len(unlinked)
    assert (said["anonymised"], said["unlinked"]) == (len(anonymised), len(unlinked))
    world.apply(plan)
    assert verdict(world)["anonymised"] == said["anonymised"]


def test_somebody_who_is_held_is_neither(world: World) -> None:
    plan = world.approved()
    straight = world.cells()
    somebody = _one_of_the_anonymised(world, plan, straight)
    place_hold(world.settings, somebody, "Ada", "litigation", date(2027, 10, 1), today=date(2026, 10, 15), by="Ada")
    world.apply(plan)
    anonymised, unlinked = slow(straight, world.cells())
    assert somebody not in anonymised
    assert (verdict(world)["anonymised"], verdict(world)["unlinked"]) == (len(anonymised), len(unlinked))


def test_nobody_is_counted_where_the_sweep_finds_something_or_somebody_came(world: World) -> None:
    plan = world.approved()
    with world.connection() as connection:
        connection.exec_driver_sql("CREATE TABLE remarks (text VARCHAR)")
        connection.exec_driver_sql("INSERT INTO remarks SELECT email FROM customers WHERE email IS NOT NULL")
    assert world.apply(plan)["sweep"]
    assert "anonymised" not in verdict(world)


def _one_of_the_anonymised(world: World, plan: str, before: Cells) -> str:
    """Somebody who would be anonymised: found by carrying the same plan out on a copy of everything."""
    home = world.settings.home.parent
    shutil.copytree(home, home.with_name("trial"))
    trial = World(home.with_name("trial") / "home", f"sqlite:///{home.with_name('trial') / 'shop.db'}")
    shop = home / "shop.db"
    kept = shop.read_bytes()
    World(trial.settings.home, world.url).apply(plan)
    anonymised, _ = slow(before, world.cells())
    shop.write_bytes(kept)
    return min(anonymised)
