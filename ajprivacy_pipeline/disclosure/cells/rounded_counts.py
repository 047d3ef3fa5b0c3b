"""Tables of rounded counts: made from their cells, period by period.

Belongs here: reading cells, the draws, writing the public table with its totals, and what to do otherwise when a period
is told too closely. Does not belong here: which cells go up (rounding), the check of what is written (rounded_check).

Every cell that there may be is listed, with a number: a multiple of the base, which is k, or, in a period that k does
not make safe, a multiple of it. A total is the sum of its rounded cells. A period that no base makes safe, and one of
more cells than the policy allows, is not listed. Draws come from the exact figures of the period as they are computed:
the same facts give the same table, and whoever has not got them cannot repeat the draws.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from math import inf
from typing import Any

import numpy as np

from ajprivacy_pipeline.disclosure.cells.primary import PERIOD, shape_of
from ajprivacy_pipeline.disclosure.cells.rounded_audit import Audit, Beside, Told
from ajprivacy_pipeline.disclosure.cells.rounding import Counts, Line, round_counts
from ajprivacy_pipeline.disclosure.cells.table_system import Key, read_rows
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release import Rounded
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

_PATIENCE = 4  # attempts with the same draws, none of which tells less than the best before
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
    digest: str
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

    def totals(self) -> Counts:
        """Returns the number of each total that a cell is part of: a row a cell, a column a level, itself last."""
        width, levels = len(self.values[0]), []
        for named in (dims for size in range(width + 1) for dims in combinations(range(width), size)):
            number: dict[tuple[str, ...], int] = {}
            levels.append([number.setdefault(tuple(one[d] for d in named), len(number)) for one in self.values])
        return np.array(levels, dtype=np.int64).T

    def draws(self) -> Counts:
        """Returns a number a cell and one more, of which nobody knows anything who has not got the exact figures."""
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


def read_periods(con: Connection, policy: Policy, table: str, asked: Rounded) -> Iterator[Period]:
    """Yields the periods of a table's cells that are not too large to be listed, oldest first."""
    time, dimensions = quote(shape_of(policy, table).time), dimensions_of(policy, table)
    listed = ", ".join(map(quote, dimensions))
    months = con.execute(f"SELECT {time}, any_value({quote(PERIOD)}), count(*) FROM published.{quote(table)} "
                         f"GROUP BY {time} ORDER BY {time}").fetchall()
    for month, length, cells in months:
        if cells <= asked.most_cells:
            rows = con.execute(f"SELECT {listed}, {quote(measure_of(policy, table))} FROM published.{quote(table)} "
                               f"WHERE {time} = $month ORDER BY {listed}", {"month": month}).fetchall()
            counts = np.array([row[-1] for row in rows], dtype=np.int64)
            yield Period(month, length, [row[:-1] for row in rows], counts, _digest(con, policy, asked.beside, month))


def _digest(con: Connection, policy: Policy, exact: str, month: Any) -> str:
    """A hash of the exact figures of a period, whole numbers and amounts, as they are before anything is suppressed."""
    shape = shape_of(policy, exact)
    columns = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in (*shape.keys, *shape.measures))
    rows = con.execute(f"SELECT {columns} FROM published.{quote(exact)} WHERE {quote(shape.time)} = $month "
                       f"ORDER BY {', '.join(map(quote, shape.keys))}", {"month": month}).fetchall()
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


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
        period.counts, period.totals(), base, period.draws(), lines=known_lines(policy, table, asked, period, beside),
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


def learn(policy: Policy, table: str, asked: Rounded, period: Period, told: Told,
          published: Mapping[Key, int]) -> None:
    """Note what would leave what is told too closely more room, and go on to the next base after some attempts.

    Where nothing is left to move, and after some attempts in vain, other draws are taken; in vain, with the next base.

    Args:
        policy: along which dimensions the exact table adds up.
        table: the table of rounded counts.
        asked: how often a base is tried.
        period: what is decided so far.
        told: what is told.
        published: the published count of every finest cell.
    """
    dimensions, measure = dimensions_of(policy, table), measure_of(policy, table)
    keys: list[Key] = [tuple(sorted(zip(dimensions, one, strict=True))) for one in period.values]
    columns = policy.release.tables[asked.beside].columns
    adds = columns[measure].subtracted_over
    leading = columns[shape_of(policy, asked.beside).measures[0]].additive_over
    apart = [d for d in dimensions if d not in leading]  # along which only the largest part bounds a total
    order, turn = sorted(dimensions, key=lambda d: d not in adds), period.attempt % len(dimensions)
    base, touched = asked.multiples[period.multiple] * policy.release.thresholds.k, set[int]()
    shown = [published[key] for key in keys]
    for cell, key in enumerate(keys):
        if key in told.cells:
            touched |= _make_room(period, keys, shown, cell, told.cells[key], base, [*order[turn:], *order[:turn]],
                                  apart, touched)
    touched |= _spare(period, keys, [key for name, key in told.others if name == measure], published, base)
    touched |= _lower(period, keys, shown, [key for name, key in told.others if name != measure])
    _go_on(period, asked, len(told.cells) + len(told.others), is_stuck=not touched)


def _go_on(period: Period, asked: Rounded, told: int, *, is_stuck: bool) -> None:
    """Count an attempt in vain, and decide whether these draws and this base are tried again."""
    period.attempt += 1
    period.left = (asked.attempts if period.left is None else period.left) - 1
    period.vain, period.fewest = period.vain + 1 if told >= period.fewest else 0, min(told, period.fewest)
    in_vain, is_last = period.vain == _PATIENCE, period.multiple == len(asked.multiples) - 1
    if not period.left or (in_vain and not is_last):
        period.multiple, period.left = period.multiple + 1, None
        period.draw_anew()
    elif in_vain or is_stuck:
        period.draw_anew()


def _make_room(period: Period, keys: list[Key], shown: list[int], cell: int, may_be: tuple[int, int], base: int,
               dimensions: list[str], apart: list[str], touched: set[int]) -> set[int]:
    """Have one cell move so that another one that is told has more room; returns it.

    A cell of which less is not possible is to go up, and one of which no more is, down, where that leaves it room. Else
    it is hidden by the others of its lines, along one dimension after another: where no more is possible than their
    total and the least of the others leave, one that went up is to go down; where no less is, the other way round. One
    cell of a line at a time, the one that was moved furthest.
    """
    true, (below, above) = period.counts.tolist(), may_be
    room = min(true[cell], true[cell] - shown[cell] + base - 1)
    is_capped = shown[cell] + base - 1 - true[cell] - above > room - below
    helps = shown[cell] == base and true[cell] + above >= base - 1 if is_capped else shown[cell] < true[cell]
    if helps and cell not in touched:
        period.force(cell, up=not is_capped)
        for dimension in apart if is_capped else ():  # nor is another small one beside it to go up instead
            rest = {pair for pair in keys[cell] if pair[0] != dimension}
            period.down |= {at for at, key in enumerate(keys) if rest <= set(key) and 0 < true[at] < base
                            and shown[at] == 0 and at not in period.up}
        return {cell}
    for dimension in dimensions:
        rest = {pair for pair in keys[cell] if pair[0] != dimension}
        beside = [at for at, key in enumerate(keys) if at != cell and rest <= set(key)]
        moved = [at for at in beside if (shown[at] > true[at] if is_capped else shown[at] < true[at])]
        if moved and not touched & {cell, *beside}:
            best = min(moved, key=lambda at: (-abs(shown[at] - true[at]), at))
            period.force(best, up=not is_capped)
            return {best}
    return set()


def _spare(period: Period, keys: list[Key], told: list[Key], published: Mapping[Key, int], base: int) -> set[int]:
    """Have no small count go up within totals of all dimensions but one that are told, one of each line of them."""
    found, seen = set[int](), set[Key]()
    for total in sorted(told):
        lines = {tuple(pair for pair in total if pair[0] != dimension) for dimension, _ in total}
        within = [at for at, key in enumerate(keys) if set(total) <= set(key)]
        if keys and len(total) == len(keys[0]) - 1 and not lines & seen:
            seen |= lines
            for at in within:
                if period.counts[at] < base:
                    period.force(at, up=False)
                    found.update({at} if published[keys[at]] == base else ())
    return found


def _lower(period: Period, keys: list[Key], shown: list[int], told: list[Key]) -> set[int]:
    """Have fewer counts go up within other suppressed values that are told, or else beside them.

    A published count makes some customers certain, and each of them some of the value: the fewer, the lower it may be.
    Where no count within it is up, its neighbours along a dimension hold it: they cannot give way.
    """
    found, true = set[int](), period.counts.tolist()
    for key in sorted(set(told)):
        beside = [key, *(tuple(pair for pair in key if pair[0] != dimension) for dimension, _ in key)]
        for place in beside:
            moved = [at for at, one in enumerate(keys) if set(place) <= set(one) and shown[at] > true[at]
                     and at not in found]
            if moved:
                best = moved if place == key else [min(moved, key=lambda at: (true[at] - shown[at], at))]
                for at in best:
                    period.force(at, up=False)
                found.update(best)
                break
    return found


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
