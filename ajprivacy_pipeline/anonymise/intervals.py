"""How closely withheld cells can be computed from the published ones.

Belongs here: intervals of a system by linear programs, and the rank test. It withholds nothing.

A published system leaves the withheld values any solution of its lines, none below zero. Two solutions in which a cell
differs by enough prove its interval wide; one linear program that moves all narrow cells at once proves it for most of
them, and only the cells it leaves open get programs of their own. What is looked for are moves off the true values, so
that rounding of published amounts cannot make a system contradict itself.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, hstack, identity

from ajprivacy_pipeline.anonymise.system import System
from ajprivacy_pipeline.policy import Policy

Array = np.ndarray[Any, np.dtype[np.float64]]
_ROUNDS = 100
_IDLE = 6  # rounds without a cell that became wide
_FAR = 1e6  # in units of the largest value: more than any interval asks for
_SLACK = 1e-6
_MORE = 1.05  # ask for more than is needed: the solver's tolerance is relative to the largest value


@dataclass
class Reach:
    """How far each withheld cell was moved down and up in some solution; kept while more cells are withheld."""

    down: dict[int, float] = field(default_factory=dict)
    up: dict[int, float] = field(default_factory=dict)
    programs: int = 0

    def note(self, cells: Sequence[int], moves: Array) -> None:
        """Remember a solution."""
        for cell, move in zip(cells, moves.tolist(), strict=True):
            self.down[cell] = min(self.down.get(cell, 0.0), move)
            self.up[cell] = max(self.up.get(cell, 0.0), move)


def shortfall(policy: Policy, system: System, measure: str, reach: Reach, cell: int) -> tuple[float, float]:
    """How much further down and up a cell must be moved; (0, 0) when its interval is wide enough."""
    down, up = -reach.down.get(cell, 0.0), reach.up.get(cell, 0.0)
    if not system.group.is_amount:
        lacks = policy.release.thresholds.k * (1 - _SLACK) - down - up
        return (lacks, lacks) if lacks > 0 else (0.0, 0.0)
    true = abs(system.value(cell, measure))
    side = true * policy.release.thresholds.interval_percent / 100
    lacks_down, lacks_up = max(0.0, side * (1 - _SLACK) - down), max(0.0, side * (1 - _SLACK) - up)
    if lacks_down == lacks_up == 0 and down + up < 1 - _SLACK:
        return 1 - down - up, 1 - down - up
    return lacks_down, lacks_up


def open_cells(policy: Policy, system: System, measure: str, reach: Reach) -> list[int]:
    """The withheld cells whose interval is too narrow, after as few linear programs as find the wide ones.

    More open cells than the policy allows are left unexamined: whoever withholds then coarsens.
    """
    cells = [i for i in range(len(system.rows)) if system.is_withheld(i)]
    program = _Program(system, measure, cells)
    program.exchange(reach)
    left, idle = _narrow(policy, system, measure, reach, cells), 0
    for turn in range(_ROUNDS):
        if not left or idle == _IDLE:
            break
        side = 1 if turn % 2 == 0 else 0
        wanted = {c: _target(policy, system, measure, reach, c, side) for c in left}
        program.move(reach, program.together({c: w for c, w in wanted.items() if w > 0}, turn), up=side == 1)
        now = _narrow(policy, system, measure, reach, cells)
        idle = idle + 1 if len(now) == len(left) else 0
        left = now
    if len(left) > policy.release.thresholds.open_cells:
        return left
    for cell in left:
        for side in (1, 0):
            wish = _target(policy, system, measure, reach, cell, side)
            if wish > 0:
                program.move(reach, {cell: wish}, up=side == 1)
    return _narrow(policy, system, measure, reach, cells)


def _target(policy: Policy, system: System, measure: str, reach: Reach, cell: int, side: int) -> float:
    """How far from its true value a cell should be moved down (side 0) or up (1); 0 when it has been."""
    lacks = shortfall(policy, system, measure, reach, cell)[side]
    so_far = reach.up.get(cell, 0.0) if side else -reach.down.get(cell, 0.0)
    return so_far + lacks if lacks > 0 else 0.0


def _narrow(policy: Policy, system: System, measure: str, reach: Reach, cells: Sequence[int]) -> list[int]:
    return [c for c in cells if max(shortfall(policy, system, measure, reach, c)) > 0]


class _Program:
    """The moves that a system's published cells allow its withheld ones, in units of the largest value."""

    def __init__(self, system: System, measure: str, cells: Sequence[int]) -> None:
        self._cells = list(cells)
        self._place = {cell: i for i, cell in enumerate(self._cells)}
        values = np.array([system.value(c, measure) for c in cells], dtype=np.float64)
        self._unit = max(1.0, float(np.abs(values).max(initial=1.0)))
        self._least = np.where(values >= 0, -values, -_FAR * self._unit) / self._unit
        self.matrix = line_matrix(system, self._place)
        self._values = values
        self._lines: list[list[int]] = [[] for _ in self._cells]
        for line, cell in zip(self.matrix.row.tolist(), self.matrix.col.tolist(), strict=True):
            self._lines[cell].append(line)
        self._room = np.asarray(abs(self.matrix) @ np.abs(values)).ravel().tolist()

    def exchange(self, reach: Reach) -> None:
        """The cheap bound: of cells in the very same lines one can take what the others hold, and give what it has.

        A withheld total that is part of one other line and of no more joins the two: its parts stand in that line. One
        that is in no other line bounds nothing.
        """
        alike: dict[tuple[tuple[int, float], ...], list[int]] = defaultdict(list)
        signs: list[list[tuple[int, float]]] = [[] for _ in self._cells]
        for line, at, sign in zip(self.matrix.row.tolist(), self.matrix.col.tolist(), self.matrix.data.tolist(),
                                  strict=True):
            signs[at].append((line, sign))
        joined = list(range(self.matrix.shape[0]))
        totals = [{sign: line for line, sign in signature} for signature in signs if len(signature) == 2]
        into = {both[1.0]: both[-1.0] for both in totals if len(both) == 2}
        for line in range(len(joined)):
            end, steps = line, 0
            while end in into and steps < len(into):
                end, steps = into[end], steps + 1
            joined[line] = end
        endless = {joined[signature[0][0]] for signature in signs if len(signature) == 1 and signature[0][1] > 0}
        for at, signature in enumerate(signs):
            if len(signature) == 1 and signature[0][1] > 0:
                reach.up[self._cells[at]] = _FAR * self._unit
            elif len({sign for _, sign in signature}) < 2 or len(signature) != 2:
                alike[tuple(sorted((joined[line], sign) for line, sign in signature))].append(at)
        for shared, places in alike.items():
            values = [max(0.0, float(self._values[at])) for at in places]
            bounded = bool(shared) and not any(line in endless for line, _ in shared)
            held = sum(values) if bounded else _FAR * self._unit
            for at, value in zip(places, values, strict=True):
                cell, others = self._cells[at], held - value
                reach.up[cell] = max(reach.up.get(cell, 0.0), others)
                if len(places) > 1 or not bounded:
                    reach.down[cell] = min(reach.down.get(cell, 0.0), -value)

    def together(self, wanted: dict[int, float], turn: int) -> dict[int, float]:
        """Some of the wanted moves that do not stand in each other's way: no line gives more than it hides.

        Each turn begins elsewhere, so that all get their chance.
        """
        cells = sorted(wanted)
        start = turn * 7919 % len(cells) if cells else 0
        room, picked = dict(enumerate(self._room)), {}
        for cell in cells[start:] + cells[:start]:
            lines = self._lines[self._place[cell]]
            own = abs(float(self._values[self._place[cell]]))
            if all(room[line] >= wanted[cell] + own for line in lines):
                picked[cell] = wanted[cell]
                for line in lines:
                    room[line] -= wanted[cell] + own
        return picked or {cell: wanted[cell] for cell in cells[start:start + 1]}

    def move(self, reach: Reach, wanted: dict[int, float], *, up: bool) -> None:
        """Find the solution that moves the wanted cells, together, as far as wanted, and note it."""
        if not wanted:
            return
        count, goals = len(self._cells), list(wanted)
        goal = np.array([wanted[c] for c in goals]) * _MORE / self._unit
        picked = coo_array((np.full(len(goals), -1.0 if up else 1.0),
                            (np.arange(len(goals)), [self._place[c] for c in goals])), shape=(len(goals), count))
        upper = hstack([picked, identity(len(goals))], format="csr")
        equal = hstack([self.matrix, coo_array((self.matrix.shape[0], len(goals)))], format="csr")
        bounds = np.column_stack([np.concatenate([self._least, np.zeros(len(goals))]),
                                  np.concatenate([np.full(count, _FAR), goal])])
        found = linprog(np.concatenate([np.zeros(count), -1 / np.maximum(goal, 1e-9)]), A_ub=upper,
                        b_ub=np.zeros(len(goals)), A_eq=equal if self.matrix.shape[0] else None,
                        b_eq=np.zeros(self.matrix.shape[0]) if self.matrix.shape[0] else None, bounds=bounds,
                        method="highs")
        reach.programs += 1
        if found.status == 0:
            reach.note(self._cells, np.asarray(found.x[:count]) * self._unit)


def line_matrix(system: System, place: dict[int, int]) -> Any:
    """The lines over the withheld cells alone: +1 for the total, -1 for each part; lines without any are left out."""
    data, at, to, count = [], [], [], 0
    for total, parts in system.lines:
        terms = [(place[total], 1.0)] if total in place else []
        terms += [(place[part], -1.0) for part in parts if part in place]
        if terms:
            at += [count] * len(terms)
            to += [term[0] for term in terms]
            data += [term[1] for term in terms]
            count += 1
    return coo_array((data, (at, to)), shape=(count, len(place)))


def determined(system: System, suspects: Sequence[int]) -> list[int]:
    """The suspects whose value follows from the published ones: their unit vector is a combination of lines."""
    if not suspects:
        return []
    cells = [i for i in range(len(system.rows)) if system.is_withheld(i)]
    place = {cell: i for i, cell in enumerate(cells)}
    matrix = line_matrix(system, place).toarray()
    wanted = np.zeros((len(cells), len(suspects)))
    wanted[[place[c] for c in suspects], range(len(suspects))] = 1
    if not matrix.size:
        return []
    solution = np.linalg.lstsq(matrix.T, wanted, rcond=None)[0]
    residual = np.abs(matrix.T @ solution - wanted).max(axis=0)
    return [cell for cell, rest in zip(suspects, residual.tolist(), strict=True) if rest < 1e-7]
