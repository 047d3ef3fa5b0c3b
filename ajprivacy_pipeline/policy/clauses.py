"""Every promise of the notice with its state and the test that proves it.

Belongs here: the list as rows. Does not belong here: running the tests; `tests/clauses` holds the list to the truth.
"""

from collections import Counter
from typing import TypedDict

from ajprivacy_pipeline.policy.governance import NOT_YET
from ajprivacy_pipeline.policy.policy import Policy

STATES = ("executed", NOT_YET, "planned", "documented", "outside")


class ClauseRow(TypedDict):
    """A clause as it is listed; `lines` are the spans of the notice's lines that say it."""

    id: str
    state: str
    lines: list[list[int]]
    meaning: str
    how: str | None
    test: str | None
    pending: str | None


def clause_rows(policy: Policy) -> list[ClauseRow]:
    """One row a clause, in the order of the policy."""
    return [{"id": name, "state": clause.shown_state, "lines": [list(span) for span in clause.lines],
             "meaning": clause.meaning, "how": clause.how, "test": clause.test, "pending": clause.pending}
            for name, clause in policy.clauses.items()]


def state_counts(policy: Policy) -> dict[str, int]:
    """Returns how many clauses are in each state."""
    found = Counter[str](clause.shown_state for clause in policy.clauses.values())
    return {state: found[state] for state in STATES}
