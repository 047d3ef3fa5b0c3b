"""The resource `month`: the opened month of a run, shared by all its steps.

Belongs here: tying a Dagster run to a `MonthRun`. The in-process executor keeps a resource for the whole run, so the
month's file is opened, and its lock taken, once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import dagster as dg
from ajprivacy_pipeline.assets.history import PARTITION_TAG, end_dead_runs, note_interruption, note_unchecked
from ajprivacy_pipeline.assets.interrupts import INTERRUPTS
from ajprivacy_pipeline.assets.labels import label

from ajprivacy_pipeline.errors import ControlError, PrivacyError
from ajprivacy_pipeline.run.progress import Report, ignore
from ajprivacy_pipeline.settings import VARIABLES, load_settings
from ajprivacy_pipeline.storage.boundary import boundary

if TYPE_CHECKING:
    from ajprivacy_pipeline.release import ReleaseRequest
    from ajprivacy_pipeline.run.month import MonthRun

MONTH = "month"


def month_resource(
    report: Report = ignore, refused: Callable[[PrivacyError], None] = lambda _: None,
    request: "ReleaseRequest | None" = None,
) -> dg.ResourceDefinition:
    """Returns the resource of the month that the run's partition names, open from its first step to its last.

    Args:
        report: called after each table and step; the command line draws its progress from it.
        refused: called with what kept the month from opening, because Dagster masks it.
        request: overrides given on the command line; there is no other way to it.
    """

    def open_for_run(context: dg.InitResourceContext) -> Iterator["MonthRun"]:
        from ajprivacy_pipeline.assets.events import Written  # late: Dagster's storage takes as long as its assets

        from ajprivacy_pipeline.run.month import open_month
        try:
            run = context.run
            month = (run.tags.get(PARTITION_TAG, "") if run else "")[:7]
            if run is None or not month:
                raise ControlError("a run is for one month: choose a partition, or use `ajprivacy run --month YYYY-MM`")
            settings = load_settings()
            logs = Written(context.instance, run.run_id) if context.instance else None
            with open_month(settings, month, run.run_id, report, logs, request) as opened, INTERRUPTS.may_break_in():
                if context.instance is not None:
                    label(context.instance, run, opened.policy.version)
                    end_dead_runs(context.instance, settings, run)
                yield opened
        except PrivacyError as error:
            refused(error)
            if context.log is not None:
                context.log.error(str(error))  # noqa: TRY400 - the log redacts errors; ours hold no personal value
            raise error from None
        finally:
            if context.run is not None and context.instance is not None:
                note_interruption(context.instance, context.run)
                note_unchecked(context.instance, context.run)

    return dg.ResourceDefinition(
        resource_fn=open_for_run,
        description="The month's encrypted file, its lock, the policy and the keys. What a run is told comes from "
                    "these variables when it starts; no value of them is shown or stored here.\n\n" + "\n".join(
                        f"- `{name}`: {what}" for name, what in VARIABLES.items()))


@contextmanager
def step(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext,
         what: str | None = None) -> Iterator["MonthRun"]:
    """Yields the month of a step's run; the one error boundary: only our errors pass, with their words in the log.

    `what`: the part of the step that is done, for messages; else the step.
    """
    try:
        with boundary(what or context.op_def.name):
            yield cast("MonthRun", getattr(context.resources, MONTH))
    except PrivacyError as error:
        context.log.error(str(error))  # noqa: TRY400 - the event log redacts errors; ours hold no personal value
        raise error from None
