"""Plans that nobody approves: which are approved by themselves, and which expire."""

from datetime import UTC, datetime, timedelta

import pytest

from ajprivacy_pipeline.enforcement.approve import approve, auto_approve
from ajprivacy_pipeline.enforcement.plans import find_plan, known_plans
from ajprivacy_pipeline.enforcement.recover import recover
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.storage.control_tables import month_measures, plans
from tests.enforcement.enforcement_world import World
from tests.enforcement.kept import Kept
from tests.enforcement.test_between import policy_says


def unattended(kept: Kept) -> World:
    """The guarded shop, its first plan carried out, under a policy that approves by itself."""
    return kept.at("unattended", lambda: begun(kept))


def begun(kept: Kept, more: tuple[str, str] | None = None) -> World:
    """The same, made now, under a policy that perhaps says `more`."""
    world = kept.made()
    policy_says(world, "auto_approve = false", "auto_approve = true")
    if more:
        policy_says(world, *more)
    world.decide()
    first = world.plan()
    assert auto_approve(world.settings, [str(first["plan"])]) == []
    plan = world.approved(first)
    if more:
        approve(world.settings, plan, "Bo")
    assert world.apply(plan)["verified"]
    return world


def leave(world: World, people: int = 1) -> None:
    """Let some people become due, who came in since."""
    for number in range(people):
        world.execute("INSERT INTO customers (customer_id, customer_type, name, profile_created_at) VALUES "
                      f"('n{len(known_plans(world.control))}-{number}', 'consumer', 'Siri Solberg', '2020-01-01')")


def approves_next(world: World, people: int = 1) -> bool:
    """Whether the next plan, of some people who came in since, is approved by itself."""
    leave(world, people)
    world.decide()
    return bool(auto_approve(world.settings, [str(world.plan()["plan"])]))


@pytest.mark.soak
def test_beyond_the_brake_a_plan_waits_for_a_person(guarded: Kept) -> None:
    world = unattended(guarded)
    assert not approves_next(world, 20)
    assert world.apply(world.approved())["verified"]
    assert not approves_next(world), "what went in the last thirty days counts, too"


@pytest.mark.soak
def test_the_first_plan_of_another_mapping_or_policy_waits_for_a_person(guarded: Kept) -> None:
    world = unattended(guarded)
    assert world.settings.mapping_file is not None
    with world.settings.mapping_file.open("a") as file:
        file.write("# looked through\n")
    assert not approves_next(world)
    assert world.apply(world.approved())["verified"]
    assert approves_next(world)
    assert world.apply(known_plans(world.control)[-1].id)["verified"]
    policy_says(world, "overdue_days = 45", "overdue_days = 46")
    assert not approves_next(world)


@pytest.mark.soak
def test_where_four_eyes_are_asked_for_nothing_is_approved_by_itself(guarded: Kept) -> None:
    assert not approves_next(begun(guarded, ("four_eyes = false", "four_eyes = true")))


@pytest.mark.soak  # its quick sister is the end of the next one
def test_the_second_plan_is_approved_by_itself(guarded: Kept) -> None:
    assert approves_next(unattended(guarded))


def test_the_first_plan_after_an_accepted_loss_waits_for_a_person(guarded: Kept) -> None:
    world = unattended(guarded)
    world.control.insert(month_measures, [{
        "month": "2026-10", "run_id": "accepted-1", "guard": "rows", "table_name": "products", "column_name": "",
        "part": 1, "stands": True, "recorded_at": datetime.now(UTC).replace(tzinfo=None), "accepted_by": "Ada",
        "reason": "moved"}])
    assert not approves_next(world)
    assert world.apply(world.approved())["verified"]
    assert approves_next(world)


def test_the_first_plan_after_a_restore_waits_for_a_person(guarded: Kept) -> None:
    world = unattended(guarded)
    world.execute("DELETE FROM ajprivacy_batches")
    recover(world.settings, "Ada")
    assert not approves_next(world)


@pytest.mark.parametrize(("hours", "expired"), [(-1, False), (1, True)])
def test_a_plan_with_one_approval_of_two_expires_too(keyed: Kept, hours: int, expired: bool) -> None:
    world = keyed.decided()
    policy_says(world, "four_eyes = false", "four_eyes = true")
    world.decide()
    plan = str(world.plan()["plan"])
    approve(world.settings, plan, "Ada", release_brake=True)
    with world.control.change() as connection:
        connection.execute(plans.update().values(
            made_at=datetime.now(UTC).replace(tzinfo=None) - timedelta(days=14, hours=hours)))
    if not expired:
        assert approve(world.settings, plan, "Bo").state(14) == "approved"
        return
    with pytest.raises(EnforcementError, match="is expired: make a new one"):
        approve(world.settings, plan, "Bo")
    assert find_plan(world.control, plan).state(14) == "expired"
    world.plan()
    assert find_plan(world.control, plan).events[-1].event == "expired"
