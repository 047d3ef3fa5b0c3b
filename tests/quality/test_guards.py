"""A source that is spoilt makes nobody due, and says in one sentence why, what to look at and how to go on."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_tables import executed_counts, open_records
from tests.quality.spoiltkit import AUGUST, POLICY, SEPTEMBER, World, world

OCTOBER = "2026-10"
EVIDENCE = POLICY.retention.evidence
assert EVIDENCE is not None
SENTENCE = re.compile(r"^[a-z_.]+: .+ \(.+\); look at .+ and run the month again, or say that it is right: "
                      r"ajprivacy evidence accept [a-z_.]+ --by NAME --reason CODE$")


@pytest.fixture(scope="module")
def believed(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """The shop, and a control store that has seen it in August."""
    folder = tmp_path_factory.mktemp("believed")
    made = world(folder)
    assert made.run(AUGUST), "somebody is due"
    assert made.reasons == []
    return made, folder / "control.db"


@pytest.fixture
def shop(believed: tuple[World, Path], tmp_path: Path) -> World:
    """The same with a control store of the test's own."""
    made, store = believed
    shutil.copy(store, tmp_path / "control.db")
    return World(made.con, ControlStore(f"sqlite:///{tmp_path / 'control.db'}"), made.keys)


def test_the_same_source_trips_nothing(shop: World) -> None:
    assert shop.run(SEPTEMBER)
    assert shop.tripped == []
    assert shop.run(OCTOBER)


EMPTIED = {f"{table}.{column}": f"UPDATE raw.{table} SET {column} = NULL"
           for table, columns in {**EVIDENCE.keeps, "products": ("warranty_years",)}.items() for column in columns}
FILLED = {f"{table}.{column}": f"UPDATE raw.{table} SET {column} = coalesce({column}, '2030-01-01')"
          for table, columns in EVIDENCE.ends.items() for column in columns}
SPOILT = {  # what is done to the source, and where a guard must trip
    "contacts' ids in another case than their references": (
        "orphans", "orders.contact_id", "UPDATE raw.contacts SET contact_id = lower(contact_id)"),
    "customers' ids in lower case": (
        "orphans", "orders.customer_id", "UPDATE raw.orders SET customer_id = lower(customer_id)"),
    "customers' ids with .0": (
        "orphans", "invoices.customer_id", "UPDATE raw.invoices SET customer_id = customer_id || '.0'"),
    "orders' ids renamed": ("orphans", "cases.order_id", "UPDATE raw.cases SET order_id = 'x' || order_id"),
    "products' ids renamed": (
        "orphans", "order_lines.product_id", "UPDATE raw.products SET product_id = 'x' || product_id"),
    "all warranties 0": ("warranty", "products.warranty_years", "UPDATE raw.products SET warranty_years = '0'"),
    "everything is freight": ("rising", "products.category", "UPDATE raw.products SET category = 'Freight'"),
    "all customers are companies": (
        "rising", "customers.customer_type", "UPDATE raw.customers SET customer_type = 'business'"),
    "all orders cost nothing": ("rising", "orders.total_amount", "UPDATE raw.orders SET total_amount = '0.00'"),
    "all invoices are paid": ("rising", "invoices.paid_amount", "UPDATE raw.invoices SET paid_amount = amount"),
    "all requests are refused": (
        "rising", "rights_requests.outcome", "UPDATE raw.rights_requests SET outcome = 'refused'"),
    "all requests are withdrawn": (
        "rising", "rights_requests.outcome", "UPDATE raw.rights_requests SET outcome = 'withdrawn'"),
    "no click has consent": ("falling", "web_events.consented", "UPDATE raw.web_events SET consented = 'false'"),
    "last logins are old": (
        "age", "customers.last_login_at",
        "UPDATE raw.customers SET last_login_at = '2015-01-01' WHERE last_login_at IS NOT NULL"),
    "an older copy": ("age", "orders.ordered_at", "DELETE FROM raw.orders WHERE ordered_at > '2026-08-10'"),
    "logs that stopped": ("age", "app_logs.logged_at", "UPDATE raw.app_logs SET logged_at = '2025-04-01'"),
    "open cases closed back in time": (
        "closings", "cases.closed_at",
        "UPDATE raw.cases SET closed_at = '2026-08-25' WHERE closed_at IS NULL AND case_id < 'S4'"),
    "open requests closed back in time": (
        "closings", "rights_requests.closed_at",
        "UPDATE raw.rights_requests SET closed_at = '2023-01-01' WHERE closed_at IS NULL"),
    "no invoice is left": ("rows", "invoices", "DELETE FROM raw.invoices"),
}


FIRST_OF_ITS_GUARD = {guard: what for what, (guard, _, _) in reversed(SPOILT.items())}


@pytest.mark.parametrize("what", [what if what == FIRST_OF_ITS_GUARD[guard] else
                                  pytest.param(what, marks=pytest.mark.soak) for what, (guard, *_) in SPOILT.items()])
def test_a_spoilt_source_makes_nobody_due(shop: World, what: str) -> None:
    """One sentence says why, what to look at and how to go on."""
    guard, place, sql = SPOILT[what]
    assert shop.run(SEPTEMBER, sql, forget=True) == set()
    assert (guard, place) in shop.tripped
    assert any(reason.startswith(f"{place}: ") for reason in shop.reasons)
    assert all(SENTENCE.match(reason) for reason in shop.reasons), shop.reasons


@pytest.mark.parametrize(("guard", "spoilt"), [
    ("keeps", EMPTIED), pytest.param("ends", FILLED, marks=pytest.mark.soak)])
def test_no_column_may_be_emptied_or_filled(shop: World, guard: str, spoilt: dict[str, str]) -> None:
    """Every column that keeps somebody emptied at once, or every one that ends something filled: each is named."""
    assert shop.run(SEPTEMBER, *spoilt.values(), forget=True) == set()
    assert {place for name, place in shop.tripped if name == guard} == set(spoilt)
    named = {reason.partition(":")[0] for reason in shop.reasons}
    assert set(spoilt) <= named
    assert all(SENTENCE.match(reason) for reason in shop.reasons), shop.reasons


def test_every_guarded_column_is_spoilt_above() -> None:
    watched = {f"{table}.{column}" for part in (EVIDENCE.keeps, EVIDENCE.ends, EVIDENCE.rising, EVIDENCE.falling)
               for table, columns in part.items() for column in columns}
    assert watched <= {*(place for _, place, _ in SPOILT.values()), *EMPTIED, *FILLED}


@pytest.mark.soak
def test_a_month_on_a_spoilt_source_is_not_what_the_next_is_compared_with(shop: World) -> None:
    spoilt = "UPDATE raw.customers SET profile_created_at = NULL"
    assert [shop.run(month, spoilt) for month in (SEPTEMBER, OCTOBER)] == [set(), set()]
    assert shop.tripped == [("keeps", "customers.profile_created_at")]


@pytest.mark.soak
def test_mended_it_goes_on(shop: World) -> None:
    honest = shop.run(SEPTEMBER, forget=True)
    shop.run(SEPTEMBER, "UPDATE raw.customers SET profile_created_at = NULL")
    assert shop.run(SEPTEMBER) == honest
    assert shop.tripped == []


@pytest.mark.soak
def test_a_month_run_again_on_a_spoilt_source_is_not_what_the_next_is_compared_with(shop: World) -> None:
    """Each run of September loses 15 of 100 rows' values: the second is held against the first, too."""
    lose = "UPDATE raw.customers SET profile_created_at = NULL WHERE CAST(customer_id[2:] AS INTEGER) <= {}"
    assert shop.run(SEPTEMBER)
    assert shop.run(SEPTEMBER, lose.format(20)), "within the tolerance"
    assert shop.run(SEPTEMBER, lose.format(44)) == set()
    assert shop.tripped == [("keeps", "customers.profile_created_at")]
    assert shop.run(OCTOBER, lose.format(44)) == set(), "what was worse within the month is no measure for the next"


@pytest.mark.soak
def test_an_older_month_run_again_is_compared_with_the_newest_run(shop: World) -> None:
    assert shop.run(OCTOBER)
    assert shop.run("2026-06", "UPDATE raw.orders SET contact_id = NULL") == set()
    assert shop.tripped == [("keeps", "orders.contact_id")]


@pytest.mark.soak
def test_the_first_run_of_all_has_only_the_orphans_to_go_by(tmp_path: Path) -> None:
    made = world(tmp_path)
    assert made.run(AUGUST, "UPDATE raw.customers SET profile_created_at = NULL", forget=True)
    assert made.run(AUGUST, "UPDATE raw.orders SET customer_id = lower(customer_id)", forget=True) == set()
    assert made.tripped == [("orphans", "orders.customer_id")]
    assert SENTENCE.match(made.reasons[0])
    few = "UPDATE raw.orders SET customer_id = 'x' || customer_id WHERE CAST(order_id[2:] AS INTEGER) <= 48"
    assert made.run(AUGUST, few, forget=True), "20 % exactly"
    assert made.tripped == []


@pytest.mark.soak
def test_what_a_plan_of_ours_emptied_is_taken_off(shop: World) -> None:
    emptied = "UPDATE raw.customers SET profile_created_at = NULL WHERE CAST(customer_id[2:] AS INTEGER) <= 60"
    assert shop.run(SEPTEMBER, emptied, forget=True) == set()
    shop.control.insert(executed_counts, [{"table_name": "customers", "column_name": "profile_created_at", "rows": 30,
                                           "executed_at": utc_now()}])
    assert shop.run(SEPTEMBER, emptied)
    assert shop.tripped == []


def test_the_store_does_not_show_what_was_open(shop: World, tmp_path: Path) -> None:
    """No text of any table has such an id. Two bytes of the file itself may be anything."""
    with closing(sqlite3.connect(tmp_path / "control.db")) as con:
        tables = [name for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        told = [text for table in tables for row in con.execute(f'SELECT * FROM "{table}"') for text in map(str, row)]
    assert told
    assert [text for text in told if "S4" in text] == []


@pytest.mark.soak
def test_what_was_open_is_forgotten_when_nothing_is_compared_with_it(shop: World) -> None:
    """September's sets take the place of August's; what is spoilt in October does not take September's."""
    def sets() -> set[tuple[str, str]]:
        return {(row["month"], row["table_name"]) for row in shop.control.rows(sa.select(open_records))}

    assert sets() == {(AUGUST, "cases"), (AUGUST, "rights_requests")}
    shop.run(SEPTEMBER)
    assert sets() == {(SEPTEMBER, "cases"), (SEPTEMBER, "rights_requests")}
    shop.run(OCTOBER, "UPDATE raw.cases SET closed_at = '2026-08-25' WHERE closed_at IS NULL")
    assert sets() == {(SEPTEMBER, "cases"), (OCTOBER, "rights_requests")}
