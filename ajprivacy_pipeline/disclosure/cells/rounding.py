"""Small-count rounding: which counts of a table go down to a multiple of a base, and which go up.

Belongs here: the choice. Does not belong here: what is counted (sql/published), what a reader learns (rounded_audit).

The method is that of Langsrud and Heldal for frequency tables: only the finest cells are rounded, each to one of the
two multiples of the base beside it, and every total is the sum of its rounded cells, so that the table adds up. Cells
go up one after another, each time the one that brings all totals together nearest to their true values; then pairs
change places while that helps. A multiple of the base stays; with a base of k no count below k is published.

What nobody may repeat is drawn: how many cells go up, about as many as their sum asks for, and which of two equally
good ones does. Draws are handed in.
"""

from collections.abc import Collection
from typing import Any

import numpy as np

Counts = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
_PASSES = 1000  # pairs that change places, at most


def round_counts(counts: Counts, totals: Counts, base: int, draws: Counts, *, start: Counts | None = None,
                 up: Collection[int] = (), down: Collection[int] = ()) -> Counts:
    """Returns the rounded counts, of the same order.

    Args:
        counts: the true counts of the finest cells, none below zero.
        totals: a row a cell and a column a level, with the number of the total that the cell is part of; a cell's own
            number where a level is the finest one.
        base: what is rounded to.
        draws: a number a cell and one more, none below zero, which decide where the counts do not.
        start: rounded counts of which as few as can be are to change; none: all is to be chosen.
        up: cells that must go up, unless they are multiples of the base.
        down: cells that must go down.
    """
    rest = counts % base
    low = counts - rest
    free = rest != 0
    must_up, must_down = ([cell for cell in sorted(set(cells)) if free[cell]] for cells in (up, down))
    free[[*must_up, *must_down]] = False
    choice = _Choice(counts, low, totals, base, draws)
    for cell in np.flatnonzero(start > low) if start is not None else ():
        choice.move(int(cell), up=True)
    for cells, is_up in ((must_up, True), (must_down, False)):
        for cell in cells:
            if (choice.rounded[cell] > low[cell]) != is_up:
                choice.move(cell, up=is_up)
    wanted = max(0, (int(rest.sum()) + int(draws[-1]) % (2 * base) - base // 2) // base)
    while (more := wanted - int((choice.rounded > low).sum())) and choice.is_movable(free, up=more > 0):
        choice.move(choice.best(free, up=more > 0), up=more > 0)
    for _ in range(_PASSES if start is None else 0):
        pair = choice.best_pair(free)
        if pair is None:
            break
        choice.move(pair[0], up=False)
        choice.move(pair[1], up=True)
    return choice.rounded


def most_off(base: int) -> int:
    """Returns how far the rounded sum of all cells is from the true one at most, as far as the draw decides it.

    It is drawn so widely that the sum does not give away a cell that no other total hides.
    """
    return base + base // 2


class _Choice:
    """Rounded counts on their way, all down at first, and how far each total is off."""

    def __init__(self, counts: Counts, low: Counts, totals: Counts, base: int, draws: Counts) -> None:
        self.rounded, self.low, self._totals, self._base = low.copy(), low, totals, base
        self._order = draws[:-1]
        self._off = [np.bincount(level, weights=low - counts).astype(np.int64) for level in totals.T]

    def move(self, cell: int, *, up: bool) -> None:
        """Take one cell up, or down again."""
        step = self._base if up else -self._base
        self.rounded[cell] += step
        for off, level in zip(self._off, self._totals.T, strict=True):
            off[level[cell]] += step

    def _too_much(self) -> Counts:
        """By cell, how much its totals are above their true values together."""
        found: Counts = np.sum([off[level] for off, level in zip(self._off, self._totals.T, strict=True)], axis=0)
        return found

    def is_movable(self, free: Flags, *, up: bool) -> bool:
        """Whether a free cell may go up, or down again."""
        return bool((free & ((self.rounded == self.low) == up)).any())

    def best(self, free: Flags, *, up: bool) -> int:
        """The free cell whose totals lack most, to go up; or have most too much, to go down again."""
        cells, score = np.flatnonzero(free & ((self.rounded == self.low) == up)), self._too_much()
        return int(cells[np.lexsort((cells, self._order[cells], (score if up else -score)[cells]))[0]])

    def best_pair(self, free: Flags) -> tuple[int, int] | None:
        """The cells, one up and one down, of which changing places helps most; None where none helps."""
        above = np.flatnonzero(free & (self.rounded > self.low))
        below = np.flatnonzero(free & (self.rounded == self.low))
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
