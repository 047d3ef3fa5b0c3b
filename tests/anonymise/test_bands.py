"""Bands drawn from quantiles: the best of all there could be, and no edge that gives one person away."""

from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ajprivacy_pipeline.disclosure.microdata.bands import Figures, draw, entropy_l, is_round
from ajprivacy_pipeline.policy.microdata import Band

OWN = (Band(value="0-2", at_least=0), Band(value="3-6", at_least=3), Band(value="7+", at_least=7), Band(value="never"))


def starts(bands: tuple[Band, ...]) -> list[int | None]:
    return [band.at_least for band in bands]


def test_a_heavy_figure_stands_alone_and_the_tail_is_shared_out() -> None:
    bands = draw(Figures({1: 700, 2: 150, 3: 80, 4: 40, 9: 30}), OWN, 3, 10, 10)
    assert [band.value for band in bands] == ["0-1", "2", "3+", "never"]
    assert starts(bands) == [0, 2, 3, None]


@pytest.mark.parametrize(("people", "expected"), [(10, ["0-1", "2", "3+"]), (9, [])])
def test_the_smallest_band_has_k_people(people: int, expected: list[str]) -> None:
    """With nine there are no three bands: one more person makes the difference."""
    bands = draw(Figures({1: 70, 2: 10, 7: people}), OWN, 3, 10, 10)
    assert [band.value for band in bands if band.at_least is not None] == expected


@pytest.mark.parametrize(("without", "expected"), [
    (10, ["0-1", "2", "3+", "never"]), (9, ["0-1", "2", "3+ or never"])])
def test_too_few_without_a_figure_stand_with_the_last(without: int, expected: list[str]) -> None:
    bands = draw(Figures({1: 40, 2: 25, 3: 25}, without), OWN, 3, 10, 10)
    assert list(dict.fromkeys(band.value for band in bands)) == expected
    assert bands[-1] == Band(value=expected[-1])


def test_one_band_is_far_the_commonest_where_that_is_asked() -> None:
    figures = Figures(dict.fromkeys(range(100), 1))
    assert entropy_l(figures.counts(draw(figures, OWN, 3, 10, 10))) == pytest.approx(4)
    assert max(figures.counts(draw(figures, OWN, 3, 10, 10, largest=40))) == 40


@pytest.mark.parametrize(("number", "expected"), [
    (7, True), (10, True), (15, True), (25, True), (26, False), (250, True), (255, False), (1500, True), (1300, True),
    (1250, False)])
def test_what_a_round_number_is(number: int, expected: bool) -> None:
    assert is_round(number) is expected


def test_no_edge_is_one_persons_figure() -> None:
    """Figures of one person each: every edge is round or the policy's; a figure of many may be one."""
    alone = Figures(dict.fromkeys(range(1003, 2003, 17), 1))
    found = [start for start in starts(draw(alone, OWN, 3, 10, 10)) if start]
    assert found
    assert all(is_round(start) for start in found)
    many = Figures({1009: 30, 1013: 30, 1017: 30})
    assert starts(draw(many, OWN, 3, 10, 10))[:3] == [0, 1013, 1017]
    few = Figures({1009: 9, 1013: 9, 1017: 9})
    assert draw(few, OWN, 3, 10, 10) == ()


def slow(figures: Figures, fewest: int, k: int, least: int, largest: int,
         most: int) -> Iterator[tuple[float, list[int]]]:
    """Every choice of edges among small figures, all of which are round, with the entropy it has."""
    values = sorted(figures.people)
    for number in range(fewest, most + 1):
        for edges in combinations(values[1:], number - 1):
            bounds = [0, *edges, 10**6]
            counts = [sum(n for v, n in figures.people.items() if low <= v < high) for low, high in pairwise(bounds)]
            if min(counts) >= max(k, least) and max(counts) >= largest:
                yield entropy_l(counts), counts


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.integers(0, 9), st.integers(1, 60), min_size=1), st.integers(5, 12), st.sampled_from([0, 40]))
def test_no_other_edges_have_more_entropy(people: dict[int, int], k: int, largest: int) -> None:
    figures = Figures(people)
    bands = draw(figures, OWN, 3, k, 10, largest=largest)
    least, needed = -(-figures.total * 10 // 100), -(-figures.total * largest // 100)
    best: list[tuple[float, list[int]]] = []
    while not best:
        best = list(slow(figures, 1, k, least, needed, len(OWN)))
        best = [max(best, key=lambda one: round(one[0], 4))] if best else []
        if best and len(best[0][1]) < 3:
            best = []
        if least <= k:
            break
        least = max(k, least // 2)
    if not best:
        assert bands == ()
    else:
        counts = figures.counts([band for band in bands if band.at_least is not None])
        assert entropy_l(counts) == pytest.approx(best[0][0], abs=1e-3)
        assert min(counts) >= k
        assert max(counts) >= needed
        assert len(counts) <= len(OWN)
