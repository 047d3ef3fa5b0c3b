"""Rounded counts of several periods together: what a row for a quarter would tell of its months; none is published."""

import pandas as pd
import pytest

from tests.outsider import periods
from tests.outsider.published import ALL, Published, Shape, Thresholds

DIMENSIONS = ("product_category", "postal_region", "customer_type")
CELL = ("desks", "0", "consumer")
STARTS = pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"])


def shape(name: str, *measures: str) -> Shape:
    additive = {measure: frozenset({"postal_region", "customer_type"}) for measure in measures}
    return Shape(name, "month", "orders", DIMENSIONS, measures, additive,
                 {measure: measure for measure in measures}, frozenset(), frozenset())


def row(start: pd.Timestamp, length: str, cell: tuple[str, ...], **figures: int | None) -> dict[str, object]:
    return {"month": start, "period": length, **dict(zip(DIMENSIONS, cell, strict=True)), **figures}


def released(told: list[int], exact: list[dict[str, object]]) -> Published:
    """One cell in three months, and an exact table that lists its total, without a figure but for what is given."""
    counts = pd.DataFrame([row(start, "month", CELL, customers=count, rounded_to=10)
                           for start, count in zip(STARTS, told, strict=True)])
    listed = [row(start, "month", (ALL, ALL, ALL), customers=None, orders=None) for start in STARTS]
    sales = pd.DataFrame([*listed, *exact]).astype({"customers": "Int64", "orders": "Int64"})
    return Published("2024-03", {"sales_counts": counts, "sales_monthly": sales},
                     {"sales_monthly": shape("sales_monthly", "orders", "customers")},
                     rounded={"sales_counts": shape("sales_counts", "customers")})


@pytest.mark.parametrize(("length", "figures", "learnt"), [
    ("quarter", {"customers": 25, "orders": None}, "customers in 7.00 .. 9.00"),  # two others are 18 at most
    ("quarter", {"customers": 16, "orders": None}, None),  # 0 to 9, as before
    ("quarter", {"customers": None, "orders": 8}, "customers in 0.00 .. 8.00"),
    ("year", {"customers": 25, "orders": None}, None)])  # nine other months are not looked at
def test_a_row_of_a_quarter_tells_of_its_months(length: str, figures: dict[str, int | None],
                                                learnt: str | None) -> None:
    truth = {(str(start)[:10], CELL): 8 for start in STARTS}
    assert not list(periods.attack(released([0, 0, 0], []), Thresholds(), truth, 3))
    published = released([0, 0, 0], [row(STARTS[0], length, CELL, **figures)])
    assert {finding.learnt for finding in periods.attack(published, Thresholds(), truth, 3)} == {learnt} - {None}


def test_what_is_left_of_a_quarter_s_orders_is_the_third_month_s() -> None:
    truth = {(str(STARTS[2])[:10], CELL): 4}
    months = [row(start, "month", CELL, customers=None, orders=15) for start in STARTS[:2]]
    quarter = row(STARTS[0], "quarter", CELL, customers=None, orders=35)
    assert not list(periods.attack(released([10, 10, 10], months), Thresholds(), truth, 3))
    found, = periods.attack(released([10, 10, 10], [*months, quarter]), Thresholds(), truth, 3)
    assert (found.period, found.learnt) == ("2024-03-01", "customers in 1.00 .. 5.00")
