"""Refine: split classes top-down wherever all parts stand.

Belongs here: splits along the hierarchies' children. A split never loses more, since the ancestor of a part lies at or
below that of the whole.
"""

import numpy as np

from ajprivacy_pipeline.disclosure.microdata.recode.classes import Classes, classes_of, renumber
from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import Codes
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Judge
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import Tuples


def refine(tuples: Tuples, judge: Judge, assigned: Codes) -> Codes:
    """Split until no class can be split along any column such that every part stands.

    Each round splits every class along the column that gains most (the first of equals). The children that stand on
    their own in number become parts; the others form a part together, or join the smallest part.
    """
    while True:
        classes = classes_of(tuples, assigned)
        before = classes.persons * classes.loss
        best_gain = np.full(len(before), -1, np.int64)
        chosen = assigned * len(tuples)  # room for the parts of each class
        for column in range(len(tuples.hierarchies)):
            parts = _parts(tuples, judge, assigned, classes, column)
            split = classes_of(tuples, renumber(assigned * len(tuples) + parts))
            owner = assigned[split.order[split.first]]
            stands = judge.stands(split.persons, split.order, split.first)
            after = np.bincount(owner, split.persons * split.loss, len(before)).astype(np.int64)
            many = np.bincount(owner, minlength=len(before)) > 1
            fails = np.bincount(owner, ~stands, len(before)) > 0
            gain = np.where(many & ~fails, before - after, -1)
            better = gain > best_gain
            best_gain = np.where(better, gain, best_gain)
            chosen = np.where(better[assigned], assigned * len(tuples) + parts, chosen)
        if (best_gain < 0).all():
            return assigned
        assigned = renumber(chosen)


def _parts(tuples: Tuples, judge: Judge, assigned: Codes, classes: Classes, column: int) -> Codes:
    """For each tuple, the part of its class it would go to if the class were split along the column."""
    tree = tuples.hierarchies[column]
    below = np.maximum(tree.meet(classes.low[:, column], classes.high[:, column]) - 1, 0)
    child = tree.levels[below[assigned], tuples.codes[:, column]]
    number = len(tree.leaves)
    pairs, inverse = np.unique(assigned * number + child, return_inverse=True)
    owner = pairs // number
    persons = np.bincount(inverse, tuples.persons).astype(np.int64)
    small = persons < judge.k
    pooled = np.bincount(owner, np.where(small, persons, 0), len(classes.persons))
    # the pool of small children is a part called `number`, unless it must join the smallest large child
    by_size = np.lexsort((pairs, np.where(small, np.iinfo(np.int64).max, persons), owner))
    first = by_size[np.flatnonzero(np.append(True, owner[by_size][1:] != owner[by_size][:-1]))]
    host = np.where((pooled >= judge.k) | small[first], number, pairs[first] % number)
    part = np.where(small, host[owner], pairs % number)
    return np.asarray(part[inverse])
