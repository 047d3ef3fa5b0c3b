"""Local search: tuples change classes, and classes dissolve into others, where that loses less and all still stand.

Belongs here: finding such changes over all pairs at once, and applying those that do not disturb each other. What a
tuple costs in a class is a sum over columns, so all pairs are one product of matrices; its entries are whole numbers
below 2^24 and therefore exact in single precision, whatever the machine and the order of summing.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ajprivacy_pipeline.disclosure.microdata.recode.classes import Classes, classes_of, renumber, span_loss
from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import Codes
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Judge
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import Tuples

Matrix = npt.NDArray[np.float32]
_CELLS = 1 << 23  # entries of one block of the matrix
_PAIRS = 1 << 27  # tuples times classes compared in one round; larger tables improve their costliest classes alone


class Change(NamedTuple):
    """Tuples and the classes they go to, with the further loss expected (negative: a gain)."""

    expected: float
    who: tuple[int, ...]
    to: tuple[int, ...]


def improve(tuples: Tuples, judge: Judge, assigned: Codes, rounds: int = 8) -> Codes:
    """Change classes until nothing is gained, for a number of rounds at most; the loss never grows."""
    joiner = _Joiner(tuples)
    for step in range(rounds):
        classes = classes_of(tuples, assigned)
        changes = joiner.moves(judge.k, assigned, classes, dissolve=step < 2)
        applied, assigned = _apply(tuples, judge, assigned, classes, changes)
        if not applied:
            break
    return assigned


def _apply(tuples: Tuples, judge: Judge, assigned: Codes, classes: Classes, changes: list[Change]) -> tuple[int, Codes]:
    """Apply the best changes that share no class; take back those that gain nothing or leave a class that fails."""
    number = len(classes.persons)
    owner = np.full(number, -1, np.int64)
    applied: list[Change] = []
    trial = assigned.copy()
    for change in sorted(changes):
        who = list(change.who)
        touched = [*assigned[who].tolist(), *change.to]
        if (owner[touched] < 0).all():
            owner[touched] = len(applied)
            applied.append(change)
            trial[who] = change.to
    if not applied:
        return 0, assigned
    present = np.flatnonzero(np.bincount(trial, minlength=number))
    after = classes_of(tuples, np.searchsorted(present, trial))
    further = -classes.persons * classes.loss
    further[present] += after.persons * after.loss
    fails = np.zeros(number, np.bool_)
    fails[present] = ~judge.stands(after.persons, after.order, after.first)
    touched_by = owner[owner >= 0]
    total = np.bincount(touched_by, further[owner >= 0], len(applied))
    worse = (total >= 0) | (np.bincount(touched_by, fails[owner >= 0], len(applied)) > 0)
    for undone in np.flatnonzero(worse):
        who = list(applied[undone].who)
        trial[who] = assigned[who]
    return int((~worse).sum()), renumber(trial)


class _Joiner:
    """Which class each tuple would cost least in."""

    def __init__(self, tuples: Tuples) -> None:
        self.tuples = tuples
        self.used = [np.unique(tuples.codes[:, c]) for c in range(tuples.codes.shape[1])]
        self.offsets = np.cumsum([0, *map(len, self.used)])
        self.marks = np.zeros((len(tuples), self.offsets[-1]), np.float32)
        for c, used in enumerate(self.used):
            self.marks[np.arange(len(tuples)), self.offsets[c] + np.searchsorted(used, tuples.codes[:, c])] = 1

    def costs(self, low: Codes, high: Codes) -> Matrix:
        """What each leaf in use (rows) adds up to in a class of each span (columns)."""
        out = np.empty((self.offsets[-1], len(low)), np.float32)
        for c, tree in enumerate(self.tuples.hierarchies):
            leaf = self.used[c][:, None]
            out[self.offsets[c]:self.offsets[c + 1]] = tree.span_loss(np.minimum(leaf, low[:, c]),
                                                                      np.maximum(leaf, high[:, c]))
        return out

    def moves(self, k: int, assigned: Codes, classes: Classes, *, dissolve: bool) -> list[Change]:
        """Tuples that leave for another class, and whole classes whose tuples all do."""
        tuples = self.tuples
        lossy = classes.loss[assigned] > 0
        spare = classes.persons[assigned] - tuples.persons >= k
        rows = np.flatnonzero(lossy & (spare | dissolve))
        if len(rows) > (most := _PAIRS // len(classes.persons)):
            losses = classes.loss[assigned[rows]]
            rows = rows[losses > np.sort(losses)[::-1][most]]
        target, added = self._cheapest(rows, assigned, classes)
        low, high = spans_without(tuples, assigned, classes)
        rest = (classes.persons[assigned] - tuples.persons)[rows] * span_loss(tuples, low[rows], high[rows])
        whole = classes.persons * classes.loss
        further = added + rest - whole[assigned[rows]]
        changes = [Change(float(further[i]), (int(rows[i]),), (int(target[i]),))
                   for i in np.flatnonzero(spare[rows] & (further < 0))]
        if dissolve and len(rows):
            sums = np.bincount(assigned[rows], added, len(whole)) - whole
            by_class = np.argsort(assigned[rows], kind="stable")
            bounds = np.searchsorted(assigned[rows][by_class], np.arange(len(whole) + 1))
            for gone in np.flatnonzero((sums < 0) & (np.diff(bounds) > 0)):
                members = by_class[bounds[gone]:bounds[gone + 1]]
                who, to = rows[members].tolist(), target[members].tolist()
                changes.append(Change(float(sums[gone]), tuple(who), tuple(to)))
        return changes

    def _cheapest(self, rows: Codes, assigned: Codes, classes: Classes) -> tuple[Codes, npt.NDArray[np.float64]]:
        """For each tuple the other class where it adds least, and how much that is."""
        costs = self.costs(classes.low, classes.high)
        persons = classes.persons.astype(np.float32)
        whole = (classes.persons * classes.loss).astype(np.float32)
        target, added = np.empty(len(rows), np.int64), np.empty(len(rows))
        for at, part in _blocks(rows, len(persons)):
            joined = self.marks[part] @ costs
            further = joined * persons - whole
            joined *= self.tuples.persons[part, None].astype(np.float32)
            further += joined
            line = np.arange(len(part))
            further[line, assigned[part]] = np.inf
            target[at] = further.argmin(axis=1)
            added[at] = further[line, target[at]]
        return target, added


def _blocks(rows: Codes, width: int) -> Iterator[tuple[Codes, Codes]]:
    """Positions and values of `rows`, in blocks whose matrix stays within bounds."""
    size = max(_CELLS // max(width, 1), 1)
    for start in range(0, len(rows), size):
        at = np.arange(start, min(start + size, len(rows)))
        yield at, rows[at]


def spans_without(tuples: Tuples, assigned: Codes, classes: Classes) -> tuple[Codes, Codes]:
    """Returns the span of each tuple's class without that tuple; its own leaves where it is alone."""
    low, high = classes.low[assigned], classes.high[assigned]
    last = np.append(classes.first[1:], len(assigned)) - 1
    several = np.flatnonzero(classes.lengths > 1)
    begin, end = classes.first[several], last[several]
    for c in range(tuples.codes.shape[1]):
        by_value = np.lexsort((tuples.codes[:, c], assigned))
        values = tuples.codes[by_value, c]
        low[by_value[begin], c] = values[begin + 1]
        high[by_value[end], c] = values[end - 1]
    return low, high
