"""A shop with two tables of orders and two lists of readers, in which every id stands twice: once due, once not.

Kari (1) is due, Ola (2) bought lately. Order 10 is Ola's in `ordre` and Kari's in `arkiv`, 11 the other way round.
Reader 7 has left one list long ago, 8 the other one.
"""

from pathlib import Path
from typing import Any

from tests.enforcement.enforcement_world import World, shop_of
from tests.enforcement.mapping_texts import CUSTOMER, LINES, NOTHING_ELSE, ORDER, TOMBSTONES

TABLES = """
CREATE TABLE kunde (id integer PRIMARY KEY, navn varchar(60), epost varchar(60), made varchar(20));
CREATE TABLE ordre (id integer PRIMARY KEY, kunde integer NOT NULL, day varchar(20), note varchar(60));
CREATE TABLE arkiv (nr integer PRIMARY KEY, hvem integer NOT NULL, dag varchar(20), merknad varchar(60));
CREATE TABLE linje (ordre varchar(10), nr integer, vare integer, PRIMARY KEY (ordre, nr));
CREATE TABLE vare (id integer PRIMARY KEY, warranty integer);
CREATE TABLE liste (id integer PRIMARY KEY, epost varchar(60), inn varchar(20), ut varchar(20));
CREATE TABLE brev (kode varchar(10) PRIMARY KEY, adresse varchar(60), inn varchar(20), ut varchar(20));
INSERT INTO kunde VALUES (1, 'Kari Nordmann', 'kari@x.example', '2010-01-01'),
    (2, 'Ola Nordmann', 'ola@x.example', '2010-01-01');
INSERT INTO vare VALUES (5, 1);
INSERT INTO ordre VALUES (10, 2, '2026-09-01', 'ring Ola'), (11, 1, '2012-01-01', 'ring Kari');
INSERT INTO arkiv VALUES (10, 1, '2012-01-01', 'ring Kari'), (11, 2, '2026-09-01', 'ring Ola');
INSERT INTO linje VALUES ('o10', 1, 5), ('o11', 1, 5), ('a10', 1, 5), ('a11', 1, 5);
INSERT INTO liste VALUES (7, 'per@y.example', '2012-01-01', '2013-01-01'), (8, 'liv@y.example', '2012-01-01', NULL);
INSERT INTO brev VALUES ('7', 'eva@y.example', '2012-01-01', NULL), ('8', 'odd@y.example', '2012-01-01', '2013-01-01')
"""
MAPPING = TOMBSTONES + """
[tables.customers]
table = "kunde"
[tables.customers.columns]
""" + CUSTOMER + """
[tables.contacts]
absent = "none"
""" + LINES + NOTHING_ELSE
ORDERS = """
[[tables.orders.union]]
table = "ordre"
prefix = "o"
[tables.orders.union.columns]
""" + ORDER + """
[[tables.orders.union]]
table = "arkiv"
prefix = "a"
[tables.orders.union.columns]
order_id = "nr"
customer_id = "hvem"
ordered_at = "dag"
delivered_at = "dag"
paid_at = "dag"
delivery_note = "merknad"
"""
LISTS = """
[[tables.newsletter_subscriptions.union]]
table = "liste"
prefix = "l"
columns = { subscription_id = "id", email = "epost", subscribed_at = "inn", unsubscribed_at = "ut" }
[[tables.newsletter_subscriptions.union]]
table = "brev"
prefix = "b-"
columns = { subscription_id = "kode", email = "adresse", subscribed_at = "inn", unsubscribed_at = "ut" }
"""
Rows = dict[str, list[tuple[Any, ...]]]


def armed_world(folder: Path, url: str, unions: str = ORDERS + LISTS, tables: str = TABLES) -> World:
    """The shop in a database, under its mapping."""
    return shop_of(folder, url, tables, MAPPING + unions)


def everything(world: World) -> Rows:
    """Every row of the tables that people stand in."""
    with world.connection() as connection:
        return {table: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1")]
                for table in ("kunde", "ordre", "arkiv", "liste", "brev")}
