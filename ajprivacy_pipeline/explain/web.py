"""The web events of one subject, counted by what becomes of them.

Belongs here: the rule for a web event, for one person. Does not belong here: any single event.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from ajprivacy_pipeline.explain.facts import Facts, Row
from ajprivacy_pipeline.explain.terms import plus_months
from ajprivacy_pipeline.policy import DecisionPolicy

CLAUSES = {"no_consent": "CAM-1", "cookie_period": "CAM-1", "consent_withdrawn": "CAM-1",
           "individualisation_ended": "IND-2", "undated": "DAT-1"}


@dataclass(frozen=True)
class WebCount:
    """So many events with one fate; `first` and `last` are the days they are due, `reason` what ended first."""

    decision: str
    reason: str
    clause: str
    events: int
    first: date
    last: date


def web_counts(facts: Facts, individualisation_on: date | None, policy: DecisionPolicy) -> list[WebCount]:
    """Counts by decision and reason, the most urgent first."""
    counted: Counter[tuple[str, str]] = Counter()
    days: dict[tuple[str, str], list[date]] = {}
    for row in facts.web_events:
        due_on, reason = _due(facts, row, individualisation_on, policy)
        held = due_on <= facts.as_of and (reason == "undated" or is_held(facts, row["customer_id"], policy))
        key = ("hold" if held else "due" if due_on <= facts.as_of else "retain", reason)
        counted[key] += row["events"]
        days.setdefault(key, []).append(due_on)
    return [WebCount(*key, CLAUSES[key[1]], events, min(days[key]), max(days[key]))
            for key, events in sorted(counted.items())]


def _due(facts: Facts, row: Row, individualisation_on: date | None, policy: DecisionPolicy) -> tuple[date, str]:
    if row["occurred_on"] is None:
        return facts.as_of, "undated"
    if not row["consented"]:
        return row["occurred_on"], "no_consent"
    ends = [(plus_months(row["occurred_on"], policy.periods["cookie_months"]), "cookie_period"),
            (row["consent_withdrawn_on"], "consent_withdrawn"), (individualisation_on, "individualisation_ended")]
    return min(((day, reason) for day, reason in ends if day is not None), key=lambda end: end[0])


def is_held(facts: Facts, customer_id: str | None, policy: DecisionPolicy) -> bool:
    """Whether a freeze of the subject or of the customer it acted for, or one of the whole table, holds web events."""
    customer = f"customer:{customer_id}" if customer_id is not None else None
    if facts.evidence["is_missing"] or "web_events" in facts.evidence["held_entities"]:
        return True
    if customer is not None and customer not in facts.known_customers:
        return True
    return any("web_events" in policy.retention.scopes[policy.retention.freezes[row["freeze"]].scope]
               for row in facts.freezes if row["subject_id"] in (facts.subject["subject_id"], customer))
