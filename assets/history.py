"""The history of runs that Dagster keeps: a command's run stands in it like any other, and no run stays in it for ever.

Belongs here: making a run under the code location's name, ending the dead, deleting the old. Does not belong here:
what a run does, when the daily jobs call this (`jobs`).
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
from ajprivacy_pipeline.assets.interrupts import INTERRUPTS
from ajprivacy_pipeline.assets.labels import COMMAND_LINE
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from ajprivacy_pipeline.disclosure.verdict import UNCHECKED
from ajprivacy_pipeline.settings import Settings

if TYPE_CHECKING:
    from dagster._core.execution.execution_result import ExecutionResult
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

CODE = "ajprivacy_pipeline.assets.definitions"  # the code location: the module that the pages and the daemon load
PARTITION_TAG = "dagster/partition"
# One step at a time, however many runs there are, on what months share: the warehouse, the pseudonymised zone, the
# release, the control store. A model works in its month's own file, which the run holds alone.
POOL = "zones"
_REPOSITORY = "__repository__"  # what Dagster calls the only one of a module
_UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_QUIET = timedelta(minutes=10)  # longer than a run takes from its start to its month's lock
_STANDS = "release"  # the assets whose checks are about what analysts have, not about what a run did
_INTERRUPTED = "Interrupted where it was started, by Ctrl-C or SIGTERM."
_DIED = "The process of this run ended without a word; run it again."


def origin_of(job: str) -> RemoteJobOrigin:
    """Returns where Dagster finds a job of ours, as its pages and sensors ask for it."""
    target = LoadableTargetOrigin(module_name=CODE)
    return RemoteJobOrigin(RemoteRepositoryOrigin(ManagedGrpcPythonEnvCodeLocationOrigin(target, CODE), _REPOSITORY),
                           job)


def run_here(job: dg.JobDefinition, instance: dg.DagsterInstance, partition: str,
             resources: Mapping[str, dg.ResourceDefinition], config: Mapping[str, object]) -> "ExecutionResult":
    """Run a job in this process, as a run of the code location: `execute_in_process` leaves that out.

    Dagster's pages list runs, timelines and sensors by code location, and see no run without one (1.13.27). A run that
    a signal ends is cancelled in the history; one that was over by then has succeeded, whatever arrived.

    Raises:
        dagster.DagsterError: a step failed.
        dagster.DagsterExecutionInterruptedError: interrupted by Ctrl-C or SIGTERM.
    """
    from dagster._core.definitions.job_base import InMemoryJob
    from dagster._core.execution.api import execute_run
    from dagster._core.execution.build_resources import wrap_resources_for_execution
    ready = job.as_ephemeral_job(resource_defs=wrap_resources_for_execution(resources), input_values={})
    tags = {**job.run_tags, **COMMAND_LINE, **job.get_tags_for_partition_key(partition, selected_asset_keys=None)}
    with INTERRUPTS.held():
        run = instance.create_run_for_job(ready, run_config=config, remote_job_origin=origin_of(job.name), tags=tags)
        try:
            INTERRUPTS.stop_if_arrived()
            return execute_run(InMemoryJob(ready), run, instance, raise_on_error=True)
        except BaseException:  # whatever an interruption has become on its way through drivers
            if not INTERRUPTS.arrived:
                raise
            _end_cancelled(instance, run.run_id)
            raise dg.DagsterExecutionInterruptedError from None


def _end_cancelled(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_canceled(run, _INTERRUPTED)


def end_dead_runs(instance: dg.DagsterInstance, settings: Settings, own: dg.DagsterRun) -> list[str]:
    """Mark runs whose process is gone as failed, and free their slots of the pool; returns their ids.

    To be called by a month's run that holds its month's lock and the warehouse's. A run of a month holds the month's
    lock from its first step to its last: it is dead where it holds a slot without the lock, is older than `own`, which
    has the lock of the same month, or has been quiet for ten minutes without the lock. A run of no month, as that of an
    apply, is dead where it has held a slot for ten minutes: an apply would hold the warehouse's lock.
    Without this a killed run would make every later one wait for ever, and look as if it were under way.
    """
    from ajprivacy_pipeline.storage.month_files import is_running
    storage = instance.event_log_storage
    slots = storage.get_concurrency_info(POOL).claimed_slots if storage.supports_global_concurrency_limits else []
    holding = {slot.run_id for slot in slots}
    records = instance.get_run_records(filters=dg.RunsFilter(statuses=_UNDER_WAY))
    born = {record.dagster_run.run_id: record.create_timestamp for record in records}

    def is_dead(record: dg.RunRecord) -> bool:
        run, month = record.dagster_run, _month_of(record.dagster_run)
        has_slot = run.run_id in holding
        is_quiet = record.update_timestamp < datetime.now(UTC) - _QUIET
        if not month:
            return has_slot and is_quiet
        if month == _month_of(own):
            return has_slot or record.create_timestamp < born[own.run_id]
        return not is_running(settings, month) and (has_slot or is_quiet)

    dead = [record.dagster_run for record in records if record.dagster_run.run_id != own.run_id and is_dead(record)]
    for run in dead:
        note_unchecked(instance, run)
        instance.report_run_failed(run, _DIED)
    for run_id in (holding - born.keys()) | {run.run_id for run in dead}:  # of ended runs, too
        storage.free_concurrency_slots_for_run(run_id)
    return [run.run_id for run in dead]


def silent_runs(instance: dg.DagsterInstance, settings: Settings) -> list[dg.DagsterRun]:
    """Returns runs of a month whose process is gone: without the month's lock, and without a word for ten minutes.

    To be asked by whoever holds no lock; a run that is just ending has written its last words a moment ago.
    """
    from ajprivacy_pipeline.storage.month_files import is_running
    before = (datetime.now(UTC) - _QUIET).timestamp()

    def is_silent(run: dg.DagsterRun) -> bool:
        month = _month_of(run)
        if not month or is_running(settings, month):
            return False
        said = instance.event_log_storage.get_records_for_run(run.run_id, limit=1, ascending=False).records
        return bool(said) and said[0].timestamp < before

    return [run for run in instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY)) if is_silent(run)]


def end_silent_runs(instance: dg.DagsterInstance, settings: Settings) -> None:
    """Mark runs whose process is gone as failed, so that people hear of them before another run begins."""
    for run in silent_runs(instance, settings):
        note_unchecked(instance, run)
        instance.report_run_failed(run, _DIED)


def note_interruption(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Where a signal ends a run, let Dagster end it as cancelled: it would call it failed, and tell people so."""
    if INTERRUPTS.arrived:
        instance.report_run_canceling(run, _INTERRUPTED)


def _month_of(run: dg.DagsterRun) -> str:
    return run.tags.get(PARTITION_TAG, "")[:7]


def note_unchecked(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Say "not checked" of every check that a run had planned and ended before; Dagster would call it failed.

    Checks of the release forget that they were planned: what was found of the release that stands is their last word,
    whatever became of the run.
    """
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
    stands = {asked for asked in open_checks if asked.asset_key.path[0] == _STANDS}
    _forget_checks(instance, run.run_id, stands)
    for asked in open_checks.keys() - stands:
        for month in open_checks[asked]:
            said = dg.AssetCheckEvaluation(
                asked.asset_key, asked.name, passed=False, description=UNCHECKED, partition=month,
                severity=dg.AssetCheckSeverity.WARN, metadata={"verdict": UNCHECKED})
            instance.report_dagster_event(dg.DagsterEvent(
                dg.DagsterEventType.ASSET_CHECK_EVALUATION.value, run.job_name, event_specific_data=said,
                message=f"{asked.name}: {UNCHECKED}, the run ended before"), run.run_id)


def _forget_checks(instance: dg.DagsterInstance, run_id: str, checks: Collection[dg.AssetCheckKey]) -> None:
    """Take a run's checks out of Dagster's table, where they stand as planned."""
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
    storage, columns = instance.event_log_storage, AssetCheckExecutionsTable.c
    if isinstance(storage, SqlEventLogStorage):
        with storage.index_connection() as connection:
            for asked in checks:
                connection.execute(AssetCheckExecutionsTable.delete().where(
                    columns.run_id == run_id, columns.asset_key == asked.asset_key.to_string(),
                    columns.check_name == asked.name))


def prune(instance: dg.DagsterInstance, before: datetime) -> int:
    """Delete every run created before a moment, with its events and all that is kept beside them; returns how many.

    A run of that age is over, whatever its state says; one that still waits to begin stays. Dagster leaves the newest
    materialisation of an asset and every evaluation of a check behind (1.13.27): they go here, as does what commands
    noted without a run.
    """
    from dagster._core.instance.utils import RUNLESS_RUN_ID
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
    old = dg.RunsFilter(created_before=before, statuses=[*_ENDED, *_UNDER_WAY])
    gone = {record.dagster_run.run_id for record in instance.get_run_records(filters=old)}
    for run_id in gone:
        instance.delete_run(run_id)
    storage = instance.event_log_storage
    for record in instance.get_asset_records():
        newest = record.asset_entry.last_materialization_record
        if newest is not None and (newest.run_id in gone or (
                newest.run_id == RUNLESS_RUN_ID and newest.timestamp < before.timestamp())):
            storage.wipe_asset(record.asset_entry.asset_key)
    if isinstance(storage, SqlEventLogStorage):
        _forget(storage, gone, RUNLESS_RUN_ID, before)
    return len(gone)


def _forget(storage: "SqlEventLogStorage", gone: Collection[str], runless: str, before: datetime) -> None:
    """Take the checks of runs that are gone out of Dagster's tables, and old events and checks without a run."""
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
    checks, events = AssetCheckExecutionsTable.c, SqlEventLogStorageTable.c
    old_event = (events.run_id == runless) & (events.timestamp < before)
    with storage.index_connection() as connection:
        for run_id in gone:
            connection.execute(AssetCheckExecutionsTable.delete().where(checks.run_id == run_id))
        connection.execute(AssetCheckExecutionsTable.delete().where(
            checks.run_id == runless, checks.evaluation_event_timestamp < before))
        connection.execute(SqlEventLogStorageTable.delete().where(old_event))
    with storage.run_connection(runless) as connection:  # in SQLite a file of its own
        connection.execute(SqlEventLogStorageTable.delete().where(old_event))
