"""Full-domain recoding: one level per column for the whole table, the node of the lattice that loses least.

Belongs here: the search. Each node is one GROUP BY over the weighted distinct tuples, which carry every level of every
column as a number. Does not belong here: local recoding, which loses far less and mixes levels within a column.
"""

from dataclasses import dataclass

import numpy as np

from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import UNIT, Codes
from ajprivacy_pipeline.disclosure.microdata.recode.recoding import Recoding
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Flags, Judge
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import Tuples
from ajprivacy_pipeline.disclosure.microdata.recode.walk import Keys, nodes_by_loss
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.storage.zones import Connection

_TABLE = "recode_levels"  # temporary: the tuples with every level


@dataclass(frozen=True)
class FullDomain:
    """The best node: its level per column, the recoding, and how many nodes were grouped to find it."""

    node: tuple[int, ...]
    recoding: Recoding
    grouped: int


def full_domain(con: Connection, tuples: Tuples, k: int, suppression: float = 0.05) -> FullDomain:
    """Returns the node of least loss whose failing classes hold at most a share of the persons.

    The persons of classes that fail are suppressed (every value ANY, loss 1) and counted in the loss. Of equal nodes
    the first by loss of the node, then by levels, is taken.

    Args:
        con: where the grouping is done.
        tuples: the table; its sensitive columns' conditions hold for every class that is kept.
        k: persons per class, at least.
        suppression: the share of the persons that may be suppressed.

    Raises:
        ReleaseError: no node keeps enough persons.
    """
    search = _Search(con, tuples, Judge(k, tuples.cells), suppression)
    best, least = -1, np.iinfo(np.int64).max
    for n in range(len(search.nodes)):
        if search.losses[n] >= least:
            break
        search.probe(n)
        if search.hopeless[n]:
            continue
        total = search.loss(n, least)
        if total is not None and total < least:
            best, least = n, total
    con.execute(f"DROP TABLE {_TABLE}")
    if best < 0:
        raise ReleaseError("no node of the lattice keeps enough persons in classes that satisfy k, l and t: the table "
                           "is too small or its sensitive values too alike; coarsen, or leave a column out")
    failing = search.failing(search.nodes[best])
    levels = np.tile(search.nodes[best], (len(tuples), 1))
    levels[failing] = [tree.depth - 1 for tree in tuples.hierarchies]
    recoding = Recoding(tuples, levels, int(tuples.persons[failing].sum()))
    return FullDomain(tuple(search.nodes[best].tolist()), recoding, search.grouped)


class _Search:
    """The lattice with what is known of its nodes."""

    def __init__(self, con: Connection, tuples: Tuples, judge: Judge, suppression: float) -> None:
        self.con, self.tuples, self.judge = con, tuples, judge
        self.limit = int(suppression * int(tuples.persons.sum()))
        self.nodes, self.losses = nodes_by_loss(tuples)
        self.hopeless = np.zeros(len(self.nodes), np.bool_)
        self.few: dict[int, int] = {}  # persons in classes below k, by node
        self.grouped = 0
        self.keys = Keys(tuples)
        self.place = {tuple(node): n for n, node in enumerate(self.nodes.tolist())}
        self._load()

    def _load(self) -> None:
        """A table of the tuples, with each level of each column, and what each tuple loses at each level."""
        values: dict[str, list[int]] = {"persons": self.tuples.persons.tolist()}
        for c, tree in enumerate(self.tuples.hierarchies):
            for level, codes in enumerate(tree.levels):
                values[f"c{c}l{level}"] = codes[self.tuples.codes[:, c]].tolist()
        listed = ", ".join(f"unnest(${name}::BIGINT[])::INTEGER AS {name}" for name in values)
        self.con.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_TABLE} AS SELECT {listed}", values)

    def below_k(self, n: int) -> int:
        """How many persons stand in classes below k at a node."""
        if n not in self.few:
            keys = ", ".join(f"c{c}l{level}" for c, level in enumerate(self.nodes[n].tolist()))
            found = self.con.execute("SELECT coalesce(sum(persons) FILTER (persons < $k), 0)::BIGINT FROM (SELECT "
                                     f"sum(persons) AS persons FROM {_TABLE} GROUP BY {keys})", {"k": self.judge.k})
            self.few[n] = int(found.fetchall()[0][0])
            self.grouped += 1
            if self.few[n] > self.limit:  # and so has every less general node
                self.hopeless |= (self.nodes <= self.nodes[n]).all(axis=1)
        return self.few[n]

    def probe(self, n: int) -> None:
        """Bisect a path from a node to the top, so that one hopeless node on it rules out many below it."""
        if self.hopeless[n] or n in self.few:
            return
        path = self._path(n)
        low, high = 0, len(path) - 1
        while low < high:
            middle = (low + high) // 2
            if self.hopeless[path[middle]] or self.below_k(path[middle]) > self.limit:
                low = middle + 1
            else:
                high = middle

    def _path(self, n: int) -> list[int]:
        """From a node to the top, one level at a time, each step the one that loses least."""
        path, node = [n], self.nodes[n].copy()
        while True:
            above = []
            for c, tree in enumerate(self.tuples.hierarchies):
                if node[c] + 1 < tree.depth:
                    node[c] += 1
                    above.append(self.place[tuple(node.tolist())])
                    node[c] -= 1
            if not above:
                return path
            path.append(min(above))
            node = self.nodes[path[-1]].copy()

    def loss(self, n: int, least: int) -> int | None:
        """The loss of a node with its suppressions; None if too many are suppressed or it cannot be below `least`."""
        if self.below_k(n) > self.limit:
            return None
        trees = enumerate(self.tuples.hierarchies)
        further = sum(UNIT - int(tree.losses[self.nodes[n, c]].max()) for c, tree in trees)
        if self.losses[n] + self.few[n] * further >= least:
            return None
        if not self.few[n] and not self.judge.cells:
            return int(self.losses[n])
        failing = self.failing(self.nodes[n])
        suppressed = int(self.tuples.persons[failing].sum())
        if suppressed > self.limit:
            return None
        kept = np.flatnonzero(~failing)
        total = suppressed * UNIT * len(self.tuples.hierarchies)
        for c, tree in enumerate(self.tuples.hierarchies):
            total += int((tree.losses[self.nodes[n, c]][self.tuples.codes[kept, c]] * self.tuples.persons[kept]).sum())
        return total

    def failing(self, node: Codes) -> Flags:
        """Which tuples stand in classes that fail at a node."""
        key = self.keys.at(node)
        order = np.argsort(key, kind="stable")
        first = np.flatnonzero(np.append(True, key[order][1:] != key[order][:-1]))
        stands = self.judge.stands(np.add.reduceat(self.tuples.persons[order], first), order, first)
        fails = np.empty(len(key), np.bool_)
        fails[order] = np.repeat(~stands, np.diff(np.append(first, len(key))))
        return fails
