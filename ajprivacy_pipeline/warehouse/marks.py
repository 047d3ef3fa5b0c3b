"""What a source answers about parts of a table, so that two answers tell whether a part is as it was.

A part is all rows whose keys differ in their last character alone. Its mark is 64 bits of all that is mapped of its
rows, as the source itself shows it, whatever their order. Where a part has as many rows and the same mark as before,
nothing of it has changed: what a shop says of its own changes, such as when a row was written last, is not believed.

Belongs here: the question, in the dialects that have a hash and can combine it; the rows of some parts. Does not belong
here: what is done with the answers (`increment`).
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace

from ajprivacy_pipeline.warehouse.reader import fed_columns
from ajprivacy_pipeline.warehouse.resolved import ResolvedColumn, ResolvedTable
from ajprivacy_pipeline.warehouse.sessions import MYSQL
from ajprivacy_pipeline.warehouse.source import ColumnType, Source

COLUMNS = {"part": "VARCHAR", "rows": "BIGINT", "mark": "VARCHAR"}  # part: in digits; mark NULL: is never as it was
_COMBINES = (14,)  # since when PostgreSQL has bit_xor
_OF_OTHER_ROWS = re.compile(r"\bover\b|:=", re.IGNORECASE)  # windows, and variables that go from row to row
_TYPES = {"part": ColumnType("text", "text"), "rows": ColumnType("integer", "bigint"),
          "mark": ColumnType("text", "text")}


def has_marks(source: Source) -> bool:
    """Returns whether a source can be asked; SQLite has no hash, and reading its file costs no more."""
    version = source.connection.dialect.server_version_info or ()
    return source.dialect in MYSQL or (source.dialect == "postgresql" and version >= _COMBINES)


def is_told_in_parts(table: ResolvedTable) -> bool:
    """Returns whether some rows show what they show among all: not where an expression looks at the rows around."""
    return not any(_OF_OTHER_ROWS.search(feed.sql) for feed in fed_columns(table).values())


def question(dialect: str, key: str, table: ResolvedTable) -> ResolvedTable:
    """Returns what is read like a table, `COLUMNS` of it: the parts of a table, how many rows each has, and its mark.

    Args:
        dialect: of a source that `has_marks`.
        key: the first column of the table's key, in the contract.
        table: what feeds the table.
    """
    # What feeds it is hashed as well: the same values are others in a column of another name, type or nullability.
    fed = fed_columns(table)
    stands_in = [(name, feed.sql, feed.type, feed.nullable) for name, feed in fed.items()]
    shape = hashlib.sha256(repr((table.relation, stands_in)).encode()).hexdigest()
    feeds = [feed.sql for feed in fed.values()]
    if dialect == "postgresql":
        mark = f"hashtextextended(ROW({', '.join(feeds)}, '{shape}')::text, 0)"
        combined = "bit_xor(mark)::text"
    else:
        # Bytes, since texts of different collations are not joined; with their character set, in which alone they are
        # those texts; quoted, since NULL is no text of that name.
        quoted = "".join(f"CHARSET({sql}), QUOTE(CAST({sql} AS BINARY)), " for sql in feeds)
        mark = f"CAST(CONV(LEFT(MD5(CONCAT({quoted}'{shape}')), 16), 16, 10) AS UNSIGNED)"
        # What is larger than a packet, quoted or as a whole, has no mark, and neither has its part.
        combined = "CASE WHEN COUNT(mark) = COUNT(*) THEN CAST(BIT_XOR(mark) AS CHAR) END"
    relation = (f"(SELECT part, COUNT(*) AS row_count, {combined} AS mark FROM (SELECT {_part(dialect, key, table)} AS "
                f"part, {mark} AS mark FROM {table.relation}) AS marked GROUP BY part) AS parts")
    shown = dict(zip(COLUMNS, ("part", "row_count", "mark"), strict=True))
    return ResolvedTable(relation, None, {name: ResolvedColumn(sql, _TYPES[name], None)
                                          for name, sql in shown.items()})


def of_parts(dialect: str, key: str, table: ResolvedTable, parts: Sequence[str]) -> ResolvedTable:
    """Returns what feeds a table, of some parts alone: in hexadecimal digits, as they were answered."""
    listed = ", ".join(f"'{part}'" for part in parts)
    among = f"{_part(dialect, key, table)} IN ({listed})" if parts else "1 = 0"
    return replace(table, relation=f"{table.relation} WHERE {among}", source_table=None)


def part_of(key: str) -> str:
    """Returns in DuckDB's dialect the part of a row, by an expression for its key."""
    return f"left(coalesce(CAST({key} AS VARCHAR), ''), -1)"


def _part(dialect: str, key: str, table: ResolvedTable) -> str:
    """In digits, so that no collation takes two for one and no character ends a literal; rows without a key are one."""
    feed = fed_columns(table)[key].sql
    if dialect == "postgresql":
        return f"upper(encode(convert_to(coalesce(left(({feed})::text, -1), ''), 'UTF8'), 'hex'))"
    text = f"CONVERT({feed} USING utf8mb4)"
    return f"HEX(COALESCE(LEFT({text}, CHAR_LENGTH({text}) - 1), ''))"
