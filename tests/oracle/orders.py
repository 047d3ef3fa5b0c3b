"""When the obligations of an order end."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from .model import OPEN, Order, Row, Subject, World, add_months, latest

CENT = Decimal("0.01")


def balance(world: World, invoice: Row) -> Decimal:
    """What is missing (or too much, below 0) of an invoice that is not settled by as_of."""
    # An amount that is NULL by a fault leaves nothing to reckon with: data_quality holds.
    if invoice["amount"] is None or world.by(invoice["settled_at"]):
        return Decimal(0)
    missing: Decimal = invoice["amount"] - (invoice["paid_amount"] or Decimal(0))
    return missing


def invoice_is_open(world: World, invoice: Row) -> bool:
    """At least a cent is open of the invoice, and of all the invoices of its order together."""
    if abs(balance(world, invoice)) < CENT:
        return False
    # reading: "without an order" is without the id of one (as "a line without product_id" is not one of an unknown
    # product): invoices that name the same order belong together though it does not exist.
    if invoice["order_id"] is None:
        return True
    others = world.where("invoices", "order_id", invoice["order_id"])
    return abs(sum((balance(world, other) for other in others), Decimal(0))) >= CENT


def case_is_open(world: World, case: Row) -> bool:
    """Open until closed by as_of, whenever it was opened."""
    return not world.by(case["closed_at"])


def is_live(line: Row) -> bool:
    """Not returned."""
    return line["returned_at"] is None


def line_delivered(order: Order, line: Row) -> date | None:
    """The day the line was delivered, else the day the order was."""
    day: date | None = line["delivered_at"] or order.row["delivered_at"]
    return day


def is_cancelled(world: World, order: Order) -> bool:
    """Cancelled by as_of."""
    return world.by(order.row["cancelled_at"])


def warranty_years(world: World, line: Row) -> int | None:
    """w(l); None where it is unknown and the policy says hold."""
    if line["product_id"] is None:
        return 0
    for product in world.where("products", "product_id", line["product_id"]):
        if (product["category"] or "").lower() in world.options.no_warranty_categories:
            return 0
        years = product["warranty_years"]
        # reading: 2.0 is a whole number.
        if years is not None and years == int(years) and 0 <= years <= 30:
            return int(years)
    if isinstance(world.options.unknown_warranty, int):
        return world.options.unknown_warranty
    return None


def warranties_count(world: World, order: Order) -> bool:
    """Whether warranties keep the order: for persons, and for companies where the policy says so."""
    return order.person or world.options.business_warranty_keeps_contact


def blockers(world: World, order: Order, released: set[str]) -> list[str]:
    """What keeps the order open; `released` are the invoices that a review decision released for the subject."""
    found = []
    if any(case_is_open(world, case) for case in order.cases):
        found.append("open_case")
    if is_cancelled(world, order):
        return found
    if _is_undelivered(world, order):
        found.append("undelivered")
    if _is_unpaid(world, order, released):
        found.append("unpaid")
    unknown = any(is_live(line) and warranty_years(world, line) is None for line in order.lines)
    if warranties_count(world, order) and unknown:
        found.append("warranty_unknown")
    return found


def _is_undelivered(world: World, order: Order) -> bool:
    if not order.lines:
        return not world.by(order.row["delivered_at"])
    return any(is_live(line) and not world.by(line_delivered(order, line)) for line in order.lines)


def _is_unpaid(world: World, order: Order, released: set[str]) -> bool:
    if order.row["total_amount"] == 0 or world.by(order.row["paid_at"]):
        return False
    if order.invoices:
        return any(
            invoice_is_open(world, invoice) and invoice["invoice_id"] not in released for invoice in order.invoices
        )
    return not order.lines or any(is_live(line) for line in order.lines)


def ended(world: World, order: Order) -> date | None:
    """The latest thing that happened in the order; None only where no date at all is known."""
    row = order.row
    days = [row["ordered_at"], row["delivered_at"], row["completed_at"], row["paid_at"]]
    if is_cancelled(world, order):
        days.append(row["cancelled_at"])
    days += [line_delivered(order, line) for line in order.lines]
    days += [line["returned_at"] for line in order.lines]
    days += [case["closed_at"] for case in order.cases]
    return latest(*days)


def obligations_end(world: World, order: Order, tail: int = 0) -> date | None:
    """When the last obligation ends, plus `tail` months, added term by term."""
    terms = []
    end = ended(world, order)
    if end is not None:
        terms.append(add_months(end, tail))
    if warranties_count(world, order) and not is_cancelled(world, order):
        for line in order.lines:
            delivered, years = line_delivered(order, line), warranty_years(world, line)
            if is_live(line) and delivered is not None and years is not None:
                terms.append(add_months(delivered, 12 * years + tail))
    return latest(*terms)


def contract_end(world: World, order: Order, released: set[str]) -> date | None:
    """The contract's end without the effect of an erasure: OPEN while blocked, None where no date is known."""
    if blockers(world, order, released):
        return OPEN
    end = ended(world, order)
    if end is None:
        return None
    if is_cancelled(world, order):
        return add_months(end, 12)
    terms = [obligations_end(world, order, tail=12)]
    if order.person:
        for line in order.lines:
            delivered = line_delivered(order, line)
            if is_live(line) and delivered is not None:
                terms.append(add_months(delivered, 36))
    else:
        terms.append(add_months(end, 48))
    return latest(*terms)


def contract_end_for(world: World, subject: Subject | None, order: Order) -> date | None:
    """contract_end(o) as it is for one subject, or for a guest: with its released invoices and its erasures."""
    end = contract_end(world, order, subject.released if subject else set())
    if end is None or end == OPEN:
        return end
    erasures = order.erasures if order.guest else subject.erasures if subject else []
    fulfilled = obligations_end(world, order)
    assert fulfilled is not None
    ordered = order.row["ordered_at"]
    # reading: an order whose ordered_at is NULL by a fault is not touched by an erasure.
    return min([end] + [max(day, fulfilled) for day in erasures if ordered and ordered <= day])
