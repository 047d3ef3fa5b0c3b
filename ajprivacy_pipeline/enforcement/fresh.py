"""The month decided anew on the warehouse as it is now, in a file of its own that dies with the apply.

Belongs here: reading, deciding by the same models, and holding a plan's rows against the outcome. It only ever drops:
what lapses is judged on the plan's own day, what keeps or freezes on the day it is seen. Does not belong here: writing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from ajprivacy_pipeline.enforcement import returned, waits
from ajprivacy_pipeline.enforcement.ground import Ground
from ajprivacy_pipeline.enforcement.plans import Plan
from ajprivacy_pipeline.enforcement.stages import stages_of
from ajprivacy_pipeline.enforcement.work import mark
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.run.month import MonthRun
from ajprivacy_pipeline.run.progress import ignore
from ajprivacy_pipeline.run.steps import DECIDING, run_decisions
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import layer_models, make_relation, moved_by, needed
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import APPLY, destroy_left

# States of a plan's row; NULL: nothing was done about it yet. Those that are dropped say why.
APPLIED, INTENDED, ALREADY, NOT_CARRIED_OUT = "applied", "intended", "already", "not_carried_out"
NOT_DUE, VALUE_CHANGED, WAITS = "not_due", "value_changed", "waits"
DROPPED = (NOT_DUE, VALUE_CHANGED, WAITS)
# The tables of decisions that an apply and a sweep look at; what these are not made of is not decided for them.
READ = ("retention.due", "retention.attribute_decisions", "retention.record_decisions", "retention.relied_on",
        "retention.personal_values", "retention.address_holders", "retention.subjects", "retention.subject_freezes")
PENDING = "scratch.pending"  # what is carried out in this round, with the columns of retention.due


@contextmanager
def fresh_zone(settings: Settings, keys: KeyStore, plan: Plan) -> Iterator[zones.Connection]:
    """Yields an empty encrypted file that is destroyed at the end, and with it what a killed apply left."""
    destroy_left(settings, keys)
    path = settings.restricted / f"{APPLY}{plan.id}.duckdb"
    try:
        with zones.open_zone(settings, keys, path, passing=True) as con:
            yield con
    finally:
        destroy_left(settings, keys)


def decide(con: zones.Connection, settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore, plan: Plan,
           seen_on: date) -> None:
    """Read the warehouse and decide twice; leaves `seen_due`, what is due on both days, and the decisions of `seen_on`.

    On the plan's own day only what is due then is decided, on the other one only what may be another on another day.
    """
    run = MonthRun(settings, policy, control, keys, con, plan.month, f"apply {plan.id}", ignore,
                   engine=lambda model, values: make_relation(con, model, values) or 0)  # nobody asks for a view's rows
    wanted = needed(run.catalogue, READ)
    moved = moved_by(run.catalogue, "as_of", DECIDING[-1], ("control.", "policy."))
    is_same_day = seen_on == plan.as_of
    run.judge_on(plan.as_of, seen_on)
    run_decisions(run, wanted if is_same_day else wanted - (moved - needed(run.catalogue, ("retention.due",))))
    con.execute("CREATE OR REPLACE TABLE lapsed AS SELECT entity, record_id, part FROM retention.due")
    if not is_same_day:
        run.judge_on(seen_on)
        for model in layer_models(run.catalogue, DECIDING[-1:]):
            if model.name in wanted & moved:
                run.model(model.name)
    con.execute("CREATE OR REPLACE TABLE seen_due AS SELECT l.* FROM lapsed AS l "
                "SEMI JOIN retention.due AS d USING (entity, record_id, part)")


def hold_against(con: zones.Connection, policy: Policy, ground: Ground, plan: Plan) -> int:
    """Give every row of the plan that is not done its state, and write what is left to `pending`; returns its rows.

    The plan's file is attached as `made`. What was carried out and stands again just as it did, as a whole or in part,
    is pending too; anything else there is new, and the next plan's.
    """
    stages, places = stages_of(policy), dict(ground.places)
    con.execute(_WITHOUT_EVIDENCE)
    waits.find_waiting(con, places, stages, policy.sources, plan.as_of)
    con.execute("CREATE OR REPLACE TABLE scratch.due_now AS SELECT s.* FROM seen_due AS s SEMI JOIN made.rows AS r "
                "USING (entity, record_id, part) ANTI JOIN scratch.waits AS w USING (entity, record_id, part)")
    key = bytes.fromhex(con.execute("SELECT key FROM made.secret").fetchall()[0][0])
    mark(con, policy, stages, places, "scratch.due_now", key)
    returned.find(con, policy, stages, ground, "made")
    changeable = [(entity, part, place.prefix) for (entity, part), stage in stages.items() if entity in places
                  for place in places[entity].each if place.changes(stage)]
    con.execute("CREATE OR REPLACE TABLE scratch.changeable AS SELECT unnest($1::VARCHAR[]) AS its_entity, "
                "unnest($2::VARCHAR[]) AS its_part, unnest($3::VARCHAR[]) AS prefix",
                [[row[at] for row in changeable] for at in range(3)])
    con.execute(_STATES)
    con.execute(_LENDING)
    con.execute("UPDATE made.rows SET state = s.state FROM scratch.states AS s WHERE rows.row_no = s.row_no "
                "AND s.state IS NOT NULL AND rows.state IS NULL")
    con.execute("CREATE OR REPLACE TABLE scratch.pending AS SELECT r.row_no, r.entity, r.record_id, r.part, "
                "r.subject_id, r.due_on, r.clause, r.is_carried, "
                "coalesce(r.subject_id, r.entity || '/' || r.record_id) AS person "
                "FROM made.rows AS r JOIN scratch.states AS s USING (row_no) WHERE s.is_pending")
    return int(con.execute(f"SELECT count(*) FROM {PENDING}").fetchall()[0][0])


# Who stays for want of evidence: in the plan's file, since a killed apply's batches are recorded before anything else.
_WITHOUT_EVIDENCE = """
    CREATE OR REPLACE TABLE made.without_evidence AS SELECT s.subject_id FROM retention.subjects AS s
    SEMI JOIN (SELECT subject_no FROM retention.subject_freezes WHERE "freeze" = 'no_evidence') USING (subject_no)
"""
# A case that lends its subject to a message which this plan does not carry out: one that is new, or has changed.
_LENDING = """
    UPDATE scratch.states SET state = 'waits', is_pending = false
    FROM made.rows AS r
    WHERE states.row_no = r.row_no AND r.state IS NULL AND r.entity = 'cases' AND states.is_pending AND r.record_id IN (
        SELECT m.case_id FROM staged.communications AS m
        JOIN scratch.decided AS o ON o.entity = 'communications' AND o.record_id = m.communication_id
        LEFT JOIN made.rows AS t ON t.entity = 'communications' AND t.record_id = m.communication_id
        LEFT JOIN scratch.states AS s ON s.row_no = t.row_no
        WHERE m.customer_id IS NULL AND m.contact_id IS NULL AND o.decision <> 'absent'
            AND NOT coalesce(s.is_pending, false))
"""
_STATES = """
    CREATE OR REPLACE TABLE scratch.states AS
    WITH bulk AS (
        SELECT 'web_events' AS entity, event_id AS record_id, 'retain' AS decision FROM staged.web_events
        WHERE coalesce(visitor_id, customer_id, contact_id, ip_address, user_agent) IS NOT NULL
        UNION ALL
        SELECT 'app_logs', log_id, 'retain' FROM staged.app_logs
        WHERE coalesce(username, ip_address, message) IS NOT NULL
    ), told AS (
        SELECT r.row_no, r.state, r.is_carried, c.its_part IS NOT NULL AS is_changeable,
            p.fingerprint AS found, r.fingerprint,
            w.waits_for IS NOT NULL AS is_waiting, coalesce(d.decision, b.decision, 'absent') AS decision,
            p.record_id IS NOT NULL AS is_due, back.record_id IS NOT NULL AS is_returned
        FROM made.rows AS r
        LEFT JOIN scratch.changeable AS c ON c.its_entity = r.entity AND c.its_part = r.part
            AND starts_with(r.record_id, c.prefix) AND (c.prefix = '' OR r.record_id <> c.prefix)
        LEFT JOIN scratch.marks_now AS p USING (entity, record_id, part)
        LEFT JOIN scratch.returned AS back USING (entity, record_id, part)
        LEFT JOIN (SELECT entity, record_id, part, any_value(waits_for) AS waits_for FROM scratch.waits
                   GROUP BY ALL) AS w USING (entity, record_id, part)
        LEFT JOIN scratch.decided AS d USING (entity, record_id, part)
        LEFT JOIN bulk AS b USING (entity, record_id)
    )
    SELECT row_no,
        CASE WHEN state IS NOT NULL THEN NULL
             WHEN NOT is_carried AND NOT is_changeable THEN 'not_carried_out'
             WHEN is_waiting THEN 'waits'
             WHEN NOT is_due AND decision = 'absent' THEN 'already'
             WHEN NOT is_due THEN 'not_due'
             WHEN found <> fingerprint THEN 'value_changed' END AS state,
        (state IS NULL AND (is_carried OR is_changeable) AND NOT is_waiting AND is_due AND found = fingerprint)
        OR (state = 'applied' AND is_due AND (found = fingerprint OR is_returned)) AS is_pending
    FROM told
"""
