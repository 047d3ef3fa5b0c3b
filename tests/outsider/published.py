"""The published files as an outsider reads them.

Belongs here: opening a folder or analytics.duckdb, the data dictionary's columns by role, findings. Does not belong
here: any attack.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

ALL = "(all)"
DICTIONARY = "data_dictionary"
MICRODATA = "customers_microdata"


@dataclass(frozen=True)
class Finding:
    """What an attack got: where, and what it says now that was suppressed."""

    attack: str
    table: str
    period: str
    cell: str
    learnt: str


@dataclass(frozen=True)
class Thresholds:
    """What the publisher promises: k people, amounts within so many percent, the gain of a guess.

    `strict` also counts what is no promise: that a suppressed cell is a zero whose parts are not listed; and how many
    people are in a total and not in one of its parts, while their figures stay unknown.
    """

    k: int = 10
    percent: float = 10.0
    gain: float = 0.35
    strict: bool = False


@dataclass(frozen=True)
class Shape:
    """What the dictionary says of a table of cells.

    `time` is its date, `population` what that date means: tables whose dates mean the same tell of the same things.
    `additive` holds the dimensions a measure may be added up over, `unit` what it counts.
    """

    name: str
    time: str
    population: str
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    additive: dict[str, frozenset[str]]
    unit: dict[str, str]
    amounts: frozenset[str]
    figures: frozenset[str]  # medians and the like: neither counts nor amounts


@dataclass(frozen=True)
class Published:
    """One release. `signed` are measures that may be below nothing, as where there are credit notes.

    `units` are true units, by period and cell, where they are one for each order with a line at least: he may know that
    orders hold a unit, where that is so.
    """

    name: str
    tables: dict[str, pd.DataFrame]
    shapes: dict[str, Shape] = field(default_factory=dict)
    signed: frozenset[str] = frozenset()
    rounded: dict[str, Shape] = field(default_factory=dict)  # tables of rounded counts: every cell has a number
    units: Mapping[tuple[str, frozenset[tuple[str, str]]], float] = field(default_factory=dict)


class NoReleaseError(Exception):
    """What was given is no release; the message says what it lacks."""


def read(path: Path) -> Published:
    """A release from its folder of Parquet files or from an analytics.duckdb.

    Raises:
        NoReleaseError: nothing is there, or nothing says what the columns are.
    """
    if not path.exists():
        raise NoReleaseError(f"{path}: there is no such folder or file")
    tables = _from_duckdb(path) if path.is_file() else _from_folder(path)
    if DICTIONARY not in tables:
        what = f"{len(tables)} tables and no {DICTIONARY}" if tables else "no tables as TABLE/MONTH.parquet"
        raise NoReleaseError(f"{path}: holds {what}; name a folder of published/releases or an analytics.duckdb")
    dictionary = tables[DICTIONARY]
    shapes: dict[str, Shape] = {}
    rounded: dict[str, Shape] = {}
    for name, frame in tables.items():
        columns = dictionary[dictionary["table"] == name]
        if (columns["role"] == "measure").any() and (columns["role"] == "dimension").any():
            every_cell = "rounded_to" in frame and "suppressed" not in frame
            (rounded if every_cell else shapes)[name] = _shape(name, frame, columns)
    return Published(path.parent.name if path.is_file() else path.name, tables, shapes, rounded=rounded)


def _from_folder(path: Path) -> dict[str, pd.DataFrame]:
    parts: dict[str, list[pd.DataFrame]] = {}
    for file in sorted(path.glob("*/*.parquet")):
        parts.setdefault(file.parent.name, []).append(pd.read_parquet(file))
    return {name: pd.concat([part for part in frames if len(part)] or frames[:1], ignore_index=True)
            for name, frames in parts.items()}


def _from_duckdb(path: Path) -> dict[str, pd.DataFrame]:
    with duckdb.connect(str(path), read_only=True) as con:
        names = con.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'published'").fetchall()
        return {name: con.execute(f'SELECT * FROM published."{name}"').df() for name, in names}


def _shape(name: str, frame: pd.DataFrame, columns: pd.DataFrame) -> Shape:
    by_name = columns.set_index("column")
    dates = by_name[(by_name["type"] == "DATE") & (by_name["role"] == "dimension")]
    time = str(dates.index[0])
    roles = by_name["role"]
    dimensions = [d for d in frame.columns if roles.get(d) == "dimension" and d != time]
    for column in reversed(dimensions.copy()):  # a number comes before its name
        if _says_nothing_new(frame, column, [other for other in dimensions if other != column]):
            dimensions.remove(column)
    measures = tuple(m for m in frame.columns if roles.get(m) == "measure")
    additive = {m: frozenset(str(by_name.loc[m, "additive_over"] or "").replace(" ", "").split(",")) for m in measures}
    for m in measures:  # whatever the dictionary says: a customer has one type
        if by_name.loc[m, "unit"] == "customers" and "customer_type" in dimensions:
            additive[m] |= {"customer_type"}
    types = {m: str(by_name.loc[m, "type"]) for m in measures}
    return Shape(
        name, time, str(dates["meaning"].iloc[0]),
        tuple(dimensions), measures,
        additive, {m: str(by_name.loc[m, "unit"]) for m in measures},
        frozenset(m for m in measures if types[m].startswith("DECIMAL") and types[m].endswith(",2)")),
        frozenset(m for m in measures if types[m].startswith("DECIMAL") and not types[m].endswith(",2)")))


def _says_nothing_new(frame: pd.DataFrame, column: str, others: list[str]) -> bool:
    """Whether a column is the name of another one: a total exactly where that is, and decided by it elsewhere."""
    for other in others:
        totals = (frame[other] == ALL) == (frame[column] == ALL)
        if totals.all() and not (frame[column] == ALL).all():
            named = frame[frame[other] != ALL].groupby(other)[column].nunique(dropna=True)
            if (named <= 1).all() and len(named) >= frame[column].nunique() - 1:
                return True
    return False
