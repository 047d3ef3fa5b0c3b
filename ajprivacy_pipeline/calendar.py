"""Months as the product counts them: YYYY-MM, the day a month is decided for, calendar months later, whole periods.

Belongs here: arithmetic on months and days, the same as the macros of `sql/macros.sql`. Does not belong here: a clock.
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from ajprivacy_pipeline.errors import PrivacyError

Length = Literal["month", "quarter", "year"]
MONTHS: dict[Length, int] = {"month": 1, "quarter": 3, "year": 12}
RUN_DAY = 2  # of the month after, when a month is run by its schedule


@dataclass(frozen=True)
class Period:
    """A calendar month, quarter or year: its first and its last month as YYYY-MM."""

    first: str
    last: str
    length: Length

    @property
    def months(self) -> tuple[str, ...]:
        """Its months, oldest first."""
        return months_between(self.first, self.last)


@dataclass(frozen=True)
class Stretch:
    """From which month on (YYYY-MM) time is cut into periods of a length."""

    since: str
    length: Length


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


def runs_on(month: str) -> date:
    """Returns the local day on which a month is run by its schedule."""
    return as_of(month).replace(day=RUN_DAY)


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


def months_between(first: str, last: str) -> tuple[str, ...]:
    """Returns the months from the first to the last, both included; none where the last is the earlier one."""
    found = []
    while first <= last:
        found.append(first)
        first = shift(first, 1)
    return tuple(found)


def begins(month: str, length: Length) -> bool:
    """Returns whether a period of a length begins with a month."""
    return (int(month[5:]) - 1) % MONTHS[length] == 0


def whole_periods(stretches: Sequence[Stretch], first: str, last: str) -> tuple[Period, ...]:
    """Returns the periods that lie from the first to the last month as a whole, oldest first.

    `stretches` are in order of time; what lies before the first of them has its length.
    """
    found, month = [], first
    while month <= last:
        length = next((s.length for s in reversed(stretches) if s.since <= month), stretches[0].length)
        end = shift(month, MONTHS[length] - 1)
        if begins(month, length) and end <= last:
            found.append(Period(month, end, length))
            month = end
        month = shift(month, 1)
    return tuple(found)
