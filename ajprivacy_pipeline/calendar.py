"""Months as the product counts them: YYYY-MM, the day a month is decided for, and calendar months later.

Belongs here: arithmetic on months and days, the same as the macros of `sql/macros.sql`. Does not belong here: a clock.
"""

import calendar
from datetime import date

from ajprivacy_pipeline.errors import PrivacyError


def as_of(month: str) -> date:
    """Returns the first day after the month `YYYY-MM`, the date a run decides for.

    Raises:
        PrivacyError: the text is not a month.
    """
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise PrivacyError(f"'{month}' is not a month; write it as YYYY-MM") from None
    return plus_months(first, 1)


def last_day(month: str) -> date:
    """Returns the last day of a month YYYY-MM."""
    return date.fromordinal(as_of(month).toordinal() - 1)


def last_full_month(today: date) -> str:
    """Returns the newest completed month, as YYYY-MM."""
    return f"{plus_months(today.replace(day=1), -1):%Y-%m}"


def shift(month: str, by: int) -> str:
    """Returns the month YYYY-MM so many months later, earlier where it is negative."""
    return f"{plus_months(date.fromisoformat(f'{month}-01'), by):%Y-%m}"


def plus_months(day: date, months: int) -> date:
    """Calendar months later, the day clamped to the month's end."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
