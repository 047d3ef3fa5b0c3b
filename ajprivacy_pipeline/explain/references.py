"""What a freeze rests on: the open invoices, the requests, the legal holds and the faults behind it.

Belongs here: reading them, for the subject and for whom it shares a held record with. Does not belong here: which
freeze holds what (`holds`), or words. Nothing is read but ids, days, kinds and names of columns; never a value.
"""

from collections.abc import Iterable, Iterator

from ajprivacy_pipeline.explain.facts import Facts, Row, owners, rows
from ajprivacy_pipeline.zones import Connection

# The open invoices that freeze a subject: its own; of a contact those whose order names it or, naming nobody, while it
# is there. The same as in sql/retention/subject_freezes.sql, but with the orders looked up before they are joined.
OWING = """
    WITH named AS (
        SELECT order_id FROM retention.order_facts WHERE $contact IS NOT NULL AND contact_no = $no
    ), of_customer AS (
        SELECT * FROM retention.open_invoices WHERE customer_id = $customer
    ), of_somebody AS (
        SELECT order_id FROM retention.order_facts
        WHERE $contact IS NOT NULL AND order_id IN (SELECT order_id FROM of_customer)
            AND (contact_id IS NOT NULL OR coalesce(is_contact_unlinked, false))
    ), owing AS (
        SELECT * FROM of_customer WHERE $contact IS NULL
            OR ($is_there AND (order_id IS NULL OR order_id NOT IN (SELECT order_id FROM of_somebody)))
        UNION
        SELECT * FROM retention.open_invoices
        WHERE $contact IS NOT NULL AND order_id IN (SELECT order_id FROM named)
    )
"""
_UNRELEASED = f"""{OWING}
    SELECT invoice_id, issued_on FROM owing WHERE invoice_id NOT IN (
        SELECT invoice_id FROM retention.released_invoices WHERE subject_no = $no)
    ORDER BY issued_on NULLS LAST, invoice_id
"""
_FREEZING_REQUESTS = """
    SELECT request_id, kind, received_on FROM retention.requests WHERE subject_no = $no AND freezes
    ORDER BY received_on, request_id
"""
_LEGAL_HOLDS = """
    SELECT subject_id, placed_on, expires_on FROM control.legal_holds
    WHERE subject_id IN (SELECT unnest($names)) AND NOT coalesce(lifted_on <= $as_of, false)
    ORDER BY placed_on, expires_on
"""
_FAULTS = """
    SELECT table_name, id, column_name, fault FROM staged.quality
    WHERE freezes
        AND CASE WHEN table_name = 'order_lines' THEN 'orders:' || regexp_replace(id, ':[^:]*$', '')
                 ELSE table_name || ':' || id END IN (SELECT unnest($records))
    ORDER BY ALL
"""
_FAULTY_EVENTS = """
    SELECT event_id FROM staged.web_events
    WHERE event_id IN (SELECT id FROM staged.quality WHERE table_name = 'web_events')
        AND CASE WHEN $contact IS NULL THEN customer_id = $customer AND contact_id IS NULL
                 ELSE contact_id = $contact END
"""
_RECORDS = " UNION ALL ".join(
    f"SELECT entity, record_id, part FROM retention.{table}_decisions WHERE subject_no = $no"
    for table in ("order", "invoice", "correspondence", "newsletter", "request"))


def read_references(con: Connection, facts: Facts) -> None:
    """Fill `facts.references` and `facts.faults`, for every freeze that is shown or holds something."""
    needed = set(_needed(facts))
    others = {owner for owner, _ in needed} - {facts.subject["subject_id"]}
    subjects = {row["subject_id"]: row for row in rows(
        con, "SELECT * FROM retention.subjects WHERE subject_id IN (SELECT unnest($ids))", ids=sorted(others))}
    subjects[facts.subject["subject_id"]] = facts.subject
    for owner, freeze in sorted(needed):
        facts.references[owner, freeze] = tuple(_references(con, facts, subjects[owner], freeze))
        if freeze == "data_quality":
            _file_faults(facts, facts.references[owner, freeze])
    _read_legal_holds(con, facts, {owner for owner, freeze in needed if freeze == "legal_hold"})


def _needed(facts: Facts) -> Iterator[tuple[str, str]]:
    standing, own = {(row["subject_id"], row["freeze"]) for row in facts.freezes}, facts.subject["subject_id"]
    yield from (pair for pair in standing if pair[0] == own)
    for row in facts.records:
        for owner in owners(facts, row) if row["held_by"] else ():
            yield from ((owner, name) for name in row["held_by"] if owner is not None and (owner, name) in standing)
    acted_for = {f"customer:{row['customer_id']}" for row in facts.web_events if row["customer_id"] is not None}
    yield from (pair for pair in standing if pair[0] in acted_for)


def _references(con: Connection, facts: Facts, subject: Row, freeze: str) -> list[Row]:
    """What one freeze of one subject rests on, the oldest first; nothing where its name says all."""
    if freeze == "open_balance":
        closed = subject["closed_on"]
        return rows(con, _UNRELEASED, no=subject["subject_no"], customer=subject["customer_id"],
                    contact=subject["contact_id"], is_there=closed is None or closed > facts.as_of)
    if freeze in ("restriction", "access_pending"):
        return [row for row in rows(con, _FREEZING_REQUESTS, no=subject["subject_no"])
                if (row["kind"] == "restriction") == (freeze == "restriction")]
    if freeze == "orphan":
        return [{"missing": f"customer:{subject['customer_id']}"}]
    if freeze == "data_quality":
        return rows(con, _FAULTS, records=sorted(set(_records(con, facts, subject))))
    if freeze == "evidence_missing":
        return list(missing_sources(facts))
    return []


def _file_faults(facts: Facts, found: Iterable[Row]) -> None:
    """Put faults to the records that they are in; a line's are its order's."""
    for row in found:
        is_line = row["table_name"] == "order_lines"
        key = ("orders", row["id"].rpartition(":")[0]) if is_line else (row["table_name"], row["id"])
        known = facts.faults.setdefault(key, [])
        known += [] if row in known else [row]


def missing_sources(facts: Facts) -> Iterator[Row]:
    """The sources whose absence stops everything, each with what is wrong with it."""
    for reason in facts.evidence["reasons"] or ():
        source, _, fault = reason.partition(": ")
        yield {"source": source, "fault": fault}


def _records(con: Connection, facts: Facts, subject: Row) -> Iterator[str]:
    """Everything of a subject that a fault could touch, as 'table:id': its row, its records, visits and requests."""
    kind, no = "contact" if subject["contact_id"] is not None else "customer", subject["subject_no"]
    is_own = no == facts.subject["subject_no"]
    yield f"{kind}s:{subject[f'{kind}_id']}"
    found = facts.records if is_own else rows(con, _RECORDS, no=no)
    # whose a fault is follows the contact where one is named; an order's link follows the person
    yield from (f"{row['entity']}:{row['record_id']}" for row in found if row["part"] != "link")
    requests = facts.requests if is_own else rows(
        con, "SELECT request_id FROM retention.requests WHERE subject_no = $no", no=no)
    yield from (f"rights_requests:{row['request_id']}" for row in requests)
    yield from (f"web_events:{row['event_id']}" for row in rows(
        con, _FAULTY_EVENTS, customer=subject["customer_id"], contact=subject["contact_id"]))


def _read_legal_holds(con: Connection, facts: Facts, owners_held: Iterable[str]) -> None:
    """The legal holds of these subjects and of whole tables; a table's stand under its name."""
    names = [*owners_held, *facts.evidence["held_entities"]]
    for row in rows(con, _LEGAL_HOLDS, names=names, as_of=facts.as_of) if names else ():
        key = (row["subject_id"], "legal_hold")
        facts.references[key] = (*facts.references.get(key, ()), row)
