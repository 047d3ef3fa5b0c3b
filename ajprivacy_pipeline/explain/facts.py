"""What the month's file holds about one subject: a few small queries, each by a bound id, never a whole table.

Belongs here: reading. Does not belong here: what follows from it (`purposes`, `records`), or words (`words`). Nothing
is read but ids, dates, kinds and decisions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.zones import Connection

Row = dict[str, Any]
BLOCKERS = ("undelivered", "unpaid", "open_case", "warranty_unknown")

_ORDER_FACTS = """
    SELECT f.order_id, f.customer_id, f.contact_id, f.customer_no, f.contact_no, f.is_person, f.is_cancelled,
        f.ordered_on, f.ended_on, f.undelivered, f.unpaid, f.open_case, f.warranty_unknown,
        f.obligations_on, f.transaction_on
    FROM retention.order_facts AS f
"""
_ORDER_DATES = """
    SELECT o.order_id, o.delivered_on, o.completed_on, o.paid_on, o.cancelled_on
    FROM staged.orders AS o WHERE o.order_id IN (SELECT unnest($ids))
"""
_LINES = """
    SELECT l.order_id, l.line_number, l.product_id, l.delivered_on, l.returned_on,
        CASE WHEN l.product_id IS NULL THEN 0 ELSE p.warranty_years END AS warranty_years
    FROM staged.order_lines AS l LEFT JOIN staged.products AS p ON p.product_id = l.product_id
    WHERE l.order_id IN (SELECT unnest($ids)) ORDER BY l.order_id, l.line_number
"""
_CASES = """
    SELECT case_id, customer_id, contact_id, order_id, opened_on, closed_on FROM staged.cases
    WHERE order_id IN (SELECT unnest($orders)) OR customer_id = $customer OR contact_id = $contact ORDER BY case_id
"""
_INVOICES = """
    SELECT invoice_id, customer_id, order_id, issued_on,
        billing_name IS NULL OR billing_street_address IS NULL AS names_nobody
    FROM staged.invoices WHERE customer_id = $customer ORDER BY invoice_id
"""
_REQUESTS = """
    SELECT request_id, kind, received_on, verified_on, closed_on, stops_marketing, erases, freezes
    FROM retention.requests WHERE subject_no = $no ORDER BY received_on, request_id
"""
_DECISIONS = """
    SELECT entity, record_id, part, decision, due_on, retained_by, held_by, policy_version
    FROM retention.{table} WHERE subject_no = $no
"""
_WEB = """
    SELECT customer_id, consented, occurred_on, consent_withdrawn_on, count(*) AS events FROM staged.web_events
    WHERE CASE WHEN $contact IS NULL THEN customer_id = $customer AND contact_id IS NULL ELSE contact_id = $contact END
    GROUP BY ALL
"""


@dataclass
class Facts:
    """One subject of one month; lists of rows as the file has them."""

    as_of: date
    subject: Row
    purposes: Row
    evidence: Row
    orders: dict[str, Row] = field(default_factory=dict)  # by id: the subject's and those its records belong to
    own_orders: list[str] = field(default_factory=list)  # the subject's own, as the purposes count them
    released_orders: set[str] = field(default_factory=set)
    lines: dict[str, list[Row]] = field(default_factory=dict)
    cases: list[Row] = field(default_factory=list)
    invoices: list[Row] = field(default_factory=list)
    open_invoices: dict[str, list[str]] = field(default_factory=dict)  # invoice ids by order
    requests: list[Row] = field(default_factory=list)
    freezes: list[Row] = field(default_factory=list)  # of the subject and of whom it shares records with
    attributes: list[Row] = field(default_factory=list)
    records: list[Row] = field(default_factory=list)
    details: dict[str, Row] = field(default_factory=dict)  # of messages, subscriptions, requests, by 'entity:id'
    web_events: list[Row] = field(default_factory=list)
    known_customers: set[str] = field(default_factory=set)
    references: dict[tuple[str, str], tuple[Row, ...]] = field(default_factory=dict)  # by owner and freeze
    faults: dict[tuple[str, str], list[Row]] = field(default_factory=dict)  # by entity and record

    def own_cases(self) -> list[Row]:
        """The cases that count for the subject: a contact's are those that name it."""
        key = "contact_id" if self.subject["contact_id"] is not None else "customer_id"
        return [case for case in self.cases if case[key] is not None and case[key] == self.subject[key]]

    def is_open(self, case: Row) -> bool:
        """Whether a case is open at as_of."""
        return case["closed_on"] is None or bool(case["closed_on"] > self.as_of)


def rows(con: Connection, sql: str, **values: object) -> list[Row]:
    """The rows of a query, as dictionaries; values are bound."""
    result = con.execute(sql, values or None)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def find_subject(con: Connection, subject_id: str, month: str) -> Row:
    """The subject's row.

    Raises:
        ControlError: it is not in the month's data, or is a tombstone.
    """
    found = rows(con, "SELECT * FROM retention.subjects WHERE subject_id = $subject", subject=subject_id)
    if found:
        return found[0]
    kind, _, identifier = subject_id.partition(":")
    is_tombstone = rows(con, "SELECT 1 AS one FROM policy.tombstones WHERE customer_id = $id", id=identifier)
    if kind == "customer" and is_tombstone:
        raise ControlError(f"{subject_id} is a tombstone: it stands for everybody who was anonymised, and names nobody")
    raise ControlError(f"{subject_id} is not in the month's data ({month}): check the id; somebody already removed is "
                       "found through the ledger alone")


def read_facts(con: Connection, subject: Row, as_of: date) -> Facts:
    """Everything the explanation of one subject rests on."""
    no = subject["subject_no"]
    customer = None if subject["contact_id"] is not None else subject["customer_id"]
    contact = subject["contact_id"]
    facts = Facts(
        as_of, subject,
        rows(con, "SELECT * FROM retention.subject_purposes WHERE subject_no = $no", no=no)[0],
        rows(con, "SELECT is_missing, faults AS reasons, held_entities FROM retention.evidence")[0])
    _read_orders(con, facts, no, customer)
    facts.requests = rows(con, _REQUESTS, no=no)
    facts.attributes = rows(con, "SELECT attribute, decision, due_on, retained_by, held_by, policy_version FROM "
                                 "retention.attribute_decisions WHERE subject_no = $no", no=no)
    for table in ("order", "invoice", "correspondence", "newsletter", "request"):
        facts.records += rows(con, _DECISIONS.format(table=f"{table}_decisions"), no=no)
    facts.records.sort(key=lambda row: (row["entity"], row["record_id"], row["part"]))
    facts.invoices = rows(con, _INVOICES, customer=customer) if customer is not None else []
    _read_order_details(con, facts)
    facts.cases = rows(con, _CASES, orders=list(facts.orders), customer=customer, contact=contact)
    _read_details(con, facts)
    facts.web_events = rows(con, _WEB, customer=customer, contact=contact)
    _read_freezes(con, facts)
    return facts


def _read_orders(con: Connection, facts: Facts, no: int, customer: str | None) -> None:
    """The orders that name the subject and, for a contact, the company's that name nobody while it was there."""
    subject = facts.subject
    owner = "customer_no" if customer is not None else "contact_no"
    for row in rows(con, f"{_ORDER_FACTS} WHERE f.{owner} = $no", no=no):
        facts.orders[row["order_id"]] = row
        facts.own_orders.append(row["order_id"])
    if subject["of_business"]:
        company = rows(con, "SELECT subject_no FROM retention.subjects WHERE subject_id = $id",
                       id=f"customer:{subject['customer_id']}")
        for row in rows(con, f"{_ORDER_FACTS} WHERE f.customer_no = $no AND f.contact_id IS NULL "
                             "AND NOT f.is_contact_unlinked", no=company[0]["subject_no"] if company else None):
            if was_there(subject, row["ordered_on"]):
                facts.orders[row["order_id"]] = row
                facts.own_orders.append(row["order_id"])
    facts.own_orders.sort()
    facts.released_orders = {row["order_id"] for row in rows(
        con, "SELECT order_id FROM retention.released_orders WHERE subject_no = $no", no=no)}


def was_there(subject: Row, ordered_on: date | None) -> bool:
    """Whether a contact was with its company when an order was placed; an unknown day counts."""
    created, closed = subject["created_on"], subject["closed_on"]
    return ordered_on is None or ((created is None or created <= ordered_on)
                                  and (closed is None or closed > ordered_on))


def _read_order_details(con: Connection, facts: Facts) -> None:
    of_records = {row["record_id"] for row in facts.records if row["entity"] == "orders"}
    of_records |= {row["order_id"] for row in facts.invoices if row["order_id"] is not None}
    if further := sorted(of_records - set(facts.orders)):
        facts.orders |= {row["order_id"]: row for row in rows(
            con, f"{_ORDER_FACTS} WHERE f.order_id IN (SELECT unnest($ids))", ids=further)}
    ids = list(facts.orders)
    if not ids:
        return
    for row in rows(con, _ORDER_DATES, ids=ids):
        facts.orders[row["order_id"]] |= row
    for row in rows(con, _LINES, ids=ids):
        facts.lines.setdefault(row["order_id"], []).append(row)
    for row in rows(con, "SELECT order_id, invoice_id FROM retention.open_invoices WHERE order_id IN "
                         "(SELECT unnest($ids)) ORDER BY invoice_id", ids=ids):
        facts.open_invoices.setdefault(row["order_id"], []).append(row["invoice_id"])


_DETAILS = {
    "cases": "SELECT 'cases:' || case_id AS id, customer_id, contact_id, closed_on AS own_on FROM staged.cases "
             "WHERE case_id IN (SELECT unnest($ids))",
    "communications": "SELECT 'communications:' || m.communication_id AS id, coalesce(m.customer_id, CASE WHEN "
                      "m.contact_id IS NULL THEN c.customer_id END) AS customer_id, coalesce(m.contact_id, CASE WHEN "
                      "m.customer_id IS NULL THEN c.contact_id END) AS contact_id, m.occurred_on AS own_on, c.case_id, "
                      "c.closed_on AS case_closed_on FROM staged.communications AS m LEFT JOIN staged.cases AS c "
                      "ON c.case_id = m.case_id WHERE m.communication_id IN (SELECT unnest($ids))",
    "newsletter_subscriptions": "SELECT 'newsletter_subscriptions:' || subscription_id AS id, customer_id, contact_id, "
                                "email_key, subscribed_on, unsubscribed_on "
                                "FROM staged.newsletter_subscriptions WHERE subscription_id IN (SELECT unnest($ids))",
    "rights_requests": "SELECT 'rights_requests:' || request_id AS id, customer_id, contact_id, closed_on "
                       "FROM staged.rights_requests WHERE request_id IN (SELECT unnest($ids))",
}
_ADDRESS_STOPS = """
    SELECT DISTINCT r.request_id, r.kind, r.received_on FROM retention.requests AS r
    LEFT JOIN retention.subjects AS s ON s.subject_no = r.subject_no
    WHERE r.stops_marketing AND (r.email_key = $key OR s.email_key = $key) ORDER BY r.received_on, r.request_id
"""


def _read_details(con: Connection, facts: Facts) -> None:
    """The dates and the other owners of the subject's records that are no orders and no invoices."""
    for entity, sql in _DETAILS.items():
        if ids := [row["record_id"] for row in facts.records if row["entity"] == entity]:
            facts.details |= {row["id"]: row for row in rows(con, sql, ids=ids)}
    for row in facts.details.values():
        if row.get("email_key") is not None:
            row["stops"] = rows(con, _ADDRESS_STOPS, key=row.pop("email_key"))


def owners(facts: Facts, row: Row) -> tuple[str | None, str | None]:
    """The customer and the contact that a record names, as subject ids."""
    source = facts.details.get(f"{row['entity']}:{row['record_id']}")
    if source is None and row["entity"] == "orders":
        source = facts.orders[row["record_id"]]
    if source is None:
        return facts.subject["subject_id"], None
    return tuple(f"{kind}:{source[f'{kind}_id']}" if source[f"{kind}_id"] is not None else None  # type: ignore[return-value]
                 for kind in ("customer", "contact"))


def _read_freezes(con: Connection, facts: Facts) -> None:
    named: set[str] = {facts.subject["subject_id"]}
    for row in facts.records:
        named |= _without_none(owners(facts, row))
    named |= {f"customer:{row['customer_id']}" for row in facts.web_events if row["customer_id"] is not None}
    facts.known_customers = {row["subject_id"] for row in rows(
        con, "SELECT subject_id FROM retention.subjects WHERE subject_id IN (SELECT unnest($ids))", ids=sorted(named))}
    facts.freezes = rows(con, 'SELECT subject_id, "freeze", scope, since, review FROM retention.freezes '
                              "WHERE subject_id IN (SELECT unnest($ids)) ORDER BY ALL", ids=sorted(named))


def _without_none(names: Iterable[str | None]) -> set[str]:
    return {name for name in names if name is not None}
