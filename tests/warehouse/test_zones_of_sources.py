"""Times without a zone are read in the zone that the mapping names, in each database, once, and shown with it."""

import sqlite3
from datetime import date
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import MappingError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.lookup import lookup
from ajprivacy_pipeline.warehouse.mapping import Mapping
from ajprivacy_pipeline.warehouse.settle import settle_values
from tests import mariadb
from tests.warehouse.shopkit import (
    SOURCES,
    canonical_sqlite,
    connect,
    fresh_database,
    mapping_file,
    raw,
    settled,
)
from tests.warehouse.test_settle import POLICY

SHOP = """
    CREATE TABLE customers (customer_id integer PRIMARY KEY, customer_type varchar(20), profile_created_at {moment},
        last_login_at date);
    CREATE TABLE orders (order_id integer PRIMARY KEY, customer_id integer, ordered_at {moment}, delivered_at {moment},
        paid_at {moment});
    CREATE TABLE order_lines (order_id integer, line_number integer, product_id integer);
    INSERT INTO customers VALUES (1, 'consumer', '1970-01-01 00:00:00', '2024-01-31');
    INSERT INTO orders VALUES (10, 1, '2024-01-31 23:30:00', '2024-07-31 22:30:00', '2024-01-31 22:59:59.5');
"""
IN_UTC = [("10", "2024-02-01 00:30:00", "2024-08-01 00:30:00", "2024-01-31 23:59:59.5")]
IN_OSLO = [("10", "2024-01-31 23:30:00", "2024-07-31 22:30:00", "2024-01-31 22:59:59.5")]


@pytest.fixture(params=["sqlite", *(pytest.param(kind, marks=pytest.mark.soak) for kind in ("postgresql", "mariadb"))])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    text = SHOP.format(moment={"postgresql": "timestamp", "mariadb": "datetime(1)"}.get(request.param, "text"))
    statements = [part for part in map(str.strip, text.split(";")) if part]
    if request.param == "sqlite":
        with sqlite3.connect(tmp_path / "shop.db") as shop:
            shop.executescript(text)
        return f"sqlite:///{tmp_path / 'shop.db'}"
    if request.param == "postgresql":
        found = fresh_database(request.getfixturevalue("postgres_url"), "zoned")
        with connect(found) as server:
            server.execute(text)
        return found
    found = mariadb.fresh_database(request.getfixturevalue("mariadb_url"), "zoned")
    with mariadb.connect(found) as maria:
        for statement in statements:
            maria.cursor().execute(statement)
    return found


@pytest.mark.parametrize(("text", "expected"), [
    ("", IN_OSLO), ('source_timezone = "UTC"', IN_UTC), ('[tables.orders]\nsource_timezone = "UTC"', IN_UTC),
    ('[tables.customers]\nsource_timezone = "UTC"', IN_OSLO), ('source_timezone = "Europe/Oslo"', IN_OSLO),
    ('source_timezone = "Asia/Tokyo"\n[tables.orders]\nsource_timezone = "UTC"', IN_UTC),
    ('source_timezone = "UTC"\n[tables.orders.columns]\nordered_at = { source_timezone = "Europe/Oslo" }',
     [("10", IN_OSLO[0][1], *IN_UTC[0][2:])])])
def test_file_table_and_column_name_the_zone(url: str, text: str, expected: list[tuple[str, ...]],
                                             tmp_path: Path) -> None:
    """A moment before midnight in UTC is on the next day in Oslo; by its date decisions are made."""
    con, mapping = zones.memory(), mapping_file(tmp_path, text)
    settled(con, url, mapping)
    for _ in range(2):  # again changes nothing
        found = [tuple(text.removesuffix("00000").removesuffix(".0") for text in row)
                 for row in raw(con, "orders", "order_id", "ordered_at", "delivered_at", "paid_at")]
        assert found == expected
        settle_values(con, POLICY, mapping)
    assert [row[0][:10] for row in raw(con, "customers", "profile_created_at")] == ["1970-01-01"]  # means no date
    assert raw(con, "customers", "last_login_at") == [("2024-01-31",)]  # a day is a day
    con.close()


def test_a_row_that_is_shown_has_the_zone(url: str, tmp_path: Path) -> None:
    with lookup(url, mapping_file(tmp_path, 'source_timezone = "UTC"'), SOURCES) as found:
        assert [(row["ordered_at"], found.by_ids("customers", {"customer_id": ["1"]})[0]["last_login_at"])
                for row in found.by_ids("orders", {"order_id": ["10"]})] == [
            ("2024-01-31 23:30:00+00:00", "2024-01-31")]


@pytest.mark.parametrize(("given", "day"), [
    ("20240131T2330", date(2024, 2, 1)), (" 2024-01-31 23:30:00 ", date(2024, 2, 1)), ("20240131", date(2024, 1, 31)),
    ("2024-W05-3T23:30", date(2024, 2, 1)), ("2024-01-31T23:30:00+01:00", date(2024, 1, 31)),
    ("2024-01-31 23:30:00Z", date(2024, 2, 1)), ("2024-01-31", date(2024, 1, 31)),
    ("2024-01-31 23:30", date(2024, 2, 1)), ("9999-12-31 23:59:59", None), ("1753-01-01 00:00:00", None)])
@pytest.mark.parametrize("zone", ["UTC", pytest.param("Asia/Tokyo", marks=pytest.mark.soak)])
def test_texts_of_any_form_are_moved_once(given: str, day: date | None, zone: str, tmp_path: Path) -> None:
    con = zones.memory()
    url = canonical_sqlite(tmp_path / "shop.db", {"orders": [
        {"order_id": "1", "customer_id": "1", "ordered_at": "2020-01-01", "paid_at": given}]})
    mapping = mapping_file(tmp_path, f'source_timezone = "{zone}"')
    settled(con, url, mapping)
    settle_values(con, POLICY, mapping)
    found = con.execute("SELECT date_on(paid_at, DATE '1980-01-01', DATE '2199-12-31', $days) FROM raw.orders",
                        {"days": list(POLICY.retention.sentinel_dates)}).fetchall()
    naked = len(given.strip()) > 10 and given[-6] != "+" and given[-1] != "Z"
    expected = date(2024, 1, 31) if zone == "Asia/Tokyo" and naked and day else day
    assert found == [(expected,)]


@pytest.mark.parametrize("text", [
    'source_timezone = "Asia/Tokyo"', """
        [[tables.customers.union]]
        table = "customers"
        source_timezone = "Asia/Tokyo"
        columns = { customer_id = "customer_id", customer_type = "customer_type", birth_date = "birth_date" } """])
def test_a_day_of_birth_that_is_written_with_midnight_stays_that_day(text: str, tmp_path: Path) -> None:
    con = zones.memory()
    url = canonical_sqlite(tmp_path / "shop.db", {"customers": [
        {"customer_id": "1", "customer_type": "consumer", "birth_date": "1980-05-06 00:00:00"}]})
    settled(con, url, mapping := mapping_file(tmp_path, text))
    born = con.execute("SELECT CAST(local_at(birth_date) AS DATE) FROM raw.customers").fetchall()
    assert born == [(date(1980, 5, 6),)]
    with lookup(url, mapping, SOURCES) as found:
        assert found.by_ids("customers", {"customer_id": ["1"]})[0]["birth_date"] == "1980-05-06 00:00:00"


@pytest.mark.parametrize(("text", "words"), [
    ('source_timezone = "Oslo"', 'source_timezone: is no time zone; write it like "UTC" or "Europe/Oslo"'),
    ('[tables.orders.columns]\ncurrency = { source_timezone = "UTC" }',
     "tables.orders.columns.currency: holds no times, so source_timezone says nothing; take it out")])
def test_a_zone_that_is_none_is_refused(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=words):
        mapping_file(tmp_path, text)


ARMS = """
    [[tables.cases.union]]
    table = "orders"
    prefix = "u"
    source_timezone = "UTC"
    [tables.cases.union.columns]
    case_id = "order_id"
    customer_id = "customer_id"
    kind = { constant = "other" }
    opened_at = "ordered_at"
    closed_at = { column = "paid_at", source_timezone = "Asia/Tokyo" }
    [[tables.cases.union]]
    table = "orders"
    prefix = "o"
    [tables.cases.union.columns]
    case_id = "order_id"
    customer_id = "customer_id"
    kind = { constant = "other" }
    opened_at = "ordered_at"
    closed_at = { column = "delivered_at", empty = ["2024-07-31"] }
    [[tables.cases.union]]
    table = "customers"
    prefix = "d"
    source_timezone = "UTC"
    [tables.cases.union.columns]
    case_id = "customer_id"
    customer_id = "customer_id"
    kind = { constant = "other" }
    opened_at = "profile_created_at"
    closed_at = "last_login_at"
"""


def test_each_arm_of_a_union_has_a_zone_of_its_own(url: str, tmp_path: Path) -> None:
    """Several systems in one table: what happened late in UTC is on the next day here, a day stays a day."""
    con, mapping = zones.memory(), mapping_file(tmp_path, ARMS)
    settled(con, url, mapping)
    days = ("SELECT case_id, CAST(local_at(opened_at) AS VARCHAR)[:16], CAST(local_at(closed_at) AS VARCHAR)[:16] "
            "FROM raw.cases ORDER BY 1")
    for _ in range(2):  # again changes nothing
        assert con.execute(days).fetchall() == [
            ("d1", "1970-01-01 00:00", "2024-01-31 00:00"),  # no date, and a day
            ("o10", "2024-01-31 23:30", None), ("u10", "2024-02-01 00:30", "2024-01-31 14:59")]
        settle_values(con, POLICY, mapping)
    con.close()
    with lookup(url, mapping, SOURCES) as found:
        shown = found.by_ids("cases", {"case_id": ["u10", "o10", "d1"]})
        assert {row["case_id"]: row["opened_at"] for row in shown}["u10"] == "2024-01-31 23:30:00+00:00"


@pytest.mark.parametrize(("given", "expected"), [
    ("20240131T2330", "2024-02-01 00:30:00"), ("2024-01-31 23:30:00+02:00", "2024-01-31 22:30:00"),
    ("2024-01-31", "2024-01-31 00:00:00"), ("0000-00-00 00:00:00", None), ("soon", None), ("-", None),
    ("9999-12-31 23:59:59", "9999-12-31 23:59:59"), ("2024-01-31 23:30", "2024-02-01 00:30:00")])
def test_texts_of_any_form_have_the_zone_of_their_arm(given: str, expected: str | None, tmp_path: Path) -> None:
    con = zones.memory()
    url = canonical_sqlite(tmp_path / "shop.db", {"cases": [
        {"case_id": "1", "customer_id": "1", "kind": "other", "opened_at": given}], "customers": [
        {"customer_id": "1", "customer_type": "consumer"}]})
    settled(con, url, mapping_file(tmp_path, """
        [[tables.cases.union]]
        table = "cases"
        source_timezone = "UTC"
        [tables.cases.union.columns]
        case_id = "case_id"
        customer_id = "customer_id"
        kind = "kind"
        opened_at = { column = "opened_at", empty = ["0000-00-00", "-"] } """))
    shown = con.execute("SELECT CAST(local_at(opened_at) AS VARCHAR), opened_at FROM raw.cases").fetchall()
    assert shown[0][0] == expected
    assert shown[0][1] == (None if given[0] in "0-" else shown[0][1])
    assert "[" not in (shown[0][1] or "")
    con.close()


@pytest.mark.parametrize(("text", "words"), [
    ('columns = { product_id = "a", name = { column = "b", source_timezone = "UTC" } }',
     "products.union.0.columns.name: holds no times"),
    ('columns = { product_id = { column = "a", empty = ["0"] } }', "products.union.0.columns.product_id: is the key"),
    ('source_timezone = "Oslo"\ncolumns = { product_id = "a" }', "products.union.0.source_timezone: is no time zone")])
def test_what_an_arm_may_not_say_of_zones_and_emptiness(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=words):
        mapping_file(tmp_path, f'[[tables.products.union]]\ntable = "a"\n{text}')


def test_without_a_mapping_nothing_is_moved() -> None:
    assert Mapping().zone_of("orders", "ordered_at") is None
