"""The sample shop's invoices and credit notes of one chunk.

Belongs here: what was invoiced and how it was settled. Does not belong here: orders (`trade`).
"""

from dataclasses import dataclass

import numpy as np

from ajprivacy_pipeline.sample.arrays import (
    DAY,
    NONE,
    TOO_EARLY,
    Columns,
    Ints,
    Mask,
    amounts,
    chosen,
    digits,
    keep,
    messy,
    take,
    text,
    times,
)
from ajprivacy_pipeline.sample.people import Chunk, People
from ajprivacy_pipeline.sample.trade import Orders

INVOICED_LATER = 3  # the payment method `invoice`


@dataclass(frozen=True)
class _Bills:
    """Invoices as drafted: `order` -1 without one; `paid` is when the money came, or NONE; amounts in øre."""

    customer: Ints
    order: Ints
    issued: Ints
    amount: Ints
    paid: Ints

    def then(self, other: "_Bills") -> "_Bills":
        """These, then the others."""
        names = ("customer", "order", "issued", "amount", "paid")
        return _Bills(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))


def make_invoices(chunk: Chunk, people: People, orders: Orders, first_invoice: int) -> Columns:
    """Returns the rows of invoices: about one per order, credit notes for returns, a few without an order."""
    rng = chunk.streams.rng("invoices")
    bills = _for_orders(chunk, orders).then(_credit_notes(chunk, orders, rng)).then(_others(chunk, people, rng))
    rows = len(bills.order)
    paid_amount, settled = _settlement(bills, rng)
    nameless = chosen(rng, rows, 0.015)
    billing = {
        "billing_name": keep(take(people.customers["name"], bills.customer), ~(nameless & chosen(rng, rows, 0.5))),
        "billing_street_address": keep(take(people.customers["street_address"], bills.customer), ~nameless),
        "billing_postal_code": take(people.customers["postal_code"], bills.customer),
        "billing_city": take(people.customers["city"], bills.customer),
        "billing_email": take(people.customers["email"], bills.customer),
    }
    due = np.where(chosen(rng, rows, 0.02), NONE, bills.issued + 30 * DAY)
    return {
        "invoice_id": text("F", digits(first_invoice + np.arange(rows), 9)),
        "customer_id": take(people.customers["customer_id"], bills.customer), "order_id": take(orders.ids, bills.order),
        "issued_at": times(np.where(messy(rows, 1_009, 2 * 2_000), TOO_EARLY, bills.issued)), "due_at": times(due),
        "amount": amounts(bills.amount), "paid_amount": amounts(paid_amount), "settled_at": times(settled), **billing,
    }


def _for_orders(chunk: Chunk, orders: Orders) -> _Bills:
    """One invoice per order that is neither cancelled nor free, on the day of payment or of delivery."""
    issued = np.where(orders.method == INVOICED_LATER, orders.delivered, orders.ordered + 120)
    # what was ordered on account long ago and never came was invoiced all the same
    overdue = (issued == NONE) & (orders.ordered < chunk.limit - 60 * DAY)
    issued = np.where(overdue, orders.ordered + 7 * DAY, issued)
    billed = (orders.cancelled == NONE) & ~orders.replacement & (issued != NONE) & (issued <= chunk.limit)
    index = np.flatnonzero(billed)
    return _Bills(orders.customer[index], index, issued[index], orders.total[index], orders.paid[index])


def _credit_notes(chunk: Chunk, orders: Orders, rng: np.random.Generator) -> _Bills:
    """A negative invoice for what came back, settled the same day but for a few."""
    index = np.flatnonzero((orders.returned_value > 0) & (orders.returned != NONE))
    issued = np.minimum(orders.returned[index] + 3_600, chunk.limit)
    paid = np.where(chosen(rng, len(index), 0.03), NONE, issued)
    return _Bills(orders.customer[index], index, issued, -orders.returned_value[index], paid)


def _others(chunk: Chunk, people: People, rng: np.random.Generator) -> _Bills:
    """Invoices without an order: service visits."""
    index = np.flatnonzero(chosen(rng, chunk.rows, 0.01))
    stay = people.left[index] - people.joined[index]
    issued = people.joined[index] + (stay * rng.random(len(index))).astype(np.int64)
    amount = rng.integers(500, 9_000, len(index)) * 100
    paid = np.where(issued + 20 * DAY > chunk.limit, NONE, issued + 20 * DAY)
    return _Bills(index, np.full(len(index), -1), issued, amount, paid)


def _settlement(bills: _Bills, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """What was paid and when it was settled: open balances of any age, part payments, a cent off, write-offs."""
    rows = len(bills.order)
    paid: Mask = (bills.paid != NONE) & ~chosen(rng, rows, 0.004)
    part = (bills.amount * rng.random(rows) * 0.9).astype(np.int64)
    unpaid_kind = rng.random(rows)
    amount = np.where(paid, bills.amount, np.where(unpaid_kind < 0.4, NONE, np.where(unpaid_kind < 0.75, 0, part)))
    cent = paid & chosen(rng, rows, 0.003)
    amount = np.where(cent, amount - 1, amount)
    cleared = paid & ~chosen(rng, rows, 0.15) & ~(cent & chosen(rng, rows, 0.5))
    settled = np.where(cleared, np.maximum(bills.paid, bills.issued), NONE)
    written_off = ~paid & (bills.paid == NONE) & chosen(rng, rows, 0.05)
    return amount, np.where(written_off, bills.issued, settled)
