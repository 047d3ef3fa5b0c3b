"""The sample shop's orders and order lines of one chunk.

Belongs here: what was ordered, delivered, returned, cancelled and paid. Does not belong here: invoices (`billing`).
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ajprivacy_pipeline.sample import data
from ajprivacy_pipeline.sample.arrays import (
    DAY,
    NONE,
    TOO_EARLY,
    TOO_LATE,
    Columns,
    Ints,
    Mask,
    amounts,
    by,
    chosen,
    digits,
    either,
    fill,
    keep,
    messy,
    mod11_digit,
    places,
    spread,
    starts,
    take,
    text,
    times,
)
from ajprivacy_pipeline.sample.people import BUSINESS, Chunk, People
from ajprivacy_pipeline.sample.products import Range

MEAN_ORDERS = (3.1, 9.0, 4.0)  # by kind of customer: five a customer over all
TAIL = 1.2  # sigma of the lognormal: one customer in a thousand has a hundred orders
MOST_ORDERS = 3_000
MOST_LINES = 40
MONTH_WEIGHTS = np.array([9, 7, 8, 7, 8, 8, 4, 10, 11, 10, 10, 8]) / 100  # schools and offices buy after the summer
METHODS = ("card", "mobile", "instalments", "invoice")


@dataclass(frozen=True)
class Orders:
    """Orders of a chunk: `who` ordered, times in local seconds or NONE, `total` and `returned_value` in øre."""

    ids: pa.Array
    customer: Ints
    who: Ints
    ordered: Ints
    delivered: Ints
    cancelled: Ints
    paid: Ints
    method: Ints
    replacement: Mask
    total: Ints
    returned_value: Ints
    returned: Ints

    def __len__(self) -> int:
        """The number of orders."""
        return len(self.ordered)


def make_orders(chunk: Chunk, people: People, goods: Range, first_order: int) -> tuple[Orders, Columns, Columns]:
    """Orders as facts for the other tables, and the rows of orders and order_lines."""
    rng = chunk.streams.rng("orders")
    customer, ordered = _moments(chunk, people, rng)
    rows = len(customer)
    who = _who_ordered(people, rng, customer, ordered)
    business = people.kind[customer] == BUSINESS
    lead = (DAY * (0.5 + rng.lognormal(1.7, 0.7, rows))).astype(np.int64)
    delivered = by(ordered + lead, chunk.limit)
    cancelled = by(ordered + (rng.random(rows) * 4 * DAY).astype(np.int64) + 600, chunk.limit)
    cancelled = np.where(chosen(rng, rows, 0.03), cancelled, NONE)
    lost = chosen(rng, rows, 0.003)
    delivered = np.where(lost | (cancelled != NONE), NONE, delivered)
    method = np.where(business, np.where(chosen(rng, rows, 0.9), 3, 0), rng.integers(0, 4, rows))
    replacement = chosen(rng, rows, 0.015)
    orders = Orders(
        text("O", digits(first_order + np.arange(rows), 9)), customer, who, ordered, delivered, cancelled,
        np.full(rows, NONE), method, replacement, np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.int64),
        np.full(rows, NONE))
    orders, lines = _lines(chunk, orders, goods, business)
    orders = replace(orders, paid=_payments(chunk, orders, rng))
    return orders, _order_columns(people, orders, rng), lines


def _moments(chunk: Chunk, people: People, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Who orders when: a heavy tail of orders a customer, growth, seasons, working days and shop hours."""
    mean = np.array(MEAN_ORDERS)[people.kind] + 0.4  # rounding down takes back about this much
    drawn = np.floor(mean * rng.lognormal(-TAIL**2 / 2, TAIL, chunk.rows)).astype(np.int64)
    guest = pc.is_null(people.customers["profile_created_at"]).to_numpy(False) & ~messy(chunk.rows, 77, 100)
    customer, place = places(np.clip(drawn, guest.astype(np.int64), MOST_ORDERS))
    begin, end = people.joined[customer], people.left[customer]
    moment = begin + np.where(place == 0, 0, (end - begin) * rng.random(len(customer))).astype(np.int64)
    year = moment.astype("datetime64[s]").astype("datetime64[Y]").astype("datetime64[M]").astype(np.int64)
    month = (year + rng.choice(12, len(customer), p=MONTH_WEIGHTS)).astype("datetime64[M]").astype("datetime64[s]")
    seasonal = month.astype(np.int64) + (rng.random(len(customer)) * 28 * DAY).astype(np.int64)
    fits = (seasonal > begin) & (seasonal < chunk.limit - DAY) & (place > 0) & chosen(rng, len(customer), 0.5)
    day = np.where(fits, seasonal, moment) // DAY
    week_end = ((day + 3) % 7 >= 5) & chosen(rng, len(customer), 0.8)
    day = day - np.where(week_end & (day * DAY > begin + 2 * DAY), (day + 3) % 7 - 4, 0)
    clock = (3_600 * np.clip(rng.normal(13.5, 3.5, len(customer)), 6, 23.5)).astype(np.int64)
    # an order on the first day comes after the profile of that day; the night between 2 and 3 is left alone
    return customer, np.minimum(np.maximum(day * DAY + clock, begin + place), chunk.limit)


def _who_ordered(people: People, rng: np.random.Generator, customer: Ints, ordered: Ints) -> Ints:
    """The contact who ordered for a business, if still there and known; else the customer."""
    count = np.diff(people.first_contact)[customer]
    contact = people.first_contact[customer] + (count * rng.random(len(customer)) ** 1.5).astype(np.int64)
    if not len(people.owner):
        return customer
    contact = np.minimum(contact, len(people.owner) - 1)
    there = (people.came[contact] <= ordered) & ((people.went[contact] == NONE) | (people.went[contact] > ordered))
    named = (count > 0) & there & chosen(rng, len(customer), 0.93)
    return np.where(named, len(people.kind) + contact, customer)


def _lines(chunk: Chunk, orders: Orders, goods: Range, business: Mask) -> tuple[Orders, Columns]:
    """The lines, about three an order, and the orders with what follows from them: totals, returns, last delivery."""
    rng = chunk.streams.rng("lines")
    counts = np.minimum(rng.geometric(np.where(business, 0.28, 0.4)), MOST_LINES)
    counts[messy(len(orders), 911)] = 0  # an order without lines
    order, place = places(counts)
    rows = len(order)
    last = place == counts[order] - 1
    product = goods.goods[(len(goods.goods) * rng.random(rows) ** 1.7).astype(np.int64)]
    freight = last & (place > 0) & chosen(rng, rows, 0.35)
    product = np.where(freight, goods.freight[rng.integers(0, len(goods.freight), rows)], product)
    quantity = np.where(freight, 1, rng.geometric(np.where(business[order], 0.3, 0.65)))
    price = goods.price[product] * (90 + rng.integers(0, 16, rows)) // 1_000 * 10
    price = np.where(orders.replacement[order], 0, price)
    delivered = _line_deliveries(chunk, orders, order, last, rng)
    given_back = chosen(rng, rows, 0.02) | chosen(rng, len(orders), 0.006)[order]
    there = np.where(delivered == NONE, orders.delivered[order], delivered)
    returned = by(there + DAY + (rng.exponential(12, rows) * DAY).astype(np.int64), chunk.limit)
    returned = np.where(given_back & ~freight & (there != NONE), returned, NONE)
    products = take(goods.columns["product_id"], product)
    products = either(messy(rows, 401), "P99999", keep(products, ~messy(rows, 777)))
    columns = {
        "order_id": take(orders.ids, order), "line_number": pa.array((place + 1).astype(np.int32)),
        "product_id": products, "quantity": pa.array(quantity.astype(np.int32)), "unit_price": amounts(price),
        "delivered_at": times(np.where(messy(rows, 1_201), TOO_LATE, delivered)), "returned_at": times(returned),
    }
    value = price * quantity
    latest = np.full(len(orders), NONE)
    np.maximum.at(latest, order, returned)
    return replace(orders, returned=latest, total=_summed(value, counts),
                   returned_value=_summed(np.where(returned == NONE, 0, value), counts)), columns


def _summed(values: Ints, counts: Ints) -> Ints:
    """The sum of each group, 0 for an empty one."""
    running = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values)])
    edges = starts(counts)
    return np.asarray(running[edges[1:]] - running[edges[:-1]], dtype=np.int64)


def _line_deliveries(chunk: Chunk, orders: Orders, order: Ints, last: Mask, rng: np.random.Generator) -> Ints:
    """Most orders come at once; some lines keep no date of their own, some come bit by bit, the last one last."""
    mode = rng.random(len(orders))[order]
    lead = np.where(orders.delivered == NONE, 40 * DAY, orders.delivered - orders.ordered)
    after = (lead[order] * (0.2 + 0.8 * rng.random(len(order)))).astype(np.int64)
    earlier = by(orders.ordered[order] + after, chunk.limit)
    earlier = np.where(last | (orders.cancelled[order] != NONE), orders.delivered[order], earlier)
    whole = orders.delivered[order]
    return np.where(mode < 0.7, whole, np.where(mode < 0.85, NONE, earlier))


def _payments(chunk: Chunk, orders: Orders, rng: np.random.Generator) -> Ints:
    """When the order was paid: at once by card, after delivery by invoice, some never, cancelled ones hardly ever."""
    rows = len(orders)
    begin = np.where(orders.delivered == NONE, orders.ordered + 5 * DAY, orders.delivered)
    later = begin + (DAY * np.clip(rng.normal(24, 12, rows), 1, 150)).astype(np.int64)
    paid = by(np.where(orders.method == 3, later, orders.ordered + 90), chunk.limit)
    never = chosen(rng, rows, 0.006) | orders.replacement | ((orders.cancelled != NONE) & ~chosen(rng, rows, 0.12))
    return np.where(never, NONE, paid)


def _order_columns(people: People, orders: Orders, rng: np.random.Generator) -> Columns:
    rows, customer, who = len(orders), orders.customer, orders.who
    done = np.where((orders.delivered != NONE) & (orders.paid != NONE), np.maximum(orders.delivered, orders.paid), NONE)
    done = np.where(chosen(rng, rows, 0.1), NONE, done)
    named = {field: take(people.both(field), who) for field in ("name", "email", "phone")}
    note = fill(data.DELIVERY_NOTES, rng.integers(0, len(data.DELIVERY_NOTES), rows), named)
    updated = np.maximum.reduce([orders.ordered, orders.delivered, orders.paid, orders.cancelled, orders.returned])
    ordered = np.where(messy(rows, 1_499, 2 * 2_000), TOO_EARLY, orders.ordered)
    amount = np.where(messy(rows, 1_733), NONE, orders.total)
    return {
        "order_id": orders.ids, "customer_id": take(people.customers["customer_id"], customer),
        "contact_id": people.ids(who)["contact_id"], "ordered_at": times(ordered),
        "delivered_at": times(orders.delivered), "completed_at": times(done),
        "paid_at": times(orders.paid), "cancelled_at": times(orders.cancelled),
        "delivery_name": named["name"], "delivery_phone": named["phone"], "delivery_email": named["email"],
        **{f"delivery_{field}": take(people.customers[field], customer)
           for field in ("street_address", "postal_code", "city")},
        "delivery_note": keep(note, chosen(rng, rows, 0.08)), "payment_method": take(METHODS, orders.method),
        "payment_reference": keep(_payment_references(orders, rng), ~chosen(rng, rows, 0.02)),
        "currency": take(("NOK",), np.zeros(rows, dtype=np.int64)), "total_amount": amounts(amount),
        "updated_at": times(updated),
    }


def _payment_references(orders: Orders, rng: np.random.Generator) -> pa.Array:
    """A customer identification number (KID) for invoices, a token of the payment service for the others."""
    body = spread(rng.integers(0, 10**9, len(orders)), 10**9)
    check = mod11_digit(body, (4, 3, 2, 7, 6, 5, 4, 3, 2))
    kid = text(digits(body, 9), either(check == 10, "-", digits(check, 1)))
    return either(orders.method == 3, kid, text("pay_", digits(body, 9)))
