"""Which month a run is for, and calendar months, against the macros that the decisions are made with."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ajprivacy_pipeline.calendar import as_of, last_day, last_full_month, plus_months, shift
from ajprivacy_pipeline.errors import PrivacyError


@pytest.mark.parametrize(("today", "month"), [
    (date(2026, 11, 1), "2026-10"), (date(2026, 10, 31), "2026-09"), (date(2026, 1, 1), "2025-12"),
    (date(2024, 3, 1), "2024-02")])
def test_the_last_full_month_is_over(today: date, month: str) -> None:
    assert last_full_month(today) == month


@pytest.mark.parametrize(("month", "day"), [("2026-10", date(2026, 11, 1)), ("2025-12", date(2026, 1, 1))])
def test_as_of_is_the_day_after_the_month(month: str, day: date) -> None:
    assert as_of(month) == day


@pytest.mark.parametrize("month", ["2026", "2026-13", "2026-1", "october", "", "2026-10-01"])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(PrivacyError, match="YYYY-MM"):
        as_of(month)


@given(st.dates(date(1980, 1, 1), date(2100, 1, 1)), st.integers(-400, 400))
def test_months_are_counted_and_the_day_is_clamped(day: date, months: int) -> None:
    found = plus_months(day, months)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day == day.day or (found.day < day.day and found == last_day(f"{found:%Y-%m}"))


def test_a_month_is_shifted_over_years() -> None:
    found = [shift("2026-01", by) for by in (-13, -1, 0, 11, 12)]
    assert found == ["2024-12", "2025-12", "2026-01", "2026-12", "2027-01"]
