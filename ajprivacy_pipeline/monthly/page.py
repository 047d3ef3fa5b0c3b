"""The page of a month in Norwegian and English, as files that need nothing else.

Belongs here: how the figures read, drawing them, writing the files. Does not belong here: the figures (`figures`),
wording (`words.toml`; names of parts, grounds, freezes, faults and rights are those of other pages).
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ajprivacy_pipeline.disclosure.verdict import UNCHECKED
from ajprivacy_pipeline.enforcement.certificate_page import Words as Shared
from ajprivacy_pipeline.explain.words import Language, templates
from ajprivacy_pipeline.files import write_whole
from ajprivacy_pipeline.monthly.figures import DECISIONS, MonthFigures
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.rights.wording import Wording
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.whatif.figures import AHEAD_MONTHS
from ajprivacy_pipeline.whatif.forecast import COUNTED, Bucket, Forecast
from ajprivacy_pipeline.whatif.owed import AGES

if TYPE_CHECKING:
    from jinja2 import Template

LANGUAGES: tuple[Language, ...] = ("nb", "en")
_FILES: dict[Language, str] = {"nb": "month-{month}.html", "en": "month-{month}.en.html"}
_SHOWN_FAULTS, _SHOWN_CHANGES, _SHOWN_POLICIES = 15, 20, 3
_IN_THE_WAY: tuple[Literal["brakes", "refused"], ...] = ("brakes", "refused")
_LEFT: tuple[Literal["not_carried_out", "waiting"], ...] = ("not_carried_out", "waiting")


def page_folder(settings: Settings) -> Path:
    """Returns where the pages of a home lie."""
    return settings.control / "pages"


def page_name(month: str, language: Language) -> str:
    """Returns the file of a month's page."""
    return _FILES[language].format(month=month)


def write_pages(found: MonthFigures, policy: Policy, out: Path) -> list[Path]:
    """Write month-MONTH.html (bokmål) and month-MONTH.en.html, each whole or not at all; returns the files.

    Raises:
        PrivacyError: the folder cannot be written.
    """
    return write_whole(out, {page_name(found["month"], language): render(found, policy, language)
                             for language in LANGUAGES})


def render(found: MonthFigures, policy: Policy, language: Language) -> str:
    """Returns the page of a month in one language."""
    words = Words(language)
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    decided = found["decided"]
    totals = {decision: sum(part[decision] for part in decided) for decision in DECISIONS}
    return _template().render(
        f=found, w=words, language=language, other=other, other_page=page_name(found["month"], other),
        decisions=DECISIONS, totals=totals, ages=AGES, ahead=_ahead(found["forecast"], words),
        most_ahead=_most(found["forecast"]), promises=_promises(found, policy, words), whys=_whys(found, words),
        asked=_asked(found), shown_faults=_SHOWN_FAULTS, shown_changes=_SHOWN_CHANGES,
        policies=found["policies"][-_SHOWN_POLICIES:][::-1], first_policy=found["policies"][:1])


class Words:
    """The words of one language: those of this page, and the names that other pages use."""

    def __init__(self, language: Language) -> None:
        """Speak `language`."""
        self._t = _wording()[language]
        self._shared, self._rights = Shared(language), Wording(language)
        self._templates = templates(language)
        self.number, self.month, self.clause = self._shared.number, self._shared.month, self._rights.clause

    def __call__(self, name: str, **values: object) -> str:
        """Returns a text with its values."""
        return str(self._t[name]).format(**values)

    def count(self, name: str, count: int, **values: object) -> str:
        """Returns a text about one thing or several."""
        return str(self._t[name]["one" if count == 1 else "many"]).format(count=self.number(count), **values)

    def days(self, count: int) -> str:
        """Returns a number of days."""
        return self.count("days", count)

    def day(self, day: date) -> str:
        """Returns a day in words."""
        return self._shared.day(day.isoformat())

    def text(self, group: str, name: str, **values: object) -> str:
        """Returns a text of a group of this page; the name itself, readable, where there is none."""
        return str(self._t[group].get(name, name.replace("_", " "))).format(**values)

    def part(self, entity: str, part: str) -> str:
        """Returns a part of an entity, as the certificate calls it."""
        return f"{self.shared('entities', entity)}: {self.shared('parts', part)}"

    def shared(self, group: str, name: str) -> str:
        """Returns a name as the certificate has it."""
        return self._shared.of(group, name) or name.replace("_", " ")

    def kind(self, kind: str) -> str:
        """Returns a right."""
        return self._rights.of("kinds", kind)

    def state(self, state: str) -> str:
        """Returns the state of a certificate."""
        return self._shared.group("states")[state]

    def verdict(self, guarantee: str, verdict: str) -> str:
        """Returns what became of a guarantee; no release can prove some of them."""
        by_test: str | None = self._t["tests"].get(guarantee) if verdict == UNCHECKED else None
        return by_test or self.text("verdicts", verdict)

    def fault(self, fault: str) -> str:
        """Returns what is wrong with a value."""
        return str(self._templates["faults"].get(fault) or self.text("faults", fault))


@dataclass(frozen=True)
class Ahead:
    """A line of the forecast."""

    when: str
    counts: Bucket
    is_month: bool


def _ahead(found: Forecast, words: Words) -> list[Ahead]:
    """What is due now, in each of the next months, after them, and never as far as is known."""
    near, far = found["months"][:AHEAD_MONTHS], found["months"][AHEAD_MONTHS:]
    further: Bucket = {"when": "", "people": sum(row["people"] for row in far),
                       "attributes": sum(row["attributes"] for row in far),
                       "records": sum(row["records"] for row in far)}
    return [Ahead(words("now"), {"when": "", **found["now"]}, is_month=False),
            *(Ahead(words.month(row["when"]), row, is_month=True) for row in near),
            Ahead(words("further", month=words.month(near[-1]["when"])), further, is_month=False),
            Ahead(words("held"), {"when": "", **found["held"]}, is_month=False),
            Ahead(words("no_end_in_sight"), {"when": "", **found["no_end_in_sight"]}, is_month=False),
            Ahead(words("later"), {"when": "", **found["later"]}, is_month=False)]


def _most(found: Forecast) -> dict[str, int]:
    """The largest count of a month in the plot, at least 1."""
    return {column: max([1, *(row[column] for row in found["months"][:AHEAD_MONTHS])]) for column in COUNTED}


def _promises(found: MonthFigures, policy: Policy, words: Words) -> list[tuple[str, str]]:
    named = dict.fromkeys(part["clause"] for part in found["decided"] if part["clause"] in policy.clauses)
    return [(clause, words.clause(clause, policy.clauses[clause].meaning)) for clause in named if clause]


def _whys(found: MonthFigures, words: Words) -> list[str]:
    """Why something due is not carried out, from the state of the plan and from what stands in its way."""
    plan = found["plan"]
    said = [words.text("whys", plan["state"] or "none")]
    said += [words.text("whys", name, count=words.number(plan[name])) for name in _IN_THE_WAY if plan[name]]
    for left in _LEFT:
        said += [words.text("whys", left, count=words.number(rows), why=why) for why, rows in plan[left].items()]
    return said


def _asked(found: MonthFigures) -> dict[str, int]:
    """Open and overdue requests of every kind together."""
    return {"open": sum(row["open"] for row in found["requests"]),
            "overdue": sum(row["overdue"] for row in found["requests"])}


def _percent(count: int, whole: int) -> float:
    return round(100 * count / whole, 2) if whole else 0.0


def _line(rows: Sequence[tuple[str, int]]) -> str:
    """The points of a line of counts in a box of 300 by 60; the bottom is 0."""
    most, step = max([1, *(count for _, count in rows)]), 290 / max(1, len(rows) - 1)
    return " ".join(f"{5 + index * step:.1f},{55 - 50 * count / most:.1f}" for index, (_, count) in enumerate(rows))


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(percent=_percent, line=_line)
    return environment.from_string(_text("monthly.html.j2"))


@cache
def _wording() -> dict[str, Any]:
    return tomllib.loads(_text("words.toml"))


def _text(name: str) -> str:
    return files("ajprivacy_pipeline.monthly").joinpath(name).read_text(encoding="utf-8")
