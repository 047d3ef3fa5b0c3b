"""Words by which a mapping picks rows: what a column cannot hold is a fault, and what no row has is told."""

from datetime import date
from pathlib import Path

import pytest

from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.draft import draft
from ajprivacy_pipeline.warehouse.mapping import check
from ajprivacy_pipeline.warehouse.source import open_source
from tests import mariadb
from tests.warehouse.shopkit import SOURCES, connect, fresh_database, mapping_file, raw, settled
from tests.warehouse.test_rows_look import look, shop

_SHOP = """
    CREATE TABLE kunder (id integer PRIMARY KEY, firma {flag}, slettet {flag}, endret date, kanal integer);
    CREATE TABLE adresser (kunde integer, er_post {flag}, sted varchar(20));
    CREATE TABLE ordrer (id integer PRIMARY KEY, kunde integer, dato date, sendt {flag});
    INSERT INTO kunder VALUES (1, {yes}, {yes}, '2020-01-01', 3), (2, {no}, {no}, '2020-01-01', 4);
    INSERT INTO adresser VALUES (1, {yes}, 'Oslo'), (1, {no}, 'Moss'), (2, {no}, 'Bergen');
    INSERT INTO ordrer VALUES (10, 1, '2024-01-01', {yes}), (11, 2, '2024-01-01', {no})
"""
_MAPPING = """
[tables.customers]
table = "kunder"
soft_delete = { column = "slettet", is = "$yes", at = "endret" }
address.post = { table = "adresser", of = "id", by = "kunde", kind = "er_post", is = "$yes" }
[tables.customers.columns]
customer_id = "id"
customer_type = { column = "firma", codes = { "$yes" = "business", "$no" = "consumer" } }
city = "post.sted"
industry = { column = "kanal", codes = { "3" = "butikk" } }
[tables.orders]
table = "ordrer"
[tables.orders.columns]
order_id = "id"
customer_id = "kunde"
ordered_at = "dato"
delivered_at = { column = "dato", only_if = { sendt = "$yes" } }
paid_at = { sql = "NULL" }
[tables.order_lines]
query = "SELECT id AS order_id, 1 AS line_number FROM ordrer"
"""
_FLAGS = {"postgresql": [("boolean", "true", "false", "true", "false"), ("bit(1)", "B'1'", "B'0'", "1", "0")],
          "mariadb": [("bit(1)", "b'1'", "b'0'", "1", "0"), ("boolean", "1", "0", "1", "0")]}


def _made(kind: str, request: pytest.FixtureRequest, flag: tuple[str, ...]) -> str:
    """A shop whose flags are of some type."""
    server = request.getfixturevalue({"postgresql": "postgres_url", "mariadb": "mariadb_url"}[kind])
    statements = _SHOP.format(flag=flag[0], yes=flag[1], no=flag[2])
    if kind == "postgresql":
        url = fresh_database(server, "words")
        with connect(url) as plain:
            plain.execute(statements)
        return url
    url = mariadb.fresh_database(server, "words")
    with mariadb.connect(url) as connection:
        for statement in statements.split(";\n"):
            connection.cursor().execute(statement)
    return url


def _mapping(yes: str, no: str) -> str:
    return _MAPPING.replace("$yes", yes).replace("$no", no)


@pytest.mark.parametrize(("kind", "flag"), [(kind, flag) for kind, flags in _FLAGS.items() for flag in flags])
def test_flags_of_every_type_are_met(kind: str, flag: tuple[str, ...], request: pytest.FixtureRequest,
                                     tmp_path: Path) -> None:
    con = zones.memory()
    settled(con, _made(kind, request, flag), mapping_file(tmp_path, _mapping(*flag[3:])))
    assert raw(con, "customers", "customer_id", "customer_type", "left(profile_closed_at::VARCHAR, 10)", "city",
               "industry") == [("1", "business", "2020-01-01", "Oslo", "butikk"), ("2", "consumer", None, None, "4")]
    assert raw(con, "orders", "order_id", "left(delivered_at::VARCHAR, 10)") == [("10", "2024-01-01"), ("11", None)]
    con.close()


@pytest.mark.parametrize(("kind", "flag", "words", "told"), [
    ("postgresql", 0, ("1", "0"), "er_post is a column of the words \"true\" and \"false\", which is never '1'"),
    ("postgresql", 0, ("t", "f"), "sendt is a column of the words \"true\" and \"false\", which is never 't'"),
    ("mariadb", 0, ("true", "false"), "sendt is a column of whole numbers, which is never 'true'"),
    ("mariadb", 1, ("true", "false"), "er_post is a column of whole numbers, which is never 'true'")])
def test_a_word_that_a_column_cannot_hold_is_a_fault(kind: str, flag: int, words: tuple[str, str], told: str,
                                                     request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with open_source(_made(kind, request, _FLAGS[kind][flag])) as source:
        found = check(source, mapping_file(tmp_path, _mapping(*words)), SOURCES)
    faults = [one.message for one in found if one.level == "fault"]
    assert [one for one in faults if one.endswith(told)], "\n".join(faults)


def test_what_is_fed_and_empty_in_every_row_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word that no row has reads as a date that nobody has, and nobody would notice."""
    said = look(tmp_path, monkeypatch, shop(["2024-01-01"] * 4), """
        [tables.customers]
        table = "customers"
        soft_delete = { column = "gender", is = "slettet", at = "updated_at" }
        [tables.orders.columns]
        cancelled_at = { column = "ordered_at", only_if = { payment_method = "annullert" } }
        """)
    for started in ("dangerous customers.profile_closed_at: fed, and empty in all 3 rows: does any row have the words",
                    "dangerous orders.cancelled_at: fed, and empty in all 4 rows: does any row have the words",
                    "missing orders.paid_at: fed, and empty in all 4 rows"):
        assert [line for line in said if line.startswith(started)], "\n".join(said)


def test_a_table_may_have_dots_in_its_name(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """No schema is looked for by what stands before a dot, where a table has the whole name."""
    url = mariadb.fresh_database(request.getfixturevalue("mariadb_url"), "words")
    with mariadb.connect(url) as connection:
        for company in ("Nord.no AS", "Sør"):
            connection.cursor().execute(f"CREATE TABLE `{company}$Customer` (`No.` varchar(9) PRIMARY KEY, mail text)")
    text = """
        [for_each.company]
        "Nord.no AS" = "n-"
        "Sør" = "s-"
        [tables.customers]
        table = "{company}$Customer"
        [tables.customers.columns]
        customer_id = "No."
        customer_type = { constant = "consumer" }
        """
    with open_source(url) as source:
        found = check(source, mapping_file(tmp_path, text), SOURCES)
        drafted = draft(source, SOURCES, today=date(2026, 11, 1))
    assert not [one.message for one in found if one.level == "fault" and one.table == "customers"]
    assert '# ?? or Nord.no AS$Customer, by the same name\ntable = "Sør$Customer"' in drafted
    assert 'customer_id = "No."' in drafted


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_per_cent_sign_in_a_name_is_one(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A driver takes two for one where a statement has parameters, and as they stand where it has none."""
    url, q = _made(kind, request, _FLAGS[kind][0]), '"' if kind == "postgresql" else "`"
    statements = (f"CREATE TABLE {q}Kunder 100%{q} ({q}Nr %s{q} integer PRIMARY KEY, {q}E%%Mail{q} varchar(40))",
                  f"INSERT INTO {q}Kunder 100%{q} VALUES (7, 'a@x.example')")
    with connect(url) if kind == "postgresql" else mariadb.connect(url) as plain:
        for statement in statements:
            plain.cursor().execute(statement)
    text = _mapping(*_FLAGS[kind][0][3:]).partition("[tables.orders]")
    con = zones.memory()
    settled(con, url, mapping_file(tmp_path, """
        [tables.customers]
        table = "Kunder 100%"
        [tables.customers.columns]
        customer_id = "Nr %s"
        customer_type = { constant = "consumer" }
        email = "E%%Mail"
        """ + text[1] + text[2]))
    assert raw(con, "customers", "customer_id", "email") == [("7", "a@x.example")]
    con.close()
