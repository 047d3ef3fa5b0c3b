"""Copies die: after a request's apply the newest month and the pseudonymised zone are built anew, without what went.

The warehouse is read and decided again as a second run of the month would do it, into new files under new keys. So what
was carried out is in no page of ours, and everybody else stands there by the same models, by which nobody is followed
who has asked since. What is kept by law of somebody stands in the warehouse, and therefore in the month's file, too.
Belongs here: when that is due, and its order. Does not belong here: the swap (`storage.anew`), releases, which hold
nobody and are closed.
"""

from ajprivacy_pipeline.enforcement.entries import MARKED
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.our_copies import read_at_of
from ajprivacy_pipeline.enforcement.plans import Plan
from ajprivacy_pipeline.errors import EnforcementError, PrivacyError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.pseudonyms.zone import PSEUDONYMISED, pseudonymised_file
from ajprivacy_pipeline.run.month import MonthRun
from ajprivacy_pipeline.run.progress import ignore
from ajprivacy_pipeline.run.steps import run_decisions, run_layers
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.anew import Checkpoint, built_anew, settle
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file, month_lock, standing_months

_FOLLOWED = ("pseudonyms", PSEUDONYMISED)


def leave_out(settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore, plan: Plan,
              checkpoint: Checkpoint) -> list[str]:
    """Build the zones anew where they were read before a request's plan was carried out; returns their names.

    To be called under the warehouse's lock, alone. Nothing is built where that has happened already.

    Raises:
        EnforcementError: they cannot be built, though the plan is carried out; applying it again goes on here.
    """
    carried = [entry.recorded_at for entry in Ledger(control, keys, settings.keys).entries()
               if entry.kind in MARKED and entry.body["plan"] == plan.id]
    if plan.request is None or not carried:
        return []
    built = []
    try:
        for month in standing_months(settings):  # beside the newest, what a killed run has left
            with month_lock(settings, month):
                settle(keys, month_file(settings, month))
                read_at = read_at_of(settings, keys, month)
                if read_at is None or read_at <= max(carried):
                    built += _build(settings, policy, control, keys, month, f"apply {plan.id}", checkpoint)
    except PrivacyError as error:
        raise EnforcementError(f"plan {plan.id} is carried out and verified, but our own copies still hold what went "
                               f"({error}): run `ajprivacy plan apply {plan.id}` again") from None
    return built


def _build(settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore, month: str, told: str,
           checkpoint: Checkpoint) -> list[str]:
    with (built_anew(keys, month_file(settings, month), lambda step: checkpoint(f"month: {step}")) as path,
          zones.open_zone(settings, keys, path) as con):
        run = MonthRun(settings, policy, control, keys, con, month, told, ignore)
        run_decisions(run)
        followed = pseudonymised_file(settings, month).exists()
        if followed:
            run_layers(run, _FOLLOWED)
            run.pseudonymise(lambda step: checkpoint(f"pseudonymised: {step}"))
    return [month, *([pseudonymised_file(settings, month).stem] if followed else [])]
