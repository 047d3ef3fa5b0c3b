"""An answer as files: a page that needs nothing else, JSON, and CSV for each table.

Belongs here: how an answer reads. Does not belong here: what it says (`package`), where it lies (`folder`).
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ajprivacy_pipeline.rights.opening import PORTABILITY
from ajprivacy_pipeline.rights.shapes import SCHEMA, FieldTold, HeldRow, HeldTable, Package
from ajprivacy_pipeline.rights.shown import shown
from ajprivacy_pipeline.rights.wording import Wording

if TYPE_CHECKING:
    from jinja2 import Template

WIDE = 6  # rows from which on a table is laid out a row a line
_NAME = re.compile(r"\W+")


def render_files(package: Package) -> dict[str, str]:
    """Returns the files of an answer by name: package.json, package.html, and a CSV file for each table.

    What a person takes along has the schema of the JSON with it, for whoever reads it next.
    """
    found = {"package.json": package.model_dump_json(indent=2) + "\n",
             "package.html": render(package)}
    if package.held and package.kind == PORTABILITY:
        found[SCHEMA.name] = SCHEMA.read_text(encoding="utf-8")
    for table in package.held:
        name = _NAME.sub("_", table.table) + ("" if table.kind == "own" else f"_{table.kind}")
        found[f"{name}.csv"] = _csv(table)
    return found


def render(package: Package) -> str:
    """Returns the page: for a screen, a phone, paper."""
    words = Wording(package.language)
    has_data = package.kind in ("access", "portability") and not package.refused and package.letter == "answer"
    title = f"title_{package.kind if has_data else 'other' if package.letter == 'answer' else package.letter}"
    titles = {one.name: one.title for one in package.purposes}
    return _template().render(p=package, w=words, title=words(title), wide=WIDE, has_data=has_data, labels=_labels,
                              filled=_filled, has_ends=_has_ends, periods=_periods,
                              ends=lambda table, row: _ends(words, table, row),
                              shown=_once(words),
                              reasons=lambda table: _reasons(words, table, titles),
                              titled=lambda names: "; ".join(titles[name] for name in names))


def _once(words: Wording) -> Callable[[FieldTold, str], str]:
    """Values as a reader sees them, each worked out once: currencies, names and days stand in row after row."""
    known: dict[tuple[str, str | None, str], str] = {}

    def told(field: FieldTold, value: str) -> str:
        place = field.name, field.type, value
        if place not in known:
            known[place] = shown(words, field, value)
        return known[place]

    return told


def _labels(table: HeldTable, names: Sequence[str]) -> str:
    known = {field.name: field.label for field in table.fields}
    return ", ".join(known[name] for name in names)


def _filled(table: HeldTable) -> list[FieldTold]:
    """The fields of which some row holds a value."""
    return [field for field in table.fields if any(row.values.get(field.name) is not None for row in table.rows)]


def _has_ends(table: HeldTable) -> bool:
    """Whether some row has an end of its own."""
    return any(kept.decision != "period" for row in table.rows for kept in row.kept)


def _ends(words: Wording, table: HeldTable, row: HeldRow) -> str:
    """Until when a row is kept; where its parts differ, which is which by the first field of each."""
    found = [kept for kept in row.kept if kept.decision != "period"]
    if len(found) < 2:
        return "".join(kept.text for kept in found)
    named = [(_labels(table, kept.fields[:1]), len(kept.fields) - 1, kept.text) for kept in found]
    return " ".join(f"{words('more_fields', first=first, count=others) if others else first}: {text}"
                    for first, others, text in named)


def _periods(table: HeldTable) -> list[tuple[str, str]]:
    """What is kept for a period that is the same for every row: the fields, and the period in words."""
    found: dict[str, dict[str, None]] = {}
    for row in table.rows:
        for kept in row.kept:
            if kept.decision == "period":
                found.setdefault(kept.text, {}).update(dict.fromkeys(kept.fields))
    return [(_labels(table, [field.name for field in table.fields if field.name in fields]), text)
            for text, fields in found.items()]


def _reasons(words: Wording, table: HeldTable, titles: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Fields that are held for the same, together: what they are called, for what, and by which promises."""
    found: dict[tuple[str, str], list[str]] = {}
    for field in _filled(table):
        key = "; ".join(titles[name] for name in field.purposes), words.promises(field.clauses)
        found.setdefault(key, []).append(field.label)
    return [(", ".join(labels), purposes, clauses) for (purposes, clauses), labels in found.items()]


def _csv(table: HeldTable) -> str:
    out = io.StringIO()
    names = [field.name for field in table.fields]
    writer = csv.DictWriter(out, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in table.rows:
        writer.writerow({name: value for name, value in row.values.items() if value is not None})
    return out.getvalue()


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(Path(__file__).with_name("package.html.j2").read_text(encoding="utf-8"))
