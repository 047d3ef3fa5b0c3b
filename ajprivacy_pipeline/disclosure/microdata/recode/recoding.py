"""The outcome of a recoding, and its way back into a table.

Belongs here: which published value each distinct tuple has. Does not belong here: how that was found.
"""

from dataclasses import dataclass

import numpy as np

from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import UNIT, Codes
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import Tuples
from ajprivacy_pipeline.storage.zones import Connection, quote


@dataclass(frozen=True, eq=False)
class Recoding:
    """A level per distinct tuple and column; `suppressed` are the persons whose every value is ANY by suppression."""

    tuples: Tuples
    levels: Codes
    suppressed: int = 0

    @property
    def granularity(self) -> float:
        """1: untouched; 0: nothing is said."""
        lost = sum(int((tree.losses[self.levels[:, c], self.tuples.codes[:, c]] * self.tuples.persons).sum())
                   for c, tree in enumerate(self.tuples.hierarchies))
        return 1 - lost / UNIT / int(self.tuples.persons.sum()) / len(self.tuples.hierarchies)

    def column(self, c: int) -> list[str]:
        """Returns the published value of each distinct tuple in column `c`."""
        tree = self.tuples.hierarchies[c]
        levels = self.levels[:, c]
        nodes = tree.levels[levels, self.tuples.codes[:, c]]
        return [tree.labels[level][node] for level, node in zip(levels.tolist(), nodes.tolist(), strict=True)]

    def store(self, con: Connection, target: str, *, temporary: bool = False) -> None:
        """Make the table `target` (quoted): `from_<column>` and `to_<column>` per quasi-identifier, a row a tuple.

        Joining a source table with it on its `from_` columns recodes that table.
        """
        names, values = [], {}
        for c, tree in enumerate(self.tuples.hierarchies):
            names += [quote(f"from_{tree.column}"), quote(f"to_{tree.column}")]
            values[f"f{c}"] = np.array(tree.leaves)[self.tuples.codes[:, c]].tolist()
            values[f"t{c}"] = self.column(c)
        lists = ", ".join(f"unnest(${mark}::VARCHAR[]) AS {name}" for mark, name in zip(values, names, strict=True))
        con.execute(f"CREATE {'TEMPORARY ' if temporary else ''}TABLE {target} AS SELECT {lists}", values)

    def recoded(self, relation: str, mapping: str, others: tuple[str, ...] = ()) -> str:
        """Returns the SELECT that recodes `relation` through a stored `mapping` (both quoted); `others` stay as is.

        Sorted by all columns: the order of the rows says nothing.
        """
        columns = [tree.column for tree in self.tuples.hierarchies]
        shown = [f"m.{quote('to_' + column)} AS {quote(column)}" for column in columns]
        shown += [f"r.{quote(column)}" for column in others]
        match = " AND ".join(f"m.{quote('from_' + column)} = CAST(r.{quote(column)} AS VARCHAR)" for column in columns)
        return f"SELECT {', '.join(shown)} FROM {relation} AS r JOIN {mapping} AS m ON {match} ORDER BY ALL"
