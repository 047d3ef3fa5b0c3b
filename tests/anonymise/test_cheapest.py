"""What is chosen to hide a cell does hide it, by scipy, and is no more than that takes."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ajprivacy_pipeline.disclosure.cells.secondary import suppress_unknown
from ajprivacy_pipeline.disclosure.cells.suppression_cost import SuppressionCost
from ajprivacy_pipeline.disclosure.cells.table_system import System
from tests.anonymise.grids import AMOUNT, COUNT, POLICY, grid, grids, true_interval


def _a_cell_reaches_what_is_asked_for_once_the_chosen_cells_are_suppressed(
    system: System, up: bool, place: int, percent: int,
) -> None:
    measure, cell = system.group.measures[0], place % len(system.rows)
    suppress_unknown(system, cell)
    goal = max(1.0, system.value(cell, measure) * percent / 100)
    assume(up or goal <= system.room(measure)[cell])
    chosen = SuppressionCost(POLICY, system).cheapest_complement(cell, measure, goal, up=up)
    assert not any(system.is_suppressed(other) for other in chosen)
    for other in chosen:
        suppress_unknown(system, other)
    reached = true_interval(system, cell)[up]
    assert reached >= goal * (1 - 1e-4)


@settings(max_examples=30, deadline=None)
@given(grids(), st.booleans(), st.integers(0, 24), st.integers(1, 100))
def test_a_cell_reaches_what_is_asked_for_once_the_chosen_cells_are_suppressed(
    system: System, up: bool, place: int, percent: int,
) -> None:
    _a_cell_reaches_what_is_asked_for_once_the_chosen_cells_are_suppressed(system, up, place, percent)


@pytest.mark.soak
@settings(max_examples=150, deadline=None)
@given(grids(), st.booleans(), st.integers(0, 24), st.integers(1, 100))
def test_a_cell_reaches_what_is_asked_for_once_the_chosen_cells_are_suppressed_on_many(
    system: System, up: bool, place: int, percent: int,
) -> None:
    _a_cell_reaches_what_is_asked_for_once_the_chosen_cells_are_suppressed(system, up, place, percent)


def test_three_cells_hide_a_fourth_and_no_total_goes() -> None:
    system = grid(COUNT, [[5, 40, 60], [40, 50, 70], [30, 80, 90]], {(0, 0)})
    chosen = SuppressionCost(POLICY, system).cheapest_complement(0, "orders", 10, up=True)
    assert len(chosen) == 3
    assert max(system.depth(other) for other in chosen) == min(system.depth(other) for other in chosen) == 2


def test_a_suppressed_cell_is_free() -> None:
    system = grid(COUNT, [[5, 40, 60], [40, 50, 70], [30, 80, 90]], {(0, 0), (2, 2), (0, 2)})
    chosen = SuppressionCost(POLICY, system).cheapest_complement(0, "orders", 10, up=True)
    assert chosen == [8], "the corner of the rectangle that is still shown"


def test_where_all_parts_together_are_too_small_the_totals_go() -> None:
    system = grid(AMOUNT, [[1000, 1], [1, 1]], {(0, 0)})
    chosen = SuppressionCost(POLICY, system).cheapest_complement(0, "revenue_nok", 100, up=True)
    assert 2 in chosen, "the total of the row"


def test_a_known_zero_takes_nothing() -> None:
    system = grid(COUNT, [[5, 40], [40, 50]], {(0, 0)})
    system.zeros = {1, 2}
    assert not {1, 2} & set(SuppressionCost(POLICY, system).cheapest_complement(0, "orders", 10, up=True))
    system.zeros = set(range(1, len(system.rows)))
    assert SuppressionCost(POLICY, system).cheapest_complement(0, "orders", 10, up=True) == []
