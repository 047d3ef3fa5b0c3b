"""Approving and withdrawing a plan: who may, and what must be looked at first.

Belongs here: approvers, four eyes, the brake, what stands in the way. Does not belong here: making or carrying out.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.current import current_policy
from ajprivacy_pipeline.enforcement.entries import MARKED
from ajprivacy_pipeline.enforcement.ground import look_at
from ajprivacy_pipeline.enforcement.ledger import Ledger, open_ledger
from ajprivacy_pipeline.enforcement.plans import (
    ENDED,
    WAITING,
    Plan,
    destroy_file,
    find_plan,
    instead_of,
    known_plans,
    mapping_hash,
    move,
    require_recorded,
)
from ajprivacy_pipeline.enforcement.recorded import complete
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.policy.enforcement import same_name
from ajprivacy_pipeline.settings import Settings, prepare_home
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_tables import month_measures
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import warehouse_lock
from ajprivacy_pipeline.warehouse.source import open_source


def approve(settings: Settings, name: str, by: str, *, release_brake: bool = False) -> Plan:
    """Approve a plan; with four eyes, the first approval waits for a second one by somebody else.

    Raises:
        EnforcementError: the plan may not be approved, or not by this name; nothing has changed.
    """
    with boundary("plan"):
        policy, control = current_policy(settings), ControlStore.in_folder(settings.control)
        plan = find_plan(control, name)
        rules = policy.enforcement
        state = plan.state(rules.approval_days)
        if state not in WAITING:
            raise EnforcementError(f"plan {plan.id} is {state}"
                                   + (f": {instead_of(control, plan)}" if state in ENDED else ""))
        ledger = checked_ledger(settings)
        require_recorded(plan, ledger)
        if not rules.may_approve(by):
            raise EnforcementError("that name is not one of the policy's approvers (enforcement.toml)"
                                   if same_name(by) else "an approval needs a name: --by NAME")
        with open_source(settings.warehouse_url) as source:
            require_unchanged(plan, policy, settings, look_at(source, settings, policy).catalogue_sha256)
        if plan.summary["refused"]:
            raise EnforcementError(f"plan {plan.id}: the warehouse would refuse {len(plan.summary['refused'])} "
                                   "thing(s); `ajprivacy plan show` lists them with what to do, then make the plan "
                                   "again")
        brakes = [row for row in plan.summary["brake"] if row["tripped"]]
        if brakes and not release_brake and not _brake_released(plan):
            worst = max(brakes, key=lambda row: row["share"])
            raise EnforcementError(f"plan {plan.id}: the brake stands for {len(brakes)} part(s), as {worst['entity']}."
                                   f"{worst['part']} ({worst['share']:.1%} of its rows with a value; up to "
                                   f"{worst['limit']:.0%} go in passing): look at `ajprivacy plan show`, then say "
                                   "--release-brake")
        return _record(control, ledger, plan, by, four_eyes=rules.four_eyes,
                       release_brake=release_brake and bool(brakes))


def _record(control: ControlStore, ledger: Ledger, plan: Plan, by: str, *, four_eyes: bool,
            release_brake: bool) -> Plan:
    before = [event for event in plan.events if event.event == "first_approval"]
    if any(same_name(event.by) == same_name(by) for event in before):
        raise EnforcementError(f"plan {plan.id} waits for a second approval, by somebody else")
    event = "first_approval" if four_eyes and not before else "approved"
    return move(control, ledger, plan, event, by, {"brake_released": release_brake})


def checked_ledger(settings: Settings) -> Ledger:
    """Returns the ledger of an installation, which is whole (ControlError where it is not)."""
    ledger = open_ledger(settings)
    ledger.check()
    return ledger


def _brake_released(plan: Plan) -> bool:
    return any(event.detail.get("brake_released") for event in plan.events)


def require_unchanged(plan: Plan, policy: Policy, settings: Settings, catalogue_sha256: str) -> None:
    """Stop where a plan was made from another policy, mapping or catalogue than those that are there now.

    Raises:
        EnforcementError: naming which of them has changed.
    """
    changed = [what for what, was, now in (
        ("the policy", plan.policy_version, policy.version),
        ("the mapping", plan.mapping_sha256, mapping_hash(settings)),
        ("the warehouse's catalogue", plan.catalogue_sha256, catalogue_sha256)) if was != now]
    if changed:
        raise EnforcementError(f"plan {plan.id}: {' and '.join(changed)} changed since it was made: make a new plan "
                               "with `ajprivacy plan make` (after a change of policy or mapping run the month "
                               "again first)")


def auto_approve(settings: Settings, names: Iterable[str]) -> list[Plan]:
    """Approve plans unattended where the policy says so: within the brake, and never the first of anything.

    Returns those that were approved; the others a person has to.
    """
    policy = load_policy(settings.notice)
    if not policy.enforcement.auto_approve:
        return []
    control = ControlStore.in_folder(settings.control)
    approved = (_auto_approved(settings, policy, control, name) for name in names)
    return [plan for plan in approved if plan is not None]


def _auto_approved(settings: Settings, policy: Policy, control: ControlStore, name: str) -> Plan | None:
    plan, ledger = find_plan(control, name), checked_ledger(settings)
    if not _has_precedent(plan, control, ledger) or any(row["tripped"] for row in plan.summary["brake"]):
        return None
    if plan.summary["refused"] or policy.enforcement.four_eyes:
        return None
    with boundary("plan"):
        return _record(control, ledger, plan, "auto_approve", four_eyes=False, release_brake=False)


def _has_precedent(plan: Plan, control: ControlStore, ledger: Ledger) -> bool:
    """Whether a plan of this warehouse, policy and mapping was verified that was made since what a person vouched for.

    That is an accepted loss of evidence and a restored warehouse. One person's plan is no precedent for everybody's.
    """
    vouched = [entry.recorded_at for entry in ledger.entries() if entry.kind == "undone_by_restore"]
    vouched += [row["recorded_at"] for row in control.rows(
        sa.select(month_measures.c.recorded_at).where(month_measures.c.accepted_by.is_not(None)))]
    return any((known.policy_version, known.mapping_sha256, known.warehouse, known.rectifies)
               == (plan.policy_version, plan.mapping_sha256, plan.warehouse, plan.rectifies)
               and (known.request is None or plan.request is not None)
               and all(known.made_at > at for at in vouched)
               and any(event.event == "verified" for event in known.events) for known in known_plans(control))


def withdraw(settings: Settings, name: str, by: str) -> Plan:
    """Withdraw a plan; what it has carried out already stands, and is recorded.

    Raises:
        EnforcementError: it has ended already.
        PrivacyError: it is being carried out just now, or what it has carried out cannot be looked up.
    """
    with boundary("plan"):
        prepare_home(settings)
        with warehouse_lock(settings, alone=True):
            return _withdrawn(settings, name, by)


def _withdrawn(settings: Settings, name: str, by: str) -> Plan:
    policy, control = load_policy(settings.notice), ControlStore.in_folder(settings.control)
    keys, plan = KeyStore(settings.keys, settings.root_key), find_plan(control, name)
    state = plan.state(policy.enforcement.approval_days)
    if state in ENDED or state in ("applied", "verified"):
        raise EnforcementError(f"plan {plan.id} is {state} and cannot be withdrawn")
    if not same_name(by):
        raise EnforcementError("a withdrawal needs a name: --by NAME")
    ledger = checked_ledger(settings)
    complete(settings, policy, control, keys, plan)
    moved = move(control, ledger, plan, "withdrawn", by)
    if not any(entry.kind in MARKED and entry.body["plan"] == plan.id for entry in ledger.entries()):
        destroy_file(settings, keys, plan.id)  # else its rows tell the next plan what is gone already
    return moved
