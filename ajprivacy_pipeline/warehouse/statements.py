"""Statements that change rows, made once for all batches: making one takes longer than most databases take to run it.

Belongs here: what a change is, its text, in which order values are bound, how rows are fetched. Does not belong here:
running it (`writer`), what tells a row apart (`keyed`).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from ajprivacy_pipeline.warehouse import keyed
from ajprivacy_pipeline.warehouse.keyed import Key

Path_ = tuple[str, ...]  # (schema, table), or (table,)
Prepared = tuple[str, Callable[[Key], Key]]
Beside = Mapping[str, sa.ColumnElement[Any]]  # what else is set of a row, by column
KEYS = "keys"  # under which `of_many` binds an array of keys


@dataclass(frozen=True)
class Change:
    """Rows of one table of which the same columns get values of their own; without columns they are deleted."""

    table: Path_
    address: tuple[str, ...]  # the columns that tell a row apart
    rows: tuple[Key, ...]
    columns: tuple[str, ...] | None
    values: tuple[Key, ...] = ()  # by row, what its columns get


def of_one(dialect: sa.Dialect, table: sa.Table, address: Sequence[str], columns: Sequence[str], beside: Beside,
           ) -> Prepared:
    """Returns what changes one row, and what brings new values and key into the order of its bound values."""
    names = [*map(_to, range(len(columns))), *keyed.bound(address)]
    values = {name: _bound(told) for name, told in zip(columns, names, strict=False)}
    statement = sa.update(table).where(keyed.is_one(dialect.name, table, address)).values(
        {**values, **beside}).compile(dialect=dialect)
    return str(statement), itemgetter(*(names.index(told) for told in statement.positiontup or ()))


def of_many(dialect: sa.Dialect, table: sa.Table, key: str, ends: Mapping[str, Any], beside: Beside) -> str:
    """Returns what gives all rows of an array of keys the same values, for PostgreSQL; it is made for its NULLs."""
    values = {name: sa.null() if end is None else _bound(_to(i)) for i, (name, end) in enumerate(ends.items())}
    return str(sa.update(table).where(keyed.is_any(key, _bound(KEYS))).values(
        {**values, **beside}).compile(dialect=dialect))


def bound(ends: Sequence[Any]) -> dict[str, Any]:
    """Returns values as `of_many` binds them."""
    return {_to(i): end for i, end in enumerate(ends) if end is not None}


def fetched(result: sa.CursorResult[Any]) -> list[Key]:
    """Returns rows as the driver gives them, which those of columns without a type are anyway, only more slowly."""
    with closing(result):
        return list(map(tuple, result.cursor.fetchall())) if result.cursor else []


def _to(number: int) -> str:
    return f"to_{number}"


def _bound(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.types.NullType())
