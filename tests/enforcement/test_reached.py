"""What a query shows of other rows goes with the copies that hold it, as far as they are that person's alone."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import EnforcementError
from tests.enforcement.enforcement_world import World
from tests.enforcement.test_writes import everything
from tests.enforcement.written_shop import MAPPING, written_world

TIED = "a.id_address = c.id_customer * 10 AND a.id_customer = c.id_customer"
LOOSE = "a.id_address = c.id_customer * 10"


def copy(part: str, erase: str, where: str = "") -> str:
    """An entry of the mapping: columns of the customer's address rows."""
    return (f'[[copies]]\ntable = "ps_address"\nby = {{ column = "id_customer", entity = "customers" }}\n'
            f'erase = [{erase}]\nwith = "customers.{part}"\n{where}\n')


COPIES = (copy("address", '"address1"') + copy("address", '"postcode", "city"')
          + copy("phone", '"phone", "phone_mobile"'))


def address_world(folder: Path, joined: str = TIED, copies: str = COPIES) -> World:
    """The shop, in which orders show no address, and a firm (5) is due, too; row 20 is Kari's and was Ola's."""
    start, end = MAPPING.index("LEFT JOIN ps_address"), MAPPING.index("'''\nwrites = \"ps_customer\"")
    mapping = MAPPING[:start] + f"LEFT JOIN ps_address a ON {joined}" + MAPPING[end:]
    mapping = mapping.replace(", a.address1, a.postcode FROM ps_orders o\nLEFT JOIN ps_address a ON a.id_address = "
                              "o.id_address_delivery", " FROM ps_orders o")
    mapping = mapping.replace('delivery_street_address = "address1"\n', "")
    world = written_world(folder, f"sqlite:///{folder / 'shop.db'}", mapping=mapping + copies)
    world.execute("INSERT INTO ps_customer VALUES (5, 'Gammel AS', 'Eva', 'Lie', 'eva@gammel.example', NULL, NULL, "
                  "NULL, 0)")
    world.execute("INSERT INTO ps_orders VALUES (105, 5, NULL, '2012-01-01', '2012-01-05', '2012-01-05', 100, NULL)")
    world.execute("INSERT INTO ps_address VALUES (50, 5, 'Kaia 5', '5003', 'Bergen', '55443322', NULL)")
    return world


def test_what_copies_hold_is_carried_out_and_read_back(tmp_path: Path) -> None:
    """A company's own postal code and town stay; whoever is not due stands as before; the second apply does nothing."""
    world = address_world(tmp_path)
    before = everything(world)
    world.decide()
    plan = world.plan()
    assert (plan["refused"], plan["not_carried_out"]) == ([], [])
    done = world.apply(world.approved(plan))
    assert (done["verified"], done["not_carried_out"]) == (True, 0)
    after = everything(world)
    assert after["ps_address"] == [
        (10, 1, None, None, None, None, None), before["ps_address"][1], (40, 4, None, None, None, None, None),
        (50, 5, None, "5003", "Bergen", None, None)]
    again = world.apply(plan["plan"] or "")
    assert (again["applied"], again["batches"], everything(world)) == (0, 0, after)
    assert "due" not in {decision for decision, _ in world.decide().values()}


@pytest.mark.parametrize("joined", [LOOSE, TIED])
def test_a_row_that_somebody_else_shows_stays(tmp_path: Path, joined: str) -> None:
    """Ola's account points to a row with Kari's number: it goes with her only where the query shows it to her alone."""
    world = address_world(tmp_path, joined)
    world.execute("UPDATE ps_address SET id_customer = 1 WHERE id_address = 20")
    before = everything(world)
    world.decide()
    plan = world.plan()
    if joined == TIED:
        assert world.apply(world.approved(plan))["verified"]
        assert everything(world)["ps_address"][1] == (20, 1, None, None, None, None, None)
        return
    assert {row["column"] for row in plan["refused"]} == {"id_customer"}
    assert any("customers.street_address shows of somebody may be found by" in row["fix"] for row in plan["refused"])
    with pytest.raises(EnforcementError):
        world.approved(plan)
    assert everything(world) == before


@pytest.mark.soak
@pytest.mark.parametrize(("copies", "left"), [
    (COPIES.replace('"phone", "phone_mobile"', '"phone"'), {"phone"}),  # the other one would be shown
    (copy("address", '"address1", "postcode", "city"', "where = \"city LIKE 'Oslo'\"")
     + copy("phone", '"phone", "phone_mobile"'), {"street_address", "postal_code", "city"}),  # not of every row
    (COPIES.replace('with = "customers.phone"', 'with = ["customers.phone", "customers.name"]'), {"phone"})])
def test_what_a_copy_may_leave_is_not_carried_out_by_us(tmp_path: Path, copies: str, left: set[str]) -> None:
    world = address_world(tmp_path, copies=copies)
    world.decide()
    plan = world.plan()
    assert plan["refused"] == []
    assert {row["column"] for row in plan["not_carried_out"]} == left
    assert world.apply(world.approved(plan))["not_carried_out"] > 0


def test_what_the_query_shows_after_all_stops_the_batch(tmp_path: Path) -> None:
    """The database tells `oslo` from `Oslo`: the copy finds no row, and the query still shows one."""
    copies = copy("phone", '"phone", "phone_mobile"', "where = \"city = 'oslo'\"")
    world = address_world(tmp_path, f"{TIED} AND a.city = 'Oslo'", copies)
    before = everything(world)
    world.decide()
    with pytest.raises(EnforcementError, match=r"customers.phone: 1 row\(s\) still show something after what the "
                                               "mapping declares as copies"):
        world.apply(world.approved())
    assert everything(world) == before


@pytest.mark.soak
def test_a_row_that_keys_of_two_tables_find_waits_for_the_one_that_stays(tmp_path: Path) -> None:
    """Per's number is also that of an order of Ola's: as long as she needs it, nothing of the row goes."""
    both = COPIES.replace(copy("phone", '"phone", "phone_mobile"'), "") + (
        '[[copies]]\ntable = "ps_address"\nby = { column = "id_customer", entity = ["customers", "orders"] }\n'
        'erase = ["phone", "phone_mobile"]\nwith = ["customers.phone", "orders.delivery"]\n')
    world = address_world(tmp_path, copies=both)
    world.execute("UPDATE ps_orders SET id_order = 4 WHERE id_order = 101")
    before = everything(world)
    world.decide()
    plan = world.plan()
    assert (plan["refused"], plan["not_carried_out"]) == ([], [])
    assert {"entity": "customers", "part": "phone", "rows": 1, "waits_for": "orders.delivery"} in plan["waiting"]
    assert world.apply(world.approved(plan))["verified"]
    after = everything(world)["ps_address"]
    assert after[2] == (40, 4, None, None, None, *before["ps_address"][2][5:])
    assert after[0] == (10, 1, None, None, None, None, None)
