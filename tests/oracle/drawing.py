"""Values for made-up shops, one choice at a time: days, moments in many forms, addresses, amounts, references.

Dates gather around as_of minus the periods of the policy, a day before and after, so that boundaries are hit; ids are
few, so that references collide. All raw values are text, as SQLite would deliver them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from .model import add_months, first_of_next_month

Pick = Callable[[Sequence[Any]], Any]
Raw = dict[str, object]

PERIODS = (0, 1, 3, 11, 12, 13, 23, 24, 36, 37, 48, 49, 60, 72, 84, 372)
SPECIAL = ("2020-02-29", "2020-02-28", "2024-02-29", "2023-02-28", "2023-03-31", "2025-10-31", "2025-11-30",
           "2020-12-31", "2021-01-01", "2021-12-31", "2025-03-30", "2025-10-26", "2026-10-25", "2016-02-29")
# {0} the day, {1} the day before; {week}, {ordinal} and {basic} are the day in other forms of ISO 8601.
ODD_STYLES = ("{week}", "{ordinal}", "{basic}", "{basic}T2230Z", "{week}T12:00", "{ordinal}T23,5Z", "{0}t23:30:00z",
              "{0}T12", "{0} 23:15:30,25 UTC", "{0}T23:30 GMT", "{0} 23:30:00 CET", "{0} 23:30:00 CEST",
              "{0} 23:30 Europe/Oslo", "{0}T19:30:00 America/New_York", "{0}T10:00:00.5+0200", "{1}T24:00:00",
              "{1}T24:00Z", "\u3000{0}\u2003", "{0} 00:30:00 +02")
STYLES = ("{} 12:00:00", "{}", "{} 00:00:00", "{} 23:59:59", "{}T22:30:00Z", "{}T23:30:00Z", "{}T21:30:00+00:00",
          "{}T00:30:00+02:00", "{}T23:30:00-05:00", " {} 08:15:30.250 ")
BAD_STAMPS = ("soon", "2026-02-30", "0001-01-01 00:00:00", "9998-12-31 23:59:59", "1979-12-31", "2200-01-01",
              "2026-13-01 00:00:00", "2026-05", "2026", "2026-W05", "2026-05-05T12:00:60", "05/06/2026",
              "2026-05-05Z", "2026-05-05 12:00 EST", "2026-366", "2026-05-05T24:01")
SENTINELS = ("1753-01-01", "1899-12-30 00:00:00", "1900-01-01", "1970-01-01T00:00:00Z", "1969-12-31T23:30:00Z",
             "1970-01-01 23:30:00Z", "19700101", "1900-001", "9999-12-31 23:59:59", "9999-12-31T23:59:59Z",
             "1969-12-31T24:00:00")
BIRTHS = (None, "1980-05-17", "1980-01-01", "1985-01-01", "2000-01-01 00:00:00", "1900-01-01", "1970-01-01",
          "19010203", "1950-W02-3")
BAD_BIRTHS = ("1899-12-31", "9999-12-31", "1753-01-01", "soon")
BLANKS = (None, "", "   ", "\u00a0")
EMAILS = ("a@x.no", "A@X.no", " a@x.no ", "b@x.no", "Ærlig@x.no", "ærlig@X.NO", "c@x.no", "a@x.no", "b@x.no")
# Ways of writing one address, addresses that only look like it, and texts that are none.
LOOK_ALIKES = ("kim@x.no", "KIM@x.no", "\u212aim@x.no", "k\u0130m@x.no", "mailto:Kim@x.no", "MAILTO:Kim <kim@x.no>",
               "Kim <kim@x.no>", "Kim <mailto:kim@x.no>", "k\u200bim@x.no", "kim\ufeff@x. no", "\u00e5se@x.no",
               "a\u030ase@x.no", "\u212bSE@x.no", "kim@bl\u00e5.no", "kim@xn--bl-zia.no", "kim@XN--BL-ZIA.no",
               "kim@xn--\u00e5.no", "kim@xn--99999999.no", "kim", "kim@", "@x.no", "kim@a@x.no", "Kim <kim@x.no> jr")
AMOUNTS = ("0", "100", "100.00", "100.01", "99.99", "99.995", "100.004", "100.005", "-100.00", "0.00", "0.004")
TOMBSTONES = ("anonymised-consumer", "anonymised-business", "anonymised-sole-proprietor")
ORPHAN = "999"


class Drawing:
    """Draws values; `pick` chooses from a list, the first being the simplest."""

    def __init__(self, pick: Pick, month: str, faults: bool = True) -> None:
        self.pick = pick
        self.as_of = first_of_next_month(month)
        self.faults = faults
        self.days = self._days()
        self.styles = (*STYLES * 9, *ODD_STYLES, *((None, None) if faults else ()))
        self.customers: list[str] = []

    def _days(self) -> list[date]:
        days = []
        for months in PERIODS:
            day = add_months(self.as_of, -months)
            days += [day, day - timedelta(days=1), day + timedelta(days=1)]
        days += [date.fromisoformat(text) for text in SPECIAL]
        return [*days, add_months(self.as_of, 2), add_months(self.as_of, 40)]

    def chance(self, one_in: int) -> bool:
        """True once in so many times."""
        return bool(self.pick((False,) * (one_in - 1) + (True,)))

    def blank(self) -> object:
        """One of the ways of saying nothing."""
        return self.pick(BLANKS)

    def stamp(self) -> object:
        """A timestamp; now and then one that does not fit."""
        return self.on(self.pick(self.days))

    def on(self, day: date) -> object:
        """A timestamp of a day, in one of many forms; now and then one that does not fit."""
        style = self.pick(self.styles)  # one choice where it can be: a tape is soon at its end
        if style is None:
            return self.pick((*SENTINELS, *BAD_STAMPS))
        year, week, weekday = day.isocalendar()
        return style.format(day, day - timedelta(days=1), week=f"{year}-W{week:02}-{weekday}",
                            ordinal=f"{day:%Y-%j}", basic=f"{day:%Y%m%d}")

    def end(self, beginning: date) -> object:
        """A timestamp from a beginning on; now and then one up to, on or past the days that it may lie before it."""
        later = [day for day in self.days if day >= beginning] or [beginning]
        earlier = [beginning - timedelta(days=days) for days in ((30, 31, 32) if self.faults else (29, 30, 31))]
        return self.on(self.pick([*later * (1 + 36 // len(later)), *earlier]))

    def bold(self, day: date) -> object:
        """A timestamp of a day; nothing once in a while, which is a fault."""
        return self.blank() if self.faults and self.chance(120) else self.on(day)

    def maybe_stamp(self) -> object:
        """A timestamp or nothing."""
        return self.stamp() if self.chance(2) else self.blank()

    def bold_stamp(self) -> object:
        """A timestamp; nothing once in a while, which is a fault."""
        return self.blank() if self.faults and self.chance(80) else self.stamp()

    def amount(self) -> object:
        """An amount; now and then one that does not fit."""
        return self.pick((*AMOUNTS * 10, *(("many", "NaN", "inf", "1 000,00") if self.faults else ())))

    def text(self, *others: object) -> object:
        """A text, nothing, or one of the others."""
        return self.pick(("x", None, "", *others))

    def email(self) -> object:
        """An address, perhaps shared, perhaps written in another way, perhaps one that only looks like another."""
        return self.pick((*(None, *EMAILS) * 6, *LOOK_ALIKES))

    def birth(self) -> object:
        """A date of birth, generalised or not; sentinels are ordinary days here."""
        return self.pick((*BIRTHS * 6, *(BAD_BIRTHS if self.faults else ())))

    def enum(self, *values: str) -> object:
        """A value of an enum; now and then one that is not."""
        return self.pick((*values * (1 + 40 // len(values)), *(("unheard-of",) if self.faults else ())))

    def id_of(self, known: list[str], none: int = 0) -> object:
        """A reference: known, orphan, or nothing in `none` of about six times."""
        choices: list[object] = [*known, *known] or [ORPHAN]
        if none and self.chance(30):
            return self.pick(TOMBSTONES)
        choices += [None] * none
        if self.chance(12):
            choices = [ORPHAN, "", " "] if none else [ORPHAN]
        return self.pick(choices)

    def customer_id(self, none: int = 0) -> object:
        """A reference to a customer, a tombstone now and then."""
        return self.pick(TOMBSTONES) if self.chance(12) else self.id_of(self.customers, none)

    def fill(self, columns: str) -> Raw:
        """Text columns, full or not."""
        return {column: self.text("7") if "postal" in column else self.text() for column in columns.split()}
