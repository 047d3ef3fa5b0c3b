"""Who reads rounded counts beside the exact tables, and how much room each must be left.

Belongs here: what is asked of a period's intervals, and of which readers. Does not belong here: the systems they look
at (rounded_audit), the mathematics (intervals).

A small count must leave k whole numbers possible, and so must what the exact table suppresses for its own sake. Where
the exact tables alone leave a reader fewer, rounded counts must leave as many as these do. That is asked of two
readers: one counts on parts to cover their total, the other knows that an order may be in no category and counts on
that nowhere. The exact tables tell the first one more by themselves; where less is asked for that reason, the other
one is looked at, whom the rounded counts might tell something new.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ajprivacy_pipeline.disclosure.cells.intervals import FeasibilityIntervals, Held, open_cells, what_holds
from ajprivacy_pipeline.disclosure.cells.table_system import Array, Limit, System
from ajprivacy_pipeline.policy import Policy

Flags = NDArray[np.bool_]
_SLACK = 1e-6


class Readers:
    """Both readers of one measure of a period."""

    def __init__(self, make: Callable[[bool], "AskedIntervals"]) -> None:
        """Look at the first reader; the other one's system is built when it is needed.

        Args:
            make: builds what is asked beside the exact tables alone; of a wary reader, who counts on no part to cover
                its total, when that is true.
        """
        self._make, self._first = make, make(False)
        self._wary: AskedIntervals | None = None

    @property
    def system(self) -> System:
        """What the exact tables tell the first reader."""
        return self._first.system

    @property
    def looked(self) -> int:
        """How many cells must be left room."""
        return int(self._first.protected.sum())

    def told(self, limits: Iterable[Limit]) -> tuple[list[int], list[Held]]:
        """Returns the cells that some limits tell too closely, and what holds them, of as many as may be open."""
        limits = list(limits)
        narrow, held = self._first.told(limits)
        if self._first.less:
            self._wary = self._wary or self._make(True)
            more, more_held = self._wary.told(limits, self._first.less)
            narrow, held = sorted({*narrow, *more}), [*held, *more_held]
        return narrow, held


class AskedIntervals(FeasibilityIntervals):
    """Moves of what is published for nobody: k whole numbers stay possible, of an amount some on both sides.

    What the exact table lists and suppresses only to hide others must not follow exactly, as in G5. `less` are the
    cells of which the exact tables alone leave less than that.
    """

    def __init__(self, policy: Policy, system: System, measure: str, listed: Flags, primary: Flags,
                 small: Collection[int]) -> None:
        """Protect small counts, besides what the exact table suppresses and lists; nothing was moved yet.

        Args:
            policy: the thresholds.
            system: what the exact tables tell.
            measure: its measure.
            listed: of each cell, whether the exact table lists it.
            primary: of each cell, whether the exact table lists it and suppresses it for its own sake.
            small: cells of which the true count is small.
        """
        super().__init__(policy, system, measure)
        self.protected = primary & (self.values > 0)
        self.protected[sorted(small)] = True
        self.sides = self._of(self.protected)
        whole = (policy.release.thresholds.k - 1) * (1 - _SLACK)  # from the least to the largest of k numbers
        hidden = np.where(listed & (self.values > 0), 1 - _SLACK, 0.0)
        self.width = np.where(self.protected & (not system.group.is_amount), whole, hidden)
        self.less, self._asked = set[int](), set[int]()

    def told(self, limits: Sequence[Limit], among: Collection[int] | None = None) -> tuple[list[int], list[Held]]:
        """Returns the cells that limits tell too closely, of some or all, and what holds them."""
        beside = self.beside(replace(self.system, limits=[*self.system.limits, *limits]))
        self._ask(beside, among)
        narrow = open_cells(beside)
        if self._ask_less(narrow):
            self._ask(beside, among)
            narrow = beside.too_narrow()
        return narrow, what_holds(beside, narrow)

    def _ask(self, beside: FeasibilityIntervals, among: Collection[int] | None) -> None:
        """Ask of some cells alone what is asked of them."""
        asked = np.isin(np.arange(len(self.width)), list(among)) if among is not None else self.width >= 0
        beside.width, beside.sides = np.where(asked, self.width, 0.0), self._of(asked)

    def _ask_less(self, narrow: Collection[int]) -> bool:
        """Whether less is asked now of some cells that are told too closely: no more than the exact tables alone leave.

        What these tell by themselves is not the rounded counts'.
        """
        fresh = [cell for cell in narrow if cell not in self._asked]
        if not fresh or len(narrow) > self.open_cells:  # more of them were not looked at one by one
            return False
        self._asked.update(fresh)
        alone = self.beside(self.system)
        self._ask(alone, fresh)
        held, (down, up) = open_cells(alone), self.sides
        for wanted, left in ((self.width, alone.down + alone.up), (down, alone.down), (up, alone.up)):
            wanted[held] = np.minimum(wanted[held], left[held] * (1 - _SLACK))
        self.less.update(held)
        return bool(held)

    def _of(self, cells: Flags) -> tuple[Array, Array]:
        """What is asked of some cells to each side, and nothing of the others."""
        down, up = (np.where(cells, side, 0.0) for side in self.sides)
        return down, up
