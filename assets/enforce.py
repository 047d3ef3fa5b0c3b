"""Carrying out as Dagster sees it: the plan that ends a month, the job that applies an approved one, what proves it.

Belongs here: thin assets, the job `apply` and the sensor that starts it. Does not belong here: what a plan is or does
(`enforcement`).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg
from ajprivacy_pipeline.assets.answers import renew_page
from ajprivacy_pipeline.assets.build import MONTHS, OWNERS
from ajprivacy_pipeline.assets.history import POOL
from ajprivacy_pipeline.assets.journey import group
from ajprivacy_pipeline.assets.labels import label
from ajprivacy_pipeline.assets.resources import MONTH, step
from ajprivacy_pipeline.assets.steps import CLOSED

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.errors import EnforcementError, PrivacyError, SourceError
from ajprivacy_pipeline.policy import Clause, load_policy
from ajprivacy_pipeline.settings import Settings, load_settings, prepare_home
from ajprivacy_pipeline.storage.boundary import boundary

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

    from ajprivacy_pipeline.enforcement.entries import Entry
    from ajprivacy_pipeline.enforcement.head import Head
    from ajprivacy_pipeline.enforcement.plans import Plan
    from ajprivacy_pipeline.enforcement.shapes import ApplyResult

PLAN = dg.AssetKey(["enforcement", "plan"])
APPLIED = dg.AssetKey(["enforcement", "applied"])
CERTIFICATE = dg.AssetKey(["enforcement", "certificate"])
OVERDUE = "oldest_overdue"
_TO_DO = "look at the plan and approve it (`ajprivacy plan show`, `plan approve`), or mend what stands in its way"
APPLY = "apply"
_VERIFIED = "verified"


class PlanConfig(dg.Config):
    """Which plan is carried out."""

    plan: str


def plan() -> dg.AssetsDefinition:
    """Returns the last step of a month: what would go, in numbers that plot, for somebody to approve."""

    @dg.asset(key=PLAN, group_name=group("enforcement"), kinds={"duckdb"}, owners=OWNERS, tags={"content": "counts"},
              deps=[CLOSED], partitions_def=MONTHS, pool=POOL, required_resource_keys={MONTH},
              description="The plan of the month: everything that is due, with what stands in its way. It is carried "
                          "out once somebody approves it: `ajprivacy plan approve`.")
    def enforcement__plan(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from ajprivacy_pipeline.enforcement.approve import auto_approve
        from ajprivacy_pipeline.enforcement.make import plan_of
        with step(context) as run:
            try:
                summary = plan_of(run.con, run.settings, run.policy, run.control, run.keys, run.month)
            except (EnforcementError, SourceError) as error:  # the month stands; a plan can be made at any time
                context.log.warning(str(error))
                return dg.MaterializeResult(metadata={"made": False, "why": str(error)})
            approved = bool(summary["plan"] and auto_approve(run.settings, [summary["plan"]]))
        return dg.MaterializeResult(metadata={"made": summary["plan"] is not None, "approved": approved,
                                              "summary": dict(summary),
                                              **_figures(summary, run.policy.retention.time_zone)})

    return enforcement__plan


def _figures(summary: Mapping[str, Any], zone: str) -> dict[str, Any]:
    oldest = summary["oldest_due_on"]
    return {"rows": summary["rows"], "values": summary["cells"], "people": summary["subjects"],
            "oldest_due_days": (today(zone) - date.fromisoformat(oldest)).days if oldest else 0,
            "brakes": sum(row["tripped"] for row in summary["brake"]), "refused": len(summary["refused"]),
            "not_carried_out": sum(row["rows"] for row in summary["not_carried_out"]),
            "waiting": sum(row["rows"] for row in summary["waiting"]),
            "written_back": sum(summary.get("written_back", {}).values())}


def applied() -> dg.AssetsDefinition:
    """Returns the step that carries an approved plan out, with the check that it stands there."""

    @dg.asset(key=APPLIED, group_name=group("enforcement"), kinds={"sql"}, owners=OWNERS, tags={"content": "counts"},
              deps=[PLAN], pool=POOL, check_specs=[dg.AssetCheckSpec(_VERIFIED, asset=APPLIED, blocking=True)],
              description="What the last approved plan changed in the warehouse, read back with new SELECTs.")
    def enforcement__applied(context: dg.AssetExecutionContext, config: PlanConfig) -> Iterator[
            dg.MaterializeResult[None] | dg.AssetCheckResult]:
        from ajprivacy_pipeline.enforcement.carry import apply_plan
        try:
            with boundary("apply"):
                settings = load_settings()
                label(context.instance, context.run, load_policy(settings.notice).version)
                result = apply_plan(settings, config.plan, by=f"run {context.run.run_id}")
        except PrivacyError as error:
            context.log.error(str(error))  # noqa: TRY400 - the event log redacts errors; ours hold no personal value
            raise error from None
        made, checked = carried_out(result)
        yield dg.MaterializeResult(asset_key=APPLIED, metadata=made.metadata)
        yield dg.AssetCheckResult(check_name=_VERIFIED, asset_key=APPLIED, passed=checked.passed,
                                  metadata=checked.metadata)

    return enforcement__applied


def carried_out(result: "ApplyResult") -> tuple[dg.AssetMaterialization, dg.AssetCheckEvaluation]:
    """Returns what an apply changed, in numbers, and whether it was read back as it should be."""
    counts = {name: value for name, value in result.items() if isinstance(value, int | bool)}
    dropped = sum(row["rows"] for row in result["dropped"])
    return (dg.AssetMaterialization(APPLIED, metadata={**counts, "dropped": dropped, "month": result["month"]}),
            dg.AssetCheckEvaluation(APPLIED, _VERIFIED, passed=result["verified"], metadata=counts))


def certificate() -> dg.AssetsDefinition:
    """Returns the step that writes the certificate of the newest month that was carried out, after plan or apply.

    Its check is the top figure of the certificate, as of today: since when the oldest is due that nobody carried out.
    """

    @dg.asset(key=CERTIFICATE, group_name=group("enforcement"), kinds={"html"}, owners=OWNERS,
              tags={"content": "counts"},
              deps=[PLAN, APPLIED], pool=POOL, check_specs=[dg.AssetCheckSpec(
                  OVERDUE, asset=CERTIFICATE, description="Nobody is overdue for longer than enforcement.toml says "
                                                          "(overdue_days).")],
              description="What was carried out, by clause, from the ledger alone: pages in Norwegian and English, and "
                          "JSON.")
    def enforcement__certificate(context: dg.AssetExecutionContext) -> Iterator[
            dg.MaterializeResult[None] | dg.AssetCheckResult]:
        from ajprivacy_pipeline.enforcement.ledger import open_ledger
        from ajprivacy_pipeline.enforcement.overdue import oldest_overdue
        try:
            with boundary("certificate"):
                settings = load_settings()
                prepare_home(settings)
                ledger = open_ledger(settings)
                head, entries = ledger.check(), ledger.entries()
                policy = load_policy(settings.notice)
                written = _certified(settings, policy.clauses, entries, head)
        except PrivacyError as error:
            context.log.error(str(error))  # noqa: TRY400 - the event log redacts errors; ours hold no personal value
            raise error from None
        yield dg.MaterializeResult(asset_key=CERTIFICATE, metadata=written)
        if context.job_name == APPLY:  # a month writes its own
            renew_page(context, settings, policy)
        oldest = oldest_overdue(entries, today(policy.retention.time_zone))
        yield dg.AssetCheckResult(
            check_name=OVERDUE, asset_key=CERTIFICATE, passed=oldest.days <= policy.enforcement.overdue_days,
            description=f"the oldest has waited {oldest.days:,} day(s), {policy.enforcement.overdue_days} are allowed",
            metadata={"days": oldest.days, "at_most": policy.enforcement.overdue_days,
                      "since": oldest.since.isoformat() if oldest.since else "nobody is overdue",
                      **({"to_do": _TO_DO} if oldest.days > policy.enforcement.overdue_days else {})})

    return enforcement__certificate


def _certified(settings: Settings, clauses: Mapping[str, Clause], entries: "list[Entry]",
               head: "Head") -> dict[str, Any]:
    """Write the newest certificate beside the control store; returns its counts and where its page is."""
    from ajprivacy_pipeline.enforcement.certificate import certificate_of
    from ajprivacy_pipeline.enforcement.certificate_page import write_certificate
    carried = [entry.body["month"] for entry in entries if entry.kind in ("batch", "verified", "unverified")]
    if not carried:
        return {"made": False, "why": "nothing was carried out yet"}
    found = certificate_of(entries, max(carried), head)
    page = write_certificate(found, settings.control / "certificates", clauses)[0]
    counts = {name: found[name] for name in ("rows", "cells", "anonymised", "unlinked", "arrived_meanwhile",
                                             "written_back") if found[name] is not None}
    return {"made": True, "month": found["month"], "state": found["state"], **counts,
            "left": found["overdue"]["left"] or 0,
            "not_carried_out": sum(row["rows"] for row in found["not_carried_out"]),
            "dropped": sum(row["rows"] for row in found["dropped"]),
            "sweep": sum(row["rows"] for row in found["sweep"]), "residue": len(found["residue"]),
            "page": dg.MetadataValue.path(str(page))}


def apply_job() -> "UnresolvedAssetJobDefinition":
    """Returns the job that carries one plan out; its run is started by an approval."""
    return dg.define_asset_job(APPLY, selection=dg.AssetSelection.assets(APPLIED, CERTIFICATE),
                               executor_def=dg.in_process_executor,
                               description="Carries an approved plan out in the warehouse, reads it back, records it.")


def approved_plans(job: "UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    """Returns the sensor that starts the job for a plan that was approved."""

    @dg.sensor(name="approved_plans", job=job, minimum_interval_seconds=30,
               default_status=dg.DefaultSensorStatus.RUNNING,
               description="Starts the job `apply` for an approved plan, once, and again where what it took away was "
                           "written back.")
    def sensor() -> Iterator[dg.RunRequest | dg.SkipReason]:
        from ajprivacy_pipeline.enforcement.plans import known_plans
        from ajprivacy_pipeline.storage.control import ControlStore
        settings = load_settings()
        if not (settings.control / "control.db").exists():
            yield dg.SkipReason("there is no control store yet: run a month first")
            return
        days = load_policy(settings.notice).enforcement.approval_days
        waiting = [known for known in known_plans(ControlStore.in_folder(settings.control))
                   if known.state(days) == "approved" or _came_back(known)]
        if not waiting:
            yield dg.SkipReason("no plan is approved and waiting")
        for found in waiting:
            again = f"-{len(found.events)}" if _came_back(found) else ""
            yield dg.RunRequest(run_key=f"{found.id}{again}", run_config={
                "ops": {"enforcement__applied": {"config": {"plan": found.id}}}})

    return sensor


def _came_back(plan: "Plan") -> bool:
    """Whether the newest thing about a plan is that what it took away stands again."""
    return bool(plan.events and plan.events[-1].detail.get("looked_again"))
