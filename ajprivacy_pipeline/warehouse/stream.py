"""Reading through SQLAlchemy, for every dialect: rows → Arrow batches → DuckDB.

Belongs here: one streamed SELECT a table, and Python's values as Arrow's. Does not belong here: the faster ways of
native.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

import pyarrow as pa
import sqlalchemy as sa

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.one_pass import in_one_pass
from ajprivacy_pipeline.warehouse.packed import PackedRows, may_be_packed
from ajprivacy_pipeline.warehouse.reader import fed_columns, insert
from ajprivacy_pipeline.warehouse.resolved import ResolvedTable
from ajprivacy_pipeline.warehouse.sessions import MYSQL
from ajprivacy_pipeline.warehouse.source import Source
from ajprivacy_pipeline.warehouse.texts import as_text

BATCH_ROWS = 20_000  # about 10 MB of Python objects at a time
_BATCH = "warehouse_batch"
_ARROW = {"VARCHAR": pa.string(), "TIMESTAMP": pa.timestamp("us"), "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
          "DATE": pa.date32(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_()}
_DATES = ("TIMESTAMP", "TIMESTAMPTZ", "DATE")


class StreamReader:
    """One connection, one transaction: REPEATABLE READ where the dialect has it (source.py sees to that)."""

    def __init__(self, con: zones.Connection, source: Source) -> None:
        """Read through the source's own connection."""
        self.con, self.source = con, source

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A fresh transaction of the source."""
        connection = self.source.connection
        with driver_errors(self.source.address):
            connection.rollback()
            if self.source.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN")  # its driver begins none for a SELECT
            yield
            connection.rollback()

    def settle(self, _name: str, _table: ResolvedTable, types: dict[str, str]) -> dict[str, str]:
        """See `Reader`; exact numbers travel as text, because a Decimal may be NaN, and MySQL's dates may be zero."""
        as_they_are = _ARROW.keys() - (_DATES if self.source.dialect in MYSQL else ())
        return {column: type_ if type_ in as_they_are else "VARCHAR" for column, type_ in types.items()}

    def copy(self, name: str, table: ResolvedTable, types: dict[str, str], target: str) -> None:
        """See `Reader`."""
        fed = fed_columns(table)
        listed = ", ".join(f"{feed.sql} AS {self.source.quote(column)}" for column, feed in fed.items())
        if self.source.dialect in MYSQL:
            table = replace(table, relation=in_one_pass(self.source, table.relation))
        select = f"SELECT {listed} FROM {table.relation}"
        if self.source.dialect in MYSQL and self._copy_packed(name, table, types, target, select):
            return
        options = {"stream_results": True, "yield_per": BATCH_ROWS, "no_parameters": True}
        with driver_errors(self.source.address, f"table {name}"):
            result = self.source.connection.exec_driver_sql(select, execution_options=options)
            for rows in result.partitions(BATCH_ROWS):
                batch = self._batch(name, rows, {column: types[column] for column in fed})
                self._insert(name, table, target, batch, f"SELECT * FROM {_BATCH}")

    def _copy_packed(self, name: str, table: ResolvedTable, types: dict[str, str], target: str, select: str) -> bool:
        """Copy a table whose rows the server packs, for its driver takes its time for each value; else do nothing."""
        fed, options = fed_columns(table), {"stream_results": True, "no_parameters": True}
        wanted = [types[column] for column in fed]
        packed = PackedRows([feed.sql for feed in fed.values()])
        with driver_errors(self.source.address, f"table {name}"):
            looked = self.source.connection.exec_driver_sql(f"{select} LIMIT 0", execution_options=options)
            fits, kind = may_be_packed(looked.cursor, wanted), type(looked.cursor)
            looked.close()
            for texts in self._texts(kind, f"SELECT {packed.column} FROM {table.relation}") if fits else ():
                if None in texts:  # so the server answers where a row is larger than a packet
                    self.con.execute(f"DELETE FROM {target}")
                    return False
                self._insert(name, table, target, pa.table({"packed": pa.array(texts, pa.string())}),
                             packed.relation(_BATCH, wanted))
        return fits

    def _texts(self, kind: type, query: str) -> Iterator[list[str | None]]:
        """Yields what a query of one text shows, by the driver's own cursor: rows around it took half of the time."""
        driver = self.source.connection.dialect.loaded_dbapi
        try:
            with closing(self.source.connection.connection.cursor(kind)) as cursor:
                cursor.execute(query)
                while rows := cursor.fetchmany(BATCH_ROWS):
                    yield [row[0] for row in rows]
        except driver.Error as error:
            raise sa.exc.DBAPIError(None, None, error) from None

    def _insert(self, name: str, table: ResolvedTable, target: str, batch: pa.Table, query: str) -> None:
        self.con.register(_BATCH, batch)
        try:
            insert(self.con, self.source.address, name, table, target, query)
        finally:
            self.con.unregister(_BATCH)

    def _batch(self, name: str, rows: Sequence[Iterable[object]], types: dict[str, str]) -> pa.Table:
        arrays = []
        for (column, type_), values in zip(types.items(), zip(*rows, strict=True), strict=True):
            try:
                prepared = list(map(as_text, values)) if type_ == "VARCHAR" else list(values)
                arrays.append(pa.array(prepared, _ARROW[type_]))
            except (pa.ArrowException, TypeError, ValueError, OverflowError):
                raise SourceError(f"{self.source.address.shown}: {name}.{column}: values do not fit {type_}; feed it "
                                  'from { sql = "..." } with an expression that yields text') from None
        return pa.table(dict(zip(types, arrays, strict=True)))
