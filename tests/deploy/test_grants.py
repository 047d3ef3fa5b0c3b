"""The roles of deploy/grants.sql in a real PostgreSQL: each can do its work, and nothing beside it."""

from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.approve import approve
from tests.enforcement.enforcement_world import World
from tests.warehouse.shopkit import SOURCES, connect, fresh_database

GRANTS = (Path(__file__).resolve().parents[2] / "deploy" / "grants.sql").read_text(encoding="utf-8")
FACTS = ("orders", "order_lines", "invoices", "cases", "communications", "rights_requests")
ROWS = (
    ("INSERT INTO customers (customer_id, customer_type, name, email, postal_code, profile_created_at) VALUES "
    "('1', 'consumer', 'Kari Nordmann', 'kari@example.no', '1234', '2012-01-01'), "
    "('2', 'consumer', 'Ola Nordmann', 'ola@example.no', '1234', '2026-09-01')"),
    "INSERT INTO products (product_id, warranty_years) VALUES ('5', '1')",
    ("INSERT INTO orders (order_id, customer_id, ordered_at, delivered_at, paid_at, total_amount, delivery_name) "
    "VALUES ('100', '1', '2012-01-01', '2012-01-05', '2012-01-05', '100', 'Kari Nordmann'), "
    "('101', '2', '2026-09-01', '2026-09-05', '2026-09-05', '100', 'Ola Nordmann')"),
    "INSERT INTO order_lines (order_id, line_number, product_id) VALUES ('100', '1', '5'), ('101', '1', '5')",
    "INSERT INTO app_logs (log_id, logged_at, username) VALUES ('1', '2020-01-01', 'kari'), ('2', '2026-10-01', 'ola')",
    ("INSERT INTO newsletter_subscriptions (subscription_id, email, customer_id, subscribed_at, unsubscribed_at) "
    "VALUES ('1', 'kari@example.no', '1', '2012-01-01', '2013-01-01')"))
KEYS = {"customers": "customer_id", "contacts": "contact_id", "orders": "order_id", "invoices": "invoice_id",
        "cases": "case_id", "communications": "communication_id", "products": "product_id",
        "newsletter_subscriptions": "subscription_id", "rights_requests": "request_id", "web_events": "event_id",
        "app_logs": "log_id", "order_lines": "order_id, line_number"}


@pytest.fixture(scope="module")
def url(postgres_url: str) -> str:
    """A shop of two customers, one of them due, with the roles."""
    made = fresh_database(postgres_url, "granted")
    with connect(made) as con:
        for name, table in SOURCES.tables.items():
            columns = ", ".join(f"{column} varchar(200)" for column in table.columns)
            con.execute(f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({KEYS[name]}))")
        for statement in ROWS:
            con.execute(statement)
        con.execute(GRANTS)
        con.execute(GRANTS)  # again, as after an upgrade
        con.execute("SET ROLE ajprivacy_publisher")
        con.execute("CREATE TABLE published.sales_monthly (month date)")
    return made


def _as(url: str, role: str) -> str:
    """The URL of the same database for another user."""
    return sa.make_url(url).set(username=f"ajprivacy_{role}", password=None).render_as_string(hide_password=False)


def _refused(url: str, role: str, statement: str) -> None:
    with connect(_as(url, role)) as con, pytest.raises(
            (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
        con.execute(statement)


@pytest.mark.soak
def test_the_reader_decides_and_the_writer_plans_and_carries_out(url: str, tmp_path: Path) -> None:
    """One home; each command has the user whose work it is. The writer's SELECTs read back what it did."""
    reading = World(tmp_path, _as(url, "reader"))
    decided = reading.decide()
    assert decided["subject", "customer:1", "name"][0] == "due"
    told = {one["constraint"] for one in reading.plan()["refused"]}
    assert told, "whoever only reads is told which rights a plan needs"
    assert told <= {"right UPDATE", "right DELETE", "right INSERT"}
    writing = World(tmp_path, _as(url, "writer"))
    made = writing.plan()
    assert made["refused"] == []
    assert made["plan"] is not None
    approve(reading.settings, made["plan"], "Ada", release_brake=True)
    result = writing.apply(made["plan"])
    assert result["verified"]
    assert result["applied"] == made["rows"]
    with connect(_as(url, "reader")) as con:
        assert con.execute("SELECT customer_id, name FROM customers WHERE name LIKE '%Nordmann'").fetchall() == [
            ("2", "Ola Nordmann")]
        assert con.execute("SELECT log_id FROM app_logs").fetchall() == [("2",)]
        assert con.execute("SELECT delivery_name FROM orders WHERE order_id = '101'").fetchall() == [("Ola Nordmann",)]


@pytest.mark.parametrize("table", [*SOURCES.tables, "ajprivacy_batches"])
def test_the_reader_cannot_write(url: str, table: str) -> None:
    """Neither by a right nor, where a session says it may, by the setting."""
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}", f"DROP TABLE {table}",
                      f"INSERT INTO {table} SELECT * FROM {table}"):
        _refused(url, "reader", statement)
        _refused(url, "reader", f"SET default_transaction_read_only = off; {statement}")
    _refused(url, "reader", "CREATE TABLE public.mine (a int)")
    _refused(url, "reader", "CREATE TEMP TABLE mine (a int)")


def test_the_writer_can_do_what_the_door_does_and_nothing_else(url: str) -> None:
    allowed = {name: set(columns) for name, columns in _columns(url).items()}
    with connect(url) as con:
        has_maintain = con.info.server_version >= 170000
    for name, table in SOURCES.tables.items():
        wide = name in FACTS and not has_maintain  # the lock needs UPDATE of the table there
        for column in table.columns:
            if column not in allowed[name] and not wide:
                _refused(url, "writer", f"UPDATE {name} SET {column} = NULL")
        if name not in ("newsletter_subscriptions", "app_logs"):
            _refused(url, "writer", f"DELETE FROM {name}")
        if name not in ("customers", "contacts"):
            _refused(url, "writer", f"INSERT INTO {name} SELECT * FROM {name}")
        for statement in (f"TRUNCATE {name}", f"DROP TABLE {name}", f"ALTER TABLE {name} ADD COLUMN more int"):
            _refused(url, "writer", statement)
    for statement in ("DELETE FROM ajprivacy_batches", "UPDATE ajprivacy_batches SET counts = ''",
                      "CREATE TABLE public.mine (a int)", "SELECT * FROM published.sales_monthly"):
        _refused(url, "writer", statement)


def _columns(url: str) -> dict[str, list[str]]:
    """What actions.toml lets be changed; a row that is deleted may lose its links before."""
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.settings import NOTICE
    policy = load_policy(NOTICE)
    found = {name: [column for column, action in policy.actions.get(name, {}).items() if action.action != "keep"]
             for name in policy.sources.tables}
    found["newsletter_subscriptions"] += ["customer_id", "contact_id"]
    return found


def test_every_column_that_actions_name_is_granted(url: str) -> None:
    """A new action without its grant would stop the first apply."""
    with connect(url) as con:
        missing = [(name, column) for name, columns in _columns(url).items() for column in columns if con.execute(
            "SELECT has_column_privilege('ajprivacy_writer', %s, %s, 'UPDATE')", (name, column)).fetchone() != (True,)]
    assert missing == []


def test_the_analyst_sees_the_published_zone_only(url: str) -> None:
    with connect(_as(url, "analyst")) as con:
        assert con.execute("SELECT * FROM published.sales_monthly").fetchall() == []
    for name in (*SOURCES.tables, "ajprivacy_batches"):
        _refused(url, "analyst", f"SELECT * FROM public.{name}")
    for statement in ("DELETE FROM published.sales_monthly", "CREATE TABLE published.mine (a int)",
                      "SET default_transaction_read_only = off; INSERT INTO published.sales_monthly VALUES (now())"):
        _refused(url, "analyst", statement)


def test_the_publisher_knows_no_person(url: str) -> None:
    for name in SOURCES.tables:
        _refused(url, "publisher", f"SELECT * FROM public.{name}")
