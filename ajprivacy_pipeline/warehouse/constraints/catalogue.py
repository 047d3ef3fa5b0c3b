"""One way to ask the three databases for their catalogue.

Belongs here: which reader belongs to which database, and finding every table that a change reaches. Does not belong
here: judging what was read (rules.py).
"""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Protocol

import sqlalchemy as sa

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.warehouse.constraints.mariadb import MariadbCatalogue
from ajprivacy_pipeline.warehouse.constraints.postgres import PostgresCatalogue
from ajprivacy_pipeline.warehouse.constraints.shapes import ColumnFacts, Table, TableFacts
from ajprivacy_pipeline.warehouse.constraints.sqlite import SqliteCatalogue
from ajprivacy_pipeline.warehouse.source import Source


class Reader(Protocol):
    """What each database's module offers."""

    source: Source

    def facts(self, table: Table) -> TableFacts | None:
        """Returns what the catalogue says of a table; None: there is none of that name."""

    def lacks(self, facts: TableFacts, updated: set[str], deletes: bool) -> list[tuple[str | None, str]]:
        """Returns (column, right) that the user lacks to change these columns, or to delete rows."""

    def inserts(self, facts: TableFacts) -> bool:
        """Whether the user may insert rows."""

    def read_only(self) -> str:
        """Returns what a person does so that writes are taken; '' they are."""

    def fits(self, value: str, column: ColumnFacts) -> bool:
        """Whether a column can hold a value."""

    def cast(self, literal: str, column: ColumnFacts) -> str:
        """Returns a literal as a value of the column's type."""


class Catalogue:
    """The catalogue of an open warehouse; each table is read once.

    Raises:
        SourceError: it is none of the databases that can be written to.
    """

    def __init__(self, source: Source) -> None:
        readers: dict[str, Callable[[Source], Reader]] = {"sqlite": SqliteCatalogue, "postgresql": PostgresCatalogue,
                                            "mariadb": MariadbCatalogue, "mysql": MariadbCatalogue}
        mysql = source.dialect == "mysql" and not getattr(source.connection.dialect, "is_mariadb", False)
        if source.dialect not in readers or mysql:
            raise SourceError(f"{source.address.shown}: plans are carried out on SQLite, PostgreSQL and MariaDB alone")
        self.source, self.reader = source, readers[source.dialect](source)
        self._known: dict[Table, TableFacts | None] = {}

    def find(self, table: Table) -> TableFacts | None:
        """Returns what is known of a table; None: there is none of that name."""
        if table not in self._known:
            found = self.reader.facts(table)
            self._known[table] = found and self._known.setdefault(found.table, found)
        return self._known[table]

    def facts(self, table: Table) -> TableFacts:
        """As `find`.

        Raises:
            SourceError: there is no such table.
        """
        found = self.find(table)
        if found is None:
            raise SourceError(f"{self.source.address.shown}: there is no table {'.'.join(table)}; fix the mapping")
        return found

    def around(self, tables: Iterable[Table]) -> list[TableFacts]:
        """Returns these tables, those they point to, and those that point to them, directly or through others."""
        found: dict[Table, TableFacts] = {}
        waiting = [self.facts(table) for table in tables]
        pointed = [key.to for facts in waiting for key in facts.foreign_keys]
        while waiting:
            facts = waiting.pop()
            if facts.table not in found:
                found[facts.table] = facts
                waiting += [child for key in facts.incoming if (child := self.find(key.table))]
        for table in pointed:
            if target := self.find(table):
                found.setdefault(target.table, target)
        return [found[table] for table in sorted(found)]

    def count(self, select: str) -> int | None:
        """Returns the number that a SELECT gives; None where the source refuses it. Nothing of its text is told."""
        connection = self.source.connection
        kept = connection.begin_nested if self.source.dialect == "postgresql" else nullcontext  # an error ends nothing
        try:
            with kept():
                found = connection.exec_driver_sql(select, execution_options={"no_parameters": True}).scalar()
                return int(found or 0)
        except (sa.exc.DBAPIError, ValueError):
            return None
