"""A solver that leaves out what it does not like must not be believed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import coo_array

from ajprivacy_pipeline.disclosure.cells.linear_programs import Programs, limit, load
from ajprivacy_pipeline.errors import ReleaseError

NOTHING = coo_array((0, 2))


def lines(coefficient: float) -> coo_array:
    return coo_array(([coefficient, 1.0], ([0, 0], [0, 1])), shape=(1, 2))


@pytest.mark.parametrize("coefficient", [1e16, 1e-10])
def test_a_row_that_the_solver_changes_stops_the_proof(coefficient: float) -> None:
    """The one is refused as a whole, of the other an entry is dropped; both would make intervals look wider."""
    load(lines(1.0), np.zeros(2), np.ones(2), NOTHING)
    with pytest.raises(ReleaseError, match="did not take a linear program as it is"):
        load(lines(coefficient), np.zeros(2), np.ones(2), NOTHING)


def test_a_limit_that_the_solver_refuses_stops_the_proof() -> None:
    solver = load(lines(1.0), np.zeros(2), np.ones(2), NOTHING)
    with pytest.raises(ReleaseError, match="did not take a linear program as it is"):
        limit(solver, 7, np.ones(1))


def test_credit_notes_move_though_the_primal_way_calls_their_program_unbounded() -> None:
    """A suppressed total over products, of which some came back more often than they went: any may go down further."""
    values = np.array([75, -23, -5, 7, -2, -4, 16, -1, -4, 6, 8, 3, 0, 17, 10, 2, 1, 2, -4, 9, 5, 2, -2, 10, 10, 3, 8,
                       -4, 10, -16, 11], dtype=np.float64)
    lines = coo_array(([1.0] + [-1.0] * (len(values) - 1), ([0] * len(values), range(len(values)))))
    programs = Programs(lines, np.where(values >= 0, -values, -np.inf))
    for cell, up in ((0, True), (0, False), (1, True), (1, False)):
        found = programs.furthest({cell: 2.415 if up else -2.415})
        assert found is not None
        assert found[cell] == pytest.approx(2.415 if up else -2.415)


LINES = coo_array(np.array([[1.0, -1.0, -1.0]]))  # a total and its two parts


def test_a_limit_of_one_cell_bounds_it_and_is_worth_what_it_costs_the_move() -> None:
    """The parts may rise by 3 and by 2, and so the total by 5."""
    limits = coo_array(np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0]]))
    programs = Programs(LINES, np.full(3, -9.0), limits, np.array([3.0, 4.0]))
    found = programs.furthest({0: 50.0})
    assert found is not None
    assert found.tolist() == pytest.approx([5, 3, 2])
    assert programs.prices.tolist() == pytest.approx([0, -1, -1]), "held from above by both parts"


def test_what_may_not_go_down_holds_what_would_go_up() -> None:
    """Where the total stays, one part rises as far as the other one falls: to 4, though it has 9."""
    limits = coo_array(np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]))
    programs = Programs(LINES, np.full(3, -9.0), limits, np.array([0.0, 0.0, 4.0]))
    found = programs.furthest({1: 50.0})
    assert found is not None
    assert found.tolist() == pytest.approx([0, 4, -4])
    assert programs.prices[2] == pytest.approx(1), "held from below by the other part"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([-1.0, 1.0]), st.integers(0, 12)), max_size=8),
       st.integers(0, 3), st.booleans())
def test_limits_of_one_cell_say_what_rows_said(alone: list[tuple[int, float, int]], cell: int, up: bool) -> None:
    """Against a solver that gets every limit as a row."""
    lines, least = np.array([[1.0, -1.0, -1.0, 0.0], [0.0, 1.0, 1.0, -1.0]]), -np.array([20.0, 8.0, 12.0, 20.0])
    rows = np.array([[sign * (at == place) for at in range(4)] for place, sign, _ in alone]).reshape(-1, 4)
    pair, slack = np.array([[0.0, 1.0, -1.0, 0.0]]), np.array([*(float(most) for *_, most in alone), 5.0])
    limits = np.vstack([rows, pair])
    found = Programs(coo_array(lines), least, coo_array(limits), slack).furthest({cell: 30.0 if up else -30.0})
    assert found is not None
    cost = np.zeros(4)
    cost[cell] = -1.0 if up else 1.0
    bounds = [(low, 30.0 if at == cell and up else None) for at, low in enumerate(least)]
    peer = linprog(cost, A_ub=limits, b_ub=slack, A_eq=lines, b_eq=np.zeros(2), bounds=bounds)
    assert found[cell] == pytest.approx(peer.x[cell], abs=1e-6)
