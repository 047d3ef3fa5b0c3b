"""G5 between tables: deliveries of a shop that hands over what it sells are its orders."""

from datetime import date
from pathlib import Path

import pytest

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.release_consistency import release_faults
from ajprivacy_pipeline.release import GuaranteeError, gates, tables
from ajprivacy_pipeline.settings import NOTICE
from tests.release.release_world import World, add, all_but, register

MARCH = date(2024, 3, 5)
CODES = {"0": "0150", "3": "3003", "5": "5003", "7": "7003"}
PEOPLE = {("0", "consumer"): 14, ("0", "business"): 3, ("3", "consumer"): 2, ("3", "business"): 8,
          ("5", "consumer"): 12, ("5", "business"): 11, ("7", "consumer"): 12, ("7", "business"): 6}
DELIVERED = "SELECT postal_region, orders FROM deliveries_monthly WHERE month = DATE '2024-03-01' ORDER BY 1"
ORDERED = ("SELECT postal_region, customer_type, orders FROM sales_monthly WHERE month = DATE '2024-03-01' "
           "AND product_category = '(all)' AND postal_region IN ('(all)', '0') ORDER BY 1, 2")


@pytest.fixture
def shop(tmp_path: Path) -> World:
    """An order each, delivered at once; by region, sales can show neither 0 nor 3."""
    world = World(tmp_path, left_out=all_but("sales_monthly", "deliveries_monthly"))
    who = [(f"C{region}{kind}{i}", kind, CODES[region]) for (region, kind), n in PEOPLE.items() for i in range(n)]
    add(world.con, "staged.products", [{"product_id": "P1", "name": "Locker", "category": "lockers"}])
    add(world.con, "staged.customers", [*register(tuple(CODES)), *(
        {"customer_id": c, "customer_type": kind, "country": "NO", "postal_code": code} for c, kind, code in who)])
    add(world.con, "staged.orders", [
        {"order_id": c, "customer_id": c, "ordered_on": MARCH, "delivered_on": MARCH, "delivery_postal_code": code,
         "currency": "NOK"} for c, _, code in who])
    add(world.con, "staged.order_lines", [{"order_id": c, "line_number": 1, "product_id": "P1", "quantity": 1,
                                           "unit_price": 100} for c, _, _ in who])
    return world


def late(world: World, orders: int) -> None:
    """So many orders of region 5 are delivered in April, which is not published."""
    world.con.execute("UPDATE staged.orders SET delivered_on = DATE '2024-04-02' WHERE order_id IN (SELECT order_id "
                      f"FROM staged.orders WHERE order_id LIKE 'C5%' ORDER BY order_id LIMIT {orders:d})")


def test_a_region_that_sales_suppress_is_not_told_by_its_deliveries(shop: World) -> None:
    """17 deliveries in region 0 beside 14 orders of consumers told the three of companies."""
    assert shop.publish("2024-03").proven
    assert shop.query(ORDERED) == [("(all)", "(all)", 68), ("(all)", "business", 28), ("(all)", "consumer", 40),
                                   ("0", "(all)", None), ("0", "business", None), ("0", "consumer", 14)]
    assert shop.query(DELIVERED) == [("(all)", 68), ("0", None), ("3", None), ("5", 23), ("7", 18)]


@pytest.mark.parametrize(("orders", "shown"), [(9, None), (10, 17)])
def test_deliveries_stand_for_themselves_where_they_differ_by_k(shop: World, orders: int, shown: int | None) -> None:
    late(shop, orders)
    assert shop.publish("2024-03").proven
    assert dict(shop.query(DELIVERED)) == {"(all)": 68 - orders, "0": shown, "3": shown and 10, "5": 23 - orders,
                                           "7": 18}


def test_deliveries_that_tell_what_sales_suppress_stop_the_release(shop: World,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "suppress_nearly_equal", lambda *_: 0)
    with pytest.raises(GuaranteeError, match=r"G5: deliveries_monthly.orders: 2 cells show nearly what another table"):
        shop.publish("2024-03")
    assert not shop.analytics.exists()


def test_without_the_other_table_nothing_is_compared(tmp_path: Path) -> None:
    world = World(tmp_path, left_out=all_but("deliveries_monthly"))
    world.compute()
    public = tables.make_public(world.con, world.policy)
    assert gates.suppress_nearly_equal(world.con, world.policy, public, set()) == 0


@pytest.mark.parametrize("named", ["sales_monthly", "sales_monthly.month", "nothing.orders",
                                   "deliveries_monthly.orders", "service_monthly.opened"])
def test_a_policy_names_a_measure_of_a_table_with_the_same_dimensions_and_more(named: str) -> None:
    policy = load_policy(NOTICE)
    table = policy.release.tables["deliveries_monthly"]
    columns = table.columns | {"orders": table.columns["orders"].model_copy(update={"nearly": named})}
    release = policy.release.model_copy(update={"tables": policy.release.tables | {
        "deliveries_monthly": table.model_copy(update={"columns": columns})}})
    faults = list(release_faults(policy.model_copy(update={"release": release})))
    assert [fault.partition(" must")[0] for fault in faults] == [
        "release.toml: tables.deliveries_monthly.columns.orders.nearly"]
