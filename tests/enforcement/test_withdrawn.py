"""What a killed apply has carried out is recorded also where nobody goes on with its plan."""

from collections.abc import Callable
from typing import Any

import pytest

from ajprivacy_pipeline.enforcement.approve import withdraw
from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.enforcement.plans import find_plan
from ajprivacy_pipeline.errors import ControlError, StoppedError
from ajprivacy_pipeline.oversight.holds import carried_out_on
from tests.enforcement.enforcement_world import World
from tests.enforcement.kept import Kept
from tests.enforcement.test_between import policy_says


def killed(guarded: Kept) -> World:
    """The batch stands in the warehouse, and the ledger knows nothing of it."""
    def ends(now: str) -> None:
        if now == "committed":
            raise KeyboardInterrupt

    def apply() -> None:
        world = guarded.approved()
        with pytest.raises(KeyboardInterrupt):
            world.apply(guarded.plan, ends)
    return guarded.at("killed when it had committed", apply)


def by_hand(world: World, plan: str) -> None:
    withdraw(world.settings, plan, "Ada")


def by_another_policy(world: World, plan: str) -> None:
    policy_says(world, "overdue_days = 45", "overdue_days = 46")
    with pytest.raises(StoppedError):
        world.apply(plan)


@pytest.mark.parametrize("end", [by_hand, by_another_policy])
def test_a_batch_that_stands_is_recorded_when_its_plan_ends(guarded: Kept, end: Callable[[World, str], Any]) -> None:
    world, plan = killed(guarded), guarded.plan
    end(world, plan)
    ledger = open_ledger(world.settings)
    ledger.check()
    (batch,) = (entry.body for entry in ledger.entries() if entry.kind == "batch")
    assert sum(count["rows"] for count in batch["counts"]) == find_plan(world.control, plan).summary["rows"]
    assert [one.clause for one in ledger.find("customer:c1").found] == ["CON-4", "IND-2"]
    assert carried_out_on(world.settings, "customer:c1") is not None, "the guard knows who is gone"
    if end is by_hand:
        assert world.plan()["rows"] == 0, "though the month was decided before"
    world.decide()
    assert world.plan()["rows"] == 0


def test_a_plan_cannot_be_withdrawn_while_it_is_carried_out(guarded: Kept) -> None:
    world, plan = guarded.approved(), guarded.plan

    def tried(now: str) -> None:
        if now == "write":
            with pytest.raises(ControlError, match="under way: wait until it ends"):
                withdraw(world.settings, plan, "Ada")

    assert world.apply(plan, tried)["verified"]
    assert find_plan(world.control, plan).state(14) == "verified"
