"""What the month's file holds about one subject: a few small queries, each by a bound id, never a whole table.

Belongs here: reading the subject, what is decided about it, and the freezes that could hold it. Does not belong here:
candidate dates (`candidates`), what a freeze rests on (`references`), or words. Nothing is read but ids, dates, kinds
and decisions.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypedDict, cast

from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.storage.zones import Connection

Row = dict[str, Any]  # a row of a query that names its own columns
BLOCKERS = ("undelivered", "unpaid", "open_case", "warranty_unknown")

_ATTRIBUTES = """
    SELECT attribute, decision, due_on, retained_by, held_by, policy_version
    FROM retention.attribute_decisions WHERE subject_no = $no
"""
_RECORDS = """
    SELECT entity, record_id, part, decision, due_on, retained_by, held_by, policy_version, customer, contact
    FROM terms.records WHERE subject_no = $no ORDER BY entity, record_id, part
"""
_VISITS = """
    SELECT customer, is_faulty, due_on, reason, events FROM terms.visits WHERE subject_no = $no ORDER BY ALL
"""
_FREEZES = """
    SELECT subject_id, "freeze", scope, since, review FROM retention.freezes
    WHERE subject_id IN (SELECT unnest($ids)) ORDER BY ALL
"""


class SubjectRow(TypedDict):
    """A row of retention.subjects, as far as an explanation reads it."""

    subject_id: str
    subject_type: str
    subject_no: int
    customer_id: str | None
    contact_id: str | None


class EvidenceRow(TypedDict):
    """What stops whole tables: whether facts are missing, in which words, and the tables under a legal hold."""

    is_missing: bool
    reasons: list[str] | None
    held_entities: list[str]


class AttributeRow(TypedDict):
    """What is decided about an attribute."""

    attribute: str
    decision: str
    due_on: date | None
    retained_by: list[str]
    held_by: list[str]
    policy_version: str


class RecordRow(TypedDict):
    """What is decided about a part of a record, and whom the record names, as subject ids."""

    entity: str
    record_id: str
    part: str
    decision: str
    due_on: date | None
    retained_by: list[str]
    held_by: list[str]
    policy_version: str
    customer: str | None
    contact: str | None


class VisitRow(TypedDict):
    """Web events with one fate, and the customer on whose behalf they were."""

    customer: str | None
    is_faulty: bool
    due_on: date
    reason: str
    events: int


class FreezeRow(TypedDict):
    """A freeze of a subject."""

    subject_id: str
    freeze: str
    scope: str
    since: date | None
    review: bool


@dataclass
class SubjectFacts:
    """One subject of one month; lists of rows as the file has them."""

    as_of: date
    subject: SubjectRow
    evidence: EvidenceRow
    attributes: list[AttributeRow]
    records: list[RecordRow]
    visits: list[VisitRow]
    freezes: list[FreezeRow] = field(default_factory=list)  # of the subject and of whom it shares records with
    known: set[str] = field(default_factory=set)  # who exists, among those
    references: dict[tuple[str, str], tuple[Row, ...]] = field(default_factory=dict)  # by owner and freeze
    faults: dict[tuple[str, str], list[Row]] = field(default_factory=dict)  # by entity and record

    @property
    def subject_id(self) -> str:
        """Whom it is about."""
        return self.subject["subject_id"]

    @property
    def entity(self) -> str:
        """The table of the subject's own row."""
        return "contacts" if self.subject["contact_id"] is not None else "customers"

    @property
    def row_id(self) -> str:
        """The id of that row."""
        contact, customer = self.subject["contact_id"], self.subject["customer_id"]
        return str(customer if contact is None else contact)


def rows(con: Connection, sql: str, **values: object) -> list[Row]:
    """Returns the rows of a query, as dictionaries; values are bound."""
    result = con.execute(sql, values or None)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def find_subject(con: Connection, subject_id: str, month: str) -> SubjectRow:
    """Returns the subject's row.

    Raises:
        ControlError: it is not in the month's data, or is a tombstone.
    """
    found = rows(con, "SELECT * FROM retention.subjects WHERE subject_id = $subject", subject=subject_id)
    if found:
        return cast(SubjectRow, found[0])
    kind, _, identifier = subject_id.partition(":")
    is_tombstone = rows(con, "SELECT 1 AS one FROM policy.tombstones WHERE customer_id = $id", id=identifier)
    if kind == "customer" and is_tombstone:
        raise ControlError(f"{subject_id} is a tombstone: it stands for everybody who was anonymised, and names nobody")
    raise ControlError(f"{subject_id} is not in the month's data ({month}): check the id; somebody already removed is "
                       "found through the ledger alone")


def read_facts(con: Connection, subject: SubjectRow, as_of: date) -> SubjectFacts:
    """Returns what is decided about one subject, whose terms are asked for, and what could hold it."""
    no = subject["subject_no"]
    evidence = rows(con, "SELECT is_missing, faults AS reasons, held_entities FROM retention.evidence")[0]
    facts = SubjectFacts(
        as_of, subject, cast(EvidenceRow, evidence), cast(list[AttributeRow], rows(con, _ATTRIBUTES, no=no)),
        cast(list[RecordRow], rows(con, _RECORDS, no=no)), cast(list[VisitRow], rows(con, _VISITS, no=no)))
    named = {facts.subject_id, *(owner for row in facts.records for owner in owners(row)),
             *(row["customer"] for row in facts.visits if row["customer"] is not None)}
    facts.known = {row["subject_id"] for row in rows(
        con, "SELECT subject_id FROM retention.subjects WHERE subject_id IN (SELECT unnest($ids))", ids=sorted(named))}
    facts.freezes = cast(list[FreezeRow], rows(con, _FREEZES, ids=sorted(named)))
    return facts


def owners(row: RecordRow) -> tuple[str, ...]:
    """Returns the customer and the contact that a record names, as subject ids."""
    return tuple(owner for owner in (row["customer"], row["contact"]) if owner is not None)
