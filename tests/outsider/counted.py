"""Attacks on counts of people beside counts of what they did: visitors of events, customers of messages.

Belongs here: both counts of a period in one system, and remainders of what was done. Does not belong here: orders,
units and amounts, whose people are described (`tables`, `contributions`).

A reader knows that whoever is counted did something that is counted beside it, that what was done is in one part of
each total, that a person may be in several parts, that messages of fewer than k customers are not shown, and that all
are whole numbers.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import coo_array

from tests.outsider import contributions
from tests.outsider.published import ALL, Finding, Published, Shape, Thresholds

Cell = tuple[str, ...]
PEOPLE_OF = {"web_activity_monthly": ("events", "visitors"), "communications_monthly": ("messages", "customers")}
NOBODY = "nobody"  # all who have no number: one contributor together


def attack(published: Published, behind: dict[str, pd.DataFrame], limits: Thresholds) -> Iterator[Finding]:
    """Whatever is told of the people of visits and messages.

    Args:
        published: the release, by months.
        behind: by table who truly did what, as `facts_of` says it.
        limits: k.
    """
    for name, measures in PEOPLE_OF.items():
        if name in published.shapes:
            shape, facts = published.shapes[name], behind[name]
            yield from _remainders(published, shape, measures[0], facts, limits)
            for period, part in published.tables[name].groupby(shape.time):
                of_period = facts[facts["period"] == str(period)[:10]]
                yield from told(shape, measures, str(period)[:10], part, of_period, limits)


def facts_of(shop: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Who is behind each table: a row per event or message."""
    return {"web_activity_monthly": visits_of(shop), "communications_monthly": messages_of(shop)}


def visits_of(shop: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row per event: period, who, page_group, device_class, counted (whether the person is a visitor)."""
    if "web_events" not in shop:
        return pd.DataFrame({"period": [], "who": [], "page_group": [], "device_class": [], "counted": []})
    events = shop["web_events"]
    groups = {"/stoler": "catalogue", "/": "home", "/kasse": "checkout", "/kundeservice": "service",
              "/kampanje": "campaign", "/login": "account", "?": "other"}
    classes = {"Windows NT": "desktop", "iPhone Mobile": "mobile", "iPad": "tablet", "Linux bot": "robot"}
    consented = events["visitor_id"].where(events["consented"])
    return pd.DataFrame({
        "period": _month(events), "who": events["customer_id"].fillna(consented).fillna(NOBODY),
        "page_group": events["page"].map(groups).fillna("unknown"),
        "device_class": events["user_agent"].map(classes).fillna("unknown"), "counted": events["consented"]})


def messages_of(shop: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row per message: period, who, channel, direction, counted."""
    if "communications" not in shop:
        return pd.DataFrame({"period": [], "who": [], "channel": [], "direction": [], "counted": []})
    sent = shop["communications"]
    return pd.DataFrame({"period": _month(sent), "who": sent["customer_id"].fillna(NOBODY),
                         "channel": sent["channel"].fillna("unknown"),
                         "direction": sent["direction"].fillna("unknown"), "counted": True})


def _month(facts: pd.DataFrame) -> pd.Series:
    return pd.to_datetime(facts["occurred_on"]).dt.strftime("%Y-%m-01")


def _remainders(published: Published, shape: Shape, done: str, facts: pd.DataFrame,
                limits: Thresholds) -> Iterator[Finding]:
    """What is left of a shown total without its shown parts: few people's, though nobody dominates a count."""
    alone = replace(published, shapes={shape.name: replace(shape, measures=(done,))})
    everybody = facts.assign(**{done: 1.0}).groupby([c for c in facts if c != "counted"], as_index=False).agg(
        **{done: (done, "sum")})
    for found in contributions.remainders(alone, everybody.assign(party=range(len(everybody))), limits):
        if found.learnt.endswith("contributors"):
            yield found


def told(shape: Shape, measures: tuple[str, str], period: str, part: pd.DataFrame, facts: pd.DataFrame,
         limits: Thresholds) -> Iterator[Finding]:
    """Suppressed counts that follow exactly, or whose own people are few and whose room is less than k."""
    dimensions, names = list(shape.dimensions), list(measures)
    cells = {tuple(row): i for i, row in enumerate(part[dimensions].astype(str).itertuples(index=False, name=None))}
    shown = part[names].astype("Float64").to_numpy(dtype=float, na_value=np.nan).T
    matrix, most, equal, right = _system(cells, dimensions)
    count = len(cells)
    low = np.where(np.isnan(shown), [[1.0], [0.0 if names[1] == "visitors" else 1.0]], shown).ravel()
    high = np.where(np.isnan(shown), np.inf, shown).ravel()
    if names[1] == "customers":  # whose messages are shown: of fewer than k they would not be
        low[count:] = np.where(np.isnan(shown[1]) & ~np.isnan(shown[0]), limits.k, low[count:])
    for cell, at in cells.items():
        lines = facts
        for dimension, value in zip(dimensions, cell, strict=True):
            lines = lines if value == ALL else lines[lines[dimension] == value]
        behind = lines["who"].nunique(), lines.loc[lines["counted"], "who"].nunique()
        for which in (0, 1):
            if np.isnan(shown[which, at]):
                least, largest = (_end(which * count + at, sign, (matrix, most, equal, right), low, high)
                                  for sign in (1.0, -1.0))
                room = np.floor(largest + 1e-6) - np.ceil(least - 1e-6)
                few = 0 < behind[which] < limits.k or (
                    which and _hides_few(cells, cell, shown[1], facts, dimensions, limits))
                if room < 0.5 or (few and room < limits.k):
                    where = ", ".join(f"{d} {v}" for d, v in zip(dimensions, cell, strict=True) if v != ALL)
                    yield Finding(f"counted, {'exact' if room < 0.5 else 'interval'}", shape.name, period,
                                  where or "total", f"{names[which]} in {least:.2f} .. {largest:.2f} "
                                  f"of {behind[which]}")


def _hides_few(cells: dict[Cell, int], cell: Cell, shown: np.ndarray, facts: pd.DataFrame, dimensions: list[str],
               limits: Thresholds) -> bool:
    """Whether a cell alone hides how few people are in a shown total and not in it, or in several of its parts."""
    for d, dimension in enumerate(dimensions):
        rest, total = cell[:d] + cell[d + 1:], (*cell[:d], ALL, *cell[d + 1:])
        line = [at for part, at in cells.items() if part[:d] + part[d + 1:] == rest]
        if cell[d] == ALL or np.isnan(shown[cells[total]]) or np.isnan(shown[line]).sum() > 1:
            continue
        lines = facts[facts["counted"]]
        for other, at in zip(dimensions, total, strict=True):
            lines = lines if at == ALL else lines[lines[other] == at]
        people, everybody = lines.groupby(dimension)["who"].nunique(), lines["who"].nunique()
        if any(0 < few < limits.k for few in (people.sum() - everybody, everybody - people.get(cell[d], 0))):
            return True
    return False


def _system(cells: dict[Cell, int], dimensions: list[str]) -> tuple[coo_array, np.ndarray, coo_array, np.ndarray]:
    """Rows over what was done (first) and people (after it) of every cell."""
    count, least, equal = len(cells), list[dict[int, float]](), list[dict[int, float]]()
    for at in cells.values():
        least.append({count + at: 1.0, at: -1.0})
    for d in range(len(dimensions)):
        parts: dict[Cell, list[int]] = {}
        for cell, at in cells.items():
            if cell[d] != ALL:
                parts.setdefault((*cell[:d], ALL, *cell[d + 1:]), []).append(at)
        for total, inside in parts.items():
            whole = cells[total]
            equal.append({whole: 1.0, **dict.fromkeys(inside, -1.0)})
            least.append({count + whole: 1.0, **{count + at: -1.0 for at in inside}})
            least += [{count + at: 1.0, count + whole: -1.0} for at in inside]
            least += [{count + whole: 1.0, count + one: -1.0, whole: -1.0, one: 1.0} for one in inside]
    return (_matrix(least, 2 * count), np.zeros(len(least)), _matrix(equal, 2 * count), np.zeros(len(equal)))


def _matrix(rows: list[dict[int, float]], columns: int) -> coo_array:
    entries = [(n, at, factor) for n, row in enumerate(rows) for at, factor in row.items()]
    n, at, factor = zip(*entries, strict=True) if entries else ((), (), ())
    return coo_array((factor, (n, at)), shape=(len(rows), columns))


def _end(at: int, sign: float, system: tuple[coo_array, np.ndarray, coo_array, np.ndarray], low: np.ndarray,
         high: np.ndarray) -> float:
    weights = np.zeros(len(low))
    weights[at] = sign
    matrix, most, equal, right = system
    found = linprog(weights, A_ub=matrix, b_ub=most, A_eq=equal if len(right) else None,
                    b_eq=right if len(right) else None, bounds=np.column_stack([low, np.minimum(high, 1e6)]))
    if found.x is None:
        raise AssertionError(f"no world has these figures: {found.message}")
    return float(found.x[at])
