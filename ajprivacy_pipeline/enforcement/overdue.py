"""Since when the oldest is due of what is not carried out: the figure that says whether the promise is kept.

Belongs here: reading it off the ledger, and letting the ledger say that it has ended. Does not belong here: how much is
too much (`policy.enforcement`), how it is shown (`certificate_page`, the assets).
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from ajprivacy_pipeline.enforcement.bodies import NothingDue
from ajprivacy_pipeline.enforcement.entries import Entry
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.shapes import PlanSummary
from ajprivacy_pipeline.retention.quality import missing_evidence
from ajprivacy_pipeline.storage.zones import Connection

_VERDICTS = ("verified", "unverified")


class Oldest(NamedTuple):
    """The day since when, None where nothing is left, and how many days that is; 0 for a day that is still to come."""

    since: date | None
    days: int


def oldest_overdue(entries: Iterable[Entry], today: date) -> Oldest:
    """Returns since when the oldest is due that no apply has carried out, as the newest plan or verdict saw it.

    Of a plan that is not the newest any more, only what was written back tells something new. Where a month had nothing
    due, nobody is.

    Args:
        entries: the whole ledger, oldest first.
        today: the local day.
    """
    newest: str | None = None
    said: str | None = None
    of_requests = set()
    for entry in entries:
        if entry.kind == "plan_made" and entry.body.get("of_request"):
            of_requests.add(entry.body["plan"])  # it saw one person, and tells nothing of the others
        elif entry.kind == "plan_made":
            newest, said = entry.body["plan"], entry.body["oldest_due_on"]
        elif entry.kind == "nothing_due":
            newest, said = "", None
        elif entry.kind in _VERDICTS and entry.body["plan"] not in of_requests and (
                newest in (None, entry.body["plan"]) or entry.kind == "unverified"):
            said = entry.body["oldest_overdue_on"]
    since = date.fromisoformat(said) if said else None
    return Oldest(since, max(0, (today - since).days) if since else 0)


def note_nothing_due(con: Connection, ledger: Ledger, summary: PlanSummary) -> None:
    """Let the ledger say that a month had nothing for a plan, where it says of somebody that they wait.

    Not while evidence is missing: nobody is due then, and those who waited wait on.
    """
    if missing_evidence(con) or oldest_overdue(ledger.entries(), date.fromisoformat(summary["as_of"])).since is None:
        return
    body: NothingDue = {"month": summary["month"], "as_of": summary["as_of"],
                        "policy_version": summary["policy_version"]}
    ledger.append("nothing_due", body)
