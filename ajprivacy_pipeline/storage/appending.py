"""Appending many rows to a table of the control store in one run of one statement.

Belongs here: the statement and in which form values are bound. Does not belong here: the transaction (`control`), what
is appended.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa


def append_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows, which name the same columns, each as SQLAlchemy binds it.

    On SQLite the statement is made once and run with tuples: preparing each row by itself took longer than storing it.
    """
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        connection.execute(table.insert(), list(rows))
        return
    statement = table.insert().compile(dialect=connection.dialect, column_keys=list(rows[0]))
    columns = [_column(connection.dialect, table, name, [row[name] for row in rows])
               for name in statement.positiontup or ()]
    connection.exec_driver_sql(str(statement), list(zip(*columns, strict=True)))


def _column(dialect: sa.Dialect, table: sa.Table, name: str, values: list[Any]) -> list[Any]:
    """The values of one column in the form in which the driver takes them."""
    processor: Callable[[Any], Any] | None = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
    return values if processor is None else list(map(processor, values))
