"""What a choice of suppressed cells lacks, as inequalities that every sufficient choice fulfils.

Belongs here: the cuts of Benders' decomposition for cell suppression (Fischetti and Salazar). Does not belong here: the
choice (optimal_choice), and the proof of what was chosen (intervals).

A choice gives each cell a share of suppression between 0 and 1, and that share of the room to move. How far a
suppressed cell can then be moved is a linear program. Where that is less than is asked for, the program's dual says
which cells would let it move further: their shares, weighted, must come to what is missing. No weight need be larger
than what is missing, for a share is 0 or 1 in the end.
"""

from dataclasses import dataclass

import highspy
import numpy as np

from ajprivacy_pipeline.disclosure.cells.intervals import Wish, limit_matrix, line_matrix
from ajprivacy_pipeline.disclosure.cells.linear_programs import accept, limit, load
from ajprivacy_pipeline.disclosure.cells.table_system import Array, System

_FAR = 1e3      # times what is asked for: as far as a cell is let go that nothing else bounds
_LITTLE = 1e-3  # a share of every shown cell, with which the program tells most about all of them
_NOTHING = 1e-7
_SHORT = 1e-6   # of what is asked for: so much may be missing


@dataclass(frozen=True)
class Cut:
    """Weights of cells whose suppressed shares, weighted, must be at least 1."""

    weights: Array

    def reached(self, shares: Array) -> float:
        """Returns what some shares come to."""
        return float(self.weights @ shares)


class ProtectionCuts:
    """The moves of one measure of a system, with room by share of suppression."""

    def __init__(self, system: System, measure: str) -> None:
        """Keep the lines and limits over all cells; what is suppressed already moves freely."""
        values, room = system.values(measure), system.room(measure)
        place = {cell: cell for cell in range(len(values))}
        lines, (limits, self._slack) = line_matrix(system, place), limit_matrix(system, place)
        zeros = np.isin(np.arange(len(values)), list(system.zeros))
        self._rows, self._free = lines.shape[0], ~np.array(system.gone, dtype=bool)
        self._down = np.where(zeros, 0.0, room)
        self._up = np.where(zeros, 0.0, np.inf)
        self._all = np.arange(len(values), dtype=np.int32)
        nothing = np.zeros(len(values))
        self._solver = load(lines, nothing, nothing, limits)
        self.programs = 0

    def missing(self, wish: Wish, shares: Array) -> Cut | None:
        """Returns a cut that the shares do not fulfil, or None where the wish is fulfilled or no cut tells why not.

        Where no cell is shown quite, the program's dual is one that asks for least of all of them (Magnanti and Wong):
        fewer cuts lead to an end. Held to what is asked for, it says more about cells that bound each other.
        """
        for far, tried in ((1.0, np.maximum(shares, _LITTLE)), (1.0, shares), (_FAR, shares)):
            reached, constant, weights = 0.0, 0.0, np.zeros(len(shares))
            for up in wish.sides:
                moved, fixed, more = self._move(wish, tried, far, up=up)
                reached, constant, weights = reached + moved, constant + fixed, weights + more
            if constant < 1 - _SHORT and reached < 1 - _SHORT:
                cut = Cut(np.minimum(weights / (1 - constant), 1.0))
                if cut.reached(shares) < 1 - _SHORT:
                    return cut
            elif tried is shares:
                return None
        return None

    def _move(self, wish: Wish, shares: Array, far: float, *, up: bool) -> tuple[float, float, Array]:
        """How far the cell moves, in goals; of what bounds that, what is fixed, and the weights of shares."""
        share = np.where(self._free, shares, 1.0)
        room_down = np.minimum(self._down / wish.goal, _FAR)
        most = np.where(self._free, far, _FAR)
        lower, upper = -np.minimum(room_down, most) * share, np.where(self._up > 0, most, 0.0) * share
        at = wish.cell
        lower[at], upper[at] = (0.0, 1.0) if up else (-min(1.0, room_down[at]), 0.0)
        cost = np.zeros(len(shares))
        cost[at] = -1.0 if up else 1.0
        limit(self._solver, self._rows, self._slack / wish.goal)
        accept(self._solver.changeColsCost(len(cost), self._all, cost))
        accept(self._solver.changeColsBounds(len(cost), self._all, lower, upper))
        self._solver.run()
        self.programs += 1
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self._solver.clearSolver()
            self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return 0.0, 1.0, np.zeros(len(shares))
        solution = self._solver.getSolution()
        moved, price = abs(solution.col_value[at]), np.array(solution.col_dual)
        held_down, held_up = np.maximum(price, 0.0), np.maximum(-price, 0.0)
        held_down[held_down < _NOTHING] = held_up[held_up < _NOTHING] = 0.0
        weights = np.where(self._free & (held_up > 0) & (self._up > 0), 1.0,
                           held_down * np.minimum(self._down / wish.goal, 1 / _NOTHING))
        fixed = float((held_down * -lower + held_up * upper)[~self._free].sum())
        rows = np.array(solution.row_dual)[self._rows:]
        fixed += float(np.maximum(-rows, 0.0) @ np.minimum(self._slack / wish.goal, _FAR)) if len(rows) else 0.0
        return moved, fixed, np.where(self._free, weights, 0.0)
