"""Where in the warehouse a column of the contract can be changed, and why it cannot where it cannot.

Belongs here: holding stages against a resolved mapping; cells that several parts share. Does not belong here: rows.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ajprivacy_pipeline.enforcement.stages import Stage
from ajprivacy_pipeline.policy import Sources
from ajprivacy_pipeline.warehouse.mapping import ResolvedColumn, ResolvedSource, ResolvedTable

Part = tuple[str, str]  # (table of the contract, attribute or part)


@dataclass(frozen=True)
class Place:
    """The table that feeds a table of the contract, and what can be changed in it.

    `key` are the source's columns that feed the contract's key, in its order; `columns` maps the contract's columns to
    the source's; `fixed` says of a column that holds values why it cannot be changed.
    """

    table: tuple[str, ...]
    key: tuple[str, ...]
    columns: Mapping[str, str]
    fixed: Mapping[str, str] = field(default_factory=dict)

    def changes(self, stage: Stage) -> bool:
        """Whether anything of a stage can be done here: a row that goes as a whole is found by its key alone."""
        return bool(self.key) and (stage.deletes or any(column in self.columns for column in stage.columns))


@dataclass(frozen=True)
class Sharing:
    """One source column that two parts cover. With `same_row` both stand in the row of one id; else nobody can tell."""

    part: Part
    column: str
    other: Part
    same_row: bool


@dataclass(frozen=True)
class _Reader:
    """What else of the contract is made of a source table: a fact, an expression, or a query as a whole.

    `column` is the source column of a fact; else `sql` is what it is made of, in which any word may name one.
    """

    entity: str
    told: str
    part: Part | None  # the part that it belongs to itself, if any
    column: str | None
    sql: str

    def reads(self, column: str) -> bool:
        """Whether a source column may be among what it is made of."""
        if self.column is not None:
            return self.column == column
        return _names(self.sql, column) or bool(_EVERY_COLUMN.search(self.sql))


_EVERY_COLUMN = re.compile(r"(?:\bselect|,|\.)\s*\*", re.IGNORECASE)


def _names(text: str, name: str) -> bool:
    """Whether a text may name something: as a word of it, or anywhere where the name is no single word."""
    if re.fullmatch(r"\w+", name):
        return name.casefold() in re.findall(r"\w+", text.casefold())
    return name.casefold() in text.casefold()


def _same_table(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two paths may name one table: a path without a schema is in the connection's own."""
    return one[-1:] == other[-1:] and (len(one) != len(other) or one == other)


def places_of(resolved: ResolvedSource, stages: Mapping[Part, Stage], sources: Sources) -> dict[str, Place]:
    """Returns the place of each table of the contract that something feeds and a stage may change."""
    found = {}
    for name in dict.fromkeys(entity for entity, _ in stages):
        table = resolved.tables[name]
        if table is not None:
            own = {part: stage for part, stage in stages.items() if part[0] == name}
            found[name] = _place(name, table, own, sources.tables[name].key, _readers(resolved, stages, table))
    return found


def _place(name: str, table: ResolvedTable, stages: Mapping[Part, Stage], key: Sequence[str],
           readers: Sequence[_Reader]) -> Place:
    wanted = [column for stage in stages.values() for column in stage.columns if table.columns[column] is not None]
    key_columns = [table.columns[column] for column in key]
    if table.source_table is None:
        return Place((), (), {}, dict.fromkeys(wanted, "fed by a query: say in the mapping where it is written"))
    if not all(column is not None and column.source_column for column in key_columns):
        return Place(table.source_table, (), {}, dict.fromkeys(
            wanted, "its row is found by an expression: say in the mapping where it is written"))
    names = tuple(column.source_column or "" for column in key_columns if column is not None)
    others = sorted({reader.entity for reader in readers} - {name})
    if others and any(stage.deletes for stage in stages.values()):
        return Place(table.source_table, (), {}, dict.fromkeys(
            wanted, f"its row would go as a whole, and feeds {', '.join(others)} too"))
    columns, fixed = {}, {}
    for part, stage in stages.items():
        for column in stage.columns:
            fed = table.columns[column]
            if fed is not None and (why := _fixed(fed, part, names, readers)):
                fixed[column] = why
            elif fed is not None and fed.source_column is not None:
                columns[column] = fed.source_column
    return Place(table.source_table, names, columns, fixed)


def _fixed(fed: ResolvedColumn, part: Part, key: Sequence[str], readers: Sequence[_Reader]) -> str:
    """Why a column cannot be changed; '' it can. What another part covers as a column of its own waits (`sharings`)."""
    if fed.source_column is None:
        return ("a constant of the mapping" if fed.constant is not None
                else "fed by an expression: say in the mapping where it is written")
    if fed.source_column in key:
        return "it is the row's own key, by which everything else is found"
    reading = sorted({reader.told for reader in readers if reader.part != part and reader.reads(fed.source_column)})
    return f"{', '.join(reading)} reads it too: what that needs would go with it" if reading else ""


def _readers(resolved: ResolvedSource, stages: Mapping[Part, Stage], table: ResolvedTable) -> list[_Reader]:
    """Everything that reads a source table but the columns of parts, which are told apart cell by cell."""
    if table.source_table is None:
        return []
    parts = {(entity, column): (entity, part) for (entity, part), stage in stages.items() for column in stage.columns}
    found = []
    for entity, other in resolved.tables.items():
        if other is None:
            continue
        if other.source_table is None:
            if _names(other.relation, table.source_table[-1]):
                found.append(_Reader(entity, f"the query of {entity}", None, None, other.relation))
        elif _same_table(other.source_table, table.source_table):
            found += [_Reader(entity, f"{entity}.{column}", parts.get((entity, column)), fed.source_column, fed.sql)
                      for column, fed in other.columns.items() if fed is not None and fed.constant is None
                      and (fed.source_column is None or (entity, column) not in parts)]
    return found


def links_of_kept(resolved: ResolvedSource, stages: Mapping[Part, Stage], places: Mapping[str, Place],
                  kept: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """Returns by table the columns with ids of subjects that kept rows can lose, as the source calls them.

    What anything else is made of stays, as ever.
    """
    found: dict[str, dict[str, str]] = {}
    for entity, columns in kept.items():
        table, place = resolved.tables[entity], places.get(entity)
        if table is None or place is None or not place.key:
            continue
        readers = _readers(resolved, stages, table)
        for column in columns:
            fed = table.columns[column]
            others = [reader for reader in readers if reader.told != f"{entity}.{column}"]
            if fed is not None and fed.source_column and not _fixed(fed, (entity, column), place.key, others):
                found.setdefault(entity, {})[column] = fed.source_column
    return found


def sharings(places: Mapping[str, Place], stages: Mapping[Part, Stage]) -> Iterator[Sharing]:
    """Yields every pair of parts that cover one source column, in both directions."""
    cells = [((entity, part), column, places[entity], places[entity].columns[column])
             for (entity, part), stage in stages.items() if entity in places
             for column in stage.columns if column in places[entity].columns]
    for part, column, place, source_column in cells:
        for other, _, other_place, other_column in cells:
            if other != part and source_column == other_column and _same_table(place.table, other_place.table):
                yield Sharing(part, column, other, same_row=place.key == other_place.key)
