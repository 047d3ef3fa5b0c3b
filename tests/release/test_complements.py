"""G5: what is suppressed cannot be computed from what is shown; a complement left standing is caught."""

from datetime import date

import pytest

from ajprivacy_pipeline.disclosure.cells.complements_check import check_complements
from ajprivacy_pipeline.disclosure.cells.measure_groups import Group
from ajprivacy_pipeline.disclosure.cells.secondary import suppress_ceilings, suppress_complements
from ajprivacy_pipeline.disclosure.cells.table_rows import Row
from ajprivacy_pipeline.disclosure.cells.table_system import build_system
from ajprivacy_pipeline.disclosure.verdict import Verdict
from ajprivacy_pipeline.release import GuaranteeError, gates, tables
from tests.anonymise.grids import POLICY
from tests.release.release_world import World, add, all_but, small_policy


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    """Two tables of the same facts are looked at here."""
    return all_but("sales_monthly", "product_demand_monthly")


def gate(world: World, *, close_gaps: bool) -> tuple[Verdict, dict[str, str]]:
    """The verdict on computed tables, with or without complementary suppressing."""
    world.compute()
    public = tables.make_public(world.con, world.policy)
    took = suppress_complements(world.con, world.policy, public) if close_gaps else {}
    return check_complements(world.con, world.policy, public, took), public


def test_small_cells_that_are_merely_blanked_are_recovered_and_caught(world: World) -> None:
    verdict, _ = gate(world, close_gaps=False)
    assert not verdict.passed
    assert verdict.figures["exactly_recoverable"] > 0
    assert any("sales_monthly.orders" in text for text in verdict.violations)


@pytest.mark.parametrize(("dearer", "sides"), [("", None), ("product_id = 'P1' AND order_id LIKE '%1'", 10)])
def test_after_suppressing_complements_nothing_follows_from_what_is_shown(world: World, dearer: str,
                                                                          sides: int | None) -> None:
    """Where each category has one price, units and revenue of any total tell both, and none is shown."""
    if dearer:
        world.con.execute(f"UPDATE staged.order_lines SET unit_price = 103 WHERE {dearer}")
    verdict, public = gate(world, close_gaps=True)
    assert verdict.passed, verdict.violations
    assert (verdict.figures["exactly_recoverable"], verdict.figures["too_narrow"]) == (0, 0)
    assert verdict.figures["narrowest_count"] in range(10, 1_000, 10)
    assert verdict.figures.get("narrowest_percent") == sides
    shown = world.con.execute(f"SELECT count(revenue_nok) FROM {public['sales_monthly']}").fetchall()[0][0]
    assert (shown > 0) == (sides is not None)
    regions = world.con.execute(
        f"SELECT postal_region, orders FROM {public['sales_monthly']} WHERE month = DATE '2024-03-01' "
        "AND product_category = '(all)' AND customer_type = '(all)' ORDER BY 1").fetchall()
    assert regions == [("(all)", 24), ("0", None), ("5", None)], "20 orders would give the other 4 away"


def test_a_complement_shown_in_another_table_is_caught(world: World) -> None:
    """Totals stand in two tables: suppressing them in one hides nothing. 4 desks are left of 52 and 48 units."""
    _, public = gate(world, close_gaps=True)
    for category, units, revenue in (("(all)", 52, 8800), ("lockers", 48, 4800)):
        world.con.execute(
            f"UPDATE {public['product_demand_monthly']} SET units = {units}, revenue_nok = {revenue}, "
            f"suppressed_measures = ['returned_units'] WHERE product_category = '{category}' "
            "AND product_id = '(all)' AND month = DATE '2024-03-01'")
    verdict = check_complements(world.con, world.policy, public, {})
    assert not verdict.passed


def test_an_amount_shown_beside_a_suppressed_one_hides_nothing_of_itself(world: World) -> None:
    """The check takes each measure by itself, whatever suppressing meant to do with both."""
    _, public = gate(world, close_gaps=True)
    where = "month = DATE '2024-03-01' AND product_category = 'lockers' AND postal_region = '(all)'"
    for kind, units in (("(all)", 48), ("business", 24)):
        world.con.execute(f"UPDATE {public['sales_monthly']} SET units = {units}, suppressed_measures = "
                          f"['revenue_nok'] WHERE {where} AND customer_type = '{kind}' AND NOT suppressed")
    verdict = check_complements(world.con, world.policy, public, {})
    assert any("sales_monthly.units" in text and "follow exactly" in text for text in verdict.violations)
    assert not any("revenue_nok" in text for text in verdict.violations)


def test_where_few_paid_units_go_with_the_revenue(world: World) -> None:
    """What the outsider found: of sole proprietors who got something few paid; revenue stands on 3, units on 12.

    Both have to be suppressed: the complement that hides the revenue was found by its units otherwise.
    """
    world.con.execute("DELETE FROM staged.order_lines WHERE product_id = 'P2'")
    add(world.con, "staged.customers", [{"customer_id": f"S{i}", "customer_type": "sole_proprietor", "country": "NO"}
                                        for i in range(12)])
    add(world.con, "staged.orders", [{"order_id": f"F{i}", "customer_id": f"S{i}", "ordered_on": date(2024, 3, 2),
                                      "delivery_postal_code": "0150", "currency": "NOK"} for i in range(12)])
    add(world.con, "staged.order_lines", [{"order_id": f"F{i}", "line_number": 1, "product_id": "P1", "quantity": 1,
                                           "unit_price": 100 if i < 3 else 0} for i in range(12)])
    apart = "SELECT count(*) > 0 FROM {} WHERE (units IS NULL) <> (revenue_nok IS NULL)"
    _, public = gate(world, close_gaps=False)
    assert world.con.execute(apart.format(public["sales_monthly"])).fetchall() == [(True,)]
    verdict, public = gate(world, close_gaps=True)
    assert verdict.passed, verdict.violations
    assert world.con.execute(apart.format(public["sales_monthly"])).fetchall() == [(False,)]


@pytest.mark.parametrize(("orders", "units", "primary"), [
    (10, 30, {"customers", "orders"}),  # ten customers, whatever other cells show: of fewer it would not be shown
    (10, 10, {"customers", "orders", "units"}),
    (19, 30, {"customers", "orders"}),
    (20, 30, {"customers"}),  # ten to twenty is k wide
    (9, 9, {"customers"}),  # nobody can count on fewer orders than customers
])
def test_a_count_is_not_held_by_what_its_own_row_shows(orders: int, units: int, primary: set[str]) -> None:
    """What was found at 50,000: a row of ten orders of ten customers, and no customers of that month were shown."""
    values = {"orders": float(orders), "units": float(units), "revenue_nok": 900.0, "customers": 10.0}
    row = Row("sales_monthly", 0, (), 0, 10, values, {"customers"}, False, frozenset({"customers"}))
    suppress_ceilings(small_policy(), row)
    assert row.primary == primary
    assert row.suppressed == ("orders" in primary)
    assert row.suppressed_measures == (set(values) if row.suppressed else {"customers"})


@pytest.mark.parametrize(("table", "measure", "hidden", "room"), [
    ("communications_monthly", "customers", {"customers"}, 2), ("communications_monthly", "customers", {"customers",
                                                                                                   "messages"}, 11),
    ("product_demand_monthly", "customers", {"customers"}, 2), ("product_demand_monthly", "customers", {"customers",
                                                                                                   "orders"}, 11),
    ("web_activity_monthly", "visitors", {"visitors"}, 11)])  # who did not consent is behind the events, too
def test_people_are_k_at_least_where_what_they_did_is_shown(table: str, measure: str, hidden: set[str],
                                                            room: int) -> None:
    """Of fewer it would not be shown: the interval of a suppressed count of people begins there."""
    values = {"messages": 40.0, "orders": 40.0, "events": 40.0, measure: 12.0}
    dimension = next(d for d, column in POLICY.release.tables[table].columns.items()
                     if column.role == "dimension" and d != "month")
    rows = [Row(table, at, key, len(key), 12, values, set(hidden), len(hidden) > 1, frozenset(hidden))
            for at, key in enumerate([(), ((dimension, "a"),), ((dimension, "b"),)])]
    system = build_system(POLICY, Group(measure, (measure,), whole=False, is_amount=False), 1, rows,
                          {(table, frozenset(row.level)) for row in rows})
    assert set(system.room(measure).tolist()) == {room}


def test_two_tables_that_tell_one_cell_differently_are_caught(world: World) -> None:
    """Demand counts an order by returned lines too, sales does not: the difference is who returned everything."""
    model = world.sql / "anonymous" / "demand.sql"
    text = model.read_text(encoding="utf-8")
    assert "count(*) FILTER (is_counted)" in text
    model.write_text(text.replace("count(*) FILTER (is_counted)", "count(*)"), encoding="utf-8")
    verdict, _ = gate(world, close_gaps=True)
    assert verdict.passed, "nobody has returned everything yet"
    add(world.con, "staged.orders", [{"order_id": "X1", "customer_id": "C29", "ordered_on": date(2024, 3, 1),
                                      "delivery_postal_code": "0150", "currency": "NOK"}])
    add(world.con, "staged.order_lines", [{"order_id": "X1", "line_number": 1, "product_id": "P1", "quantity": 3,
                                           "unit_price": 100, "returned_on": date(2024, 3, 20)}])
    verdict, _ = gate(world, close_gaps=True)
    assert "product_demand_monthly.orders: 1 shown values of one cell differ from what is shown" in verdict.violations


def test_an_unsuppressed_complement_stops_the_release(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "suppress_more", lambda *_: {})
    monkeypatch.setattr(gates.Escalation, "suppress", lambda *_: False)
    with pytest.raises(GuaranteeError, match=r"G5: .*suppressed values follow exactly from what is shown"):
        world.publish()
    assert not world.analytics.exists()
