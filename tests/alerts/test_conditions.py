"""What is found to need attention, before a limit, on it and after it; over a real home."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from ajprivacy_pipeline.alerts.conditions import Condition, Runs, health, words
from ajprivacy_pipeline.clock import local_day
from ajprivacy_pipeline.enforcement.approve import withdraw
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.plans import find_plan, move
from ajprivacy_pipeline.oversight.evidence import accept, compared, place_of
from ajprivacy_pipeline.oversight.reviews import KINDS, open_reviews
from ajprivacy_pipeline.rights.requests import known_requests
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_lock
from tests.enforcement.enforcement_world import MONTH, World, sample_shop

QUIET = Runs(0, 0, None)
DAY = date(2026, 11, 28)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A small shop, decided for October."""
    folder = tmp_path_factory.mktemp("alerts")
    url = f"sqlite:///{folder / 'shop.db'}"
    sample_shop(url, 150, 3, folder)
    made = World(folder / "home", url)
    made.decide()
    return made


def _found(world: World, day: date = DAY, runs: Runs = QUIET) -> dict[str, Condition]:
    found = health(world.settings, runs, day)
    assert found["unknown"] == {}
    return {one["name"]: one for one in found["conditions"]}


@pytest.mark.parametrize(("day", "is_missed"), [
    (date(2026, 11, 1), False), (date(2026, 11, 2), False), (date(2026, 11, 3), True), (date(2026, 11, 30), True)])
def test_a_home_in_which_nothing_was_run(tmp_path: Path, day: date, is_missed: bool) -> None:
    """The month is missed from the third on; and a look makes nothing."""
    home = World(tmp_path / "home", "sqlite://")
    assert list(_found(home, day)) == (["month_missed"] if is_missed else [])
    assert not list(home.settings.control.iterdir())


@pytest.mark.parametrize(("runs", "name"), [
    (Runs(1, 0, None), "run_failed"), (Runs(0, 2, None), "gate_refused"), (Runs(0, 0, 5), "daemon_dead"),
    (Runs(0, 0, 4), None), (Runs(0, 0, 0), None)])
def test_what_dagster_says(tmp_path: Path, runs: Runs, name: str | None) -> None:
    """A daemon is dead from the fifth minute on."""
    assert list(_found(World(tmp_path, "sqlite://"), date(2026, 11, 1), runs)) == ([name] if name else [])


@pytest.mark.parametrize(("day", "is_missed"), [
    (date(2026, 11, 30), False), (date(2026, 12, 2), False), (date(2026, 12, 3), True)])
def test_the_next_month_is_missed(world: World, day: date, is_missed: bool) -> None:
    """October was run; November is over in December."""
    assert ("month_missed" in _found(world, day)) is is_missed


def test_a_plan_waits_and_people_are_overdue(world: World) -> None:
    """A plan of today waits; the oldest in it is overdue from the day after the policy's days."""
    summary = world.plan()
    assert summary["plan"] is not None
    assert summary["oldest_due_on"] is not None
    made_on = local_day(find_plan(ControlStore.in_folder(world.settings.control), summary["plan"]).made_at,
                        world.policy.retention.time_zone)
    today = _found(world, made_on)["plan_waiting"]
    later = _found(world, made_on + timedelta(days=9))["plan_waiting"]
    edge = date.fromisoformat(summary["oldest_due_on"]) + timedelta(days=world.policy.enforcement.overdue_days)

    assert (today["count"], later["days"] - today["days"]) == (1, 9)
    assert "people_overdue" not in _found(world, edge)
    assert _found(world, edge + timedelta(days=1))["people_overdue"]["days"] == (
        world.policy.enforcement.overdue_days + 1)
    control = ControlStore.in_folder(world.settings.control)
    keys = KeyStore(world.settings.keys, world.settings.root_key)
    plan, ledger = find_plan(control, summary["plan"]), Ledger(control, keys, world.settings.keys)
    move(control, ledger, plan, "first_approval", "Ada")
    assert _found(world)["plan_waiting"]["count"] == 1, "it waits for a second name"
    withdraw(world.settings, summary["plan"], "Ada")
    assert "plan_waiting" not in _found(world)


def test_requests_and_reviews_are_counted(world: World) -> None:
    """As `request list` and `review list` count them."""
    found = _found(world)
    undecided = [one for one in open_reviews(world.settings, None) if one["reason"] in KINDS and not one["decision"]]
    late = [one for one in known_requests(world.settings, world.policy.rights)
            if one.is_open and one.timing(world.policy.rights, DAY) == "overdue"]
    assert (found["reviews_undecided"]["severity"], found["reviews_undecided"]["count"]) == ("warn", len(undecided))
    assert found["requests_overdue"]["count"] == len(late) > 0
    assert f"{found['requests_overdue']['count']} request(s)" in found["requests_overdue"]["says"]


@pytest.mark.soak
def test_evidence_that_tripped_is_told_until_somebody_accepts(world: World) -> None:
    """The warehouse loses its cases; each place is told once, whatever guards have tripped there."""
    assert "evidence_tripped" not in _found(world)
    world.execute("DELETE FROM cases")
    world.decide()
    places = sorted({place_of(one["table"], one["column"]) for one in compared(world.settings, None) if one["tripped"]})
    assert "cases" in places
    for done, place in enumerate(places):
        assert _found(world)["evidence_tripped"]["count"] == len(places) - done
        accept(world.settings, place, "Ada", "moved", month=None, today=DAY)
    assert "evidence_tripped" not in _found(world)


def test_what_cannot_be_looked_at_is_said(world: World) -> None:
    """Under another root key the month's file does not open; the rest is looked at all the same."""
    key = world.settings.keys / "root.key"
    kept = key.read_bytes()
    try:
        key.write_bytes(bytes(len(kept)))
        found = health(world.settings, Runs(1, 0, None), DAY)
    finally:
        key.write_bytes(kept)
    assert {"reviews", "requests", "evidence"} <= found["unknown"].keys()
    assert {"run_failed", "unreadable"} <= {one["name"] for one in found["conditions"]}


def test_while_a_run_has_the_months_file_that_is_no_condition(world: World) -> None:
    """Nobody can read it then, and nothing is wrong."""
    key = world.settings.keys / "root.key"
    kept = key.read_bytes()
    try:
        key.write_bytes(bytes(len(kept)))
        with month_lock(world.settings, "2026-10"):
            found = health(world.settings, QUIET, DAY)
    finally:
        key.write_bytes(kept)
    assert found["unknown"]
    assert "unreadable" not in {one["name"] for one in found["conditions"]}


def test_a_first_month_whose_run_was_killed_is_looked_at_as_far_as_it_goes(world: World, tmp_path: Path) -> None:
    """Nothing was ever finished: there is no evidence to compare, and what cannot be read is said."""
    killed = World(tmp_path / "home", world.url)
    with open_month(killed.settings, MONTH, "killed") as run:
        run.extract()
    found = health(killed.settings, QUIET, DAY)
    assert [one["name"] for one in found["conditions"]] == ["month_missed", "unreadable"]
    assert list(found["unknown"]) == ["requests"]
    assert "its last run did not end" in found["unknown"]["requests"]


def test_words_say_no_more_than_counts() -> None:
    """A message leaves the house."""
    for name, text in words()[1].items():
        assert text.says.format(count=1, days=1), name
        assert not text.to_do.endswith("."), name
