"""Which cell is the sum of which: the systems an outsider can write down from the dictionary alone.

Belongs here: cells, equations, inequalities of one month and one measure, across tables that tell of the same things.
Does not belong here: solving them (`solve`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tests.outsider.published import ALL, Published, Shape

Cell = frozenset[tuple[str, str]]  # the dimensions that are no total, with their values: equal in every table
AT_MOST = {"partial_orders": ("orders",), "customers": ("orders", "messages"), "visitors": ("events",)}  # of a row
SOMEBODY_S = frozenset({  # one or more in any listed row
    ("sales_monthly", "orders"), ("sales_monthly", "customers"), ("deliveries_monthly", "orders"),
    ("communications_monthly", "messages"), ("web_activity_monthly", "events")})


@dataclass
class System:
    """Everything said about one measure in one period. A suppressed cell is one whose bounds are apart."""

    population: str
    period: str
    measure: str
    amount: bool
    least: float = 0.0  # of any cell
    tables: dict[Cell, str] = field(default_factory=dict)
    low: dict[Cell, float] = field(default_factory=dict)
    high: dict[Cell, float] = field(default_factory=dict)
    suppressed: set[Cell] = field(default_factory=set)
    sums: list[tuple[Cell, list[Cell]]] = field(default_factory=list)
    contains: list[tuple[Cell, Cell]] = field(default_factory=list)  # the first is at least the second
    covered: list[tuple[Cell, list[Cell]]] = field(default_factory=list)  # at most the sum of its parts

    def put(self, cell: Cell, table: str, value: float | None, ceiling: float, spread: float,
            least: float = -np.inf) -> None:
        """Note what a table says of a cell; `spread` is how far a rounded figure may be from the truth."""
        least = max(self.least, least)
        low, high = (least, ceiling) if value is None else (max(self.least, value - spread), value + spread)
        if value is None:
            self.suppressed.add(cell)
            self.tables[cell] = table
        self.tables.setdefault(cell, table)
        self.low[cell] = max(low, self.low.get(cell, -np.inf))
        self.high[cell] = min(high, self.high.get(cell, np.inf))


def name(cell: Cell) -> str:
    """A cell for people."""
    return ", ".join(f"{dimension} {value}" for dimension, value in sorted(cell)) or "total"


@dataclass(frozen=True)
class Disagreement:
    """A cell of which two tables show different values: they do not tell of quite the same things."""

    measure: str
    tables: tuple[str, str]
    period: str
    cell: Cell
    difference: float


def groups(published: Published) -> Iterator[tuple[str, tuple[Shape, ...]]]:
    """Each measure with the tables that tell of the same things by it: their dates mean the same, shown cells agree."""
    by_population: dict[tuple[str, str], list[Shape]] = {}
    for _, shape in sorted(published.shapes.items()):
        for measure in shape.measures if shape.dimensions else ():
            if measure not in shape.figures:
                by_population.setdefault((shape.population, measure), []).append(shape)
    for (_, measure), shapes in sorted(by_population.items()):
        agreeing: list[list[Shape]] = []
        for shape in shapes:
            fits = [group for group in agreeing
                    if not any(True for other in group for _ in disagreements(published, measure, other, shape))]
            if fits:
                fits[0].append(shape)
            else:
                agreeing.append([shape])
        for group in agreeing:
            yield measure, tuple(group)


def disagreements(published: Published, measure: str, one: Shape, other: Shape) -> Iterator[Disagreement]:
    """Cells that both tables show, with different values."""
    there = {}
    for shape in (one, other):
        frame = published.tables[shape.name]
        shown = frame[frame[measure].notna()]
        keys = shown[list(shape.dimensions)].astype(str).itertuples(index=False, name=None)
        there[shape.name] = {(str(period)[:10], _cell(shape.dimensions, key)): float(value)
                             for period, key, value in zip(shown[shape.time], keys, shown[measure], strict=True)}
    mine, theirs = there[one.name], there[other.name]
    for period, cell in sorted(set(mine) & set(theirs), key=lambda at: (at[0], sorted(at[1]))):
        if difference := abs(mine[period, cell] - theirs[period, cell]):
            yield Disagreement(measure, (one.name, other.name), period, cell, difference)


def systems(published: Published) -> Iterator[System]:
    """A system for each measure that may be added up or counts something, of each period."""
    by_period: dict[str, dict[str, pd.DataFrame]] = {}
    for shape in published.shapes.values():
        if shape.dimensions:
            frame = published.tables[shape.name]
            by_period[shape.name] = {str(period)[:10]: part for period, part in frame.groupby(shape.time)}
    for measure, shapes in groups(published):
        for period in sorted({period for shape in shapes for period in by_period[shape.name]}):
            system = System(shapes[0].population, period, measure, any(measure in s.amounts for s in shapes),
                            -np.inf if measure in published.signed else 0.0)
            for shape in shapes:
                if period in by_period[shape.name]:
                    _add(system, by_period[shape.name][period], shape, published)
            yield system


def _levels(frame: pd.DataFrame, shape: Shape) -> set[tuple[bool, ...]]:
    """The combinations of totals that a period of the table lists at all: elsewhere an unlisted cell is no zero."""
    totals = frame[list(shape.dimensions)] == ALL
    return set(totals.drop_duplicates().itertuples(index=False, name=None))


def _add(system: System, frame: pd.DataFrame, shape: Shape, published: Published) -> None:
    dimensions, levels = shape.dimensions, _levels(frame, shape)
    keys = [tuple(str(value) for value in row) for row in frame[list(dimensions)].itertuples(index=False, name=None)]
    values = frame[system.measure].astype("Float64") if not system.amount else frame[system.measure]
    spread = frame["rounded_to"] / 2 if "rounded_to" in frame else pd.Series(0.0, index=frame.index)
    whole = next((frame[name] for name in AT_MOST.get(system.measure, ()) if name in frame), None)
    orders = frame.get("orders") if system.measure == "units" else None
    cells = {}
    for i, key in enumerate(keys):
        value = None if pd.isna(values.iloc[i]) else float(values.iloc[i])
        ceiling = np.inf if whole is None or pd.isna(whole.iloc[i]) else float(whole.iloc[i])
        cells[key] = _cell(dimensions, key)
        least = 1.0 if (shape.name, system.measure) in SOMEBODY_S else -np.inf
        true = published.units.get((system.period, cells[key]))
        if orders is not None and true is not None:  # a total has orders of returned lines, too: there it may not be so
            shown = 1.0 if pd.isna(orders.iloc[i]) else float(orders.iloc[i])
            least = max(1.0, shown) if shown <= true else 1.0
        system.put(cells[key], shape.name, value, ceiling, float(spread.iloc[i]), least)
    for at, dimension in enumerate(dimensions):
        parts: dict[tuple[str, ...], list[Cell]] = {}
        for key, cell in cells.items():
            if key[at] != ALL:
                parts.setdefault((*key[:at], ALL, *key[at + 1:]), []).append(cell)
        for key, total in cells.items():
            level = tuple(i != at and value == ALL for i, value in enumerate(key))
            if key[at] == ALL and level in levels:
                _relate(system, shape, dimension, total, parts.get(key, []))


def _relate(system: System, shape: Shape, dimension: str, total: Cell, parts: list[Cell]) -> None:
    """What the dictionary lets anybody say of a total and its parts."""
    if dimension in shape.additive[system.measure]:
        system.sums.append((total, parts))
        return
    system.contains += [(total, part) for part in parts]
    if dimension != "product_category":  # an order may have no line left, and is in the total alone
        system.covered.append((total, parts))


def _cell(dimensions: tuple[str, ...], key: tuple[str, ...]) -> Cell:
    return frozenset((d, value) for d, value in zip(dimensions, key, strict=True) if value != ALL)
