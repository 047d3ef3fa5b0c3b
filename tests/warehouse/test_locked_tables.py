"""Tables of MariaDB's without a snapshot are locked while they are read, which the run says, or nothing is read."""

from pathlib import Path
from typing import Any

import pymysql
import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.draft import draft
from ajprivacy_pipeline.warehouse.extract import extract
from ajprivacy_pipeline.warehouse.mapping import Mapping, check
from ajprivacy_pipeline.warehouse.source import open_source
from tests import mariadb
from tests.warehouse.shopkit import SOURCES, mapping_file, marked, untouched

SHOP = """
    CREATE TABLE customers (customer_id integer, customer_type varchar(20)) ENGINE=InnoDB;
    CREATE TABLE orders (order_id integer, customer_id integer, ordered_at date, delivered_at date, paid_at date)
        ENGINE={engine};
    CREATE TABLE lines_kept (order_id integer, line_number integer, product_id integer) ENGINE=MyISAM;
    CREATE VIEW order_lines AS SELECT * FROM lines_kept;
    CREATE TABLE carts (id integer) ENGINE=MEMORY;
    INSERT INTO customers VALUES (1, 'consumer');
    INSERT INTO orders VALUES (1, 1, '2024-01-01', NULL, NULL);
    INSERT INTO lines_kept VALUES (1, 1, 1)
"""


def shop(server: str, engine: str) -> str:
    url = mariadb.fresh_database(server, "held")
    with mariadb.connect(url) as maria:
        for statement in filter(None, map(str.strip, SHOP.format(engine=engine).split(";"))):
            maria.cursor().execute(statement)
    return url


def read(con: zones.Connection, url: str, said: list[str], mapping: Mapping | None = None, act: Any = None) -> None:
    def progress(table: str, _rows: int) -> None:
        said.append(table)
        if act:
            act(table)
    extract(con, url, mapping or Mapping(), SOURCES, progress=progress)


@pytest.mark.parametrize("engine", ["MyISAM", "Aria", "MEMORY"])
def test_writers_wait_until_everything_is_read(engine: str, mariadb_url: str, tmp_path: Path) -> None:
    url, said, waited = shop(mariadb_url, engine), list[str](), list[str]()

    def write(_table: str) -> None:
        with mariadb.connect(url) as maria:
            cursor = maria.cursor()
            cursor.execute("SET lock_wait_timeout = 0")
            cursor.execute("INSERT INTO carts VALUES (1)")  # nobody reads it
            cursor.execute("INSERT INTO customers VALUES (2, 'consumer')")  # its snapshot stands
            for table in ("orders", "lines_kept"):
                with pytest.raises(pymysql.err.OperationalError, match="Lock wait timeout"):
                    cursor.execute(f"DELETE FROM {table}")
                waited.append(table)

    con = zones.memory()
    read(con, url, said, act=write)
    assert con.execute("SELECT (SELECT count(*) FROM raw.orders), (SELECT count(*) FROM raw.order_lines)"
                       ).fetchall() == [(1, 1)]
    assert [name for name in said if "locked" in name] == [
        f"orders (locked while it was read: {engine})", "order_lines (locked while it was read: MyISAM)"]
    assert len(waited) == 2 * len(SOURCES.tables)
    with mariadb.connect(url) as maria:
        maria.cursor().execute("DELETE FROM orders")  # nobody waits any more
    con.close()


@pytest.mark.soak
def test_the_check_says_so_and_innodb_locks_nothing(mariadb_url: str, tmp_path: Path) -> None:
    url, said = shop(mariadb_url, "InnoDB"), list[str]()
    with open_source(url) as source:
        told = [found.message for found in check(source, Mapping(), SOURCES) if found.table == "warehouse"]
    assert [message[:59] for message in told] == ["lines_kept (MyISAM) cannot be read as of one moment like tab"[:59]]
    mapping = mapping_file(tmp_path, '[tables.order_lines]\ntable = "customers"\n[tables.order_lines.columns]\n'
                                     'order_id = "customer_id"\nline_number = "customer_id"\n'
                                     'product_id = "customer_id"')
    con = zones.memory()
    read(con, url, said, mapping)
    assert not [name for name in said if "locked" in name]
    con.close()


def test_without_the_right_to_lock_nothing_is_read(mariadb_url: str) -> None:
    url = shop(mariadb_url, "MyISAM")
    with mariadb.connect(url) as maria:
        cursor = maria.cursor()
        cursor.execute("CREATE OR REPLACE USER reader@localhost IDENTIFIED BY 'x'")
        cursor.execute("GRANT SELECT, SHOW VIEW ON held.* TO reader@localhost")
    con = zones.memory()
    marked(con)
    as_reader = sa.make_url(url).set(username="reader", password="x").render_as_string(hide_password=False)
    with pytest.raises(SourceError, match=r"lines_kept \(MyISAM\), orders \(MyISAM\) cannot be read as of one moment "
                                          r".*grant LOCK TABLES to this user, or let them be InnoDB"):
        read(con, as_reader, [])
    assert untouched(con)
    con.close()


def test_a_draft_looks_at_the_connected_database_alone(mariadb_url: str) -> None:
    """Another database of the server is somebody else's, perhaps a test shop with the same names."""
    url = mariadb.fresh_database(mariadb_url, "held")
    other = mariadb.fresh_database(mariadb_url, "other_shop")
    with mariadb.connect(other) as maria:
        maria.cursor().execute("CREATE TABLE customers (customer_id integer, customer_type varchar(20))")
    with mariadb.connect(url) as maria:
        maria.cursor().execute("CREATE TABLE orders (order_id integer, customer_id integer, ordered_at timestamp NULL)")
    try:
        with open_source(url) as source:
            text = draft(source, SOURCES)
    finally:
        with mariadb.connect(url) as maria:
            maria.cursor().execute("DROP DATABASE other_shop")
    assert "other_shop" not in text
    assert "# [tables.customers]" in text
    assert 'ordered_at = "ordered_at"' in text
    assert "source_timezone" not in text  # a TIMESTAMP says its zone
