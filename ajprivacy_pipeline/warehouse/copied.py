"""Reading the tables of declared copies: all rows, or those with some e-mail addresses.

Belongs here: SELECTs over a table that only the mapping knows, on any open connection. Does not belong here: whose
rows they are (`enforcement.copies`), changing them (`writer`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ajprivacy_pipeline.warehouse.forms import email_key
from ajprivacy_pipeline.warehouse.texts import text_of

_CHUNK = 500
_FETCH = 10_000
_TEXT = {"sqlite": sa.Text(), "postgresql": sa.Text()}


def rows_of(connection: sa.Connection, path: Sequence[str], columns: Sequence[str], where: str | None,
            ) -> Iterator[dict[str, Any]]:
    """Yields the rows of a table, with the driver's own values of some columns."""
    query = _select(path, columns, where)
    with connection.execution_options(yield_per=_FETCH).execute(query) as result:
        for rows in result.partitions():
            for row in rows:
                yield dict(zip(columns, row, strict=True))


def keys_of(connection: sa.Connection, path: Sequence[str], column: str, *conditions: str | None) -> set[str]:
    """Returns the texts of a column of a table, in rows that meet all of some conditions.

    Each row is read: of texts that a collation takes for one, DISTINCT gives any one.
    """
    query = _select(path, [column], None)
    for where in filter(None, conditions):
        query = query.where(condition(where))
    return {text for row in connection.execute(query) if (text := text_of(row[0])) is not None}


def unusual_spellings(connection: sa.Connection, path: Sequence[str], column: str, where: str | None,
                      ) -> dict[str, list[str]]:
    """Returns, by e-mail key, the texts of a column that are not found by their own lower case."""
    found: dict[str, list[str]] = {}
    for text in sorted(keys_of(connection, path, column, where)):
        key = email_key(text)
        if key and text.lower() != key:
            found.setdefault(key, []).append(text)
    return found


def by_address(connection: sa.Connection, path: Sequence[str], column: str, spellings: Mapping[str, Sequence[str]],
               columns: Sequence[str], where: str | None = None, *, lock: bool = False) -> Iterator[dict[str, Any]]:
    """Yields the rows whose column holds one of some e-mail keys: in any case, between blanks, or as a spelling given.

    Args:
        connection: in a transaction.
        path: (schema, table), or (table,).
        column: holds addresses.
        spellings: by e-mail key, further texts to look for.
        columns: what is read; `column` is read too.
        where: a condition in the source's dialect.
        lock: whether the rows are locked for a change, where the dialect can.
    """
    dialect = connection.dialect.name
    listed = list(dict.fromkeys((*columns, column)))
    texts = sorted({text for key, others in spellings.items() for text in (key, *others)})
    held: sa.ColumnElement[Any] = sa.cast(sa.column(column), _TEXT.get(dialect, sa.CHAR()))
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start:start + _CHUNK]
        query = _select(path, listed, where).where(
            sa.or_(sa.func.lower(sa.func.trim(held)).in_(chunk), held.in_(chunk)))
        if dialect in ("mysql", "mariadb") or (lock and dialect != "sqlite"):
            query = query.with_for_update(read=not lock)
        for row in connection.execute(query).fetchall():
            values = dict(zip(listed, row, strict=True))
            if email_key(text_of(values[column]) or "") in spellings:
                yield values


def condition(where: str) -> sa.ColumnElement[bool]:
    """Returns a condition that the mapping gives, as it is written there."""
    return sa.text(f"({where})".replace(":", "\\:"))  # type: ignore[return-value]


def _select(path: Sequence[str], columns: Sequence[str], where: str | None) -> sa.Select[Any]:
    table = sa.table(path[-1], schema=path[0] if len(path) > 1 else None)
    shown: list[sa.ColumnElement[Any]] = [sa.column(name) for name in columns]
    query: sa.Select[Any] = sa.select(*shown).select_from(table)
    return query.where(condition(where)) if where else query
