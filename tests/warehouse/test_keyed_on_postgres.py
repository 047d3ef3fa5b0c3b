"""Keys bound as one array find in PostgreSQL what keys bound one by one would, whatever is in them."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.warehouse import keyed


@pytest.fixture
def connection(postgres_url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize(("type_", "there", "also_asked"), [
    ("text", ["x", 'q"u\\o', "{}", "NULL", "", "a,b", " æ'", "{a"], []),
    ("text", ["x", "NULL", "null", "", "{}", "a,b", "a b"], ["{a"]),  # nothing in them that an array escapes
    ("text", ['a","b', "c"], ["a", "b"]),
    ("varchar(9)", ["K1", "k1"], ["K1 ", "K123456789"]),  # never cut to the column's width
    ("char(4)", ["ab  ", "abc "], []),
    ("bigint", [1, -2, 2**40], [3]),
    ("numeric", [Decimal("1.50"), Decimal(-3)], []),
    ("uuid", [UUID(int=5), UUID(int=6)], [UUID(int=7)]),
    ("boolean", [True], [False]),
    ("bytea", [b"\x00\xff"], [b"x"]),  # no text: bound one by one
])
def test_each_key_finds_its_own_row_alone(connection: sa.Connection, type_: str, there: list[Any],
                                          also_asked: list[Any]) -> None:
    connection.exec_driver_sql(f"CREATE TEMP TABLE rows_by_key (k {type_} PRIMARY KEY)")
    table = sa.Table("rows_by_key", sa.MetaData(), autoload_with=connection)
    for value in there:
        connection.exec_driver_sql("INSERT INTO rows_by_key VALUES (%s)", (value,))
    query = sa.select(table)
    asked = [(value,) for value in (*there, *also_asked)]
    found = connection.execute(query.where(keyed.is_one_of("postgresql", table, ["k"], asked))).scalars().all()
    assert sorted(found, key=repr) == sorted(there, key=repr)
    for value in there:
        assert connection.execute(query.where(keyed.is_one_of("postgresql", table, ["k"], [(value,)]))
                                  ).scalars().all() == [value]
    assert connection.execute(query.where(keyed.is_one_of("postgresql", table, ["k"], []))).scalars().all() == []
