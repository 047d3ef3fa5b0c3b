"""The conversions of raw values, against the specification's words and Python's own."""

import re
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.settings import NOTICE, sql_folder
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import macros
from ajprivacy_pipeline.storage.month_files import DECISION_TABLES


@pytest.fixture(scope="module")
def con() -> zones.Connection:
    connection = zones.memory()
    connection.execute(macros(sql_folder(), vocabulary_of(load_policy(NOTICE))))
    return connection


def test_no_view_that_is_handed_out_calls_a_macro() -> None:
    """A decision table may be a view, read by whoever opens the file: what a connection was given is not there."""
    policy = load_policy(NOTICE)
    known = re.findall(r"MACRO (\w+)", macros(sql_folder(), vocabulary_of(policy)))
    calls = re.compile(rf"\b({'|'.join(known)})\(")
    catalogue = catalogue_of(policy)
    views = [model for name in DECISION_TABLES if (model := catalogue[f"retention.{name}"]).is_view]
    assert known
    assert views
    assert {model.name: found for model in views if (found := calls.findall(model.sql))} == {}


def one(con: zones.Connection, expression: str, **values: object) -> object:
    return con.execute(f"SELECT {expression}", values or None).fetchall()[0][0]


@pytest.mark.parametrize("space", ["", " ", "\t", "\u00a0", "\u2003\u3000", "\x1f", "\u2028"])
@pytest.mark.parametrize("text", ["Kåre", "a b", "Ødegård å", "x", "", "~", "~~", "~~~", "!", "~x\x7f", "\x7f",
                                  "a\u0301", "\u0301a", "\U0001f469\u200d\U0001f527", "a\u200d"])
def test_text_is_trimmed_as_python_trims(con: zones.Connection, space: str, text: str) -> None:
    raw = f"{space}{text}{space}"
    assert one(con, "text_of($x)", x=raw) == (raw.strip() or None)


@pytest.mark.parametrize(("raw", "local"), [
    ("2026-10-31 23:30:00", "2026-10-31"),
    ("2026-10-31T23:30:00Z", "2026-11-01"),
    ("2026-03-31T22:30:00+00:00", "2026-04-01"),
    ("2026-01-31T23:59:59+01:00", "2026-01-31"),
    ("2026-01-31T23:59:59+01", "2026-01-31"),
    ("2026-01-31", "2026-01-31"),
    ("2026-01-31T23:30", "2026-01-31"),
    ("2024-01-31T23:30:00.123456Z", "2024-02-01"),
    ("2026-02-30", None),
    ("epoch", None),
    ("infinity", None),
    ("0001-01-01", None),
    ("9999-12-31 00:00:00", None),
    ("1899-12-31", None),
    ("1900-01-01", "1900-01-01"),
    ("2199-12-31 12:00:00", "2199-12-31"),
    ("soon", None),
    ("2026/01/31", None),
    ("2026-1-31", None),
])
def test_common_forms_are_local_and_plausible(con: zones.Connection, raw: str, local: str | None) -> None:
    """The others are rewritten to one of these first: tests/warehouse/test_settle.py."""
    found = one(con, "local_on($x, DATE '1900-01-01', DATE '2199-12-31')", x=raw)
    assert found == (date.fromisoformat(local) if local else None)


@pytest.mark.parametrize(("value", "is_one"), [
    ("'1970-01-01'", True), ("'1970-01-01T23:30:00Z'", True), ("'1970-01-02'", False), ("'1969-12-31T23:30:00Z'", True),
    ("TIMESTAMP '1970-01-01 00:00:00'", True), ("TIMESTAMPTZ '1970-01-01 00:00:00+00'", True),
    ("TIMESTAMPTZ '1970-01-01 23:30:00+00'", True), ("DATE '1970-01-01'", True), ("DATE '1969-12-31'", False),
    ("'9999-12-31T23:30:00Z'", True), ("NULL::VARCHAR", False)])
def test_a_sentinel_is_told_locally_and_as_it_is_written(con: zones.Connection, value: str, is_one: bool) -> None:
    found = one(con, f"is_on_one_of({value}, [DATE '1970-01-01', DATE '9999-12-31'])")
    assert bool(found) is is_one


@pytest.mark.parametrize(("end", "kept"), [("2026-01-01", True), ("2025-12-02", True), ("2025-12-01", False),
                                           ("2026-06-01", True)])
def test_an_end_may_lie_so_many_days_before_its_beginning(con: zones.Connection, end: str, kept: bool) -> None:
    found = one(con, "end_on($e::DATE, DATE '2026-01-02', 31)", e=end)
    assert found == (date.fromisoformat(end) if kept else None)


def test_a_policy_without_such_a_limit_keeps_every_end(con: zones.Connection) -> None:
    assert one(con, "end_on(DATE '1990-01-01', DATE '2026-01-02', NULL)") == date(1990, 1, 1)


@pytest.mark.parametrize("typed", ["TIMESTAMPTZ", "TIMESTAMP"])
@pytest.mark.parametrize("raw", ["2026-10-31 23:30:00", "1900-01-01 00:30:00", "2199-12-31 23:30:00",
                                 "0001-01-01 12:00:00", "2200-01-01 00:30:00", "9999-01-01 00:00:00",
                                 "1899-12-31 23:59:00"])
def test_typed_dates_are_what_their_text_is(con: zones.Connection, typed: str, raw: str) -> None:
    bounds = "DATE '1900-01-01', DATE '2199-12-31'"
    assert one(con, f"local_on(CAST($x AS {typed}), {bounds})", x=raw) == one(con, f"local_on($x, {bounds})", x=raw)


@pytest.mark.soak
def test_a_typed_day_is_the_local_one_in_every_half_hour_of_the_plausible_years(con: zones.Connection) -> None:
    wrong = one(con, "(SELECT count(*) FROM range(0, 300 * 8766 * 2) AS r(i), (SELECT TIMESTAMPTZ "
                     "'1900-01-01 00:00:00+00' + to_seconds(1800 * i) AS z) WHERE day_of(z) IS DISTINCT FROM z::DATE)")
    assert wrong == 0


@pytest.mark.parametrize(("raw", "amount"), [
    ("1.005", "1.01"), ("-1.005", "-1.01"), ("1.0049999", "1.00"), ("1e3", "1000.00"), (" 12.5 ", "12.50"),
    ("NaN", None), ("inf", None), ("12,50", None), ("", None), ("1_000", None), ("0x1F", None)])
def test_amounts_are_rounded_half_up_from_their_text(con: zones.Connection, raw: str, amount: str | None) -> None:
    found = one(con, "CAST(amount_of($x) AS VARCHAR)", x=raw)
    assert found == amount


@pytest.mark.parametrize(("start", "months", "end"), [
    ("2020-02-29", 36, "2023-02-28"), ("2020-02-29", 48, "2024-02-29"), ("2023-01-31", 1, "2023-02-28"),
    ("2023-12-31", 2, "2024-02-29"), ("2026-10-31", 12, "2027-10-31"), ("1999-12-31", 1, "2000-01-31")])
def test_months_are_summed_before_the_day_is_clamped(con: zones.Connection, start: str, months: int, end: str) -> None:
    day = date.fromisoformat(end)
    assert one(con, "date_of_month_day(month_day($d::DATE) + 32 * $m)", d=start, m=months) == day
    assert one(con, "plus_months($d::DATE, $m)", d=start, m=months) == day


def test_month_day_keeps_the_order_of_dates(con: zones.Connection) -> None:
    broken = one(con, "(SELECT count(*) FROM range(0, 120000) AS r(i) WHERE month_day(DATE '1900-01-01' + i::INTEGER) "
                      ">= month_day(DATE '1900-01-01' + i::INTEGER + 1))")
    wrong = one(con, "(SELECT count(*) FROM range(0, 100000) AS r(i) WHERE date_of_month_day(month_day("
                     "DATE '1900-01-01' + i::INTEGER)) <> DATE '1900-01-01' + i::INTEGER)")
    assert (broken, wrong) == (0, 0)


def test_the_zone_is_known_to_python_too() -> None:
    try:
        ZoneInfo("Europe/Oslo")
    except ZoneInfoNotFoundError:
        pytest.fail("the time zone database is missing: install tzdata")


@pytest.mark.parametrize(("raw", "number", "integer"), [
    ("7", 7.0, 7), (" 7.0 ", 7.0, 7), ("7e1", 70.0, 70), ("-7", -7.0, -7),
    ("9007199254740993", 9007199254740992.0, 9007199254740993),
    ("7.5", 7.5, None), ("6.999", 6.999, None), ("1_000", None, None), ("0x1F", None, None), ("0b1", None, None),
    ("seven", None, None), ("NaN", None, None), ("inf", None, None), ("", None, None), (None, None, None)])
def test_a_number_is_read_as_people_write_it_and_no_other_is_rounded_to_a_whole_one(
        con: zones.Connection, raw: str | None, number: float | None, integer: int | None) -> None:
    assert (one(con, "number_of($x::VARCHAR)", x=raw), one(con, "integer_of($x::VARCHAR)", x=raw)) == (number, integer)
