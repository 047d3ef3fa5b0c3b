"""What another system writes back is seen when the next plan is made, and goes under the plan that took it away."""

from datetime import date
from pathlib import Path

import pytest

from ajprivacy_pipeline.enforcement import carry
from ajprivacy_pipeline.enforcement.certificate import certificate_of
from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.enforcement.plans import find_plan
from ajprivacy_pipeline.enforcement.recover import recover
from tests.enforcement.enforcement_world import MONTH
from tests.enforcement.kept import Kept
from tests.enforcement.test_between import people


@pytest.mark.soak
def test_what_stands_again_makes_its_plan_unverified_and_goes_under_it(keyed: Kept) -> None:
    world, plan, first = keyed.applied(), keyed.plan, keyed.result
    world.execute("UPDATE kunde SET navn = 'Kari Nordmann' WHERE nr = 1")
    world.decide()
    assert world.plan()["written_back"] == {plan: 1}
    assert find_plan(world.control, plan).state(14) == "unverified"
    said = open_ledger(world.settings).entries()
    verdict = next(entry for entry in reversed(said) if entry.kind == "unverified")
    assert verdict.body["written_back"] == 1
    assert verdict.body["oldest_overdue_on"] is not None
    again = world.apply(plan)
    assert (again["written_back"], again["applied"], again["verified"]) == (1, 1, True)
    assert again["planned"] == first["planned"] == again["applied"] + again["already"]
    assert people(world)[1] == "Anonymised"
    assert find_plan(world.control, plan).state(14) == "verified"
    assert open_ledger(world.settings).verify().faults == ()


@pytest.mark.soak
@pytest.mark.parametrize("change", [
    "UPDATE kunde SET navn = 'Somebody Else' WHERE nr = 1",  # another value: not what was taken away
    "UPDATE kunde SET navn = navn",  # nothing at all
])
def test_nothing_else_does(keyed: Kept, change: str) -> None:
    world, plan = keyed.applied(), keyed.plan
    world.execute(change)
    world.decide()
    assert "written_back" not in world.plan()
    assert find_plan(world.control, plan).state(14) == "verified"


@pytest.mark.parametrize(("row", "comes_back"), [
    ("mottaker = 'Kari Nordmann'", 1),  # the postal code stays the digit that was left
    pytest.param("postnr = '1234'", 1, marks=pytest.mark.soak),  # the name stays the neutral one
    pytest.param("mottaker = 'Kari Nordmann', postnr = '1234'", 1, marks=pytest.mark.soak),
    ("mottaker = 'Somebody Else', postnr = '1234'", 0),  # a value of somebody new: not what was taken away
])
def test_one_cell_of_a_part_that_stands_again_goes_under_its_plan(keyed: Kept, row: str, comes_back: int) -> None:
    """A stale object that is saved may bring back one column of several."""
    world, plan = keyed.applied(), keyed.plan
    before = world.cells_of("ordre")
    world.execute(f"UPDATE ordre SET {row} WHERE nr = 100")
    world.decide()
    assert world.plan().get("written_back", {}) == ({plan: 1} if comes_back else {})
    again = world.apply(plan)
    assert (again["written_back"], again["applied"], again["verified"]) == (comes_back, comes_back, True)
    assert (world.cells_of("ordre") == before) is bool(comes_back)
    ledger = open_ledger(world.settings)
    certified = certificate_of(ledger.entries(), MONTH, ledger.verify().head)
    assert certified["rows"] == certified["plans"][0]["planned"] == again["planned"]
    assert open_ledger(world.settings).verify().faults == ()


def test_a_look_is_one_of_the_local_day(keyed: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an hour after midnight it is the day before in UTC."""
    world, plan = keyed.applied(), keyed.plan
    monkeypatch.setattr(carry, "today", lambda _: date(2027, 1, 1))
    world.apply(plan)
    ledger = open_ledger(world.settings)
    assert certificate_of(ledger.entries(), MONTH, ledger.check())["overdue"]["seen_on"] == "2027-01-01"


def test_what_went_after_the_facts_were_read_is_no_longer_due(keyed: Kept) -> None:
    world, plan, first = keyed.applied(), keyed.plan, keyed.result
    again = world.plan()
    assert first["applied"] > 0
    assert (again["plan"], again["rows"], again.get("written_back")) == (None, 0, None)
    assert find_plan(world.control, plan).state(14) == "verified"
    assert world.apply(plan)["applied"] == 0


def test_what_a_restore_has_undone_is_due_again_in_a_month_that_was_read_before(keyed: Kept) -> None:
    """Whoever plans anew without running the month first must not be told that nothing is due."""
    shop = Path(keyed.approved().url.removeprefix("sqlite:///"))
    before = shop.read_bytes()
    world, plan, first = keyed.applied(), keyed.plan, keyed.result
    shop.write_bytes(before)
    assert recover(world.settings, "Ada") == {plan: [1]}
    assert world.plan()["rows"] == first["planned"]
