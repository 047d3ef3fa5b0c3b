"""A driver's value as text.

Belongs here: one value. Does not belong here: what an e-mail address or a day is (`forms`), columns (`stream`).
"""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any


def as_text(value: object) -> str | None:
    """Returns a driver's value as text that loses nothing.

    Raises:
        TypeError: bytes, which are no text.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        raise TypeError
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def text_of(value: Any) -> str | None:
    """Returns a value as text; None where it is none."""
    try:
        return as_text(value)
    except TypeError:
        return None
