"""What runs the models: one small protocol, and DuckDB behind it.

Belongs here: taking a table, running a model on what was taken or made, reading rows. Does not belong here: which
models run when, or an engine's dialect.
"""

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa

from ajprivacy_pipeline.storage.catalogue import Model, run_model
from ajprivacy_pipeline.storage.zones import Connection, quote


class Engine(Protocol):
    """Runs models on tables named `layer.table`; the same rows in give the same rows out, whichever it is."""

    def take(self, name: str, rows: pa.Table) -> None:
        """Put rows under a table's name, in the place of what stood there."""

    def run(self, model: Model, values: Mapping[str, object]) -> int:
        """Make a model's table from bound values and return its row count.

        Raises:
            ModelError: a parameter is not bound, or the engine refused the statement; never with a value of a row.
        """

    def rows(self, name: str) -> pa.Table:
        """Returns the rows of a table that was taken or made, in no order."""


class DuckDB:
    """A connection of a zone, whose macros stand already."""

    def __init__(self, con: Connection) -> None:
        self._con = con

    def take(self, name: str, rows: pa.Table) -> None:
        """As the protocol says."""
        layer, _, table = name.partition(".")
        self._con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(layer)}")
        self._con.register("taken", rows)
        self._con.execute(f"CREATE OR REPLACE TABLE {quote(layer)}.{quote(table)} AS SELECT * FROM taken")
        self._con.unregister("taken")

    def run(self, model: Model, values: Mapping[str, object]) -> int:
        """As the protocol says."""
        return run_model(self._con, model, values)

    def rows(self, name: str) -> pa.Table:
        """As the protocol says."""
        layer, _, table = name.partition(".")
        return self._con.execute(f"SELECT * FROM {quote(layer)}.{quote(table)}").to_arrow_table()
