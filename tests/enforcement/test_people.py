"""The words: of how many people nothing is left, and of how many no record has the id, told of nobody too many."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.enforcement.people import People
from ajprivacy_pipeline.oversight.holds import place_hold
from tests.enforcement.enforcement_world import Cells, World, sample_shop
from tests.enforcement.kept import Kept

KINDS = {"customer": "customers", "contact": "contacts"}
VALUES = {"customers": ["name", "email", "phone", "username", "street_address", "gender", "preferences",
                        "national_identity_number"],
          "contacts": ["name", "email", "phone", "username", "job_title", "preferences"]}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A sample shop."""
    def make(folder: Path) -> World:
        sample_shop(f"sqlite:///{folder / 'shop.db'}", 90, 5, folder)
        return World(folder / "home", f"sqlite:///{folder / 'shop.db'}")
    return Kept(tmp_path_factory.mktemp("people"), make)


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


def test_the_ledger_of_releases_is_told_who_contributes_no_more() -> None:
    """By their ids as customers; a contact contributes as its customer."""
    people = People(frozenset({"customer:1", "contact:9"}), frozenset({"customer:1", "customer:2"}))
    assert sorted(people.contributors()) == [("customer", "1"), ("customer", "2")]


@pytest.mark.soak
def test_they_are_those_of_whom_nothing_is_left(sample: Kept) -> None:
    before = sample.made().cells()
    world = sample.applied()
    assert sample.result["sweep"] == []
    anonymised, unlinked = slow(before, sample.after)
    said = verdict(world)
    assert 0 < said["anonymised"] <= len(anonymised)
    assert 0 < said["unlinked"] <= len(unlinked)
    assert (said["anonymised"], said["unlinked"]) == (len(anonymised), len(unlinked))
    world.apply(sample.plan)
    assert verdict(world)["anonymised"] == said["anonymised"]


@pytest.mark.soak
def test_somebody_who_is_held_is_neither(sample: Kept) -> None:
    sample.applied()
    world = sample.approved()
    straight = world.cells()
    somebody = min(slow(straight, sample.after)[0])  # who would be, if nothing came between
    place_hold(world.settings, somebody, "Ada", "litigation", date(2027, 10, 1), today=date(2026, 10, 15), by="Ada")
    world.apply(sample.plan)
    anonymised, unlinked = slow(straight, world.cells())
    assert somebody not in anonymised
    assert (verdict(world)["anonymised"], verdict(world)["unlinked"]) == (len(anonymised), len(unlinked))


@pytest.mark.soak
def test_nobody_is_counted_where_the_sweep_finds_something_or_somebody_came(sample: Kept) -> None:
    world = sample.approved()
    with world.connection() as connection:
        connection.exec_driver_sql("CREATE TABLE remarks (text VARCHAR)")
        connection.exec_driver_sql("INSERT INTO remarks SELECT email FROM customers WHERE email IS NOT NULL")
    assert world.apply(sample.plan)["sweep"]
    assert "anonymised" not in verdict(world)
