"""What carrying out leaves behind for later decisions: of whom something went, and since when the rest is due.

Belongs here: the key of these tokens, the tokens themselves, what was planned and left out month after month. Does not
belong here: the ledger, which answers people (`enforcement.ledger`), and what a decision makes of it
(`sql/retention/subject_freezes`).

Somebody of whom something was carried out has no evidence any more because we took it: that freezes nothing. Who had
none before (`no_evidence`) is not noted: what went of them all the same was none, and the rest waits for its review.
"""

import base64
import hmac
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from ajprivacy_pipeline.calendar import shift
from ajprivacy_pipeline.errors import KeyStoreError
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore, fingerprint, pads
from ajprivacy_pipeline.storage.zones import Connection

KEY = "carried_out"  # the random key of the tokens; it is never changed, since tokens are compared over years
_CHUNK = 5000  # tokens of one statement
_RECORDED = sa.select(store.carried_out.c.token, store.carried_out.c.is_whole).order_by(store.carried_out.c.id)
# The key of each table's rows, which all have the same: nothing is written under another one, see `_key`.
_KEYS = sa.select(*(sa.select(table.c.key).limit(1).scalar_subquery().label(table.name) for table in (
    store.carried_out, store.first_due, store.dropped, store.used_again)))
DROPPED_COLUMNS = "token VARCHAR"
NO_KEY: dict[str, object] = {"carried_inner": None, "carried_outer": None}


def carried_parameters(keys: KeyStore, control: ControlStore) -> dict[str, object]:
    """Returns the two key pads of the tokens, by parameter name.

    Raises:
        KeyStoreError: the key is not the one that the stored tokens were made with.
    """
    both = pads(_key(keys, control))
    return {"carried_inner": both.inner, "carried_outer": both.outer}


def carried_tokens(control: ControlStore) -> list[tuple[object, ...]]:
    """Returns the token of everybody of whom something was carried out and something was left when a month last looked.

    What stands there once nothing was left is somebody new with that id, or came back: evidence for nothing.
    """
    return [(token,) for token in _left(control, [_RECORDED])]


def carried_rows(control: ControlStore, keys: KeyStore, subjects: Iterable[str], month: str) -> list[dict[str, Any]]:
    """Returns the rows to append for subjects of whom nothing is known to be left."""
    key = _key(keys, control)
    tokens = sorted({_token(key, subject) for subject in subjects})
    asked = [_RECORDED.where(store.carried_out.c.token.in_(tokens[start:start + _CHUNK]))
             for start in range(0, len(tokens), _CHUNK)]
    return _rows({*tokens} - {*_left(control, asked)}, month, key, is_whole=False)


def _left(control: ControlStore, queries: Iterable[sa.Select[Any]]) -> list[str]:
    newest: dict[str, bool] = {}
    for query in queries:
        for row in control.rows(query):
            newest[row["token"]] = row["is_whole"]
    return [token for token, is_whole in newest.items() if not is_whole]


def remember_whole(con: Connection, control: ControlStore, keys: KeyStore, month: str) -> None:
    """Note, at the end of a successful month, of whom nothing is left of all of whom something was carried out."""
    gone = con.execute(_WHOLE, carried_parameters(keys, control)).fetchall()
    control.insert(store.carried_out, _rows({row[0] for row in gone}, month, _key(keys, control), is_whole=True))


def remember_used_again(control: ControlStore, keys: KeyStore, subjects: Mapping[str, date], month: str) -> None:
    """Note of subjects, with the day of their erasure, that their ids are somebody else's now.

    That something was carried out says nothing of them, and when the month is run again, they are to be reviewed again.
    """
    key = _key(keys, control)
    tokens = {_token(key, subject): day for subject, day in subjects.items()}
    with control.change() as connection:
        connection.execute(store.used_again.delete().where(store.used_again.c.month < month))
        connection.execute(store.carried_out.insert(), _rows(tokens, month, key, is_whole=True))
        connection.execute(store.used_again.insert(), [
            {"token": token, "erased_on": day, "month": month, "key": fingerprint(key)}
            for token, day in sorted(tokens.items())])


def used_again_in(control: ControlStore, month: str) -> list[tuple[object, ...]]:
    """Returns the token of each id that was found to be somebody else's in a month, and the day of the erasure."""
    gone = store.used_again.c
    found = sa.select(gone.token, sa.func.max(gone.erased_on).label("day")).where(gone.month == month)
    return [(row["token"], row["day"]) for row in control.rows(found.group_by(gone.token))]


_WHOLE = """
    SELECT token FROM control.carried_out ANTI JOIN (
        SELECT sha256($carried_outer || unhex(sha256($carried_inner || encode(s.subject_id)))) AS token
        FROM retention.subjects AS s JOIN retention.presence AS v USING (subject_no)
        WHERE v.has_any AND (SELECT count(*) FROM control.carried_out) > 0
    ) USING (token)
"""


def _rows(tokens: Iterable[str], month: str, key: bytes, *, is_whole: bool) -> list[dict[str, Any]]:
    return [{"token": token, "is_whole": is_whole, "month": month, "key": fingerprint(key)} for token in sorted(tokens)]


class FirstDue:
    """Since when something is due, as it was when a plan first named it and did not carry it out."""

    def __init__(self, control: ControlStore, keys: KeyStore) -> None:
        """Read what is known."""
        self._control, self._key = control, _key(keys, control)
        self._known: dict[str, date] = {}
        for row in control.rows(sa.select(store.first_due.c.token, store.first_due.c.due_on)):
            self._known[row["token"]] = min(row["due_on"], self._known.get(row["token"], row["due_on"]))

    def of(self, entity: str, record_id: str, part: str, due_on: date) -> date:
        """Returns the earlier of a day and the one that is known."""
        if not self._known:
            return due_on
        return min(due_on, self._known.get(self._token(entity, record_id, part), due_on))

    def remember(self, rows: Iterable[tuple[str, str, str, date]], month: str) -> None:
        """Keep the days of (table, id, part, day) that are not known."""
        new = {self._token(entity, record_id, part): day for entity, record_id, part, day in rows}
        self._control.insert(store.first_due, [
            {"token": token, "due_on": day, "month": month, "key": fingerprint(self._key)}
            for token, day in sorted(new.items()) if token not in self._known])

    def remember_dropped(self, rows: Iterable[tuple[str, str, str]], month: str, months: int) -> None:
        """Note of (table, id, part) that a plan of this month had to leave it out; what is older goes."""
        noted = {row["token"] for row in self._control.rows(
            sa.select(store.dropped.c.token).where(store.dropped.c.month == month))}
        tokens = sorted({self._token(*row) for row in rows} - noted)
        with self._control.change() as connection:
            connection.execute(store.dropped.delete().where(store.dropped.c.month < shift(month, -months)))
            if tokens:
                connection.execute(store.dropped.insert(), [
                    {"token": token, "month": month, "key": fingerprint(self._key)} for token in tokens])

    def _token(self, entity: str, record_id: str, part: str) -> str:
        return _token(self._key, f"{entity}\x1f{record_id}\x1f{part}")


def write_dropped(con: Connection, control: ControlStore, month: str, months: int) -> None:
    """Write to `control.dropped` of a zone what was left out in each of so many months before this one."""
    gone, before = store.dropped.c, [shift(month, -back) for back in range(1, months + 1)]
    found = control.rows(sa.select(gone.token).where(gone.month.in_(before)).group_by(gone.token)
                         .having(sa.func.count(gone.month.distinct()) == months))
    con.execute(f"CREATE OR REPLACE TABLE control.dropped ({DROPPED_COLUMNS})")
    if found:
        con.execute("INSERT INTO control.dropped SELECT unnest($1)", [[row["token"] for row in found]])


def _token(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()


def _key(keys: KeyStore, control: ControlStore) -> bytes:
    known = {key for row in control.rows(_KEYS) for key in row.values() if key is not None}
    if not known or keys.has(KEY):
        key = base64.b64decode(keys.data_key(KEY))
        if not known - {fingerprint(key)}:
            return key
    raise KeyStoreError(f"the control store knows of whom something was carried out under another key: restore "
                        f"keys/{KEY}.sealed")
