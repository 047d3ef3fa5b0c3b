"""A shop that shares nothing with the contract but its meaning, mapped and extracted, row by row."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.draft import draft
from ajprivacy_pipeline.warehouse.mapping import check
from ajprivacy_pipeline.warehouse.source import open_source
from tests.warehouse.shopkit import SOURCES, connect, fresh_database, mapping_file, raw, run

SHOP = """
    CREATE SCHEMA erp;
    CREATE TABLE erp."Kunden" ("KundenNr" integer PRIMARY KEY, "Vorname" text, "Nachname" text, "Firma" text,
        "Rechtsform" text, "E-Mail" text, angelegt timestamptz, letzter_besuch date);
    CREATE TABLE erp."Anschriften" ("KundenNr" integer, art text, "Straße" text, "PLZ" text, "Ort" text);
    CREATE TABLE ordrer (ordrenr text PRIMARY KEY, kunde integer, bestilt timestamp, sendt date, kr_ore bigint,
        valuta text, status text, endret timestamptz);
    CREATE TABLE ordrelinjer (ordrenr text, linje smallint, varenr text, antall integer, stykkpris numeric(10,3));
    CREATE TABLE varer (varenr text PRIMARY KEY, betegnelse text, gruppe text);
    CREATE TABLE faktura (nr integer PRIMARY KEY, ordrenr text, dato date, sum_inkl numeric, betalt numeric);
    CREATE TABLE saker (id uuid PRIMARY KEY, kunde integer, opprettet timestamptz, lukket timestamptz, tekst text);
    INSERT INTO erp."Kunden" VALUES
        (1, 'Kari', 'Nordmann', NULL, NULL, 'kari@eksempel.no', '2020-05-01 10:00+02', '2024-02-29'),
        (2, NULL, NULL, 'Müller Lager GmbH', 'GmbH', NULL, NULL, NULL),
        (3, 'Ola', 'Hansen', 'Hansen Skilt', 'ENK', 'ola@eksempel.no', '2021-01-01 00:30+01', NULL);
    INSERT INTO erp."Anschriften" VALUES (1, 'privat', 'Storgata 1', '0155', 'Oslo'),
        (1, 'levering', 'Hytta', '3580', 'Geilo'),
        (2, 'privat', 'Hafenstraße 5', '20457', 'Hamburg');
    INSERT INTO ordrer VALUES
        ('A-1', 1, '2024-01-31 23:30', '2024-02-05', 123450, 'NOK', 'betalt', '2024-02-06 12:00+01'),
        ('A-2', 2, '2024-02-01 09:00', NULL, 100, 'EUR', 'avbestilt', '2024-02-02 12:00+01');
    INSERT INTO ordrelinjer VALUES ('A-1', 1, 'SKAP-9', 1, 1234.500);
    INSERT INTO varer VALUES ('SKAP-9', 'Garderobeskap', 'Skap'), ('FRAKT', 'Frakt', 'Frakt');
    INSERT INTO faktura VALUES (900, 'A-1', '2024-02-06', 1234.50, NULL), (901, 'A-1', '2024-02-07', 'NaN', 0.005);
    INSERT INTO saker VALUES ('00000000-0000-0000-0000-00000000000a', 1, '2024-03-01 08:00+01', NULL, 'Døra henger');
"""

MAPPING = """
[tables.customers]
query = '''SELECT k.*, a."Straße", a."PLZ", a."Ort" FROM erp."Kunden" k
           LEFT JOIN erp."Anschriften" a ON a."KundenNr" = k."KundenNr" AND a.art = 'privat';'''
[tables.customers.columns]
customer_id = "KundenNr"
customer_type = { sql = '''CASE WHEN "Rechtsform" = 'ENK' THEN 'sole_proprietor'
                             WHEN "Firma" IS NULL THEN 'consumer' ELSE 'business' END''' }
name = { sql = "coalesce(\\"Firma\\", \\"Vorname\\" || ' ' || \\"Nachname\\")" }
email = "e-mail"
street_address = "Straße"
postal_code = "PLZ"
city = "Ort"
country = { constant = "NO" }
profile_created_at = "angelegt"
last_login_at = "letzter_besuch"

[tables.products]
table = "varer"
[tables.products.columns]
product_id = "varenr"
name = "betegnelse"
category = "gruppe"

[tables.orders]
table = "public.ordrer"
[tables.orders.columns]
order_id = "ordrenr"
customer_id = "kunde"
ordered_at = "bestilt"
delivered_at = "sendt"
paid_at = { sql = "CASE WHEN status = 'betalt' THEN endret END" }
cancelled_at = { sql = "CASE WHEN status = 'avbestilt' THEN endret END" }
currency = "valuta"
total_amount = { sql = "kr_ore / 100.0" }

[tables.order_lines]
table = "ordrelinjer"
[tables.order_lines.columns]
order_id = "ordrenr"
line_number = "linje"
product_id = "varenr"
quantity = "antall"
unit_price = "stykkpris"

[tables.invoices]
query = "SELECT f.*, o.kunde FROM faktura f JOIN ordrer o USING (ordrenr)"
[tables.invoices.columns]
invoice_id = "nr"
customer_id = "kunde"
order_id = "ordrenr"
issued_at = "dato"
amount = "sum_inkl"
paid_amount = "betalt"

[tables.cases]
table = "saker"
[tables.cases.columns]
case_id = "id"
customer_id = "kunde"
contact_id = { absent = "cases belong to companies" }
opened_at = "opprettet"
closed_at = "lukket"
summary = "tekst"

[rates]
EUR = "11.50"
"""


@pytest.fixture
def url(postgres_url: str) -> str:
    own = fresh_database(postgres_url, "foreign_shop")
    with connect(own) as shop:
        shop.execute(SHOP)
    return own


@pytest.mark.parametrize("reader", [pytest.param("native", marks=pytest.mark.soak), "stream"])
def test_a_foreign_shop_arrives_in_canonical_form(url: str, tmp_path: Path, reader: str) -> None:
    con = zones.memory()
    done = run(con, url, mapping_file(tmp_path, MAPPING), reader=reader)
    assert raw(con, "customers", "customer_id", "customer_type", "name", "email", "street_address", "postal_code",
               "city", "country", "profile_created_at", "last_login_at") == [
        ("1", "consumer", "Kari Nordmann", "kari@eksempel.no", "Storgata 1", "0155", "Oslo", "NO",
         "2020-05-01 10:00:00+02", "2024-02-29"),
        ("2", "business", "Müller Lager GmbH", None, "Hafenstraße 5", "20457", "Hamburg", "NO", None, None),
        ("3", "sole_proprietor", "Hansen Skilt", "ola@eksempel.no", None, None, None, "NO",
         "2021-01-01 00:30:00+01", None)]
    orders = raw(con, "orders", "order_id", "customer_id", "ordered_at", "delivered_at", "currency")
    assert orders == [("A-1", "1", "2024-01-31 23:30:00", "2024-02-05", "NOK"),
                      ("A-2", "2", "2024-02-01 09:00:00", None, "EUR")]
    dates = raw(con, "orders", "paid_at::TIMESTAMPTZ", "cancelled_at::TIMESTAMPTZ", "total_amount::DECIMAL(18,2)")
    assert dates == [("2024-02-06 12:00:00+01", None, "1234.50"), (None, "2024-02-02 12:00:00+01", "1.00")]
    assert raw(con, "order_lines", "order_id", "line_number", "product_id", "quantity", "unit_price") == [
        ("A-1", "1", "SKAP-9", "1", "1234.500")]
    assert raw(con, "products", "product_id", "category", "warranty_years") == [
        ("FRAKT", "Frakt", None), ("SKAP-9", "Skap", None)]
    assert raw(con, "invoices", "invoice_id", "customer_id", "issued_at", "amount", "paid_amount") == [
        ("900", "1", "2024-02-06", "1234.50", None), ("901", "1", "2024-02-07", "NaN", "0.005")]
    assert raw(con, "cases", "case_id", "contact_id", "opened_at", "summary") == [
        ("00000000-0000-0000-0000-00000000000a", None, "2024-03-01 08:00:00+01", "Døra henger")]
    absent = {name for name, table in done.items() if not table.present}
    assert absent == {"contacts", "communications", "newsletter_subscriptions", "web_events", "app_logs",
                      "rights_requests"}
    assert all(con.execute(f"SELECT count(*) FROM raw.{name}").fetchall() == [(0,)] for name in absent)
    assert not any(table.evidence_missing for table in done.values())
    assert "warranty_years" in done["products"].missing_columns
    con.close()


def test_check_and_draft_see_the_foreign_shop(url: str, tmp_path: Path) -> None:
    with open_source(url) as source:
        findings = check(source, mapping_file(tmp_path, MAPPING), SOURCES)
        text = draft(source, SOURCES)
    messages = [finding.message for finding in findings]
    assert {(one.level, one.rank) for one in findings} == {("note", "missing"), ("note", "harmless")}
    assert "cases.contact_id: absent, counts as empty (cases belong to companies)" in messages
    assert "products.warranty_years: missing, counts as empty" in messages
    assert "contacts: missing, counts as empty" in messages
    assert "invoices.amount: sum_inkl (numeric) read as amount" in messages
    assert [message for message in messages if "under its own name" in message] == []
    assert 'table = "erp.Kunden"' in text
    assert 'table = "ordrer"' in text
    assert "erp.Anschriften" in text
