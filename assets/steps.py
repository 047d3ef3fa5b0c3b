"""The steps that are no SQL: extraction, quality, the pseudonymised zone, the end of the month, the destination.

Belongs here: one thin asset a step. Does not belong here: what a step does (the domain), SQL models (`build.py`).
"""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
from ajprivacy_pipeline.assets import journey
from ajprivacy_pipeline.assets.build import EXTRACTION, MONTHS, OWNERS, Table, described, key
from ajprivacy_pipeline.assets.history import POOL
from ajprivacy_pipeline.assets.resources import MONTH, step

from ajprivacy_pipeline.policy import Sources
from ajprivacy_pipeline.storage.catalogue import Model

if TYPE_CHECKING:
    from ajprivacy_pipeline.run.month import MonthRun

ZONE = dg.AssetKey(["pseudonymised", "zone"])
CLOSED = dg.AssetKey(["control", "months"])
_ADDRESSES = "raw.email_keys"
DESTINATION = dg.AssetKey(["release", "sql"])


def source_specs(sources: Sources) -> list[dg.AssetSpec]:
    """Returns the warehouse's tables as external assets: the graph starts where the data does."""
    return [dg.AssetSpec(dg.AssetKey(["warehouse", name]), group_name=journey.group("warehouse"), owners=OWNERS,
                         kinds={"table"}, tags=journey.tags("warehouse", table), description=table.description,
                         metadata=journey.source_schema(table))
            for name, table in sources.tables.items()]


def extraction(sources: Sources) -> dg.AssetsDefinition:
    """Returns the step that reads every table of the source, because all are read from one moment."""
    tables = [dg.AssetSpec(key(f"raw.{name}"), group_name=journey.group("raw"), kinds={"duckdb"}, owners=OWNERS,
                           tags=journey.tags("raw", table),
                           deps=[dg.AssetKey(["warehouse", name])], partitions_def=MONTHS,
                           description=f"{table.description} As extracted: only mapped columns, untouched values.")
              for name, table in sources.tables.items()]
    every = [dg.AssetKey(["warehouse", name]) for name in sources.tables]
    summary = dg.AssetSpec(key(EXTRACTION), group_name=journey.group("raw"), kinds={"duckdb"}, owners=OWNERS,
                           partitions_def=MONTHS,
                           tags={"content": "counts"}, deps=every,
                           description="What the extraction found: one row per source table, with what is missing.")

    addresses = dg.AssetSpec(key(_ADDRESSES), group_name=journey.group("raw"), kinds={"duckdb"}, owners=OWNERS,
                             partitions_def=MONTHS, tags=journey.tags("retention"), deps=every,
                             description="Every e-mail address of the source in the form in which they are compared.")

    @dg.multi_asset(specs=[*tables, summary, addresses], name="extract", pool=POOL, required_resource_keys={MONTH})
    def extract(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        started = time.monotonic()
        with step(context) as run:
            extracts = run.extract()
        for found in extracts:
            name = f"raw.{found.table}"
            yield dg.MaterializeResult(asset_key=key(name), metadata={
                **described(run, name, found.rows, time.monotonic() - started), "present": found.present,
                **({"taken_over": found.taken_over} if found.taken_over else {}),
                "missing_columns": list(found.missing_columns), "evidence_missing": list(found.evidence_missing)})
        for name in (EXTRACTION, _ADDRESSES):
            yield dg.MaterializeResult(asset_key=key(name), metadata=described(
                run, name, run.rows(name), time.monotonic() - started))

    return extract


def quality(reads: Sequence[str]) -> Table:
    """staged.quality: what does not fit the source contract, held and counted, never dropped."""

    def made(run: "MonthRun", name: str, started: float) -> dict[str, Any]:
        rows = run.quality()
        return {**described(run, name, rows, time.monotonic() - started), "faults": run.tally(name, "fault")}

    return Table(dg.AssetSpec(
        key("staged.quality"), group_name=journey.group("staged"), kinds={"duckdb"}, owners=OWNERS,
        tags=journey.tags("staged"),
        deps=[key(read) for read in reads], partitions_def=MONTHS,
        description="Rows of the source that do not fit its contract: table, id, column, fault; no value.\n\n"
                    "Grain: one row per fault."), made)


def pseudonymised(models: Sequence[Model]) -> dg.AssetsDefinition:
    """Returns the asset of the zone for the few who may follow a person over time."""

    @dg.asset(key=ZONE, group_name=journey.group("pseudonymised"), kinds={"duckdb"}, owners=OWNERS,
              tags=journey.tags("pseudonymised"),
              deps=[key(model.name) for model in models], partitions_def=MONTHS, pool=POOL,
              required_resource_keys={MONTH},
              description="The encrypted file of the pseudonymised zone, rebuilt in full with a key of its own; the "
                          "file and key of the month before are destroyed.")
    def pseudonymised__zone(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with step(context) as run:
            rows = run.pseudonymise()
        return dg.MaterializeResult(metadata={
            "policy_version": run.policy.version, "dagster/row_count": sum(rows.values()), "rows": rows})

    return pseudonymised__zone


def close(after: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """Returns the step that closes the month: records it as done, and destroys copies of earlier months."""

    @dg.asset(key=CLOSED, group_name=journey.group("control"), kinds={"sqlite"}, owners=OWNERS,
              tags={"content": "counts"}, deps=list(after), partitions_def=MONTHS, pool=POOL,
              required_resource_keys={MONTH},
              description="Records that the month has succeeded and what the source held, then destroys the restricted "
                          "files and keys of earlier months: copies die when the next month has succeeded.")
    def control__months(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with step(context) as run:
            destroyed = run.finish()
            summary = {**run.summary(), "destroyed_months": destroyed}
        return dg.MaterializeResult(metadata={"policy_version": run.policy.version, "summary": summary})

    return control__months


def destination() -> dg.AssetsDefinition:
    """Returns the step that copies the published tables to a declared database; last, so that nothing waits for it."""

    @dg.asset(key=DESTINATION, group_name=journey.group("release"), kinds={"sql"}, owners=OWNERS,
              tags=journey.tags("release"),
              deps=[CLOSED], partitions_def=MONTHS, pool=POOL, required_resource_keys={MONTH},
              description="Brings the newest proven release to the database AJPRIVACY_PUBLISH_URL in one transaction, "
                          "if its declared country is one of the EEA; does nothing where none is declared.")
    def release__sql(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with step(context) as run:
            done = run.publish()
            found: dict[str, dg.RawMetadataValue] = {"destination": "none is declared"} if done is None else {
                "destination": done.destination, "country": done.country, "month": done.month, "tables": done.tables,
                "dagster/row_count": done.rows, "changed": done.changed}
        return dg.MaterializeResult(metadata={"policy_version": run.policy.version, **found})

    return release__sql
