"""Entries of the ledger as they are read: kind, body, day, and which batches a later entry writes off.

Belongs here: what can be told from entries alone. Does not belong here: storing them (`ledger`), the shapes of their
bodies (`bodies`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ajprivacy_pipeline.enforcement.chain import Row
from ajprivacy_pipeline.enforcement.head import REMEDY
from ajprivacy_pipeline.errors import ControlError

MARKED = ("batch", "rectified")  # kinds that stand where a marker stands in the warehouse


@dataclass(frozen=True)
class Entry:
    """An entry; recorded_at is in UTC without zone."""

    seq: int
    kind: str
    body: dict[str, Any]
    recorded_at: datetime
    previous: str
    hash: str

    @property
    def day(self) -> date:
        """When it happened: the day that its body names as that of the batch, else the day of its recording."""
        named = self.body.get("carried_out_on")
        return date.fromisoformat(named) if named else self.recorded_at.date()


def undone_batches(entries: Iterable[Entry]) -> set[int]:
    """Returns the numbers of the batch entries that a later entry says a restored warehouse no longer has."""
    done: dict[tuple[str, int], list[int]] = {}
    undone: set[int] = set()
    for entry in entries:
        if entry.kind in MARKED:
            done.setdefault((entry.body["plan"], entry.body["batch"]), []).append(entry.seq)
        elif entry.kind == "undone_by_restore":
            undone |= {seq for batch in entry.body["batches"] for seq in done.get((entry.body["plan"], batch), ())}
    return undone


def carried_out(entries: Iterable[Entry]) -> list[Entry]:
    """Returns the batches that the warehouse still has, corrections excepted."""
    listed = list(entries)
    undone = undone_batches(listed)
    return [entry for entry in listed if entry.kind == "batch" and entry.seq not in undone]


def once(count: Mapping[str, Any]) -> int:
    """Returns the decisions of a batch's count; one that was written back and carried out again is one."""
    return int(count["rows"]) - int(count.get("again", 0))


def entry_of(row: Row) -> Entry:
    """Returns what a stored row says (ControlError: it cannot be read)."""
    try:
        body = dict(json.loads(row.body))
        return Entry(row.seq, row.kind, body, datetime.fromisoformat(row.recorded_at), row.previous, row.hash)
    except (TypeError, ValueError):
        raise ControlError(f"entry {row.seq} of the ledger cannot be read: {REMEDY}; `ajprivacy ledger verify` says "
                           "more") from None
