"""PostgreSQL hides rows by policy in silence; read with row_security off, it refuses instead, and says where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.mapping import check
from ajprivacy_pipeline.warehouse.source import open_source
from tests.warehouse.shopkit import SOURCES, connect, fresh_database, mapping_file, marked, raw, run, untouched

READERS = pytest.mark.parametrize("reader", ["native", "stream"])
SHOP = """
    CREATE TABLE customers (customer_id integer, customer_type text, name text);
    INSERT INTO customers VALUES (1, 'consumer', 'Canary');
    CREATE TABLE orders (order_id integer, customer_id integer, ordered_at date, delivered_at date, paid_at date);
    INSERT INTO orders VALUES (1, 1, '2015-01-01', '2015-01-02', '2015-01-03');
    CREATE TABLE order_lines (order_id integer, line_number integer);
    CREATE TABLE cases (case_id integer, customer_id integer, opened_at date, closed_at date, is_secret boolean);
    INSERT INTO cases VALUES (1, 1, '2015-02-01', NULL, true), (2, 1, '2015-02-01', '2015-02-02', false);
    CREATE POLICY open_ones ON cases USING (NOT is_secret);
    DROP ROLE IF EXISTS clerk;
    CREATE ROLE clerk LOGIN;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO clerk;
"""
REFUSED = (r'row-level security of table "cases" would hide rows from this user.*BYPASSRLS.*and run again')


@pytest.fixture
def con() -> Iterator[zones.Connection]:
    connection = zones.memory()
    yield connection
    connection.close()


@pytest.fixture
def admin(postgres_url: str) -> Iterator[str]:
    """A shop whose open complaint a policy would hide, for its owner."""
    own = fresh_database(postgres_url, "hidden")
    with connect(own) as shop:
        shop.execute(SHOP)
    yield own
    with connect(own) as shop:
        shop.execute("DROP OWNED BY clerk")
        shop.execute("DROP ROLE clerk")


@pytest.fixture
def clerk(admin: str) -> str:
    """The same for a user whom the policy concerns."""
    return sa.make_url(admin).set(username="clerk").render_as_string(hide_password=False)


def act(url: str, statement: str) -> None:
    """One statement of the shop's owner."""
    with connect(url) as shop:
        shop.execute(statement)


@READERS
def test_what_a_policy_would_hide_stops_the_run(con: zones.Connection, admin: str, clerk: str, reader: str) -> None:
    """Nothing is written; granted, the open complaint is read."""
    act(admin, "ALTER TABLE cases ENABLE ROW LEVEL SECURITY")
    marked(con)
    with pytest.raises(SourceError, match=REFUSED) as caught:
        run(con, clerk, reader=reader)
    assert "Canary" not in str(caught.value)
    assert untouched(con)
    act(admin, "ALTER ROLE clerk BYPASSRLS")
    run(con, clerk, reader=reader)
    assert len(raw(con, "cases", "case_id", "closed_at")) == 2


@READERS
def test_a_policy_that_is_off_and_a_user_without_any_are_read(con: zones.Connection, admin: str, clerk: str,
                                                              reader: str) -> None:
    run(con, clerk, reader=reader)
    act(admin, "ALTER TABLE cases ENABLE ROW LEVEL SECURITY")
    run(con, admin, reader=reader)
    assert len(raw(con, "cases", "case_id", "closed_at")) == 2


@READERS
def test_an_expression_and_a_query_over_it_are_refused_alike(con: zones.Connection, admin: str, clerk: str,
                                                             reader: str, tmp_path: Path) -> None:
    act(admin, "ALTER TABLE cases ENABLE ROW LEVEL SECURITY")
    for text in ('[tables.cases.columns]\nsummary = { sql = "upper(\'x\')" }\n',
                 '[tables.cases]\nquery = "SELECT * FROM cases"\n'):
        mapping = mapping_file(tmp_path, text)
        with pytest.raises(SourceError, match=REFUSED):
            run(con, clerk, mapping, reader=reader)
        with open_source(clerk) as source, pytest.raises(SourceError, match=REFUSED):
            check(source, mapping, SOURCES)


@READERS
def test_options_of_the_address_stay(con: zones.Connection, admin: str, clerk: str, reader: str) -> None:
    """A search path, say; ours is added to it."""
    act(admin, "CREATE SCHEMA other; CREATE TABLE other.products (product_id integer, name text); "
               "INSERT INTO other.products VALUES (1, 'x'); GRANT USAGE ON SCHEMA other TO clerk; "
               "GRANT SELECT ON ALL TABLES IN SCHEMA other TO clerk; ALTER TABLE cases ENABLE ROW LEVEL SECURITY")
    with_path = sa.make_url(clerk).update_query_dict({"options": "-c statement_timeout=60000"})
    with pytest.raises(SourceError, match=REFUSED):
        run(con, with_path.render_as_string(hide_password=False), reader=reader)
    act(admin, "ALTER ROLE clerk BYPASSRLS")
    run(con, with_path.render_as_string(hide_password=False), reader=reader)
