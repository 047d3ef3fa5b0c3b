"""Trying a change without making it: SELECTs in which the columns to be written already hold what they will hold.

Belongs here: CHECK constraints and unique keys, asked of the source itself. Does not belong here: words for people
(rules.py). Every row counts as if it were due, which refuses rather too much than too little.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations, product

from ajprivacy_pipeline.warehouse.constraints.catalogue import Catalogue
from ajprivacy_pipeline.warehouse.constraints.lexer import mentioned
from ajprivacy_pipeline.warehouse.constraints.shapes import Check, ColumnFacts, Key, TableFacts, Write

_MOST = 64  # trials of one constraint; beyond, it is refused untried
Values = Mapping[str, str | None]
Writes = Mapping[str, Sequence[Write]]  # of one table, by column


def ends_null(write: Write, column: ColumnFacts) -> bool:
    """Whether a change leaves nothing in the column."""
    return write.kind == "null" and column.nullable


def outcomes(write: Write, column: ColumnFacts) -> tuple[str | None, ...] | None:
    """Returns what may stand in a column afterwards; None: the policy did not say."""
    if ends_null(write, column):
        return (None,)
    if write.kind in ("null", "neutral"):
        return write.values or (None if write.has_neutral or not column.is_text else ("",))
    if write.kind == "generalise" and write.values and column.nullable:
        return (*write.values, None)  # what cannot be generalised is erased
    return write.values or None


def broken(catalogue: Catalogue, facts: TableFacts, check: Check, writes: Writes) -> int | None:
    """Returns how many rows a CHECK would refuse if they were due (1 where it looks at nothing else); None: unknown."""
    written = [name for name in check.columns if name in writes]
    if set(check.columns) & facts.dependents(set(writes)):
        return None
    trials = _trials(facts, written, writes)
    if trials is None:
        return None
    most = 0
    for values in trials:
        alone = set(values) == set(check.columns)
        relation = _as_written(catalogue, facts, check.columns, values, alone=alone)
        found = catalogue.count(f"SELECT count(*) FROM {relation} WHERE NOT ({check.sql})")
        if found is None:
            return None
        most = max(most, found)
    return most


def collisions(catalogue: Catalogue, facts: TableFacts, key: Key, writes: Writes) -> int | None:
    """Returns how many values of a unique key would stand in more than one row; None: unknown."""
    written = [name for name in key.columns if name in writes]
    if any(_mixes(part, facts, set(written)) for part in key.parts) or mentioned(key.predicate, written):
        return None
    most = 0
    for values in _choices([[(name, _stand_in(writes[name], facts.columns[name]))] for name in written]):
        found = catalogue.count(collision_count(catalogue, facts, key, values))
        if found is None:
            return None
        most = max(most, found)
    return most


def collision_count(catalogue: Catalogue, facts: TableFacts, key: Key, values: Values) -> str:
    """Returns a SELECT of how many values of a unique key would stand in more than one row with these values."""
    relation = _as_written(catalogue, facts, key.columns, values, alone=False)
    return (f"SELECT count(*) FROM (SELECT 1 AS one FROM {relation} WHERE {_indexed(key)} "
            f"GROUP BY {', '.join(key.parts)} HAVING count(*) > 1) AS twice")


def entering(catalogue: Catalogue, facts: TableFacts, key: Key, writes: Writes) -> int | None:
    """Returns how many rows would still have a value in a unique key once the written columns hold NULL."""
    most = 0
    for values in _choices([[(name, None)] for name in key.columns if name in writes]):
        relation = _as_written(catalogue, facts, key.columns, values, alone=False)
        found = catalogue.count(f"SELECT count(*) FROM {relation} WHERE {_indexed(key)}")
        if found is None:
            return None
        most = max(most, found)
    return most


def _trials(facts: TableFacts, written: Sequence[str], writes: Writes) -> list[Values] | None:
    """Every way in which some of the written columns may have changed; None: unknown, or too many."""
    choices = []
    for name in written:
        found = [outcomes(write, facts.columns[name]) for write in writes[name]]
        if any(values is None for values in found):
            return None
        choices.append([(name, value) for value in dict.fromkeys(chain.from_iterable(filter(None, found)))])
    trials = []
    for values in _choices(choices):
        trials.append(values)
        if len(trials) > _MOST:
            return None
    return trials


def _choices(choices: Sequence[Sequence[tuple[str, str | None]]]) -> Iterator[Values]:
    """A value for each of some columns, for all columns first, then for fewer."""
    for size in range(len(choices), 0, -1):
        for some in combinations(choices, size):
            yield from (dict(values) for values in product(*some))


def _stand_in(writes: Sequence[Write], column: ColumnFacts) -> str | None:
    """One value for all rows: what collides does so whichever it is."""
    values = [value for write in writes for value in outcomes(write, column) or (None,) if value is not None]
    if not values and all(ends_null(write, column) for write in writes):
        return None
    return values[0] if values else "" if column.is_text else "0"


def _mixes(part: str, facts: TableFacts, written: set[str]) -> bool:
    """Whether one value of a key is made of a written column and of another."""
    names = set(mentioned(part, facts.columns))
    return bool(names & written and names - written)


def _indexed(key: Key) -> str:
    """Which rows a key looks at."""
    conditions = [f"({key.predicate})"] if key.predicate else []
    if key.nulls_distinct:
        conditions += [f"({part}) IS NOT NULL" for part in key.parts]
    return " AND ".join(conditions) or "1 = 1"


def _as_written(catalogue: Catalogue, facts: TableFacts, columns: Sequence[str], values: Values, *,
                alone: bool) -> str:
    """The table, or (alone) one row of nothing else, with these values in place; what is NULL stays NULL."""
    source, shown = catalogue.source, []
    for name in columns:
        quoted = source.quote(name)
        if name in values:
            value = values[name]
            literal = catalogue.reader.cast("NULL" if value is None else source.text_literal(value),
                                            facts.columns[name])
            kept = alone or value is None
            shown.append(f"{literal if kept else f'CASE WHEN {quoted} IS NOT NULL THEN {literal} END'} AS {quoted}")
        else:
            shown.append(quoted)
    return f"(SELECT {', '.join(shown)}{'' if alone else f' FROM {source.quote(*facts.table)}'}) AS written"
