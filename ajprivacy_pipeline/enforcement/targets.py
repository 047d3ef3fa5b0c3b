"""Where in the warehouse a column of the contract can be changed, and why it cannot where it cannot.

Belongs here: holding stages against a resolved mapping; cells that several parts share. Does not belong here: rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ajprivacy_pipeline.enforcement.stages import Stage
from ajprivacy_pipeline.policy import Sources
from ajprivacy_pipeline.warehouse.mapping import ResolvedSource, ResolvedTable

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


@dataclass(frozen=True)
class Sharing:
    """One source column that two parts cover. With `same_row` both stand in the row of one id; else nobody can tell."""

    part: Part
    column: str
    other: Part
    same_row: bool


def places_of(resolved: ResolvedSource, stages: Mapping[Part, Stage], sources: Sources) -> dict[str, Place]:
    """Returns the place of each table of the contract that something feeds and a stage may change."""
    found = {}
    for name in dict.fromkeys(entity for entity, _ in stages):
        table = resolved.tables[name]
        if table is not None:
            wanted = [column for (entity, _), stage in stages.items() if entity == name for column in stage.columns]
            found[name] = _place(table, wanted, sources.tables[name].key)
    return found


def _place(table: ResolvedTable, wanted: Sequence[str], key: Sequence[str]) -> Place:
    fed = {column: table.columns[column] for column in wanted if table.columns[column] is not None}
    key_columns = [table.columns[name] for name in key]
    if table.source_table is None:
        why = "fed by a query: say in the mapping where it is written"
        return Place((), (), {}, dict.fromkeys(fed, why))
    if not all(column is not None and column.source_column for column in key_columns):
        why = "its row is found by an expression: say in the mapping where it is written"
        return Place(table.source_table, (), {}, dict.fromkeys(fed, why))
    names = tuple(column.source_column or "" for column in key_columns if column is not None)
    columns, fixed = {}, {}
    for name, column in fed.items():
        if column is None:
            continue
        if column.source_column is None:
            fixed[name] = ("a constant of the mapping" if column.constant is not None
                           else "fed by an expression: say in the mapping where it is written")
        elif column.source_column in names:
            fixed[name] = "it is the row's own key, by which everything else is found"
        else:
            columns[name] = column.source_column
    return Place(table.source_table, names, columns, fixed)


def sharings(places: Mapping[str, Place], stages: Mapping[Part, Stage]) -> Iterator[Sharing]:
    """Yields every pair of parts that cover one source column, in both directions."""
    cells = [((entity, part), column, places[entity], places[entity].columns[column])
             for (entity, part), stage in stages.items() if entity in places
             for column in stage.columns if column in places[entity].columns]
    for part, column, place, source_column in cells:
        for other, _, other_place, other_column in cells:
            if other != part and (place.table, source_column) == (other_place.table, other_column):
                yield Sharing(part, column, other, same_row=place.key == other_place.key)
