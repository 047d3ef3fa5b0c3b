"""A plan for whoever asked: what an erasure or an objection ends goes at once, without waiting for the month.

Belongs here: which due rows are the person's, and that the request's effect is remembered before its address goes. Does
not belong here: what a request ends (the decisions), approving and carrying out, which are those of every plan.
"""

import os

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement.ground import current_policy
from ajprivacy_pipeline.enforcement.make import plan_of
from ajprivacy_pipeline.enforcement.shapes import PlanSummary
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.retention.bind import remember_shared_requests
from ajprivacy_pipeline.retention.effects import remember_effects
from ajprivacy_pipeline.run.month import MonthRun, ignore
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.settings import Settings, prepare_home
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import APPLY, destroy_left, newest_month, warehouse_lock

ENDING = ("erasure", "objection")  # kinds that end something
_ASKED = """
    CREATE OR REPLACE TABLE scratch.asked AS
    SELECT DISTINCT r.kind, r.email_key, r.by_email, s.subject_id, s.email_key AS own_key
    FROM retention.requests AS r LEFT JOIN retention.subjects AS s USING (subject_no)
    WHERE r.request_id = $request AND (r.stops_marketing OR r.erases)
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
    with boundary("plan"):
        prepare_home(settings)
        policy, control = current_policy(settings), ControlStore.in_folder(settings.control)
        keys, month = KeyStore(settings.keys, settings.root_key), newest_month(settings)
        path = settings.restricted / f"{APPLY}asked-{os.getpid()}.duckdb"
        with warehouse_lock(settings, alone=True):
            destroy_left(settings, keys)
            try:
                with zones.open_zone(settings, keys, path, extensions=("postgres_scanner", "sqlite_scanner")) as con:
                    run = MonthRun(settings, policy, control, keys, con, month, f"request {request_id}", ignore)
                    day = today(policy.retention.time_zone)
                    run.judge_on(day)
                    run_decisions(run)
                    _require_effect(con, request_id)
                    # Before the address by which it reached the person may go, and as of the month that has begun:
                    # the newest one, run again, was over before.
                    begun = f"{day:%Y-%m}"
                    remember_shared_requests(con, control, begun, run.run_id)
                    remember_effects(con, control, keys, begun, run.run_id)
                    con.execute("ATTACH IF NOT EXISTS ':memory:' AS scratch")
                    con.execute(_ASKED, {"request": request_id})
                    con.execute(_THEIRS)
                    return plan_of(con, settings, policy, control, keys, month, by=by, request=request_id,
                                   day=day)
            finally:
                destroy_left(settings, keys)


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
