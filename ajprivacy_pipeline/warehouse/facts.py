"""Reading the facts about a few ids, inside the transaction that changes them, as the extraction reads whole tables.

Belongs here: one SELECT a table by ids. Does not belong here: locks that outlive a
statement (`writer`), comparing (`enforcement.locked`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ajprivacy_pipeline.storage.zones import WHITE_SPACE
from ajprivacy_pipeline.warehouse.keyed import array
from ajprivacy_pipeline.warehouse.packed import PackedTexts
from ajprivacy_pipeline.warehouse.resolved import ResolvedColumn, ResolvedTable
from ajprivacy_pipeline.warehouse.sessions import MYSQL
from ajprivacy_pipeline.warehouse.texts import as_text

Row = tuple[Any, ...]

_CHUNK = 5000


def fact_rows(connection: sa.Connection, table: ResolvedTable, types: Mapping[str, str],
              by: Mapping[str, Sequence[str]] | None, *, lock: bool, key: str | None = None,
              trimmed: bool = False) -> list[Row]:
    """Returns the rows of a table of the contract that one of some ids stands in; all rows where `by` is None.

    Args:
        connection: in a transaction.
        table: what feeds it.
        types: those of raw, by column, of the columns that something feeds.
        by: per column, the ids as text. Where the column itself is not read, what the database takes for an id is one.
        lock: whether the rows are locked for a change, where the dialect can.
        key: the column that tells rows apart, the last one of `by`: what the others have found is not read again by it.
        trimmed: whether blanks at the ends of an id are looked past, where the database does; else ids are compared by
            their bytes, whatever the collation.
    """
    dialect = connection.dialect.name
    prepare = connection.dialect.identifier_preparer.quote_identifier
    fed = {name: feed for name in types if (feed := table.columns[name]) is not None}
    listed = [f"{shown(feed, types[name], dialect)} AS {prepare(name)}" for name, feed in fed.items()]
    texts = [at for at, (name, feed) in enumerate(fed.items()) if types[name] == "VARCHAR" and feed.type.kind == "text"]
    packed = PackedTexts([feed.sql for feed in fed.values()], texts) if dialect in MYSQL and len(texts) > 1 else None
    ending = _lock(dialect, lock=lock and (dialect != "postgresql" or table.source_table is not None))

    def read(columns: Sequence[str], where: str, values: list[Any] | str | None) -> Sequence[sa.Row[Any]]:
        text = f"SELECT {', '.join(columns)} FROM {table.relation}{where}{ending}"
        statement = sa.text(text.replace(":", "\\:").replace("\\:keys", ":keys"))
        if values is not None:
            statement = statement.bindparams(sa.bindparam("keys", values, expanding=dialect != "postgresql",
                                                          type_=sa.types.NullType()))
        return connection.execute(statement).fetchall()

    rows: dict[Row, None] = {}
    for name, ids, where, values in _conditions(table, _unread(by, key, list(types), rows), dialect):
        found = None if packed is None else packed.rows(read(packed.columns(listed), where, values))
        found = list(map(tuple, read(listed, where, values))) if found is None else found
        rows |= dict.fromkeys(_named(found, [*fed].index(name), ids, trimmed=trimmed) if name in fed else found)
    return list(rows)


def _unread(by: Mapping[str, Sequence[str]] | None, key: str | None, columns: Sequence[str],
            rows: Collection[Row]) -> Iterator[tuple[str, Sequence[str]]] | None:
    """The columns with their ids; of the key, when its turn comes, those that no row has that is read by then."""
    if by is None:
        return None
    return ((name, ids if name != key else _left(ids, {as_text(row[columns.index(name)]) for row in rows}))
            for name, ids in by.items())


def _left(ids: Sequence[str], known: Collection[Any]) -> Sequence[str]:
    return [one for one in ids if one not in known] if known else ids


def _conditions(table: ResolvedTable, by: Iterable[tuple[str, Sequence[str]]] | None,
                dialect: str) -> Iterator[tuple[str, Sequence[str], str, list[Any] | str | None]]:
    """A column and so many of its ids at a time, with their condition and its values; '' and none read everything."""
    if by is None:
        yield "", (), "", None
        return
    for name, ids in by:
        feed = table.columns.get(name)
        if feed is None:
            continue
        for start in range(0, len(ids), _CHUNK):
            some = list(ids[start:start + _CHUNK])
            expression, values = _comparable(feed, some, dialect)
            if dialect == "postgresql":
                yield name, some, f" WHERE {expression} = ANY (:keys)", array(values)
            else:
                yield name, some, f" WHERE {expression} IN :keys", values


def _named(rows: Iterable[Row], at: int, ids: Iterable[str], *, trimmed: bool) -> Iterator[Row]:
    """The rows in which an id stands: a collation finds `k1` by `K1`, too, and a text of blanks by an empty one."""
    wanted = {one.strip(WHITE_SPACE) for one in ids} if trimmed else {*ids}
    for row in rows:
        there = row[at]
        if not isinstance(there, str) or (there.strip(WHITE_SPACE) if trimmed else there) in wanted:
            yield row


def _comparable(feed: ResolvedColumn, ids: list[str], dialect: str) -> tuple[str, list[Any]]:
    """A column and ids that compare, in the column's own type where it has one, so that an index serves."""
    if feed.source_column is not None and feed.type.kind == "integer":
        return feed.sql, [int(text) for text in ids if text.lstrip("-").isdigit()] or [None]
    if feed.source_column is not None and feed.type.kind == "text":
        return feed.sql, ids
    return f"CAST({feed.sql} AS {_TEXT.get(dialect, 'CHAR')})", ids


_TEXT = {"sqlite": "TEXT", "postgresql": "text"}


def shown(feed: ResolvedColumn, type_: str, dialect: str) -> str:
    """Returns the expression under which a column is selected, for a type of raw."""
    if dialect == "sqlite":
        return f"CAST({feed.sql} AS TEXT)"
    if dialect == "postgresql" and (type_ == "VARCHAR" or type_.startswith("DECIMAL")):
        return f"host({feed.sql})" if feed.type.name == "inet" else f"({feed.sql})::text"
    return feed.sql


def _lock(dialect: str, *, lock: bool) -> str:
    if dialect == "postgresql":
        return " FOR UPDATE" if lock else ""
    if dialect in ("mysql", "mariadb"):
        return " FOR UPDATE" if lock else " LOCK IN SHARE MODE"
    return ""
