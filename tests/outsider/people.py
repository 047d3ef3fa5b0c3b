"""Attacks on the table of people, by somebody who knows who everybody is.

Belongs here: linkage by containment, homogeneity, guesses, and the crossing of two editions. What may stand in a row is
what docs and dictionary say: a value, a range that holds it, a group it plainly belongs to, or `*`. Does not belong
here: cells.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from tests.outsider.published import DICTIONARY, MICRODATA, Finding, Published, Thresholds

ANYTHING = "*"
NUMBER = re.compile(r"^(\d+)(?:-(\d+)|(\+))?(?: years?)?$")
# What a reader takes the groups for. A customer_type `person` is said in the dictionary, sectors are plain words.
GROUPS = {
    "person": {"consumer", "sole_proprietor"},
    "primary and secondary": {"agriculture", "construction", "manufacturing"},
    "trade and services": {"retail", "transport", "hospitality", "consulting"},
    "public and social": {"education", "health", "public sector"},
}
Mask = npt.NDArray[np.bool_]


def attack(published: Published, known: pd.DataFrame | None, limits: Thresholds) -> Iterator[Finding]:
    """Linkage, homogeneity and guesses: of the classes themselves, and of everybody known."""
    if MICRODATA not in published.tables or not len(published.tables[MICRODATA]):
        return
    table = published.tables[MICRODATA]
    quasi, sensitive = (columns(published, role) for role in ("quasi_identifier", "sensitive"))
    classes = table.groupby(quasi, dropna=False).size().reset_index(name="rows")
    for row in classes[classes["rows"] < limits.k].itertuples(index=False):
        yield Finding("class", MICRODATA, "", _describe(quasi, row), f"{row.rows} people are alone in their class")
    for values, rows in table.groupby(quasi, dropna=False):
        yield from guesses(rows, table, sensitive, ", ".join(map(str, values)), limits)
    if known is not None:
        yield from linkage(published, known, limits)


def columns(published: Published, role: str) -> list[str]:
    """The columns of the table of people that have the role."""
    rows = published.tables[DICTIONARY]
    rows = rows[(rows["table"] == MICRODATA) & (rows["role"] == role)]
    return [column for column in published.tables[MICRODATA].columns if column in set(rows["column"])]


def guesses(rows: pd.DataFrame, table: pd.DataFrame, sensitive: list[str], who: str,
            limits: Thresholds) -> Iterator[Finding]:
    """What is sure of everybody among these rows, and what is much likelier than of anybody at all."""
    for column in sensitive:
        share = rows[column].value_counts(normalize=True)
        gain = share - table[column].value_counts(normalize=True).reindex(share.index)
        if len(share) == 1 and len(set(table[column])) > 1:
            yield Finding("homogeneity", MICRODATA, "", who, f"{column} is {share.index[0]} for all of {len(rows)}")
        elif gain.max() > limits.gain + 1e-9:
            yield Finding("guess", MICRODATA, "", who,
                          f"{column} is {gain.idxmax()} with {share[gain.idxmax()]:.2f}, +{gain.max():.2f}")


def linkage(published: Published, known: pd.DataFrame, limits: Thresholds) -> Iterator[Finding]:
    """Everybody known, held against every row that could be theirs."""
    table = published.tables[MICRODATA]
    quasi, sensitive = (columns(published, role) for role in ("quasi_identifier", "sensitive"))
    classes = table.groupby(quasi, dropna=False).size().reset_index(name="rows")
    alike = _alike(known, quasi)
    guessed: dict[bytes, list[Finding]] = {}  # the same of everybody whom the same classes fit
    for person in alike.itertuples(index=False):
        fits = compatible(classes, quasi, person)
        rows = int(classes.loc[fits, "rows"].sum())
        who = _describe(quasi, person)
        if 0 < rows < limits.k:
            yield Finding("linkage", MICRODATA, "", who, f"{rows} rows can be theirs")
        elif rows and int(fits.sum()) > 1:  # one class alone is guessed at by `attack`
            key = fits.tobytes()
            if key not in guessed:
                theirs = table.merge(classes.loc[fits, quasi], on=quasi)
                guessed[key] = list(guesses(theirs, table, sensitive, "", limits))
            yield from (replace(found, cell=who) for found in guessed[key])


def editions(older: Published, newer: Published, known: pd.DataFrame, limits: Thresholds) -> Iterator[Finding]:
    """Two editions of the table crossed: people alike in both are as many as before, or they stand out."""
    if not all(MICRODATA in release.tables for release in (older, newer)):
        return
    quasi = columns(newer, "quasi_identifier")
    old, new = (release.tables[MICRODATA] for release in (older, newer))
    rows = [sorted(map(str, table.itertuples(index=False, name=None))) for table in (old, new)]
    if rows[0] == rows[1]:
        return  # repeated, not made anew
    seen: dict[tuple[tuple[int, ...], ...], int] = {}
    described: dict[tuple[tuple[int, ...], ...], str] = {}
    grouped = [table.groupby(quasi, dropna=False).size().reset_index(name="rows") for table in (old, new)]
    alike = _alike(known, quasi)
    for person in alike.itertuples(index=False):
        key = tuple(tuple(np.flatnonzero(compatible(classes, quasi, person))) for classes in grouped)
        seen[key] = seen.get(key, 0) + int(person.people)
        described.setdefault(key, _describe(quasi, person))
    for key, people in seen.items():
        if all(key) and people < limits.k:
            yield Finding("editions", MICRODATA, "", described[key], f"{people} people share both classes")


def _alike(known: pd.DataFrame, quasi: list[str]) -> pd.DataFrame:
    """Everybody known, one row for all who are alike, with their number."""
    return known.fillna("unknown").astype(str).groupby(quasi).size().reset_index(name="people")


def compatible(classes: pd.DataFrame, quasi: list[str], person: object) -> Mask:
    """Which classes may hold the person: each value holds theirs."""
    fits = np.ones(len(classes), dtype=bool)
    for column in quasi:
        value = getattr(person, column)
        fits &= np.array([holds(label, value) for label in classes[column]], dtype=bool)
    return fits


@cache
def holds(label: object, value: object) -> bool:
    """Whether what a row says may be said of somebody with the value."""
    text, label = str(value), str(label)
    if label in {ANYTHING, text}:
        return True
    if label in GROUPS:
        return text in GROUPS[label]
    band = NUMBER.match(label)
    if band is None or not text.isdigit():
        return False
    low, high = int(band[1]), int(band[2]) if band[2] else int(band[1])
    return int(text) >= low and (bool(band[3]) or int(text) <= high)


def _describe(quasi: list[str], row: object) -> str:
    return ", ".join(f"{column} {getattr(row, column)}" for column in quasi)
