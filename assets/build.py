"""One factory: every SQL model of the catalogue becomes an asset.

Belongs here: how a model's header looks in Dagster. Does not belong here: steps that are no SQL (`steps.py`), the text
of a model, anything that names a single model.
"""

import hashlib
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
from ajprivacy_pipeline.assets.resources import MONTH, step

from ajprivacy_pipeline.lineage import product_graph
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.run.month import MonthRun
from ajprivacy_pipeline.settings import notice_folder
from ajprivacy_pipeline.storage.catalogue import LAYERS, Model

OWNERS = ["team:data-protection"]
_RETENTION = load_policy(notice_folder()).retention
MONTHS = dg.MonthlyPartitionsDefinition(start_date=f"{_RETENTION.first_month}-01", timezone=_RETENTION.time_zone)
EXTRACTION = "raw.extraction"  # before everything else, also before a model that reads no table
_SHOWN = {"raw", *LAYERS}  # schemas whose tables are assets; policy and control are written by a step, as data
_CONTENT = {
    "raw": "identifying", "staged": "identifying", "retention": "identifying", "pseudonyms": "identifying",
    "pseudonymised": "pseudonymous", "anonymous": "contributor-tokens", "published": "cells-before-the-gates",
}


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


def tags(layer: str) -> dict[str, str]:
    """Returns what a table of a layer says about people."""
    return {"content": _CONTENT[layer]}


def described(run: MonthRun, name: str, rows: int, seconds: float) -> dict[str, Any]:
    """Returns the metadata of a written table: counts, columns and types, never a value.

    What else is counted must be a number under a name of the policy: G13 reads texts word by word, and digits side by
    side look like somebody's phone.
    """
    columns = [dg.TableColumn(column, kind) for column, kind in run.describe(name)]
    return {
        "dagster/row_count": rows, "dagster/table_name": name, "dagster/column_schema": dg.TableSchema(columns),
        "policy_version": run.policy.version, "seconds": round(seconds, 3),
    }


def column_lineage(run: MonthRun, name: str) -> dict[str, dg.TableColumnLineage]:
    """Which columns of other assets each column of a model is made of; the graph is made once a process."""
    made_of = product_graph(run.policy).depends(name)
    return {"dagster/column_lineage": dg.TableColumnLineage({
        column: [dg.TableColumnDep(key(table), source) for table, source in sources
                 if table.partition(".")[0] in _SHOWN]
        for column, sources in made_of.items()})}


def spec(model: Model) -> dg.AssetSpec:
    """A model's asset: named by its path, described by its header, versioned by its text."""
    return dg.AssetSpec(
        key(model.name), group_name=model.layer, kinds={"duckdb", "sql"}, owners=OWNERS, tags=tags(model.layer),
        description=f"{model.doc}\n\nGrain: {model.grain}.", partitions_def=MONTHS,
        code_version=hashlib.sha256(model.sql.encode()).hexdigest()[:12],
        deps=[key(read) for read in model.reads if read.partition(".")[0] in _SHOWN] or [key(EXTRACTION)])


def build_assets(models: Sequence[Model]) -> list[dg.AssetsDefinition]:
    """One asset, and one step, a model."""
    return [_asset(model) for model in models]


def _asset(model: Model) -> dg.AssetsDefinition:
    @dg.multi_asset(specs=[spec(model)], name=model.name.replace(".", "__"), required_resource_keys={MONTH})
    def build(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        started = time.monotonic()
        with step(context) as run:
            rows = run.model(model.name)
            metadata = described(run, model.name, rows, time.monotonic() - started) | column_lineage(run, model.name)
            metadata |= run.figures(model.name)
        yield dg.MaterializeResult(asset_key=key(model.name), metadata=metadata)

    return build
