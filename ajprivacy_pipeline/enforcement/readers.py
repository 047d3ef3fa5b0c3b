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
from ajprivacy_pipeline.warehouse.resolved import Arm, Made, ResolvedSource, ResolvedTable
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
    parts = {(entity, column): (entity, part) for (entity, part), stage in stages.items() for column in stage.columns}
    found = []
    for entity, other in resolved.tables.items():
        if other is not None:
            same_key = key_of(other, sources.tables[entity].key) == key_of(table, sources.tables[name].key)
            found += [reader for reader in _reading(resolved, entity, table.written_table, parts, same_key=same_key)
                      if reader.cells or reader.sql]
    return found


def readers_beside(resolved: ResolvedSource, stages: Mapping[Part, Stage], arm: Arm) -> list[Reader]:
    """Everything that is made of the table behind an arm."""
    parts = {(entity, column): (entity, part) for (entity, part), stage in stages.items() for column in stage.columns}
    found: list[Reader] = []
    for entity, other in resolved.tables.items() if arm.table else ():
        if other is None:
            continue
        mentions = {twin.mention for twin in other.arms
                    if (twin.prefix, twin.table, twin.key) == (arm.prefix, arm.table, arm.key)}
        for reader in _reading(resolved, entity, arm.table, parts, same_key=False, rows=arm.only, arms=mentions):
            found += [reader] if reader.cells or reader.sql else []
    return found


def other_rows(heirs: Heirs, name: str, table: ResolvedTable, arm: Arm) -> Reader:
    """What the query of a table reads of rows of an arm's table that are not the arm's, or not known to be others."""
    reads = table.reads
    cells = reads.rows.union(*(made.cells | made.beside for made in reads.columns.values())) if reads else ()
    return Reader(name, "", None, {
        cell.column: (True, False) for cell in cells if cell.mention != arm.mention
        and share_rows(heirs, cell.table, arm.table) and not apart(cell.only, arm.only)})


def _reading(resolved: ResolvedSource, entity: str, path: Path, parts: Mapping[tuple[str, str], Part], *,
             same_key: bool, rows: Told = frozenset(), arms: Collection[int] = ()) -> Iterator[Reader]:
    """What each column of a table of the contract, and its query as a whole, reads of a table of the source.

    `arms` are the mentions whose rows have the same ids as the one that is asked about.
    """
    other, heirs = resolved.tables[entity], resolved.heirs
    if other is None:
        return
    if other.reads is not None:
        for column, made in other.reads.columns.items():
            cells: dict[str, tuple[bool, bool]] = {}
            for cell in made.cells | made.beside:
                if share_rows(heirs, cell.table, path) and not apart(cell.only, rows):
                    is_plain, of_row = cells.get(cell.column, (True, True))  # of several rows, the more is waited for
                    same_id = cell.mention in arms or (same_key and cell.mention == other.mention)
                    cells[cell.column] = (is_plain and _is_plain(other, column, made) and cell not in made.beside,
                                          of_row and same_id)
            yield Reader(entity, column, parts.get((entity, column)), cells)
        yield Reader(entity, "", None, {cell.column: (True, False) for cell in other.reads.rows
                                         if share_rows(heirs, cell.table, path) and not apart(cell.only, rows)})
    elif other.source_table is None:
        if any(_names(other.relation, name) for name in names_of(heirs, path)):
            yield Reader(entity, "", None, {}, other.relation)
    elif share_rows(heirs, other.source_table, path):
        for column, fed in other.columns.items():
            if fed is not None and fed.constant is None:
                cells = {fed.source_column: (True, same_key)} if fed.source_column else {}
                yield Reader(entity, column, parts.get((entity, column)), cells, fed.sql if fed.is_made else "")


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
    parts = {(entity, column): (entity, part) for (entity, part), stage in stages.items() for column in stage.columns}
    readers = [reader for entity, other in resolved.tables.items() if other is not None
               for reader in _reading(resolved, entity, path, parts, same_key=False, rows=rows)]
    return {reader.told: reader.part for reader in readers if any(map(reader.reads, columns))}


def key_of(table: ResolvedTable, key: Sequence[str]) -> tuple[str, ...] | None:
    """The source's columns that feed a key as they stand; None where one is made of something."""
    columns = [table.columns[column] for column in key]
    if not all(column is not None and column.source_column and len(column.written) == 1 for column in columns):
        return None
    return tuple(column.written[0] for column in columns if column is not None)
