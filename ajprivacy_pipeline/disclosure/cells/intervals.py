"""How closely suppressed cells can be computed from the published ones.

Belongs here: intervals of a system by linear programs, and the rank test. It suppresses nothing.

A published system leaves the suppressed values any solution of its lines, none below zero, nor below one where
somebody's row is listed. Two solutions in which a
cell differs by enough prove its interval wide; one linear program that moves all narrow cells at once proves it for
most of them, and only the cells it leaves open get programs of their own. What is looked for are moves off the true
values, so that rounding of published amounts cannot make a system contradict itself.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from ajprivacy_pipeline.disclosure.cells.linear_programs import SPREAD, Programs
from ajprivacy_pipeline.disclosure.cells.table_system import Array, System
from ajprivacy_pipeline.policy import Policy

Places = np.ndarray[Any, np.dtype[np.intp]]
_ROUNDS = 100
_LAST = 6  # rounds in which no more cells became wide than programs of their own would have shown
_SLACK = 1e-6
_DIGITS = 6
MORE = 1.05  # ask for more than is needed, because of the solver's tolerance


@dataclass(frozen=True)
class Wish:
    """A suppressed cell, how far it is to be moved, and whether up, down, or so far with both taken together."""

    cell: int
    goal: float
    sides: tuple[bool, ...]


@dataclass(frozen=True)
class Held:
    """Why a cell does not move as far as it should: how much is missing, and what holds it.

    `worth` is, by suppressed cell and whether it is held from above, how much further the move would go for each unit
    by which that cell were given more room.
    """

    short: float
    worth: Mapping[tuple[int, bool], float]


class FeasibilityIntervals:
    """How far down and up each cell of a system was moved in some solution; kept while more cells are suppressed."""

    def __init__(self, policy: Policy, system: System, measure: str) -> None:
        """Nothing was moved yet."""
        self.system, self.values = system, system.values(measure)
        self.down, self.up = np.zeros_like(self.values), np.zeros_like(self.values)
        self.programs = 0
        self.open_cells = policy.release.thresholds.open_cells
        share = policy.release.thresholds.interval_percent / 100
        is_amount = system.group.is_amount
        self.protected = np.array([system.is_protected(i, measure) for i in range(len(self.values))], dtype=bool)
        side = np.abs(self.values) * share * (1 - _SLACK) * (self.protected & is_amount)
        self.room = system.room(measure)
        bounded = system.whole.get(measure, frozenset())  # counts of the same row that must be hidden, too
        counts = np.array([any(row.primary & bounded for row in rows) for rows in system.rows], dtype=bool)
        most = (policy.release.thresholds.k + 1 - self.values) * (1 - _SLACK) * (self.protected & is_amount & counts)
        self.sides = np.minimum(side, self.room), np.maximum(side, most)  # down, as far as that goes, and up
        self.width = np.where(self.protected & (not is_amount), policy.release.thresholds.k, 1) * (1 - _SLACK)

    def beside(self, tried: System) -> "FeasibilityIntervals":
        """The same intervals while more cells are suppressed on trial; what was found so far holds there too."""
        found = copy(self)
        found.system, found.down, found.up = tried, self.down.copy(), self.up.copy()
        return found

    def take(self, beside: "FeasibilityIntervals") -> None:
        """Keep what was found on trial: the cells are suppressed now."""
        self.down, self.up, self.programs = beside.down, beside.up, beside.programs

    def note(self, cells: Places, moves: Array) -> None:
        """Remember a solution, of which no move down is counted below zero."""
        self.down[cells] = np.maximum(self.down[cells], -moves)
        self.up[cells] = np.maximum(self.up[cells], moves)

    def shortfall(self, cells: Any = slice(None)) -> tuple[Array, Array]:
        """How much further down and up all or some cells must be moved; 0 when its interval is wide enough."""
        down, up = self.down[cells], self.up[cells]
        short_down = np.maximum(self.sides[0][cells] - down, 0)
        short_up = np.maximum(self.sides[1][cells] - up, 0)
        thin = (short_down == 0) & (short_up == 0)
        rest = np.where(thin, np.maximum(self.width[cells] - down - up, 0), 0)
        return short_down + rest, short_up + rest

    def too_narrow(self) -> list[int]:
        """The suppressed cells whose interval is not wide enough; none where nothing at all is shown."""
        return list(map(int, self.narrow_of(np.flatnonzero(self.system.gone))))

    def narrow_of(self, cells: Places) -> Places:
        """The suppressed cells, of some, whose interval is not wide enough; none where nothing at all is shown."""
        if self._shows_nothing():
            return cells[:0]
        short_down, short_up = self.shortfall(cells)
        return cells[(short_down > 0) | (short_up > 0)]

    def _shows_nothing(self) -> bool:
        """Whether nothing at all is shown from which something could follow."""
        zeros = self.system.zeros
        return not self.system.limits and all(gone or cell in zeros for cell, gone in enumerate(self.system.gone))

    def narrowest(self) -> float:
        """The least width of a protected count's interval, or the least side of a protected amount's in percent of it.

        As far as it was looked at: no interval is narrower, and looking ends where one is wide enough. It follows from
        true values: not to be published as it is.
        """
        gone = np.array(self.system.gone, dtype=bool) & self.protected
        if self._shows_nothing():
            return np.inf
        if not self.system.group.is_amount:
            return float((self.down + self.up)[gone].min(initial=np.inf))
        gone &= self.values != 0
        down = np.where(self.down < self.room * (1 - _SLACK), self.down, np.inf)  # no further than it goes
        return float((100 * np.minimum(down, self.up)[gone] / np.abs(self.values[gone])).min(initial=np.inf))

    def wishes(self, cell: int) -> list[Wish]:
        """What a cell whose interval is too narrow is to be moved by: an amount to each side, else so far in all."""
        if self.sides[0][cell] + self.sides[1][cell] < self.width[cell]:
            return [Wish(cell, float(self.width[cell]), (True, False))]
        return [Wish(cell, float(self.sides[up][cell]), (up,)) for up in (True, False) if self.sides[up][cell] > 0]

    def required_moves(self, cells: list[int], *, up: bool) -> dict[int, float]:
        """How far from its true value each of some cells should be moved to one side; those that need it alone.

        Moves down are below 0.
        """
        shortfall = self.shortfall(cells)[1 if up else 0]
        sign, so_far = (1, self.up) if up else (-1, self.down)
        return {cell: sign * float(so_far[cell] + short)
                for cell, short in zip(cells, shortfall.tolist(), strict=True) if short > 0}


def open_cells(intervals: FeasibilityIntervals, among: Sequence[bool] | None = None,
               program: "MoveProgram | None" = None, *, alone: bool = True) -> list[int]:
    """The suppressed cells whose interval is too narrow, after as few linear programs as find the wide ones.

    More open cells than the policy allows are left unexamined: whoever suppresses then coarsens.

    Args:
        intervals: what was found so far; what is found here is noted there.
        among: by cell, whether it is looked at; all are when omitted.
        program: that of these intervals, where cells were looked at before and nothing is suppressed since.
        alone: whether cells that stay open get programs of their own; without, some that are returned may be wide.
    """
    program, chance = program or MoveProgram(intervals), np.random.default_rng(0)
    looked = program.cells if among is None else program.cells[np.array(among, dtype=bool)[program.cells]]
    left = [intervals.narrow_of(looked)]
    while len(left[-1]) and len(left) <= _ROUNDS and not _in_vain([len(cells) for cells in left], intervals.open_cells):
        program.move(intervals, _together(intervals, left[-1], chance.random(len(left[-1])) < 1 / 2))
        left.append(intervals.narrow_of(left[-1]))
    if not alone or len(left[-1]) > intervals.open_cells:
        return list(map(int, left[-1]))
    for cell in map(int, left[-1]):
        for up in (True, False):
            program.move(intervals, intervals.required_moves([cell], up=up))
    return list(map(int, intervals.narrow_of(left[-1])))


def _together(intervals: FeasibilityIntervals, narrow: Places, up: Any) -> dict[int, float]:
    """The moves of narrow cells to one side each, given by chance where both are wanted.

    Moves of another size wait for a program of their own.
    """
    short_down, short_up = intervals.shortfall(narrow)
    goals = np.where((up & (short_up > 0)) | (short_down == 0),
                     intervals.up[narrow] + short_up, -intervals.down[narrow] - short_down)
    sizes = np.abs(goals)
    if sizes.max() <= SPREAD * sizes.min():
        return dict(zip(narrow.tolist(), goals.tolist(), strict=True))
    found, least, most = dict[int, float](), np.inf, 0.0
    for cell, goal in zip(narrow.tolist(), goals.tolist(), strict=True):
        if max(most, abs(goal)) <= SPREAD * min(least, abs(goal)):
            least, most = min(least, abs(goal)), max(most, abs(goal))
            found[cell] = goal
    return found


def what_holds(intervals: FeasibilityIntervals, cells: Sequence[int]) -> list[Held]:
    """Returns what holds each of some cells that are too narrow, by the prices of the programs that move it.

    Of more cells than may be open, of the first so many.
    """
    if not cells:
        return []
    program, found = MoveProgram(intervals, at_once=True), list[Held]()
    for cell in cells[:intervals.open_cells]:
        short, worth = max(float(side[0]) for side in intervals.shortfall([cell])), Counter[tuple[int, bool]]()
        for up in (True, False):
            if wanted := intervals.required_moves([cell], up=up):
                # Which of several prices comes out must not hang on the last digits of what was found before.
                program.move(intervals, {at: round(goal, _DIGITS) for at, goal in wanted.items()})
                worth.update(dict(program.prices()))
        found.append(Held(short, worth))
    return found


def _in_vain(open_after: Sequence[int], limit: int) -> bool:
    """Whether the last rounds were worth less than a program a cell; where too many are left, than nothing at all."""
    if len(open_after) <= _LAST:
        return False
    closed = open_after[-1 - _LAST] - open_after[-1]
    return closed < (_LAST if open_after[-1] <= limit else 1)


class MoveProgram:
    """The moves that a system's published cells allow its suppressed ones."""

    def __init__(self, intervals: FeasibilityIntervals, *, at_once: bool = False) -> None:
        """Keep what is suppressed now, and note what exchanges alone prove.

        Args:
            intervals: of the system; what is found is noted in them.
            at_once: whether the solver gets every limit from the start.
        """
        self._at_once = at_once
        self.cells = np.flatnonzero(intervals.system.gone)
        self._cells = self.cells.tolist()
        self._place = {cell: i for i, cell in enumerate(self._cells)}
        self._values = intervals.values[self.cells]
        self._least = -intervals.room[self.cells]
        self._gives = np.where(self._values >= 0, -self._least, 0.0)
        self.matrix = line_matrix(intervals.system, self._place)
        self._limits, self._slack = limit_matrix(intervals.system, self._place)
        self._programs: Programs | None = None
        self._exchange(intervals)

    def _exchange(self, intervals: FeasibilityIntervals) -> None:
        """The cheap bound, where there are no limits.

        Of cells in the very same lines one can take what the others can give, and give what it can.
        A suppressed total that is part of one other line and of no more joins the two: its parts stand in that line.
        One that is in no other line bounds nothing.
        """
        if self._limits.shape[0]:
            return
        alike: dict[tuple[tuple[int, float], ...], list[int]] = defaultdict(list)
        signs: list[list[tuple[int, float]]] = [[] for _ in self._cells]
        for line, at, sign in zip(self.matrix.row.tolist(), self.matrix.col.tolist(), self.matrix.data.tolist(),
                                  strict=True):
            signs[at].append((line, sign))
        joined = list(range(self.matrix.shape[0]))
        totals = [{sign: line for line, sign in signature} for signature in signs if len(signature) == 2]
        into = {both[1.0]: both[-1.0] for both in totals if both.keys() == {1.0, -1.0}}
        for line in range(len(joined)):
            end, steps = line, 0
            while end in into and steps < len(into):
                end, steps = into[end], steps + 1
            joined[line] = end
        endless = {joined[signature[0][0]] for signature in signs if len(signature) == 1 and signature[0][1] > 0}
        for at, signature in enumerate(signs):
            if len(signature) == 1 and signature[0][1] > 0:
                intervals.up[self._cells[at]] = np.inf
            elif len({sign for _, sign in signature}) < 2 or len(signature) != 2:
                alike[tuple(sorted((joined[line], sign) for line, sign in signature))].append(at)
        for shared, places in alike.items():
            gives = [float(self._gives[at]) for at in places]
            bounded = not all(line in endless for line, _ in shared)
            held = sum(gives) if bounded else np.inf
            for at, own in zip(places, gives, strict=True):
                cell = self._cells[at]
                intervals.up[cell] = max(intervals.up[cell], held - own)
                if len(places) > 1 or not bounded:
                    intervals.down[cell] = max(intervals.down[cell], own)

    def move(self, intervals: FeasibilityIntervals, wanted: dict[int, float]) -> None:
        """Find the solution that moves the wanted cells, together, as far as wanted, and note it."""
        if not wanted:
            return
        self._programs = self._programs or Programs(self.matrix, self._least, self._limits, self._slack,
                                                    at_once=self._at_once)
        found = self._programs.furthest({self._place[cell]: MORE * goal for cell, goal in wanted.items()})
        intervals.programs += 1
        if found is not None:
            intervals.note(self.cells, found)

    def prices(self) -> Iterator[tuple[tuple[int, bool], float]]:
        """What each bound of a cell cost the last move, by cell and whether it is the bound above."""
        prices = self._programs.prices if self._programs else np.zeros(0)
        for at in np.flatnonzero(np.abs(prices) > _SLACK).tolist():
            yield (self._cells[at], bool(prices[at] < 0)), abs(float(prices[at]))


def line_matrix(system: System, place: dict[int, int]) -> Any:
    """The lines over the suppressed cells alone: +1 for the total, -1 for each part; lines without any are left out.

    A cell may be a line's total and its part, where a total's only child has the total's value: it says nothing there,
    and has no coefficient. What is left of such a line says that the other parts are nothing.
    """
    taken = system.line_matrix()[:, sorted(place, key=place.__getitem__)]
    return taken[np.diff(taken.indptr) > 0].tocoo()


def limit_matrix(system: System, place: dict[int, int]) -> tuple[Any, Array]:
    """The limits over the suppressed cells alone, and how far each may still rise; limits without any are left out."""
    at = np.full(len(system.rows), -1)
    at[list(place)] = list(place.values())
    terms = list(chain.from_iterable(terms for terms, _ in system.limits))
    rows = np.repeat(np.arange(len(system.limits)), np.array([len(terms) for terms, _ in system.limits], dtype=int))
    columns = at[np.array([cell for cell, _ in terms], dtype=int)]
    signs = np.array([sign for _, sign in terms], dtype=np.float64)
    kept = columns >= 0
    taken, rows = np.unique(rows[kept], return_inverse=True)
    slack = np.array([rest for _, rest in system.limits], dtype=np.float64)[taken]
    return coo_array((signs[kept], (rows, columns[kept])), shape=(len(taken), len(place))), slack


def determined(system: System, suspects: Sequence[int]) -> list[int]:
    """The suspects whose value follows from the published ones: their unit vector is a combination of lines."""
    if not suspects:
        return []
    cells = [i for i in range(len(system.rows)) if system.is_suppressed(i)]
    place = {cell: i for i, cell in enumerate(cells)}
    matrix = line_matrix(system, place).toarray()
    wanted = np.zeros((len(cells), len(suspects)))
    wanted[[place[c] for c in suspects], range(len(suspects))] = 1
    if not matrix.size:
        return []
    solution = np.linalg.lstsq(matrix.T, wanted, rcond=None)[0]
    residual = np.abs(matrix.T @ solution - wanted).max(axis=0)
    return [cell for cell, rest in zip(suspects, residual.tolist(), strict=True) if rest < 1e-7]
