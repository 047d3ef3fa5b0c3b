"""A solver that leaves out what it does not like must not be believed."""

import numpy as np
import pytest
from scipy.sparse import coo_array

from ajprivacy_pipeline.disclosure.cells.linear_programs import limit, load
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
