"""Attacks on rows by their being there: whoever knows the register reads from a row that one of a few did something.

Belongs here: what rows say whatever they suppress. Does not belong here: figures.

A row that names a type and a region of fewer than k customers says which of a few ordered in that period and category:
one of a pair reads it as the other, and a row that is missing says that neither did. `other` fits whoever is not
described more closely anywhere. A level that shows next to nothing is such a list and no statistics.
"""

from collections.abc import Iterator

import pandas as pd

from tests.outsider.published import ALL, Finding, Published, Shape, Thresholds

OTHER = "other"
DESCRIBES = ("customer_type", "postal_region")
SHOWN = 0.20  # of the cells of a level that is listed at all


def attack(published: Published, register: pd.DataFrame, limits: Thresholds) -> Iterator[Finding]:
    """Listed descriptions of fewer than k people of the register, and listed levels of which too little is shown.

    Args:
        published: the release.
        register: a row per customer: customer_type, postal_region, as anybody may know them.
        limits: k.
    """
    people = _described(published, register)
    for shape in published.shapes.values():
        frame = published.tables[shape.name]
        if set(DESCRIBES) & set(shape.dimensions):
            yield from _few(shape, frame, people, limits)
        if shape.dimensions:
            yield from _poor_levels(shape, frame)


def _described(published: Published, register: pd.DataFrame) -> pd.DataFrame:
    """The register as the release describes people: a pair of type and region that some table lists, else the own."""
    listed = set()
    for shape in published.shapes.values():
        if set(DESCRIBES) <= set(shape.dimensions):
            pairs = published.tables[shape.name][list(DESCRIBES)].astype(str)
            listed |= set(pairs[(pairs != ALL).all(axis=1)].itertuples(index=False, name=None))
    people = register[list(DESCRIBES)].astype(str).itertuples(index=False, name=None)
    return pd.DataFrame([next((one for one in ((kind, region), (kind, OTHER), (OTHER, OTHER)) if one in listed),
                              (kind, region)) for kind, region in people], columns=list(DESCRIBES))


def _few(shape: Shape, frame: pd.DataFrame, people: pd.DataFrame, limits: Thresholds) -> Iterator[Finding]:
    described = [d for d in DESCRIBES if d in shape.dimensions]
    for named in [described[:1], described[1:], described][:2 * len(described) - 1]:
        rows = frame[(frame[named] != ALL).all(axis=1)].groupby(named).size()
        fits = people.groupby(named).size().reindex(rows.index, fill_value=0)
        for one in rows.index[(fits < limits.k) & (fits < len(people))]:
            cell = ", ".join(f"{d} {v}" for d, v in zip(named, one if isinstance(one, tuple) else (one,), strict=True))
            yield Finding("presence", shape.name, "", cell, f"{rows[one]} rows tell of one of {fits[one]} people")


def _poor_levels(shape: Shape, frame: pd.DataFrame) -> Iterator[Finding]:
    named = (frame[list(shape.dimensions)] != ALL).rename(columns=lambda name: f"named {name}")
    shown = frame[[m for m in shape.measures if m != "rounded_to"]].notna().any(axis=1)
    levels = shown.groupby([frame[shape.time].astype(str).str[:7], *(named[c] for c in named)]).agg(["sum", "count"])
    for level, row in levels.iterrows():
        if any(level[1:]) and row["sum"] < SHOWN * row["count"]:
            cell = ", ".join(d for d, is_named in zip(shape.dimensions, level[1:], strict=True) if is_named)
            yield Finding("level", shape.name, str(level[0]), cell, f"{row['sum']} of {row['count']} rows are shown")
