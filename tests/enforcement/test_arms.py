"""What several tables feed is changed in the table that a record's id tells, and nowhere else."""

import random
import shutil
from pathlib import Path

import pytest

from ajprivacy_pipeline.enforcement.current import current_policy
from ajprivacy_pipeline.enforcement.ground import look_at
from ajprivacy_pipeline.enforcement.stages import stages_of
from ajprivacy_pipeline.enforcement.targets import Place, places_of
from ajprivacy_pipeline.errors import EnforcementError, MappingError
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.warehouse.arms import is_unique
from ajprivacy_pipeline.warehouse.constraints import Catalogue
from ajprivacy_pipeline.warehouse.mapping import check, load_mapping, resolve
from ajprivacy_pipeline.warehouse.source import open_source
from tests.enforcement.armed_shop import LISTS, MAPPING, ORDERS, TABLES, armed_world, everything
from tests.enforcement.enforcement_world import ONE_QUICK, World, empty_database, shop_of
from tests.enforcement.mapping_texts import CUSTOMER, ORDER
from tests.enforcement.test_kill import AROUND_THE_COMMIT, killed


@pytest.fixture(params=ONE_QUICK)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """The shop in each kind of database."""
    return armed_world(tmp_path, empty_database(request.param, request, tmp_path, "arms"))


def test_a_row_goes_in_its_own_table_and_the_one_with_its_number_stays(world: World) -> None:
    before = everything(world)
    world.decide()
    plan = world.plan()
    assert (plan["refused"], plan["not_carried_out"], plan["waiting"]) == ([], [], [])
    result = world.apply(world.approved(plan))
    assert (result["verified"], result["sweep"]) == (True, [])
    after = everything(world)
    assert after["ordre"] == [before["ordre"][0], (11, -1, "2012-01-01", None)]
    assert after["arkiv"] == [(10, -1, "2012-01-01", None), before["arkiv"][1]]
    assert (after["liste"], after["brev"]) == (before["liste"][1:], before["brev"][:1])
    assert after["kunde"][1] == before["kunde"][1]
    again = world.apply(plan["plan"] or "")
    assert (again["applied"], again["batches"], everything(world)) == (0, 0, after)
    assert "due" not in {decision for decision, _ in world.decide().values()}


@pytest.mark.soak
def test_killed_around_the_commit_each_arm_ends_as_if_nothing_had_been(world: World) -> None:
    before = everything(world)
    world.decide()
    plan = world.approved()
    killed(world, plan, AROUND_THE_COMMIT)
    after = everything(world)
    assert after["ordre"] == [before["ordre"][0], (11, -1, "2012-01-01", None)]
    assert after["arkiv"] == [(10, -1, "2012-01-01", None), before["arkiv"][1]]
    assert (after["liste"], after["brev"]) == (before["liste"][1:], before["brev"][:1])


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_of_random_rows_with_the_same_numbers_those_go_that_are_due(
        kind: str, seed: int, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """By the decisions about the ids, each table and number at a time; some keys look like ids of the other list."""
    draw = random.Random(seed)
    world = armed_world(tmp_path, empty_database(kind, request, tmp_path, f"random{seed}"))
    for table in ("kunde", "ordre", "arkiv", "linje", "liste", "brev"):
        world.execute(f"DELETE FROM {table}")
    for who in range(1, 9):
        world.execute(f"INSERT INTO kunde VALUES ({who}, 'Navn {who}', 'k{who}@x.example', '2010-01-01')")
    days = {who: "2026-09-01" if draw.random() < 0.5 else "2012-01-01" for who in range(1, 9)}
    for table, prefix in (("ordre", "o"), ("arkiv", "a")):
        for number in draw.sample(range(1, 13), 9):
            who = draw.randint(1, 8)
            world.execute(f"INSERT INTO {table} VALUES ({number}, {who}, '{days[who]}', 'note')")
            world.execute(f"INSERT INTO linje VALUES ('{prefix}{number}', 1, 5)")
    for table, keys in (("liste", range(1, 9)), ("brev", ["1", "2", "3", "x4", "Y5", "l6", "b-7", "8"])):
        for key in keys:
            left = "'2013-01-01'" if draw.random() < 0.5 else "NULL"
            world.execute(f"INSERT INTO {table} VALUES ('{key}', '{table}{key}@y.example', '2012-01-01', {left})")
    before, decided = everything(world), world.decide()
    plan = world.plan()
    assert (plan["not_carried_out"], plan["waiting"], plan["refused"]) == ([], [], [])
    assert world.apply(world.approved(plan))["verified"]

    def due(entity: str, key: str, part: str) -> bool:
        return decided[entity, key, part][0] == "due"

    expected = {**before, "kunde": everything(world)["kunde"]}
    for table, prefix in (("ordre", "o"), ("arkiv", "a")):
        expected[table] = [
            (key, -1 if due("orders", f"{prefix}{key}", "link") else who, day,
             None if due("orders", f"{prefix}{key}", "delivery") else note) for key, who, day, note in before[table]]
    for table, prefix in (("liste", "l"), ("brev", "b-")):
        expected[table] = [row for row in before[table]
                           if not due("newsletter_subscriptions", f"{prefix}{row[0]}", "email")]
    assert everything(world) == expected
    assert len({decision for (entity, *_), (decision, _) in decided.items() if entity != "subject"}) > 1


@pytest.mark.soak
def test_what_changed_behind_the_plan_stays_in_its_arm_and_the_rest_goes(world: World) -> None:
    """The order is delivered again, one reader has come back, and one row has moved to the other table."""
    world.decide()
    plan = world.approved()
    world.execute("UPDATE arkiv SET dag = '2026-09-01' WHERE nr = 10")
    world.execute("UPDATE liste SET ut = NULL WHERE id = 7")
    world.execute("DELETE FROM brev WHERE kode = '8'")
    before = everything(world)
    assert world.apply(plan)["verified"]
    after = everything(world)
    assert (after["arkiv"], after["liste"], after["brev"]) == (before["arkiv"], before["liste"], before["brev"])


@pytest.mark.soak
def test_an_arm_whose_rows_cannot_be_told_stays_and_the_plan_says_so(tmp_path: Path) -> None:
    """Ids of both lists begin alike, so nothing of either goes; orders go as they should."""
    world = armed_world(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", ORDERS + LISTS.replace('"b-"', '"l"'))
    world.execute("UPDATE brev SET kode = 'x' || kode")
    before = everything(world)
    world.decide()
    plan = world.plan()
    assert {(row["entity"], row["column"], row["rows"]) for row in plan["not_carried_out"]} == {
        ("newsletter_subscriptions", "email", 2)}
    assert world.apply(world.approved(plan))["verified"]
    after = everything(world)
    assert (after["liste"], after["brev"]) == (before["liste"], before["brev"])
    assert (after["ordre"][1][1], after["arkiv"][0][1]) == (-1, -1)


@pytest.mark.soak
def test_a_record_whose_id_is_that_of_nobody_stays_and_the_plan_says_so(tmp_path: Path) -> None:
    """Order 11 has the number that stands for whoever is gone, so that it gets no prefix and stands in no arm."""
    orders = ORDERS[:ORDERS.rindex("[[tables.orders.union]]")]
    world = armed_world(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", orders + LISTS)
    path = tmp_path / "mapping.toml"
    path.write_text(path.read_text().replace("consumer = -1", "consumer = 11"))
    world.execute("INSERT INTO kunde VALUES (11, 'Nobody', NULL, '2010-01-01')")
    world.execute("INSERT INTO linje VALUES ('11', 1, 5)")
    before = everything(world)["ordre"]
    world.decide()
    plan = world.plan()
    assert [(row["entity"], row["column"], row["rows"], row["reason"]) for row in plan["not_carried_out"]] == [
        ("orders", column, 1, "its id does not say in which table it stands")
        for column in ("customer_id", "delivery_note")]
    result = world.apply(world.approved(plan))
    assert (result["not_carried_out"], everything(world)["ordre"]) == (2, before)


def places(folder: Path, unions: str, tables: str = TABLES, of_customers: str = "") -> dict[str, Place]:
    """Where the shop's tables are changed under a mapping, with no row looked at."""
    world = armed_world(folder, f"sqlite:///{folder / 'shop.db'}", unions, tables)
    policy, path = load_policy(NOTICE), folder / "mapping.toml"
    path.write_text(path.read_text().replace('name = "navn"\n', f'name = "navn"\n{of_customers}'))
    with open_source(world.url) as source:
        mapping = load_mapping(path, policy.sources)
        return places_of(resolve(source, mapping, policy.sources), stages_of(policy), policy.sources)


READERS = """
[tables.newsletter_subscriptions]
query = '''QUERY'''
[tables.newsletter_subscriptions.columns]
subscription_id = "x"
email = "epost"
subscribed_at = "inn"
unsubscribed_at = "ut"
"""
FIRST, SECOND = "SELECT 'l' || id AS x, epost, inn, ut FROM liste", "SELECT 'b' || kode, adresse, inn, ut FROM brev"
NAMED = "SELECT 'b' || kode AS x, adresse AS epost, inn, ut FROM brev"
BARE = "'b' || kode END AS x, adresse AS epost, inn, ut FROM brev"


@pytest.mark.parametrize(("query", "changed"), [
    (f"{FIRST} UNION ALL {SECOND}", [("l", "liste"), ("b", "brev")]),
    (f"SELECT CAST(u.x AS TEXT) AS x, epost, inn, ut FROM ({FIRST} UNION ALL {SECOND}) u WHERE inn IS NOT NULL",
     [("l", "liste"), ("b", "brev")]),
    (FIRST, [("l", "liste")]),
    (f"SELECT 'l' || id AS x, (SELECT max(m.epost) FROM liste m) AS epost, inn, ut FROM liste UNION ALL {SECOND}",
     [("l", None), ("b", "brev")]),
    ("SELECT 'l' || id AS x, epost, inn, ut FROM liste UNION ALL SELECT 'b' || lower(kode), adresse, inn, ut FROM brev",
     [("l", "liste"), ("b", None)]),
    ("SELECT 'l' || max(id) AS x, epost, max(inn) AS inn, max(ut) AS ut FROM liste GROUP BY epost UNION ALL " + SECOND,
     [("l", None), ("b", "brev")]),
    ("SELECT 'l' || inn AS x, epost, inn, ut FROM liste UNION ALL " + SECOND, [("l", None), ("b", "brev")]),
    (f"{FIRST} WHERE ut IS NULL UNION ALL SELECT 'm' || id, epost, inn, ut FROM liste WHERE ut IS NOT NULL",
     [("l", None), ("m", None)]),
    ("SELECT 'b' || id AS x, epost, inn, ut FROM liste UNION ALL SELECT 'bb' || kode, adresse, inn, ut FROM brev", []),
    ("SELECT 'b' || id AS x, epost, inn, ut FROM liste UNION ALL SELECT 'B' || kode, adresse, inn, ut FROM brev", []),
    ("SELECT CAST(id AS TEXT) AS x, epost, inn, ut FROM liste UNION ALL " + SECOND, []),
    ("SELECT CAST('l' || id AS VARCHAR(3)) AS x, epost, inn, ut FROM liste UNION ALL " + SECOND, []),
    ("SELECT ' l' || id AS x, epost, inn, ut FROM liste UNION ALL " + SECOND, []),
    (f"WITH one AS (SELECT * FROM liste) SELECT 'l' || id AS x, epost, inn, ut FROM one UNION ALL {SECOND}", []),
    (f"{FIRST} UNION ALL SELECT 'b' || id, epost, inn, ut FROM utsyn", []),
    (f"{FIRST} EXCEPT {SECOND}", []),
    (f"{FIRST} EXCEPT {FIRST} WHERE id = 1 UNION ALL {NAMED}", []),
    (f"SELECT * FROM ({FIRST} EXCEPT {FIRST} WHERE id = 1) u UNION ALL {NAMED}", []),
    (f"SELECT CASE WHEN kode IN ('n7') THEN kode ELSE {BARE}", [("b", "brev")]),
    (f"SELECT CASE WHEN kode IN ('B7') THEN kode ELSE {BARE}", []),
    (f"SELECT CASE WHEN kode IN ('l7') THEN kode ELSE {BARE} UNION ALL {FIRST}", [])])
def test_an_arm_is_told_by_its_id_alone(query: str, changed: list[tuple[str, str | None]], tmp_path: Path) -> None:
    """Where two may begin alike, or one row may feed two ids, nothing is changed."""
    tables = TABLES + ";CREATE VIEW utsyn AS SELECT * FROM liste"
    place = places(tmp_path, ORDERS + READERS.replace("QUERY", query), tables)["newsletter_subscriptions"]
    assert [(arm.prefix, arm.table[-1] if arm.key else None) for arm in place.arms] == changed
    assert place.key == ()
    assert ("email" in place.fixed) == (not changed or None in dict(changed).values())


@pytest.mark.parametrize(("kind", "table"), [("varchar(10)", "liste"), ("integer", None)])
def test_words_tell_rows_of_two_arms_apart_in_a_column_of_texts_alone(
        kind: str, table: str | None, tmp_path: Path) -> None:
    """As numbers '1' and '01' are one, so that each row stands in both arms."""
    tables = TABLES.replace("CREATE TABLE liste (", f"CREATE TABLE liste (flagg {kind}, ").replace(
        "INTO liste VALUES", "INTO liste (id, epost, inn, ut) VALUES")
    query = f"{FIRST} WHERE flagg = '1' UNION ALL {FIRST.replace('l', 'm', 1)} WHERE flagg = '01'"
    place = places(tmp_path, ORDERS + READERS.replace("QUERY", query), tables)["newsletter_subscriptions"]
    assert [(arm.prefix, arm.table[-1] if arm.key else None) for arm in place.arms] == [("l", table), ("m", table)]


def test_columns_of_an_arm_are_told_by_their_place(tmp_path: Path) -> None:
    """The names of all arms are those of the first, and another one may call two columns alike."""
    query = f"{FIRST} UNION ALL SELECT 'b' || kode, adresse, inn AS same, inn AS same FROM brev"
    world = armed_world(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", ORDERS + READERS.replace("QUERY", query))
    with open_source(world.url) as source:
        mapping = load_mapping(world.settings.mapping_file, world.policy.sources)
        table = resolve(source, mapping, world.policy.sources).tables["newsletter_subscriptions"]
    assert table is not None
    assert [arm.columns for arm in table.arms] == [
        {"email": "epost", "subscribed_at": "inn", "unsubscribed_at": "ut"},
        {"email": "adresse", "subscribed_at": "inn", "unsubscribed_at": "inn"}]


def test_a_key_that_is_not_unique_finds_nobody(tmp_path: Path) -> None:
    tables = TABLES.replace("kode varchar(10) PRIMARY KEY", "kode varchar(10)")
    place = places(tmp_path, ORDERS + LISTS, tables)["newsletter_subscriptions"]
    assert [bool(arm.key) for arm in place.arms] == [True, False]


INVOICES = """
[tables.invoices]
table = "ordre"
[tables.invoices.columns]
invoice_id = "id"
customer_id = "kunde"
issued_at = "day"
amount = { constant = 1 }
paid_amount = { constant = 1 }
"""


@pytest.mark.parametrize(("link", "alike"), [
    ('"kunde"', {()}), ('{ column = "kunde", prefix = "k" }', {()}), ('"who"', {(("customer_id", "customer_id"),)})])
def test_an_id_behind_a_prefix_waits_for_all_that_shows_it_without(
        link: str, alike: set[object], tmp_path: Path) -> None:
    """'k1' and '1' are one cell, and 1 shown as a text may be spelt otherwise than 1: only texts as they stand."""
    tables = TABLES.replace("ordre (id integer PRIMARY KEY,", "ordre (id integer PRIMARY KEY, who varchar(9),").replace(
        "INTO ordre VALUES", "INTO ordre (id, kunde, day, note) VALUES")
    world = armed_world(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", ORDERS.replace('"kunde"', link), tables)
    path = tmp_path / "mapping.toml"
    invoices = INVOICES.replace('"kunde"', '"who"') if "who" in link else INVOICES
    path.write_text(path.read_text().replace('[tables.invoices]\nabsent = "none"\n', invoices))
    policy = load_policy(NOTICE)
    with open_source(world.url) as source:
        resolved = resolve(source, load_mapping(path, policy.sources), policy.sources)
        arm = places_of(resolved, stages_of(policy), policy.sources)["orders"].arms[0]
    assert {one.alike for one in arm.shared if one.part == ("orders", "link")} == alike


def test_what_stands_between_texts_is_not_taken_for_what_stands_first(
        request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Ids of both arms begin with 'l-', though one names the '-' before the 'l'."""
    query = f"SELECT concat_ws('-', 'l', id) AS x, epost, inn, ut FROM liste UNION ALL {NAMED.replace('b', 'l-', 1)}"
    world = armed_world(tmp_path, empty_database("postgresql", request, tmp_path, "between"),
                        ORDERS + READERS.replace("QUERY", query))
    with open_source(world.url) as source:
        mapping = load_mapping(world.settings.mapping_file, world.policy.sources)
        table = resolve(source, mapping, world.policy.sources).tables["newsletter_subscriptions"]
    assert table is not None
    assert table.arms == ()


OF_CHILDREN = {
    "none": ("(id integer PRIMARY KEY)", "", True),
    "an heir": ("(id integer PRIMARY KEY)", "() INHERITS (t)", False),
    "a key of all partitions": ("(id integer PRIMARY KEY) PARTITION BY LIST (id)",
                                "PARTITION OF t FOR VALUES IN (1)", True),
    "a key of one partition": ("(id integer NOT NULL, n integer) PARTITION BY LIST (n)",
                               "PARTITION OF t (PRIMARY KEY (id)) FOR VALUES IN (1)", False)}


@pytest.mark.parametrize("which", OF_CHILDREN)
def test_a_key_that_does_not_hold_over_children_tells_no_row_apart(
        which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A change of the row 11 of a table reaches the row 11 of its heir, which may be somebody else's."""
    table, child, whole = OF_CHILDREN[which]
    world = World(tmp_path, empty_database("postgresql", request, tmp_path, "children"))
    world.execute(f"CREATE TABLE t {table}")
    if child:
        world.execute(f"CREATE TABLE t_1 {child}")
    with open_source(world.url) as source:
        assert is_unique(source, ("t",), {"id"}) is whole
        assert Catalogue(source).facts(("t",)).key == (("id",) if whole else ())


@pytest.mark.soak
def test_the_row_of_an_heir_with_the_same_number_stays(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The query leaves it out, and a change of the table by that number would not."""
    orders = ORDERS[:ORDERS.rindex("[[tables.orders.union]]")].replace(
        'prefix = "o"', 'prefix = "o"\nwhere = "kunde <> 2"')
    world = armed_world(tmp_path, empty_database("postgresql", request, tmp_path, "heirs"), orders + LISTS)
    world.execute("CREATE TABLE gammel () INHERITS (ordre)")
    world.execute("INSERT INTO gammel VALUES (11, 2, '2026-09-01', 'ring Eva')")
    before = everything(world)["ordre"]
    world.decide()
    plan = world.plan()
    assert {(row["entity"], row["column"], row["rows"]) for row in plan["not_carried_out"]} == {
        ("orders", "customer_id", 1), ("orders", "delivery_note", 1)}
    world.apply(world.approved(plan))
    assert everything(world)["ordre"] == before


def test_a_row_that_is_a_customer_too_does_not_go_as_a_whole(tmp_path: Path) -> None:
    lists = LISTS.replace('table = "liste"\nprefix = "l"\ncolumns = { subscription_id = "id", email = "epost", '
                            'subscribed_at = "inn", unsubscribed_at = "ut" }',
                            'table = "kunde"\nprefix = "l"\ncolumns = { subscription_id = "id", email = "epost" }')
    assert lists != LISTS
    place = places(tmp_path, ORDERS + lists)["newsletter_subscriptions"]
    assert [bool(arm.key) for arm in place.arms] == [False, True]
    assert place.arms[0].fixed["email"] == "its row would go as a whole, and feeds customers too"


ENDING = """
[[tables.newsletter_subscriptions.union]]
table = "kunde"
prefix = "k"
where = "leser = 1"
ends = { Leser = VALUE }
columns = { subscription_id = "id", email = "epost", unsubscribed_at = "ut" }
"""
READING = TABLES.replace("made varchar(20));", "made varchar(20), leser integer, ut varchar(20));").replace(
    "'2010-01-01')", "'2010-01-01', 1, '2013-01-01')")


def test_a_row_that_stays_is_shown_no_more_where_nothing_else_reads_what_says_so(tmp_path: Path) -> None:
    told = {}
    for name, more in (("alone", ""), ("read", 'preferences = "leser"\n')):
        (tmp_path / name).mkdir()
        told[name] = places(tmp_path / name, ORDERS + ENDING.replace("VALUE", "0"), READING, more)[
            "newsletter_subscriptions"].arms[0]
    assert (told["alone"].key, told["alone"].ends) == (("id",), {"leser": 0})
    assert (told["read"].key, told["read"].fixed["email"]) == (
        (), "`ends` would change what customers.preferences reads too")


@pytest.mark.soak
@pytest.mark.parametrize(("value", "left", "email"), [
    ("0", 0, '"epost"'), ("2", 0, '"epost"'), ("1", 1, '"epost"'), ("1", 1, '{ sql = "lower(epost)" }')])
def test_who_left_a_list_is_shown_no_more_and_keeps_the_row(
        value: str, left: int, email: str, tmp_path: Path) -> None:
    """A value under which the row is shown as before stops the batch, whatever shows its address."""
    ending = ENDING.replace("VALUE", value).replace('email = "epost"', f"email = {email}")
    world = armed_world(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", ORDERS + ending, READING)
    world.decide()
    plan = world.approved()
    before = everything(world)["kunde"]
    if left:
        with pytest.raises(EnforcementError, match=r"newsletter_subscriptions\.email: 2 row.* still show"):
            world.apply(plan)
        assert everything(world)["kunde"] == before
        return
    assert world.apply(plan)["verified"]
    assert everything(world)["kunde"][1] == (*before[1][:4], int(value), before[1][5])


SITES = """
[for_each.site]
or = "n-"
au = "s-"
[tables.customers]
table = "{site}kunde"
[tables.customers.columns]
""" + CUSTOMER + """
[tables.orders]
table = "{site}dre"
[tables.orders.columns]
order_id = "id"
customer_id = { column = "kunde", empty = ["0"] }
ordered_at = "day"
delivered_at = "day"
paid_at = "day"
delivery_note = "note"
"""
OF_SITES = TABLES.replace("kunde (id", "orkunde (id").replace("INTO kunde", "INTO orkunde").replace(
    "kunde integer NOT NULL", "kunde integer NOT NULL REFERENCES orkunde (id)") + """;
CREATE TABLE aukunde (id integer PRIMARY KEY, navn varchar(60), epost varchar(60), made varchar(20));
CREATE TABLE audre (id integer PRIMARY KEY, kunde integer NOT NULL REFERENCES aukunde (id), day varchar(20),
    note varchar(60));
INSERT INTO aukunde VALUES (1, 'Siv Lind', 'siv@z.example', '2010-01-01'), (2, 'Bo Ek', 'bo@z.example', '2010-01-01');
INSERT INTO audre VALUES (10, 2, '2012-01-01', 'ring Bo'), (11, 1, '2026-09-01', 'ring Siv');
INSERT INTO linje VALUES ('n-10', 1, 5), ('n-11', 1, 5), ('s-10', 1, 5), ('s-11', 1, 5)
"""
NOBODY = MAPPING[:MAPPING.index("[tables.customers]")]
OTHERS = MAPPING[MAPPING.index("[tables.contacts]"):]


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_nobody_has_no_prefix_so_that_links_of_every_site_go(
        kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Customer 1 of one site is due, 2 of the other; their orders become nobody's, each in its own table."""
    url = empty_database(kind, request, tmp_path, "sites")
    world = shop_of(tmp_path, url, OF_SITES, NOBODY + SITES + OTHERS)
    before = sites(world)
    world.decide()
    plan = world.plan()
    assert (plan["refused"], plan["not_carried_out"], plan["waiting"]) == ([], [], [])
    result = world.apply(world.approved(plan))
    in_others = [hit for hit in result["sweep"] if "." in hit["table"]]  # databases of other tests on the server
    assert (result["verified"], result["sweep"]) == (True, in_others)
    after = sites(world)
    assert after["ordre"] == [before["ordre"][0], (11, -1, "2012-01-01", None)]
    assert after["audre"] == [(10, -1, "2012-01-01", None), *before["audre"][1:]]
    people = {table: {row[0]: row for row in after[table]} for table in ("orkunde", "aukunde")}
    assert (people["orkunde"][2], people["aukunde"][1]) == (before["orkunde"][1], before["aukunde"][0])
    assert [people[table][who][1:3] for table, who in (("orkunde", 1), ("aukunde", 2), ("orkunde", -1), (
        "aukunde", -1))] == [(None, None)] * 4
    again = world.decide()  # each site has a row of nobody now, and nobody stands there twice
    assert "due" not in {decision for decision, _ in again.values()}


def sites(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Every row of both sites."""
    with world.connection() as connection:
        return {table: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1")]
                for table in ("orkunde", "ordre", "aukunde", "audre")}


@pytest.mark.parametrize(("nobody", "fixed"), [
    (NOBODY, set()), ("", {"customer_id"}), (NOBODY.replace("sole_proprietor = -3", ""), {"customer_id"})])
def test_an_id_behind_a_prefix_goes_where_nobody_is_known_without_it(
        nobody: str, fixed: set[str], tmp_path: Path) -> None:
    """Else the number of nobody would show with the prefix before it, and be somebody's."""
    policy = load_policy(NOTICE)
    world = shop_of(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", OF_SITES, nobody + SITES + OTHERS)
    with open_source(world.url) as source:
        mapping = load_mapping(tmp_path / "mapping.toml", policy.sources)
        place = places_of(resolve(source, mapping, policy.sources), stages_of(policy), policy.sources)["orders"]
    assert [(arm.prefix, arm.table) for arm in place.arms] == [("n-", ("ordre",)), ("s-", ("audre",))]
    assert {frozenset(arm.fixed) for arm in place.arms} == {frozenset(fixed)}
    assert {frozenset(arm.columns) for arm in place.arms} == {frozenset({"delivery_note", "customer_id"} - fixed)}


@pytest.mark.parametrize(("prefix", "refused"), [("1", True), ("-", True), ("-1", True), ("k", False), ("1-", False)])
def test_a_copy_is_not_found_by_a_number_that_a_prefix_makes(prefix: str, refused: bool, tmp_path: Path) -> None:
    """Customer 2 under the prefix 1 is no. 12, and so is somebody else in a table beside."""
    customers = """
[tables.customers]
table = "kunde"
[tables.customers.columns]
customer_id = { column = "id", prefix = "PREFIX" }
customer_type = { constant = "consumer" }
name = "navn"
[[copies]]
table = "liste"
by = { column = "id", entity = "customers" }
erase = ["epost"]
with = "customers.name"
""".replace("PREFIX", prefix)
    rest = MAPPING[MAPPING.index("[tables.contacts]"):]
    world = shop_of(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", TABLES, customers + rest + ORDERS)
    with open_source(world.url) as source:
        found = look_at(source, world.settings, world.policy).refused
    assert [row["fix"].startswith("ids of customers have a number before them") for row in found
            if row["table"] == "liste"] == [True] * refused


def test_the_record_of_no_arm_is_nobodys_row() -> None:
    place = Place((), (), {}, arms=(Place(("a",), ("id",), {}, prefix="a-"), Place(("b",), ("id",), {}, prefix="b")))
    assert [place.of(one).table for one in ("a-1", "b1", "b", "a1", "A-1", "")] == [("a",), ("b",), (), (), (), ()]


def test_what_a_record_of_no_arm_holds_stays(tmp_path: Path) -> None:
    place = places(tmp_path, ORDERS + LISTS)["newsletter_subscriptions"]
    assert [place.of(one).stays("email") for one in ("l7", "b-7", "-1", "l")] == [False, False, True, True]
    assert not place.stays("email")


OF_HEIRS = {
    "parent and heir": ("", "CREATE TABLE arkiv () INHERITS (ordre)"),
    "partition": (" PARTITION BY RANGE (id)", "CREATE TABLE arkiv PARTITION OF ordre FOR VALUES FROM (1) TO (99)"),
    "grandchild": ("", "CREATE TABLE mellom () INHERITS (ordre); CREATE TABLE arkiv () INHERITS (mellom)")}
BY_ARM = ORDERS.replace('"nr"', '"id"').replace('"hvem"', '"kunde"').replace('"dag"', '"day"').replace(
    '"merknad"', '"note"')


def heirs(folder: Path, request: pytest.FixtureRequest, which: str, unions: str) -> World:
    """The shop in which the second table of orders has the rows of the first one's heir."""
    partitioned, child = OF_HEIRS[which]
    own = "CREATE TABLE arkiv (nr integer PRIMARY KEY, hvem integer NOT NULL, dag varchar(20), merknad varchar(60))"
    assert own in TABLES
    tables = TABLES.replace(own, child).replace("note varchar(60));", f"note varchar(60)){partitioned};", 1)
    tables = tables.replace("INSERT INTO arkiv VALUES (10, 1, '2012-01-01', 'ring Kari'), (11, 2,",
                            "INSERT INTO arkiv VALUES (20, 1, '2012-01-01', 'ring Kari'), (21, 2,")
    return armed_world(folder, empty_database("postgresql", request, folder, "of_heirs"), unions, tables)


@pytest.mark.parametrize("which", OF_HEIRS)
def test_a_table_and_its_heir_as_two_arms_are_refused(
        which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Every order of the heir would count twice, as two, in the decisions and in what is published."""
    world = heirs(tmp_path, request, which, BY_ARM + LISTS)
    with open_source(world.url) as source:
        mapping = load_mapping(world.settings.mapping_file, world.policy.sources)
        found = [one.message for one in check(source, mapping, world.policy.sources) if one.level == "fault"]
        with pytest.raises(MappingError, match="would count as two"):
            look_at(source, world.settings, world.policy)
    assert found == [("orders: every row of public.arkiv is one of public.ordre, too, so that it would count as two; "
                      "name public.ordre alone, or read the other rows of it with FROM ONLY")]


def test_siblings_share_no_row_and_only_leaves_heirs_out(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Of what ONLY reads nothing is changed: a change of the table would reach its heirs."""
    query = "SELECT id, kunde, day, note FROM ONLY ordre"
    unions = BY_ARM.replace('table = "ordre"', f"query = '{query}'") + LISTS
    world = heirs(tmp_path, request, "parent and heir", unions)
    with open_source(world.url) as source:
        mapping = load_mapping(world.settings.mapping_file, world.policy.sources)
        assert not [one for one in check(source, mapping, world.policy.sources) if one.level == "fault"]
        assert not look_at(source, world.settings, world.policy).places["orders"].columns
    world.execute("CREATE TABLE bror () INHERITS (ordre); ALTER TABLE bror ADD PRIMARY KEY (id)")
    world.execute("ALTER TABLE arkiv ADD PRIMARY KEY (id)")
    with open_source(world.url) as source:
        arms = look_at(source, world.settings, world.policy).places["orders"].arms
    assert [(arm.prefix, set(arm.columns), set(arm.fixed)) for arm in arms] == [
        ("o", set(), {"customer_id", "delivery_note"}), ("a", set(), {"customer_id", "delivery_note"})]
    siblings = tmp_path / "mapping.toml"
    siblings.write_text(MAPPING + BY_ARM.replace('table = "ordre"', 'table = "bror"') + LISTS)
    with open_source(world.url) as source:
        mapping = load_mapping(siblings, world.policy.sources)
        assert not [one for one in check(source, mapping, world.policy.sources) if "is one of" in one.message]
        arms = look_at(source, world.settings, world.policy).places["orders"].arms
    assert [(arm.prefix, arm.table, arm.key) for arm in arms] == [("o", ("bror",), ("id",)), ("a", ("arkiv",), ("id",))]


def test_what_two_tables_of_the_contract_show_of_one_heir_waits(
        request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Invoices that are an heir's rows are orders, too: the customer of one goes with that of the other."""
    unions = """
[tables.orders]
table = "ordre"
[tables.orders.columns]
order_id = "id"
customer_id = "kunde"
ordered_at = "day"
delivered_at = "day"
paid_at = "day"
""" + LISTS
    world = heirs(tmp_path, request, "grandchild", unions)
    path = tmp_path / "mapping.toml"
    path.write_text(path.read_text().replace(
        '[tables.invoices]\nabsent = "none"\n', INVOICES.replace('"ordre"', '"arkiv"')))
    shown = {}
    for which in ("heir", "none"):
        if which == "none":
            world.execute("ALTER TABLE arkiv NO INHERIT mellom")
        with open_source(world.url) as source:
            mapping = load_mapping(path, world.policy.sources)
            told = [one.message for one in check(source, mapping, world.policy.sources) if "is one of" in one.message]
            places = look_at(source, world.settings, world.policy).places
        shown[which] = told, {one.other for one in places["orders"].shared}, {
            one.other for one in places["invoices"].shared}
    told = ("invoices and orders: every row of public.arkiv is one of public.ordre, too; what is due first waits for "
            "the other, or is not carried out by us")
    assert shown == {
        "heir": ([told], {("invoices", "link")}, {("orders", "link")}),
        "none": ([], set(), set())}


CONTACTS = """
[tables.contacts]
table = "{site}kunde"
[tables.contacts.columns]
contact_id = "id"
customer_id = "id"
name = "navn"
"""


@pytest.mark.parametrize(("policys", "mappings", "refused"), [
    ("", "", []), ("", "contact = -4", []), ('contact = "gone"', "contact = -4", []),
    ('contact = "gone"', "", [("ordre", "note"), ("audre", "note")]), ('contact = "-2"', "", [])])
def test_the_policys_own_nobody_is_refused_behind_a_prefix(
        policys: str, mappings: str, refused: list[tuple[str, str]], tmp_path: Path) -> None:
    """n-gone would be a contact of that name; the batch that wrote it would stop, and could never be carried out."""
    shutil.copytree(NOTICE, tmp_path / "notice")
    purposes = tmp_path / "notice" / "purposes.toml"
    purposes.write_text(purposes.read_text().replace("[tombstones]\n", f"[tombstones]\n{policys}\n"))
    sites = (NOBODY.rstrip() + f"\n{mappings}\n" + SITES.replace('delivery_note = "note"', 'contact_id = "note"')
             + CONTACTS + OTHERS[OTHERS.index("[tables.order_lines]"):])
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    world = shop_of(tmp_path, url, OF_SITES, sites, AJPRIVACY_NOTICE=str(tmp_path / "notice"))
    with open_source(world.url) as source:
        found = look_at(source, world.settings, current_policy(world.settings)).refused
    told = [row for row in found if "would show the policy's own gone behind the prefix" in row["fix"]]
    assert [(row["table"], row["column"]) for row in told] == refused


@pytest.mark.parametrize(("copied", "read"), [("arkiv", "ordre"), ("ordre", "arkiv")])
def test_a_copy_that_is_an_heir_of_what_is_read_is_refused(
        copied: str, read: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Notes of the orders of whoever is due would go with the copy, orders that are held among them."""
    unions = f"""
[tables.orders]
table = "{read}"
[tables.orders.columns]
{ORDER}
[[copies]]
table = "{copied}"
by = {{ column = "kunde", entity = "customers" }}
erase = ["note"]
with = "customers.name"
""" + LISTS
    world = heirs(tmp_path, request, "parent and heir", unions)
    world.execute("ALTER TABLE arkiv ADD PRIMARY KEY (id)")
    refused = []
    for which in ("heir", "none"):
        if which == "none":
            world.execute("ALTER TABLE arkiv NO INHERIT ordre")
        with open_source(world.url) as source:
            found = look_at(source, world.settings, world.policy).refused
        refused.append({row["fix"] for row in found if "mapping's copies" in row["fix"]})
    assert refused == [{"take this out of the mapping's copies: the table feeds the contract itself"}, set()]
