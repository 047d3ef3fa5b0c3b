"""Attacks by who holds two figures for what is nearly one thing: a month that was issued twice, orders and deliveries.

Belongs here: what is left of a total's change when its shown parts' changes are taken off; what deliveries say of
suppressed orders, where a shop hands over what it sells. Does not belong here: that a closed month changed at all, and
what one release says by itself (`tables`).
"""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from tests.outsider import tables
from tests.outsider.lines import systems
from tests.outsider.published import ALL, Finding, Published, Shape, Thresholds

TWICE = "taken twice"


def remainders(older: Published, newer: Published, limits: Thresholds) -> Iterator[Finding]:
    """Totals that changed by a few more, or fewer, than their shown parts did: those few are all that is left."""
    for shape in older.shapes.values():
        if shape.name not in newer.tables or "rounded_to" in older.tables[shape.name]:
            continue
        keys = [shape.time, *shape.dimensions]
        both = older.tables[shape.name].merge(newer.tables[shape.name], on=keys, suffixes=("_old", "_new"))
        for measure in shape.measures:
            if shape.unit[measure] in tables.SMALL and measure not in shape.figures:
                yield from _of_measure(both, shape, measure, limits)


def _of_measure(both: pd.DataFrame, shape: Shape, measure: str, limits: Thresholds) -> Iterator[Finding]:
    shown = both[both[f"{measure}_old"].notna() & both[f"{measure}_new"].notna()]
    change = shown[f"{measure}_new"].astype(float) - shown[f"{measure}_old"].astype(float)
    shown = shown.assign(change=change)
    for dimension in [d for d in shape.dimensions if d in shape.additive[measure]]:
        line = [shape.time, *(d for d in shape.dimensions if d != dimension)]
        parts = shown[shown[dimension] != ALL].groupby(line)["change"].sum().rename("parts")
        for row in shown[shown[dimension] == ALL].join(parts, on=line, how="inner").to_dict("records"):
            rest = row["change"] - row["parts"]
            if 0 < abs(rest) < limits.k:
                cell = ", ".join(f"{d} {row[d]}" for d in shape.dimensions)
                yield Finding("changed remainder", shape.name, str(row[shape.time])[:10], cell,
                              f"{rest:+.0f} {measure} beside the shown parts along {dimension}")


def nearly_orders(published: Published, limits: Thresholds) -> Iterator[Finding]:
    """Orders that follow exactly where deliveries are taken for them, in periods in which no figure forbids it."""
    if not {"sales_monthly", "deliveries_monthly"} <= set(published.shapes):
        return
    names = ("sales_monthly", "deliveries_monthly")
    sales, deliveries = (published.shapes[name] for name in names)
    for period in sorted({*published.tables[names[0]]["month"]} & {*published.tables[names[1]]["month"]}):
        cut = {name: published.tables[name][published.tables[name]["month"] == period] for name in names}
        if len({str(length) for frame in cut.values() for length in frame.get("period", ["month"])}) == 1:
            taken = Published(TWICE, cut, {names[0]: sales, names[1]: replace(deliveries, population=sales.population)})
            yield from _of_orders(taken, limits)


def _of_orders(taken: Published, limits: Thresholds) -> Iterator[Finding]:
    for system in systems(taken):  # two tables that show different figures for a cell are two systems
        if system.measure == "orders":
            yield from (replace(found, attack=f"deliveries, {found.attack}")
                        for found in tables.complements(system, limits) if found.attack == "complement, exact")
