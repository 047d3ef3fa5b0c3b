"""What was told about conditions: each once when it begins, again while it lasts, and once when it is over.

Belongs here: which message follows from conditions and what was told before; writing that down. Does not belong here:
how a message leaves (`notify`).
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple, TypedDict

import sqlalchemy as sa

from ajprivacy_pipeline.alerts.conditions import Condition, Health, words
from ajprivacy_pipeline.alerts.notify import Message, checked, send
from ajprivacy_pipeline.settings import Settings, prepare_home
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_tables import alert_events


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
    """Tell the addresses of AJPRIVACY_ALERTS what has changed; without an address, and without a change, nobody.

    It is written down as told once one address took it. What could not be looked at now is neither begun nor over.

    Raises:
        PrivacyError: an address has another form.
    """
    checked(settings.alerts)
    changes = list(_changes(settings, found)) if settings.alerts else []
    faults = send(settings.alerts, _message(changes)) if changes else []
    if changes and len(faults) < len(settings.alerts):
        prepare_home(settings)
        ControlStore.in_folder(settings.control).insert(alert_events, [
            {"name": change.name, "event": change.event, "happened_at": utc_now()} for change in changes])
    return {"began": _count(changes, "began"), "again": _count(changes, "again"), "over": _count(changes, "over"),
            "faults": faults}


def _count(changes: Iterable[_Change], event: str) -> int:
    return sum(change.event == event for change in changes)


def _changes(settings: Settings, found: Health) -> Iterable[_Change]:
    limits, texts = words()
    last = {row["name"]: row for row in ControlStore.in_folder(settings.control).rows(
        sa.select(alert_events).order_by(alert_events.c.id))} if (settings.control / "control.db").exists() else {}
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
