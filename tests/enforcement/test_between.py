"""What happens between a plan and its carrying out, and after it: everything that came since is respected."""

import gc
import shutil
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement.apply import without_garbage_collection
from ajprivacy_pipeline.enforcement.approve import approve, withdraw
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.plans import find_plan, known_plans, plan_file
from ajprivacy_pipeline.enforcement.recover import recover
from ajprivacy_pipeline.errors import ControlError, EnforcementError, StoppedError
from ajprivacy_pipeline.oversight.holds import lift_hold, place_hold
from ajprivacy_pipeline.storage import month_files
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import warehouse_lock
from tests.enforcement.enforcement_world import World, changed, new_database
from tests.enforcement.kept import Kept
from tests.enforcement.keyed_shop import keyed_world


def policy_says(world: World, old: str, new: str) -> None:
    """Change a line of enforcement.toml, which makes another policy, and decide by it."""
    path = Path(world.env["AJPRIVACY_NOTICE"]) / "enforcement.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def people(world: World) -> dict[int, str]:
    with world.connection() as connection:
        return dict(connection.exec_driver_sql("SELECT nr, navn FROM kunde WHERE nr > 0").fetchall())


@pytest.mark.soak
def test_an_order_since_then_keeps_its_person(keyed: Kept) -> None:
    world, plan = keyed.approved(), keyed.plan
    world.execute("INSERT INTO ordre VALUES (200, 1, NULL, '2026-11-20', NULL, NULL, 50, 'Kari Nordmann', '1234')")
    result = world.apply(plan)
    assert people(world)[1] == "Kari Nordmann"
    assert people(world)[4] == "Anonymised"
    assert {row["reason"] for row in result["dropped"]} == {"not_due"}
    assert result["planned"] == result["applied"] + sum(row["rows"] for row in result["dropped"])
    assert result["verified"]


@pytest.mark.soak
def test_an_order_while_a_batch_runs_is_told(keyed: Kept) -> None:
    world = keyed.approved()
    def arrives(now: str) -> None:
        if now == "committed":
            world.execute("INSERT INTO ordre VALUES (201, 1, NULL, '2026-11-20', NULL, NULL, 50, 'Kari', '1234')")

    result = world.apply(keyed.plan, arrives)
    assert (result["arrived_meanwhile"], result["verified"]) == (1, True)


def test_an_order_between_reading_and_writing_keeps_its_person(keyed: Kept) -> None:
    """What the batch reads under its lock is another fact than what was decided: decided again, it is not due."""
    world = keyed.approved()
    met: list[str] = []

    def arrives(now: str) -> None:
        if now == "batch" and not met:
            met.append(now)
            world.execute("INSERT INTO ordre VALUES (202, 1, NULL, '2026-11-20', NULL, NULL, 50, 'Kari', '1234')")

    result = world.apply(keyed.plan, arrives)
    assert people(world)[1] == "Kari Nordmann"
    assert people(world)[4] == "Anonymised"
    assert {row["reason"] for row in result["dropped"]} == {"not_due"}


@pytest.mark.parametrize("collects", [True, False])
def test_garbage_is_collected_after_a_batch_as_before_it_however_it_ends(collects: bool) -> None:
    if not collects:
        gc.disable()
    try:
        with pytest.raises(ZeroDivisionError), without_garbage_collection():
            1 / gc.isenabled()
        assert gc.isenabled() is collects
        with without_garbage_collection():
            assert not gc.isenabled()
        assert gc.isenabled() is collects
    finally:
        gc.enable()


def test_an_order_that_is_due_cannot_change_after_its_facts_were_read(postgres_url: str, tmp_path: Path) -> None:
    """Delivered only now, it would be kept: whoever says so waits for the batch's locks, and nothing is overlooked."""
    world = keyed_world(tmp_path, new_database(postgres_url, "between"))
    world.decide()
    plan = str(world.plan()["plan"])
    approve(world.settings, plan, "Ada", release_brake=True)
    refused: list[str] = []

    def arrives(now: str) -> None:
        if now == "facts":
            with world.connection() as connection, pytest.raises(sa.exc.OperationalError) as error:
                connection.exec_driver_sql("SET lock_timeout = '200ms'; "
                                           "UPDATE ordre SET levert = '2026-10-20' WHERE nr = 100")
            refused.append(str(error.value.orig))

    assert world.apply(plan, arrives)["verified"]
    assert refused
    assert all("lock timeout" in text for text in refused)
    assert people(world)[1] == "Anonymised"


def test_another_value_is_not_erased(keyed: Kept) -> None:
    world, plan = keyed.approved(), keyed.plan
    world.execute("UPDATE kunde SET epost = 'ny@example.no' WHERE nr = 1")
    result = world.apply(plan)
    assert result["dropped"] == [{"reason": "value_changed", "rows": 1}]
    assert people(world)[1] == "Anonymised"
    assert world.cells() is not None
    with world.connection() as connection:
        assert connection.exec_driver_sql("SELECT epost FROM kunde WHERE nr = 1").scalar() == "ny@example.no"


@pytest.mark.soak
def test_what_is_left_of_somebody_is_due_again_and_not_held_for_want_of_evidence(keyed: Kept) -> None:
    world, plan = keyed.approved(), keyed.plan
    world.execute("UPDATE kunde SET epost = 'ny@example.no' WHERE nr = 1")
    world.apply(plan)
    again = world.decide()
    assert again["subject", "customer:1", "email"][0] == "due"
    summary = world.plan()
    assert (summary["rows"], summary["oldest_due_on"]) == (1, find_plan(world.control, plan).summary["oldest_due_on"])


def test_a_hold_since_then_keeps_its_person_until_it_is_lifted(keyed: Kept) -> None:
    world, plan = keyed.approved(), keyed.plan
    number = place_hold(world.settings, "customer:1", "Ada", "litigation", date(2027, 10, 1), today=date(2026, 10, 15),
                        by="Ada")
    result = world.apply(plan)
    assert people(world)[1] == "Kari Nordmann"
    assert {row["reason"] for row in result["dropped"]} == {"not_due"}
    lift_hold(world.settings, number, "Ada", today=date(2026, 11, 1))
    world.decide()
    assert world.plan()["rows"] == sum(row["rows"] for row in result["dropped"])


@pytest.mark.parametrize(("days", "held"), [(0, False), (1, True)])
def test_a_hold_that_is_lifted_by_the_day_of_the_apply_keeps_nobody(keyed: Kept, days: int, held: bool) -> None:
    """What freezes is judged on the day of the batch, not on the plan's, on which this hold was not lifted yet."""
    world, plan = keyed.approved(), keyed.plan
    now = today("Europe/Oslo")
    number = place_hold(world.settings, "customer:1", "Ada", "litigation", date(2027, 10, 1), today=now, by="Ada")
    lift_hold(world.settings, number, "Ada", today=now + timedelta(days=days))
    result = world.apply(plan)
    assert (people(world)[1] == "Kari Nordmann", bool(result["dropped"])) == (held, held)
    assert result["verified"]


@pytest.mark.soak
@pytest.mark.parametrize("what", ["customer:1", "orders"])
def test_a_hold_that_is_placed_while_an_apply_runs_is_respected(keyed: Kept, what: str) -> None:
    """What people record between deciding and the batch's locks makes everybody be decided about again."""
    world = keyed.approved()
    placed: list[str] = []

    def places(now: str) -> None:
        if now == "batch" and not placed:
            placed.append(now)
            place_hold(world.settings, what, "Ada", "litigation", date(2027, 10, 1), today=date(2026, 10, 15), by="Ada")

    result = world.apply(keyed.plan, places)
    with world.connection() as connection:
        names = dict(connection.exec_driver_sql("SELECT nr, mottaker FROM ordre").fetchall())
    assert names[100] == "Kari Nordmann"
    assert (people(world)[1] == "Kari Nordmann") == (what == "customer:1")
    assert names[104] == ("Per Hansen" if what == "orders" else "Anonymised")
    assert {row["reason"] for row in result["dropped"]} == {"not_due"}


@pytest.mark.soak
@pytest.mark.parametrize("moment", ["read", "committed"])  # also until the ledger knows what the hold has to be told
def test_a_hold_waits_for_the_batch_that_is_under_way(keyed: Kept, monkeypatch: pytest.MonkeyPatch,
                                                      moment: str) -> None:
    world = keyed.approved()
    monkeypatch.setattr(month_files, "_HOLD_PATIENCE_SECONDS", 0.2)
    refused: list[ControlError] = []

    def places(now: str) -> None:
        if now == moment:
            with pytest.raises(ControlError, match="a batch of a plan") as failure:
                place_hold(world.settings, "customer:1", "Ada", "litigation", date(2027, 10, 1),
                           today=date(2026, 10, 15), by="Ada")
            refused.append(failure.value)

    world.apply(keyed.plan, places)
    assert refused
    assert people(world)[1] == "Anonymised"
    assert world.control.legal_holds() == []


@pytest.mark.soak
def test_somebody_new_under_an_erased_id_is_decided_like_anybody(keyed: Kept) -> None:
    """Neither the old plan nor the next one takes what stands there once nothing was left."""
    world, plan = keyed.applied(), keyed.plan
    world.decide()  # which sees that nothing is left of them
    world.execute("UPDATE kunde SET navn = 'Nina Ny', epost = 'nina@example.no' WHERE nr = 1")
    again = world.apply(plan)
    assert (again["written_back"], again["applied"]) == (0, 0)
    assert world.decide()["subject", "customer:1", "name"][0] == "hold"
    assert world.plan()["rows"] == 0
    assert people(world)[1] == "Nina Ny"


@pytest.mark.soak
def test_what_another_system_writes_back_goes_again(keyed: Kept) -> None:
    world, plan, first = keyed.applied(), keyed.plan, keyed.result
    world.execute("UPDATE kunde SET navn = 'Kari Nordmann' WHERE nr = 1")
    second = world.apply(plan)
    assert (second["written_back"], second["applied"], second["already"]) == (1, 1, first["applied"] - 1)
    assert people(world)[1] == "Anonymised"
    third = world.apply(plan)
    assert (third["written_back"], third["applied"]) == (0, 0)


def test_a_changed_policy_stops_a_plan(keyed: Kept) -> None:
    world, plan = keyed.approved(), keyed.plan
    before = world.cells()
    policy_says(world, "approval_days = 14", "approval_days = 15")
    with pytest.raises(StoppedError, match="the policy changed since it was made"):
        world.apply(plan)
    assert changed(before, world.cells()) == {}
    with pytest.raises(EnforcementError, match="is stopped"):
        world.apply(plan)


@pytest.mark.soak
def test_a_plan_that_is_carried_out_stays_so_whatever_changes(keyed: Kept) -> None:
    world, plan = keyed.applied(), keyed.plan
    policy_says(world, "approval_days = 14", "approval_days = 15")
    with pytest.raises(EnforcementError, match="the policy changed since it was made") as failure:
        world.apply(plan)
    assert not isinstance(failure.value, StoppedError)
    assert find_plan(world.control, plan).state(15) == "verified"


@pytest.mark.soak
def test_the_rows_of_a_plan_die(keyed: Kept) -> None:
    """They say whose an unlinked order was; so does what a killed apply had extracted."""
    world, plan = keyed.applied(), keyed.plan
    rows = plan_file(world.settings, plan)
    days = world.policy.enforcement.sweep.days
    left = world.settings.restricted / "apply-killed.duckdb"
    for age, there in ((days - 1, True), (days + 1, False)):
        with sqlite3.connect(world.settings.control / "control.db") as store:
            store.execute("UPDATE plan_events SET happened_at = ?", [str(datetime.now(UTC).replace(tzinfo=None)
                                                                        - timedelta(days=age))])
        left.write_bytes(b"left")
        world.decide()
        world.plan()
        assert rows.exists() == there
        assert not left.exists()


def test_a_changed_catalogue_stops_a_plan(keyed: Kept) -> None:
    world, plan = keyed.approved(), keyed.plan
    world.execute("CREATE TRIGGER keep AFTER UPDATE ON kunde BEGIN SELECT 1; END")
    with pytest.raises(StoppedError, match="catalogue changed"):
        world.apply(plan)
    assert people(world)[1] == "Kari Nordmann"


@pytest.mark.soak
def test_a_restored_warehouse_is_noticed_and_planned_anew(keyed: Kept) -> None:
    world, plan = keyed.approved(), keyed.plan
    shop = Path(world.url.removeprefix("sqlite:///"))
    shutil.copy(shop, shop.with_name("before.db"))
    first = world.apply(plan)
    shutil.copy(shop.with_name("before.db"), shop)
    with pytest.raises(EnforcementError, match="it was restored from before"):
        world.apply(plan)
    world.decide()
    with pytest.raises(EnforcementError, match="plan recover"):
        world.plan()
    assert recover(world.settings, "Ada") == {plan: [1]}
    assert recover(world.settings, "Ada") == {}
    assert world.apply(world.approved())["applied"] == first["applied"]
    assert people(world)[1] == "Anonymised"


def test_approvals(keyed: Kept) -> None:
    world = keyed.decided()
    plan = str(world.plan()["plan"])
    with pytest.raises(EnforcementError, match="approve it first"):
        world.apply(plan)
    with pytest.raises(EnforcementError, match="an approval needs a name"):
        approve(world.settings, plan, "  ", release_brake=True)
    with pytest.raises(EnforcementError, match="there is no plan"):
        approve(world.settings, "nothing", "Ada")
    approve(world.settings, plan[:6], "Ada", release_brake=True)
    with pytest.raises(EnforcementError, match="is approved"):
        approve(world.settings, plan, "Ada")
    with pytest.raises(EnforcementError, match="is approved: carry it out"):
        world.plan()
    withdraw(world.settings, plan, "Ada")
    with pytest.raises(EnforcementError, match="is withdrawn"):
        world.apply(plan)
    assert not list(world.settings.restricted.glob("plan-*"))
    assert [entry.kind for entry in Ledger(world.control, KeyStore(world.settings.keys), world.settings.keys).entries()
            ] == ["plan_made", "approved", "withdrawn"]


@pytest.mark.soak
def test_a_newer_plan_supersedes_one_that_nobody_approved(keyed: Kept) -> None:
    world = keyed.decided()
    first, second = world.plan()["plan"], world.plan()["plan"]
    assert first != second
    assert [plan.state(14) for plan in known_plans(world.control)] == ["superseded", "made"]
    told = f"plan {first} is superseded: plan {second} was made since, look at it with `ajprivacy plan show {second}`"
    with pytest.raises(EnforcementError, match=told):
        approve(world.settings, str(first), "Ada", release_brake=True)
    with pytest.raises(EnforcementError, match=told):
        world.apply(str(first))


def test_listed_approvers_and_four_eyes(keyed: Kept) -> None:
    world = keyed.decided()
    policy_says(world, "approvers = []", 'approvers = ["Ada Byron", "Bo"]')
    policy_says(world, "four_eyes = false", "four_eyes = true")
    world.decide()
    plan = str(world.plan()["plan"])
    with pytest.raises(EnforcementError, match="not one of the policy's approvers"):
        approve(world.settings, plan, "Carl", release_brake=True)
    assert approve(world.settings, plan, "ada  byron", release_brake=True).state(14) == "first_approval"
    with pytest.raises(EnforcementError, match="somebody else"):
        approve(world.settings, plan, "Ada Byron", release_brake=True)
    assert approve(world.settings, plan, "Bo").state(14) == "approved"


def test_a_run_and_an_apply_exclude_each_other(keyed: Kept) -> None:
    world, plan = keyed.approved(), keyed.plan
    with warehouse_lock(world.settings, alone=False), pytest.raises(ControlError, match="a run of a month"):
        world.apply(plan)
    with warehouse_lock(world.settings, alone=True), pytest.raises(ControlError, match="carrying out"):
        world.decide()
