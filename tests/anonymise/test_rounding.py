"""Small-count rounding: against every choice there is on tiny tables, and what holds on all."""

from itertools import combinations, product

import numpy as np
import pytest

from ajprivacy_pipeline.disclosure.cells.rounding import Counts, Line, most_off, round_counts

K = 10
SHAPE = (3, 4)


def levels(shape: tuple[int, ...]) -> Counts:
    """The totals of every cell of a table with all margins, the cell itself among them."""
    places = list(product(*map(range, shape)))
    found = []
    for named in (dims for size in range(len(shape) + 1) for dims in combinations(range(len(shape)), size)):
        number: dict[tuple[int, ...], int] = {}
        found.append([number.setdefault(tuple(place[d] for d in named), len(number)) for place in places])
    return np.array(found, dtype=np.int64).T


def error(rounded: Counts, counts: Counts, totals: Counts) -> int:
    """The squared error of all totals together."""
    return int(sum((np.bincount(level, weights=rounded - counts) ** 2).sum() for level in totals.T))


def table(seed: int, shape: tuple[int, ...] = SHAPE, most: int = 25) -> tuple[Counts, Counts, Counts]:
    """Counts, their totals, and draws."""
    draw = np.random.default_rng(seed)
    size = int(np.prod(shape))
    counts = draw.integers(0, most, size) * draw.integers(0, 2, size)
    return counts, levels(shape), draw.integers(0, 2**60, size + 1)


def optimum(counts: Counts, totals: Counts, ups: int) -> int:
    """The least squared error of all choices of so many cells that go up."""
    cells = np.flatnonzero(counts % K)
    down = counts - counts % K
    best = []
    for chosen in combinations(cells, ups):
        rounded = down.copy()
        rounded[list(chosen)] += K
        best.append(error(rounded, counts, totals))
    return min(best)


@pytest.mark.parametrize("seed", range(60))
def test_a_count_goes_to_a_multiple_beside_it_and_the_sum_stays_near(seed: int) -> None:
    counts, totals, draws = table(seed, (3, 4, 2))
    rounded = round_counts(counts, totals, K, draws)
    assert (rounded % K == 0).all()
    assert (abs(rounded - counts) < K).all()
    assert (rounded[counts % K == 0] == counts[counts % K == 0]).all()
    assert abs(int(rounded.sum() - counts.sum())) <= most_off(K)


def test_the_choice_is_nearly_the_best_there_is() -> None:
    found = []
    for seed in range(40):
        counts, totals, draws = table(seed)
        rounded = round_counts(counts, totals, K, draws)
        ups = int((rounded > counts).sum())
        if ups:
            found.append((error(rounded, counts, totals), optimum(counts, totals, ups)))
    assert len(found) > 30
    assert all(mine >= best for mine, best in found)
    assert all(mine <= 1.5 * best for mine, best in found)
    assert sum(mine for mine, _ in found) <= 1.02 * sum(best for _, best in found)
    assert sum(mine == best for mine, best in found) >= 0.8 * len(found)


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_the_rows_decides_nothing(seed: int) -> None:
    counts, totals, draws = table(seed, (3, 4, 2))
    order = np.random.default_rng(seed + 1).permutation(len(counts))
    other = round_counts(counts[order], totals[order], K, np.append(draws[:-1][order], draws[-1]))
    assert (other == round_counts(counts, totals, K, draws)[order]).all()


@pytest.mark.parametrize("true", range(1, K))
def test_a_small_count_by_itself_may_go_either_way(true: int) -> None:
    """Whoever sees where a lone count went must think every small one possible."""
    counts = np.array([0, true, 0, 0], dtype=np.int64)
    went = [int(round_counts(counts, levels((2, 2)), K, np.array([1, 2, 3, 4, last]))[1]) for last in range(2 * K)]
    assert went.count(K) == K // 2 + true
    assert went.count(0) == 2 * K - K // 2 - true


def test_cells_that_must_go_up_or_down_do_so_and_others_make_up_for_it() -> None:
    counts, totals, draws = table(3, (3, 4, 2))
    free = np.flatnonzero(counts % K)
    up, down = set(free[:3].tolist()), set(free[3:6].tolist())
    rounded = round_counts(counts, totals, K, draws, up=up, down=down)
    assert (rounded[sorted(up)] > counts[sorted(up)]).all()
    assert (rounded[sorted(down)] < counts[sorted(down)]).all()
    assert abs(int(rounded.sum() - counts.sum())) <= most_off(K)


def test_nothing_stays_nothing() -> None:
    counts = np.zeros(4, dtype=np.int64)
    assert (round_counts(counts, levels((2, 2)), K, np.arange(5)) == 0).all()


def told(counts: tuple[int, ...], rounded: tuple[int, ...]) -> int:
    """How many small counts of a line leave fewer than k numbers to who knows its sum: all its numbers are tried."""
    ranges = [range(max(0, one - K + 1), one + K) for one in rounded]
    possible = [set[int]() for _ in counts]
    for world in product(*ranges):
        if sum(world) == sum(counts):
            for numbers, one in zip(possible, world, strict=True):
                numbers.add(one)
    return sum(0 < count < K and len(numbers) < K for count, numbers in zip(counts, possible, strict=True))


def test_a_known_sum_tells_no_small_count_where_another_choice_would_not() -> None:
    draw = np.random.default_rng(5)
    counts = draw.integers(0, 15, (12, 3)).ravel().astype(np.int64)
    totals, draws = levels((12, 3)), draw.integers(0, 2**60, 37)
    lines = [Line(int(counts[3 * i:3 * i + 3].sum()), (3 * i, 3 * i + 1, 3 * i + 2)) for i in range(12)]
    found, without = (round_counts(counts, totals, K, draws, lines=known, room=K) for known in (lines, []))
    tellings = []
    for line in lines:
        true = tuple(int(counts[cell]) for cell in line.cells)
        choices = [{count - count % K, count + -count % K} for count in true]
        best = min(told(true, choice) for choice in product(*choices))
        mine, plain = (told(true, tuple(int(one[cell]) for cell in line.cells)) for one in (found, without))
        assert mine == best
        tellings.append(plain)
    assert sum(tellings) > 0  # else there was nothing to mend
