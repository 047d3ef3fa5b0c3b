"""G17: a row that is listed, or is not, says nothing about one person; a test that fails for each part of the gate."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.calendar import Stretch
from ajprivacy_pipeline.disclosure.cells.presence import check_presence, unlist_levels
from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.release import model_values, plan_release, tables
from ajprivacy_pipeline.retention.bind import policy_parameters
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_rows import NewRelease, PeopleGroup
from tests.release.release_world import World, fill, register, shop_rows

ELSEWHERE = ("service_monthly", "web_activity_monthly", "communications_monthly", "service_health_daily",
             "newsletter_monthly", "product_demand_monthly")
PAIRS = ("SELECT DISTINCT customer_type, postal_region FROM sales_monthly "
         "WHERE '(all)' NOT IN (customer_type, postal_region)")


def world_of(tmp_path: Path, customers: list[dict[str, Any]], last: str = "2024-03") -> World:
    """The small shop with another register beside its thirty customers."""
    world = World(tmp_path, left_out=ELSEWHERE)
    rows = shop_rows(last)
    rows["customers"] = [c for c in rows["customers"] if c["customer_id"].startswith("C")] + customers
    fill(world.con, rows)
    return world


def public_of(world: World) -> dict[str, str]:
    """The public tables that `World.compute` made, by name."""
    return {name: f'temp."public_{name}"' for name in tables.month_tables(world.policy)
            if name != "retention_monthly" and not world.policy.release.tables[name].rounded}


@pytest.mark.parametrize(("extra", "listed"), [(4, False), (5, True)])
def test_a_type_and_region_is_named_from_the_kth_customer_of_the_register_on(
        tmp_path: Path, extra: int, listed: bool) -> None:
    """Five businesses in region 5 buy; nine on the register are too few, ten are enough."""
    customers = [c for c in register() if not (c["customer_type"] == "business" and c["postal_code"].startswith("5"))]
    more = [{"customer_id": f"X{i}", "customer_type": "business", "country": "NO", "postal_code": "5003"}
            for i in range(extra)]
    world = world_of(tmp_path, customers + more)
    world.compute()
    pairs = world.rows(PAIRS)
    assert (("business", "5") in pairs) == listed
    assert ("consumer", "5") in pairs
    assert {"other"} == {kind for kind, region in pairs if region == "other"} or listed


def test_what_is_left_over_is_never_fewer_than_k(tmp_path: Path) -> None:
    """One customer of a rare type is no group by itself: the smallest group joins it."""
    common = [c for c in register() if c["customer_type"] in ("consumer", "business")]
    alone = {"customer_id": "X", "customer_type": "sole_proprietor", "country": "NO", "postal_code": "0150"}
    world = world_of(tmp_path, [*common, alone])
    world.compute()
    groups = dict(world.rows(
        "SELECT shown_type || ' ' || shown_region, count(*) FROM staged.customers AS c "
        "JOIN anonymous.people_groups AS g ON g.customer_type = c.customer_type "
        "AND g.postal_region = left(c.postal_code, 1) GROUP BY ALL"))
    assert min(groups.values()) >= 10
    assert "sole_proprietor 0" not in groups
    assert check_presence(world.con, world.policy, public_of(world)).passed


@pytest.mark.soak
def test_what_was_decided_stays_when_the_register_shrinks(tmp_path: Path) -> None:
    world = world_of(tmp_path, register())
    assert world.publish("2024-03").proven
    before = world.query(PAIRS + " ORDER BY ALL")
    world.con.execute("DELETE FROM staged.customers WHERE customer_id LIKE 'R%'")
    assert world.publish("2024-03").status == "already_closed"
    rows = shop_rows("2024-04")
    fill(world.con, {name: [row for row in rows[name] if row.get("ordered_on", date(2024, 4, 1)) >= date(2024, 4, 1)]
                     for name in ("orders",)} | {"customers": []})
    assert world.publish("2024-04").proven
    assert world.query(PAIRS + " AND month = '2024-04-01' ORDER BY ALL") == before


def test_the_gate_finds_a_description_of_too_few(tmp_path: Path) -> None:
    world = world_of(tmp_path, register())
    world.compute()
    public = public_of(world)
    unlist_levels(world.con, world.policy, public)
    assert check_presence(world.con, world.policy, public).passed
    world.con.execute("DELETE FROM staged.customers WHERE postal_code LIKE '5%' OR customer_type = 'sole_proprietor'")
    found = check_presence(world.con, world.policy, public)
    assert not found.passed
    assert all("that fewer than 10 customers of the register have" in text for text in found.violations)
    assert {text.partition(":")[0] for text in found.violations} == {"sales_monthly"}
    world.con.execute("UPDATE anonymous.people_groups SET is_kept = true")
    assert check_presence(world.con, world.policy, public).passed, "decided when there were enough"


@pytest.mark.parametrize(("shown", "listed"), [(1, False), (2, True)])
def test_a_level_of_which_too_little_is_shown_is_not_listed(tmp_path: Path, shown: int, listed: bool) -> None:
    """Ten categories of a month: one shown is less than a fifth, two are a fifth."""
    world = world_of(tmp_path, register())
    world.compute()
    relation = 'temp."public_sales_monthly"'
    world.con.execute(f"DELETE FROM {relation}")
    rows = [(f"category {i}", i >= shown) for i in range(10)] + [("(all)", False)]
    for category, is_suppressed in rows:
        world.con.execute(
            f"INSERT INTO {relation} (month, product_category, postal_region, customer_type, orders, suppressed) "
            "VALUES ('2024-01-01', $category, '(all)', '(all)', 12, $suppressed)",
            {"category": category, "suppressed": is_suppressed})
    before = check_presence(world.con, world.policy, {"sales_monthly": relation})
    assert any("1 levels of a month are listed of which too few cells are shown" in text
               for text in before.violations) != listed
    taken = unlist_levels(world.con, world.policy, {"sales_monthly": relation})
    assert taken == {"sales_monthly": 0 if listed else 10}
    left = world.con.execute(f"SELECT count(*) FROM {relation} WHERE product_category <> '(all)'").fetchall()
    assert left == [(10 if listed else 0,)]
    assert check_presence(world.con, world.policy, {"sales_monthly": relation}).passed


def test_no_value_that_models_bind_hides_another_of_its_name() -> None:
    """The types that people are described by once had the name of the types that are read: one of them went unseen."""
    policy = load_policy(NOTICE)
    control = ControlStore("sqlite://")
    decided = policy_parameters(policy, "2026-10")
    released = model_values(policy, plan_release(control, policy, "2026-10"))
    assert not decided.keys() & released.keys()


def test_a_release_and_what_later_ones_keep_to_are_recorded_together_or_not_at_all() -> None:
    control = ControlStore("sqlite://")
    release: NewRelease = {"month": "2024-03", "history_from": "2024-01", "proven": True, "manifest_sha256": "m",
                           "policy_version": "p", "run_id": "r", "published_at": utc_now()}
    group = {"customer_type": "consumer", "postal_region": "0", "shown_type": "consumer", "shown_region": "other"}
    period = {"population": "orders", "since": "2024-01", "length": "quarter", "manifest_sha256": "m"}
    with pytest.raises(ControlError):
        control.record_release(release, {"release_periods": [period], "release_groups": [group]})  # of which release?
    assert (control.releases(), control.release_periods("m"), control.release_groups("m")) == ([], {}, ())
    rows = [{**group, "manifest_sha256": "m"}]
    control.record_release(release, {"release_periods": [period], "release_groups": [*rows, *rows]})
    assert control.release_groups("m") == (PeopleGroup(**group),), "once, or facts would count twice"
    assert control.release_periods("m") == {"orders": (Stretch("2024-01", "quarter"),)}
