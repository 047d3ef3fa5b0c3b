"""Rounded counts, checked: by what is written, beside the exact tables as they are to be published.

Belongs here: reading a written table of rounded counts and judging it for G2, G5 and G17. Does not belong here:
rounding (rounding, rounded_counts), what a reader can work out (rounded_audit).
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from ajprivacy_pipeline.disclosure.cells.presence import check_presence
from ajprivacy_pipeline.disclosure.cells.primary import counted, shape_of
from ajprivacy_pipeline.disclosure.cells.rounded_audit import Counted, Told
from ajprivacy_pipeline.disclosure.cells.rounded_counts import BesideExact, dimensions_of, measure_of
from ajprivacy_pipeline.disclosure.cells.table_rows import Key
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote


@dataclass
class Judged:
    """What a check found: of each guarantee its violations, of each period what is told, and the published counts."""

    threshold: list[str] = field(default_factory=list)
    presence: list[str] = field(default_factory=list)
    told: dict[Any, Told] = field(default_factory=dict)
    counts: dict[Any, Counted] = field(default_factory=dict)

    def sums(self, table: str) -> list[str]:
        """Returns the violations of G5, a line a kind."""
        cells = sum(len(one.cells) for one in self.told.values())
        others = sum(len(one.others) for one in self.told.values())
        kinds = [(cells, "small counts can be told too closely beside the exact tables"),
                 (others, "suppressed values of the exact tables can be told too closely beside it")]
        return [f"{table}: {count:,} {what}" for count, what in kinds if count]


def rounded_faults(con: Connection, policy: Policy, table: str, relation: str) -> list[str]:
    """Returns what is wrong with a table of rounded counts by itself: a line a kind."""
    shape, k = shape_of(policy, table), policy.release.thresholds.k
    measure, total = quote(measure_of(policy, table)), literal(policy.release.values.all)
    wrong = f"{measure} < 0 OR {measure} % rounded_to <> 0 OR rounded_to < {k:d} OR rounded_to % {k:d} <> 0"
    faults = counted(con, relation, {
        f"{table}: {{}} counts are no multiple of what they are rounded to, which is one of k":
            f"coalesce({wrong}, true)"})
    keys = ", ".join(map(quote, shape.keys))
    repeated = f"(SELECT 1 FROM {relation} GROUP BY {keys} HAVING count(*) > 1)"
    faults += counted(con, repeated, {f"{table}: {{}} cells occur more than once": "true"})
    for dimension in dimensions_of(policy, table):
        rest = ", ".join(quote(d) for d in shape.keys if d != dimension)
        sums = (f"(SELECT sum({measure}) FILTER ({quote(dimension)} = {total}) AS whole, "
                f"sum({measure}) FILTER ({quote(dimension)} <> {total}) AS parts FROM {relation} GROUP BY {rest})")
        faults += counted(con, sums, {f"{table}: {{}} totals over {dimension} are not the sums of their parts":
                                      "whole IS DISTINCT FROM parts"})
    return faults


def check_rounded(con: Connection, policy: Policy, table: str, relation: str, beside: BesideExact,
                  months: Collection[Any]) -> Judged:
    """Checks some periods of a written table of rounded counts.

    Args:
        con: holds the cells and the written table.
        policy: the thresholds.
        table: the table of rounded counts.
        relation: its quoted relation.
        beside: the exact figures.
        months: the first days of the periods to look at.
    """
    judged = Judged(rounded_faults(con, policy, table, relation))
    judged.presence += check_presence(con, policy, {table: relation}).violations
    judged.presence += _not_all(con, policy, table, relation)
    for month in sorted(months):
        judged.counts[month], base, wrong = _counts(con, policy, table, relation, month)
        if wrong:
            judged.threshold.append(f"{table}: {wrong:,} counts of a period lie further from the true ones than "
                                    "rounding takes them")
        elif judged.counts[month]:
            true, told = ({key: both[at] for key, both in judged.counts[month].items()} for at in (0, 1))
            judged.told[month] = beside.audit(month, true, measure_of(policy, table)).of(told, base)
    return judged


def _counts(con: Connection, policy: Policy, table: str, relation: str,
            month: Any) -> tuple[Counted, int, int]:
    """By finest cell of a period the true and the published count, the base, and how many are further apart."""
    shape, measure, dimensions = shape_of(policy, table), measure_of(policy, table), dimensions_of(policy, table)
    keys, total = ", ".join(map(quote, shape.keys)), literal(policy.release.values.all)
    named = " AND ".join(f"{quote(d)} <> {total}" for d in dimensions)
    columns = ", ".join([*map(quote, dimensions), f"c.{quote(measure)}", f"p.{quote(measure)}", "rounded_to"])
    rows = con.execute(f"SELECT {columns} FROM (SELECT * FROM {relation} WHERE {named}) AS p "
                       f"JOIN published.{quote(table)} AS c USING ({keys}) WHERE {quote(shape.time)} = $month "
                       "ORDER BY ALL", {"month": month}).fetchall()
    found: dict[Key, tuple[int, int]] = {
        tuple(sorted(zip(dimensions, row[:-3], strict=True))): (row[-3], row[-2]) for row in rows}
    base = max((row[-1] for row in rows), default=policy.release.thresholds.k)
    return found, base, sum(abs(true - told) >= base for true, told in found.values())


def _not_all(con: Connection, policy: Policy, table: str, relation: str) -> list[str]:
    """Periods that list other cells than all there may be: that one is listed would say something."""
    shape, total = shape_of(policy, table), literal(policy.release.values.all)
    keys = ", ".join(map(quote, shape.keys))
    named = " AND ".join(f"{quote(d)} <> {total}" for d in dimensions_of(policy, table))
    shown = f"(SELECT {keys}, 1 AS there FROM {relation} WHERE {named})"
    missing = (f"(SELECT {quote(shape.time)} FROM {shown} AS p FULL JOIN published.{quote(table)} AS c USING ({keys}) "
               f"WHERE {quote(shape.time)} IN (SELECT {quote(shape.time)} FROM {relation}) "
               f"AND (p.there IS NULL OR c.{quote(measure_of(policy, table))} IS NULL))")
    return counted(con, missing, {f"{table}: {{}} cells that there may be are not listed, or others are": "true"})
