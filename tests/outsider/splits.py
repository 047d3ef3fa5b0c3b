"""Attacks by who knows what products cost, on every shown cell of a category at once: by region, by type, by both.

Belongs here: categories of few products, each sold at one price in the period. Does not belong here: the sums of a
category's products alone (`pricelist`).

Each shown cell has so many units for so much money, which often only one number of each product makes up, and what is
found of several cells adds up to a product that is not shown. All are whole numbers, and none is below nothing.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from tests.outsider.pricelist import CATEGORY, PRODUCT, REVENUE, UNITS, Knowledge
from tests.outsider.published import ALL, Finding, Published, Thresholds

NODES, MOST = 300, 3_000
Entries = list[tuple[int, float]]


def attack(published: Published, known: Knowledge, limits: Thresholds) -> Iterator[Finding]:
    """Units of suppressed products that follow too closely."""
    if not {"sales_monthly", "product_demand_monthly"} <= set(published.tables):
        return
    sales, demand = published.tables["sales_monthly"], published.tables["product_demand_monthly"]
    facts = {(row["period"], row[PRODUCT]): row for row in known.products.to_dict("records")}
    for (month, category), rows in demand[demand[CATEGORY] != ALL].groupby(["month", CATEGORY]):
        period = str(month)[:10]
        products = {row[PRODUCT]: facts[period, row[PRODUCT]] for row in rows.to_dict("records")
                    if (period, row[PRODUCT]) in facts}
        listed = set(rows[PRODUCT]) - {ALL}
        if len(products) == len(listed) <= known.whole and all(f["lowest"] == f["highest"] for f in products.values()):
            cells = sales[(sales["month"] == month) & (sales[CATEGORY] == category)]
            yield from _of_category(period, str(category), rows, cells, products, limits)


def _of_category(period: str, category: str, demand: pd.DataFrame, sales: pd.DataFrame,
                 products: dict[str, dict[str, float]], limits: Thresholds) -> Iterator[Finding]:
    shown = set(demand.loc[demand[UNITS].notna(), PRODUCT])
    wanted = [name for name, fact in products.items() if fact["protected"] and fact[UNITS] > 0 and name not in shown]
    if not wanted:
        return
    named = ["customer_type", "postal_region"]
    finest = [(kind, region) for kind in sorted({*sales[named[0]]} - {ALL}) or [ALL]
              for region in sorted({*sales[named[1]]} - {ALL}) or [ALL]]
    at = {(name, cell): i for i, (name, cell) in enumerate((n, c) for n in sorted(products) for c in finest)}
    price = {name: fact["lowest"] for name, fact in products.items()}
    dearest = max(price.values()) or 1.0  # everything may be free
    rows: list[tuple[Entries, float, float]] = []

    def tell(names: list[str], cells: list[tuple[str, str]], row: dict[str, float]) -> None:
        for measure in (UNITS, REVENUE):
            if pd.notna(row[measure]):
                factor = {name: 1.0 if measure == UNITS else price[name] / dearest for name in names}
                value = float(row[measure]) / (1.0 if measure == UNITS else dearest)
                rows.append(([(at[n, c], factor[n]) for n in names for c in cells], value, value))

    for row in sales.to_dict("records"):
        tell(sorted(products), [cell for cell in finest if all(row[d] in (ALL, v) for d, v in
                                                                zip(named, cell, strict=True))], row)
    for row in demand.to_dict("records"):
        tell(sorted(products) if row[PRODUCT] == ALL else [row[PRODUCT]], finest, row)
    rows += [([(at[name, cell], 1.0) for cell in finest], 1.0, np.inf) for name in wanted]
    for name in wanted:
        true = products[name][UNITS]
        low, high = (sign * _end([at[name, cell] for cell in finest], sign, rows, len(at)) for sign in (1.0, -1.0))
        part = limits.percent / 100
        if low > max(true * (1 - part), 1.0) + 1e-6 or high < true * (1 + part) - 1e-6 or high - low < 1:
            kind = "exact" if high == low else "interval"
            yield Finding(f"splits of cells, {kind}", "product_demand_monthly", period,
                          f"{PRODUCT} {name} of {category}", f"{UNITS} in {low:.0f} .. {high:.0f} of {true:.0f}")


def _end(places: list[int], sign: float, rows: list[tuple[Entries, float, float]], count: int) -> float:
    """The least of a sum, or of its negative, that a program cannot rule out."""
    cost = np.zeros(count)
    cost[places] = sign
    entries = [(n, i, factor) for n, (found, _, _) in enumerate(rows) for i, factor in found]
    n, i, factor = zip(*entries, strict=True)
    matrix = coo_array((factor, (n, i)), shape=(len(rows), count)).tocsr()
    found = milp(cost, integrality=np.ones(count), bounds=Bounds(0, MOST), options={"node_limit": NODES},
                 constraints=LinearConstraint(matrix, [low - 1e-7 for _, low, _ in rows],
                                              [high + 1e-7 for _, _, high in rows]))
    if found.status == 2:
        raise AssertionError(f"no world has these figures: {found.message}")
    return float(np.ceil(found.mip_dual_bound - 1e-6)) if found.mip_dual_bound is not None else -np.inf
