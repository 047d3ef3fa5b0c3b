"""The seven answers say what the figures say, on either side of each turn."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from ajprivacy_pipeline.monthly.answers import LOOK_AT, Failed, answers

QUIET: dict[str, Any] = {
    "month": "2026-10", "seen_on": date(2026, 11, 28), "policy_version": "7cc354665ed2cce1", "overdue_days": 0,
    "overdue_since": None, "carried_out": 0,
    "decided": [{"entity": "orders", "part": "link", "clause": "CON-4", "due": 0, "hold": 1, "retain": 2}],
    "releases": [{"month": "2026-10", "proven": True, "published_on": date(2026, 11, 2)}],
    "standing": {"month": "2026-10", "whole": True, "verdicts": {"G1": "passed", "G2": "not checked"}, "visible": []},
    "forecast": {"months": []}, "plan": {"state": None, "rows": 0}, "reviews_undecided": {}, "requests": [],
    "policies": []}
FAILED: Failed = {"check": "values_fit", "of": "staged/orders", "says": "1 fault(s)", "to_do": "mend it"}


def _said(question: str, failed: tuple[Failed, ...] = (), **changed: Any) -> str:
    found = {one["question"]: one["answer"] for one in answers({**QUIET, **changed}, failed)}  # type: ignore[typeddict-item]
    assert list(found) == list(LOOK_AT)
    return next(answer for asked, answer in found.items() if question in asked)


def test_a_quiet_month() -> None:
    assert _said("last month run") == "yes, 2026-10, seen on 28 November 2026"
    assert _said("overdue") == "nobody: nothing is due"
    assert _said("proven") == "yes, 2026-10: 1 guarantees passed"
    assert _said("next month") == "nothing becomes due"
    assert (_said("check failed"), _said("waits")) == ("none", "nothing")


@pytest.mark.parametrize(("seen_on", "last"), [
    (date(2026, 10, 31), "2026-09"), (date(2026, 12, 1), "2026-11")])
def test_a_page_of_another_month_does_not_say_that_the_last_one_ran(seen_on: date, last: str) -> None:
    assert _said("last month run", seen_on=seen_on) == (
        f"this is the page of 2026-10; whether {last}, the last full month, ran stands in control/months")
    assert _said("last month run", seen_on=date(2026, 11, 30)).startswith("yes, 2026-10")


def test_what_is_due_is_told_with_its_promise_and_nothing_of_what_is_not() -> None:
    parts = [{"entity": "orders", "part": part, "clause": "CON-4", "due": due, "hold": 0, "retain": 0}
             for part, due in (("link", 1_200), ("delivery", 0), ("billing", 1_500))]
    assert _said("overdue", decided=parts, overdue_days=1_000) == (
        "2,700 decisions are due, the oldest for 1,000 days; most: 1,500 of orders.billing (CON-4), "
        "1,200 of orders.link (CON-4)")


@pytest.mark.parametrize(("since", "told"), [
    (None, "nobody: 1,200 of 1,201 decisions are carried out"),
    (date(2026, 10, 2), "1,200 of 1,201 decisions are carried out; of the rest, the oldest for 57 days")])
def test_what_is_carried_out_is_not_called_due(since: date | None, told: str) -> None:
    parts = [{"entity": "orders", "part": "link", "clause": "CON-4", "due": 1_201, "hold": 0, "retain": 0}]
    assert _said("overdue", decided=parts, carried_out=1_200, overdue_since=since, overdue_days=57) == told


@pytest.mark.parametrize(("changed", "answer"), [
    ({"standing": None}, "there is none yet"),
    ({"releases": [{"month": "2026-10", "proven": False}]}, "no, 2026-10: 1 guarantees passed"),
    ({"standing": {"month": "2026-10", "whole": False, "verdicts": {}, "visible": []}},
     "no: files of 2026-10 are not what was published (ajprivacy releases verify)")])
def test_a_release_that_is_not_proven_is_never_called_so(changed: dict[str, Any], answer: str) -> None:
    assert _said("proven", **changed) == answer


@pytest.mark.parametrize(("state", "rows", "waits"), [
    ("made", 1, True), ("made", 0, False), ("first_approval", 1, True), ("approved", 1, False), ("verified", 1, False)])
def test_a_plan_waits_until_it_is_approved(state: str, rows: int, *, waits: bool) -> None:
    assert ("waits for approval" in _said("waits", plan={"state": state, "rows": rows})) is waits


def test_checks_are_named_up_to_three() -> None:
    assert _said("check failed", (FAILED,) * 3) == (
        "3: values_fit of staged/orders, values_fit of staged/orders, values_fit of staged/orders; "
        "below stands what to do")
    assert ", ...; below stands" in _said("check failed", (FAILED,) * 4)


@pytest.mark.parametrize(("changes", "told"), [
    (None, "the first one"), ([], "0 key(s) changed"), ([{}, {}], "2 key(s) changed")])
def test_the_policy_that_decided_is_told_with_its_day_and_what_it_changed(changes: list[Any] | None, told: str) -> None:
    """By whom stands on the page alone: a name of somebody who works here must not stand in Dagster's history."""
    stored = {"version": "7cc354665ed2cce1", "stored_at": datetime(2026, 11, 2, tzinfo=UTC), "stored_by": "Kari",
              "months": [], "changes": changes}
    assert _said("policy", policies=[{**stored, "version": "another"}, stored]) == (
        f"policy 7cc354665ed2cce1, stored on 02 November 2026, {told}; the page of the month names who changed what")
    assert "stored on" not in _said("policy", policies=[{**stored, "version": "another"}])
