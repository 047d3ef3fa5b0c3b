"""What becomes of orders, invoices, cases, messages, subscriptions and requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from .freezes import Freezes, holds_entity, ids_of, is_faulty, is_released, legal_hold
from .load import is_empty, is_guests, is_nobodys
from .model import OPEN, PERSONS, Order, Row, World, add_months, shown
from .orders import blockers, case_is_open, contract_end, contract_end_for
from .purposes import accounting_end
from .requests import pending_freeze
from .world import customer_kind

Term = tuple[str, date]  # what keeps the record, until when
DELIVERY = ("delivery_name", "delivery_street_address", "delivery_postal_code", "delivery_city", "delivery_phone",
            "delivery_email", "delivery_note", "payment_reference")
BILLING = ("billing_name", "billing_street_address", "billing_postal_code", "billing_city", "billing_email")


class Records:
    """Decides record by record."""

    def __init__(self, world: World, purposes: dict[str, dict[str, date]], freezes: Freezes) -> None:
        self.world = world
        self.purposes = purposes
        self.freezes = freezes
        self.guest_freezes: dict[int, set[str]] = {}  # by the identity of the order's or invoice's row
        self.restricted: set[str] = set()  # e-mail keys
        for request in world.requests:
            name = pending_freeze(world, request)
            if name and request.by_email:
                for row in request.guests:
                    self.guest_freezes.setdefault(id(row), set()).add(name)
                if name == "restriction" and request.row["email_key"]:
                    self.restricted.add(request.row["email_key"])

    def decisions(self) -> Iterator[dict[str, object]]:
        """A row for each record and part."""
        for order in self.world.orders.values():
            yield self.delivery(order)
            yield from self.order_link(order)
        tables = self.world.tables
        for row in tables["invoices"]:
            yield from self.invoice(row)
        for row in tables["cases"]:
            yield self.case(row)
        for row in tables["communications"]:
            yield self.communication(row)
        for row in tables["newsletter_subscriptions"]:
            yield self.subscription(row)
        for row in tables["rights_requests"]:
            yield self.request(row)

    # The rows of the result -------------------------------------------------------------------------------------

    def row(self, entity: str, part: str, record: Row, subject_id: str | None) -> dict[str, object]:
        """A result row, absent until something else is known."""
        return {
            "as_of": self.world.as_of, "entity": entity, "record_id": record["_id"], "part": part,
            "subject_id": subject_id, "decision": "absent", "due_on": None, "retained_by": [], "held_by": [],
        }

    def decide(
        self, row: dict[str, object], record: Row, terms: list[Term], *, unknown: bool = False
    ) -> dict[str, object]:
        """retain, hold or due; `unknown` = the record's own date is NULL by a fault."""
        as_of = self.world.as_of
        due_on = max((day for _, day in terms), default=as_of)
        if due_on > as_of:
            names = sorted({name for name, day in terms if day > as_of})
            return row | {"decision": "retain", "due_on": shown(due_on), "retained_by": names}
        # An own date that is unknown by a fault: a blocker or purpose retains as ever, else due_on is as_of.
        due_on = as_of if unknown else due_on
        held = self.held_by(str(row["entity"]), record, row["subject_id"])
        return row | {"decision": "hold" if held else "due", "due_on": due_on, "held_by": held}

    def held_by(self, entity: str, record: Row, subject_id: object) -> list[str]:
        """The freezes that hold a record.

        Whoever does not exist has `orphan` alone; the freezes of the contact, the customer and the subject add up,
        with a fault of the record itself, missing evidence, and a hold on the whole entity.
        """
        world, names = self.world, set()
        customer, contact, _ = ids_of(world, entity, record)
        people = {f"customer:{customer}" if customer else None, f"contact:{contact}" if contact else None, subject_id}
        people.discard(None)
        missing = {person for person in people if person not in world.subjects}
        if missing and not is_released(world, entity, record, "orphan"):
            names.add("orphan")
        for person in people - missing:
            names |= {name for name in self.freezes[str(person)] if holds_entity(name, entity)}
        names |= {name for name in self.guests_freezes(entity, record) if holds_entity(name, entity)}
        if self.is_faulty(entity, record):
            names.add("data_quality")
        if world.options.evidence_missing:
            names.add("evidence_missing")
        # reading: a legal hold can be placed on any entity, and then holds all its records.
        if legal_hold(world, "entity", entity)[0]:
            names.add("legal_hold")
        return sorted(names)

    def guests_freezes(self, entity: str, record: Row) -> set[str]:
        """What requests by e-mail hold: a guest's order and invoice, the order's cases; restricted subscriptions."""
        if entity == "newsletter_subscriptions":
            return {"restriction"} if record["email_key"] in self.restricted else set()
        guests = [record]
        if entity == "cases":
            # reading: what holds a guest's order holds the case that is that guest's.
            order = self.guest_order_of(entity, record)
            guests = [order.row] if order else []
        return {name for row in guests for name in self.guest_freezes.get(id(row), ())}

    def guest_order_of(self, entity: str, record: Row) -> Order | None:
        """The guest's order that a case or an invoice of nobody's belongs to."""
        if entity not in ("cases", "invoices") or not record["order_id"]:
            return None
        order = self.world.orders.get(record["order_id"])
        is_nobodys_own = is_guests(record) if entity == "cases" else is_nobodys(record)
        return order if order and order.guest and is_nobodys_own else None

    def is_faulty(self, entity: str, record: Row) -> bool:
        """A fault in the row itself, in a line of the order; of a guest's records also in the order and its invoices.

        The fault of an invoice freezes whom an open balance would reach; of a guest there is nothing but the order, and
        what stays as long as its contract.
        """
        world = self.world
        if is_faulty(world, entity, record):
            return True
        order = world.orders[record["order_id"]] if entity == "orders" else self.guest_order_of(entity, record)
        if order is None:
            return False
        rows = [("orders", order.row), *(("order_lines", line) for line in order.lines)]
        if order.guest:
            rows += [("invoices", invoice) for invoice in order.invoices]
        return any(is_faulty(world, table, row) for table, row in rows)

    def all_empty(self, table: str, record: Row, columns: Iterable[str]) -> bool:
        """Whether a part covers nothing any more."""
        return all(is_empty(table, column, record, self.world.options) for column in columns)

    def purpose_terms(self, subject_id: str | None, *names: str) -> list[Term]:
        """When the purposes of a subject lapse; a subject that does not exist has none."""
        own = self.purposes.get(subject_id or "", {})
        return [(name, own[name]) for name in names if name in own]

    def contract_terms(self, order: Order, subject_id: str | None, *, erasures: bool = True) -> list[Term]:
        """contract_end(o): its blockers if it is open, else `contract`; nothing where no date is known."""
        subject = self.world.subjects.get(subject_id or "")
        released = subject.released if subject else set()
        world = self.world
        end = contract_end_for(world, subject, order) if erasures else contract_end(world, order, released)
        if end == OPEN:
            return [(name, OPEN) for name in blockers(world, order, released)]
        return [("contract", end)] if end is not None else []

    # Orders and invoices ----------------------------------------------------------------------------------------

    def delivery(self, order: Order) -> dict[str, object]:
        """orders, delivery."""
        subject_id = ids_of(self.world, "orders", order.row)[2]
        row = self.row("orders", "delivery", order.row, subject_id)
        if self.all_empty("orders", order.row, DELIVERY):
            return row
        unknown = order.row["ordered_at"] is None
        return self.decide(row, order.row, self.contract_terms(order, subject_id), unknown=unknown)

    def order_link(self, order: Order) -> Iterator[dict[str, object]]:
        """orders, link: the customer for persons; for a business the contact, where there is one; none of a guest's."""
        customer, contact = order.row["customer_id"], order.row["contact_id"]
        subject_id: str | None = f"customer:{customer}" if order.person else f"contact:{contact}"
        if order.guest:
            return
        if order.person and order.row["_tombstone"]:
            subject_id = None
            if contact is None:
                yield self.row("orders", "link", order.row, None)
                return
            # reading: a contact_id left beside the tombstone still goes with the contract's end.
        elif subject_id not in self.world.subjects:
            return
        terms = self.contract_terms(order, subject_id) + self.purpose_terms(subject_id, "individualisation")
        if not self.contract_terms(order, subject_id):
            # reading: contract_end unknown counts as as_of, beside individualisation.
            terms.append(("contract", self.world.as_of))
        unknown = order.row["ordered_at"] is None
        yield self.decide(self.row("orders", "link", order.row, subject_id), order.row, terms, unknown=unknown)

    def invoice(self, invoice: Row) -> Iterator[dict[str, object]]:
        """invoices, billing and, for persons, link."""
        world, subject_id = self.world, ids_of(self.world, "invoices", invoice)[2]
        issued = invoice["issued_at"]
        terms: list[Term] = [("bookkeeping", accounting_end(issued))] if issued else []
        order = world.orders.get(invoice["order_id"]) if invoice["order_id"] else None
        if order:
            # reading: the release of an invoice for the invoice's customer counts in its order's contract_end here;
            # an order without any date adds nothing.
            terms += self.contract_terms(order, subject_id, erasures=False)
        billing = self.row("invoices", "billing", invoice, subject_id)
        if self.all_empty("invoices", invoice, BILLING):
            yield billing
        else:
            yield self.decide(billing, invoice, terms, unknown=issued is None)
        if customer_kind(world, invoice) in PERSONS:
            # reading: the invoice of a tombstone company has no link row, for it never had one.
            link = self.row("invoices", "link", invoice, subject_id)
            if invoice["_tombstone"]:
                yield link
            else:
                yield self.decide(link, invoice, terms, unknown=issued is None)

    # Cases and messages -----------------------------------------------------------------------------------------

    def case(self, case: Row) -> dict[str, object]:
        """cases, content."""
        subject_id = ids_of(self.world, "cases", case)[2]
        row = self.row("cases", "content", case, subject_id)
        if self.all_empty("cases", case, ("summary", "customer_id", "contact_id")):
            return row
        if case_is_open(self.world, case):
            return self.decide(row, case, [("open_case", OPEN)])
        terms = [("", case["closed_at"]), *self.purpose_terms(subject_id, "contract", "profile")]
        order = self.guest_order_of("cases", case)
        if order:
            terms += self.contract_terms(order, None)
        return self.decide(row, case, terms)

    def communication(self, message: Row) -> dict[str, object]:
        """communications, content."""
        occurred, subject_id = message["occurred_at"], ids_of(self.world, "communications", message)[2]
        row = self.row("communications", "content", message, subject_id)
        # reading: the part covers the message's own ids, not those it has from its case.
        if self.all_empty("communications", message, ("sender", "recipient", "body", "customer_id", "contact_id")):
            return row
        case = self.case_of(message)
        if case and case_is_open(self.world, case):
            return self.decide(row, message, [("open_case", OPEN)])
        if subject_id:
            own = [("not_yet", occurred)] if occurred else []
            terms = own + self.purpose_terms(subject_id, "contract", "profile")
        elif is_until_further_notice(message):
            terms = [("until_further_notice", OPEN)]
        else:
            terms = [("correspondence_period", add_months(occurred, 12))] if occurred else []
        unknown = occurred is None and terms != [("until_further_notice", OPEN)]
        return self.decide(row, message, terms, unknown=unknown)

    def case_of(self, message: Row) -> Row | None:
        """The case a message belongs to."""
        return next(iter(self.world.where("cases", "case_id", message["case_id"])), None)

    # Subscriptions and requests ---------------------------------------------------------------------------------

    def subscription(self, subscription: Row) -> dict[str, object]:
        """newsletter_subscriptions, email."""
        subject_id = ids_of(self.world, "newsletter_subscriptions", subscription)[2]
        row = self.row("newsletter_subscriptions", "email", subscription, subject_id)
        if subscription["email"] is None:
            return row
        subscribed, unsubscribed = subscription["subscribed_at"], subscription["unsubscribed_at"]
        ends = [*self.stops(subscription["email_key"], subject_id),
                *self.world.unsubscribed.get(subscription["email_key"], [])]
        if unsubscribed:
            ends.append(unsubscribed)
        ends = [day for day in ends if subscribed is None or day >= subscribed]
        # reading: until an unsubscription in the future the subscription is live: `newsletter`, not `not_yet`.
        return self.decide(row, subscription, [("newsletter", min([*ends, OPEN]))])

    def stops(self, key: str | None, subject_id: str | None) -> list[date]:
        """R of the objections and erasures of the subject, of whoever has the e-mail, or that name the e-mail."""
        people = {subject_id, *self.world.by_email.get(key or "", [])} & self.world.subjects.keys()
        return [*self.world.named.get(key or "", []),
                *(day for person in people for day in self.world.subjects[str(person)].stops)]

    def request(self, request: Row) -> dict[str, object]:
        """rights_requests, content."""
        # reading: a request without ids has no subject here, also where its e-mail is one subject's.
        subject_id = ids_of(self.world, "rights_requests", request)[2]
        row = self.row("rights_requests", "content", request, subject_id)
        if self.all_empty("rights_requests", request, ("email", "details", "customer_id", "contact_id")):
            return row
        if not self.world.by(request["closed_at"]):
            return self.decide(row, request, [("open_request", OPEN)])
        return self.decide(row, request, [("limitation_period", add_months(request["closed_at"], 36))])


def is_until_further_notice(message: Row) -> bool:
    """What is sent in through digital channels has no end of its own."""
    return message["direction"] == "in" and message["channel"] in ("digital", "chat", "email")
