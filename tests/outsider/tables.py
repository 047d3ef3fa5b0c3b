"""Attacks on the tables of cells: complements, margins, differences, re-cut months.

Belongs here: what two published cells, a line of them, or all of them together say about a suppressed one or about few
people. Does not belong here: stocks (`stocks`), people (`people`).
"""

from collections.abc import Iterable, Iterator
from itertools import combinations

import pandas as pd

from tests.outsider import solve
from tests.outsider.lines import System, disagreements, name, systems
from tests.outsider.published import ALL, Finding, Published, Shape, Thresholds

SMALL = frozenset({"orders", "customers", "visitors", "messages", "cases", "units", "subscriptions"})  # somebody's each
PEOPLE = frozenset({"customers", "visitors"})


def attack(published: Published, limits: Thresholds) -> Iterator[Finding]:
    """Everything that one release's tables of cells give away."""
    for system in systems(published):
        yield from margins(system, limits)
        yield from complements(system, limits)
    yield from between_tables(published, limits)
    for shape in published.shapes.values():
        yield from differences(published.tables[shape.name], shape, limits, published.signed)
        yield from prices(published.tables[shape.name], shape, limits)


def complements(system: System, limits: Thresholds) -> Iterator[Finding]:
    """Suppressed cells that the sums of all tables together pin down, or leave too little room."""
    wide = wide_amount(limits) if system.amount else wide_count(limits)
    try:
        for found in solve.recovered(system, wide):
            if found.exact and abs(found.high) < 0.005 and not limits.strict:
                continue
            kind = "exact" if found.exact else "interval"
            yield Finding(f"complement, {kind}", system.tables[found.cell], system.period, name(found.cell),
                          f"{system.measure} in {found.low:.2f} .. {found.high:.2f}")
    except solve.ContradictionError:
        yield Finding("contradiction", system.population, system.period, "", f"no world has these {system.measure}")


def wide_count(limits: Thresholds) -> solve.Wide:
    """Whether a count is left k values apart."""
    return lambda low, high: high - low >= limits.k - 1e-6


def wide_amount(limits: Thresholds) -> solve.Wide:
    """Whether some amount in the interval has so many percent of room on both sides."""
    part = limits.percent / 100
    return lambda low, high: high > 1e-6 and high * (1 - part) >= low * (1 + part) - 1e-6


def margins(system: System, limits: Thresholds) -> Iterator[Finding]:
    """A total less all its shown parts: what is left is one suppressed cell, or so little that few people made it."""
    for total, parts in system.sums:
        if total in system.suppressed:
            continue
        hidden = [part for part in parts if part in system.suppressed]
        rest = system.low[total] - sum(system.low[part] for part in parts if part not in system.suppressed)
        somebody_s = sum(max(0.0, system.low[part]) for part in hidden)
        exact = system.high[total] - system.low[total] < 1e-9
        if exact and len(hidden) == 1:
            yield Finding("margin", system.tables[hidden[0]], system.period, name(hidden[0]),
                          f"{system.measure} = {rest:.2f}, the only one suppressed of its line")
        elif exact and hidden and not system.amount and system.least >= 0 and rest - somebody_s < limits.k:
            yield Finding("margin", system.tables[hidden[0]], system.period, name(total),
                          f"{system.measure}: {len(hidden)} suppressed cells make {rest:.0f} together")


def between_tables(published: Published, limits: Thresholds) -> Iterator[Finding]:
    """One cell in two tables that differ by few: the difference is the few of whom only one of them tells."""
    shapes = [shape for _, shape in sorted(published.shapes.items()) if shape.dimensions]
    for one, other in combinations(shapes, 2):
        if one.population != other.population:
            continue
        for measure in sorted(set(one.measures) & set(other.measures) - one.figures):
            for found in disagreements(published, measure, one, other):
                if one.unit[measure] in SMALL and found.difference < limits.k:
                    yield Finding("between tables", one.name, found.period, name(found.cell),
                                  f"{found.difference:.0f} {measure} fewer or more than in {other.name}")


def differences(frame: pd.DataFrame, shape: Shape, limits: Thresholds,
                signed: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """A total less one part, both shown, where the difference is a few people or what a few people did."""
    rounded = "rounded_to" in frame
    for measure in shape.measures:
        if shape.unit[measure] not in SMALL or measure in shape.figures | signed or rounded:
            continue
        shown = frame[frame[measure].notna()]
        for dimension in shape.dimensions:
            if measure in PEOPLE and dimension not in shape.additive[measure] and not limits.strict:
                continue  # the same people may be in both: their number is no figure of the rows between
            others = [shape.time, *(d for d in shape.dimensions if d != dimension)]
            parts, totals = shown[shown[dimension] != ALL], shown[shown[dimension] == ALL]
            pairs = parts.merge(totals[[*others, measure]], on=others, suffixes=("", "_total"))
            rest = pairs[f"{measure}_total"].astype(float) - pairs[measure].astype(float)
            for i in pairs.index[(rest > 0) & (rest < limits.k)]:
                cell = ", ".join(f"{d} {pairs.loc[i, d]}" for d in shape.dimensions)
                yield Finding("difference", shape.name, str(pairs.loc[i, shape.time])[:10], cell,
                              f"{rest[i]:.0f} {measure} in the total over {dimension} and not in the cell")


def prices(frame: pd.DataFrame, shape: Shape, limits: Thresholds) -> Iterator[Finding]:
    """Amounts that follow from units and from what the same thing cost whenever both were shown."""
    for amount in sorted(shape.amounts):
        if "units" not in shape.measures or "product_id" not in shape.dimensions:
            continue
        things = frame[(frame["product_id"] != ALL) & (frame["units"].astype(float) > 0)]
        price = things[amount].astype(float) / things["units"].astype(float)
        seen = price.groupby(things["product_id"]).agg(["count", "min", "max"])
        part = limits.percent / 100
        sure = seen[(seen["count"] >= 3) & (seen["max"] * (1 - part) < seen["min"] * (1 + part))]
        for row in things[things[amount].isna() & things["product_id"].isin(sure.index)].itertuples():
            low, high = (float(sure.loc[row.product_id, end]) * float(row.units) for end in ("min", "max"))
            yield Finding("price", shape.name, str(getattr(row, shape.time))[:10], f"product_id {row.product_id}",
                          f"{amount} about {low:.0f} .. {high:.0f}: {row.units:.0f} units are shown")


def recut(older: Published, newer: Published) -> Iterator[Finding]:
    """Periods that two releases tell of differently: the difference is who came late or left."""
    yield from recut_of(older, newer, older.shapes.values())


def recut_of(older: Published, newer: Published, shapes: Iterable[Shape]) -> Iterator[Finding]:
    """The same of some tables."""
    for shape in shapes:
        if shape.name not in newer.tables:
            continue
        keys = [shape.time, *shape.dimensions]
        old, new = (_comparable(release.tables[shape.name], keys, shape) for release in (older, newer))
        both = set(old["period"]) & set(new["period"])
        merged = old[old["period"].isin(both)].merge(new[new["period"].isin(both)], on=["period", "cell"],
                                                     how="outer", suffixes=("_old", "_new"))
        for row in merged[merged["says_old"].ne(merged["says_new"])].itertuples():
            yield Finding("re-cut", shape.name, row.period, row.cell, f"{row.says_old} became {row.says_new}")


def _comparable(frame: pd.DataFrame, keys: list[str], shape: Shape) -> pd.DataFrame:
    """Period, cell and all measures as text, however a file holds its numbers."""
    return pd.DataFrame({
        "period": [str(period)[:10] for period in frame[keys[0]]],
        "cell": [", ".join(map(str, row)) for row in frame[keys[1:]].itertuples(index=False, name=None)]
        if keys[1:] else "",
        "says": [", ".join("suppressed" if pd.isna(value) else f"{measure} {float(value):.2f}"
                           for measure, value in zip(shape.measures, row, strict=True))
                 for row in frame[list(shape.measures)].itertuples(index=False, name=None)],
    }, dtype="object")
