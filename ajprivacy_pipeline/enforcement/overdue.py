"""Since when the oldest is due of what is not carried out: the figure that says whether the promise is kept.

Belongs here: reading it off the ledger. Does not belong here: how much is too much (`policy.enforcement`), how it is
shown (`certificate_page`, the assets).
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from ajprivacy_pipeline.enforcement.entries import Entry

_DAYS = {"plan_made": "oldest_due_on", "verified": "oldest_overdue_on", "unverified": "oldest_overdue_on"}


class Oldest(NamedTuple):
    """The day since when, None where nothing is left, and how many days that is; 0 for a day that is still to come."""

    since: date | None
    days: int


def oldest_overdue(entries: Iterable[Entry], today: date) -> Oldest:
    """Returns since when the oldest is due that no apply has carried out, as the newest plan or verdict saw it.

    Args:
        entries: the whole ledger, oldest first.
        today: the local day.
    """
    told, of_requests = [], set()
    for entry in entries:
        if entry.kind == "plan_made" and entry.body.get("of_request"):
            of_requests.add(entry.body["plan"])  # it saw one person, and tells nothing of the others
        elif entry.kind in _DAYS and entry.body["plan"] not in of_requests:
            told.append(entry.body[_DAYS[entry.kind]])
    since = date.fromisoformat(told[-1]) if told and told[-1] else None
    return Oldest(since, max(0, (today - since).days) if since else 0)
