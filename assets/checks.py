"""The release and its gates: each guarantee a blocking check of the release asset.

Belongs here: how verdicts look in Dagster. Does not belong here: what a guarantee demands (`anonymise`, `release`).

A blocking check of Dagster stops later steps only, and a table that is checked afterwards is written already. So the
gates stand inside the release's own step: prove, then swap; the checks report what they said.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
from ajprivacy_pipeline.assets.build import MONTHS, OWNERS, key
from ajprivacy_pipeline.assets.resources import MONTH, POOL, step

from ajprivacy_pipeline.disclosure.verdict import Verdict
from ajprivacy_pipeline.release import GuaranteeError, ReleaseResult
from ajprivacy_pipeline.storage.catalogue import Model

RELEASE = dg.AssetKey(["release", "analytics"])
_MEANING = {
    "G1": "Every published column is declared: no identifier, pseudonym, free text or precise time.",
    "G2": "Every cell, and every measure by its own contributors, stands on at least k people or companies.",
    "G3": "Microdata: no class of people is all alike in anything sensitive, or far from the whole table.",
    "G4": "No shown amount is made up of one or two customers, or lets the second largest know the largest.",
    "G5": "No suppressed sum can be computed from shown ones, exactly or within a narrow interval.",
    "G6": "No shown total minus shown parts of it, and no month published twice, leaves fewer than k people.",
    "G7": "Microdata: an attacker who knows all of a person's quasi-identifiers finds at least k people, or none.",
    "G8": "Microdata: at least k people share a person's class in this release and in the one before.",
    "G9": "Microdata: nothing sensitive can be guessed better from the table than of people who are not in it.",
    "G10": "No identifying value of the warehouse, and nothing that looks like one, stands in a published text.",
    "G11": "From the SQL alone: no published column is made of an identifying one, except through a named function.",
    "G12": "The same facts in another order give the same cells.",
    "G13": "Neither a key nor a personal value stands in what the run has written into its log.",
    "G14": "Every file is what the manifest says, and one rename publishes all: the old release or the new one.",
    "G15": "What is suppressed and how far answers are off is measured; microdata leave hardly anybody out.",
}


def release(models: Sequence[Model]) -> dg.AssetsDefinition:
    """Returns the asset that analysts read: built in a staging folder, proven, swapped in."""
    specs = [dg.AssetCheckSpec(_name(gate), asset=RELEASE, blocking=True, description=_MEANING[gate])
             for gate in _MEANING]

    @dg.asset(key=RELEASE, group_name="release", kinds={"duckdb", "parquet"}, owners=OWNERS,
              tags={"content": "anonymous"}, deps=[key(model.name) for model in models], partitions_def=MONTHS,
              pool=POOL, required_resource_keys={MONTH}, check_specs=specs,
              freshness_policy=dg.FreshnessPolicy.cron(
                  deadline_cron="0 12 2 * *", lower_bound_delta=timedelta(hours=9), timezone="Europe/Oslo"),
              description="Parquet files, a manifest and analytics.duckdb for one month. A gate that fails leaves the "
                          "previous release in place. A month that is closed already is left alone.")
    def release__analytics(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        try:
            with step(context) as run:
                result = run.release()
        except GuaranteeError as error:
            yield from (_check(verdict) for verdict in error.verdicts if verdict.guarantee in _MEANING)
            raise error from None
        if result.verdicts:
            said = {verdict.guarantee for verdict in result.verdicts}
            yield from (_check(verdict) for verdict in result.verdicts if verdict.guarantee in _MEANING)
            yield from (_not_needed(gate) for gate in _MEANING if gate not in said)
        else:
            yield from (_left_alone(gate) for gate in _MEANING)
        yield dg.MaterializeResult(metadata=_described(result, run.policy.version))

    return release__analytics


def _name(gate: str) -> str:
    return gate.lower()


def _check(verdict: Verdict) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=_name(verdict.guarantee), asset_key=RELEASE, passed=verdict.passed, description=verdict.figure,
        metadata={**verdict.figures, "violations": list(verdict.violations)})


def _not_needed(gate: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name=_name(gate), asset_key=RELEASE, passed=True,
                               description="Nothing that this guarantee is about is in the release.")


def _left_alone(gate: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name=_name(gate), asset_key=RELEASE, passed=True,
                               description="Nothing new is published: the month is closed, its release stands.")


def _described(result: ReleaseResult, policy_version: str) -> dict[str, Any]:
    gates = "\n".join(f"| {v.guarantee} | {v.word} | {v.figure} |" for v in result.verdicts)
    return {
        "policy_version": policy_version, "status": result.status, "proven": result.proven, "folder": result.folder,
        "history_from": result.history_from, "manifest_sha256": result.manifest_sha256, "repaired": result.repaired,
        "dagster/row_count": sum(result.rows.values()), "rows": result.rows, **result.figures,
        "page": dg.MetadataValue.path(f"{result.folder}/release.html"),  # relative to the home
        "gates": dg.MetadataValue.md(f"| guarantee | verdict | figure |\n|---|---|---|\n{gates}"),
    }
