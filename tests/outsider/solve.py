"""What a system of sums says about the cells that are left out of it.

Belongs here: rank, linear programs, intervals. Does not belong here: what the cells mean.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from tests.outsider.lines import Cell, System

Vector = npt.NDArray[np.float64]
Wide = Callable[[float, float], bool]
DENSE = 800  # unknowns of a piece up to which its null space is computed
IDLE = 4      # vain programs that push many cells at once, before each cell left gets programs of its own


@dataclass
class Piece:
    """Unknowns that hang together, with their equations `equal @ x = right` and inequalities `least @ x <= most`."""

    cells: list[Cell]
    equal: csr_matrix
    right: Vector
    least: csr_matrix
    most: Vector
    low: Vector
    high: Vector


@dataclass(frozen=True)
class Recovered:
    """A suppressed cell of which the sums say too much; `exact` when they say it to the last digit."""

    cell: Cell
    low: float
    high: float
    exact: bool


class ContradictionError(Exception):
    """No world at all has these sums: the figures do not belong together."""


def recovered(system: System, wide: Wide, seed: int = 1) -> Iterator[Recovered]:
    """Suppressed cells that can be computed, or whose interval is not wide.

    Raises:
        ContradictionError: the published figures contradict each other.
    """
    zeros = _zeros(system)
    yield from (Recovered(cell, 0.0, 0.0, exact=True) for cell in sorted(zeros & system.suppressed, key=sorted))
    for piece in _pieces(system, zeros):
        at = [i for i, cell in enumerate(piece.cells) if cell in system.suppressed]
        exact = _determined(piece)
        low, high = _intervals(piece, at, wide, np.random.default_rng(seed))
        for i in at:
            if i in exact or not wide(low[i], high[i]):
                yield Recovered(piece.cells[i], low[i], high[i], i in exact or high[i] - low[i] < 0.005)


def _zeros(system: System) -> set[Cell]:
    """Unknowns that are nothing: all that is left of a total is nothing, or nothing is listed below a total."""
    zeros: set[Cell] = set()
    while True:
        before = len(zeros)
        nothing = {cell for cell in system.low if abs(system.high[cell]) < 1e-9} | zeros
        for total, parts in system.sums:
            if all(part in nothing for part in parts):
                zeros.add(total)
            if total in nothing:
                zeros.update(parts)
            elif system.high[total] - sum(system.low[part] for part in parts) < 1e-6:
                zeros.update(part for part in parts if system.low[part] == 0)
        for more, less in system.contains:
            if more in nothing:
                zeros.add(less)
        if len(zeros) == before:
            return {cell for cell in zeros if system.low[cell] == 0}


def _pieces(system: System, zeros: set[Cell]) -> Iterator[Piece]:
    """The system without what is known, in pieces that have nothing to do with each other."""
    unknown = [cell for cell in system.low if system.high[cell] - system.low[cell] > 1e-9 and cell not in zeros]
    at = {cell: i for i, cell in enumerate(unknown)}
    known = {cell: system.low[cell] for cell in system.low if cell not in at}
    equal = [_row(at, known, [(1.0, total), *((-1.0, part) for part in parts)]) for total, parts in system.sums]
    least = [_row(at, known, [(-1.0, more), (1.0, less)]) for more, less in system.contains]
    least += [_row(at, known, [(1.0, total), *((-1.0, part) for part in parts)]) for total, parts in system.covered]
    for row, right in equal:
        if not row and abs(right) > 0.006:
            raise ContradictionError
    for row, right in least:
        if not row and right < -0.006:
            raise ContradictionError
    low, high = ({cell: ends[cell] for cell in unknown} for ends in (system.low, system.high))
    for row, right in least:
        if len(row) == 1:  # a bound, no inequality between cells
            ((i, factor),) = row.items()
            ends, better = (high, min) if factor > 0 else (low, max)
            ends[unknown[i]] = better(ends[unknown[i]], right / factor)
    equal, least = [e for e in equal if e[0]], [e for e in least if len(e[0]) > 1]
    links = [(min(row), i) for row, _ in equal + least for i in row]
    graph = coo_matrix((np.ones(len(links)), tuple(zip(*links, strict=True)) if links else ([], [])),
                       shape=(len(unknown), len(unknown)))
    count, label = connected_components(graph, directed=False)
    members: list[list[int]] = [[] for _ in range(count)]
    for i, piece in enumerate(label):
        members[piece].append(i)
    rows = _by_piece(equal, least, label, count)
    for piece, (its_equal, its_least) in zip(members, rows, strict=True):
        place = {i: n for n, i in enumerate(piece)}
        yield Piece([unknown[i] for i in piece], *_matrix(its_equal, place), *_matrix(its_least, place),
                    np.array([low[unknown[i]] for i in piece]), np.array([high[unknown[i]] for i in piece]))


Row = tuple[dict[int, float], float]


def _by_piece(equal: list[Row], least: list[Row], label: npt.NDArray[np.int32],
              count: int) -> list[tuple[list[Row], list[Row]]]:
    made: list[tuple[list[Row], list[Row]]] = [([], []) for _ in range(count)]
    for which, rows in enumerate((equal, least)):
        for row in rows:
            made[label[next(iter(row[0]))]][which].append(row)
    return made


def _row(at: dict[Cell, int], known: dict[Cell, float], terms: list[tuple[float, Cell]]) -> Row:
    row: dict[int, float] = {}
    right = 0.0
    for factor, cell in terms:
        if cell in at:
            row[at[cell]] = row.get(at[cell], 0.0) + factor
        else:
            right -= factor * known[cell]
    return row, right


def _matrix(rows: list[Row], place: dict[int, int]) -> tuple[csr_matrix, Vector]:
    entries = [(n, place[i], factor) for n, (row, _) in enumerate(rows) for i, factor in row.items()]
    n, i, factor = zip(*entries, strict=True) if entries else ((), (), ())
    return (csr_matrix((factor, (n, i)), shape=(len(rows), len(place))), np.array([right for _, right in rows]))


def _determined(piece: Piece) -> set[int]:
    """Unknowns that every solution of the equations alone gives the same value: rows of zeros in the null space."""
    unknowns = len(piece.cells)
    if unknowns > DENSE or not piece.equal.shape[0]:
        return set()
    if piece.equal.shape[0] == 1:
        return set() if unknowns > 1 else {0}
    _, values, right = np.linalg.svd(piece.equal.toarray(), full_matrices=True)
    null = right[int((values > 1e-9).sum()):]
    return {i for i in range(unknowns) if not len(null) or np.abs(null[:, i]).max() < 1e-9}


def _intervals(piece: Piece, at: list[int], wide: Wide, rng: np.random.Generator) -> tuple[Vector, Vector]:
    """How far each suppressed cell can be seen to go: to its very ends where that is not wide.

    Programs that push many cells at once come first: two worlds that both fit and in which a cell differs widely settle
    that cell.
    """
    scale = max(1.0, float(np.abs(piece.right).max(initial=0)) / 1000)
    if not piece.equal.shape[0] and not piece.least.shape[0]:
        return piece.low, piece.high
    low, high = np.full(len(piece.cells), np.inf), np.full(len(piece.cells), -np.inf)
    if piece.equal.shape[0] == 1 and not piece.least.shape[0]:
        return _of_one_line(piece)
    open_cells, idle = set(at), 0
    while open_cells and idle < IDLE:
        before = len(open_cells)
        weights = np.zeros(len(piece.cells))
        chosen = sorted(open_cells)
        weights[chosen] = rng.random(len(chosen)) * (rng.random(len(chosen)) < rng.choice((1, 0.3, 0.1)))
        _stretch(piece, weights, scale, low, high)
        open_cells = {i for i in open_cells if not wide(low[i], high[i])}
        idle = 0 if len(open_cells) < before else idle + 1
    for i in sorted(open_cells):
        if not wide(low[i], high[i]):  # an earlier cell's worlds may have settled it
            weights = np.zeros(len(piece.cells))
            weights[i] = 1
            _stretch(piece, weights, scale, low, high)
    return low, high


def _of_one_line(piece: Piece) -> tuple[Vector, Vector]:
    """The ends of every cell of a single sum, which need no program: the others take or leave all they can."""
    factor = piece.equal.toarray()[0]
    ends = np.sort(np.vstack([factor * piece.low, factor * piece.high]), axis=0)
    right = piece.right[0]
    if not ends[0].sum() - 1e-6 <= right <= ends[1].sum() + 1e-6:
        raise ContradictionError
    least, most = (np.array([np.delete(end, i).sum() for i in range(len(factor))]) for end in ends)
    found = np.sort(np.vstack([(right - most) / factor, (right - least) / factor]), axis=0)
    return np.maximum(found[0], piece.low), np.minimum(found[1], piece.high)


def _stretch(piece: Piece, weights: Vector, scale: float, low: Vector, high: Vector) -> None:
    """Widen what has been seen of every cell by the two worlds in which the weighted ones go furthest."""
    for sign in (1, -1):
        world = _solve(piece, sign * weights, scale)
        np.minimum(low, world, out=low)
        np.maximum(high, world, out=high)


def _solve(piece: Piece, weights: Vector, scale: float) -> Vector:
    """The world with the least weighted sum of unknowns; an unknown nobody bounds goes as far as is told here."""
    far = 1e6
    high = np.minimum(piece.high / scale, far)
    found = linprog(weights, A_eq=piece.equal if piece.equal.shape[0] else None,
                    b_eq=piece.right / scale if piece.equal.shape[0] else None,
                    A_ub=piece.least if piece.least.shape[0] else None,
                    b_ub=piece.most / scale if piece.least.shape[0] else None,
                    bounds=np.column_stack([np.maximum(piece.low / scale, -far), high]), method="highs")
    if found.x is None:
        raise ContradictionError
    return np.asarray(found.x * scale)
