"""One factory: every SQL model of the catalogue becomes an asset, every layer one step.

A step costs as much as it takes to build a small table, so a layer is built in one, which can be asked for some of its
assets and checks alone; each asset is noted when its table stands. Belongs here: how a model's header looks in Dagster.
Does not belong here: steps that are no SQL (`steps.py`), the text of a model, anything that names a single model.
"""

import hashlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
from ajprivacy_pipeline.assets import journey
from ajprivacy_pipeline.assets.lineage import MadeOf, kept_lineage, shown
from ajprivacy_pipeline.assets.resources import MONTH, step

from ajprivacy_pipeline.calendar import RUN_DAY
from ajprivacy_pipeline.policy import Sources, load_policy
from ajprivacy_pipeline.settings import notice_folder, sql_folder
from ajprivacy_pipeline.storage.catalogue import LAYERS, Model

if TYPE_CHECKING:
    from ajprivacy_pipeline.run.month import MonthRun

OWNERS = ["team:data-protection"]
_RETENTION = load_policy(notice_folder()).retention
MONTHS = dg.MonthlyPartitionsDefinition(start_date=f"{_RETENTION.first_month}-01", timezone=_RETENTION.time_zone)
_ENDED = {"no_purpose": "no purpose applies to the person"}  # else the last one that covered the attribute has
EXTRACTION = "raw.extraction"  # before everything else, also before a model that reads no table
# Tables whose age and emptiness tell a watcher that a month did not run, or read nothing.
WATCHED = ("retention.subjects", "retention.attribute_decisions", "retention.record_decisions", "retention.due")
_SHOWN = {"raw", *LAYERS}  # schemas whose tables are assets; policy and control are written by a step, as data
FRESH = dg.FreshnessPolicy.cron(  # by noon of the day of the run
    deadline_cron=f"0 12 {RUN_DAY} * *", lower_bound_delta=timedelta(hours=9), timezone=_RETENTION.time_zone)


@contextmanager
def checks_by_month() -> Iterator[None]:
    """Let checks be declared month by month without a warning: partitions of checks are new in Dagster.

    Without them a run of one month would write over what was found in another. Dagster 1.13.27 keeps one evaluation for
    a run over several months, so such runs are split (that is the default), and `resources` refuses others.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        yield


def key(name: str) -> dg.AssetKey:
    """Returns the asset key of a table `layer.table`."""
    return dg.AssetKey(name.split("."))


def described(run: "MonthRun", name: str, rows: int, seconds: float) -> dict[str, Any]:
    """Returns the metadata of a written table: counts, columns and types, never a value.

    What else is counted must be a number under a name of the policy: G13 reads texts word by word, and digits side by
    side look like somebody's phone.
    """
    columns = journey.columns_of(run.policy.sources, name, run.describe(name))
    return {
        "dagster/row_count": rows, "dagster/table_name": name, "dagster/column_schema": dg.TableSchema(columns),
        "policy_version": run.policy.version, "seconds": round(seconds, 3),
    }


def spec(model: Model, sources: Sources) -> dg.AssetSpec:
    """A model's asset: named by its path, described by its header, versioned by its text."""
    return dg.AssetSpec(
        key(model.name), group_name=journey.group(model.layer), kinds={"duckdb", "sql"}, owners=OWNERS,
        tags=journey.tags(model.layer, sources.tables.get(model.table) if model.layer == "staged" else None),
        metadata=journey.code(sql_folder() / model.layer / f"{model.table}.sql"),
        description=f"{model.doc}\n\nGrain: {model.grain}.", partitions_def=MONTHS,
        code_version=hashlib.sha256(model.sql.encode()).hexdigest()[:12],
        freshness_policy=FRESH if model.name in WATCHED else None,
        deps=[key(read) for read in model.reads if read.partition(".")[0] in _SHOWN] or [key(EXTRACTION)])


@dataclass(frozen=True)
class Table:
    """A table of a layer: how it looks in Dagster, and how a run makes it."""

    spec: dg.AssetSpec
    make: Callable[["MonthRun", str, float], dict[str, Any]]  # with its name, and when the step began; its metadata


@dataclass(frozen=True)
class Check:
    """A question to a layer that stands, asked after its last table."""

    spec: dg.AssetCheckSpec
    look: Callable[["MonthRun"], dg.AssetCheckResult]


def model_table(model: Model, sources: Sources) -> Table:
    """A model's table; `sources` say what its columns say about people."""
    return Table(spec(model, sources), _made)


def _made(run: "MonthRun", name: str, started: float) -> dict[str, Any]:
    rows = run.model(name)
    return {**_owed(run, name), **run.figures(name), **described(run, name, rows, time.monotonic() - started)}


def _owed(run: "MonthRun", name: str) -> dict[str, Any]:
    """What is due, in numbers that plot; of everything that is due first why and since when.

    Each reason is a text of its own: Dagster's page cuts off a table that is wider than its column.
    """
    found = run.owed(name)
    by_clause, by_purpose = found.pop("due_by_clause", None) or {}, found.pop("due_by_purpose", None)
    promises = {clause: told.meaning for clause, told in run.policy.clauses.items()}
    why = {f"due by {clause}": f"{sum(ages.values()):,} ({_aged(ages)}): {promises[clause]}"
           for clause, ages in by_clause.items()}
    if by_purpose:  # two narrow columns
        found["due_by_purpose"] = dg.MetadataValue.table([
            dg.TableRecord({"why": _ENDED.get(purpose, f"{purpose} has ended"), "due": rows})
            for purpose, rows in by_purpose.items()])
    return {**why, **found}


def _aged(ages: Mapping[str, int]) -> str:
    """Returns for how long, in words: "12 under a month, 3 older"."""
    return ", ".join(f"{rows:,} {age.replace('_', ' ')}" for age, rows in ages.items() if rows)


def layer(name: str, tables: Sequence[Table], checks: Sequence[Check] = ()) -> dg.AssetsDefinition:
    """Returns the step that builds a layer's tables in their order, and then looks at them.

    Args:
        name: of the layer and of the step.
        tables: each after those of the layer that it reads.
        checks: any of their assets.
    """

    @dg.multi_asset(specs=[table.spec for table in tables], check_specs=[check.spec for check in checks], name=name,
                    can_subset=True, required_resource_keys={MONTH})
    def build(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        made_of: MadeOf | None = None
        for table in tables:
            if table.spec.key in context.selected_asset_keys:
                called = ".".join(table.spec.key.path)
                with step(context, called) as run:
                    made_of = made_of or kept_lineage(run.policy, run.settings.dagster_home)
                    metadata = table.make(run, called, time.monotonic()) | shown(made_of, called)
                yield dg.MaterializeResult(asset_key=table.spec.key, metadata=metadata)
        for check in checks:
            if check.spec.key in context.selected_asset_check_keys:
                with step(context, check.spec.name) as run:
                    found = check.look(run)
                yield found

    return build
