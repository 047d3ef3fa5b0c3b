"""The part of the policy about what a release is still good for: golden queries, bands, what may be lost.

Belongs here: its shape, and what must hold between it and the published tables. Does not belong here: measuring
(release/utility).
"""

from collections.abc import Iterator
from itertools import pairwise

from pydantic import Field

from ajprivacy_pipeline.policy.base import Frozen, Sound

EXACT, NONE = "exact", "suppressed"


class GoldenQuery(Frozen):
    """A question that analysts ask: a measure for each combination of `per`, added up over the parts of `over`.

    Every dimension that is in neither stands at its total.
    """

    table: str
    measure: str
    per: tuple[str, ...] = Field(min_length=1)
    over: tuple[str, ...] = ()


class Utility(Sound):
    """`release.toml`, [utility] (G15)."""

    left_out_percent: int = Field(ge=0, le=100)
    contributor_bands: tuple[int, ...] = Field(min_length=1)
    error_bands: tuple[int, ...] = Field(min_length=1)
    golden: dict[str, GoldenQuery] = Field(min_length=1)

    @property
    def error_names(self) -> list[str]:
        """The names of the bands of error, best first."""
        return [EXACT, *(f"up to {end} %" for end in self.error_bands), f"more than {self.error_bands[-1]} %", NONE]

    def contributors(self, k: int) -> dict[str, tuple[int, int | None]]:
        """Returns the bands of contributors by name, each with its least and its most; the first begins at k."""
        starts = [k, *self.contributor_bands]
        bands: dict[str, tuple[int, int | None]] = {
            f"{low:,} to {high - 1:,}": (low, high - 1) for low, high in pairwise(starts)}
        return {**bands, f"{starts[-1]:,} and more": (starts[-1], None)}

    def _faults(self) -> Iterator[str]:
        for name, bands in (("contributor_bands", self.contributor_bands), ("error_bands", self.error_bands)):
            if bands[0] < 1 or any(low >= high for low, high in pairwise(bands)):
                yield f"{name} must rise, from 1 or more"
