"""Extraction from SQLite, by DuckDB's reader and by the stream."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.errors import MappingError, PrivacyError, SourceError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse import extract as extract_module
from ajprivacy_pipeline.warehouse.mapping import Mapping
from tests.warehouse.shopkit import (
    SMALL,
    SOURCES,
    canonical_sqlite,
    mapping_file,
    marked,
    raw,
    raw_types,
    run,
    untouched,
)

READERS = pytest.mark.parametrize("reader", ["native", pytest.param("stream", marks=pytest.mark.soak)])


@pytest.fixture
def con() -> Iterator[zones.Connection]:
    connection = zones.memory()
    yield connection
    connection.close()


@READERS
def test_twelve_tables_with_all_columns_in_order(con: zones.Connection, tmp_path: Path, reader: str) -> None:
    url = canonical_sqlite(tmp_path / "shop.db", leave_out=["contacts", "customers.gender", "orders.currency"])
    done = run(con, url, reader=reader)
    assert list(done) == list(SOURCES.tables)
    for name, table in SOURCES.tables.items():
        assert raw_types(con, name) == dict.fromkeys(table.columns, "VARCHAR")
    assert raw(con, "customers", "customer_id", "customer_type", "name", "gender") == [
        ("1", "consumer", "Kari", None), ("2", "business", "Lager AS", None)]
    assert raw(con, "orders", "order_id", "total_amount", "ordered_at") == [
        ("10", "1.005", "2024-01-31 23:30:00+00:00")]
    known = "SELECT * FROM raw.extraction WHERE table_name IN ('customers', 'contacts') ORDER BY rows"
    assert con.execute(known).fetchall() == [
        ("contacts", False, 0, list(SOURCES.tables["contacts"].columns), []), ("customers", True, 2, ["gender"], [])]
    assert raw_types(con, "extraction") == {"table_name": "VARCHAR", "present": "BOOLEAN", "rows": "BIGINT",
                                            "missing_columns": "VARCHAR[]", "evidence_missing": "VARCHAR[]"}


@READERS
def test_generated_columns_are_read(con: zones.Connection, tmp_path: Path, reader: str) -> None:
    url = canonical_sqlite(tmp_path / "shop.db", leave_out=["customers"])
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.executescript("""
            CREATE TABLE customers (number integer PRIMARY KEY, customer_type, first, last,
                customer_id text GENERATED ALWAYS AS ('k' || number) STORED UNIQUE, name AS (first || ' ' || last));
            INSERT INTO customers VALUES (1, 'consumer', 'Kari', 'Nordmann')""")
    shop.close()
    run(con, url, reader=reader)
    assert raw(con, "customers", "customer_id", "name") == [("k1", "Kari Nordmann")]


@READERS
def test_values_arrive_as_they_stand(con: zones.Connection, tmp_path: Path, reader: str) -> None:
    """Money, NaN, empty text, dates in any type: nothing is rounded, dropped or aborted."""
    url = canonical_sqlite(tmp_path / "shop.db", leave_out=["invoices"])
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE invoices (invoice_id INTEGER, customer_id INTEGER, issued_at DATETIME, "
                     "amount DECIMAL(10,2), paid_amount REAL)")
        shop.executemany("INSERT INTO invoices VALUES (?, ?, ?, ?, ?)", [
            (1, 1, "2024-02-29", 1.005, 0.1), (2, 1, "", "NaN", None), (3, 1, "yesterday", "12,50", 1),
            (12345678901234567, 1, "0001-01-01 00:00:00+01:00", 99999999999.99, " ")])
    run(con, url, reader=reader)
    assert raw(con, "invoices", "invoice_id", "issued_at", "amount", "paid_amount") == sorted([
        ("1", "2024-02-29", "1.005", "0.1"), ("2", "", "NaN", None), ("3", "yesterday", "12,50", "1.0"),
        ("12345678901234567", "0001-01-01 00:00:00+01:00", "99999999999.99", " ")], key=str)


@READERS
def test_expressions_queries_and_constants_run_in_sqlite(con: zones.Connection, tmp_path: Path, reader: str) -> None:
    url = canonical_sqlite(tmp_path / "shop.db")
    mapping = mapping_file(tmp_path, """
        [tables.customers]
        query = "SELECT customer_id AS customer_id, upper(name) AS name FROM customers WHERE customer_id < 2;"
        [tables.customers.columns]
        customer_type = { constant = "consumer" }
        city = { sql = "printf('%05d', customer_id) || ' 100 % it''s'" }
        [tables.orders.columns]
        order_id = "ORDER_ID"
        currency = { constant = "NOK" }
        payment_method = { constant = true }
        paid_at = { sql = "datetime(86400, 'unixepoch')" }
    """)
    run(con, url, mapping, reader=reader)
    assert raw(con, "customers", "customer_id", "customer_type", "name", "city") == [
        ("1", "consumer", "KARI", "00001 100 % it's")]
    assert raw(con, "orders", "order_id", "currency", "payment_method", "paid_at") == [
        ("10", "NOK", "true", "1970-01-02 00:00:00")]


@READERS
def test_progress_tells_tables_and_counts_only(con: zones.Connection, tmp_path: Path, reader: Any) -> None:
    told: list[tuple[str, int]] = []
    extract_module.extract(con, canonical_sqlite(tmp_path / "shop.db"), Mapping(), SOURCES,
                           progress=lambda table, rows: told.append((table, rows)), reader=reader)
    assert dict(told)["customers"] == 2
    assert [table for table, _ in told] == list(SOURCES.tables)


def test_only_mapped_columns_are_read(con: zones.Connection, tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db")
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("ALTER TABLE customers ADD COLUMN diagnosis DEFAULT 'canary'")
    run(con, url)
    assert "diagnosis" not in raw_types(con, "customers")


def test_a_second_extraction_replaces_the_first(con: zones.Connection, tmp_path: Path) -> None:
    marked(con)
    run(con, canonical_sqlite(tmp_path / "shop.db"))
    run(con, f"sqlite:///{tmp_path / 'shop.db'}")
    assert raw(con, "customers", "customer_id") == [("1",), ("2",)]


def test_relative_paths_are_fine(con: zones.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canonical_sqlite(tmp_path / "shop.db")
    monkeypatch.chdir(tmp_path)
    assert run(con, "sqlite:///shop.db")["customers"].rows == 2


def _shop(**tables: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return SMALL | tables


@READERS
@pytest.mark.parametrize(("rows", "message"), [
    (_shop(customers=[{"customer_id": 1}, {"customer_id": 1}, {"customer_id": "1 "}]),
     r"customers\.customer_id: 2 row\(s\) repeat an id that another row has; make it unique"),
    (_shop(orders=[{"order_id": None, "customer_id": 1}]), r"orders\.order_id: 1 row\(s\) have no id; give them one"),
    (_shop(orders=[{"order_id": "\u00a0", "customer_id": 1}]), r"orders\.order_id: 1 row\(s\) have no id"),
    (_shop(order_lines=[{"order_id": 10, "line_number": 1}] * 2),
     r"order_lines\.order_id, line_number: 1 row\(s\) repeat"),
    (_shop(order_lines=[{"order_id": 10, "line_number": None}]), r"order_lines\.line_number: 1 row\(s\) have no id"),
    ({}, r"has no customer and no order: is it the right database"),
])
def test_broken_keys_and_empty_shops_change_nothing(con: zones.Connection, tmp_path: Path, reader: str,
                                                    rows: dict[str, Any], message: str) -> None:
    marked(con)
    with pytest.raises(SourceError, match=message):
        run(con, canonical_sqlite(tmp_path / "shop.db", rows), reader=reader)
    assert untouched(con)


@pytest.mark.parametrize(("url", "message"), [
    ("shop", "is not a valid database address; write it like sqlite:///"),
    ("sqlite://", "names no file; write sqlite:///"),
    ("sqlite:///{folder}/none.db", r"none\.db does not exist; check AJPRIVACY_WAREHOUSE"),
    ("sqlite:///{folder}/text.db", "is not a SQLite database, or is damaged"),
    ("mysqlx://u:canary@h/d",
     "mysqlx:// is not a kind of database that this installation supports; write AJPRIVACY_WAREHOUSE like"),
    ("mssql+pyodbc://u:canary@h/d", r"the driver for mssql\+pyodbc:// is missing: pip install 'pyodbc'"),
    ("oracle+oracledb://u:canary@h/d",
     r"the driver for oracle\+oracledb:// is missing: pip install 'oracledb'"),
    ("postgresql://u:canary@no-such-host.invalid/d",
     "postgresql://no-such-host.invalid/d: no host of that name is known"),
    ("postgresql://u:canary@127.0.0.1:1/d", "postgresql://127.0.0.1:1/d: nobody answers there; check host, port"),
    ("postgresql://u:canary@127.0.0.1/d?surprise=1",
     "its address has an option that the driver does not know"),
])
def test_an_address_that_leads_nowhere_is_refused(con: zones.Connection, tmp_path: Path, url: str,
                                                  message: str) -> None:
    (tmp_path / "text.db").write_text("this is no database, it only looks like a file of that name" * 40)
    marked(con)
    with pytest.raises(SourceError, match=message) as caught:
        run(con, url.format(folder=tmp_path))
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert untouched(con)
    assert not (tmp_path / "none.db").exists()


def test_a_misfit_stops_before_anything_is_written(con: zones.Connection, tmp_path: Path) -> None:
    marked(con)
    with pytest.raises(MappingError, match=r"orders\.delivered_at: required, and no column delivered_at feeds it"):
        run(con, canonical_sqlite(tmp_path / "shop.db", leave_out=["orders.delivered_at"]))
    assert untouched(con)


@READERS
def test_text_that_is_no_text_names_the_table_and_no_value(con: zones.Connection, tmp_path: Path, reader: str) -> None:
    url = canonical_sqlite(tmp_path / "shop.db")
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("UPDATE customers SET name = CAST(x'63616e617279ff' AS TEXT)")
    marked(con)
    with pytest.raises(PrivacyError, match="table customers: it holds text that is not UTF-8") as caught:
        run(con, url, reader=reader)
    assert "canary" not in str(caught.value)
    assert untouched(con)


def _writing(path: Path, times: int) -> Callable[..., Any]:
    """`_load`, with another connection committing to both sides of a relation while the first tables are read."""
    original, left = extract_module._load, [times]

    def load(con: Any, rows: Any, source: Any, target: str, name: str, *rest: Any) -> Any:
        if name == "orders" and left[0]:
            left[0] -= 1
            _commit(path)
        return original(con, rows, source, target, name, *rest)
    return load


def _commit(path: Path) -> None:
    """Commit from another process, as a shop would: in this one, closing the file would drop DuckDB's locks."""
    script = """if True:
        import sqlite3, sys
        shop = sqlite3.connect(sys.argv[1], timeout=0.1)
        new = shop.execute("SELECT max(customer_id) + 1 FROM customers").fetchone()[0]
        shop.execute("INSERT INTO customers (customer_id, customer_type) VALUES (?, 'consumer')", [new])
        shop.execute("INSERT INTO orders (order_id, customer_id) VALUES (?, ?)", [new * 10 + 1000, new])
        shop.commit()
    """
    subprocess.run([sys.executable, "-I", "-c", script, str(path)], check=False, stderr=subprocess.DEVNULL)


def _wal_shop(path: Path) -> str:
    url = canonical_sqlite(path)
    shop = sqlite3.connect(path)
    shop.execute("PRAGMA journal_mode = wal")
    shop.close()
    return url


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.soak)])
def test_a_write_during_extraction_is_read_again(con: zones.Connection, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    url = _wal_shop(tmp_path / "shop.db")
    monkeypatch.setattr(extract_module, "_load", _writing(tmp_path / "shop.db", times))
    run(con, url)
    assert len(raw(con, "customers", "customer_id")) == 2 + times
    orphans = "SELECT count(*) FROM raw.orders ANTI JOIN raw.customers USING (customer_id)"
    assert con.execute(orphans).fetchall() == [(0,)]


def test_a_source_that_never_rests_is_given_up(con: zones.Connection, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    url = _wal_shop(tmp_path / "shop.db")
    monkeypatch.setattr(extract_module, "_load", _writing(tmp_path / "shop.db", 99))
    marked(con)
    with pytest.raises(SourceError, match="changed during each of 3 attempts to read it"):
        run(con, url)
    assert untouched(con)


def test_the_stream_sees_one_moment(con: zones.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = _wal_shop(tmp_path / "shop.db")
    monkeypatch.setattr(extract_module, "_load", _writing(tmp_path / "shop.db", 99))
    run(con, url, reader="stream")
    assert raw(con, "customers", "customer_id") == [("1",), ("2",)]
    assert raw(con, "orders", "order_id") == [("10",)]


def test_a_writer_waits_for_a_file_without_wal(con: zones.Connection, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """Without WAL our read lock keeps the writer out: what was read is of one moment, the write fails or waits."""
    url = canonical_sqlite(tmp_path / "shop.db")
    monkeypatch.setattr(extract_module, "_load", _writing(tmp_path / "shop.db", 1))
    run(con, url)
    assert raw(con, "customers", "customer_id") == [("1",), ("2",)]


def test_an_encrypted_zone_keeps_the_old_tables_when_a_run_fails(tmp_path: Path) -> None:
    """The same on a file: replacing a schema is one transaction there too."""
    url = canonical_sqlite(tmp_path / "shop.db")
    con = zones.memory()
    con.execute(f"ATTACH '{tmp_path / 'zone.duckdb'}' AS zone")
    con.execute("USE zone")
    run(con, url)
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("INSERT INTO customers (customer_id) VALUES (1)")
    with pytest.raises(SourceError, match="repeat an id"):
        run(con, url)
    assert raw(con, "customers", "customer_id") == [("1",), ("2",)]
    con.close()


@READERS
def test_ids_of_bytes_are_hexadecimal_digits(con: zones.Connection, tmp_path: Path, reader: str) -> None:
    """Of a table and of a query; a text among them stays one."""
    url = canonical_sqlite(tmp_path / "shop.db", {}, ["customers", "orders"])
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE customers (customer_id BLOB, customer_type TEXT)")
        shop.execute("CREATE TABLE orders (order_id BLOB, whose BLOB, ordered_at, delivered_at, paid_at)")
        shop.execute("INSERT INTO customers VALUES (x'00ff', 'consumer'), ('text', 'consumer')")
        shop.execute("INSERT INTO orders VALUES (x'0a', x'00ff', NULL, NULL, NULL)")
    mapping = mapping_file(tmp_path, """
        [tables.orders]
        query = "SELECT o.* FROM orders o"
        [tables.orders.columns]
        order_id = "order_id"
        customer_id = "whose"
        ordered_at = "ordered_at"
        delivered_at = "delivered_at"
        paid_at = "paid_at"
    """)
    run(con, url, mapping, reader=reader)
    assert raw(con, "customers", "customer_id") == [("00ff",), ("text",)]
    assert raw(con, "orders", "order_id", "customer_id") == [("0a", "00ff")]
