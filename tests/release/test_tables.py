"""What stands in the published tables: who counts, and as how many."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ajprivacy_pipeline.release.tables import unconverted_lines
from tests.release.release_world import World, add

TOTAL = ("month = DATE '2024-03-01' AND product_category = '(all)' AND postal_region = '(all)' "
         "AND customer_type = '(all)'")


def order(world: World, number: str, customer: str | None, lines: int = 1, **more: Any) -> None:
    """Add an order in March with lines of one locker at 100."""
    add(world.con, "staged.orders", [{"order_id": number, "customer_id": customer, "ordered_on": date(2024, 3, 31),
                                      "delivery_postal_code": "0150", **more}])
    add(world.con, "staged.order_lines", [{"order_id": number, "line_number": n, "product_id": "P1", "quantity": 1,
                                           "unit_price": 100} for n in range(lines)])


def total(world: World, column: str) -> Any:
    """A measure of the whole of March."""
    return world.rows(f"SELECT {column} FROM sales_monthly WHERE {TOTAL}")[0][0]


def test_an_order_counts_once_in_the_total_and_once_in_each_of_its_categories(world: World) -> None:
    for i in range(10):
        order(world, f"X{i}", f"C{i}")
        add(world.con, "staged.order_lines", [{"order_id": f"X{i}", "line_number": 9, "product_id": "P2", "quantity": 1,
                                               "unit_price": 1000}])
    world.compute()
    assert total(world, "orders") == 34
    assert total(world, "revenue_nok") == Decimal(8800) + 10 * Decimal(1100)
    by_category = world.rows(
        "SELECT product_category, orders, customers FROM sales_monthly WHERE month = DATE '2024-03-01' "
        "AND postal_region = '(all)' AND customer_type = '(all)' ORDER BY 1")
    assert by_category == [("(all)", 34, 24), ("desks", 14, 10), ("lockers", 34, 24)]


def test_cancelled_orders_are_out_and_orders_without_live_lines_count_in_the_total(world: World) -> None:
    order(world, "X1", "C1", cancelled_on=date(2024, 3, 2))
    order(world, "X2", "C2", lines=0)
    world.compute()
    assert total(world, "orders") == 25
    demand = world.rows("SELECT orders FROM product_demand_monthly WHERE product_category = '(all)' "
                        "AND month = '2024-03-01'")
    assert demand == [(25,)]


def test_who_returned_everything_is_in_no_tables_category(world: World) -> None:
    """Sales and demand share the totals of categories: had one of them more people in it, the rest would be those."""
    order(world, "X1", "C29", lines=0)
    add(world.con, "staged.order_lines", [{"order_id": "X1", "line_number": 1, "product_id": "P1", "quantity": 3,
                                           "unit_price": 100, "returned_on": date(2024, 3, 20)}])
    world.compute()
    of_lockers = "WHERE product_category = 'lockers' AND month = DATE '2024-03-01' AND "
    sales = world.rows(f"SELECT orders, units, customers FROM sales_monthly {of_lockers} "
                       "postal_region = '(all)' AND customer_type = '(all)'")
    demand = world.rows("SELECT orders, units, customers FROM product_demand_monthly "
                        f"{of_lockers} product_id = '(all)'")
    assert sales == demand == [(24, 48, 24)]
    assert total(world, "orders") == 25


def test_unknown_and_orphan_people_are_one_contributor(world: World) -> None:
    for i in range(20):
        order(world, f"X{i}", f"nobody{i}" if i % 2 else None, delivery_postal_code="9999")
    world.compute()
    row = world.rows("SELECT suppressed, orders FROM sales_monthly WHERE postal_region = 'other' "
                     "AND product_category = '(all)' AND customer_type = '(all)'")
    assert row == [(True, None)], "twenty orders of unknown people stand on one contributor"
    assert total(world, "customers") == 25
    assert total(world, "orders") == 44


def test_contacts_count_as_their_customer(world: World) -> None:
    for i in range(12):
        add(world.con, "staged.contacts", [{"contact_id": f"K{i}", "customer_id": "C0"}])
        order(world, f"X{i}", None, contact_id=f"K{i}", delivery_postal_code="9999")
    world.compute()
    assert total(world, "customers") == 24
    assert world.rows("SELECT DISTINCT suppressed FROM sales_monthly WHERE postal_region = 'other'") == [(True,)]


@pytest.mark.parametrize("subject", ["customer:C23", "contact:K1"])
def test_people_under_restriction_are_left_out_and_others_under_a_freeze_are_in(world: World, subject: str) -> None:
    add(world.con, "staged.contacts", [{"contact_id": "K1", "customer_id": "C23"}])
    world.con.execute("UPDATE staged.orders SET contact_id = 'K1' WHERE customer_id = 'C23'")
    world.con.execute("UPDATE staged.communications SET contact_id = 'K1' WHERE customer_id = 'C23'")
    for who, freeze in ((subject, "restriction"), ("customer:C1", "open_balance")):
        add(world.con, "retention.freezes", [{"subject_id": who, '"freeze"': freeze}])
    world.compute()
    assert total(world, "orders") == 23
    assert world.rows("SELECT messages FROM communications_monthly WHERE channel = '(all)' AND direction = '(all)'"
                       ) == [(23,)] * 3


def test_restriction_reaches_log_lines_newsletter_and_subjects(world: World) -> None:
    add(world.con, "retention.freezes", [{"subject_id": "customer:C0", '"freeze"': "restriction"}])
    world.con.execute("UPDATE staged.newsletter_subscriptions SET customer_id = NULL")
    world.compute()
    assert world.rows("SELECT DISTINCT events FROM service_health_daily WHERE service = 'checkout' AND level = 'info'"
                       ) == [(15,)]
    assert world.rows("SELECT subscribed FROM newsletter_monthly WHERE month = '2024-01-01'") == [(29,)]
    assert world.con.execute("SELECT count(*) FROM anonymous.subjects").fetchall() == [(29,)]


@pytest.mark.parametrize(("country", "code", "region"), [
    (None, "0150", "0"), (" norge ", "5003", "5"), ("SE", "1234", "abroad"), ("NO", "12345", "abroad"),
    ("NO", "N-0150", "abroad"), ("NO", None, "unknown"), ("NO", "7", "7"), ("SE", None, "abroad")])
def test_postal_region(world: World, country: str | None, code: str | None, region: str) -> None:
    world.con.execute("UPDATE staged.customers SET country = $1, postal_code = $2", [country, code])
    world.con.execute("UPDATE staged.orders SET delivery_postal_code = $1", [code])
    world.compute()
    assert world.rows("SELECT DISTINCT postal_region FROM sales_monthly ORDER BY 1") == [("(all)",), (region,)]


def test_another_currency_counts_through_a_rate_and_is_suppressed_without_one(world: World) -> None:
    world.con.execute("UPDATE staged.orders SET currency = 'EUR' WHERE ordered_on >= '2024-03-01'")
    world.con.execute("UPDATE staged.orders SET currency = 'SEK' WHERE ordered_on < '2024-02-01'")
    add(world.con, "control.rates", [{"currency": "EUR", "rate": Decimal("11.5")}])
    world.compute()
    assert total(world, "revenue_nok") == Decimal(8800) * Decimal("11.5")
    january = world.rows(f"SELECT orders, revenue_nok, suppressed, suppressed_measures FROM sales_monthly WHERE "
                          f"{TOTAL.replace('2024-03', '2024-01')}")
    assert january == [(24, None, False, ["revenue_nok"])]
    assert unconverted_lines(world.con) == 28


def test_missing_values_are_unknown_and_no_source_value_can_pose_as_a_total(world: World) -> None:
    world.con.execute("UPDATE staged.products SET category = '(all)' WHERE product_id = 'P1'")
    world.con.execute("UPDATE staged.app_logs SET service = NULL, level = '(all)'")
    world.con.execute("UPDATE staged.communications SET channel = NULL")
    world.compute()
    assert world.rows("SELECT DISTINCT product_category FROM sales_monthly ORDER BY 1") == [
        ("(all)",), ("desks",), ("unknown",)]
    assert world.rows("SELECT DISTINCT service, level FROM service_health_daily") == [("unknown", "unknown")]
    assert world.rows("SELECT DISTINCT channel FROM communications_monthly ORDER BY 1") == [("(all)",), ("unknown",)]


def test_log_lines_that_name_nobody_stand_and_few_people_do_not(world: World) -> None:
    world.compute()
    found = world.rows("SELECT service, level, events, suppressed FROM service_health_daily WHERE day = '2024-03-01' "
                        "ORDER BY ALL")
    assert found == [("checkout", "error", None, True), ("checkout", "info", 16, False), ("nightly", "info", 1, False)]


def test_newsletter_flows_and_stock(world: World) -> None:
    world.con.execute("UPDATE staged.newsletter_subscriptions SET unsubscribed_on = DATE '2024-02-29' "
                      "WHERE CAST(subscription_id[2:] AS INTEGER) < 14")
    world.con.execute("UPDATE staged.newsletter_subscriptions SET unsubscribed_on = DATE '2024-03-31' "
                      "WHERE subscription_id = 'S29'")
    world.compute()
    assert world.rows("SELECT subscribed, unsubscribed, active, rounded_to, suppressed_measures "
                      "FROM newsletter_monthly ORDER BY month") == [
        (30, 0, 30, 10, []), (0, 14, 20, 10, []), (0, None, 20, 10, ["unsubscribed"])]


def test_each_subject_counts_once_by_its_strongest_decision(world: World) -> None:
    world.compute()
    assert world.con.execute("SELECT decision, count(*) FROM anonymous.subjects GROUP BY 1 ORDER BY 1").fetchall() == [
        ("due", 12), ("retain", 18)]
    assert world.rows("SELECT decision, subjects FROM retention_monthly WHERE subject_type = '(all)' ORDER BY 1") == [
        ("(all)", 30), ("due", 10), ("retain", 20)]
