"""Cells of the source that more than one column of the contract shows.

Belongs here: who shows what stands in whose row. Does not belong here: what a query is made of (`reads`), what waits
for what when it is carried out (`enforcement.targets`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ajprivacy_pipeline.warehouse.reads import Cell

if TYPE_CHECKING:
    from ajprivacy_pipeline.warehouse.mapping import ResolvedTable


def of_master(table: "ResolvedTable | None", masters: Sequence[tuple["ResolvedTable | None", str]]) -> tuple[str, ...]:
    """Returns the columns of a table that show what stands in the row of a customer or contact.

    Args:
        table: the one that may show it.
        masters: the tables of customers and contacts, each with the column that has its key.
    """
    known = set()
    for master, key in masters:
        cells = cells_of(master)
        rows = {(cell.table, cell.mention) for cell in cells.get(key, ())}
        known |= {(cell.table, cell.column) for name, found in cells.items() for cell in found - cells.get(key, found)
                  if (cell.table, cell.mention) in rows and name != key}
    return tuple(name for name, found in cells_of(table).items()
                 if any((cell.table, cell.column) in known for cell in found))


def cells_of(table: "ResolvedTable | None") -> dict[str, frozenset[Cell]]:
    """Returns the cells of the source that each column is made of, as far as that is understood."""
    if table is None:
        return {}
    if table.reads is not None:
        return {name: made.cells for name, made in table.reads.columns.items()}
    return {name: frozenset({Cell(table.source_table, column.source_column, 0)}) for name, column in
            table.columns.items() if column is not None and table.source_table and column.source_column}
