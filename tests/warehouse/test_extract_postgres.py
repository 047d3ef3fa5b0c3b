"""Extraction from PostgreSQL, by DuckDB's reader and by the stream."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.errors import MappingError, SourceError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse import extract as extract_module
from ajprivacy_pipeline.warehouse import native
from tests.warehouse.shopkit import (
    SOURCES,
    connect,
    fresh_database,
    mapping_file,
    marked,
    raw,
    raw_types,
    run,
    untouched,
)

PASSWORD = "can:ary\\ @'\""
READERS = pytest.mark.parametrize("reader", ["native", pytest.param("stream", marks=pytest.mark.soak)])
SHOP = """
    CREATE TYPE kind AS ENUM ('consumer', 'business');
    CREATE TABLE customers (customer_id bigint PRIMARY KEY, customer_type kind, name varchar(80), preferences jsonb,
        birth_date date, updated_at timestamptz, profile_created_at timestamp, organisation_number char(9));
    INSERT INTO customers VALUES
        (1, 'consumer', 'Kåre', '{"a": 1}', '0001-01-01', '2024-03-31 02:30+00', '2024-03-31 02:30', '987654321'),
        (2, 'business', '', NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE orders (order_id uuid PRIMARY KEY, customer_id integer, ordered_at timestamptz, delivered_at date,
        paid_at text, total_amount numeric(18,2));
    INSERT INTO orders VALUES
        ('00000000-0000-0000-0000-000000000010', 1, '2024-01-31 23:30+00', '2024-02-29', '2024-02-01 10:00+02', 1.10);
    CREATE TABLE order_lines (order_id uuid, line_number integer, quantity numeric, unit_price double precision);
    INSERT INTO order_lines VALUES ('00000000-0000-0000-0000-000000000010', 1, 1.005, 0.1);
    CREATE TABLE invoices (invoice_id text, customer_id numeric(10,0), issued_at date, amount numeric,
        paid_amount numeric(18,2));
    INSERT INTO invoices VALUES ('a', 1, 'infinity', 'NaN', 'NaN'), ('b', 1, '2024-01-01', 1.005, 2.00);
    CREATE TABLE web_events (event_id bigint, occurred_at timestamp, ip_address inet, consented boolean);
    INSERT INTO web_events VALUES (1, '2024-01-01', '10.0.0.1', true), (2, '2024-01-01', NULL, NULL);
"""


@pytest.fixture
def con() -> Iterator[zones.Connection]:
    connection = zones.memory()
    yield connection
    connection.close()


@pytest.fixture
def url(postgres_url: str) -> str:
    """A database of the test's own, with the small shop in it."""
    own = fresh_database(postgres_url, "shop")
    with connect(own) as shop:
        shop.execute(SHOP)
    return own


def _change(url: str, statement: str) -> None:
    with connect(url) as shop:
        shop.execute(statement)


def test_types_are_kept_where_they_are_exact(con: zones.Connection, url: str) -> None:
    done = run(con, url)
    assert raw_types(con, "customers") | {"birth_date": "DATE", "updated_at": "TIMESTAMP WITH TIME ZONE",
                                          "profile_created_at": "TIMESTAMP"} == raw_types(con, "customers")
    assert raw_types(con, "orders")["ordered_at"] == "TIMESTAMP WITH TIME ZONE"
    assert raw_types(con, "orders")["delivered_at"] == "DATE"
    assert raw_types(con, "orders")["paid_at"] == "VARCHAR"
    assert raw_types(con, "orders")["total_amount"] == "DECIMAL(18,2)"
    assert raw_types(con, "order_lines")["line_number"] == "BIGINT"
    assert raw_types(con, "web_events")["consented"] == "BOOLEAN"
    assert list(raw_types(con, "cases")) == list(SOURCES.tables["cases"].columns)
    assert done["invoices"].rows == 2
    assert done["cases"].evidence_missing == ("*",)


def test_both_readers_give_the_same_values(con: zones.Connection, url: str) -> None:
    _change(url, "UPDATE invoices SET issued_at = '2024-12-31' WHERE invoice_id = 'a'")  # psycopg has no infinity
    columns = {name: list(table.columns) for name, table in SOURCES.tables.items()}
    run(con, url, reader="native")
    native_rows = {name: raw(con, name, *listed) for name, listed in columns.items()}
    run(con, url, reader="stream")
    assert {name: raw(con, name, *listed) for name, listed in columns.items()} == native_rows


def test_values_arrive_as_they_stand(con: zones.Connection, url: str) -> None:
    run(con, url)
    assert raw(con, "customers", "customer_id", "customer_type", "name", "preferences", "birth_date", "updated_at",
               "profile_created_at") == [
        ("1", "consumer", "Kåre", '{"a": 1}', "0001-01-01", "2024-03-31 04:30:00+02", "2024-03-31 02:30:00"),
        ("2", "business", "", None, None, None, None)]
    assert raw(con, "orders", "order_id", "ordered_at", "delivered_at", "paid_at", "total_amount") == [
        ("00000000-0000-0000-0000-000000000010", "2024-02-01 00:30:00+01", "2024-02-29", "2024-02-01 10:00+02", "1.10")]
    assert raw(con, "order_lines", "quantity", "unit_price") == [("1.005", "0.1")]
    assert raw(con, "web_events", "ip_address", "consented") == [("10.0.0.1", "true"), (None, None)]


@READERS
def test_not_a_number_survives_as_text(con: zones.Connection, url: str, reader: str) -> None:
    """In numeric(18,2) too, where the binary protocol would turn it into 0.00."""
    _change(url, "UPDATE invoices SET issued_at = '2024-12-31' WHERE invoice_id = 'a'")
    run(con, url, reader=reader)
    assert raw(con, "invoices", "invoice_id", "amount", "paid_amount", "customer_id") == [
        ("a", "NaN", "NaN", "1"), ("b", "1.005", "2.00", "1")]
    assert raw_types(con, "invoices")["paid_amount"] == "VARCHAR"


@pytest.mark.parametrize("scheme", [
    "postgres", *(pytest.param(scheme, marks=pytest.mark.soak)
                  for scheme in ("postgresql", "postgresql+psycopg", "postgresql+psycopg2"))])
def test_every_usual_scheme_is_understood(con: zones.Connection, url: str, scheme: str) -> None:
    assert run(con, url.replace("postgresql+psycopg", scheme, 1))["customers"].rows == 2


@READERS
def test_other_schemas_odd_names_partitions_and_views(con: zones.Connection, url: str, tmp_path: Path,
                                                      reader: str) -> None:
    _change(url, """
        CREATE SCHEMA "CRM x";
        CREATE TABLE "CRM x"."Kunder <A>" ("Id" integer, "id2" text, "ID2" text) PARTITION BY LIST ("Id");
        CREATE TABLE "CRM x".one PARTITION OF "CRM x"."Kunder <A>" FOR VALUES IN (7);
        CREATE TABLE "CRM x".two PARTITION OF "CRM x"."Kunder <A>" DEFAULT;
        INSERT INTO "CRM x"."Kunder <A>" VALUES (7, 'lower', 'UPPER'), (8, 'l', 'U');
        CREATE VIEW "CRM x".varer AS SELECT 1 AS product_id, 'x' AS name;
        CREATE TABLE "Customers" (wrong integer);
        UPDATE invoices SET issued_at = '2024-12-31';
    """)
    mapping = mapping_file(tmp_path, """
        [tables.customers]
        table = 'CRM x.Kunder <A>'
        [tables.customers.columns]
        customer_id = "Id"
        customer_type = { constant = "consumer" }
        name = "ID2"
        [tables.products]
        table = "CRM x.varer"
    """)
    run(con, url, mapping, reader=reader)
    assert raw(con, "customers", "customer_id", "name") == [("7", "UPPER"), ("8", "U")]
    assert raw(con, "products", "product_id", "name") == [("1", "x")]


@READERS
def test_all_tables_are_of_one_moment(con: zones.Connection, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                      reader: str) -> None:
    """A writer commits to tables read by scan and by query, after the first table has been read."""
    mapping = mapping_file(tmp_path, '[tables.customers.columns]\nname = { sql = "upper(name)" }\n')
    monkeypatch.setattr(extract_module, "_load", _after("customers", lambda: _change(url, """
        UPDATE invoices SET issued_at = '2024-12-31';
        INSERT INTO customers VALUES (3, 'consumer');
        INSERT INTO orders (order_id, customer_id, ordered_at) VALUES (gen_random_uuid(), 3, now());
        INSERT INTO order_lines VALUES (gen_random_uuid(), 1, 'NaN', 1);
        DELETE FROM web_events;
    """)))
    _change(url, "UPDATE invoices SET issued_at = '2024-01-01'")
    done = run(con, url, mapping, reader=reader)
    assert {name: done[name].rows for name in ("customers", "orders", "order_lines", "web_events")} == {
        "customers": 2, "orders": 1, "order_lines": 1, "web_events": 2}
    assert {row[0] for row in raw(con, "invoices", "issued_at")} == {"2024-01-01"}


def _after(table: str, act: Callable[[], None]) -> Callable[..., Any]:
    original = extract_module._load

    def load(con: Any, rows: Any, source: Any, target: str, name: str, *rest: Any) -> Any:
        done = original(con, rows, source, target, name, *rest)
        if name == table:
            act()
        return done
    return load


def test_a_table_larger_than_its_statistics_say_is_read_whole(con: zones.Connection, url: str) -> None:
    _change(url, """
        ANALYZE web_events;
        ALTER TABLE web_events SET (autovacuum_enabled = false);
        INSERT INTO web_events SELECT 10 + i, now(), '10.0.0.2', false FROM generate_series(1, 200000) i;
        ALTER TABLE web_events ALTER ip_address TYPE text;
        INSERT INTO web_events SELECT 1000000 + i, now(), 'x', false FROM generate_series(1, 100000) i;
    """)
    assert run(con, url)["web_events"].rows == 300_002


@READERS
@pytest.mark.parametrize(("change", "error", "message"), [
    ("ALTER TABLE orders ALTER ordered_at TYPE bytea USING '\\x00'", MappingError,
     r"orders\.ordered_at: the source's type bytea cannot be converted to timestamp; feed it from \{ sql"),
    ("ALTER TABLE orders ALTER ordered_at TYPE jsonb USING '{}'", MappingError,
     "type jsonb cannot be converted to timestamp"),
    ("ALTER TABLE orders ALTER ordered_at TYPE integer USING 1", MappingError, "type integer cannot be converted to"),
    ("ALTER TABLE orders ALTER ordered_at TYPE text[] USING '{}'", MappingError,
     r"type text\[\] cannot be converted to"),
    ("ALTER TABLE customers ALTER customer_id TYPE float8", MappingError,
     r"customers\.customer_id: .*double precision"),
    ("ALTER TABLE orders ALTER total_amount TYPE money", MappingError, r"orders\.total_amount: .*money cannot be"),
    ("ALTER TABLE orders DROP COLUMN customer_id", MappingError, r"orders\.customer_id: required, and no column"),
    ("DROP TABLE order_lines", MappingError, r"order_lines: required, and the warehouse has no table order_lines"),
    ("INSERT INTO web_events SELECT * FROM web_events", SourceError, r"web_events\.event_id: 2 row\(s\) repeat an id"),
    ("INSERT INTO order_lines SELECT order_id, NULL FROM order_lines", SourceError,
     r"order_lines\.line_number: 1 row\(s\) have no id"),
    ("TRUNCATE customers, orders", SourceError, "has no customer and no order"),
    ("DROP TABLE customers, orders, order_lines, invoices, web_events", SourceError, "shop has no tables"),
])
def test_a_shop_that_breaks_the_contract_changes_nothing(con: zones.Connection, url: str, reader: str, change: str,
                                                         error: type[Exception], message: str) -> None:
    _change(url, "UPDATE invoices SET issued_at = '2024-01-01'")
    _change(url, change)
    marked(con)
    with pytest.raises(error, match=message):
        run(con, url, reader=reader)
    assert untouched(con)


@READERS
def test_an_expression_that_fails_on_a_row_shows_no_value(con: zones.Connection, url: str, tmp_path: Path,
                                                          reader: str) -> None:
    mapping = mapping_file(tmp_path, '[tables.customers.columns]\nusername = { sql = "name::integer::text" }\n')
    marked(con)
    with pytest.raises(SourceError, match=r"table customers: .*expressions") as caught:
        run(con, url, mapping, reader=reader)
    assert "Kåre" not in str(caught.value)
    assert untouched(con)


@READERS
def test_a_server_that_goes_away_changes_nothing(con: zones.Connection, url: str, monkeypatch: pytest.MonkeyPatch,
                                                 reader: str) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop' AND pid <> pg_backend_pid()"
    monkeypatch.setattr(extract_module, "_load", _after("customers", lambda: _change(url, end)))
    marked(con)
    with pytest.raises(SourceError, match="the connection broke; run again"):
        run(con, url, reader=reader)
    assert untouched(con)


@pytest.fixture
def guarded_url(url: str) -> Iterator[str]:
    """The shop for a user whose password the server does check, with the characters that hurt."""
    with connect(url) as admin:
        admin.execute("DROP ROLE IF EXISTS reader")
        admin.execute(f"CREATE ROLE reader LOGIN PASSWORD {zones.literal(PASSWORD)}")
        admin.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        rows = admin.execute("SHOW hba_file").fetchall()
        rules = Path(rows[0][0])
        if "reader" not in rules.read_text():
            rules.write_text("local all reader scram-sha-256\n" + rules.read_text())
        admin.execute("SELECT pg_reload_conf()")
    yield sa.make_url(url).set(username="reader", password=PASSWORD).render_as_string(hide_password=False)
    with connect(url) as admin:
        admin.execute("DROP OWNED BY reader")
        admin.execute("DROP ROLE reader")


def test_the_password_stands_nowhere(con: zones.Connection, guarded_url: str, monkeypatch: pytest.MonkeyPatch,
                                     tmp_path: Path) -> None:
    """Nor in a place that outlives a killed run: where a month spills is swept when the next one begins."""
    seen: list[str] = []
    con.execute(f"SET temp_directory = '{tmp_path / 'spill'}'")

    def look() -> None:
        seen.append(str(con.cursor().execute("SELECT * FROM duckdb_databases()").fetchall()))
        seen.append(str(con.cursor().execute("SELECT * FROM duckdb_secrets()").fetchall()))
    modes: list[int] = []
    original = native.make_conninfo

    def conninfo(text: str, **arguments: Any) -> str:
        modes.append(Path(arguments["passfile"]).stat().st_mode & 0o777)
        seen.append(arguments["passfile"])
        return original(text, **arguments)
    monkeypatch.setattr(native, "make_conninfo", conninfo)
    monkeypatch.setattr(extract_module, "_load", _after("customers", look))
    assert run(con, guarded_url)["customers"].rows == 2
    assert modes == [0o600]
    assert Path(seen[0]).parent == tmp_path / "spill"
    assert "warehouse_" in seen[1]
    assert not any("ary" in text for text in seen)
    assert not Path(seen[0]).exists()
    attached = "SELECT count(*) FROM duckdb_databases() WHERE database_name LIKE 'warehouse_%'"
    assert con.execute(attached).fetchall() == [(0,)]


@READERS
def test_a_wrong_password_is_not_shown(con: zones.Connection, guarded_url: str, reader: str) -> None:
    wrong = sa.make_url(guarded_url).set(password="canary-wrong").render_as_string(hide_password=False)
    marked(con)
    with pytest.raises(SourceError, match="user or password is not accepted; fix AJPRIVACY_WAREHOUSE") as caught:
        run(con, wrong, reader=reader)
    assert "canary" not in str(caught.value)
    assert untouched(con)


def test_an_unknown_database_and_a_table_without_rights_are_named(con: zones.Connection, url: str,
                                                                  guarded_url: str) -> None:
    with pytest.raises(SourceError, match="there is no such database"):
        run(con, sa.make_url(url).set(database="nix").render_as_string(hide_password=False))
    _change(url, "REVOKE SELECT ON orders FROM reader")
    with pytest.raises((SourceError, MappingError), match="orders"):
        run(con, guarded_url)


@READERS
def test_ids_of_bytes_and_bits_are_read(postgres_url: str, tmp_path: Path, reader: str) -> None:
    url, con = fresh_database(postgres_url, "of_bytes"), zones.memory()
    with connect(url) as shop:
        shop.execute("""
            CREATE TABLE customers (customer_id bytea, customer_type text);
            CREATE TABLE orders (order_id integer, customer_id bytea, ordered_at date, delivered_at date, paid_at date);
            CREATE TABLE order_lines (order_id integer, line_number integer, product_id integer);
            CREATE TABLE web_events (event_id integer, occurred_at timestamptz, customer_id bytea, consented bit(1));
            INSERT INTO customers VALUES ('\\x00ff', 'consumer');
            INSERT INTO orders VALUES (1, '\\x00ff', NULL, NULL, NULL);
            INSERT INTO web_events VALUES (1, now(), '\\x00ff', B'1'), (2, now(), NULL, B'0')""")
    mapping = mapping_file(tmp_path, '[tables.orders]\nquery = "SELECT * FROM orders"\n[tables.orders.columns]\n'
                           'order_id = "order_id"\ncustomer_id = "customer_id"\nordered_at = "ordered_at"\n'
                           'delivered_at = "delivered_at"\npaid_at = "paid_at"\n')
    run(con, url, mapping, reader=reader)
    assert raw(con, "customers", "customer_id") == [("00ff",)]
    assert raw(con, "orders", "customer_id") == [("00ff",)]
    assert raw(con, "web_events", "customer_id", "consented::BOOLEAN") == [("00ff", "true"), (None, "false")]
    con.close()


@READERS
def test_a_domain_is_read_as_what_it_is_made_of(postgres_url: str, reader: str) -> None:
    url, con = fresh_database(postgres_url, "of_domains"), zones.memory()
    with connect(url) as shop:
        shop.execute("""
            CREATE TYPE kind AS ENUM ('consumer', 'business'); CREATE DOMAIN kinds AS kind; CREATE DOMAIN ids AS bytea;
            CREATE DOMAIN day AS date; CREATE DOMAIN at AS timestamptz CHECK (VALUE > '1900-01-01');
            CREATE DOMAIN later AS at; CREATE DOMAIN worth AS numeric(10,2); CREATE DOMAIN mail AS varchar(40);
            CREATE DOMAIN number AS integer;
            CREATE TABLE customers (customer_id ids, customer_type kinds, email mail, birth_date day,
                                    profile_created_at later);
            CREATE TABLE orders (order_id number, customer_id ids, ordered_at at, delivered_at day, paid_at day,
                                 total_amount worth);
            CREATE TABLE order_lines (order_id number, line_number number, product_id number);
            INSERT INTO customers VALUES ('\\x00ff', 'consumer', 'a@x.example', '1970-01-31', '2024-01-31 23:30+00');
            INSERT INTO orders VALUES (1, '\\x00ff', '2024-01-31 23:30+00', '2024-02-03', NULL, 12.30)""")
    run(con, url, reader=reader)
    con.execute("SET TimeZone = 'UTC'")
    assert raw(con, "customers", "customer_id", "customer_type", "email", "birth_date", "profile_created_at") == [
        ("00ff", "consumer", "a@x.example", "1970-01-31", "2024-01-31 23:30:00+00")]
    assert raw(con, "orders", "order_id", "customer_id", "ordered_at", "delivered_at", "total_amount") == [
        ("1", "00ff", "2024-01-31 23:30:00+00", "2024-02-03", "12.30")]
    assert raw_types(con, "customers")["profile_created_at"] == "TIMESTAMP WITH TIME ZONE"
    con.close()


def test_a_day_of_a_moment_is_that_of_oslo(postgres_url: str, tmp_path: Path) -> None:
    """Whatever the server's zone is: an expression that drops the zone would else drop the server's."""
    url, con = fresh_database(postgres_url, "of_oslo"), zones.memory()
    with connect(url) as shop:
        shop.execute("""
            ALTER DATABASE of_oslo SET TimeZone = 'UTC';
            CREATE TABLE customers (customer_id integer, customer_type text);
            CREATE TABLE orders (order_id integer, customer_id integer, at timestamptz);
            CREATE TABLE order_lines (order_id integer, line_number integer, product_id integer);
            INSERT INTO customers VALUES (1, 'consumer');
            INSERT INTO orders VALUES (1, 1, '2024-01-31 23:30:00Z')""")
    mapping = mapping_file(tmp_path, '[tables.orders.columns]\nordered_at = { sql = "at::date" }\n'
                           'delivered_at = { sql = "at::timestamp" }\npaid_at = "at"\n')
    run(con, url, mapping)
    con.execute("SET TimeZone = 'Europe/Oslo'")
    assert raw(con, "orders", "ordered_at", "delivered_at", "paid_at") == [
        ("2024-02-01", "2024-02-01 00:30:00", "2024-02-01 00:30:00+01")]
    con.close()
