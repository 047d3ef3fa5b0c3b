"""What every equivalence class must satisfy, over many classes at once.

Belongs here: k, distinct l, entropy l, closeness t and gain t as conditions on counts. Does not belong here:
repairing classes that fail, and the check of the finished table (`diversity.py`, `attacks.py`, in SQL, independently).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import Codes
from ajprivacy_pipeline.errors import ReleaseError

Flags = npt.NDArray[np.bool_]
Figures = npt.NDArray[np.float64]
SLACK = 1e-9  # for figures that are rounded in their last digits


@dataclass(frozen=True)
class Sensitive:
    """A sensitive column and what each class must satisfy for it.

    Args:
        column: its name.
        distinct_l: distinct values at least; 2 is the least there is, so no class is homogeneous.
        entropy_l: e to the power of the values' entropy, at least.
        entropy_share: where so much of the whole table's entropy l is less than entropy_l, that is enough.
        closeness_t: distance from the whole table's distribution, at most; 1 asks nothing.
        order: the values from low to high: distance is then the ordered one (earth mover's over the ranks of the
            values that occur). Empty: every two values are equally far apart, and distance is half the sum of absolute
            differences.
        gain_t: how much likelier a value may be in a class than in the whole table, at most; 1 asks nothing.
    """

    column: str
    distinct_l: int = 2
    entropy_l: float = 1.0
    closeness_t: float = 1.0
    order: tuple[str, ...] = ()
    gain_t: float = 1.0
    entropy_share: float | None = None

    def least_entropy(self, whole: float) -> float:
        """Returns the entropy l that a class must reach in a table that has `whole` itself."""
        return self.entropy_l if self.entropy_share is None else min(self.entropy_l, self.entropy_share * whole)

    def __post_init__(self) -> None:
        """Refuse what is no condition, or lets homogeneous classes through."""
        if self.distinct_l < 2 or self.entropy_l < 1 or not 0 <= self.closeness_t <= 1:
            raise ReleaseError(f"{self.column}: distinct_l must be 2 or more, entropy_l 1 or more, "
                               "closeness_t between 0 and 1")
        if len(set(self.order)) != len(self.order):
            raise ReleaseError(f"{self.column}: a value stands twice in its order")


@dataclass(frozen=True, eq=False)
class Cells:
    """How many persons of each distinct tuple have which value of a sensitive column: tuples x values."""

    sensitive: Sensitive
    counts: Codes

    def fits(self, counts: Codes) -> Flags:
        """Returns which classes, given by their counts over the values, satisfy the column's conditions."""
        ask = self.sensitive
        ok = distinct(counts) >= ask.distinct_l
        if ask.entropy_l > 1 and ok.any():
            ok &= entropy(counts) >= self.least_entropy - SLACK
        if ask.gain_t < 1 and ok.any():
            ok &= gain(counts, self.whole) <= ask.gain_t + SLACK
        if ask.closeness_t < 1 and ok.any():
            ok &= closeness(counts, self.whole, ordered=bool(ask.order)) <= ask.closeness_t + SLACK
        return np.asarray(ok)

    @cached_property
    def whole(self) -> Codes:
        """How many persons of the whole table have each value."""
        return np.asarray(self.counts.sum(axis=0))

    @cached_property
    def least_entropy(self) -> float:
        """The entropy l that each class must reach in this table."""
        return self.sensitive.least_entropy(float(entropy(self.whole[None, :])[0]))


def distinct(counts: Codes) -> Codes:
    """Returns the number of values each class has."""
    return np.asarray((counts > 0).sum(axis=1))


def entropy(counts: Codes) -> Figures:
    """Returns the entropy l of each class: e to the power of the entropy of its values."""
    shares = counts / counts.sum(axis=1, keepdims=True)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(np.exp(-(shares * logs).sum(axis=1)))


def closeness(counts: Codes, whole: Codes, *, ordered: bool) -> Figures:
    """Returns the distance of each class's distribution from that of the whole.

    The values of `ordered` ones stand in order.
    """
    apart = counts / counts.sum(axis=1, keepdims=True) - whole / whole.sum()
    if not ordered:
        return np.asarray(np.abs(apart).sum(axis=1) / 2)
    return np.asarray(np.abs(apart.cumsum(axis=1)).sum(axis=1) / max(counts.shape[1] - 1, 1))


def gain(counts: Codes, whole: Codes) -> Figures:
    """By how much the value that gains most is likelier in each class than in the whole."""
    return np.asarray((counts / counts.sum(axis=1, keepdims=True) - whole / whole.sum()).max(axis=1))


@dataclass(frozen=True, eq=False)
class Judge:
    """Says which classes stand."""

    k: int
    cells: tuple[Cells, ...] = ()

    def stands(self, persons: Codes, order: Codes, first: Codes) -> Flags:
        """Returns which classes satisfy everything.

        Args:
            persons: of each class.
            order: tuples, class by class.
            first: where each class begins in `order`.
        """
        ok = persons >= self.k
        if not self.cells or not ok.any():
            return np.asarray(ok)
        large = np.flatnonzero(ok)
        lengths = np.diff(np.append(first, len(order)))
        members = order[np.repeat(ok, lengths)]
        starts = np.cumsum(lengths[large]) - lengths[large]
        for cells in self.cells:
            ok[large] &= cells.fits(np.add.reduceat(cells.counts[members], starts, axis=0))
        return np.asarray(ok)
