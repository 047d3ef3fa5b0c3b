"""Local recoding: walk the lattice from its cheapest node, keep the classes that stand, go on with the residue.

Belongs here: the walk, and where the last residue goes (nothing is ever suppressed). Does not belong here: what comes
after it, refine and improve.
"""

import itertools

import numpy as np

from ajprivacy_pipeline.disclosure.microdata.recode.classes import classes_of, renumber, span_loss
from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import Codes
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Flags, Judge
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import Tuples
from ajprivacy_pipeline.errors import ReleaseError

_MOST_NODES = 1_000_000


def nodes_by_loss(tuples: Tuples) -> tuple[Codes, Codes]:
    """Returns every node of the lattice (a level per column) and its loss over all persons, ascending; ties by levels.

    Raises:
        ReleaseError: the lattice is too large to be walked.
    """
    depths = [tree.depth for tree in tuples.hierarchies]
    if np.prod(depths, dtype=np.float64) > _MOST_NODES:
        raise ReleaseError(f"the hierarchies span more than {_MOST_NODES:,} nodes; leave out levels or columns")
    nodes = np.array(list(itertools.product(*map(range, depths))), np.int64)
    loss = np.zeros(len(nodes), np.int64)
    for c, tree in enumerate(tuples.hierarchies):
        per_level = (tree.losses[:, tuples.codes[:, c]] * tuples.persons).sum(axis=1)
        loss += per_level[nodes[:, c]]
    order = np.argsort(loss, kind="stable")
    return nodes[order], loss[order]


def walk(tuples: Tuples, judge: Judge) -> Codes:
    """Returns a class for every tuple, such that every class stands.

    At each node, cheapest first, the residue is grouped by its values at the node's levels; groups that stand become
    classes. Tuples are never split, so the result is a function of the multiset of rows.

    Raises:
        ReleaseError: not even the whole table as one class stands.
    """
    nodes, _ = nodes_by_loss(tuples)
    keys = Keys(tuples)
    assigned = np.full(len(tuples), -1, np.int64)
    rest, persons, made = np.arange(len(tuples)), tuples.persons, 0
    for node in nodes:
        key = keys.at(node)
        by_key = np.argsort(key)
        grouped = key[by_key]
        first = np.flatnonzero(np.append(True, grouped[1:] != grouped[:-1]))
        stands = judge.stands(np.add.reduceat(persons[by_key], first), rest[by_key], first)
        if not stands.any():
            continue
        number = np.where(stands, np.cumsum(stands) - 1 + made, -1)
        of = np.empty(len(rest), np.int64)
        of[by_key] = np.repeat(number, np.diff(np.append(first, len(rest))))
        assigned[rest] = of
        made += int(stands.sum())
        stays = of < 0
        rest, persons = rest[stays], persons[stays]
        keys.keep(stays)
        if persons.sum() < judge.k:  # so few cannot stand at any node
            break
    return renumber(settle(tuples, judge, assigned))


class Keys:
    """One whole number per tuple of the residue and node, equal exactly where the generalised tuples are."""

    def __init__(self, tuples: Tuples) -> None:
        self.parts: list[list[Codes]] = []
        stride = 1
        for c, tree in enumerate(tuples.hierarchies):
            self.parts.append([codes[tuples.codes[:, c]] * stride for codes in tree.levels])
            stride *= len(tree.leaves)
        if stride >= 1 << 63:
            raise ReleaseError("the hierarchies have too many leaves together; leave out columns or coarsen leaves")

    def at(self, node: Codes) -> Codes:
        """Returns the keys at a node."""
        key = self.parts[0][int(node[0])].copy()
        for part, level in zip(self.parts[1:], node[1:].tolist(), strict=True):
            key += part[level]
        return key

    def keep(self, stays: Flags) -> None:
        """Go on with a part of the tuples."""
        self.parts = [[codes[stays] for codes in part] for part in self.parts]


def settle(tuples: Tuples, judge: Judge, assigned: Codes) -> Codes:
    """Put every tuple without class (-1) into one, such that every class stands.

    Each joins the class where that loses least and which still stands, the nearest first come. Those that no class can
    take become one class, which takes in the nearest classes until it stands.

    Raises:
        ReleaseError: not even the whole table as one class stands.
    """
    stuck = []
    for i in np.flatnonzero(assigned < 0):
        place = _best_class(tuples, judge, assigned, int(i)) if (assigned >= 0).any() else -1
        if place >= 0:
            assigned[i] = place
        else:
            stuck.append(int(i))
    if not stuck:
        return assigned
    own = int(assigned.max()) + 1
    assigned[stuck] = own
    while True:
        mine = np.flatnonzero(assigned == own)
        persons = tuples.persons[mine].sum(keepdims=True)
        if judge.stands(persons, mine, np.zeros(1, np.int64))[0]:
            return assigned
        if len(mine) == len(tuples):
            raise ReleaseError("not even all persons together satisfy k, l and t: the table is too small or its "
                               "sensitive values too alike; coarsen, or leave a column out")
        assigned[assigned == _nearest(tuples, assigned, own)] = own


def _best_class(tuples: Tuples, judge: Judge, assigned: Codes, i: int) -> int:
    """The class that tuple `i` joins at the least further loss while it stands; -1 if there is none."""
    members = np.flatnonzero(assigned >= 0)
    numbers, dense = np.unique(assigned[members], return_inverse=True)
    part = Tuples(tuples.hierarchies, tuples.codes[members], tuples.persons[members])
    classes = classes_of(part, dense)
    joined = span_loss(tuples, np.minimum(classes.low, tuples.codes[i]), np.maximum(classes.high, tuples.codes[i]))
    further = (classes.persons + tuples.persons[i]) * joined - classes.persons * classes.loss
    ok = classes.persons > 0
    for cells in judge.cells:
        counts = np.add.reduceat(cells.counts[members[classes.order]], classes.first, axis=0)
        ok &= cells.fits(counts + cells.counts[i])
    if not ok.any():
        return -1
    return int(numbers[np.where(ok, further, np.iinfo(np.int64).max).argmin()])


def _nearest(tuples: Tuples, assigned: Codes, own: int) -> int:
    """The class whose union with `own` loses least."""
    numbers, dense = np.unique(assigned, return_inverse=True)
    classes = classes_of(tuples, dense)
    me = int(np.searchsorted(numbers, own))
    low, high = np.minimum(classes.low, classes.low[me]), np.maximum(classes.high, classes.high[me])
    further = (classes.persons + classes.persons[me]) * span_loss(tuples, low, high) - classes.persons * classes.loss
    further[me] = np.iinfo(np.int64).max
    return int(numbers[further.argmin()])
