"""Moves between two suppressed cells at a time: how far a cell moves for certain, without a linear program.

Belongs here: exchanges within limits. Does not belong here: programs, and what is wide enough (intervals).

Cells in the very same lines hide each other: what one takes another gives, and a suppressed total rises with its part.
Limits bound how far that goes. A cell exchanges with one after another, each as far as the room that is left lets it;
where that is not as far as is asked for, nothing is said: a program may find more.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ajprivacy_pipeline.disclosure.cells.table_system import Array

Terms = list[tuple[int, float]]


class Exchanges:
    """The exchanges that a system's lines and limits allow, from the true values."""

    def __init__(self, lines: Any, limits: Any, slack: Array, least: Array) -> None:
        """Find out who exchanges with whom.

        Args:
            lines: a sparse matrix, a row a line, a column a cell.
            limits: a sparse matrix, a row a limit.
            slack: how far each limit may rise; none is below 0.
            least: how far each cell may go down; -inf where nothing bounds it.
        """
        self._limits, self._slack, self._least = _by_column(limits), slack.tolist(), least.tolist()
        alike: dict[tuple[tuple[int, float], ...], Terms] = defaultdict(list)
        for cell, terms in enumerate(_by_column(lines)):
            sign = terms[0][1] if terms else 1.0
            alike[tuple((line, weight * sign) for line, weight in terms)].append((cell, sign))
        self._beside: dict[int, tuple[float, Terms]] = {
            cell: (sign, [one for one in group if one[0] != cell] if lines_of else [])
            for lines_of, group in alike.items() for cell, sign in group}
        self._free = {cell for cell, _ in alike.get((), [])}

    def furthest(self, cell: int, goal: float, *, up: bool) -> float:
        """Returns how far a cell moves to one side: as far as the goal, or as far as exchanges take it."""
        way = 1.0 if up else -1.0
        moved, used = 0.0, dict[int, float]()
        for also in self._steps(cell, way):
            step = min(goal - moved, self._room(cell, way, moved), *(self._room(b, to, 0.0) for b, to in also))
            rises = self._rises([(cell, way), *also])
            for limit, weight in rises.items():
                if weight > 0:
                    step = min(step, (self._slack[limit] - used.get(limit, 0.0)) / weight)
            if step > 0:
                moved += step
                for limit, weight in rises.items():
                    used[limit] = used.get(limit, 0.0) + weight * step
                if moved >= goal:
                    break
        return moved

    def _steps(self, cell: int, way: float) -> Iterator[Terms]:
        """What moves along with a cell, and to which side: one cell after another, or nothing where it is in no line."""
        if cell in self._free:
            yield []
        sign, beside = self._beside[cell]
        for other, its in beside:
            yield [(other, -way * sign * its)]

    def _room(self, cell: int, way: float, moved: float) -> float:
        return float("inf") if way > 0 else -self._least[cell] - moved

    def _rises(self, moves: Terms) -> Mapping[int, float]:
        """By limit how much it rises with moves of one."""
        found: dict[int, float] = defaultdict(float)
        for cell, way in moves:
            for limit, weight in self._limits[cell]:
                found[limit] += weight * way
        return found


def _by_column(matrix: Any) -> list[Terms]:
    """The rows of each column of a sparse matrix in order, with their weights."""
    found: list[Terms] = [[] for _ in range(matrix.shape[1])]
    for row, column, weight in zip(matrix.row.tolist(), matrix.col.tolist(), matrix.data.tolist(), strict=True):
        found[column].append((row, weight))
    return found
