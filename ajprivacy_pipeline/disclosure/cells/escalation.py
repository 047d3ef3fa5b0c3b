"""Where the cheapest complements do not suffice, more is suppressed by itself, until the gates pass.

Belongs here: what is suppressed at a place that a gate found, and in which order. Does not belong here: finding such
places (the checks), or choosing complements (secondary, differencing). What is suppressed here is judged by the very
checks that asked for it: nothing passes because it was escalated.

A place begins with its lines; a month of a table that is found again goes a step further each time:

    lines    the cell, the totals above it, the parts beside it and below it
    level    every cell of the table and period that names at least the same dimensions
    table    every cell of the table and period
    period   every cell of all tables of the same facts and period, with all its measures

A cell that stands on too few people by itself, or that one contributor dominates, is no matter of complements: there
the model and its check disagree, something is broken, and the release is refused.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date

from ajprivacy_pipeline.disclosure.cells.contributions import hiding
from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.disclosure.cells.table_rows import Chosen
from ajprivacy_pipeline.disclosure.verdict import Place
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

STEPS = ("lines", "level", "table", "period")


_WORDS = {"lines": "line by line", "level": "by whole levels", "table": "by whole tables of a period",
          "period": "by all tables of a period"}


def said(took: Mapping[str, int]) -> str:
    """What escalation took, as the release says it; nothing where it took nothing."""
    return "".join(f"; {took[f'rows_suppressed_by_{step}']:,} rows more suppressed {_WORDS[step]}" for step in STEPS
                   if took.get(f"rows_suppressed_by_{step}"))


class Escalation:
    """How far each table and period has gone."""

    def __init__(self, policy: Policy, public: dict[str, str], chosen: Chosen) -> None:
        """Nothing is suppressed yet.

        Args:
            policy: roles, and which tables show the same facts.
            public: the quoted relation of each public table.
            chosen: rows that were suppressed only to hide others; those suppressed here are added.
        """
        self._chosen = chosen
        self._policy, self._public = policy, public
        self._taken: Counter[tuple[str, date]] = Counter()
        self.took: Counter[str] = Counter()

    def suppress(self, con: Connection, places: Iterable[Place]) -> bool:
        """Suppress the next step at each place; False when nothing more could be suppressed at any."""
        found = sorted(places, key=lambda place: (place.table, place.month, place.measure, place.named))
        moved = 0
        for table, month in sorted({(place.table, place.month) for place in found}):
            here = [place for place in found if (place.table, place.month) == (table, month)]
            own = 0
            while not own and self._taken[table, month] < len(STEPS):
                step = STEPS[self._taken[table, month]]
                own = sum(self._take(con, place, step) for place in here)
                self._taken[table, month] += 1
                self.took[f"rows_suppressed_by_{step}"] += own
            moved += own
        return moved > 0

    def _take(self, con: Connection, place: Place, step: str) -> int:
        """Suppress a step at one place; returns how many rows changed."""
        tables = self._tables_of_same_facts(place.table) if step == "period" else [place.table]
        return sum(self._hide(con, place, table, step) for table in tables)

    def _tables_of_same_facts(self, table: str) -> list[str]:
        declared = self._policy.release.tables
        facts = declared[table].population or table
        return [other for other in sorted(self._public) if (declared[other].population or other) == facts]

    def _hide(self, con: Connection, place: Place, table: str, step: str) -> int:
        shape, total = shape_of(self._policy, table), self._policy.release.values.all
        measure = shape.measures[0] if step == "period" else place.measure
        keys = [d for d in shape.keys if d != shape.time]
        shown = "NOT p.suppressed" if step == "period" else f"p.{quote(measure)} IS NOT NULL"
        found = con.execute(
            f"UPDATE {self._public[table]} AS p SET {hiding(shape, measure)} WHERE p.{quote(shape.time)} = $month AND "
            f"{shown} AND {_near(place, keys, total, step)} RETURNING {', '.join(f'p.{quote(d)}' for d in keys)}",
            {"month": place.month}).fetchall()
        self._chosen.update((table, place.month, tuple(sorted((d, v) for d, v in zip(keys, row, strict=True)
                                                              if v != total))) for row in found)
        return len(found)


def _near(place: Place, keys: list[str], total: str, step: str) -> str:
    """The condition under which a row `p` of the place's table and period belongs to a step."""
    named = dict(place.named)
    if step == "lines":
        off = " + ".join(["0", *(f"CAST(p.{quote(d)} <> {literal(named.get(d, total))} AS INTEGER)" for d in keys)])
        return f"({off}) <= 1"
    return " AND ".join(["true", *(f"p.{quote(d)} <> {literal(total)}" for d in keys
                                   if d in named and step == "level")])
