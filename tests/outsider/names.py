"""Attacks on published texts by somebody with a list of people: names in any order, joined, with initials; birth dates.

Belongs here: looking for people in words. Does not belong here: figures.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date

import pandas as pd

from tests.outsider.published import DICTIONARY, Finding, Published

MONTHS = ("jan", "feb", "mar", "apr", "mai may", "jun", "jul", "aug", "sep", "okt oct", "nov", "des dec")
OURS = (DICTIONARY, "release_info")


def attack(published: Published, people: pd.DataFrame) -> Iterator[Finding]:
    """Published texts that name somebody of the list: `name`, `birth_date` (text, may be missing)."""
    texts = {(table, column, str(value)) for table, frame in published.tables.items() if table not in OURS
             for column in frame.columns if frame[column].dtype == object
             for value in frame[column].dropna().map(lambda v: v if isinstance(v, str) else "").unique()}
    spelt = [(name, *_patterns(name)) for name in sorted(set(people["name"].dropna()))]
    born = {b: _birth(b) for b in sorted(set(people["birth_date"].dropna().astype(str).str[:10]))}
    for table, column, text in sorted(texts):
        plain = _plain(text)
        words = set(re.findall(r"[^\W_]+", plain))
        for _, parts, whole, joined in spelt:
            if (len(parts & words) > 1) or whole.search(plain) or words & joined:
                yield Finding("name", table, "", f"{column} {text}", "names somebody")
                break
        if any(pattern.search(plain) for pattern in born.values()):
            yield Finding("birth date", table, "", f"{column} {text}", "somebody's birth date")


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in apart if not unicodedata.combining(c))


def _patterns(name: str) -> tuple[set[str], re.Pattern[str], set[str]]:
    """The parts of a name, the surname beside an initial, the joined spellings."""
    parts = re.findall(r"[^\W_]+", _plain(name))
    if len(parts) < 2:
        return set(), re.compile(r"(?!)"), set()
    first, last = parts[0], parts[-1]
    beside = rf"\b{first[0]}\W+{last}\b|\b{last}\W+{first[0]}\b" if len(last) >= 4 else r"(?!)"
    return set(parts), re.compile(beside), {first + last, last + first, "".join(parts)}


def _birth(text: str) -> re.Pattern[str]:
    day = date.fromisoformat(text)
    d, m, y, short = rf"0?{day.day}", rf"0?{day.month}", f"{day.year}", f"{day.year % 100:02d}"
    words = "|".join(MONTHS[day.month - 1].split())
    sep = r"[\s./\-]+"
    spelt = (rf"{y}{sep}{m}{sep}{d}", rf"{d}{sep}{m}{sep}(?:{y}|{short})", rf"{d}[.\s]+(?:{words})[a-z]*\.?\s+{y}",
             f"{day:%d%m%y}", f"{day:%d%m%Y}", f"{day:%Y%m%d}")
    return re.compile(r"(?<![0-9])(?:" + "|".join(spelt) + r")(?![0-9])")
