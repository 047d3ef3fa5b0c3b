"""A plan for whoever asked: what an erasure or an objection ends goes at once, without waiting for the month.

Belongs here: which due rows are the person's, and that the request's effect is remembered before its address goes. Does
not belong here: what a request ends (the decisions), approving and carrying out, which are those of every plan.
"""

import os
from collections.abc import Iterator, Sequence

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement import claims, judged, waits
from ajprivacy_pipeline.enforcement.ground import current_policy
from ajprivacy_pipeline.enforcement.make import Planning, require_none_running
from ajprivacy_pipeline.enforcement.narrow import narrow
from ajprivacy_pipeline.enforcement.plans import known_plans
from ajprivacy_pipeline.enforcement.shapes import PlanSummary
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.retention.bind import remember_shared_requests
from ajprivacy_pipeline.retention.effects import remember_effects
from ajprivacy_pipeline.retention.recorded_requests import append
from ajprivacy_pipeline.run.month import MonthRun
from ajprivacy_pipeline.run.progress import ignore
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.settings import Settings, prepare_home
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import APPLY, destroy_left, newest_month, warehouse_lock

ENDING = ("erasure", "objection")  # kinds that end something
PLANNED, NOTHING_DUE = "planned", "nothing due"  # the step of a request whose plan was made, and what it may say
_ASKED = """
    CREATE OR REPLACE TABLE scratch.asked AS
    SELECT DISTINCT r.kind, r.email_key, r.by_email, s.subject_id, s.email_key AS own_key
    FROM retention.requests AS r LEFT JOIN retention.subjects AS s USING (subject_no)
    WHERE r.request_id IN (SELECT unnest($requests)) AND (r.stops_marketing OR r.erases)
"""
_THEIRS = """
    CREATE OR REPLACE TABLE scratch.due AS
    WITH clicks AS (
        SELECT event_id FROM staged.web_events
        WHERE 'customer:' || customer_id IN (SELECT subject_id FROM scratch.asked)
           OR 'contact:' || contact_id IN (SELECT subject_id FROM scratch.asked)
    ), letters AS (
        SELECT subscription_id FROM staged.newsletter_subscriptions
        WHERE email_key IN (SELECT email_key FROM scratch.asked UNION SELECT own_key FROM scratch.asked)
    ), guests AS (
        SELECT entity, record_id FROM retention.guest_addresses
        WHERE email_key IN (SELECT email_key FROM scratch.asked WHERE by_email)
    )
    SELECT * FROM retention.due AS d
    WHERE subject_id IN (SELECT subject_id FROM scratch.asked)
       OR (entity = 'web_events' AND record_id IN (FROM clicks))
       OR (entity = 'newsletter_subscriptions' AND record_id IN (FROM letters))
       OR (entity, record_id) IN (SELECT (entity, record_id) FROM guests)
"""


def plan_for_request(settings: Settings, request_id: str, *, by: str = "system") -> PlanSummary:
    """Make the plan of a person's erasure or objection; judged on the local day on which it is made.

    Raises:
        EnforcementError: there is no such request, or it ends nothing yet.
        PrivacyError: no month is decided, or the warehouse or a store is not usable.
    """
    return plans_for_requests(settings, [request_id], by=by)[request_id]


def plans_for_requests(settings: Settings, request_ids: Sequence[str], *, by: str, leave: bool = False,
                       ) -> dict[str, PlanSummary]:
    """Make the plan of each of some requests, all of them on the same facts, which are read and decided once.

    Args:
        settings: folders, keys and the warehouse.
        request_ids: of erasures and objections.
        by: who makes them.
        leave: leave those out that can have no plan now, instead of refusing all.

    Raises:
        EnforcementError: as `plan_for_request`; no plan is made.
    """
    with boundary("plan"):
        prepare_home(settings)
        policy, control = current_policy(settings), ControlStore.in_folder(settings.control)
        keys, month = KeyStore(settings.keys, settings.root_key), newest_month(settings)
        path = settings.restricted / f"{APPLY}asked-{os.getpid()}.duckdb"
        with warehouse_lock(settings, alone=True):
            destroy_left(settings, keys)
            try:
                with zones.open_zone(settings, keys, path, passing=True) as con:
                    told = f"request {request_ids[0]}"[:64]
                    run = MonthRun(settings, policy, control, keys, con, month, told, ignore)
                    return _made(run, list(dict.fromkeys(request_ids)), by, leave=leave)
            finally:
                destroy_left(settings, keys)


def _made(run: MonthRun, request_ids: Sequence[str], by: str, *, leave: bool) -> dict[str, PlanSummary]:
    day = today(run.policy.retention.time_zone)
    run.judge_on(day)
    run_decisions(run)
    request_ids = list(_able(run, request_ids, leave=leave))
    if not request_ids:
        return {}
    # Before the address by which it reached the person may go, and as of the month that has begun: the newest one,
    # run again, was over before.
    begun = f"{day:%Y-%m}"
    remember_shared_requests(run.con, run.control, begun, run.run_id)
    remember_effects(run.con, run.control, run.keys, begun, run.run_id)
    run.con.execute("ATTACH IF NOT EXISTS ':memory:' AS scratch")
    _ask(run, request_ids)
    planning = Planning(run.con, run.settings, run.policy, run.control, run.keys, run.month, asked_on=day)
    waits.keep_divided(run.con)
    planning.gather()
    narrow(run.con, run.policy, request_ids)
    claims.find_holders(run.con, run.policy, planning.ground)
    return {request_id: _made_one(run, planning, request_id, by) for request_id in request_ids}


def _made_one(run: MonthRun, planning: Planning, request_id: str, by: str) -> PlanSummary:
    _ask(run, [request_id])
    summary = planning.make(by, waits.cut(run.con), request_id)
    judged.remember(run.con, run.settings, run.keys, request_id, planning.day)
    append(run.control, request_id, PLANNED, by=by, on=planning.day, detail=summary["plan"] or NOTHING_DUE)
    return summary


def _ask(run: MonthRun, request_ids: Sequence[str]) -> None:
    """Write whom some requests reach and what is due of them, in the zone or in what is left of it."""
    run.con.execute(_ASKED, {"requests": list(request_ids)})
    run.con.execute(_THEIRS)


def _able(run: MonthRun, request_ids: Sequence[str], *, leave: bool) -> Iterator[str]:
    """Those that can have a plan now; else the first that cannot is refused, or left out."""
    known = known_plans(run.control)
    for request_id in request_ids:
        try:
            _require_effect(run.con, request_id)
            require_none_running(known, run.policy, request_id)
        except EnforcementError:
            if not leave:
                raise
        else:
            yield request_id


def _require_effect(con: zones.Connection, request_id: str) -> None:
    rows = con.execute("SELECT any_value(kind), bool_or(stops_marketing OR erases) FROM retention.requests "
                       "WHERE request_id = $request GROUP BY request_id", {"request": request_id}).fetchall()
    if not rows:
        raise EnforcementError(f"there is no request {request_id}: `ajprivacy request list` shows those that there are")
    kind, ends = rows[0]
    if kind not in ENDING:
        raise EnforcementError(f"request {request_id} is about {kind}, which ends nothing: there is nothing to plan")
    if not ends:
        raise EnforcementError(f"request {request_id} has no effect: it was withdrawn or refused, or is still to come")
