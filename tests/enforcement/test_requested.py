"""A plan for whoever asked: exactly that person's due rows, at once; nobody else's, and nothing before it counts."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.enforcement.requested import plan_for_request
from ajprivacy_pipeline.enforcement.shapes import PlanSummary
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.retention.effects import stored_effects
from tests.enforcement.enforcement_world import World, changed, sample_shop
from tests.enforcement.kept import Kept


def _make(folder: Path) -> World:
    sample_shop(url := f"sqlite:///{folder / 'shop.db'}", 30, 5, folder)
    world = World(folder / "home", url)
    people = "customer_id, customer_type, name, email, gender, preferences, profile_created_at, last_login_at"
    world.execute(f"INSERT INTO customers ({people}) VALUES "
                  "('ASK', 'consumer', 'Kari', 'kari.spor@example.no', 'female', 'red', '2024-01-01', '2026-09-01'), "
                  "('BESIDE', 'consumer', 'Ola', 'ola.ved@example.no', NULL, 'blue', '2024-01-01', '2026-09-01')")
    world.execute("INSERT INTO orders (order_id, customer_id, ordered_at, delivered_at, paid_at, total_amount, "
                  "delivery_name) VALUES ('ASKED', 'ASK', '2026-06-01', '2026-06-05', '2026-06-01', '100', 'Kari')")
    world.execute("INSERT INTO products (product_id, category, warranty_years) VALUES ('P-ASK', 'lockers', '10')")
    world.execute("INSERT INTO order_lines (order_id, line_number, product_id, quantity) "
                  "VALUES ('ASKED', '1', 'P-ASK', '1')")
    world.execute("INSERT INTO newsletter_subscriptions (subscription_id, email, subscribed_at) "
                  "VALUES ('LETTER', 'Kari.Spor@example.no', '2025-01-01')")
    world.execute("INSERT INTO web_events (event_id, occurred_at, customer_id, visitor_id, consented) "
                  "VALUES ('CLICK', '2026-10-20', 'ASK', 'V-ASK', 'true')")
    return world


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The sample shop with somebody who bought a locker in 2024 and has a profile still."""
    return Kept(tmp_path_factory.mktemp("asked"), _make)


@pytest.fixture
def world(kept: Kept) -> World:
    """It, with nothing decided yet."""
    return kept.made()


def ask(world: World, kind: str, verified: str | None, received: str = "2026-11-20", **whose: str) -> None:
    """Add a request to the warehouse."""
    columns = "".join(f", {name}" for name in whose)
    marks = "".join(f", '{value}'" for value in whose.values())
    world.execute(f"INSERT INTO rights_requests (request_id, kind, received_at, identity_verified_at{columns}) "
                  f"VALUES ('R-ASK', '{kind}', '{received}', {repr(verified) if verified else 'NULL'}{marks})")


def carried_out(world: World, request: str = "R-ASK") -> tuple[PlanSummary, dict[tuple[str, str, str], Any]]:
    """Plan, approve and carry out; returns the plan and every cell that became another."""
    before = world.cells()
    plan = plan_for_request(world.settings, request)
    assert changed(before, world.cells()) == {}
    assert plan["plan"] is not None
    approve(world.settings, plan["plan"], "Ada")
    result = world.apply(plan["plan"])
    assert (result["verified"], result["applied"]) == (True, plan["rows"])
    return plan, {cell: now for cell, (_, now) in changed(before, world.cells()).items()}


MARKETING = {("customers", "ASK", "preferences"): None, ("customers", "ASK", "gender"): None,
             ("newsletter_subscriptions", "LETTER", ""): None,
             **{("web_events", "CLICK", column): None for column in ("customer_id", "visitor_id")}}


def test_an_erasure_takes_what_can_go_and_nothing_of_anybody_else(world: World) -> None:
    ask(world, "erasure", "2026-11-21", customer_id="ASK")
    world.decide()
    plan, now = carried_out(world)
    assert (plan["subjects"], plan["request"]) == (1, "R-ASK")
    assert now == MARKETING
    kept = world.decide()
    assert kept["subject", "customer:ASK", "name"][0] == "retain"  # the warranty of ten years
    assert kept["subject", "customer:ASK", "preferences"][0] == "absent"


def test_without_an_obligation_everything_goes(world: World) -> None:
    world.execute("UPDATE products SET warranty_years = '0' WHERE product_id = 'P-ASK'")
    ask(world, "erasure", "2026-11-21", customer_id="ASK")
    world.decide()
    _, now = carried_out(world)
    assert now == MARKETING | {("customers", "ASK", "email"): None, ("customers", "ASK", "name"): None,
                               ("orders", "ASKED", "customer_id"): "anonymised-consumer",
                               ("orders", "ASKED", "delivery_name"): None}


def test_before_identification_only_what_marketing_alone_held(world: World) -> None:
    ask(world, "erasure", None, "2026-10-20", email="kari.spor@example.no")
    world.decide()
    _, now = carried_out(world)
    assert now == MARKETING
    world.execute("DELETE FROM rights_requests WHERE request_id = 'R-ASK'")
    world.execute("UPDATE customers SET preferences = 'green' WHERE customer_id = 'ASK'")
    assert world.decide()["subject", "customer:ASK", "preferences"][0] == "due"  # what it ended stays ended


def test_the_month_before_run_again_forgets_nothing_of_it(world: World) -> None:
    """It was received after that month: its own row says nothing there, and its address may be gone."""
    ask(world, "objection", None, email="kari.spor@example.no")
    world.decide()
    before = set(stored_effects(world.control))
    plan_for_request(world.settings, "R-ASK")
    known = set(stored_effects(world.control))
    assert {(kind, received_on) for _, kind, received_on, *_ in known - before} == {("objection", date(2026, 11, 20))}
    world.decide()
    assert set(stored_effects(world.control)) == known


def test_an_objection_by_a_shared_address_reaches_both(world: World) -> None:
    world.execute("UPDATE customers SET email = 'KARI.spor@example.no' WHERE customer_id = 'BESIDE'")
    ask(world, "objection", None, email="kari.spor@example.no")
    world.decide()
    plan, now = carried_out(world)
    assert plan["subjects"] == 2
    assert now == MARKETING | {("customers", "BESIDE", "preferences"): None}


def test_a_month_s_plan_and_a_request_s_go_side_by_side(world: World) -> None:
    ask(world, "erasure", "2026-11-21", customer_id="ASK")
    world.decide()
    monthly = world.approved()
    plan, _ = carried_out(world)
    result = world.apply(monthly)
    assert result["verified"]
    assert result["planned"] == result["applied"] + result["already"]
    again = plan_for_request(world.settings, "R-ASK")
    assert (again["plan"], again["rows"]) == (None, 0)
    assert plan["rows"] > 0


def test_what_ends_nothing_has_no_plan(world: World) -> None:
    ask(world, "access", "2026-11-21", customer_id="ASK")
    world.execute("UPDATE rights_requests SET request_id = 'R-ACCESS' WHERE request_id = 'R-ASK'")
    ask(world, "erasure", "2026-11-21", customer_id="ASK", outcome="withdrawn")
    world.decide()
    before = world.cells()
    for request_id, message in (("R-ACCESS", "request R-ACCESS is about access, which ends nothing"),
                                ("R-ASK", "request R-ASK has no effect: it was withdrawn or refused"),
                                ("R-NONE", "there is no request R-NONE")):
        with pytest.raises(EnforcementError, match=message):
            plan_for_request(world.settings, request_id)
        assert changed(before, world.cells()) == {}
        assert not list(world.settings.restricted.glob("apply-*"))
