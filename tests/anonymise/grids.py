"""Tables of two dimensions with their margins, as systems, and how far scipy alone moves a cell of one."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import linprog

from ajprivacy_pipeline.disclosure.cells.intervals import line_matrix
from ajprivacy_pipeline.disclosure.cells.measure_groups import Group
from ajprivacy_pipeline.disclosure.cells.table_rows import Row
from ajprivacy_pipeline.disclosure.cells.table_system import System
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE

POLICY = load_policy(NOTICE)
K, SHARE = POLICY.release.thresholds.k, POLICY.release.thresholds.interval_percent / 100
COUNT = Group("orders", ("orders",), whole=True, is_amount=False)
AMOUNT = Group("amounts", ("revenue_nok",), whole=False, is_amount=True)


def grid(group: Group, values: list[list[int]], suppressed: set[tuple[int, int]]) -> System:
    """A table of two dimensions with its margins; the last row and column are the totals."""
    measure = group.measures[0]
    full = np.array(values)
    full = np.vstack([full, full.sum(axis=0)])
    full = np.hstack([full, full.sum(axis=1, keepdims=True)])
    height, width = full.shape
    rows = [[Row("t", 0, (), (i < height - 1) + (j < width - 1), 99, {measure: float(full[i, j])},
                 {measure} if (i, j) in suppressed else set(), False, frozenset({measure}))]
            for i in range(height) for j in range(width)]
    def place(i: int, j: int) -> int:
        return i * width + j
    lines = [(place(i, width - 1), tuple(place(i, j) for j in range(width - 1))) for i in range(height)]
    lines += [(place(height - 1, j), tuple(place(i, j) for i in range(height - 1))) for j in range(width)]
    system = System(group, None, rows, lines)
    system.refresh()
    return system


def true_interval(system: System, cell: int) -> tuple[float, float]:
    """How far a cell can be moved down and up, by scipy alone: to nothing, or to the one that a listed row tells."""
    measure = system.group.measures[0]
    one = measure in system.whole
    gone = [i for i in range(len(system.rows)) if system.is_suppressed(i)]
    matrix = line_matrix(system, {c: i for i, c in enumerate(gone)}).toarray()
    limits = np.array([[sum(sign for at, sign in terms if at == c) for c in gone] for terms, _ in system.limits])
    slack = [rest for _, rest in system.limits]
    ends = []
    for sign in (1.0, -1.0):
        cost = np.zeros(len(gone))
        cost[gone.index(cell)] = sign
        found = linprog(cost, A_ub=limits if limits.size else None, b_ub=slack if limits.size else None,
                        A_eq=matrix if matrix.size else None, b_eq=np.zeros(len(matrix)) if matrix.size else None,
                        bounds=[((one and v >= 1) - v, 1e9) for v in map(system.values(measure).item, gone)],
                        method="highs")
        ends.append(abs(found.fun))
    return ends[0], ends[1]


@st.composite
def grids(draw: Any) -> System:
    height, width = draw(st.integers(2, 4)), draw(st.integers(2, 4))
    group = draw(st.sampled_from([COUNT, AMOUNT]))
    most = 30 if group is COUNT else draw(st.sampled_from([100, 10_000_000]))
    values = draw(st.lists(st.lists(st.integers(0, most), min_size=width, max_size=width),
                           min_size=height, max_size=height))
    places = [(i, j) for i in range(height + 1) for j in range(width + 1)]
    system = grid(group, values, set(draw(st.lists(st.sampled_from(places), max_size=12))))
    system.whole = dict.fromkeys(draw(st.sampled_from([(), group.measures])), frozenset())
    return system


@st.composite
def limited_grids(draw: Any) -> System:
    """A table of counts of which more is known: cells that are no more than others, or than others together."""
    system = draw(grids().filter(lambda made: made.group is COUNT))
    values, cells = system.values("orders"), st.integers(0, len(system.rows) - 1)
    others = st.lists(cells, min_size=1, max_size=3, unique=True)
    for less, more in draw(st.lists(st.tuples(cells, others), max_size=6)):
        slack = float(sum(values[at] for at in more) - values[less])
        if less not in more and slack >= 0:
            system.limits.append((((less, 1.0), *((at, -1.0) for at in more)), slack))
    return system
