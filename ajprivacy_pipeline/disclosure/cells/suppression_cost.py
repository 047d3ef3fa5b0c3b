"""Which shown cells hide a suppressed one at the least loss: linear programs over a whole system.

Belongs here: the choice. It proves nothing: what the choice is worth, the intervals say.

A suppressed cell is hidden when the system has a solution in which it differs by enough. Of all such solutions, one
changes the fewest shown cells: those are suppressed along. How many change is counted as how far they change, against
what each could give: the usual relaxation, one program a cell and side instead of a search.
"""

import highspy
import numpy as np
from scipy.sparse import hstack

from ajprivacy_pipeline.disclosure.cells.intervals import limit_matrix, line_matrix
from ajprivacy_pipeline.disclosure.cells.linear_programs import DUAL_SIMPLEX, accept, limit, load
from ajprivacy_pipeline.disclosure.cells.table_system import Array, System
from ajprivacy_pipeline.policy import Policy

_NOTHING = 1e-6  # of what is asked for: no move, but for arithmetic
_LEAST = 1e-3    # of what is asked for: a cell that gives less costs no more for it
_BEING_ONE = 0.1  # of the mean share of a level's cells: what a cell costs that holds nothing
_FAR = 1e3       # times what is asked for: as far as any cell goes


def loss_of(policy: Policy, system: System) -> Array:
    """Returns what it costs to suppress each cell, by the policy's `suppression_loss`.

    `cells`: as much for each. `values`: the percent of its level (the cells that name as many dimensions) that is no
    longer visible, and a tenth of that for being a cell; on a level that names a dimension less, `total_worth` times as
    much.
    """
    if policy.release.thresholds.suppression_loss == "cells":
        return np.ones(len(system.rows))
    depth = np.array([system.depth(i) for i in range(len(system.rows))])
    values = np.abs(system.values(system.group.measures[-1]))
    whole = np.maximum(np.bincount(depth, weights=values), 1.0)
    share = 100 * (values / whole[depth] + _BEING_ONE / np.bincount(depth)[depth])
    return np.asarray(share * float(policy.release.thresholds.total_worth) ** (depth.max(initial=0) - depth))


class SuppressionCost:
    """A system's cells as moves up and down off their values; shown ones cost, suppressed ones are free."""

    def __init__(self, policy: Policy, system: System) -> None:
        """Keep the lines; what is suppressed is read from the system each time."""
        self._system = system
        count = len(system.rows)
        place = {cell: cell for cell in range(count)}
        lines = line_matrix(system, place)
        limits, self._slack = limit_matrix(system, place)
        self._lines = lines.shape[0]
        self.loss = loss_of(policy, system)
        self._is_zero = np.isin(np.arange(count), list(system.zeros))
        self._all = np.arange(2 * count, dtype=np.int32)
        nothing = np.zeros(2 * count)
        self._solver = load(hstack([lines, -lines]), nothing, nothing, hstack([limits, -limits]),
                            strategy=DUAL_SIMPLEX)  # costs change less

    def cheapest_complement(self, cell: int, measure: str, goal: float, *, up: bool) -> list[int]:
        """Returns the shown cells to suppress so that a cell may differ by the goal to one side.

        The list is empty when nothing helps.
        """
        room = self._system.room(measure)
        count = len(room)
        gone = np.array(self._system.gone, dtype=bool)
        down = np.minimum(room / goal, _FAR)
        down[self._is_zero] = 0.0
        rise = np.where(self._is_zero, 0.0, _FAR)
        loss = np.where(gone, 0.0, self.loss)
        cost = np.concatenate([loss, loss / np.clip(down, _LEAST, 1.0)])
        lower, upper = np.zeros(2 * count), np.concatenate([rise, down])
        one, other = (cell, cell + count) if up else (cell + count, cell)
        lower[one], upper[one], upper[other] = 1.0, max(1.0, upper[one]), 0.0
        limit(self._solver, self._lines, self._slack / goal)
        accept(self._solver.changeColsCost(2 * count, self._all, cost))
        accept(self._solver.changeColsBounds(2 * count, self._all, lower, upper))
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self._solver.clearSolver()  # from where it ended before it came to nothing: begin anew
            self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return []
        found = np.array(self._solver.getSolution().col_value)
        moved = np.abs(found[:count] - found[count:]) > _NOTHING
        return [int(i) for i in np.flatnonzero(moved & ~gone)]
