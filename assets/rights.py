"""The rights of people as Dagster sees them: open requests in counts, what is overdue, the daily job.

Belongs here: one asset with its checks, the job and its schedule. Does not belong here: requests themselves (`rights`).
Nothing here names anybody.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg
from ajprivacy_pipeline.assets.build import OWNERS
from ajprivacy_pipeline.assets.journey import group
from ajprivacy_pipeline.assets.labels import label

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.errors import ControlError, EnforcementError, PrivacyError, SourceError
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.rights import DAILY
from ajprivacy_pipeline.settings import Settings, load_settings, notice_folder, prepare_home
from ajprivacy_pipeline.storage.boundary import boundary

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

    from ajprivacy_pipeline.rights.daily import OpenFigures
    from ajprivacy_pipeline.rights.requests import Request

REQUESTS = dg.AssetKey(["rights", "requests"])
_CHECKS = {  # name -> (count, severity, meaning)
    "none_overdue": ("overdue", dg.AssetCheckSeverity.ERROR, "No open request is beyond its deadline."),
    "none_due_soon": ("soon", dg.AssetCheckSeverity.WARN, "No open request is due within the policy's days."),
    "notices_acknowledged": ("unacknowledged", dg.AssetCheckSeverity.ERROR,
                             "Every notice about a request is acknowledged by whom it was told to, in time (Art. 19)."),
    "registers_complete": ("register_gaps", dg.AssetCheckSeverity.WARN,
                           "Balancing tests, agreements, controls and evidence are there: `ajprivacy policy ropa`."),
    "none_waits_long": ("waiting_long", dg.AssetCheckSeverity.WARN,
                        "Nobody has waited for identification for longer than the policy's months."),
}
_TO_DO = {  # of the checks above
    "none_overdue": "answer them: `ajprivacy request list`", "none_due_soon": "answer them: `ajprivacy request list`",
    "notices_acknowledged": "ask whoever has not answered: `ajprivacy outbox`",
    "registers_complete": "fill in what is missing: `ajprivacy policy ropa`",
    "none_waits_long": "ask again, or close them: `ajprivacy request list`",
}


def requests() -> dg.AssetsDefinition:
    """Returns the asset of open requests: counts by kind, state and deadline."""

    @dg.asset(key=REQUESTS, group_name=group("rights"), owners=OWNERS, tags={"content": "counts"},
              check_specs=[dg.AssetCheckSpec(name, asset=REQUESTS, description=meaning)
                           for name, (_, _, meaning) in _CHECKS.items()],
              description="Open requests of people by kind, state and deadline, in counts. Copies of answers and names "
                          "of who asked go here when their time is over. `ajprivacy request list` shows the requests.")
    def rights__requests(context: dg.AssetExecutionContext) -> Iterator[
            dg.MaterializeResult[None] | dg.AssetCheckResult]:
        from ajprivacy_pipeline.rights.daily import open_figures, register_figures, tidy
        from ajprivacy_pipeline.rights.requests import known_requests
        try:
            with boundary("requests"):
                settings = load_settings()
                prepare_home(settings)
                policy = load_policy(settings.notice)
                label(context.instance, context.run, policy.version)
                day = today(policy.retention.time_zone)
                known = known_requests(settings, policy.rights)
                gone = tidy(settings, policy, day, [one.id for one in known if one.is_open])
                planned = _planned(context, settings, policy, known)
                found = open_figures(known, policy.rights, day)
                registers = register_figures(settings, policy, known, day)
                counted = {"overdue": found["overdue"], "soon": found["soon"], "waiting_long": found["waiting_long"],
                           **registers}
        except PrivacyError as error:
            context.log.error(str(error))  # noqa: TRY400 - the event log redacts errors; ours hold no personal value
            raise error from None
        yield dg.MaterializeResult(asset_key=REQUESTS, metadata={
            "open": found["open"], "overdue": found["overdue"], "due_soon": found["soon"],
            "waiting_for_identity": found["waiting"], "notices_made": registers["notices_made"],
            "packages_destroyed": gone["packages"],
            "people_forgotten": gone["people"], **planned, "counts": dg.MetadataValue.md(_table(found))})
        for name, (count, severity, _) in _CHECKS.items():
            number = counted[count]
            yield dg.AssetCheckResult(check_name=name, asset_key=REQUESTS, passed=number == 0, severity=severity,
                                      description=f"{number:,}", metadata={
                                          "count": number, **({"to_do": _TO_DO[name]} if number else {})})

    return rights__requests


def _planned(context: dg.AssetExecutionContext, settings: Settings, policy: Policy, known: "list[Request]",
             ) -> dict[str, int]:
    """Make plans for erasures and objections that are ready; while a month runs they wait until tomorrow."""
    from ajprivacy_pipeline.rights.daily import plan_ready
    try:
        made = plan_ready(settings, policy, known)
    except (ControlError, EnforcementError, SourceError) as error:
        context.log.warning(str(error))
        return {"plans_made": 0, "plans_approved": 0}
    if made["left"]:
        context.log.warning("%d request(s) could have no plan now: `ajprivacy plan make --request ID` says why",
                            made["left"])
    return {"plans_made": made["made"], "plans_approved": made["approved"]}


def _table(found: "OpenFigures") -> str:
    lines = "\n".join(f"| {row['kind']} | {row['state']} | {row['deadline'] or 'unknown'} | {row['requests']} |"
                      for row in found["counts"])
    return f"| kind | state | deadline | requests |\n|---|---|---|---|\n{lines}"


def daily_job() -> "UnresolvedAssetJobDefinition":
    """Returns the job that looks at open requests."""
    return dg.define_asset_job(
        DAILY, selection=dg.AssetSelection.assets(REQUESTS), executor_def=dg.in_process_executor,
        description="Counts open requests of people, and says which are overdue, due soon, or wait for identification.")


def daily_schedule(job: "UnresolvedAssetJobDefinition") -> dg.ScheduleDefinition:
    """Returns the schedule: each morning, before people come to work."""
    return dg.ScheduleDefinition(name="requests_each_morning", job=job, cron_schedule="15 6 * * *",
                                 execution_timezone=load_policy(notice_folder()).retention.time_zone,
                                 default_status=dg.DefaultScheduleStatus.RUNNING)
