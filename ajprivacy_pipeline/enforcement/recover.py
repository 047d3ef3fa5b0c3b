"""A restored warehouse: batches that the ledger knows and the warehouse does not.

Belongs here: noticing it, writing such batches off by name. Does not belong here: planning those people anew (`make`).
"""

from ajprivacy_pipeline.enforcement.apply import Writer, open_writer
from ajprivacy_pipeline.enforcement.entries import MARKED, undone_batches
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.plans import ENDED, find_plan, move
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.enforcement import same_name
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore


def lost_batches(writer: Writer, ledger: Ledger) -> dict[str, list[int]]:
    """Returns, by plan, the recorded batches whose markers the warehouse does not have."""
    entries = ledger.entries()
    undone = undone_batches(entries)
    lost: dict[str, list[int]] = {}
    markers: dict[str, dict[int, str]] = {}
    for entry in entries:
        if entry.kind in MARKED and entry.seq not in undone:
            plan, number = entry.body["plan"], entry.body["batch"]
            if plan not in markers:
                markers[plan] = writer.markers(plan)
            if number not in markers[plan]:
                lost.setdefault(plan, []).append(number)
    return lost


def require_unrestored(writer: Writer, ledger: Ledger) -> None:
    """Stop at a warehouse that lacks what was carried out in it.

    Raises:
        EnforcementError: naming plans and batches.
    """
    plans = {entry.body["plan"] for entry in ledger.entries() if entry.kind == "approved"}
    if unknown := sorted(writer.marked_plans() - plans):
        raise EnforcementError(f"the warehouse has batches of {len(unknown)} plan(s) that nobody approved here, as "
                               f"{unknown[0]}: restore the control store and the keys that belong to it")
    if lost := lost_batches(writer, ledger):
        named = "; ".join(f"plan {plan}: batch {', '.join(map(str, sorted(numbers)))}"
                          for plan, numbers in lost.items())
        raise EnforcementError(f"the warehouse lacks what the ledger says was carried out ({named}): it was restored "
                               "from before; say so with `ajprivacy plan recover --by NAME`, then run the month and "
                               "plan again")


def recover(settings: Settings, by: str) -> dict[str, list[int]]:
    """Write off the batches that a restored warehouse no longer has; their people are planned anew.

    Returns them by plan; nothing where none is lost.

    Raises:
        EnforcementError: no name, or not one of an approver.
        ControlError: the ledger has a fault.
    """
    with boundary("recover"):
        policy, control = load_policy(settings.notice), ControlStore.in_folder(settings.control)
        if not policy.enforcement.may_approve(by):
            raise EnforcementError("that name is not one of the policy's approvers (enforcement.toml)" if same_name(by)
                                   else "a recovery needs a name: --by NAME")
        ledger = Ledger(control, KeyStore(settings.keys, settings.root_key), settings.keys)
        ledger.check()
        with open_writer(settings.warehouse_url, policy.enforcement.batch.lock_wait_seconds) as writer:
            lost = lost_batches(writer, ledger)
        for name, numbers in lost.items():
            plan = find_plan(control, name)
            ledger.append("undone_by_restore", {"plan": plan.id, "month": plan.month, "batches": sorted(numbers),
                                                "by": by})
            if plan.state(policy.enforcement.approval_days) not in ENDED:
                move(control, ledger, plan, "withdrawn", by, {"undone_by_restore": sorted(numbers)})
        return lost
