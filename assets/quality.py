"""Checks of the facts themselves: they warn and never block, because the decisions hold back by themselves.

Belongs here: how faults and missing evidence look in Dagster. Does not belong here: what they stop, which the retention
models decide: a fault freezes whom it touches, missing evidence everybody.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg
from ajprivacy_pipeline.assets.build import MONTHS, Check, checks_by_month, key
from ajprivacy_pipeline.assets.resources import MONTH, step

if TYPE_CHECKING:
    from ajprivacy_pipeline.run.month import MonthRun
    from ajprivacy_pipeline.run.whole import Question

FITS, READ, WHOLE = "values_fit", "was_read", "is_whole"
_TO_DO = {
    "unknown_value": "say in the mapping what the value means (values), or correct it in the source",
    "unparsable": "name the form in the mapping ({ sql = ... }), or correct the values in the source",
    "implausible_date": "correct the dates in the source; what they touch stays until then",
    "sentinel": "say in the mapping that it stands for no date (empty)",
    "missing": "fill the column in the source, or release those who are held: `ajprivacy review list`",
    "end_before_beginning": "correct either date in the source",
    "orphan": "restore the record that is referred to, or read its table whole",
    "misplaced": "move what belongs to a person to the contact; it is decided like a person's",
}
_TO_DO_TABLE = "look at the mapping (`ajprivacy mapping check`); nobody is due by what is not there"
_TO_DO_WHOLE = ("approve no plan of this month, and tell who keeps this program the table, the count and the month: "
                "its models disagree about how many there are")
_TO_DO_EVIDENCE = "mend the source and run the month again, or accept the loss by name: `ajprivacy evidence list`"
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
        metadata={"faults": dg.MetadataValue.md(f"| table | column | fault | rows |\n|---|---|---|---|\n{lines}"),
                  **({"to_do": {kind: _TO_DO[kind] for kind in sorted({fault for *_, fault, _ in faults})}} if faults
                     else {})})


def table_fits(table: str) -> Check:
    """Whether every value of a table fits; the same by column, with what to do."""
    with checks_by_month():
        return Check(dg.AssetCheckSpec(
            FITS, asset=key(f"staged.{table}"), partitions_def=MONTHS,
            description=f"Every value of {table} fits the source contract."), partial(_table_fits, table))


def _table_fits(table: str, run: "MonthRun") -> dg.AssetCheckResult:
    from ajprivacy_pipeline.retention.quality import fault_counts
    found: dict[str, dict[str, int]] = {}
    for name, column, fault, rows in fault_counts(run.con):
        if name == table:
            found.setdefault(column, {})[fault] = rows
    count = sum(rows for faults in found.values() for rows in faults.values())
    kinds = sorted({fault for faults in found.values() for fault in faults})
    return dg.AssetCheckResult(
        check_name=FITS, asset_key=key(f"staged.{table}"), passed=not found, severity=dg.AssetCheckSeverity.WARN,
        description=f"{count:,} fault(s) in {len(found)} column(s)" if found else "every value fits",
        metadata={"rows": run.rows(f"staged.{table}"), "faults": count,
                  **({"columns": found, "to_do": {kind: _TO_DO[kind] for kind in kinds}} if found else {})})


def tables_were_read(tables: Sequence[str]) -> dg.AssetChecksDefinition:
    """Whether the source has each table, with rows in it; a step of its own, so that it can be asked alone."""
    with checks_by_month():
        specs = [dg.AssetCheckSpec(READ, asset=key(f"raw.{table}"), partitions_def=MONTHS,
                                   description=f"The warehouse has {table}, and rows in it.") for table in tables]

    @dg.multi_asset_check(specs=specs, name="tables_were_read", can_subset=True, required_resource_keys={MONTH})
    def were_read(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from ajprivacy_pipeline.run.summary import missing_columns, source_counts
        with step(context) as run:
            counts = {row["table_name"]: row for row in source_counts(run.con)}
            lacking = {table: missing_columns(run.con, table) for table in tables}
        for spec in specs:
            if spec.key in context.selected_asset_check_keys:
                table = spec.asset_key.path[-1]
                row, columns = counts[table], lacking[table]
                yield dg.AssetCheckResult(
                    check_name=READ, asset_key=spec.asset_key, passed=bool(row["rows"]),
                    severity=dg.AssetCheckSeverity.WARN,
                    description="was read" if row["rows"] else "has no rows" if row["present"] else "is not mapped",
                    metadata={"rows": row["rows"], "columns_missing": len(columns), "missing": columns,
                              **({} if row["rows"] else {"to_do": _TO_DO_TABLE})})

    return were_read


def has_rows(table: str) -> Check:
    """Whether anything was decided at all; a month of nobody is a reading that failed."""
    with checks_by_month():
        return Check(dg.AssetCheckSpec(
            "has_rows", asset=key(table), partitions_def=MONTHS,
            description=f"{table} is not empty: the month has read somebody."), partial(_has_rows, table))


def _has_rows(table: str, run: "MonthRun") -> dg.AssetCheckResult:
    rows = run.rows(table)
    return dg.AssetCheckResult(
        check_name="has_rows", asset_key=key(table), passed=bool(rows), severity=dg.AssetCheckSeverity.WARN,
        description=f"{rows:,} rows" if rows else "it is empty",
        metadata={"rows": rows, **({} if rows else {"to_do": _TO_DO_TABLE})})


def is_whole(table: str, question: "Question") -> Check:
    """Whether a table has what it must have of those that it is made of."""
    with checks_by_month():
        return Check(dg.AssetCheckSpec(WHOLE, asset=key(table), partitions_def=MONTHS, description=question.says),
                     partial(_is_whole, table, question))


def _is_whole(table: str, question: "Question", run: "MonthRun") -> dg.AssetCheckResult:
    from ajprivacy_pipeline.run.whole import wrong
    found = wrong(run.con, table, question)
    return dg.AssetCheckResult(
        check_name=WHOLE, asset_key=key(table), passed=not found, severity=dg.AssetCheckSeverity.ERROR,
        description=f"{found:,} break it" if found else "holds",
        metadata={"wrong": found, **({"to_do": _TO_DO_WHOLE} if found else {})})


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
        metadata={"reasons": reasons, **({"to_do": _TO_DO_EVIDENCE} if reasons else {})})
