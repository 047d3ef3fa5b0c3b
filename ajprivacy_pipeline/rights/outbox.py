"""Notices to recipients and systems about a rectification, an erasure or a restriction (Art. 19), until acknowledged.

A notice says which request and which kinds of data it is about, and no value. Whom the data was about is told outside.
Belongs here: who must be told of what, once; acknowledging. Does not belong here: sending anything, who receives what
(recipients.toml), what was carried out (`enforcement.judged`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.judged import carried_out, plans_of
from ajprivacy_pipeline.enforcement.plans import known_plans
from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.rights.requests import Request, known_requests
from ajprivacy_pipeline.rights.steps import RESTRICTING, check_handler
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_tables import notice_events, notices
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import hold_lock

ACKNOWLEDGED = "acknowledged"
COPY = "copy "  # begins the addressee that is a table of copies


@dataclass(frozen=True)
class Notice:
    """A notice as it stands: `what` are parts as table.part; None: not acknowledged yet."""

    id: int
    request: str
    about: str
    addressee: str
    what: tuple[str, ...]
    made_on: date
    due_on: date
    acknowledged_on: date | None
    acknowledged_by: str | None

    def state(self, today: date) -> str:
        """Returns `acknowledged`, `waits`, or `overdue` from the day after its last on."""
        if self.acknowledged_on is not None:
            return ACKNOWLEDGED
        return "overdue" if today > self.due_on else "waits"


def all_notices(control: ControlStore) -> list[Notice]:
    """Returns every notice, oldest first."""
    said = {row["notice_id"]: row for row in control.rows(sa.select(notice_events).order_by(notice_events.c.id))}
    found = []
    for row in control.rows(sa.select(notices).order_by(notices.c.id)):
        event = said.get(row["id"])
        found.append(Notice(row["id"], row["request_id"], row["about"], row["addressee"],
                            tuple(filter(None, row["what"].split(","))), row["made_on"], row["due_on"],
                            event["happened_on"] if event else None, event["by"] if event else None))
    return found


def count_notices(settings: Settings, today: date) -> dict[str, int]:
    """Returns how many notices are in which state."""
    return dict(Counter(one.state(today) for one in all_notices(ControlStore.in_folder(settings.control))))


def fill(settings: Settings, policy: Policy, today: date, requests: Iterable[Request] | None = None) -> int:
    """Write the notices that are due to be told and are not there yet; returns how many.

    Raises:
        PrivacyError: a store cannot be read.
    """
    control, keys = ControlStore.in_folder(settings.control), KeyStore(settings.keys, settings.root_key)
    listed = known_requests(settings, policy.rights) if requests is None else requests
    with hold_lock(settings):
        carried = {plan.request for plan in known_plans(control) if plan.events and plan.events[-1].event == "verified"}
        there = {(one.request, one.about, one.addressee) for one in all_notices(control)}
        rows = [{"request_id": request.id, "about": request.kind, "addressee": addressee, "what": ",".join(what),
                 "made_on": today, "due_on": today + timedelta(days=policy.rights.notices.days)}
                for request in listed if request.kind in policy.rights.notices.about
                and (request.kind in RESTRICTING or request.id in carried)  # nothing is told of before
                for addressee, what in _to_tell(settings, policy, control, keys, request)
                if (request.id, request.kind, addressee) not in there]
        if rows:
            control.insert(notices, rows)
    return len(rows)


def acknowledge(settings: Settings, policy: Policy, notice_id: int, *, today: date, by: str) -> Notice:
    """Record that an addressee has acknowledged a notice.

    Raises:
        RightsError: there is none of that number, it is acknowledged already, or --by may not; nothing is written.
    """
    check_handler(policy, by)
    control = ControlStore.in_folder(settings.control)
    with hold_lock(settings):
        _standing(control, notice_id)
        control.insert(notice_events, [{"notice_id": notice_id, "event": ACKNOWLEDGED, "by": by.strip(),
                                        "happened_on": today, "happened_at": utc_now()}])
    return next(one for one in all_notices(control) if one.id == notice_id)


def _standing(control: ControlStore, notice_id: int) -> None:
    found = next((one for one in all_notices(control) if one.id == notice_id), None)
    if found is None:
        raise RightsError(f"there is no notice {notice_id}: see `ajprivacy outbox list --all`")
    if found.acknowledged_on is not None:
        raise RightsError(f"notice {notice_id} was acknowledged on {found.acknowledged_on} already")


def _to_tell(settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore, request: Request,
             ) -> Iterator[tuple[str, list[str]]]:
    """Who must be told of a request now, and of which parts."""
    known = policy.rights.notices.categories
    if request.kind in RESTRICTING:
        if request.is_open and request.verified_on is not None:
            everything = {(entity, part) for entity, parts in known.items() for part in parts
                          if part in policy.enforcement.clauses.get(entity, {})}
            yield from _receivers(policy, everything)
        return
    done = carried_out(settings, keys, control, request.id)
    if not done.verified:
        return
    touched = {(entity, part) for entity, part, _ in done.rows}
    yield from _receivers(policy, touched)
    for table in sorted({table for plan in plans_of(control, request.id) for table in plan.summary.get("beside", ())}):
        yield f"{COPY}{table}", sorted(f"{entity}.{part}" for entity, part in touched)


def _receivers(policy: Policy, touched: set[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Recipients and systems that receive a category of what was touched."""
    rules = policy.rights.notices
    receiving = {name: set(entry.categories) for name, entry in policy.recipients.items() if name not in rules.exempt}
    receiving |= {name: set(entry.categories) for name, entry in policy.rights.systems.items()}
    for name, categories in receiving.items():
        what = [f"{entity}.{part}" for entity, part in sorted(touched)
                if categories & set(rules.categories.get(entity, {}).get(part, ()))]
        if what:
            yield name, what
