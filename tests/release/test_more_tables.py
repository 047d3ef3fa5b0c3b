"""Deliveries, service and web activity: who counts, what is suppressed, and tables that are absent."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.release.release_world import World, add

MARCH = date(2024, 3, 1)


def delivered(world: World) -> None:
    """Every order of the shop comes four days after it was placed, those to region 5 after nine."""
    world.con.execute("UPDATE staged.orders SET delivered_on = ordered_on + CASE WHEN delivery_postal_code = '5003' "
                      "THEN 9 ELSE 4 END")


def clicks(world: World, count: int, **more: Any) -> None:
    """Add clicks of visitors 0 to count - 1 in March."""
    add(world.con, "staged.web_events", [
        {"event_id": f"W{i}{sorted(more)}", "occurred_on": MARCH, "visitor_id": f"V{i}", "consented": True, "page": "/",
         "user_agent": "Mozilla (iPhone)", **more} for i in range(count)])


def test_deliveries_count_by_the_month_of_delivery(world: World) -> None:
    delivered(world)
    world.compute()
    found = world.rows("SELECT month, orders, median_days, p90_days FROM deliveries_monthly "
                       "WHERE postal_region = '(all)' ORDER BY month")
    assert [(m.month, n, d) for m, n, d, _ in found] == [(1, 22, Decimal("4.0")), (2, 22, Decimal("4.0")),
                                                        (3, 26, Decimal("4.0"))]
    assert [p90 for *_, p90 in found] == [Decimal("4.0"), Decimal("4.0"), Decimal("9.0")]
    few = world.rows("SELECT suppressed, orders, median_days FROM deliveries_monthly WHERE postal_region = '5'")
    assert set(few) == {(True, None, None)}


def test_an_order_without_a_day_comes_with_its_last_line_and_may_be_partial(world: World) -> None:
    world.con.execute("UPDATE staged.order_lines SET delivered_on = DATE '2024-03-20'")
    for i in range(10):
        add(world.con, "staged.order_lines", [{"order_id": f"O03{i}", "line_number": 9, "product_id": "P1",
                                               "quantity": 1, "unit_price": 1, "delivered_on": date(2024, 3, 28)}])
    add(world.con, "staged.order_lines", [{"order_id": "O0311", "line_number": 9, "product_id": "P1"}])
    world.compute()
    found = world.rows("SELECT orders, partial_orders FROM deliveries_monthly WHERE postal_region = '(all)' "
                       "AND month = DATE '2024-03-01'")
    assert found == [(71, 10)], "three months of 24; one order has a line that is still under way"


def test_quantiles_are_suppressed_below_k_contributors_of_their_own(world: World) -> None:
    world.con.execute("UPDATE staged.orders SET ordered_on = NULL WHERE customer_id[2:]::INTEGER >= 9")
    world.con.execute("UPDATE staged.orders SET delivered_on = DATE '2024-03-30'")
    world.compute()
    found = world.rows("SELECT orders, median_days, p90_days, suppressed_measures FROM deliveries_monthly "
                       "WHERE postal_region = '(all)'")
    assert found == [(72, None, None, ["median_days", "p90_days"])]


def test_cases_count_by_opening_and_closing_once_in_each_category(world: World) -> None:
    add(world.con, "staged.cases", [
        {"case_id": f"K{i}", "customer_id": f"C{i}", "order_id": f"O02{i}", "kind": "complaint",
         "opened_on": date(2024, 2, 27), "closed_on": date(2024, 3, 5) + timedelta(days=i)} for i in range(12)])
    add(world.con, "staged.cases", [
        {"case_id": f"Q{i}", "customer_id": f"C{i}", "kind": "enquiry", "opened_on": MARCH} for i in range(11)])
    world.compute()
    found = world.rows("SELECT month, kind, product_category, opened, closed, median_days_open, suppressed_measures "
                       "FROM service_monthly WHERE NOT suppressed AND kind <> '(all)' ORDER BY ALL")
    days = Decimal("12.5")
    closed = ["closed", "median_days_open"]
    assert found == [
        (date(2024, 2, 1), "complaint", "(all)", 12, 0, None, ["median_days_open"]),
        (date(2024, 2, 1), "complaint", "lockers", 12, 0, None, ["median_days_open"]),
        (MARCH, "complaint", "(all)", 0, 12, days, []), (MARCH, "complaint", "lockers", 0, 12, days, []),
        (MARCH, "enquiry", "(all)", 11, 0, None, closed[1:]), (MARCH, "enquiry", "unknown", 11, 0, None, closed[1:])]
    assert world.rows("SELECT suppressed FROM service_monthly WHERE product_category = 'desks' LIMIT 1") == [(True,)]


def test_clicks_without_consent_are_events_and_never_visitors(world: World) -> None:
    clicks(world, 12)
    clicks(world, 30, consented=False)
    clicks(world, 5, consented=None)
    world.compute()
    total = world.rows("SELECT events, visitors FROM web_activity_monthly WHERE page_group = '(all)' "
                       "AND device_class = '(all)'")
    assert total == [(47, 12)]
    assert world.con.execute("SELECT count(DISTINCT token) FROM anonymous.web").fetchall() == [(13,)]


def test_many_clicks_of_the_unknown_stand_on_one_contributor(world: World) -> None:
    clicks(world, 30, consented=False, page="/kasse/1")
    world.compute()
    assert set(world.rows("SELECT suppressed FROM web_activity_monthly")) == {(True,)}


def test_a_known_customer_counts_as_one_whatever_browser_and_restriction_leaves_out(world: World) -> None:
    clicks(world, 30, customer_id="C1")
    clicks(world, 12, customer_id="C2")
    add(world.con, "retention.freezes", [{"subject_id": "customer:C2", '"freeze"': "restriction"}])
    world.compute()
    assert world.con.execute("SELECT count(DISTINCT token), sum(events) FROM anonymous.web").fetchall() == [(1, 30)]


@pytest.mark.parametrize(("page", "agent", "group", "device"), [
    ("/Min-Side/ordre", "Googlebot/2.1 (iPhone)", "account", "robot"), ("/kasse", "Mozilla (iPad; Mobile)", "checkout",
     "tablet"), ("/", "Mozilla (Windows NT)", "home", "desktop"), ("/kontor", "Lynx", "catalogue", "other"),
    ("kontor", "Mozilla (Linux; Android)", "other", "mobile"), (None, None, "unknown", "unknown")])
def test_the_first_rule_that_fits_decides(world: World, page: str, agent: str, group: str, device: str) -> None:
    clicks(world, 1, page=page, user_agent=agent)
    world.compute()
    assert world.con.execute("SELECT page_group, device_class FROM anonymous.web").fetchall() == [(group, device)]


def test_a_table_whose_source_is_absent_is_absent_and_says_why(world: World) -> None:
    world.con.execute("CREATE SCHEMA raw")
    world.con.execute("CREATE TABLE raw.extraction AS SELECT *, []::VARCHAR[] AS missing_columns, "
                      "[]::VARCHAR[] AS evidence_missing FROM (VALUES ('web_events', false), ('cases', true)) "
                      "AS t (table_name, present)")
    result = world.publish()
    assert "web_activity_monthly" not in result.rows
    assert result.rows["service_monthly"] == 0
    said = world.query("SELECT verdict, figure FROM release_info WHERE guarantee = 'web_activity_monthly'")
    assert said == [("absent", "the warehouse has no web_events")]
    there = world.query("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'web_activity_monthly'")
    assert there == [(0,)]


@pytest.mark.soak
def test_a_source_that_is_gone_keeps_the_closed_months(published: World) -> None:
    published.con.execute("CREATE SCHEMA raw")
    published.con.execute("CREATE TABLE raw.extraction AS SELECT 'communications' AS table_name, false AS present, "
                          "[]::VARCHAR[] AS missing_columns, []::VARCHAR[] AS evidence_missing")
    published.publish("2024-04")
    months = published.query("SELECT DISTINCT month FROM communications_monthly ORDER BY 1")
    assert [row[0].month for row in months] == [1, 2, 3]
