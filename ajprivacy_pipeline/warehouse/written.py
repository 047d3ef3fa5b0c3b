"""What of a source may be changed through a table of the contract: the table and the columns that feed it.

Belongs here: holding `writes` of the mapping against what query and expressions read. Does not belong here: whether
something else reads them too (`enforcement.targets`), changing them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ajprivacy_pipeline.warehouse.arms import is_unique
from ajprivacy_pipeline.warehouse.mapping_file import TableEntry
from ajprivacy_pipeline.warehouse.reads import reads_of
from ajprivacy_pipeline.warehouse.resolved import Made, Reads, ResolvedColumn, ResolvedTable
from ajprivacy_pipeline.warehouse.source import ColumnType, Source

Path = tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """The rows that may be changed: their table, which mention of it in a query they are, and columns by column."""

    table: Path
    mention: int | None
    columns: Mapping[str, tuple[str, ...]]
    reads: Reads

    def links(self, source: Source, relation: str, fed: Mapping[str, ResolvedColumn]) -> dict[str, tuple[str, ...]]:
        """Returns the columns behind ids that lead to survivors: the one of the row itself that is shown of it.

        An id that the query makes of something is left out: what is written there would show another one.
        """
        leading = {name: column.leads for name, column in fed.items() if column.leads and name in self.reads.columns}
        found = {name: {cell.column for cell in self.reads.columns[name].values if cell.mention == self.mention}
                 for name, own in leading.items() if self.mention is not None
                 and (reads := reads_of(source, f"SELECT {own} AS own_ FROM {relation}")) is not None
                 and reads.columns["own_"].plain}
        return {name: tuple(own) for name, own in found.items() if len(own) == 1}


def changed(table: ResolvedTable, path: Path | None, columns: Mapping[str, tuple[str, ...]],
            known: Mapping[str, ColumnType]) -> ResolvedTable:
    """Returns a table with what is changed for its columns; one that takes no NULL there takes none here."""
    def of(name: str, column: ResolvedColumn) -> ResolvedColumn:
        own = columns.get(name, ())
        takes_null = len(own) != 1 or own[0] not in known or known[own[0]].nullable
        return replace(column, written=own, nullable=column.nullable and takes_null)

    return replace(table, written_table=path, columns={
        name: None if column is None else of(name, column) for name, column in table.columns.items()})


def written(source: Source, entry: TableEntry, key: Sequence[str], table: Path, reads: Reads) -> Written:
    """Returns what may be changed of a table of the contract that is not made of plain columns alone.

    Args:
        source: the open warehouse.
        entry: of the mapping.
        key: of the table of the contract.
        table: in whose rows.
        reads: by column of the contract.

    Raises:
        ValueError: `writes` names what is not read from those rows; one sentence a fault, in its `args`.
    """
    faults = list(_key_faults(source, key, table, reads)) if entry.writes is not None else []
    mention = next((cell.mention for name in key if name in reads.columns for cell in reads.columns[name].cells
                    if _is_same(source, cell.table, table)), None)
    columns: dict[str, tuple[str, ...]] = {}
    for name, made in reads.columns.items():
        named = entry.columns[name].writes if name in entry.columns else ()
        found, missing = _cells(named, made, mention)
        faults += [f"columns.{name}.writes: names {column}, which what feeds it does not read from the row of "
                   f"{'.'.join(table)} itself; name what it reads there" for column in missing]
        if found:
            columns[name] = found
    if faults:
        raise ValueError(*faults)
    return Written(table, mention, columns, reads)


def _cells(named: Sequence[str], made: Made, mention: int | None) -> tuple[tuple[str, ...], list[str]]:
    """The columns of the row itself that are changed, and those that are named and not read from it."""
    own = {cell.column for cell in made.cells if cell.mention == mention}
    if not named:
        return (tuple(own) if made.plain and len(made.cells) == 1 else ()), []
    spelt = {name: next((column for column in own if column.casefold() == name.casefold()), None) for name in named}
    return tuple(column for column in spelt.values() if column), [name for name, column in spelt.items() if not column]


def _is_same(source: Source, one: Path, other: Path) -> bool:
    """Whether two paths name one table; one without a schema is in the connection's own."""
    own = source.connection.dialect.default_schema_name or ""
    return (own, *one)[-2:] == (own, *other)[-2:]


def _key_faults(source: Source, key: Sequence[str], table: Path, reads: Reads) -> Iterator[str]:
    """Rows are found by the key of the contract, which has to be that of the table, as it stands there."""
    shown = ".".join(table)
    own = [reads.columns[name] for name in key if name in reads.columns]
    cells = [cell for made in own for cell in made.cells]
    if not (all(made.plain and len(made.cells) == 1 for made in own) and len({cell.mention for cell in cells}) == 1
            and _is_same(source, cells[0].table, table)):
        yield (f"writes: {', '.join(key)} is not a column of {shown} as it stands there, so its rows cannot be found; "
               "name the table that the ids come from, or leave `writes` out")
    elif not is_unique(source, table, {cell.column for cell in cells}):
        yield (f"writes: {', '.join(sorted(cell.column for cell in cells))} is neither the primary key of {shown} nor "
               "unique there, so one row cannot be told from another; leave `writes` out")
