"""The candidate dates of each record of a subject, and the one that decided.

Belongs here: orders, invoices, cases, messages, subscriptions, requests. Does not belong here: purposes, web events.
"""

from collections.abc import Sequence

from ajprivacy_pipeline.explain.facts import Facts, Row
from ajprivacy_pipeline.explain.orders import blockers, contract_terms, dated_terms
from ajprivacy_pipeline.explain.purposes import CLAUSES, Purposes, booked, erasures
from ajprivacy_pipeline.explain.terms import Term, end_of, plus_months, set_aside, settle
from ajprivacy_pipeline.policy import DecisionPolicy


def purpose_term(name: str, terms: Sequence[Term]) -> Term:
    """A purpose of the subject as one candidate, with what decided it."""
    because = tuple(term for term in terms if term.decides)
    own, *further = dict.fromkeys(clause for term in because for clause in term.clauses)
    return Term("purpose", name, end_of(terms), own, {"purpose": name}, because=because, further=tuple(further))


def record_terms(facts: Facts, row: Row, purposes: Purposes, policy: DecisionPolicy) -> tuple[Term, ...]:
    """The settled terms of one record and part."""
    if row["entity"] == "orders":
        return settle(_order(facts, row, purposes, policy))
    if row["entity"] == "invoices":
        return settle(_invoice(facts, row, policy))
    detail = facts.details[f"{row['entity']}:{row['record_id']}"]
    if row["entity"] in ("cases", "communications"):
        return settle(_correspondence(facts, row, detail, purposes))
    if row["entity"] == "newsletter_subscriptions":
        return settle(_subscription(facts, row, detail))
    return settle(_request(facts, row, detail, policy))


def _order(facts: Facts, row: Row, purposes: Purposes, policy: DecisionPolicy) -> list[Term]:
    terms = list(contract_terms(facts, facts.orders[row["record_id"]], policy, erasures(facts)))
    if row["part"] == "link" and "individualisation" in purposes:
        return [*terms, purpose_term("individualisation", purposes["individualisation"])]
    return terms


def _invoice(facts: Facts, row: Row, policy: DecisionPolicy) -> list[Term]:
    """The accounting years, and never before the contract of the order ends; erasure does not shorten it."""
    invoice = next(one for one in facts.invoices if one["invoice_id"] == row["record_id"])
    if invoice["issued_on"] is None:
        return [Term("undated_invoice", "bookkeeping", facts.as_of, "DAT-1", {"invoice": row["record_id"]})]
    order = facts.orders.get(invoice["order_id"]) if invoice["order_id"] is not None else None
    if order is None:
        return [booked(invoice, policy)]
    dated = dated_terms(facts, order, policy)
    if open_terms := blockers(facts, order, policy):
        return [*open_terms, booked(invoice, policy), *set_aside(dated)]
    return [booked(invoice, policy), *dated]


def _correspondence(facts: Facts, row: Row, detail: Row, purposes: Purposes) -> list[Term]:
    """An open case keeps all of it; else it lives as long as what its subject's contract and profile need."""
    is_message = row["entity"] == "communications"
    of_subject = [purpose_term(name, purposes[name]) for name in ("contract", "profile") if name in purposes]
    case_id = detail["case_id"] if is_message else row["record_id"]
    closed = detail["case_closed_on"] if is_message else detail["own_on"]
    if case_id is not None and (closed is None or closed > facts.as_of):
        return [Term("open_case", "open_case", None, "CON-8", {"cases": [case_id]}), *set_aside(of_subject)]
    if detail["own_on"] is None:
        return [Term("undated_record", "not_yet", facts.as_of, "DAT-1", {"record": row["record_id"]}),
                *set_aside(of_subject)]
    own = Term("message" if is_message else "case_closed", "not_yet", detail["own_on"], "DAT-2",
               {"record": row["record_id"], "day": detail["own_on"]})
    return [*of_subject, own]


def _subscription(facts: Facts, row: Row, detail: Row) -> list[Term]:
    """Until the address is unsubscribed, or an objection or erasure reaches it."""
    subscribed, left = detail["subscribed_on"], detail["unsubscribed_on"]
    found = [Term("subscribed", "newsletter", None, "NEW-1", {"record": row["record_id"], "day": subscribed})]
    if left is not None and (subscribed is None or left >= subscribed):
        found.append(Term("unsubscribed", "newsletter", left, "NEW-1", {"day": left}, "ends"))
    known = {one["request_id"]: one for one in (*facts.requests, *detail.get("stops", ()))}
    for request in sorted(known.values(), key=lambda one: (one["received_on"] or facts.as_of, one["request_id"])):
        stops = request.get("stops_marketing", True)
        if stops and (subscribed is None or request["received_on"] >= subscribed):
            is_objection = request["kind"] == "objection"
            found.append(Term("objection" if is_objection else "erasure_received", "newsletter", request["received_on"],
                              "RGT-6" if is_objection else "RGT-3",
                              {"request": request["request_id"], "day": request["received_on"]}, "ends"))
    return found


def _request(facts: Facts, row: Row, detail: Row, policy: DecisionPolicy) -> list[Term]:
    closed = detail["closed_on"]
    if closed is None or closed > facts.as_of:
        return [Term("open_request", "open_request", None, "RGT-9", {"request": row["record_id"]})]
    months = policy.periods["limitation_months"]
    return [Term("limitation", "limitation_period", plus_months(closed, months), "RGT-3",
                 {"request": row["record_id"], "closed_on": closed, "months": months})]


def attribute_terms(row: Row, purposes: Purposes, policy: DecisionPolicy, subject_type: str) -> tuple[Term, ...]:
    """The purposes that cover an attribute, settled; none where it is misplaced or nothing covers it."""
    attribute = policy.retention.attributes[row["attribute"]]
    if subject_type in attribute.misplaced:
        return ()
    order = ("contract", "bookkeeping", *CLAUSES)
    covering = sorted((name for name in attribute.purposes if name in purposes), key=order.index)
    return settle([purpose_term(name, purposes[name]) for name in covering])
