"""Reading dates and times: every form of ISO 8601 that names a day or a moment without doubt.

A moment is given back as its local date in Oslo together with the date as it was written: the policy's sentinels are
looked for in both. No rule of retention reads the time of day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

OSLO = ZoneInfo("Europe/Oslo")
WHITE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"

_CALENDAR = re.compile(r"(\d{4})-(\d{2})-(\d{2})|(\d{4})(\d{2})(\d{2})", re.ASCII)
_WEEK = re.compile(r"(\d{4})-W(\d{2})-(\d)|(\d{4})W(\d{2})(\d)", re.ASCII)
_ORDINAL = re.compile(r"(\d{4})-(\d{3})|(\d{4})(\d{3})", re.ASCII)
_CLOCK = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2}))?)?(?:[.,](\d+))?", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d{2})(?::?(\d{2}))?", re.ASCII)
_PARTS = re.compile(r"(?P<day>[0-9W-]+?)(?:[Tt ](?P<clock>[0-9:.,]+)\s?(?P<zone>.*))?", re.ASCII | re.DOTALL)
_NAMED = {"Z": UTC, "z": UTC, "UTC": UTC, "GMT": UTC,
          "CET": timezone(timedelta(hours=1)), "CEST": timezone(timedelta(hours=2))}


class FaultError(Exception):
    """A value that does not fit; the text is the name of the fault."""


@dataclass(frozen=True)
class Read:
    """A day that was read: D(t), and the day as it was written. D(t) is None where no calendar holds it."""

    local: date | None
    written: date


def trimmed(raw: object) -> str | None:
    """Text without Unicode white space around, or None where nothing is left."""
    return None if raw is None else str(raw).strip(WHITE) or None


def read_time(raw: object) -> Read:
    """A date or a moment; raises FaultError("unparsable")."""
    if isinstance(raw, datetime):
        return _placed(raw.date(), raw.replace(tzinfo=None), raw.tzinfo)
    if isinstance(raw, date):
        return Read(raw, raw)
    match = _PARTS.fullmatch(raw) if isinstance(raw, str) else None
    if not match:
        raise FaultError("unparsable")
    day = read_day(match["day"])
    if match["clock"] is None:
        return Read(day, day)
    seconds = read_clock(match["clock"])
    zone = read_zone(match["zone"]) if match["zone"] else None
    try:
        moment = datetime.combine(day, time()) + timedelta(seconds=int(seconds))
    except OverflowError:
        return Read(None, day)
    return _placed(day, moment, zone)


def _placed(written: date, moment: datetime, zone: tzinfo | None) -> Read:
    """A moment without a zone is local already."""
    if zone is None:
        return Read(moment.date(), written)
    try:
        return Read(moment.replace(tzinfo=zone).astimezone(OSLO).date(), written)
    except (OverflowError, ValueError):
        return Read(None, written)


def read_day(text: str) -> date:
    """A calendar, week or ordinal date, extended or basic."""
    try:
        if match := _CALENDAR.fullmatch(text):
            year, month, day = (int(part) for part in match.groups() if part)
            return date(year, month, day)
        if match := _WEEK.fullmatch(text):
            year, week, day = (int(part) for part in match.groups() if part)
            return date.fromisocalendar(year, week, day)
        if match := _ORDINAL.fullmatch(text):
            year, day = (int(part) for part in match.groups() if part)
            found = date(year, 1, 1) + timedelta(days=day - 1)
            if found.year == year:
                return found
    except (ValueError, OverflowError):
        pass
    raise FaultError("unparsable")


def read_clock(text: str) -> Decimal:
    """Seconds since midnight of a time to the hour, minute or second; a fraction is one of the last unit written."""
    match = _CLOCK.fullmatch(text)
    if not match or (text.count(":") == 1 and match[3]):
        raise FaultError("unparsable")
    fraction = Decimal(f"0.{match[4] or 0}")
    hour, minute, second = (Decimal(part or 0) for part in match.group(1, 2, 3))
    unit = 3600 if match[2] is None else 60 if match[3] is None else 1
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and (minute or second or fraction)):
        raise FaultError("unparsable")
    return hour * 3600 + minute * 60 + second + fraction * unit


def read_zone(text: str) -> tzinfo:
    """Z, UTC, GMT, CET, CEST, an offset, or an IANA name with a slash."""
    if text in _NAMED:
        return _NAMED[text]
    if match := _OFFSET.fullmatch(text):
        hours, minutes = int(match[2]), int(match[3] or 0)
        if hours < 24 and minutes < 60:
            offset = timedelta(hours=hours, minutes=minutes)
            return timezone(-offset if match[1] == "-" else offset)
    elif re.fullmatch(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+)+", text):
        try:
            return ZoneInfo(text)
        except (KeyError, ValueError, OSError):
            pass
    raise FaultError("unparsable")
