"""What is looked at every day: how many requests are open, overdue, or wait; and what has to be forgotten.

Belongs here: counts, never of whom; forgetting what its time is over. Does not belong here: how it looks in Dagster.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypedDict

from ajprivacy_pipeline.calendar import plus_months
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.rights import Rights
from ajprivacy_pipeline.policy.ropa import ropa
from ajprivacy_pipeline.retention.recorded_requests import forget
from ajprivacy_pipeline.rights import DAILY
from ajprivacy_pipeline.rights.folder import destroy_copies
from ajprivacy_pipeline.rights.outbox import all_notices, fill
from ajprivacy_pipeline.rights.requests import VERIFY, Request
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore


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


def register_figures(settings: Settings, policy: Policy, requests: Sequence[Request], today: date) -> dict[str, int]:
    """Returns how many notices were made now and how many are overdue, and what the registers lack."""
    made = fill(settings, policy, today, requests)
    late = [one for one in all_notices(ControlStore.in_folder(settings.control)) if one.state(today) == "overdue"]
    return {"notices_made": made, "unacknowledged": len(late), "register_gaps": len(ropa(policy, today)["warnings"])}


def _is_long(request: Request, rights: Rights, today: date) -> bool:
    """Whether somebody has not shown who they are for longer than the policy's months."""
    return request.received_on is None or today > plus_months(request.received_on, rights.identity_months)


class Planned(TypedDict):
    """What became of plans for requests: made, approved without anybody, nothing due; `left`: none could be made."""

    made: int
    approved: int
    nothing_due: int
    left: int


def plan_ready(settings: Settings, policy: Policy, requests: Iterable[Request]) -> Planned:
    """Make the plan of each erasure and objection that is ready and has none; approved as the policy says.

    Raises:
        PrivacyError: a run is under way, no month is decided, or the warehouse or a store is not usable.
    """
    from ajprivacy_pipeline.enforcement.approve import auto_approve  # late: counting open requests needs no writer
    from ajprivacy_pipeline.enforcement.requested import ENDING, plans_for_requests
    waiting = [one.id for one in requests if one.is_open and one.kind in ENDING and not one.waits_for_identity(
        policy.rights) and not _has_plan(one)] if policy.rights.plan_daily else []
    found = plans_for_requests(settings, waiting, by=DAILY, leave=True) if waiting else {}
    made = [summary["plan"] for summary in found.values() if summary["plan"] is not None]
    return {"made": len(made), "approved": len(auto_approve(settings, made)), "nothing_due": len(found) - len(made),
            "left": len(waiting) - len(found)}


def _has_plan(request: Request) -> bool:
    """Whether a plan was made since the person was identified."""
    from ajprivacy_pipeline.enforcement.requested import PLANNED
    events = [step.event for step in request.steps]
    since = events.index(VERIFY) if VERIFY in events else 0
    return PLANNED in events[since:]


def tidy(settings: Settings, policy: Policy, today: date, open_ids: Sequence[str] = ()) -> dict[str, int]:
    """Destroy our copies of answers, and forget whose requests were, once their time is over; returns how many.

    What was decided or said to be corrected for an open request, of `open_ids`, is kept.
    """
    from ajprivacy_pipeline.enforcement import said
    from ajprivacy_pipeline.enforcement.judged import forget_judged
    control, keys = ControlStore.in_folder(settings.control), KeyStore(settings.keys, settings.root_key)
    said.forget(settings, keys, open_ids)
    forget_judged(settings, keys, policy.rights.package_days, today, open_ids)
    return {"packages": destroy_copies(settings, control, policy.rights.package_days, today),
            "people": forget(control, today, policy.periods["limitation_months"])}
