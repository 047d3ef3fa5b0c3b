"""Ids of bytes are read as digits; what they find is refused, unless a column beside shows them."""

from pathlib import Path

import pytest

from tests.enforcement.enforcement_world import ONE_QUICK, World, empty_database, shop_of
from tests.enforcement.mapping_texts import NOTHING_ELSE, ORDER_LINES

_BYTES = {"sqlite": "blob", "postgresql": "bytea", "mariadb": "binary(16)"}
_LITERAL = {"sqlite": "X'{0}'", "postgresql": "'\\x{0}'::bytea", "mariadb": "X'{0}'"}
_DIGITS = {"sqlite": "lower(hex(id))", "postgresql": "encode(id, 'hex')", "mariadb": "lower(hex(id))"}
KARI, OLA = "00000000000000000000000000000a1f", "ffffffffffffffffffffffffffffff41"
TABLES = """
CREATE TABLE kunde (id {bytes} NOT NULL PRIMARY KEY{beside}, navn varchar(40), epost varchar(60));
CREATE TABLE ordre (nr integer PRIMARY KEY, kunde {bytes}, bestilt varchar(20), levert varchar(20), betalt varchar(20),
    leveres_til varchar(40));
CREATE TABLE linje (ordre integer, nr integer, vare integer, PRIMARY KEY (ordre, nr));
INSERT INTO kunde (id, navn, epost) VALUES ({kari}, 'Kari', 'kari@example.no'), ({ola}, 'Ola', 'ola@example.no');
INSERT INTO ordre VALUES (1, {kari}, '2012-01-01', '2012-01-05', '2012-01-05', 'Kari'),
    (2, {ola}, '2026-09-01', '2026-09-05', '2026-09-05', 'Ola')
"""
MAPPING = """
[tables.customers]
table = "kunde"
[tables.customers.columns]
customer_id = "{id}"
customer_type = {{ constant = "consumer" }}
name = "navn"
email = "epost"
profile_created_at = {{ absent = "none" }}
last_login_at = {{ absent = "none" }}
[tables.orders]
table = "ordre"
[tables.orders.columns]
order_id = "nr"
customer_id = "kunde"
ordered_at = "bestilt"
delivered_at = "levert"
paid_at = "betalt"
delivery_name = "leveres_til"
"""


@pytest.fixture(params=ONE_QUICK)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def shop(request: pytest.FixtureRequest, folder: Path, kind: str, *, beside: bool) -> World:
    """The shop, with a column that shows the id as digits or without one."""
    digits = f", id_hex varchar(32) GENERATED ALWAYS AS ({_DIGITS[kind]}) STORED UNIQUE" if beside else ""
    kari, ola = (_LITERAL[kind].format(one) for one in (KARI, OLA))
    return shop_of(folder, empty_database(kind, request, folder, "bytes"), TABLES.format(
        bytes=_BYTES[kind], beside=digits, kari=kari, ola=ola),
        MAPPING.format(id="id_hex" if beside else "id") + ORDER_LINES + NOTHING_ELSE)


def held(world: World) -> list[list[tuple[object, ...]]]:
    """Every row of the shop."""
    return [[tuple(bytes(cell).hex() if isinstance(cell, bytes | memoryview) else cell for cell in row)
             for row in world.cells_of(table)] for table in ("kunde", "ordre", "linje")]


def test_rows_that_bytes_alone_find_stay_and_the_plan_says_what_to_do(
        kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    world = shop(request, tmp_path, kind, beside=False)
    assert world.decide()["subject", f"customer:{KARI}", "name"][0] == "due"
    plan, before = world.plan(), held(world)
    reasons = {(row["entity"], row["column"]): row["reason"] for row in plan["not_carried_out"]}
    assert reasons.keys() == {("customers", "name"), ("customers", "email"), ("orders", "customer_id")}
    assert all("let a generated column show them as digits" in reasons["customers", name] for name in ("name", "email"))
    assert "holds bytes" in reasons["orders", "customer_id"]
    assert world.apply(world.approved(plan))["verified"]
    before[1][0] = (*before[1][0][:5], None)  # to whom it was delivered, which an id of numbers finds
    assert held(world) == before


def test_a_column_beside_that_shows_them_as_digits_finds_them(
        kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    world = shop(request, tmp_path, kind, beside=True)
    world.decide()
    plan, before = world.plan(), held(world)
    assert {(row["entity"], row["column"]) for row in plan["not_carried_out"]} == {("orders", "customer_id")}
    assert world.apply(world.approved(plan))["verified"]
    before[0][0] = (KARI, KARI, None, None)
    before[1][0] = (*before[1][0][:5], None)
    assert held(world) == before
