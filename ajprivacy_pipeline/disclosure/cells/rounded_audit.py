"""What a reader learns from rounded counts beside the exact figures of the same facts.

Belongs here: the systems of one period that rounded and exact cells make together, and the cells they tell too closely.
Does not belong here: rounding (rounding), the table that is published (rounded_counts).

A reader who knows how counts are rounded takes from a published one that the true one lies less than the base away from
it and is not below zero, and from the sum of all that the true one is no further away than draws take it. Beside it
stand the shown cells of the exact tables and their sums. Two systems follow from that:

- of the count itself: unknown are the finest cells, and all totals that are not shown or not listed. Along the types it
  adds up; along other dimensions no part is more than its total, and a total no more than its parts. Whoever counts has
  ordered at least once, so that the finest cells of a total are no more than its shown orders where those add up.
  A row that the exact table lists is somebody's, whether its count is shown or not.
- of every other count or sum of whole numbers in the exact table, of which everybody counted has one or more: what the
  exact table lists, and that no suppressed cell is less than what the rounded counts within it make certain.

How much room is asked, and of which readers, is in `rounded_readers`.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from ajprivacy_pipeline.disclosure.cells.intervals import Held
from ajprivacy_pipeline.disclosure.cells.measure_groups import Group, groups_of
from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.disclosure.cells.rounded_readers import AskedIntervals, Readers
from ajprivacy_pipeline.disclosure.cells.rounding import most_off
from ajprivacy_pipeline.disclosure.cells.table_rows import Key, Row, levels_in
from ajprivacy_pipeline.disclosure.cells.table_system import Limit, System, build_system
from ajprivacy_pipeline.policy import Policy

Counted = Mapping[Key, tuple[int, int]]  # by finest cell: the true count and the published one


@dataclass(frozen=True)
class Beside:
    """One period of the exact tables beside rounded counts.

    `rows` are those of all tables of the population; of the table `exact`, which has the dimensions of the rounded one,
    they stand here also where they are not listed. `listed` are its levels in this period.
    """

    month: Any
    exact: str
    rows: list[Row]
    listed: frozenset[frozenset[str]]

    def lists(self, row: Row) -> bool:
        """Returns whether a row is published."""
        return row.table != self.exact or frozenset(d for d, _ in row.key) in self.listed


@dataclass(frozen=True)
class Mend:
    """The room that something told too closely lacks, and how much each finest cell would give, rounded otherwise.

    More than that it does not give; less is possible, where something else then holds it.
    """

    short: float
    gains: Mapping[Key, float]


@dataclass(frozen=True)
class Told:
    """What is told too closely: finest cells, and cells of the exact table by measure; how many were looked at.

    And what would mend it: of as many of them as may be open, one each.
    """

    cells: list[Key] = field(default_factory=list)
    others: list[tuple[str, Key]] = field(default_factory=list)
    looked: int = 0
    mends: list[Mend] = field(default_factory=list)


def told_too_closely(policy: Policy, beside: Beside, counted: Counted, base: int, measure: str) -> Told:
    """Returns what a reader can tell too closely of one period.

    Args:
        policy: the thresholds.
        beside: the exact figures of the period.
        counted: the finest cells.
        base: what they are rounded to.
        measure: what is counted, as the exact table calls it.
    """
    return Audit(policy, beside, {key: true for key, (true, _) in counted.items()}, measure).of(
        {key: told for key, (_, told) in counted.items()}, base)


class Audit:
    """What a reader can tell of one period, whatever is published of its counts: the systems are built once."""

    def __init__(self, policy: Policy, beside: Beside, true: Mapping[Key, int], measure: str) -> None:
        """Build the systems.

        Args:
            policy: the thresholds.
            beside: the exact figures of the period.
            true: the true count of every finest cell.
            measure: what is counted, as the exact table calls it.
        """
        self.true, self._measure = dict(true), measure
        self._place = dict[Key, int]()
        small = {key for key, count in true.items() if 0 < count < policy.release.thresholds.k}

        def counts(is_wary: bool) -> AskedIntervals:
            system, self._place = _of_counts(policy, beside, self.true, measure, is_wary=is_wary)
            return _asked(policy, beside, system, measure, {self._place[key] for key in small})

        def other(group: Group) -> Callable[[bool], AskedIntervals]:
            return lambda is_wary: _asked(policy, beside, _beside_counts(policy, beside, group, is_wary=is_wary),
                                          group.name, set())

        self._counts = Readers(counts)
        self._others = list[tuple[Readers, dict[int, list[list[Key]]]]]()
        for group in _of_each(policy, beside.exact, measure):
            readers = Readers(other(group))
            self._others.append((readers, _within(policy, beside, readers.system, self.true)))

    def of(self, published: Mapping[Key, int], base: int) -> Told:
        """Returns what is told too closely.

        Args:
            published: the published count of every finest cell.
            base: what it is rounded to.
        """
        place, system = self._place, self._counts.system
        counted = {key: (true, published[key]) for key, true in self.true.items()}
        narrow, holds = self._counts.told(_rounded(system, place, counted, base))
        looked, finest = self._counts.looked, {at: key for key, at in place.items() if key in self.true}
        cells = [finest[at] for at in narrow if at in finest]
        others = [(self._measure, system.rows[at][0].key) for at in narrow if at not in finest]
        alone = {at: [[key]] for at, key in finest.items()}
        mends = [self._mend(held, alone, published, base) for held in holds]
        floors = {key: _certain_of(count, base) for key, count in published.items()}
        for readers, within in self._others:
            narrow, holds = readers.told(_certain(readers.system, within, floors))
            others += [(readers.system.group.name, readers.system.rows[at][0].key) for at in narrow]
            mends += [self._mend(held, within, published, base) for held in holds]
            looked += readers.looked
        return Told(cells, others, looked, mends)

    def _mend(self, held: Held, within: Mapping[int, list[list[Key]]], published: Mapping[Key, int], base: int) -> Mend:
        """What finest cells give that are rounded the other way.

        A cell that goes up may be more by the base, and one that goes down makes fewer certain. `within` are, by cell
        that holds something, the sums of finest cells that bound it: the largest one does.
        """
        gains = defaultdict[Key, float](float)
        for (at, is_above), worth in held.worth.items():
            sums = sorted(within.get(at, ()), key=lambda keys: sum(_certain_of(published[key], base) for key in keys))
            for key in sums[-1] if sums else ():
                told, true = published[key], self.true[key]
                if true % base and (told > true) != is_above:
                    fewer = _certain_of(told, base) - _certain_of(told - base, base)
                    gains[key] += worth * (base if is_above else fewer)
        return Mend(held.short, {key: gain for key, gain in gains.items() if gain})


def _of_each(policy: Policy, exact: str, measure: str) -> list[Group]:
    """The other measures of the exact table that are whole numbers, of which everybody who is counted has some."""
    columns = policy.release.tables[exact].columns
    names = [name for name in shape_of(policy, exact).measures if name != measure and columns[name].type == "BIGINT"]
    return [replace(group, name=name, measures=(name,))
            for group in groups_of(policy, policy.release.tables[exact].population or exact)
            for name in group.measures if name in names]


def _asked(policy: Policy, beside: Beside, system: System, measure: str, small: Collection[int]) -> AskedIntervals:
    """What is asked of a system: small counts, and what the exact table lists and suppresses."""
    listed = np.array([any(beside.lists(row) for row in rows) for rows in system.rows], dtype=bool)
    primary = np.array([any(beside.lists(row) and measure in row.primary for row in rows) for rows in system.rows],
                       dtype=bool)
    return AskedIntervals(policy, system, measure, listed, primary, small)


def _of_counts(policy: Policy, beside: Beside, true: Mapping[Key, int], measure: str, *,
               is_wary: bool) -> tuple[System, dict[Key, int]]:
    """The system of the count itself without what is published of it, and where each cell stands in it."""
    rows = [*(replace(row, listed=beside.lists(row)) for row in beside.rows), *_nothing(policy, beside, true)]
    group = Group(measure, (measure,), whole=False, is_amount=False)
    system = build_system(policy, group, beside.month, rows, levels_in(rows), is_wary=is_wary)
    place = {row.key: at for at, found in enumerate(system.rows) for row in found}
    system.limits += _ordered(policy, beside, system, place, true)
    return system, place


def _nothing(policy: Policy, beside: Beside, true: Mapping[Key, int]) -> Iterator[Row]:
    """Rows of nothing for all cells and totals that the exact table has none of: shown where their level is listed."""
    known = {row.key for row in beside.rows if row.table == beside.exact}
    measures = shape_of(policy, beside.exact).measures
    keys = {part for key in true for size in range(len(key) + 1) for part in combinations(key, size)}
    for key in sorted(keys - known):
        hidden = frozenset(d for d, _ in key) not in beside.listed
        yield Row(beside.exact, -1, key, len(key), 0, dict.fromkeys(measures, 0.0), set(measures) if hidden else set(),
                  hidden)


def _rounded(system: System, place: Mapping[Key, int], counted: Counted, base: int) -> Iterator[Limit]:
    """How far each finest cell, and the sum of all, may be from what is published."""
    gone = []
    for key, (true, told) in counted.items():
        at = place[key]
        if system.gone[at]:
            gone.append(at)
            yield ((at, 1.0),), float(told + base - 1 - true)
            if told >= base:
                yield ((at, -1.0),), float(true - (told - base + 1))
    off, most = sum(told - true for true, told in counted.values()), most_off(base)
    if gone and abs(off) <= most:
        yield tuple((at, 1.0) for at in gone), float(most + off)
        yield tuple((at, -1.0) for at in gone), float(most - off)


def _ordered(policy: Policy, beside: Beside, system: System, place: Mapping[Key, int],
             true: Mapping[Key, int]) -> Iterator[Limit]:
    """The finest cells of a total are no more than its orders, where the exact table shows them and they add up."""
    columns = policy.release.tables[beside.exact].columns
    ceiling = columns[system.group.name].at_most
    if ceiling is None:
        return
    adds, within = columns[ceiling].additive_over, dict[Key, list[Key]]()
    for key in true:
        for size in range(len(key)):
            for part in combinations(key, size):
                if {d for d, _ in set(key) - set(part)} <= set(adds):
                    within.setdefault(part, []).append(key)
    for row in beside.rows:
        if row.table == beside.exact and row.key in within and ceiling not in row.suppressed_measures:
            slack = row.values[ceiling] - sum(true[key] for key in within[row.key])
            gone = [place[key] for key in within[row.key] if system.gone[place[key]]]
            if gone and slack >= 0:
                yield tuple((at, 1.0) for at in gone), slack


def _certain_of(published: int, base: int) -> int:
    """How many a published count makes certain."""
    return max(0, published - base + 1)


def _beside_counts(policy: Policy, beside: Beside, group: Group, *, is_wary: bool) -> System:
    """The system of another measure, of what the exact table lists."""
    rows = [row for row in beside.rows if beside.lists(row)]
    return build_system(policy, group, beside.month, rows, levels_in(rows), is_wary=is_wary)


def _within(policy: Policy, beside: Beside, system: System,
            true: Mapping[Key, int]) -> dict[int, list[list[Key]]]:
    """The finest cells within what is suppressed of a system.

    By unknown a list for each sum of them that counts: along a dimension over which the measure does not add up,
    one for each of its values.
    """
    adds = set(policy.release.tables[beside.exact].columns[system.group.name].additive_over)
    parts: dict[Key, list[Key]] = {}
    for key in true:
        for size in range(len(key) + 1):
            for part in combinations(key, size):
                parts.setdefault(part, []).append(key)
    within: dict[int, list[list[Key]]] = {}
    for at, found in enumerate(system.rows):
        if system.gone[at]:
            sums: dict[Key, list[Key]] = {}
            for key in parts.get(found[0].key, ()):
                sums.setdefault(tuple(p for p in key if p not in found[0].key and p[0] not in adds), []).append(key)
            within[at] = list(sums.values())
    return within


def _certain(system: System, within: Mapping[int, list[list[Key]]], floors: Mapping[Key, int]) -> Iterator[Limit]:
    """That no suppressed value is less than what the published counts within it make certain."""
    for at, sums in within.items():
        least = max((sum(floors.get(key, 0) for key in keys) for keys in sums), default=0)
        slack = system.value(at, system.group.name) - least
        if least and slack >= 0:
            yield ((at, -1.0),), slack
