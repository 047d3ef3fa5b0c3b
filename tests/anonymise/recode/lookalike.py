"""A generated look-alike of the Adult table: the same shape of hierarchies, other values, a fixed seed."""

import itertools
from collections.abc import Sequence

import numpy as np

from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import Hierarchy, hierarchy
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.zones import Connection, quote

Row = tuple[str, ...]
_SHAPES = {  # leaves under each child of the root, by column
    "sex": [1, 1], "race": [1] * 5, "marital": [2, 5], "education": [6, 4, 6], "country": [20, 10, 6, 4],
    "work": [3, 3, 2], "occupation": [5, 4, 5], "salary": [1, 1],
}


def trees() -> list[Hierarchy]:
    """Nine hierarchies: two to five levels, 2 to 80 leaves."""
    made = []
    for column, parts in _SHAPES.items():
        leaves = [(f"{column}-{i}-{leaf}", f"{column}-{i}", "*")
                  for i, size in enumerate(parts) for leaf in range(size)]
        made.append(hierarchy(column, [(row[0], "*") for row in leaves] if set(parts) == {1} else leaves))
    bands = [(str(a), *(f"{a // w * w}-{a // w * w + w - 1}" for w in (5, 10, 20)), "*") for a in range(80)]
    return [*made, hierarchy("age", bands)]


def rows(number: int, seed: int = 1) -> list[Row]:
    """Rows in the columns' order, then the sensitive `spend` (ordered, five bands) and `illness` (unordered)."""
    rng = np.random.default_rng(seed)
    columns = []
    for tree in trees():
        shares = 1 / np.arange(1, len(tree.leaves) + 1) ** (0.3 if tree.column == "age" else 1.6)
        columns.append(rng.choice(np.array(tree.leaves), number, p=shares / shares.sum()).tolist())
    columns.append(rng.choice(np.array(["none", "low", "middle", "high", "top"]), number).tolist())
    columns.append(rng.choice(np.array(["a", "b", "c", "d", "e", "f", "g"]), number,
                              p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05]).tolist())
    return list(zip(*columns, strict=True))


def load(table_rows: Sequence[Row], columns: Sequence[str]) -> Connection:
    """A connection with the rows as the table `people`."""
    con = zones.memory()
    con.execute(f"CREATE TABLE people ({', '.join(f'{quote(c)} VARCHAR' for c in columns)})")
    marks = ", ".join("?" * len(columns))
    for start in range(0, len(table_rows), 100):
        part = table_rows[start:start + 100]
        con.execute(f"INSERT INTO people VALUES {', '.join([f'({marks})'] * len(part))}", list(itertools.chain(*part)))
    return con


def columns() -> list[str]:
    """The columns of `rows`."""
    return [*(tree.column for tree in trees()), "spend", "illness"]
