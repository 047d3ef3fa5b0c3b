"""The part of the policy about what a release is still good for: golden queries, bands, what may be lost.

Belongs here: its shape, and what must hold between it and the published tables. Does not belong here: measuring
(release/utility).
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from ajprivacy_pipeline.policy_base import Frozen

if TYPE_CHECKING:
    from ajprivacy_pipeline.policy_release import PublishedTable


EXACT, NONE = "exact", "withheld"


class GoldenQuery(Frozen):
    """A question that analysts ask: a measure for each combination of `per`, added up over the parts of `over`.

    Every dimension that is in neither stands at its total.
    """

    table: str
    measure: str
    per: tuple[str, ...] = Field(min_length=1)
    over: tuple[str, ...] = ()


class Utility(Frozen):
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
        """The bands of contributors by name, each with its least and its most; the first begins at k."""
        starts = [k, *self.contributor_bands]
        bands: dict[str, tuple[int, int | None]] = {
            f"{low:,} to {high - 1:,}": (low, high - 1) for low, high in pairwise(starts)}
        return {**bands, f"{starts[-1]:,} and more": (starts[-1], None)}

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for name, bands in (("contributor_bands", self.contributor_bands), ("error_bands", self.error_bands)):
            if bands[0] < 1 or any(low >= high for low, high in pairwise(bands)):
                raise ValueError(f"{name} must rise, from 1 or more")
        return self


def utility_faults(utility: Utility, k: int, every: str, tables: dict[str, "PublishedTable"]) -> Iterator[str]:
    """What does not fit: bands that reach below k, queries of what is not published or may not be added up."""
    if utility.contributor_bands[0] <= k:
        yield f"release.toml: utility.contributor_bands begin below k = {k}: the first band would tell of fewer"
    for name, query in utility.golden.items():
        where = f"release.toml: utility.golden.{name}"
        table = tables.get(query.table)
        if table is None or not table.months:
            yield f"{where}: {query.table} is no published table of cells"
            continue
        roles = {column: entry.role for column, entry in table.columns.items()}
        dimensions = [column for column, role in roles.items() if role == "dimension"]
        if roles.get(query.measure) != "measure" or not {*query.per, *query.over} <= set(dimensions):
            yield f"{where}: {query.table} has no such measure or dimension"
        elif set(query.over) - set(table.columns[query.measure].additive_over):
            yield f"{where}: {query.measure} may not be added up over {', '.join(query.over)}"
        elif dimensions[0] not in query.per:
            yield f"{where}: {dimensions[0]} has no {every}, so it must be in per"
