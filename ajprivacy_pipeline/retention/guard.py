"""What plans have erased, so that nobody comes back unseen: keyed tokens of ids, values, addresses and numbers.

Belongs here: the key of these tokens, which of them still count, what a month that ended well takes from them. Does not
belong here: who has come back and who is only alike, which is SQL (`guard_hits`); writing them (`enforcement.guarded`).

A token is HMAC-SHA256 of a text, by kind:

    id             a subject of whom nothing was left: 'customer:1'
    value          a value of a column of a subject: its id, the column and the value, with U+001F between
    email, phone   an address (its key) or a number (its digits) that nobody else held

An entry counts until its day, the longest life in the registers of backups and imports, and a month are over.
"""

import base64
import hmac
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from ajprivacy_pipeline.calendar import as_of, plus_months
from ajprivacy_pipeline.errors import KeyStoreError
from ajprivacy_pipeline.policy.enforcement import Enforcement, Sweep
from ajprivacy_pipeline.retention.carried import remember_used_again
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore, fingerprint, pads
from ajprivacy_pipeline.storage.zones import Connection

KEY = "guard"  # the random key of the tokens; it is never changed while an entry stands
NO_KEY: dict[str, object] = {"guard_inner": None, "guard_outer": None, "guard_national": None}
GUARD_COLUMNS = "kind VARCHAR, token VARCHAR, erased_on DATE"
_GONE = store.guard.c
_CHUNK = 10_000  # tokens of one statement; SQLite takes 32,766 bound values


def guard_parameters(keys: KeyStore, control: ControlStore, sweep: Sweep) -> dict[str, object]:
    """Returns what the SQL of the guard binds: the two key pads of its tokens, and what a number of home looks like.

    Raises:
        KeyStoreError: the key is not the one that the stored tokens were made with.
    """
    both = pads(_key(keys, control))
    return {"guard_inner": both.inner, "guard_outer": both.outer,
            "guard_national": sweep.national_pattern}


def last_day(erased_on: date, enforcement: Enforcement) -> date:
    """Returns the day on which an entry ends."""
    return plus_months(erased_on + timedelta(days=enforcement.longest_life_days), enforcement.guard_months)


def write_guard(con: Connection, control: ControlStore, enforcement: Enforcement, day: date) -> None:
    """Write the entries that count on a day to `control.guard` of a zone."""
    rows = [(row["kind"], row["token"], row["erased_on"]) for row in _entries(control)
            if day < last_day(row["erased_on"], enforcement)]
    con.execute(f"CREATE OR REPLACE TABLE control.guard ({GUARD_COLUMNS})")
    if rows:
        con.execute("INSERT INTO control.guard SELECT unnest($1), unnest($2), unnest($3)",
                    [list(column) for column in zip(*rows, strict=True)])


def erased_on(keys: KeyStore, control: ControlStore, subject_id: str) -> date | None:
    """Returns the day on which the last of a subject was erased; None where the guard knows no such day.

    Raises:
        KeyStoreError: the key is not the one that the stored tokens were made with.
    """
    token = hmac.digest(_key(keys, control), subject_id.encode(), "sha256").hex()
    found = control.rows(sa.select(sa.func.max(_GONE.erased_on).label("day")).where(_GONE.token == token,
                                                                                    store.IS_ID))
    return found[0]["day"] if found else None


def guard_rows(keys: KeyStore, control: ControlStore, tokens: Iterable[tuple[str, str]], erased_on: date,
               ) -> list[dict[str, Any]]:
    """Returns the rows to append for tokens (kind, token) of what was erased on a day."""
    key = fingerprint(_key(keys, control))
    return [{"kind": kind, "token": token, "erased_on": erased_on, "key": key} for kind, token in sorted(set(tokens))]


def end_entries(con: Connection, control: ControlStore, keys: KeyStore, enforcement: Enforcement, month: str) -> None:
    """Forget, at the end of a successful month, entries whose time is over, and those of ids that are used again.

    With the id of somebody who is decided like anybody go the addresses and numbers that stand there now; that
    something was carried out under that id once says nothing any more.
    """
    over = {row["erased_on"] for row in _entries(control) if as_of(month) >= last_day(row["erased_on"], enforcement)}
    values = guard_parameters(keys, control, enforcement.sweep)
    again = dict(con.execute("SELECT subject_id, max(since) FROM retention.guard_hits "
                             "WHERE reason = 'id_used_again' GROUP BY subject_id").fetchall())
    tokens = [row[0] for row in con.execute(_OF_USED_AGAIN, values).fetchall()] if again else []
    if not over and not again:
        return
    if again:
        remember_used_again(control, keys, again, month)
    with control.change() as connection:
        if over:
            connection.execute(store.guard.delete().where(_GONE.erased_on == sa.bindparam("day")),
                               [{"day": day} for day in sorted(over)])
        for start in range(0, len(tokens), _CHUNK):
            connection.execute(store.guard.delete().where(_GONE.token.in_(tokens[start:start + _CHUNK])))


_OF_USED_AGAIN = """
    WITH again AS (
        SELECT DISTINCT entity, record_id, subject_id FROM retention.guard_hits WHERE reason = 'id_used_again'
    ), texts AS (
        SELECT subject_id AS text FROM again
        UNION
        SELECT CASE WHEN a.kind = 'phone' THEN phone_key(a.value, $guard_national) ELSE a.value END
        FROM retention.address_holders AS a SEMI JOIN again USING (entity, record_id)
    )
    SELECT sha256($guard_outer || unhex(sha256($guard_inner || encode(text)))) FROM texts WHERE text IS NOT NULL
"""


def has_entries(control: ControlStore) -> bool:
    """Returns whether the guard holds anything."""
    return bool(control.rows(sa.select(_GONE.id).limit(1)))


def _entries(control: ControlStore) -> list[Any]:
    return control.rows(sa.select(_GONE.kind, _GONE.token, _GONE.erased_on).order_by(_GONE.id))


def _key(keys: KeyStore, control: ControlStore) -> bytes:
    known = {row["key"] for row in control.rows(sa.select(_GONE.key).limit(1))}  # all have the same: see below
    if not known or keys.has(KEY):
        key = base64.b64decode(keys.data_key(KEY))
        if not known - {fingerprint(key)}:
            return key
    raise KeyStoreError(f"the control store knows what was erased under another key: restore keys/{KEY}.sealed, or "
                        "people who were erased would come back unseen")
