"""How a column is selected so that its values arrive as they are meant: moments with their zone, bytes as hex, bits.

Belongs here: wrapping what feeds a column in the source's own SQL, and what of MySQL's moments cannot be told. Does not
belong here: zones that the mapping names (`zoned`), which types fit at all (`conversions`).
"""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ajprivacy_pipeline.policy import ColumnType as Canonical
from ajprivacy_pipeline.warehouse.sessions import MYSQL
from ajprivacy_pipeline.warehouse.source import ColumnType, Source

if TYPE_CHECKING:
    from ajprivacy_pipeline.warehouse.mapping import ResolvedColumn, ResolvedTable

_HEX = {"postgresql": "encode({0}, 'hex')", "mysql": "lower(hex({0}))", "mariadb": "lower(hex({0}))",
        "sqlite": "CASE WHEN typeof({0}) = 'blob' THEN lower(hex({0})) ELSE CAST({0} AS TEXT) END"}
_BITS = {"postgresql": "({0})::text", "mysql": "({0} + 0)", "mariadb": "({0} + 0)"}
_MOMENTS: tuple[Canonical, ...] = ("timestamp", "date")
_ZONE_SAID = re.compile(r"'[^']*(?:Z|UTC|GMT|[+-]\d\d:?\d\d)'|\bconvert_tz\b", re.IGNORECASE)
_OF_SESSION = re.compile(r"\b(?:from_unixtime|now|current_timestamp|localtime|localtimestamp|curdate|current_date"
                         r"|sysdate)\b", re.IGNORECASE)


def readable(column: "ResolvedColumn", canonical: Canonical, dialect: str) -> "ResolvedColumn":
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


def of_the_session(source: Source, table: "ResolvedTable", name: str) -> bool:
    """Whether a column shows moments of MySQL's session, which is UTC here, and nothing says so.

    That is an expression or a query over a TIMESTAMP, or over now() and its like, which does not end as a TIMESTAMP.
    """
    column = table.columns[name]
    if source.dialect not in MYSQL or column is None or column.wrapped or column.constant is not None:
        return False
    if table.source_table is not None and column.source_column is not None:
        return False
    text = f"{table.relation if table.source_table is None else ''} {column.sql}"
    if _ZONE_SAID.search(text):
        return False
    if _OF_SESSION.search(column.sql) or (column.source_column is not None and _OF_SESSION.search(text)):
        return True
    if table.reads is not None:
        return any(_is_timestamp(source, cell.table, cell.column) for cell in table.reads.columns[name].cells)
    words = set(re.findall(r"\w+", text.casefold()))
    return any(kind.kind == "timestamptz" and called.casefold() in words
               for columns in source.tables().values() for called, kind in columns.items())


def _is_timestamp(source: Source, path: tuple[str, ...], column: str) -> bool:
    return source.tables(path[0] if len(path) > 1 else None)[path[-1]][column].kind == "timestamptz"
