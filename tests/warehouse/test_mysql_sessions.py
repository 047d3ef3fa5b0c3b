"""What MariaDB's sessions say: || joins texts, "x" is a name, a TIMESTAMP is UTC, whatever server and address say."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.apply import open_writer
from ajprivacy_pipeline.errors import MappingError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.facts import fact_rows
from ajprivacy_pipeline.warehouse.lookup import lookup
from ajprivacy_pipeline.warehouse.mapping import check, resolve
from ajprivacy_pipeline.warehouse.resolved import ResolvedColumn, ResolvedTable
from ajprivacy_pipeline.warehouse.source import ColumnType, open_source
from tests import mariadb
from tests.warehouse.shopkit import SOURCES, mapping_file, raw, settled

SHOP = """
    CREATE TABLE kunde (id binary(4) PRIMARY KEY, a varchar(20), b varchar(20), made timestamp NULL, seen datetime,
        born date) ENGINE=InnoDB;
    CREATE TABLE ordre (id integer PRIMARY KEY, kunde binary(4), made timestamp NULL, sent datetime, paid datetime,
        state varchar(9), unix integer) ENGINE=InnoDB;
    CREATE TABLE linje (ordre integer, nr integer, vare integer, pris decimal(10,2)) ENGINE=InnoDB;
    CREATE TABLE klikk (id integer PRIMARY KEY, kunde binary(4), at timestamp NULL, ok bit(1)) ENGINE=InnoDB;
    SET time_zone = '+00:00', sql_mode = '';
    INSERT INTO kunde VALUES (x'00ff10a0', 'Kari', 'Nordmann', '2024-01-31 23:30:00', '0000-00-00', '1980-05-04'),
        (x'00ff10a1', 'Ola', 'Hansen', '0000-00-00', '2024-01-31 23:30:00', '0000-00-00');
    INSERT INTO ordre VALUES
        (1, x'00ff10a0', '2024-07-31 22:30:00', '0000-00-00', '2024-08-02 10:00:00', 'ok', 1706743800);
    INSERT INTO linje VALUES (1, 1, 7, 1.50);
    INSERT INTO klikk VALUES (1, x'00ff10a0', '2024-03-31 01:30:00', b'1'), (2, NULL, '2024-03-31 00:30:00', b'0')
"""
MAPPING = """
[tables.customers]
table = "kunde"
[tables.customers.columns]
customer_id = "id"
customer_type = { constant = "consumer" }
name = { sql = '''"a" || ' ' || b''', writes = ["a", "b"] }
birth_date = { column = "born", empty = ["0000-00-00"] }
profile_created_at = { column = "made", empty = ["00000000"] }
last_login_at = { column = "seen", empty = ["0000-00-00 00:00:00"] }
[tables.orders]
table = "ordre"
[tables.orders.columns]
order_id = "id"
customer_id = "kunde"
ordered_at = "made"
delivered_at = "sent"
paid_at = "paid"
completed_at = { sql = "CASE WHEN state = 'ok' THEN made END" }
[tables.order_lines]
table = "linje"
[tables.order_lines.columns]
order_id = "ordre"
line_number = "nr"
product_id = "vare"
[tables.web_events]
query = "SELECT * FROM klikk"
[tables.web_events.columns]
event_id = "id"
customer_id = "kunde"
occurred_at = "at"
consented = "ok"
[tables.invoices]
absent = "none"
[tables.cases]
absent = "none"
"""


@pytest.fixture(scope="module", params=["", "SET sql_mode = 'ANSI', time_zone = '-08:00'"])
def url(request: pytest.FixtureRequest, mariadb_url: str) -> Iterator[str]:
    """A shop whose server, or whose address, says another zone than UTC."""
    found = mariadb.fresh_database(mariadb_url, "sessions")
    with mariadb.connect(found) as maria:
        cursor = maria.cursor()
        for statement in filter(None, map(str.strip, SHOP.split(";"))):
            cursor.execute(statement)
        cursor.execute("SET GLOBAL time_zone = '+05:00'")
        own = {"init_command": request.param} if request.param else {}
        yield sa.make_url(found).update_query_dict(own).render_as_string(hide_password=False)
        cursor.execute("SET GLOBAL time_zone = 'SYSTEM'")


def test_what_is_read_is_what_is_meant(url: str, tmp_path: Path) -> None:
    con = zones.memory()
    settled(con, url, mapping_file(tmp_path, MAPPING))
    local = "local_at({0})"
    assert raw(con, "customers", "customer_id", "name", *map(local.format, (
        "profile_created_at", "last_login_at", "birth_date"))) == [
        ("00ff10a0", "Kari Nordmann", "2024-02-01 00:30:00", None, "1980-05-04 00:00:00"),
        ("00ff10a1", "Ola Hansen", None, "2024-01-31 23:30:00", None)]
    assert raw(con, "orders", "customer_id", *map(local.format, ("ordered_at", "paid_at", "completed_at"))) == [
        ("00ff10a0", "2024-08-01 00:30:00", "2024-08-02 10:00:00", "2024-08-01 00:30:00")]
    assert raw(con, "orders", "delivered_at") == [("0000-00-00 00:00:00",)]  # a fault, until the mapping says `empty`
    assert raw(con, "web_events", "customer_id", local.format("occurred_at"), "boolean_of(consented)") == [
        ("00ff10a0", "2024-03-31 03:30:00", "true"), (None, "2024-03-31 01:30:00", "false")]
    con.close()


def test_the_writer_and_a_look_up_read_the_same(url: str, tmp_path: Path) -> None:
    mapping = mapping_file(tmp_path, MAPPING)
    with open_source(url) as source:
        customers = resolve(source, mapping, SOURCES).tables["customers"]
    assert customers is not None
    shown = ("customer_id", "name", "profile_created_at")
    expected = [("00ff10a0", "Kari Nordmann", "2024-01-31 23:30:00Z")]
    with open_writer(url, 1) as writer, writer.batch() as batch:
        found = batch.facts(customers, dict.fromkeys(shown, "VARCHAR"), {"customer_id": ["00ff10a0"]}, lock=True)
        assert [tuple(row.values()) for row in found.to_pylist()] == expected
        connection = batch._connection
        assert fact_rows(connection, customers, dict.fromkeys(shown, "VARCHAR"), {"customer_id": ["00ff10a0"]},
                         lock=False) == expected
    with lookup(url, mapping, SOURCES) as looked:
        assert [tuple(row[name] for name in shown) for row in looked.by_ids(
            "customers", {"customer_id": ["00ff10a0"]})] == expected


def test_lineage_reads_names_as_the_session_does(url: str, tmp_path: Path) -> None:
    with open_source(url) as source:
        customers = resolve(source, mapping_file(tmp_path, MAPPING), SOURCES).tables["customers"]
    assert customers is not None
    assert customers.reads is not None
    assert {cell.column for cell in customers.reads.columns["name"].cells} == {"a", "b"}
    assert customers.columns["customer_id"] is not None
    assert customers.columns["customer_id"].written == ()  # no row is found again by what its bytes look like


@pytest.mark.parametrize(("feed", "is_refused"), [
    ("{ sql = \"DATE_FORMAT(made, '%Y-%m-%d %H:%i:%s')\" }", True), ('{ sql = "DATE(made)" }', True),
    ('{ sql = "FROM_UNIXTIME(unix)" }', True), ('{ sql = "COALESCE(paid, made)" }', True),
    ('{ sql = "NOW()" }', True), ("{ sql = \"CONCAT(FROM_UNIXTIME(unix), 'Z')\" }", False),
    ('{ sql = "FROM_UNIXTIME(unix)", source_timezone = "UTC" }', False), ('{ sql = "COALESCE(sent, paid)" }', False),
    ('{ sql = "COALESCE(made, made)" }', False), ('{ column = "made", source_timezone = "Europe/Oslo" }', False)])
def test_the_sessions_time_is_not_taken_for_local(feed: str, is_refused: bool, url: str, tmp_path: Path) -> None:
    mapping = mapping_file(tmp_path, MAPPING.replace('paid_at = "paid"', f"paid_at = {feed}"))
    with open_source(url) as source:
        if not is_refused:
            assert resolve(source, mapping, SOURCES).tables["orders"] is not None
            return
        with pytest.raises(MappingError, match=r"1 fault.*\n.*orders.paid_at: is made of a TIMESTAMP"):
            resolve(source, mapping, SOURCES)


def test_sums_of_the_session_hold_for_a_moment(url: str, tmp_path: Path) -> None:
    """The hour of an expression's moment is the one that it was, in winter and in summer."""
    mapping = mapping_file(tmp_path, MAPPING.replace(
        'paid_at = "paid"', 'paid_at = { sql = "FROM_UNIXTIME(unix)", source_timezone = "UTC" }'))
    con = zones.memory()
    settled(con, url, mapping)
    assert raw(con, "orders", "local_at(paid_at)") == [("2024-02-01 00:30:00",)]
    con.close()


QUERIES = [
    ("SELECT o.id, CONCAT(o.made, 'Z') AS a, DATE_FORMAT(o.made, '%Y-%m-%d %H:%i') AS b FROM ordre o", "b"),
    ("SELECT id, made AS a, CONCAT(made, 'Z') AS b FROM ordre UNION ALL SELECT id, made, CAST(made AS CHAR) FROM ordre",
     "b"),
    (("SELECT o.id, x.at AS a, x.day AS b FROM ordre o JOIN (SELECT id, CONCAT(MAX(made), 'Z') AS at, "
     "MAX(DATE(made)) AS day FROM ordre GROUP BY id) x ON x.id = o.id"), "b"),
    ("SELECT id, sent AS a, COALESCE(sent, FROM_UNIXTIME(unix)) AS b FROM ordre", "b"),
    ("SELECT id, CONCAT(FROM_UNIXTIME(unix), ' UTC') AS a, DATE_FORMAT(made, '%Y-%m-%dT%TZ') AS b FROM ordre", ""),
    ("SELECT id, CAST(made AS CHAR) AS a, 'NZ' AS b FROM ordre", "a")]


@pytest.mark.parametrize(("query", "refused"), QUERIES)
def test_a_zone_beside_another_column_says_nothing_of_this_one(query: str, refused: str, url: str,
                                                               tmp_path: Path) -> None:
    start, end = MAPPING.index("[tables.orders]"), MAPPING.index("[tables.order_lines]")
    own = (f'[tables.orders]\nquery = """{query}"""\n[tables.orders.columns]\norder_id = "id"\ncustomer_id = "id"\n'
           'ordered_at = "a"\ndelivered_at = "b"\npaid_at = "a"\n')
    mapping = mapping_file(tmp_path, MAPPING[:start] + own + MAPPING[end:])
    with open_source(url) as source:
        said = [found.column for found in check(source, mapping, SOURCES) if found.level == "fault"]
    assert said == {
        "a": ["ordered_at", "paid_at"], "b": ["delivered_at"], "": []}[refused]


_TEXTS = ["x", "", " ", " x ", "æ😀", "NULL", "0", "1", "a:b", "%s", "\\'\"", "x\0y", None]


@pytest.mark.parametrize("largest", [None, 1024])  # bytes of a packet: the longest row is not packed
def test_texts_that_are_packed_are_what_they_were(url: str, tmp_path: Path, largest: int | None) -> None:
    found = mariadb.fresh_database(url, "packed")
    rows = [(number, name, None if name is None else f"{name}{number}", number * 2)
            for number, name in enumerate(_TEXTS)] + [(99, "l" * 900, "m" * 900, None)]
    with mariadb.connect(found) as maria:
        cursor = maria.cursor()
        cursor.execute("CREATE TABLE kunde (id INT PRIMARY KEY, name VARCHAR(2000), email TEXT CHARACTER SET utf8mb4, "
                       "points INT)")
        cursor.executemany("INSERT INTO kunde VALUES (%s, %s, %s, %s)", rows)
        maria.commit()
        if largest is not None:  # of connections from now on
            cursor.execute(f"SET GLOBAL max_allowed_packet = {largest}")
    columns = {name: ResolvedColumn(sql, ColumnType(kind, kind, 0, 0, nullable=True), source_column=sql)
               for name, sql, kind in (("customer_id", "id", "integer"), ("name", "name", "text"),
                                       ("email", "email", "text"), ("points", "points", "integer"))}
    table = ResolvedTable("kunde", ("kunde",), columns)
    types = {"points": "BIGINT", "name": "VARCHAR", "customer_id": "VARCHAR", "email": "VARCHAR"}
    try:
        with open_writer(found, 1) as writer, writer.batch() as batch:
            told = fact_rows(batch._connection, table, types, None, lock=True)
    finally:
        with mariadb.connect(found) as maria:
            maria.cursor().execute("SET GLOBAL max_allowed_packet = DEFAULT")
    assert sorted(told, key=lambda row: row[2]) == [(points, name, number, email)
                                                    for number, name, email, points in rows]
