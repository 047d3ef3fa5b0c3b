"""Rows addressed by their own keys: raw values in the type of their column, compared by their bytes.

Belongs here: conditions of a statement over the keys of rows, and how many keys one statement takes. Does not belong
here: statements (`writer`).
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

Key = tuple[Any, ...]
_CHUNK = 5000  # keys of one statement, which may be bound twice; SQLite takes 32,766 bound values
_COMPOSITE_CHUNK = 500  # keys of several columns, of which each is a condition; SQLite nests 1,000 of them
_INTEGERS = 2**63  # from here on no integers of SQLite
_WRITTEN = frozenset((str, int, bool, UUID, Decimal))  # what PostgreSQL reads as Python writes it
_BINARY = ("sqlite", "mysql", "mariadb")  # whose texts may be compared otherwise than by their bytes
BY_BYTES = "by bytes"  # in a table's `info`: whether its columns are known to be compared so, as the catalogue has them


def chunks(rows: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """Yields as many keys at a time as one statement takes."""
    size = _CHUNK if rows and len(rows[0]) == 1 else _COMPOSITE_CHUNK
    for start in range(0, len(rows), size):
        yield rows[start:start + size]


def typed(dialect: str, table: sa.Table, key: Sequence[str], keys: Iterable[Key]) -> list[Key]:
    """Returns keys as they were extracted in the types of their columns, as the driver takes them."""
    types = [_type_of(dialect, table.c[name].type) for name in key]
    if all(type_ is None for type_ in types):
        return list(keys)
    return [tuple(type_(value) if type_ is not None and isinstance(value, str) else value
                  for type_, value in zip(types, values, strict=True)) for values in keys]


def unpadded(dialect: str, table: sa.Table, name: str) -> sa.ColumnElement[Any]:
    """Returns a column to read, without the blanks that fill up one of a fixed width, as everything else reads it."""
    if _is_padded(dialect, table.c[name].type):
        return sa.cast(sa.column(name), sa.Text)
    return sa.column(name)


def _is_padded(dialect: str, type_: sa.types.TypeEngine[Any]) -> bool:
    return dialect == "postgresql" and isinstance(type_, sa.CHAR)  # others take the blanks off themselves


def _type_of(dialect: str, type_: sa.types.TypeEngine[Any]) -> Callable[[str], Any] | None:
    if _is_padded(dialect, type_):
        return lambda text: text.rstrip(" ")
    if isinstance(type_, sa.Integer):
        return _whole if dialect != "sqlite" else _whole_or_text
    if isinstance(type_, sa.Uuid):
        return UUID if dialect == "postgresql" else None  # the drivers of others give its text
    if not isinstance(type_, sa.Numeric):
        return None
    return _stored if dialect == "sqlite" else Decimal


def _whole(text: str) -> int | None:
    """A whole number; None, which is equal to nothing, of a text that is none."""
    return int(text) if re.fullmatch(r"-?[0-9]+", text) else None


def _whole_or_text(text: str) -> int | str:
    """What SQLite keeps in a column of whole numbers: what is none, or too large for one, stands there as a text."""
    number = _whole(text)
    return text if number is None or not -_INTEGERS <= number < _INTEGERS else number


def _stored(text: str) -> int | float | str:
    """A number as SQLite keeps it in a column of numbers; what is none stands there as a text."""
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?[0-9]+\.[0-9]+(e[+-]?[0-9]+)?", text) else text


def read_by(dialect: str, table: sa.Table, key: Sequence[str], rows: Sequence[Key]) -> sa.ColumnElement[bool]:
    """Returns the condition that finds extracted keys, as `is_one_of`.

    In a column of SQLite without a type a number is not found by its text; it is read as one.
    """
    if dialect == "sqlite" and len(key) == 1 and isinstance(table.c[key[0]].type, sa.types.NullType):
        return sa.cast(sa.column(key[0]), sa.Text).in_(_values(dialect, [str(row[0]) for row in rows]))
    return is_one_of(dialect, table, key, rows)


def is_one_of(dialect: str, table: sa.Table, key: Sequence[str], rows: Sequence[Key]) -> sa.ColumnElement[bool]:
    """Returns the condition that a row has one of some keys, as the driver gives them."""
    if len(key) == 1:
        column: sa.ColumnElement[Any] = sa.column(key[0])
        keys = [row[0] for row in rows]
        if dialect == "postgresql" and are_written(rows):
            return is_any(key[0], sa.bindparam(None, array(keys), type_=sa.types.NullType()))
        values = _values(dialect, keys)
        plain = column.in_(values)
        if _may_resemble(dialect, table, key[0]):
            return sa.and_(plain, _bytes_of(dialect, column).in_(values))
        return plain
    return sa.or_(*(sa.and_(*(sa.column(name) == sa.bindparam(None, value, type_=sa.types.NullType())
                              for name, value in zip(key, row, strict=True))) for row in rows))


def are_written(rows: Sequence[Key]) -> bool:
    """Whether `array` writes keys of one column as PostgreSQL reads them."""
    return _WRITTEN.issuperset([type(row[0]) for row in rows])


def is_any(name: str, keys: sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    """Returns the condition that a column of PostgreSQL has one of the values of a bound `array`."""
    return sa.column(name) == sa.func.any(keys)


def _values(dialect: str, values: Sequence[Any]) -> Any:
    """What a column is compared with, that is one of some values; SQLite takes them as one bound value where it can."""
    if dialect == "sqlite" and _are_plain(values):
        text = sa.bindparam(None, json.dumps(values, ensure_ascii=False), type_=sa.types.NullType())
        return sa.select(sa.column("value")).select_from(sa.func.json_each(text))
    return sa.bindparam(None, list(values), expanding=True, type_=sa.types.NullType())


def array(values: Sequence[Any]) -> str:
    """Returns values as PostgreSQL writes an array; bound as one value, its type is that of what it is compared with.

    A value each would be bound by a text of thousands of marks, which its driver reads one by one.
    """
    plain = '","'.join(map(str, values))
    if values and "\\" not in plain and plain.count('"') == 2 * (len(values) - 1) and None not in values:
        return f'{{"{plain}"}}'
    return "{" + ",".join("NULL" if value is None else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
                          for value in values) + "}"


def _are_plain(values: Sequence[Any]) -> bool:
    """Whether values are the same after they were JSON; of texts, which most keys are, all at once."""
    if {str}.issuperset(map(type, values)):
        return "\0" not in "".join(values)
    return all((type(value) is str and "\0" not in value)
               or (type(value) is int and -_INTEGERS <= value < _INTEGERS) for value in values)


def has_index(table: sa.Table, key: Sequence[str]) -> bool:
    """Whether the database finds a row by some key without looking through the table."""
    found = [list(table.primary_key.columns), *(list(index.columns) for index in table.indexes)]
    return any({column.name for column in columns[:len(key)]} == set(key) for columns in found)


def is_one(dialect: str, table: sa.Table, key: Sequence[str]) -> sa.ColumnElement[bool]:
    """Returns the condition that a row has the key that is bound as `bound` names it."""
    met: list[sa.ColumnElement[bool]] = []
    for name, told in zip(key, bound(key), strict=True):
        column: sa.ColumnElement[Any] = sa.column(name)
        value = sa.bindparam(told, type_=sa.types.NullType())
        met.append(column == value)
        if len(key) == 1 and _may_resemble(dialect, table, name):
            met.append(_bytes_of(dialect, column) == value)
    return sa.and_(*met)


def bound(key: Sequence[str]) -> list[str]:
    """Returns the names under which `is_one` binds a key's values."""
    return [f"key_{i}" for i in range(len(key))]


def is_by_bytes(connection: sa.Connection, path: Sequence[str]) -> bool:
    """Returns whether SQLite compares every column of a table by its bytes: its statement names no other collation."""
    if connection.dialect.name != "sqlite" or len(path) > 1:
        return False
    told = connection.exec_driver_sql("SELECT upper(sql) FROM sqlite_master WHERE name = ? COLLATE NOCASE "
                                      "AND type IN ('table', 'view')", tuple(path)).scalars().all()
    return len(told) == 1 and str(told[0]).startswith("CREATE TABLE") and "COLLATE" not in str(told[0])


def _may_resemble(dialect: str, table: sa.Table, name: str) -> bool:
    """Whether a column may hold texts that the database takes for another one's."""
    return isinstance(table.c[name].type, sa.String) and dialect in _BINARY and not table.info.get(BY_BYTES)


def _bytes_of(dialect: str, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if dialect == "sqlite":
        return sa.collate(column, "BINARY")
    return sa.func.binary(sa.cast(column, mysql.CHAR(charset="utf8mb4")))  # as the driver sends what it is held against
