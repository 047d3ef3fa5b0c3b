"""G5 against readers who know prices, over all sums of a system: cells of categories that are sold at one price.

Belongs here: the categories of one price, and which of their suppressed cells all sums of units and of revenue tell
together. Does not belong here: products (`prices`, `price_cells`), programs of one line (`price_programs`).

Where everything of a category has one price, the units of its cells by region and type are their revenue, so that a
region's shown units and revenue are two sums of the same few unknowns. Each such cell must move as far as is asked for
by all lines of units and of revenue at once, and, where all that is suppressed of a line has one price each, in whole
numbers within that line.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.sparse import block_diag, coo_array, vstack

from ajprivacy_pipeline.disclosure.cells.intervals import MORE, line_matrix
from ajprivacy_pipeline.disclosure.cells.linear_programs import Programs
from ajprivacy_pipeline.disclosure.cells.price_cells import Pairs
from ajprivacy_pipeline.disclosure.cells.price_programs import NOTHING, Hidden, LinePrograms, is_wide
from ajprivacy_pipeline.disclosure.cells.table_system import System
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release import Priced
from ajprivacy_pipeline.storage.zones import Connection, quote


def one_price(con: Connection, priced: Priced, time: str, apart: Sequence[str]) -> dict[Any, dict[Pairs, float]]:
    """Returns, by month, the categories of which everything was sold at one price, with it.

    Args:
        con: holds facts and prices.
        priced: the table of products.
        time: the column of the month.
        apart: the dimensions that a category is.
    """
    month, by, named = quote(time), quote(priced.by), ", ".join(map(quote, apart))
    found = defaultdict[Any, dict[Pairs, float]](dict)
    for at, price, *values in con.execute(f"""
        SELECT {month}, CAST(min(p.lowest) AS DOUBLE), {named}
        FROM (SELECT DISTINCT {month}, {by}, {named} FROM {priced.facts})
        JOIN {priced.relation} AS p USING ({month}, {by})
        GROUP BY {month}, {named} HAVING min(p.lowest) = max(p.highest) AND count(*) = count(p.lowest)
        """).fetchall():
        found[at][frozenset(zip(apart, values, strict=True))] = price
    return dict(found)


class PricedSums:
    """The suppressed cells of categories of one price in a system, as it stands now."""

    def __init__(self, policy: Policy, system: System, priced: Priced, categories: Mapping[Pairs, float]) -> None:
        """Find them; `categories` are those of one price, with it."""
        self._at, self._system = policy.release.thresholds, system
        self._apart = apart = frozenset(dimension for category in categories for dimension, _ in category)
        self._measures = units, revenue = priced.units, priced.amount
        self._hidden: dict[int, Hidden] = {}
        for cell, rows in enumerate(system.rows if categories else ()):
            for row in rows if system.is_suppressed(cell) else ():
                category = frozenset(pair for pair in row.key if pair[0] in apart)
                if priced.by not in row.level and category in categories:
                    self._hidden[cell] = Hidden(system.value(cell, units), system.value(cell, revenue),
                                                categories[category])

    def told(self) -> list[int]:
        """The cells, protected for their own sake, that sums tell too closely."""
        wanted = [cell for cell in self._hidden
                  if any(self._system.is_protected(cell, measure) for measure in self._measures)]
        if not wanted:
            return []
        moves, share = _Moves(self._system, self._measures, self._hidden), self._at.interval_percent / 100
        return [cell for cell in wanted if not is_wide(moves, cell, self._hidden[cell], share) or not all(
            is_wide(LinePrograms([self._hidden[part] for part in gone], self._at.price_band / 100, whole=True),
                    gone.index(cell), self._hidden[cell], share) for gone in self._short_lines(cell))]

    def beside(self, cell: int) -> list[int]:
        """The shown cells whose suppression hides a cell, the cheapest first: other categories, then their total."""
        lines = list(self._lines(cell))
        parts = {part for _, parts in lines for part in parts} - {cell} - self._system.zeros
        shown = [*sorted(parts, key=lambda part: self._system.value(part, self._measures[0])),
                 *(total for total, _ in lines)]
        return [one for one in shown if not self._system.is_suppressed(one)]

    def _lines(self, cell: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The lines of which a cell is one of several categories."""
        for total, parts in self._system.lines:
            if cell in parts and not any(self._apart & row.level for row in self._system.rows[total]):
                yield total, parts

    def _short_lines(self, cell: int) -> Iterator[list[int]]:
        """What is suppressed of a cell's lines whose total is shown, where it is little and has one price each."""
        for total, parts in self._lines(cell):
            gone = [part for part in parts if self._system.is_suppressed(part)]
            if not self._system.is_suppressed(total) and set(gone) <= set(self._hidden) and (
                    len(gone) <= self._at.integer_cells):
                yield gone


class _Moves:
    """Moves of all suppressed cells of a system that leave every shown sum of units and of revenue as it is."""

    def __init__(self, system: System, measures: tuple[str, str], hidden: Mapping[int, Hidden]) -> None:
        """Write the program: a column of units for each cell, then one of revenue, in units of the dearest price."""
        gone = np.flatnonzero(system.gone).tolist()
        self._place, self._hidden, count = {cell: at for at, cell in enumerate(gone)}, hidden, len(gone)
        self._scale = max(abs(one.price or 0.0) for one in hidden.values()) or 1.0
        lines = line_matrix(system, self._place)
        links = [(row, at, factor) for row, (cell, one) in enumerate(hidden.items()) for at, factor in (
            (self._place[cell], -(one.price or 0.0) / self._scale), (count + self._place[cell], 1.0))
            if abs(factor) > NOTHING]
        rows, columns, factors = zip(*links, strict=True)
        least = np.concatenate([-system.room(measures[0])[gone], -system.room(measures[1])[gone] / self._scale])
        for cell, one in hidden.items():
            least[self._place[cell]], least[count + self._place[cell]] = one.floor, -np.inf
        linked = coo_array((factors, (rows, columns)), shape=(len(hidden), 2 * count))
        self._programs = Programs(vstack([block_diag((lines, lines)), linked]), least)

    def units(self, at: int, goal: float, *, up: bool) -> float:
        """See `price_programs.Moves`."""
        found = self._programs.furthest({self._place[at]: MORE * goal if up else -MORE * goal}) if goal > 0 else None
        move = 0.0 if found is None else float(found[self._place[at]])
        return max(0.0, move if up else -move)

    def revenue(self, at: int, goal: float, *, up: bool) -> float:
        """See `price_programs.Moves`."""
        price = self._hidden[at].price or 0.0
        return self.units(at, goal / price, up=up) * price if price > 0 else 0.0
