"""Facts about a few ids as the engine takes them in.

Belongs here: the rows of `facts` in the types of `raw`. Does not belong here: reading them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ajprivacy_pipeline.warehouse.facts import fact_rows
from ajprivacy_pipeline.warehouse.resolved import ResolvedTable
from ajprivacy_pipeline.warehouse.texts import as_text

_ARROW = {"VARCHAR": pa.string(), "TIMESTAMP": pa.timestamp("us"),
          "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"), "DATE": pa.date32(),
          "BIGINT": pa.int64(), "BOOLEAN": pa.bool_()}


def facts(connection: sa.Connection, table: ResolvedTable, types: Mapping[str, str],
          by: Mapping[str, Sequence[str]] | None, *, lock: bool, key: str | None = None) -> pa.Table:
    """Returns what `fact_rows` reads, in the types of raw."""
    rows = fact_rows(connection, table, types, by, lock=lock, key=key)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(types)
    return pa.table({name: _array(values, type_) for (name, type_), values in zip(types.items(), columns, strict=True)})


def _array(values: Sequence[Any], type_: str) -> pa.Array:
    if type_ in _ARROW and type_ != "VARCHAR":
        return pa.array(values, _ARROW[type_])
    is_text = set(map(type, values)) <= {str, type(None)}  # which is told sooner than each value is asked
    return pa.array(values if is_text else [as_text(value) for value in values], pa.string())
