"""What would be due stays, and says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from .model import Order, Row, Subject, World, add_months
from .orders import invoice_is_open
from .requests import pending_freeze, reached_by

SCOPES = {
    "open_balance": "contractual",
    "restriction": "all",
    "access_pending": "not_marketing",
    "legal_hold": "all",
    "orphan": "all",
    "data_quality": "all",
    "no_evidence": "not_marketing",
    "evidence_missing": "all",
}
CONTRACTUAL_ENTITIES = ("orders", "invoices", "cases", "communications")
MARKETING_ENTITIES = ("newsletter_subscriptions", "web_events")


@dataclass
class Freeze:
    """One freeze of a subject."""

    since: date | None = None
    review: bool = False


Freezes = dict[str, dict[str, Freeze]]  # subject -> name of the freeze -> freeze


def freezes_of(
    world: World, purposes: dict[str, dict[str, date]], holds_something: Callable[[World, Subject], bool],
) -> Freezes:
    """The freezes of every subject; `holds_something` tells whether any attribute of it is there."""
    flawed = _subjects_of_faults(world)
    balances = _open_balances(world)
    found: Freezes = {}
    for subject_id, subject in world.subjects.items():
        own: dict[str, Freeze] = {}
        if subject_id in balances:
            own["open_balance"] = _open_balance(world, balances[subject_id])
        _pending_requests(world, subject, own)
        held, since = legal_hold(world, "subject_id", subject_id)
        if held:
            own["legal_hold"] = Freeze(since)
        if _is_orphan(world, subject):
            own["orphan"] = Freeze()
        if subject_id in flawed:
            own["data_quality"] = Freeze()
        # Nothing was ever carried out yet, so that part of the rule needs no more to be known.
        unknown = not purposes[subject_id] and not subject.erasures and not subject.evidence_released
        if unknown and holds_something(world, subject):
            own["no_evidence"] = Freeze()
        if world.options.evidence_missing:
            own["evidence_missing"] = Freeze()
        found[subject_id] = own
    return found


def _open_balances(world: World) -> dict[str, list[Row]]:
    """The open invoices of each subject, without those released for it."""
    found: dict[str, list[Row]] = {}
    for invoice in world.tables["invoices"]:
        if not invoice_is_open(world, invoice):
            continue
        for subject_id in _debtors(world, invoice):
            subject = world.subjects.get(subject_id)
            if subject and invoice["invoice_id"] not in subject.released:
                found.setdefault(subject_id, []).append(invoice)
    return found


def _debtors(world: World, invoice: Row) -> list[str]:
    """The customer, and the contact of the order; where none is named, all contacts that have not left."""
    customer = invoice["customer_id"]
    order = world.orders.get(invoice["order_id"]) if invoice["order_id"] else None
    debtors = [f"customer:{customer}"] if customer else []
    if order and order.row["contact_id"]:
        return [*debtors, f"contact:{order.row['contact_id']}"]
    if order and order.row["_contact_unlinked"]:
        return debtors
    for contact in world.where("contacts", "customer_id", customer) if customer else []:
        # reading: contacts whose customer does not exist share an invoice of the same missing customer.
        if not world.by(contact["deactivated_at"]):
            debtors.append(f"contact:{contact['contact_id']}")
    return debtors


def _open_balance(world: World, invoices: list[Row]) -> Freeze:
    days = [invoice["issued_at"] for invoice in invoices if invoice["issued_at"]]
    oldest = min(days) if days else None
    return Freeze(oldest, review=oldest is not None and add_months(oldest, 12) <= world.as_of)


def _pending_requests(world: World, subject: Subject, own: dict[str, Freeze]) -> None:
    """Restrictions, and requests for access or portability that wait for an answer."""
    for request in subject.requests:
        name = pending_freeze(world, request)
        if name:
            assert request.received is not None
            freeze = own.setdefault(name, Freeze(request.received))
            assert freeze.since is not None
            freeze.since = min(freeze.since, request.received)


def legal_hold(world: World, key: str, value: str) -> tuple[bool, date | None]:
    """Whether a hold stands on a subject or an entity, and since when."""
    # reading: a hold counts whatever the day it was placed on, until it was lifted by as_of.
    days: list[Any] = [
        hold["placed_on"]
        for hold in world.options.legal_holds
        if hold.get(key) == value and not world.by(hold.get("lifted_on"))
    ]
    known = [day for day in days if day is not None]
    return bool(days), min(known) if known else None


def _is_orphan(world: World, subject: Subject) -> bool:
    """A contact whose customer does not exist; one without a customer or with a tombstone is none."""
    customer = subject.row["customer_id"]
    if is_released(world, subject.table, subject.row, "orphan"):
        return False
    return subject.kind == "contact" and customer is not None and f"customer:{customer}" not in world.subjects


def is_released(world: World, table: str, row: Row, freeze: str) -> bool:
    """Whether a person decided that what a row's faults, or its being an orphan, hold need not be held."""
    if (table, row["_id"], freeze) in world.released:
        return True
    # reading: of an order its lines' faults are released with its own: it is the order that they hold.
    return table == "order_lines" and ("orders", row["order_id"], freeze) in world.released


def is_faulty(world: World, table: str, row: Row) -> bool:
    """Whether a row has a fault that freezes, and nobody released it."""
    return (table, row["_id"]) in world.faulty and not is_released(world, table, row, "data_quality")


def _subjects_of_faults(world: World) -> set[str]:
    """The subjects of the rows that have a fault."""
    found: set[str] = set()
    for table, rows in world.tables.items():
        for row in rows:
            if is_faulty(world, table, row):
                found.update(_subjects_of_row(world, table, row))
    return found


def _subjects_of_row(world: World, table: str, row: Row) -> list[str]:
    if table == "customers":
        # Whose the orders are that name no contact, nobody knows of a customer whose type does not fit: all are held.
        colleagues = world.where("contacts", "customer_id", row["customer_id"]) if row["customer_type"] is None else []
        return [f"customer:{row['customer_id']}", *(f"contact:{who['contact_id']}" for who in colleagues)]
    if table == "contacts":
        return [f"contact:{row['contact_id']}"]
    if table in ("orders", "order_lines"):
        order = world.orders.get(row["order_id"])
        return _subjects_of_order(world, order, unordered=table == "orders" and order.id in world.unordered
                                  ) if order else []
    if table == "rights_requests":
        # reading: a faulty request without ids freezes everybody it reaches by e-mail.
        return reached_by(world, row)
    if table in ("products", "app_logs"):
        return []
    # reading: a contact that does not exist is the subject all the same; the customer is not frozen in its place.
    subject_id = ids_of(world, table, row)[2]
    return [*([subject_id] if subject_id else []), *(_debtors(world, row) if table == "invoices" else [])]


def _subjects_of_order(world: World, order: Order, *, unordered: bool) -> list[str]:
    """Its subject and the contacts it belongs to; where nobody knows when it was placed, all of the company's."""
    subject_id = ids_of(world, "orders", order.row)[2]
    found = [subject_id] if subject_id else []
    company = world.subjects.get(f"customer:{order.row['customer_id']}")
    if company and company.kind == "business":
        colleagues = [world.subjects[f"contact:{row['contact_id']}"]
                      for row in world.where("contacts", "customer_id", order.row["customer_id"])]
        found += [who.id for who in colleagues if unordered or any(own is order for own in who.orders)]
    return found


def ids_of(world: World, table: str, row: Row) -> tuple[str | None, str | None, str | None]:
    """customer_id and contact_id of a record, and its subject."""
    customer, contact = row.get("customer_id"), row.get("contact_id")
    if customer is None and contact is None and table == "communications" and row["case_id"]:
        for case in world.where("cases", "case_id", row["case_id"]):
            customer, contact = case["customer_id"], case["contact_id"]
    if contact is not None:
        return customer, contact, f"contact:{contact}"
    if customer is not None:
        return customer, None, f"customer:{customer}"
    if table == "newsletter_subscriptions":
        people = world.by_email.get(row["email_key"], [])
        return None, None, people[0] if len(people) == 1 else None
    return None, None, None


def holds_entity(freeze: str, entity: str) -> bool:
    """Whether the scope of a freeze holds the records of an entity."""
    scope = SCOPES[freeze]
    if scope == "contractual":
        return entity in CONTRACTUAL_ENTITIES
    return scope == "all" or entity not in MARKETING_ENTITIES
