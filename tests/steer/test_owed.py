"""What is due in numbers: they add up to the tables, and an age changes on its day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.run.month import MonthRun, open_month
from ajprivacy_pipeline.settings import NOTICE, Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.whatif.owed import AGES, numbers, owed
from tests.steer.conftest import MONTH

TABLES = ("retention.attribute_decisions", "retention.record_decisions")
POLICY = load_policy(NOTICE)
AS_OF = date(2026, 11, 1)


@pytest.fixture(scope="module")
def run(settings: Settings) -> Iterator[MonthRun]:
    """The decided month, open."""
    with open_month(settings, MONTH, "r3") as opened:
        yield opened


@pytest.mark.parametrize("table", TABLES)
def test_numbers_are_those_of_the_table(run: MonthRun, table: str) -> None:
    """Counted plainly; what becomes due next month is what the forecast's next month has."""
    found = run.owed(table)
    tally = run.tally(table, "decision")

    assert {name: found[name] for name in tally} == tally
    assert found["due_next_month"] == run.figures(table)["becomes_due"]["2026-11"]
    plainly = run.con.execute(f"SELECT count(*) FILTER (due_on BETWEEN '2026-10-02' AND '2026-11-01'), "
                              f"DATE '2026-11-01' - min(due_on) FROM {table} WHERE decision = 'due'").fetchall()[0]
    assert (found["newly_due"], found["oldest_overdue_days"]) == plainly


def test_everything_due_stands_under_a_clause_and_an_age(run: MonthRun) -> None:
    """Nothing is counted twice; a purpose that ended stands for attributes alone."""
    found = run.owed("retention.due")
    due = run.rows("retention.due")

    assert found["due"] == due > 0
    assert sum(found["due_by_age"].values()) == sum(found["due_by_part"].values()) == due
    assert sum(rows for ages in found["due_by_clause"].values() for rows in ages.values()) == due
    assert found["due_by_clause"].keys() <= run.policy.clauses.keys()
    assert sum(found["due_by_purpose"].values()) >= run.owed(TABLES[0])["due"]
    assert found["due_by_purpose"].keys() <= {*run.policy.retention.purposes, "no_purpose"}
    assert run.owed("retention.freezes") == {}


def one_due(on: date | None) -> zones.Connection:
    """A month in which one delivery address is due."""
    con = zones.memory()
    con.execute("CREATE SCHEMA retention")
    con.execute("CREATE TABLE retention.due AS SELECT 'orders' AS entity, 'delivery' AS part, $on::DATE AS due_on",
                {"on": on})
    con.execute("CREATE TABLE retention.attribute_decisions (subject_no INTEGER, attribute VARCHAR, due_on DATE, "
                "decision VARCHAR)")
    con.execute("CREATE TABLE retention.purpose_status (subject_no INTEGER, purpose VARCHAR, lapses_on DATE)")
    return con


def test_what_is_due_since_an_unknown_day_is_counted() -> None:
    found = owed(one_due(None), POLICY, POLICY.enforcement.clauses, MONTH)
    assert (found["due"], found["oldest_overdue_days"]) == (1, 0)


@pytest.mark.parametrize(("days", "age"), [
    (0, 0), (30, 0), (31, 1), (364, 1), (365, 2), (1095, 2), (1096, 3), (1827, 3)])
def test_an_age_changes_on_its_day(days: int, age: int) -> None:
    """Before, on and after each boundary."""
    con = one_due(AS_OF - timedelta(days=days))
    found = owed(con, POLICY, POLICY.enforcement.clauses, MONTH)

    assert [name for name, rows in found["due_by_age"].items() if rows] == [AGES[age]]
    assert found["due_by_clause"] == {"CON-4": found["due_by_age"]}
    assert found["oldest_overdue_days"] == days
    assert numbers(con, "retention.due", MONTH) == {}
