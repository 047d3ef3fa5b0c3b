"""A plan in the control store is held against the ledger before it is approved and before it is carried out."""

import json
from typing import Any

import pytest

from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.enforcement.plans import known_plans
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.storage.control import utc_now
from ajprivacy_pipeline.storage.control_tables import plan_events, plans
from ajprivacy_pipeline.storage.month_files import month_file
from tests.enforcement.enforcement_world import MONTH, World, changed
from tests.enforcement.kept import Kept

TOLD = "is not what the ledger says was made and approved"


def rewrite(world: World, **values: Any) -> None:
    """Write other values into the plan's row."""
    with world.control.change() as connection:
        connection.execute(plans.update().values(**values))


@pytest.mark.parametrize("what", ["month", "policy_version", "brake"])
def test_a_plan_that_was_rewritten_is_not_approved(keyed: Kept, what: str) -> None:
    world = keyed.decided()
    summary = world.plan()
    loose = {**summary, "brake": [{**row, "tripped": not row["tripped"]} for row in summary["brake"]]}
    rewrite(world, **({"summary": json.dumps(loose)} if what == "brake" else {what: "2026-09"}))
    with pytest.raises(EnforcementError, match=TOLD):
        approve(world.settings, str(summary["plan"]), "Ada")
    assert known_plans(world.control)[0].events == ()


def test_a_plan_that_was_rewritten_after_its_approval_is_not_carried_out(keyed: Kept) -> None:
    world, plan = keyed.approved(), keyed.plan
    before, known = world.cells(), known_plans(world.control)[0]
    rewrite(world, as_of=known.as_of.replace(day=30))
    with pytest.raises(EnforcementError, match=TOLD):
        world.apply(plan)
    assert changed(before, world.cells()) == {}
    rewrite(world, as_of=known.as_of)
    assert world.apply(plan)["verified"]


def test_an_approval_that_stands_in_the_control_store_alone_is_none(keyed: Kept) -> None:
    world = keyed.decided()
    plan, before = str(world.plan()["plan"]), world.cells()
    world.control.insert(plan_events, [
        {"plan_id": plan, "event": "approved", "by": "Eve", "happened_at": utc_now(), "detail": "{}"}])
    with pytest.raises(EnforcementError, match=TOLD):
        world.apply(plan)
    assert changed(before, world.cells()) == {}


def test_a_months_file_stays_while_its_plan_is_under_way(guarded: Kept) -> None:
    """It goes with the first month that succeeds after the plan is carried out."""
    world, ours = guarded.approved(), guarded.plan
    file = month_file(world.settings, MONTH)
    world.decide("2026-11")
    assert file.exists()
    assert world.apply(ours)["verified"]
    world.decide("2026-11")
    assert not file.exists()
