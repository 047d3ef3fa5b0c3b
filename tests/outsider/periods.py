"""Attacks on rounded counts of several periods together, by who adds up what two months or a quarter say.

Belongs here: what a row of the exact table for a longer period (a quarter, a year) says of the rounded counts of the
months in it, all in one system with these months' own exact tables. Does not belong here: what one period says by
itself (`rounded`).

Nobody who buys in one month need buy in another, so months alone say nothing of each other. A longer period does: its
customers are no fewer than those of each month in it and no more than all of them together, its orders are theirs added
up; and what is left of its orders when a month's are taken off is the other month's, shown there or not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tests.outsider.published import ALL, Finding, Published, Shape, Thresholds
from tests.outsider.rounded import (
    CATEGORY,
    TYPE,
    Cell,
    System,
    Truth,
    World,
    extreme,
    shown_of,
    totals,
    within,
    world,
)

PERIODS = 2
MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class _Together:
    """Periods in one system: the cells of each come after those of the one before."""

    system: System
    low: np.ndarray
    high: np.ndarray
    first: list[int]


def attack(published: Published, limits: Thresholds, truth: Truth, together: int = PERIODS) -> Iterator[Finding]:
    """Small counts of which so many periods together, the newest, leave fewer than k numbers."""
    for shape in published.rounded.values():
        exact = next((other for other in published.shapes.values() if other.dimensions == shape.dimensions
                      and set(shape.measures) <= set(other.measures)), None)
        frame = published.tables[shape.name]
        periods = sorted(frame[shape.time].unique())[-together:]
        if exact is None or len(periods) < together:
            continue
        beside, lengths = published.tables[exact.name], frame.groupby(shape.time)["period"].first()
        own = [beside[(beside[exact.time] == period) & (beside["period"] == lengths[period])] for period in periods]
        one_type = TYPE in exact.additive[shape.measures[0]]
        worlds = [world(shape, frame[frame[shape.time] == period], rows, one_type=one_type)
                  for period, rows in zip(periods, own, strict=True)]
        joint = _joint(worlds)
        covered = set[pd.Period]().union(*(_months(period, lengths[period]) for period in periods))
        for start, length in beside[[exact.time, "period"]].drop_duplicates().itertuples(index=False, name=None):
            if MONTHS[length] > 1 and _months(start, length) == covered:
                rows = beside[(beside[exact.time] == start) & (beside["period"] == length)]
                _of_longer(shape, joint, worlds, rows, own)
        yield from _told(shape, joint, worlds, [str(period)[:10] for period in periods], limits, truth)


def _months(start: pd.Timestamp, length: str) -> frozenset[pd.Period]:
    return frozenset(pd.period_range(pd.Timestamp(start), periods=MONTHS[length], freq="M"))


def _joint(worlds: list[World]) -> _Together:
    """All periods in one system; nothing holds them together yet."""
    first = np.cumsum([0, *(len(one.low) for one in worlds[:-1])]).tolist()
    system = System({(str(number), *cell): at + first[number] for number, one in enumerate(worlds)
                     for cell, at in one.system.cells.items()})
    for number, one in enumerate(worlds):
        for cells, sign, value in one.system.rows:
            system.at_most([at + first[number] for at in cells], value, sign)
    return _Together(system, np.concatenate([one.low for one in worlds]),
                     np.concatenate([one.high for one in worlds]), first)


def _of_longer(shape: Shape, joint: _Together, worlds: list[World], rows: pd.DataFrame,
               own: list[pd.DataFrame]) -> None:
    """What the rows of a longer period say of the periods in it."""
    measure, dimensions = shape.measures[0], list(shape.dimensions)
    longer, shown = shown_of(measure, dimensions, rows), [shown_of(measure, dimensions, one) for one in own]
    cells = {cell for one in worlds for cell in one.system.cells}
    for key in {*totals(dimensions, dict.fromkeys(cells, 0)), *cells} & longer.keys():
        parts = [[at + first for at in within(one.system.cells, key).values()]
                 for first, one in zip(joint.first, worlds, strict=True)]
        count, orders = (None if pd.isna(value) else float(value) for value in longer[key])
        is_category = key[dimensions.index(CATEGORY)] != ALL
        if count is not None:
            for at in (place for part in parts for place in part):
                joint.high[at] = min(joint.high[at], count)
            if is_category:
                joint.system.at_most([at for part in parts for at in part], -count, -1.0)
        if orders is not None and is_category:
            joint.system.at_most([at for part in parts for at in part], orders)
            _left(joint, parts, orders, [_orders(one, key) for one in shown])


def _orders(shown: dict[Cell, tuple[object, object]], key: Cell) -> float | None:
    value = shown.get(key, (None, None))[1]
    return None if pd.isna(value) else float(value)


def _left(joint: _Together, parts: list[list[int]], orders: float, by_period: list[float | None]) -> None:
    """The orders of the one period that does not show them."""
    hidden = [number for number, value in enumerate(by_period) if value is None]
    if len(hidden) == 1:
        joint.system.at_most(parts[hidden[0]], orders - sum(value for value in by_period if value is not None))


def _told(shape: Shape, joint: _Together, worlds: list[World], periods: list[str], limits: Thresholds,
          truth: Truth) -> Iterator[Finding]:
    matrix, most = joint.system.matrix()
    for first, one, period in zip(joint.first, worlds, periods, strict=True):
        for cell, at in one.system.cells.items():
            if 0 < truth.get((period, cell), 0) < limits.k:
                least, largest = (extreme(matrix, most, joint.low, joint.high, at + first, sign)
                                  for sign in (1.0, -1.0))
                if least is not None and largest is not None and largest - least < limits.k - 1 - 1e-6:
                    yield Finding("periods", shape.name, period, ", ".join(cell),
                                  f"{shape.measures[0]} in {least:.2f} .. {largest:.2f}")
