"""What a mapping passes over is counted: marks of profiles that lead nowhere, and rows that a query leaves out."""

import sqlite3
from pathlib import Path

import pytest

from ajprivacy_pipeline.warehouse.mapping import load_mapping, resolve
from ajprivacy_pipeline.warehouse.passed_over import left_out, marked_in_vain
from ajprivacy_pipeline.warehouse.source import open_source
from tests import mariadb
from tests.warehouse.shopkit import SOURCES, canonical_sqlite, connect, fresh_database, mapping_file
from tests.warehouse.test_rows_look import look, shop

_TABLE = "CREATE TABLE kunde (id integer PRIMARY KEY, inn_i varchar(10), slettet integer, endret date)"
_ROWS = ("INSERT INTO kunde VALUES (1, NULL, 0, NULL), (2, '1', 0, NULL), (3, '2', 0, NULL), (4, '5', 0, NULL), "
         "(5, '4', 0, NULL), (6, '99', 0, NULL), (7, '7', 0, NULL), (8, '', 0, NULL), (9, '0', 1, '2020-01-01'), "
         "(10, NULL, 1, NULL), (11, '3', 0, NULL), (12, '11', 0, NULL), (13, '12', 0, NULL)")
_MAPPING = """
[tables.customers]
table = "kunde"
merged_into = "inn_i"
soft_delete = { column = "slettet", is = "1", at = "endret" }
[tables.customers.columns]
customer_id = { column = "id", prefix = "k" }
customer_type = { constant = "consumer" }
"""


def _made(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if kind == "sqlite":
        with sqlite3.connect(folder / "shop.db") as file:
            file.executescript(f"{_TABLE};{_ROWS}")
        return f"sqlite:///{folder / 'shop.db'}"
    if kind == "postgresql":
        url = fresh_database(request.getfixturevalue("postgres_url"), "marked")
        with connect(url) as plain:
            plain.execute(f"{_TABLE};{_ROWS}")
        return url
    url = mariadb.fresh_database(request.getfixturevalue("mariadb_url"), "marked")
    with mariadb.connect(url) as connection:
        for statement in (_TABLE, _ROWS):
            connection.cursor().execute(statement)
    return url


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_marks_that_lead_nowhere_are_counted(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A circle of two, a row that is not there, and the end of a chain of five."""
    (tmp_path / "mapping.toml").write_text(_MAPPING, encoding="utf-8")
    with open_source(_made(kind, request, tmp_path)) as source:
        found = [one.message for one in marked_in_vain(source, load_mapping(tmp_path / "mapping.toml", SOURCES))]
    assert [message.partition(" row")[0] for message in found] == ["customers.merged_into: 4",
                                                                   "customers.soft_delete: 1"]


def test_the_check_of_rows_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = look(tmp_path, monkeypatch, shop(["2024-01-01"]), """
        [tables.customers]
        soft_delete = { column = "customer_type", is = "business", at = "updated_at" }
        table = "customers"
        """)
    assert [line for line in said if line.startswith(
        "dangerous customers.soft_delete: 1 row(s) are marked as gone and have nothing in updated_at")], "\n".join(said)


@pytest.mark.parametrize("left", [0, 2])
def test_rows_that_a_query_leaves_out_are_counted(left: int, tmp_path: Path) -> None:
    """Accounts without a role, orders in the trash: nobody decides about them, and nobody would notice."""
    url = canonical_sqlite(tmp_path / "shop.db", leave_out=["customers"])
    with sqlite3.connect(tmp_path / "shop.db") as file:
        file.executescript(f"{_TABLE};{_ROWS}")
    mapping = mapping_file(tmp_path, """
        [tables.customers]
        query = "SELECT id FROM kunde WHERE slettet = 0"
        writes = "kunde"
        [tables.customers.columns]
        customer_id = "id"
        customer_type = { constant = "consumer" }
        """)
    with open_source(url) as source:
        found = [one.message for one in left_out(source, resolve(source, mapping, SOURCES), {"customers": 13 - left})]
    assert [message.partition(":")[2].partition(" are")[0] for message in found] == (
        [" 2 of 13 rows of kunde"] if left else [])


def test_rows_that_another_table_of_the_contract_shows_are_not_left_out(tmp_path: Path) -> None:
    """An invoice for each order that was paid: the other orders are read as orders."""
    url = canonical_sqlite(tmp_path / "shop.db", leave_out=["orders", "invoices"])
    with sqlite3.connect(tmp_path / "shop.db") as file:
        file.executescript("""CREATE TABLE ordre (nr integer PRIMARY KEY, kunde integer, dag text, betalt text);
            INSERT INTO ordre VALUES (1, 1, '2024-01-01', '2024-01-02'), (2, 1, '2024-01-01', NULL),
                (3, 1, '2024-01-01', NULL)""")
    mapping = mapping_file(tmp_path, """
        [tables.orders]
        query = "SELECT * FROM ordre WHERE nr < 3"
        writes = "ordre"
        [tables.orders.columns]
        order_id = "nr"
        customer_id = "kunde"
        ordered_at = "dag"
        delivered_at = "dag"
        paid_at = "betalt"
        [tables.invoices]
        query = "SELECT * FROM ordre WHERE betalt <> ''"
        writes = "ordre"
        [tables.invoices.columns]
        invoice_id = "nr"
        customer_id = "kunde"
        issued_at = "betalt"
        amount = { constant = "1" }
        paid_amount = { constant = "1" }
        """)
    with open_source(url) as source:
        resolved = resolve(source, mapping, SOURCES)
        found = [one.message for one in left_out(source, resolved, {"orders": 2, "invoices": 1})]
    assert [message.partition(" are")[0] for message in found] == ["orders: 1 of 3 rows of ordre"]
