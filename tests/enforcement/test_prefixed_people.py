"""People whose ids have a prefix: restored, come back, replaced and asking, beside somebody else with the same number.

Two sites have tables of their own. Customers 1 and 2, orders 10 and 11 and readers 7 and 8 are there in both: each is
due in one, and lives in the other.
"""

from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.enforcement.recover import recover
from ajprivacy_pipeline.enforcement.requested import plan_for_request
from ajprivacy_pipeline.errors import EnforcementError
from tests.enforcement.enforcement_world import World, empty_database, shop_of
from tests.enforcement.mapping_texts import CUSTOMER, NOTHING_ELSE, ORDER, TOMBSTONES
from tests.enforcement.test_nobody_comes_back import look

SITE = """
CREATE TABLE {0}kunde (id integer PRIMARY KEY, navn varchar(60), epost varchar(60), made varchar(20));
CREATE TABLE {0}ordre (id integer PRIMARY KEY, kunde integer NOT NULL, day varchar(20), note varchar(60));
CREATE TABLE {0}linje (ordre integer, nr integer, vare integer, PRIMARY KEY (ordre, nr));
CREATE TABLE {0}vare (id integer PRIMARY KEY, warranty integer);
CREATE TABLE {0}liste (id integer PRIMARY KEY, epost varchar(60), kunde integer, inn varchar(20), ut varchar(20));
CREATE TABLE {0}krav (id integer PRIMARY KEY, kind varchar(20), kunde integer, epost varchar(60), inn varchar(20),
    sett varchar(20));
INSERT INTO {0}vare VALUES (5, 0);
INSERT INTO {0}linje VALUES (10, 1, 5), (11, 1, 5)
"""
OF_NORWAY = """;
INSERT INTO nkunde VALUES (1, 'Kari Nordmann', 'kari@x.example', '2010-01-01'),
    (2, 'Ola Nordmann', 'ola@x.example', '2010-01-01');
INSERT INTO nordre VALUES (10, 2, '2026-06-01', 'ring Ola'), (11, 1, '2012-01-01', 'ring Kari');
INSERT INTO nliste VALUES (7, 'per@y.example', NULL, '2012-01-01', '2013-01-01'),
    (8, 'ola@x.example', 2, '2026-01-01', NULL)
"""
OF_SWEDEN = """;
INSERT INTO skunde VALUES (1, 'Siv Lind', 'siv@z.example', '2010-01-01'), (2, 'Bo Ek', 'bo@z.example', '2010-01-01');
INSERT INTO sordre VALUES (10, 2, '2012-01-01', 'ring Bo'), (11, 1, '2026-06-01', 'ring Siv');
INSERT INTO sliste VALUES (7, 'siv@z.example', 1, '2026-01-01', NULL),
    (8, 'eva@y.example', NULL, '2012-01-01', '2013-01-01')
"""
TABLES = ("kunde", "ordre", "linje", "vare", "liste", "krav")
FILL = ";".join((SITE.format("n"), SITE.format("s"))) + OF_NORWAY + OF_SWEDEN
MAPPING = TOMBSTONES + """
[for_each.site]
n = "n-"
s = "s-"
[tables.customers]
table = "{site}kunde"
[tables.customers.columns]
""" + CUSTOMER + """
[tables.orders]
table = "{site}ordre"
[tables.orders.columns]
""" + ORDER + """
[tables.order_lines]
table = "{site}linje"
[tables.order_lines.columns]
order_id = "ordre"
line_number = "nr"
product_id = "vare"
[tables.products]
table = "{site}vare"
[tables.products.columns]
product_id = "id"
warranty_years = "warranty"
[tables.newsletter_subscriptions]
table = "{site}liste"
[tables.newsletter_subscriptions.columns]
subscription_id = "id"
email = "epost"
customer_id = "kunde"
subscribed_at = "inn"
unsubscribed_at = "ut"
[tables.rights_requests]
table = "{site}krav"
[tables.rights_requests.columns]
request_id = "id"
kind = "kind"
customer_id = "kunde"
email = "epost"
received_at = "inn"
identity_verified_at = "sett"
[tables.contacts]
absent = "none"
""" + NOTHING_ELSE
Rows = dict[str, dict[int, tuple[Any, ...]]]


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """The two sites in each kind of database, with a month decided."""
    url = empty_database(request.param, request, tmp_path, "prefixed")
    made = shop_of(tmp_path, url, FILL, MAPPING)
    made.decide()
    return made


def rows(world: World) -> Rows:
    """Every row in which people stand, by table and number."""
    with world.connection() as connection:
        return {table: {row[0]: tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")}
                for table in (f"{site}{name}" for site in "ns" for name in ("kunde", "ordre", "liste"))}


def restore(world: World) -> None:
    """The warehouse of before: every table as it was, and no marker."""
    with world.connection() as connection:
        for table in [f"{site}{name}" for site in "ns" for name in TABLES] + ["ajprivacy_batches"]:
            connection.exec_driver_sql(f"DROP TABLE {table}")
        for statement in filter(None, map(str.strip, FILL.split(";"))):
            connection.exec_driver_sql(statement)


def of_the_month(before: Rows) -> Rows:
    """What a month's plan leaves: Kari of one site and Bo of the other are gone, and whoever left a list."""
    after = {table: dict(of_table) for table, of_table in before.items()}
    after["nkunde"][1] = (1, None, None, "2010-01-01")
    after["skunde"][2] = (2, None, None, "2010-01-01")
    after["nordre"][11] = (11, -1, "2012-01-01", None)
    after["sordre"][10] = (10, -1, "2012-01-01", None)
    del after["nliste"][7], after["sliste"][8]
    return after


@pytest.mark.soak
def test_a_restored_warehouse_is_carried_out_again_for_the_same_people(world: World) -> None:
    before = rows(world)
    plan = world.plan()
    assert (plan["refused"], plan["not_carried_out"], plan["waiting"]) == ([], [], [])
    assert world.apply(world.approved(plan))["verified"]
    assert rows(world) == of_the_month(before)
    restore(world)
    with pytest.raises(EnforcementError, match="it was restored from before"):
        world.plan()
    recover(world.settings, "Ada")
    found = look(world)
    assert {key for key, reason in found.hits.items() if reason == "quarantined"} == {
        ("customers", "n-1"), ("customers", "s-2")}
    assert "id_used_again" not in found.hits.values()
    assert {found.decisions[f"customer:{who}"]["name"] for who in ("n-1", "s-2")} == {"due"}
    assert {found.decisions[f"customer:{who}"]["name"] for who in ("n-2", "s-1")} == {"retain"}
    assert world.apply(world.approved())["verified"]
    assert rows(world) == of_the_month(before)


@pytest.mark.soak
def test_a_number_used_again_is_told_from_the_same_number_of_the_other_site(world: World) -> None:
    """Number 1 of one site is somebody new, 2 of the other is written back; 2 and 1 beside them live on."""
    assert world.apply(world.approved())["verified"]
    world.execute("UPDATE nkunde SET navn = 'Per Hansen', epost = 'per.h@x.example', made = '2026-10-01' WHERE id = 1")
    world.execute("UPDATE skunde SET navn = 'Bo Ek', epost = 'bo@z.example' WHERE id = 2")
    world.execute("INSERT INTO nliste VALUES (7, 'new@y.example', NULL, '2026-10-20', NULL)")
    found = look(world)
    assert found.hits == {("customers", "n-1"): "id_used_again", ("customers", "s-2"): "quarantined"}
    assert set(found.decisions["customer:n-1"].values()) == {"retain"}
    before = rows(world)
    assert world.apply(world.approved())["verified"]
    after = rows(world)
    assert after["skunde"].pop(2)[1:3] == (None, None)
    del before["skunde"][2]
    assert after == before


@pytest.mark.soak
def test_what_was_erased_under_a_number_is_only_alike_under_the_number_of_the_other_site(world: World) -> None:
    """Kari was number 1 of one site; whoever has her name and address as number 1 of the other has not come back."""
    assert world.apply(world.approved())["verified"]
    world.execute("UPDATE skunde SET navn = 'Kari Nordmann', epost = 'kari@x.example' WHERE id = 1")
    found = look(world)
    assert found.hits == {("customers", "s-1"): "erased_value"}
    assert set(found.decisions["customer:s-1"].values()) == {"retain"}


def ask(world: World, site: str, number: int) -> str:
    """Somebody of a site asks to be forgotten; returns the id of the request."""
    world.execute(f"INSERT INTO {site}krav VALUES (3, 'erasure', {number}, NULL, '2026-11-20', '2026-11-21')")
    return f"{site}-3"


@pytest.mark.soak
def test_a_request_reaches_its_own_number_alone_and_is_carried_out_again_after_a_restore(world: World) -> None:
    """Number 2 of the other site is due, too, for the month; the request's plan leaves her to it."""
    request, before = ask(world, "n", 2), rows(world)
    expected = {table: dict(of_table) for table, of_table in before.items()}
    expected["nkunde"][2] = (2, None, None, "2010-01-01")
    expected["nordre"][10] = (10, -1, "2026-06-01", None)
    del expected["nliste"][8]
    for again in (False, True):
        if again:
            restore(world)
            ask(world, "n", 2)
            with pytest.raises(EnforcementError, match="it was restored from before"):
                plan_for_request(world.settings, request)
            recover(world.settings, "Ada")
        plan = plan_for_request(world.settings, request)
        assert (plan["subjects"], plan["refused"], plan["not_carried_out"]) == (1, [], [])
        approve(world.settings, plan["plan"] or "", "Ada")
        assert world.apply(plan["plan"] or "")["verified"]
        assert rows(world) == expected


@pytest.mark.soak
def test_two_who_ask_under_one_number_go_each_in_their_own_site(world: World) -> None:
    """Both requests have the number 3, both customers the number 1 or 2; both plans stand side by side."""
    requests, before = [ask(world, "n", 2), ask(world, "s", 1)], rows(world)
    for request in requests:
        plan = plan_for_request(world.settings, request)
        assert plan["subjects"] == 1
        approve(world.settings, plan["plan"] or "", "Ada")
        assert world.apply(plan["plan"] or "")["verified"]
    after = rows(world)
    assert {table for table in before if before[table] != after[table]} == set(before)
    for gone, kept in (("nkunde", 1), ("skunde", 2), ("nordre", 11), ("sordre", 10), ("nliste", 7), ("sliste", 8)):
        assert after[gone][kept] == before[gone][kept]
    assert [after[table][who][1] for table, who in (("nkunde", 2), ("skunde", 1), ("nordre", 10), ("sordre", 11))] == [
        None, None, -1, -1]
    assert (set(after["nliste"]), set(after["sliste"])) == ({7}, {8})


@pytest.mark.soak
def test_an_address_reaches_readers_of_both_sites_and_no_number(world: World) -> None:
    """Somebody reads both lists, under numbers that others have in the other one; whoever has these stays."""
    world.execute("INSERT INTO sliste VALUES (9, 'OLA@x.example', NULL, '2026-01-01', NULL)")
    world.execute("INSERT INTO nliste VALUES (9, 'liv@y.example', NULL, '2026-01-01', NULL)")
    world.execute("INSERT INTO skrav VALUES (3, 'objection', NULL, 'ola@x.example', '2026-11-20', NULL)")
    before = rows(world)
    plan = plan_for_request(world.settings, "s-3")
    approve(world.settings, plan["plan"] or "", "Ada")
    assert world.apply(plan["plan"] or "")["verified"]
    expected = {table: dict(of_table) for table, of_table in before.items()}
    del expected["nliste"][8], expected["sliste"][9]
    assert rows(world) == expected
    again = world.apply(plan["plan"] or "")
    assert (again["applied"], rows(world)) == (0, expected)


@pytest.mark.soak
@pytest.mark.parametrize("table", ["nkunde", "skunde"])
def test_a_plan_is_stopped_where_its_own_row_changed_and_not_for_the_other_one(world: World, table: str) -> None:
    """The customer who asked orders meanwhile, or the one with the same number of the other site does."""
    request, before = ask(world, "n", 2), rows(world)
    plan = plan_for_request(world.settings, request)
    approve(world.settings, plan["plan"] or "", "Ada")
    world.execute(f"INSERT INTO {table[0]}ordre VALUES (12, 2, '2026-11-22', 'ring')")
    assert world.apply(plan["plan"] or "")["verified"]
    after = rows(world)
    assert (after["nkunde"][2][1] is None) == (table == "skunde")
    assert after["skunde"] == before["skunde"]
    assert after["sordre"].get(12, (12, 2, "2026-11-22", "ring")) == (12, 2, "2026-11-22", "ring")


def test_a_request_has_a_plan_where_the_mapping_has_no_copies(tmp_path: Path) -> None:
    """It was refused by the engine: the list of what copies are made of has no type where it is empty."""
    world = shop_of(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", FILL, MAPPING)
    world.decide()
    plan = plan_for_request(world.settings, ask(world, "n", 2))
    assert (plan["subjects"], {row["entity"] for row in plan["summary"]}) == (
        1, {"customers", "orders", "newsletter_subscriptions"})
