"""One row of an address serves account, orders and invoices: it goes with the last of them, if nobody else needs it."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.enforcement.certificate_page import Words
from ajprivacy_pipeline.errors import MappingError
from tests.enforcement import written_shop
from tests.enforcement.enforcement_world import World
from tests.enforcement.test_writes import everything
from tests.enforcement.written_shop import MAPPING, written_world

POINTED = "a.id_address = o.id_address_delivery AND a.id_customer = o.id_customer"
SHARED = ("EXISTS (SELECT 1 FROM ps_orders o WHERE o.id_address_delivery = ps_address.id_address "
          "AND o.id_customer <> ps_address.id_customer AND o.id_customer > 0)")
INVOICES = f"""
[tables.invoices]
query = '''SELECT o.id_order, o.id_customer, o.date_add, o.total, a.address1 FROM ps_orders o
LEFT JOIN ps_address a ON {POINTED}'''
writes = "ps_orders"
[tables.invoices.columns]
invoice_id = "id_order"
customer_id = "id_customer"
issued_at = "date_add"
amount = "total"
paid_amount = "total"
billing_street_address = {{ column = "address1", lives_in = "invoices" }}
"""


def copy(erase: str, parts: str, more: str = "") -> str:
    """An entry of the mapping for columns of the address rows."""
    return (f'[[copies]]\ntable = "ps_address"\nby = {{ column = "id_customer", entity = "customers", '
            f'and_records = true }}\nerase = [{erase}]\nwith = [{parts}]\nshared = "{SHARED}"\n{more}\n')


COPIES = (copy('"address1", "postcode", "city"', '"customers.address", "orders.delivery", "invoices.billing"')
          + copy('"phone", "phone_mobile"', '"customers.phone", "orders.delivery"'))


def shared_world(folder: Path, copies: str = COPIES) -> World:
    """The shop, in which Per (4) is due as ever and a firm (5) is, too."""
    mapping = MAPPING.replace("LEFT JOIN ps_address a ON a.id_address = (",
                              "LEFT JOIN ps_address a ON a.id_customer = c.id_customer AND a.id_address = (")
    mapping = mapping.replace("a ON a.id_address = o.id_address_delivery", f"a ON {POINTED}")
    mapping = mapping.replace('[tables.invoices]\nabsent = "none"\n', INVOICES)
    world = written_world(folder, f"sqlite:///{folder / 'shop.db'}", mapping=mapping + copies)
    world.execute("INSERT INTO ps_customer VALUES (5, 'Gammel AS', 'Eva', 'Lie', 'eva@gammel.example', NULL, NULL, "
                  "NULL, 0)")
    world.execute("INSERT INTO ps_address VALUES (50, 5, 'Kaia 5', '5003', 'Bergen', '55443322', NULL)")
    world.execute("INSERT INTO ps_orders VALUES (105, 5, 50, '2012-01-01', '2012-01-05', '2012-01-05', 100, NULL)")
    return world


def waits(plan: object, entity: str) -> set[tuple[str, str]]:
    """What of a table waits in a plan, and for what."""
    return {(row["part"], row["waits_for"]) for row in plan["waiting"] if row["entity"] == entity}  # type: ignore[index]


@pytest.mark.parametrize(("ordered", "goes"), [
    pytest.param("2020-12-31", True, marks=pytest.mark.soak), ("2021-01-01", False)])
def test_a_row_goes_with_the_last_of_those_who_need_it(ordered: str, goes: bool, tmp_path: Path) -> None:
    """Kari needs her address no more; bookkeeping does as long as it needs her invoice. Others' rows stay."""
    world = shared_world(tmp_path)
    world.execute("UPDATE ps_orders SET date_add = :d, shipped = :d, paid = :d WHERE id_order = 100", d=ordered)
    before = everything(world)
    world.decide()
    plan = world.plan()
    assert (plan["refused"], plan["not_carried_out"]) == ([], [])
    assert (("phone", "orders.delivery") in waits(plan, "customers")) is not goes
    assert ({"delivery", "link"} <= {part for part, _ in waits(plan, "orders")}) is not goes
    done = world.apply(world.approved(plan))
    assert (done["verified"], done["not_carried_out"]) == (True, 0)
    after = everything(world)
    kari, ola, _, firm = before["ps_address"]
    gone = (10, 1, None, None, None, None, None)
    assert after["ps_address"] == [gone if goes else kari, ola, (40, 4, None, None, None, None, None), firm]
    assert [row[1] for row in after["ps_orders"]] == [-1 if goes else 1, 2, 3, -1, 5]
    again = world.apply(plan["plan"] or "")
    assert (again["applied"], again["batches"], everything(world)) == (0, 0, after)


def test_a_row_that_somebody_elses_order_points_to_stays(tmp_path: Path) -> None:
    """Ola's order was sent to Kari's address: she loses her name, and the row stays as long as he points to it."""
    world = shared_world(tmp_path)
    world.execute("UPDATE ps_orders SET id_address_delivery = 10 WHERE id_order = 101")
    before = everything(world)
    world.decide()
    plan = world.plan()
    assert waits(plan, "customers") == {("address", "somebody_else"), ("phone", "orders.delivery"),
                                        ("address", "company"), ("phone", "company")}
    assert Words("nb").waited("somebody_else") == "andres bruk av de samme radene"
    assert Words("en").waited("company") == "the company: its own rows stay"
    assert world.apply(world.approved(plan))["verified"]
    after = everything(world)
    assert after["ps_address"] == [(40, 4, None, None, None, None, None) if row[0] == 40 else row
                                   for row in before["ps_address"]]
    assert {row[0]: row[2] for row in after["ps_customer"]} == {1: "", 2: "Ola", 3: "Nils", 4: "", 5: "Eva"}
    assert after["ps_orders"][0][1] == 1


@pytest.mark.soak
def test_a_row_that_somebody_else_comes_to_need_is_put_off(tmp_path: Path) -> None:
    """Behind the locks of a batch it is looked again who points to the row."""
    world = shared_world(tmp_path)
    before = everything(world)
    world.decide()
    plan = world.approved()
    done = world.apply(plan, lambda what: world.execute(
        "UPDATE ps_orders SET id_address_delivery = 10 WHERE id_order = 101") if what == "batch" else None)
    after = everything(world)
    assert [row for row in after["ps_address"] if row[1] == 1] == [before["ps_address"][0]]
    assert after["ps_customer"][0] == before["ps_customer"][0]
    assert [row for row in after["ps_address"] if row[1] == 4] == [(40, 4, None, None, None, None, None)]
    assert {row["reason"] for row in done["dropped"]} == {"waits"}


def test_what_one_column_of_a_row_waits_for_says_nothing_of_another(tmp_path: Path) -> None:
    """Ola is known to need Kari's address; while she is carried out he comes to need her number, on other grounds."""
    phone = copy('"phone", "phone_mobile"', '"customers.phone"').replace(
        SHARED, "EXISTS (SELECT 1 FROM ps_orders o WHERE o.gift = 'ring ' || ps_address.id_address)")
    world = shared_world(tmp_path, copy('"address1", "postcode", "city"', '"customers.address", "orders.delivery", '
                                        '"invoices.billing"') + phone)
    world.execute("UPDATE ps_orders SET id_address_delivery = 10 WHERE id_order = 101")
    before = everything(world)
    world.decide()
    done = world.apply(world.approved(), lambda what: world.execute(
        "UPDATE ps_orders SET gift = 'ring 10' WHERE id_order = 101") if what == "batch" else None)
    assert everything(world)["ps_address"][0] == before["ps_address"][0]
    assert everything(world)["ps_address"][2][5:] == (None, None)
    assert {row["reason"] for row in done["dropped"]} == {"waits"}


@pytest.mark.parametrize(("account", "wanted"), [
    pytest.param(" 1", True, marks=pytest.mark.soak), pytest.param("1", False, marks=pytest.mark.soak)])
def test_keys_with_blanks_around_them_are_looked_for_too(
        account: str, wanted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kari's order and row say ' 1', whatever her account says: somebody else's order holds the row, else it goes."""
    monkeypatch.setattr(written_shop, "TABLES", written_shop.TABLES.replace("id_customer integer", "id_customer text"))
    world = shared_world(tmp_path)
    for table, key in (("ps_customer", account), ("ps_address", " 1"), ("ps_orders", " 1")):
        world.execute(f"UPDATE {table} SET id_customer = :key WHERE id_customer = '1'", key=key)
    before = everything(world)
    world.decide()
    done = world.apply(world.approved(), lambda what: world.execute(
        "UPDATE ps_orders SET id_address_delivery = 10 WHERE id_order = 101") if wanted and what == "batch" else None)
    after = everything(world)
    assert after["ps_address"][0] == (before["ps_address"][0] if wanted else (10, " 1", None, None, None, None, None))
    assert after["ps_customer"][0][2] == ("Kari" if wanted else "")
    assert {row["reason"] for row in done["dropped"]} == ({"waits"} if wanted else set())


@pytest.mark.parametrize(("old", "new", "message"), [
    ('entity = "customers"', 'entity = "orders"', "says and_records of another key than a customer's"),
    (f'shared = "{SHARED}"', "", "write and_records = true and shared together, or neither"),
    (", and_records = true", "", "write and_records = true and shared together, or neither"),
    ('"orders.delivery"', '"app_logs.identity"', "app_logs has no customer_id")])
def test_what_cannot_be_told_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    world = shared_world(tmp_path)
    before = everything(world)
    path = tmp_path / "mapping.toml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(MappingError, match=message):
        world.decide()
    assert everything(world) == before
