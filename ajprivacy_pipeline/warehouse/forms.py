"""Texts in forms that the engine does not read, in plain Python: moments of ISO 8601, and keys of e-mail addresses.

Belongs here: what one text means. Does not belong here: finding such texts (settle), or the common forms, which the
macros of `sql/macros.sql` read without asking anybody.
"""

import re
import string
import unicodedata
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS = (r"(?P<y1>\d{4})-(?P<m1>\d{2})-(?P<d1>\d{2})|(?P<y2>\d{4})(?P<m2>\d{2})(?P<d2>\d{2})"  # calendar
         r"|(?P<y3>\d{4})-W(?P<w3>\d{2})-(?P<k3>\d)|(?P<y4>\d{4})W(?P<w4>\d{2})(?P<k4>\d)"  # week
         r"|(?P<y5>\d{4})-(?P<o5>\d{3})|(?P<y6>\d{4})(?P<o6>\d{3})")  # ordinal
_TIMES = (r"[Tt ](?P<hour>\d{2})(?:(?P<colon>:?)(?P<minute>\d{2})(?:(?P=colon)(?P<second>\d{2}))?)?"
          r"(?:[.,](?P<fraction>\d+))?")
_ZONES = r"(?P<zone>Z|z|UTC|GMT|CET|CEST|[+-]\d{2}(?::?\d{2})?|[A-Za-z]+(?:/[A-Za-z0-9_+-]+)+)"
_MOMENT = re.compile(rf"(?:{_DAYS})(?:{_TIMES}(?: *{_ZONES})?)?", re.ASCII)
_FIXED = {"Z": 0, "z": 0, "UTC": 0, "GMT": 0, "CET": 60, "CEST": 120}  # minutes ahead of UTC, at any time of the year
_BECOME_ASCII = "\u037e\u1fef\u212a"  # all that NFC turns into ASCII: a semicolon, an accent, the sign of kelvin
_INVISIBLE = re.compile(r"[\s\u200b-\u200d\u2060\ufeff]")
_NAMED = re.compile(r"[^<>]*<([^<>]*)>\s*")
_IN_PATTERNS = frozenset(string.ascii_lowercase + string.digits + "@.-+")  # stand for themselves in any LIKE
_MAILTO = re.compile(r"\s*mailto:", re.IGNORECASE)


def read_moment(text: str) -> tuple[date, datetime] | None:
    """Returns the day as it is written, and the moment: with its zone, or without one where none is named.

    None where the text names no day or moment without doubt.
    """
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    try:
        day, after, zone = _day(found), _time(found), _zone(found["zone"])
    except (ValueError, OverflowError, ZoneInfoNotFoundError, OSError):
        return None
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    try:
        return day, midnight + after
    except OverflowError:  # 24:00 of the last day that there is: told by the day as it is written
        return day, midnight


ZERO_DATE = r"0000-?00-?00(?:[T ]?00:?00:?00(?:\.0+)?Z?)?"  # what MySQL, SAP and others write for "no date"


def is_zero_date(text: str) -> bool:
    """Whether a text is a day of nothing but zeros, in any form, with or without a time of zeros."""
    return re.fullmatch(ZERO_DATE, text.strip()) is not None


def has_time(text: str) -> bool:
    """Whether a text that `read_moment` reads names a time of the day beside the day."""
    return any(sign in text.strip() for sign in "Tt ")


def _day(found: re.Match[str]) -> date:
    """The calendar, week or ordinal date; ValueError where there is no such day."""
    part = {name: int(value) for name, value in found.groupdict().items()
            if value is not None and len(name) == 2}
    year = next(value for name, value in part.items() if name[0] == "y")
    kinds = {name[0]: value for name, value in part.items()}
    if "m" in kinds:
        return date(year, kinds["m"], kinds["d"])
    if "w" in kinds:
        return date.fromisocalendar(year, kinds["w"], kinds["k"])
    day = date(year, 1, 1) + timedelta(days=kinds["o"] - 1)
    if day.year != year:
        raise ValueError
    return day


def _time(found: re.Match[str]) -> timedelta:
    """How long after midnight; the decimals belong to the last part that is given. 24:00:00 is the next midnight."""
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    unit = "second" if found["second"] else "minute" if found["minute"] else "hour"
    length = {"second": 1, "minute": 60, "hour": 3600}[unit] * 1_000_000  # in microseconds
    decimals = (found["fraction"] or "0")[:18]
    # Cut off, never rounded: 23:59:59.9999999 is not yet the next day.
    after = timedelta(hours=hour, minutes=minute, seconds=second,
                      microseconds=length * int(decimals) // 10 ** len(decimals))
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and (minute or second or decimals.strip("0"))):
        raise ValueError
    return after


def _zone(name: str | None) -> timezone | ZoneInfo | None:
    if name is None:
        return None
    if name in _FIXED:
        return timezone(timedelta(minutes=_FIXED[name]))
    if name[0] in "+-":
        hours, minutes = int(name[1:3]), int(name[3:].removeprefix(":") or 0)
        if minutes > 59:
            raise ValueError
        ahead = timedelta(hours=hours, minutes=minutes)
        return timezone(-ahead if name[0] == "-" else ahead)
    return ZoneInfo(name)


def email_key(text: str) -> str | None:
    """Returns what two spellings of one address have in common; None where the text is no address.

    Nothing is folded into an ASCII letter that it was not: U+0130 and U+212A stay themselves, so that nobody reaches
    somebody else's address by a look-alike.
    """
    before = None
    while before != text:  # `mailto:` and `Name <address>`, whichever stands outside
        before = text
        text = _MAILTO.sub("", text, count=1) if _MAILTO.match(text) else text
        text = named[1] if (named := _NAMED.fullmatch(text)) else text
    text = _lower(_composed(_INVISIBLE.sub("", text)))
    local, at, domain = text.partition("@")
    if not (local and at and domain) or "@" in domain:
        return None
    return f"{local}@{'.'.join(map(_label, domain.split('.')))}"


def like_pattern(key: str) -> str:
    """Returns a pattern for LIKE, without regard to ASCII case, that every spelling of an e-mail key matches.

    Blanks and the like may stand between any two characters of a spelling, names before and after it, and whatever is
    not ASCII may be composed or encoded; the ASCII characters stand in it in their order. Other texts may match too.
    """
    return re.sub("%+", "%", "%" + "".join(f"{char}%" if char in _IN_PATTERNS else "%" for char in key))


def _composed(text: str) -> str:
    """NFC, but for characters that it turns into ASCII ones."""
    parts = re.split("([" + _BECOME_ASCII + "])", text)
    return "".join(part if at % 2 else unicodedata.normalize("NFC", part) for at, part in enumerate(parts))


def _lower(text: str) -> str:
    """Simple lower case, but for characters that it turns into ASCII ones."""
    return "".join(low if ord(char) < 128 or not any(ord(one) < 128 for one in low) else char
                   for char in text for low in [char.lower()])


def _label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
        decoded.encode("utf-8")  # half of a surrogate pair is no character, and cannot be stored
    except UnicodeError:
        return label
    return decoded or label

