"""The visible share: how much of a table's orders, revenue and people stands in cells that are shown.

Belongs here: measuring it by level, a level being so many dimensions named, and what of it a release may say. Does not
belong here: golden queries (`utility`), drawing (`page`).

A share is the sum over a level's shown cells by the sum over all its true cells. Who reads it knows the first sum, and
would learn the second, and with it what the suppressed cells come to. So this is said, rounded down to whole percent:

- Periods whose own total is suppressed are not counted, and how many are is told beside the share. At the level
  without a dimension the share is that of the periods whose total is shown.
- A measure that adds up over all dimensions of its table: the true sum of a level follows from the shown totals of its
  periods, so the share follows from the published cells alone and is worked out from them.
- A count that does not (orders over categories, people): a release speaks of the periods it computes, and only where
  the percentage leaves the suppressed sum open by at least k upwards, and by k or down to nothing downwards. Later
  releases put together what was said before; they speak of no period twice, and a re-issue adds nothing.
- Nothing else is said, in the run's own metadata neither: these are read by more people than the cells are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ajprivacy_pipeline.disclosure.cells.primary import Shape, shape_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, engine_errors, literal, quote

Said = dict[str, Any]
NOTHING = ("nothing is visible: no figure stands on enough people and companies. A longer period, such as a quarter or "
           "a year, or fewer dimensions would help")

NOT_LISTED = ("no period is listed: it has more combinations than are rounded, or its counts could be told beside the "
              "exact tables. A longer period, or fewer product categories, would help")
EMPTY = "there are no rows: nothing of the kind happened in the published periods"
MEANING = "Share of the measure that stands in shown cells, of the periods whose total is shown."
MEANING_OF_TOTALS = "Share of the periods whose total is shown."
NOT_TOLD = "A share would tell too closely what is suppressed."


@dataclass(frozen=True)
class _Part:
    """Some cells of one period that name the same dimensions: a bit a dimension; sums of their measures, None without.

    `shown` counts, measure by measure, the cells that have a value.
    """

    named: int
    period: str
    cells: int
    suppressed: int
    sums: dict[str, int]
    shown: dict[str, int]


def visible_shares(con: Connection, policy: Policy, public: Mapping[str, str], closed: Mapping[str, str],
                   previous: Sequence[Said], *, is_new: bool) -> list[Said]:
    """Returns what a release says of its visible shares, table by table.

    Args:
        con: holds the true cells and the public tables.
        policy: roles, k.
        public: the quoted relation of each public table of the computed periods.
        closed: that of the periods that were published before.
        previous: what the previous release said; empty for a first one.
        is_new: whether the computed periods were never published before.
    """
    said: list[Said] = []
    earlier = {entry["table"]: entry["levels"] for entry in previous}
    with engine_errors("visible shares"):
        for table in policy.release.tables:
            relations = [known[table] for known in (public, closed) if table in known]
            if not relations:
                continue
            if policy.release.tables[table].rounded:  # every cell that is listed has a number: no share to tell
                rows = con.execute(" UNION ALL ".join(f"SELECT count(*) FROM {one}" for one in relations)).fetchall()
                nothing = "" if any(row[0] for row in rows) else NOT_LISTED
                said.append({"table": table, "nothing": nothing, "levels": []})
                continue
            shape = shape_of(policy, table)
            true = _parts(con, policy, shape, [f"published.{quote(table)}"], "false") if table in public else []
            shown = _parts(con, policy, shape, relations, "suppressed")
            computed = _parts(con, policy, shape, [public[table]], "suppressed") if table in public else []
            before = {(level["dimensions"], share["measure"]): share
                      for level in earlier.get(table, ()) for share in level["shares"]}
            said.append(_table(policy, shape, shown, true, computed if is_new else [], before))
    return said


def measures_told(policy: Policy, shape: Shape) -> list[str]:
    """Returns the measures whose share is told: the leading count, amounts of money, people; no stock, no median."""
    columns, source = policy.release.tables[shape.table].columns, policy.release.tables[shape.table].contributors
    people = set(source.persons) if source else set()
    return [m for i, m in enumerate(shape.measures) if m not in shape.stocks and (
        i == 0 or m in people or (columns[m].dominance and columns[m].type.startswith("DECIMAL")))]


def _parts(con: Connection, policy: Policy, shape: Shape, relations: list[str], suppressed: str) -> list[_Part]:
    """The cells of some relations put together by period and by which dimensions they name."""
    total, dimensions = literal(policy.release.values.all), [d for d in shape.keys if d != shape.time]
    named = " + ".join(f"CAST({quote(d)} <> {total} AS INTEGER) * {2 ** i:d}" for i, d in enumerate(dimensions)) or "0"
    sums = ", ".join(f"sum({quote(m)}), count({quote(m)})" for m in shape.measures)
    columns = ", ".join(map(quote, dict.fromkeys([*shape.keys, *shape.measures])))
    source = " UNION ALL ".join(f"SELECT {columns}, {suppressed} AS is_suppressed FROM {one}" for one in relations)
    found = con.execute(f"SELECT {named} AS named, strftime({quote(shape.time)}, '%Y-%m') AS period, count(*), "
                        f"count(*) FILTER (is_suppressed), {sums} FROM ({source}) GROUP BY ALL ORDER BY ALL").fetchall()
    return [_Part(row[0], row[1], row[2], row[3], dict(zip(shape.measures, row[4::2], strict=True)),
                  dict(zip(shape.measures, row[5::2], strict=True))) for row in found]


def _table(policy: Policy, shape: Shape, shown: list[_Part], true: list[_Part], computed: list[_Part],
           before: Mapping[tuple[int, str], Said]) -> Said:
    """What is said of one table; without any figure in it, that there is none."""
    levels = sorted({part.named.bit_count() for part in (*shown, *true)})
    return {"table": shape.table, "nothing": _nothing(shown, true), "levels": [
        {"dimensions": level, "cells": sum(part.cells for part in shown if part.named.bit_count() == level),
         "suppressed": sum(part.suppressed for part in shown if part.named.bit_count() == level),
         "shares": [{"measure": measure, **_share(policy, shape, measure, level, shown, true, computed,
                                                  before.get((level, measure), {}))}
                    for measure in measures_told(policy, shape)]} for level in levels]}


def _nothing(shown: list[_Part], true: list[_Part]) -> str:
    """What there is to say of a table without a figure in it; empty for any other."""
    if not shown and not true:
        return EMPTY
    return "" if any(any(part.shown.values()) for part in shown) else NOTHING


def _share(policy: Policy, shape: Shape, measure: str, level: int, shown: list[_Part], true: list[_Part],
           computed: list[_Part], before: Said) -> Said:
    """What is said of one measure at one level: `percent` (None: nothing may be said), and of how many `periods`."""
    periods = {part.period for part in (*shown, *true)}  # of a level that is not listed there are true cells alone
    totals = {part.period: part.sums[measure] for part in shown if part.named == 0 and part.shown[measure]}
    named = {part.named for part in (*shown, *true) if part.named.bit_count() == level}
    said: Said = {"percent": None, "periods": len(totals), "of": len(periods)}
    if level == 0:
        return {**said, "percent": 100 * len(totals) // len(periods)}
    if not any(part.shown[measure] for part in shown if part.named.bit_count() == level):
        return {**said, "percent": 0, "periods": len(periods)}
    has_totals = any(part.named == 0 for part in (*shown, *true))
    visible = _sum(shown, measure, level, totals if has_totals else periods)
    columns = policy.release.tables[shape.table].columns
    if has_totals and {*shape.keys} - {shape.time} <= {*columns[measure].additive_over}:
        whole = len(named) * sum(totals.values())
        return {**said, "percent": percent(visible, whole) if 0 <= visible <= whole else None}
    return _told(policy, measure, level, totals if has_totals else periods, computed, true, before) | {
        "of": len(periods)}


def _told(policy: Policy, measure: str, level: int, counted: Any, computed: list[_Part], true: list[_Part],
          before: Said) -> Said:
    """What earlier releases said of a count that adds up to no total, and what may be said of the computed periods.

    `at_most` is what a reader takes the sums over all cells for, at most, in thousandths.
    """
    said = {name: before.get(name, 0) if "at_most" in before else 0 for name in ("shown", "at_most", "periods")}
    inside = {part.period for part in true} & set(counted) if computed else set()
    visible, whole = _sum(computed, measure, level, inside), _sum(true, measure, level, inside)
    there = [part.cells for part in true if part.period in inside and part.named.bit_count() == level]
    seen = [part.shown[measure] for part in computed if part.period in inside and part.named.bit_count() == level]
    found = percent(visible, whole)
    if found and isinstance(visible, int) and may_tell(found, visible, whole - visible, sum(there) - sum(seen),
                                                       policy.release.thresholds.k):
        said = {"shown": said["shown"] + visible, "at_most": said["at_most"] + 100_000 * visible // found,
                "periods": said["periods"] + len(inside)}
    return {**said, "percent": percent(1000 * said["shown"], said["at_most"])}


def percent(part: int, whole: int) -> int | None:
    """Returns a share in whole percent, rounded down; None of nothing."""
    return int(100 * part // whole) if whole > 0 else None


def may_tell(told: int, shown: int, hidden: int, gaps: int, k: int) -> bool:
    """Returns whether a whole percentage leaves what is hidden open enough.

    Who knows the shown sum takes from `told` percent that the hidden one lies above
    shown * (99 - told) / (told + 1) and at shown * (100 - told) / told or below.

    Args:
        told: the percentage, 1 to 100.
        shown: the sum over the shown cells.
        hidden: the sum over the suppressed ones.
        gaps: how many cells are suppressed or not listed.
        k: how far the hidden sum must be open.
    """
    if gaps == 0:
        return True
    most, least = shown * (100 - told) / told, max(0.0, shown * (99 - told) / (told + 1))
    return most - hidden >= k and (least == 0 or hidden - least >= k)


def _sum(parts: list[_Part], measure: str, level: int, periods: Any) -> Any:
    return sum(part.sums[measure] or 0 for part in parts
               if part.period in periods and part.named.bit_count() == level)


def exact_shares(con: Connection, policy: Policy, table: str, relation: str) -> dict[tuple[str, int], float]:
    """Returns the visible share of each told measure by how many dimensions are named, as it is: not to be published.

    Args:
        con: holds the true cells and the public table.
        policy: roles.
        table: the published table.
        relation: its public table, quoted. A level that it does not list is not visible.
    """
    shape = shape_of(policy, table)
    computed = _parts(con, policy, shape, [relation], "suppressed")
    true = _parts(con, policy, shape, [f"published.{quote(table)}"], "false")
    periods = {part.period for part in true}
    found = {}
    for measure in measures_told(policy, shape):
        for level in sorted({part.named.bit_count() for part in true}):
            whole = _sum(true, measure, level, periods)
            if whole > 0:
                found[measure, level] = float(_sum(computed, measure, level, periods) / whole)
    return found


def told_lines(visible: Iterable[Said]) -> Iterator[tuple[str, str]]:
    """Yields each table with its shares in one line; level after level, as so many dimensions are named."""
    for entry in visible:
        shares: dict[str, list[str]] = {}
        for level in entry["levels"]:
            for share in level["shares"]:
                told = "–" if share["percent"] is None else f"{share['percent']}"
                shares.setdefault(share["measure"], []).append(told)
        listed = "; ".join(f"{measure} {', '.join(found)} %" for measure, found in shares.items())
        yield entry["table"], entry["nothing"] or listed or "rounded figures"


def visible_rows(visible: Iterable[Said]) -> Iterator[tuple[Any, ...]]:
    """Yields the rows of release_info that tell of shares: table, verdict, figure, title, meaning, percent."""
    for entry in visible:
        table = entry["table"]
        if entry["nothing"]:
            yield table, "nothing visible", entry["nothing"], None, None, None
        for level in entry["levels"] if not entry["nothing"] else ():
            for share in level["shares"]:
                told = share["percent"] is not None
                yield (table, "visible" if told else "not told", f"{share['periods']:,} of {share['of']:,} periods",
                       f"{share['measure']}, {named(level['dimensions'])}",
                       MEANING_OF_TOTALS if level["dimensions"] == 0 else MEANING if told else NOT_TOLD,
                       share["percent"])


def named(dimensions: int) -> str:
    """Returns how a level is called."""
    return {0: "total", 1: "1 dimension named"}.get(dimensions, f"{dimensions} dimensions named")
