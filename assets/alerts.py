"""What needs attention as Dagster sees it: its own runs, gates and daemon, and the sensors that tell somebody.

Belongs here: reading Dagster's history for `alerts`, two sensors. Does not belong here: conditions, messages.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
from ajprivacy_pipeline.assets.checks import RELEASE
from ajprivacy_pipeline.assets.history import end_silent_runs, silent_runs
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES, PROVING
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.settings import Settings, load_settings
from ajprivacy_pipeline.storage.boundary import boundary

if TYPE_CHECKING:
    from ajprivacy_pipeline.alerts.conditions import Runs

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
_SAID = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}
_EVERY_SECONDS = 900


def runs_of(instance: dg.DagsterInstance, settings: Settings) -> "Runs":
    """Returns what Dagster's history says of runs, gates and the daemon; a run whose process is gone has failed."""
    from ajprivacy_pipeline.alerts.conditions import Runs, words
    since = datetime.now(UTC) - timedelta(days=words()[0].failed_run_days)
    newest = dict.fromkeys((run.job_name for run in silent_runs(instance, settings)), dg.DagsterRunStatus.FAILURE)
    for run in instance.get_runs(dg.RunsFilter(statuses=_ENDED, created_after=since)):  # newest first
        newest.setdefault(run.job_name, run.status)
    # What was last said of each: a run under way, or one that was killed, has only planned to say something.
    said = [one for name in PROVING for one in instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(RELEASE, GUARANTEES[name].check_name), 1, status=_SAID)]
    refused = [one for one in said if one.event and one.event.dagster_event and (
        found := one.evaluation) is not None and not found.passed and found.severity == dg.AssetCheckSeverity.ERROR]
    beats = [status.last_heartbeat.timestamp for status in instance.get_daemon_statuses().values()
             if status.last_heartbeat is not None]
    return Runs(sum(status == dg.DagsterRunStatus.FAILURE for status in newest.values()), len(refused),
                int((time.time() - max(beats)) // 60) if beats else None)


def _tell(context: dg.SensorEvaluationContext | dg.RunFailureSensorContext) -> str:
    """End runs whose process is gone, look, and tell; a sentence about it without what an address holds."""
    from ajprivacy_pipeline.alerts.conditions import health
    from ajprivacy_pipeline.alerts.told import tell
    try:
        with boundary("alerts"):
            settings = load_settings()
            end_silent_runs(context.instance, settings)
            found = health(settings, runs_of(context.instance, settings))
            told = tell(settings, found)
    except PrivacyError as error:
        context.log.error(str(error))  # noqa: TRY400 - the event log redacts errors; ours hold no personal value
        return str(error)
    for fault in told["faults"]:
        context.log.warning(fault)
    errors = sum(one["severity"] == "error" for one in found["conditions"])
    return (f"{errors} error(s), {len(found['conditions']) - errors} warning(s); told: {told['began']} new, "
            f"{told['again']} again, {told['over']} over")


@dg.sensor(name="alerts", minimum_interval_seconds=_EVERY_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING,
           description="Looks every quarter of an hour at everything that may need attention, and tells the addresses "
                       "of AJPRIVACY_ALERTS what has changed. `ajprivacy health` says the same from outside.")
def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Start nothing; what was found is the reason."""
    return dg.SkipReason(_tell(context))


@dg.run_failure_sensor(default_status=dg.DefaultSensorStatus.RUNNING,
                       description="Notes every failed run by its id and month, never with the text of the error, and "
                                   "tells the addresses of AJPRIVACY_ALERTS at once.")
def failed_runs(context: dg.RunFailureSensorContext) -> dg.SkipReason:
    """Leave a line in the sensor's history."""
    run = context.dagster_run
    month = run.tags.get("dagster/partition", "no month")
    context.log.error("run %s of %s for %s failed", run.run_id, run.job_name, month)
    return dg.SkipReason(f"run {run.run_id} of {run.job_name} for {month} failed: {_tell(context)}")
