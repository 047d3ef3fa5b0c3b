"""What is due and has to wait.

A cell goes with its last owner, a link with the last purpose that rests on it, a case not before the messages that have
their subject from it, some rows with the end of a period.

Belongs here: setting such rows aside, with what they wait for. Does not belong here: what can never be changed by us
(`targets`).
"""

from collections.abc import Mapping
from datetime import date

from ajprivacy_pipeline.enforcement.bodies import Waiting
from ajprivacy_pipeline.enforcement.stages import Part, Stage
from ajprivacy_pipeline.enforcement.targets import Place, Sharing, sharings
from ajprivacy_pipeline.enforcement.together import wait_together
from ajprivacy_pipeline.policy import Sources
from ajprivacy_pipeline.storage.zones import WHITE_SPACE, Connection, bare, quote

SCRATCH = "scratch"  # a database in memory beside the zone, which every cursor of the connection sees
READY = "scratch.ready"  # what is due and waits for nothing, with the columns of retention.due
DECIDED = "scratch.decided"  # entity, record_id, part, decision: every decision about attributes and record parts
_DECIDED = """
    CREATE OR REPLACE VIEW scratch.decided AS
    SELECT CASE WHEN starts_with(subject_id, 'contact:') THEN 'contacts' ELSE 'customers' END AS entity,
        substr(subject_id, strpos(subject_id, ':') + 1) AS record_id, attribute AS part, decision
    FROM {zone}.retention.attribute_decisions
    UNION ALL SELECT entity, record_id, part, decision FROM {zone}.retention.record_decisions
"""
# A row that waits for several is counted once.
_COUNTED = """
    WITH each_once AS (
        SELECT {of}entity, part, record_id, min(waits_for) AS waits_for FROM {waiting} GROUP BY ALL
    )
    SELECT {of}entity, part, count(*), waits_for FROM each_once GROUP BY ALL ORDER BY ALL
"""
PERIOD_OPEN = "period_open"
_LAST_DAY = """
    INSERT INTO scratch.waits
    SELECT d.entity, d.record_id, d.part, $why FROM {due} AS d
    JOIN staged.newsletter_subscriptions AS n ON n.subscription_id = d.record_id
    WHERE d.entity = 'newsletter_subscriptions' AND n.unsubscribed_on = $as_of
"""
_SHARED = """
    INSERT INTO scratch.waits
    SELECT d.entity, d.record_id, d.part, $why FROM {due} AS d
    WHERE d.entity = $entity AND d.part = $part AND starts_with(d.record_id, $prefix) AND ({case})
"""
_SAME_ROW = """EXISTS (
        SELECT 1 FROM scratch.decided AS o WHERE o.entity = $other_entity AND o.part = $other_part
            AND o.record_id = d.record_id AND o.decision IN ('retain', 'hold'))"""
# What a kept record shows of the row stands in both under one spelling.
_ALIKE = f"""EXISTS (
        SELECT 1 FROM raw.{{entity}} AS mine JOIN raw.{{other}} AS theirs ON {{same}}
        JOIN scratch.decided AS o ON o.entity = $other_entity AND o.part = $other_part
            AND o.record_id = {bare('theirs.{other_key}::VARCHAR')} AND o.decision IN ('retain', 'hold')
        WHERE {bare('mine.{key}::VARCHAR')} = d.record_id)"""
_RELIED = """
    INSERT INTO scratch.waits
    SELECT d.entity, d.record_id, d.part,
        CASE WHEN starts_with(r.subject_id, 'contact:') THEN 'contacts.' ELSE 'customers.' END || r.purpose
    FROM {due} AS d JOIN retention.relied_on AS r USING (entity, record_id)
    WHERE d.entity = 'cases' OR d.part = 'link'
"""
# A message without ids is its case's subject's: unlinked first, it would be nobody's, and be kept until further notice.
_LENT = """
    INSERT INTO scratch.waits
    SELECT DISTINCT d.entity, d.record_id, d.part, 'communications.content' FROM {due} AS d
    JOIN staged.communications AS m ON m.case_id = d.record_id AND m.customer_id IS NULL AND m.contact_id IS NULL
    JOIN scratch.decided AS o ON o.entity = 'communications' AND o.record_id = m.communication_id
    LEFT JOIN scratch.waits AS w ON w.entity = 'communications' AND w.record_id = m.communication_id
    WHERE d.entity = 'cases' AND (o.decision IN ('retain', 'hold') OR w.record_id IS NOT NULL)
"""


def set_aside(con: Connection, places: Mapping[str, Place], stages: Mapping[Part, Stage], sources: Sources, day: date,
              due: str) -> list[Waiting]:
    """Divide what is due into what may go now (the temp table `ready`) and what waits; returns the latter, counted.

    Arguments as `find_waiting`.
    """
    find_waiting(con, places, stages, sources, day, due)
    con.execute(f"CREATE OR REPLACE TABLE scratch.ready AS SELECT * FROM {due} AS d "
                "ANTI JOIN scratch.waits AS w USING (entity, record_id, part)")
    return [{"entity": entity, "part": part, "rows": rows, "waits_for": why} for entity, part, rows, why in con.execute(
        _COUNTED.format(waiting="scratch.waits", of="")).fetchall()]


def find_waiting(con: Connection, places: Mapping[str, Place], stages: Mapping[Part, Stage], sources: Sources,
                 day: date, due: str = "retention.due") -> None:
    """Write what of it waits, and for what, to `scratch.waits`, and let `scratch.decided` show every decision.

    Args:
        con: a zone in which a month is decided.
        places: where the tables of the contract stand.
        stages: by table and part.
        sources: the contract.
        day: the plan's as_of.
        due: the relation of what is due, with the columns of retention.due.
    """
    con.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {SCRATCH}")
    show_decided(con)
    con.execute("CREATE OR REPLACE TABLE scratch.waits "
                "(entity VARCHAR, record_id VARCHAR, part VARCHAR, waits_for VARCHAR)")
    if ("newsletter_subscriptions", "email") in stages:
        con.execute(_LAST_DAY.format(due=due), {"why": PERIOD_OPEN, "as_of": day})
    con.execute(_RELIED.format(due=due))
    for sharing in sharings(places):
        (entity, part), (other_entity, other_part) = sharing.part, sharing.other
        case = _case(sharing, sources)
        bound = {"why": f"{other_entity}.{other_part}", "entity": entity, "part": part, "prefix": sharing.prefix}
        more = {"other_entity": other_entity, "other_part": other_part, "blanks": WHITE_SPACE}
        con.execute(_SHARED.format(due=due, case=case),
                    bound | {name: value for name, value in more.items() if f"${name}" in case})
    wait_together(con, places, sources, due)
    con.execute(_LENT.format(due=due))


def show_decided(con: Connection) -> None:
    """Let `scratch.decided` show the decisions of the zone that is the default one."""
    zone = quote(con.execute("SELECT current_database()").fetchall()[0][0])
    con.execute(_DECIDED.format(zone=zone))


def divide_each(con: Connection) -> dict[str, list[Waiting]]:
    """Divide what `set_aside` has divided of several people by their requests, for `cut`; returns what of each waits.

    `scratch.due_each` says what of it is due by which request.
    """
    con.execute("CREATE OR REPLACE TABLE scratch.ready_each AS SELECT e.request_id, r.* FROM scratch.ready AS r "
                "JOIN scratch.due_each AS e USING (entity, record_id, part)")
    found: dict[str, list[Waiting]] = {}
    for request_id, entity, part, rows, why in con.execute(
            _COUNTED.format(waiting="scratch.waits JOIN scratch.due_each USING (entity, record_id, part)",
                            of="request_id, ")).fetchall():
        found.setdefault(request_id, []).append({"entity": entity, "part": part, "rows": rows, "waits_for": why})
    return found


def cut(con: Connection, request_id: str) -> None:
    """Let `ready` be what may go of everybody's by one request."""
    con.execute("CREATE OR REPLACE TABLE scratch.ready AS SELECT * EXCLUDE (request_id) FROM scratch.ready_each "
                "WHERE request_id = $request", {"request": request_id})


def _case(sharing: Sharing, sources: Sources) -> str:
    """SQL of whether a row that is due waits for what another part keeps."""
    (entity, _), (other, _) = sharing.part, sharing.other
    if sharing.same_row:
        return _SAME_ROW
    if not sharing.alike or sources.tables[other].bulk:
        return "true"
    same = " AND ".join(f"mine.{quote(own)}::VARCHAR IS NOT DISTINCT FROM theirs.{quote(its)}::VARCHAR"
                        for own, its in sharing.alike)
    return _ALIKE.format(entity=quote(entity), other=quote(other), same=same, key=quote(sources.tables[entity].key[0]),
                         other_key=quote(sources.tables[other].key[0]))
