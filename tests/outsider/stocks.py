"""Attacks on stocks: rounded figures that hang together over time through exact flows.

Belongs here: the newsletter, where last month's addresses plus those who came less those who went are this month's.
Totals of rounded stocks within one month are ordinary systems with bounds (`lines`). Does not belong here: tables of
flows.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from tests.outsider.published import Finding, Published, Thresholds

TABLE = "newsletter_monthly"
FLOWS = ("subscribed", "unsubscribed")


def attack(published: Published, limits: Thresholds) -> Iterator[Finding]:
    """Withheld flows that the stocks on both sides pin down; strictly, that they narrow at all below k."""
    if TABLE not in published.tables:
        return
    frame = published.tables[TABLE].sort_values("month").reset_index(drop=True)
    frame = frame[frame["active"].notna() | (frame.index > 0)].reset_index(drop=True)
    months = len(frame)  # unknowns: stocks at 0.., subscribed at months.., unsubscribed at 2 * months..
    step = np.diff(pd.to_datetime(frame["month"]).dt.year * 12 + pd.to_datetime(frame["month"]).dt.month)
    equal, right = [], []
    for i in range(1, months):
        if step[i - 1] == 1:
            row = np.zeros(3 * months)
            row[[i, i - 1, months + i, 2 * months + i]] = (1, -1, -1, 1)
            equal.append(row)
            right.append(0.0)
    bounds = _bounds(frame, limits)
    for at, flow in enumerate(FLOWS, start=1):
        for i in np.flatnonzero(frame[flow].isna()):
            ends = [_end(at * months + i, sign, equal, right, bounds) for sign in (1, -1)]
            period = str(frame.loc[i, "month"])[:10]
            if None in ends:
                yield Finding("contradiction", TABLE, period, "", "no world has these stocks and flows")
                return
            low, high = float(ends[0] or 0), float(ends[1] or 0)
            if high - low < 1 or (limits.strict and (high < limits.k - 1.5 or low > 1.5)):
                yield Finding("stock", TABLE, period, "", f"{flow} in {low:.1f} .. {high:.1f}")


def _bounds(frame: pd.DataFrame, limits: Thresholds) -> list[tuple[float, float]]:
    """A stock within half its rounding; a flow as shown, else between none and fewer than k."""
    found = []
    for row in frame.itertuples():
        half = float(row.rounded_to) / 2
        found.append((0.0, np.inf) if pd.isna(row.active) else (float(row.active) - half, float(row.active) + half))
    for flow in FLOWS:
        found += [(0.0, limits.k - 1.0) if pd.isna(value) else (float(value), float(value)) for value in frame[flow]]
    return found


def _end(at: int, sign: int, equal: list[np.ndarray], right: list[float],
         bounds: list[tuple[float, float]]) -> float | None:
    weights = np.zeros(len(bounds))
    weights[at] = sign
    found = linprog(weights, A_eq=np.array(equal) if equal else None, b_eq=right or None, bounds=bounds, method="highs")
    return None if found.x is None else float(found.x[at])
