"""Carrying out on columns of PostgreSQL's own kinds, and a key that is itself erased."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.errors import EnforcementError
from tests.enforcement.enforcement_world import World, new_database
from tests.enforcement.mapping_texts import NOTHING_ELSE

TABLES = """
CREATE TABLE customers (customer_id uuid {key}, customer_type text, name char(20) NOT NULL, email text NOT NULL UNIQUE,
    preferences jsonb, username varchar(20));
CREATE TABLE orders (order_id text PRIMARY KEY, customer_id uuid, ordered_at date, delivered_at date, paid_at date,
    total_amount numeric(18,2), delivery_name char(20) NOT NULL);
CREATE TABLE order_lines (order_id text, line_number integer, product_id text, PRIMARY KEY (order_id, line_number));
INSERT INTO customers VALUES ('00000000-0000-0000-0000-000000000001', 'consumer', 'Kari', 'kari@example.no',
    '{{"colour": "blue"}}', 'kari'),
    ('00000000-0000-0000-0000-000000000002', 'consumer', 'Ola', 'ola@example.no', '{{"colour": "red"}}', 'ola');
INSERT INTO orders VALUES
    ('a', '00000000-0000-0000-0000-000000000001', '2012-01-01', '2012-01-05', '2012-01-05', 1, 'Kari'),
    ('b', '00000000-0000-0000-0000-000000000002', '2026-09-01', '2026-09-05', '2026-09-05', 1, 'Ola')
"""
MAPPING = """
{tombstones}
[tables.customers.columns]
profile_created_at = {{ absent = "none" }}
last_login_at = {{ absent = "none" }}
""" + NOTHING_ELSE
TOMBSTONES = "\n".join(("[tombstones]", *(
    f'{kind} = "ffffffff-0000-0000-0000-00000000000{i}"' for i, kind in enumerate(
        ("consumer", "business", "sole_proprietor")))))


def shop(folder: Path, postgres_url: str, *, key: str = "PRIMARY KEY", tombstones: str = TOMBSTONES) -> World:
    """The shop on a database of its own, decided."""
    world = World(folder / "home", new_database(postgres_url, "kinds"), AJPRIVACY_MAPPING=str(folder / "mapping.toml"))
    for statement in TABLES.format(key=key).split(";"):
        world.execute(statement.replace(":", "\\:"))
    (folder / "mapping.toml").write_text(MAPPING.format(tombstones=tombstones))
    world.decide()
    return world


@pytest.mark.soak
@pytest.mark.parametrize("key", ["PRIMARY KEY", ""])
def test_fixed_widths_documents_and_uuids_are_carried_out(tmp_path: Path, postgres_url: str, key: str) -> None:
    """Without a primary key the address would be the only unique key, which goes itself."""
    world = shop(tmp_path, postgres_url, key=key)
    result = world.apply(world.approved())
    assert result["verified"]
    assert result["applied"] == result["planned"] > 0
    with world.connection() as connection:
        people = connection.exec_driver_sql("SELECT trim(name), email, preferences, username FROM customers "
                                            "ORDER BY customer_id").fetchall()
        owners = connection.exec_driver_sql("SELECT customer_id::text, trim(delivery_name) FROM orders "
                                            "ORDER BY order_id").fetchall()
    assert [tuple(row) for row in owners] == [
        ("ffffffff-0000-0000-0000-000000000000", "Anonymised"), ("00000000-0000-0000-0000-000000000002", "Ola")]
    address = "anonymised-00000000-0000-0000-0000-000000000001@example.invalid"
    assert tuple(people[0]) == ("Anonymised", address, None, None)
    assert people[1][:2] == ("Ola", "ola@example.no")
    assert {key: row for key, row in world.decide().items() if row[0] == "due"} == {}


def test_ids_without_tombstones_of_their_kind_are_refused_before_approval(tmp_path: Path, postgres_url: str) -> None:
    world = shop(tmp_path, postgres_url, tombstones="")
    summary = world.plan()
    assert {(found["table"], found["column"]) for found in summary["refused"]} == {("orders", "customer_id")}
    assert "[tombstones]" in summary["refused"][0]["fix"]
    with pytest.raises(EnforcementError, match="the warehouse would refuse 1"):
        approve(world.settings, str(summary["plan"]), "Ada", release_brake=True)
