"""Intervals of suppressed cells against a solver asked one cell at a time, and zeros that a table shows by silence."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array

from ajprivacy_pipeline.disclosure.cells.intervals import FeasibilityIntervals, determined, line_matrix, open_cells
from ajprivacy_pipeline.disclosure.cells.linear_programs import NO_SLACK, Programs
from ajprivacy_pipeline.disclosure.cells.measure_groups import Group, groups_of
from ajprivacy_pipeline.disclosure.cells.table_rows import Row, levels_in
from ajprivacy_pipeline.disclosure.cells.table_system import System, build_system, systems
from tests.anonymise.grids import AMOUNT, COUNT, POLICY, SHARE, K, grid, grids, limited_grids, true_interval


def is_narrow(system: System, cell: int) -> bool:
    """The guarantee's words: counts at least k wide, amounts at least ten percent to both sides."""
    down, up = true_interval(system, cell)
    if not system.group.is_amount:
        return down + up < K - 1e-4
    if all(map(system.is_suppressed, range(len(system.rows)))):
        return False  # nothing is shown, so that nothing is told
    side = abs(system.value(cell, "revenue_nok")) * SHARE
    return down < min(side, goes_down(system, cell)) - 1e-4 or up < side - 1e-4 or down + up < 1 - 1e-4


def goes_down(system: System, cell: int) -> float:
    """How far an amount can be less with everything suppressed: each of its cells that has one keeps one."""
    held = sum(system.value(one, "revenue_nok") >= 1 for one in finest(system, cell)) if system.whole else 0
    return system.value(cell, "revenue_nok") - held


def finest(system: System, cell: int) -> set[int]:
    """The finest cells that a cell is the sum of."""
    parts = next((parts for total, parts in system.lines if total == cell), ())
    return set[int]().union(*(finest(system, part) for part in parts)) if parts else {cell}


def too_narrow(system: System, measure: str) -> list[int]:
    """The cells that are found too narrow."""
    return open_cells(FeasibilityIntervals(POLICY, system, measure))


def _narrow_cells_are_those_that_a_solver_finds_one_at_a_time(system: System) -> None:
    asked = [i for i in range(len(system.rows)) if system.is_suppressed(i)]
    assert too_narrow(system, system.group.measures[0]) == [cell for cell in asked if is_narrow(system, cell)]


@settings(max_examples=30, deadline=None)
@given(grids() | limited_grids())
def test_narrow_cells_are_those_that_a_solver_finds_one_at_a_time(system: System) -> None:
    _narrow_cells_are_those_that_a_solver_finds_one_at_a_time(system)


@pytest.mark.soak
@settings(max_examples=150, deadline=None)
@given(grids() | limited_grids())
def test_narrow_cells_are_those_that_a_solver_finds_one_at_a_time_on_many(system: System) -> None:
    _narrow_cells_are_those_that_a_solver_finds_one_at_a_time(system)


@settings(max_examples=60, deadline=None)
@given(grids())
def test_what_follows_exactly_has_an_interval_of_a_point(system: System) -> None:
    asked = [i for i in range(len(system.rows)) if system.is_suppressed(i)]
    for cell in determined(system, asked):
        assert sum(true_interval(system, cell)) < 1e-4


def test_one_krone_beside_ten_millions_is_told_apart() -> None:
    system = grid(AMOUNT, [[1, 10_000_000], [10_000_000, 10_000_000]], {(0, 0), (0, 1), (1, 0), (1, 1)})
    assert too_narrow(system, "revenue_nok") == [1, 3, 4], "only one krone is hidden"


@st.composite
def beside_giants(draw: Any) -> tuple[list[list[int]], set[tuple[int, int]], set[tuple[int, int]]]:
    """A table of cells up to 100, a few places for far larger ones, and what is suppressed."""
    height, width = draw(st.integers(2, 4)), draw(st.integers(2, 4))
    values = draw(st.lists(st.lists(st.integers(0, 100), min_size=width, max_size=width),
                           min_size=height, max_size=height))
    inner, places = ([(i, j) for i in range(height + more) for j in range(width + more)] for more in (0, 1))
    giants = set(draw(st.lists(st.sampled_from(inner), min_size=1, max_size=4)))
    return values, giants, set(draw(st.lists(st.sampled_from(places), max_size=12))) | giants


@pytest.mark.soak
@settings(max_examples=150, deadline=None)
@given(beside_giants(), st.sampled_from([10**9, 8_900_000_000_000, 10**15]))
def test_a_giant_changes_nothing_that_a_large_cell_does_not(
    drawn: tuple[list[list[int]], set[tuple[int, int]], set[tuple[int, int]]], giant: int,
) -> None:
    """All small cells together are no tenth of 100,000: how much larger it is cannot make anything narrow or wide."""
    values, places, suppressed = drawn
    found = []
    for size in (100_000, giant):
        full = [[size if (i, j) in places else value for j, value in enumerate(row)] for i, row in enumerate(values)]
        found.append(too_narrow(grid(AMOUNT, full, suppressed), "revenue_nok"))
    assert found[0] == found[1]


def test_what_the_arithmetic_cannot_tell_from_its_errors_counts_for_nothing() -> None:
    """Two cells in one line, one of which cannot go down: a solution that misses the line by 0.01 says so much less."""
    programs = Programs(coo_array(np.array([[1.0, 1.0]])), np.array([0.0, -100.0]))
    assert programs._certain(np.array([5.0, -5.0]), NO_SLACK).tolist() == [5.0, -5.0]
    assert programs._certain(np.array([5.0, -4.99]), NO_SLACK).tolist() == pytest.approx([4.99, -4.98])
    assert programs._certain(np.array([-0.01, 0.01]), NO_SLACK).tolist() == [0.0, 0.0]


def test_a_solver_that_comes_to_nothing_begins_anew() -> None:
    """Three dimensions, one cell of billions: going on from the one before, every twentieth program ends in nothing."""
    dice, shape = np.random.default_rng(1155), (6, 7, 4)
    inner = np.round(dice.lognormal(13, 1.6, shape), 1)
    inner[0, 0, 0] = 3_072_050_043.8
    places = list(product(*(range(n + 1) for n in shape)))  # the last of each dimension is the total
    depth = {place: sum(x < n for x, n in zip(place, shape, strict=True)) for place in places}
    gone = {place: i for i, place in enumerate(p for p in places if dice.random() < (0, 0.05, 0.2, 0.6)[depth[p]])}
    lines = []
    for total, d in product(places, range(3)):
        if total[d] == shape[d]:
            parts = [(*total[:d], x, *total[d + 1:]) for x in range(shape[d])]
            lines.append([(place == total) - 1.0 * (place in parts) for place in gone])
    values = [float(inner[tuple(slice(None) if x == n else x for x, n in zip(p, shape, strict=True))].sum())
              for p in gone]
    programs = Programs(coo_array(np.array([line for line in lines if any(line)])), -np.array(values))
    for cell, value in enumerate(values):
        assert programs.furthest({cell: value * SHARE}) is not None


def test_a_move_down_stops_at_nothing() -> None:
    system = grid(COUNT, [[3, 40], [40, 40]], {(0, 0), (0, 1), (1, 0), (1, 1)})
    matrix = line_matrix(system, {0: 0, 1: 1, 3: 2, 4: 3})
    found = Programs(matrix, np.array([-3.0, -40.0, -40.0, -40.0])).furthest({0: -50.0})
    assert found is not None
    assert found.tolist() == pytest.approx([-3, 3, 3, -3])


def closed(kind: str | None, category: str | None, cases: float, *, gone: bool = False, opened: float = 0) -> Row:
    named = {"kind": kind, "product_category": category}
    key = tuple(sorted((d, v) for d, v in named.items() if v is not None))
    return Row("service_monthly", 0, key, len(key), 10, {"opened": opened or cases, "closed": cases},
               {"closed"} if gone else set(), False, frozenset({"closed"} if gone else ()))


CLOSED = Group("closed", ("closed",), whole=False, is_amount=False)


def test_a_part_is_no_more_than_its_total_where_parts_do_not_add_up() -> None:
    """Enquiries without a product are 27, so enquiries are at least that; with all others shown, they are just that."""
    rows = [closed(None, None, 61), closed("warranty", None, 34), closed("enquiry", None, 27, gone=True),
            closed("unknown", None, 0, gone=True), closed(None, "unknown", 27), closed("enquiry", "unknown", 27)]
    system = build_system(POLICY, CLOSED, 1, rows, {(row.table, frozenset(d for d, _ in row.key)) for row in rows})
    narrow = {system.rows[cell][0].key for cell in too_narrow(system, "closed")}
    assert (("kind", "enquiry"),) in narrow
    system.limits = []
    assert too_narrow(system, "closed") == [], "by sums alone each could be anything up to 27"


def test_a_total_is_no_more_than_its_parts_together() -> None:
    rows = [closed(None, None, 40), closed("warranty", None, 20, gone=True), closed("enquiry", None, 20, gone=True),
            closed("warranty", "desks", 12), closed("warranty", "chairs", 11), closed(None, "desks", 30),
            closed(None, "chairs", 30), closed("enquiry", "desks", 18), closed("enquiry", "chairs", 19)]
    system = build_system(POLICY, CLOSED, 1, rows, {(row.table, frozenset(d for d, _ in row.key)) for row in rows})
    assert len(too_narrow(system, "closed")) == 2, "12 to 23 warranties, 19 to 37 enquiries, 40 in all"


def test_nobody_counts_on_parts_where_a_listed_cell_has_none() -> None:
    """The warranty that was opened is in no category, so what was closed need not be in one either."""
    rows = [closed(None, None, 1, gone=True), closed("complaint", None, 1, gone=True),
            closed("warranty", None, 0, gone=True, opened=1), closed("complaint", "lifting", 1, gone=True),
            closed(None, "lifting", 1, gone=True)]
    levels = {(row.table, frozenset(d for d, _ in row.key)) for row in rows}
    assert too_narrow(build_system(POLICY, CLOSED, 1, rows, levels), "closed") == []
    rows.append(closed("warranty", "lifting", 0, gone=True, opened=1))
    assert too_narrow(build_system(POLICY, CLOSED, 1, rows, levels), "closed") == [], "nothing is shown"
    rows[3:5] = [closed("complaint", "lifting", 1), closed(None, "lifting", 1)]
    assert len(too_narrow(build_system(POLICY, CLOSED, 1, rows, levels), "closed")) > 0, "one of one"


def test_what_is_suppressed_only_to_hide_others_must_not_follow_exactly_and_no_more() -> None:
    """Two shares of 3 + 4 = 7: each may be anything up to 7. Protected that is too narrow, else it is enough."""
    system = grid(COUNT, [[3, 4], [50, 60]], {(0, 0), (0, 1), (1, 0), (1, 1)})
    assert len(open_cells(FeasibilityIntervals(POLICY, system, "orders"))) == 4
    system.rows = [[replace(row, primary=frozenset())] for (row,) in system.rows]
    assert open_cells(FeasibilityIntervals(POLICY, system, "orders")) == []
    alone = grid(COUNT, [[3, 4], [50, 60]], {(0, 0)})
    alone.rows = [[replace(row, primary=frozenset())] for (row,) in alone.rows]
    assert open_cells(FeasibilityIntervals(POLICY, alone, "orders")) == [0]


def test_a_measure_is_no_more_than_the_one_it_is_part_of() -> None:
    def delivered(region: str | None, orders: float, partial: float, *, gone: bool = False) -> Row:
        key = (("postal_region", region),) if region else ()
        return Row("deliveries_monthly", 0, key, len(key), 10, {"orders": orders, "partial_orders": partial},
                   {"partial_orders"} if gone else set(), False, frozenset({"partial_orders"} if gone else ()))

    rows = [delivered(None, 60, 30), delivered("1", 22, 15, gone=True), delivered("2", 38, 15, gone=True)]
    group = Group("partial_orders", ("partial_orders",), whole=False, is_amount=False)
    system = build_system(POLICY, group, 1, rows, {(row.table, frozenset(d for d, _ in row.key)) for row in rows})
    assert too_narrow(system, "partial_orders") == [], "up to 22"
    rows[1].values["orders"] = 17.0
    rows[0] = delivered(None, 55, 30)
    assert rows[2].values["orders"] == 38
    system = build_system(POLICY, group, 1, rows, {(row.table, frozenset(d for d, _ in row.key)) for row in rows})
    system.limits = [(terms, min(slack, 2.0)) for terms, slack in system.limits]
    assert len(too_narrow(system, "partial_orders")) == 2, "neither rises by more than 2"


def test_people_who_add_up_over_nothing_are_hidden_from_their_total_and_what_is_shown_beside_them() -> None:
    """Of 18 visitors behind 13 and 12 events, 6 are at a desk at least and 13 at most; of a hidden number, anything."""
    def seen(device: str | None, events: float, visitors: float, *, gone: bool) -> Row:
        key = (("device_class", device), ("page_group", "campaign")) if device else (("page_group", "campaign"),)
        return Row("web_activity_monthly", 0, key, len(key), 10, {"events": events, "visitors": visitors},
                   {"visitors"} if gone else set(), False, frozenset({"visitors"} if gone and device else ()))

    group, = (g for g in groups_of(POLICY, "web_events") if g.name == "visitors")
    for total_gone, narrow in ((False, 2), (True, 0)):
        rows = [seen(None, 25, 18, gone=total_gone), seen("desktop", 13, 9, gone=True),
                seen("mobile", 12, 9, gone=True)]
        levels = {(row.table, frozenset(d for d, _ in row.key)) for row in rows}
        system = build_system(POLICY, group, 1, rows, levels)
        assert len(too_narrow(system, "visitors")) == narrow


def test_people_are_hidden_where_another_table_of_theirs_adds_up() -> None:
    """Customers of sales add up over types, those of products over nothing: both are looked at in one system."""
    def bought(product: str | None, orders: float, customers: float) -> Row:
        key = (("product_category", "A"), *((("product_id", product),) if product else ()))
        return Row("product_demand_monthly", 0, key, len(key), 10, {"orders": orders, "customers": customers},
                   {"customers"} if product else set(), False, frozenset({"customers"} if product else ()))

    group, = (g for g in groups_of(POLICY, "orders") if g.name == "customers")
    types = [Row("sales_monthly", 0, key, len(key), 10, {"orders": count, "customers": count}, set(), False)
             for key, count in (((), 60.0), ((("customer_type", "a"),), 35.0), ((("customer_type", "b"),), 25.0))]
    rows = [*types, bought(None, 25, 18), bought("1", 13, 9), bought("2", 12, 9)]
    system = build_system(POLICY, group, 1, rows, levels_in(rows))
    assert system.lines
    assert len(too_narrow(system, "customers")) == 2, "of 18 in 13 and 12 orders, 6 to 13 and 5 to 12"


def visits(device: str | None, events: float, visitors: float, gone: set[str], month: int = 1,
           page: str | None = "account") -> Row:
    """A row of visits; what is gone of a part is so for its own sake."""
    key = tuple((d, value) for d, value in (("device_class", device), ("page_group", page)) if value)
    return Row("web_activity_monthly", month, key, len(key), 10, {"events": events, "visitors": visitors}, gone,
               len(gone) > 1, frozenset(gone if device else ()))


def test_events_that_are_left_are_the_most_that_other_visitors_were() -> None:
    """20 visitors, 13 of 29 events on mobiles: the others were 16 at most, so 4 to 13 were on mobiles."""
    group, = (g for g in groups_of(POLICY, "web_events") if g.name == "visitors")
    for left, narrow in ((29, 1), (31, 0)):
        rows = [visits(None, left, 20, set()), visits("mobile", 13, 8, {"visitors"}),
                visits("desktop", left - 15, 10, {"events", "visitors"}),
                visits("tablet", 2, 2, {"events", "visitors"})]
        assert len(too_narrow(build_system(POLICY, group, 1, rows, levels_in(rows)), "visitors")) == narrow


def test_a_month_that_lists_no_finer_level_says_of_each_total_that_its_parts_cover_it() -> None:
    """What another month lists is no part that is missing here."""
    finer = [visits(device, 20, 12, set(), page=page) for device in (None, "mobile") for page in (None, "account")]
    coarse = [visits(None, 25, 18, set(), 2, None), visits("desktop", 13, 9, {"visitors"}, 2, None),
              visits("mobile", 12, 9, {"visitors"}, 2, None), visits(None, 25, 18, set(), 2)]
    found = {(one.month, one.group.name): one for one in systems(POLICY, {"web_events": {1: finer, 2: coarse}})}
    assert len(too_narrow(found[2, "visitors"], "visitors")) == 2, "each is 5 or 6 to 12 or 13"


def sales(category: str | None, customer_type: str | None, orders: float, units: float, *, region: str | None = None,
          table: str = "sales_monthly") -> Row:
    named = {"product_category": category, "customer_type": customer_type, "postal_region": region}
    key = tuple(sorted((d, v) for d, v in named.items() if v is not None))
    values = {"orders": orders, "units": units, "revenue_nok": units}
    return Row(table, 0, key, len(key), 10, values, set(values), True, frozenset(values))


AMOUNTS = Group("amounts", ("units", "revenue_nok"), whole=False, is_amount=True)


def test_a_total_that_is_its_own_part_says_nothing_there() -> None:
    """All that was sold is desks to consumers, whatever a company returned: the total is one of its own parts."""
    rows = [sales(None, None, 9, 5), sales("desks", None, 4, 5), sales(None, "consumer", 4, 5),
            sales(None, "company", 5, 0), sales("desks", "consumer", 4, 5), sales(None, None, 4, 3, region="1"),
            sales(None, None, 5, 2, region="2")]
    levels = {(row.table, frozenset(d for d, _ in row.key)) for row in rows}
    system = build_system(POLICY, AMOUNTS, 1, rows, levels)
    assert any(total in parts for total, parts in system.lines)
    matrix = line_matrix(system, {cell: cell for cell in range(len(system.rows))})
    matrix.sum_duplicates()
    assert np.all(matrix.data != 0)
    assert too_narrow(system, "units") == []


def zeros(rows: list[Row], elsewhere: list[Row]) -> set[tuple[tuple[str, str], ...]]:
    """Keys of the known zeros of a month, with the rows of another month beside it."""
    levels = {(row.table, frozenset(d for d, _ in row.key)) for row in (*rows, *elsewhere)}
    system = build_system(POLICY, AMOUNTS, 1, rows, levels)
    return {system.rows[zero][0].key for zero in system.zeros}


def test_a_total_without_parts_is_a_known_zero_where_its_table_has_that_level() -> None:
    rows = [sales(None, None, 9, 5), sales(None, "consumer", 4, 5), sales(None, "company", 5, 0),
            sales("desks", "consumer", 4, 3), sales("chairs", "consumer", 4, 2), sales("desks", None, 4, 3),
            sales("chairs", None, 4, 2)]
    assert zeros(rows, rows) == {(("customer_type", "company"),)}, "its orders have no live line"


def test_a_total_of_nothing_with_parts_is_suppressed_like_any_other() -> None:
    rows = [sales(None, None, 9, 5), sales(None, "consumer", 4, 5), sales(None, "company", 5, 0),
            sales("desks", "company", 4, 0), sales("chairs", "company", 4, 0), sales("desks", "consumer", 4, 5),
            sales("chairs", "consumer", 1, 0), sales("desks", None, 4, 5), sales("chairs", None, 4, 0)]
    assert zeros(rows, rows) == set()


def test_a_level_that_no_month_has_shows_nothing() -> None:
    rows = [sales(None, None, 9, 5), sales(None, "consumer", 4, 5), sales(None, "company", 5, 0)]
    assert zeros(rows, rows) == set()
    assert zeros(rows, [sales("desks", "consumer", 4, 3)]) == {(("customer_type", "company"),)}


def test_a_cell_that_another_table_leaves_out_is_a_known_zero() -> None:
    """Only returns of a category in a month: the sales table lists no such category."""
    demand = [sales("desks", None, 4, 5, table="product_demand_monthly"),
              sales("outdoor", None, 1, 0, table="product_demand_monthly"),
              sales(None, None, 5, 5, table="product_demand_monthly")]
    rows = [*demand, sales("desks", None, 4, 5), sales(None, None, 4, 5)]
    assert zeros(rows, rows) == {(("product_category", "outdoor"),)}


def of_types(measure: str, values: list[float], *, listed: bool = True, orders: float | None = None) -> System:
    """A region's total, and the few of each type behind it, whose rows are listed without a figure.

    With `orders` the last type's row shows so many, and its customers: it is suppressed only to hide the others.
    """
    rows, kinds = [], "abcdefghij"[:len(values)]
    for kind, value in (("", sum(values)), *zip(kinds, values, strict=True)):
        key = (("customer_type", kind), ("postal_region", "5")) if kind else (("postal_region", "5"),)
        figures = dict.fromkeys(("orders", "customers", "units", "revenue_nok"), value)
        shows = kind == kinds[-1] and orders is not None
        hidden = set(figures) - ({"orders", "customers"} if shows else set()) if kind else set[str]()
        rows.append(Row("sales_monthly", 0, key, len(key), 5 if kind else 50, figures | {"orders": orders or value},
                        hidden, bool(kind) and not shows, frozenset(() if shows else hidden), listed=listed))
    group = AMOUNTS if measure in AMOUNTS.measures else Group(measure, (measure,), whole=False, is_amount=False)
    return build_system(POLICY, group, 1, rows, {(row.table, frozenset(d for d, _ in row.key)) for row in rows})


@pytest.mark.parametrize("measure", ["orders", "customers"])
@pytest.mark.parametrize(("values", "narrow"), [
    ([3, 7], 2), ([4, 7], 2), ([5, 7], 0),  # 1 to 9, 1 to 10, 1 to 11: k wide
    ([1] * 10, 10), ([1] * 9 + [10], 10), ([1] * 9 + [11], 0)])  # ten rows of ten are one each
def test_a_listed_row_is_somebody_s_so_that_two_of_ten_leave_nine(measure: str, values: list[float],
                                                                  narrow: int) -> None:
    assert len(too_narrow(of_types(measure, values), measure)) == narrow
    assert (len(too_narrow(of_types(measure, values, listed=False), measure)) > 0) is (sum(values) < K)


@pytest.mark.parametrize(("values", "narrow"), [([1, 1, 1], 3), ([2, 9], 2), ([2, 10], 0), ([2, 11], 1)])
def test_units_of_listed_rows_are_one_or_more(values: list[float], narrow: int) -> None:
    """Two units could be ten or eleven: orders hold a unit each, so that k of them are possible from eleven on.

    Three units of three rows are one each, and ten could be eleven, where eleven would have to be 12.1.
    """
    assert len(too_narrow(of_types("units", values), "units")) == narrow


@pytest.mark.parametrize(("orders", "narrow"), [(41, 1), (40, 0)])
def test_units_are_no_fewer_than_the_orders_beside_them(orders: float, narrow: int) -> None:
    """One unit beside fifty that 41 orders show: it could be ten; of 40 orders, eleven."""
    assert len(too_narrow(of_types("units", [1, 50], orders=orders), "units")) == narrow


def test_nobody_counts_on_one_where_there_is_none() -> None:
    """Two gave all back: their row is listed and holds nothing, so that nobody knows of one in any."""
    assert too_narrow(of_types("units", [0, 7, 7]), "units") == []
    assert of_types("units", [0, 7, 7]).room("units").tolist() == [0, 6, 6, 0]


def test_a_total_is_no_less_than_its_listed_parts_make_it() -> None:
    """Two units of two rows: the total cannot be one, whatever is suppressed; it need not go where it cannot."""
    system = of_types("units", [1, 1])
    assert system.room("units").tolist() == [0, 0, 0]
    system.gone = [True] * 3
    assert too_narrow(system, "units") == []
