"""How hand-made cases are written down, and how a result is held against them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from .model import Options, Row, Shop

MONTH = "2026-10"  # as_of = 2026-11-01
C, K = "customer:1", "contact:7"

IDENTITY = {
    "purpose_status": ("subject_id", "purpose"),
    "freezes": ("subject_id", "freeze"),
    "attribute_decisions": ("subject_id", "attribute"),
    "record_decisions": ("entity", "record_id", "part"),
    "bulk_decisions": ("entity", "reason"),
    "review_list": ("subject_id", "entity", "record_id", "reason"),
    "sole_ground": ("ground",),
    "quality": ("table_name", "id", "column_name", "fault"),
}

Partial = tuple[str, Row]


@dataclass(frozen=True)
class Case:
    """A shop, a month, and what must and must not come out; `expected` and `absent` are (table, partial row)."""

    name: str
    shop: Shop
    expected: list[Partial]
    absent: list[Partial] = field(default_factory=list)
    month: str = MONTH
    options: Options = field(default_factory=Options)


def problems(result: dict[str, list[dict[str, Any]]], case: Case) -> list[str]:
    """What is wrong with a result; empty where it is as the case says.

    An expected row is found by the identity columns that it names; there must be exactly one, with all its values.
    """
    found = []
    for table, partial in case.expected:
        keys = [key for key in IDENTITY[table] if key in partial]
        rows = [row for row in result[table] if all(row[key] == partial[key] for key in keys)]
        if len(rows) != 1:
            found.append(f"{case.name}: {len(rows)} rows in {table} for {partial}")
        elif any(rows[0][key] != value for key, value in partial.items()):
            found.append(f"{case.name}: {table}: expected {partial}, got {rows[0]}")
    for table, partial in case.absent:
        rows = [row for row in result[table] if all(row[key] == value for key, value in partial.items())]
        if rows:
            found.append(f"{case.name}: {table}: unwanted {rows}")
    return found


# Expected rows ---------------------------------------------------------------------------------------------------


def day(value: str | None) -> date | None:
    """A date from its text."""
    return date.fromisoformat(value) if value else None


def purpose(subject_id: str, name: str, lapses_on: str | None) -> Partial:
    """A purpose with its end; None is open."""
    return "purpose_status", {"subject_id": subject_id, "purpose": name, "lapses_on": day(lapses_on)}


def no_purpose(subject_id: str, name: str) -> Partial:
    """A purpose that must not apply."""
    return "purpose_status", {"subject_id": subject_id, "purpose": name}


def freeze(subject_id: str, name: str, **columns: object) -> Partial:
    """A freeze, or for `absent` one that must not stand."""
    return "freezes", {"subject_id": subject_id, "freeze": name, **columns}


def _decision(decision: str, due_on: str | None, why: str) -> Row:
    names = why.split()
    return {
        "decision": decision, "due_on": day(due_on),
        "retained_by": names if decision == "retain" else [], "held_by": names if decision == "hold" else [],
    }


def attribute(subject_id: str, name: str, decision: str, due_on: str | None = None, why: str = "") -> Partial:
    """An attribute decision; `why` lists retained_by or held_by, sorted."""
    return "attribute_decisions", {"subject_id": subject_id, "attribute": name, **_decision(decision, due_on, why)}


def record(where: str, decision: str, due_on: str | None = None, why: str = "", **columns: object) -> Partial:
    """A record decision; `where` is entity/id/part."""
    entity, identifier, part = where.split("/")
    keys = {"entity": entity, "record_id": identifier, "part": part}
    return "record_decisions", {**keys, **_decision(decision, due_on, why), **columns}


def no_record(where: str) -> Partial:
    """A record row that must not be there."""
    entity, identifier, part = where.split("/")
    return "record_decisions", {"entity": entity, "record_id": identifier, "part": part}


def bulk(entity: str, reason: str, due_rows: int, oldest: str) -> Partial:
    """A count."""
    return "bulk_decisions", {"entity": entity, "reason": reason, "due_rows": due_rows, "oldest": day(oldest)}


def no_bulk(entity: str) -> Partial:
    """No count at all for an entity."""
    return "bulk_decisions", {"entity": entity}


def fault(table: str, identifier: str, column: str, name: str) -> Partial:
    """A row of `quality`."""
    return "quality", {"table_name": table, "id": identifier, "column_name": column, "fault": name}


def review(reason: str, **columns: object) -> Partial:
    """A row of the review list."""
    return "review_list", {"reason": reason, **columns}


# Raw rows --------------------------------------------------------------------------------------------------------


def consumer(identifier: str = "1", **columns: object) -> Row:
    """A consumer with a name and an address of her own."""
    return {"customer_id": identifier, "customer_type": "consumer", "name": "Kari Nordmann",
            "email": f"c{identifier}@x.no", **columns}


def business(identifier: str = "1", **columns: object) -> Row:
    """A company."""
    return consumer(identifier, **{"customer_type": "business", "name": "Lager AS", **columns})


def proprietor(identifier: str = "1", **columns: object) -> Row:
    """A sole proprietor."""
    return consumer(identifier, **{"customer_type": "sole_proprietor", **columns})


def contact(identifier: str = "7", customer: str = "1", **columns: object) -> Row:
    """A contact person."""
    return {"contact_id": identifier, "customer_id": customer, "name": "Ola Nordmann",
            "email": f"k{identifier}@x.no", **columns}


def order(on: str | None, identifier: str = "o", customer: str = "1", **columns: object) -> Row:
    """An order placed, delivered and paid on one day, unless the columns say otherwise."""
    return {"order_id": identifier, "customer_id": customer, "ordered_at": on, "delivered_at": on, "paid_at": on,
            "total_amount": "100.00", "delivery_name": "Kari", **columns}


def line(number: int = 1, order_id: str = "o", **columns: object) -> Row:
    """A line."""
    return {"order_id": order_id, "line_number": str(number), **columns}


def invoice(issued: str | None, amount: str = "100.00", paid: str | None = None, **columns: object) -> Row:
    """An invoice, open unless paid, that names its buyer."""
    return {"invoice_id": "i", "customer_id": "1", "issued_at": issued, "amount": amount, "paid_amount": paid,
            "billing_name": "Kari", "billing_street_address": "Vei 1", **columns}


def case(opened: str | None, closed: str | None = None, **columns: object) -> Row:
    """A case."""
    return {"case_id": "s", "customer_id": "1", "kind": "complaint", "opened_at": opened, "closed_at": closed,
            "summary": "x", **columns}


def request(kind: str, received: str | None, **columns: object) -> Row:
    """A rights request; without other ids it is customer 1's."""
    ids = {} if {"customer_id", "contact_id", "email"} & columns.keys() else {"customer_id": "1"}
    return {"request_id": "r", "kind": kind, "received_at": received, **ids, **columns}


def message(occurred: str | None, **columns: object) -> Row:
    """A message."""
    return {"communication_id": "m", "channel": "phone", "direction": "in", "occurred_at": occurred, "body": "x",
            **columns}


def subscription(**columns: object) -> Row:
    """A subscription."""
    return {"subscription_id": "n", "email": "c1@x.no", **columns}


def event(occurred: str | None, identifier: str = "e", **columns: object) -> Row:
    """A web event."""
    return {"event_id": identifier, "occurred_at": occurred, "visitor_id": "v", **columns}


def log(logged: str | None, identifier: str = "g", **columns: object) -> Row:
    """A log line."""
    return {"log_id": identifier, "logged_at": logged, "username": "kari", **columns}


def product(years: object, identifier: str = "p", **columns: object) -> Row:
    """A product."""
    return {"product_id": identifier, "warranty_years": years, **columns}


def person(*orders: Row, **tables: list[Row]) -> Shop:
    """A shop with one consumer."""
    return {"customers": [consumer()], "orders": list(orders), "order_lines": [], **tables}


def company(*orders: Row, **tables: list[Row]) -> Shop:
    """A shop with one company and a contact person."""
    return {"customers": [business()], "contacts": [contact()], "orders": list(orders), "order_lines": [], **tables}


def contract(name: str, shop: Shop, lapses_on: str | None, options: Options | None = None) -> Case:
    """A case about the date of customer 1's contract alone."""
    return Case(name, shop, [purpose(C, "contract", lapses_on)], options=options or Options())
