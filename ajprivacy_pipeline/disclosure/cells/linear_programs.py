"""Linear programs over one system, solved one after another, each from where the one before ended.

Belongs here: HiGHS and nothing else. Does not belong here: which moves are asked for, and what they prove (intervals).

The solver takes whatever is smaller than its tolerance for nothing, and loses digits on long numbers. So each program
is written in a unit of its own, in which what is asked for lies between 1 and SPREAD; and of what comes out, as much is
taken off as the arithmetic may be wrong: an interval is judged narrower than it is, never wider.
"""

from collections.abc import Sequence
from typing import Any

import highspy
import numpy as np
from scipy.sparse import coo_array, vstack

from ajprivacy_pipeline.disclosure.cells.table_system import Array
from ajprivacy_pipeline.errors import ReleaseError

SPREAD = 1e6  # the goals of one program differ by no more
DUAL_SIMPLEX, PRIMAL_SIMPLEX = 1, 4
# Tried one after another: the way, and the unit, of the finest in which no goal is too large. The primal way calls some
# programs unbounded that are not, in which cells may go down without end: the dual one does not.
_ATTEMPTS = ((PRIMAL_SIMPLEX, 1), (PRIMAL_SIMPLEX, 1), (DUAL_SIMPLEX, 1), (PRIMAL_SIMPLEX, 100),
             (PRIMAL_SIMPLEX, 10_000))
NO_SLACK = np.zeros(0)
_FAR = 1e9  # units that a cell may go down at most: doubles tell the solver's tolerance apart from nothing up to here
_BROKEN = 1e-9  # units by which a limit may be passed that the solver was not given


def accept(status: Any) -> None:
    """Refuse to go on with a program of which the solver did not take everything.

    What it refuses it leaves out, and solves the rest: an interval without one of its rows looks wider than it is.

    Raises:
        ReleaseError: the answer is not kOk.
    """
    if status != highspy.HighsStatus.kOk:
        raise ReleaseError("the solver did not take a linear program as it is, so nothing can be proven by it: please "
                           "report the month's figures with this message")


def load(lines: Any, lower: Array, upper: Array, limits: Any, *, strategy: int = PRIMAL_SIMPLEX) -> highspy.Highs:
    """Returns a solver that holds lines · x = 0 and limits · x <= 0, with bounds of each column and no costs yet."""
    by_column = vstack([lines, limits]).tocsc()
    rows, columns = by_column.shape
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns, rows
    model.col_cost_, model.col_lower_, model.col_upper_ = np.zeros(columns), lower, upper
    model.row_upper_ = np.zeros(rows)
    model.row_lower_ = np.where(np.arange(rows) < lines.shape[0], 0.0, -highspy.kHighsInf)
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.num_col_, model.a_matrix_.num_row_ = columns, rows
    model.a_matrix_.start_, model.a_matrix_.index_ = by_column.indptr, by_column.indices
    model.a_matrix_.value_ = by_column.data
    solver = highspy.Highs()  # type: ignore[no-untyped-call]  # its authors left it untyped
    for option, value in (("output_flag", False), ("threads", 1), ("presolve", "off"), ("simplex_strategy", strategy)):
        accept(solver.setOptionValue(option, value))
    accept(solver.passModel(model))
    if (solver.getNumRow(), solver.getNumCol(), solver.getNumNz()) != (rows, columns, by_column.nnz):
        accept(None)
    return solver


def limit(solver: highspy.Highs, lines: int, slack: Array) -> None:
    """Say how far the limits, which stand after so many lines, may rise."""
    rows = np.arange(lines, lines + len(slack), dtype=np.int32)
    if len(rows):
        lower, upper = np.full(len(rows), -highspy.kHighsInf), np.minimum(slack, _FAR)
        accept(solver.changeRowsBounds(len(rows), rows, lower, upper))  # type: ignore[attr-defined]  # not in its stubs


def ends_of(lines: Array, lower: Array, upper: Array, columns: Sequence[int]) -> list[tuple[float, float]]:
    """Returns the least and the most that each of some columns can be where lines · x = 0; (0, 0) of no solution."""
    solver, found = load(coo_array(lines), lower, upper, coo_array((0, len(lower)))), []
    for column in columns:
        ends = []
        for cost in (1.0, -1.0):
            accept(solver.changeColCost(column, cost))
            solver.run()
            if solver.getModelStatus() == highspy.HighsModelStatus.kOptimal:
                ends.append(float(solver.getSolution().col_value[column]))
        accept(solver.changeColCost(column, 0.0))
        found.append((ends[0], ends[1]) if len(ends) == 2 else (0.0, 0.0))
    return found


class Programs:
    """Moves x with lines · x = 0, limits · x <= slack and x no lower than `least`.

    0 is one of them, and every solution may be shrunk. A limit of one cell bounds its column and is no row: a solver's
    work grows with its rows, and rounded counts bound every cell from both sides. Of the other limits the solver gets
    those that a solution would pass, and from then on. `prices` are those of the last
    program: by column how much less was reached for each unit of its lower bound (above 0) or upper bound (below 0).
    """

    def __init__(self, lines: Any, least: Array, limits: Any = None, slack: Array = NO_SLACK, *,
                 at_once: bool = False) -> None:
        """Keep the system.

        Args:
            lines: a sparse matrix, a row a line, a column a cell.
            least: how far each cell may go down, in the unit of its values; -inf when nothing bounds it.
            limits: a sparse matrix, a row a limit; none when omitted.
            slack: how far each limit may rise, in the same unit; none is below 0.
            at_once: whether the solver gets every limit from the start.
        """
        limits = (coo_array((0, lines.shape[1])) if limits is None else limits).tocsr()
        alone = np.diff(limits.indptr) == 1
        self._lines = lines.tocsr()
        self._limits, self._slack = limits[~alone], slack[~alone]
        self._least, self._most = _bounded(least, limits[alone], slack[alone])
        self.prices = np.zeros(len(least))
        self._measure_in(1.0)
        self._given = np.arange(len(self._slack) * at_once)  # the limits that the solver has, in its order
        self._solver = load(lines, self._lower, self._upper, self._limits[self._given])
        limit(self._solver, lines.shape[0], self._slack[self._given])

    def furthest(self, wanted: dict[int, float]) -> Array | None:
        """Returns the solution that moves the wanted columns together as far as wanted, each by its own measure.

        A move above 0 is one up, one below 0 is one down. They differ by a factor of SPREAD at most. None when the
        solver gives up; that proves nothing.
        """
        cells, goals = np.array(list(wanted), dtype=np.int32), np.array(list(wanted.values()))
        unit = max(1.0, float(np.abs(goals).max()) / SPREAD)
        try:
            for strategy, coarser in _ATTEMPTS:
                accept(self._solver.setOptionValue("simplex_strategy", strategy))
                found = self._solve(cells, goals, unit * coarser)
                if found is not None:
                    return found
                self._solver.clearSolver()  # from where it ended before it came to nothing: begin anew
            return None
        finally:
            accept(self._solver.setOptionValue("simplex_strategy", PRIMAL_SIMPLEX))

    def _solve(self, cells: Any, goals: Array, unit: float) -> Array | None:
        """One attempt, in one unit."""
        self._change_unit(unit)
        size, up, goals = np.abs(goals), goals > 0, goals / unit
        weight = size.max() / size
        least, most = self._lower[cells], self._upper[cells]
        self._ask(cells, np.where(up, -weight, weight), np.where(up, least, np.maximum(least, goals)),
                  np.where(up, np.minimum(most, goals), most))
        found = self._run()
        passed = self._passed(found)
        while found is not None and self._give(passed):
            accept(self._solver.setOptionValue("simplex_strategy", DUAL_SIMPLEX))  # prices stay what they may be
            found = self._run()
            passed = self._passed(found)
        self.prices = np.array(self._solver.getSolution().col_dual)
        self._ask(cells, np.zeros(len(goals)), least, most)
        return None if found is None else self._certain(found, passed) * self._unit

    def _run(self) -> Array | None:
        self._solver.run()
        is_found = self._solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return np.array(self._solver.getSolution().col_value) if is_found else None

    def _passed(self, found: Array | None) -> Array:
        """How far a solution passes each limit, in units; below 0 where it does not."""
        return NO_SLACK if found is None else self._limits @ found - self._slack_in_units

    def _give(self, by: Array) -> bool:
        """Give the solver the limits that a solution passes; False when it passes none that it has not got."""
        passed = by > _BROKEN
        passed[self._given] = False
        rows = np.flatnonzero(passed)
        for row in rows.tolist():
            entries = slice(*self._limits.indptr[row:row + 2])
            accept(self._solver.addRow(-highspy.kHighsInf, min(self._slack[row] / self._unit, _FAR),
                                       entries.stop - entries.start, self._limits.indices[entries],
                                       self._limits.data[entries]))
        self._given = np.append(self._given, rows) if len(rows) else self._given
        if self._solver.getNumRow() != self._lines.shape[0] + len(self._given):
            accept(None)
        return bool(len(rows))

    def _change_unit(self, unit: float) -> None:
        """Write the bounds of columns and limits in another unit; nothing else of a system has one."""
        if unit != self._unit:
            self._measure_in(unit)
            columns = np.arange(len(self._least), dtype=np.int32)
            accept(self._solver.changeColsBounds(len(columns), columns, self._lower, self._upper))
            limit(self._solver, self._lines.shape[0], self._slack_in_units[self._given])

    def _measure_in(self, unit: float) -> None:
        """Keep in a unit how far each column may go down and up, and each limit may rise.

        Holding a column back from going further makes moves shorter.
        """
        least, most = self._least / unit, self._most / unit
        self._unit, self._slack_in_units = unit, self._slack / unit
        self._least_in_units, self._most_in_units = least, most
        self._lower, self._upper = np.maximum(least, -_FAR), np.where(np.isinf(most), most, np.minimum(most, _FAR))

    def _certain(self, found: Array, passed: Array) -> Array:
        """The moves less what may be wrong with them.

        A solution that misses a line, a limit or a bound by a little is that little away from a true one for each line
        that carries it on.
        """
        off = max(float(np.abs(self._lines @ found).max(initial=0.0)),
                  float(passed.max(initial=0.0)),
                  float((self._least_in_units - found).max(initial=0.0)),
                  float((found - self._most_in_units).max(initial=0.0)))
        rows = self._lines.shape[0] + self._limits.shape[0]
        trusted = np.maximum(np.abs(found) - rows * off, 0.0)
        return np.asarray(np.sign(found) * trusted)

    def _ask(self, cells: Any, cost: Array, lower: Array, upper: Array) -> None:
        accept(self._solver.changeColsCost(len(cells), cells, cost))
        accept(self._solver.changeColsBounds(len(cells), cells, lower, upper))


def _bounded(least: Array, alone: Any, slack: Array) -> tuple[Array, Array]:
    """How far each column may go down and up, by its own bound and by limits of one entry a row."""
    least, most, share = least.copy(), np.full(len(least), np.inf), slack / alone.data
    np.minimum.at(most, alone.indices[alone.data > 0], share[alone.data > 0])
    np.maximum.at(least, alone.indices[alone.data < 0], share[alone.data < 0])
    return least, most
