"""Facts about a few ids, read again in a batch: each row once, whichever of its columns names one of them."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.warehouse.facts import fact_rows
from ajprivacy_pipeline.warehouse.mapping import resolve
from ajprivacy_pipeline.warehouse.mapping_file import Mapping
from ajprivacy_pipeline.warehouse.source import open_source
from tests.warehouse.shopkit import SOURCES, canonical_sqlite

TYPES = {"order_id": "VARCHAR", "customer_id": "VARCHAR"}
THERE = [("1", "a"), ("2", "a"), ("3", "b"), ("4", None)]


@pytest.mark.parametrize(("by", "found", "asked"), [
    ({"customer_id": ["a"], "order_id": ["1", "2"]}, {"1", "2"}, []),
    ({"customer_id": ["a"], "order_id": ["1", "3", "4"]}, {"1", "2", "3", "4"}, ["3", "4"]),  # linked to others now
    ({"customer_id": ["nobody"], "order_id": ["1", "9"]}, {"1"}, ["1", "9"]),
    ({"order_id": ["2"]}, {"2"}, ["2"]),
])
def test_by_its_key_no_row_is_read_once_more(by: dict[str, list[str]], found: set[str], asked: list[str],
                                             tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db")
    statements: list[Any] = []
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM orders")
        connection.exec_driver_sql("INSERT INTO orders (order_id, customer_id) VALUES (?, ?)", THERE)
    with open_source(url) as source:
        orders = resolve(source, Mapping(), SOURCES).tables["orders"]
    assert orders is not None
    with engine.connect() as connection:
        once_more = fact_rows(connection, orders, TYPES, by, lock=False)
        sa.event.listen(connection, "before_cursor_execute", lambda *told: statements.append(told[2:4]))
        rows = fact_rows(connection, orders, TYPES, by, lock=False, key="order_id")
    engine.dispose()
    assert sorted(rows, key=str) == sorted(once_more, key=str)
    assert {row[0] for row in rows} == found
    assert [one for statement, values in statements if "order_id" in statement.partition("WHERE")[2]
            for one in values] == asked
