"""What queries and expressions feed is written where the mapping says, and nothing else, on three databases."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import EnforcementError, MappingError
from tests.enforcement.enforcement_world import World, empty_database
from tests.enforcement.written_shop import MAPPING, written_world


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak),
                        pytest.param("mariadb", marks=pytest.mark.soak)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """The shop under the product's mapping."""
    url = empty_database(request.param, request, tmp_path, "writes")
    return written_world(tmp_path, url)


def everything(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the shop's own tables."""
    with world.connection() as connection:
        return {table: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2")]
                for table in ("ps_customer", "ps_address", "ps_orders", "ps_order_detail")}


@pytest.mark.soak
def test_what_the_mapping_names_goes_and_nothing_else(world: World) -> None:
    before = everything(world)
    world.decide()
    plan = world.plan()
    assert plan["refused"] == []
    assert {(row["entity"], row["column"], row["rows"]) for row in plan["not_carried_out"]} == {
        ("customers", "street_address", 2), ("customers", "postal_code", 2), ("customers", "city", 2),
        ("customers", "phone", 2), ("orders", "delivery_street_address", 2)}
    assert world.apply(world.approved(plan))["verified"]
    after = everything(world)
    customers = {row[0]: row for row in after["ps_customer"]}
    assert customers[1][:7] == (1, None, "", "", "anonymised@example.invalid", "1980-01-01", None)
    assert customers[4][:7] == (4, None, "", "", "anonymised@example.invalid", None, None)
    assert [customers[number] for number in (2, 3)] == [before["ps_customer"][number] for number in (1, 2)]
    orders = {row[0]: row for row in after["ps_orders"]}
    assert (orders[100][1], orders[100][7]) == (-1, None)
    assert [orders[number] for number in (101, 102)] == before["ps_orders"][1:3]
    assert (after["ps_address"], after["ps_order_detail"]) == (before["ps_address"], before["ps_order_detail"])
    again = world.decide()
    left = {key for key, (decision, _) in again.items() if decision == "due"}
    assert left == {("subject", f"customer:{who}", part) for who in (1, 4) for part in ("address", "phone")} | {
        ("orders", "100", "delivery"), ("orders", "104", "delivery")}


def sqlite_world(folder: Path, **how: str) -> World:
    """The shop in a SQLite file."""
    return written_world(folder, f"sqlite:///{folder / 'shop.db'}", **how)


def test_a_name_of_which_something_is_left_stops_the_batch(tmp_path: Path) -> None:
    """What is said to be gone has to be gone as the query shows it."""
    world = sqlite_world(tmp_path, names='["lastname"]')
    before = everything(world)
    world.decide()
    with pytest.raises(EnforcementError, match=r"customers.name: 2 row\(s\) still show something"):
        world.apply(world.approved())
    assert everything(world) == before


@pytest.mark.parametrize(("names", "writes", "message"), [
    ('["firstname", "note"]', "ps_customer", "tables.customers.columns.name.writes: names note, which what feeds it "),
    ('["firstname", "city"]', "ps_customer", "tables.customers.columns.name.writes: names city"),
    ('["firstname"]', "ps_address", "tables.customers.writes: customer_id is not a column of ps_address as it stands"),
    ('["firstname"]', "ps_kunde", "customers: the warehouse has no table ps_kunde; correct tables.customers.writes")])
def test_writes_that_are_not_read_are_refused(tmp_path: Path, names: str, writes: str, message: str) -> None:
    world = sqlite_world(tmp_path, names=names,
                         mapping=MAPPING.replace('writes = "ps_customer"', f'writes = "{writes}"'))
    before = everything(world)
    with pytest.raises(MappingError) as caught:
        world.decide()
    assert message in str(caught.value)
    assert everything(world) == before


@pytest.mark.parametrize("index", ["INDEX i ON twice (id_customer)",
                                   "UNIQUE INDEX i ON twice (id_customer) WHERE id_customer < 0"])
def test_a_row_that_cannot_be_told_from_another_is_refused(tmp_path: Path, index: str) -> None:
    world = sqlite_world(tmp_path)
    world.execute("CREATE TABLE twice AS SELECT * FROM ps_customer")
    world.execute(f"CREATE {index}")
    path = Path(world.env["AJPRIVACY_MAPPING"])
    path.write_text(path.read_text().replace("ps_customer", "twice"))
    with pytest.raises(MappingError, match="id_customer is neither the primary key of twice nor unique there"):
        world.decide()


def test_another_row_of_the_same_table_is_not_written(tmp_path: Path) -> None:
    """The name of whoever recommended somebody is in that person's row."""
    query = "SELECT c.*, w.note AS said FROM ps_customer c LEFT JOIN ps_customer w ON w.id_customer = c.is_guest + 2"
    world = sqlite_world(tmp_path)
    path, text = Path(world.env["AJPRIVACY_MAPPING"]), (tmp_path / "mapping.toml").read_text()
    start, end = text.index("query = '''SELECT c.*"), text.index('writes = "ps_customer"')
    text = text[:start] + f'query = "{query}"\n' + text[end:].replace('preferences = "note"', 'preferences = "said"')
    for name in ("street_address", "postal_code", "city", "phone"):
        text = "\n".join(line for line in text.split("\n") if not line.startswith(f"{name} ="))
    path.write_text(text)
    world.execute("UPDATE ps_customer SET note = 'of Ola' WHERE id_customer = 2")
    world.decide()
    fixed = {(row["entity"], row["column"]) for row in world.plan()["not_carried_out"]}
    assert fixed - {("orders", "delivery_street_address")} == {("customers", "preferences")}


def test_a_copy_that_a_kept_order_is_made_of_is_refused(tmp_path: Path) -> None:
    """The customer's address row is where a retained order was sent, too."""
    world = sqlite_world(tmp_path, mapping=MAPPING + '[[copies]]\ntable = "ps_address"\nerase = ["address1", "city"]\n'
                         'by = { column = "id_customer", entity = "customers" }\nwith = ["customers.address"]\n')
    world.decide()
    refused = world.plan()["refused"]
    assert [(row["table"], row["constraint"]) for row in refused] == [("ps_address", "mapping")]
    assert "orders.delivery_street_address is made of it" in refused[0]["fix"]
