"""G5 of rounded stocks that add up: what shown totals and parts, each rounded by itself, leave a suppressed one.

Belongs here: suppressing more until each suppressed stock is as open as a rounded one, and the check of it. Does not
belong here: stocks and flows over time (stock_flow), sums of exact figures (table_system).

Each figure leaves k numbers open, but together they say more: 130 of 130 retained, of whom 30 and at most 94 in two
types that are 34 and 104 at most, leave three for what is suppressed beside the 30. Of each suppressed stock at least k
numbers must stay possible, as of one that is shown: 0 to 9 say no more than that it is suppressed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ajprivacy_pipeline.disclosure.cells.contributions import hiding
from ajprivacy_pipeline.disclosure.cells.linear_programs import ends_of
from ajprivacy_pipeline.disclosure.cells.primary import Shape, shape_of
from ajprivacy_pipeline.disclosure.cells.table_system import Array
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, quote

_SLACK = 1e-6


@dataclass
class _Sums:
    """The listed stocks of a period: keys (the time first), what is shown (None: suppressed), which lines are 0."""

    keys: list[tuple[Any, ...]]
    shown: list[int | None]
    rounded_to: list[int]
    lines: Array
    k: int

    def narrow(self) -> list[int]:
        """The suppressed cells that leave fewer than k numbers, in order."""
        hidden = [i for i, value in enumerate(self.shown) if value is None]
        return [i for i, width in zip(hidden, self.widths(hidden), strict=True) if width < self.k - 1 - _SLACK]

    def widths(self, cells: list[int]) -> list[float]:
        """How far apart the least and the most of each cell are."""
        far = 10.0 * self.k + 2 * sum(value or 0 for value in self.shown)
        bounds = [(0.0, far) if value is None else (0.0, 0.0) if value == 0 else
                  (max(self.k, value - unit // 2), value - unit // 2 + unit - 1)
                  for value, unit in zip(self.shown, self.rounded_to, strict=True)]
        lower, upper = np.array(bounds, dtype=float).reshape(-1, 2).T
        return [most - least for least, most in ends_of(self.lines, lower, upper, cells)]

    def best(self, cell: int, total: str) -> int | None:
        """The shown cell to suppress for a narrow one, of its own lines, else of all.

        One that suffices, else the one that opens it most; of several the one that names most dimensions, the smallest.
        """
        beside = {int(j) for line in self.lines if line[cell] for j in np.flatnonzero(line)}
        shown = [i for i, value in enumerate(self.shown) if value]
        found: list[tuple[float, int, int, int]] = []
        for i in [i for i in shown if i in beside] or shown:
            was, self.shown[i] = self.shown[i], None
            found.append((-round(min(self.widths([cell])[0], self.k - 1), 6), self.keys[i].count(total), was or 0, i))
            self.shown[i] = was
        return min(found)[-1] if found else None


def suppress_sums(con: Connection, policy: Policy, public: Mapping[str, str]) -> int:
    """Suppress shown stocks until every suppressed one is open enough; returns how many that took."""
    taken = 0
    for shape, measure, relation in _stocks(policy, public):
        for sums in _read(con, policy, shape, measure, relation):
            while narrow := sums.narrow():
                cell = sums.best(narrow[0], policy.release.values.all)
                if cell is None:
                    break
                sums.shown[cell] = None
                same = " AND ".join(f"p.{quote(d)} = ?" for d in shape.keys)
                con.execute(f"UPDATE {relation} AS p SET {hiding(shape, measure)} WHERE {same}", list(sums.keys[cell]))
                taken += 1
    return taken


def check_sums(con: Connection, policy: Policy, public: Mapping[str, str]) -> Verdict:
    """Checks G5 of suppressed stocks by the totals and parts beside them."""
    violations, judged = [], 0
    for shape, measure, relation in _stocks(policy, public):
        found = list(_read(con, policy, shape, measure, relation))
        judged += sum(sums.shown.count(None) for sums in found)
        if many := sum(len(sums.narrow()) for sums in found):
            violations.append(f"{shape.table}.{measure}: {many:,} suppressed values can be told too closely by rounded "
                              "totals and parts")
    return verdict("G5", f"{judged:,} suppressed rounded counts", violations, {"suppressed_in_rounded_sums": judged})


def _stocks(policy: Policy, public: Mapping[str, str]) -> Iterator[tuple[Shape, str, str]]:
    for table in sorted(public):
        shape, columns = shape_of(policy, table), policy.release.tables[table].columns
        yield from ((shape, m, public[table]) for m in shape.stocks if {*columns[m].additive_over} & {*shape.keys[1:]})


def _read(con: Connection, policy: Policy, shape: Shape, measure: str, relation: str) -> Iterator[_Sums]:
    """The stocks of each period with their sums; parts of a level that is not listed make none."""
    columns, total = ", ".join(map(quote, shape.keys)), policy.release.values.all
    additive = policy.release.tables[shape.table].columns[measure].additive_over
    rows = con.execute(f"SELECT {columns}, {quote(measure)}, rounded_to FROM {relation} ORDER BY {columns}").fetchall()
    for when in sorted({row[0] for row in rows}):
        keys = [tuple(row[:-2]) for row in rows if row[0] == when]
        lines = []
        for i, key in enumerate(keys):
            for at, dimension in enumerate(shape.keys):
                parts = [j for j, other in enumerate(keys) if other[at] != total
                         and (*other[:at], total, *other[at + 1:]) == key]
                if dimension in additive and key[at] == total and parts:
                    line = np.zeros(len(keys))
                    line[i], line[parts] = -1, 1
                    lines.append(line)
        here = [row for row in rows if row[0] == when]
        yield _Sums(keys, [row[-2] for row in here], [row[-1] for row in here],
                    np.array(lines).reshape(len(lines), len(keys)), policy.release.thresholds.k)
