"""When what a month retains becomes due: people, attributes and records, month by month, thirty years ahead.

Belongs here: looking ahead from a month's decisions as they stand. Does not belong here: guessing what people will do;
a new order moves its people's dates when it happens.
"""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ajprivacy_pipeline.calendar import as_of, shift
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file
from ajprivacy_pipeline.whatif.compare import require_decisions

YEARS = 30
COLUMNS = ("when", "people", "attributes", "records")
_EDGES = ("now", "held", "no_end_in_sight", "later")

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


def forecast(settings: Settings, month: str) -> dict[str, Any]:
    """Counts per month of becoming due, for 360 months; a person counts when the last of the attributes goes.

    Besides the months: `now` (due already), `held` (would be due but for a freeze), `no end in sight` (open: no date),
    `later` (after the 360 months). A person with one held attribute is held; with one open one, open.

    Raises:
        ZoneError: the month was never run or its file is destroyed.
        ControlError: its decisions are not complete.
    """
    decided_on = as_of(month)
    months = [shift(month, ahead) for ahead in range(1, 12 * YEARS + 1)]
    with boundary("forecast"):
        keys = KeyStore(settings.keys, settings.root_key)
        with zones.open_zone(settings, keys, month_file(settings, month), read_only=True) as con:
            require_decisions(con, month)
            version = con.execute("SELECT any_value(policy_version) "
                                  "FROM retention.attribute_decisions").fetchall()[0][0]
            rows = con.execute(_FORECAST, {"horizon": as_of(months[-1])}).fetchall()
    found = {bucket: dict(zip(COLUMNS[1:], counts, strict=True)) for bucket, *counts in rows}
    nothing = dict.fromkeys(COLUMNS[1:], 0)
    return {"month": month, "as_of": decided_on.isoformat(), "policy_version": version,
            **{name: found.get(name.replace("_", " "), nothing) for name in _EDGES},
            "months": [{"when": when, **found.get(when, nothing)} for when in months]}


def by_year(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The months added up by calendar year, years without anything left out."""
    years: dict[str, dict[str, Any]] = {}
    for row in result["months"]:
        year = years.setdefault(row["when"][:4], {"when": row["when"][:4], **dict.fromkeys(COLUMNS[1:], 0)})
        for column in COLUMNS[1:]:
            year[column] += row[column]
    return [year for year in years.values() if any(year[column] for column in COLUMNS[1:])]


def write_csv(result: dict[str, Any], target: Path) -> None:
    """A row for `now`, `held`, `no end in sight`, each month, and `later`."""
    edge = {name: {"when": name.replace("_", " "), **result[name]} for name in _EDGES}
    with _written(target), target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows([edge["now"], edge["held"], edge["no_end_in_sight"], *result["months"], edge["later"]])


def write_plot(result: dict[str, Any], target: Path) -> None:
    """Three bar charts below each other, by year, with what is due now and what has no end in the titles."""
    import matplotlib as mpl
    mpl.use("Agg")
    from matplotlib import pyplot as plt
    rows = result["months"]
    years = sorted({row["when"][:4] for row in rows})
    figure, axes = plt.subplots(3, 1, figsize=(10, 9), sharex=True, layout="constrained")
    for axis, column in zip(axes, COLUMNS[1:], strict=True):
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
