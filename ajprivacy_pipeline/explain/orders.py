"""What keeps an order: its blockers, or its dates term by term, and what an erasure makes of them.

Belongs here: terms of one order or one case. Does not belong here: purposes.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from ajprivacy_pipeline.explain.facts import BLOCKERS, Facts, Row
from ajprivacy_pipeline.explain.terms import Term, latest, plus_months, set_aside, settle
from ajprivacy_pipeline.policy import DecisionPolicy

_BLOCKER_CLAUSES = {"undelivered": "CON-6", "unpaid": "CON-6", "open_case": "CON-8", "warranty_unknown": "CON-3"}
_BUSINESS_CLAUSES = _BLOCKER_CLAUSES | {"undelivered": "CON-2", "unpaid": "CON-2"}  # CON-6 speaks of consumers alone
_EVENTS = (("cancelled_on", "cancellation"), ("delivered_on", "delivery"), ("completed_on", "completion"),
           ("paid_on", "payment"), ("ordered_on", "ordering"))


def has_warranty(order: Row, policy: DecisionPolicy) -> bool:
    """Whether the order's warranties count: those of persons, of companies where the policy says so."""
    counts = order["is_person"] or policy.retention.choices.business_warranty_keeps_contact
    return bool(counts) and not order["is_cancelled"]


def blockers(facts: Facts, order: Row, policy: DecisionPolicy, *, released: bool = True) -> list[Term]:
    """An open term for each thing that stands between the order and its end."""
    found, clauses = [], _BLOCKER_CLAUSES if order["is_person"] else _BUSINESS_CLAUSES
    for name in BLOCKERS:
        if order[name] and not (name == "unpaid" and released and order["order_id"] in facts.released_orders):
            refs: dict[str, object] = {"order": order["order_id"]}
            if name == "unpaid":
                refs["invoices"] = facts.open_invoices.get(order["order_id"], [])
            if name == "open_case":
                refs["cases"] = [case["case_id"] for case in facts.cases
                                 if case["order_id"] == order["order_id"] and facts.is_open(case)]
            if name == "warranty_unknown":
                refs["lines"] = [line["line_number"] for line in facts.lines.get(order["order_id"], [])
                                 if line["returned_on"] is None and _years(line, policy) is None]
            found.append(Term(name, name, None, clauses[name], refs))
    return found


def _years(line: Row, policy: DecisionPolicy) -> int | None:
    unknown = policy.retention.choices.unknown_warranty
    years = line["warranty_years"]
    return years if years is not None else None if unknown == "hold" else unknown


def last_event(facts: Facts, order: Row) -> dict[str, object]:
    """What the order ended with, and when; of a line or a case, which."""
    ended = order["ended_on"]
    name = next((event for column, event in _EVENTS if order[column] == ended
                 and (column != "cancelled_on" or order["is_cancelled"])), None)
    found: dict[str, object] = {"order": order["order_id"], "event": name or "case_closing", "ended_on": ended}
    if name is not None:
        return found
    for event, column in (("return", "returned_on"), ("line_delivery", "delivered_on")):
        if lines := [line["line_number"] for line in facts.lines.get(order["order_id"], []) if line[column] == ended]:
            return found | {"event": event, "lines": lines}
    return found | {"cases": [case["case_id"] for case in facts.cases
                              if case["order_id"] == order["order_id"] and case["closed_on"] == ended]}


def warranty_terms(facts: Facts, order: Row, policy: DecisionPolicy, tail: int, ground: str, clause: str) -> list[Term]:
    """A term for each live line with a warranty: its end and the months after it, summed before the day is clamped."""
    if not has_warranty(order, policy):
        return []
    found = []
    for line in facts.lines.get(order["order_id"], []):
        years, delivered = _years(line, policy), line["delivered_on"] or order["delivered_on"]
        if line["returned_on"] is None and years and delivered:
            found.append(Term("warranty_tail", ground, plus_months(delivered, 12 * years + tail), clause, {
                "order": order["order_id"], "line": line["line_number"], "product": line["product_id"],
                "delivered_on": delivered, "warranty_years": years,
                "warranty_end": plus_months(delivered, 12 * years), "months": tail}))
    return found


def dated_terms(facts: Facts, order: Row, policy: DecisionPolicy) -> list[Term]:
    """The terms of an order that nothing blocks: none where no date of it can be read."""
    if order["ended_on"] is None:
        return []
    periods = policy.periods
    tail, kept = periods["contract_tail_months"], periods["business_transaction_months"]
    event = last_event(facts, order)
    found = [Term("order_tail", "contract", plus_months(order["ended_on"], tail), "CON-4", {**event, "months": tail}),
             *warranty_terms(facts, order, policy, tail, "contract", "CON-4")]
    if order["is_cancelled"]:
        return found
    if not order["is_person"]:
        return [Term("business_transactions", "contract", plus_months(order["ended_on"], kept), "REV-1",
                     {**event, "months": kept}), *found]
    delivered = [line["delivered_on"] or order["delivered_on"] for line in facts.lines.get(order["order_id"], [])
                 if line["returned_on"] is None]
    if known := [day for day in delivered if day is not None]:
        least = periods["contract_minimum_months"]
        found.append(Term("contract_minimum", "contract", plus_months(max(known), least), "CON-3",
                          {"order": order["order_id"], "delivered_on": max(known), "months": least}))
    return found


def contract_terms(facts: Facts, order: Row, policy: DecisionPolicy, erasures: Iterable[Row]) -> tuple[Term, ...]:
    """The terms of contract_end of one order, settled, for the person whose verified erasures are given."""
    dated = dated_terms(facts, order, policy)
    if open_terms := blockers(facts, order, policy):
        return settle([*open_terms, *set_aside(dated)])
    if not dated:
        return settle([Term("undated", "contract", facts.as_of, "DAT-1", {"order": order["order_id"]})])
    refs = {"order": order["order_id"], "obligations_on": order["obligations_on"]}
    if lines := [term.refs["line"] for term in dated if term.refs.get("warranty_end") == order["obligations_on"]]:
        refs["line"] = lines[0]
    waived = erased(dated, order["ordered_on"], order["obligations_on"], erasures, refs)
    return settle(waived or dated)


def erased(terms: Sequence[Term], began: date | None, obligations: date, erasures: Iterable[Row],
           refs: dict[str, object]) -> list[Term] | None:
    """What a verified erasure makes of an order or a case: its end, if earlier; the first that touches it wins."""
    touching = [row for row in erasures if began is not None and row["verified_on"] >= began]
    if not touching:
        return None
    first = min(touching, key=lambda row: (row["verified_on"], row["request_id"]))
    end, until = max(obligations, first["verified_on"]), latest(terms)
    if until is not None and end >= until:
        return None
    kind = "order_erased" if "order" in refs else "case_erased"
    return [Term(kind, "contract", end, "RGT-3", {**refs, "request": first["request_id"],
                                                  "verified_on": first["verified_on"]}), *set_aside(terms)]


def case_terms(facts: Facts, case: Row, tail: int, ground: str, clause: str) -> list[Term]:
    """What a case keeps: open, or closed with a tail."""
    if facts.is_open(case):
        return [Term("open_case", "open_case", None, "CON-8", {"cases": [case["case_id"]]})]
    return [Term("case_tail", ground, plus_months(case["closed_on"], tail), clause,
                 {"case": case["case_id"], "closed_on": case["closed_on"], "months": tail})]
