"""Bands of a sensitive column drawn from its own quantiles, for a table that the policy's bands tell too little apart.

Belongs here: where a band may begin, and which bands are chosen. Does not belong here: whether a column needs them
(release/microdata_bands), what each class must satisfy (`recode.rules`).

A reader sees the bands, so an edge must not be one person's figure: it is one of the policy's, a round number (two
digits at most before its zeros; below 100 a multiple of 5, below 10 any), or a figure that many people have. Of all
bands with such edges, no more than the policy's, each with enough people and one of them far the commonest, those of
the greatest entropy are taken, which are quantiles where nothing is heavy; of equal ones the first. The commonest is
there because the best guess (G9) would hang on a few people where two bands are equally common. The bands follow from
how many people have which figure, and from nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import exp, log

from ajprivacy_pipeline.policy.microdata import Band

_SCALE = 1 << 20  # entropies are added up as whole numbers, so that equal ones are equal
Cell = tuple[int | None, int]  # where it begins (None: no figure at all), people


@dataclass(frozen=True)
class Figures:
    """How many people have which figure in whole units, and how many have none."""

    people: Mapping[int, int]
    without: int = 0

    @property
    def total(self) -> int:
        """Everybody."""
        return sum(self.people.values()) + self.without

    def counts(self, bands: Sequence[Band]) -> list[int]:
        """Returns how many people each band has, by name, from low to high."""
        found = dict.fromkeys((band.value for band in bands), 0)
        starts = [(band.at_least, band.value) for band in bands if band.at_least is not None]
        for figure, people in self.people.items():
            found[max(start for start in starts if start[0] <= figure)[1]] += people
        for band in bands:
            if band.at_least is None:
                found[band.value] += self.without
        return list(found.values())


def entropy_l(counts: Sequence[int]) -> float:
    """Returns e to the power of the entropy of some counts; 0 without any."""
    total = sum(counts)
    return exp(-sum(n / total * log(n / total) for n in counts if n)) if total else 0.0


def draw(figures: Figures, own: Sequence[Band], fewest: int, k: int, percent: int, *, edge: int = 1,
         largest: int = 0) -> tuple[Band, ...]:
    """Returns the bands drawn for a column, from low to high; none where there are no `fewest` of k people each.

    Args:
        figures: what the bands are made of, from 0 up.
        own: the policy's bands: drawn ones are no more, may begin where these do, and use their name for no figure.
        fewest: bands at least.
        k: people of a band, at least.
        percent: of all people, at least, in a band; halved until there are `fewest` bands, but never below k people.
        edge: percent of all people, at least, and k of them, who have a figure that is an edge for no other reason.
        largest: percent of all people, at least, in one of the bands.
    """
    many = max(k, -(-figures.total * edge // 100))
    cells = _cells(figures, {band.at_least for band in own if band.at_least is not None}, many)
    least, most = max(k, -(-figures.total * percent // 100)), -(-figures.total * largest // 100)
    while True:
        starts = _best([people for _, people in cells], len(own), least, most)
        if len(starts) >= fewest:
            return _named([cells[start] for start in starts], cells[-1][0] is None, own)
        if least <= k:
            return ()
        least = max(k, least // 2)


def _cells(figures: Figures, own: set[int], many: int) -> list[Cell]:
    """The finest bands there may be: each begins at an edge that a reader may see; so many people make a figure one."""
    cells, before = list[Cell](), -1
    for figure, people in sorted(figures.people.items()):
        edge = _edge(before, figure, own) if before >= 0 else 0
        if edge is None and people >= many:
            edge = figure
        if edge is None:
            cells[-1] = (cells[-1][0], cells[-1][1] + people)
        else:
            cells.append((edge, people))
        before = figure
    return [*cells, (None, figures.without)] if figures.without or not cells else cells


def _edge(below: int, figure: int, own: set[int]) -> int | None:
    """The best edge above `below` and up to `figure`: the policy's first, else the roundest number; None without."""
    if among := [edge for edge in own if below < edge <= figure]:
        return min(among)
    step = 10 ** len(str(figure))
    while step >= 1:
        for unit in (step, step // 2):
            edge = (below // unit + 1) * unit if unit else figure + 1
            if edge <= figure and is_round(edge):
                return edge
        step //= 10
    return None


def is_round(number: int) -> bool:
    """Returns whether a whole number has two digits at most before its zeros; one below 100 is a multiple of 5."""
    return number < 10 or number % (5 if number < 100 else 10 ** (len(str(number)) - 2)) == 0


def _best(people: Sequence[int], most: int, least: int, largest: int) -> tuple[int, ...]:
    """Where the bands of the greatest entropy begin, as places of cells; none where no bands have enough people.

    Each band has `least` people or more, one of them `largest` or more.
    """
    sums = [0]
    for count in people:
        sums.append(sums[-1] + count)

    @cache
    def rest(first: int, bands: int, has_large: bool) -> tuple[int, tuple[int, ...]] | None:
        """The least sum of n ln n from a cell on with so many bands at most, and where they begin."""
        if first == len(people):
            return (0, ()) if has_large else None
        found = []
        for end in range(first + 1, len(people) + 1) if bands else ():
            count = sums[end] - sums[first]
            if count >= least and (after := rest(end, bands - 1, has_large or count >= largest)) is not None:
                found.append((round(count * log(count) * _SCALE) + after[0], (first, *after[1])))
        return min(found, default=None)

    best = rest(0, most, not largest)
    return best[1] if best else ()


def _named(chosen: Sequence[Cell], ends_without: bool, own: Sequence[Band]) -> tuple[Band, ...]:
    """The bands with their names; who has no figure stands with the last where too few have none."""
    starts = [start for start, _ in chosen if start is not None]
    names = [str(low) if high == low + 1 else f"{low}-{high - 1}"
             for low, high in pairwise(starts)] + [f"{starts[-1]}+"]
    bands = [Band(value=name, at_least=start) for name, start in zip(names, starts, strict=True)]
    nothing = next((band.value for band in own if band.at_least is None), None)
    if nothing is not None and ends_without and chosen[-1][0] is not None:
        last = Band(value=f"{bands[-1].value} or {nothing}", at_least=bands[-1].at_least)
        return (*bands[:-1], last, Band(value=last.value))
    return (*bands, *([Band(value=nothing)] if nothing is not None else []))
