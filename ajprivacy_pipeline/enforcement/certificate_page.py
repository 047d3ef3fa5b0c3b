"""The certificate of a month as pages in Norwegian and English, and as JSON.

Belongs here: how a certificate reads, and writing it. Does not belong here: its figures (`certificate`), wording (that
is data, `certificate.toml`; names of purposes, freezes and months are those of `explain`).
"""

import json
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ajprivacy_pipeline.enforcement.certificate import Certificate
from ajprivacy_pipeline.explain.words import Language, templates
from ajprivacy_pipeline.files import write_whole
from ajprivacy_pipeline.policy import Clause

if TYPE_CHECKING:
    from jinja2 import Template

_HERE = Path(__file__).parent
_FILES: dict[Language, str] = {"nb": "certificate-{month}.html", "en": "certificate-{month}.en.html"}


def write_certificate(certificate: Certificate, out: Path, clauses: Mapping[str, Clause]) -> list[Path]:
    """Write certificate-MONTH.html (bokmål), certificate-MONTH.en.html and certificate-MONTH.json; returns the files.

    Each is written whole or not at all. The pages say what each promise is: `clauses` are the policy's.

    Raises:
        PrivacyError: the folder cannot be written.
    """
    month = certificate["month"]
    texts = {name.format(month=month): render(certificate, language, clauses) for language, name in _FILES.items()}
    texts[f"certificate-{month}.json"] = json.dumps(certificate, indent=2, ensure_ascii=False) + "\n"
    return write_whole(out, texts)


def render(certificate: Certificate, language: Language, clauses: Mapping[str, Clause]) -> str:
    """Returns the certificate as one page that needs nothing else: for a screen, a phone, paper.

    A promise that the policy no longer has stands by its number alone.
    """
    words = Words(language)
    parts = [part for clause in certificate["carried_out"] for part in clause["parts"]]
    done = {action for part in parts for action in part["actions"] or ["changed"]}
    return _template().render(
        c=certificate, w=words, language=language, clauses=clauses, overdue=_overdue(certificate, words),
        used=[action for action in words.group("actions") if action in done],
        untold=any(part["cells_by_action"] is None for part in parts))


def _overdue(certificate: Certificate, words: "Words") -> tuple[str, str]:
    """The top figure and the line below it."""
    found = certificate["overdue"]
    since, seen = found["since"], found["seen_on"]
    if since and found["days"] is not None and seen:
        return (words("overdue_since", date=words.day(since)),
                words.count("overdue_days", found["days"], seen=words.day(seen)))
    if seen is None:
        return (words("overdue_since", date=words.day(since)) if since else words("overdue_unknown"),
                words("overdue_open_note"))
    if found["left"]:
        return words("overdue_unknown"), words.count("overdue_unknown_note", found["left"])
    return words("overdue_nobody"), words("overdue_nobody_note", seen=words.day(seen))


class Words:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        """Speak `language`."""
        self._language = language
        self._t = _wording()[language]
        self._shared = templates(language)

    def __call__(self, name: str, **values: object) -> str:
        """Returns a sentence with its values."""
        return str(self._t[name]).format(**values)

    def count(self, name: str, count: int, **values: object) -> str:
        """Returns a sentence about one thing or several."""
        return str(self._t[name]["one" if count == 1 else "many"]).format(count=self.number(count), **values)

    def group(self, name: str) -> dict[str, str]:
        """Returns the words of a kind of things, by their names in the ledger."""
        found: dict[str, str] = self._t[name]
        return found

    def of(self, group: str, name: str) -> str | None:
        """Returns the word for a name of the ledger; None where there is none, and the name stands for itself."""
        if group != "reasons":
            return self.group(group).get(name)
        freeze = self._shared["freezes"].get(name)
        return str(freeze["name"]) if freeze else self._shared["purposes"].get(name) or self.group(group).get(name)

    def waited(self, name: str) -> str | None:
        """Returns the words for what is waited for, as `customers.email`; None where there are none."""
        entity, _, part = name.partition(".")
        if not part:
            return self.of("waits", name)
        of, what = self.of("entities", entity), self.of("parts", part) or self.of("reasons", part)
        return f"{of}: {what}" if of and what else None

    def clause(self, name: str, clauses: Mapping[str, Clause]) -> str:
        """Returns what a promise is, as people are told it; without such words as the policy says it, "" if unknown."""
        known = self._shared["clauses"].get(name)
        return str(known or (clauses[name].meaning if name in clauses else ""))

    def number(self, count: int) -> str:
        """Returns a number as the language groups its digits."""
        return f"{count:,}".replace(",", "\N{NO-BREAK SPACE}") if self._language == "nb" else f"{count:,}"

    def month(self, month: str) -> str:
        """Returns a month in words."""
        year, number = month.split("-")
        return f"{self._shared['months'][int(number) - 1]} {year}"

    def day(self, text: str) -> str:
        """Returns an ISO day in words."""
        day = date.fromisoformat(text)
        return str(self._shared["date"]).format(day=day.day, month=self._shared["months"][day.month - 1], year=day.year)

    def day_or_words(self, text: str) -> str | None:
        """Returns an ISO day in words; None where a text is something else."""
        try:
            return self.day(text)
        except ValueError:
            return None

    def moment(self, text: str) -> str:
        """Returns an ISO moment in words."""
        at = datetime.fromisoformat(text)
        return self("moment", date=self.day(text[:10]), hour=f"{at.hour:02}", minute=f"{at.minute:02}")


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((_HERE / "certificate.html.j2").read_text(encoding="utf-8"))


@cache
def _wording() -> dict[str, Any]:
    return tomllib.loads((_HERE / "certificate.toml").read_text(encoding="utf-8"))
