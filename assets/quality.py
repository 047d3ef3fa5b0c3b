"""Checks of the facts themselves: they warn and never block, because the decisions hold back by themselves.

Belongs here: how faults and missing evidence look in Dagster. Does not belong here: what they stop, which the retention
models decide: a fault freezes whom it touches, missing evidence everybody.
"""

from typing import TYPE_CHECKING

import dagster as dg
from ajprivacy_pipeline.assets.build import MONTHS, Check, checks_by_month, key

if TYPE_CHECKING:
    from ajprivacy_pipeline.run.month import MonthRun

QUALITY, EVIDENCE = key("staged.quality"), key("retention.evidence")


def values_fit() -> Check:
    """Whether every value fits."""
    with checks_by_month():
        return Check(dg.AssetCheckSpec(
            "values_fit", asset=QUALITY, partitions_def=MONTHS,
            description="Every value fits the source contract. What does not is listed by table, column and "
                        "fault; it freezes whom it touches and nobody else."), _values_fit)


def _values_fit(run: "MonthRun") -> dg.AssetCheckResult:
    from ajprivacy_pipeline.retention.quality import fault_counts
    faults = fault_counts(run.con)
    lines = "\n".join(f"| {table} | {column} | {fault} | {rows} |" for table, column, fault, rows in faults)
    count, columns = sum(rows for *_, rows in faults), len({fault[:2] for fault in faults})
    return dg.AssetCheckResult(
        check_name="values_fit", asset_key=QUALITY, passed=not faults, severity=dg.AssetCheckSeverity.WARN,
        description=f"{count:,} fault(s) in {columns} column(s)",
        metadata={"faults": dg.MetadataValue.md(f"| table | column | fault | rows |\n|---|---|---|---|\n{lines}")})


def facts_are_evidence() -> Check:
    """Whether anybody may be due."""
    with checks_by_month():
        return Check(dg.AssetCheckSpec(
            "facts_are_evidence", asset=EVIDENCE, partitions_def=MONTHS,
            description="No guard of evidence has tripped, and all evidence is mapped. "
                        "Otherwise nobody is due this month."), _facts_are_evidence)


def _facts_are_evidence(run: "MonthRun") -> dg.AssetCheckResult:
    from ajprivacy_pipeline.retention.quality import missing_evidence
    reasons = missing_evidence(run.con)
    return dg.AssetCheckResult(
        check_name="facts_are_evidence", asset_key=EVIDENCE, passed=not reasons, severity=dg.AssetCheckSeverity.WARN,
        description="nobody is due: " + "; ".join(reasons) if reasons else "the facts are evidence",
        metadata={"reasons": reasons})
