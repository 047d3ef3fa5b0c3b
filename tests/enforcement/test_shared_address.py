"""A request by an address that two people have is nobody's, also once the address of one of them was anonymised."""

import pytest

from tests.enforcement.enforcement_world import World
from tests.enforcement.kept import Kept

ASKED = ("INSERT INTO rights_requests VALUES ('r9', 'erasure', NULL, NULL, 'Kari@example.no', '2026-11-05', "
         "'2026-11-06', NULL, NULL, NULL)")


@pytest.fixture
def shared(guarded: Kept) -> World:
    """c1 is due, and shares an address with c2, who is a customer."""
    world = guarded.made()
    world.execute("UPDATE customers SET profile_created_at = '2026-08-01' WHERE customer_id = 'c2'")
    return world


@pytest.mark.parametrize("asked_after", [
    "the approval", *(pytest.param(day, marks=pytest.mark.soak) for day in ("nothing", "the decision"))])
def test_who_asked_after_the_month_is_still_not_known(shared: World, asked_after: str) -> None:
    """Who of them it was is not known, so that c2 stays, and somebody looks at the request."""
    if asked_after == "nothing":
        shared.execute(ASKED)
    before = shared.decide()
    assert before["subject", "customer:c1", "email"][0] == "due"
    if asked_after == "the decision":
        shared.execute(ASKED)
    plan = shared.approved()
    if asked_after == "the approval":
        shared.execute(ASKED)
    assert shared.apply(plan)["verified"]
    assert shared.cells()["customers"]["c1"]["email"] is None
    after = shared.decide("2026-11")
    assert {part: decision for (entity, who, part), (decision, _) in after.items() if who == "customer:c2"
            and decision != "absent"} == {"name": "retain", "email": "retain"}, after
