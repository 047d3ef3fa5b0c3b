"""G12 as a gate: a model whose cells depend on the order of its facts stops the release."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.release import GuaranteeError, tables
from tests.release.release_world import World, all_but, edit, fill, shop_rows, small_policy

REVENUE = "CAST(sum(revenue_nok) AS DECIMAL(18, 2)) AS revenue_nok"
# what a model would say if somebody forgot that rows have no order, in words that G11 lets pass
MUTATIONS = {
    "any of some": "CAST(any_value(revenue_nok) * count(*) AS DECIMAL(18, 2)) AS revenue_nok",
    "the first of a list": "CAST(list_extract(list(revenue_nok), 1) * count(*) AS DECIMAL(18, 2)) AS revenue_nok",
    "one of those that tie": "CAST(arg_max(revenue_nok, units > 0) * count(*) AS DECIMAL(18, 2)) AS revenue_nok",
}


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    """Sales alone are looked at here."""
    return all_but("sales_monthly")


@pytest.fixture
def whole(tmp_path: Path) -> World:
    """The shop with all its tables."""
    made = World(tmp_path)
    fill(made.con, shop_rows())
    return made


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_an_aggregate_that_depends_on_the_order_of_rows_is_caught(world: World, mutation: str) -> None:
    world.con.execute("UPDATE staged.order_lines SET unit_price = 100 + substr(order_id, 4)::INTEGER "
                      "WHERE product_id = 'P1'")  # else whatever is first is the same
    edit(world, "published/sales_monthly", REVENUE, MUTATIONS[mutation])
    with pytest.raises(GuaranteeError, match=r"G12: sales_monthly: \d+ rows change with the order of the facts"):
        world.publish()
    assert not world.analytics.exists()
    assert world.control.releases() == []


def test_so_is_one_in_facts_that_are_made_of_facts(world: World) -> None:
    """Two orders of one customer in a month and category, of which the model takes any."""
    world.con.execute("UPDATE staged.orders SET customer_id = 'C' || ((substr(customer_id, 2)::INTEGER // 2) * 2)")
    world.con.execute("UPDATE staged.order_lines SET unit_price = 100 + substr(order_id, 4)::INTEGER")
    edit(world, "anonymous/sales", "    sum(revenue_nok) AS revenue_nok,\n    sum(unconverted_lines)",
         "    any_value(revenue_nok) AS revenue_nok,\n    sum(unconverted_lines)")
    with pytest.raises(GuaranteeError, match=r"G12: sales_monthly: \d+ rows change with the order of the facts"):
        world.publish()


def test_the_order_that_an_aggregate_is_given_is_enough(world: World) -> None:
    edit(world, "published/sales_monthly", REVENUE, "CAST(list_extract(list(revenue_nok ORDER BY revenue_nok), 1) "
         "* count(*) AS DECIMAL(18, 2)) AS revenue_nok")
    assert world.publish().status == "published"


@pytest.mark.soak
def test_an_older_month_than_the_policy_asks_for_is_not_computed_again(whole: World) -> None:
    at = whole.policy.release.thresholds.model_copy(update={"months_computed_again": 1})
    whole.policy = small_policy(thresholds=at)
    result = whole.publish()
    assert next(v.figure for v in result.verdicts if v.guarantee == "G12").startswith(
        "11 tables computed again for 2024-03 to 2024-03 ")
    cells = sum(whole.con.execute(f"SELECT count(*) FROM published.{name}").fetchall()[0][0]
                for name in tables.month_tables(whole.policy))
    assert 0 < result.figures["cells_compared"] < cells


def test_every_table_is_compared_and_nothing_is_left_behind(whole: World) -> None:
    result = whole.publish()
    found = next(v for v in result.verdicts if v.guarantee == "G12")
    assert found.figure == ("11 tables computed again for 2024-01 to 2024-03 from their facts in another order: "
                            "every cell is the same")
    assert result.figures["cells_compared"] >= result.figures["cells"] > 0
    assert whole.con.execute("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'again'").fetchall() == [
        (0,)]
    assert whole.con.execute("SELECT current_database(), current_setting('preserve_insertion_order')").fetchall() == [
        ("memory", False)]
