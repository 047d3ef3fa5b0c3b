"""Where complements do not suffice, more is suppressed step by step, until the gates pass, and no further."""

from datetime import date

import pytest

from ajprivacy_pipeline.disclosure.cells.escalation import STEPS, Escalation, said
from ajprivacy_pipeline.disclosure.cells.table_rows import Chosen
from ajprivacy_pipeline.disclosure.verdict import Place
from ajprivacy_pipeline.release import gates
from tests.release.release_world import World

MARCH = date(2024, 3, 1)
PLACE = Place("sales_monthly", "orders", MARCH, (("postal_region", "0"), ("product_category", "lockers")))


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    return ("deliveries_monthly", "service_monthly", "web_activity_monthly")


@pytest.fixture
def computed(world: World) -> World:
    """The small shop with everything shown, whatever it stands on."""
    world.compute()
    for table in ("sales_monthly", "product_demand_monthly"):
        world.con.execute(f"UPDATE temp.public_{table} SET suppressed = false, suppressed_measures = [], orders = 1, "
                          "units = 1, revenue_nok = 1, customers = 1")
    return world


def escalation(world: World, chosen: Chosen) -> Escalation:
    public = {name: f"temp.public_{name}" for name in ("sales_monthly", "product_demand_monthly")}
    return Escalation(world.policy, public, chosen)


def hidden(world: World, table: str, measure: str = "orders") -> set[tuple[str, ...]]:
    columns = "product_category, postal_region, customer_type" if table == "sales_monthly" else "product_id"
    return set(world.rows(f"SELECT {columns} FROM temp.public_{table} WHERE {measure} IS NULL"))


def test_a_place_takes_its_lines_then_its_level_then_its_table_then_all_tables_of_the_facts(computed: World) -> None:
    chosen: Chosen = set()
    steps = escalation(computed, chosen)
    assert steps.suppress(computed.con, [PLACE])
    lines = hidden(computed, "sales_monthly")
    assert {("lockers", "0", "(all)"), ("lockers", "(all)", "(all)"), ("(all)", "0", "(all)"), ("desks", "0", "(all)"),
            ("lockers", "5", "(all)"), ("lockers", "0", "consumer")} <= lines
    assert not {("(all)", "(all)", "(all)"), ("desks", "5", "(all)"), ("desks", "0", "consumer")} & lines
    assert ("sales_monthly", MARCH, PLACE.named) in chosen
    assert computed.rows("SELECT count(*) FROM temp.public_sales_monthly WHERE orders IS NULL AND month <> "
                         "DATE '2024-03-01'") == [(0,)]
    assert steps.suppress(computed.con, [PLACE])
    level = hidden(computed, "sales_monthly")
    assert ("desks", "0", "consumer") in level
    assert ("(all)", "(all)", "(all)") not in level
    assert steps.suppress(computed.con, [PLACE])
    assert computed.rows("SELECT count(*) FROM temp.public_sales_monthly WHERE month = DATE '2024-03-01' "
                         "AND NOT suppressed") == [(0,)]
    assert not hidden(computed, "product_demand_monthly")
    assert steps.suppress(computed.con, [PLACE])
    assert computed.rows("SELECT count(*) FROM temp.public_product_demand_monthly WHERE month = DATE '2024-03-01' "
                         "AND NOT suppressed") == [(0,)]
    assert not steps.suppress(computed.con, [PLACE]), "there is nothing left to suppress"
    assert [step for step in STEPS if f"rows_suppressed_by_{step}" in steps.took] == list(STEPS)
    assert said(steps.took).count("rows more suppressed") == len(STEPS)


def test_an_amount_takes_the_amounts_along_and_nothing_else(computed: World) -> None:
    place = Place("sales_monthly", "revenue_nok", MARCH, PLACE.named)
    assert escalation(computed, set()).suppress(computed.con, [place])
    assert hidden(computed, "sales_monthly", "units") == hidden(computed, "sales_monthly", "revenue_nok") != set()
    assert not hidden(computed, "sales_monthly")


def test_without_places_nothing_is_suppressed(computed: World) -> None:
    assert not escalation(computed, set()).suppress(computed.con, [])
    assert not hidden(computed, "sales_monthly")
    assert said({}) == ""


@pytest.mark.soak
def test_a_release_without_complements_comes_out_by_escalation_alone_and_says_so(
        world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "suppress_more", lambda *_: {})
    result = world.publish()
    assert all(found.passed for found in result.verdicts)
    assert result.figures["rows_suppressed_by_lines"] > 0
    assert "rows more suppressed line by line" in world.manifest()["guarantees"]["G5"]["figure"]
