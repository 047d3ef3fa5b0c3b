"""The candidate dates of each purpose of a subject, and the one that decided.

Belongs here: the terms of purposes. Does not belong here: terms of one order (`orders`), what is kept for a purpose.
"""

from collections.abc import Sequence
from datetime import date

from ajprivacy_pipeline.explain.facts import Facts, Row
from ajprivacy_pipeline.explain.orders import (
    blockers,
    case_terms,
    contract_terms,
    erased,
    last_event,
    warranty_terms,
)
from ajprivacy_pipeline.explain.terms import Term, end_of, plus_months, set_aside, settle, under
from ajprivacy_pipeline.policy import DecisionPolicy

Purposes = dict[str, tuple[Term, ...]]
_TRANSACTIONS = (("delivered_on", "delivery"), ("paid_on", "payment"), ("ordered_on", "ordering"))
CLAUSES = {"profile": "PRO-2", "individualisation": "IND-2", "identification": "PRO-1"}


def purpose_terms(facts: Facts, policy: DecisionPolicy) -> Purposes:
    """Settled terms per applicable purpose."""
    found: dict[str, Sequence[Term]] = {
        "contract": _contract(facts, policy), "profile": _profile(facts, policy),
        "individualisation": _individual(facts, policy, "individualisation"),
        "bookkeeping": _bookkeeping(facts, policy),
    }
    if facts.subject["subject_type"] == "sole_proprietor":
        found["identification"] = _individual(facts, policy, "identification")
    return {name: settle(terms) for name, terms in found.items() if terms}


def ends(purposes: Purposes) -> dict[str, date | None]:
    """The lapse date of each applicable purpose."""
    return {name: end_of(terms) for name, terms in purposes.items()}


def erasures(facts: Facts) -> list[Row]:
    """The verified erasures that reach the subject."""
    return [row for row in facts.requests if row["erases"]]


def _contract(facts: Facts, policy: DecisionPolicy) -> list[Term]:
    """All orders and cases together: the latest of their ends, open while anything is open."""
    tail, verified = policy.periods["contract_tail_months"], erasures(facts)
    groups = [contract_terms(facts, facts.orders[order_id], policy, verified) for order_id in facts.own_orders]
    if any(terms[0].kind != "undated" for terms in groups):
        groups = [terms for terms in groups if terms[0].kind != "undated"]
    for case in facts.own_cases():
        terms = case_terms(facts, case, tail, "contract", "CON-8")
        if not facts.is_open(case):
            refs: dict[str, object] = {"case": case["case_id"], "closed_on": case["closed_on"]}
            terms = erased(terms, case["opened_on"], case["closed_on"], verified, refs) or terms
        groups.append(settle(terms))
    return _joined(groups)


def _joined(groups: Sequence[Sequence[Term]]) -> list[Term]:
    """The terms of several orders and cases as one list; while anything is open, dates do not count."""
    found = [term for group in groups for term in group]
    blocking = [term for term in found if term.on is None]
    return [*blocking, *set_aside([term for term in found if term.on is not None])] if blocking else found


def _profile(facts: Facts, policy: DecisionPolicy) -> list[Term]:
    """While the profile is used, anything is open or an obligation runs, and some months after."""
    created = facts.subject["created_on"]
    if created is None:
        return []
    tail = policy.periods["profile_tail_months"]
    used = _used(facts, tail, "profile")
    for order in (facts.orders[order_id] for order_id in facts.own_orders):
        if order["ended_on"] is not None:
            used.append(Term("order_tail", "profile", plus_months(order["ended_on"], tail), "PRO-2",
                             {**last_event(facts, order), "months": tail}))
            used += warranty_terms(facts, order, policy, tail, "profile", "PRO-2")
    kept = _kept(facts, policy, used, tail, "profile")
    return [*kept, *_ends(facts, created, "profile", ("erases",))]


def _individual(facts: Facts, policy: DecisionPolicy, purpose: str) -> list[Term]:
    """As the profile, with the last transaction in place of obligations; a running warranty makes nobody a customer."""
    created = facts.subject["created_on"]
    if created is None:
        return []
    tail = policy.periods["individualisation_tail_months"]
    used = _used(facts, tail, purpose)
    for order in (facts.orders[order_id] for order_id in facts.own_orders):
        if order["transaction_on"] is not None:
            event = next(name for column, name in _TRANSACTIONS if order[column] == order["transaction_on"])
            used.append(Term("transaction", purpose, plus_months(order["transaction_on"], tail), CLAUSES[purpose], {
                "order": order["order_id"], "event": event, "ended_on": order["transaction_on"], "months": tail}))
    kept = _kept(facts, policy, used, tail, purpose)
    stops = ("stops_marketing", "erases") if purpose == "individualisation" else ("erases",)
    return [*kept, *_ends(facts, created, purpose, stops)]


def _used(facts: Facts, tail: int, purpose: str) -> list[Term]:
    subject, clause = facts.subject, CLAUSES[purpose]
    found = [Term(kind, purpose, plus_months(subject[column], tail), clause, {column: subject[column], "months": tail})
             for kind, column in (("created", "created_on"), ("last_login", "last_login_on"))
             if subject[column] is not None]
    for case in facts.own_cases():
        if case["closed_on"] is not None and not facts.is_open(case):
            found += case_terms(facts, case, tail, purpose, clause)
    return found


def _kept(facts: Facts, policy: DecisionPolicy, used: Sequence[Term], tail: int, purpose: str) -> list[Term]:
    """What counts of a profile: open cases, else its closing, else blocked orders, else its last use."""
    closed, clause = facts.subject["closed_on"], CLAUSES[purpose]
    if cases := [case for case in facts.own_cases() if facts.is_open(case)]:
        found = [term for case in cases for term in case_terms(facts, case, tail, purpose, clause)]
        return [*under(found, clause), *set_aside(used)]
    if closed is not None and closed <= facts.as_of:
        return [Term("closed", purpose, plus_months(closed, tail), clause, {"closed_on": closed, "months": tail}),
                *set_aside(used)]
    found = [term for order_id in facts.own_orders for term in blockers(facts, facts.orders[order_id], policy)
             if purpose == "profile" or term.kind != "warranty_unknown"]
    return [*under(found, clause), *set_aside(used)] if found else list(used)


def _ends(facts: Facts, created: date, purpose: str, effects: Sequence[str]) -> list[Term]:
    """Objections and erasures that came after the profile; each counts by itself."""
    found = []
    for row in facts.requests:
        for effect in effects:
            day = row["received_on"] if effect == "stops_marketing" else row["verified_on"]
            if row[effect] and day >= created:
                kind = "objection" if row["kind"] == "objection" else (
                    "erasure_received" if effect == "stops_marketing" else "erasure")
                found.append(Term(kind, purpose, day, "RGT-6" if kind == "objection" else "RGT-3",
                                  {"request": row["request_id"], "day": day}, "ends"))
    return found


def _bookkeeping(facts: Facts, policy: DecisionPolicy) -> list[Term]:
    """Invoices that name nobody: the customer record is the voucher's buyer until the accounting years are over."""
    if not facts.subject["is_person"]:
        return []
    vouchers = [row for row in facts.invoices if row["names_nobody"]]
    dated = [row for row in vouchers if row["issued_on"] is not None]
    if vouchers and not dated:
        return [Term("undated_invoice", "bookkeeping", facts.as_of, "LEG-1", {"invoice": vouchers[0]["invoice_id"]})]
    return [booked(row, policy) for row in dated]


def booked(invoice: Row, policy: DecisionPolicy) -> Term:
    """The end of an invoice's accounting years."""
    years, issued = policy.periods["bookkeeping_years"], invoice["issued_on"]
    return Term("bookkeeping", "bookkeeping", date(issued.year + years + 1, 1, 1), "LEG-1",
                {"invoice": invoice["invoice_id"], "issued_on": issued, "year": issued.year, "years": years})

