"""What a query or an expression of the mapping still shows of rows whose columns were changed for it.

The columns that `writes` names may not be all that it reads: what is said to be gone has to be gone in the contract's
own words. Belongs here: reading that in the batch. Does not belong here: the columns of the source (`readback`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ajprivacy_pipeline.enforcement.edits import Edit
from ajprivacy_pipeline.enforcement.ground import Ground
from ajprivacy_pipeline.enforcement.values import Context, ends_as
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import WHITE_SPACE, Connection, quote

if TYPE_CHECKING:
    from ajprivacy_pipeline.warehouse.writer import Batch


def require_gone(batch: "Batch", con: Connection, ground: Ground, policy: Policy, edits: Iterable[Edit]) -> None:
    """Stop where the contract still shows something of what was changed (EnforcementError)."""
    changed: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    made = {entity: _made(ground, entity) for entity in ground.places}
    for edit in edits:
        if made[edit.step.entity]:
            changed[edit.step.entity][edit.record_id] |= {cell.column for cell in edit.step.cells or ()}
    for entity, rows in changed.items():
        left = _still_shown(batch, con, ground, policy, entity, rows, made[entity])
        for column, count in left.items():
            raise EnforcementError(f"{entity}.{column}: {count} row(s) still show something after what the mapping "
                                   "names in `writes` was changed; name there all that it is made of; nothing of this "
                                   "batch was changed")


def _made(ground: Ground, entity: str) -> list[str]:
    """The columns of a table that are changed somewhere else than where they are read."""
    table, place = ground.resolved.tables[entity], ground.places[entity]
    if table is None or not place.key:
        return []
    return [name for name in place.columns if (fed := table.columns[name]) is not None
            and (fed.is_made or table.written_table != table.source_table)]


def _still_shown(batch: "Batch", con: Connection, ground: Ground, policy: Policy, entity: str,
                 changed: dict[str, set[str]], made: list[str]) -> Counter[str]:
    """How many rows still show something, by column."""
    table, key = ground.resolved.tables[entity], policy.sources.tables[entity].key[0]
    left: Counter[str] = Counter()
    if table is None:
        return left
    spelt = [row[0] for row in con.execute(
        f"SELECT DISTINCT {quote(key)}::VARCHAR FROM raw.{quote(entity)} WHERE trim({quote(key)}::VARCHAR, $blanks) "
        "IN (SELECT unnest($ids))", {"blanks": WHITE_SPACE, "ids": list(changed)}).fetchall()]
    types = dict.fromkeys((key, *made), "VARCHAR")
    for row in batch.facts(table, types, {key: spelt}, lock=False).to_pylist():
        record_id = (row[key] or "").strip(WHITE_SPACE)
        for column in changed[record_id] & set(made):
            if not _is_gone(row[column], policy, entity, column, record_id):
                left[column] += 1
    return left


def _is_gone(value: str | None, policy: Policy, entity: str, column: str, record_id: str) -> bool:
    """Whether a value is what the column's action leaves."""
    action = policy.actions[entity][column]
    if value is None or not value.strip():
        return True
    if action.action == "unlink":
        return value.strip() in policy.retention.tombstones.values()
    coarse = ends_as(value, action, Context(is_birth=policy.sources.tables[entity].columns[column].birth))
    return value.strip() in (coarse, action.neutral, action.unique_neutral.format(key=record_id))
