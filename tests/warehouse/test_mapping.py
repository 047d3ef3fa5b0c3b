"""Mapping files: shape, faults, holding them against a warehouse, drafting one."""

import sqlite3
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import MappingError, SourceError
from ajprivacy_pipeline.warehouse.draft import draft
from ajprivacy_pipeline.warehouse.mapping import Mapping, check, load_mapping, resolve
from ajprivacy_pipeline.warehouse.names import candidates, normal
from ajprivacy_pipeline.warehouse.source import open_source
from tests.warehouse.shopkit import SMALL, SOURCES, canonical_sqlite, mapping_file


def test_no_file_is_the_identity() -> None:
    assert load_mapping(None, SOURCES) == Mapping(tables={}, rates={})


def test_rates_are_exact(tmp_path: Path) -> None:
    mapping = mapping_file(tmp_path, '[rates]\nEUR = "11.50"\nSEK = 1.03\n')
    assert mapping.rates == {"EUR": Decimal("11.50"), "SEK": Decimal("1.03")}


@pytest.mark.parametrize(("text", "words"), [
    ("[tables", ["is not valid TOML"]),
    ("[surprise]\nx = 1", ["surprise: Extra inputs"]),
    ("[rates]\neuro = 1", ["rates.euro"]),
    ("[rates]\nEUR = 0", ["rates.EUR", "greater than 0"]),
    ("[tables.customers]\ntabel = 'x'", ["tables.customers.tabel"]),
    ("[tables.kunder]\ntable = 'x'", ["tables.kunder: the contract has no such table; it has customers, "]),
    ("[tables.customers.columns]\nnavn = 'x'", ["tables.customers.columns.navn: the contract has no such column"]),
    ("[tables.customers]\ntable = 'a'\nquery = 'SELECT 1'", ["tables.customers: has query and table; keep one"]),
    ("[tables.cases]\nabsent = 'no'\n[tables.cases.columns]\nkind = 'x'", ["tables.cases: is absent and has columns"]),
    ("[tables.cases]\nabsent = ' '", ["tables.cases.absent"]),
    ("[tables.orders]\nabsent = 'none'", ["tables.orders: is required and cannot be absent"]),
    ("[tables.orders.columns]\npaid_at = { absent = 'none' }", ["tables.orders.columns.paid_at: is required"]),
    ("[tables.orders.columns]\npaid_at = {}", ["tables.orders.columns.paid_at", 'write "source_column"']),
    ("[tables.orders.columns]\npaid_at = { sql = 'a', constant = 1 }", ["tables.orders.columns.paid_at"]),
    ("[tables.orders.columns]\npaid_at = 3", ["tables.orders.columns.paid_at"]),
    ("[rates]\neuro = 1\n[tables.customers]\ntabel = 'x'", ["2 fault(s)", "rates.euro", "tables.customers.tabel"]),
])
def test_a_faulty_file_is_refused_with_every_fault(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(MappingError) as caught:
        mapping_file(tmp_path, text)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"the mapping nix\.toml cannot be read; fix AJPRIVACY_MAPPING"):
        load_mapping(tmp_path / "nix.toml", SOURCES)


def test_every_misfit_is_listed_at_once(tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db", {}, ["order_lines", "orders.paid_at", "customers.customer_type"])
    mapping = mapping_file(tmp_path, """
        [tables.cases]
        table = "saker"
        [tables.contacts.columns]
        name = "navn"
        email = { sql = "no_such_function(1)" }
        [tables.products]
        query = "SELECT nothing FROM nowhere"
    """)
    with open_source(url) as source, pytest.raises(MappingError) as caught:
        resolve(source, mapping, SOURCES)
    message = str(caught.value)
    assert "7 fault(s)" in message
    for words in ("order_lines: required, and the warehouse has no table order_lines; name the source table",
                  "orders.paid_at: required, and no column paid_at feeds it; write tables.orders.columns.paid_at = ",
                  "customers.customer_type: required", "cases: the warehouse has no table saker",
                  "contacts.name: the warehouse has no column navn",
                  "contacts.email: the warehouse refuses (no_such_function(1)); fix tables.contacts.columns.email",
                  "products: the warehouse refuses the query"):
        assert words in message, message


def test_missing_evidence_is_no_fault_but_recorded(tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db", leave_out=[
        "invoices", "cases", "contacts", "order_lines.product_id", "customers.last_login_at", "web_events.consented"])
    with open_source(url) as source:
        resolved = resolve(source, Mapping(), SOURCES)
        levels = {(f.table, f.column) for f in check(source, Mapping(), SOURCES)
                  if f.level == "evidence"}
    assert resolved.evidence_missing == {
        "customers": ("last_login_at",), "order_lines": ("product_id",), "invoices": ("*",), "cases": ("*",),
        "web_events": ("consented",)}
    assert levels == {("customers", "last_login_at"), ("order_lines", "product_id"), ("invoices", None),
                      ("cases", None), ("web_events", "consented")}
    assert resolved.tables["contacts"] is None


def test_a_reason_makes_missing_evidence_known(tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db", leave_out=["invoices", "order_lines.product_id"])
    mapping = mapping_file(tmp_path, """
        [tables.invoices]
        absent = "cash only"
        [tables.order_lines.columns]
        product_id = { absent = "never kept" }
    """)
    with open_source(url) as source:
        assert resolve(source, mapping, SOURCES).evidence_missing == {}


def test_names_are_quoted_and_found_whatever_their_case(tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db", leave_out=["customers"])
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute('CREATE TABLE "Våre ""kunder""" ("KUNDE ID", customer_type)')
    mapping = mapping_file(tmp_path, """
        [tables.customers]
        table = 'våre "kunder"'
        [tables.customers.columns]
        customer_id = "kunde id"
        name = { constant = "it's" }
    """)
    with open_source(url) as source:
        customers = resolve(source, mapping, SOURCES).tables["customers"]
    assert customers is not None
    assert customers.relation == '"Våre ""kunder"""'
    assert customers.columns["customer_id"].sql == '"KUNDE ID"'
    assert customers.columns["name"].sql == "'it''s'"
    assert customers.columns["name"].source_column is None
    assert list(customers.columns) == list(SOURCES.tables["customers"].columns)


@pytest.mark.parametrize(("declared", "reason"), [
    ("opened_at INTEGER", "cases.opened_at: the source's type integer cannot be converted to timestamp; feed it"),
    ("opened_at BLOB", "cases.opened_at: the source's type blob cannot be converted to timestamp"),
    ("opened_at BOOLEAN", "cases.opened_at: the source's type boolean cannot be converted to timestamp"),
])
def test_a_type_that_cannot_be_converted_is_refused(tmp_path: Path, declared: str, reason: str) -> None:
    url = canonical_sqlite(tmp_path / "shop.db", leave_out=["cases"])
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute(f"CREATE TABLE cases (case_id INTEGER, customer_id INTEGER, contact_id TEXT, {declared})")
    with open_source(url) as source, pytest.raises(MappingError) as caught:
        resolve(source, Mapping(), SOURCES)
    assert reason in str(caught.value)


def test_a_warehouse_without_tables_is_refused(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.db").execute("VACUUM")
    with open_source(f"sqlite:///{tmp_path / 'empty.db'}") as source:
        for look in (lambda: check(source, Mapping(), SOURCES), lambda: draft(source, SOURCES)):
            with pytest.raises(SourceError, match="has no tables: check the database's name"):
                look()


def test_a_draft_of_a_norwegian_shop_resolves_once_completed(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.executescript("""
            CREATE TABLE tbl_kunder (Kunde_ID INTEGER, Kundetype TEXT, Navn TEXT, "E-post" TEXT, Telefon TEXT,
                Fødselsdato DATE, Adresse TEXT, Postnr TEXT, Poststed TEXT, Skostørrelse INTEGER, Opprettet DATETIME,
                Sist_innlogget DATETIME);
            CREATE TABLE ordrer (ordrenr INTEGER, kundenr INTEGER, ordredato DATETIME, levert DATETIME,
                betalt DATETIME);
            CREATE TABLE ordrelinjer (ordrenr INTEGER, linjenr INTEGER, varenr TEXT, antall INTEGER, pris NUMERIC);
            CREATE TABLE ansatte (id INTEGER, lønn INTEGER);
        """)
    with open_source(f"sqlite:///{tmp_path / 'shop.db'}") as source:
        text = draft(source, SOURCES)
        drafted = tomllib.loads(text)["tables"]
        resolved = resolve(source, mapping_file(tmp_path, text), SOURCES)
    assert drafted["customers"] == {"table": "tbl_kunder", "columns": {
        "customer_id": "Kunde_ID", "customer_type": "Kundetype", "name": "Navn", "email": "E-post", "phone": "Telefon",
        "birth_date": "Fødselsdato", "street_address": "Adresse", "postal_code": "Postnr", "city": "Poststed",
        "profile_created_at": "Opprettet", "last_login_at": "Sist_innlogget"}}
    assert drafted["orders"]["columns"] == {"order_id": "ordrenr", "customer_id": "kundenr", "ordered_at": "ordredato",
                                            "delivered_at": "levert", "paid_at": "betalt"}
    assert drafted["order_lines"]["columns"]["unit_price"] == "pris"
    assert "# source columns that nothing uses: Skostørrelse (integer)" in text
    assert '# source_timezone = "UTC"  # of tbl_kunder.Opprettet, tbl_kunder.Sist_innlogget, ordrer.ordredato, ' in text
    assert "# source tables that nothing uses: ansatte" in text
    assert '# ?? evidence for keeping, without it nothing will be due: table = "..." or absent = "reason"' in text
    assert resolved.evidence_missing == {"invoices": ("*",), "cases": ("*",)}


def test_a_draft_marks_what_is_required_and_unmatched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE kunder (id INTEGER, art TEXT)")
    with open_source(f"sqlite:///{tmp_path / 'shop.db'}") as source:
        text = draft(source, SOURCES)
    assert 'customer_id = "id"' in text
    assert '# ?? customer_type = "..."  # enum: consumer | business | sole_proprietor; required' in text
    assert "# [tables.orders]" in text
    assert '# ?? required: table = "..."' in text


def test_the_words_of_names_belong_to_the_contract() -> None:
    from ajprivacy_pipeline.warehouse import names
    columns = {column for table in SOURCES.tables.values() for column in table.columns}
    assert set(names.TABLES) == set(SOURCES.tables)
    assert set(names.COLUMNS) <= columns
    assert all(word == normal(word) for words in (names.TABLES | names.COLUMNS).values() for word in words.split())
    assert candidates("customers")[0] == "customers"
    assert normal("Fødselsdato") == "fodselsdato"
    assert normal("E-Postadresse") == "epostadresse"


def test_check_of_a_good_mapping_has_no_fault(tmp_path: Path) -> None:
    with open_source(canonical_sqlite(tmp_path / "shop.db", SMALL)) as source:
        findings = check(source, Mapping(), SOURCES)
    assert {(finding.level, finding.rank) for finding in findings} == {("note", "harmless")}


def test_check_says_what_is_read_under_its_own_name_beside_a_mapping(tmp_path: Path) -> None:
    """The source may mean another thing by the name: a newsletter's contact_id may be the newsletter's own."""
    url = canonical_sqlite(tmp_path / "shop.db")
    mapping = mapping_file(tmp_path, '[tables.newsletter_subscriptions.columns]\nemail = "email"')
    with open_source(url) as source:
        messages = [finding.message for finding in check(source, mapping, SOURCES)]
    said = [message.split(":")[0] for message in messages if "under its own name" in message]
    columns = SOURCES.tables["newsletter_subscriptions"].columns
    assert said == [f"newsletter_subscriptions.{column}" for column in columns if column != "email"]


QUERIED = """
    [tables.newsletter_subscriptions]
    query = "{query}"
    [tables.newsletter_subscriptions.columns]
    subscription_id = "id"
    email = "email"
    {more}
"""


@pytest.mark.parametrize(("query", "more", "is_read"), [
    ("SELECT s.* FROM subscriber s", "", False), ("SELECT id, email, contact_id FROM subscriber", "", False),
    ("SELECT id, email, link AS contact_id FROM subscriber", "", True),
    ("SELECT id, email, 1 AS contact_id FROM subscriber UNION SELECT id, email, 2 FROM subscriber", "", True),
    ("SELECT * FROM (SELECT id, email, link AS contact_id FROM subscriber) x", "", False),
    ("SELECT s.* FROM subscriber s", "contact_id = 'contact_id'", True)])
def test_of_a_query_only_what_is_named_is_read(query: str, more: str, is_read: bool, tmp_path: Path) -> None:
    """A newsletter's own contact_id is a stranger's here: by its name alone it is nobody's."""
    url = canonical_sqlite(tmp_path / "shop.db", leave_out=["newsletter_subscriptions"])
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE subscriber (id, email, contact_id, link)")
    mapping = mapping_file(tmp_path, QUERIED.format(query=query, more=more))
    with open_source(url) as source:
        table = resolve(source, mapping, SOURCES).tables["newsletter_subscriptions"]
        messages = [finding.message for finding in check(source, mapping, SOURCES)]
    assert table is not None
    assert (table.columns["contact_id"] is not None) == is_read
    left = [message for message in messages if "the query shows a contact_id, and nobody says" in message]
    assert bool(left) != is_read


def test_a_query_that_does_not_name_what_is_required_is_refused(tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db")
    mapping = mapping_file(tmp_path, '[tables.customers]\nquery = "SELECT * FROM customers"\n')
    with open_source(url) as source, pytest.raises(MappingError, match=r"customers\.customer_id: required, and .*"
                                                   r"the query shows a customer_id, and nobody says that it is this"):
        resolve(source, mapping, SOURCES)


@pytest.mark.parametrize("place", ["customers.columns]\nname", "invoices.columns]\nissued_at"])
def test_only_billing_lives_with_somebody(place: str, tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="only the billing of invoices may say with whom it lives"):
        mapping_file(tmp_path, f'[tables.{place} = {{ lives_in = "customers" }}\n')


def test_check_says_what_two_tables_show_of_one_column(tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db")
    mapping = mapping_file(tmp_path, '[tables.orders]\nquery = "SELECT o.*, c.city AS town FROM orders o JOIN '
                                     'customers c USING (customer_id)"\n[tables.orders.columns]\n'
                                     'order_id = "order_id"\ncustomer_id = "customer_id"\n'
                                     'ordered_at = "ordered_at"\ndelivered_at = "delivered_at"\n'
                                     'paid_at = "paid_at"\ndelivery_city = "town"\n')
    with open_source(url) as source:
        messages = [finding.message for finding in check(source, mapping, SOURCES)]
    assert ("customers.city and orders.delivery_city show one column, customers.city: what is due first waits for the "
            "other") in messages


def test_columns_that_two_tables_show_of_one_are_told_in_one_line(tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db")
    mapping = mapping_file(tmp_path, '[tables.orders]\nquery = "SELECT o.*, c.city AS town, c.postal_code AS code FROM '
                                     'orders o JOIN customers c USING (customer_id)"\n[tables.orders.columns]\n'
                                     'order_id = "order_id"\ncustomer_id = "customer_id"\n'
                                     'ordered_at = "ordered_at"\ndelivered_at = "delivered_at"\npaid_at = "paid_at"\n'
                                     'delivery_city = "town"\ndelivery_postal_code = "code"\n')
    with open_source(url) as source:
        said = [found.message for found in check(source, mapping, SOURCES) if "first waits" in found.message]
    assert [message.partition(":")[0] for message in said] == [
        "customers and orders show columns of customers both (postal_code, city)"]


@pytest.mark.parametrize(("kind", "told"), [("billing", False), ("shipping", True)])
def test_rows_of_another_kind_are_another_cell(kind: str, told: bool, tmp_path: Path) -> None:
    """An order's address of delivery and that of its invoice stand in one column, and in two rows."""
    url = canonical_sqlite(tmp_path / "shop.db")
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE adr (of TEXT, kind TEXT, town TEXT)")
    shop.close()
    beside = "SELECT t.*, a.town FROM {0} t LEFT JOIN adr a ON a.of = t.order_id AND a.kind = '{1}'"
    columns = {"orders": ("order_id", "customer_id", "ordered_at", "delivered_at", "paid_at"),
               "invoices": ("invoice_id", "customer_id", "issued_at", "amount", "paid_amount")}
    mapping = mapping_file(tmp_path, "".join(
        f'[tables.{name}]\nquery = "{beside.format(name, "shipping" if name == "orders" else kind)}"\n'
        f"[tables.{name}.columns]\n" + "".join(f'{column} = "{column}"\n' for column in columns[name])
        + ('delivery_city = "town"\n' if name == "orders" else 'billing_city = "town"\n') for name in columns))
    with open_source(url) as source:
        messages = [finding.message for finding in check(source, mapping, SOURCES) if "show one column" in
                    finding.message]
    assert [message.partition(":")[0] for message in messages] == [
        "orders.delivery_city and invoices.billing_city show one column, adr.town"] * told


@pytest.mark.parametrize(("key", "told"), [("customer_id", True), ("contact_id", False)])
def test_rows_of_one_key_are_nobody_elses(key: str, told: bool, tmp_path: Path) -> None:
    """Customers and contacts of one table have rows of their own; what a contact shows of another's row is shared."""
    url = canonical_sqlite(tmp_path / "shop.db")
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE partner (id INTEGER PRIMARY KEY, firm INTEGER, kind TEXT, phone TEXT)")
    shop.close()
    link = "p.firm" if key == "customer_id" else "p.id"
    mapping = mapping_file(tmp_path, (
        '[tables.customers]\nquery = "SELECT p.id, p.phone FROM partner p WHERE p.firm IS NULL"\n'
        '[tables.customers.columns]\ncustomer_id = "id"\ncustomer_type = { constant = "business" }\nphone = "phone"\n'
        f'[tables.contacts]\nquery = "SELECT p.id, p.firm, q.phone FROM partner p JOIN partner q ON q.id = {link}"\n'
        '[tables.contacts.columns]\ncontact_id = "id"\ncustomer_id = "firm"\nphone = "phone"\n'))
    with open_source(url) as source:
        said = [finding.message for finding in check(source, mapping, SOURCES) if "show one column" in finding.message]
    assert [message.partition(":")[0] for message in said] == [
        "customers.phone and contacts.phone show one column, partner.phone"] * told
