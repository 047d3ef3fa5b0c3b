"""How a value reads on a page for people: codes in words, days and amounts as the language writes them.

Files (JSON, CSV) keep every value as the source has it. What is in no list is shown as it stands.
Belongs here: a value as text for a reader. Does not belong here: names of fields (`wording`), what is shown.
"""

from decimal import Decimal, InvalidOperation

from ajprivacy_pipeline.rights.shapes import FieldTold
from ajprivacy_pipeline.rights.wording import Wording
from ajprivacy_pipeline.warehouse.forms import has_time, read_moment

_COUNTRIES = "country"  # the field whose codes are those of ISO 3166


def shown(words: Wording, field: FieldTold, value: str) -> str:
    """Returns a value in words, where the type of its field or a list has some; else the value itself."""
    text = value.strip()
    if field.type in ("date", "timestamp"):
        return _moment(words, text) or value
    if field.type == "amount":
        return _amount(words, text) or value
    if field.type == "boolean":
        return words.value("boolean", text) or value
    if field.name == _COUNTRIES:
        return words.country(text)
    return words.value(field.name, text) or value


def _moment(words: Wording, text: str) -> str | None:
    """A day, with the time that the source shows; where it names a zone, with that."""
    found = read_moment(text)
    if found is None:
        return None
    day, moment = found
    if not has_time(text) or (moment.tzinfo is None and not (moment.hour or moment.minute or moment.second)):
        return words.day(day)
    told = words("moment", date=words.day(day), hour=f"{moment.hour:02}", minute=f"{moment.minute:02}")
    return told if moment.tzinfo is None else f"{told} ({moment.tzname()})"


def _amount(words: Wording, text: str) -> str | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    if not amount.is_finite():
        return None
    whole, _, rest = f"{amount:f}".lstrip("-").partition(".")
    grouped = f"{int(whole):,}".replace(",", words("thousands"))
    return ("\N{MINUS SIGN}" if amount < 0 else "") + grouped + words("decimal") + rest.ljust(2, "0")
