"""What is looked at every day: how many requests are open, overdue, or wait; and what has to be forgotten.

Belongs here: counts, never of whom; forgetting what its time is over. Does not belong here: how it looks in Dagster.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import TypedDict

from ajprivacy_pipeline.calendar import plus_months
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.rights import Rights
from ajprivacy_pipeline.retention.recorded_requests import forget
from ajprivacy_pipeline.rights.folder import destroy_copies
from ajprivacy_pipeline.rights.requests import Request
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore


class OpenCount(TypedDict):
    """How many open requests of a kind are in a state with a deadline (ISO text; None: receipt cannot be read)."""

    kind: str
    state: str
    deadline: str | None
    requests: int


class OpenFigures(TypedDict):
    """Open requests in counts; `waiting_long`: for identity, for longer than the policy's months."""

    open: int
    overdue: int
    soon: int
    waiting: int
    waiting_long: int
    counts: list[OpenCount]


def open_figures(requests: Iterable[Request], rights: Rights, today: date) -> OpenFigures:
    """Returns what is open, in counts."""
    still = [request for request in requests if request.is_open]
    timing = Counter(request.timing(rights, today) for request in still)
    waiting = [request for request in still if request.waits_for_identity(rights)]
    cells = Counter((request.kind or "unknown", request.state,
                     str(due) if (due := request.deadline(rights)) else None) for request in still)
    return {"open": len(still), "overdue": timing["overdue"], "soon": timing["soon"], "waiting": len(waiting),
            "waiting_long": sum(_is_long(request, rights, today) for request in waiting),
            "counts": [{"kind": kind, "state": state, "deadline": deadline, "requests": count}
                       for (kind, state, deadline), count in sorted(
                           cells.items(), key=lambda item: (item[0][2] or "", item[0][:2]))]}


def _is_long(request: Request, rights: Rights, today: date) -> bool:
    """Whether somebody has not shown who they are for longer than the policy's months."""
    return request.received_on is None or today > plus_months(request.received_on, rights.identity_months)


def tidy(settings: Settings, policy: Policy, today: date) -> dict[str, int]:
    """Destroy our copies of answers, and forget whose requests were, once their time is over; returns how many."""
    control = ControlStore.in_folder(settings.control)
    return {"packages": destroy_copies(settings, control, policy.rights.package_days, today),
            "people": forget(control, today, policy.periods["limitation_months"])}
