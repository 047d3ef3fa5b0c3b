"""What Dagster shows of faults and of missing evidence: counts by table and column, as a warning."""

from __future__ import annotations

from types import SimpleNamespace

import dagster as dg
import pytest
from ajprivacy_pipeline.assets import quality
from ajprivacy_pipeline.assets.definitions import defs

from ajprivacy_pipeline.storage import zones

SECRET = "customer-4711"
CHECKS = (quality.values_fit(), quality.facts_are_evidence())


def results(con: zones.Connection) -> dict[str, dg.AssetCheckResult]:
    """What both checks say about a month's file."""
    run = SimpleNamespace(con=con)
    return {check.spec.name: check.look(run) for check in CHECKS}  # type: ignore[arg-type]


@pytest.fixture
def con() -> zones.Connection:
    """A month without a fault."""
    made = zones.memory()
    for schema in ("staged", "retention"):
        made.execute(f"CREATE SCHEMA {schema}")
    made.execute("CREATE TABLE staged.quality (table_name VARCHAR, id VARCHAR, column_name VARCHAR, fault VARCHAR, "
                 "freezes BOOLEAN)")
    made.execute("CREATE TABLE retention.evidence AS SELECT false AS is_missing, CAST(NULL AS VARCHAR[]) AS reasons")
    return made


def test_a_month_without_faults_passes(con: zones.Connection) -> None:
    assert all(result.passed for result in results(con).values())


def test_faults_are_counted_by_table_and_column(con: zones.Connection) -> None:
    con.execute(f"INSERT INTO staged.quality VALUES ('orders', '{SECRET}', 'ordered_at', 'unparsable', true), "
                f"('orders', '{SECRET}2', 'ordered_at', 'unparsable', true), "
                f"('cases', '{SECRET}', 'customer_id', 'orphan', false)")
    found = results(con)["values_fit"]

    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description == "3 fault(s) in 2 column(s)"
    assert "| orders | ordered_at | unparsable | 2 |" in str(found.metadata["faults"].value)
    assert SECRET not in str(found)


def test_missing_evidence_says_why_nobody_is_due(con: zones.Connection) -> None:
    con.execute("UPDATE retention.evidence SET is_missing = true, reasons = ['invoices: empty, was not']")
    found = results(con)["facts_are_evidence"]

    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description == "nobody is due: invoices: empty, was not"


def test_both_run_with_the_month_and_block_nothing() -> None:
    keys = defs.resolve_job_def("monthly").asset_layer.asset_graph.asset_check_keys

    assert keys >= {check.spec.key for check in CHECKS}
    assert not any(check.spec.blocking for check in CHECKS)
