"""Nobody comes back on PostgreSQL and MariaDB either: the main cases of test_nobody_comes_back, one after another."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.enforcement.recover import recover
from ajprivacy_pipeline.errors import EnforcementError
from tests.enforcement.enforcement_world import World, empty_database
from tests.enforcement.guarded_shop import TABLES, guarded_world
from tests.enforcement.test_nobody_comes_back import C1, KARI, entries, look


@pytest.fixture(params=["postgresql", "mariadb"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """The shop on a server, after its first plan."""
    made = guarded_world(tmp_path, empty_database(request.param, request, tmp_path, "guarded"))
    made.decide()
    assert made.apply(made.approved())["verified"]
    return made


def restore(world: World) -> None:
    """The warehouse of before: every table as it was, and no marker."""
    with world.connection() as connection:
        for statement in filter(None, map(str.strip, TABLES.split(";"))):
            if statement.startswith("CREATE TABLE"):
                connection.exec_driver_sql(f"DROP TABLE {statement.split()[2]}")
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("DROP TABLE ajprivacy_batches")


@pytest.mark.soak
def test_what_comes_back_is_told_from_somebody_new(world: World) -> None:
    assert entries(world) == {"id": 3, "value": 9, "email": 3, "phone": 1}
    world.execute(f"{KARI} {C1}")
    world.execute("UPDATE customers SET name = 'Per Hansen', email = 'siri@example.no' WHERE customer_id = 'c3'")
    world.execute("INSERT INTO customers VALUES ('c5', 'consumer', 'Siri Solberg', 'siri@example.no', '90000001', "
                  "NULL, '2026-10-01', '2026-10-01')")
    found = look(world)
    assert found.hits == {("customers", "c1"): "quarantined", ("customers", "c3"): "id_used_again",
                          ("customers", "c5"): "erased_value"}
    assert found.decisions["customer:c1"] == {"name": "due", "email": "due", "phone": "due"}
    assert set(found.decisions["customer:c3"].values()) == {"hold"}
    assert set(found.decisions["customer:c5"].values()) == {"retain"}
    assert world.apply(world.approved())["applied"] == 3
    assert ("customers", "c1") not in look(world).hits
    with world.connection() as connection:
        names = dict(connection.exec_driver_sql("SELECT customer_id, name FROM customers").fetchall())
    assert (names["c1"], names["c3"], names["c5"]) == (None, "Per Hansen", "Siri Solberg")


@pytest.mark.soak
def test_a_restored_warehouse_is_carried_out_again(world: World) -> None:
    before = look(world)
    restore(world)
    with pytest.raises(EnforcementError, match="it was restored from before"):
        world.plan()
    recover(world.settings, "Ada")
    found = look(world)
    assert {key: reason for key, reason in found.hits.items() if key[0] == "customers"} == {
        ("customers", f"c{number}"): "quarantined" for number in (1, 2, 3)}
    assert found.decisions["customer:c4"] == {"name": "retain", "email": "retain", "phone": "retain"}
    assert world.apply(world.approved())["verified"]
    assert look(world).counted == before.counted
