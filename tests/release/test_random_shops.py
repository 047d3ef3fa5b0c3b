"""Every shop gets a release, whatever its size and dirt: all gates pass, and what stops a release is never the shop."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.outsider.published import read
from tests.outsider.random_shop import everything
from tests.release.random_shops import Shop, drawn, made, put, real_year
from tests.release.release_world import World, small_policy

# These show one fact a person and cost as much as the others together.
LEFT_OUT = ("service_health_daily", "newsletter_monthly")
# Nothing at all (0), one customer, guests alone, one of everything, credit notes alone, nothing but gifts, all
# returned, one order (7); credit notes and gifts in one category (15), and others that are drawn.
MANY = range(300)


def published(home: Path, shop: Shop, seed: int, months: int) -> World:
    """The shop after it has published March 2024 with every gate passed, and an outsider has found nothing."""
    world, rows = World(home, small_policy(history_months=months), left_out=LEFT_OUT), made(shop, seed)
    put(world.con, rows)
    result = world.publish()
    assert result.status == "published"
    assert [found.guarantee for found in result.verdicts if not found.passed] == []
    groups = {(kind, region): (shown_type, shown_region) for kind, region, shown_type, shown_region in world.rows(
        "SELECT customer_type, postal_region, shown_type, shown_region FROM anonymous.people_groups")}
    release = read(world.settings.published / "releases" / "2024-03")
    assert list(everything(release, rows, groups, "2024-03")) == []
    return world


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in MANY if seed != 1)])
def test_a_release_always_comes_out(tmp_path: Path, seed: int) -> None:
    published(tmp_path, drawn(seed), seed, 1)


@pytest.mark.soak
def test_a_total_of_many_customers_is_shown_beside_everything_suppressed_below_it(tmp_path: Path) -> None:
    """970 customers, the largest with a twentieth of the orders; a quarter of the products cannot be shown."""
    shop = replace(real_year(1), orders=3_000, products=250, days=31, lines=3.0, largest=0.05)
    world = published(tmp_path, shop, 5, 1)
    suppressed, = world.query("SELECT count(*) FILTER (units IS NULL) > 0, count(*) FILTER (revenue_nok IS NULL) > 0 "
                              "FROM product_demand_monthly")
    assert suppressed == (True, True)
    total, = world.query("SELECT orders IS NOT NULL, units IS NOT NULL, revenue_nok IS NOT NULL FROM sales_monthly "
                         "WHERE product_category = '(all)' AND postal_region = '(all)' AND customer_type = '(all)'")
    assert total == (True, True, True)


@pytest.mark.soak
def test_a_total_is_shown_above_a_thousand_products_of_which_most_sell_once(tmp_path: Path) -> None:
    """261 customers; of many products a single unit was sold, at a price that varies."""
    shop = replace(real_year(1), people=1_300, orders=600, products=1_000, days=31)
    world = published(tmp_path, shop, 7, 1)
    totals = world.query("SELECT units IS NOT NULL, revenue_nok IS NOT NULL FROM product_demand_monthly "
                         "WHERE product_id = '(all)'")
    assert totals == [(True, True), (True, True)]
    shown, = world.query("SELECT count(revenue_nok) FROM product_demand_monthly WHERE product_id <> '(all)'")
    assert shown[0] > 100


@pytest.mark.soak
@pytest.mark.parametrize(("dear", "is_shown"), [(0, True), (100_000, False)])
def test_most_orders_name_nobody_and_none_of_them_dominates(tmp_path: Path, dear: int, *, is_shown: bool) -> None:
    """Guests are one contributor together, who dominates by order: with one for a fortune amounts are suppressed."""
    shop = Shop(people=100, orders=400, products=3, categories=1, regions=1, days=31, guests=0.8, varying=0.0)
    world, rows = World(tmp_path, small_policy(history_months=1), left_out=LEFT_OUT), made(shop, 1)
    lines, guests = rows["order_lines"], rows["orders"].loc[rows["orders"]["customer_id"].isna(), "order_id"]
    first = lines.index[lines["order_id"].isin(guests)][0]
    lines.loc[first, "quantity"] += dear
    put(world.con, rows)
    world.publish()
    total, = world.query("SELECT units IS NOT NULL, revenue_nok IS NOT NULL, customers > 10 FROM sales_monthly "
                         "WHERE product_category = '(all)' AND postal_region = '(all)' AND customer_type = '(all)'")
    assert total == (is_shown, is_shown, True)


@pytest.mark.soak
def test_a_year_of_half_a_million_dirty_lines_comes_out(tmp_path: Path) -> None:
    world = World(tmp_path, small_policy(history_months=11), left_out=LEFT_OUT)
    put(world.con, made(real_year(11), 7, date(2024, 3, 31)))
    result = world.publish()
    assert result.status == "published"
    assert [found.guarantee for found in result.verdicts if not found.passed] == []
    totals, = world.query("SELECT count(*), count(units), count(revenue_nok) FROM sales_monthly "
                          "WHERE product_category = '(all)' AND postal_region = '(all)' AND customer_type = '(all)'")
    assert totals == (11, 11, 11)
