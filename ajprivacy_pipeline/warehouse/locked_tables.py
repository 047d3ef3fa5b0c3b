"""Tables of MySQL's that no snapshot shows as of one moment, held still by a connection of their own for a reading.

Belongs here: which of the tables that a mapping reads have such an engine (MyISAM, Aria, MEMORY, ...), and the lock.
Does not belong here: reading (`stream`), whether such tables may be written to (`constraints`).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.resolved import ResolvedSource, ResolvedTable
from ajprivacy_pipeline.warehouse.sessions import MYSQL
from ajprivacy_pipeline.warehouse.source import Source

Path = tuple[str, str]  # (database, table)
_WITHOUT = sa.text("""
    SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.ENGINE FROM information_schema.TABLES AS t
    LEFT JOIN information_schema.ENGINES AS e ON e.ENGINE = t.ENGINE
    WHERE t.TABLE_TYPE = 'BASE TABLE' AND coalesce(e.TRANSACTIONS, 'NO') <> 'YES'
      AND t.TABLE_SCHEMA NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
    ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME""")


def without_snapshot(source: Source, resolved: ResolvedSource) -> dict[Path, str]:
    """Returns the tables that the mapping reads and no snapshot covers, each with its engine.

    A table that a query names and that cannot be told from another one of the name counts too.

    Raises:
        SourceError: the catalogue cannot be read.
    """
    if source.dialect not in MYSQL:
        return {}
    with driver_errors(source.address):
        found = {(str(row[0]), str(row[1])): str(row[2]) for row in source.connection.execute(_WITHOUT)}
    if not found:
        return {}
    return {path: engine for path, engine in found.items()
            if any(reads_from(source, table, path) for table in resolved.tables.values() if table is not None)}


def reads_from(source: Source, table: ResolvedTable, path: Path) -> bool:
    """Whether a table of the contract may be made of a table of the source."""
    own = source.connection.dialect.default_schema_name or ""
    if table.source_table is not None and (own, *table.source_table)[-2:] == path:
        return True
    if table.reads is not None:
        cells = {cell for made in table.reads.columns.values() for cell in made.cells | made.beside} | table.reads.rows
        if any((own, *cell.table)[-2:] == path for cell in cells):
            return True
    text = " ".join((table.relation, *(column.sql for column in table.columns.values() if column is not None)))
    named = set(re.findall(r"\w+", text.casefold()))
    views = {view.casefold() for view in source.views()}
    return path[1].casefold() in named or (table.reads is None and not views.isdisjoint(named))


@contextmanager
def held_still(source: Source, tables: dict[Path, str]) -> Iterator[None]:
    """Keep everybody from writing to tables: what a snapshot shows beside them, begun now, is of one moment with them.

    Raises:
        SourceError: the user may not lock them, or a writer keeps them.
    """
    if not tables:
        yield
        return
    listed = ", ".join(f"{source.quote(*path)} READ" for path in tables)
    engine = source.address.engine()
    try:
        with driver_errors(source.address):
            connection = engine.connect()
        with connection:
            try:
                connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {_WAIT_SECONDS}")
                connection.exec_driver_sql(f"LOCK TABLES {listed}", execution_options={"no_parameters": True})
            except sa.exc.DBAPIError:
                raise SourceError(
                    f"{source.address.shown}: {told(tables)}, so they have to be locked for as long as they are read, "
                    "and could not be: grant LOCK TABLES to this user, or let them be InnoDB (ALTER TABLE ... "
                    "ENGINE=InnoDB); if a writer held them, run again") from None
            yield
            connection.exec_driver_sql("UNLOCK TABLES")
    finally:
        engine.dispose()


_WAIT_SECONDS = 60


def told(tables: dict[Path, str]) -> str:
    """Returns what is said about tables without a snapshot."""
    listed = ", ".join(f"{name} ({engine})" for (_, name), engine in tables.items())
    return f"{listed} cannot be read as of one moment like tables of InnoDB"
