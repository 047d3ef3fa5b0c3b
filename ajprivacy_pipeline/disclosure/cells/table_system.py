"""The linear systems that published cells form: which cells add up to which, in one month, over all tables.

Belongs here: finding the lines. Does not belong here: reading cells and marks (table_rows), which measures go together
(measure_groups), suppressing (secondary) or judging (intervals).

A cell is a population, a month and the dimension values that are no total; tables of one population that show the same
cell show one unknown, which is known as soon as one of them shows it. So is the only child of a total, which has the
total's value. A cell of nothing is a known zero where a table leaves it out, or all its parts, at a level that it has.
A line is a total and its parts along a dimension over which the policy says the measure adds up. Along any other
dimension a count still says something: no part is more than its total, and a total no more than its parts together.
That is a limit. So is a measure that can be no more than another one of its row (`at_most`). People who add up over no
dimension have a system of limits alone.
A row that a table lists is somebody's: what is counted there in whole numbers is one or more, where it truly is.
Amounts of a population are one group: they are suppressed together, for one gives the other away through a price.
Stocks are in no system: rounded each by itself, a difference of two is uncertain by more than k anyway.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from ajprivacy_pipeline.disclosure.cells.measure_groups import (
    Group,
    groups_of,
    lines_along,
    whole_numbers,
)
from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.disclosure.cells.table_rows import Key, Levels, Row, keys_of_rows, levels_in
from ajprivacy_pipeline.policy import Policy

Array = np.ndarray[Any, np.dtype[np.float64]]
Limit = tuple[tuple[tuple[int, float], ...], float]  # unknowns with their signs; how much their sum may still rise


@dataclass
class System:
    """One group of one month: unknowns, each with its rows, and lines of (total, parts) by position.

    `whole` are the measures that are whole numbers, each with those of its row that cannot be more. `people` says, by
    table, of a group that counts people, in which measure each of them has something ("": all who are behind the row),
    and how many they are at least where that is shown.
    """

    group: Group
    month: Any
    rows: list[list[Row]] = field(default_factory=list)
    lines: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    gone: list[bool] = field(default_factory=list)
    zeros: set[int] = field(default_factory=set)
    limits: list[Limit] = field(default_factory=list)
    known: dict[str, Array] = field(default_factory=dict)
    whole: dict[str, frozenset[str]] = field(default_factory=dict)
    people: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    rooms: dict[str, Array] = field(default_factory=dict)
    matrices: dict[str, Any] = field(default_factory=dict)

    def is_suppressed(self, unknown: int) -> bool:
        """Whether no row of the unknown shows it."""
        return self.gone[unknown]

    def refresh(self) -> None:
        """Read from the rows what is suppressed."""
        measures = self.group.measures
        self.gone = [all(any(m in row.suppressed_measures for m in measures) for row in rows) for rows in self.rows]
        for unknown in self.zeros:
            self.gone[unknown] = False

    def is_protected(self, unknown: int, measure: str) -> bool:
        """Whether an interval must hide it: it may not be shown for its own sake.

        What is suppressed only to hide others stands on enough contributors; it must not follow exactly, no more.
        """
        return any(measure in row.primary for row in self.rows[unknown])

    def values(self, measure: str) -> Array:
        """The true values; 0 where the warehouse gives none."""
        if measure not in self.known:
            self.known[measure] = np.array([next((row.values[measure] for row in rows if measure in row.values), 0.0)
                                            for rows in self.rows], dtype=np.float64)
        return self.known[measure]

    def value(self, unknown: int, measure: str) -> float:
        """The true value of one."""
        return float(self.values(measure)[unknown])

    def room(self, measure: str) -> Array:
        """How far each value could be less, for all that a reader takes for granted: without end below nothing.

        None is below nothing where it is not, nor a whole number below what its row tells of it where it is so much:
        nobody can count on what is not so. Nor is a total less than what its parts are at least.
        """
        if measure not in self.rooms:
            values = self.values(measure)
            told = np.array([self._told(rows, measure, value) for rows, value in zip(self.rows, values, strict=True)])
            least = np.where(values >= 0, told, -np.inf)
            for total, parts in sorted(self.lines, key=lambda line: -self.depth(line[0])):
                least[total] = max(least[total], min(values[total], least[list(parts)].sum()))
            self.rooms[measure] = values - least
        return self.rooms[measure]

    def line_matrix(self) -> Any:
        """The lines, a row each, over all unknowns: +1 for the total, -1 for each part, nothing where it is both."""
        if "lines" not in self.matrices:
            entries = [(row, cell, sign) for row, (total, parts) in enumerate(self.lines)
                       for cell, sign in ((total, 1.0), *((part, -1.0) for part in parts))]
            rows, cells, signs = zip(*entries, strict=True) if entries else ((), (), ())
            matrix = coo_array((signs, (rows, cells)), shape=(len(self.lines), len(self.rows))).tocsr()
            matrix.eliminate_zeros()
            self.matrices["lines"] = matrix
        return self.matrices["lines"]

    def _told(self, rows: list[Row], measure: str, value: float) -> float:
        """What rows tell of a whole number: one by being listed, and what they show of which it cannot be less."""
        if measure not in self.whole:
            return 0.0
        below = self.whole[measure]
        shown = (row.values[m] for row in rows for m in below - row.suppressed_measures if m in row.values)
        enough = (least_people(row, *self.people[row.table]) for row in rows if row.table in self.people)
        return max((at for at in (*shown, *enough, 1.0 * any(row.listed for row in rows)) if at <= value), default=0.0)

    def contributors(self, unknown: int) -> int:
        """How many stand behind it."""
        return min(row.contributors for row in self.rows[unknown])

    def depth(self, unknown: int) -> int:
        """How many dimensions its coarsest row names: 0 for the total of all."""
        return min(row.depth for row in self.rows[unknown])


def least_people(row: Row, done: str, k: int) -> float:
    """Returns how many people a row tells to be behind it by what it shows: k, since fewer would not be shown (G2)."""
    is_shown = not row.suppressed if not done else done in row.values and done not in row.suppressed_measures
    return float(k) if row.listed and is_shown else 0.0


def people_of(policy: Policy, table: str, measure: str) -> tuple[str, int] | None:
    """Returns what each of the people that a measure counts has something of, and how many they must be.

    None of what counts no people.
    """
    declared = policy.release.tables[table].contributors
    done = declared.persons.get(measure) if declared else None
    return None if done is None or done == measure else (done, policy.release.thresholds.k)


def systems(policy: Policy, rows: dict[str, dict[Any, list[Row]]], *, apart: bool = False,
            of_amounts: bool = False) -> Iterator[System]:
    """Every system, population by population and month by month; `apart`, one for each measure of a group.

    `of_amounts`: of amounts alone.

    Measures of a group are meant to be suppressed together. A check must not rely on it: a cell that shows one of them
    hides nothing of that one.
    """
    for population, months in rows.items():
        groups = [group for group in groups_of(policy, population) if group.is_amount or not of_amounts]
        if apart:
            groups = [replace(group, measures=(measure,)) for group in groups for measure in group.measures]
        for month, found in months.items():
            for group in groups:
                system = build_system(policy, group, month, found, levels_in(found))
                if system.lines or system.limits:
                    yield system


def build_system(policy: Policy, group: Group, month: Any, rows: list[Row], levels: Levels, *,
                 is_wary: bool = False) -> System:
    """The unknowns and lines of one group and month; cells that are in no line are left out.

    A wary reader does not count on parts to cover their total where what is counted first need be in none of them.
    """
    shown: dict[Key, list[Row]] = defaultdict(list)
    parts: dict[tuple[Key, str], set[Key]] = defaultdict(set)
    for row in rows:
        if any(m in row.values for m in group.measures):
            shown[row.key].append(row)
    along = {t: {d for m in group.measures if m in shape_of(policy, t).measures for d in lines_along(policy, t, m)}
             for t in {t for t, _ in levels} if not set(group.measures).isdisjoint(shape_of(policy, t).measures)}
    for row in rows:
        adds = along.get(row.table, ())
        for dimension, total in row.totals:
            if dimension in adds and total in shown:
                parts[total, dimension].add(row.key)
    added = {key for (total, _), children in parts.items() for key in (total, *children)}
    place = _places(_roots(shown, parts), added | _without_sums(group, rows, shown))
    system = System(group, month, [[] for _ in set(place.values())],
                    whole=whole_numbers(policy, group, tables := {row.table for row in rows}),
                    people={table: people for table in sorted(tables)
                            if (people := people_of(policy, table, group.measures[0])) is not None})
    for key in sorted(place):
        system.rows[place[key]].extend(shown[key])
    system.lines = sorted({(place[total], tuple(sorted(place[child] for child in children)))
                           for (total, _), children in parts.items() if len(children) > 1})
    system.zeros = {place[key] for key in _known_zeros(group, rows, levels, along, set(parts)) if key in place}
    system.refresh()
    if not group.is_amount:
        uncovered = _uncovered(rows, levels) | (_doubtful(policy, rows) if is_wary else set())
        system.limits = _Limits(policy, system, rows, shown, place).all(uncovered)
    return system


def _roots(shown: Collection[Key], parts: Mapping[tuple[Key, str], set[Key]]) -> dict[Key, Key]:
    """Which cell stands for each: of a total and its only part, which have one value, the total."""
    same = {key: key for key in shown}

    def root(key: Key) -> Key:
        while same[key] != key:
            key = same[key]
        return key

    for (total, _), children in sorted(parts.items()):
        if len(children) == 1:
            same[root(next(iter(children)))] = root(total)
    return {key: root(key) for key in shown}


def _places(roots: Mapping[Key, Key], used: Collection[Key]) -> dict[Key, int]:
    """The unknown of each cell that is used, or has the value of one that is."""
    position = {key: place for place, key in enumerate(sorted({roots[key] for key in used}))}
    return {key: position[root] for key, root in roots.items() if root in position}


def _without_sums(group: Group, rows: list[Row], shown: Collection[Key]) -> set[Key]:
    """The cells of a count that adds up over nothing (people): totals and their parts, which limit each other."""
    measure, found = group.measures[0], set[Key]()
    for row in rows:
        if measure in row.values and not group.is_amount:
            found |= {key for _, total in row.totals if total in shown for key in (row.key, total)}
    return found


def _uncovered(rows: list[Row], levels: Levels) -> set[tuple[str, str]]:
    """The dimensions of each table along which a listed cell has no parts, at a level that the table has.

    Whoever reads such a month sees that what is counted need not be in any part (a case whose order was returned is in
    no category), so that nobody can count on parts to cover their total.
    """
    parents = {(row.table, dimension, total) for row in rows for dimension, total in row.totals}
    finer: dict[tuple[str, frozenset[str]], list[str]] = defaultdict(list)
    for table, named in levels:
        for dimension in named:
            finer[table, named - {dimension}].append(dimension)
    return {(row.table, dimension) for row in rows for dimension in finer.get((row.table, row.level), ())
            if (row.table, dimension, row.key) not in parents}


def _doubtful(policy: Policy, rows: list[Row]) -> set[tuple[str, str]]:
    """The dimensions of each table along which what is counted first may be in several parts, or in none."""
    shapes = [shape_of(policy, table) for table in {row.table for row in rows}]
    return {(shape.table, d) for shape in shapes for d in keys_of_rows(shape)
            if d not in policy.release.tables[shape.table].columns[shape.measures[0]].additive_over}


class _Limits:
    """What a count says along dimensions over which it does not add up, and within its row."""

    def __init__(self, policy: Policy, system: System, rows: list[Row], shown: Mapping[Key, list[Row]],
                 place: Mapping[Key, int]) -> None:
        """Look at the cells of a system: all of them, which rows show each, and the unknown of those in a line."""
        self._policy, self._system, self._rows, self._place = policy, system, rows, place
        self._measure = measure = system.group.measures[0]
        self._values = {key: next((row.values[measure] for row in found if measure in row.values), 0.0)
                        for key, found in shown.items()}
        # Of a suppressed cell that is in no line, nobody can count on anything.
        self._lost = {key for key, found in shown.items()
                      if key not in place and all(measure in row.suppressed_measures for row in found)}
        self._told = {(row.table, row.key, m): value for row in rows for m, value in row.values.items()
                      if m not in row.suppressed_measures}

    def all(self, uncovered: Collection[tuple[str, str]]) -> list[Limit]:
        """Returns every limit, once; along dimensions that are `uncovered` parts need not cover their total."""
        found = set(self._within_rows())
        for (table, dimension, total), parts in self._parts().items():
            for part in parts:
                found.update(self._limit([(part, 1.0), (total, -1.0)]))
            if (table, dimension) not in uncovered:
                found.update(self._limit([(total, 1.0), *((part, -1.0) for part in parts)]))
                found.update(self._left(table, dimension, total, parts))
        return sorted(found)

    def _within_rows(self) -> Iterator[Limit]:
        """How much a count may still rise to what it can be no more than, where its row shows that."""
        if self._system.group.whole:
            return
        for row in self._rows:
            if self._measure not in row.values or row.key not in self._place:
                continue
            ceiling = self._at_most(row.table)
            if ceiling and ceiling not in row.suppressed_measures and row.values[ceiling] >= row.values[self._measure]:
                yield ((self._place[row.key], 1.0),), row.values[ceiling] - row.values[self._measure]

    def _parts(self) -> dict[tuple[str, str, Key], list[Key]]:
        """The parts of each total, by table and a dimension along which the count is not subtracted."""
        parts: dict[tuple[str, str, Key], list[Key]] = defaultdict(list)
        for row in self._rows:
            if self._measure not in row.values:
                continue
            subtracted = self._policy.release.tables[row.table].columns[self._measure].subtracted_over
            for dimension, total in row.totals:
                if dimension not in subtracted and total in self._values:
                    parts[row.table, dimension, total].append(row.key)
        return parts

    def _left(self, table: str, dimension: str, total: Key, parts: list[Key]) -> Iterator[Limit]:
        """Whoever is in a total and in no part that tells its events made one of those that are left."""
        beside = self._at_most(table)
        if (table, total, beside) in self._told and dimension in lines_along(self._policy, table, beside):
            tell = [part for part in parts if (table, part, beside) in self._told]
            left = self._told[table, total, beside] - sum(self._told[table, part, beside] for part in tell)
            yield from self._limit([(total, 1.0), *((part, -1.0) for part in tell)], left)

    def _at_most(self, table: str) -> str:
        """The measure of a table that the count can be no more than; "" none."""
        return self._policy.release.tables[table].columns[self._measure].at_most or ""

    def _limit(self, terms: list[tuple[Key, float]], most: float = 0.0) -> Iterator[Limit]:
        """What terms with their signs say of the unknowns, where it is so and none of them is lost."""
        slack = most - sum(sign * self._values[key] for key, sign in terms)
        if slack >= 0 and not any(key in self._lost for key, _ in terms):
            found: dict[int, float] = defaultdict(float)
            for key, sign in terms:
                if key in self._place:
                    found[self._place[key]] += sign
            yield tuple(sorted((at, sign) for at, sign in found.items() if sign)), slack


def _known_zeros(group: Group, rows: list[Row], levels: Levels, along: dict[str, set[str]],
                 parted: set[tuple[Key, str]]) -> Iterator[Key]:
    """Cells of nothing that the tables show by leaving out: the cell itself, or all its parts, at a level they have."""
    listed = {(row.table, row.key) for row in rows}
    for row in rows:
        if row.table not in along or any(row.values.get(m, 0.0) for m in group.measures):
            continue
        named = row.level
        if any(((t, named) in levels and (t, row.key) not in listed)
               or any((row.key, d) not in parted and (t, named | {d}) in levels for d in additive - named)
               for t, additive in along.items()):
            yield row.key
