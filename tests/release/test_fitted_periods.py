"""The period fits the shop: months where they show enough, quarters or years where they do not, and one for good."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.calendar import Length, Period, Stretch, whole_periods
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release_consistency import release_faults
from ajprivacy_pipeline.release import GuaranteeError, ReleaseRequest, periods, tables
from ajprivacy_pipeline.storage.control_tables import release_periods, releases
from ajprivacy_pipeline.storage.zones import memory
from tests.release.release_world import World, all_but, fill, small_policy

LENGTHS: tuple[Length, ...] = ("month", "quarter", "year")


def fitting(**updates: Any) -> Policy:
    """A policy with a year and a half of history that may choose among all lengths."""
    policy = small_policy(history_months=18, **updates)
    lengths = policy.release.periods.model_copy(update={"lengths": LENGTHS})
    return policy.model_copy(update={"release": policy.release.model_copy(update={"periods": lengths})})


def seldom(orders_a_month: int) -> dict[str, list[dict[str, Any]]]:
    """A hundred customers; every month so many of them, each time others, buy a locker or a desk."""
    rows: dict[str, list[dict[str, Any]]] = {"customers": [], "orders": [], "order_lines": [], "products": [
        {"product_id": "P1", "name": "Locker two doors", "category": "lockers"},
        {"product_id": "P2", "name": "Desk oak", "category": "desks"}]}
    for i in range(100):
        rows["customers"].append({"customer_id": f"C{i}", "customer_type": "consumer" if i % 2 else "business",
                                  "name": f"Kunde Nummer{i:03d}", "country": "NO", "postal_code": "0150"})
    who = 0
    for number in range(21):
        first = date(2023 + number // 12, number % 12 + 1, 1)
        for i in range(orders_a_month):
            order = f"O{number}-{i}"
            rows["orders"].append({"order_id": order, "customer_id": f"C{who % 100}", "currency": "NOK",
                                   "ordered_on": first + timedelta(days=i), "delivery_postal_code": "0150"})
            rows["order_lines"].append({"order_id": order, "line_number": 1, "product_id": f"P{who % 4 // 2 + 1}",
                                        "quantity": 1, "unit_price": 100 + i})
            who += 1
    return rows


def shop(home: Path, orders_a_month: int, *tables: str) -> World:
    """A shop that has published nothing yet, with sales and maybe more tables."""
    world = World(home, fitting(), left_out=all_but("sales_monthly", *tables))
    fill(world.con, seldom(orders_a_month))
    return world


def lengths_of(world: World) -> dict[str, tuple[Stretch, ...]]:
    """What the control store says of the newest release."""
    return world.control.release_periods(world.control.releases()[-1]["manifest_sha256"])


@pytest.mark.parametrize(("first", "last", "expected"), [
    ("2024-01", "2024-03", ["2024-01..2024-03"]),
    ("2023-12", "2024-03", ["2024-01..2024-03"]),
    ("2024-02", "2024-06", ["2024-04..2024-06"]),
    ("2024-01", "2024-02", []),
    ("2024-02", "2024-05", []),
])
def test_only_whole_periods_count(first: str, last: str, expected: list[str]) -> None:
    found = whole_periods((Stretch("2000-01", "quarter"),), first, last)
    assert [f"{period.first}..{period.last}" for period in found] == expected


def test_time_goes_on_in_the_old_periods_until_one_of_the_new_length_begins() -> None:
    monthly = (Stretch("2023-01", "month"),)
    stretches = periods.changed(monthly, "2023-01", "2024-01", "quarter")
    assert stretches == (*monthly, Stretch("2024-04", "quarter"))
    assert whole_periods(stretches, "2024-02", "2024-09") == (
        Period("2024-02", "2024-02", "month"), Period("2024-03", "2024-03", "month"),
        Period("2024-04", "2024-06", "quarter"), Period("2024-07", "2024-09", "quarter"))
    quarterly = (Stretch("2023-01", "quarter"),)
    assert periods.changed(quarterly, "2023-01", "2024-05", "month") == (*quarterly, Stretch("2024-04", "month"))
    assert periods.changed(quarterly, "2023-01", "2024-05", "quarter")[-1] == Stretch("2024-04", "quarter")


@pytest.mark.parametrize(("tried", "expected"), [
    ({}, "month"),
    ({"month": 60}, "month"),
    ({"month": 59}, "quarter"),
    ({"month": 59, "quarter": 60}, "quarter"),
    ({"month": 10, "quarter": 20}, "year"),
    ({"month": 10, "quarter": 20, "year": 15}, "quarter"),
    ({"month": 0, "quarter": 0, "year": 0}, "year"),
    ({"month": 1, "quarter": 1, "year": 0}, "month"),
])
def test_the_finest_length_that_shows_enough_is_chosen_else_the_one_that_shows_most(
        tried: dict[Length, int], expected: Length) -> None:
    assert periods.choose(fitting(), {"orders": tried}, "2023-01", "2024-06")["orders"][0].length == expected


def test_a_length_of_which_the_history_has_no_whole_period_is_not_tried() -> None:
    chosen = periods.choose(fitting(), {"orders": {"month": 1}}, "2024-02", "2024-05")
    assert chosen["orders"] == (Stretch("2024-02", "month"),)


@pytest.mark.parametrize(("orders_a_month", "length", "firsts"), [
    pytest.param(24, "month", 18, marks=pytest.mark.soak), (9, "quarter", 6), (2, "year", 1)])
def test_a_first_release_chooses_and_says_why(tmp_path: Path, orders_a_month: int, length: Length, firsts: int) -> None:
    """That it stays by months where these show enough, the quick run sees wherever a shop of 24 orders publishes."""
    world = shop(tmp_path, orders_a_month, "product_demand_monthly")
    result = world.publish("2024-06")
    assert result.proven
    rows = world.query("SELECT month, period, orders FROM sales_monthly WHERE product_category = '(all)' "
                       "AND postal_region = '(all)' AND customer_type = '(all)' ORDER BY month")
    assert len(rows) == firsts
    assert {row[1] for row in rows} == {length}
    assert {row[2] for row in rows} == {orders_a_month * {"month": 1, "quarter": 3, "year": 12}[length]}
    assert world.query("SELECT DISTINCT month, period FROM product_demand_monthly ORDER BY 1") == (
        world.query("SELECT DISTINCT month, period FROM sales_monthly ORDER BY 1")), "one period for the same facts"
    assert lengths_of(world)["orders"] == (Stretch("2023-01", length),)
    said = world.manifest()["periods"]["orders"]
    assert said["lengths"] == {"2023-01": length}
    assert said["visible"] == {tried: "60 % or more" if tried == length else "less than 60 %"
                               for tried in LENGTHS[:LENGTHS.index(length) + 1]}
    assert result.figures[f"enough_visible_orders_by_{length}"] == 1


@pytest.mark.soak
def test_a_later_release_keeps_the_period_and_publishes_it_when_it_has_ended(tmp_path: Path) -> None:
    world = shop(tmp_path, 9)
    first = world.publish("2024-06")
    world.publish("2024-08")
    newest = "SELECT max(month) FROM sales_monthly"
    assert world.query(newest) == [(date(2024, 4, 1),)], "the quarter has not ended"
    assert world.publish("2024-09").proven
    assert world.query(newest) == [(date(2024, 7, 1),)]
    assert world.query("SELECT DISTINCT period FROM sales_monthly") == [("quarter",)]
    assert world.manifest()["periods"]["orders"]["visible"] == (
        world.manifest(first.month)["periods"]["orders"]["visible"]), "what decided then"


@pytest.mark.soak
def test_another_length_comes_by_name_alone_and_forward(tmp_path: Path) -> None:
    world = shop(tmp_path, 24)
    world.publish("2024-06")
    before, seen = world.query("SELECT * FROM sales_monthly ORDER BY ALL"), world.analytics.read_bytes()
    for month, asked, message in (
            ("2024-06", ("orders", "quarter"), "2024-06 is published already: another length of period begins with a"),
            ("2024-07", ("sales", "quarter"), "sales has no period to choose: orders have one")):
        with pytest.raises(ReleaseError, match=message):
            world.publish(month, request=ReleaseRequest(periods=(asked,)))
    assert (world.analytics.read_bytes(), len(world.control.releases())) == (seen, 1)
    world.publish("2024-07", request=ReleaseRequest(periods=(("orders", "quarter"),)))
    world.publish("2024-09")
    assert world.query("SELECT DISTINCT month, period FROM sales_monthly WHERE month > '2024-06-30' ORDER BY 1") == [
        (date(2024, 7, 1), "quarter")]
    assert world.query("SELECT * FROM sales_monthly WHERE month < '2024-07-01' ORDER BY ALL") == before
    assert lengths_of(world)["orders"] == (Stretch("2023-01", "month"), Stretch("2024-07", "quarter"))


def test_a_first_release_may_be_told_its_periods(tmp_path: Path) -> None:
    world = shop(tmp_path, 24)
    world.publish("2024-06", request=ReleaseRequest(periods=(("orders", "quarter"),)))
    assert world.query("SELECT DISTINCT period FROM sales_monthly") == [("quarter",)]


def test_a_year_that_the_history_lacks_is_refused(tmp_path: Path) -> None:
    world = shop(tmp_path, 24)
    with pytest.raises(ReleaseError, match="no year lies between 2024-02 and 2024-06 as a whole: nothing of orders"):
        world.publish("2024-06", request=ReleaseRequest(history_from="2024-02", periods=(("orders", "year"),)))
    assert not world.analytics.exists()


@pytest.mark.parametrize("text", ["orders", "orders=week", "=", "orders="])
def test_a_text_that_names_no_period_is_refused(text: str) -> None:
    with pytest.raises(ReleaseError, match="write it as orders=quarter, with month, quarter, year"):
        periods.read_lengths([text])


@pytest.mark.soak
def test_facts_published_by_months_are_never_published_by_quarters_too(tmp_path: Path) -> None:
    """The control store is lost, and what comes after would show the same facts in other pieces."""
    world = shop(tmp_path, 24)
    world.publish("2024-06")
    seen = world.analytics.read_bytes()
    with world.control.change() as connection:
        connection.execute(releases.delete())
        connection.execute(release_periods.delete())
    with pytest.raises(GuaranteeError, match="sales_monthly: the facts of 6 periods are published already, in "
                                             "periods of another length"):
        world.publish("2024-06", request=ReleaseRequest(periods=(("orders", "quarter"),)))
    assert world.analytics.read_bytes() == seen


def test_policy_check_refuses_two_periods_for_the_same_facts_and_a_period_without_its_column() -> None:
    policy = fitting()
    assert not list(release_faults(policy))

    def faults(table: str, **updates: Any) -> str:
        tables = {**policy.release.tables, table: policy.release.tables[table].model_copy(update=updates)}
        release = policy.release.model_copy(update={"tables": tables})
        return "\n".join(release_faults(policy.model_copy(update={"release": release})))

    assert "tables of the population orders have different periods" in faults("sales_monthly", period="month")
    assert "tables.sales_monthly.period is fitted: the table needs a population" in faults(
        "sales_monthly", population=None)
    columns = {name: column for name, column in policy.release.tables["sales_monthly"].columns.items()
               if name != "period"}
    assert "tables.sales_monthly.period is fitted: the table needs a population" in faults(
        "sales_monthly", columns=columns)
    reverse = policy.release.periods.model_copy(update={"lengths": ("year", "month")})
    release = policy.release.model_copy(update={"periods": reverse})
    assert any("periods.lengths must be some of" in fault
               for fault in release_faults(policy.model_copy(update={"release": release})))


@pytest.mark.parametrize("change", [
    "UPDATE published.a SET contributors = 9 WHERE month = 2", "UPDATE temp.public_a SET orders = NULL WHERE month = 2",
    "INSERT INTO published.a VALUES (3, 30, 12)", "DELETE FROM published.a WHERE month = 2",
    "ALTER TABLE published.a RENAME COLUMN orders TO visits"])
def test_what_was_suppressed_is_taken_over_for_the_very_same_cells_alone(change: str) -> None:
    con, public = memory(), {"a": 'temp."public_a"'}
    con.execute("CREATE SCHEMA published")
    con.execute("CREATE TABLE published.a AS SELECT * FROM (VALUES (1, 10, 11), (2, 20, 10)) AS v(month, orders, "
                "contributors)")
    make = "CREATE OR REPLACE TEMP TABLE public_a AS SELECT month, orders FROM published.a"
    con.execute(make)
    cells = tables.cells_of(con, public)
    con.execute("UPDATE temp.public_a SET orders = NULL WHERE month = 1")
    tables.keep_public(con, public)
    con.execute(make)
    assert tables.cells_of(con, public) == cells
    con.execute(change)
    assert tables.cells_of(con, public) != cells
    tables.take_kept(con, public)
    assert con.execute("SELECT * FROM temp.public_a ORDER BY 1").fetchall() == [(1, None), (2, 20)]
    tables.drop_kept(con, public)
    assert con.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall() == [("public_a",)]
