"""A partition of the tuples into equivalence classes, each tightened to the lowest common ancestor of its members.

Belongs here: what follows from who is in which class. Does not belong here: who should be (walk, refine, improve).
"""

from dataclasses import dataclass

import numpy as np

from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import Codes
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import Tuples


@dataclass(frozen=True, eq=False)
class Classes:
    """Equivalence classes.

    `order` lists the tuples class by class, `first` says where each class begins; `low` and `high` are each class's
    span per column, `persons` its size, `loss` what its span loses for each of its persons.
    """

    order: Codes
    first: Codes
    low: Codes
    high: Codes
    persons: Codes
    loss: Codes

    @property
    def lengths(self) -> Codes:
        """The number of distinct tuples of each class."""
        return np.diff(np.append(self.first, len(self.order)))


def span_loss(tuples: Tuples, low: Codes, high: Codes) -> Codes:
    """Returns the loss of spans, summed over the columns."""
    total = np.zeros(len(low), np.int64)
    for c, tree in enumerate(tuples.hierarchies):
        total += tree.span_loss(low[:, c], high[:, c])
    return total


def classes_of(tuples: Tuples, assigned: Codes) -> Classes:
    """Returns the classes of an assignment; `assigned[i]` is the class of tuple `i`, from 0 without gaps."""
    order = np.argsort(assigned, kind="stable")
    grouped = assigned[order]
    first = np.flatnonzero(np.append(True, grouped[1:] != grouped[:-1]))
    members = tuples.codes[order]
    low = np.minimum.reduceat(members, first, axis=0)
    high = np.maximum.reduceat(members, first, axis=0)
    persons = np.add.reduceat(tuples.persons[order], first)
    return Classes(order, first, low, high, persons, span_loss(tuples, low, high))


def renumber(assigned: Codes) -> Codes:
    """Returns the same classes, numbered from 0 in the order of their first tuples."""
    _, first, inverse = np.unique(assigned, return_index=True, return_inverse=True)
    place = np.empty(len(first), np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    return np.asarray(place[inverse])


def total_loss(classes: Classes) -> int:
    """Returns what the whole partition loses, in units of `hierarchy.UNIT` per person and column."""
    return int((classes.persons * classes.loss).sum())
