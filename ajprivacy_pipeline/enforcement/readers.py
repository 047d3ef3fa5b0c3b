"""What else of the contract is made of a table of the source: who would miss what is changed there.

Belongs here: columns and queries that read a table, and of which rows. Does not belong here: what follows for a change
(`targets`), what a query is made of (`warehouse.reads`).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ajprivacy_pipeline.enforcement.stages import Part, Stage
from ajprivacy_pipeline.policy import Sources
from ajprivacy_pipeline.warehouse.heirs import Heirs, Path, names_of, share_rows
from ajprivacy_pipeline.warehouse.resolved import Arm, Cell, Made, ResolvedSource, ResolvedTable
from ajprivacy_pipeline.warehouse.rows import Told, apart


@dataclass(frozen=True)
class Reader:
    """What else of the contract is made of a source table: a column of it, or a query as a whole.

    `cells` are what it is made of, each with whether it is the column as it stands (in its arm of a union) and whether
    it is of the row that the table of the contract shows; where that is not understood, `sql` is, in which any word may
    name a column.
    """

    entity: str
    column: str  # of the contract; '': the query, which tells which rows there are
    part: Part | None  # the part that it belongs to, if any
    cells: Mapping[str, tuple[bool, bool]]
    sql: str = ""

    @property
    def told(self) -> str:
        """How messages call it."""
        return f"{self.entity}.{self.column}" if self.column else f"the query of {self.entity}"

    @property
    def is_clear(self) -> bool:
        """Whether it is understood what it reads, and part of something that is decided about."""
        return not self.sql and self.part is not None

    def reads(self, column: str) -> bool:
        """Whether a source column may be among what it is made of."""
        return column in self.cells or _names(self.sql, column) or bool(_EVERY_COLUMN.search(self.sql))


_EVERY_COLUMN = re.compile(r"(?:\bselect|,|\.)\s*\*", re.IGNORECASE)


def _names(text: str, name: str) -> bool:
    """Whether a text may name something: as a word of it, or anywhere where the name is no single word."""
    if re.fullmatch(r"\w+", name):
        return name.casefold() in re.findall(r"\w+", text.casefold())
    return name.casefold() in text.casefold()


def readers_of(resolved: ResolvedSource, stages: Mapping[Part, Stage], sources: Sources, name: str) -> list[Reader]:
    """Everything that is made of the table behind a table of the contract."""
    table = resolved.tables[name]
    if table is None or table.written_table is None:
        return []
    readers, key, found = _Readers(resolved, stages, table.written_table), key_of(table, sources.tables[name].key), []
    for entity, other in resolved.tables.items():
        if other is not None:
            same_key = key_of(other, sources.tables[entity].key) == key
            found += [reader for reader in readers.of(entity, same_key=same_key) if reader.cells or reader.sql]
    return found


def readers_beside(resolved: ResolvedSource, stages: Mapping[Part, Stage], arm: Arm) -> list[Reader]:
    """Everything that is made of the table behind an arm."""
    readers, found = _Readers(resolved, stages, arm.table, arm.only), list[Reader]()
    for entity, other in resolved.tables.items() if arm.table else ():
        mentions = {twin.mention for twin in (other.arms if other is not None else ())
                    if (twin.prefix, twin.table, twin.key) == (arm.prefix, arm.table, arm.key)}
        found += [reader for reader in readers.of(entity, arms=mentions) if reader.cells or reader.sql]
    return found


def other_rows(heirs: Heirs, name: str, table: ResolvedTable, arm: Arm) -> Reader:
    """What the query of a table reads of rows of an arm's table that are not the arm's, or not known to be others."""
    reads = table.reads
    cells = reads.rows.union(*(made.cells | made.beside for made in reads.columns.values())) if reads else ()
    return Reader(name, "", None, {
        cell.column: (True, False) for cell in cells if cell.mention != arm.mention
        and share_rows(heirs, cell.table, arm.table) and not apart(cell.only, arm.only)})


class _Readers:
    """What the tables of the contract read of a table of the source, or of some of its rows."""

    def __init__(self, resolved: ResolvedSource, stages: Mapping[Part, Stage], path: Path,
                 rows: Told = frozenset()) -> None:
        """Ask about a table; what reads others of its rows alone is none of them."""
        self._resolved, self._path, self._rows = resolved, path, rows
        self._parts = {(entity, column): (entity, part) for (entity, part), stage in stages.items()
                       for column in stage.columns}

    def of(self, entity: str, *, same_key: bool = False, arms: Collection[int] = ()) -> Iterator[Reader]:
        """Yields what each column of a table of the contract reads, and what its query as a whole does.

        `same_key`: its own row has the id of the row that is asked about; so have the rows of the mentions `arms`.
        """
        table, heirs = self._resolved.tables[entity], self._resolved.heirs
        if table is None:
            return
        if table.reads is not None:
            alike = {*arms, table.mention} if same_key else {*arms}
            for column, made in table.reads.columns.items():
                yield Reader(entity, column, self._parts.get((entity, column)), self._cells(table, column, made, alike))
            yield Reader(entity, "", None, {cell.column: (True, False) for cell in table.reads.rows
                                            if self._is_asked(cell)})
        elif table.source_table is None:
            if any(_names(table.relation, name) for name in names_of(heirs, self._path)):
                yield Reader(entity, "", None, {}, table.relation)
        elif share_rows(heirs, table.source_table, self._path):
            for column, fed in table.columns.items():
                if fed is not None and fed.constant is None:
                    cells = {fed.source_column: (True, same_key)} if fed.source_column else {}
                    yield Reader(entity, column, self._parts.get((entity, column)), cells,
                                 fed.sql if fed.is_made else "")

    def _cells(self, table: ResolvedTable, column: str, made: Made, alike: Collection[int | None],
               ) -> dict[str, tuple[bool, bool]]:
        cells: dict[str, tuple[bool, bool]] = {}
        for cell in filter(self._is_asked, made.cells | made.beside):
            is_plain, of_row = cells.get(cell.column, (True, True))  # of several rows, the more is waited for
            cells[cell.column] = (is_plain and _is_plain(table, column, made) and cell not in made.beside,
                                  of_row and cell.mention in alike)
        return cells

    def _is_asked(self, cell: Cell) -> bool:
        return share_rows(self._resolved.heirs, cell.table, self._path) and not apart(cell.only, self._rows)


def _is_plain(table: ResolvedTable, column: str, made: Made) -> bool:
    """Whether a column shows what stands in the source as it is, in each arm."""
    return made.plain or (bool(table.arms) and all(column in arm.plain for arm in table.arms))


def feeds(resolved: ResolvedSource, stages: Mapping[Part, Stage], path: tuple[str, ...],
          columns: Iterable[str], rows: Told = frozenset()) -> dict[str, Part | None]:
    """Returns what of the contract is made of some columns of a source table, as messages call it, with its part.

    Args:
        resolved: the mapping, held against the warehouse.
        stages: by part.
        path: of the source table.
        columns: of it.
        rows: of which rows at most; what reads others alone is not made of them.
    """
    readers, names = _Readers(resolved, stages, path, rows), tuple(columns)
    return {reader.told: reader.part for entity in resolved.tables for reader in readers.of(entity)
            if any(map(reader.reads, names))}


def key_of(table: ResolvedTable, key: Sequence[str]) -> tuple[str, ...] | None:
    """The source's columns that feed a key as they stand; None where one is made of something."""
    columns = [table.columns[column] for column in key]
    if not all(column is not None and column.source_column and len(column.written) == 1 for column in columns):
        return None
    return tuple(column.written[0] for column in columns if column is not None)
