"""An order of a merged row is its survivor's, and loses its link with the survivor's last one."""

from pathlib import Path
from typing import Any

import pytest

from tests.enforcement.enforcement_world import World, empty_database, shop_of
from tests.enforcement.mapping_texts import CUSTOMER, LINES, NOTHING_ELSE, ORDER, TOMBSTONES

TABLES = """
CREATE TABLE kunde (id integer PRIMARY KEY, master integer, navn varchar(60), epost varchar(60), made varchar(20),
    changed varchar(20));
CREATE TABLE ordre (id integer PRIMARY KEY, kunde integer NOT NULL, day varchar(20), note varchar(60));
CREATE TABLE linje (ordre integer, nr integer, vare integer, PRIMARY KEY (ordre, nr));
CREATE TABLE vare (id integer PRIMARY KEY, warranty integer);
INSERT INTO kunde VALUES (1, 2, 'Kari Olsen', 'kari@x.example', '2010-01-01', '2015-01-01'),
    (2, NULL, 'Kari Nordmann', 'kari@y.example', '2011-01-01', '2015-01-01'),
    (3, 4, 'Ola Olsen', 'ola@x.example', '2010-01-01', '2015-01-01'),
    (4, NULL, 'Ola Nordmann', 'ola@y.example', '2011-01-01', '2026-09-01');
INSERT INTO vare VALUES (5, 1);
INSERT INTO ordre VALUES (10, 1, '2012-01-01', 'ring Kari'), (11, 2, '2012-02-01', NULL),
    (12, 3, '2012-03-01', 'ring Ola'),
    (13, 4, '2026-09-01', 'ring Ola');
INSERT INTO linje VALUES (10, 1, 5), (11, 1, 5), (12, 1, 5), (13, 1, 5)
"""
MAPPING = TOMBSTONES + """
[tables.customers]
table = "kunde"
merged_into = "master"
[tables.customers.columns]
""" + CUSTOMER + """
updated_at = "changed"
[tables.contacts]
absent = "none"
[tables.orders]
ORDERS
[tables.orders.columns]
""" + ORDER + LINES + NOTHING_ELSE
TABLE = 'table = "ordre"'
QUERY = 'query = "SELECT o.id, o.kunde, o.day, o.note FROM ordre o"\nwrites = "ordre"'


def rows(world: World, table: str) -> list[tuple[Any, ...]]:
    """Every row of a table, in order."""
    with world.connection() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY id")]


@pytest.mark.parametrize(("kind", "orders"), [
    ("sqlite", TABLE), pytest.param("sqlite", QUERY, marks=pytest.mark.soak, id="query"),
    pytest.param("postgresql", TABLE, marks=pytest.mark.soak), pytest.param("mariadb", TABLE, marks=pytest.mark.soak)])
def test_what_leads_to_a_survivor_is_unlinked_with_it(
        kind: str, orders: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Kari is due, both rows of her and both orders; Ola is not: of him the merged row goes, and no link."""
    url = empty_database(kind, request, tmp_path, "survivors")
    world = shop_of(tmp_path, url, TABLES, MAPPING.replace("ORDERS", orders))
    before = rows(world, "kunde"), rows(world, "ordre")
    world.decide()
    plan = world.plan()
    assert (plan["refused"], plan["not_carried_out"]) == ([], [])
    assert world.apply(world.approved(plan))["verified"]
    customers = {row[0]: row for row in rows(world, "kunde")}
    assert {number: row[2:4] for number, row in customers.items() if number in (1, 2, 3)} == dict.fromkeys(
        (1, 2, 3), (None, None))
    assert customers[4] == before[0][3]
    assert [row[:2] for row in rows(world, "ordre")] == [(10, -1), (11, -1), (12, 3), (13, 4)]
    assert rows(world, "ordre")[3] == before[1][3]
    after = rows(world, "kunde"), rows(world, "ordre")
    again = world.apply(plan["plan"] or "")
    assert (again["applied"], again["batches"], (rows(world, "kunde"), rows(world, "ordre"))) == (0, 0, after)
    assert "due" not in {decision for (entity, key, _), (decision, _) in world.decide().items()
                         if (entity, key) != ("orders", "12")}


@pytest.mark.parametrize(("orders", "merged", "why"), [
    ("SELECT o.id, o.kunde - 100 AS kunde, o.day, o.note FROM ordre o", True, "fed by an expression or another row"),
    pytest.param("WITH c AS (SELECT * FROM ordre) SELECT id, kunde, day, note FROM c WHERE id < 0 UNION ALL "
                 "SELECT id, kunde - 100, day, note FROM c WHERE id > 0", True, "fed by an expression or another row",
                 marks=pytest.mark.soak),
    pytest.param("SELECT o.id, o.kunde - 100 AS kunde, o.day, o.note FROM ordre o", False,
                 "an id that an expression makes", marks=pytest.mark.soak)])
def test_an_id_that_a_query_makes_of_something_stays(orders: str, merged: bool, why: str, tmp_path: Path) -> None:
    """The number of nobody would show as somebody else's: the link is named, and all else is carried out."""
    mapping = MAPPING.replace("ORDERS", f'query = "{orders}"\nwrites = "ordre"')
    if not merged:
        mapping = mapping.replace('merged_into = "master"\n', "").replace(
            'customer_id = "kunde"', 'customer_id = { column = "kunde", writes = "kunde" }')
    world = shop_of(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", TABLES, mapping)
    world.execute("UPDATE ordre SET kunde = kunde + 100")
    before = rows(world, "ordre")
    world.decide()
    plan = world.plan()
    assert {row["column"]: row["reason"].startswith(why) for row in plan["not_carried_out"]} == {"customer_id": True}
    assert world.apply(world.approved(plan))["verified"]
    assert [row[1] for row in rows(world, "ordre")] == [row[1] for row in before]
    assert [row[3] for row in rows(world, "ordre")][:2] == [None, None]
    assert rows(world, "kunde")[1][2:4] == (None, None)


INVOICES = """
[tables.invoices]
query = "SELECT f.id, f.ordre, o.kunde, f.day, o.note FROM faktura f JOIN ordre o ON o.id = f.ordre"
[tables.invoices.columns]
invoice_id = "id"
customer_id = "kunde"
order_id = "ordre"
issued_at = "day"
amount = { constant = 100 }
paid_amount = { constant = 100 }
billing_name = "note"
"""


@pytest.mark.parametrize("made", ["upper(o.note)", pytest.param("o.note", marks=pytest.mark.soak)])
def test_what_a_query_makes_of_a_cell_waits_for_who_shows_the_cell(made: str, tmp_path: Path) -> None:
    """Kari's invoice of 2024 shows the note of her order of 2012, which the order shows in capitals: it is one cell."""
    orders = f'query = "SELECT o.id, o.kunde, o.day, {made} AS note FROM ordre o"\nwrites = "ordre"'
    mapping = MAPPING.replace("ORDERS", orders).replace('merged_into = "master"\n', "").replace(
        'delivery_note = "note"', 'delivery_note = { column = "note", writes = "note" }').replace(
        '[tables.invoices]\nabsent = "none"\n', INVOICES)
    tables = TABLES + (";\nCREATE TABLE faktura (id integer PRIMARY KEY, ordre integer, day text);\n"
                       "INSERT INTO faktura VALUES (500, 10, '2024-01-01')")
    world = shop_of(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", tables, mapping)
    before = rows(world, "ordre")
    world.decide()
    plan = world.plan()
    assert {(row["part"], row["waits_for"]) for row in plan["waiting"]} >= {("delivery", "invoices.billing")}
    assert world.apply(world.approved(plan))["verified"]
    assert rows(world, "ordre")[0][3] == before[0][3]
