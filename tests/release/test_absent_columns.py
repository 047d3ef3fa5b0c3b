"""Measures that the source cannot give are absent from their tables, said once, and suppress nothing else."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.policy.narrow import without_columns
from tests.release.ordinary_shop import extraction
from tests.release.release_world import World, all_but, fill, shop_rows, small_policy

LEFT_OUT = all_but("sales_monthly", "product_demand_monthly", "deliveries_monthly")
FED: dict[str, list[str]] = {"order_lines": [], "orders": [], "customers": []}
PRICE = "the warehouse has no order_lines.unit_price"


def shop(home: Path, unfed: dict[str, list[str]], last: str = "2024-03",
         left_out: tuple[str, ...] = LEFT_OUT) -> World:
    world = World(home, left_out=left_out)
    rows = shop_rows(last)
    for column in unfed.get("order_lines", ()):
        for line in rows["order_lines"]:
            line.pop(column.replace("_at", "_on"), None)
    fill(world.con, rows)
    extraction(world.con, FED | unfed)
    return world


def columns(world: World, table: str) -> set[str]:
    return {row[0] for row in world.query(f"DESCRIBE {table}")}


@pytest.fixture(scope="module")
def priceless(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = shop(tmp_path_factory.mktemp("priceless"), {"order_lines": ["unit_price"]})
    result = world.publish()
    assert result.proven
    assert result.absent == {"product_demand_monthly.revenue_nok": PRICE, "sales_monthly.revenue_nok": PRICE}
    return world


def test_without_prices_there_is_no_revenue_and_what_else_would_be_shown_is(priceless: World, tmp_path: Path) -> None:
    for table in ("sales_monthly", "product_demand_monthly"):
        assert "revenue_nok" not in columns(priceless, table)
        assert {"orders", "units", "customers"} <= columns(priceless, table)
    whole = shop(tmp_path, {})
    whole.publish()
    assert "revenue_nok" in columns(whole, "sales_monthly")
    found = 0
    sales = "month, product_category, postal_region, customer_type, orders, units, customers"
    for query in (f"SELECT {sales} FROM sales_monthly ORDER BY ALL", "SELECT * FROM deliveries_monthly ORDER BY ALL",
                  "SELECT month, product_id, orders, units, returned_units FROM product_demand_monthly ORDER BY ALL"):
        for mine, theirs in zip(priceless.query(query), whole.query(query), strict=True):
            assert all(one == other for one, other in zip(mine, theirs, strict=True) if other is not None)
            found += sum(value is not None for value in mine)
    assert found > 100


def test_it_is_said_once_a_column(priceless: World) -> None:
    said = priceless.query("SELECT guarantee, figure FROM release_info WHERE verdict = 'absent' "
                           "AND contains(guarantee, '.') ORDER BY ALL")
    assert said == [("product_demand_monthly.revenue_nok", PRICE), ("sales_monthly.revenue_nok", PRICE)]
    listed = priceless.query("SELECT count(*) FROM data_dictionary WHERE \"column\" = 'revenue_nok'")
    assert listed == [(0,)]
    page = priceless.settings.published / "releases" / "2024-03" / "release.html"
    assert "sales_monthly.revenue_nok" in page.read_text(encoding="utf-8")


@pytest.mark.soak
def test_a_table_keeps_the_columns_it_was_first_published_with(tmp_path: Path) -> None:
    """Prices that are mapped later change nothing: all months of a table have the same columns."""
    world = shop(tmp_path, {"order_lines": ["unit_price"]}, "2024-04")
    first = world.publish()
    assert world.publish().absent == first.absent != {}, "a closed month says it again"
    extraction(world.con, FED)
    result = world.publish("2024-04")
    assert result.absent == {"product_demand_monthly.revenue_nok": PRICE, "sales_monthly.revenue_nok": PRICE}
    assert "revenue_nok" not in columns(world, "sales_monthly")
    assert world.query("SELECT count(DISTINCT month) FROM sales_monthly") == [(4,)]


@pytest.mark.soak
def test_a_column_that_is_gone_later_is_suppressed_in_the_new_months(tmp_path: Path) -> None:
    world = shop(tmp_path, {}, "2024-04", all_but("sales_monthly"))
    world.publish()
    extraction(world.con, FED | {"order_lines": ["unit_price"]})
    world.con.execute("UPDATE staged.order_lines SET unit_price = NULL")
    assert world.publish("2024-04").absent == {}
    assert world.query("SELECT revenue_nok FROM sales_by_month WHERE month = DATE '2024-04-01'") == [(None,)]


def test_nothing_left_names_a_column_that_is_gone() -> None:
    policy = without_columns(small_policy(), ["sales_monthly.orders", "product_demand_monthly.revenue_nok",
                                              "newsletter_monthly.unsubscribed", "customers_microdata.spend_band",
                                              "deliveries_monthly.median_days"])
    release = policy.release
    assert release.tables["sales_monthly"].columns["customers"].at_most is None
    assert release.tables["product_demand_monthly"].priced is None
    assert release.tables["newsletter_monthly"].columns["active"].flows == ()
    assert set(release.tables["deliveries_monthly"].contributors.counted) == {"p90_days"}  # type: ignore[union-attr]
    assert "spend_band" not in release.microdata.sensitive
    assert "orders_by_month" not in release.utility.golden
    assert "revenue_by_month" in release.utility.golden
    assert without_columns(policy, []) is policy
