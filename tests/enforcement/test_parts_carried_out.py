"""Shops of pivots, links and merged customers are decided and carried out: what is due goes, and nothing beside it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.enforcement.enforcement_world import World, empty_database, shop_of
from tests.enforcement.mapping_texts import ORDER_LINES

TABLES = """
CREATE TABLE kunde (id integer PRIMARY KEY, navn varchar(40), epost varchar(60), made varchar(20), seen varchar(20),
    master integer);
CREATE TABLE meta (id integer PRIMARY KEY, kunde integer, nokkel varchar(20), verdi varchar(40));
CREATE TABLE ordre (id integer PRIMARY KEY, kunde integer, at varchar(20), paid varchar(20), note varchar(40));
CREATE TABLE linje (ordre integer, nr integer, vare integer);
CREATE TABLE vare (id integer PRIMARY KEY, garanti integer);
INSERT INTO kunde VALUES
    (1, 'Kari N', 'old@x.example', '2024-06-01', '2026-10-01', 3),
    (3, 'Kari Nordmann', 'kari@x.example', '2026-06-01', '2026-10-01', NULL),
    (4, 'Ola Hansen', 'ola@x.example', '2026-06-01', '2026-10-01', NULL),
    (5, 'Per Berg', 'per@x.example', '2015-01-01', '2015-01-01', 99);
INSERT INTO meta VALUES (1, 1, 'phone', '22 11 22 11'), (2, 3, 'phone', '33 44 33 44'), (3, 4, 'phone', '44 55 44 55'),
    (4, 4, 'other', 'x');
INSERT INTO ordre VALUES (10, 1, '2026-05-01', '2026-05-01', 'ring the bell'),
    (11, 4, '2026-05-01', '2026-05-01', 'by the gate');
INSERT INTO linje VALUES (10, 1, 7), (11, 1, 7);
INSERT INTO vare VALUES (7, 2)
"""
MAPPING = """
[tables.customers]
table = "kunde"
merged_into = "master"
[tables.customers.pivot.meta]
table = "meta"
of = "id"
entity = "kunde"
key = "nokkel"
value = "verdi"
wanted = { phone = "phone" }
[tables.customers.columns]
customer_id = "id"
customer_type = { constant = "consumer" }
name = "navn"
email = "epost"
phone = "meta.phone"
profile_created_at = "made"
last_login_at = "seen"
[tables.orders]
table = "ordre"
[tables.orders.columns]
order_id = "id"
customer_id = "kunde"
ordered_at = "at"
delivered_at = "at"
paid_at = "paid"
delivery_note = "note"
[tables.products]
table = "vare"
[tables.products.columns]
product_id = "id"
warranty_years = "garanti"
[tables.invoices]
absent = "none"
[tables.cases]
absent = "none"
""" + ORDER_LINES


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak),
                        pytest.param("mariadb", marks=pytest.mark.soak)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return shop_of(tmp_path, empty_database(request.param, request, tmp_path, "parts_carried"), TABLES, MAPPING)


def rows(world: World, table: str) -> dict[Any, tuple[Any, ...]]:
    with world.connection() as connection:
        return {row[0]: tuple(row[1:]) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")}


@pytest.mark.soak
def test_the_merged_row_goes_and_the_survivor_keeps_what_was_its(world: World) -> None:
    before: Callable[[str], Any] = {table: rows(world, table) for table in ("kunde", "meta", "ordre")}.__getitem__
    decided = world.decide()
    names = {key: decision for (entity, key, part), (decision, _) in decided.items()
             if entity == "subject" and part == "name"}
    assert names == {"customer:1": "due", "customer:3": "retain", "customer:4": "retain", "customer:5": "due"}
    assert decided["orders", "10", "link"][0] == decided["orders", "11", "link"][0] == "retain"

    world.apply(world.approved())

    after = rows(world, "kunde")
    assert {key: row for key, row in after.items() if key in (3, 4)} == {key: before("kunde")[key] for key in (3, 4)}
    for gone in (1, 5):  # Per leads to nobody, so he stands for himself, and is due by his own dates
        assert after[gone][:2] != before("kunde")[gone][:2]
        assert "x.example" not in str(after[gone])
        assert after[gone][2:] == before("kunde")[gone][2:]
    assert rows(world, "meta") == before("meta")  # rows beside: not carried out by us, unless a copy says so
    assert {key: row[0] for key, row in rows(world, "ordre").items()} == {10: 1, 11: 4}
    assert decided["subject", "customer:5", "name"][1] < date(2026, 10, 31)
