"""The ledger: what was planned, approved, carried out and verified, appended to alone; and who was, behind keys.

Belongs here: appending an entry with its tokens, verifying, finding somebody, forgetting years. Does not belong here:
what a hash is (`chain`), the head's second copy (`head`), what an entry says (`bodies`), when something is recorded.

Who was carried out stands beside the chain, in `ledger_tokens`: HMAC-SHA256 of the subject's id under a random key of
the year, sealed under the root key. The chain holds the tokens' Merkle root alone, so that it stays verifiable when
the year's key is destroyed.
"""

import base64
import hmac
import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.bodies import Kind
from ajprivacy_pipeline.enforcement.chain import Row, canonical, faults_of, hash_of, merkle_root, was_written_as
from ajprivacy_pipeline.enforcement.entries import Entry, entry_of, undone_batches
from ajprivacy_pipeline.enforcement.head import NOTHING, REMEDY, Head, HeadCopy, fault_between
from ajprivacy_pipeline.errors import ControlError, KeyStoreError
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.appending import append_rows
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_tables import META, ledger, ledger_tokens
from ajprivacy_pipeline.storage.keystore import KeyStore, fingerprint

KEY_OF_YEAR = "ledger-"  # what the names of the keys of years begin with
_ATTEMPTS = 40  # of reading the whole ledger while somebody appends to it
_PAUSE_SECONDS = 0.05  # between two of them
_CHAIN = [ledger.c[name] for name in Row._fields]
_TOKENS = ledger_tokens.c


class Token(NamedTuple):
    """Somebody who was carried out: id as 'customer:1', the plan's month, one of the clauses."""

    subject_id: str
    month: str
    clause: str


class Found(NamedTuple):
    """What the ledger knows of somebody: the day it was carried out, the plan's month, the clause."""

    carried_out_on: date
    month: str
    clause: str


@dataclass(frozen=True)
class Answer:
    """What was found of somebody, oldest first, and the years of which nobody can tell: their keys are gone."""

    found: tuple[Found, ...]
    years_without_key: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """How many entries there are, the head, and a sentence for each fault; without one the ledger is whole."""

    entries: int
    head: Head
    faults: tuple[str, ...]


class Ledger:
    """The ledger of one control store."""

    def __init__(self, control: ControlStore, keys: KeyStore, folder: Path) -> None:
        """Keep the chain in `control`, the years' keys in `keys`, the head's second copy in `folder`: beside them."""
        self._control = control
        self._keys = keys
        self._copy = HeadCopy(folder)

    def append(self, kind: Kind, body: Mapping[str, object], tokens: Sequence[Token] = (),
               also: Mapping[str, Sequence[Mapping[str, Any]]] | None = None, *, at: datetime | None = None) -> Entry:
        """Append an entry with its tokens, and rows of other control tables: all of it or nothing.

        Args:
            kind: what happened.
            body: what it says, as `bodies` has it; a batch's gets `merkle_root`, the root of its tokens.
            tokens: who was carried out; the same one twice counts once.
            also: rows, by the name of a control table.
            at: when, in UTC without zone; default: now.

        Raises:
            ControlError: the ledger's end is not as it was left, or the store refuses; nothing is written.
            KeyStoreError: the year's key is lost, or another one.
            TypeError: the body has no exact form, as with a float in it.
        """
        draft = Entry(0, kind, json.loads(canonical(dict(body))), at or utc_now(), "", "")
        rows = self._sealed(tokens, draft.day.year) if tokens else []
        if kind == "batch":
            draft.body["merkle_root"] = merkle_root(map(_leaf, rows))
        text, recorded_at = canonical(draft.body), draft.recorded_at.isoformat(timespec="microseconds")
        with self._control.change() as connection:  # it locks the count of changes: one appends at a time
            last = self._last(connection)
            made = hash_of(last.seq + 1, last.hash, kind, recorded_at, text)
            entry = Row(last.seq + 1, kind, text, recorded_at, last.hash, made)
            connection.execute(ledger.insert(), entry._asdict())
            beside = {ledger_tokens.name: [{**row, "seq": entry.seq} for row in rows], **(also or {})}
            for name, given in beside.items():
                append_rows(connection, META.tables[name], given)
            self._copy.announce(last, Head(entry.seq, entry.hash))
        self._copy.advance(Head(entry.seq, entry.hash))
        return entry_of(entry)

    def entries(self) -> list[Entry]:
        """Returns every entry, oldest first, as it stands; whether it is whole is said by `verify`.

        Raises:
            ControlError: an entry cannot be read.
        """
        return [entry_of(row) for row in self._rows()]

    def verify(self) -> Verdict:
        """Recompute every hash and every root, and hold the end against the head's copy beside the keys.

        A copy that is behind by the entry that it announces is brought up.
        """
        for _ in range(_ATTEMPTS):
            said, rows, faults = self._read()
            if self._said() == said:  # else somebody has appended meanwhile
                break
            time.sleep(_PAUSE_SECONDS)
        head = _head(rows)
        amiss = said if isinstance(said, str) else fault_between(said, head)
        if not amiss and rows:
            self._copy.advance(head)
        return Verdict(len(rows), head, (*faults, amiss) if amiss else faults)

    def check(self) -> Head:
        """Returns the head of a ledger that is whole.

        Raises:
            ControlError: it is not; every fault is named.
        """
        verdict = self.verify()
        if verdict.faults:
            raise as_error(verdict.faults)
        return verdict.head

    def find(self, subject_id: str) -> Answer:
        """Recompute somebody's token under each year's key that is left; batches that a restore undid do not count.

        Raises:
            KeyStoreError: a year's key is another one than its tokens were made under.
            ControlError: an entry cannot be read.
        """
        entries = self.entries()
        undone = undone_batches(entries)
        days = {entry.seq: entry.day for entry in entries if entry.kind == "batch" and entry.seq not in undone}
        found: set[Found] = set()
        without = []
        for year in self._years():
            if not self._keys.has(_name(year)):
                without.append(year)
                continue
            query = sa.select(_TOKENS.seq, _TOKENS.month, _TOKENS.clauses).where(
                _TOKENS.token == _token(self._key(year), subject_id), _TOKENS.year == year)
            found |= {Found(days[row["seq"]], row["month"], clause) for row in self._control.rows(query)
                      if row["seq"] in days for clause in row["clauses"].split(",")}
        return Answer(tuple(sorted(found)), tuple(without))

    def among(self, batches: Collection[int]) -> Callable[[str], bool] | None:
        """Returns what tells whether a subject is among who was carried out in some batches, by their entries' numbers.

        None where nobody can be told any more: nobody was, or the years' keys are gone.

        Raises:
            KeyStoreError: a year's key is another one than its tokens were made under.
        """
        keys = {year: self._key(year) for year in self._years() if self._keys.has(_name(year))}
        known = {row["token"] for row in self._control.rows(sa.select(_TOKENS.seq, _TOKENS.year, _TOKENS.token))
                 if row["seq"] in batches and row["year"] in keys}
        if not known:
            return None
        return lambda subject_id: any(_token(key, subject_id) in known for key in keys.values())

    def forget_years(self, today: date, ledger_years: int) -> tuple[int, ...]:
        """Destroy the key of each year that ended `ledger_years` years ago or earlier; that is recorded first.

        Returns:
            The years. Tokens and chain stay, and stay verifiable; nobody can be found in them any more.
        """
        old = [year for year in self._years() if year < today.year - ledger_years and self._keys.has(_name(year))]
        if old:
            known = {year for entry in self.entries() if entry.kind == "keys_destroyed" for year in entry.body["years"]}
            if new := sorted(set(old) - known):
                self.append("keys_destroyed", {"years": new})
        for year in old:
            self._keys.destroy(_name(year))
        return tuple(old)

    def start_anew(self, by: str, reason: str) -> Entry | None:
        """Go on from what the store holds although the head's copy says otherwise; who said so is the next entry.

        Returns:
            The entry; None where copy and store fit.

        Raises:
            ControlError: what the store holds is not whole itself.
        """
        said, rows, faults = self._read()
        if faults:
            raise as_error(faults)
        head = _head(rows)
        if not isinstance(said, str) and fault_between(said, head) is None:
            return None
        self._copy.reset(head)
        before = f"{said[0].seq} {said[0].hash}" if said and not isinstance(said, str) else None
        return self.append("started_anew", {"by": by, "reason": reason, "head_before": before})

    def _read(self) -> tuple[tuple[Head, ...] | str, list[Row], tuple[str, ...]]:
        """What the head's copy says, every entry, and the faults of entries and tokens."""
        said = self._said()
        with_tokens = {row["seq"] for row in self._control.rows(sa.select(_TOKENS.seq).distinct())}
        rows = self._rows()  # after the tokens: an entry comes together with its own
        return said, rows, (*faults_of(rows), *self._token_faults(rows, with_tokens))

    def _said(self) -> tuple[Head, ...] | str:
        """What the head's copy says; what is wrong with it, where it is none."""
        try:
            return self._copy.said()
        except ControlError as error:
            return str(error)

    def _rows(self) -> list[Row]:
        return [Row(**row) for row in self._control.rows(sa.select(*_CHAIN).order_by(ledger.c.seq))]

    def _last(self, connection: sa.Connection) -> Head:
        """The last entry, which must be as it was left (ControlError)."""
        found = connection.execute(sa.select(*_CHAIN).order_by(ledger.c.seq.desc()).limit(1)).mappings().first()
        row = Row(**found) if found is not None else None
        last = Head(row.seq, row.hash) if row is not None else NOTHING
        if row is not None and not was_written_as(row, row.seq):
            raise ControlError(f"entry {row.seq} of the ledger was changed: {REMEDY}")
        if amiss := fault_between(self._copy.said(), last):
            raise ControlError(f"{amiss}: {REMEDY}")
        return last

    def _years(self) -> list[int]:
        return [row["year"] for row in self._control.rows(sa.select(_TOKENS.year).distinct().order_by(_TOKENS.year))]

    def _sealed(self, tokens: Sequence[Token], year: int) -> list[dict[str, Any]]:
        """A row a person and month, sorted by token, so that their order tells nothing about the ids'."""
        key = self._key(year)
        groups: dict[tuple[str, str], set[str]] = {}
        for one in tokens:
            groups.setdefault((one.subject_id, one.month), set()).add(one.clause)
        shared = {"year": year, "key": fingerprint(key)}
        rows = [{**shared, "token": _token(key, subject_id), "month": month, "clauses": ",".join(sorted(clauses))}
                for (subject_id, month), clauses in groups.items()]
        return sorted(rows, key=_leaf)

    def _key(self, year: int) -> bytes:
        """The key of a year; it is made where nobody has a token of that year yet, and only there."""
        query = sa.select(_TOKENS.key).where(_TOKENS.year == year).limit(1)  # all have the same: see below
        known = {row["key"] for row in self._control.rows(query)}
        if known and not self._keys.has(_name(year)):
            raise KeyStoreError(f"the key {_name(year)} is gone while the ledger has tokens under it: {REMEDY}")
        key = base64.b64decode(self._keys.data_key(_name(year)))
        if known - {fingerprint(key)}:
            raise KeyStoreError(f"the key {_name(year)} is not the one that the ledger's tokens were made under: "
                                f"{REMEDY}")
        return key

    def _token_faults(self, rows: Iterable[Row], with_tokens: set[int]) -> list[str]:
        """Entries whose tokens are not those of their root, and tokens of entries that have none."""
        held = set(with_tokens)
        found = []
        for row in rows:
            root = _root(row)
            if root is None:
                continue
            held.discard(row.seq)
            query = sa.select(_TOKENS.token, _TOKENS.month, _TOKENS.clauses).where(_TOKENS.seq == row.seq)
            if merkle_root(map(_leaf, self._control.rows(query))) != root:
                found.append(f"the tokens of entry {row.seq} are not those that its root was made of")
        return [*found, *(f"tokens stand beside entry {seq}, which has none" for seq in sorted(held))]


def open_ledger(settings: Settings) -> Ledger:
    """Returns the ledger of a home (ControlError: the control store has lost something)."""
    return Ledger(ControlStore.in_folder(settings.control), KeyStore(settings.keys, settings.root_key), settings.keys)


def as_error(faults: Sequence[str]) -> ControlError:
    """Returns what to raise of a ledger that has faults: each in a sentence."""
    return ControlError("\n  - ".join([f"the ledger has {len(faults)} fault(s); {REMEDY}:", *faults]))


def _root(row: Row) -> str | None:
    """The root that an entry names, if it is that of a batch and can be read."""
    try:
        return str(json.loads(row.body)["merkle_root"]) if row.kind == "batch" else None
    except (TypeError, ValueError, KeyError):
        return None


def _head(rows: Sequence[Row]) -> Head:
    return Head(rows[-1].seq, rows[-1].hash) if rows else NOTHING


def _leaf(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["token"], row["month"], row["clauses"]


def _name(year: int) -> str:
    return f"{KEY_OF_YEAR}{year}"


def _token(key: bytes, subject_id: str) -> str:
    return hmac.digest(key, subject_id.encode(), "sha256").hex()
