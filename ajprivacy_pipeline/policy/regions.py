"""The part of the policy about regions: `regions.toml`, how a region is read from a postal code.

Belongs here: its shape, what must hold inside it, the hierarchy of regions, the lists that SQL models bind. Does not
belong here: reading codes (sql/macros.sql).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pydantic import Field

from ajprivacy_pipeline.policy.base import Frozen, Sound
from ajprivacy_pipeline.policy.microdata import ANY, Leaf


class Region(Frozen):
    """A region with its way up: its name, then what it may be generalised to; and how its postal codes begin.

    Where a country's codes begin with one or two characters, one character stands for codes that go on with a digit.
    """

    path: tuple[str, ...] = Field(min_length=1)
    starts: tuple[str, ...] = Field(min_length=1)


class Country(Sound):
    """How the warehouse spells a country, what a postal code of it looks like in capital letters, and its regions."""

    spellings: tuple[str, ...] = Field(min_length=1)
    code: str
    regions: tuple[Region, ...] = Field(min_length=1)

    def _faults(self) -> Iterator[str]:
        try:
            re.compile(self.code)
        except re.error:
            yield f"code: {self.code} is not a valid pattern"
        names = [region.path[0] for region in self.regions]
        if len(set(names)) != len(names) or len({len(region.path) for region in self.regions}) != 1:
            yield "regions: a region stands twice, or the paths are not of the same length"
        if any(ANY in region.path or "" in region.path for region in self.regions):
            yield f"regions: a path names {ANY}, which is added, or nothing"
        yield from _path_faults(self.regions)
        yield from _start_faults([start for region in self.regions for start in region.starts])


def _path_faults(regions: Sequence[Region]) -> Iterator[str]:
    above: dict[tuple[int, str], str] = {}
    for region in regions:
        for level, (low, high) in enumerate(pairwise(region.path)):
            if above.setdefault((level, low), high) != high:
                yield f"regions: {low} is generalised to {above[level, low]} and to {high}"


def _start_faults(starts: Sequence[str]) -> Iterator[str]:
    if twice := sorted({start for start in starts if starts.count(start) > 1}):
        yield f"regions: {', '.join(twice)} stands in two regions"
    if wrong := sorted({start for start in starts if not 1 <= len(start) <= 2 or start != start.upper().strip()}):
        yield f"regions: starts must have one or two characters, in capital letters: {', '.join(map(repr, wrong))}"


class Regions(Frozen):
    """`regions.toml`: the country that the shop's customers live in, and the countries there are rules for."""

    home: str
    countries: dict[str, Country]

    @property
    def own(self) -> Country:
        """The home country."""
        return self.countries[self.home]

    def leaves(self, *others: str) -> tuple[Leaf, ...]:
        """Returns the hierarchy of regions, with values that stand beside them and are not generalised."""
        depth = len(self.own.regions[0].path)
        return (*(Leaf(path=region.path) for region in self.own.regions),
                *(Leaf(path=(value,) * depth) for value in others))

    @property
    def rule(self) -> "RegionRule":
        """How a region is read from a code of the home country."""
        given = [(start, region.path[0]) for region in self.own.regions for start in region.starts]
        width = max(len(start) for start, _ in given)
        pairs = [(begun, label) for start, label in given
                 for begun in (start, *(f"{start}{digit}" for digit in range(10) if len(start) < width))]
        return RegionRule(tuple(text.lower() for text in self.own.spellings), f"(?i){self.own.code}", width,
                          tuple(start for start, _ in pairs), tuple(label for _, label in pairs))

    def values(self) -> dict[str, object]:
        """Returns what the models that read postal codes bind."""
        rule = self.rule
        return {"home_spellings": list(rule.spellings), "postal_pattern": rule.pattern, "region_width": rule.width,
                "region_starts": list(rule.starts), "region_labels": list(rule.labels)}


@dataclass(frozen=True)
class RegionRule:
    """How the macro region_of reads a region: spellings of the country, pattern of a code, beginnings and regions.

    `starts` are of `width` characters, or all there is of a code; `labels` are the regions, one for one.
    """

    spellings: tuple[str, ...]
    pattern: str
    width: int
    starts: tuple[str, ...]
    labels: tuple[str, ...]


def region_faults(regions: Regions, taken: frozenset[str]) -> Iterator[str]:
    """Yields what cannot work: no rule for the home country, or a region named like another value of the column.

    Args:
        regions: the rules.
        taken: names that mean something else where regions stand.
    """
    if regions.home not in regions.countries:
        yield f"regions.toml: home is {regions.home}, and countries has no rule for it"
    for name, country in regions.countries.items():
        if clash := sorted(taken & {label for region in country.regions for label in region.path}):
            yield f"regions.toml: countries.{name}: {', '.join(clash)} means something else and is no region"
