"""Plans and what became of them: the records in the control store and the encrypted file that holds a plan's rows.

Belongs here: finding a plan, its state, moving it on, destroying its file. Does not belong here: making one (`make`),
carrying it out (`apply`).

    made -> approved -> applying -> applied -> verified | unverified
    ends: withdrawn, expired (nobody approved it in time), superseded (a newer one was made), stopped (policy, mapping
    or catalogue changed while it was carried out)
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.bodies import Approved, Ended, PlanMade, Verified
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.shapes import PlanSummary
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_tables import plan_events, plans
from ajprivacy_pipeline.storage.keystore import KeyStore

WAITING = ("made", "first_approval")  # for an approval, or for the second one
RUNNING = ("approved", "applying")
ENDED = ("withdrawn", "expired", "superseded", "stopped")
RECTIFICATION = "rectification"
SHORTEST = 4  # characters of an id that may stand for a whole one


@dataclass(frozen=True)
class Event:
    """Something that happened to a plan."""

    event: str
    by: str
    happened_at: datetime
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """A plan as it was made, and what became of it."""

    id: str
    number: int
    month: str
    as_of: date
    policy_version: str
    mapping_sha256: str
    catalogue_sha256: str
    warehouse: str
    made_at: datetime
    summary: PlanSummary
    events: tuple[Event, ...]

    @property
    def request(self) -> str | None:
        """The request whose plan it is; None: a month's."""
        return self.summary.get("request")

    @property
    def rectifies(self) -> bool:
        """Whether it corrects values instead of taking any away."""
        return self.summary.get("kind") == RECTIFICATION

    def state(self, approval_days: int) -> str:
        """Its newest event; one not approved in time has expired, with one approval of two as well."""
        newest = self.events[-1].event if self.events else "made"
        if newest in WAITING and utc_now() > self.made_at + timedelta(days=approval_days):
            return "expired"
        return newest


def known_plans(control: ControlStore) -> list[Plan]:
    """Returns every plan, oldest first."""
    events: dict[str, list[Event]] = {}
    for row in control.rows(sa.select(plan_events).order_by(plan_events.c.id)):
        events.setdefault(row["plan_id"], []).append(
            Event(row["event"], row["by"], row["happened_at"], json.loads(row["detail"])))
    return [Plan(**{**row, "summary": cast(PlanSummary, json.loads(row["summary"]))},
                 events=tuple(events.get(row["id"], ())))
            for row in control.rows(sa.select(plans).order_by(plans.c.number))]


def find_plan(control: ControlStore, name: str) -> Plan:
    """Returns the plan of an id, or of the beginning of one.

    Raises:
        EnforcementError: there is none, or several begin so.
    """
    found = [plan for plan in known_plans(control) if plan.id == name] or [
        plan for plan in known_plans(control) if len(name) >= SHORTEST and plan.id.startswith(name)]
    if len(found) != 1:
        raise EnforcementError(f"there is no plan {name}: `ajprivacy plan list` shows them" if not found else
                               f"{len(found)} plans begin with {name}: give more of the id")
    return found[0]


def instead_of(control: ControlStore, plan: Plan) -> str:
    """Returns what to do instead of using a plan that has ended: look at the newer one of its kind, or make one."""
    newest = [known for known in known_plans(control) if known.request == plan.request][-1]
    if newest.number > plan.number:
        return f"plan {newest.id} was made since, look at it with `ajprivacy plan show {newest.id}`"
    return f"make a new one with `ajprivacy plan make{f' --request {plan.request}' if plan.request else ''}`"


def record_plan(ledger: Ledger, plan: Plan) -> None:
    """Append a plan that was just made, in the ledger too."""
    summary = plan.summary
    ledger.append("plan_made", _made(plan), also={"plans": [{
        "id": plan.id, "number": plan.number, "month": plan.month, "as_of": plan.as_of,
        "policy_version": plan.policy_version, "mapping_sha256": plan.mapping_sha256,
        "catalogue_sha256": plan.catalogue_sha256, "warehouse": plan.warehouse, "made_at": plan.made_at,
        "summary": json.dumps(summary, sort_keys=True)}]})


def require_recorded(plan: Plan, ledger: Ledger) -> None:
    """Stop at a plan that stands in the control store otherwise than the ledger has it, or was approved there alone.

    Raises:
        EnforcementError: what it says, or its approvals, are not those of the ledger; nothing has changed.
    """
    entries = [entry for entry in ledger.entries() if entry.body.get("plan") == plan.id]
    made = json.loads(json.dumps(_made(plan)))
    told = [entry.body for entry in entries if entry.kind == "plan_made"]
    approved = [entry.body["by"] for entry in entries if entry.kind == "approved"]
    if not told or any(made.get(name) != value for name, value in told[-1].items()) or approved != [
            event.by for event in plan.events if event.event in ("first_approval", "approved")]:
        raise EnforcementError(f"plan {plan.id} is not what the ledger says was made and approved: restore the control "
                               "store and the keys of the same day, or make a new plan with `ajprivacy plan make`")


def _made(plan: Plan) -> PlanMade:
    summary = plan.summary
    return {
        "plan": plan.id, "month": plan.month, "as_of": plan.as_of.isoformat(), "policy_version": plan.policy_version,
        "summary": summary["summary"], "rows": summary["rows"], "cells": summary["cells"],
        "subjects": summary["subjects"], "oldest_due_on": summary["oldest_due_on"],
        "brake": [{**row, "share": f"{row['share']:.4f}", "limit": f"{row['limit']:.4f}"} for row in summary["brake"]],
        "not_carried_out": summary["not_carried_out"], "waiting": summary["waiting"], "kept": summary["kept"],
        "copies": summary.get("copies", []), "of_request": plan.request is not None}


def move(control: ControlStore, ledger: Ledger, plan: Plan, event: str, by: str,
         detail: Mapping[str, Any] | None = None, verified: Verified | None = None) -> Plan:
    """Append an event of a plan, in the ledger too where it decides something; returns the plan as it is now."""
    row = {"plan_id": plan.id, "event": event, "by": by, "happened_at": utc_now(),
           "detail": json.dumps(detail or {}, sort_keys=True)}
    also = {"plan_events": [row]}
    if event in ("approved", "first_approval"):
        body: Approved = {"plan": plan.id, "month": plan.month, "by": by,
                          "released_brake": bool((detail or {}).get("brake_released"))}
        ledger.append("approved", body, also=also)
    elif event in ("withdrawn", "expired", "superseded", "stopped"):
        ended: Ended = {"plan": plan.id, "month": plan.month, "by": by, "why": None}
        ledger.append(event, ended, also=also)  # type: ignore[arg-type]
    elif verified is not None:
        ledger.append("verified" if event == "verified" else "unverified", verified, also=also)
    else:
        control.insert(plan_events, [row])
    return find_plan(control, plan.id)


def plan_file(settings: Settings, plan_id: str) -> Path:
    """Returns the encrypted file with a plan's rows."""
    return settings.restricted / f"plan-{plan_id}.duckdb"


def destroy_file(settings: Settings, keys: KeyStore, plan_id: str) -> None:
    """Destroy a plan's rows: the key first, then the file."""
    keys.destroy(f"plan-{plan_id}")
    keys.destroy(f"sweep-{plan_id}")  # of the set of what it erased (`erased`)
    for path in settings.restricted.glob(f"plan-{plan_id}.duckdb*"):
        path.unlink()


def forget_old(settings: Settings, control: ControlStore, keys: KeyStore, policy: Policy) -> None:
    """Destroy the rows of plans whose days are over, counted from their first verification or their end.

    They say whose an unlinked record was, and the set of what was erased stands beside them.
    """
    for plan in known_plans(control):
        first = next((event for event in plan.events if event.event in ("verified", *ENDED)), None)
        if first is not None and utc_now() > first.happened_at + timedelta(days=policy.enforcement.sweep.days):
            destroy_file(settings, keys, plan.id)


def mapping_hash(settings: Settings) -> str:
    """Returns a hash of the mapping file; of nothing where there is none."""
    content = settings.mapping_file.read_bytes() if settings.mapping_file is not None else b""
    return hashlib.sha256(content).hexdigest()
