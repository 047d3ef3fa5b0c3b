"""Requests as they stand today: from the newest month's file and from what was recorded here, with state and deadline.

Belongs here: reading them together, their deadlines. Does not belong here: taking a step (`steps`), whose data is meant
(`person`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from ajprivacy_pipeline.calendar import plus_months
from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.policy.rights import Rights
from ajprivacy_pipeline.retention.effects import tokens
from ajprivacy_pipeline.retention.recorded_requests import Asker, Recorded, added_requests, steps
from ajprivacy_pipeline.rights.states import table
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import has_month, read_month
from ajprivacy_pipeline.storage.zones import Connection, without_pandas

VERIFY, EXTEND, ANSWER, REFUSE, CLOSE = "verify_identity", "extend", "answer", "refuse", "close"
_ROWS = """
    SELECT request_id, kind, customer_id, contact_id, email, email_key, received_on, identity_verified_on, closed_on,
        outcome
    FROM staged.rights_requests ORDER BY received_on NULLS LAST, request_id
"""


@dataclass(frozen=True)
class Request:
    """A request as it stands. Days are local; `asker` is None once it is forgotten whose it was."""

    id: str
    kind: str | None
    source: str  # warehouse | recorded
    received_on: date | None
    asker: Asker | None
    state: str
    verified_on: date | None = None
    extended_on: date | None = None
    answered_on: date | None = None
    closed_on: date | None = None
    outcome: str | None = None
    reason: str | None = None  # of an extension, a code of the policy
    clause: str | None = None  # of a refusal
    steps: Sequence[Recorded] = field(default=())

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return table().states[self.state].open

    def waits_for_identity(self, rights: Rights) -> bool:
        """Whether it waits for the person to show who they are; the deadline runs on meanwhile."""
        return self.is_open and self.verified_on is None and self.kind not in rights.without_identity

    def deadline(self, rights: Rights) -> date | None:
        """Returns the last day for the answer, in calendar months from receipt; None where that day is not known."""
        if self.received_on is None:
            return None
        return plus_months(self.received_on, rights.extended_months if self.extended_on else rights.answer_months)

    def timing(self, rights: Rights, today: date) -> str:
        """Returns `overdue`, `soon`, `in time`, or `answered` where nothing is waited for any more."""
        due = self.deadline(rights)
        if not self.is_open or self.answered_on is not None:
            return "answered"
        if due is None or due < today:  # one whose receipt cannot be read may be as old as any
            return "overdue"
        return "soon" if due <= today + timedelta(days=rights.soon_days) else "in time"


def known_requests(settings: Settings, rights: Rights, month: Connection | None = None) -> list[Request]:
    """Returns every request, those of the warehouse first, each oldest first.

    Args:
        settings: whose.
        rights: deadlines and who needs to show who they are.
        month: the newest month, where this process has it open.

    Raises:
        PrivacyError: the newest month's file or the control store cannot be read.
    """
    control, keys = ControlStore.in_folder(settings.control), KeyStore(settings.keys, settings.root_key)
    taken = steps(control)
    found = [_of_warehouse(row, rights) for row in (
        _warehouse_rows(settings) if month is None else month.execute(_ROWS).fetchall())]
    named = {request.id for request in found}
    found += [Request(one.id, one.kind, "recorded", one.received_on, one.asker, _begins(one.kind, rights))
              for one in added_requests(control, keys) if one.id not in named]
    token = tokens(keys, control)
    return [_moved(request, taken.get(request.id, ()), token) for request in found]


def find_request(settings: Settings, rights: Rights, request_id: str) -> Request:
    """Returns one request.

    Raises:
        RightsError: there is none of that id.
    """
    for request in known_requests(settings, rights):
        if request.id == request_id:
            return request
    raise RightsError("there is no request of that id, neither recorded here nor in the newest decided month: see "
                      "`ajprivacy request list`")


def _warehouse_rows(settings: Settings) -> list[tuple[Any, ...]]:
    if not has_month(settings):  # none was run yet
        return []
    with without_pandas(), boundary("requests"), read_month(settings, None) as (con, _):
        return con.execute(_ROWS).fetchall()


def _begins(kind: str | None, rights: Rights) -> str:
    return table().begins["without_identity" if kind in rights.without_identity else "needing_identity"]


def _of_warehouse(row: Sequence[Any], rights: Rights) -> Request:
    """As the warehouse has it, before anything that was recorded here."""
    request_id, kind, customer_id, contact_id, email, key, received_on, verified_on, closed_on, outcome = row
    state = _begins(kind, rights)
    if closed_on is not None or outcome is not None:
        state = table().begins["refused" if outcome == "refused" else "closed"]
    elif verified_on is not None:
        state = table().begins["identified"]
    return Request(request_id, kind, "warehouse", received_on, Asker(customer_id, contact_id, email, key), state,
                   verified_on, closed_on=closed_on, outcome=outcome)


def _moved(request: Request, taken: Sequence[Recorded], token: Callable[[str], str]) -> Request:
    """A request after the steps that were recorded; what the warehouse has overtaken changes nothing.

    Nor does it that somebody was identified whose request it was before the warehouse said whose it is.
    """
    found = replace(request, steps=taken)
    names = request.asker.names if request.asker else ()
    for step in taken:
        if step.event == VERIFY and step.detail and names and step.detail not in map(token, names):
            continue
        after = table().steps[step.event].moves.get(found.state) if step.event in table().steps else None
        if after is not None:
            found = replace(found, state=after, **_told(found, step))
    return found


def _told(request: Request, step: Recorded) -> dict[str, Any]:
    """What a step says about a request; each day is that of the first of its kind."""
    if step.event == VERIFY:
        return {"verified_on": request.verified_on or step.on}
    if step.event == EXTEND:
        return {"extended_on": step.on, "reason": step.detail}
    if step.event == ANSWER:
        return {"answered_on": step.on}
    if step.event == REFUSE:
        return {"closed_on": step.on, "outcome": "refused", "clause": step.detail}
    return {"closed_on": step.on, "outcome": step.detail}
