"""G2: suppressing, its marks, and the count that checks it."""

from typing import Any

import pytest

from ajprivacy_pipeline.disclosure.cells.primary import mark_faults, mark_rows, shape_of, suppress
from ajprivacy_pipeline.disclosure.cells.recount import check_thresholds
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.zones import Connection, memory

POLICY = load_policy(NOTICE)
MONTH = "DATE '2024-01-01'"


def public(table: str, **cell: Any) -> dict[str, Any]:
    """The public row of one cell, given the measures and hidden counts; dimensions are made up."""
    con = memory()
    shape = shape_of(POLICY, table)
    values = {d: MONTH if d in ("month", "day") else "'x'" for d in shape.dimensions} | cell
    values |= {"period": "'month'"} if "period" in shape.columns else {}
    con.execute(f"CREATE TABLE cells AS SELECT {', '.join(f'{v} AS {n}' for n, v in values.items())}")
    rows = con.execute(suppress(con, POLICY, table, "cells"))
    names = [column[0] for column in rows.description]
    return dict(zip(names, rows.fetchall()[0], strict=True))


def demand(contributors: int, units: int, returned: int, units_by: int, returned_by: int) -> dict[str, Any]:
    """A public row of product demand."""
    return public("product_demand_monthly", orders=30, units=units, returned_units=returned, revenue_nok="5.00",
                  customers=contributors, contributors=contributors, contributors_units=units_by,
                  contributors_returned_units=returned_by, contributors_revenue_nok=contributors)


def test_a_cell_below_k_loses_every_measure_and_is_never_zero() -> None:
    row = demand(9, 9, 0, 9, 0)
    assert (row["suppressed"], row["suppressed_measures"]) == (True, [])
    assert [row[m] for m in ("orders", "units", "returned_units", "revenue_nok", "customers")] == [None] * 5


def test_a_cell_of_k_stands() -> None:
    row = demand(10, 10, 10, 10, 10)
    assert (row["suppressed"], row["suppressed_measures"], row["units"], row["customers"]) == (False, [], 10, 10)


def test_measures_are_suppressed_singly_and_listed_in_order() -> None:
    row = demand(20, 3, 1, 3, 1)
    assert (row["units"], row["returned_units"], row["orders"]) == (None, None, 30)
    assert row["suppressed_measures"] == ["returned_units", "units"]


def test_a_known_zero_stands() -> None:
    row = demand(20, 20, 0, 20, 0)
    assert (row["returned_units"], row["suppressed_measures"]) == (0, [])


def test_a_value_that_nobody_contributes_to_is_suppressed() -> None:
    assert demand(20, 20, 5, 20, 0)["suppressed_measures"] == ["returned_units"]


def test_a_value_that_is_not_known_is_marked_suppressed() -> None:
    row = public("sales_monthly", orders=30, units=30, revenue_nok="NULL::DECIMAL(18,2)", customers=20, contributors=20)
    assert (row["revenue_nok"], row["suppressed_measures"]) == (None, ["revenue_nok"])


@pytest.mark.parametrize(("contributors", "unattributed", "shown"), [(0, 5, 5), (3, 5, None), (10, 5, 5), (0, 0, None)])
def test_log_cells(contributors: int, unattributed: int, shown: int | None) -> None:
    row = public("service_health_daily", events=5, contributors=contributors, unattributed=unattributed)
    assert (row["events"], row["suppressed"]) == (shown, shown is None)


def test_a_cell_without_contributors_is_suppressed_where_nothing_may_name_nobody() -> None:
    assert public("communications_monthly", messages=5, customers=0, contributors=0)["suppressed"]
    assert public("communications_monthly", messages=5, customers=0, contributors="NULL::BIGINT")["suppressed"]


@pytest.mark.parametrize(("subjects", "shown"), [(10, 10), (14, 10), (15, 20), (104, 100)])
def test_stocks_are_rounded_to_the_nearest_k_and_flows_are_not(subjects: int, shown: int) -> None:
    assert shape_of(POLICY, "newsletter_monthly").stocks == ("active",)
    assert shape_of(POLICY, "sales_monthly").stocks == ()
    row = public("retention_monthly", subjects=subjects, contributors=subjects)
    assert (row["subjects"], row["rounded_to"]) == (shown, 10)


def facts(people: int) -> Connection:
    """Messages of so many people, one each, and the public table that shows them."""
    con = memory()
    con.execute("CREATE SCHEMA anonymous")
    con.execute(f"CREATE TABLE anonymous.communications AS SELECT {MONTH} AS month, 'email' AS channel, "
                f"'in' AS direction, i::UBIGINT AS token, 1 AS messages FROM range({people}) AS t(i)")
    return con


def show(con: Connection, messages: str, suppressed: str = "false", listed: str = "[]") -> str:
    """One shown cell."""
    con.execute(f"CREATE OR REPLACE TABLE shown AS SELECT {MONTH} AS month, 'email' AS channel, 'in' AS direction, "
                f"{messages}::BIGINT AS messages, {messages}::BIGINT AS customers, {suppressed} AS suppressed, "
                f"{listed}::VARCHAR[] AS suppressed_measures")
    return "shown"


@pytest.mark.parametrize(("people", "passed"), [(9, False), (10, True), (1, False)])
def test_the_check_counts_people_again(people: int, passed: bool) -> None:
    con = facts(people)
    found = check_thresholds(con, POLICY, {"communications_monthly": show(con, "50")})
    assert found.passed is passed
    assert passed or "communications_monthly: 1 cells shown with fewer than 10 contributors" in found.violations
    assert found.figures["cells"] == 1


def test_the_check_catches_a_cell_that_no_fact_stands_behind() -> None:
    con = facts(20)
    shown = show(con, "50")
    con.execute("UPDATE shown SET channel = 'phone'")
    assert not check_thresholds(con, POLICY, {"communications_monthly": shown}).passed


@pytest.mark.parametrize(("messages", "suppressed", "listed", "fault"), [
    ("50", "true", "[]", "rows show a measure|suppressed rows show a measure"),
    ("NULL", "false", "[]", "messages is shown and marked suppressed, or neither"),
    ("50", "false", "['messages']", "messages is shown and marked suppressed, or neither"),
    ("NULL", "false", "['customers', 'messages']", "show nothing and are not suppressed"),
    ("50", "NULL::BOOLEAN", "[]", "lack the mark")])
def test_marks_and_values_must_agree(messages: str, suppressed: str, listed: str, fault: str) -> None:
    con = facts(20)
    relation = show(con, messages, suppressed, listed)
    faults = " ".join(mark_faults(con, POLICY, "communications_monthly", relation))
    assert any(part in faults for part in fault.split("|"))


def test_a_row_whose_values_were_suppressed_one_after_another_is_marked_as_a_whole() -> None:
    con = facts(20)
    relation = show(con, "NULL", "false", "['customers', 'messages']")
    con.execute("INSERT INTO shown SELECT * REPLACE ('phone' AS channel, 7 AS customers, ['messages'] AS "
                "suppressed_measures) FROM shown")
    mark_rows(con, POLICY, {"communications_monthly": relation})
    assert con.execute("SELECT channel, suppressed, suppressed_measures FROM shown ORDER BY 1").fetchall() == [
        ("email", True, []), ("phone", False, ["messages"])]
    assert mark_faults(con, POLICY, "communications_monthly", relation) == []


def test_a_cell_that_occurs_twice_is_a_fault() -> None:
    con = facts(20)
    relation = show(con, "50")
    con.execute("INSERT INTO shown FROM shown")
    assert mark_faults(con, POLICY, "communications_monthly", relation) == [
        "communications_monthly: 1 cells occur more than once"]


def test_a_table_nobody_can_count_again_does_not_pass() -> None:
    con = facts(20)
    show(con, "50")
    tables = {**POLICY.release.tables, "other": POLICY.release.tables["communications_monthly"].model_copy(
        update={"contributors": None})}
    policy = POLICY.model_copy(update={"release": POLICY.release.model_copy(update={"tables": tables})})
    assert not check_thresholds(con, policy, {"other": "shown"}).passed
