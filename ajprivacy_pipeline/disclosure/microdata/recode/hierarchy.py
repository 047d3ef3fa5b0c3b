"""A generalisation hierarchy: which more general values a value may be published as, and what that loses.

Belongs here: reading, validating, lowest common ancestors, loss. Leaves stand in tree order, so that the lowest common
ancestor of a set of leaves is that of its first and last; a set is therefore kept as its span (low, high).
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ajprivacy_pipeline.errors import ReleaseError

Codes = npt.NDArray[np.int64]
ANY = "*"  # the root of every hierarchy: nothing is said
UNIT = 1 << 16  # the loss of ANY; whole numbers keep every sum exact, also in single precision, on every machine


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """The tree of one quasi-identifier.

    `levels[l][leaf]` is the node above `leaf` at level `l` (0: the leaf itself; last: the root), `labels[l][node]` its
    published value, `losses[l][leaf]` what publishing it loses: the share of further leaves it could mean, from 0 for
    the leaf to `UNIT` for the root. The same tree has the same codes in whatever order its rows came.
    """

    column: str
    leaves: tuple[str, ...]
    levels: Codes
    labels: tuple[tuple[str, ...], ...]
    losses: Codes

    @property
    def depth(self) -> int:
        """The number of levels, leaf and root included."""
        return len(self.labels)

    def meet(self, low: Codes, high: Codes) -> Codes:
        """Returns the level of the lowest common ancestor of each pair of leaves."""
        level = np.zeros(np.broadcast_shapes(low.shape, high.shape), np.int64)
        for codes in self.levels[:-1]:
            level += codes[low] != codes[high]
        return level

    def span_loss(self, low: Codes, high: Codes) -> Codes:
        """Returns the loss of publishing the lowest common ancestor of each pair."""
        return np.asarray(self.losses[self.meet(low, high), low])


def hierarchy(column: str, rows: Iterable[Sequence[str]]) -> Hierarchy:
    """Returns a hierarchy from its rows, each a path from a leaf to the root: leaf, level 1, ..., ANY.

    ANY is added where a hierarchy leaves it out.

    Raises:
        ReleaseError: no rows, paths of different length, a repeated leaf, or levels that are not nested.
    """
    paths = [tuple(row) for row in rows]
    if not paths or {len(path) for path in paths} != {len(paths[0])} or not paths[0]:
        raise ReleaseError(f"hierarchy of {column}: every row must be a path of the same length, and there must be one")
    if any(path[-1] != ANY for path in paths):
        paths = [(*path, ANY) for path in paths]
    paths.sort(key=lambda path: path[::-1])
    _check(column, paths)
    levels, labels = [], []
    for level in range(len(paths[0])):
        names = list(dict.fromkeys(path[level] for path in paths))
        place = {name: code for code, name in enumerate(names)}
        levels.append([place[path[level]] for path in paths])
        labels.append(tuple(names))
    codes = np.array(levels, np.int64)
    sizes = np.stack([np.bincount(row)[row] for row in codes])
    losses = np.rint((sizes - 1) * (UNIT / max(len(paths) - 1, 1))).astype(np.int64)
    return Hierarchy(column, labels[0], codes, tuple(labels), losses)


def read_hierarchy(column: str, path: Path, delimiter: str = ";") -> Hierarchy:
    """Returns a hierarchy from a CSV file without header.

    Raises:
        ReleaseError: the file is missing or its rows are no hierarchy.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return hierarchy(column, [row for row in csv.reader(file, delimiter=delimiter) if row])
    except (OSError, UnicodeDecodeError):
        raise ReleaseError(f"hierarchy of {column}: {path.name} cannot be read") from None


def _check(column: str, paths: list[tuple[str, ...]]) -> None:
    """Refuse repeated leaves, values with two parents, and a value that means different leaves at two levels."""
    if repeated := len(paths) - len({path[0] for path in paths}):
        raise ReleaseError(f"hierarchy of {column}: {repeated} leaves stand twice")
    unnested = 0
    for level in range(len(paths[0]) - 1):
        parents = {(path[level], path[level + 1]) for path in paths}
        unnested += len(parents) - len({child for child, _ in parents})
    if unnested:
        raise ReleaseError(f"hierarchy of {column}: {unnested} values have more than one parent; the levels must nest")
    meant: dict[str, set[frozenset[str]]] = {}
    for level in range(len(paths[0])):
        below: dict[str, set[str]] = {}
        for path in paths:
            below.setdefault(path[level], set()).add(path[0])
        for value, leaves in below.items():
            meant.setdefault(value, set()).add(frozenset(leaves))
    if ambiguous := sum(len(sets) > 1 for sets in meant.values()):
        raise ReleaseError(f"hierarchy of {column}: {ambiguous} values mean different leaves at different levels")
