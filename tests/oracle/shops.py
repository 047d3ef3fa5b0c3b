"""Whole small shops, made up: as Hypothesis strategies, and from a seed for cheap large runs.

Ids are few, so that references collide; dates gather around as_of minus the periods of the policy, a day before and
after, so that boundaries are hit. All raw values are text, as SQLite would deliver them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from .model import Options, Shop, add_months, first_of_next_month

Pick = Callable[[Sequence[Any]], Any]
Raw = dict[str, object]

PERIODS = (0, 1, 3, 11, 12, 13, 23, 24, 36, 37, 48, 49, 60, 72, 84, 372)
SPECIAL = ("2020-02-29", "2020-02-28", "2024-02-29", "2023-02-28", "2023-03-31", "2025-10-31", "2025-11-30",
           "2020-12-31", "2021-01-01", "2021-12-31", "2025-03-30", "2025-10-26", "2026-10-25", "2016-02-29")
# {0} the day, {1} the day before; {week}, {ordinal} and {basic} are the day in other forms of ISO 8601.
ODD_STYLES = ("{week}", "{ordinal}", "{basic}", "{basic}T2230Z", "{week}T12:00", "{ordinal}T23,5Z", "{0}t23:30:00z",
              "{0}T12", "{0} 23:15:30,25 UTC", "{0}T23:30 GMT", "{0} 23:30:00 CET", "{0} 23:30:00 CEST",
              "{0} 23:30 Europe/Oslo", "{0}T19:30:00 America/New_York", "{0}T10:00:00.5+0200", "{1}T24:00:00",
              "{1}T24:00Z", "\u3000{0}\u2003", "{0} 00:30:00 +02")
STYLES = ("{} 12:00:00", "{}", "{} 00:00:00", "{} 23:59:59", "{}T22:30:00Z", "{}T23:30:00Z", "{}T21:30:00+00:00",
          "{}T00:30:00+02:00", "{}T23:30:00-05:00", " {} 08:15:30.250 ")
BAD_STAMPS = ("soon", "2026-02-30", "0001-01-01 00:00:00", "9998-12-31 23:59:59", "1979-12-31", "2200-01-01",
              "2026-13-01 00:00:00", "2026-05", "2026", "2026-W05", "2026-05-05T12:00:60", "05/06/2026",
              "2026-05-05Z", "2026-05-05 12:00 EST", "2026-366", "2026-05-05T24:01")
SENTINELS = ("1753-01-01", "1899-12-30 00:00:00", "1900-01-01", "1970-01-01T00:00:00Z", "1969-12-31T23:30:00Z",
             "1970-01-01 23:30:00Z", "19700101", "1900-001", "9999-12-31 23:59:59", "9999-12-31T23:59:59Z",
             "1969-12-31T24:00:00")
BIRTHS = (None, "1980-05-17", "1980-01-01", "1985-01-01", "2000-01-01 00:00:00", "1900-01-01", "1970-01-01",
          "19010203", "1950-W02-3")
BAD_BIRTHS = ("1899-12-31", "9999-12-31", "1753-01-01", "soon")
BLANKS = (None, "", "   ", "\u00a0")
EMAILS = ("a@x.no", "A@X.no", " a@x.no ", "b@x.no", "Ærlig@x.no", "ærlig@X.NO", "c@x.no", "a@x.no", "b@x.no")
# Ways of writing one address, addresses that only look like it, and texts that are none.
LOOK_ALIKES = ("kim@x.no", "KIM@x.no", "\u212aim@x.no", "k\u0130m@x.no", "mailto:Kim@x.no", "MAILTO:kim@x.no",
               "Kim <kim@x.no>", "<kim@x.no>", "k\u200bim@x.no", "kim\ufeff@x. no", "\u00e5se@x.no", "a\u030ase@x.no",
               "\u212bSE@x.no", "kim@bl\u00e5.no", "kim@xn--bl-zia.no", "kim@XN--BL-ZIA.no", "kim@xn--\u00e5.no",
               "kim@xn--99999999.no", "kim", "kim@", "@x.no", "kim@a@x.no", "Kim <kim@x.no> jr")
AMOUNTS = ("0", "100", "100.00", "100.01", "99.99", "99.995", "100.004", "100.005", "-100.00", "0.00", "0.004")
TOMBSTONES = ("anonymised-consumer", "anonymised-business", "anonymised-sole-proprietor")
ORPHAN = "999"
HOLDABLE = ("app_logs", "customers", "contacts", "orders", "invoices", "cases", "communications",
            "newsletter_subscriptions", "rights_requests", "web_events")


class Maker:
    """Makes a shop, one choice at a time; `pick` chooses from a list, the first being the simplest."""

    def __init__(self, pick: Pick, month: str, faults: bool = True) -> None:
        self.pick = pick
        self.as_of = first_of_next_month(month)
        self.faults = faults
        self.days = self._days()
        self.customers: list[str] = []
        self.contacts: list[str] = []
        self.orders: list[str] = []
        self.ordered: dict[str, date] = {}
        self.guests: list[str] = []
        self.products: list[str] = []
        self.cases: list[str] = []

    def _days(self) -> list[date]:
        days = []
        for months in PERIODS:
            day = add_months(self.as_of, -months)
            days += [day, day - timedelta(days=1), day + timedelta(days=1)]
        days += [date.fromisoformat(text) for text in SPECIAL]
        return [*days, add_months(self.as_of, 2), add_months(self.as_of, 40)]

    # Values -----------------------------------------------------------------------------------------------------

    def chance(self, one_in: int) -> bool:
        """True once in so many times."""
        return bool(self.pick((False,) * (one_in - 1) + (True,)))

    def blank(self) -> object:
        """One of the ways of saying nothing."""
        return self.pick(BLANKS)

    def stamp(self) -> object:
        """A timestamp; now and then one that does not fit."""
        return self.on(self.pick(self.days))

    def on(self, day: date) -> object:
        """A timestamp of a day, in one of many forms; now and then one that does not fit."""
        if self.faults and self.chance(90):
            return self.pick(SENTINELS if self.chance(2) else BAD_STAMPS)
        year, week, weekday = day.isocalendar()
        style = str(self.pick(ODD_STYLES if self.chance(6) else STYLES))
        return style.format(day, day - timedelta(days=1), week=f"{year}-W{week:02}-{weekday}",
                            ordinal=f"{day:%Y-%j}", basic=f"{day:%Y%m%d}")

    def end(self, beginning: date) -> object:
        """A timestamp from a beginning on; now and then one up to, on or past the days that it may lie before it."""
        if self.chance(12):
            before = self.pick((30, 31, 32) if self.faults else (30, 29))
            return self.on(beginning - timedelta(days=before))
        return self.on(self.pick([day for day in self.days if day >= beginning] or [beginning]))

    def bold(self, day: date) -> object:
        """A timestamp of a day; nothing once in a while, which is a fault."""
        return self.blank() if self.faults and self.chance(120) else self.on(day)

    def maybe_stamp(self) -> object:
        """A timestamp or nothing."""
        return self.stamp() if self.chance(2) else self.blank()

    def bold_stamp(self) -> object:
        """A timestamp; nothing once in a while, which is a fault."""
        return self.blank() if self.faults and self.chance(80) else self.stamp()

    def amount(self) -> object:
        """An amount; now and then one that does not fit."""
        return self.pick(("many", "NaN", "inf", "1 000,00")) if self.faults and self.chance(50) else self.pick(AMOUNTS)

    def text(self, *others: object) -> object:
        """A text, nothing, or one of the others."""
        return self.pick(("x", None, "", *others))

    def email(self) -> object:
        """An address, perhaps shared, perhaps written in another way, perhaps one that only looks like another."""
        return self.pick(LOOK_ALIKES) if self.chance(4) else self.pick((None, *EMAILS))

    def birth(self) -> object:
        """A date of birth, generalised or not; sentinels are ordinary days here."""
        return self.pick(BAD_BIRTHS) if self.faults and self.chance(25) else self.pick(BIRTHS)

    def enum(self, *values: str) -> object:
        """A value of an enum; now and then one that is not."""
        return "unheard-of" if self.faults and self.chance(40) else self.pick(values)

    def id_of(self, known: list[str], none: int = 0) -> object:
        """A reference: known, orphan, or nothing in `none` of about six times."""
        choices: list[object] = [*known, *known] or [ORPHAN]
        if none and self.chance(30):
            return self.pick(TOMBSTONES)
        choices += [None] * none
        if self.chance(12):
            choices = [ORPHAN, "", " "] if none else [ORPHAN]
        return self.pick(choices)

    def customer_id(self, none: int = 0) -> object:
        """A reference to a customer, a tombstone now and then."""
        return self.pick(TOMBSTONES) if self.chance(12) else self.id_of(self.customers, none)

    def fill(self, columns: str) -> Raw:
        """Text columns, full or not."""
        return {column: self.text("7") if "postal" in column else self.text() for column in columns.split()}

    def rows(self, most: int, optional: bool, make: Callable[[str], Raw]) -> list[Raw] | None:
        """Up to so many rows; None where the table is absent."""
        if optional and self.chance(10):
            return None
        return [make(str(number)) for number in range(1, self.pick(range(most + 1)) + 1)]

    # Tables -----------------------------------------------------------------------------------------------------

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
        """Now and then a credit note beside an invoice: of its amount, nearly, paid back, settled, or of any sum."""
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


@st.composite
def shops(draw: st.DrawFn, month: str = MONTH, faults: bool = True) -> Shop:
    """A whole small shop."""
    return Maker(lambda choices: draw(st.sampled_from(choices)), month, faults).shop()


@st.composite
def options(draw: st.DrawFn, month: str = MONTH) -> Options:
    """Policy choices, holds and releases."""
    return Maker(lambda choices: draw(st.sampled_from(choices)), month).options()


def random_shop(seed: int, month: str = MONTH, faults: bool = True) -> tuple[Shop, Options]:
    """The same from a seed, without Hypothesis: for large runs."""
    maker = Maker(random.Random(seed).choice, month, faults)
    return maker.shop(), maker.options()
