"""DuckDB's own readers of SQLite and PostgreSQL.

    SqliteReader     SQLite has no snapshot across the reader's connections, so a change is noticed and reading repeated
    PostgresReader   one REPEATABLE READ, READ ONLY transaction for all tables, scans and queries alike

Belongs here: attaching, one moment, the SQL of reading. Does not belong here: other dialects (stream.py).
"""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.address import driver_errors, meaning
from ajprivacy_pipeline.warehouse.reader import SourceChangedError, failure, fed_columns, insert, scan, scannable
from ajprivacy_pipeline.warehouse.resolved import ResolvedColumn, ResolvedTable
from ajprivacy_pipeline.warehouse.source import Source
from ajprivacy_pipeline.warehouse.sqlite_guard import guarded


@contextmanager
def sqlite_reader(con: zones.Connection, source: Source) -> Iterator["SqliteReader"]:
    """Yields the source's SQLite file, attached read-only, all values as text."""
    alias = f"warehouse_{secrets.token_hex(4)}"
    with zones.engine_errors(source.address.shown):
        zones.load(con, "sqlite_scanner")
        con.execute("SET sqlite_all_varchar = true")
        con.execute(f"ATTACH {zones.literal(str(source.address.sqlite_file))} AS {alias} (TYPE sqlite, READ_ONLY)")
    try:
        yield SqliteReader(con, source, alias)
    finally:
        con.execute(f"DETACH {alias}")
        con.execute("RESET sqlite_all_varchar")


class SqliteReader:
    """Plain columns by a scan, expressions by SQLite itself. Every value arrives as SQLite's own text of it."""

    def __init__(self, con: zones.Connection, source: Source, alias: str) -> None:
        """Read the file attached under `alias`."""
        self.con, self.source, self.alias = con, source, alias

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Keep writers out of a file without WAL, and notice their commits to one with it (sqlite_guard.py)."""
        self.source.connection.rollback()  # the inspection is over; its lock would only stand in writers' way
        with driver_errors(self.source.address), guarded(self.source.address.sqlite_file) as stayed_the_same:
            yield
            if not stayed_the_same():
                raise SourceChangedError

    def settle(self, _name: str, _table: ResolvedTable, types: dict[str, str]) -> dict[str, str]:
        """See `Reader`; everything is text already."""
        return types

    def copy(self, name: str, table: ResolvedTable, _types: dict[str, str], target: str) -> None:
        """See `Reader`."""
        if scannable(table) and table.source_table is not None and self._shows_all(table, table.source_table[-1]):
            query = scan(table, f"{self.alias}.{zones.quote(table.source_table[-1])}")
        else:
            listed = (f"CAST({feed.sql} AS TEXT) AS {zones.quote(column)}"
                      for column, feed in fed_columns(table).items())
            inner = f"SELECT {', '.join(listed)} FROM {table.relation}"
            query = f"SELECT * FROM sqlite_query({zones.literal(self.alias)}, {zones.literal(inner)})"
        insert(self.con, self.source.address, name, table, target, query)


    def _shows_all(self, table: ResolvedTable, name: str) -> bool:
        """Whether DuckDB sees all columns that are read: it knows of no generated ones."""
        shown = {column for (column,) in self.con.execute(
            "SELECT column_name FROM duckdb_columns() WHERE database_name = $alias AND table_name = $name",
            {"alias": self.alias, "name": name}).fetchall()}
        return all(feed.source_column is None or feed.source_column in shown for feed in fed_columns(table).values())


@contextmanager
def postgres_reader(con: zones.Connection, source: Source) -> Iterator["PostgresReader"]:
    """Yields the source's PostgreSQL database, attached read-only.

    Its password stands in a file for libpq, never in SQL.

    Raises:
        SourceError: it cannot be attached.
    """
    alias = f"warehouse_{secrets.token_hex(4)}"
    arguments = dict(source.connection.dialect.create_connect_args(source.address.url)[1])
    arguments.pop("context", None)  # psycopg's own, not libpq's
    arguments["options"] = source.address.postgres_options
    with _password_file(con, arguments.pop("password", None)) as passfile:
        address = make_conninfo("", **{**arguments, **passfile})
        with zones.engine_errors(source.address.shown):
            zones.load(con, "postgres_scanner")
        try:
            con.execute(f"ATTACH {zones.literal(address)} AS {alias} (TYPE postgres, READ_ONLY)")
        except zones.EngineError as error:
            raise SourceError(f"{source.address.shown}: {meaning(str(error)) or 'it cannot be opened'}") from None
        try:
            yield PostgresReader(con, source, alias)
        finally:
            con.execute(f"DETACH {alias}")


@contextmanager
def _password_file(con: zones.Connection, password: object) -> Iterator[dict[str, str]]:
    """A file in libpq's format that its owner alone can read, for as long as connections are made.

    It lies where the connection spills: inside the home, in the month's own folder, which the next run sweeps.
    """
    if password is None:
        yield {}
        return
    spill = Path(con.execute("SELECT current_setting('temp_directory')").fetchall()[0][0])
    folder = spill if spill.is_absolute() else None  # a connection without a home, in memory
    if folder:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(prefix="ajprivacy_", dir=folder)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("*:*:*:*:" + str(password).replace("\\", "\\\\").replace(":", "\\:") + "\n")
        yield {"passfile": name}
    finally:
        Path(name).unlink(missing_ok=True)


class PostgresReader:
    """Plain columns by parallel scans, everything else by PostgreSQL itself, all in the transaction of the target."""

    def __init__(self, con: zones.Connection, source: Source, alias: str) -> None:
        """Read the database attached under `alias`."""
        self.con, self.source, self.alias = con, source, alias

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Nothing to do: the extension reads in one REPEATABLE READ transaction as long as ours lasts."""
        self.source.connection.rollback()  # the inspection is over; no second transaction need stay open
        yield

    def settle(self, name: str, table: ResolvedTable, types: dict[str, str]) -> dict[str, str]:
        """See `Reader`. The binary protocol's NaN becomes 0 in a DECIMAL, so a column that has one is read as text."""
        exact = {column: feed for column, feed in fed_columns(table).items() if types[column].startswith("DECIMAL")
                 and feed.type.kind == "decimal"}
        if not exact:
            return types
        listed = ", ".join(f"bool_or({feed.sql} = 'NaN') AS {zones.quote(column)}" for column, feed in exact.items())
        try:
            found = self.con.execute(self._query(f"SELECT {listed} FROM {table.relation}")).fetchall()[0]
        except zones.EngineError as error:
            raise failure(self.source.address, name, error) from None
        strange = {column for column, has_nan in zip(exact, found, strict=True) if has_nan}
        return {column: "VARCHAR" if column in strange else type_ for column, type_ in types.items()}

    def copy(self, name: str, table: ResolvedTable, types: dict[str, str], target: str) -> None:
        """See `Reader`."""
        fed = fed_columns(table)
        if self._plain(table, types) and table.source_table is not None:
            schema = self.source.connection.dialect.default_schema_name or "public"
            path = (schema, *table.source_table)[-2:]
            query = scan(table, f"{self.alias}.{'.'.join(map(zones.quote, path))}")
        else:
            listed = (f"{_typed(feed, types[column])} AS {zones.quote(column)}" for column, feed in fed.items())
            query = self._query(f"SELECT {', '.join(listed)} FROM {table.relation}")
        insert(self.con, self.source.address, name, table, target, query)

    def _query(self, sql: str) -> str:
        return f"SELECT * FROM postgres_query({zones.literal(self.alias)}, {zones.literal(sql)})"

    def _plain(self, table: ResolvedTable, types: dict[str, str]) -> bool:
        """Whether a scan gives the same as PostgreSQL's own text: DuckDB would read `numeric` as a double, say."""
        if not scannable(table) or table.source_table is None:
            return False
        schema = table.source_table[0] if len(table.source_table) > 1 else None
        known = self.source.tables(schema)
        # DuckDB knows no difference between upper and lower case in names.
        alike = [name for name in known if name.casefold() == table.source_table[-1].casefold()]
        columns = [column.casefold() for column in known[table.source_table[-1]]]
        if len(alike) > 1 or len(set(columns)) < len(columns):
            return False
        return all(_scans_alike(feed, types[column]) for column, feed in fed_columns(table).items())


def _scans_alike(feed: ResolvedColumn, type_: str) -> bool:
    if type_ == "VARCHAR":
        return feed.type.kind in ("text", "integer", "boolean")
    return feed.type.kind in ("integer", "decimal", "boolean", "date", "timestamp", "timestamptz")


def _typed(feed: ResolvedColumn, type_: str) -> str:
    if type_ != "VARCHAR":
        return feed.sql
    return f"host({feed.sql})" if feed.type.name == "inet" else f"({feed.sql})::text"
