"""The rows of public tables that form systems, read from them and from the cells, and which levels tables list.

Belongs here: reading. Does not belong here: which rows add up to which (table_system).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ajprivacy_pipeline.disclosure.cells.contributor_sources import Months
from ajprivacy_pipeline.disclosure.cells.measure_groups import UNADDED, lines_along, population_of
from ajprivacy_pipeline.disclosure.cells.primary import Shape, may_be_shown, shape_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, quote

Key = tuple[tuple[str, str], ...]
Chosen = set[tuple[str, Any, Key]]  # rows by table, month and key: their numbers change when their marks do
Levels = set[tuple[str, frozenset[str]]]


@dataclass
class Row:
    """A row of a public table: where it is, what it truly holds, what is suppressed of it.

    `primary` are the measures that may not be shown for their own sake: too few contributors, or one that dominates.
    A row that is not `listed` stands in a system for what its facts say elsewhere; a reader does not know of it.
    """

    table: str
    number: int
    key: Key
    depth: int
    contributors: int
    values: dict[str, float]
    suppressed_measures: set[str]
    suppressed: bool
    primary: frozenset[str] = frozenset()
    listed: bool = True

    @cached_property
    def level(self) -> frozenset[str]:
        """The dimensions it names."""
        return frozenset(dimension for dimension, _ in self.key)

    @cached_property
    def totals(self) -> tuple[tuple[str, Key], ...]:
        """Each dimension it names, with the cell that sums over that one: asked for by every group of measures."""
        return tuple((pair[0], self.key[:at] + self.key[at + 1:]) for at, pair in enumerate(self.key))


def read_rows(con: Connection, policy: Policy, public: dict[str, str],
              months: Months = ()) -> dict[str, dict[Any, list[Row]]]:
    """Every row of the public tables that are in a system, by population and month.

    What is suppressed is read from the public tables alone, the true values from the cells.

    Args:
        con: holds the public tables and the cells.
        policy: which measures add up.
        public: the quoted relation of each public table.
        months: the first and the last month to read; all when empty.
    """
    found: dict[str, dict[Any, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for table in _in_systems(policy, public):
        shape = shape_of(policy, table)
        keys = keys_of_rows(shape)
        taken = f"WHERE p.{quote(shape.time)} BETWEEN $first AND $last " if months else ""
        columns = ", ".join([f"p.{quote(d)}" for d in (shape.time, *keys)]
                            + ["p.rowid", "c.contributors", "p.suppressed"]
                            + [f"CAST(c.{quote(m)} AS DOUBLE), p.{quote(m)} IS NULL, c.{quote('primary_' + m)}"
                               for m in shape.measures])
        joined = ", ".join(map(quote, (shape.time, *keys)))
        query = (f"SELECT {columns} FROM {public[table]} AS p JOIN ({_judged(con, policy, table)}) AS c "
                 f"USING ({joined}) "
                 f"{taken}ORDER BY {', '.join('p.' + quote(d) for d in (shape.time, *keys))}")
        bounds = dict(zip(("first", "last"), months, strict=True)) if months else None
        for record in con.execute(query, bounds).fetchall():
            row = _row(policy, shape, keys, record)
            found[population_of(policy, table)][record[0]].append(row)
    return found


def _judged(con: Connection, policy: Policy, table: str) -> str:
    """The SELECT of a table's cells with what of each may not be shown for its own sake."""
    cells = f"published.{quote(table)}"
    row, stands = may_be_shown(con, policy, table, cells)
    marks = ", ".join(f"NOT coalesce({row} AND {condition}, false) AS {quote('primary_' + measure)}"
                      for measure, condition in stands.items())
    return f"SELECT *, {marks} FROM {cells}"


def _in_systems(policy: Policy, public: dict[str, str]) -> list[str]:
    """The public tables with a measure that adds up to totals."""
    return [table for table in sorted(public)
            if any(lines_along(policy, table, m) for m in shape_of(policy, table).measures)]


def keys_of_rows(shape: Shape) -> list[str]:
    """Returns the dimensions of a table that tell its rows of one period apart."""
    return [d for d in shape.keys if d not in UNADDED]


def _row(policy: Policy, shape: Shape, keys: list[str], record: tuple[Any, ...]) -> Row:
    named = record[1:1 + len(keys)]
    key = tuple(sorted((d, v) for d, v in zip(keys, named, strict=True) if v != policy.release.values.all))
    number, contributors, suppressed = record[1 + len(keys):4 + len(keys)]
    pairs = record[4 + len(keys):]
    values = {m: float(pairs[3 * i] or 0) for i, m in enumerate(shape.measures)}
    missing = {m for i, m in enumerate(shape.measures) if pairs[3 * i + 1]}
    primary = frozenset(m for i, m in enumerate(shape.measures) if pairs[3 * i + 2])
    return Row(shape.table, number, key, len(key), contributors, values, missing, suppressed, primary)


def levels_in(rows: Iterable[Row]) -> Levels:
    """Returns the levels that tables list in a month: which combinations of dimensions have rows."""
    return {(row.table, row.level) for row in rows}
