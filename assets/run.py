"""Runs a month's Dagster job in this process, with a history in DAGSTER_HOME.

Belongs here: the way from a command to the job, and from its events to a summary. Does not belong here: steps.
"""

import gc
import time
from typing import cast

import dagster as dg
from ajprivacy_pipeline.assets.build import MONTHS
from ajprivacy_pipeline.assets.enforce import PLAN
from ajprivacy_pipeline.assets.history import run_here
from ajprivacy_pipeline.assets.instance import prepare_dagster
from ajprivacy_pipeline.assets.jobs import MONTHLY
from ajprivacy_pipeline.assets.resources import MONTH, month_resource
from ajprivacy_pipeline.assets.steps import CLOSED
from dagster._core.execution.execution_result import ExecutionResult

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.errors import ControlError, PrivacyError
from ajprivacy_pipeline.release import ReleaseRequest
from ajprivacy_pipeline.run.progress import Report
from ajprivacy_pipeline.run.summary import ClosedSummary, PlanLine, RunSummary
from ajprivacy_pipeline.settings import Settings

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # our own lines say what happens


def run_month(settings: Settings, month: str, report: Report, request: ReleaseRequest | None = None) -> RunSummary:
    """Run the monthly job for one month and return its summary, free of personal values.

    `request` holds the overrides given on the command line.

    Raises:
        PrivacyError: what stopped the run; the previous release stands.
        KeyboardInterrupt: interrupted; the previous release stands.
    """
    as_of(month)
    partition = f"{month}-01"
    if not MONTHS.has_partition_key(partition):
        raise ControlError(f"{month} is not over yet, or lies before {MONTHS.start:%Y-%m} (purposes.toml, "
                           "first_month): choose a completed month")
    started = time.monotonic()
    refusals: list[PrivacyError] = []
    with prepare_dagster(settings) as instance:
        from ajprivacy_pipeline.assets.definitions import defs
        gc.freeze()  # what is loaded by now stays until the end, and is not looked through while a month runs
        gc.enable()
        try:
            result = run_here(
                defs.resolve_job_def(MONTHLY), instance, partition, config=_QUIET,
                resources={MONTH: month_resource(report, refusals.append, request)})
        except dg.DagsterExecutionInterruptedError:
            raise KeyboardInterrupt from None
        except dg.DagsterError:
            if not refusals:
                raise
            raise refusals[0] from None
    return {**_summary(result), "plan": _plan(result), "seconds": round(time.monotonic() - started, 1),
            "published": str(settings.published / "analytics.duckdb")}


def _summary(result: ExecutionResult) -> ClosedSummary:
    """What the run's last step noted about it."""
    for event in result.get_asset_materialization_events():
        if event.asset_key == CLOSED:
            found = event.materialization.metadata["summary"].value
            if isinstance(found, dict):
                return cast(ClosedSummary, found)
    raise ControlError("the run ended without its last step; look at it with `ajprivacy ui`")


def _plan(result: ExecutionResult) -> PlanLine | str | None:
    """The plan that ended the month, or why none was made; None where nothing is due."""
    for event in result.get_asset_materialization_events():
        if event.asset_key == PLAN and "why" in event.materialization.metadata:
            return str(event.materialization.metadata["why"].value)
        if event.asset_key == PLAN:
            found = event.materialization.metadata["summary"].value
            if isinstance(found, dict) and found["plan"] is not None:
                return {"plan": found["plan"], "rows": found["rows"], "subjects": found["subjects"],
                        "oldest_due_on": found["oldest_due_on"],
                        "brakes": sum(row["tripped"] for row in found["brake"]), "refused": len(found["refused"]),
                        "approved": bool(event.materialization.metadata["approved"].value)}
    return None
