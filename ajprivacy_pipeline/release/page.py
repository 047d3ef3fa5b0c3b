"""The page of a release: what was published, what proves it, what it cost in suppressed cells; `release.html`.

Belongs here: figures of the published files alone, and their drawing. Does not belong here: proving. The page lies in
the immutable folder and in its manifest, so it is the same for the same release: no time, no run, one order.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release.manifest import ABOUT
from ajprivacy_pipeline.release.plots import plots_of
from ajprivacy_pipeline.release.visible import named
from ajprivacy_pipeline.storage.zones import engine_errors, literal, memory

PAGE = "release.html"
_TEMPLATE = Path(__file__).with_name("release.html.j2")
_UNSEEN = ("style", "script")


@dataclass(frozen=True)
class TableUse:
    """What of a table may be used: rows, those suppressed whole, values suppressed singly; the same by month."""

    table: str
    rows: int
    suppressed: int
    singly: int
    months: tuple[tuple[str, int, int], ...] = ()

    @property
    def percent(self) -> float:
        """The share of rows that is suppressed, rounded to a tenth."""
        return round(100 * self.suppressed / self.rows, 1) if self.rows else 0.0


def write_page(policy: Policy, folder: Path, paths: Iterable[str], head: Mapping[str, Any]) -> dict[str, int]:
    """Write the page into a staged release, and return its path with 0 rows, for the manifest.

    Args:
        policy: declares the tables.
        folder: holds the files.
        paths: the release's Parquet files, relative to the folder.
        head: what the manifest says of the release as a whole.

    Raises:
        ZoneError: a file cannot be read or the page not written.
    """
    text = render(policy, head, table_uses(policy, folder, paths))
    with engine_errors(f"published/{PAGE}"):
        (folder / PAGE).write_text(text, encoding="utf-8")
    return {PAGE: 0}


def table_uses(policy: Policy, folder: Path, paths: Iterable[str]) -> list[TableUse]:
    """Returns what is suppressed of each table of a folder, by its files; what tells of the release is left out."""
    files: dict[str, list[str]] = {}
    for path in sorted(paths):
        if (table := path.partition("/")[0]) not in ABOUT:
            files.setdefault(table, []).append(path)
    con = memory()
    try:
        return [_use(con, policy, folder, table, listed) for table, listed in files.items()]
    finally:
        con.close()


def _use(con: Any, policy: Policy, folder: Path, table: str, paths: list[str]) -> TableUse:
    flags = "suppressed" in policy.release.tables[table].columns
    whole, singly = ("suppressed", "len(suppressed_measures)") if flags else ("false", "0")
    listed = ", ".join(literal(str(folder / path)) for path in paths)
    with engine_errors(f"published/{table}"):
        found = {row[0]: row[1:] for row in con.execute(
            f"SELECT filename, count(*), count(*) FILTER ({whole}), coalesce(sum({singly}), 0) "
            f"FROM read_parquet([{listed}], filename = true) GROUP BY filename").fetchall()}
    counts = [found.get(str(folder / path), (0, 0, 0)) for path in paths]  # of an empty file there is nothing to group
    alone = sum(int(values) for _, _, values in counts)
    months = [(path.partition("/")[2].removesuffix(".parquet"), int(rows), int(suppressed))
              for path, (rows, suppressed, _) in zip(paths, counts, strict=True)]
    dated = tuple(month for month in months if month[0] != "all")
    return TableUse(table, sum(month[1] for month in months), sum(month[2] for month in months), alone, dated)


def render(policy: Policy, head: Mapping[str, Any], uses: list[TableUse]) -> str:
    """Returns the page as text."""
    meanings = {name: table.description for name, table in policy.release.tables.items()}
    gates = [(one, one.words(policy), head["guarantees"][one.id]) for one in GUARANTEES.values()
             if one.id in head["guarantees"]]
    return str(_template().render(
        head=head, gates=gates, absent=dict(head.get("absent") or {}), meanings=meanings,
        uses=[(use, _levels(head, use.table)) for use in uses], plots=plots_of(policy, head),
        trends=[_trend(use) for use in uses if len(use.months) > 1]))


@cache
def _template() -> Any:
    """The page's template, which is rendered before its figures are known and after."""
    from jinja2 import Environment, StrictUndefined
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = lambda count: f"{count:,}"
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))


def _levels(head: Mapping[str, Any], table: str) -> dict[str, Any]:
    """What the page says of a table's levels: the measures whose share is told, a row a level, and what is amiss."""
    empty: dict[str, Any] = {"nothing": "", "levels": []}
    entry = next((one for one in head.get("visible", ()) if one["table"] == table), empty)
    measures = [share["measure"] for level in entry["levels"][:1] for share in level["shares"]]
    rows = [{"name": named(level["dimensions"]), "cells": level["cells"], "suppressed": level["suppressed"],
             "shares": [share["percent"] for share in level["shares"]]}
            for level in entry["levels"]]
    return {"nothing": entry["nothing"], "measures": measures, "rows": rows}


def _trend(use: TableUse) -> dict[str, Any]:
    """A line of the share suppressed by month, in a box of 300 by 60."""
    step = 290 / (len(use.months) - 1)
    shares = [suppressed / rows if rows else 0.0 for _, rows, suppressed in use.months]
    points = " ".join(f"{5 + index * step:.1f},{55 - share * 50:.1f}" for index, share in enumerate(shares))
    return {"table": use.table, "points": points, "first": use.months[0][0], "last": use.months[-1][0]}


def words_of(page: str) -> Iterator[str]:
    """Yields every text of a page that holds a letter, for the leak scan.

    That is what a reader sees, and what attributes say.
    """
    reader = _Reader()
    reader.feed(page)
    for text in reader.texts:
        if re.search(r"[^\W\d_]", text):
            yield text


def planned_words(policy: Policy, head: Mapping[str, Any]) -> set[str]:
    """Returns every text that the page of a release can hold, before its figures are known."""
    uses = [TableUse(table, 1, 0, 0, (("", 1, 0), ("", 1, 0))) for table in policy.release.tables if table not in ABOUT]
    return set(words_of(render(policy, head, uses)))


class _Reader(HTMLParser):
    """Collects texts and the attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what attributes say, and whether the content is seen."""
        self._unseen += tag in _UNSEEN
        self.texts += [value for name, value in attrs if value and name in ("aria-label", "title", "alt")]

    def handle_endtag(self, tag: str) -> None:
        """The end of what is not seen."""
        self._unseen -= tag in _UNSEEN

    def handle_data(self, data: str) -> None:
        """A text between tags."""
        if not self._unseen and data.strip():
            self.texts.append(data.strip())
