"""Writing to the warehouse: the only module that can, in transactions whose every change is read back.

Belongs here: connections that may write, locks, set-based changes of rows that are addressed by their own keys, the
marker table. Does not belong here: what is changed and why (`enforcement.apply`, the only one that imports this).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.warehouse import copied, keyed, statements, tidying
from ajprivacy_pipeline.warehouse.address import Address, is_full
from ajprivacy_pipeline.warehouse.engines import BusyError, writing_engine, writing_errors
from ajprivacy_pipeline.warehouse.fact_tables import facts
from ajprivacy_pipeline.warehouse.keyed import Key
from ajprivacy_pipeline.warehouse.marker import BATCHES, MARKER
from ajprivacy_pipeline.warehouse.resolved import ResolvedTable
from ajprivacy_pipeline.warehouse.statements import Change, Path_, Prepared

__all__ = ["Batch", "BusyError", "Change", "Moment", "Writer", "open_writer"]

Row = dict[str, Any]
Moment = tuple[int, int, int]  # the file, and a number that goes up when any other connection has committed


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
    engine = writing_engine(address, lock_wait_seconds)
    writer = Writer(address, engine, lock_wait_seconds, versions or {})
    try:
        yield writer
    finally:
        writer.close()
        engine.dispose()


class Writer:
    """A warehouse that may be written to."""

    def __init__(self, address: Address, engine: sa.Engine, lock_wait_seconds: float,
                 versions: Mapping[Path_, str]) -> None:
        """Write through an engine; arguments as `open_writer`."""
        self.address = address
        self._engine = engine
        self._wait = lock_wait_seconds
        self.versions = versions
        self._own: tuple[tuple[int, int], sa.Connection] | None = None  # SQLite's, with the file that it has open
        self._tables: dict[Path_, sa.Table] = {}
        self._catalogue: tuple[object, ...] = ()  # SQLite's file, and a number that goes up when a table is made anew
        self.prepared: dict[tuple[Path_, tuple[str, ...], tuple[str, ...]], Prepared] = {}  # by table, key, columns
        self.together: dict[tuple[Path_, tuple[str, ...], tuple[str, ...], tuple[bool, ...]], str] = {}
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
        with writing_errors(self.address), self._writing() as connection:
            dialect = connection.dialect.name
            if dialect == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                self._forget_other_catalogue(connection)
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

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """The connection of the next batch; SQLite tells one and the same whether others have written meanwhile."""
        if self._engine.dialect.name != "sqlite":
            with self._engine.connect() as connection:
                yield connection
            return
        file = self.address.sqlite_file
        there = (file.stat().st_dev, file.stat().st_ino) if file.exists() else (0, 0)  # the driver says so, then
        if self._own is None or self._own[0] != there:
            self.close()
            self._own = there, self._engine.connect()
        try:
            yield self._own[1]
        finally:
            self._own[1].rollback()

    def close(self) -> None:
        """Close what stays open from batch to batch."""
        if self._own is not None:
            self._own[1].close()
            self._own = None

    def moment(self) -> Moment | None:
        """Returns what stays the same for as long as nobody else writes to the database; None: it does not tell."""
        with writing_errors(self.address), self._writing() as connection:
            return self._moment(connection)

    def _moment(self, connection: sa.Connection) -> Moment | None:
        if self._own is None:
            return None
        return *self._own[0], connection.exec_driver_sql("PRAGMA data_version").scalar_one()

    def _forget_other_catalogue(self, connection: sa.Connection) -> None:
        """Let go of what is known of SQLite's tables when it may not be so any more; nobody changes one in a batch."""
        there = self._own and self._own[0], connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
        if there != self._catalogue:
            self._catalogue, self._tables, self.prepared = there, {}, {}

    def table(self, path: Path_) -> sa.Table:
        """Returns a table as the catalogue describes it."""
        if path not in self._tables:
            with writing_errors(self.address), self._engine.connect() as connection:
                self._tables[path] = sa.Table(path[-1], sa.MetaData(), autoload_with=connection, resolve_fks=False,
                                              schema=path[0] if len(path) > 1 else None)
                self._tables[path].info[keyed.BY_BYTES] = keyed.is_by_bytes(connection, path)
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
        with writing_errors(self.address), self._engine.connect() as connection:
            rows = connection.execute(found, {"name": path[-1], "schema": None if len(path) == 1 else path[0]})
            return tuple(str(row[0]) for row in rows)

    def make_marker(self) -> None:
        """Create the marker table where it is missing; where the user may not, the SourceError shows the statement."""
        with writing_errors(self.address):
            if sa.inspect(self._engine).has_table(MARKER):
                return
            try:
                BATCHES.create(self._engine)
            except sa.exc.SQLAlchemyError as error:
                if is_full(str(error)):
                    raise
                statement = " ".join(str(sa.schema.CreateTable(BATCHES).compile(self._engine)).split())
                raise SourceError(f"{self.address.shown}: nothing is carried out without the table {MARKER}, which "
                                  f"this user may not create; have somebody run: {statement}") from None

    def unusual_spellings(self, path: Path_, column: str, where: str | None) -> dict[str, list[str]]:
        """Returns the spellings of e-mail keys that a look for their lower case misses, by key."""
        with writing_errors(self.address), self._engine.connect() as connection:
            return copied.unusual_spellings(connection, path, column, where)

    def markers(self, plan: str) -> dict[int, str]:
        """Returns the counts that each committed batch of a plan left, by number."""
        with writing_errors(self.address), self._engine.connect() as connection:
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
        with writing_errors(self.address), self._engine.connect() as connection:
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
        self.close()
        with writing_errors(self.address), self._engine.connect() as connection:
            if connection.dialect.name != "sqlite":
                connection.execution_options(isolation_level="AUTOCOMMIT")
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET lock_timeout = '{int(self._wait * 1000)}ms'")
            yield connection


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
        listed = list(dict.fromkeys((*key, *columns)))
        rows = self.rows(path, key, keys, listed, lock=lock, where=where)
        return [dict(zip(listed, row, strict=True)) for row in rows]

    def rows(self, path: Path_, key: Sequence[str], keys: Iterable[Key], columns: Sequence[str], *,
             lock: bool = False, where: str | None = None) -> list[Key]:
        """Returns what `read` does, each row as the values of some columns, among them the key's."""
        found: list[Key] = []
        table, at = self._writer.table(path), [columns.index(name) for name in key]
        shown = [keyed.unpadded(self._dialect, table, name) for name in columns]
        for chunk in keyed.chunks(keyed.typed(self._dialect, table, key, keys)):
            query = sa.select(*shown).select_from(table).where(keyed.read_by(self._dialect, table, key, chunk))
            query = query.where(copied.condition(where)) if where else query
            if lock and self._dialect != "sqlite":
                query = query.with_for_update()
            rows = statements.fetched(self._connection.execute(query))
            if self._dialect != "sqlite":
                wanted, told = set(chunk), zip(*([row[i] for row in rows] for i in at), strict=True)
                rows = [row for row, own in zip(rows, told, strict=True) if own in wanted]
            found += rows
        return found

    def by_address(self, path: Path_, column: str, spellings: Mapping[str, Sequence[str]], columns: Sequence[str],
                   where: str | None = None, *, lock: bool = False) -> list[Row]:
        """Returns the rows whose column holds one of some e-mail keys, as `copied.by_address`."""
        return list(copied.by_address(self._connection, path, column, spellings, columns, where, lock=lock))

    def moment(self) -> Moment | None:
        """Returns what `Writer.moment` does, as it is behind the batch's locks."""
        return self._writer._moment(self._connection)  # noqa: SLF001 -- the inside of one of its transactions

    def settle(self) -> None:
        """Let everything happen now that the database has put off to the commit."""
        if self._dialect == "postgresql":
            self._connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")

    def facts(self, table: ResolvedTable, types: Mapping[str, str], by: Mapping[str, Sequence[str]] | None, *,
              lock: bool, key: str | None = None) -> pa.Table:
        """Returns the rows of a table of the contract by ids, as `facts.facts`."""
        return facts(self._connection, table, types, by, lock=lock, key=key)

    def change(self, change: Change) -> None:
        """Give rows their values, or delete them."""
        table = self._writer.table(change.table)
        if change.columns is None:
            for chunk in keyed.chunks(change.rows):
                self._connection.execute(sa.delete(table).where(
                    keyed.is_one_of(self._dialect, table, change.address, chunk)))
        elif self._dialect == "sqlite" and keyed.has_index(table, change.address):
            self._change_each(table, change, change.columns)
        else:
            self._change_alike(table, change, change.columns)

    def _change_each(self, table: sa.Table, change: Change, columns: tuple[str, ...]) -> None:
        """Each row in a run of one statement, prepared once: SQLite has no way to the server to spare."""
        told = change.table, change.address, columns
        if (known := self._writer.prepared.get(told)) is None:
            known = self._writer.prepared[told] = statements.of_one(
                self._connection.dialect, table, change.address, columns, self._by_itself(table, change))
        statement, in_order = known
        self._connection.exec_driver_sql(statement, [
            in_order((*ends, *row)) for ends, row in zip(change.values, change.rows, strict=True)])

    def _change_alike(self, table: sa.Table, change: Change, columns: tuple[str, ...]) -> None:
        """Rows that become the same in one statement."""
        alike: dict[Key, list[Key]] = defaultdict(list)
        for row, values in zip(change.rows, change.values, strict=True):
            alike[values].append(row)
        for values, rows in alike.items():
            if self._dialect == "postgresql" and len(change.address) == 1 and keyed.are_written(rows):
                self._change_together(table, change, columns, values, rows)
                continue
            bound = {name: sa.bindparam(None, value, type_=sa.types.NullType()) if value is not None else sa.null()
                     for name, value in zip(columns, values, strict=True)}
            for chunk in keyed.chunks(rows):
                self._connection.execute(
                    sa.update(table).where(keyed.is_one_of(self._dialect, table, change.address, chunk))
                    .values({**bound, **self._by_itself(table, change)}))

    def _change_together(self, table: sa.Table, change: Change, columns: tuple[str, ...], values: Key,
                         rows: Sequence[Key]) -> None:
        """What `_change_alike` does, where one bound value takes all keys."""
        told = change.table, change.address, columns, tuple([value is None for value in values])
        if (statement := self._writer.together.get(told)) is None:
            statement = self._writer.together[told] = statements.of_many(
                self._connection.dialect, table, change.address[0], dict(zip(columns, values, strict=True)),
                self._by_itself(table, change))
        for chunk in keyed.chunks(rows):
            keys = keyed.array([row[0] for row in chunk])
            self._connection.exec_driver_sql(statement, {**statements.bound(values), statements.KEYS: keys})

    def _by_itself(self, table: sa.Table, change: Change) -> dict[str, sa.ColumnElement[Any]]:
        """What is written beside the values: versions are raised, and what the database would set stays as it is."""
        version = self._writer.versions.get(change.table)
        kept = {name: table.c[name] for name in self._writer.kept_as_is(change.table)
                if name not in (change.columns or ())}
        return {**kept, **({version: table.c[version] + sa.literal_column("1")} if version else {})}

    def insert(self, path: Path_, values: Mapping[str, Any]) -> None:
        """Insert one row."""
        self._connection.execute(sa.insert(self._writer.table(path)).values(
            {name: sa.bindparam(None, value, type_=sa.types.NullType()) for name, value in values.items()}))

    def mark(self, plan: str, number: int, counts: str, moment: str) -> None:
        """Leave the marker of a batch, as its last change."""
        self._connection.execute(sa.insert(BATCHES), {"plan_id": plan, "batch": number, "counts": counts,
                                                      "marked_at": moment})
