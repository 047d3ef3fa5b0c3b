"""Attacks by somebody who knows what each product costs: units and revenue are two sums of one unknown.

Belongs here: the units and revenue of products that a period's sums, a price list and whole numbers leave too little
room. Does not belong here: sums alone (`solve`), who buys what (`contributions`).

The reader knows the price of a product exactly where everybody paid the same in the period, and to `band` percent
elsewhere. Who knows all prices to the band alone has all these worlds and more, and learns nothing that the first does
not. Units are whole numbers, at least one where a product is listed. Up to `whole` hidden products of a category are
whole in the programs, further ones are not: an interval is then wider than the truth, never narrower.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from tests.outsider.lines import Cell, System, name, systems
from tests.outsider.published import Finding, Published, Thresholds

UNITS, REVENUE = "units", "revenue_nok"
PRODUCT, CATEGORY = "product_id", "product_category"
NODES = 500


@dataclass(frozen=True)
class Knowledge:
    """What is known from outside, and the truth that an answer is measured by.

    `products` has a row per period ("2024-01-01") and product_id: lowest and highest unit price, true units and
    revenue_nok, and whether the product must be hidden for its own sake (`protected`). `cells` are the same of cells
    by category, type and region, of categories in which everything has one price, by period and cell.
    """

    products: pd.DataFrame
    cells: dict[tuple[str, Cell], dict[str, object]] = field(default_factory=dict)
    band: float = 10.0
    whole: int = 8


def attack(published: Published, known: Knowledge, limits: Thresholds) -> Iterator[Finding]:
    """Products of which units or revenue follow exactly, or too closely."""
    by_period: dict[tuple[str, str], dict[str, System]] = {}
    for system in systems(published):
        if system.measure in (UNITS, REVENUE):
            by_period.setdefault((system.population, system.period), {})[system.measure] = system
    truth = {(row["period"], row[PRODUCT]): row for row in known.products.to_dict("records")}
    for (_, period), both in sorted(by_period.items()):
        if set(both) == {UNITS, REVENUE}:
            yield from _of_period(both[UNITS], both[REVENUE], period, truth, known, limits)


def _of_period(units: System, revenue: System, period: str, truth: dict[tuple[str, str], dict[str, object]],
               known: Knowledge, limits: Thresholds) -> Iterator[Finding]:
    facts = {cell: truth[period, product] for cell in units.low
             if (product := dict(cell).get(PRODUCT)) is not None and (period, product) in truth}
    facts |= {cell: fact for (at, cell), fact in known.cells.items() if at == period and cell in units.low}
    program = Joint(units, revenue, facts, known)
    part = limits.percent / 100
    for cell in sorted(program.facts, key=sorted):
        fact = program.facts[cell]
        if not fact["protected"] or cell not in units.suppressed | revenue.suppressed:
            continue
        for measure, true in ((UNITS, float(fact[UNITS])), (REVENUE, float(fact[REVENUE]))):
            if true <= 0:
                continue
            low, high = program.interval(cell, measure)
            least = 1.0 if measure == UNITS else float(fact["lowest"])  # nobody goes below one unit
            wide = low <= max(true * (1 - part), least) + 1e-3 * true and high >= true * (1 + part) - 1e-3 * true
            if not wide or (measure == UNITS and np.floor(high + 1e-6) - np.ceil(low - 1e-6) < 1):
                kind = "exact" if high - low < max(0.005, 1e-6 * true) else "interval"
                yield Finding(f"price list, {kind}", units.tables[cell], period, name(cell),
                              f"{measure} in {low:.2f} .. {high:.2f}, truly {true:.2f}")


class Joint:
    """Both sums of a period in one program: a column of units for each cell, then one of revenue for each."""

    def __init__(self, units: System, revenue: System, facts: dict[Cell, dict[str, object]], known: Knowledge) -> None:
        """Write the program down; revenue in thousands, so that numbers are alike."""
        self.facts, self._scale = facts, 1000.0
        self._at = {cell: i for i, cell in enumerate(sorted({*units.low, *revenue.low}, key=sorted))}
        count = len(self._at)
        self._low, self._high = np.zeros(2 * count), np.full(2 * count, np.inf)
        for offset, system, scale in ((0, units, 1.0), (count, revenue, self._scale)):
            for cell in system.low:
                self._low[offset + self._at[cell]] = system.low[cell] / scale
                self._high[offset + self._at[cell]] = system.high[cell] / scale
        rows = [[(o + self._at[t], 1.0), *((o + self._at[p], -1.0) for p in parts)]
                for o, system in ((0, units), (count, revenue)) for t, parts in system.sums]
        self._sums = _matrix(rows, 2 * count)
        self._links = _matrix(list(self._links_of(known.band / 100)), 2 * count)
        self._link_low = np.full(self._links.shape[0], -np.inf)
        self._link_low[[i for i, exact in enumerate(self._exact) if exact]] = 0.0
        self._whole = known.whole
        self._hidden = {cell for cell in facts if cell in units.suppressed | revenue.suppressed}
        self._free_signs(units, revenue)

    def _links_of(self, band: float) -> Iterator[list[tuple[int, float]]]:
        """Rows that are at most nothing: revenue against units, from above and below, or equal."""
        self._exact: list[bool] = []
        count = len(self._at)
        for cell, fact in self.facts.items():
            u, r = self._at[cell], count + self._at[cell]
            low, high = float(fact["lowest"]) / self._scale, float(fact["highest"]) / self._scale
            if low == high:
                self._exact.append(True)
                yield [(r, 1.0), (u, -low)]
            elif float(fact[UNITS]) > 0:
                mean = float(fact[REVENUE]) / float(fact[UNITS]) / self._scale
                self._exact += [False, False]
                yield [(r, 1.0), (u, -mean * (1 + band))]
                yield [(r, -1.0), (u, mean * (1 - band))]

    def _free_signs(self, units: System, revenue: System) -> None:
        """At least one unit where a product is listed, if that is so; nothing assumed of a sign that is not true."""
        count = len(self._at)
        for cell in self._hidden:
            at, fact = self._at[cell], self.facts[cell]
            if cell in units.suppressed:
                self._low[at] = 1.0 if float(fact[UNITS]) >= 1 else 0.0 if float(fact[UNITS]) >= 0 else -np.inf
            if cell in revenue.suppressed and float(fact[REVENUE]) < 0:
                self._low[count + at] = -np.inf

    def interval(self, cell: Cell, measure: str) -> tuple[float, float]:
        """The ends between which a cell must lie."""
        at, scale = self._at[cell], 1.0
        if measure == REVENUE:
            at, scale = at + len(self._at), self._scale
        near = [other for other in self._hidden if _line(other) == _line(cell)]
        whole = [self._at[other] for other in near] if len(near) <= self._whole else []
        return (self._end(at, 1.0, whole) * scale, self._end(at, -1.0, whole) * scale)

    def _end(self, at: int, sign: float, whole: list[int]) -> float:
        """The end of a column to one side, as far as a program can rule out more."""
        cost = np.zeros(len(self._low))
        cost[at] = sign
        integrality = np.zeros(len(self._low))
        integrality[whole] = 1
        constraints = [LinearConstraint(self._sums, -1e-8, 1e-8),
                       LinearConstraint(self._links, self._link_low - 1e-8, 1e-8)]
        constraints = [c for c in constraints if c.A.shape[0]]
        found = milp(cost, integrality=integrality, bounds=Bounds(self._low, self._high), constraints=constraints,
                     options={"node_limit": NODES})
        bound = found.mip_dual_bound if found.mip_dual_bound is not None else found.fun
        if found.status == 2:
            raise AssertionError(f"no world has these figures: {found.message}")
        return sign * float(bound) if bound is not None and np.isfinite(bound) else -sign * np.inf


def _line(cell: Cell) -> Cell:
    """Where a cell's line lies: products in their category, categories by type and region."""
    by = PRODUCT if PRODUCT in dict(cell) else CATEGORY
    return frozenset(pair for pair in cell if pair[0] != by)


def _matrix(rows: list[list[tuple[int, float]]], columns: int) -> coo_array:
    entries = [(n, i, factor) for n, row in enumerate(rows) for i, factor in row]
    n, i, factor = zip(*entries, strict=True) if entries else ((), (), ())
    return coo_array((factor, (n, i)), shape=(len(rows), columns)).tocsr()
