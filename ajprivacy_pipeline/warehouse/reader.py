"""What a way to read the warehouse has to offer, and what all of them share.

Belongs here: the protocol, appending a query's rows to a table, words for the engine's errors. Does not belong here:
any one way (native.py, stream.py), and what is read (mapping.py).
"""

from contextlib import AbstractContextManager
from typing import Protocol

from ajprivacy_pipeline.errors import PrivacyError, SourceError, ZoneError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.address import Address, meaning
from ajprivacy_pipeline.warehouse.resolved import ResolvedColumn, ResolvedTable


class SourceChangedError(Exception):
    """The source was written to while it was read, so what was read is not of one moment. Never leaves this package."""


class Reader(Protocol):
    """A way to read. The other methods run inside `snapshot`, inside a transaction of the target."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Everything read inside is of one moment.

        Raises:
            SourceChangedError: it turned out not to be; try again.
        """
        ...

    def settle(self, name: str, table: ResolvedTable, types: dict[str, str], /) -> dict[str, str]:
        """Returns the types of `raw.<name>` that this reader can fill without loss, given those that would be best.

        Raises:
            SourceError: the source could not be read.
        """
        ...

    def copy(self, name: str, table: ResolvedTable, types: dict[str, str], target: str, /) -> None:
        """Append a source table's mapped columns to the table `target`, which has the settled `types`.

        Raises:
            SourceError: the source could not be read.
            SourceChangedError: a writer holds it; try again.
        """
        ...


def fed_columns(table: ResolvedTable) -> dict[str, ResolvedColumn]:
    """Returns the canonical columns that something feeds."""
    return {name: column for name, column in table.columns.items() if column is not None}


def scannable(table: ResolvedTable) -> bool:
    """Returns whether plain columns of one source table feed everything, so that the source has nothing to compute."""
    return table.source_table is not None and all(
        not column.wrapped and (column.source_column is not None or column.constant is not None)
        for column in fed_columns(table).values())


def scan(table: ResolvedTable, relation: str) -> str:
    """Returns a SELECT in DuckDB's dialect of what feeds a scannable table."""
    listed = (zones.quote(column.source_column) if column.source_column is not None
              else zones.literal(column.constant or "") for column in fed_columns(table).values())
    return f"SELECT {', '.join(listed)} FROM {relation}"


def insert(con: zones.Connection, address: Address, name: str, table: ResolvedTable, target: str, query: str) -> None:
    """Append what `query` returns to the fed columns of `target`.

    Raises:
        SourceError: the source could not be read.
        SourceChangedError: a writer has locked it.
        ZoneError: the target could not be written.
    """
    try:
        con.execute(f"INSERT INTO {target} ({', '.join(map(zones.quote, fed_columns(table)))}) {query}")
    except zones.EngineError as error:
        raise failure(address, name, error) from None


def failure(address: Address, name: str, error: zones.EngineError) -> PrivacyError | SourceChangedError:
    """Returns what an engine error while reading table `name` means.

    It never has the engine's own text, which may hold values of rows.
    """
    own = zones.explain(error)
    if "disk is full" in own or "not enough memory" in own:
        return ZoneError(f"raw.{name}: {own}")
    if "database is locked" in str(error):
        return SourceChangedError()
    known = meaning(str(error))
    return SourceError(f"{address.shown}: table {name}: "
                       f"{known or 'some row stops the source; check the expressions that the mapping has for it'}")
