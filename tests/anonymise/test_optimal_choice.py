"""What is chosen protects at the least loss: against every choice there is, each judged by scipy alone."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings

from ajprivacy_pipeline.disclosure.cells.intervals import FeasibilityIntervals, open_cells
from ajprivacy_pipeline.disclosure.cells.optimal_choice import cheapest_choice
from ajprivacy_pipeline.disclosure.cells.protection_cuts import ProtectionCuts
from ajprivacy_pipeline.disclosure.cells.secondary import close_gaps, suppress_unknown
from ajprivacy_pipeline.disclosure.cells.suppression_cost import loss_of
from ajprivacy_pipeline.disclosure.cells.table_system import System
from ajprivacy_pipeline.policy import Policy
from tests.anonymise.grids import AMOUNT, COUNT, POLICY, SHARE, K, grid, grids, true_interval

MOST = 2  # cells that are tried together


def by_cells(policy: Policy = POLICY, **changed: object) -> Policy:
    """The policy with every cell as dear as any other."""
    at = policy.release.thresholds.model_copy(update={"suppression_loss": "cells", **changed})
    return policy.model_copy(update={"release": policy.release.model_copy(update={"thresholds": at})})


def with_more(system: System, cells: tuple[int, ...]) -> System:
    """A copy in which further cells are suppressed."""
    gone = [is_gone or cell in cells for cell, is_gone in enumerate(system.gone)]
    copy = System(system.group, None, system.rows, system.lines, gone)
    assert not copy.zeros
    return copy


def is_protected(system: System, primary: list[int]) -> bool:
    """Whether every primary cell has the interval asked for, by scipy alone."""
    measure = system.group.measures[0]
    for cell in primary:
        down, up = true_interval(system, cell)
        side = SHARE * system.value(cell, measure)
        if down + up < (1 if system.group is AMOUNT else K) - 1e-6:
            return False
        if system.group is AMOUNT and min(down, up) < side * (1 - 1e-6):
            return False
    return True


def chosen(policy: Policy, system: System) -> list[int]:
    """What the product chooses."""
    measures = [(m, FeasibilityIntervals(policy, system, m)) for m in system.group.measures]
    return cheapest_choice(policy, system, loss_of(policy, system), measures)


def _no_fewer_cells_protect_and_these_do(system: System) -> None:
    primary = [cell for cell in range(len(system.rows)) if system.is_suppressed(cell)][:3]
    system.gone = [cell in primary for cell in range(len(system.rows))]
    found = chosen(by_cells(), system)
    shown = [cell for cell, is_gone in enumerate(system.gone) if not is_gone]
    enough = next((size for size in range(MOST + 1) for more in combinations(shown, size)
                   if is_protected(with_more(system, more), primary)), None)
    if enough is not None:
        assert is_protected(with_more(system, tuple(found)), primary)
        assert len(found) == enough


@settings(max_examples=6, deadline=None)
@given(grids())
def test_no_fewer_cells_protect_and_these_do(system: System) -> None:
    _no_fewer_cells_protect_and_these_do(system)


@pytest.mark.soak
@settings(max_examples=20, deadline=None)
@given(grids())
def test_no_fewer_cells_protect_and_these_do_on_many(system: System) -> None:
    _no_fewer_cells_protect_and_these_do(system)


def test_three_cells_hide_a_fourth_at_the_least_of_their_values() -> None:
    system = grid(COUNT, [[5, 40, 60], [40, 50, 70], [30, 80, 90]], {(0, 0)})
    assert chosen(POLICY, system) == [1, 4, 5], "of all rectangles that give enough the smallest: 40, 40 and 50"


def test_every_choice_that_protects_fulfils_every_cut() -> None:
    """Cuts of choice after choice, each tried with the cuts before it unknown: no sufficient choice is cut off."""
    for group, values in ((COUNT, [[5, 9], [40, 50]]), (AMOUNT, [[50, 9], [8, 7]])):
        system = grid(group, values, {(0, 0)})
        measure = group.measures[0]
        intervals, cuts = FeasibilityIntervals(POLICY, system, measure), ProtectionCuts(system, measure)
        shown = [cell for cell, is_gone in enumerate(system.gone) if not is_gone]
        choices = [with_more(system, more) for size in (1, 2, 3) for more in combinations(shown, size)]
        enough = [np.array(one.gone, dtype=float) for one in choices if is_protected(one, [0])]
        found = [cut for one in choices for wish in intervals.wishes(0)
                 if (cut := cuts.missing(wish, np.array(one.gone, dtype=float))) is not None]
        assert enough
        assert len(found) >= len(choices) - len(enough)
        assert all(cut.reached(shares) >= 1 - 1e-6 for cut in found for shares in enough)


def test_what_is_found_of_the_choice_is_kept_for_the_proof() -> None:
    """Several rounds of cuts, later ones asked first of the cells that were told before: all are wide in the end."""
    rng = np.random.default_rng(3)
    system = grid(COUNT, rng.integers(3, 60, (7, 7)).tolist(), {(0, 0), (2, 3), (5, 1), (6, 6), (3, 3)})
    intervals = FeasibilityIntervals(POLICY, system, "orders")
    for cell in cheapest_choice(POLICY, system, loss_of(POLICY, system), [("orders", intervals)]):
        suppress_unknown(system, cell)
    assert intervals.too_narrow() == [], "without a further program"
    assert open_cells(FeasibilityIntervals(POLICY, system, "orders")) == [], "and found anew"


def test_of_what_cell_after_cell_suppressed_only_what_is_needed_stays() -> None:
    """A large system is cleaned up: no more cells than are chosen for it anyway, and each primary is protected."""
    taken = []
    for optimal_cells in (400, 0):
        rng = np.random.default_rng(3)
        system = grid(COUNT, rng.integers(3, 60, (7, 7)).tolist(), {(0, 0), (2, 3), (5, 1), (6, 6), (3, 3)})
        primary = [cell for cell in range(len(system.rows)) if system.is_suppressed(cell)]
        for cell, rows in enumerate(system.rows):
            rows[0].primary = frozenset({"orders"} if cell in primary else ())
            rows[0].contributors = int(rows[0].values["orders"])
        close_gaps(by_cells(optimal_cells=optimal_cells), system, Counter(), None)
        assert is_protected(system, primary)
        taken.append(sum(system.gone))
    assert taken[0] <= taken[1] <= taken[0] + 3


def test_a_system_without_anything_suppressed_loses_nothing() -> None:
    assert chosen(POLICY, grid(AMOUNT, [[100, 200], [300, 400]], set())) == []


def test_where_no_choice_protects_the_rest_is_chosen_all_the_same() -> None:
    system = grid(COUNT, [[5, 40], [40, 50]], {(0, 0)})
    system.zeros = set(range(1, len(system.rows)))
    assert chosen(POLICY, system) == []
    suppress_unknown(system, 0)
