"""SQL of a catalogue, cut into words: which columns it mentions, and where its brackets end.

Belongs here: what works on the text of any of the three databases. Does not belong here: what the text means.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_QUOTED = r"\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\[[^\]]*\]"
_REST = rf"|(?P<name>{_QUOTED})|(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<word>[\w$]+)|(?P<sign>\S)"
_SHAPE = re.compile(rf"(?P<literal>'(?:[^']|'')*'){_REST}", re.DOTALL)
_ESCAPING = re.compile(rf"(?P<literal>'(?:[^'\\]|''|\\.)*'){_REST}", re.DOTALL)  # MariaDB's texts, where \' goes on


@dataclass(frozen=True)
class Word:
    """A word of SQL at its place; `text` of a quoted name is without quotes."""

    text: str
    kind: str  # literal, name (quoted), word, sign
    start: int
    end: int

    def says(self, *texts: str) -> bool:
        """Whether it is one of these keywords or signs."""
        return self.kind in ("word", "sign") and self.text.upper() in texts


def words(sql: str, *, escapes: bool = False) -> list[Word]:
    """Returns the words of a text, without comments; `escapes`: a backslash in a literal escapes."""
    return list(_words(sql, _ESCAPING if escapes else _SHAPE))


def _words(sql: str, shape: re.Pattern[str] = _SHAPE) -> Iterator[Word]:
    for found in shape.finditer(sql):
        kind, text = found.lastgroup, found[0]
        if kind == "name":
            yield Word(text[1:-1].replace(text[-1] * 2, text[-1]), "name", found.start(), found.end())
        elif kind in ("literal", "word", "sign"):
            yield Word(text, kind, found.start(), found.end())


def mentioned(sql: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Returns the columns that a text names, in their own order; a word that only looks like one counts too."""
    said = {word.text.casefold() for shape in (_SHAPE, _ESCAPING) for word in _words(sql, shape)
            if word.kind in ("name", "word")}
    return tuple(column for column in columns if column.casefold() in said)


def closing(found: list[Word], opening: int) -> int:
    """Returns the place of the bracket that closes the one at `opening`; the end where none does."""
    depth = 0
    for place in range(opening, len(found)):
        depth += found[place].says("(") - found[place].says(")")
        if depth == 0:
            return place
    return len(found)


def bracketed(sql: str, found: list[Word], opening: int) -> str:
    """Returns the text between the bracket at `opening` and its end."""
    end = closing(found, opening)
    return sql[found[opening].end:found[end].start if end < len(found) else len(sql)].strip()


def checks(sql: str, found: list[Word], columns: Iterable[str]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yields name, condition and columns of every CHECK of a CREATE TABLE."""
    known = tuple(columns)
    for place, word in enumerate(found[:-1]):
        if word.says("CHECK") and found[place + 1].says("("):
            text = bracketed(sql, found, place + 1)
            named = place > 1 and found[place - 2].says("CONSTRAINT")
            about = mentioned(text, known)
            yield found[place - 1].text if named else f"CHECK ({', '.join(about)})", text, about


def listed(sql: str) -> list[str]:
    """Returns the parts of a list between commas that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for word in _words(sql):
        depth += word.says("(") - word.says(")")
        if depth == 0 and word.says(","):
            parts.append(sql[start:word.start].strip())
            start = word.end
    return [*parts, sql[start:].strip()]


def with_name(sql: str, keyword: str, name: str) -> str:
    """Returns the text with a keyword replaced by a name (a domain's VALUE by the column it stands for)."""
    for word in reversed(words(sql)):
        if word.says(keyword):
            sql = sql[:word.start] + name + sql[word.end:]
    return sql


def digest(*texts: object) -> str:
    """Returns a short hash of texts."""
    return hashlib.sha256("\0".join(map(str, texts)).encode()).hexdigest()[:16]
