"""How a column is selected so that its values arrive as they are meant: moments with their zone, bytes as hex, bits.

Belongs here: wrapping what feeds a column in the source's own SQL, and what of MySQL's moments cannot be told. Does not
belong here: zones that the mapping names (`zoned`), which types fit at all (`conversions`).
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from ajprivacy_pipeline.policy import ColumnType as Canonical
from ajprivacy_pipeline.warehouse.reads import definitions_of, reads_of
from ajprivacy_pipeline.warehouse.resolved import ResolvedColumn, ResolvedTable
from ajprivacy_pipeline.warehouse.sessions import MYSQL
from ajprivacy_pipeline.warehouse.source import ColumnType, Source, find

_HEX = {"postgresql": "encode({0}, 'hex')", "mysql": "lower(hex({0}))", "mariadb": "lower(hex({0}))",
        "sqlite": "CASE WHEN typeof({0}) = 'blob' THEN lower(hex({0})) ELSE CAST({0} AS TEXT) END"}
_BITS = {"postgresql": "({0})::text", "mysql": "({0} + 0)", "mariadb": "({0} + 0)"}
_MOMENTS: tuple[Canonical, ...] = ("timestamp", "date")
_ZONE_SAID = re.compile(r"'(?:[^']*%\w)?\s*(?:Z|UTC|GMT|[+-]\d\d:?\d\d)'|\b(?i:convert_tz)\b")
_OF_SESSION = re.compile(r"\b(?:from_unixtime|now|current_timestamp|localtime|localtimestamp|curdate|current_date"
                         r"|sysdate)\b", re.IGNORECASE)


def readable(column: ResolvedColumn, canonical: Canonical, dialect: str) -> ResolvedColumn:
    """Returns what feeds a column, wrapped where its values would else arrive as something else.

    A TIMESTAMP of MySQL's comes in UTC (`sessions`) and gets its Z; bytes of an id become hexadecimal digits; bits a
    number. By what is wrapped no row is addressed for a change, unless it is a moment.
    """
    sql, shown = readable_sql(column.sql, column.type, canonical, dialect)
    if shown is column.type:
        return column
    return replace(column, sql=sql, type=shown, wrapped=True, keyless=column.type.kind != "timestamptz")


def readable_sql(sql: str, type_: ColumnType, canonical: Canonical, dialect: str) -> tuple[str, ColumnType]:
    """Returns an expression of a type as it can be read, and its type then; as they were where nothing is to do."""
    if dialect in MYSQL and type_.kind == "timestamptz" and canonical in _MOMENTS:
        return f"concat({sql}, 'Z')", ColumnType("text", type_.name)
    if type_.kind == "binary" and canonical == "id" and dialect in _HEX:
        return _HEX[dialect].format(sql), ColumnType("text", type_.name)
    if type_.kind == "bit" and dialect in _BITS:
        return _BITS[dialect].format(sql), ColumnType("text" if dialect == "postgresql" else "integer", type_.name)
    return sql, type_


def with_bytes(source: Source, relation: str, known: dict[str, ColumnType]) -> dict[str, ColumnType]:
    """Returns the columns of a query with the types of those that show bytes as they stand in a table.

    A cursor of MySQL's or SQLite's does not tell them from texts.
    """
    if source.dialect == "postgresql" or not any(
            kind.kind == "binary" for columns in source.tables().values() for kind in columns.values()):
        return known
    reads = reads_of(source, f"SELECT * FROM {relation}")
    found = dict(known)
    for name, made in (reads.columns if reads is not None else {}).items():
        spelt, cell = find(name, known), next(iter(made.cells), None)
        if spelt is not None and cell is not None and made.plain and len(made.cells) == 1:
            kind = source.columns_of(cell.table)[cell.column]
            found[spelt] = kind if kind.kind == "binary" else known[spelt]
    return found


def of_the_session(source: Source, table: ResolvedTable, name: str) -> bool:
    """Whether a column shows moments of MySQL's session, which is UTC here, and nothing says so.

    That is an expression or a query over a TIMESTAMP, or over now() and its like, which does not end as a TIMESTAMP.
    """
    column = table.columns[name]
    if source.dialect not in MYSQL or column is None or column.wrapped or column.constant is not None:
        return False
    if table.source_table is not None and column.source_column is not None:
        return False
    if _ZONE_SAID.search(column.sql):
        return False
    if _OF_SESSION.search(column.sql):
        return True
    return _is_unsaid(source, table, column.sql, set(_timestamps(source, table, name)))


def _timestamps(source: Source, table: ResolvedTable, name: str) -> Iterator[str]:
    """The names of TIMESTAMP columns that a column is made of; of all there are where that is not understood."""
    if table.reads is not None:
        yield from (cell.column.casefold() for cell in table.reads.columns[name].cells
                    if _is_timestamp(source, cell.table, cell.column))
    else:
        yield from (called.casefold() for columns in source.tables().values() for called, kind in columns.items()
                    if kind.kind == "timestamptz")


def _is_unsaid(source: Source, table: ResolvedTable, shown: str, timestamps: set[str]) -> bool:
    """Whether what a column is made of shows the session's time somewhere without a zone beside it."""
    parts = [shown]
    if table.source_table is None:
        parts += [part for word in re.findall(r"\w+", shown)
                  for part in definitions_of(source, _query(table), word) or ()] or [_query(table)]
    return any(not _ZONE_SAID.search(part) and bool(
        _OF_SESSION.search(part) or timestamps.intersection(re.findall(r"\w+", part.casefold()))) for part in parts)


def _query(table: ResolvedTable) -> str:
    """The query behind a relation, which stands in brackets under a name."""
    return table.relation.removeprefix("(").removesuffix(") AS mapped")


def _is_timestamp(source: Source, path: tuple[str, ...], column: str) -> bool:
    return source.columns_of(path)[column].kind == "timestamptz"
