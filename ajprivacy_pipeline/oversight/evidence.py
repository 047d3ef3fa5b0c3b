"""What a month must not have lost: what it is compared with, and a person's word that it is right as it is.

Belongs here: remembering what a run measured, reading the comparison of a month, recording an acceptance. Does not
belong here: what is measured and when a guard trips (`sql/retention/measures.sql`, `guards.sql`), which runs a month is
compared with (`control.previous_measures`).
"""

import json
import secrets
import zlib
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TypedDict, cast

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.oversight.codes import check_code, check_name
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_rows import Acceptance, Figure, Measure, Sealed
from ajprivacy_pipeline.storage.counter import read_counter
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import newest_month, read_month
from ajprivacy_pipeline.storage.zones import Connection, engine_errors

_MEASURES = ("guard", "table_name", "column_name", "part", "whole", "newest")
_OPEN = {"cases": "case_id", "rights_requests": "request_id"}  # what may be closed back in time, and its key
_NONCE = 12


class Value(TypedDict):
    """What a guard watches, at one time: rows with something of how many, or the newest day (ISO)."""

    part: int | None
    whole: int | None
    newest: str | None


class Compared(TypedDict):
    """A measure of a month beside what it is compared with.

    `column` is empty for the table as a whole; `since` is the month of `then`, both None where nothing stands before;
    `to_do` is None where nothing has tripped.
    """

    guard: str
    table: str
    column: str
    tripped: bool
    now: Value
    then: Value | None
    since: str | None
    to_do: str | None


class Accepted(TypedDict):
    """What was accepted: the place, the month that found it so, the guards that are lifted, and by whom and why."""

    place: str
    month: str
    guards: list[str]
    accepted_by: str
    reason: str
    accepted_on: date


def remember_measures(con: Connection, control: ControlStore, keys: KeyStore, month: str, run_id: str,
                      policy_version: str) -> None:
    """Record a month's success with what it measured.

    What tripped a guard, or is worse than in the first success of the same month, is noted but never compared with.
    """
    found = con.execute(f"SELECT {', '.join(f'm.{name}' for name in _MEASURES)}, NOT (g.is_tripped OR g.is_worse) "
                        "FROM retention.measures AS m JOIN retention.guards AS g "
                        "USING (guard, table_name, column_name) ORDER BY ALL").fetchall()
    measures = [cast(Measure, dict(zip((*_MEASURES, "stands"), row, strict=True))) for row in found]
    control.record_month(month, run_id, policy_version, measures, list(_sealed(con, keys, month, run_id, _OPEN)))


def _sealed(con: Connection, keys: KeyStore, month: str, run_id: str,
            tables: Iterable[str]) -> Iterator[Sealed]:
    """The ids of what is open at the month's end, sealed: a set a table."""
    cipher = AESGCM(keys.derive("evidence", "open records"))
    for name in tables:
        ids = [row[0] for row in con.execute(
            f"SELECT {_OPEN[name]} FROM staged.{name} WHERE NOT coalesce(closed_on <= ?, false) ORDER BY 1",
            [as_of(month)]).fetchall()]
        nonce = secrets.token_bytes(_NONCE)
        text = zlib.compress(json.dumps(ids).encode())
        yield {"table_name": name, "sealed": nonce + cipher.encrypt(nonce, text, f"{run_id}|{name}".encode())}


def write_open_before(con: Connection, control: ControlStore, keys: KeyStore, month: str) -> None:
    """Write control.open_before: what was open in the runs that the closings of a month are compared with.

    Raises:
        ControlError: it was sealed under another root key.
    """
    cipher = AESGCM(keys.derive("evidence", "open records"))
    for row in control.previous_measures(month):
        if row["guard"] != "closings":
            continue
        sealed = control.rows(sa.select(store.open_records.c.sealed).filter_by(
            run_id=row["run_id"], table_name=row["table_name"]))
        for found in sealed:
            blob, label = bytes(found["sealed"]), f"{row['run_id']}|{row['table_name']}".encode()
            try:
                ids = json.loads(zlib.decompress(cipher.decrypt(blob[:_NONCE], blob[_NONCE:], label)))
            except InvalidTag:
                raise ControlError("the control store was written under another root key: put the right root key "
                                   "back, or the control store that belongs to it") from None
            with engine_errors("control.open_before"):
                con.execute("INSERT INTO control.open_before SELECT $table, unnest($ids), $as_of, $first",
                            {"table": row["table_name"], "ids": ids, "as_of": as_of(row["month"]),
                             "first": row["is_first"]})


def compared(settings: Settings, month: str | None) -> list[Compared]:
    """Each measure of a month beside what it is compared with, what tripped first.

    Raises:
        ControlError: the month is unknown or destroyed.
    """
    with boundary("evidence"), read_month(settings, month or newest_month(settings)) as (con, _):
        found = con.execute("SELECT guard, table_name, column_name, is_tripped, part, whole, newest, before_part, "
                            "before_whole, before_newest, before_month FROM retention.guards "
                            "ORDER BY NOT is_tripped, table_name, column_name, guard").fetchall()
    return [{"guard": guard, "table": table, "column": column, "tripped": tripped,
             "now": {"part": part, "whole": whole, "newest": newest and newest.isoformat()},
             "then": {"part": then_part, "whole": then_whole,
                      "newest": then_newest and then_newest.isoformat()} if since else None,
             "since": since, "to_do": _to_do(table, column) if tripped else None}
            for guard, table, column, tripped, part, whole, newest, then_part, then_whole, then_newest, since in found]


def _to_do(table: str, column: str) -> str:
    return ("fix the source or the mapping and run the month again, or say that it is right: ajprivacy evidence "
            f"accept {place_of(table, column)} --by NAME --reason CODE")


def place_of(table: str, column: str) -> str:
    """A table, or a column of it, as people write it."""
    return f"{table}.{column}" if column else table


def accept(settings: Settings, place: str, by: str, reason: str, *, month: str | None,
           today: date) -> Accepted:
    """Record that a table or column is right as a month found it; the next run, of whatever month, goes by it.

    Args:
        settings: folders and keys.
        place: a table, or `table.column`, at which a guard has tripped.
        by: who answers for it.
        reason: a code of review.toml, reasons.accept.
        month: whose measures are accepted; None for the newest that has a file.
        today: the day of the decision.

    Raises:
        ControlError: no guard has tripped there, or the name or the reason is none; nothing is written.
    """
    check_code(reason, load_policy(settings.notice).review.reasons.accept, "reason code for accept")
    check_name(by, "--by")
    table, _, column = place.partition(".")
    with boundary("evidence"), read_month(settings, month or newest_month(settings)) as (con, chosen):
        listed = ", ".join(f"m.{name}" for name in _MEASURES)
        tripped = [cast(Figure, dict(zip(_MEASURES, row, strict=True))) for row in con.execute(
            f"SELECT {listed} FROM retention.measures AS m JOIN retention.guards AS g USING (guard, table_name, "
            "column_name) WHERE g.is_tripped ORDER BY ALL").fetchall()]
        rows = [row for row in tripped if (row["table_name"], row["column_name"]) == (table, column)]
        if not rows:
            places = sorted({place_of(row["table_name"], row["column_name"]) for row in tripped})
            which = f"those that have are {', '.join(places)}" if places else "none has"
            raise ControlError(f"{place}: no guard has tripped there in {chosen}: {which}, see "
                               "`ajprivacy evidence list`")
        run_id = f"accepted-{secrets.token_hex(8)}"
        closings = [row["table_name"] for row in rows if row["guard"] == "closings"]
        keys = KeyStore(settings.keys, settings.root_key)
        opened = list(_sealed(con, keys, chosen, run_id, closings))
    accepted: list[Acceptance] = [{**row, "month": chosen, "run_id": run_id, "accepted_by": by.strip(),
                                   "reason": reason, "accepted_on": today} for row in rows]
    ControlStore.in_folder(settings.control).record_acceptance(
        accepted,
        [{**row, "month": chosen, "run_id": run_id} for row in opened])
    return {"place": place, "month": chosen, "guards": [row["guard"] for row in rows], "accepted_by": by.strip(),
            "reason": reason, "accepted_on": today}


def accept_store(settings: Settings, by: str, reason: str, *, today: date) -> int:
    """Go on with a control store that has lost something, or with a new one; who said so is recorded in it.

    Returns:
        The number of changes from which it counts on.

    Raises:
        ControlError: the store has lost nothing, or the name or the reason is none; nothing is written.
    """
    check_code(reason, load_policy(settings.notice).review.reasons.accept_store, "reason code for accept-store")
    check_name(by, "--by")
    try:
        ControlStore.in_folder(settings.control)
    except ControlError:
        try:
            before = read_counter(settings.keys)
        except ControlError:
            before = None
        return ControlStore.unchecked(settings.control).start_anew(before, by.strip(), reason, today)
    raise ControlError("the control store has lost nothing; it goes on as it is")
