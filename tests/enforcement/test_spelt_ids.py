"""Ids are told apart by their bytes, also where a database takes two of them for one, and blanks are no id."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.warehouse.copied import keys_of, unusual_spellings
from ajprivacy_pipeline.warehouse.lookup import lookup
from ajprivacy_pipeline.warehouse.mapping_file import load_mapping
from tests.enforcement.enforcement_world import World, empty_database
from tests.enforcement.guarded_shop import MAPPING, guarded_world

# An order and a case of C1, who is unknown; a visit and two orders with ids that are nothing but blanks.
ROWS = """
CREATE TABLE web_events (event_id varchar(20) PRIMARY KEY, occurred_at varchar(20), visitor_id varchar(20),
    customer_id varchar(40), contact_id varchar(40), ip_address varchar(40), user_agent varchar(40),
    event_type varchar(20), page varchar(40), consented integer, consent_withdrawn_at varchar(20));
INSERT INTO web_events VALUES ('e1', '2021-08-01', 'v1', 'c1', '', '10.0.0.1', NULL, 'view', '/', 1, NULL),
    ('e2', '2021-08-01', 'v2', '', NULL, '10.0.0.2', NULL, 'view', '/', 1, NULL);
INSERT INTO orders VALUES
    ('o5', 'C1', NULL, '2026-09-01', '2026-09-05', '2026-09-05', 100, 'Somebody Else', NULL),
    ('o6', ' ', ' ', '2026-09-01', '2026-09-05', '2026-09-05', 100, 'A Guest', NULL),
    ('o7', '  ', NULL, '2026-09-01', '2026-09-05', '2026-09-05', 100, 'Another Guest', NULL);
CREATE TABLE grid (row_no integer, customer varchar(40));
INSERT INTO grid VALUES (1, 'c1'), (2, 'C1'), (3, 'c1 ');
INSERT INTO cases VALUES ('s5', 'C1', NULL, NULL, 'enquiry', '2026-09-01', NULL, 'of somebody else')
"""
KINDS = ("sqlite", "postgresql", "mariadb")


def _world(kind: str, request: pytest.FixtureRequest, folder: Path) -> World:
    world = guarded_world(folder, empty_database(kind, request, folder, "spelt"))
    (folder / "mapping.toml").write_text(MAPPING.replace('[tables.web_events]\nabsent = "none"\n', ""))
    for statement in ROWS.split(";"):
        world.execute(statement)
    return world


@pytest.mark.parametrize("kind", [pytest.param("sqlite", marks=pytest.mark.soak),
                                  pytest.param("postgresql", marks=pytest.mark.soak), "mariadb"])  # blind to case
def test_nobody_waits_for_an_id_that_only_looks_alike(kind: str, request: pytest.FixtureRequest,
                                                      tmp_path: Path) -> None:
    world = _world(kind, request, tmp_path)
    world.decide()
    result = world.apply(world.approved())
    assert result["verified"]
    assert result["dropped"] == []
    with world.connection() as connection:
        names = dict(connection.exec_driver_sql("SELECT order_id, delivery_name FROM orders").fetchall())
        visits = connection.exec_driver_sql("SELECT visitor_id, customer_id FROM web_events").fetchall()
    assert names == {"o1": None, "o2": None, "o3": None, "o4": "Ola Hansen", "o5": "Somebody Else", "o6": "A Guest",
                     "o7": "Another Guest"}
    assert [tuple(row) for row in visits] == [(None, None), (None, None)]


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_shown_what_stands_under_another_id(kind: str, request: pytest.FixtureRequest,
                                                      tmp_path: Path) -> None:
    world = _world(kind, request, tmp_path)
    with lookup(world.url, load_mapping(tmp_path / "mapping.toml", world.policy.sources),
                world.policy.sources) as found:
        for column, table, ids in (("order_id", "orders", ["o1"]), ("case_id", "cases", [])):
            rows = found.by_ids(table, {"customer_id": ["c1"]})
            assert [row[column] for row in rows] == ids
        rows = found.of_copy(("grid",), "customer", ["c1"], None, email=False)
        assert [row["row_no"] for row in rows] == ["1", "3"]
        assert set(rows[0]) == {"row_no", "customer"}


@pytest.mark.parametrize("kind", KINDS)
def test_all_spellings_of_a_column_are_known(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """One of them would do for DISTINCT."""
    world = _world(kind, request, tmp_path)
    world.execute("CREATE TABLE queue (address varchar(40))")
    world.execute("INSERT INTO queue VALUES ('mailto:kari@example.no'), ('MAILTO:kari@example.no')")
    with world.connection() as connection:
        assert keys_of(connection, ("grid",), "customer") == {"c1", "C1", "c1 "}
        assert unusual_spellings(connection, ("queue",), "address", None) == {
            "kari@example.no": ["MAILTO:kari@example.no", "mailto:kari@example.no"]}


def test_an_id_in_another_character_set_is_the_same_id(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Its bytes are others in a table of latin1 than those that the driver sends."""
    world = _world("mariadb", request, tmp_path)
    world.execute("ALTER TABLE customers CONVERT TO CHARACTER SET latin1")
    world.execute("ALTER TABLE orders CONVERT TO CHARACTER SET latin1")
    for table in ("customers", "orders"):
        world.execute(f"UPDATE {table} SET customer_id = 'Ås3' WHERE customer_id = 'c3'")
    world.decide()
    result = world.apply(world.approved())
    assert result["verified"]
    assert result["dropped"] == []
    with world.connection() as connection:
        rows = connection.exec_driver_sql("SELECT name, email FROM customers WHERE customer_id = 'Ås3'").fetchall()
    assert [tuple(row) for row in rows] == [(None, None)]


PADDED = {"customers": ("customer_id", "name"), "orders": ("order_id", "customer_id", "delivery_name"),
          "order_lines": ("order_id",), "web_events": ("event_id", "customer_id"), "grid": ("customer",),
          "newsletter_subscriptions": ("subscription_id", "email", "customer_id"), "rights_requests": ("request_id",)}


@pytest.mark.parametrize("kind", ["postgresql", pytest.param("mariadb", marks=pytest.mark.soak)])
def test_columns_of_a_fixed_width_are_carried_out(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """PostgreSQL fills them up with blanks, its own text of them has none, and its driver gives them."""
    world = _world(kind, request, tmp_path)
    for table, columns in PADDED.items():
        for column in columns:
            world.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE char(40)" if kind == "postgresql" else
                          f"ALTER TABLE {table} MODIFY {column} char(40)")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(mapping.read_text() + '[[copies]]\ntable = "grid"\ndelete = true\nwith = "customers.name"\n'
                       'by = { column = "customer", entity = "customers" }\n')
    world.execute("ALTER TABLE grid ADD PRIMARY KEY (row_no)")
    world.decide()
    result = world.apply(world.approved())
    assert result["verified"]
    assert result["dropped"] == []
    assert result["copies"] == [{"table": "grid", "rows": 2, "cells": 4}]
    with world.connection() as connection:
        names = dict(connection.exec_driver_sql("SELECT trim(customer_id), trim(name) FROM customers").fetchall())
        rows = connection.exec_driver_sql("SELECT row_no FROM grid").fetchall()
    assert names == {"c1": None, "c2": None, "c3": None, "c4": "Ola Hansen"}
    assert [tuple(row) for row in rows] == [(2,)]
