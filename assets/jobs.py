"""Jobs and schedules.

Belongs here: what runs when. Does not belong here: what a step does.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg
from ajprivacy_pipeline.assets.answers import ways
from ajprivacy_pipeline.assets.history import prune

from ajprivacy_pipeline.calendar import RUN_DAY
from ajprivacy_pipeline.clock import LOCAL_ZONE

if TYPE_CHECKING:
    from dagster._core.definitions.partitions.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

MONTHLY = "monthly"
MAINTENANCE = "maintenance"


def monthly_job(selection: dg.AssetSelection) -> "UnresolvedAssetJobDefinition":
    """From the warehouse to a published month, in one process and one step at a time."""
    return dg.define_asset_job(
        MONTHLY, selection=selection, executor_def=dg.in_process_executor,
        description="Reads the warehouse, decides retention for the month, pseudonymises, proves and publishes.\n\n"
                    f"{ways()}")


def monthly_schedule(
    job: "UnresolvedAssetJobDefinition",
) -> "dg.ScheduleDefinition | UnresolvedPartitionedAssetScheduleDefinition":
    """Returns the schedule of the completed month, on its day; partitions give the zone."""
    return dg.build_schedule_from_partitioned_job(
        job, name="monthly_on_the_second", day_of_month=RUN_DAY, hour_of_day=3, minute_of_hour=30,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The completed month, at an hour that every night of the year has.")


def maintenance_job(log_months: int) -> dg.JobDefinition:
    """Deletes runs and their event logs after the policy's period for logs; Dagster itself keeps them for ever."""

    @dg.op(description=f"Delete runs older than {log_months} months, with their events and checks.")
    def prune_runs(context: dg.OpExecutionContext) -> None:
        pruned = prune(context.instance, months_before(datetime.now(UTC), log_months))
        context.log.info("%s runs pruned", pruned)

    @dg.job(name=MAINTENANCE, executor_def=dg.in_process_executor,
            description=f"Deletes runs and event logs older than {log_months} months (the notice's period for logs).")
    def maintenance() -> None:
        prune_runs()

    return maintenance


def maintenance_schedule(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Returns the nightly schedule, so that no log is much older than the policy allows."""
    return dg.ScheduleDefinition(name="maintenance_nightly", job=job, cron_schedule="45 4 * * *",
                                 execution_timezone=LOCAL_ZONE, default_status=dg.DefaultScheduleStatus.RUNNING)


def months_before(moment: datetime, months: int) -> datetime:
    """Returns the same hour some calendar months earlier, on the 28th at the latest."""
    index = moment.year * 12 + moment.month - 1 - months
    return moment.replace(year=index // 12, month=index % 12 + 1, day=min(moment.day, 28))
