"""When what a month retains becomes due: people, attributes and records, month by month, thirty years ahead.

Belongs here: looking ahead from a month's decisions as they stand. Does not belong here: guessing what people will do;
a new order moves its people's dates when it happens.
"""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypedDict, get_args

from ajprivacy_pipeline.calendar import as_of, shift
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file
from ajprivacy_pipeline.whatif.compare import require_decisions

YEARS = 30
Counted = Literal["people", "attributes", "records"]
Edge = Literal["now", "held", "no_end_in_sight", "later"]
COUNTED: tuple[Counted, ...] = get_args(Counted)
_EDGES: tuple[Edge, ...] = get_args(Edge)


class Counts(TypedDict):
    """How many become due."""

    people: int
    attributes: int
    records: int


class Bucket(Counts):
    """The same with its month, its year, or the name of an edge."""

    when: str


class Forecast(TypedDict):
    """Counts per month of becoming due, and at the edges.

    `now`: due already. `held`: would be due but for a freeze. `no_end_in_sight`: open, no date. `later`: after the last
    of the months.
    """

    month: str
    as_of: str
    policy_version: str
    now: Counts
    held: Counts
    no_end_in_sight: Counts
    later: Counts
    months: list[Bucket]


# A month runs on the first day after it, so a day is met by the run of the month that holds the day before.
MET_BY = "strftime(due_on - 1, '%Y-%m')"
_FORECAST = f"""
WITH attributes AS (
    SELECT subject_id, due_on,
        CASE WHEN decision = 'due' THEN 0 WHEN decision = 'hold' THEN 3 WHEN due_on IS NULL THEN 2 ELSE 1 END AS state
    FROM retention.attribute_decisions WHERE decision <> 'absent'
), people AS (
    SELECT subject_id, max(state) AS state, max(due_on) AS due_on FROM attributes GROUP BY subject_id
), records AS (
    SELECT due_on,
        CASE WHEN decision = 'due' THEN 0 WHEN decision = 'hold' THEN 3 WHEN due_on IS NULL THEN 2 ELSE 1 END AS state
    FROM retention.record_decisions WHERE decision <> 'absent'
), counted AS (
    SELECT state, due_on, 1 AS people, 0 AS attributes, 0 AS records FROM people
    UNION ALL SELECT state, due_on, 0, 1, 0 FROM attributes
    UNION ALL SELECT state, due_on, 0, 0, 1 FROM records
), placed AS (
    SELECT CASE WHEN state = 0 THEN 'now' WHEN state = 3 THEN 'held' WHEN state = 2 THEN 'no end in sight'
                WHEN due_on > $horizon THEN 'later' ELSE {MET_BY} END AS bucket,
        people, attributes, records
    FROM counted
)
SELECT bucket, CAST(sum(people) AS BIGINT), CAST(sum(attributes) AS BIGINT), CAST(sum(records) AS BIGINT)
FROM placed GROUP BY bucket
"""


def forecast(settings: Settings, month: str) -> Forecast:
    """Counts per month of becoming due, for 360 months; a person counts when the last of the attributes goes.

    A person with one held attribute is held; with one open one, open.

    Raises:
        ZoneError: the month was never run or its file is destroyed.
        ControlError: its decisions are not complete.
    """
    as_of(month)  # a month that is none is told before a file is looked for
    with boundary("forecast"):
        keys = KeyStore(settings.keys, settings.root_key)
        with zones.open_zone(settings, keys, month_file(settings, month), read_only=True) as con:
            require_decisions(con, month)
            return forecast_of(con, month)


def forecast_of(con: zones.Connection, month: str) -> Forecast:
    """The same of a month that is decided and open."""
    decided_on = as_of(month)
    months = [shift(month, ahead) for ahead in range(1, 12 * YEARS + 1)]
    version = con.execute("SELECT any_value(policy_version) FROM retention.attribute_decisions").fetchall()[0][0]
    rows = con.execute(_FORECAST, {"horizon": as_of(months[-1])}).fetchall()
    found: dict[str, Counts] = {bucket: {"people": people, "attributes": attributes, "records": records}
                                for bucket, people, attributes, records in rows}
    nothing: Counts = {"people": 0, "attributes": 0, "records": 0}
    return {"month": month, "as_of": decided_on.isoformat(), "policy_version": version,
            "now": found.get("now", nothing), "held": found.get("held", nothing),
            "no_end_in_sight": found.get("no end in sight", nothing), "later": found.get("later", nothing),
            "months": [{"when": when, **found.get(when, nothing)} for when in months]}


def edges(result: Forecast) -> dict[Edge, Bucket]:
    """Returns what lies beside the months, each with its name in words."""
    return {name: {"when": name.replace("_", " "), **result[name]} for name in _EDGES}


def by_year(result: Forecast) -> list[Bucket]:
    """The months added up by calendar year, years without anything left out."""
    years: dict[str, Bucket] = {}
    for row in result["months"]:
        name = row["when"][:4]
        year = years.setdefault(name, {"when": name, "people": 0, "attributes": 0, "records": 0})
        for column in COUNTED:
            year[column] += row[column]
    return [year for year in years.values() if any(year[column] for column in COUNTED)]


def write_csv(result: Forecast, target: Path) -> None:
    """A row for `now`, `held`, `no end in sight`, each month, and `later`."""
    edge = edges(result)
    with _written(target), target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("when", *COUNTED))
        writer.writeheader()
        writer.writerows([edge["now"], edge["held"], edge["no_end_in_sight"], *result["months"], edge["later"]])


def write_plot(result: Forecast, target: Path) -> None:
    """Three bar charts below each other, by year, with what is due now and what has no end in the titles."""
    import matplotlib as mpl
    mpl.use("Agg")
    from matplotlib import pyplot as plt
    rows = result["months"]
    years = sorted({row["when"][:4] for row in rows})
    figure, axes = plt.subplots(3, 1, figsize=(10, 9), sharex=True, layout="constrained")
    for axis, column in zip(axes, COUNTED, strict=True):
        counts = [sum(row[column] for row in rows if row["when"][:4] == year) for year in years]
        axis.bar(years, counts, color="#2f5d8a")
        edge = ", ".join(f"{name.replace('_', ' ')} {result[name][column]:,}"
                         for name in _EDGES)
        axis.set_title(f"{column.capitalize()} becoming due per year ({edge})", loc="left", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].tick_params(axis="x", rotation=90)
    figure.suptitle(f"As decided for {result['month']}, policy {result['policy_version']}", fontsize=11)
    with _written(target):
        figure.savefig(target, format="png", dpi=120)
    plt.close(figure)


@contextmanager
def _written(target: Path) -> Iterator[None]:
    """Turn a refusal of the file system into an error of ours."""
    try:
        yield
    except OSError as error:
        raise PrivacyError(f"{target} cannot be written: {os.strerror(error.errno or 0)}") from None
