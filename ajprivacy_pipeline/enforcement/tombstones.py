"""The rows that tombstones need: only where a declared foreign key demands one, with the key, the type and no more.

Belongs here: which rows, and what stands in them. Does not belong here: which ids are unlinked (`apply`).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from ajprivacy_pipeline.enforcement.ground import Ground, typed
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.warehouse.constraints import ColumnFacts, ForeignKey, TableFacts

if TYPE_CHECKING:
    from ajprivacy_pipeline.warehouse.writer import Batch

Table = tuple[str, ...]
_SUBJECTS = {"customers": "customer_id", "contacts": "contact_id"}


def ensure(batch: "Batch", ground: Ground, policy: Policy, links: Iterable[tuple[Table, str, Any]]) -> int:
    """Make the rows that unlinked columns will point to, where they are missing; returns how many.

    Args:
        batch: the open transaction.
        ground: the catalogue.
        policy: whose tombstones they are.
        links: table, column and tombstone of what is about to be unlinked.
    """
    made = 0
    for table, column, tombstone in dict.fromkeys(links):
        for key in ground.facts[table].foreign_keys:
            if key.columns == (column,):
                made += _row(batch, ground, policy, key, tombstone)
    return made


def _row(batch: "Batch", ground: Ground, policy: Policy, key: ForeignKey, tombstone: Any) -> int:
    target, name = key.to, key.to_columns[0]
    if batch.read(target, [name], [(tombstone,)], [name]):
        return 0
    facts, made = ground.facts[target], 0
    values: dict[str, Any] = {name: tombstone}
    for other in facts.foreign_keys:
        for column in other.columns:
            if _demanded(facts.columns[column]) and column != name:
                values[column] = typed(policy.retention.tombstones["business"], facts.columns[column])
                if other.to != target or values[column] != tombstone:
                    made += _row(batch, ground, policy, other, values[column])
    values = {**{column: _something(known, tombstone) for column, known in facts.columns.items()
                 if _demanded(known)},
              **_type_of(ground, policy, facts, tombstone), **values}
    batch.insert(target, values)
    return made + 1


def _demanded(known: ColumnFacts) -> bool:
    return not known.nullable and not known.has_default and not known.generated


def _type_of(ground: Ground, policy: Policy, facts: TableFacts, tombstone: Any) -> Mapping[str, Any]:
    """The customer type of a tombstone in the table that feeds customers."""
    customers = ground.resolved.tables["customers"]
    if customers is None or customers.written_table != facts.table:
        return {}
    column = customers.columns["customer_type"]
    kind = next((kind for kind, text in policy.retention.tombstones.items() if text == str(tombstone)), None)
    if column is None or column.is_made or len(column.written) != 1 or kind is None:
        return {}
    return {column.written[0]: "business" if kind == "contact" else kind}


def _something(known: ColumnFacts, tombstone: Any) -> Any:
    """What stands in a column that may not be NULL, of a row that is nobody."""
    if known.is_text:
        return str(tombstone) if known.unique else ""
    kind = known.type.lower()
    if "time" in kind:
        return datetime(1970, 1, 1, tzinfo=UTC if "with time zone" in kind or "tz" in kind else None)
    if "date" in kind:
        return date(1970, 1, 1)
    return False if "bool" in kind else 0
