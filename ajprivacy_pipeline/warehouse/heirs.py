"""Tables of PostgreSQL whose rows are another table's, too: heirs (INHERITS) and partitions.

Whoever reads or changes a table reaches the rows of those below it, unless it says ONLY. Belongs here: which two names
may mean one row. Does not belong here: what the mapping makes of that (`shared_cells`), what follows for a change
(`enforcement.readers`), whether a key holds over heirs (`constraints.postgres`).
"""

from collections.abc import Collection

Path = tuple[str, ...]
Heirs = Collection[tuple[Path, Path]]  # (heir, table whose rows its own are too), of any number of steps between them


def same_table(one: Path, other: Path) -> bool:
    """Whether two paths may name one table: a path without a schema is in the connection's own."""
    return one[-1:] == other[-1:] and (len(one) != len(other) or one == other)


def share_rows(heirs: Heirs, one: Path, other: Path) -> bool:
    """Whether a row of one table may be a row of the other one: they are one table, or one is below the other."""
    return same_table(one, other) or any(
        (same_table(one, heir) and same_table(other, above)) or (same_table(other, heir) and same_table(one, above))
        for heir, above in heirs)


def names_of(heirs: Heirs, table: Path) -> set[str]:
    """Returns the bare names under which rows of a table may be read."""
    return {table[-1], *(other[-1] for pair in heirs for own, other in (pair, pair[::-1]) if same_table(own, table))}
