"""What the warehouse's tests share: the contract, small shops in SQLite and PostgreSQL, and a look at schema raw."""

import sqlite3
from collections.abc import Mapping as Rows
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from ajprivacy_pipeline.policy import Sources, load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.extract import TableExtract, extract
from ajprivacy_pipeline.warehouse.mapping import Mapping, load_mapping
from ajprivacy_pipeline.warehouse.settle import settle_values

SOURCES: Sources = load_policy(NOTICE).sources
SMALL: dict[str, list[dict[str, Any]]] = {
    "customers": [{"customer_id": 1, "customer_type": "consumer", "name": "Kari"},
                  {"customer_id": 2, "customer_type": "business", "name": "Lager AS"}],
    "orders": [{"order_id": 10, "customer_id": 1, "ordered_at": "2024-01-31 23:30:00+00:00", "total_amount": "1.005"}],
    "order_lines": [{"order_id": 10, "line_number": 1, "quantity": 2}],
}


def canonical_sqlite(path: Path, rows: Rows[str, Sequence[Rows[str, Any]]] = SMALL,
                     leave_out: Sequence[str] = ()) -> str:
    """A SQLite warehouse with the contract's names, no types; `leave_out` lists tables and table.columns."""
    with sqlite3.connect(path) as shop:
        for name, table in SOURCES.tables.items():
            if name in leave_out:
                continue
            columns = [column for column in table.columns if f"{name}.{column}" not in leave_out]
            shop.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
            for row in rows.get(name, []):
                shop.execute(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                             list(row.values()))
    shop.close()
    return f"sqlite:///{path}"


def mapping_file(folder: Path, text: str) -> Mapping:
    """A mapping, read from a file with this text."""
    path = folder / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path, SOURCES)


def run(con: zones.Connection, url: str, mapping: Mapping | None = None, **options: Any) -> dict[str, TableExtract]:
    """Extract, and what became of each table."""
    done = extract(con, url, mapping or Mapping(), SOURCES, progress=lambda _table, _rows: None, **options)
    return {table.table: table for table in done}


def raw(con: zones.Connection, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Rows of raw, all as text, sorted."""
    listed = ", ".join(f"{column}::VARCHAR" for column in columns)
    return sorted(con.execute(f"SELECT {listed} FROM raw.{table}").fetchall(), key=str)


def raw_types(con: zones.Connection, table: str) -> dict[str, str]:
    """Columns of raw.<table> with their types, in order."""
    return {row[0]: row[1] for row in con.execute(f"DESCRIBE raw.{table}").fetchall()}


def marked(con: zones.Connection) -> None:
    """An earlier extraction, as a later one that fails must leave it."""
    con.execute("CREATE SCHEMA raw")
    con.execute("CREATE TABLE raw.customers AS SELECT 'earlier' AS customer_id")


def untouched(con: zones.Connection) -> bool:
    """Whether the earlier extraction still stands, and nothing else."""
    tables = con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
    return tables == [("raw", "customers")] and raw(con, "customers", "customer_id") == [("earlier",)]


def fresh_database(server_url: str, name: str) -> str:
    """A new, empty PostgreSQL database of this name on the test server; its URL."""
    url = sa.make_url(server_url)
    with connect(server_url) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name}")
    return url.set(database=name).render_as_string(hide_password=False)


def connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A plain connection for a test's own statements, committing each."""
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def settled(con: zones.Connection, url: str, mapping: Mapping, **options: Any) -> None:
    """Extract and settle, as a month does: what staging will read."""
    policy = load_policy(NOTICE)
    con.execute(f"SET TimeZone = '{policy.retention.time_zone}'")
    run(con, url, mapping, **options)
    settle_values(con, policy, mapping)
