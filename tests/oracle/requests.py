"""Rights requests, and what is left of former ones: whom each reaches, and what it ends."""

from __future__ import annotations

from datetime import date
from typing import Any

from .load import is_nobodys
from .model import Request, Row, World, add_months

STOPPING = ("objection", "erasure")
FREEZING = {"restriction": "restriction", "access": "access_pending", "portability": "access_pending"}


def add_requests(world: World) -> None:
    """Whom every request reaches, and the effects of objections, erasures and unsubscriptions by as_of."""
    for row in world.tables["rights_requests"]:
        received, identified = row["received_at"], row["identity_verified_at"]
        verified = max(received, identified) if received and identified else None
        request = Request(row, received, verified)
        request.by_email = row["contact_id"] is None and row["customer_id"] is None
        request.reached = reached_by(world, row)
        if request.by_email:
            request.guests = guests_of(world, row["email_key"])
        world.requests.append(request)
        for subject_id in request.reached:
            world.subjects[subject_id].requests.append(request)
        _take_effect(world, request)
    for row in world.tables["newsletter_subscriptions"]:
        subscribed, unsubscribed = row["subscribed_at"], row["unsubscribed_at"]
        # An unsubscription before the subscription of its own row does not count, for no row.
        if row["email_key"] and unsubscribed and (subscribed is None or unsubscribed >= subscribed):
            world.unsubscribed.setdefault(row["email_key"], []).append(unsubscribed)
    for effect in world.options.stored_effects:
        if not row_decides(world, effect):
            _take_stored_effect(world, effect)


def reached_by(world: World, row: Row) -> list[str]:
    """The subjects that a request reaches: its contact, else its customer, else whoever has its e-mail."""
    for column, prefix in (("contact_id", "contact"), ("customer_id", "customer")):
        if row[column] is not None:
            subject_id = f"{prefix}:{row[column]}"
            return [subject_id] if subject_id in world.subjects else []
    return list(world.by_email.get(row["email_key"], []))


def guests_of(world: World, key: str | None) -> list[Row]:
    """The guests' orders and invoices that have an e-mail key."""
    if key is None:
        return []
    orders = [row for row in world.where("orders", "delivery_email_key", key) if world.orders[row["order_id"]].guest]
    # reading: an invoice without a customer is a guest's, whatever its order is.
    return orders + [row for row in world.where("invoices", "billing_email_key", key) if is_nobodys(row)]


def _take_effect(world: World, request: Request) -> None:
    if not request.counts or request.kind not in STOPPING:
        return
    if world.by(request.received):
        assert request.received is not None
        for subject_id in request.reached:
            world.subjects[subject_id].stops.append(request.received)
        # A subscription ends with the address that a request names, whatever ids stand beside it.
        if request.row["email_key"]:
            world.named.setdefault(request.row["email_key"], []).append(request.received)
    if request.kind == "erasure" and world.by(request.verified):
        assert request.verified is not None
        if not request.by_email or len(request.reached) == 1:
            for subject_id in request.reached:
                world.subjects[subject_id].erasures.append(request.verified)
        _erase_guests(world, request.guests, request.verified)


def _erase_guests(world: World, guests: list[Row], verified: date) -> None:
    for row in guests:
        if "invoice_id" not in row:
            world.orders[row["order_id"]].erasures.append(verified)


def row_decides(world: World, effect: dict[str, Any]) -> bool:
    """Whether the row that a stored effect comes from still says whose it is."""
    if effect["kind"] == "unsubscription":
        rows = world.where("newsletter_subscriptions", "subscription_id", effect["request"])
        return any(row["email"] is not None for row in rows)
    rows = world.where("rights_requests", "request_id", effect["request"])
    return any(row[column] is not None for row in rows for column in ("contact_id", "customer_id", "email"))


def _take_stored_effect(world: World, effect: dict[str, Any]) -> None:
    """As if the row still stood; who has an address that was somebody's then loses marketing alone."""
    received, keys = effect["received"], effect["email_keys"]
    if not world.by(received):
        return
    if effect["kind"] == "unsubscription":
        for key in keys:
            world.unsubscribed.setdefault(key, []).append(received)
        return
    reached = {who for who in effect["subjects"] if who in world.subjects}
    holders = {who for key in keys for who in world.by_email.get(key, [])} if effect["by_email"] else set()
    for subject_id in reached | holders:
        world.subjects[subject_id].stops.append(received)
    for key in keys:
        world.named.setdefault(key, []).append(received)
    verified = effect.get("verified")
    if effect["kind"] == "erasure" and world.by(verified):
        # reading: an erasure by e-mail that reached two or nobody then does not reach one now: "exactly one" is
        # decided when the row stands, for what it ended is what stays ended.
        if not effect["by_email"] or len(effect["subjects"]) == 1:
            for subject_id in reached:
                world.subjects[subject_id].erasures.append(verified)
        if effect["by_email"]:
            for key in keys:
                _erase_guests(world, guests_of(world, key), verified)


def pending_freeze(world: World, request: Request) -> str | None:
    """The freeze of a restriction, or of a request for access or portability that waits for an answer."""
    name = FREEZING.get(request.kind or "")
    received, row = request.received, request.row
    if not name or not request.counts or not world.by(received) or world.by(row["closed_at"]):
        return None
    assert received is not None
    if world.by(row["identity_verified_at"]) or world.as_of < add_months(received, 3):
        return name
    return None


def reaches_somebody(world: World, request: Request) -> bool:
    """A subject, a guest's order or invoice, or a newsletter row."""
    row = request.row
    if request.reached or request.guests:
        return True
    # reading: a request with an id reaches the rows of an address only where it ends them: "that itself names that
    # e-mail" is said of objections and erasures alone.
    reads_address = request.by_email or request.kind in STOPPING
    return reads_address and row["email_key"] is not None and bool(
        world.where("newsletter_subscriptions", "email_key", row["email_key"]))
