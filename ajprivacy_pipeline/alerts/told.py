"""What was told about conditions: each once when it begins, again while it lasts, and once when it is over.

Each address has what it was told itself: one that did not take a message gets it the next time, and no other does.

Belongs here: which message follows from conditions and what was told before; writing that down. Does not belong here:
how a message leaves (`notify`).
"""

import fcntl
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple, TypedDict
from urllib.parse import urlsplit

import sqlalchemy as sa

from ajprivacy_pipeline.alerts.conditions import Condition, Health, words
from ajprivacy_pipeline.alerts.notify import Message, checked, deliver
from ajprivacy_pipeline.settings import Settings, prepare_home
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_tables import alerts_told


class Told(TypedDict):
    """How many conditions began, go on and were told again, or are over; and who did not take the message."""

    began: int
    again: int
    over: int
    faults: list[str]


class _Change(NamedTuple):
    event: str  # began, again, over
    name: str
    text: str


def tell(settings: Settings, found: Health) -> Told:
    """Tell each address of AJPRIVACY_ALERTS what has changed since it was told; without a change, nothing.

    What an address did not take it is told the next time. What could not be looked at now is neither begun nor over.
    Who is telling already is waited for, so that two who look at the same time tell it once.

    Raises:
        PrivacyError: an address has another form.
    """
    addresses = list(dict.fromkeys(settings.alerts))
    if not checked(addresses):
        return {"began": 0, "again": 0, "over": 0, "faults": []}
    prepare_home(settings)
    with _alone(settings):
        control = ControlStore.in_folder(settings.control)
        last = {(row["address"], row["name"]): row for row in control.rows(
            sa.select(alerts_told).order_by(alerts_told.c.id))}
        changes = [list(_changes({name: row for (whose, name), row in last.items() if whose == _named(address)}, found))
                   for address in addresses]
        outcomes = deliver(addresses, [_message(each) if each else None for each in changes])
        taken = [(address, change) for address, each, outcome in zip(addresses, changes, outcomes, strict=True)
                 if outcome.taken for change in each]
        control.insert(alerts_told, [{"address": _named(address), "name": change.name, "event": change.event,
                                      "happened_at": utc_now()} for address, change in taken])
    told = {change for _, change in taken}
    return {"began": _count(told, "began"), "again": _count(told, "again"), "over": _count(told, "over"),
            "faults": [outcome.fault for outcome in outcomes if outcome.fault]}


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    with (settings.control / "alerts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _named(address: str) -> str:
    """Under which name an address stands in the control store: one from which neither it nor its password is read."""
    parts = urlsplit(address)
    whole = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _count(changes: Iterable[_Change], event: str) -> int:
    return sum(change.event == event for change in changes)


def _changes(last: Mapping[str, Mapping[str, Any]], found: Health) -> Iterable[_Change]:
    """What an address is to be told, by what it was told last of each condition."""
    limits, texts = words()
    standing = {condition["name"]: condition for condition in found["conditions"]}
    for name, condition in standing.items():
        before = last.get(name)
        if before is None or before["event"] == "over":
            yield _Change("began", name, _told(condition))
        elif utc_now() - before["happened_at"] >= timedelta(days=limits.repeat_days):
            yield _Change("again", name, _told(condition))
    for name, row in last.items():
        if row["event"] != "over" and name not in standing and not found["unknown"] and name in texts:
            yield _Change("over", name, f"over: {name.replace('_', ' ')}")


def _told(condition: Condition) -> str:
    return f"{condition['severity']}: {condition['says']}. {condition['to_do']}."


def _message(changes: list[_Change]) -> Message:
    new = [change for change in changes if change.event != "over"]
    subject = f"ajprivacy: {len(new)} thing(s) need attention" if new else "ajprivacy: it is over"
    return Message(f"{subject} ({', '.join(change.name for change in changes)})",
                   tuple(change.text for change in [*new, *(change for change in changes if change.event == "over")]))
