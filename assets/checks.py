"""The release and its gates: each guarantee a blocking check of the release asset.

Belongs here: how verdicts look in Dagster. Does not belong here: what a guarantee demands (`anonymise`, `release`).

A blocking check of Dagster stops later steps only, and a table that is checked afterwards is written already. So the
gates stand inside the release's own step: prove, then swap; the checks report what they said.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
from ajprivacy_pipeline.assets.build import FRESH, MONTHS, OWNERS, checks_by_month, key
from ajprivacy_pipeline.assets.history import POOL
from ajprivacy_pipeline.assets.journey import group
from ajprivacy_pipeline.assets.resources import MONTH, step

from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES, PROVING, Guarantee
from ajprivacy_pipeline.disclosure.verdict import UNCHECKED, Verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.catalogue import Model

if TYPE_CHECKING:
    from ajprivacy_pipeline.release import ReleaseResult

_LEADING, _MEASURES, _LEVELS = "sales_monthly", ("orders", "revenue_nok"), (1, 2)
RELEASE = dg.AssetKey(["release", "analytics"])


def release(models: Sequence[Model], policy: Policy) -> dg.AssetsDefinition:
    """Returns the asset that analysts read: built in a staging folder, proven, swapped in."""
    gates = [GUARANTEES[name] for name in PROVING]

    @dg.asset(key=RELEASE, group_name=group("release"), kinds={"duckdb", "parquet"}, owners=OWNERS,
              tags={"content": "anonymous"}, deps=[key(model.name) for model in models], partitions_def=MONTHS,
              pool=POOL, required_resource_keys={MONTH}, check_specs=[_spec(gate, policy) for gate in gates],
              freshness_policy=FRESH,
              description="Parquet files, a manifest and analytics.duckdb for one month. A gate that fails leaves the "
                          "previous release in place. A month that is closed already is left alone, and its checks say "
                          "again what was found when it was closed.")
    def release__analytics(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        from ajprivacy_pipeline.release import GuaranteeError
        try:
            with step(context) as run:
                result = run.release()
        except GuaranteeError as error:
            yield from (_check(verdict) for verdict in error.verdicts if verdict.guarantee in PROVING)
            raise error from None
        found = {verdict.guarantee: verdict for verdict in result.verdicts}
        yield from (_check(found.get(name) or Verdict(name, False, "", is_checked=False)) for name in PROVING)
        yield dg.MaterializeResult(metadata=_described(result, run.policy))

    return release__analytics


def _spec(gate: Guarantee, policy: Policy) -> dg.AssetCheckSpec:
    """A check of the release, month by month: a run of another month writes over nothing."""
    with checks_by_month():
        return dg.AssetCheckSpec(gate.check_name, asset=RELEASE, blocking=True, description=gate.words(policy),
                                 partitions_def=MONTHS)


def _check(verdict: Verdict) -> dg.AssetCheckResult:
    """What a check says; one that was not made warns, and is no failure."""
    gate = GUARANTEES[verdict.guarantee]
    failed = verdict.is_checked and not verdict.passed
    return dg.AssetCheckResult(
        check_name=gate.check_name, asset_key=RELEASE, passed=verdict.passed,
        description=verdict.figure if verdict.is_checked else UNCHECKED,
        severity=dg.AssetCheckSeverity.ERROR if verdict.is_checked else dg.AssetCheckSeverity.WARN,
        metadata={**verdict.figures, "verdict": verdict.word, "violations": list(verdict.violations),
                  **({"remedy": gate.remedy} if failed else {})})


def _visible(result: "ReleaseResult") -> dict[str, int]:
    """Percent of orders and revenue in shown cells, by how many dimensions are named, as the release says."""
    return {f"visible_{share['measure']}_{level['dimensions']}": share["percent"]
            for said in result.visible if said["table"] == _LEADING
            for level in said["levels"] if level["dimensions"] in _LEVELS
            for share in level["shares"] if share["measure"] in _MEASURES and share["percent"] is not None}


def _described(result: "ReleaseResult", policy: Policy) -> dict[str, Any]:
    from ajprivacy_pipeline.release.visible import told_lines
    gates = "\n".join(f"| {v.guarantee} {GUARANTEES[v.guarantee].title} | {v.word} | {v.figure} | "
                      f"{GUARANTEES[v.guarantee].words(policy)} |" for v in result.verdicts)
    visible = "\n".join(f"| {table} | {line} |" for table, line in told_lines(result.visible))
    return {
        "policy_version": policy.version, "status": result.status, "proven": result.proven, "folder": result.folder,
        "history_from": result.history_from, "manifest_sha256": result.manifest_sha256, "repaired": result.repaired,
        "dagster/row_count": sum(result.rows.values()), **_visible(result), "cells": result.figures.get("cells", 0),
        "cells_suppressed": result.figures.get("cells_suppressed", 0), "tables": len(result.rows),
        "gates_passed": sum(v.passed for v in result.verdicts), "gates": len(result.verdicts),
        "absent_columns": len(result.absent), "rows": result.rows, "figures": dict(result.figures),
        "page": dg.MetadataValue.path(f"{result.folder}/release.html"),  # relative to the home
        "published_at": result.published_at,
        "verdicts": dg.MetadataValue.md(f"| guarantee | verdict | figure | meaning |\n|---|---|---|---|\n{gates}"),
        "visible": dg.MetadataValue.md(f"| table | visible, in percent |\n|---|---|\n{visible}"),
    }
