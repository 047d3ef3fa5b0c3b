"""What a freeze rests on: the open invoices, the requests, the legal holds and the faults behind it.

Belongs here: reading them, for the subject and for whom it shares a held record with. Does not belong here: which
freeze holds what (`holds`), or words. Nothing is read but ids, days, kinds and names of columns; never a value.
"""

from collections.abc import Iterable, Iterator
from typing import cast

from ajprivacy_pipeline.explain.facts import Row, SubjectFacts, SubjectRow, owners, rows
from ajprivacy_pipeline.storage.zones import Connection

_UNRELEASED = """
    SELECT DISTINCT r.invoice_id, r.issued_on FROM retention.invoice_reach AS r
    WHERE r.is_open AND r.subject_no = $no AND r.invoice_id NOT IN (
        SELECT invoice_id FROM retention.released_invoices WHERE subject_no = $no)
    ORDER BY r.issued_on NULLS LAST, r.invoice_id
"""
_FREEZING_REQUESTS = """
    SELECT DISTINCT request_id, kind, received_on, by_email AND matches > 1 AS of_several
    FROM retention.requests WHERE subject_no = $no AND "freeze" = $freeze
    ORDER BY received_on, request_id
"""
_LEGAL_HOLDS = """
    SELECT subject_id, placed_on, expires_on FROM control.legal_holds
    WHERE subject_id IN (SELECT unnest($names)) AND NOT coalesce(lifted_on <= $as_of, false)
    ORDER BY placed_on, expires_on
"""
_FILED = """
    SELECT table_name, id, column_name, fault, freezes,
        CASE WHEN table_name = 'order_lines' THEN 'orders' ELSE table_name END AS entity,
        CASE WHEN table_name = 'order_lines' THEN regexp_replace(id, ':[^:]*$', '') ELSE id END AS record_id
    FROM staged.quality WHERE fault NOT IN ('orphan', 'misplaced')
"""
_FAULTS_OF_SUBJECT = f"""
    SELECT DISTINCT q.table_name, q.id, q.column_name, q.fault
    FROM ({_FILED}) AS q JOIN retention.faulty_subjects AS f ON f.entity = q.entity AND f.record_id = q.record_id
    WHERE f.subject_no = $no AND q.freezes ORDER BY ALL
"""
_FAULTS_OF_RECORDS = f"""
    SELECT table_name, id, column_name, fault, entity, record_id FROM ({_FILED})
    WHERE entity || ':' || record_id IN (SELECT unnest($records)) ORDER BY ALL
"""


def read_references(con: Connection, facts: SubjectFacts) -> None:
    """Fill `facts.references` and `facts.faults`, for every freeze that is shown or holds something."""
    needed = set(_needed(facts))
    others = {owner for owner, _ in needed} - {facts.subject_id}
    found = rows(con, "SELECT * FROM retention.subjects WHERE subject_id IN (SELECT unnest($ids))", ids=sorted(others))
    subjects = {row["subject_id"]: row for row in cast(list[SubjectRow], found)}
    subjects[facts.subject_id] = facts.subject
    for owner, freeze in sorted(needed):
        facts.references[owner, freeze] = tuple(_references(con, facts, subjects[owner], freeze))
    _read_faults(con, facts)
    _read_legal_holds(con, facts, {owner for owner, freeze in needed if freeze == "legal_hold"})


def _needed(facts: SubjectFacts) -> Iterator[tuple[str, str]]:
    standing = {(row["subject_id"], row["freeze"]) for row in facts.freezes}
    yield from (pair for pair in standing if pair[0] == facts.subject_id)
    for row in facts.records:
        for owner in owners(row) if row["held_by"] else ():
            yield from ((owner, name) for name in row["held_by"] if (owner, name) in standing)
    acted_for = {row["customer"] for row in facts.visits}
    yield from (pair for pair in standing if pair[0] in acted_for)


def _references(con: Connection, facts: SubjectFacts, subject: SubjectRow, freeze: str) -> list[Row]:
    """What one freeze of one subject rests on, the oldest first; nothing where its name says all."""
    no = subject["subject_no"]
    if freeze == "open_balance":
        return rows(con, _UNRELEASED, no=no)
    if freeze in ("restriction", "access_pending"):
        return rows(con, _FREEZING_REQUESTS, no=no, freeze=freeze)
    if freeze == "orphan":
        return [{"missing": f"customer:{subject['customer_id']}"}]
    if freeze == "data_quality":
        return rows(con, _FAULTS_OF_SUBJECT, no=no)
    if freeze == "evidence_missing":
        return list(missing_sources(facts))
    return []


def _read_faults(con: Connection, facts: SubjectFacts) -> None:
    """File the faults of the records that they hold, and of the subject's own row; a line's are its order's."""
    held = {(row["entity"], row["record_id"]) for row in facts.records if "data_quality" in row["held_by"]}
    if any("data_quality" in row["held_by"] for row in facts.attributes):
        held.add((facts.entity, facts.row_id))
    records = sorted(f"{entity}:{record}" for entity, record in held)
    for row in rows(con, _FAULTS_OF_RECORDS, records=records) if records else ():
        facts.faults.setdefault((row.pop("entity"), row.pop("record_id")), []).append(row)


def missing_sources(facts: SubjectFacts) -> Iterator[Row]:
    """Yields the sources whose absence stops everything, each with what is wrong with it."""
    for reason in facts.evidence["reasons"] or ():
        source, _, fault = reason.partition(": ")
        yield {"source": source, "fault": fault}


def _read_legal_holds(con: Connection, facts: SubjectFacts, owners_held: Iterable[str]) -> None:
    """The legal holds of these subjects and of whole tables; a table's stand under its name."""
    names = [*owners_held, *facts.evidence["held_entities"]]
    for row in rows(con, _LEGAL_HOLDS, names=names, as_of=facts.as_of) if names else ():
        key = (row["subject_id"], "legal_hold")
        facts.references[key] = (*facts.references.get(key, ()), row)
