"""The source contract: which tables and columns the warehouse has, and how much each says about people.

Belongs here: the shape of `sources.toml`. Does not belong here: how a customer's own tables feed it (`warehouse`).
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ajprivacy_pipeline.policy.base import Frozen

ColumnType = Literal["id", "text", "email", "timestamp", "date", "amount", "number", "integer", "boolean", "enum"]
ColumnClass = Literal["direct_identifier", "contact", "quasi_identifier", "sensitive", "free_text", "online_identifier",
                      "reference", "business_fact", "company_data"]


class SourceColumn(Frozen):
    """One column of the source contract; see `sources.toml` for what each key means."""

    type: ColumnType
    class_: ColumnClass = Field(alias="class")
    required: bool = False
    must_map: bool = False
    nullable: bool = False
    missing_beside: str | None = None
    guest_by: str | None = None
    evidence: bool = False
    values: tuple[str, ...] = ()
    not_before: str | None = None
    decides: bool = True
    birth: bool = False


class SourceTable(Frozen):
    """One table of the source contract."""

    description: str
    columns: dict[str, SourceColumn]
    key: tuple[str, ...]
    required: bool = False
    evidence: bool = False
    bulk: bool = False


class Sources(Frozen):
    """The source contract."""

    identifying_classes: tuple[ColumnClass, ...]
    tables: dict[str, SourceTable]

    @property
    def bulk(self) -> tuple[str, ...]:
        """The tables whose rows are decided by predicate and counted, each by itself."""
        return tuple(name for name, table in self.tables.items() if table.bulk)

    def identifying_columns(self) -> Iterator[tuple[str, str]]:
        """Yields every (table, column) whose values could name somebody."""
        for table_name, table in self.tables.items():
            for column_name, column in table.columns.items():
                if column.class_ in self.identifying_classes:
                    yield table_name, column_name
