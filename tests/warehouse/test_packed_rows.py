"""Rows that MariaDB packs into one text are what its driver gives, value by value; what may differ is not packed."""

from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.packed import may_be_packed
from ajprivacy_pipeline.warehouse.resolved import ResolvedColumn, ResolvedTable
from ajprivacy_pipeline.warehouse.source import ColumnType, open_source
from ajprivacy_pipeline.warehouse.stream import StreamReader
from ajprivacy_pipeline.warehouse.texts import as_text
from tests import mariadb

# SQL of a column, what is put into it, and whether it is packed.
KINDS = {
    "small": ("tinyint(1)", [0, 1, 2, -1, None], True),
    "large": ("bigint unsigned", [0, 2**63 - 1, 2**64 - 1, 10, None], True),
    "exact": ("decimal(65,30)", ["0", "-0.000000000000000000000000000001", "1234567890.5", "-1", None], True),
    "latin": ("varchar(20) CHARACTER SET latin1", ["", " ", "æøå", "NULL", None], True),
    "words": ("text CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", ["Å", "a", "😀 x\0y", "%s\\'\"", None], True),
    "fixed": ("char(6)", ["x", "x  ", "", "A", None], True),
    "chosen": ("enum('a','B')", ["a", "B", "a", "B", None], True),
    "object": ("json", ['{"a": 1.10, "b": 1e400}', "[]", "12345678901234567890.10", "null", None], True),
    "day": ("date", ["0000-00-00", "2024-02-29", "9999-12-31", "0001-01-01", None], True),
    "moment": ("datetime", ["0000-00-00 00:00:00", "2024-02-29 23:59:59", "1753-01-01 00:00:00", "2024-00-00", None],
               True),
    "finer": ("datetime(6)", ["0000-00-00", "2024-02-29 23:59:59.5", "2024-02-29 23:59:59", "2024-02-29", None], False),
    "number": ("double", [0.1, 1e20, -1.5, 3, None], False),
    "padded": ("int(6) zerofill", [7, 0, 999999, 1234567, None], False),
    "span": ("time", ["25:00:00", "-00:00:01", "00:00:00", "12:00:00.5", None], False),
    "uuid": ("uuid", ["550E8400-e29b-41d4-a716-446655440000", "00000000-0000-0000-0000-000000000000",
                      "ffffffff-ffff-4fff-bfff-ffffffffffff", "6ccd780c-baba-1026-9564-5b8c656024db", None], True),
    "host": ("inet6", ["::1", "2001:0db8::ff00:0042:8329", "::ffff:192.0.2.1", "::", None], True),
    "several": ("set('a','b')", ["a,b", "", "b", "a", None], True),
    "year": ("year", [0, 1999, 2024, 2155, None], False),
}


def table_of(columns: dict[str, str], relation: str = "kinds") -> ResolvedTable:
    """A table of the contract with some expressions, of whose types nothing is known."""
    return ResolvedTable(relation, None, {name: ResolvedColumn(sql, ColumnType("unknown", "unknown"), None)
                                          for name, sql in columns.items()})


def copied(url: str, columns: dict[str, str], **types: str) -> tuple[list[tuple[Any, ...]], bool]:
    """What a reader copies of some columns by id, and whether rows may be packed."""
    table, con = table_of({"id": "id", **columns}), zones.memory()
    settled = {name: types.get(name, "VARCHAR") for name in table.columns}
    con.execute(f"CREATE TABLE t ({', '.join(f'{zones.quote(name)} {type_}' for name, type_ in settled.items())})")
    with open_source(url) as source:
        listed = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
        found = source.connection.exec_driver_sql(f"SELECT {listed} FROM kinds LIMIT 0")
        packs = may_be_packed(found.cursor, list(settled.values())[1:])
        found.close()
        reader = StreamReader(con, source)
        with reader.snapshot():
            reader.copy("kinds", table, settled, "t")
    rows = con.execute("SELECT * FROM t ORDER BY id").fetchall()
    con.close()
    return rows, packs


@pytest.fixture(scope="module")
def url(mariadb_url: str) -> str:
    """A table with a column of each kind."""
    found = mariadb.fresh_database(mariadb_url, "packed_rows")
    with mariadb.connect(found) as maria:
        cursor = maria.cursor()
        cursor.execute("SET sql_mode = ''")
        listed = ", ".join(f"`{name}` {sql}" for name, (sql, _, _) in KINDS.items())
        cursor.execute(f"CREATE TABLE kinds (id integer PRIMARY KEY, {listed}, raw blob)")
        for number in range(5):
            values = [values[number] for _, values, _ in KINDS.values()]
            cursor.execute(f"INSERT INTO kinds VALUES ({number}, {', '.join(['%s'] * len(values))}, x'ff00')", values)
    return found


@pytest.mark.parametrize("name", KINDS)
def test_a_value_is_the_one_that_the_driver_gives(name: str, url: str) -> None:
    with open_source(url) as source:
        driver = [(str(number), as_text(value)) for number, value in source.connection.exec_driver_sql(
            f"SELECT id, `{name}` FROM kinds ORDER BY id").fetchall()]
    rows, packs = copied(url, {name: f"`{name}`"})
    assert (rows, packs) == (driver, KINDS[name][2])


def test_all_that_are_packed_stand_beside_each_other(url: str) -> None:
    packed = {name: f"`{name}`" for name, (_, _, packs) in KINDS.items() if packs}
    rows, packs = copied(url, packed, small="BIGINT")
    assert packs
    alone = {name: copied(url, {name: sql})[0] for name, sql in packed.items()}
    assert rows == [(str(number), *(
        int(value) if name == "small" and value is not None else value for name in packed
        for value in [alone[name][number][1]])) for number in range(5)]


def test_what_is_bytes_or_too_large_is_refused_as_ever(url: str) -> None:
    with pytest.raises(SourceError, match=r"kinds\.raw: values do not fit VARCHAR"):
        copied(url, {"raw": "raw"})
    with pytest.raises(SourceError, match=r"kinds\.large: values do not fit BIGINT"):
        copied(url, {"large": "large"}, large="BIGINT")


def test_what_the_server_refuses_half_way_is_one_sentence(url: str) -> None:
    """The driver's own words may have values in them."""
    with pytest.raises(SourceError, match="table kinds: the database refused to be read") as raised:
        copied(url, {"several": "(SELECT k.id FROM kinds k WHERE k.id <> kinds.id)"})
    assert raised.value.__cause__ is None
    assert "Subquery" not in str(raised.value)


def test_a_row_that_is_larger_than_a_packet_lets_all_be_read_one_by_one(url: str, tmp_path: Path) -> None:
    with mariadb.connect(url) as maria:
        maria.cursor().execute("SET GLOBAL max_allowed_packet = 1024")
    try:
        rows, packs = copied(url, {"a": "repeat('a', id * 200)", "b": "repeat('b', id * 200)"})
    finally:
        with mariadb.connect(url) as maria:
            maria.cursor().execute("SET GLOBAL max_allowed_packet = DEFAULT")
    assert packs
    assert rows == [(str(number), "a" * 200 * number, "b" * 200 * number) for number in range(5)]
