"""G5 over time: what stocks tell of the flows between them, and flows of the stocks.

Belongs here: suppressing the flows that a stock would narrow, and the check of it by intervals. Does not belong here:
sums within a month (complement). Which flows lead from one month's stock to the next says the policy, `flows`.

    stock = stock of the month before + what came - what went

Flows are exact, stocks rounded. A row of months with both flows shown pins their stocks down to almost nothing, each
rounding says a little more; a single suppressed flow between two such stocks is then known, however well it was hidden.
So the two flows of a month are shown both or neither: of two unknowns their difference alone can be told, and each may
be as large as it likes. A suppressed stock takes the flows that lead to it and away from it along.

The sum holds within one reading of the warehouse. A month that was published earlier knew people who have been erased
or restricted since, and not what was booked late: what is shown may then contradict the sum. A reader who sees it knows
that between those two months the sum says nothing, so it is left out there, and only there.
"""

from dataclasses import dataclass

import numpy as np

from ajprivacy_pipeline.disclosure.cells.linear_programs import ends_of
from ajprivacy_pipeline.disclosure.cells.table_system import Array
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

_SLACK = 1e-6
_FIGURES = ("stock", "came", "went")
_Bounds = list[tuple[float, float]]  # the least and the most of a month's stock, of what came and of what went


@dataclass(frozen=True)
class Balance:
    """A stock of a public table and its two flows; `closed` is the relation of the months before, where there are."""

    table: str
    relation: str
    stock: str
    flows: tuple[str, str]
    closed: str | None

    @property
    def rows(self) -> str:
        """Every month that a reader has: computed ones (`is_new`) and closed ones."""
        columns = f"month, {quote(self.stock)} AS stock, {quote(self.flows[0])} AS came, {quote(self.flows[1])} AS went"
        earlier = f" UNION ALL SELECT {columns}, rounded_to, false AS is_new FROM {self.closed}" if self.closed else ""
        return f"(SELECT {columns}, rounded_to, true AS is_new FROM {self.relation}{earlier})"


def balances(policy: Policy, public: dict[str, str], closed: dict[str, str]) -> list[Balance]:
    """Returns the stocks with flows among the public tables; `closed` has each table's published months."""
    return [Balance(table, relation, stock, column.flows, closed.get(table))
            for table, relation in sorted(public.items())
            for stock, column in policy.release.tables[table].columns.items() if column.flows]


def suppress_flows(con: Connection, policy: Policy, public: dict[str, str], closed: dict[str, str]) -> int:
    """Suppress both flows of a month where one of them, its stock or the stock before is; return how many that took."""
    taken = 0
    for one in balances(policy, public, closed):
        came, went = map(quote, one.flows)
        marks = ", ".join(map(literal, one.flows))
        con.execute(f"CREATE OR REPLACE TEMP TABLE balance_gone AS SELECT r.month FROM {one.rows} AS r "
                    f"LEFT JOIN {one.rows} AS b ON b.month + INTERVAL 1 MONTH = r.month WHERE r.is_new "
                    "AND (r.came IS NOT NULL OR r.went IS NOT NULL) AND (r.came IS NULL OR r.went IS NULL "
                    "OR r.stock IS NULL OR (b.month IS NOT NULL AND b.stock IS NULL))")
        taken += int(con.execute(
            f"UPDATE {one.relation} AS p SET {came} = NULL, {went} = NULL, suppressed_measures = "
            f"list_sort(list_distinct(list_concat(p.suppressed_measures, [{marks}]))) "
            "FROM temp.balance_gone AS g WHERE p.month = g.month").fetchall()[0][0])
        con.execute("DROP TABLE temp.balance_gone")
    return taken


def check_flows(con: Connection, policy: Policy, public: dict[str, str], closed: dict[str, str]) -> Verdict:
    """Checks G5 of stocks and flows: each suppressed one has an interval of at least k by all published months.

    What is judged stands in computed months, or is the stock of the month before them: nothing else becomes known.
    """
    k, violations, judged = policy.release.thresholds.k, [], 0
    for one in balances(policy, public, closed):
        found = con.execute(f"SELECT month, stock, came, went, rounded_to, is_new FROM {one.rows} ORDER BY month")
        narrow, count = _narrow([_Month(*row) for row in found.fetchall()], k)
        judged += count
        names = dict(zip(_FIGURES, (one.stock, *one.flows), strict=True))
        violations += [f"{one.table}.{names[what]}: {many:,} suppressed values can be told too closely by the other "
                       "figures of the months around" for what, many in narrow.items() if many]
    return verdict("G5", f"{judged:,} suppressed stocks and flows", violations, {"suppressed_in_balances": judged})


@dataclass(frozen=True)
class _Month:
    """A month as it is shown; None is suppressed."""

    month: object
    stock: int | None
    came: int | None
    went: int | None
    rounded_to: int
    is_new: bool

    def bounds(self, k: int, far: float) -> _Bounds:
        """What each figure says of itself: a flow is exact, a stock that is no 0 is at least k, rounded halves up."""
        half, stock = self.rounded_to // 2, (0.0, far)
        if self.stock is not None:
            stock = (max(k, self.stock - half), self.stock - half + self.rounded_to - 1) if self.stock else (0.0, 0.0)
        return [stock, *((0.0, far) if flow is None else (flow, flow) for flow in (self.came, self.went))]


def _narrow(months: list[_Month], k: int) -> tuple[dict[str, int], int]:
    """How many suppressed stocks, comings and goings can be told within less than k; and how many were judged."""
    judged = [(i, place, what) for i, month in enumerate(months) for place, what in enumerate(_FIGURES)
              if getattr(month, what) is None and (month.is_new or (what == "stock" and _is_new(months, i + 1)))]
    found = dict.fromkeys(_FIGURES, 0)
    if judged:
        far = 10.0 * k + sum(figure or 0 for month in months for figure in (month.stock, month.came, month.went))
        bounds = [month.bounds(k, far) for month in months]
        lower, upper = np.array([pair for three in bounds for pair in three], dtype=float).T
        columns = [3 * i + place for i, place, _ in judged]
        # A figure may contradict itself where something is broken: no solution proves nothing.
        ends = ends_of(_lines(months, bounds), lower, upper, columns) if (lower <= upper).all() else []
        for (_, _, what), (least, most) in zip(judged, ends or [(0.0, 0.0)] * len(judged), strict=True):
            found[what] += most - least < k - _SLACK
    return found, len(judged)


def _is_new(months: list[_Month], i: int) -> bool:
    return i < len(months) and months[i].is_new


def _lines(months: list[_Month], bounds: list[_Bounds]) -> Array:
    """A row for each two months that follow each other: stock - stock before - came + went = 0.

    None where that contradicts the months from there on: of a contradiction the latest months keep most.
    """
    rows, (least, most) = [], bounds[-1][0] if bounds else (0.0, 0.0)
    for i in range(len(months) - 1, 0, -1):
        stock, came, went = bounds[i - 1][0], bounds[i][1], bounds[i][2]
        least, most = max(stock[0], least - came[1] + went[0]), min(stock[1], most - came[0] + went[1])
        if _number(months[i]) - _number(months[i - 1]) != 1 or least > most:
            least, most = stock
            continue
        row = np.zeros(3 * len(months))
        row[[3 * i, 3 * i - 3, 3 * i + 1, 3 * i + 2]] = (1, -1, -1, 1)
        rows.append(row)
    return np.array(rows).reshape(len(rows), 3 * len(months))


def _number(month: _Month) -> int:
    text = str(month.month)
    return int(text[:4]) * 12 + int(text[5:7])

