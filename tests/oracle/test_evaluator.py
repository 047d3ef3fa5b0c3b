"""The reference evaluator against the hand-made cases, and what must hold in every shop."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .casekit import IDENTITY, Case, consumer, line, order, problems
from .cases import CASES
from .contract import COLUMNS, ENUMS
from .evaluator import evaluate
from .freezes import SCOPES
from .load import ColumnError
from .model import Options, Shop
from .shops import months, options, random_shop, shops


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case) -> None:
    """Every hand-made case comes out as computed by hand."""
    assert problems(evaluate(case.shop, case.month, options=case.options), case) == []


def test_case_names_are_unique() -> None:
    """A name finds its case."""
    assert len({case.name for case in CASES}) == len(CASES)


def consistent(shop: Shop, month: str, chosen: Options) -> None:
    """What holds in every result, whatever the shop."""
    result = evaluate(shop, month, options=chosen)
    for table, keys in IDENTITY.items():
        found = [tuple(row[key] for key in keys) for row in result[table]]
        assert len(found) == len(set(found)), table
    for row in result["attribute_decisions"] + result["record_decisions"]:
        as_of, due_on, decision = row["as_of"], row["due_on"], row["decision"]
        assert bool(row["retained_by"]) == (decision == "retain")
        assert bool(row["held_by"]) == (decision == "hold")
        if decision == "absent":
            assert due_on is None
        elif decision == "retain":
            assert due_on is None or due_on > as_of  # type: ignore[operator]
        else:
            assert due_on is not None
            assert due_on <= as_of  # type: ignore[operator]
        if chosen.evidence_missing:
            assert decision != "due"
    for row in result["bulk_decisions"]:
        assert row["oldest"] <= row["as_of"]  # type: ignore[operator]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_shop_is_decided_consistently(data: st.DataObject) -> None:
    """Every row has the columns that its decision calls for."""
    month = data.draw(months())
    consistent(data.draw(shops(month)), month, data.draw(options(month)))


def test_many_random_shops_are_decided_consistently() -> None:
    """The same, for many shops from seeds."""
    for seed in range(300):
        shop, chosen = random_shop(seed)
        consistent(shop, "2026-10", chosen)


def test_a_month_later_nothing_comes_back() -> None:
    """What is due in a month of which all facts were known then stays due on the same date later."""
    for seed in range(150):
        shop, _ = random_shop(seed, "2024-02", faults=False)
        due = {}
        for month in ("2029-09", "2029-10"):
            rows = evaluate(shop, month)["record_decisions"]
            due[month] = {
                (row["entity"], row["record_id"], row["part"]): row["due_on"] for row in rows
                if row["decision"] == "due"
            }
        assert due["2029-09"].items() <= due["2029-10"].items()


@pytest.mark.parametrize(("bad", "faults", "good", "blank", "stops"), [
    ("soon", 10, 10, 0, False), ("soon", 11, 10, 0, True), ("soon", 19, 0, 5, False), ("soon", 20, 0, 0, True),
    ("1970-01-01", 11, 9, 0, True), ("1979-12-31", 11, 9, 0, True), ("2019-01-01", 20, 0, 0, False),
])
def test_a_column_that_does_not_fit_stops_the_run(bad: str, faults: int, good: int, blank: int, stops: bool) -> None:
    """Over half of 20 values or more; an end before its beginning is read well enough."""
    days = [bad] * faults + ["2020-05-05"] * good + [""] * blank
    shop: Shop = {"customers": [consumer()], "orders": [
        order("2020-05-05", str(number), completed_at=day) for number, day in enumerate(days)]}
    if stops:
        with pytest.raises(ColumnError, match=f"^orders.completed_at: {faults} of {faults + good} values"):
            evaluate(shop, "2026-10")
    else:
        assert len(evaluate(shop, "2026-10")["record_decisions"]) == 2 * len(days)


@pytest.mark.parametrize(("paid", "chosen", "fault"), [
    ("2020-01-01", Options(), None), ("2020-01-01", Options(sentinel_dates=(date(2020, 1, 1),)), "sentinel"),
    ("1970-01-01", Options(sentinel_dates=()), "implausible_date"),
    ("2019-12-30", Options(end_before_beginning_days=1), "end_before_beginning"),
    ("2019-12-31", Options(end_before_beginning_days=1), None),
])
def test_sentinels_and_days_are_policy(paid: str, chosen: Options, fault: str | None) -> None:
    """Other sentinels, none, and another number of days."""
    shop: Shop = {"customers": [consumer()], "orders": [order("2020-01-01", paid_at=paid, total_amount="0")]}
    shop["orders"][0]["ordered_at"] = shop["orders"][0]["delivered_at"] = "2020-01-01T12:00:00"
    if chosen.sentinel_dates == (date(2020, 1, 1),):
        shop["orders"][0] |= {"ordered_at": "2020-01-02", "delivered_at": "2020-01-02"}
    assert [row["fault"] for row in evaluate(shop, "2026-10", options=chosen)["quality"]] == ([fault] if fault else [])


def test_a_person_with_many_orders() -> None:
    """10,000 orders of one person are decided in a reasonable time."""
    shop: Shop = {
        "customers": [consumer()],
        "orders": [order("2020-01-01", str(number)) for number in range(10_000)],
        "order_lines": [line(1, str(number)) for number in range(10_000)],
    }
    assert len(evaluate(shop, "2026-10")["record_decisions"]) == 20_000


def test_the_random_shops_meet_everything() -> None:
    """Every freeze, kind of request, decision of each part, reason of a click, and optional tables that are absent."""
    freezes, requests, decided, absent, bulk, reviewed = set(), set(), set(), set(), set(), set()
    for seed in range(480):
        shop, chosen = random_shop(seed)
        found = evaluate(shop, "2026-10", options=chosen)
        freezes |= {row["freeze"] for row in found["freezes"]}
        requests |= {str(row["kind"]) for row in shop.get("rights_requests", [])}
        decided |= {(row["entity"], row["part"], row["decision"]) for row in found["record_decisions"]}
        decided |= {("people", row["attribute"], row["decision"]) for row in found["attribute_decisions"]}
        absent |= COLUMNS.keys() - shop.keys()
        bulk |= {row["reason"] for row in found["bulk_decisions"]}
        reviewed |= {row["reason"] for row in found["review_list"]}

    assert freezes == SCOPES.keys()
    assert requests >= set(ENUMS["rights_requests", "kind"])
    assert absent == COLUMNS.keys() - {"customers", "orders", "order_lines"}
    assert bulk == {"no_consent", "cookie_period", "consent_withdrawn", "individualisation_ended", "log_period", "held"}
    assert reviewed == {"open_balance_review", "no_evidence", "ambiguous_request", "unmatched_request",
                        "until_further_notice", "blocker_24_months", "open_case_24_months",
                        "misplaced_attribute", "expiring_hold"}
    parts = {(entity, part) for entity, part, _ in decided}
    assert decided == {(*part, decision) for part in parts for decision in ("due", "hold", "retain", "absent")}
