"""Writing to the warehouse: the only module that can, in transactions whose every change is read back.

Belongs here: connections that may write, locks, set-based changes of rows that are addressed by their own keys, the
marker table. Does not belong here: what is changed and why (`enforcement.apply`, the only one that imports this).
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import sqlalchemy as sa

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.warehouse import copied, tidying
from ajprivacy_pipeline.warehouse.address import Address, driver_errors
from ajprivacy_pipeline.warehouse.facts import facts
from ajprivacy_pipeline.warehouse.mapping import ResolvedTable
from ajprivacy_pipeline.warehouse.marker import BATCHES, MARKER

_CHUNK = 5000  # keys of one statement, which may be bound twice; SQLite takes 32,766 bound values
_COMPOSITE_CHUNK = 500  # keys of several columns, of which each is a condition; SQLite nests 1,000 of them
Path_ = tuple[str, ...]  # (schema, table), or (table,)
Row = dict[str, Any]
Key = tuple[Any, ...]


class BusyError(SourceError):
    """Somebody else holds a lock for longer than a batch waits."""


@dataclass(frozen=True)
class Change:
    """Rows of one table that get the same values; without values they are deleted."""

    table: Path_
    address: tuple[str, ...]  # the columns that tell a row apart
    rows: tuple[Key, ...]
    values: Mapping[str, Any] | None


@contextmanager
def open_writer(url: str, lock_wait_seconds: float, versions: Mapping[Path_, str] | None = None) -> Iterator["Writer"]:
    """Open a warehouse for writing.

    Args:
        url: of the warehouse.
        lock_wait_seconds: how long a batch waits for somebody else's lock.
        versions: by table, the column with a number that is raised whenever a row changes.

    Raises:
        SourceError: as `open_source`.
    """
    address = Address.parse(url)
    engine = _engine(address, lock_wait_seconds)
    try:
        yield Writer(address, engine, lock_wait_seconds, versions or {})
    finally:
        engine.dispose()


def _engine(address: Address, wait: float) -> sa.Engine:
    if address.url.get_backend_name() == "sqlite":
        def connect() -> sqlite3.Connection:
            con = sqlite3.connect(f"{address.sqlite_file.as_uri()}?mode=rw", uri=True, timeout=wait,
                                  isolation_level=None, check_same_thread=False)
            con.execute("PRAGMA secure_delete = ON")
            con.execute("PRAGMA cache_spill = OFF")  # a batch that spills keeps everybody from reading to its end
            return con
        return sa.create_engine(address.url, hide_parameters=True, poolclass=sa.NullPool, creator=connect)
    if address.url.get_backend_name() == "postgresql":
        return sa.create_engine(address.url, hide_parameters=True, poolclass=sa.NullPool,
                                isolation_level="READ COMMITTED",
                                connect_args={"connect_timeout": 10, "client_encoding": "utf8",
                                              "options": address.postgres_options})
    return sa.create_engine(address.url, hide_parameters=True, poolclass=sa.NullPool)


class Writer:
    """A warehouse that may be written to."""

    def __init__(self, address: Address, engine: sa.Engine, lock_wait_seconds: float,
                 versions: Mapping[Path_, str]) -> None:
        """Write through an engine; arguments as `open_writer`."""
        self.address = address
        self._engine = engine
        self._wait = lock_wait_seconds
        self.versions = versions
        self._tables: dict[Path_, sa.Table] = {}
        self._kept: dict[Path_, tuple[str, ...]] = {}

    @contextmanager
    def batch(self, fact_tables: Collection[Path_] = ()) -> Iterator["Batch"]:
        """One transaction: committed when the block ends, rolled back by any exception.

        Args:
            fact_tables: tables that nobody else may write to meanwhile, where the dialect locks tables.

        Raises:
            BusyError: a lock could not be had in time; nothing was changed.
            SourceError: the database refused something; nothing was changed.
        """
        with self._errors(), self._engine.connect() as connection:
            dialect = connection.dialect.name
            if dialect == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif dialect == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(self._wait * 1000)}ms'")
                for table in sorted(fact_tables):
                    quoted = connection.dialect.identifier_preparer.format_table(self.table(table))
                    connection.exec_driver_sql(f"LOCK TABLE {quoted} IN SHARE ROW EXCLUSIVE MODE")
            else:
                connection.exec_driver_sql(f"SET SESSION innodb_lock_wait_timeout = {max(1, int(self._wait))}")
            yield Batch(self, connection)
            if dialect == "postgresql":
                connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
            connection.commit()

    def table(self, path: Path_) -> sa.Table:
        """Returns a table as the catalogue describes it."""
        if path not in self._tables:
            with self._errors():
                self._tables[path] = sa.Table(path[-1], sa.MetaData(), autoload_with=self._engine,
                                              schema=path[0] if len(path) > 1 else None, resolve_fks=False)
        return self._tables[path]

    def kept_as_is(self, path: Path_) -> tuple[str, ...]:
        """Returns columns that the database itself would set when a row changes (ON UPDATE CURRENT_TIMESTAMP)."""
        if self._engine.dialect.name not in ("mysql", "mariadb"):
            return ()
        if path not in self._kept:
            self._kept[path] = self._set_by_itself(path)
        return self._kept[path]

    def _set_by_itself(self, path: Path_) -> tuple[str, ...]:
        found = sa.text("SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_NAME = :name "
                        "AND TABLE_SCHEMA = coalesce(:schema, DATABASE()) AND EXTRA LIKE '%on update%'")
        with self._errors(), self._engine.connect() as connection:
            rows = connection.execute(found, {"name": path[-1], "schema": None if len(path) == 1 else path[0]})
            return tuple(str(row[0]) for row in rows)

    def make_marker(self) -> None:
        """Create the marker table where it is missing.

        Raises:
            SourceError: the user may not; the message shows the statement.
        """
        with self._errors():
            if sa.inspect(self._engine).has_table(MARKER):
                return
            try:
                BATCHES.create(self._engine)
            except sa.exc.SQLAlchemyError:
                statement = " ".join(str(sa.schema.CreateTable(BATCHES).compile(self._engine)).split())
                raise SourceError(f"{self.address.shown}: nothing is carried out without the table {MARKER}, which "
                                  f"this user may not create; have somebody run: {statement}") from None

    def unusual_spellings(self, path: Path_, column: str, where: str | None) -> dict[str, list[str]]:
        """Returns the spellings of e-mail keys that a look for their lower case misses, by key."""
        with self._errors(), self._engine.connect() as connection:
            return copied.unusual_spellings(connection, path, column, where)

    def markers(self, plan: str) -> dict[int, str]:
        """Returns the counts that each committed batch of a plan left, by number."""
        with self._errors(), self._engine.connect() as connection:
            if not sa.inspect(connection).has_table(MARKER):
                return {}
            rows = connection.execute(sa.select(BATCHES.c.batch, BATCHES.c.counts).where(BATCHES.c.plan_id == plan))
            return {int(row[0]): str(row[1]) for row in rows}

    def all_markers(self) -> list[str]:
        """Returns the counts that every committed batch left."""
        return self._of_markers(BATCHES.c.counts)

    def marked_plans(self) -> frozenset[str]:
        """Returns the plans that have left markers."""
        return frozenset(self._of_markers(BATCHES.c.plan_id))

    def _of_markers(self, column: sa.Column[str]) -> list[str]:
        with self._errors(), self._engine.connect() as connection:
            there = sa.inspect(connection).has_table(MARKER)
            return [str(row[0]) for row in connection.execute(sa.select(column))] if there else []

    def tidy(self, tables: tidying.Tables) -> list[tidying.Left]:
        """Let the database clear away what was in the given columns of tables; returns what is left of it, and where.

        Raises:
            SourceError: it refused.
        """
        with self._alone() as connection:
            return list(tidying.tidy(connection, self.address, tables))

    def statistics(self, tables: tidying.Tables) -> list[tuple[str, str]]:
        """Returns the values that the database keeps in its statistics of tables, as `tidying.statistics`."""
        with self._alone() as connection:
            return tidying.statistics(connection, tables)

    @contextmanager
    def _alone(self) -> Iterator[sa.Connection]:
        """A connection that commits each statement by itself."""
        with self._errors(), self._engine.connect() as connection:
            if connection.dialect.name != "sqlite":
                connection.execution_options(isolation_level="AUTOCOMMIT")
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET lock_timeout = '{int(self._wait * 1000)}ms'")
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn a driver's error into ours, without its text: it may hold values of rows."""
        with driver_errors(self.address):
            try:
                yield
            except sa.exc.IntegrityError as error:
                raise SourceError(f"{self.address.shown}: a constraint refused the change"
                                  f"{_constraint(error)}; nothing of the batch was changed: make the plan "
                                  "again, which looks at the catalogue anew") from None
            except sa.exc.OperationalError as error:
                if _is_busy(error):
                    raise BusyError(f"{self.address.shown}: somebody else holds what a batch needs; "
                                    "run it again when they are done") from None
                raise


def _constraint(error: sa.exc.IntegrityError) -> str:
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return f" ({name})" if name else ""


def _is_busy(error: sa.exc.OperationalError) -> bool:
    text = str(error.orig).lower()
    return any(sign in text for sign in ("locked", "lock timeout", "lock wait timeout", "deadlock",
                                         "canceling statement"))


class Batch:
    """The inside of one transaction."""

    def __init__(self, writer: Writer, connection: sa.Connection) -> None:
        """Made by `Writer.batch` alone."""
        self._writer = writer
        self._connection = connection
        self._dialect = connection.dialect.name

    def read(self, path: Path_, key: Sequence[str], keys: Iterable[Key], columns: Sequence[str], *,
             lock: bool = False, where: str | None = None) -> list[Row]:
        """Returns the rows whose key columns are one of some keys, with the driver's own values.

        Keys are compared by their bytes whatever the collation. `where` is a condition in the source's dialect.
        """
        found: list[Row] = []
        table = self._writer.table(path)
        listed = list(dict.fromkeys((*key, *columns)))
        for chunk in _chunks([tuple(map(self._typed(table), key, values)) for values in keys]):
            shown: list[sa.ColumnElement[Any]] = [sa.column(name) for name in listed]
            query = sa.select(*shown).select_from(table).where(
                self._untyped(key[0], chunk) if self._is_untyped(table, key) else self._is(table, key, chunk))
            query = query.where(copied.condition(where)) if where else query
            if lock and self._dialect != "sqlite":
                query = query.with_for_update()
            rows, wanted = self._connection.execute(query).fetchall(), set(chunk)
            if self._dialect != "sqlite":
                rows = [row for row in rows if tuple(row[listed.index(name)] for name in key) in wanted]
            found += [dict(zip(listed, row, strict=True)) for row in rows]
        return found

    def by_address(self, path: Path_, column: str, spellings: Mapping[str, Sequence[str]], columns: Sequence[str],
                   where: str | None = None, *, lock: bool = False) -> list[Row]:
        """Returns the rows whose column holds one of some e-mail keys, as `copied.by_address`."""
        return list(copied.by_address(self._connection, path, column, spellings, columns, where, lock=lock))

    def settle(self) -> None:
        """Let everything happen now that the database has put off to the commit."""
        if self._dialect == "postgresql":
            self._connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")

    def facts(self, table: ResolvedTable, types: Mapping[str, str], by: Mapping[str, Sequence[str]] | None, *,
              lock: bool) -> pa.Table:
        """Returns the rows of a table of the contract by ids, as `facts.facts`."""
        return facts(self._connection, table, types, by, lock=lock)

    def change(self, change: Change) -> None:
        """Give rows their values, or delete them."""
        table, version = self._writer.table(change.table), self._writer.versions.get(change.table)
        raised = {version: table.c[version] + 1} if version else {}
        for chunk in _chunks(change.rows):
            here = self._is(table, change.address, chunk)
            if change.values is None:
                self._connection.execute(sa.delete(table).where(here))
            else:
                kept = {name: table.c[name] for name in self._writer.kept_as_is(change.table)
                        if name not in change.values}
                bound = {name: sa.bindparam(None, value, type_=sa.types.NullType()) if value is not None else sa.null()
                         for name, value in change.values.items()}
                self._connection.execute(sa.update(table).where(here).values({**bound, **kept, **raised}))

    def insert(self, path: Path_, values: Mapping[str, Any]) -> None:
        """Insert one row."""
        self._connection.execute(sa.insert(self._writer.table(path)).values(
            {name: sa.bindparam(None, value, type_=sa.types.NullType()) for name, value in values.items()}))

    def mark(self, plan: str, number: int, counts: str, moment: str) -> None:
        """Leave the marker of a batch, as its last change."""
        self._connection.execute(sa.insert(BATCHES), {"plan_id": plan, "batch": number, "counts": counts,
                                                      "marked_at": moment})

    def _is_untyped(self, table: sa.Table, key: Sequence[str]) -> bool:
        """Whether a key column of SQLite has no type, so that a number there is not found by its text."""
        return self._dialect == "sqlite" and len(key) == 1 and isinstance(table.c[key[0]].type, sa.types.NullType)

    def _untyped(self, column: str, rows: Sequence[Key]) -> sa.ColumnElement[bool]:
        values = sa.bindparam(None, [str(row[0]) for row in rows], expanding=True, type_=sa.types.NullType())
        return sa.cast(sa.column(column), sa.Text).in_(values)

    def _is(self, table: sa.Table, key: Sequence[str], rows: Sequence[Key]) -> sa.ColumnElement[bool]:
        if len(key) == 1:
            column: sa.ColumnElement[Any] = sa.column(key[0])
            values = sa.bindparam(None, [row[0] for row in rows], expanding=True, type_=sa.types.NullType())
            plain = column.in_(values)
            if isinstance(table.c[key[0]].type, sa.String) and self._dialect in ("sqlite", "mysql", "mariadb"):
                binary = sa.collate(column, "BINARY") if self._dialect == "sqlite" else sa.func.binary(column)
                return sa.and_(plain, binary.in_(values))
            return plain
        return sa.or_(*(sa.and_(*(sa.column(name) == sa.bindparam(None, value, type_=sa.types.NullType())
                                  for name, value in zip(key, row, strict=True))) for row in rows))

    def _typed(self, table: sa.Table) -> Any:
        def typed(name: str, value: Any) -> Any:
            """A key as it was extracted, in the type of its column."""
            if not isinstance(value, str):
                return value
            type_ = table.c[name].type
            if isinstance(type_, sa.Integer):
                return int(value)
            if isinstance(type_, sa.Uuid):
                return UUID(value)
            if isinstance(type_, sa.Numeric):
                return Decimal(value)
            return value
        return typed


def _chunks(rows: Sequence[Key]) -> Iterator[Sequence[Key]]:
    size = _CHUNK if rows and len(rows[0]) == 1 else _COMPOSITE_CHUNK
    for start in range(0, len(rows), size):
        yield rows[start:start + size]
