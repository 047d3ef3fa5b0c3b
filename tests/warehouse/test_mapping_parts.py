"""Pivots, addresses, unions, guests, codes and a table for each company, on the databases of shops that have them."""

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import MappingError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.mapping import Mapping, check, resolve
from ajprivacy_pipeline.warehouse.source import open_source
from tests import mariadb
from tests.warehouse.shopkit import SOURCES, canonical_sqlite, connect, fresh_database, mapping_file, raw, settled

SHOP = """
    CREATE TABLE wp_users (ID integer PRIMARY KEY, mail varchar(50), made {moment}, gone varchar(1), changed {moment});
    CREATE TABLE wp_usermeta (id integer PRIMARY KEY, user_id integer, meta_key varchar(30), meta_value varchar(50));
    CREATE TABLE wp_orders (id integer PRIMARY KEY, customer integer, mail varchar(50), made {moment}, sent {moment},
        paid {moment}, status varchar(20), changed {moment}, phone varchar(20));
    CREATE TABLE wp_addresses (id integer PRIMARY KEY, order_id integer, kind varchar(10), name varchar(50),
        town varchar(20));
    CREATE TABLE wp_lines (order_id integer, n integer, product integer);
    CREATE TABLE wp_letters (nr integer, mail varchar(50), customer integer);
    CREATE TABLE wp_signups (nr integer, mail varchar(50));
    CREATE TABLE wp_threads (id integer PRIMARY KEY, customer integer, status integer, made {moment});
    CREATE TABLE wp_attributes (attribute_id integer, attribute_code varchar(20), entity_type_id integer);
    CREATE TABLE wp_values (entity integer, attribute_id integer, value varchar(50));
    INSERT INTO wp_users VALUES (1, 'kari@x.example', '2020-01-01 10:00:00', '0', '2024-01-01 10:00:00'),
        (2, 'ola@x.example', '2021-01-01 10:00:00', '1', '2024-02-01 10:00:00');
    INSERT INTO wp_usermeta VALUES (1, 1, 'billing_phone', '22 33'), (2, 1, 'nickname', 'k'),
        (3, 1, 'first_name', 'Kari'), (4, 2, 'first_name', 'Ola'), (5, 1, 'last_name', 'Nordmann');
    INSERT INTO wp_attributes VALUES (7, 'orgnr', 1), (8, 'orgnr', 2), (9, 'colour', 1);
    INSERT INTO wp_values VALUES (1, 7, '999 888 777'), (2, 8, 'a product'), (2, 9, 'red');
    INSERT INTO wp_orders VALUES
        (10, 1, 'kari@x.example', '2024-01-01 10:00:00', NULL, NULL, 'done', '2024-01-05 10:00:00', NULL),
        (11, 0, ' Guest@X.example', '2024-01-02 10:00:00', NULL, NULL, 'cancelled', '2024-01-06 10:00:00', '55'),
        (12, 0, 'guest@x.example', '2024-01-03 10:00:00', NULL, NULL, 'done', '2024-01-07 10:00:00', '44'),
        (13, 0, '', '2024-01-04 10:00:00', NULL, NULL, 'done', '2024-01-08 10:00:00', '11');
    INSERT INTO wp_addresses VALUES (1, 10, 'billing', 'Kari', 'Oslo'), (2, 10, 'shipping', 'Old', 'Moss'),
        (3, 10, 'shipping', 'Kari N', 'Bergen'), (4, 11, 'billing', 'Guest', 'Bodø');
    INSERT INTO wp_lines VALUES (10, 1, 5);
    INSERT INTO wp_letters VALUES (1, 'kari@x.example', 1);
    INSERT INTO wp_signups VALUES (1, 'new@x.example');
    INSERT INTO wp_threads VALUES (1, 1, 3, '2024-01-01 10:00:00'), (2, 2, 9, '2024-01-01 10:00:00')
"""
MAPPING = """
[tables.customers]
table = "wp_users"
guests = { table = "wp_orders", email = "mail", where = "customer = 0", prefix = "g", columns = { phone = "phone" } }
[tables.customers.pivot.meta]
table = "wp_usermeta"
of = "id"
entity = "user_id"
key = "meta_key"
value = "meta_value"
wanted = { phone = "billing_phone", first = "first_name", last = "last_name" }
[tables.customers.pivot.own]
table = "wp_values"
of = "id"
entity = "entity"
key = "attribute_id"
value = "value"
wanted = { orgnr = "orgnr" }
keys = { table = "wp_attributes", id = "attribute_id", name = "attribute_code", where = "entity_type_id = 1" }
[tables.customers.columns]
customer_id = { column = "ID", prefix = "u" }
customer_type = { constant = "consumer" }
name = { sql = '''"meta.first"''' }
email = "mail"
phone = "meta.phone"
organisation_number = "own.orgnr"
profile_created_at = "made"
profile_closed_at = { column = "changed", only_if = { gone = ["1"] } }
last_login_at = { absent = "not kept" }
[tables.orders]
table = "wp_orders"
address.ship = { table = "wp_addresses", by = "order_id", of = "id", kind = "kind", is = "shipping", newest = "id" }
[tables.orders.columns]
order_id = "id"
customer_id = { column = "customer", prefix = "u", empty = ["0"], guest = "mail" }
ordered_at = "made"
delivered_at = "sent"
paid_at = "paid"
cancelled_at = { column = "changed", only_if = { status = ["cancelled", "failed"] } }
delivery_name = "ship.name"
delivery_city = "ship.town"
[tables.order_lines]
table = "wp_lines"
[tables.order_lines.columns]
order_id = "order_id"
line_number = "n"
product_id = "product"
[tables.cases]
table = "wp_threads"
[tables.cases.columns]
case_id = "id"
customer_id = { column = "customer", prefix = "u" }
contact_id = { absent = "none" }
kind = { column = "status", codes = { "3" = "complaint", "4" = "warranty" } }
opened_at = "made"
[tables.invoices]
absent = "none"
[[tables.newsletter_subscriptions.union]]
table = "wp_letters"
prefix = "c"
columns = { subscription_id = "nr", email = "mail", customer_id = { column = "customer", prefix = "u" } }
[[tables.newsletter_subscriptions.union]]
table = "wp_signups"
prefix = "e"
where = "mail <> ''"
columns = { subscription_id = "nr", email = "mail", subscribed_at = { constant = "2024-01-01" } }
"""
GUEST = "g" + hashlib.sha256(b"guest@x.example").hexdigest()
Fill = Callable[[str], str]


@pytest.fixture(params=["mariadb", "postgresql", "sqlite"])
def fill(request: pytest.FixtureRequest, tmp_path: Path) -> Fill:
    """Makes a shop of some statements in each database; its URL."""
    def filled(text: str) -> str:
        if request.param == "sqlite":
            with sqlite3.connect(tmp_path / "parts.db") as shop:
                shop.executescript(text.format(moment="text"))
            shop.close()
            return f"sqlite:///{tmp_path / 'parts.db'}"
        text = text.format(moment="datetime" if request.param == "mariadb" else "timestamp")
        if request.param == "postgresql":
            url = fresh_database(request.getfixturevalue("postgres_url"), "parts")
            with connect(url) as server:
                server.execute(text)
            return url
        url = mariadb.fresh_database(request.getfixturevalue("mariadb_url"), "parts")
        with mariadb.connect(url) as maria:
            for statement in filter(None, map(str.strip, text.split(";"))):
                maria.cursor().execute(statement)
        return url
    return filled


def test_a_shop_of_key_values_kinds_and_guests(fill: Fill, tmp_path: Path) -> None:
    url, con = fill(SHOP), zones.memory()
    settled(con, url, mapping_file(tmp_path, MAPPING))
    assert raw(con, "customers", "customer_id", "name", "email", "phone", "organisation_number",
               "left(profile_created_at::VARCHAR, 10)", "left(profile_closed_at::VARCHAR, 10)") == [
        (GUEST, None, "guest@x.example", "55", None, None, None),
        ("u1", "Kari", "kari@x.example", "22 33", "999 888 777", "2020-01-01", None),
        ("u2", "Ola", "ola@x.example", None, None, "2021-01-01", "2024-02-01")]
    assert raw(con, "orders", "order_id", "customer_id", "left(cancelled_at::VARCHAR, 10)", "delivery_name",
               "delivery_city") == [
        ("10", "u1", None, "Kari N", "Bergen"), ("11", GUEST, "2024-01-06", None, None),
        ("12", GUEST, None, None, None), ("13", None, None, None, None)]
    assert raw(con, "cases", "case_id", "customer_id", "kind") == [("1", "u1", "complaint"), ("2", "u2", "9")]
    assert raw(con, "newsletter_subscriptions", "subscription_id", "email", "customer_id", "subscribed_at") == [
        ("c1", "kari@x.example", "u1", None), ("e1", "new@x.example", None, "2024-01-01")]
    con.close()


EACH = """
    CREATE TABLE "A/S$Customer" ("No_" varchar(9), "Name" varchar(20), "Blocked" varchar(1));
    CREATE TABLE "SE$Customer" ("No_" varchar(9), "Name" varchar(20), "Blocked" varchar(1));
    CREATE TABLE "A/S$Order" ("No_" varchar(9), "Whose" varchar(9), "At" date);
    CREATE TABLE "SE$Order" ("No_" varchar(9), "Whose" varchar(9), "At" date);
    CREATE TABLE lines (o varchar(9), n integer, p varchar(9));
    INSERT INTO "A/S$Customer" VALUES ('1', 'Kari', ''), ('2', 'Ola', '');
    INSERT INTO "SE$Customer" VALUES ('1', 'Sven', '');
    INSERT INTO "A/S$Order" VALUES ('1', '1', '2024-01-01');
    INSERT INTO "SE$Order" VALUES ('1', '1', '2024-02-01'), ('2', '-', '2024-02-02')
"""
COMPANIES = """
[for_each.company]
"A/S" = "a-"
SE = "s-"
[tables.customers]
table = "{company}$Customer"
[tables.customers.columns]
customer_id = "No_"
customer_type = { constant = "consumer" }
name = "Name"
profile_created_at = { absent = "none" }
last_login_at = { absent = "none" }
[tables.orders]
query = '''SELECT * FROM "{company}$Order"'''
[tables.orders.columns]
order_id = "No_"
customer_id = { column = "Whose", empty = ["-"] }
ordered_at = "At"
delivered_at = { sql = "NULL" }
paid_at = { sql = "NULL" }
[tables.order_lines]
table = "lines"
[tables.order_lines.columns]
order_id = "o"
line_number = "n"
product_id = "p"
"""


def test_one_table_for_each_company(postgres_url: str, tmp_path: Path) -> None:
    """The same number in two companies is two people."""
    url, con = fresh_database(postgres_url, "companies"), zones.memory()
    with connect(url) as server:
        server.execute(EACH)
    settled(con, url, mapping_file(tmp_path, COMPANIES))
    assert raw(con, "customers", "customer_id", "name") == [("a-1", "Kari"), ("a-2", "Ola"), ("s-1", "Sven")]
    assert raw(con, "orders", "order_id", "customer_id", "ordered_at") == [
        ("a-1", "a-1", "2024-01-01"), ("s-1", "s-1", "2024-02-01"), ("s-2", None, "2024-02-02")]
    con.close()


def test_a_soft_delete_closes_a_profile(fill: Fill, tmp_path: Path) -> None:
    text = MAPPING.replace('profile_closed_at = { column = "changed", only_if = { gone = ["1"] } }\n', "").replace(
        'table = "wp_users"', 'table = "wp_users"\nsoft_delete = { column = "gone", is = "1", at = "changed" }')
    con = zones.memory()
    settled(con, fill(SHOP), mapping_file(tmp_path, text))
    assert raw(con, "customers", "customer_id", "left(profile_closed_at::VARCHAR, 10)")[1:] == [
        ("u1", None), ("u2", "2024-02-01")]
    con.close()


def test_beside_pivots_and_addresses_the_row_itself_is_written(fill: Fill, tmp_path: Path) -> None:
    url = fill(SHOP)
    text = MAPPING.replace("\nguests = ", "\n# ").replace('{ column = "ID", prefix = "u" }', '"ID"')
    with open_source(url) as source:
        customers = resolve(source, mapping_file(tmp_path, text), SOURCES).tables["customers"]
    assert customers is not None
    assert customers.written_table == ("wp_users",)
    written = {name: column.written for name, column in customers.columns.items() if column is not None}
    assert written["email"] == ("mail",)
    assert written["phone"] == written["organisation_number"] == written["name"] == ()  # rows of another table


@pytest.mark.parametrize(("changes", "told"), [
    ((('entity = "user_id"', 'entity = "whose"'), ('table = "wp_addresses"', 'table = "places"'),
      ('of = "id"\nentity = "entity"', 'of = "x"\nentity = "y"')),
     ["tables.customers.pivot.own: there is no column y; there are entity",
      "tables.customers.pivot.meta: there is no column whose; there",
      "tables.customers.pivot.own: there is no column x;",
      "tables.orders.address.ship: the warehouse has no table places"]),
    ((("only_if = { status", "only_if = { state"), ('guest = "mail"', 'guest = "post"'), ('"ship.name"', '"ship.nm"')),
     ["orders.customer_id: there is no column post; there are", "orders.cancelled_at: there is no column state; there",
      "orders.delivery_name: the warehouse has no column ship.nm there"]),
    # what is at fault in a part hides nothing of the table's other parts and columns
    ((('table = "wp_addresses"', 'table = "places"'), ('ordered_at = "made"', 'ordered_at = "mde"'),
      ('guest = "mail"', 'guest = "post"'), ('paid_at = "paid"', "paid_at = { sql = 'nowhere(paid)' }"),
      ('value = "meta_value"', 'value = "meta_val"'), ('email = "mail"\nphone', 'email = "mial"\nphone'),
      ('columns = { phone = "phone" }', 'columns = { phone = "fone" }'), ("only_if = { gone", "only_if = { gon"),
      ('table = "wp_signups"', 'table = "wp_signup"'),
      ('email = "mail", customer_id = {',
       "email = { sql = 'nowhere(mail)' }, subscribed_at = { sql = 'nowhere(nr)' }, customer_id = {"),
      ('table = "wp_letters"', 'table = "wp_letters"\nwhere = "nowhere(nr) = 1"')),
     ["tables.orders.address.ship: the warehouse has no table places",
      "orders.ordered_at: the warehouse has no column mde there",
      "orders.customer_id: there is no column post; there are", "orders.paid_at: the warehouse refuses (nowhere(paid))",
      "tables.customers.pivot.meta: there is no column meta_val; there are",
      "tables.customers.columns.email: there is no column mial; there are",
      "tables.customers.guests.columns.phone: there is no column fone; there are",
      "tables.customers.columns.profile_closed_at: there is no column gon; there are",
      "tables.newsletter_subscriptions.union.1: the warehouse has no table wp_signup",
      "tables.newsletter_subscriptions.union.0.columns.email: the warehouse refuses it; try it there by hand",
      "tables.newsletter_subscriptions.union.0.columns.subscribed_at: the warehouse refuses it; try it there by hand",
      "tables.newsletter_subscriptions.union.0.where: the warehouse refuses it; try it there by hand"]),
    ((("wanted = { phone", 'where = "nowhere(user_id) = 1"\nwanted = { phone'), ('"meta.phone"', '"meta.fone"')),
     ["tables.customers.pivot.meta: the warehouse refuses it; try it there by hand",
      "tables.customers.columns.phone: there is no column meta.fone; there are"])])
def test_every_fault_of_parts_is_told_at_once(changes: tuple[tuple[str, str], ...], told: list[str], fill: Fill,
                                              tmp_path: Path) -> None:
    url, text = fill(SHOP), MAPPING
    for was, becomes in changes:
        assert was in text
        text = text.replace(was, becomes)
    with open_source(url) as source:
        faults = [found.message for found in check(source, mapping_file(tmp_path, text), SOURCES)
                  if found.level == "fault"]
    assert len(faults) == len(told), faults
    assert all(any(fault.startswith(start) for fault in faults) for start in told), faults


@pytest.mark.parametrize(("text", "words"), [
    ("[tables.orders]\nguests = { table = 'o', email = 'm' }", "tables.orders.guests: guests are customers"),
    ("[tables.cases]\nsoft_delete = { column = 'a', is = '1', at = 'b' }", "tables.cases.soft_delete: only profiles"),
    ("[tables.orders.columns]\npaid_at = { sql = 'x', codes = { a = 'b' } }", "of no column; name it"),
    ("[tables.orders]\npivot.a = { table = 'a', entity = 'b', key = 'c', value = 'd', of = 'e', wanted = { x = 'y' } }",
     "beside no table; name the table"),
    ("[[tables.products.union]]\ntable = 'a'\ncolumns = { name = 'b', colour = 'c' }",
     "2 fault.*union.0.columns.colour: the contract has no such column.*union.0: does not feed product_id, the key"),
    ("[[tables.products.union]]\ntable = 'a'\nquery = 'b'\ncolumns = { name = 'b' }", "write table or query"),
    ("[tables.orders]\ntable = 'o'\naddress.a = { table = 'a', by = 'b', of = 'c', kind = 'd' }",
     'write kind = "column"'),
    ("[tables.products]\ntable = 'p'\nunion = [{ table = 'a', columns = { product_id = 'b' } }]",
     "has table and union")])
def test_what_parts_may_not_say(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="(?s)" + words):
        mapping_file(tmp_path, text)


def test_an_empty_mapping_has_no_parts() -> None:
    assert Mapping().for_each == {}


MERGED = """
    CREATE TABLE kunde (id integer PRIMARY KEY, navn varchar(20), made {moment}, seen {moment}, master integer);
    CREATE TABLE ordre (id integer PRIMARY KEY, kunde integer, at {moment}, note varchar(20));
    CREATE TABLE linje (ordre integer, nr integer, vare integer);
    CREATE TABLE sak (id integer PRIMARY KEY, kunde integer, at {moment});
    CREATE TABLE krav (id integer PRIMARY KEY, kunde integer, at {moment});
    INSERT INTO kunde VALUES (1, 'Kari', '2020-01-01 10:00:00', '2026-10-01 10:00:00', 2),
        (2, 'Kari N', '2021-01-01 10:00:00', '2026-10-02 10:00:00', 3),
        (3, 'Kari Nordmann', '2022-01-01 10:00:00', NULL, 0),
        (4, 'Ola', '2023-01-01 10:00:00', '2026-10-03 10:00:00', NULL), (5, 'Per', '2023-01-01 10:00:00', NULL, 5),
        (6, 'To nobody', '2023-01-01 10:00:00', NULL, 99), (7, 'Round', '2023-01-01 10:00:00', NULL, 8),
        (8, 'And round', '2023-01-01 10:00:00', NULL, 7);
    INSERT INTO ordre VALUES (10, 1, '2024-01-01 10:00:00', 'a'), (11, 2, '2024-01-02 10:00:00', 'b'),
        (12, 4, '2024-01-03 10:00:00', 'c'), (13, NULL, '2024-01-04 10:00:00', 'd'),
        (14, 5, '2024-01-05 10:00:00', 'e'), (15, 6, '2024-01-05 10:00:00', 'f'), (16, 7, '2024-01-05 10:00:00', 'g');
    INSERT INTO sak VALUES (1, 2, '2024-01-01 10:00:00');
    INSERT INTO krav VALUES (1, 1, '2024-01-01 10:00:00')
"""
SURVIVORS = """
[tables.customers]
table = "kunde"
merged_into = "master"
[tables.customers.columns]
customer_id = {key}
customer_type = {{ constant = "consumer" }}
name = "navn"
profile_created_at = "made"
last_login_at = "seen"
[tables.orders]
table = "ordre"
[tables.orders.columns]
order_id = "id"
customer_id = {link}
ordered_at = "at"
delivered_at = {{ sql = "NULL" }}
paid_at = {{ sql = "NULL" }}
delivery_note = "note"
[tables.order_lines]
table = "linje"
[tables.order_lines.columns]
order_id = "ordre"
line_number = "nr"
product_id = "vare"
[tables.cases]
query = "SELECT s.id, s.kunde AS whose, s.at FROM sak s"
[tables.cases.columns]
case_id = "id"
customer_id = {whose}
opened_at = "at"
[tables.rights_requests]
table = "krav"
[tables.rights_requests.columns]
request_id = "id"
kind = {{ constant = "restriction" }}
customer_id = {link}
received_at = "at"
"""


@pytest.mark.parametrize("prefix", ["", "u"])
def test_the_survivor_has_what_was_the_merged_ones(prefix: str, fill: Fill, tmp_path: Path) -> None:
    """Orders, cases, requests and with them freezes are the survivor's; a merged row is closed."""
    feeds = {name: f'{{ column = "{column}", prefix = "u" }}' if prefix else f'"{column}"'
             for name, column in (("key", "id"), ("link", "kunde"), ("whose", "whose"))}
    url, con, mapping = fill(MERGED), zones.memory(), mapping_file(tmp_path, SURVIVORS.format(**feeds))
    settled(con, url, mapping)
    by = prefix
    assert raw(con, "orders", "order_id", "customer_id") == [
        ("10", f"{by}3"), ("11", f"{by}3"), ("12", f"{by}4"), ("13", None), ("14", f"{by}5"),
        ("15", f"{by}6"), ("16", f"{by}7")]  # who leads to nobody stands for itself
    assert raw(con, "cases", "case_id", "customer_id") == [("1", f"{by}3")]
    assert raw(con, "rights_requests", "request_id", "customer_id") == [("1", f"{by}3")]
    assert raw(con, "customers", "customer_id", "left(profile_created_at::VARCHAR, 4)",
               "left(profile_closed_at::VARCHAR, 10)", "left(last_login_at::VARCHAR, 10)") == [
        (f"{by}1", "2020", "2020-01-01", None), (f"{by}2", "2021", "2021-01-01", None), (f"{by}3", "2022", None, None),
        (f"{by}4", "2023", None, "2026-10-03"), (f"{by}5", "2023", None, None), (f"{by}6", "2023", None, None),
        (f"{by}7", "2023", None, None), (f"{by}8", "2023", None, None)]
    with open_source(url) as source:
        orders = resolve(source, mapping, SOURCES).tables["orders"]
    assert orders is not None
    assert orders.written_table == ("ordre",)
    assert orders.columns["delivery_note"] is not None
    assert orders.columns["delivery_note"].written == ("note",)
    assert orders.columns["customer_id"] is not None
    assert orders.columns["customer_id"].written == (() if prefix else ("kunde",))
    con.close()


def test_what_is_at_fault_by_itself_hides_no_other_fault_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(MappingError) as told:
        mapping_file(tmp_path, """
            colour = "blue"
            [rates]
            eur = "11.5"
            [tables.orders]
            pivot.a = { table = "a", of = "id" }
            [tables.orders.columns]
            ordered_at = { colum = "made" }
            nonsense = "made"
            [[tables.products.union]]
            table = "a"
            query = "SELECT 1"
            columns = { name = "b" }
            [tables.customers]
            soft_delete = { column = "gone" }
            [tables.custmers]
            table = "c" """)
    assert "the mapping has 12 fault(s)" in str(told.value)
    for start in ("colour: Extra", "tables.customers.soft_delete.at: ", "rates.eur", "tables.orders.pivot.a.entity: ",
                  "tables.orders.columns.ordered_at.colum: ", "tables.products.union.0: write table or query",
                  "tables.orders.columns.nonsense: the contract", "tables.custmers: the contract has no such table"):
        assert f"\n  - {start}" in str(told.value)


def test_a_schema_that_is_not_there_is_a_fault_like_any_other(fill: Fill, tmp_path: Path) -> None:
    """MariaDB calls it a user who may not, SQLite an error."""
    text = MAPPING.replace('table = "wp_orders"\naddress', 'table = "shop2.wp_orders"\naddress')
    mapping = mapping_file(tmp_path, text.replace('"wp_usermeta"', '"shop2.wp_usermeta"'))
    with open_source(fill(SHOP)) as source, pytest.raises(MappingError) as told:
        resolve(source, mapping, SOURCES)
    for place in ("tables.orders", "tables.customers.pivot.meta"):
        assert f"{place}: the warehouse has no table shop2.wp_" in str(told.value)


def test_a_broken_view_is_named_and_hides_nothing_else(tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db")
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE VIEW old_customers AS SELECT navn FROM kunde")
    shop.close()
    with open_source(url) as source:
        found = {finding.table: finding for finding in check(source, Mapping(), SOURCES)}["old_customers"]
        assert found.shown == "missing"
        assert found.message == (
            "old_customers: not looked at: the warehouse itself cannot read the view old_customers, which names what "
            "is not there or not allowed; mend it there, or name the tables behind it")
        with pytest.raises(MappingError, match="customers: the warehouse itself cannot read the view old_customers"):
            resolve(source, mapping_file(tmp_path, '[tables.customers]\ntable = "old_customers"'), SOURCES)


@pytest.mark.parametrize("table", ["rights_requests", "communications", "cases"])
def test_a_table_of_the_contract_that_is_a_broken_view_does_not_count_as_empty(tmp_path: Path, table: str) -> None:
    """Somebody's restriction may stand there; only the mapping can say that there is none."""
    url = canonical_sqlite(tmp_path / "shop.db")
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute(f"DROP TABLE IF EXISTS {table}")
        shop.execute(f"CREATE VIEW {table} AS SELECT navn FROM kunde")
    shop.close()
    with open_source(url) as source:
        with pytest.raises(MappingError, match=f"{table}: the warehouse itself cannot read the view {table}"):
            resolve(source, Mapping(), SOURCES)
        said = mapping_file(tmp_path, f'[tables.{table}]\nabsent = "ended in 2020"')
        assert resolve(source, said, SOURCES).tables[table] is None


def test_a_broken_view_of_mariadb_is_named(mariadb_url: str, tmp_path: Path) -> None:
    url = mariadb.fresh_database(mariadb_url, "broken")
    with mariadb.connect(url) as maria:
        for statement in ("CREATE TABLE kunde (id integer PRIMARY KEY, navn text)",
                          "CREATE VIEW kunder AS SELECT id, navn FROM kunde", "ALTER TABLE kunde DROP COLUMN navn"):
            maria.cursor().execute(statement)
    with open_source(url) as source, pytest.raises(MappingError, match="customers: the warehouse itself cannot read "
                                                                       "the view kunder, which names what is not"):
        resolve(source, mapping_file(tmp_path, '[tables.customers]\ntable = "kunder"'), SOURCES)
