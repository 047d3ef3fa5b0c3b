"""What countries are called, by their codes.

Belongs here: names. Does not belong here: which are in the EEA (notice.toml), postal codes (`regions`).
"""

import tomllib
from functools import cache
from pathlib import Path

_NAMES = Path(__file__).with_name("countries.toml")


@cache
def _names() -> dict[str, dict[str, str]]:
    return tomllib.loads(_NAMES.read_text(encoding="utf-8"))


def country_name(code: str, language: str) -> str:
    """Returns what a code of two letters (ISO 3166) is called in `nb` or `en`; anything else as it stands."""
    return _names()[language].get(code.upper(), code)


def is_country(text: str) -> bool:
    """Whether a text is the code of a country that has a name here, or one of its names."""
    return text in _names()["nb"] or any(text in names.values() for names in _names().values())
