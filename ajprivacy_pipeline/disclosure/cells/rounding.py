"""Small-count rounding: which counts of a table go down to a multiple of a base, and which go up.

Belongs here: the choice. Does not belong here: what is counted (sql/published), what a reader learns (rounded_audit).

The method is that of Langsrud and Heldal for frequency tables: only the finest cells are rounded, each to one of the
two multiples of the base beside it, and every total is the sum of its rounded cells, so that the table adds up. Cells
go up one after another, each time the one that brings all totals together nearest to their true values; then pairs
change places while that helps. A multiple of the base stays; with a base of k no count below k is published.

What nobody may repeat is drawn: how many cells go up, about as many as their sum asks for, and which of two equally
good ones does. Draws are handed in.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Counts = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
_PASSES = 1000  # pairs that change places, at most


@dataclass(frozen=True)
class Line:
    """Cells of which readers know the true sum, from an exact table."""

    total: int
    cells: tuple[int, ...]


def round_counts(counts: Counts, totals: Counts, base: int, draws: Counts, *, lines: Sequence[Line] = (),
                 room: int = 1, start: Counts | None = None, up: Collection[int] = (),
                 down: Collection[int] = ()) -> Counts:
    """Returns the rounded counts, of the same order.

    Args:
        counts: the true counts of the finest cells, none below zero.
        totals: a row a cell and a column a level, with the number of the total that the cell is part of; a cell's own
            number where a level is the finest one.
        base: what is rounded to.
        draws: a number a cell and one more, none below zero, which decide where the counts do not.
        lines: sums that are known; no cell is in two of them.
        room: counts below it must leave so many numbers possible, by their line, where that can be had.
        start: rounded counts of which as few as can be are to change; none: all is to be chosen.
        up: cells that must go up, unless they are multiples of the base.
        down: cells that must go down.
    """
    rest = counts % base
    low = counts - rest
    free = rest != 0
    must_up, must_down = ([cell for cell in sorted(set(cells)) if free[cell]] for cells in (up, down))
    free[[*must_up, *must_down]] = False
    choice = _Choice(counts, low, totals, base, draws, _Lines(counts, base, room, lines))
    for kept in np.flatnonzero(start > low).tolist() if start is not None else ():
        choice.move(kept, up=True)
    for cells, is_up in ((must_up, True), (must_down, False)):
        for cell in cells:
            if (choice.rounded[cell] > low[cell]) != is_up:
                choice.move(cell, up=is_up)
    wanted = max(0, (int(rest.sum()) + int(draws[-1]) % (2 * base) - base // 2) // base)
    choice.mend(free)
    while more := wanted - int((choice.rounded > low).sum()):
        best = choice.best(free, up=more > 0)
        if best is None:
            break
        choice.move(best, up=more > 0)
    for _ in range(_PASSES if start is None else 0):
        pair = choice.best_pair(free)
        if pair is None:
            break
        choice.move(pair[0], up=False)
        choice.move(pair[1], up=True)
    choice.mend(free)
    return choice.rounded


def most_off(base: int) -> int:
    """Returns how far the rounded sum of all cells is from the true one at most, as far as the draw decides it.

    It is drawn so widely that the sum does not give away a cell that no other total hides.
    """
    return base + base // 2


class _Lines:
    """How many small counts each known sum tells too closely, as cells are up or down."""

    def __init__(self, counts: Counts, base: int, room: int, lines: Sequence[Line]) -> None:
        self.of = {cell: line for line in lines for cell in line.cells}
        self._counts, self._base, self._room = counts.tolist(), base, room

    def told(self, line: Line, rounded: Counts, flipped: int | None = None) -> int:
        """The small counts of a line that leave too few numbers; one of its cells may be taken as the other way."""
        published = {cell: int(rounded[cell]) for cell in line.cells}
        if flipped is not None:
            away = published[flipped] > self._counts[flipped]
            published[flipped] += -self._base if away else self._base
        least = {cell: max(0, told - self._base + 1) for cell, told in published.items()}
        most = {cell: told + self._base - 1 for cell, told in published.items()}
        all_least, all_most, found = sum(least.values()), sum(most.values()), 0
        for cell in line.cells:
            if 0 < self._counts[cell] < self._room:
                from_ = max(least[cell], line.total - (all_most - most[cell]))
                to = min(most[cell], line.total - (all_least - least[cell]))
                found += to - from_ + 1 < self._room
        return found


class _Choice:
    """Rounded counts on their way, all down at first, and how far each total is off."""

    def __init__(self, counts: Counts, low: Counts, totals: Counts, base: int, draws: Counts, lines: _Lines) -> None:
        self.rounded, self.low, self._totals, self._base = low.copy(), low, totals, base
        self._order, self._lines = draws[:-1], lines
        self._off = [np.bincount(level, weights=low - counts).astype(np.int64) for level in totals.T]
        self._worse = np.zeros(len(counts), dtype=np.int64)  # how many more its line tells if a cell goes the other way
        self._candidates = counts % base != 0
        for cell in lines.of:
            self._look(cell)

    def move(self, cell: int, *, up: bool) -> None:
        """Take one cell up, or down again."""
        step = self._base if up else -self._base
        self.rounded[cell] += step
        for off, level in zip(self._off, self._totals.T, strict=True):
            off[level[cell]] += step
        for other in self._lines.of[cell].cells if cell in self._lines.of else ():
            self._look(other)

    def _look(self, cell: int) -> None:
        if self._candidates[cell]:
            line = self._lines.of[cell]
            self._worse[cell] = (self._lines.told(line, self.rounded, cell) - self._lines.told(line, self.rounded))

    def _too_much(self) -> Counts:
        """By cell, how much its totals are above their true values together."""
        found: Counts = np.sum([off[level] for off, level in zip(self._off, self._totals.T, strict=True)], axis=0)
        return found

    def mend(self, free: Flags) -> None:
        """Move cells the other way where their line then tells less, first those that help most."""
        for _ in range(_PASSES):
            cells = np.flatnonzero(free & (self._worse < 0))
            if not len(cells):
                break
            best = int(cells[np.lexsort((cells, self._order[cells], self._worse[cells]))[0]])
            self.move(best, up=bool(self.rounded[best] == self.low[best]))

    def best(self, free: Flags, *, up: bool) -> int | None:
        """The free cell whose totals lack most, to go up; or have most too much, to go down again; None without one."""
        cells = np.flatnonzero(free & ((self.rounded == self.low) == up) & (self._worse <= 0))
        if not len(cells):
            return None
        score = self._too_much() if up else -self._too_much()
        return int(cells[np.lexsort((cells, self._order[cells], score[cells]))[0]])

    def best_pair(self, free: Flags) -> tuple[int, int] | None:
        """The cells, one up and one down, of which changing places helps most; None where none helps."""
        may = free & (self._worse <= 0)
        above = np.flatnonzero(may & (self.rounded > self.low))
        below = np.flatnonzero(may & (self.rounded == self.low))
        if not len(above) or not len(below):
            return None
        score = self._too_much()
        apart = np.zeros((len(above), len(below)), dtype=np.int64)  # totals that one of the two is in
        for level in self._totals.T:
            apart += level[above][:, None] != level[below][None, :]
        gain = score[above][:, None] - score[below][None, :] - self._base * apart
        best = int(gain.max())
        if best <= 0:
            return None
        pairs = np.argwhere(gain == best)
        one, other = above[pairs[:, 0]], below[pairs[:, 1]]
        at = np.lexsort((other, one, self._order[other], self._order[one]))[0]
        return int(one[at]), int(other[at])
