"""The table as weighted distinct tuples: each combination of quasi-identifiers once, with the persons who have it.

Belongs here: the way from a table to codes. Everything after it depends on these tuples alone, in their canonical
order, and therefore never on the order of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import Codes, Hierarchy
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Cells, Sensitive
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.storage.zones import Connection, quote


@dataclass(frozen=True, eq=False)
class Tuples:
    """Distinct tuples in ascending order of their codes.

    `codes[i][c]` is the leaf of hierarchy `c`; `persons[i]` how many persons have the tuple; `cells` the same by
    sensitive value, one record a sensitive column.
    """

    hierarchies: tuple[Hierarchy, ...]
    codes: Codes
    persons: Codes
    cells: tuple[Cells, ...] = ()

    def __len__(self) -> int:
        """The number of distinct tuples."""
        return len(self.persons)


def collect(con: Connection, relation: str, hierarchies: Sequence[Hierarchy], sensitive: Sequence[Sensitive] = (),
            persons: str | None = None) -> Tuples:
    """Returns the distinct tuples of a table.

    Args:
        con: holds the table.
        relation: the table, quoted.
        hierarchies: one per quasi-identifier; the values of the columns are compared as text.
        sensitive: columns with conditions.
        persons: a column with the number of persons a row stands for; without it each row is one person.

    Raises:
        ReleaseError: no rows, a value that its hierarchy (or a sensitive column's order) does not cover, or a row that
            stands for nobody.
    """
    values = [list(h.leaves) for h in hierarchies]
    values += [list(s.order) or _values(con, relation, s.column) for s in sensitive]
    columns = [h.column for h in hierarchies] + [s.column for s in sensitive]
    weight = f"coalesce(CAST(r.{quote(persons)} AS BIGINT), 0)" if persons else "1"
    joins = " ".join(
        f"LEFT JOIN (SELECT unnest($v{i}::VARCHAR[]) AS value, unnest(range(len($v{i}::VARCHAR[]))) AS code) AS j{i} "
        f"ON j{i}.value = CAST(r.{quote(column)} AS VARCHAR)" for i, column in enumerate(columns))
    codes = ", ".join(f"coalesce(j{i}.code, -1)::BIGINT AS c{i}" for i in range(len(columns)))
    found = con.execute(f"SELECT {codes}, sum({weight})::BIGINT AS persons, min({weight})::BIGINT AS least, "
                        f"count(*)::BIGINT AS n FROM {relation} AS r {joins} GROUP BY ALL ORDER BY ALL",
                        {f"v{i}": value for i, value in enumerate(values)}).fetchnumpy()
    grid = np.stack([np.asarray(found[f"c{i}"], np.int64) for i in range(len(columns))], axis=1)
    people, rows = np.asarray(found["persons"], np.int64), np.asarray(found["n"], np.int64)
    _check(relation, columns, grid, rows)
    if (np.asarray(found["least"]) < 1).any():
        raise ReleaseError(f"{relation}: rows stand for no person; {persons} must be 1 or more in every row")
    return _fold(tuple(hierarchies), list(zip(sensitive, values[len(hierarchies):], strict=True)), grid, people)


def _values(con: Connection, relation: str, column: str) -> list[str]:
    """The values of an unordered sensitive column, sorted as text."""
    text = f"CAST({quote(column)} AS VARCHAR)"
    found = con.execute(f"SELECT DISTINCT {text} FROM {relation} WHERE {quote(column)} IS NOT NULL").fetchall()
    return sorted(row[0] for row in found)


def _check(relation: str, columns: list[str], grid: Codes, rows: Codes) -> None:
    if not len(grid):
        raise ReleaseError(f"{relation}: there are no rows to recode")
    faults = [f"{column}: {rows[grid[:, i] < 0].sum():,} rows" for i, column in enumerate(columns)
              if (grid[:, i] < 0).any()]
    if faults:
        raise ReleaseError(f"{relation}: values that no hierarchy or order covers ({'; '.join(faults)}); add them")


def _fold(hierarchies: tuple[Hierarchy, ...], sensitive: list[tuple[Sensitive, list[str]]], grid: Codes,
          people: Codes) -> Tuples:
    """Fold rows that differ in sensitive values alone into one tuple; `grid` is sorted, quasi-identifiers first."""
    width = len(hierarchies)
    codes = grid[:, :width]
    new = np.append(True, (codes[1:] != codes[:-1]).any(axis=1))
    place = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    cells = []
    for i, (column, values) in enumerate(sensitive):
        counts = np.zeros((len(first), len(values)), np.int64)
        np.add.at(counts, (place, grid[:, width + i]), people)
        cells.append(Cells(column, counts[:, counts.any(axis=0)]))
    return Tuples(hierarchies, np.ascontiguousarray(codes[first]), np.add.reduceat(people, first), tuple(cells))
