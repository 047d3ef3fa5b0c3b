"""Checks of the facts themselves: they warn and never block, because the decisions hold back by themselves.

Belongs here: how faults and missing evidence look in Dagster. Does not belong here: what they stop, which the retention
models decide: a fault freezes whom it touches, missing evidence everybody.
"""

import dagster as dg
from ajprivacy_pipeline.assets.build import MONTHS, checks_by_month, key
from ajprivacy_pipeline.assets.resources import MONTH, step

from ajprivacy_pipeline.retention.quality import fault_counts, missing_evidence


def checks() -> list[dg.AssetChecksDefinition]:
    """One check a question: do the values fit, and are the facts evidence."""
    with checks_by_month():
        return [_values_fit(), _facts_are_evidence()]


def _values_fit() -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=key("staged.quality"), name="values_fit", required_resource_keys={MONTH},
                    partitions_def=MONTHS,
                    description="Every value fits the source contract. What does not is listed by table, column and "
                                "fault; it freezes whom it touches and nobody else.")
    def values_fit(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with step(context) as run:
            faults = fault_counts(run.con)
        lines = "\n".join(f"| {table} | {column} | {fault} | {rows} |" for table, column, fault, rows in faults)
        count, columns = sum(rows for *_, rows in faults), len({fault[:2] for fault in faults})
        return dg.AssetCheckResult(
            passed=not faults, severity=dg.AssetCheckSeverity.WARN,
            description=f"{count:,} fault(s) in {columns} column(s)",
            metadata={"faults": dg.MetadataValue.md(f"| table | column | fault | rows |\n|---|---|---|---|\n{lines}")})

    return values_fit


def _facts_are_evidence() -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=key("retention.evidence"), name="facts_are_evidence",
                    required_resource_keys={MONTH}, partitions_def=MONTHS,
                    description="No guard of evidence has tripped, and all evidence is mapped. "
                                "Otherwise nobody is due this month.")
    def facts_are_evidence(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with step(context) as run:
            reasons = missing_evidence(run.con)
        return dg.AssetCheckResult(
            passed=not reasons, severity=dg.AssetCheckSeverity.WARN,
            description="nobody is due: " + "; ".join(reasons) if reasons else "the facts are evidence",
            metadata={"reasons": reasons})

    return facts_are_evidence
