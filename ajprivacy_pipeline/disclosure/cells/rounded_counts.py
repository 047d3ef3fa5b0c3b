"""Tables of rounded counts: made from their cells, period by period.

Belongs here: reading cells, the draws, writing the public table with its totals. Does not belong here: which cells go
up (rounding), the check of what is written (rounded_check), what is learnt from it (rounded_learning).

Every cell that there may be is listed, with a number: a multiple of the base, which is k, or, in a period that k does
not make safe, a multiple of it. A total is the sum of its rounded cells. A period that no base makes safe, and one of
more cells than the policy allows, is not listed. Draws come from the exact figures of the period as they are computed,
under a key of the home: the same facts give the same table there, and nobody else can repeat the draws, not even with
all figures but one, to try which one gives what was published.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from math import inf
from typing import Any

import numpy as np

from ajprivacy_pipeline.disclosure.cells.primary import PERIOD, shape_of
from ajprivacy_pipeline.disclosure.cells.rounded_audit import Audit, Beside
from ajprivacy_pipeline.disclosure.cells.rounding import Counts, Line, round_counts
from ajprivacy_pipeline.disclosure.cells.table_rows import Key, read_rows
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release import Rounded
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

_BESIDE = "rounded_beside"  # a temporary table: every row of the exact table, also of levels that are not listed


@dataclass
class Period:
    """The finest cells of one period in order, by the values of their dimensions, and how they are rounded so far.

    `multiple` is the place of the base among the policy's multiples, `attempt` how often it was rounded in vain, `left`
    how often its base may be tried yet, `draw` how often other draws were taken; `rounded` is what came of it; `up` and
    `down` are cells that must go there. `fewest` is how little was told with these draws, `vain` for how many attempts.
    """

    month: Any
    length: str
    values: list[tuple[str, ...]]
    counts: Counts
    digest: str = field(repr=False)  # of the exact figures, under the key
    multiple: int = 0
    attempt: int = 0
    left: int | None = None
    draw: int = 0
    fewest: float = inf
    vain: int = 0
    rounded: Counts | None = None
    up: set[int] = field(default_factory=set)
    down: set[int] = field(default_factory=set)

    def force(self, cell: int, *, up: bool) -> None:
        """Have a cell go up, or down, from now on."""
        (self.up if up else self.down).add(cell)
        (self.down if up else self.up).discard(cell)

    def draw_anew(self) -> None:
        """Begin anew, with other draws."""
        self.draw, self.rounded, self.up, self.down = self.draw + 1, None, set(), set()
        self.fewest, self.vain = inf, 0

    @cached_property
    def totals(self) -> Counts:
        """The number of each total that a cell is part of: a row a cell, a column a level, itself last."""
        width, levels = len(self.values[0]), []
        for named in (dims for size in range(width + 1) for dims in combinations(range(width), size)):
            number: dict[tuple[str, ...], int] = {}
            levels.append([number.setdefault(tuple(one[d] for d in named), len(number)) for one in self.values])
        return np.array(levels, dtype=np.int64).T

    def draws(self) -> Counts:
        """Returns a number a cell and one more, of which nobody knows anything who has not got the digest."""
        texts = [json.dumps([self.digest, self.draw, *one]) for one in (*self.values, ())]
        return np.array([int(hashlib.sha256(text.encode()).hexdigest()[:15], 16) for text in texts], dtype=np.int64)


def rounded_tables(policy: Policy) -> dict[str, Rounded]:
    """Returns the published tables of rounded counts."""
    return {name: table.rounded for name, table in policy.release.tables.items() if table.rounded}


def dimensions_of(policy: Policy, table: str) -> list[str]:
    """Returns the dimensions of a table of rounded counts but for the time."""
    shape = shape_of(policy, table)
    return [d for d in shape.keys if d != shape.time]


def measure_of(policy: Policy, table: str) -> str:
    """Returns what a table of rounded counts counts."""
    return shape_of(policy, table).measures[0]


def read_periods(con: Connection, policy: Policy, table: str, asked: Rounded, key: bytes) -> Iterator[Period]:
    """Yields the periods of a table's cells that are not too large to be listed, oldest first; `key` is for draws."""
    time, dimensions = quote(shape_of(policy, table).time), dimensions_of(policy, table)
    listed = ", ".join(map(quote, dimensions))
    months = con.execute(f"SELECT {time}, any_value({quote(PERIOD)}), count(*) FROM published.{quote(table)} "
                         f"GROUP BY {time} ORDER BY {time}").fetchall()
    for month, length, cells in months:
        if cells <= asked.most_cells:
            rows = con.execute(f"SELECT {listed}, {quote(measure_of(policy, table))} FROM published.{quote(table)} "
                               f"WHERE {time} = $month ORDER BY {listed}", {"month": month}).fetchall()
            counts = np.array([row[-1] for row in rows], dtype=np.int64)
            yield Period(month, length, [row[:-1] for row in rows], counts,
                         _digest(con, policy, asked.beside, month, key))


def _digest(con: Connection, policy: Policy, exact: str, month: Any, key: bytes) -> str:
    """An HMAC of a period's exact figures, whole numbers and amounts, as they are before anything is suppressed."""
    shape = shape_of(policy, exact)
    columns = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in (*shape.keys, *shape.measures))
    rows = con.execute(f"SELECT {columns} FROM published.{quote(exact)} WHERE {quote(shape.time)} = $month "
                       f"ORDER BY {', '.join(map(quote, shape.keys))}", {"month": month}).fetchall()
    return hmac.digest(key, json.dumps(rows).encode(), "sha256").hex()


def create(con: Connection, policy: Policy, table: str) -> str:
    """Make the empty public table, and return its quoted relation."""
    columns = ", ".join(f"{quote(name)} {column.type}" for name, column in policy.release.tables[table].columns.items())
    con.execute(f"CREATE OR REPLACE TEMP TABLE {quote('public_' + table)} ({columns})")
    return f"temp.{quote('public_' + table)}"


def known_lines(policy: Policy, table: str, asked: Rounded, period: Period, beside: Beside) -> list[Line]:
    """Returns the sums of finest cells that the exact table shows, along the first dimension over which it adds up."""
    measure, dimensions = measure_of(policy, table), dimensions_of(policy, table)
    adds = policy.release.tables[asked.beside].columns[measure].subtracted_over
    shown = {row.key: int(row.values[measure]) for row in beside.rows
             if row.table == asked.beside and measure not in row.suppressed_measures}
    lines: dict[Key, list[int]] = {}
    for at, one in enumerate(period.values):
        key = tuple(sorted((d, v) for d, v in zip(dimensions, one, strict=True) if d not in adds[:1]))
        lines.setdefault(key, []).append(at)
    return [Line(shown[key], tuple(cells)) for key, cells in sorted(lines.items())
            if key in shown and shown[key] == int(period.counts[cells].sum())]


def write_period(con: Connection, policy: Policy, table: str, asked: Rounded, period: Period, beside: Beside) -> None:
    """Round a period and write it with its totals, in the place of what stood there; nothing where no base is left."""
    relation, time = f"temp.{quote('public_' + table)}", quote(shape_of(policy, table).time)
    con.execute(f"DELETE FROM {relation} WHERE {time} = $month", {"month": period.month})
    if period.multiple >= len(asked.multiples):
        return
    base = asked.multiples[period.multiple] * policy.release.thresholds.k
    period.rounded = round_counts(
        period.counts, period.totals, base, period.draws(), lines=known_lines(policy, table, asked, period, beside),
        room=policy.release.thresholds.k, start=period.rounded, up=period.up, down=period.down)
    dimensions, measure = dimensions_of(policy, table), quote(measure_of(policy, table))
    names = ", ".join(map(quote, dimensions))
    cells = ", ".join([*(f"unnest($d{i}) AS {quote(d)}" for i, d in enumerate(dimensions)),
                       f"unnest($counts) AS {measure}"])
    shown = ", ".join(f"coalesce({quote(d)}, {literal(policy.release.values.all)}) AS {quote(d)}" for d in dimensions)
    con.execute(
        f"INSERT INTO {relation} BY NAME SELECT CAST($month AS DATE) AS {time}, {shown}, "
        f"CAST(sum({measure}) AS BIGINT) AS {measure}, CAST($base AS BIGINT) AS rounded_to, $length AS {quote(PERIOD)} "
        f"FROM (SELECT {cells}) GROUP BY CUBE ({names})",
        {**{f"d{i}": [one[i] for one in period.values] for i in range(len(dimensions))},
         "counts": period.rounded.tolist(), "month": period.month, "base": base, "length": period.length})


class BesideExact:
    """The exact figures of each period, as a reader has them beside rounded counts."""

    def __init__(self, con: Connection, policy: Policy, exact: str, public: Mapping[str, str]) -> None:
        """Put the rows of levels that are not listed beside those of the public table, as suppressed.

        Args:
            con: holds the cells and the public tables.
            policy: roles.
            exact: the exact table.
            public: the quoted relation of each public table.
        """
        self._con, self._policy, self._exact = con, policy, exact
        self._read: dict[Any, Beside] = {}
        self._audits: dict[Any, Audit] = {}
        population = policy.release.tables[exact].population or exact
        self._public = {name: relation for name, relation in public.items()
                        if (policy.release.tables[name].population or name) == population}
        shape = shape_of(policy, exact)
        keys, measures = ", ".join(map(quote, shape.keys)), ", ".join(f"p.{quote(m)}" for m in shape.measures)
        con.execute(f"CREATE OR REPLACE TEMP TABLE {_BESIDE} AS SELECT {keys}, {measures}, "
                    "coalesce(p.suppressed, true) AS suppressed "
                    f"FROM published.{quote(exact)} AS c LEFT JOIN {public[exact]} AS p USING ({keys})")

    def of(self, month: Any) -> Beside:
        """Returns one period."""
        if month not in self._read:
            self._read[month] = self._of(month)
        return self._read[month]

    def audit(self, month: Any, true: Mapping[Key, int], measure: str) -> Audit:
        """Returns what one period's rounded counts are audited by: the same one while the true counts are the same."""
        if month not in self._audits or self._audits[month].true != true:
            self._audits[month] = Audit(self._policy, self.of(month), true, measure)
        return self._audits[month]

    def _of(self, month: Any) -> Beside:
        shape = shape_of(self._policy, self._exact)
        relations = {**self._public, self._exact: f"temp.{_BESIDE}"}
        rows = read_rows(self._con, self._policy, relations, (month, month))
        found = [row for population in rows.values() for row in population.get(month, [])]
        dimensions = [d for d in shape.keys if d != shape.time]
        named = ", ".join(f"{quote(d)} <> $all" for d in dimensions)
        levels = self._con.execute(f"SELECT DISTINCT {named} FROM {self._public[self._exact]} "
                                   f"WHERE {quote(shape.time)} = $month",
                                   {"all": self._policy.release.values.all, "month": month}).fetchall()
        return Beside(month, self._exact, found, frozenset(
            frozenset(d for d, is_named in zip(dimensions, flags, strict=True) if is_named) for flags in levels))

    def drop(self) -> None:
        """Remove the temporary table."""
        self._con.execute(f"DROP TABLE IF EXISTS temp.{_BESIDE}")
