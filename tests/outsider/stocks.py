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
FAR = 1e7  # what nobody bounds goes as far as this


def attack(published: Published, limits: Thresholds) -> Iterator[Finding]:
    """Suppressed flows that the stocks on both sides narrow within what "fewer than k" says already."""
    if TABLE not in published.tables:
        return
    frame = published.tables[TABLE].sort_values("month").reset_index(drop=True)
    frame = frame[frame["active"].notna() | (frame.index > 0)].reset_index(drop=True)
    months = len(frame)  # unknowns: stocks at 0.., subscribed at months.., unsubscribed at 2 * months..
    step = np.diff(pd.to_datetime(frame["month"]).dt.year * 12 + pd.to_datetime(frame["month"]).dt.month)
    equal = []
    for i in range(1, months):
        if step[i - 1] == 1:
            row = np.zeros(3 * months)
            row[[i, i - 1, months + i, 2 * months + i]] = (1, -1, -1, 1)
            equal.append(row)
    bounds = _bounds(frame, limits)
    equal = _fitting(equal, bounds)
    for at, flow in enumerate(FLOWS, start=1):
        for i in np.flatnonzero(frame[flow].isna()):
            period = str(frame.loc[i, "month"])[:10]
            ends = [end for few in _few(frame, i)
                    if (end := _ends(at * months + i, equal, _with_few(bounds, [f * months + i for f in few], limits)))]
            if not ends:
                yield Finding("contradiction", TABLE, period, "", "no world has these stocks and flows")
                return
            low, high = min(end[0] for end in ends), max(end[1] for end in ends)
            if high - low < limits.k - 1.5:
                yield Finding("stock", TABLE, period, "", f"{flow} in {low:.1f} .. {high:.1f}")


def _fitting(equal: list[np.ndarray], bounds: list[tuple[float, float]]) -> list[np.ndarray]:
    """The equations but those, from the newest back, that later ones leave no world for: somebody was erased there."""
    kept: list[np.ndarray] = []
    for row in reversed(equal):
        if _end(0, 1, [*kept, row], bounds) is not None:
            kept.append(row)
    return kept


def _few(frame: pd.DataFrame, i: int) -> Iterator[tuple[int, ...]]:
    """Why a month's flows may be suppressed, each as the flows that fewer than k then stand behind (1, 2: FLOWS).

    One alone is suppressed for itself. Two may be suppressed for either, or for a suppressed stock that they would
    tell.
    """
    hidden = tuple(at for at, flow in enumerate(FLOWS, start=1) if pd.isna(frame.loc[i, flow]))
    yield from ((at,) for at in hidden)
    if len(hidden) > 1 and frame["active"].isna()[max(0, i - 1):i + 1].any():
        yield ()


def _with_few(bounds: list[tuple[float, float]], few: list[int], limits: Thresholds) -> list[tuple[float, float]]:
    return [(low, min(high, limits.k - 1.0)) if at in few else (low, high) for at, (low, high) in enumerate(bounds)]


def _bounds(frame: pd.DataFrame, limits: Thresholds) -> list[tuple[float, float]]:
    """A stock within its rounding, halves up, and none between 0 and k; a flow as shown, else anything."""
    found = []
    for row in frame.itertuples():
        half = float(row.rounded_to) // 2
        if pd.isna(row.active):
            found.append((0.0, limits.k - 1.0))
        elif row.active == 0 or not row.rounded_to:
            found.append((float(row.active), float(row.active)))
        else:
            found.append((max(limits.k, row.active - half), row.active - half + row.rounded_to - 1))
    for flow in FLOWS:
        found += [(0.0, FAR) if pd.isna(value) else (float(value), float(value)) for value in frame[flow]]
    return found


def _ends(at: int, equal: list[np.ndarray], bounds: list[tuple[float, float]]) -> tuple[float, float] | None:
    """The least and the most an unknown can be; None when no world has these figures."""
    ends = [_end(at, sign, equal, bounds) for sign in (1, -1)]
    return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])


def _end(at: int, sign: int, equal: list[np.ndarray], bounds: list[tuple[float, float]]) -> float | None:
    weights = np.zeros(len(bounds))
    weights[at] = sign
    found = linprog(weights, A_eq=np.array(equal) if equal else None, b_eq=np.zeros(len(equal)) if equal else None,
                    bounds=bounds, method="highs")
    return None if found.x is None else float(found.x[at])
