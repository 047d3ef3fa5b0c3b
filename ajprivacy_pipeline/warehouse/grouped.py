"""Reading many rows of MariaDB as one text, since its driver takes its time for each single row.

Belongs here: the SELECT that lets the server join the texts of rows, and the proof that none of it is missing. Does not
belong here: what a row's text is (`packed`).

Each row's text ends with a mark that no value has in it. GROUP_CONCAT leaves out what is NULL, cuts off what is too
long, and may repeat a row in place of one that is larger than a packet. A group counts as read where the mark stands in
it as often as there are rows, and it has as many bytes as their values have; else its rows are read one by one.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import sqlalchemy as sa

from ajprivacy_pipeline.warehouse.sessions import MYSQL
from ajprivacy_pipeline.warehouse.source import quoted

ONE_BY_ONE = 20_000  # rows at a time, where they are not joined
_FIRST, _WANTED = 1000, 2**22  # rows of the first group, and about how many characters one is to have
_LONGEST = 2 * _WANTED  # bytes
# Keys of these types are in an order that the server alone knows, and of which any two values tell two sides apart.
_ORDERED = ("tinyint", "smallint", "mediumint", "int", "bigint", "char", "varchar")
_KEY = """
    SELECT c.COLUMN_NAME FROM information_schema.TABLES AS t
    JOIN information_schema.STATISTICS AS s USING (TABLE_SCHEMA, TABLE_NAME)
    JOIN information_schema.COLUMNS AS c USING (TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME)
    WHERE TABLE_SCHEMA = coalesce(:schema, DATABASE()) AND TABLE_NAME = :name AND t.TABLE_TYPE = 'BASE TABLE'
        AND t.ENGINE = 'InnoDB' AND s.INDEX_NAME = 'PRIMARY' AND s.SEQ_IN_INDEX = 1 AND s.SUB_PART IS NULL
        AND c.DATA_TYPE IN :types
"""


class RowText(NamedTuple):
    """SQL of a row's text, which ends with a mark, and of how many bytes it has to have, told by its values."""

    text: str
    size: str
    mark: str


def key_of(connection: sa.Connection, path: Sequence[str] | None) -> str | None:
    """Returns the column by which runs of rows of a table are told apart: the first one of its primary key.

    None where rows cannot be joined, or where two statements of a transaction may see two moments of the table.
    """
    if path is None or connection.dialect.name not in MYSQL or not getattr(connection.dialect, "is_mariadb", False):
        return None
    query = sa.text(_KEY).bindparams(sa.bindparam("types", _ORDERED, expanding=True))
    found = connection.execute(query, {"name": path[-1], "schema": path[0] if len(path) > 1 else None}).scalars().all()
    return str(found[0]) if len(found) == 1 else None


def texts(connection: sa.Connection, relation: str, key: str | None, row: RowText,
          rows: int = ONE_BY_ONE) -> Iterator[list[str | None]]:
    """Yields the texts of all rows of a table, some at a time; one may be that of many rows, each with its mark.

    Args:
        connection: in a transaction that sees one moment.
        relation: what stands behind FROM.
        key: as `key_of` returns it.
        row: what is read of each; None among the texts: one is larger than a packet.
        rows: how many at a time, where they are not joined.
    """
    relation, size, start = _doubled(relation), _FIRST, None
    if key is None:
        yield from _one_by_one(connection, row.text, relation, (), rows)
        return
    named = _doubled(quoted(connection, [key]))
    while True:
        end = _end(connection, relation, named, start, size)
        sides = [(sign, value) for sign, value in ((">=", start), ("<", end)) if value is not None]
        where = " AND ".join(f"{named} {sign} %s" for sign, _ in sides)
        source, values = f"{relation} WHERE {where}" if where else relation, [value for _, value in sides]
        group = joined(connection, row, source, values)
        if group is None:
            yield from _one_by_one(connection, row.text, source, values, rows)
        elif group:
            yield [group]
        size = max(1, size // 2) if group is None else min(2 * size, 1 + size * _WANTED // (len(group) or 1))
        if end is None:
            return
        start = end


def joined(connection: sa.Connection, row: RowText, source: str, values: Sequence[Any]) -> str | None:
    """Returns the texts of all rows of a SELECT joined to one; None where that would not be all of them.

    Args:
        connection: in a transaction.
        row: what is read of each.
        source: what stands behind FROM, to the end of the statement; `%s` for each value, any other `%` doubled.
        values: bound there.
    """
    query = (f"SET STATEMENT group_concat_max_len = {_LONGEST} FOR SELECT COUNT(*), SUM({_doubled(row.size)}), "
             f"GROUP_CONCAT({_doubled(row.text)} SEPARATOR '') FROM {source}")
    count, size, found = connection.exec_driver_sql(query, tuple(values)).fetchall()[0]
    group = found or ""
    return group if group.count(row.mark) == count and len(group.encode()) == (size or 0) else None


def _end(connection: sa.Connection, relation: str, key: str, start: Any, size: int) -> Any:
    """The key before which a run of about so many rows ends; None: it goes to the last row.

    Whatever comes out, rows of one key stay together, and each row stands on one side of it.
    """
    where = "" if start is None else f" WHERE {key} > %s"
    return connection.exec_driver_sql(f"SELECT {key} FROM {relation}{where} ORDER BY {key} LIMIT 1 OFFSET {size:d}",
                                      () if start is None else (start,)).scalar()


def _one_by_one(connection: sa.Connection, text: str, source: str, values: Sequence[Any], rows: int,
                ) -> Iterator[list[str | None]]:
    """As `texts`, by the driver's own cursor: rows around it took half of the time."""
    looked = connection.exec_driver_sql("SELECT 1 LIMIT 0", execution_options={"stream_results": True})
    kind = type(looked.cursor)
    looked.close()
    try:
        with closing(connection.connection.cursor(kind)) as cursor:
            cursor.execute(f"SELECT {_doubled(text)} FROM {source}", tuple(values))
            while found := cursor.fetchmany(rows):
                yield [row[0] for row in found]
    except connection.dialect.loaded_dbapi.Error as error:
        raise sa.exc.DBAPIError(None, None, error) from None


def _doubled(sql: str) -> str:
    """SQL in which a per cent sign stays one where the driver binds values."""
    return sql.replace("%", "%%")
