"""The sample shop: the same every time, complete, plausible, nobody's real number, and never over what is not ours."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg
import pytest

from ajprivacy_pipeline.calendar import last_day, last_full_month
from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.sample import generate
from ajprivacy_pipeline.sample.shop import contract

UNTIL = date(2026, 10, 31)
SENTINELS = ("0001-01-01", "9999-12-31")

Ask = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("shop") / "new" / "shop.db"
    generate(f"sqlite:///{path}", customers=300, seed=1, until=UNTIL)
    return path


@pytest.fixture(scope="module")
def ask(shop: Path) -> Iterator[Ask]:
    with closing(sqlite3.connect(shop)) as con:
        yield lambda sql: con.execute(sql).fetchall()


def everything(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as con:
        return {table: con.execute(f"SELECT * FROM {table}").fetchall() for table in contract()}


# ---- the same every time


def test_the_same_arguments_give_the_same_shop(shop: Path, tmp_path: Path) -> None:
    generate(f"sqlite:///{tmp_path / 'b.db'}", customers=300, seed=1, until=UNTIL)
    assert everything(shop) == everything(tmp_path / "b.db")


def test_another_seed_gives_another_shop(shop: Path, tmp_path: Path) -> None:
    generate(f"sqlite:///{tmp_path / 'b.db'}", customers=300, seed=2, until=UNTIL)
    ours, theirs = everything(shop), everything(tmp_path / "b.db")
    assert all(ours[table] != theirs[table] for table in contract())


def test_the_default_end_is_the_last_full_month() -> None:
    assert last_day(last_full_month(date(2026, 3, 1))) == date(2026, 2, 28)
    assert last_day(last_full_month(date(2026, 1, 31))) == date(2025, 12, 31)


def test_one_customer_is_enough(tmp_path: Path) -> None:
    assert generate(f"sqlite:///{tmp_path / 'one.db'}", customers=1, until=UNTIL)["customers"] == 1


# ---- complete


def test_every_table_has_rows_and_the_contracts_columns(ask: Ask) -> None:
    for table, columns in contract().items():
        assert [row[1] for row in ask(f"PRAGMA table_info({table})")] == list(columns)
        assert ask(f"SELECT count(*) > 0 FROM {table}") == [(1,)], table


def test_every_column_is_filled_somewhere(ask: Ask) -> None:
    empty = [f"{table}.{column}" for table, columns in contract().items() for column in columns
             if ask(f"SELECT count({column}) FROM {table}") == [(0,)]]
    assert not empty


def test_it_says_how_many_rows_it_wrote(tmp_path: Path) -> None:
    told: list[str] = []
    rows = generate(f"sqlite:///{tmp_path / 's.db'}", customers=20, until=UNTIL, progress=told.append)
    assert rows == {table: len(found) for table, found in everything(tmp_path / "s.db").items()}
    assert told == ["products", "20 of 20 customers"]


def test_keys_are_unique(ask: Ask) -> None:
    for table, key in (("customers", "customer_id"), ("contacts", "contact_id"), ("orders", "order_id"),
                       ("order_lines", "order_id || '/' || line_number"), ("invoices", "invoice_id"),
                       ("cases", "case_id"), ("communications", "communication_id"), ("web_events", "event_id"),
                       ("app_logs", "log_id"),
                       ("newsletter_subscriptions", "subscription_id"), ("rights_requests", "request_id")):
        assert ask(f"SELECT count(*) - count(DISTINCT {key}) FROM {table}") == [(0,)], table


# ---- plausible


@pytest.mark.parametrize("table", ["orders", "invoices", "cases", "communications", "newsletter_subscriptions",
                                   "web_events", "rights_requests"])
def test_who_is_named_exists(ask: Ask, table: str) -> None:
    assert ask(f"""SELECT count(*) FROM {table} t LEFT JOIN customers c USING (customer_id)
                   WHERE t.customer_id IS NOT NULL AND c.customer_id IS NULL""") == [(0,)]
    if "contact_id" in contract()[table]:
        assert ask(f"""SELECT count(*) FROM {table} t LEFT JOIN contacts c USING (contact_id)
                       WHERE t.contact_id IS NOT NULL AND c.contact_id IS NULL""") == [(0,)]


@pytest.mark.parametrize("table", ["order_lines", "invoices", "cases"])
def test_what_is_about_an_order_has_one(ask: Ask, table: str) -> None:
    assert ask(f"""SELECT count(*) FROM {table} t LEFT JOIN orders o USING (order_id)
                   WHERE t.order_id IS NOT NULL AND o.order_id IS NULL""") == [(0,)]


def test_nothing_happens_after_the_end(ask: Ask) -> None:
    for table, columns in contract().items():
        for column in (name for name, kind in columns.items() if kind == "timestamp" and name != "due_at"):
            newest = ask(f"SELECT max({column}) FROM {table} WHERE substr({column}, 1, 10) NOT IN {SENTINELS}")
            assert str(newest[0][0]) <= f"{UNTIL} 23:59:59", f"{table}.{column}"


def test_events_of_an_order_follow_each_other(ask: Ask) -> None:
    sane = "ordered_at > '1900'"
    for later in ("delivered_at", "paid_at", "cancelled_at", "completed_at"):
        assert ask(f"SELECT count(*) FROM orders WHERE {sane} AND {later} < ordered_at") == [(0,)], later
    assert ask("""SELECT count(*) FROM order_lines l JOIN orders o USING (order_id)
                  WHERE l.returned_at < coalesce(l.delivered_at, o.delivered_at)
                  AND l.delivered_at < '9999'""") == [(0,)]


def test_totals_add_up(ask: Ask) -> None:
    assert ask("""SELECT count(*) FROM (SELECT o.total_amount AS total, sum(l.quantity * l.unit_price) AS lines
                  FROM orders o JOIN order_lines l USING (order_id) GROUP BY order_id)
                  WHERE abs(total - lines) > 0.005""") == [(0,)]


def test_every_rule_finds_something(ask: Ask) -> None:
    for sql in (
        "orders WHERE cancelled_at IS NOT NULL", "orders WHERE total_amount = 0", "orders WHERE contact_id IS NOT NULL",
        "orders o JOIN customers c USING (customer_id) WHERE customer_type = 'business' AND o.contact_id IS NULL",
        "orders WHERE delivered_at IS NULL AND cancelled_at IS NULL", "order_lines WHERE returned_at IS NOT NULL",
        "order_lines l JOIN orders o USING (order_id) WHERE l.delivered_at < o.delivered_at",
        "products WHERE warranty_years IS NULL", "products WHERE category = 'freight' AND warranty_years = 0",
        "invoices WHERE amount < 0",
        "invoices WHERE abs(amount - coalesce(paid_amount, 0)) >= 0.01 AND settled_at IS NULL",
        "invoices WHERE abs(abs(amount - paid_amount) - 0.01) < 0.001", "invoices WHERE billing_street_address IS NULL",
        "cases WHERE closed_at IS NULL", "communications WHERE customer_id IS NULL AND case_id IS NULL",
        "newsletter_subscriptions WHERE customer_id IS NULL",
        "newsletter_subscriptions WHERE unsubscribed_at IS NOT NULL",
        "web_events WHERE consented", "web_events WHERE NOT consented",
        "web_events WHERE consent_withdrawn_at IS NOT NULL",
        "app_logs WHERE username IS NOT NULL AND instr(message, username)", "contacts WHERE deactivated_at IS NOT NULL",
        "customers WHERE profile_created_at IS NULL", "customers WHERE profile_closed_at IS NOT NULL",
        "customers WHERE country <> 'NO'",
        "contacts LEFT JOIN customers c USING (customer_id) WHERE c.customer_id IS NULL",
        "customers WHERE customer_type NOT IN ('consumer', 'business', 'sole_proprietor')",
        "customers a JOIN customers b ON a.email = b.email AND a.customer_id < b.customer_id",
    ):
        assert ask(f"SELECT count(*) > 0 FROM {sql}") == [(1,)], sql


def test_requests_are_of_every_kind_and_state(ask: Ask) -> None:
    states = ask("SELECT DISTINCT kind, closed_at IS NULL FROM rights_requests")
    assert len(states) == 12
    assert ask("SELECT count(DISTINCT outcome) FROM rights_requests") == [(3,)]
    assert ask("SELECT count(*) > 0 FROM rights_requests WHERE identity_verified_at IS NULL") == [(1,)]
    assert ask("SELECT count(*) > 0 FROM rights_requests WHERE customer_id IS NULL AND email IS NOT NULL") == [(1,)]


# ---- nobody's real number


def control_digit(number: str, weights: str) -> int:
    remainder = sum(int(digit) * int(weight) for digit, weight in zip(number, weights, strict=True)) % 11
    return 0 if remainder == 0 else 11 - remainder


def test_identity_numbers_are_valid_and_of_the_test_series(ask: Ask) -> None:
    found = ask("""SELECT national_identity_number, customer_type FROM customers
                   WHERE national_identity_number IS NOT NULL""")
    for number, _ in found:
        text = str(number)
        assert len(text) == 11
        assert 81 <= int(text[2:4]) <= 92
        assert int(text[9]) == control_digit(text[:9], "376189452")
        assert int(text[10]) == control_digit(text[:10], "5432765432")
    kinds = [kind for _, kind in found]
    assert kinds.count("sole_proprietor") > 5
    assert kinds.count("consumer") == 1  # one in two thousand is misplaced on purpose
    assert "business" not in kinds


def test_organisation_numbers_are_valid_and_no_unit_has_them(ask: Ask) -> None:
    sql = "SELECT organisation_number FROM customers WHERE organisation_number IS NOT NULL"
    found = [str(row[0]) for row in ask(sql)]
    assert found
    assert len(set(found)) == len(found)
    for number in found:
        assert number[0] == "3"
        assert int(number[8]) == control_digit(number[:8], "32765432")


def test_addresses_are_reserved_for_examples(ask: Ask) -> None:
    mails = {str(row[0]).lower().split("@")[1] for row in ask("SELECT email FROM customers WHERE email IS NOT NULL")}
    assert mails <= {"example.no", "example.com", "example.org", "example.net"}
    networks = {str(row[0]).rsplit(".", 1)[0] for row in ask("SELECT ip_address FROM web_events")}
    assert networks == {"192.0.2", "198.51.100", "203.0.113"}


# ---- never over what is not ours


def test_an_own_sample_is_replaced(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    generate(url, customers=30, until=UNTIL)
    assert generate(url, customers=20, until=UNTIL)["customers"] == 20
    assert len(everything(tmp_path / "s.db")["customers"]) == 20
    assert [path.name for path in tmp_path.iterdir()] == ["s.db"]


@pytest.mark.parametrize("statements", [
    "CREATE TABLE customers (customer_id TEXT); INSERT INTO customers VALUES ('1')", "CREATE TABLE their_own (a TEXT)"])
def test_a_foreign_file_is_refused(tmp_path: Path, statements: str) -> None:
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as con:
        con.executescript(statements)
    before = path.read_bytes()
    with pytest.raises(SourceError, match="--url"):
        generate(f"sqlite:///{path}", customers=10, until=UNTIL)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, and longer than a header of one hundred bytes " * 9)
    with pytest.raises(SourceError, match="is not a readable SQLite database"):
        generate(f"sqlite:///{tmp_path / 'notes.txt'}", customers=10, until=UNTIL)


def test_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(f"sqlite:///{tmp_path / 's.db'}", customers=10, until=UNTIL, progress=interrupt)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["mysql://host/shop", "nonsense", "sqlite://", "sqlite:///:memory:"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(SourceError, match="sqlite:///"):
        generate(url, customers=10, until=UNTIL)


def test_an_unreachable_server_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not answer") as caught:
        generate(f"postgresql://me:s3cret@/shop?host={tmp_path}", customers=10, until=UNTIL)
    assert "s3cret" not in str(caught.value)


# ---- PostgreSQL


def test_postgresql_holds_the_same_shop_in_its_own_types(ask: Ask, postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as con:
        con.execute("CREATE DATABASE sample_test")
    url = postgres_url.replace("/postgres?", "/sample_test?")
    for _ in range(2):
        rows = generate(url, customers=300, seed=1, until=UNTIL)
    assert rows == {table: ask(f"SELECT count(*) FROM {table}")[0][0] for table in contract()}
    with psycopg.connect(url.replace("+psycopg", "")) as con:
        con.execute("SET TimeZone = 'Europe/Oslo'")
        wanted = ask("SELECT order_id, contact_id, ordered_at, delivery_note FROM orders ORDER BY order_id")
        assert con.execute("""SELECT order_id, contact_id, to_char(ordered_at, 'YYYY-MM-DD HH24:MI:SS'), delivery_note
                              FROM orders ORDER BY order_id""").fetchall() == wanted
        kinds: dict[str, str] = dict(con.execute("""SELECT column_name, data_type FROM information_schema.columns
                                    WHERE table_name IN ('orders', 'customers', 'web_events')""").fetchall())
        assert (kinds["ordered_at"], kinds["birth_date"]) == ("timestamp with time zone", "date")
        assert (kinds["total_amount"], kinds["consented"]) == ("numeric", "boolean")
        con.execute("DROP TABLE ajprivacy_sample")
        con.commit()
    with pytest.raises(SourceError, match="not the sample's"):
        generate(url, customers=10, until=UNTIL)
