"""A plan for whoever asked: what an erasure or an objection ends goes at once, without waiting for the month.

Belongs here: which due rows are the person's, and that the request's effect is remembered before its address goes. Does
not belong here: what a request ends (the decisions), approving and carrying out, which are those of every plan.
"""

import os
from collections.abc import Iterator, Sequence

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement import claims, judged, waits
from ajprivacy_pipeline.enforcement.bodies import Waiting
from ajprivacy_pipeline.enforcement.current import current_policy
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
from ajprivacy_pipeline.storage.month_files import APPLY, destroy_left, told_month, warehouse_lock

ENDING = ("erasure", "objection")  # kinds that end something
PLANNED, NOTHING_DUE = "planned", "nothing due"  # the step of a request whose plan was made, and what it may say
_ASKED = """
    CREATE OR REPLACE TABLE scratch.asked AS
    SELECT DISTINCT r.request_id, r.email_key, r.by_email, s.subject_id, s.email_key AS own_key
    FROM retention.requests AS r LEFT JOIN retention.subjects AS s USING (subject_no)
    WHERE r.request_id IN (SELECT unnest($requests)) AND (r.stops_marketing OR r.erases)
"""
# Rows that are a person's though no decision says so: they name nobody, or an address alone.
_REACHED = """
    CREATE OR REPLACE TABLE scratch.reached AS
    WITH people AS (SELECT DISTINCT request_id, subject_id FROM scratch.asked),
    addresses AS (
        SELECT request_id, email_key FROM scratch.asked UNION SELECT request_id, own_key FROM scratch.asked
    )
    SELECT p.request_id, 'web_events' AS entity, e.event_id AS record_id
    FROM staged.web_events AS e JOIN people AS p ON p.subject_id = 'customer:' || e.customer_id
    UNION
    SELECT p.request_id, 'web_events', e.event_id
    FROM staged.web_events AS e JOIN people AS p ON p.subject_id = 'contact:' || e.contact_id
    UNION
    SELECT a.request_id, 'newsletter_subscriptions', n.subscription_id
    FROM staged.newsletter_subscriptions AS n JOIN addresses AS a USING (email_key)
    UNION
    SELECT a.request_id, g.entity, g.record_id
    FROM retention.guest_addresses AS g JOIN scratch.asked AS a USING (email_key) WHERE a.by_email
"""
_THEIRS = """
    CREATE OR REPLACE TABLE scratch.due_each AS
    SELECT a.request_id, d.entity, d.record_id, d.part, d.due_on
    FROM retention.due AS d JOIN (SELECT DISTINCT request_id, subject_id FROM scratch.asked) AS a USING (subject_id)
    UNION
    SELECT r.request_id, d.entity, d.record_id, d.part, d.due_on
    FROM retention.due AS d JOIN scratch.reached AS r USING (entity, record_id)
"""
_ALL_DUE = """
    CREATE OR REPLACE TABLE scratch.due AS FROM retention.due SEMI JOIN scratch.due_each USING (entity, record_id, part)
"""
_EFFECTS = """
    SELECT request_id, any_value(kind), bool_or(stops_marketing OR erases) FROM retention.requests
    WHERE request_id IN (SELECT unnest($requests)) GROUP BY request_id
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
        keys, month = KeyStore(settings.keys, settings.root_key), told_month(settings)
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
    told = judged.judge_all(run.con, day)
    planning = Planning(run.con, run.settings, run.policy, run.control, run.keys, run.month, asked_on=day)
    waiting = waits.divide_each(run.con)
    planning.gather()
    narrow(run.con, run.policy)
    claims.find_holders(run.con, run.policy, planning.ground)
    return {one: _made_one(run, planning, one, waiting.get(one, []), told[one], by) for one in request_ids}


def _made_one(run: MonthRun, planning: Planning, request_id: str, waiting: list[Waiting], told: judged.Judged, by: str,
              ) -> PlanSummary:
    waits.cut(run.con, request_id)
    summary = planning.make(by, waiting, request_id)
    judged.remember(run.settings, run.keys, request_id, told)
    append(run.control, request_id, PLANNED, by=by, on=planning.day, detail=summary["plan"] or NOTHING_DUE)
    return summary


def _ask(run: MonthRun, request_ids: Sequence[str]) -> None:
    """Write whom each of some requests reaches and what is due of them, in the decided zone."""
    run.con.execute(_ASKED, {"requests": list(request_ids)})
    for sql in (_REACHED, _THEIRS, _ALL_DUE):
        run.con.execute(sql)


def _able(run: MonthRun, request_ids: Sequence[str], *, leave: bool) -> Iterator[str]:
    """Those that can have a plan now; else the first that cannot is refused, or left out."""
    asked = set(request_ids)
    known = [plan for plan in known_plans(run.control) if plan.request in asked]
    effects = {request_id: (kind, bool(ends)) for request_id, kind, ends in run.con.execute(
        _EFFECTS, {"requests": list(request_ids)}).fetchall()}
    for request_id in request_ids:
        try:
            _require_effect(request_id, effects.get(request_id))
            require_none_running(known, run.policy, request_id)
        except EnforcementError:
            if not leave:
                raise
        else:
            yield request_id


def _require_effect(request_id: str, known: tuple[str | None, bool] | None) -> None:
    """Stop where a request, of a kind and whether it ends something, has no effect (EnforcementError)."""
    if known is None:
        raise EnforcementError(f"there is no request {request_id}: `ajprivacy request list` shows those that there are")
    kind, ends = known
    if kind not in ENDING:
        raise EnforcementError(f"request {request_id} is about {kind}, which ends nothing: there is nothing to plan")
    if not ends:
        raise EnforcementError(f"request {request_id} has no effect: it was withdrawn or refused, or is still to come")
