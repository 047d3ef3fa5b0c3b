"""What a value becomes when its column's part is due: nothing, something neutral, something coarser, a tombstone.

Belongs here: one function from a value as the source holds it to the one it ends as. Does not belong here: rows, SQL.
What it returns for its own result is that result: carrying out twice changes nothing.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ajprivacy_pipeline.policy.retention import Action


@dataclass(frozen=True)
class Context:
    """What a value depends on beside itself. `tombstone` is in the type of the source's column."""

    nullable: bool = True
    unique: bool = False
    key: str = ""  # the row's own key, for a neutral value that must be told apart
    is_birth: bool = False  # a date of birth; else a postal code, where it is generalised
    is_home: bool = True  # the address lies in the home country
    tombstone: Any = None
    nobody: frozenset[str] = frozenset()  # every tombstone of the policy: an id that is one stays as it is


PIECE = Action(action="erase", neutral="", neutral_unique="{key}")  # of one of several columns a value is made of
LONG_KEY = "9" * 20  # as long as a row's own key may be expected to be


def left_by(action: Action, *, unique: bool) -> tuple[str, ...]:
    """Returns what an erasure may leave where a column takes no NULL, for the catalogue to judge."""
    return (action.unique_neutral.format(key=LONG_KEY),) if unique else (action.neutral or "",)


def ends_as(value: Any, action: Action, context: Context) -> Any:
    """Returns what a value ends as; itself where nothing is to change. NULL stays NULL."""
    if value is None:
        return None
    if action.action == "unlink":
        return value if str(value).strip() in context.nobody else context.tombstone
    if action.action == "generalise":
        coarse = _decade(value) if context.is_birth else _first_digit(value, is_home=context.is_home)
        if coarse is not None:
            return coarse
    if context.nullable:
        return None
    if context.unique:
        return action.unique_neutral.format(key=context.key)
    return action.neutral or ""


def _first_digit(code: Any, *, is_home: bool) -> Any:
    """The first digit of a postal code of the home country; a code that is one already; None for any other."""
    bare = str(code).strip()
    if re.fullmatch(r"[0-9]", bare):
        return code
    if is_home and re.fullmatch(r"[0-9]{4}", bare):
        return int(bare[0]) if isinstance(code, int) else bare[0]
    return None


def _decade(day: Any) -> Any:
    """The first day of a birth date's decade, in the spelling it had; None where it cannot be read."""
    if isinstance(day, datetime):
        return day.replace(year=day.year // 10 * 10, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    if isinstance(day, date):
        return date(day.year // 10 * 10, 1, 1)
    return _first_of_decade(str(day).strip())


# Each form of a calendar, ordinal or week date, and its first day of a decade; a time of day follows.
_FORMS = (
    (re.compile(r"([0-9]{3})[0-9]-[0-9]{2}-[0-9]{2}(.*)", re.DOTALL), "{}0-01-01"),
    (re.compile(r"([0-9]{3})[0-9][0-9]{4}($|[Tt ].*)", re.DOTALL), "{}00101"),
    (re.compile(r"([0-9]{3})[0-9]-[0-9]{3}($|[Tt ].*)", re.DOTALL), "{}0-001"),
    (re.compile(r"([0-9]{3})[0-9]{4}($|[Tt ].*)", re.DOTALL), "{}0001"),
)
_WEEK = re.compile(r"([0-9]{3})[0-9](-?)W[0-9]{2}-?[0-9]($|[Tt ].*)", re.DOTALL)


def _first_of_decade(text: str) -> str | None:
    for form, first in _FORMS:
        if found := form.fullmatch(text):
            return first.format(found[1]) + _midnight(found[2])
    if found := _WEEK.fullmatch(text):
        day = date(int(found[1]) * 10, 1, 1).isocalendar()
        return f"{day.year:04}{found[2]}W{day.week:02}{found[2]}{day.weekday}" + _midnight(found[3])
    return None


def _midnight(time: str) -> str:
    """A time of day as midnight in the same spelling; noon where a zone follows, which no zone moves away."""
    found = re.fullmatch(r"([Tt ]\s*)([0-9]{2})((?::?[0-9]{2}){0,2}(?:[.,][0-9]+)?)(.*)", time, re.DOTALL)
    if found is None:
        return time
    separator, _, rest, zone = found.groups()
    return separator + ("12" if zone.strip() else "00") + re.sub("[0-9]", "0", rest) + zone
