"""Attacks on tables of rounded counts, by who knows how counts are rounded and holds the exact tables beside them.

Belongs here: what a rounded count, its sums, and the shown cells of the exact table say together of a small one. Does
not belong here: stocks, which are rounded each by itself (`stocks`).

A published count tells that the true one lies less than the base away. A shown total of the exact table is the sum of
its types; along regions and categories it is at least each part and at most all of them, and its orders, which add up
over regions and types, are at least the customers of its parts. What is narrowest of all that is found by linear
programs, two a cell.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import coo_array

from tests.outsider.published import ALL, Finding, Published, Shape, Thresholds
from tests.outsider.tables import recut_of

TYPE, CATEGORY = "customer_type", "product_category"
Cell = tuple[str, ...]
Truth = Mapping[tuple[str, Cell], int]  # by period and cell: how many there truly were, 0 where it lacks one
PERIODS = 1  # the newest of them are worked out: each is a system of its own


def attack(published: Published, limits: Thresholds, truth: Truth | None = None) -> Iterator[Finding]:
    """Small counts that leave fewer than k numbers possible, rows that say something by being there, wrong sums.

    Without the truth a count is known to be small where no larger one is possible.
    """
    for shape in published.rounded.values():
        frame = published.tables[shape.name]
        yield from _sums(shape, frame, limits)
        exact = next((other for other in published.shapes.values() if other.dimensions == shape.dimensions
                      and set(shape.measures) <= set(other.measures)), None)
        periods = list(frame.groupby(shape.time))
        for period, part in periods:
            yield from _listed(shape, period, part)
        for period, part in periods[-PERIODS:]:
            if exact is not None:
                beside = published.tables[exact.name]
                beside = beside[beside[exact.time] == period]
                yield from _told(shape, period, part, beside, limits, truth, TYPE in exact.additive[shape.measures[0]])


def recut(older: Published, newer: Published) -> Iterator[Finding]:
    """Two roundings of one count tell more than one: a published one never changes."""
    yield from recut_of(older, newer, older.rounded.values())


def _sums(shape: Shape, frame: pd.DataFrame, limits: Thresholds) -> Iterator[Finding]:
    measure = shape.measures[0]
    wrong = frame[(frame["rounded_to"] < limits.k) | (frame[measure] % frame["rounded_to"] != 0)]
    if len(wrong):
        yield Finding("rounding", shape.name, "", "", f"{len(wrong)} counts are no multiple of k")
    for dimension in shape.dimensions:
        rest = [shape.time, *(d for d in shape.dimensions if d != dimension)]
        whole = frame[frame[dimension] == ALL].set_index(rest)[measure]
        parts = frame[frame[dimension] != ALL].groupby(rest)[measure].sum()
        if not whole.sort_index().equals(parts.reindex(whole.index).sort_index()):
            yield Finding("rounding", shape.name, "", dimension, "totals are not the sums of their parts")


def _listed(shape: Shape, period: pd.Timestamp, part: pd.DataFrame) -> Iterator[Finding]:
    """Categories with other descriptions of people than the rest: that one is there, or is not, would say something."""
    fine = part[(part[list(shape.dimensions)] != ALL).all(axis=1)]
    people = [d for d in shape.dimensions if d != CATEGORY]
    lists = {name: frozenset(rows[people].itertuples(index=False, name=None)) for name, rows in fine.groupby(CATEGORY)}
    if len(set(lists.values())) > 1:
        yield Finding("presence", shape.name, str(period)[:10], "", "categories list different groups of people")


@dataclass
class System:
    """Rows of upper bounds over the finest cells; equalities are two of them."""

    cells: dict[Cell, int]
    rows: list[tuple[list[int], float, float]] = field(default_factory=list)

    def at_most(self, cells: list[int], value: float, sign: float = 1.0) -> None:
        """The sum of some cells, times the sign, is no more than the value."""
        if cells:
            self.rows.append((cells, sign, value))

    def matrix(self) -> tuple[coo_array, np.ndarray]:
        """As a solver takes it."""
        at = [i for i, (cells, _, _) in enumerate(self.rows) for _ in cells]
        to = [cell for cells, _, _ in self.rows for cell in cells]
        signs = [sign for cells, sign, _ in self.rows for _ in cells]
        return (coo_array((signs, (at, to)), shape=(len(self.rows), len(self.cells))),
                np.array([value for _, _, value in self.rows]))


@dataclass
class World:
    """What a period's rounded counts and the exact table beside them leave possible, of every finest cell."""

    system: System
    told: np.ndarray
    base: np.ndarray
    low: np.ndarray
    high: np.ndarray


def world(shape: Shape, part: pd.DataFrame, beside: pd.DataFrame, *, one_type: bool) -> World:
    """The system of a period; `one_type` says that types add up to their total."""
    measure, dimensions = shape.measures[0], list(shape.dimensions)
    fine = part[(part[dimensions] != ALL).all(axis=1)].reset_index(drop=True)
    cells = {tuple(row): i for i, row in enumerate(fine[dimensions].itertuples(index=False, name=None))}
    base = fine["rounded_to"].to_numpy(dtype=float)
    told = fine[measure].to_numpy(dtype=float)
    low, high = np.maximum(told - base + 1, 0), told + base - 1
    system = System(cells)
    shown = shown_of(measure, dimensions, beside)
    levels = {tuple(value == ALL for value in key) for key in shown}
    for key in totals(dimensions, cells):
        say(system, dimensions, key, *_known(shown, levels, key), one_type=one_type)
        if key in shown and key[dimensions.index(CATEGORY)] != ALL:  # a listed row is somebody's, shown or not
            system.at_most(list(within(system.cells, key).values()), -1.0, -1.0)
    for cell, at in cells.items():
        count = _known(shown, levels, cell)[0]
        if cell in shown:
            low[at] = max(low[at], 1.0)
        if count is not None:
            low[at] = high[at] = count
    return World(system, told, base, low, high)


def _told(shape: Shape, period: pd.Timestamp, part: pd.DataFrame, beside: pd.DataFrame, limits: Thresholds,
          truth: Truth | None, one_type: bool) -> Iterator[Finding]:
    """What is told of a period by itself."""
    measure, found = shape.measures[0], world(shape, part, beside, one_type=one_type)
    matrix, most = found.system.matrix()
    if extreme(matrix, most, found.low, found.high, 0, 1.0) is None:
        yield Finding("contradiction", shape.name, str(period)[:10], "", f"no world has these {measure}")
        return
    for cell, at in found.system.cells.items():
        small = found.high[at] < limits.k if truth is None \
            else 0 < truth.get((str(period)[:10], cell), 0) < limits.k
        if truth is None and found.told[at] >= 2 * found.base[at]:
            continue
        if small or truth is None:
            least, largest = (extreme(matrix, most, found.low, found.high, at, sign) for sign in (1.0, -1.0))
            if least is None or largest is None:
                continue
            if largest - least < limits.k - 1 - 1e-6 and (truth is not None or 0 < largest < limits.k):
                yield Finding("rounded", shape.name, str(period)[:10], ", ".join(cell),
                              f"{measure} in {least:.2f} .. {largest:.2f}")


def shown_of(measure: str, dimensions: list[str], beside: pd.DataFrame) -> dict[Cell, tuple[object, object]]:
    """Customers and orders of each listed row of the exact table."""
    return {tuple(row[:-2]): (row[-2], row[-1]) for row in
            beside[[*dimensions, measure, "orders"]].astype(object).itertuples(index=False, name=None)}


def within(cells: dict[Cell, int], key: Cell) -> dict[Cell, int]:
    """The finest cells of a total."""
    return {cell: at for cell, at in cells.items()
            if all(named in (ALL, value) for named, value in zip(key, cell, strict=True))}


def totals(dimensions: list[str], cells: dict[Cell, int]) -> set[Cell]:
    """Every total that a cell is part of."""
    return {tuple(ALL if total else value for value, total in zip(cell, totals, strict=True))
            for cell in cells for totals in product((True, False), repeat=len(dimensions)) if any(totals)}


def _known(shown: dict[Cell, tuple[object, object]], levels: set[tuple[bool, ...]],
           key: Cell) -> tuple[float | None, float | None]:
    """Customers and orders of a cell of the exact table: nothing where its level is listed and it is not."""
    if key not in shown:
        return (0.0, 0.0) if tuple(value == ALL for value in key) in levels else (None, None)
    count, orders = (None if pd.isna(value) else float(value) for value in shown[key])
    return count, orders


def say(system: System, dimensions: list[str], key: Cell, count: float | None, orders: float | None, *,
        one_type: bool) -> None:
    """What a total of the exact table says of the finest cells within it."""
    named = {d: value for d, value in zip(dimensions, key, strict=True) if value != ALL}
    parts = within(system.cells, key)
    if orders is not None and CATEGORY in named:
        system.at_most(list(parts.values()), orders)
    if count is None:
        return
    groups: dict[Cell, list[int]] = {}
    for cell, at in parts.items():
        apart = tuple(value for d, value in zip(dimensions, cell, strict=True)
                      if d not in named and not (d == TYPE and one_type))
        groups.setdefault(apart, []).append(at)
    for group in groups.values():
        system.at_most(group, count)
    if CATEGORY in named:  # an order may have no line left, and is in the total alone
        system.at_most(list(parts.values()), -count, -1.0)


def extreme(matrix: coo_array, most: np.ndarray, low: np.ndarray, high: np.ndarray, at: int,
             sign: float) -> float | None:
    """The least a cell can be, or with a negative sign the largest; None where nothing fits."""
    cost = np.zeros(len(low))
    cost[at] = sign
    found = linprog(cost, A_ub=matrix.tocsr() if len(most) else None, b_ub=most if len(most) else None,
                    bounds=np.column_stack([low, high]), method="highs")
    return float(sign * found.fun) if found.success else None
