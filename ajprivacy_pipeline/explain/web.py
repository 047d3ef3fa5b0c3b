"""The web events of one subject, counted by what becomes of them.

Belongs here: counting, and what holds them. Does not belong here: when a web event is due (`sql/terms`), any single
event.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from ajprivacy_pipeline.explain.candidates import promises
from ajprivacy_pipeline.explain.facts import SubjectFacts
from ajprivacy_pipeline.explain.holds import Hold, web_holds
from ajprivacy_pipeline.policy import DecisionPolicy


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


def web_counts(facts: SubjectFacts, policy: DecisionPolicy) -> list[WebCount]:
    """Counts by decision and reason, the most urgent first."""
    counted: Counter[tuple[str, str]] = Counter()
    days: dict[tuple[str, str], list[date]] = {}
    holds: dict[tuple[str, str], list[Hold]] = {}
    for row in facts.visits:
        is_due = row["due_on"] <= facts.as_of
        held = web_holds(facts, policy, row["customer"], is_faulty=row["is_faulty"]) if is_due else ()
        key = ("hold" if held else "due" if is_due else "retain", row["reason"])
        counted[key] += row["events"]
        days.setdefault(key, []).append(row["due_on"])
        known = holds.setdefault(key, [])
        known += [hold for hold in held if hold not in known]
    return [WebCount(*key, promises()["visits"][key[1]], events, min(days[key]), max(days[key]), tuple(holds[key]))
            for key, events in sorted(counted.items())]
