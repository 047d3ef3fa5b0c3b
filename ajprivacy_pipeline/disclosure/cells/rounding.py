"""Small-count rounding: which counts of a table go down to a multiple of a base, and which go up.

Belongs here: the choice. Does not belong here: what is counted (sql/published), what a reader learns (rounded_audit).

The method is that of Langsrud and Heldal for frequency tables: only the finest cells are rounded, each to one of the
two multiples of the base beside it, and every total is the sum of its rounded cells, so that the table adds up. Cells
go up one after another, each time the one that brings all totals together nearest to their true values; then pairs
change places while that helps. A multiple of the base stays; with a base of k no count below k is published.

What nobody may repeat is drawn: how many cells go up beyond what their sum makes certain, and which of two equally good
ones does. Draws are handed in.
"""

from collections.abc import Collection
from typing import Any

import numpy as np

Counts = np.ndarray[Any, np.dtype[np.int64]]
_PASSES = 1000  # pairs that change places, at most


def round_counts(counts: Counts, totals: Counts, base: int, draws: Counts, *, up: Collection[int] = (),
                 down: Collection[int] = ()) -> Counts:
    """Returns the rounded counts, of the same order.

    Args:
        counts: the true counts of the finest cells, none below zero.
        totals: a row a cell and a column a level, with the number of the total that the cell is part of; a cell's own
            number where a level is the finest one.
        base: what is rounded to.
        draws: a number a cell and one more, none below zero, which decide where the counts do not.
        up: cells that must go up, unless they are multiples of the base.
        down: cells that must go down.
    """
    rest = counts % base
    rounded = counts - rest
    free = np.ones(len(counts), dtype=bool)
    free[rest == 0] = False
    first = [cell for cell in sorted(set(up)) if free[cell]]
    free[sorted({*up, *down})] = False
    wanted = (int(rest.sum()) + int(draws[-1]) % base) // base
    choice = _Choice(counts, rounded, totals, base, draws)
    for cell in first:
        choice.move(cell, up=True)
    for _ in range(min(wanted - len(first), int(free.sum()))):
        choice.move(choice.best_up(free), up=True)
    for _ in range(_PASSES):
        pair = choice.best_pair(free)
        if pair is None:
            break
        choice.move(pair[0], up=False)
        choice.move(pair[1], up=True)
    return choice.rounded


class _Choice:
    """Rounded counts on their way, and how far each total is off."""

    def __init__(self, counts: Counts, rounded: Counts, totals: Counts, base: int, draws: Counts) -> None:
        self.rounded, self.low, self._totals, self._base = rounded.copy(), rounded, totals, base
        self._order = draws[:-1]
        self._off = [np.bincount(level, weights=rounded - counts).astype(np.int64) for level in totals.T]

    def move(self, cell: int, *, up: bool) -> None:
        """Take one cell up, or down again."""
        step = self._base if up else -self._base
        self.rounded[cell] += step
        for off, level in zip(self._off, self._totals.T, strict=True):
            off[level[cell]] += step

    def _too_much(self) -> Counts:
        """By cell, how much its totals are above their true values together."""
        return np.sum([off[level] for off, level in zip(self._off, self._totals.T, strict=True)], axis=0)

    def best_up(self, free: np.ndarray[Any, np.dtype[np.bool_]]) -> int:
        """The cell that is down and whose totals lack most."""
        cells = np.flatnonzero(free & (self.rounded == self.low))
        return int(cells[np.lexsort((cells, self._order[cells], self._too_much()[cells]))[0]])

    def best_pair(self, free: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[int, int] | None:
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
