"""A restored warehouse: batches that the ledger knows and the warehouse does not.

Belongs here: noticing it, writing such batches off by name, and refusing that of a warehouse which they were never
carried out in. Does not belong here: planning those people anew (`make`).
"""

from collections.abc import Collection, Mapping, Sequence

from ajprivacy_pipeline.enforcement.apply import Writer, open_writer
from ajprivacy_pipeline.enforcement.bodies import Undone
from ajprivacy_pipeline.enforcement.entries import MARKED, Entry, undone_batches
from ajprivacy_pipeline.enforcement.ground import identity_of
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.plans import ENDED, Plan, find_plan, move
from ajprivacy_pipeline.enforcement.stages import SUBJECTS
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.policy.enforcement import same_name
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.warehouse.lookup import lookup
from ajprivacy_pipeline.warehouse.mapping_file import load_mapping


def lost_batches(writer: Writer, ledger: Ledger) -> dict[str, list[Entry]]:
    """Returns, by plan, the recorded batches whose markers the warehouse does not have."""
    entries = ledger.entries()
    undone = undone_batches(entries)
    lost: dict[str, list[Entry]] = {}
    markers: dict[str, dict[int, str]] = {}
    for entry in entries:
        if entry.kind in MARKED and entry.seq not in undone:
            plan = entry.body["plan"]
            if plan not in markers:
                markers[plan] = writer.markers(plan)
            if entry.body["batch"] not in markers[plan]:
                lost.setdefault(plan, []).append(entry)
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
        named = "; ".join(f"plan {plan}: batch {', '.join(map(str, _numbers(batches)))}"
                          for plan, batches in lost.items())
        raise EnforcementError(f"the warehouse lacks what the ledger says was carried out ({named}): it was restored "
                               "from before, or AJPRIVACY_WAREHOUSE names another one; where it was restored, say so "
                               "with `ajprivacy plan recover --by NAME`, then run the month and plan again")


def recover(settings: Settings, by: str, *, moved: bool = False) -> dict[str, list[int]]:
    """Write off the batches that a restored warehouse no longer has; their people are planned anew.

    Args:
        settings: folders, keys and the warehouse.
        by: who says that it was restored.
        moved: whether that person says, too, that it stands at another address than these plans were made for.

    Returns:
        Them by plan; nothing where none is lost.

    Raises:
        EnforcementError: no name, or not one of an approver; it is another warehouse than these plans', or holds none
            of their people: then nothing was written off.
        ControlError: the ledger has a fault.
        PrivacyError: the warehouse cannot be read.
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
        plans = {name: find_plan(control, name) for name in lost}
        elsewhere = _is_elsewhere(settings, plans.values(), moved=moved)
        if lost:
            _require_people(settings, policy, ledger, lost)
        for name, batches in lost.items():
            plan, numbers = plans[name], _numbers(batches)
            body: Undone = {"plan": plan.id, "month": plan.month, "batches": numbers, "by": by}
            if elsewhere:
                body["moved"] = True
            ledger.append("undone_by_restore", body)
            if plan.state(policy.enforcement.approval_days) not in ENDED:
                move(control, ledger, plan, "withdrawn", by, {"undone_by_restore": numbers})
        return {name: _numbers(batches) for name, batches in lost.items()}


def _is_elsewhere(settings: Settings, plans: Collection[Plan], *, moved: bool) -> bool:
    """Whether the warehouse stands at another address than that of some plans, which somebody has to say."""
    here = identity_of(settings.warehouse_url)
    others = [plan.id for plan in plans if plan.warehouse != here]
    if others and not moved:
        raise EnforcementError(f"plan {others[0]} was carried out in a warehouse at another address: point "
                               "AJPRIVACY_WAREHOUSE to that one, or say with --moved that it was restored to this one; "
                               "nothing was written off")
    return bool(others)


def _require_people(settings: Settings, policy: Policy, ledger: Ledger, lost: Mapping[str, Sequence[Entry]]) -> None:
    """Refuse a warehouse that holds nothing which the lost batches took something from: it is no restored one.

    Who was carried out keeps a row, and a backup from before has it. Where nobody was, or nobody can be told any more,
    the tables that were changed must hold rows.
    """
    batches = [entry for found in lost.values() for entry in found]
    is_among = ledger.among({entry.seq for entry in batches})
    mapping = load_mapping(settings.mapping_file, policy.sources)
    with lookup(settings.warehouse_url, mapping, policy.sources) as found:
        if is_among is not None:
            holds = any(is_among(f"{name.removesuffix('s')}:{one}") for name in SUBJECTS
                        for one in found.each(name, policy.sources.tables[name].key[0]))
        else:
            tables = {count["entity"] for entry in batches for count in entry.body["counts"]}
            holds = any(True for name in sorted(tables) for _ in found.each(name, policy.sources.tables[name].key[0]))
    if not holds:
        what = ("none of the people from whom they took something" if is_among is not None else
                "no row in any of the tables that they changed")
        raise EnforcementError(f"the warehouse lacks {len(batches)} batch(es) of the ledger, and holds {what}: it is "
                               "another one, or empty, and no restored one; point AJPRIVACY_WAREHOUSE to that one, or "
                               "restore it; nothing was written off")


def _numbers(batches: Sequence[Entry]) -> list[int]:
    return sorted(entry.body["batch"] for entry in batches)
