"""Requests that reach nobody, and rows of one address on the newsletter."""

from __future__ import annotations

from datetime import date

from tests.oracle.casekit import Case, consumer, record, request, review, subscription
from tests.oracle.model import Row, Shop

from .guests import bill, guest


def unmatched_cases() -> list[Case]:
    """Requests that reach nobody are listed until they are closed."""
    found = []
    for kind in ("access", "rectification", "erasure", "restriction", "portability", "objection", "unheard-of"):
        for received, closed, listed in (("2026-10-31", None, True), ("2026-11-01", None, True),
                                         ("2026-11-02", None, False), ("2026-10-01", "2026-11-01", False),
                                         ("2026-10-01", "2026-11-02", True)):
            row = review("unmatched_request", entity="rights_requests", record_id="r",
                         since=date.fromisoformat(received))
            found.append(Case(f"{kind} of nobody, {received} to {closed}", {"rights_requests": [
                request(kind, received, closed_at=closed, email="nobody@x.no")]},
                [row] if listed else [], [] if listed else [row]))
    shop: Shop = {"customers": [consumer()], "orders": [guest("2026-02-01")], "invoices": [bill(
        "2026-01-01", invoice_id="j") | {"billing_email": "payer@x.no"}],
        "newsletter_subscriptions": [subscription(email="reader@x.no")]}
    for kind, whose, listed in (
        ("access", {"customer_id": "1"}, False), ("access", {"customer_id": "2"}, True),
        ("access", {"contact_id": "7", "customer_id": "1"}, True), ("access", {"email": "C1@x.no"}, False),
        ("access", {"email": "g@x.no"}, False), ("access", {"email": "Payer@x.no"}, False),
        ("access", {"email": "Reader@x.no"}, False), ("access", {"email": "no address"}, True),
        ("access", {"email": None}, True), ("access", {"customer_id": "2", "email": "g@x.no"}, True),
        ("access", {"customer_id": "2", "email": "reader@x.no"}, True),
        ("objection", {"customer_id": "2", "email": "reader@x.no"}, False),
        ("objection", {"customer_id": "2", "email": "c1@x.no"}, True),
    ):
        row = review("unmatched_request", record_id="r")
        found.append(Case(f"{kind} of {whose}", shop | {"rights_requests": [request(kind, "2026-10-01", **whose)]},
                          [row] if listed else [], [] if listed else [row]))
    return found


def twin_cases() -> list[Case]:
    """Rows of one address on the newsletter end together."""
    def shop(*rows: Row, **tables: list[Row]) -> Shop:
        return {"newsletter_subscriptions": list(rows), **tables}

    def row(name: str, subscribed: str | None, unsubscribed: str | None = None, email: str = "twin@x.no") -> Row:
        return subscription(subscription_id=name, email=email, subscribed_at=subscribed, unsubscribed_at=unsubscribed)

    where, found = "newsletter_subscriptions/b/email", []
    gone = row("a", "2020-01-01", "2026-05-01")
    for subscribed, email, stopped in (
        ("2021-01-01", "TWIN@x.no", True), (None, "mailto:twin@x.no", True), ("2026-05-01", "twin@x.no", True),
        ("2026-05-02", "twin@x.no", False), ("2021-01-01", "tw\u0130n@x.no", False),
        ("2021-01-01", "other@x.no", False),
    ):
        kept = ("due", "2026-05-01") if stopped else ("retain", None, "newsletter")
        found.append(Case(f"a twin {email!r} of {subscribed}", shop(gone, row("b", subscribed, email=email)), [
            record("newsletter_subscriptions/a/email", "due", "2026-05-01"), record(where, *kept)]))
    found += [
        Case("a twin unsubscribed before it was subscribed", shop(
            row("a", "2026-06-01", "2026-05-01"), row("b", "2021-01-01")), [
            record(where, "retain", None, "newsletter")]),
        Case("a twin unsubscribed tomorrow", shop(row("a", None, "2026-11-02"), row("b", None)), [
            record(where, "retain", "2026-11-02", "newsletter")]),
        Case("the earliest of the twins", shop(
            row("a", None, "2026-06-01"), row("b", None, "2026-07-01"), row("c", None, "2026-05-01")), [
            record(where, "due", "2026-05-01")]),
        Case("the first of the twins that is not too early", shop(
            row("a", None, "2026-06-01"), row("b", "2026-05-15"), row("c", None, "2026-05-01")), [
            record(where, "due", "2026-06-01")]),
        Case("texts that are no address are nobody's twins", shop(
            row("a", None, "2026-05-01", "twin"), row("b", None, email="twin")), [
            record(where, "retain", None, "newsletter")]),
    ]
    for kind, columns, held in (
        ("restriction", {}, True), ("access", {}, False), ("restriction", {"customer_id": "2"}, False),
        ("restriction", {"closed_at": "2026-11-01"}, False), ("restriction", {"email": "tw\u0130n@x.no"}, False),
    ):
        wish = request(kind, "2026-10-01", **{"email": "Twin@x.no", **columns})
        found.append(Case(f"a {kind} by the address of a subscription {columns}", shop(
            row("b", None, "2026-05-01"), customers=[consumer("2")], rights_requests=[wish]), [
            record(where, *(("hold", "2026-05-01", "restriction") if held else ("due", "2026-05-01")))]))
    return found
