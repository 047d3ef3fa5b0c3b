"""The resource `month`: the opened month of a run, shared by all its steps.

Belongs here: tying a Dagster run to a `MonthRun`. The in-process executor keeps a resource for the whole run, so the
month's file is opened, and its lock taken, once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import cast

import dagster as dg

from ajprivacy_pipeline.disclosure.verdict import UNCHECKED
from ajprivacy_pipeline.errors import ControlError, PrivacyError
from ajprivacy_pipeline.release import ReleaseRequest
from ajprivacy_pipeline.run.month import MonthRun, Report, ignore, open_month
from ajprivacy_pipeline.settings import Settings, load_settings
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.month_files import is_running

MONTH = "month"
# One step at a time, however many runs there are, on what months share: the warehouse, the pseudonymised zone, the
# release, the control store. A model works in its month's own file, which the run holds alone.
POOL = "zones"
_PARTITION_TAG = "dagster/partition"


def month_resource(
    report: Report = ignore, refused: Callable[[PrivacyError], None] = lambda _: None,
    request: ReleaseRequest | None = None,
) -> dg.ResourceDefinition:
    """Returns the resource of the month that the run's partition names, open from its first step to its last.

    Args:
        report: called after each table and step; the command line draws its progress from it.
        refused: called with what kept the month from opening, because Dagster masks it.
        request: overrides given on the command line; there is no other way to it.
    """

    def open_for_run(context: dg.InitResourceContext) -> Iterator[MonthRun]:
        try:
            run = context.run
            month = (run.tags.get(_PARTITION_TAG, "") if run else "")[:7]
            if run is None or not month:
                raise ControlError("a run is for one month: choose a partition, or use `ajprivacy run --month YYYY-MM`")
            settings = load_settings()
            logs = partial(written_so_far, context.instance, run.run_id) if context.instance else None
            with open_month(settings, month, run.run_id, report, logs, request) as opened:
                if context.instance is not None:
                    free_dead_slots(context.instance, settings, month)
                yield opened
        except PrivacyError as error:
            refused(error)
            if context.log is not None:
                context.log.error(str(error))  # noqa: TRY400 - the log redacts errors; ours hold no personal value
            raise error from None
        finally:
            if context.run is not None and context.instance is not None:
                note_unchecked(context.instance, context.run)

    return dg.ResourceDefinition(
        resource_fn=open_for_run,
        description="The month's encrypted file, its lock, the policy and the keys. Settings come from AJPRIVACY_* "
                    "variables when a run starts; nothing of them is shown or stored here.")


def note_unchecked(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Say "not checked" of every check that a run had planned and ended before; Dagster would call it failed."""
    kinds = {dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, dg.DagsterEventType.ASSET_CHECK_EVALUATION}
    open_checks: dict[dg.AssetCheckKey, list[str | None]] = {}
    for entry in instance.all_logs(run.run_id, of_type=kinds):
        event = entry.dagster_event
        if event is not None and event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
            planned = event.asset_check_planned_data
            subset = planned.partitions_subset
            open_checks[planned.asset_check_key] = [None] if subset is None else list(subset.get_partition_keys())
        elif event is not None:
            open_checks.pop(event.asset_check_evaluation_data.asset_check_key, None)
    for asked, months in open_checks.items():
        for month in months:
            said = dg.AssetCheckEvaluation(
                asked.asset_key, asked.name, passed=False, description=UNCHECKED, partition=month,
                severity=dg.AssetCheckSeverity.WARN, metadata={"verdict": UNCHECKED})
            instance.report_dagster_event(dg.DagsterEvent(
                dg.DagsterEventType.ASSET_CHECK_EVALUATION.value, run.job_name, event_specific_data=said,
                message=f"{asked.name}: {UNCHECKED}, the run ended before"), run.run_id)


def written_so_far(instance: dg.DagsterInstance, run_id: str) -> Iterator[str]:
    """Yields everything of a run in Dagster's storage, as JSON: the run itself, then its events.

    Standard output is not kept (dagster.yaml), so there is nothing else.
    """
    if run := instance.get_run_by_id(run_id):
        yield dg.serialize_value(run)
    yield from map(dg.serialize_value, instance.all_logs(run_id))


@contextmanager
def step(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Iterator[MonthRun]:
    """Yields the month of a step's run; the one error boundary: only our errors pass, with their words in the log."""
    try:
        with boundary(context.op_def.name):
            yield cast("MonthRun", getattr(context.resources, MONTH))
    except PrivacyError as error:
        context.log.error(str(error))  # noqa: TRY400 - the event log redacts errors; ours hold no personal value
        raise error from None


def free_dead_slots(instance: dg.DagsterInstance, settings: Settings, own_month: str) -> list[str]:
    """Free the pool's slots of killed runs, and mark those runs as failed; returns their ids.

    A run holds a slot only inside a step, and then holds its month's lock: a slot without a lock belongs to the dead.
    So does one of the month whose lock the caller holds, which is about to begin its first step. Without this a killed
    run would make every later one wait for ever.
    """
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return []
    dead = []
    for run_id in {slot.run_id for slot in storage.get_concurrency_info(POOL).claimed_slots}:
        run = instance.get_run_by_id(run_id)
        month = run.tags.get(_PARTITION_TAG, "")[:7] if run else ""
        if month and month != own_month and is_running(settings, month):
            continue
        storage.free_concurrency_slots_for_run(run_id)
        if run and not run.is_finished:
            note_unchecked(instance, run)
            instance.report_run_failed(run, "The process of this run ended without a word; run the month again.")
        dead.append(run_id)
    return dead

