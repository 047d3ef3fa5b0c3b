"""Patterns of personal values: e-mail, national identity number, card, IBAN, IP address, phone.

Belongs here: what such a value looks like, by its digits and check digits. Does not belong here: where texts come from
and what a hit leads to. Every detector prefers a false alarm to a miss: what is scanned is short and written by the
shop, not free text.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterator

_NOT_INSIDE = r"(?<![0-9A-Za-z])"
_NOT_BEFORE = r"(?![0-9A-Za-z])"
_EMAIL = re.compile(r"[^\s@<>,;:()]+\s?(?:@|\(at\)|\[at\])\s?[^\s@<>,;:()]+\.[^\W\d_]{2,}")
_ELEVEN = re.compile(_NOT_INSIDE + r"\d{6}[ .\-]?\d{5}" + _NOT_BEFORE)
_CARD = re.compile(_NOT_INSIDE + r"\d(?:[ \-]?\d){12,18}" + _NOT_BEFORE)
_IBAN = re.compile(_NOT_INSIDE + r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}" + _NOT_BEFORE, re.IGNORECASE)
_IPV4 = re.compile(r"(?<![0-9A-Za-z.])\d{1,3}(?:\.\d{1,3}){3}(?![0-9A-Za-z]|\.\d)")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:])[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f.:]*(?![0-9A-Za-z:])")
_PHONE = re.compile(r"(?<![0-9A-Za-z.,\-])(?:(?:\+|00)47[ \-]?)?"
                    r"(?:[2-9]\d{7}|[2-9]\d{2} \d{2} \d{3}|[2-9]\d(?: \d{2}){3})(?![0-9A-Za-z]|[.,\-]\d)")
_ABROAD = re.compile(r"(?<![0-9A-Za-z])\+\d(?:[ \-]?\d){7,14}(?!\d)")
_FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
_SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_MONTH_SHIFTS = (0, 40, 65, 80)  # real, and the test series of the tax authority and of others
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def detect(text: str) -> frozenset[str]:
    """Returns the kinds of personal values that occur anywhere in the text."""
    plain = text  # of ASCII nothing has another form, and nothing is unseen
    if not text.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return frozenset(kind for kind, finds in _DETECTORS.items() if finds(plain))


def is_national_identity_number(digits: str) -> bool:
    """Eleven digits that may be a birth or D-number.

    The date may be of a D-number (day + 40) or of a test series (month + 40, + 65, + 80). The first check sum may leave
    0, and from 2032 on 1, 2 or 3 too; the second must leave 0.
    """
    if len(digits) != 11 or not digits.isascii() or not digits.isdigit():
        return False
    day, month = int(digits[:2]), int(digits[2:4])
    day = day - 40 if day > 40 else day
    dated = any(1 <= month - shift <= 12 and 1 <= day <= _LONGEST[month - shift - 1] for shift in _MONTH_SHIFTS)
    return dated and _sum(digits, _FIRST) % 11 <= 3 and _sum(digits, _SECOND) % 11 == 0


def is_luhn(digits: str) -> bool:
    """Returns whether the digits have the check sum of payment cards."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """Returns whether the text has the check sum of bank accounts, modulo 97."""
    turned = text[4:] + text[:4]
    return 15 <= len(text) <= 34 and int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def _sum(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(d) * w for d, w in zip(digits, weights, strict=False))


def _digits(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for match in pattern.finditer(text):
        yield re.sub(r"\D", "", match[0])


def _has_card(text: str) -> bool:
    return any(is_luhn(digits) and len(set(digits)) > 1 for digits in _digits(_CARD, text))


def _has_iban(text: str) -> bool:
    for match in _IBAN.finditer(text):
        whole = match[0].replace(" ", "").upper()
        if any(is_iban(whole[:length]) for length in range(15, len(whole) + 1)):
            return True
    return False


def _has_address(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    def finds(text: str) -> bool:
        for match in pattern.finditer(text):
            try:
                if match[0].strip(":."):  # '::' alone is punctuation
                    ipaddress.ip_address(match[0].rstrip("."))
                    return True
            except ValueError:
                continue
        return False

    return finds


_DETECTORS: dict[str, Callable[[str], bool]] = {
    "e-mail": lambda text: _EMAIL.search(text) is not None,
    "national identity number": lambda text: any(map(is_national_identity_number, _digits(_ELEVEN, text))),
    "card": _has_card,
    "IBAN": _has_iban,
    "IPv4": _has_address(_IPV4),
    "IPv6": _has_address(_IPV6),
    "phone": lambda text: _PHONE.search(text) is not None or _ABROAD.search(text) is not None,
}
