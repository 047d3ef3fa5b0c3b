"""Whole small shops, made up: as Hypothesis strategies, and from a seed for cheap large runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from .drawing import ORPHAN, TOMBSTONES, Drawing, Pick, Raw
from .model import Options, Shop, add_months

HOLDABLE = ("app_logs", "customers", "contacts", "orders", "invoices", "cases", "communications",
            "newsletter_subscriptions", "rights_requests", "web_events")


class Maker(Drawing):
    """Makes a shop."""

    def __init__(self, pick: Pick, month: str, faults: bool = True) -> None:
        super().__init__(pick, month, faults)
        self.contacts: list[str] = []
        self.orders: list[str] = []
        self.ordered: dict[str, date] = {}
        self.guests: list[str] = []
        self.products: list[str] = []
        self.cases: list[str] = []

    def rows(self, most: int, optional: bool, make: Callable[[str], Raw]) -> list[Raw] | None:
        """Up to so many rows; None where the table is absent."""
        if optional and self.chance(10):
            return None
        return [make(str(number)) for number in range(1, self.pick(range(most + 1)) + 1)]

    def shop(self) -> Shop:
        """The whole shop."""
        self.customers = [str(n) for n in range(1, self.pick(range(7)) + 1)]
        self.contacts = [str(n) for n in range(1, self.pick(range(5)) + 1)]
        self.products = [str(n) for n in range(1, self.pick(range(4)) + 1)]
        self.orders = [str(n) for n in range(1, self.pick(range(7)) + 1)]
        self.cases = [str(n) for n in range(1, self.pick(range(4)) + 1)]
        shop: dict[str, list[Raw] | None] = {
            "customers": [self.customer(n) for n in self.customers],
            "contacts": [self.contact(n) for n in self.contacts] if self.contacts else None,
            "products": [self.product(n) for n in self.products] if self.products else None,
            "orders": [self.order(n) for n in self.orders],
            "order_lines": [self.line(n, str(k)) for n in self.orders for k in range(1, self.pick((2, 1, 3, 4)))],
            "invoices": self.with_notes(self.rows(4, True, self.invoice)),
            "cases": [self.case(n) for n in self.cases] if self.cases else None,
            "communications": self.rows(4, True, self.communication),
            "newsletter_subscriptions": self.rows(4, True, self.subscription),
            "web_events": self.rows(5, True, self.web_event),
            "app_logs": self.rows(4, True, self.log),
            "rights_requests": self.rows(4, True, self.request),
        }
        if self.chance(8):
            kind, identifier = self.pick(tuple(zip(("consumer", "business", "sole_proprietor"), TOMBSTONES,
                                                   strict=True)))
            shop["customers"] = [*(shop["customers"] or []), {"customer_id": identifier, "customer_type": kind}]
        return {table: rows for table, rows in shop.items() if rows is not None}

    def customer(self, identifier: str) -> Raw:
        """A customer of any type."""
        created = self.pick(self.days)
        return {
            "customer_id": identifier, "customer_type": self.enum("consumer", "business", "sole_proprietor"),
            **self.fill("phone username gender street_address postal_code city preferences"),
            **(self.fill("organisation_number national_identity_number") if self.chance(2) else {}),
            "name": self.text("Anonymised"), "email": self.email(),
            "birth_date": self.birth(),
            "profile_created_at": self.on(created) if self.chance(2) else self.blank(),
            "last_login_at": self.maybe_stamp(), "profile_closed_at": self.end(created) if self.chance(5) else None,
        }

    def contact(self, identifier: str) -> Raw:
        """A contact person."""
        created = self.pick(self.days)
        return {
            "contact_id": identifier, "customer_id": self.customer_id(),
            **self.fill("phone username job_title preferences"),
            "name": self.text("Anonymised"), "email": self.email(),
            "created_at": self.on(created) if self.chance(2) else self.blank(),
            "deactivated_at": self.end(created) if self.chance(3) else None, "last_login_at": self.maybe_stamp(),
        }

    def product(self, identifier: str) -> Raw:
        """A product with a warranty, known or not."""
        years = ("0", "2", "3", "3.0", "5", "30", "1", None, "2.5", "31", "-1")
        return {
            "product_id": identifier, "category": self.pick(("lockers", None, "Freight", " services ", "chairs")),
            "warranty_years": "lifetime" if self.faults and self.chance(20) else self.pick(years),
        }

    def order(self, identifier: str) -> Raw:
        """An order: often delivered and paid, now and then cancelled, now and then a guest's."""
        on = self.ordered[identifier] = self.pick(self.days)
        whose: Raw = {"customer_id": self.customer_id(), "contact_id": self.id_of(self.contacts, 3)}
        if self.chance(6):
            whose = {"customer_id": self.blank(), "contact_id": self.blank()}
            self.guests.append(identifier)
        return {
            "order_id": identifier, **whose, "delivery_email": self.email(),
            "ordered_at": self.bold(on), "delivered_at": self.blank() if self.chance(6) else self.end(on),
            "paid_at": self.blank() if self.chance(6) else self.end(on),
            "completed_at": self.end(on) if self.chance(4) else "",
            "cancelled_at": self.end(on) if self.chance(5) else None,
            "total_amount": self.pick(("100", "0", None, "0.00")) if self.chance(2) else self.amount(),
            **self.fill("delivery_name delivery_postal_code payment_reference"),
        }

    def line(self, order: str, number: str) -> Raw:
        """A line: delivered with its order or on its own day, returned now and then."""
        return {
            "order_id": ORPHAN if self.chance(30) else order, "line_number": f"{order}{number}",
            "product_id": self.id_of(self.products, 3) if self.products else self.pick((None, ORPHAN)),
            "delivered_at": self.end(self.ordered[order]) if self.chance(3) else None,
            "returned_at": self.end(self.ordered[order]) if self.chance(4) else None,
            "quantity": "some" if self.faults and self.chance(60) else "1",
        }

    def invoice(self, identifier: str) -> Raw:
        """An invoice or a credit note, paid in full, nearly, or not; now and then a guest's."""
        issued = self.pick(self.days)
        return {
            "invoice_id": identifier, "order_id": self.id_of(self.orders, 3),
            "customer_id": self.blank() if self.chance(6) else self.customer_id(),
            "issued_at": self.bold(issued), "amount": self.amount(),
            "paid_amount": self.pick((None, "")) if self.chance(4) else self.amount(),
            "settled_at": self.end(issued) if self.chance(4) else None, "billing_email": self.email(),
            **self.fill("billing_name billing_street_address billing_postal_code"),
        }

    def with_notes(self, invoices: list[Raw] | None) -> list[Raw] | None:
        """Now and then a credit note beside an invoice: of its amount, paid back, settled, or of random sums."""
        notes: list[Raw] = []
        for invoice in invoices or []:
            if self.chance(3):
                amount, paid = str(invoice["amount"]), self.pick((None, invoice["paid_amount"], "-100", "0"))
                against = amount.removeprefix("-") if amount.startswith("-") else f"-{amount}"
                notes.append({**invoice, "invoice_id": f"{invoice['invoice_id']}0", "paid_amount": paid,
                              "amount": self.amount() if self.chance(4) else against,
                              "settled_at": self.stamp() if self.chance(8) else None})
        return None if invoices is None else [*invoices, *notes]

    def case(self, identifier: str) -> Raw:
        """A case, open or closed, now and then a guest's."""
        opened = self.pick(self.days)
        whose: Raw = {"customer_id": self.customer_id(), "contact_id": self.id_of(self.contacts, 4),
                      "order_id": self.id_of(self.orders, 3)}
        if self.chance(6):
            whose = {"customer_id": None, "contact_id": "", "order_id": self.id_of(self.guests or self.orders)}
        return {
            "case_id": identifier, **whose, "kind": self.enum("complaint", "warranty", "enquiry"),
            "opened_at": self.bold(opened), "closed_at": None if self.chance(3) else self.end(opened),
            "summary": self.text(),
        }

    def communication(self, identifier: str) -> Raw:
        """A message, with or without ids of its own; a third of them nobody's, through a digital channel."""
        nobodys = dict.fromkeys(("customer_id", "contact_id", "case_id")) | {"channel": "chat", "direction": "in"}
        return {
            "communication_id": identifier, "customer_id": self.customer_id(5),
            "contact_id": self.id_of(self.contacts, 5), "case_id": self.id_of(self.cases, 4),
            "channel": self.enum("email", "chat", "digital", "phone", "letter", "in_person"),
            "direction": self.enum("in", "out"), "occurred_at": self.bold_stamp(), **self.fill("sender body"),
            **(nobodys if self.chance(3) else {}),
        }

    def subscription(self, identifier: str) -> Raw:
        """A subscription."""
        return {
            "subscription_id": identifier, "customer_id": self.customer_id(5),
            "contact_id": self.id_of(self.contacts, 5), "email": self.email(),
            "subscribed_at": self.maybe_stamp(), "unsubscribed_at": self.stamp() if self.chance(3) else None,
        }

    def web_event(self, identifier: str) -> Raw:
        """A click."""
        consented = ("true", "1", "TRUE", None, "false", "0", "")
        return {
            "event_id": identifier, "occurred_at": self.bold_stamp(), "customer_id": self.customer_id(5),
            "contact_id": self.id_of(self.contacts, 5), **self.fill("visitor_id ip_address"),
            "consented": "maybe" if self.faults and self.chance(30) else self.pick(consented),
            "consent_withdrawn_at": self.stamp() if self.chance(3) else None,
        }

    def log(self, identifier: str) -> Raw:
        """A log line."""
        return {"log_id": identifier, "logged_at": self.bold_stamp(), **self.fill("username ip_address message")}

    def request(self, identifier: str) -> Raw:
        """A rights request of any kind, with ids, an e-mail, or neither; often by e-mail alone."""
        received = self.pick(self.days)
        whose: Raw = {"customer_id": None, "contact_id": None} if self.chance(3) else {
            "customer_id": self.customer_id(4), "contact_id": self.id_of(self.contacts, 5)}
        kinds = ("erasure", "objection", "restriction", "access", "portability", "rectification", "erasure")
        return {
            "request_id": identifier, "kind": self.enum(*kinds), **whose, "email": self.email(),
            "received_at": self.bold(received), "identity_verified_at": self.maybe_stamp(),
            "closed_at": self.end(received) if self.chance(2) else self.blank(),
            "outcome": self.enum("granted", "refused", "withdrawn") if self.chance(3) else None,
            "details": self.text(),
        }

    # Decisions of people ----------------------------------------------------------------------------------------

    def options(self) -> Options:
        """Policy choices, holds, releases and reviews."""
        return Options(
            unknown_warranty=self.pick(("hold", "hold", "hold", 0, 5)),
            business_warranty_keeps_contact=self.chance(5),
            legal_holds=[self._hold() for _ in range(self.pick((0, 0, 1, 2)))],
            review_releases=[self._release() for _ in range(self.pick((0, 0, 1, 2)))],
            evidence_missing=self.chance(15),
            message_reviews=[self._review() for _ in range(self.pick((0, 1, 2)))],
        )

    def _subject(self) -> str:
        return f"{self.pick(('customer', 'contact'))}:{self.pick('1234')}"

    def _decided(self) -> date:
        day: date = self.pick((self.as_of, self.as_of - timedelta(days=1), self.as_of + timedelta(days=1),
                               add_months(self.as_of, -5)))
        return day

    def _hold(self) -> dict[str, Any]:
        whose = {"entity": self.pick(HOLDABLE)} if self.chance(3) else {"subject_id": self._subject()}
        placed: date = add_months(self.as_of, -self.pick((1, 6, 12)))
        expires: date = add_months(self.as_of, self.pick((1, 2, 0))) + timedelta(days=self.pick((0, 1, -1)))
        return {**whose, "placed_on": placed, "expires_on": expires,
                "lifted_on": self._decided() if self.chance(2) else None}

    def _release(self) -> dict[str, Any]:
        kind = self.pick(("open_balance", "no_evidence"))
        invoices = [n for n in "1234" if self.chance(2)] if kind == "open_balance" else []
        return {"subject_id": self._subject(), "kind": kind, "decided_on": self._decided(), "invoice_ids": invoices}


    def _review(self) -> dict[str, Any]:
        year_ago: date = add_months(self.as_of, -12)
        days = (year_ago, year_ago - timedelta(days=1), year_ago + timedelta(days=1), self._decided())
        return {"communication_id": self.pick("1123"), "reviewed_on": self.pick(days)}


MONTH = "2026-10"


def months() -> st.SearchStrategy[str]:
    """Months whose as_of is ordinary, a leap day's neighbour, the start of a year."""
    return st.sampled_from((MONTH, "2024-02", "2025-12", "2026-03"))


def _from(tape: bytes) -> Pick:
    """A pick that reads its choices from a tape; when that has run out, always the simplest.

    Hypothesis draws one tape a shop instead of some four hundred choices. Tapes shrink to zeros, so to the simplest.
    """
    numbers = iter(tape)
    return lambda choices: choices[next(numbers, 0) % len(choices)]


def shops(month: str = MONTH, faults: bool = True) -> st.SearchStrategy[Shop]:
    """A whole small shop."""
    return st.binary(min_size=400, max_size=700).map(lambda tape: Maker(_from(tape), month, faults).shop())


def options(month: str = MONTH) -> st.SearchStrategy[Options]:
    """Policy choices, holds and releases."""
    return st.binary(min_size=20, max_size=60).map(lambda tape: Maker(_from(tape), month).options())


def random_shop(seed: int, month: str = MONTH, faults: bool = True) -> tuple[Shop, Options]:
    """The same from a seed, without Hypothesis: for large runs."""
    maker = Maker(random.Random(seed).choice, month, faults)
    return maker.shop(), maker.options()
