"""Who is who: subjects, whose orders and cases are whose, and what the requests reach."""

from __future__ import annotations

from datetime import date

from .load import Loader, is_guests
from .model import PERSONS, Options, Order, Row, Shop, Subject, World, first_of_next_month
from .requests import add_requests


def build(shop: Shop, month: str, options: Options) -> World:
    """Load a shop and connect its rows."""
    loader = Loader(shop, options)
    world = World(first_of_next_month(month), options, loader.tables, loader.quality, loader.faulty, loader.unordered)
    _add_subjects(world)
    _add_orders(world)
    _share_out(world)
    add_requests(world)
    _add_releases(world)
    return world


def _add_subjects(world: World) -> None:
    for row in world.tables["customers"]:
        # A customer type that does not fit has the rows of a sole proprietor.
        kind = row["customer_type"] or "sole_proprietor"
        subject = Subject(f"customer:{row['customer_id']}", kind, "customers", row, row["profile_created_at"],
                          row["profile_closed_at"], row["last_login_at"])
        world.subjects[subject.id] = subject
    for row in world.tables["contacts"]:
        subject = Subject(f"contact:{row['contact_id']}", "contact", "contacts", row, row["created_at"],
                          row["deactivated_at"], row["last_login_at"])
        world.subjects[subject.id] = subject
    for subject in world.subjects.values():
        if subject.row["email_key"]:
            world.by_email.setdefault(subject.row["email_key"], []).append(subject.id)


def customer_kind(world: World, row: Row) -> str | None:
    """The type of the customer of an order or invoice, a tombstone's included; None where there is no such customer."""
    if row["_tombstone"]:
        tombstone: str = row["_tombstone"]
        return tombstone
    customer = world.subjects.get(f"customer:{row['customer_id']}")
    return customer.kind if customer else None


def _add_orders(world: World) -> None:
    for row in world.tables["orders"]:
        guest = is_guests(row)
        person = guest or customer_kind(world, row) in PERSONS
        world.orders[row["order_id"]] = Order(row["order_id"], row, person, guest=guest)
    for table in ("order_lines", "invoices", "cases"):
        for row in world.tables[table]:
            order = world.orders.get(row["order_id"]) if row["order_id"] else None
            if order:
                rows = {"order_lines": order.lines, "invoices": order.invoices, "cases": order.cases}[table]
                rows.append(row)


def _share_out(world: World) -> None:
    """Give every subject its orders, cases and invoices."""
    without_contact: dict[str, list[Order]] = {}
    for order in world.orders.values():
        customer, contact = order.row["customer_id"], order.row["contact_id"]
        _append(world, f"customer:{customer}", "orders", order)
        _append(world, f"contact:{contact}", "orders", order)
        # reading: an order whose contact was unlinked named somebody; it does not fall to the colleagues.
        if contact is None and customer is not None and not order.row["_contact_unlinked"]:
            without_contact.setdefault(customer, []).append(order)
    for row in world.tables["cases"]:
        _append(world, f"customer:{row['customer_id']}", "cases", row)
        _append(world, f"contact:{row['contact_id']}", "cases", row)
    for row in world.tables["invoices"]:
        _append(world, f"customer:{row['customer_id']}", "invoices", row)
    for subject in world.subjects.values():
        if subject.kind == "contact":
            company = world.subjects.get(f"customer:{subject.row['customer_id']}")
            if company and company.kind == "business":
                for order in without_contact.get(company.row["customer_id"], []):
                    if _was_there(subject, order.row["ordered_at"]):
                        subject.orders.append(order)


def _append(world: World, subject_id: str, where: str, what: object) -> None:
    subject = world.subjects.get(subject_id)
    if subject:
        getattr(subject, where).append(what)


def _was_there(contact: Subject, ordered: date | None) -> bool:
    """Whether the contact was with the company when the order was placed."""
    if ordered is None:
        # reading: when the order was placed is unknown by a fault: it counts, which keeps longer.
        return True
    return (contact.created is None or contact.created <= ordered) and (
        contact.closed is None or contact.closed > ordered
    )


def _add_releases(world: World) -> None:
    for release in world.options.review_releases:
        if not world.by(release["decided_on"]):
            continue
        if "record" in release:
            world.released.add((*release["record"], release["kind"]))
            continue
        subject = world.subjects.get(release["subject_id"])
        if subject is None:
            continue
        if release["kind"] == "open_balance":
            issued = {row["invoice_id"]: row["issued_at"] for identifier in release["invoice_ids"]
                      for row in world.where("invoices", "invoice_id", identifier)}
            # An invoice issued after the decision is not released; nor is one whose date is unknown.
            subject.released.update(identifier for identifier in release["invoice_ids"]
                                    if issued.get(identifier) and issued[identifier] <= release["decided_on"])
        elif release["kind"] == "no_evidence":
            subject.evidence_released = True
