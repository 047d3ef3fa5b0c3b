"""The aggregates that Dagster shows of a month's decisions: they add up to the tables, and name nobody."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ajprivacy_pipeline.assets import build

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.run.month import MonthRun, open_month
from ajprivacy_pipeline.settings import NOTICE, Settings
from tests.steer.conftest import MONTH

POLICY = load_policy(NOTICE)
TABLES = ("retention.attribute_decisions", "retention.record_decisions")


@pytest.fixture(scope="module")
def run(settings: Settings) -> Iterator[MonthRun]:
    """The decided month, open."""
    with open_month(settings, MONTH, "r2") as opened:
        yield opened


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest) -> str:
    """Both tables of decisions about people's data."""
    return str(request.param)


def counted(run: MonthRun, query: str) -> dict[Any, Any]:
    """Pairs of a query as a dictionary."""
    return dict(run.con.execute(query).fetchall())


def test_every_row_stands_under_its_part_and_decision(run: MonthRun, table: str) -> None:
    """Nothing is left out, nothing counted twice."""
    found = run.figures(table)["decisions"]
    per_decision: dict[str, int] = {}
    for counts in found.values():
        for decision, rows in counts.items():
            per_decision[decision] = per_decision.get(decision, 0) + rows

    assert per_decision == run.tally(table, "decision")
    assert ("name" in found) if table == TABLES[0] else ("orders.delivery" in found)


def test_every_ground_and_clause_says_how_many_it_keeps(run: MonthRun, table: str) -> None:
    """As a query that unnests every row has it; a clause counts a row once, however many of its grounds keep it."""
    found = run.figures(table)
    for decision, grounds in (("retain", "retained_by"), ("hold", "held_by")):
        plainly = counted(run, f"SELECT ground, count(*) FROM {table}, unnest({grounds}) AS u(ground) GROUP BY ALL")
        assert {name: counts[decision] for name, counts in found["kept_by"].items() if decision in counts} == plainly
    bookkeeping = counted(run, f"SELECT decision, count(*) FROM {table} "
                               "WHERE list_contains(retained_by, 'bookkeeping') GROUP BY ALL")
    assert found["clauses"]["LEG-1"] == bookkeeping
    assert found["clauses"].keys() <= run.policy.clauses.keys()


def test_the_next_twelve_months_say_what_becomes_due(run: MonthRun, table: str) -> None:
    """A day is met by the run of the month before it: the first of December by November's."""
    found = run.figures(table)["becomes_due"]
    november = counted(run, "SELECT 1, count(*) FILTER (decision = 'retain' AND due_on BETWEEN '2026-11-02' "
                            f"AND '2026-12-01') FROM {table}")

    assert (min(found), max(found), len(found)) == ("2026-11", "2027-10", 12)
    assert found["2026-11"] == november[1]
    assert sum(found.values()) > 0


def test_other_tables_have_none(run: MonthRun) -> None:
    assert run.figures("retention.freezes") == {}


def test_dagster_shows_them_with_the_asset_and_no_person(run: MonthRun, table: str) -> None:
    """Numbers under names of the policy alone: no id, no text that could be somebody's."""
    metadata = build.model_table(catalogue_of(POLICY)[table], POLICY.sources).make(run, table, time.monotonic())
    shown = {name: metadata[name] for name in ("decisions", "kept_by", "clauses", "becomes_due")}
    words = set(re.findall(r'"([^"]*)"', json.dumps(shown)))
    policy = run.policy.retention
    known = {*policy.attributes, *policy.purposes, *policy.freezes, *run.policy.clauses, "due", "hold", "retain",
             "absent", *shown, *shown["becomes_due"]}
    parts = {f"{entity}.{part}" for entity, part in run.con.execute(
        "SELECT DISTINCT entity, part FROM retention.record_decisions").fetchall()}
    reasons = {"open_case", "open_request", "undelivered", "unpaid", "warranty_unknown", "not_yet", "newsletter",
               "limitation_period", "correspondence_period", "until_further_notice"}

    assert shown == run.figures(table)
    assert words <= known | parts | reasons
    assert metadata["dagster/row_count"] == sum(run.tally(table, "decision").values())
