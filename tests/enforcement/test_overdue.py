"""The oldest overdue: what the newest plan or verdict says, and nobody once a month has nothing due."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ajprivacy_pipeline.enforcement.entries import Entry
from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.enforcement.overdue import Oldest, oldest_overdue
from tests.enforcement.enforcement_world import World
from tests.enforcement.kept import Kept

TODAY = date(2026, 11, 30)
OLD, NEW = "2025-03-12", "2026-11-20"
Said = tuple[str, dict[str, Any]]


def made(plan: str, since: str, **more: Any) -> Said:
    return "plan_made", {"plan": plan, "oldest_due_on": since, **more}


def verdict(plan: str, since: str | None, kind: str = "verified") -> Said:
    return kind, {"plan": plan, "oldest_overdue_on": since}


NOTHING: Said = ("nothing_due", {"month": "2026-10"})


@pytest.mark.parametrize(("said", "since"), [
    ([], None),
    ([made("a", OLD)], OLD),
    ([made("a", OLD), verdict("a", None)], None),
    ([made("a", OLD), verdict("a", OLD)], OLD),
    ([made("a", OLD), NOTHING], None),
    ([made("a", OLD), verdict("a", OLD), NOTHING], None),
    ([made("a", OLD), verdict("a", OLD), NOTHING, made("b", NEW)], NEW),
    ([made("a", OLD), verdict("a", OLD), made("b", NEW), verdict("b", None)], None),
    ([made("a", OLD), verdict("a", OLD), made("b", NEW), verdict("a", OLD)], NEW),  # carried out once more
    ([made("a", OLD), verdict("a", OLD), NOTHING, verdict("a", OLD)], None),
    ([made("a", OLD), verdict("a", None), NOTHING, verdict("a", OLD, "unverified")], OLD),  # it was written back
    ([made("a", OLD), made("r", NEW, of_request=True), verdict("r", None)], OLD),
    ([NOTHING, made("r", OLD, of_request=True), verdict("r", OLD, "unverified")], None),
    ([verdict("a", OLD)], OLD)])
def test_the_newest_plan_or_verdict_tells(said: Sequence[Said], since: str | None) -> None:
    entries = [Entry(at, kind, body, datetime(2026, 11, 27, tzinfo=UTC), "", "")
               for at, (kind, body) in enumerate(said)]
    day = date.fromisoformat(since) if since else None
    assert oldest_overdue(entries, TODAY) == Oldest(day, (TODAY - day).days if day else 0)


def figure(world: World) -> date | None:
    return oldest_overdue(open_ledger(world.settings).entries(), TODAY + timedelta(days=60)).since


def kinds(world: World) -> list[str]:
    return [entry.kind for entry in open_ledger(world.settings).entries()]


def bought_lately(world: World) -> None:
    """Everybody who was due has bought something since, or logged in."""
    world.execute("UPDATE kunde SET opprettet = '2026-09-01', innlogget = '2026-10-01'")
    world.execute("UPDATE kontakt SET laget = '2026-09-01'")
    world.execute("UPDATE ordre SET bestilt = '2026-09-01', levert = '2026-09-05', betalt = '2026-09-05'")


def test_a_month_with_nothing_due_ends_the_figure_of_the_plan_before(keyed: Kept) -> None:
    """That plan was approved by nobody."""
    world = keyed.decided()
    since = world.plan()["oldest_due_on"]
    assert figure(world) == date.fromisoformat(str(since))
    bought_lately(world)
    world.decide("2026-11")
    again = world.plan()
    assert (again["plan"], again["rows"], figure(world)) == (None, 0, None)
    assert kinds(world) == ["plan_made", "superseded", "nothing_due"]
    world.plan()
    assert kinds(world).count("nothing_due") == 1  # there is nothing new to say
    assert open_ledger(world.settings).verify().faults == ()


def test_while_evidence_is_missing_who_waited_waits_on(keyed: Kept) -> None:
    world = keyed.decided()
    before = date.fromisoformat(str(world.plan()["oldest_due_on"]))
    world.execute("DELETE FROM linje")
    world.execute("DELETE FROM ordre")
    world.decide("2026-11")
    assert world.plan()["plan"] is None
    assert figure(world) == before
    assert "nothing_due" not in kinds(world)
