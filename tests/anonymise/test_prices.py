"""Sums of units and of revenue with a price list, against worlds counted one by one."""

from collections import Counter
from itertools import product as combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ajprivacy_pipeline.disclosure.cells.measure_groups import Group
from ajprivacy_pipeline.disclosure.cells.price_programs import Hidden, LinePrograms, exchanges
from ajprivacy_pipeline.disclosure.cells.prices import PriceList, close_price_gaps, price_faults
from ajprivacy_pipeline.disclosure.cells.secondary import close_gaps, suppress_unknown
from ajprivacy_pipeline.disclosure.cells.table_rows import Row
from ajprivacy_pipeline.disclosure.cells.table_system import System, build_system
from tests.anonymise.grids import POLICY

AMOUNTS = Group("amounts", ("units", "revenue_nok"), whole=False, is_amount=True)
PRICED = POLICY.release.tables["product_demand_monthly"].priced
BAND = POLICY.release.thresholds.price_band / 100


def sold(units: float, price: float) -> Hidden:
    return Hidden(units, units * price, price)


def shop(products: dict[str, tuple[int, float, bool]], others: int = 500) -> System:
    """A month of one category: units, price, and whether the product's row is suppressed for its own sake."""
    assert PRICED is not None

    def row(named: dict[str, str], units: float, revenue: float, gone: bool) -> Row:
        values = {"units": units, "revenue_nok": revenue}
        marks = set(values) if gone else set()
        return Row("product_demand_monthly", 0, tuple(sorted(named.items())), len(named), 5 if gone else 50, values,
                   marks, gone, frozenset(marks))

    rows = [row({"product_category": "desks", "product_id": name}, units, units * price, gone)
            for name, (units, price, gone) in products.items()]
    units, revenue = (sum(r.values[m] for r in rows) for m in ("units", "revenue_nok"))
    rows += [row({"product_category": "desks"}, units, revenue, False),
             row({"product_category": "chairs"}, others, others * 100.0, False),
             row({}, units + others, revenue + others * 100.0, False)]
    return build_system(POLICY, AMOUNTS, 1, rows, {(r.table, frozenset(d for d, _ in r.key)) for r in rows})


def prices(products: dict[str, tuple[int, float, bool]]) -> PriceList:
    assert PRICED is not None
    return PriceList("product_demand_monthly", PRICED, {(1, name): price for name, (_, price, _) in products.items()})


def narrow(products: dict[str, tuple[int, float, bool]]) -> int:
    return len(price_faults(POLICY, shop(products), prices(products)))


def test_two_products_follow_from_two_sums() -> None:
    """12 units and 6,600 kroner of products at 250 and 700 are 4 and 8: sums alone would hide both well enough."""
    assert narrow({"A": (50, 100.0, False), "B": (4, 250.0, True), "C": (8, 700.0, True)}) == 2


def test_a_third_product_leaves_a_few_worlds_and_a_fourth_enough() -> None:
    """With A in it 62 units and 11,600 kroner fit 4, 8, up to 32 of B; another of B's price can take B's place."""
    three = {"A": (50, 100.0, True), "B": (4, 250.0, True), "C": (8, 700.0, True)}
    programs = LinePrograms([sold(units, price) for units, price, _ in three.values()], BAND, whole=True)
    assert [programs.units(1, goal, up=True) for goal in (25, 28, 29)] == [28, 28, 0]
    assert programs.units(1, 1, up=False) == 0
    assert narrow({**three, "D": (9, 250.0, True)}) == 0


@pytest.mark.parametrize(("dear", "whole", "enough"), [(65.60, True, False), (65.61, True, True), (65.62, True, True),
                                                       (65.61, False, True), (5_908.345, False, True)])
def test_one_unit_at_a_price_known_to_the_band_is_hidden_by_the_bands_of_others(
        dear: float, *, whole: bool, enough: bool) -> None:
    """It cannot be fewer: what it cost is as uncertain as its price, where others can make up for that."""
    products = [Hidden(1.0, 65.61, None), Hidden(1.0, dear, None), sold(1, 20.0)]
    programs = LinePrograms(products, BAND, whole=whole)
    assert (programs.revenue(0, BAND * 65.61, up=False) >= BAND * 65.61 * (1 - 1e-6)) is enough


def test_what_is_told_takes_a_further_product_then_the_total() -> None:
    products = {"A": (50, 100.0, False), "B": (4, 250.0, True), "C": (8, 700.0, True)}
    system, known = shop(products), prices(products)
    assert close_price_gaps(POLICY, system, known, suppress_unknown) > 0
    assert len(price_faults(POLICY, system, known)) == 0
    gone = {dict(rows[0].key).get("product_id") for i, rows in enumerate(system.rows) if system.is_suppressed(i)}
    assert {"A", "B", "C"} <= gone


def test_the_only_product_of_a_category_is_judged_beside_the_products_of_other_suppressed_totals() -> None:
    """4 of lamps' one product and 8 of desks' one leave 12 units and 6,600 kroner of the month: the two follow."""
    assert PRICED is not None

    def row(named: dict[str, str], units: float, revenue: float, *, gone: bool = False) -> Row:
        values = {"units": units, "revenue_nok": revenue}
        marks = frozenset(values if gone else ())
        return Row("product_demand_monthly", 0, tuple(sorted(named.items())), len(named), 5 if gone else 50, values,
                   set(marks), gone, marks)

    rows = [row({}, 512, 56_600)]
    for category, products in {"lamps": [("B", 4, 250)], "desks": [("C", 8, 700)],
                               "chairs": [("A", 300, 100), ("D", 200, 100)]}.items():
        gone = category != "chairs"
        rows += [row({"product_category": category, "product_id": name}, units, units * price, gone=gone)
                 for name, units, price in products]
        rows.append(row({"product_category": category}, sum(n for _, n, _ in products),
                        sum(n * price for _, n, price in products), gone=gone))
    system = build_system(POLICY, AMOUNTS, 1, rows, {(r.table, frozenset(d for d, _ in r.key)) for r in rows})
    known = PriceList("product_demand_monthly", PRICED, {(1, n): p for n, p in (("A", 100.0), ("B", 250.0),
                                                                                 ("C", 700.0), ("D", 100.0))})
    assert len(price_faults(POLICY, system, known)) == 2
    assert close_price_gaps(POLICY, system, known, suppress_unknown) > 0
    assert len(price_faults(POLICY, system, known)) == 0


@pytest.mark.parametrize(("dear", "told"), [(700.0, 2), (250.0, 0), (None, 0), (0.0, 2), (1e-9, 2)])
def test_categories_of_one_price_follow_from_a_regions_two_sums(dear: float | None, told: int) -> None:
    """12 units and 6,600 kroner are left of region 1: with one price each they are 4 lamps and 8 desks."""
    assert PRICED is not None

    def row(units: float, revenue: float, *, gone: bool = False, **named: str) -> Row:
        values = {"units": units, "revenue_nok": revenue}
        marks = frozenset(values if gone else ())
        return Row("sales_monthly", 0, tuple(sorted(named.items())), len(named), 5 if gone else 50, values, set(marks),
                   gone, marks)

    sold_in = {"lamps": (4, 250.0), "desks": (8, 700.0 if dear is None else dear), "chairs": (300, 100.0)}
    rows = [row(units * more, units * price * more, gone=name != "chairs" and more < 100, product_category=name,
                **({} if more == 101 else {"postal_region": "1" if more == 1 else "2"}))
            for name, (units, price) in sold_in.items() for more in (1, 100, 101)]
    whole, money = (sum(values) for values in zip(*((n, n * price) for n, price in sold_in.values()), strict=True))
    rows += [row(whole * more, money * more, **({} if more == 101 else {"postal_region": "1" if more == 1 else "2"}))
             for more in (1, 100, 101)]
    for r in rows:  # what is hidden in region 1 is hidden in region 2, for its sake
        if dict(r.key).get("postal_region") == "2" and dict(r.key).get("product_category") in ("lamps", "desks"):
            r.suppressed, r.suppressed_measures = True, set(r.values)
    system = build_system(POLICY, AMOUNTS, 1, rows, {(r.table, frozenset(d for d, _ in r.key)) for r in rows})
    same = {frozenset({("product_category", name)}): price for name, (_, price) in sold_in.items()
            if name != "desks" or dear is not None}
    known = PriceList("product_demand_monthly", PRICED, {}, {}, {1: same})
    assert len(price_faults(POLICY, system, known)) == told
    close_gaps(POLICY, system, took := Counter(), known)
    assert (took["suppressed_for_prices"] > 0) == (dear == 700.0)  # what costs nothing is told by sums alone
    assert price_faults(POLICY, system, known) == []


def test_what_is_suppressed_only_to_hide_others_need_not_be_hidden_from_prices() -> None:
    products = {"A": (50, 100.0, False), "B": (4, 250.0, True), "C": (8, 700.0, True)}
    system = shop(products)
    for rows in system.rows:
        for row in rows:
            row.primary = frozenset()
    assert len(price_faults(POLICY, system, prices(products))) == 0


def test_a_price_known_to_the_band_hides_more_than_one_known_exactly() -> None:
    exact = LinePrograms([sold(4, 250.0), sold(8, 700.0)], BAND, whole=False)
    band = LinePrograms([Hidden(4, 1_000.0, None), Hidden(8, 5_600.0, None)], BAND, whole=False)
    assert exact.units(0, 1, up=True) == pytest.approx(0, abs=1e-6)
    assert band.units(0, 1, up=True) >= 0.5
    assert band.revenue(0, 100, up=True) == pytest.approx(100, rel=0.1)


def test_a_free_product_hides_nothing_of_the_others_revenue() -> None:
    programs = LinePrograms([sold(4, 250.0), sold(8, 700.0), sold(30, 0.0)], BAND, whole=True)
    assert programs.units(0, 14, up=True) == 14, "18 of B and 3 of C, and 21 of the free one"
    assert programs.units(0, 15, up=True) == 0
    assert programs.revenue(2, 100, up=True) == 0


@st.composite
def lines(draw: Any) -> list[Hidden]:
    return [sold(draw(st.integers(1, 9)), draw(st.sampled_from([50, 100, 100, 250, 700, 19.5])))
            for _ in range(draw(st.integers(2, 5)))]


def _integer_programs_find_a_world_where_there_is_one(products: list[Hidden]) -> None:
    """Every way to sell at least one of each with the same units and the same revenue."""
    units, revenue = sum(int(p.units) for p in products), sum(p.revenue for p in products)
    last = products[-1]
    worlds = []
    for some in combinations(*(range(1, units + 1) for _ in products[:-1])):
        rest = units - sum(some)
        world = (*some, rest)
        if rest >= 1 and abs(sum(n * (p.price or 0) for n, p in zip(world, products, strict=True)) - revenue) < 0.005:
            worlds.append(world)
    assert last.price is not None
    programs = LinePrograms(products, BAND, whole=True)
    for at, product in enumerate(products):
        for up, furthest in ((True, max(world[at] for world in worlds) - product.units),
                             (False, product.units - min(world[at] for world in worlds))):
            assert furthest == 0 or programs.units(at, furthest, up=up) == furthest
            assert programs.units(at, furthest + 1, up=up) == 0


@settings(max_examples=15, deadline=None)
@given(lines())
def test_integer_programs_find_a_world_where_there_is_one(products: list[Hidden]) -> None:
    _integer_programs_find_a_world_where_there_is_one(products)


@pytest.mark.soak
@settings(max_examples=60, deadline=None)
@given(lines())
def test_integer_programs_find_a_world_where_there_is_one_on_many(products: list[Hidden]) -> None:
    _integer_programs_find_a_world_where_there_is_one(products)


@settings(max_examples=60, deadline=None)
@given(lines())
def test_exchanges_promise_no_more_than_the_relaxation_finds(products: list[Hidden]) -> None:
    down, up = exchanges(products)
    relaxed = LinePrograms(products, BAND, whole=False)
    for at in range(len(products)):
        assert up[at] <= relaxed._furthest(at, min(up[at], 1e4) or 1e-9, up=True) * 1.0001 + 1e-6 or up[at] > 1e4
        assert down[at] <= relaxed._furthest(at, down[at] or 1e-9, up=False) * 1.0001 + 1e-6
