"""Carrying out: exactly what is due changes, exactly as specified, and the month after finds it absent."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.sample import generate
from tests.enforcement.enforcement_world import MONTH, World, changed
from tests.enforcement.expected import expected


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """A sample shop that was carried out once, with everything that was seen on the way."""
    folder = tmp_path_factory.mktemp("carried")
    url = f"sqlite:///{folder / 'shop.db'}"
    generate(url, 250, 5, __import__("datetime").date(2026, 10, 31))
    world = World(folder / "home", url)
    decisions = world.decide()
    before = world.cells()
    summary = world.plan()
    assert changed(before, world.cells()) == {}
    plan = world.approved()
    result = world.apply(plan)
    after = world.cells()
    return {"world": world, "decisions": decisions, "before": before, "summary": summary, "result": result,
            "after": after, "plan": plan}


def test_exactly_what_is_due_changes(carried) -> None:
    seen = {cell: now for cell, (_, now) in changed(carried["before"], carried["after"]).items()}
    wanted = expected(carried["before"], carried["decisions"])
    assert seen == wanted
    assert {table: set(rows) - set(carried["before"][table]) for table, rows in carried["after"].items()
            if set(rows) - set(carried["before"][table])} == {}


def test_the_plan_counts_what_happens(carried) -> None:
    due = [key for key, (decision, _) in carried["decisions"].items() if decision == "due"]
    waiting = sum(row["rows"] for row in carried["summary"]["waiting"])
    assert carried["summary"]["rows"] == len(due) - waiting == carried["result"]["planned"]
    result = carried["result"]
    assert result["planned"] == result["applied"] + sum(row["rows"] for row in result["dropped"]) + result["already"] + (
        result["not_carried_out"])
    cells = {cell for cell in changed(carried["before"], carried["after"]) if cell[2]}
    gone = [cell for cell in changed(carried["before"], carried["after"]) if not cell[2]]
    per_row = {"newsletter_subscriptions": ["email"], "app_logs": ["username", "ip_address", "message"]}
    in_rows = sum(carried["before"][table][key][column] is not None for table, key, _ in gone for column in per_row[table])
    assert carried["summary"]["cells"] == len(cells) + in_rows


def test_the_next_look_finds_it_absent_and_nobody_else_moved(carried) -> None:
    world = carried["world"]
    again = world.decide(MONTH)
    for key, (decision, due_on) in carried["decisions"].items():
        if decision == "due" and key in again and not key[0] == "newsletter_subscriptions":
            assert again[key] == ("absent", None), key
        elif decision != "due":
            assert again.get(key) == (decision, due_on), key
    assert set(again) <= set(carried["decisions"])
    assert world.plan()["rows"] == 0
    second = world.apply(carried["plan"])
    assert (second["applied"], second["already"]) == (0, carried["result"]["applied"])
    assert changed(carried["after"], world.cells()) == {}
