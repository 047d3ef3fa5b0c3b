"""Reading back: every changed row is selected anew before the batch is committed, and held against what it should be.

Belongs here: comparing. Counts that a database gives are no proof: triggers, rules and row security give the expected
ones with nothing changed. Does not belong here: what is changed (`apply`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ajprivacy_pipeline.errors import EnforcementError

if TYPE_CHECKING:
    from ajprivacy_pipeline.warehouse.writer import Batch


class Changed(Protocol):
    """A row and what it became; `after` is None where it was deleted."""

    @property
    def table(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def address(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def row(self) -> tuple[Any, ...]: ...  # noqa: D102
    @property
    def after(self) -> Mapping[str, Any] | None: ...  # noqa: D102


def read_back(batch: "Batch", edits: Iterable[Changed]) -> None:
    """Select every changed row anew.

    Raises:
        EnforcementError: one does not hold what was written.
    """
    expected: dict[tuple[Any, ...], dict[tuple[Any, ...], Mapping[str, Any] | None]] = defaultdict(dict)
    for edit in edits:
        rows = expected[edit.table, edit.address]
        before = rows.get(edit.row, {})
        rows[edit.row] = None if edit.after is None or before is None else {**before, **edit.after}
    for (table, address), rows in expected.items():
        columns = sorted({name for after in rows.values() if after for name in after})
        found = {tuple(row[name] for name in address): row for row in batch.read(table, address, list(rows), columns)}
        wrong = sum(1 for key, after in rows.items() if (
            key in found if after is None else
            key not in found or any(not _stands(found[key][name], value) for name, value in after.items())))
        if wrong:
            raise EnforcementError(f"{'.'.join(table)}: {wrong} of {len(rows)} row(s) do not hold what was just "
                                   "written: a trigger, a rule or a policy of the database changes or hides them; "
                                   "nothing of this batch was changed")


def _stands(found: Any, written: Any) -> bool:
    """Whether a column holds what was written; one of a fixed width fills up with blanks."""
    if isinstance(found, str) and isinstance(written, str):
        return found.rstrip(" ") == written.rstrip(" ")
    return bool(found == written)
