"""What the brake counts of the last thirty days: each decision once, and only what is not there again."""

from collections.abc import Callable

import pytest

from ajprivacy_pipeline.enforcement.recover import recover
from tests.enforcement.enforcement_world import World
from tests.enforcement.kept import Kept

SOMEBODY = ("INSERT INTO customers (customer_id, customer_type, name, profile_created_at) "
            "VALUES ('c7', 'consumer', 'Siri Solberg', '2020-01-01')")
BACK = ("UPDATE customers SET name = 'Kari Nordmann', email = 'Kari@Example.no', phone = '+47 90 00 00 01' "
        "WHERE customer_id = 'c1'")


class Killed(BaseException):
    """Nothing of ours catches it."""


def names(world: World) -> float:
    """The share of names in a new plan."""
    world.decide()
    return next(row["share"] for row in world.plan()["brake"] if (row["entity"], row["part"]) == ("customers", "name"))


def plainly(guarded: Kept) -> World:
    return guarded.applied()


def killed_once(guarded: Kept) -> World:
    """The first process ends when the batch stands in the ledger."""
    world, plan = guarded.approved(), guarded.plan

    def at(point: str) -> None:
        if point == "recorded":
            raise Killed
    with pytest.raises(Killed):
        world.apply(plan, at)
    world.apply(plan)
    return world


def written_back_once(guarded: Kept) -> World:
    world = guarded.applied()
    world.execute(BACK)
    assert world.apply(guarded.plan)["written_back"] == 3
    return world


@pytest.mark.parametrize("carry_out", [
    written_back_once, *(pytest.param(way, marks=pytest.mark.soak) for way in (plainly, killed_once))])
def test_what_went_counts_once_however_it_went(guarded: Kept, carry_out: Callable[[Kept], World]) -> None:
    """Three of four names went, and one of the two that are there now goes: four of five."""
    world = carry_out(guarded)
    world.execute(SOMEBODY)
    assert names(world) == 0.8


def test_what_stands_again_counts_as_what_goes_now(guarded: Kept) -> None:
    world = guarded.applied()
    world.decide()
    world.execute(f"{BACK}")
    world.execute(SOMEBODY)
    assert names(world) == 0.8  # two of three, and two that went before


def test_what_a_restore_brought_back_was_not_taken(guarded: Kept) -> None:
    world = guarded.applied()
    world.execute("DELETE FROM ajprivacy_batches")
    world.execute(SOMEBODY)
    recover(world.settings, "Ada")
    assert names(world) == 0.5  # of the names that stand there
