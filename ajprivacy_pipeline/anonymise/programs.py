"""Linear programs over one system, solved one after another, each from where the one before ended.

Belongs here: HiGHS and nothing else. Does not belong here: which moves are asked for, and what they prove (intervals).
"""

from typing import Any

import highspy
import numpy as np

from ajprivacy_pipeline.anonymise.system import Array

_PRIMAL_SIMPLEX = 4


class Programs:
    """Moves x with lines · x = 0 and x no lower than `least`; 0 is one of them, and every solution may be shrunk."""

    def __init__(self, lines: Any, least: Array) -> None:
        """Keep the system.

        Args:
            lines: a sparse matrix, a row a line, a column a cell.
            least: how far each cell may go down, in the unit of its values; -inf when nothing bounds it.
        """
        rows, columns = lines.shape
        by_column = lines.tocsc()
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = columns, rows
        model.col_cost_ = np.zeros(columns)
        model.col_lower_, model.col_upper_ = least, np.full(columns, highspy.kHighsInf)
        model.row_lower_ = model.row_upper_ = np.zeros(rows)
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.num_col_, model.a_matrix_.num_row_ = columns, rows
        model.a_matrix_.start_, model.a_matrix_.index_ = by_column.indptr, by_column.indices
        model.a_matrix_.value_ = by_column.data
        self._least = least
        self._solver = highspy.Highs()  # type: ignore[no-untyped-call]  # its authors left it untyped
        for option, value in (("output_flag", False), ("threads", 1), ("presolve", "off"),
                              ("simplex_strategy", _PRIMAL_SIMPLEX)):
            self._solver.setOptionValue(option, value)
        self._solver.passModel(model)

    def furthest(self, wanted: dict[int, float], *, up: bool) -> Array | None:
        """The solution that moves the wanted columns together as far as wanted, up or down, each by its own measure.

        None when the solver gives up; that proves nothing.
        """
        cells, goals = np.array(list(wanted), dtype=np.int32), np.array(list(wanted.values()))
        least = self._least[cells]
        weight = goals.max() / goals
        if up:
            self._ask(cells, -weight, least, goals)
        else:
            self._ask(cells, weight, np.maximum(least, -goals), np.full(len(goals), highspy.kHighsInf))
        self._solver.run()
        is_found = self._solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        found = np.array(self._solver.getSolution().col_value) if is_found else None
        self._ask(cells, np.zeros(len(goals)), least, np.full(len(goals), highspy.kHighsInf))
        return found

    def _ask(self, cells: Any, cost: Array, lower: Array, upper: Array) -> None:
        self._solver.changeColsCost(len(cells), cells, cost)
        self._solver.changeColsBounds(len(cells), cells, lower, upper)
