"""G10: how texts are compared with the warehouse, and what is exempt."""

import unicodedata
from collections.abc import Iterator
from typing import Any, cast

import pytest

from ajprivacy_pipeline.disclosure.texts.leakscan import Text, describe, own_values, scan, texts_of_json
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.zones import Connection, memory

POLICY = load_policy(NOTICE)


@pytest.fixture(scope="module")
def empty() -> Iterator[Connection]:
    """Staged with every identifying column as text, no rows."""
    con = memory()
    con.execute("CREATE SCHEMA staged")
    tables: dict[str, list[str]] = {}
    for table, column in POLICY.sources.identifying_columns():
        tables.setdefault(table, []).append(f"{column} VARCHAR")
    tables["customers"].append("birth_date DATE")
    for table, columns in tables.items():
        con.execute(f"CREATE TABLE staged.{table} ({', '.join(columns)})")
    yield con
    con.close()


@pytest.fixture
def con(empty: Connection) -> Connection:
    """The same with a few people."""
    for (table,) in empty.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'staged'").fetchall():
        empty.execute(f"DELETE FROM staged.{table}")
    empty.execute("""
        INSERT INTO staged.customers (name, email, phone, username, organisation_number, preferences) VALUES
        ('Åse  Ødegård', 'ase@example.no', '+47 912 34 567', 'lockerfan', '923 609 016', 'lockers'),
        ('Bo', NULL, NULL, NULL, NULL, 'blue lockers with locks'), ('Region', NULL, NULL, NULL, NULL, NULL),
        ('Consumer', NULL, NULL, 'unknown', NULL, NULL)""")
    empty.execute("INSERT INTO staged.orders (payment_reference, delivery_note) VALUES ('202401', 'two lockers')")
    return empty


def found(con: Connection, *texts: Text) -> list[str]:
    """The reasons of all hits."""
    return sorted({hit.reason for hit in scan(con, POLICY, texts)[0]})


@pytest.mark.parametrize("value", [
    "Åse Ødegård", "ÅSE\u00a0ØDEGÅRD", "Skap (Åse Ødegård), grå", "til Åse-Ødegård", "Å\u200bse Ødegård",
    unicodedata.normalize("NFD", "Åse Ødegård")])
def test_a_name_is_found_as_a_run_of_whole_words_however_it_is_written(con: Connection, value: str) -> None:
    assert found(con, Text("t.c", value)) == ["a value of customers.name"]


@pytest.mark.parametrize("value", ["Ødegård", "Åse Ødegårdsvik", "Bo", "lockerfans"])
def test_parts_longer_words_and_short_values_are_no_hits(con: Connection, value: str) -> None:
    assert found(con, Text("t.c", value)) == []


@pytest.mark.parametrize(("value", "reason"), [
    ("923609016", "a value of customers.organisation_number"),
    ("org 923-609-016", "a value of customers.organisation_number"),
    ("for lockerfan", "a value of customers.username"), ("202401", "a value of orders.payment_reference")])
def test_digits_are_compared_without_blanks(con: Connection, value: str, reason: str) -> None:
    assert found(con, Text("t.c", value)) == [reason]


IN_PARTS = "a person's name in parts, joined or with initials"
BIRTH = "a person's birth date"


@pytest.fixture
def people(con: Connection) -> Connection:
    """More people, one of them with a birth date, and a company."""
    con.execute("""
        INSERT INTO staged.customers (name, birth_date) VALUES ('Kari Anne Nordmann', DATE '1980-02-03'),
        ('Moe, Jo', NULL), ('Kontor Skap AS', NULL), ('Ola van der Berg', DATE '1955-12-31'),
        ('Liv Hansen Foto', NULL)""")
    con.execute("INSERT INTO staged.orders (delivery_name) VALUES ('Per Dahl')")
    return con


def by_text(con: Connection, values: list[str]) -> dict[str, list[str]]:
    """The reasons of the hits of each text, all scanned at once."""
    hits = scan(con, POLICY, [Text("t.c", value) for value in values])[0]
    return {value: sorted(hit.reason for hit in hits if hit.value == value) for value in values}


def test_a_name_is_found_in_parts_in_any_order(people: Connection) -> None:
    values = [
        "Nordmann Kari", "NORDMANN, KARI", "Kari Nordmann", "Anne Nordmann", "Anne Kari", "KariNordmann",
        "karinordmann", "nordmannkari", "kari_nordmann", "K. Nordmann", "Nordmann, K.", "K. A. Nordmann", "Nordmann A",
        "KNordmann", "knordmann", "NordmannK", "Kari Nordmanns skap", "Skap Kari, eik, Nordmann",
        "Kari med blått Nordmann", "skapKariNordmann2",
        "Dahl Per", "PerDahl", "P Dahl", "L. Hansen", "Dáhl, Pér", "Ola Berg", "berg, o.", "Aase Odegaard",
        "ODEGARD Åse", "Åse og Ødegård", "K\u200bari Nord\u200bmann",
        "K a r i   N o r d m a n n", "Skap N.O.R.D.M.A.N.N Kari", "K A R I Nordmann skap"]
    assert by_text(people, values) == {value: [IN_PARTS] for value in values}


def test_one_part_alone_a_short_surname_and_a_company_in_parts_are_no_hits(people: Connection) -> None:
    values = [
        "Kari", "Nordmann", "Kari Nordmannsen", "Karin Nordmann", "N. Kari", "B. Nordmann",
        "Kari med et blått Nordmann", "K skap Nordmann", "Nordmann 3", "Jo M", "M. Jo", "J. Moe", "pdahl", "van Berg",
        "Skap Kontor", "Skap til kontor",
        "Berg V", "Skap eik Dahl", "K a r i", "N o r d m a n n", "K a r i n og N o r d"]
    assert by_text(people, values) == {value: [] for value in values}


def test_a_birth_date_is_found_however_it_is_spelt(people: Connection) -> None:
    values = [
        "1980-02-03", "1980.2.3", "03.02.1980", "3.2.1980", "03/02/1980", "3/2-80", "02/03/1980", "030280", "03021980",
        "19800203", "3. februar 1980", "03 FEB 80", "February 3, 1980", "Skap (f. 3. feb. 1980)",
        "skap 030280", "311255", "skap030280b"]
    assert by_text(people, values) == {value: [BIRTH] for value in values}


def test_another_day_and_other_numbers_are_nobodys_birthday(people: Connection) -> None:
    values = [
        "1980-02-02", "1980-02-04", "4.2.1980", "020280", "040280", "1980", "februar 1980", "0302801", "80x03x02",
        "30.13.80", "version 3.2"]
    assert by_text(people, values) == {value: [] for value in values}


def test_a_products_number_is_no_birthday_unless_it_is_written_as_a_date(people: Connection) -> None:
    assert found(people, Text("product_demand_monthly.product_id", "030280")) == []
    assert found(people, Text("product_demand_monthly.product_id", "03.02.1980")) == [BIRTH]


def test_names_in_parts_count_in_texts_of_the_policy_but_for_its_own_words(people: Connection) -> None:
    people.execute("INSERT INTO staged.customers (name) VALUES ('Month Total')")
    assert found(people, Text("comment", "The month has a total.", own=True)) == []
    assert found(people, Text("t.c", "The month has a total.")) == [IN_PARTS]
    assert found(people, Text("comment", "As Nordmann, Kari, says.", own=True)) == [IN_PARTS]
    assert found(people, Text("comment", "Since 1980-02-03.", own=True)) == []
    assert found(people, Text("log", "Nordmann, Kari", own=True, logged=True)) == []


def test_a_text_that_stands_in_many_places_is_a_hit_in_each_by_its_own_rules(con: Connection) -> None:
    texts = [Text("t.c", "lockerfan"), Text("u.d", "lockerfan"), Text("v.e", "lockerfan", own=True),
             Text("log", "lockerfan", logged=True)]
    hits, _ = scan(con, POLICY, texts)
    assert sorted((hit.place, hit.value, hit.reason) for hit in hits) == [
        (place, "lockerfan", "a value of customers.username") for place in ("t.c", "u.d", "v.e")]


def test_free_text_counts_from_three_words(con: Connection) -> None:
    assert found(con, Text("t.c", "lockers"), Text("t.c", "two lockers")) == []
    assert found(con, Text("t.c", "Blue lockers, with locks")) == ["a value of customers.preferences"]


def test_own_values_are_exempt_as_the_whole_text_only(con: Connection) -> None:
    assert {"(all)", "unknown", "abroad", "consumer", "email", "retain"} <= set(own_values(POLICY))
    assert found(con, Text("t.c", "consumer"), Text("t.c", "unknown")) == []
    assert found(con, Text("t.c", "a consumer")) == ["a value of customers.name"]


def test_a_single_word_of_the_policy_is_no_hit_in_its_own_texts_and_is_one_elsewhere(con: Connection) -> None:
    assert found(con, Text("comment", "First digit of the region.", own=True)) == []
    assert found(con, Text("t.category", "region")) == ["a value of customers.name"]
    assert found(con, Text("comment", "As Åse Ødegård says.", own=True)) == ["a value of customers.name"]
    assert found(con, Text("comment", "A lockerfan.", own=True)) == ["a value of customers.username"]


def test_months_and_short_product_numbers_are_nobodys(con: Connection) -> None:
    assert found(con, Text("name of a file", "sales_monthly/2024-01.parquet", own=True)) == []
    assert found(con, Text("product_demand_monthly.product_id", "202401")) == []


def test_a_missing_column_is_reported(con: Connection) -> None:
    con.execute("ALTER TABLE staged.invoices RENAME COLUMN billing_name TO other")
    try:
        assert scan(con, POLICY, [Text("t.c", "x")])[1] == ["invoices.billing_name"]
    finally:
        con.execute("ALTER TABLE staged.invoices RENAME COLUMN other TO billing_name")


def test_descriptions_never_hold_the_value(con: Connection) -> None:
    hits, _ = scan(con, POLICY, [Text("t.c", "Åse Ødegård"), Text("t.c", "ase@example.no")])
    text = " ".join(describe(hits)) + repr(hits)
    assert "t.c: 1 text(s) hold a value of customers.name" in text
    assert "ase" not in text.lower().replace("customers.email", "")
    assert "degård" not in text


def test_keys_and_values_of_a_document_are_texts() -> None:
    values = {t.value for t in texts_of_json("manifest", '{"a": {"b": ["c", 1, null]}, "d": "e"}')}
    assert values == {"a", "b", "c", "d", "e"}


def test_many_values_are_one_scan_a_column(con: Connection) -> None:
    con.execute("INSERT INTO staged.app_logs (username, message) "
                "SELECT 'user' || i, 'logged in from host ' || i FROM range(100000) AS t(i)")
    texts = [Text("t.c", f"Product number {i} with two doors") for i in range(2000)]
    asked: list[str] = []

    class Counted:
        """The connection, which writes down what it is asked."""

        def execute(self, query: str, *values: Any) -> Any:
            asked.append(query)
            return con.execute(query, *values)

    counted = cast(Connection, Counted())
    assert found(counted, texts[0], Text("t.c", "by user99999")) == ["a value of app_logs.username"]
    few = len(asked)
    assert found(counted, *texts, Text("t.c", "by user99999")) == ["a value of app_logs.username"]
    assert len(asked) == 2 * few > 0, "two thousand texts take the statements that two take"
