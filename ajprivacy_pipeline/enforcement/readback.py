"""Reading back: every changed row is selected anew before the batch is committed, and held against what it should be.

Belongs here: comparing. Counts that a database gives are no proof: triggers, rules and row security give the expected
ones with nothing changed. Does not belong here: what is changed (`apply`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ajprivacy_pipeline.errors import EnforcementError

if TYPE_CHECKING:
    from ajprivacy_pipeline.warehouse.writer import Batch, Change

Key = tuple[Any, ...]
Ends = tuple[tuple[str, ...], Key]  # columns, and what stands in them


def read_back(batch: "Batch", changes: Iterable["Change"]) -> None:
    """Select every changed row anew.

    Raises:
        EnforcementError: one does not hold what was written.
    """
    places: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Change]] = defaultdict(list)
    for change in changes:
        places[change.table, change.address].append(change)
    for (table, address), made in places.items():
        expected = _expected(made)
        columns = sorted({name for change in made for name in change.columns or ()})
        listed = (*address, *columns)
        found = {row[:len(address)]: row for row in batch.rows(table, address, list(expected), listed)}
        wrong = _wrong(expected, found, listed)
        if wrong:
            raise EnforcementError(f"{'.'.join(table)}: {wrong} of {len(expected)} row(s) do not hold what was just "
                                   "written: a trigger, a rule or a policy of the database changes or hides them; "
                                   "nothing of this batch was changed")


def _expected(changes: Iterable["Change"]) -> dict[Key, Ends | None]:
    """What each row of a table ends as; None where it is deleted."""
    expected: dict[Key, Ends | None] = {}
    for change in changes:
        if change.columns is None:
            expected |= dict.fromkeys(change.rows)
            continue
        columns = change.columns
        for row, values in zip(change.rows, change.values, strict=True):
            if row not in expected:
                expected[row] = columns, values
            elif (before := expected[row]) is not None:
                after = {**dict(zip(*before, strict=True)), **dict(zip(columns, values, strict=True))}
                expected[row] = tuple(after), tuple(after.values())
    return expected


def _wrong(expected: Mapping[Key, Ends | None], found: Mapping[Key, Key], listed: Sequence[str]) -> int:
    """How many rows are not as they should be; of those that are there, the columns in `listed` were found."""
    wrong, places = 0, {columns: [listed.index(name) for name in columns]
                        for columns in {ends[0] for ends in expected.values() if ends}}
    for key, ends in expected.items():
        row = found.get(key)
        if row is None or ends is None:
            wrong += (row is None) != (ends is None)
            continue
        held = tuple([row[at] for at in places[ends[0]]])
        wrong += held != ends[1] and not all(map(_stands, held, ends[1]))
    return wrong


def _stands(found: Any, written: Any) -> bool:
    """Whether a column holds what was written; one of a fixed width fills up with blanks, and a uuid may be a text."""
    if isinstance(written, UUID):
        return str(found) == str(written)
    if isinstance(found, str) and isinstance(written, str):
        return found.rstrip(" ") == written.rstrip(" ")
    return bool(found == written)
