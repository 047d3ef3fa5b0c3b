"""The purposes of a subject, and when they lapse."""

from __future__ import annotations

from datetime import date

from .load import is_empty
from .model import OPEN, PERSONS, Subject, World, add_months, latest
from .orders import blockers, case_is_open, contract_end_for, is_cancelled, obligations_end


def purposes_of(world: World, subject: Subject) -> dict[str, date]:
    """Each applicable purpose with the date it lapses on, OPEN where no end is in sight."""
    found: dict[str, date] = {}
    if subject.orders or subject.cases:
        found["contract"] = _contract(world, subject)
    if subject.created is not None:
        profile = _profile(world, subject)
        customer = _individualisation(world, subject)
        found["profile"] = _erased(subject, profile)
        found["individualisation"] = _stopped(subject, _erased(subject, customer))
        if subject.kind == "sole_proprietor":
            found["identification"] = _erased(subject, customer)
    bookkeeping = _bookkeeping(world, subject)
    if bookkeeping:
        found["bookkeeping"] = bookkeeping
    return found


def _has_open_case(world: World, subject: Subject) -> bool:
    return any(case_is_open(world, case) for case in subject.cases)


def _blockers(world: World, subject: Subject) -> set[str]:
    return {name for order in subject.orders for name in blockers(world, order, subject.released)}


def blockers_of(world: World, subject: Subject, purpose: str) -> set[str]:
    """What keeps a purpose of a subject open; an unknown warranty keeps nobody for marketing."""
    found = _blockers(world, subject) | ({"open_case"} if _has_open_case(world, subject) else set())
    return found if purpose in ("contract", "profile") else found - {"warranty_unknown"}


def _contract(world: World, subject: Subject) -> date:
    if _has_open_case(world, subject) or _blockers(world, subject):
        return OPEN
    terms = [contract_end_for(world, subject, order) for order in subject.orders]
    for case in subject.cases:
        end = add_months(case["closed_at"], 12)
        for day in subject.erasures:
            # reading: a case whose opened_at is NULL by a fault is not touched by an erasure.
            if case["opened_at"] and case["opened_at"] <= day:
                end = min(end, max(day, case["closed_at"]))
        terms.append(end)
    return latest(*terms) or world.as_of


def _profile(world: World, subject: Subject) -> date:
    """Without the effect of requests."""
    if _has_open_case(world, subject):
        return OPEN
    if world.by(subject.closed):
        assert subject.closed is not None
        return add_months(subject.closed, 12)
    if _blockers(world, subject):
        return OPEN
    orders = [obligations_end(world, order, tail=12) for order in subject.orders]
    return latest(_last_activity(subject), *orders) or OPEN


def _individualisation(world: World, subject: Subject) -> date:
    """As the profile, but with the last transaction, and a running unknown warranty makes nobody a customer."""
    if _has_open_case(world, subject):
        return OPEN
    if world.by(subject.closed):
        assert subject.closed is not None
        return add_months(subject.closed, 12)
    if _blockers(world, subject) - {"warranty_unknown"}:
        return OPEN
    transaction = last_transaction(world, subject)
    return latest(_last_activity(subject), add_months(transaction, 12) if transaction else None) or OPEN


def _last_activity(subject: Subject) -> date:
    """12 months after the latest of the profile's creation, the last login and the closing of a case."""
    days = [subject.created, subject.login] + [case["closed_at"] for case in subject.cases]
    last = latest(*days)
    assert last is not None  # a profile has a date of creation
    return add_months(last, 12)


def last_transaction(world: World, subject: Subject) -> date | None:
    """The latest date of ordering, delivery or payment of the orders not cancelled by as_of."""
    days = []
    for order in subject.orders:
        if not is_cancelled(world, order):
            days += [order.row["ordered_at"], order.row["delivered_at"], order.row["paid_at"]]
    return latest(*days)


def _erased(subject: Subject, day: date) -> date:
    """A verified erasure ends what a profile that was there keeps, whatever is open."""
    assert subject.created is not None
    return min([day] + [verified for verified in subject.erasures if subject.created <= verified])


def _stopped(subject: Subject, day: date) -> date:
    """An objection, and the marketing effect of an erasure, need no identification."""
    assert subject.created is not None
    return min([day] + [received for received in subject.stops if subject.created <= received])


def _bookkeeping(world: World, subject: Subject) -> date | None:
    """1 January six years on from the latest invoice that does not name its buyer itself."""
    if subject.kind not in PERSONS:
        return None
    incomplete = [
        invoice
        for invoice in subject.invoices
        if any(
            is_empty("invoices", column, invoice, world.options)
            for column in ("billing_name", "billing_street_address")
        )
    ]
    if not incomplete:
        return None
    issued = latest(*[invoice["issued_at"] for invoice in incomplete])
    return accounting_end(issued) if issued else world.as_of


def accounting_end(issued: date) -> date:
    """1 January of the sixth year after the year of issue."""
    return date(issued.year + 6, 1, 1)
