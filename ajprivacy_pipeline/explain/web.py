"""The web events of one subject, counted by what becomes of them.

Belongs here: the rule for a web event, for one person. Does not belong here: any single event.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from ajprivacy_pipeline.explain.facts import Facts, Row
from ajprivacy_pipeline.explain.holds import Hold, web_holds
from ajprivacy_pipeline.explain.terms import plus_months
from ajprivacy_pipeline.policy import DecisionPolicy

CLAUSES = {"no_consent": "CAM-1", "cookie_period": "CAM-1", "consent_withdrawn": "CAM-1",
           "individualisation_ended": "IND-2", "undated": "DAT-1"}


@dataclass(frozen=True)
class WebCount:
    """So many events with one fate.

    `first` and `last` are the days they are due, `reason` what ends first, `holds` what holds any of them.
    """

    decision: str
    reason: str
    clause: str
    events: int
    first: date
    last: date
    holds: tuple[Hold, ...] = ()


def web_counts(facts: Facts, individualisation_on: date | None, policy: DecisionPolicy) -> list[WebCount]:
    """Counts by decision and reason, the most urgent first."""
    counted: Counter[tuple[str, str]] = Counter()
    days: dict[tuple[str, str], list[date]] = {}
    holds: dict[tuple[str, str], list[Hold]] = {}
    for row in facts.web_events:
        due_on, reason = _due(facts, row, individualisation_on, policy)
        is_due = due_on <= facts.as_of
        held = web_holds(facts, policy, row["customer_id"], is_undated=reason == "undated") if is_due else ()
        key = ("hold" if held else "due" if is_due else "retain", reason)
        counted[key] += row["events"]
        days.setdefault(key, []).append(due_on)
        known = holds.setdefault(key, [])
        known += [hold for hold in held if hold not in known]
    return [WebCount(*key, CLAUSES[key[1]], events, min(days[key]), max(days[key]), tuple(holds[key]))
            for key, events in sorted(counted.items())]


def _due(facts: Facts, row: Row, individualisation_on: date | None, policy: DecisionPolicy) -> tuple[date, str]:
    if row["occurred_on"] is None:
        return facts.as_of, "undated"
    if not row["consented"]:
        return row["occurred_on"], "no_consent"
    ends = [(plus_months(row["occurred_on"], policy.periods["cookie_months"]), "cookie_period"),
            (row["consent_withdrawn_on"], "consent_withdrawn"), (individualisation_on, "individualisation_ended")]
    return min(((day, reason) for day, reason in ends if day is not None), key=lambda end: end[0])
