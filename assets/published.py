"""The tables that analysts read, an asset each: its columns in words, what of it is visible, how fresh it is.

Belongs here: the standing release as Dagster sees it, table by table, with its checks. Does not belong here: making a
release and proving it (`checks`), what a table says (`policy`, `release`).
"""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import dagster as dg
from ajprivacy_pipeline.assets import journey
from ajprivacy_pipeline.assets.build import FRESH, MONTHS, OWNERS, Check, Table, checks_by_month, layer
from ajprivacy_pipeline.assets.checks import RELEASE

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release import PublishedTable

if TYPE_CHECKING:
    from ajprivacy_pipeline.release import Release
    from ajprivacy_pipeline.run.month import MonthRun

SHOWS = "shows_figures"
_releases: "WeakKeyDictionary[MonthRun, Release]" = WeakKeyDictionary()  # verified once a run: every file is hashed


def key(table: str) -> dg.AssetKey:
    """Returns the asset key of a published table."""
    return dg.AssetKey(["release", table])


def tables(policy: Policy) -> dg.AssetsDefinition:
    """Returns the step that looks at what analysts have now, table by table, from the standing release's manifest."""
    shown = [Table(_spec(name, table), partial(_made, table)) for name, table in policy.release.tables.items()]
    checks = [_check(name) for name, table in policy.release.tables.items() if table.months]
    return layer("release_tables", shown, checks)


def _spec(name: str, table: PublishedTable) -> dg.AssetSpec:
    return dg.AssetSpec(
        key(name), group_name=journey.group("release"), kinds={"duckdb", "parquet"}, owners=OWNERS, deps=[RELEASE],
        tags=journey.published_tags(table), partitions_def=MONTHS, metadata=journey.published_schema(table, {}),
        freshness_policy=FRESH,
        description=f"{table.description}\n\nAs it stands in published/analytics.duckdb. A suppressed value is NULL, "
                    "never 0; what is not listed is not zero.")


def _made(table: PublishedTable, run: "MonthRun", name: str, started: float) -> dict[str, Any]:
    release, called = _standing(run), name.partition(".")[2]
    gone = {column.partition(".")[2]: str(reason) for column, reason in release.manifest["absent"].items()
            if column.startswith(f"{called}.")}
    periods = [path.stem for path in release.files(called)]
    return {"dagster/row_count": sum(entry["rows"] for path, entry in release.manifest["files"].items()
                                     if path.startswith(f"{called}/")),
            "dagster/table_name": called, **journey.published_schema(table, gone),
            "release": release.month, "proven": bool(release.manifest["proven"]), "policy_version": run.policy.version,
            **({"newest_period": periods[-1], "periods": len(periods)} if table.months and periods else {}),
            **_visible(release.manifest, called), "seconds": round(time.monotonic() - started, 3)}


def _visible(manifest: Mapping[str, Any], table: str) -> dict[str, int]:
    """Percent of a measure in shown cells, by how many dimensions are named; only what the release tells."""
    return {f"visible_{share['measure']}_{level['dimensions']}": share["percent"]
            for said in manifest.get("visible", []) if said["table"] == table
            for level in said["levels"] for share in level["shares"] if share["percent"] is not None}


def _check(table: str) -> Check:
    with checks_by_month():
        return Check(dg.AssetCheckSpec(
            SHOWS, asset=key(table), partitions_def=MONTHS,
            description="The table is published, and a figure of it is visible."), partial(_shows, table))


def _shows(table: str, run: "MonthRun") -> dg.AssetCheckResult:
    release = _standing(run)
    why = list(_lacks(release, table))
    return dg.AssetCheckResult(
        check_name=SHOWS, asset_key=key(table), passed=not why, severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(why) or "figures are visible",
        metadata={"release": release.month, **({"to_do": _TO_DO} if why else {})})


_TO_DO = ("Nothing is broken. Publish it by a longer period (`ajprivacy run --period FACTS=LENGTH`), or look in the "
          "mapping for what it is made of: `ajprivacy mapping check`.")


def _lacks(release: "Release", table: str) -> Iterator[str]:
    if table in release.manifest["absent"]:
        yield f"absent: {release.manifest['absent'][table]}"
    elif not release.files(table):
        yield "no period is published"
    for said in release.manifest.get("visible", []):
        if said["table"] == table and said["nothing"]:
            yield str(said["nothing"])


def _standing(run: "MonthRun") -> "Release":
    """The release that analysts see now."""
    from ajprivacy_pipeline.release import read_release
    if run not in _releases:
        _releases[run] = read_release(run.settings)
    return _releases[run]
