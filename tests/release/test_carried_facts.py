"""Somebody carried out inside an open period: its cells are, when it closes, what they would have been."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.release.carried_facts import remember_facts, write_carried_facts
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.zones import open_zone
from tests.release.release_world import World, all_but, fill, shop_rows
from tests.release.test_fitted_periods import fitting, lengths_of, seldom, shop

GONE = [f"C{i}" for i in (0, 1, 2, 3, 20, 21)]  # nine of a cell of ten, and two of the few in another region
TABLES = ("sales_monthly", "communications_monthly", "deliveries_monthly")


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    return all_but(*TABLES)


def _shop(world: World) -> None:
    """Everything is delivered the day after; somebody lives abroad."""
    rows = shop_rows("2024-05")
    for order in rows["orders"]:
        order["delivered_on"] = order["ordered_on"]
        if order["customer_id"] == "C0":
            order["delivery_postal_code"] = "11122"
    rows["customers"][0] |= {"country": "SE", "postal_code": "11122"}
    fill(world.con, rows)


def _pending(world: World, months: str, gone: Sequence[str] = GONE) -> int:
    """Remember what is about to go of everything of some months that names one of those who go."""
    world.con.execute(
        "CREATE OR REPLACE TEMP TABLE pending AS SELECT 'orders' AS entity, order_id AS record_id, 'link' AS part, "
        "'customer:' || customer_id AS subject_id FROM staged.orders WHERE list_contains($gone, customer_id) "
        "AND strftime(ordered_on, '%m') IN (SELECT unnest($months)) UNION ALL SELECT 'communications', "
        "communication_id, 'link', 'customer:' || customer_id FROM staged.communications "
        "WHERE list_contains($gone, customer_id) AND strftime(occurred_on, '%m') IN (SELECT unnest($months))",
        {"gone": gone, "months": months.split()})
    return remember_facts(world.con, world.settings, world.policy, world.control, "temp.pending")


def _carry_out(world: World, gone: Sequence[str] = GONE) -> None:
    """What an apply leaves: tombstones, the first digit of a Norwegian code, people without an address."""
    world.con.execute(
        "UPDATE staged.orders SET tombstone_type = c.customer_type, delivery_postal_code = CASE c.country WHEN 'NO' "
        "THEN left(delivery_postal_code, 1) END FROM staged.customers AS c WHERE c.customer_id = orders.customer_id "
        "AND order_id IN (SELECT record_id FROM temp.pending)")
    for table, key in (("orders", "order_id"), ("communications", "communication_id")):
        world.con.execute(f"UPDATE staged.{table} SET customer_id = NULL WHERE {key} IN "
                          "(SELECT record_id FROM temp.pending)")
    world.con.execute("UPDATE staged.customers SET country = NULL, postal_code = NULL WHERE "
                      "list_contains($gone, customer_id)", {"gone": gone})


def _april(world: World) -> dict[str, list[Any]]:
    """The public tables of what was open, as they are before anything is published."""
    write_carried_facts(world.con, world.settings)
    world.compute("2024-04")
    return {table: world.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in TABLES}


@pytest.fixture
def worlds(marches: Callable[[tuple[str, ...]], Path], left_out: tuple[str, ...], tmp_path: Path,
           ) -> Callable[[], World]:
    """Makes homes with the release of March 2024 and the shop up to May."""
    def made() -> World:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        shutil.copytree(marches(left_out), folder)
        world = World(folder, sql=folder / "sql", left_out=left_out)
        _shop(world)
        return world
    return made


def test_the_cells_of_the_period_are_those_of_a_shop_in_which_nobody_went(worlds: Callable[[], World]) -> None:
    wanted = _april(worlds())
    world = worlds()
    assert _pending(world, "02") == 0  # closed: nothing is kept of it
    assert _pending(world, "04") == 12
    _carry_out(world)
    assert _april(world) == wanted
    world.con.execute("DELETE FROM control.carried_facts")
    world.compute("2024-04")
    assert {table: world.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in TABLES} != wanted


@pytest.mark.soak
def test_the_ledger_keeps_tokens_alone_through_a_release(worlds: Callable[[], World]) -> None:
    world = worlds()
    _pending(world, "04")
    _carry_out(world)
    write_carried_facts(world.con, world.settings)
    world.publish("2024-04")
    assert _pending(world, "04") == 0
    path = world.settings.restricted / "ledger.duckdb"
    with open_zone(world.settings, KeyStore(world.settings.keys), path, read_only=True) as con:
        kinds = dict(con.execute("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'carried'"
                                 ).fetchall())
        rows = con.execute("SELECT count(*), min(month)::VARCHAR FROM carried").fetchall()
    assert kinds == {"entity": "VARCHAR", "record": "UBIGINT", "person": "UBIGINT", "region": "VARCHAR",
                     "month": "DATE"}
    assert rows == [(12, "2024-04-01")]


@pytest.mark.soak
def test_who_is_still_named_elsewhere_is_one_person_and_nothing_is_remembered_twice(worlds: Callable[[], World],
                                                                                   ) -> None:
    world = worlds()
    assert (_pending(world, "04"), _pending(world, "04"), _pending(world, "04 05")) == (12, 0, 12)
    _pending(world, "04")
    _carry_out(world)
    world.con.execute("DELETE FROM staged.customers WHERE customer_id = 'C1'")
    write_carried_facts(world.con, world.settings)
    found = dict(world.con.execute("SELECT record_id, contributor FROM control.carried_facts WHERE entity = 'orders' "
                                   "AND record_id LIKE 'O04%'").fetchall())
    assert found["O040"] == "C0"
    assert found["O041"].startswith("carried out ")
    regions = dict(world.con.execute("SELECT record_id, region FROM control.carried_facts WHERE record_id LIKE 'O04%'"
                                     ).fetchall())
    assert (regions["O040"], regions["O041"], regions["O0421"]) == ("abroad", "0", "5")


@pytest.mark.soak
@pytest.mark.parametrize(("orders_a_month", "length", "last", "months", "gone"), [
    (9, "quarter", "2024-09", "07 08", ["C62", "C63", "C64", "C71", "C72"]),  # which begins after the release
    (2, "year", "2024-12", "03 04", ["C28", "C29", "C30"]),  # of months before it, in a year that has not ended
])
def test_a_quarter_and_a_year_count_whoever_went_while_they_were_open(
        tmp_path: Path, orders_a_month: int, length: str, last: str, months: str, gone: list[str]) -> None:
    shop(tmp_path / "shop", orders_a_month).publish("2024-06")

    def period(name: str, *, is_gone: bool, is_known: bool = True) -> list[Any]:
        """The public cells of what was open, and how many people stand behind it."""
        folder = tmp_path / name
        shutil.copytree(tmp_path / "shop", folder)
        world = World(folder, fitting(), sql=folder / "sql", left_out=all_but("sales_monthly"))
        assert lengths_of(world)["orders"][-1].length == length
        fill(world.con, seldom(orders_a_month))
        if is_gone:
            assert _pending(world, "11 12", ["C90", "C91", "C20", "C21", "C22"]) == 0  # of 2023, closed
            assert _pending(world, months, gone) == len(gone)
            _carry_out(world, gone)
            if is_known:
                write_carried_facts(world.con, world.settings)
        world.compute(last)
        return [*world.rows("SELECT * FROM sales_monthly ORDER BY ALL"), *world.con.execute(
            "SELECT count(DISTINCT token) FROM anonymous.sales WHERE month >= '2024-01-01'").fetchall()]

    wanted = period("wanted", is_gone=False)
    assert period("carried", is_gone=True) == wanted
    assert period("forgotten", is_gone=True, is_known=False) != wanted
