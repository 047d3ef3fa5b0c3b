"""The part of the policy about record-level tables: bands, generalisation hierarchies, conditions of every class.

Belongs here: its shape, what must hold inside it, and the lists that SQL models bind. Does not belong here: recoding
(`disclosure.microdata.recode`), judging (`disclosure.microdata.attacks`).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from pydantic import Field

from ajprivacy_pipeline.policy.base import Frozen, Sound

ANY = "*"


class Leaf(Frozen):
    """A value of a quasi-identifier with its way up: the value itself, then what it may be generalised to, without `*`.

    `at_least` is where a band begins; `spellings` are texts of the warehouse, in lower case, that mean the value.
    """

    path: tuple[str, ...] = Field(min_length=1)
    at_least: int | None = None
    spellings: tuple[str, ...] = ()


class Band(Frozen):
    """A band of a sensitive column; the one without `at_least` stands for no figure at all."""

    value: str
    at_least: int | None = None


class SensitiveColumn(Frozen):
    """What every class must satisfy for a sensitive column (G3, G9), and its bands from low to high.

    `entropy_share`: so much of the whole table's entropy l is enough, where that is less than `entropy_l`; without it
    nothing is less. `figure` is the column of anonymous.microdata_figures that the bands are made of: where they tell
    too few people apart, they are drawn anew from it; without it never.
    """

    distinct_l: int = Field(ge=2)
    entropy_l: float = Field(ge=1)
    entropy_share: float | None = Field(default=None, gt=0, le=1)
    figure: str | None = Field(default=None, pattern="^[a-z_]+$")
    closeness_t: float = Field(gt=0, le=1)
    gain_t: float = Field(gt=0, lt=1)
    bands: tuple[Band, ...] = Field(min_length=2)

    @property
    def order(self) -> tuple[str, ...]:
        """The bands' names from low to high; drawn ones may give one name to two that were joined."""
        return tuple(dict.fromkeys(band.value for band in self.bands))


class Microdata(Sound):
    """`release.toml`, [microdata]: how the record-level table is made and held to its guarantees."""

    table: str
    cadence_month: int = Field(ge=1, le=12)
    minimum_age: int = Field(ge=18)
    control_percent: int = Field(ge=1, le=50)
    control_people: int = Field(default=0, ge=0)  # as many groups of control_percent as it takes; 0: one
    drawn_percent: int = Field(default=10, ge=1, le=33)  # of the people, at least, in a band that is drawn
    drawn_edge_percent: int = Field(default=1, ge=1, le=33)  # of the people, at least, whose figure an edge may be
    drawn_largest_percent: int = Field(default=0, ge=0, le=60)  # of the people, at least, in the commonest of them
    advantage_percent: int = Field(ge=1, le=50)
    coarsen_up_to: int = Field(ge=1, le=64)
    recoding: Literal["local", "full_domain"] = "local"  # full_domain: one level a column, for all people alike
    quasi_identifiers: dict[str, tuple[Leaf, ...]]
    sensitive: dict[str, SensitiveColumn]

    def _faults(self) -> Iterator[str]:
        for name, leaves in self.quasi_identifiers.items():
            yield from _leaf_faults(name, leaves)
            yield from _order_faults(name, leaves)
        for name, column in self.sensitive.items():
            if len(column.order) != len(column.bands) or sum(b.at_least is None for b in column.bands) > 1:
                yield f"{name}: a band stands twice, or two stand for no figure"
            if column.distinct_l > len(column.bands):
                yield f"{name}: distinct_l asks for more values than there are bands"
            yield from _order_faults(name, column.bands)

    def values(self, last_month: object) -> dict[str, object]:
        """Returns what the models of microdata bind.

        For each column that is the labels and, one for one, starts or spellings.
        """
        values: dict[str, object] = {"microdata_month": last_month, "minimum_age": self.minimum_age}
        for name, leaves in self.quasi_identifiers.items():
            spelt = [(leaf.path[0], text) for leaf in leaves for text in leaf.spellings]
            started = [(leaf.path[0], leaf.at_least) for leaf in leaves if leaf.at_least is not None]
            for kind, pairs in (("spellings", spelt), ("starts", started)):
                if pairs:
                    values |= {f"{name}_{kind}": [made for _, made in pairs],
                               f"{name}_labels": [label for label, _ in pairs]}
        for name, column in self.sensitive.items():
            bands = [(band.value, band.at_least) for band in column.bands if band.at_least is not None]
            values |= {f"{name}_labels": [label for label, _ in bands], f"{name}_starts": [made for _, made in bands]}
            values |= {f"{name}_none": band.value for band in column.bands if band.at_least is None}
        return values


def _leaf_faults(name: str, leaves: Sequence[Leaf]) -> Iterator[str]:
    if len({len(leaf.path) for leaf in leaves}) != 1:
        yield f"{name}: every path must have the same length"
    if len({leaf.path[0] for leaf in leaves}) != len(leaves) or any(ANY in leaf.path for leaf in leaves):
        yield f"{name}: a value stands twice, or a path names {ANY}, which is added"
    spellings = [text for leaf in leaves for text in leaf.spellings]
    if len(set(spellings)) != len(spellings) or any(text != text.lower().strip() for text in spellings):
        yield f"{name}: a spelling stands twice, or is not in lower case"


def _order_faults(name: str, bands: Sequence[Leaf | Band]) -> Iterator[str]:
    starts = [band.at_least for band in bands if band.at_least is not None]
    if starts and (starts[0] != 0 or any(low >= high for low, high in pairwise(starts))):
        yield f"{name}: at_least must begin with 0 and rise from band to band"
