"""What the values of a column look like: e-mail addresses, phone numbers, postal codes, days, official numbers, codes.

Belongs here: telling a shape from a sample, in this process; a draft is matched and corrected by it, where somebody
allowed that. Does not belong here: reading (`source`), names (`names`). No value leaves this module.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Sequence
from datetime import date

from ajprivacy_pipeline.policy import SourceColumn
from ajprivacy_pipeline.policy.countries import is_country
from ajprivacy_pipeline.warehouse.forms import email_key, is_zero_date, read_moment

_MOST, _HARDLY = 0.9, 0.1  # the share of values from which a shape is believed, and up to which a match by name is not
_FEW, _ENOUGH = 5, 20  # values that tell a shape, and that tell that a name was wrong
_CURRENCY = r"AUD|CAD|CHF|CZK|DKK|EUR|GBP|HUF|ISK|JPY|NOK|PLN|SEK|USD"
_CHILD, _OLD, _SPAN = 15, 40, 20  # years: of hardly a customer, of some, and between the oldest and the youngest


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _is_email(text: str) -> bool:
    return email_key(text) is not None and "." in text.rpartition("@")[2] and " " not in text.strip()


def _is_phone(text: str) -> bool:
    """Digits alone may be any number; a plus, blanks, or a zero in front are a phone's."""
    return _may_be_phone(text) and re.search(r"^\+|^0|\d[ /]\d", text) is not None and len(_digits(text)) >= 8


def _may_be_phone(text: str) -> bool:
    return re.fullmatch(r"[+(]?[\d ()/.\-]+", text) is not None and 5 <= len(_digits(text)) <= 15


def _is_postal_code(text: str) -> bool:
    """Of four or five digits, as in the Nordic countries and Germany; years are none."""
    return re.fullmatch(r"(?:[A-Z]{1,2}-)?(?:\d{4,5}|\d{3} \d{2})", text) is not None and (
        re.fullmatch(r"(19|20)\d\d", text) is None)


def _is_organisation_number(text: str) -> bool:
    """Norway's with its check digit, Sweden's with a third digit from 2 on, or one for value added tax."""
    if re.fullmatch(r"[A-Z]{2} ?U?[\d ]{8,14}(?: ?MVA)?", text):
        return True
    number = _digits(text)
    if re.fullmatch(r"\d{9}|\d{3} \d{3} \d{3}", text):
        return sum(int(digit) * by for digit, by in zip(number, (3, 2, 7, 6, 5, 4, 3, 2, 1), strict=True)) % 11 == 0
    return re.fullmatch(r"\d{6}-\d{4}", text) is not None and number[2] >= "2" and _luhn(number)


def _is_national_id(text: str) -> bool:
    """Norway's with both check digits, or Sweden's with its one and a month in it."""
    number = _digits(text)
    if re.fullmatch(r"\d{6} ?\d{5}", text):
        return all(sum(int(digit) * by for digit, by in zip(number, weights, strict=False)) % 11 == 0
                   for weights in ((3, 7, 6, 1, 8, 9, 4, 5, 2, 1), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)))
    return re.fullmatch(r"(?:\d\d)?\d{6}[-+]\d{4}", text) is not None and number[-8] < "2" and _luhn(number[-10:])


def _luhn(number: str) -> bool:
    doubled = (int(digit) * (1 if at % 2 else 2) for at, digit in enumerate(reversed(number), 1))
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return True


def _is_moment(text: str) -> bool:
    return is_zero_date(text) or (read_moment(text) is not None and not text.isdigit())


_IS: dict[str, Callable[[str], bool]] = {  # the first one that fits most values
    "email": _is_email, "ip_address": _is_ip, "moment": _is_moment, "national_identity_number": _is_national_id,
    "organisation_number": _is_organisation_number, "postal_code": _is_postal_code, "phone": _is_phone,
    "currency": lambda text: re.fullmatch(_CURRENCY, text) is not None, "country": is_country,
    "user_agent": lambda text: re.match(r"(Mozilla|Opera|Dalvik|curl|okhttp)/\d", text) is not None,
}
_MAY_BE: dict[str, Callable[[str], bool]] = {
    "email": lambda text: "@" in text, "phone": _may_be_phone, "moment": lambda text: len(_digits(text)) >= 4,
    "ip_address": _is_ip, **dict.fromkeys(("postal_code", "organisation_number", "national_identity_number"),
                                          lambda text: bool(_digits(text))),
}
_CONSTANT = ("currency", "country", "moment", "user_agent")  # one value for everybody says something here
_NEVER = ("email", "ip_address", "moment")  # of what no name, place or code consists
_ANYTHING = ("username", "visitor_id", "sender", "recipient", "payment_reference")


def wanted_shape(column: str, spec: SourceColumn) -> str | None:
    """Returns the shape that the values of a column of the contract have; None where they have none."""
    if spec.type == "email" or spec.birth:
        return "email" if spec.type == "email" else "birth_date"
    named = next((shape for shape in _IS if column == shape or column.endswith(f"_{shape}")), None)
    return named or ("moment" if spec.type in ("timestamp", "date") else None)


def shape_of(values: Sequence[str], today: date) -> str | None:
    """Returns what most of these values look like; None where they are few, alike, or of no shape."""
    given = [text.strip() for text in values if text.strip()]
    if len(given) < _FEW:
        return None
    shape = next((name for name, fits in _IS.items() if sum(map(fits, given)) >= _MOST * len(given)), None)
    if shape is None or (shape not in _CONSTANT and len(set(given)) < _FEW):
        return None
    return "birth_date" if shape == "moment" and _are_births(_years(given), today) else shape


def _years(given: Sequence[str]) -> list[int]:
    return sorted(read[0].year for text in given if (read := read_moment(text)) and read[0].year > 1900)


def _are_births(years: Sequence[int], today: date) -> bool:
    """Long ago, far apart, and hardly one of a child."""
    return len(years) >= _FEW and years[0] <= today.year - _OLD and years[-1] - years[0] >= _SPAN and (
        sum(year <= today.year - _CHILD for year in years) >= _MOST * len(years))


def refutes(values: Sequence[str], column: str, spec: SourceColumn, today: date) -> bool:
    """Whether a column that was matched by its name cannot be this one, by what its values look like."""
    given = [text.strip() for text in values if text.strip()]
    if len(given) < _ENOUGH:
        return False
    wanted, shape = wanted_shape(column, spec), shape_of(given, today)
    if wanted == "birth_date":  # not of children alone, and not of anything but days
        years = _years(given)
        return years[0] > today.year - _CHILD if years else shape not in (None, "moment")
    if wanted in _MAY_BE:
        return sum(map(_MAY_BE[wanted], given)) <= _HARDLY * len(given)
    is_prose = spec.type == "id" or spec.class_ == "free_text" or column in _ANYTHING
    return shape in _NEVER and not is_prose


def has_values_of(values: Collection[str], spec: SourceColumn) -> bool:
    """Whether these are codes that the contract lists, and more than one of them."""
    given = {text.strip() for text in values if text.strip()}
    return len(given) > 1 and given <= set(spec.values)
