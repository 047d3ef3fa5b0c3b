"""Where in the warehouse a column of the contract can be changed, and why it cannot where it cannot.

Belongs here: holding stages against a resolved mapping; cells that several parts share. Does not belong here: rows,
what a query is made of (`warehouse.reads`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ajprivacy_pipeline.enforcement.stages import Stage
from ajprivacy_pipeline.policy import Sources
from ajprivacy_pipeline.warehouse.mapping import ResolvedColumn, ResolvedSource, ResolvedTable
from ajprivacy_pipeline.warehouse.rows import Told, apart

Part = tuple[str, str]  # (table of the contract, attribute or part)


@dataclass(frozen=True)
class Sharing:
    """Cells that two parts cover. With `same_row` both stand in the row of one id.

    Else a record of the other table whose values are the same in all pairs of columns of `alike` may be made of the
    row; without any such pair every one may.
    """

    part: Part
    other: Part
    same_row: bool
    alike: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Together:
    """Parts of a customer and of her records that are made of the same rows of a copy: they go when all of them may.

    `foreign` are the customers some of whose rows others have need of, too.
    """

    parts: tuple[Part, ...]
    foreign: frozenset[str]


@dataclass(frozen=True)
class Place:
    """The table that feeds a table of the contract, and what can be changed in it.

    `key` are the source's columns that feed the contract's key, in its order; `columns` maps the contract's columns to
    those of the source that are changed for them; `fixed` says of a column that holds values why it cannot be changed.
    Those of `carried` go with declared copies instead; `together` stands with the customers.
    """

    table: tuple[str, ...]
    key: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    fixed: Mapping[str, str] = field(default_factory=dict)
    shared: tuple[Sharing, ...] = ()
    carried: frozenset[str] = frozenset()
    together: tuple[Together, ...] = ()

    @property
    def written(self) -> frozenset[str]:
        """Every column of the source that is changed."""
        return frozenset(name for names in self.columns.values() for name in names)

    def changes(self, stage: Stage) -> bool:
        """Whether anything of a stage can be done here: a row that goes as a whole is found by its key alone."""
        own = bool(self.key) and (stage.deletes or any(column in self.columns for column in stage.columns))
        return own or any(column in self.carried for column in stage.columns)

    def stays(self, column: str) -> bool:
        """Whether what a column holds is not carried out by us."""
        return column in self.fixed and column not in self.carried


@dataclass(frozen=True)
class _Reader:
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


def same_table(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two paths may name one table: a path without a schema is in the connection's own."""
    return one[-1:] == other[-1:] and (len(one) != len(other) or one == other)


def places_of(resolved: ResolvedSource, stages: Mapping[Part, Stage], sources: Sources) -> dict[str, Place]:
    """Returns the place of each table of the contract that something feeds and a stage may change."""
    found = {}
    for name in dict.fromkeys(entity for entity, _ in stages):
        table = resolved.tables[name]
        if table is not None:
            own = {part: stage for part, stage in stages.items() if part[0] == name}
            found[name] = _place(name, table, own, sources.tables[name].key, _readers(resolved, stages, sources, name))
    return found


def _place(name: str, table: ResolvedTable, stages: Mapping[Part, Stage], key: Sequence[str],
           readers: Sequence[_Reader]) -> Place:
    wanted = [column for stage in stages.values() for column in stage.columns if table.columns[column] is not None]
    if table.written_table is None:
        return Place((), (), {}, dict.fromkeys(wanted, "fed by a query: say in the mapping where it is written"))
    if (names := _key(table, key)) is None:
        return Place(table.written_table, (), {}, dict.fromkeys(
            wanted, "its row is found by an expression: say in the mapping where it is written"))
    others = sorted({reader.entity for reader in readers} - {name})
    if others and any(stage.deletes for stage in stages.values()):
        return Place(table.written_table, (), {}, dict.fromkeys(
            wanted, f"its row would go as a whole, and feeds {', '.join(others)} too"))
    columns: dict[str, tuple[str, ...]] = {}
    fixed: dict[str, str] = {}
    shared: dict[Sharing, None] = {}
    for part, stage in stages.items():
        for column, action in stage.columns.items():
            fed = table.columns[column]
            if fed is None:
                continue
            made = table.reads.columns.get(column) if table.reads is not None else None
            plain = not fed.is_made and (made is None or made.plain)  # a query may make what it gives a column's name
            if why := _fixed(fed, part, names, readers, unlinked=action.action == "unlink", plain=plain):
                fixed[column] = why
            else:
                columns[column] = fed.written
                shared |= dict.fromkeys(_sharings(part, column, fed, readers, plain=plain))
    return Place(table.written_table, names, columns, fixed, tuple(shared))


def _key(table: ResolvedTable, key: Sequence[str]) -> tuple[str, ...] | None:
    """The source's columns that feed a key as they stand; None where one is made of something."""
    columns = [table.columns[column] for column in key]
    if not all(column is not None and column.source_column and len(column.written) == 1 for column in columns):
        return None
    return tuple(column.written[0] for column in columns if column is not None)


def _fixed(fed: ResolvedColumn, part: Part, key: Sequence[str], readers: Sequence[_Reader], *,
           unlinked: bool = False, plain: bool = True) -> str:
    """Why a column cannot be changed; '' it can. What another part covers waits for it (`sharings`)."""
    if not fed.written:
        if fed.constant is not None:
            return "a constant of the mapping"
        return "fed by an expression or another row: say in the mapping where it is written"
    if set(fed.written) & set(key):
        return "it is the row's own key, by which everything else is found"
    if unlinked and (not (plain or fed.leads) or len(fed.written) > 1):
        return "an id that an expression makes cannot become that of nobody"
    reading = sorted({reader.told for reader in readers if reader.part != part and not reader.is_clear
                      and any(map(reader.reads, fed.written))})
    return f"{', '.join(reading)} reads it too: what that needs would go with it" if reading else ""


def _sharings(part: Part, column: str, fed: ResolvedColumn, readers: Sequence[_Reader], *,
              plain: bool) -> Iterator[Sharing]:
    """What other parts are made of what goes with a column."""
    for reader in readers:
        hit = [reader.cells[name] for name in fed.written if name in reader.cells]
        if reader.part is None or reader.part == part or not hit:
            continue
        own_row = all(of_row for _, of_row in hit)
        alike = plain and len(fed.written) == 1 and all(is_plain for is_plain, _ in hit)
        yield Sharing(part, reader.part, own_row, ((column, reader.column),) if alike and not own_row else ())


def _readers(resolved: ResolvedSource, stages: Mapping[Part, Stage], sources: Sources, name: str) -> list[_Reader]:
    """Everything that is made of the table behind a table of the contract."""
    table = resolved.tables[name]
    if table is None or table.written_table is None:
        return []
    parts = {(entity, column): (entity, part) for (entity, part), stage in stages.items() for column in stage.columns}
    found = []
    for entity, other in resolved.tables.items():
        if other is not None:
            same_key = _key(other, sources.tables[entity].key) == _key(table, sources.tables[name].key)
            found += [reader for reader in _reading(entity, other, table.written_table, parts, same_key=same_key)
                      if reader.cells or reader.sql]
    return found


def _reading(entity: str, other: ResolvedTable, path: tuple[str, ...], parts: Mapping[tuple[str, str], Part], *,
             same_key: bool, rows: Told = frozenset()) -> Iterator[_Reader]:
    """What each column of a table of the contract, and its query as a whole, reads of a table of the source."""
    if other.reads is not None:
        for column, made in other.reads.columns.items():
            cells: dict[str, tuple[bool, bool]] = {}
            for cell in made.cells | made.beside:
                if same_table(cell.table, path) and not apart(cell.only, rows):
                    is_plain, of_row = cells.get(cell.column, (True, True))  # of several rows, the more is waited for
                    cells[cell.column] = (is_plain and made.plain and cell not in made.beside,
                                          of_row and same_key and cell.mention == other.mention)
            yield _Reader(entity, column, parts.get((entity, column)), cells)
        yield _Reader(entity, "", None, {cell.column: (True, False) for cell in other.reads.rows
                                         if same_table(cell.table, path) and not apart(cell.only, rows)})
    elif other.source_table is None:
        if _names(other.relation, path[-1]):
            yield _Reader(entity, "", None, {}, other.relation)
    elif same_table(other.source_table, path):
        for column, fed in other.columns.items():
            if fed is not None and fed.constant is None:
                cells = {fed.source_column: (True, same_key)} if fed.source_column else {}
                yield _Reader(entity, column, parts.get((entity, column)), cells, fed.sql if fed.is_made else "")


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
               for reader in _reading(entity, other, path, parts, same_key=False, rows=rows)]
    return {reader.told: reader.part for reader in readers if any(map(reader.reads, columns))}


def links_of_kept(resolved: ResolvedSource, stages: Mapping[Part, Stage], sources: Sources,
                  places: Mapping[str, Place], kept: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """Returns by table the columns with ids of subjects that kept rows can lose, as the source calls them.

    What anything else is made of stays, as ever.
    """
    found: dict[str, dict[str, str]] = {}
    for entity, columns in kept.items():
        table, place = resolved.tables[entity], places.get(entity)
        if table is None or place is None or not place.key:
            continue
        readers = _readers(resolved, stages, sources, entity)
        for column in columns:
            fed = table.columns[column]
            others = [reader for reader in readers if reader.told != f"{entity}.{column}"]
            if fed is None or fed.is_made or len(fed.written) != 1 or any(
                    reader.reads(fed.written[0]) for reader in others):
                continue
            if not _fixed(fed, (entity, column), place.key, others):
                found.setdefault(entity, {})[column] = fed.written[0]
    return found


def sharings(places: Mapping[str, Place]) -> list[Sharing]:
    """Returns every pair of parts that cover one source column; pairs of alike columns of one pair stand together."""
    found: dict[tuple[Part, Part, bool], dict[tuple[str, str], None]] = {}
    for place in places.values():
        for one in place.shared:
            found.setdefault((one.part, one.other, one.same_row), {}).update(dict.fromkeys(one.alike))
    return [Sharing(*pair, tuple(alike)) for pair, alike in found.items()]
