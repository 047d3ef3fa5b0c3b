"""Requests of people that were recorded here, and the steps that were recorded about any request.

Belongs here: sealing whose a request is, reading both back, giving them to the models, forgetting whose it was after
the limitation period. Does not belong here: which steps a request may take (`rights`), what follows from it for
decisions (`sql/retention/known_requests.sql` and the models that read it).
"""

import json
import secrets
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ajprivacy_pipeline.calendar import plus_months
from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.zones import Connection, engine_errors

ADDED_COLUMNS = ("request_id VARCHAR, kind VARCHAR, customer_id VARCHAR, contact_id VARCHAR, email VARCHAR, "
                 "email_key VARCHAR, received_on DATE")
STEP_COLUMNS = ("request_id VARCHAR, identity_verified_on DATE, closed_on DATE, outcome VARCHAR, "
                "verified_for VARCHAR")
# Events that the models know of; the others are told to people alone.
ADDED, VERIFIED, CLOSED, REFUSED = "added", "verify_identity", "close", "refuse"
_NONCE = 12


@dataclass(frozen=True)
class Asker:
    """Whose a request is, by what the person was recorded with."""

    customer_id: str | None = None
    contact_id: str | None = None
    email: str | None = None
    email_key: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What tells whose it is: its contact, else its customer, else its address; and its address."""
        whose = (f"contact:{self.contact_id}" if self.contact_id else f"customer:{self.customer_id}"
                 if self.customer_id else None)
        return tuple(name for name in (whose, f"email:{self.email_key}" if self.email_key else None) if name)


@dataclass(frozen=True)
class Added:
    """A request that was recorded here; `asker` is None once that is forgotten."""

    id: str
    kind: str
    received_on: date
    asker: Asker | None


@dataclass(frozen=True)
class Recorded:
    """A step that was recorded about a request, in the order in which it was."""

    event: str
    by: str
    on: date
    at: datetime
    detail: str | None


def add(control: ControlStore, keys: KeyStore, kind: str, received_on: date, asker: Asker, *, by: str,
        today: date) -> str:
    """Append a request with its first step; returns its id."""
    request_id, now = f"aj-{secrets.token_hex(4)}", utc_now()
    nonce = secrets.token_bytes(_NONCE)
    sealed = nonce + _cipher(keys).encrypt(nonce, json.dumps(vars(asker)).encode(), request_id.encode())
    with control.change() as connection:
        connection.execute(store.requests.insert(), {"id": request_id, "kind": kind, "received_on": received_on,
                                                     "added_by": by, "added_at": now})
        connection.execute(store.request_people.insert(), {"request_id": request_id, "sealed": sealed})
        connection.execute(store.request_events.insert(), {
            "request_id": request_id, "event": ADDED, "by": by, "happened_on": today, "happened_at": now})
    return request_id


def append(control: ControlStore, request_id: str, event: str, *, by: str, on: date, detail: str | None = None) -> None:
    """Append a step of a request."""
    control.insert(store.request_events, [{"request_id": request_id, "event": event, "by": by, "happened_on": on,
                                           "happened_at": utc_now(), "detail": detail}])


def added_requests(control: ControlStore, keys: KeyStore) -> list[Added]:
    """Returns every request that was recorded here, oldest first.

    Raises:
        ControlError: whose they are was sealed under another root key.
    """
    sealed = {row["request_id"]: bytes(row["sealed"]) for row in control.rows(sa.select(store.request_people))}
    found = control.rows(sa.select(store.requests).order_by(store.requests.c.added_at, store.requests.c.id))
    cipher = _cipher(keys) if sealed else None
    return [Added(row["id"], row["kind"], row["received_on"],
                  _opened(cipher, row["id"], sealed[row["id"]]) if cipher and row["id"] in sealed else None)
            for row in found]


def _opened(cipher: AESGCM, request_id: str, blob: bytes) -> Asker:
    try:
        return Asker(**json.loads(cipher.decrypt(blob[:_NONCE], blob[_NONCE:], request_id.encode())))
    except InvalidTag:
        raise ControlError("the control store was written under another root key: put the right root key back, or the "
                           "control store that belongs to it") from None


def steps(control: ControlStore) -> dict[str, list[Recorded]]:
    """Returns the recorded steps of every request that has some, in order."""
    found: dict[str, list[Recorded]] = {}
    for row in control.rows(sa.select(store.request_events).order_by(store.request_events.c.id)):
        found.setdefault(row["request_id"], []).append(
            Recorded(row["event"], row["by"], row["happened_on"], row["happened_at"], row["detail"]))
    return found


def recorded_steps(control: ControlStore) -> list[tuple[object, ...]]:
    """Returns what the models need to know of recorded steps, one row a request, in the order of STEP_COLUMNS."""
    return [(request_id, *_told(taken)) for request_id, taken in steps(control).items()]


def _told(taken: list[Recorded]) -> tuple[date | None, date | None, str | None, str | None]:
    """When the identity was verified, when it was closed and how, and the token of whose identity it was.

    The last verification counts: an earlier one was somebody else's, before the request was corrected.
    """
    verified = next((step for step in reversed(taken) if step.event == VERIFIED), None)
    who = (verified.on, verified.detail) if verified else (None, None)
    ended = next((step for step in taken if step.event in (CLOSED, REFUSED)), None)
    if ended is None:
        return who[0], None, None, who[1]
    return who[0], ended.on, "refused" if ended.event == REFUSED else ended.detail, who[1]


def write_added(con: Connection, control: ControlStore, keys: KeyStore) -> None:
    """Write control.added_requests: those recorded here of which it is still known whose they are."""
    with engine_errors("control.added_requests"):
        rows = [(one.id, one.kind, asker.customer_id, asker.contact_id, asker.email, asker.email_key, one.received_on)
                for one in added_requests(control, keys) if (asker := one.asker) is not None]
        if rows:
            con.execute(f"INSERT INTO control.added_requests SELECT {', '.join(['unnest(?)'] * len(rows[0]))}",
                        [list(column) for column in zip(*rows, strict=True)])


def forget(control: ControlStore, today: date, limitation_months: int) -> int:
    """Forget whose requests were that were closed longer ago than the limitation period; returns how many."""
    ended = {request_id for request_id, _, closed_on, *_ in recorded_steps(control)
             if isinstance(closed_on, date) and plus_months(closed_on, limitation_months) <= today}
    gone = [row["request_id"] for row in control.rows(sa.select(store.request_people.c.request_id))
            if row["request_id"] in ended]
    if gone:
        with control.change() as connection:
            connection.execute(store.request_people.delete().where(store.request_people.c.request_id.in_(gone)))
    return len(gone)


def _cipher(keys: KeyStore) -> AESGCM:
    return AESGCM(keys.derive("requests", "people"))

