"""The outsider who holds two figures for one thing: a month issued twice, deliveries that are orders; and erasures."""

import pandas as pd
import pytest

from tests.outsider import stocks, versions
from tests.outsider.published import ALL, Published, Shape, Thresholds

LIMITS, MONTH = Thresholds(), pd.Timestamp("2024-02-01")
SALES = Shape("sales_monthly", "month", "ordered", ("postal_region", "customer_type"), ("orders",),
              {"orders": frozenset({"postal_region", "customer_type"})}, {"orders": "orders"}, frozenset(), frozenset())
DELIVERED = Shape("deliveries_monthly", "month", "delivered", ("postal_region",), ("orders",),
                  {"orders": frozenset({"postal_region"})}, {"orders": "orders"}, frozenset(), frozenset())
Cells = dict[tuple[str, ...], int | None]


def frame(shape: Shape, cells: Cells) -> pd.DataFrame:
    made = pd.DataFrame([dict(zip(shape.dimensions, key, strict=True)) for key in cells])
    return made.assign(month=MONTH, period="month", orders=pd.array(list(cells.values()), dtype="Int64"))


def release(cells: Cells, deliveries: Cells | None = None) -> Published:
    tables, shapes = {SALES.name: frame(SALES, cells)}, {SALES.name: SALES}
    if deliveries is not None:
        tables[DELIVERED.name], shapes[DELIVERED.name] = frame(DELIVERED, deliveries), DELIVERED
    return Published("made up", tables, shapes)


def regions(total: int, shown: int) -> Published:
    return release({(ALL, ALL): total, ("0", ALL): shown, ("3", ALL): None, ("5", ALL): None})


@pytest.mark.parametrize(("late", "of_them_shown", "found"), [
    (12, 11, ["+1 orders beside the shown parts along postal_region"]), (11, 11, []), (21, 11, []), (0, 0, []),
    (-12, -11, ["-1 orders beside the shown parts along postal_region"])])
def test_a_month_issued_twice_tells_who_is_left(late: int, of_them_shown: int, found: list[str]) -> None:
    again = regions(40 + late, 28 + of_them_shown)
    assert [f.learnt for f in versions.remainders(regions(40, 28), again, LIMITS)] == found


def test_deliveries_tell_the_orders_that_are_suppressed() -> None:
    """The three companies of region 0: 17 deliveries beside the 14 orders of its consumers."""
    cells: Cells = {
        (ALL, ALL): 68, (ALL, "consumer"): 40, (ALL, "business"): 28, ("0", ALL): None, ("0", "consumer"): 14,
        ("0", "business"): None, ("3", ALL): None, ("3", "consumer"): None, ("3", "business"): None, ("5", ALL): 23,
        ("5", "consumer"): 12, ("5", "business"): 11, ("7", ALL): 18, ("7", "consumer"): None, ("7", "business"): None}
    told = release(cells, {(ALL,): 68, ("0",): 17, ("3",): 10, ("5",): 23, ("7",): 18})
    found = {f.cell: f.learnt for f in versions.nearly_orders(told, LIMITS)}
    assert found["customer_type business, postal_region 0"] == "orders in 3.00 .. 3.00"
    mended = release(cells, {(ALL,): 68, ("0",): None, ("3",): None, ("5",): 23, ("7",): 18})
    assert not list(versions.nearly_orders(mended, LIMITS))
    others = release(cells, {(ALL,): 67, ("0",): 17, ("3",): 10, ("5",): 22, ("7",): 18})
    assert not list(versions.nearly_orders(others, LIMITS)), "nobody can take the one for the other"


def test_a_subscriber_who_was_erased_is_no_contradiction() -> None:
    """60, and nobody came or went, and 50: between the two the sum says nothing, and later months go on from there."""
    newsletter = pd.DataFrame({
        "month": pd.date_range("2024-01-01", periods=4, freq="MS"), "rounded_to": 10,
        "active": pd.array([60, 50, 50, 50], dtype="Int64"),
        **{flow: pd.array([0, 0, pd.NA, 0], dtype="Int64") for flow in stocks.FLOWS}})
    assert not list(stocks.attack(Published("erased", {stocks.TABLE: newsletter}), LIMITS))
    newsletter = newsletter.assign(rounded_to=0, active=pd.array([60, 50, 50, 46], dtype="Int64"))
    newsletter.loc[3, "unsubscribed"] = pd.NA
    assert "unsubscribed in 4.0 .. 4.0" in [
        f.learnt for f in stocks.attack(Published("erased", {stocks.TABLE: newsletter}), LIMITS)]
