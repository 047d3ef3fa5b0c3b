"""A solver that leaves out what it does not like must not be believed."""

import numpy as np
import pytest
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
        found = programs.furthest({cell: 2.415}, up=up)
        assert found is not None
        assert found[cell] == pytest.approx(2.415 if up else -2.415)
