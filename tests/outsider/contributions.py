"""Attacks measured by who contributed what: remainders of shown totals that are one firm's, two's, or few people's.

Belongs here: a shown total less its shown parts, along one dimension or nested, in one period, with the true
contributions, which an auditor has and an outsider may guess. Does not belong here: suppressed cells by themselves.
"""

from collections.abc import Iterator
from itertools import combinations, permutations

import pandas as pd

from tests.outsider.published import ALL, Finding, Published, Shape, Thresholds

LARGEST, TWO_LARGEST = 0.50, 0.75


def remainders(published: Published, facts: pd.DataFrame, limits: Thresholds) -> Iterator[Finding]:
    """Remainders that one or two dominate, or that stand on fewer than k.

    Args:
        published: the release.
        facts: a row per line: period ("2024-01-01"), who, party where that is another, every dimension, units,
            revenue_nok.
        limits: k.
    """
    for shape in published.shapes.values():
        if not set(shape.dimensions) <= set(facts.columns):
            continue
        for measure in [m for m in shape.measures if m in facts.columns]:
            frame = published.tables[shape.name]
            shown = frame[frame[measure].notna()]
            for period, cells in shown.groupby(shown[shape.time].astype(str).str[:10]):
                of_period = facts[facts["period"] == period]
                yield from _of_measure(shape, measure, str(period), cells, of_period, limits)


def _of_measure(shape: Shape, measure: str, period: str, cells: pd.DataFrame, facts: pd.DataFrame,
                limits: Thresholds) -> Iterator[Finding]:
    additive = [d for d in shape.dimensions if d in shape.additive[measure]]
    keys = {named: _keys(cells, shape, named) for size in range(len(shape.dimensions) + 1)
            for named in combinations(shape.dimensions, size)}
    seen = set()
    for named, totals in keys.items():
        rest = [d for d in additive if d not in named]
        for depth in range(1, len(rest) + 1):
            for order in permutations(rest, depth):
                left = facts[_is_in(facts, named, totals)]
                for upto in range(1, depth + 1):
                    level = tuple(d for d in shape.dimensions if d in (*named, *order[:upto]))
                    left = left[~_is_in(left, level, keys[level])]
                for total, lines in left.groupby(list(named)) if named else [((), left)]:
                    learnt = dominated(lines, measure, limits)
                    if learnt and (named, total, learnt) not in seen:
                        seen.add((named, total, learnt))
                        cell = ", ".join(f"{d} {v}" for d, v in zip(named, total, strict=True)) or "total"
                        yield Finding("remainder", shape.name, period, cell, f"{measure} less {order}: {learnt}")


def _keys(cells: pd.DataFrame, shape: Shape, named: tuple[str, ...]) -> set[tuple[str, ...]]:
    """The shown cells of a level."""
    level = cells
    for dimension in shape.dimensions:
        level = level[(level[dimension] != ALL) == (dimension in named)]
    return set(level[list(named)].astype(str).itertuples(index=False, name=None)) if len(level) else set()


def _is_in(facts: pd.DataFrame, level: tuple[str, ...], keys: set[tuple[str, ...]]) -> pd.Series:
    if not level:
        return pd.Series(bool(keys), index=facts.index)
    return pd.Series([key in keys for key in facts[list(level)].itertuples(index=False, name=None)],
                     index=facts.index, dtype=bool)


def dominated(lines: pd.DataFrame, measure: str, limits: Thresholds) -> str:
    """What is wrong with a remainder, or nothing."""
    own = lines.groupby("who")[measure].sum()
    own = own[own.abs() > 1e-9].abs().sort_values(ascending=False)
    if own.empty:
        return ""
    if len(own) < limits.k:
        return f"{len(own)} contributors"
    if "party" in lines:  # who is not named is one contributor together, and dominates by order
        own = lines.groupby("party")[measure].sum().abs().sort_values(ascending=False)
    share, two = own.iloc[0] / own.sum(), own.iloc[:2].sum() / own.sum()
    if share > LARGEST + 1e-9 or two > TWO_LARGEST + 1e-9:
        return f"the largest has {share:.1%}, two have {two:.1%}"
    return ""
