"""Carrying out: exactly what is due changes, exactly as specified, and the month after finds it absent."""

from dataclasses import dataclass
from typing import Any

import pytest

from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.enforcement.shapes import ApplyResult, PlanSummary
from tests.enforcement.enforcement_world import (
    MONTH,
    ONE_QUICK,
    Cells,
    Decision,
    World,
    changed,
    empty_database,
    sample_shop,
)
from tests.enforcement.expected import expected


@dataclass(frozen=True)
class Seen:
    """A sample shop that was carried out once, with everything that was seen on the way."""

    world: World
    decisions: dict[tuple[str, str, str], Decision]
    before: Cells
    summary: PlanSummary
    plan: str
    result: ApplyResult
    after: Cells

    @property
    def changes(self) -> dict[tuple[str, str, str], Any]:
        """What every changed cell has become."""
        return {cell: now for cell, (_, now) in changed(self.before, self.after).items()}


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def carried(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp(request.param)
    url = empty_database(request.param, request, folder, "carried")
    sample_shop(url, 120, 5, folder)
    world = World(folder / "home", url)
    decisions = world.decide()
    before = world.cells()
    summary = world.plan()
    assert changed(before, world.cells()) == {}, "a plan changes nothing"
    plan = str(summary["plan"])
    approve(world.settings, plan, "Ada", release_brake=True)
    result = world.apply(plan)
    return Seen(world, decisions, before, summary, plan, result, world.cells())


def test_exactly_what_is_due_changes(carried: Seen) -> None:
    assert carried.changes == expected(carried.before, carried.decisions)
    assert {table: sorted(set(rows) - set(carried.before[table])) for table, rows in carried.after.items()
            if not set(rows) <= set(carried.before[table])} == {}


def test_the_plan_counts_what_happens(carried: Seen) -> None:
    due = [key for key, (decision, _) in carried.decisions.items() if decision == "due"]
    waiting = sum(row["rows"] for row in carried.summary["waiting"])
    result = carried.result
    assert carried.summary["rows"] == len(due) - waiting == result["planned"] == result["applied"]
    cells = [cell for cell in carried.changes if cell[2]]
    gone = [cell for cell in carried.changes if not cell[2]]
    covered = {"newsletter_subscriptions": ["email"], "app_logs": ["username", "ip_address", "message"]}
    in_rows = sum(carried.before[table][key][column] is not None for table, key, _ in gone for column in covered[table])
    assert carried.summary["cells"] == len(cells) + in_rows


@pytest.mark.parametrize("carried", ONE_QUICK, indirect=True)
def test_the_next_look_finds_it_absent_and_nobody_else_moved(carried: Seen) -> None:
    again = carried.world.decide(MONTH)
    for key, (decision, due_on) in carried.decisions.items():
        if decision == "due" and key in again:
            assert again[key] == ("absent", None), key
        elif decision != "due":
            assert again.get(key) == (decision, due_on), key
    assert set(again) <= set(carried.decisions)
    assert carried.world.plan()["rows"] == 0


@pytest.mark.parametrize("carried", ONE_QUICK, indirect=True)
def test_a_second_apply_changes_nothing(carried: Seen) -> None:
    second = carried.world.apply(carried.plan)
    assert (second["applied"], second["already"], second["verified"]) == (0, carried.result["applied"], True)
    assert changed(carried.after, carried.world.cells()) == {}
