"""What Dagster sees: a graph that loads, is whole, and is scheduled."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from ajprivacy_pipeline.assets import jobs
from ajprivacy_pipeline.assets.build import MONTHS
from ajprivacy_pipeline.assets.checks import RELEASE
from ajprivacy_pipeline.assets.definitions import build_defs, defs
from ajprivacy_pipeline.assets.enforce import APPLIED, CERTIFICATE
from ajprivacy_pipeline.assets.journey import group
from ajprivacy_pipeline.assets.rights import REQUESTS

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.settings import NOTICE

SNAPSHOT = Path(__file__).with_name("graph.txt")
ROOT = Path(__file__).resolve().parent.parent.parent


def _edges() -> str:
    graph = defs.resolve_asset_graph()
    lines = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda k: k.path):
        parents = sorted("/".join(parent.path) for parent in graph.get(key).parent_keys)
        lines.append(f"{'/'.join(key.path)} <- {', '.join(parents)}".rstrip(" <-"))
    return "\n".join(lines) + "\n"


def test_definitions_load_and_hold_together() -> None:
    """Dagster resolves every asset, job, schedule, sensor and resource."""
    dg.Definitions.validate_loadable(build_defs())


def test_the_graph_loads_nothing_that_only_a_run_needs() -> None:
    """Pages, daemon and every command that asks Dagster load it: what each of these takes stood in the way of all."""
    heavy = ["pandas", "numpy", "scipy", "pyarrow", "sqlglot", "matplotlib", "psycopg", "sqlalchemy", "alembic"]
    asked = ("import sys; import ajprivacy_pipeline.assets.definitions; "
             f"print([name for name in {heavy} if name in sys.modules])")
    found = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True, cwd=ROOT)
    assert found.stdout.strip() == "[]"


def test_graph_is_the_one_on_file() -> None:
    """A change of the graph is seen in review: `python -m tests.assets.test_definitions` writes it anew."""
    assert _edges() == SNAPSHOT.read_text(encoding="utf-8")


def test_every_model_is_an_asset_that_explains_itself() -> None:
    """Description, group, owner, kinds, tags, code version, months."""
    graph = defs.resolve_asset_graph()
    for model in catalogue_of(load_policy(NOTICE)).values():
        node = graph.get(dg.AssetKey(model.name.split(".")))

        assert node.description
        assert model.grain in node.description
        assert node.group_name == group(model.layer)
        assert node.owners == ["team:data-protection"]
        assert {"duckdb", "sql"} <= node.kinds
        assert node.tags["content"]
        assert node.code_version
        assert node.partitions_def is not None


def test_groups_stand_in_the_order_of_the_journey() -> None:
    """And the cells that no gate has seen are called so."""
    graph = defs.resolve_asset_graph()
    groups = sorted({str(graph.get(key).group_name) for key in graph.get_all_asset_keys()})

    assert [name.partition("_")[2] for name in groups] == [
        "start_here", "warehouse", "raw", "staged", "retention", "review", "pseudonyms", "pseudonymised",
        "facts_without_identifiers", "cells_before_the_gates", "release", "control", "enforcement", "rights"]


def test_a_published_table_says_what_its_columns_mean_and_how_fresh_it_is() -> None:
    """An asset each, with the words of the dictionary."""
    policy, graph = load_policy(NOTICE), defs.resolve_asset_graph()
    for name, table in policy.release.tables.items():
        node = graph.get(dg.AssetKey(["release", name]))
        schema = node.metadata["dagster/column_schema"]

        assert node.freshness_policy is not None
        assert {column.name: column.tags["role"] for column in schema.columns} == {
            column: said.role for column, said in table.columns.items()}
        assert all(column.description for column in schema.columns)
    assert graph.get(dg.AssetKey(["staged", "customers"])).tags.keys() >= {"direct_identifier", "quasi_identifier"}
    assert "measure" in graph.get(dg.AssetKey(["release", "sales_monthly"])).tags


def test_every_table_that_is_read_staged_or_published_has_a_check_that_can_be_asked_alone() -> None:
    """By month, and of what the policy knows."""
    policy, graph = load_policy(NOTICE), defs.resolve_asset_graph()
    wanted = {dg.AssetCheckKey(dg.AssetKey([layer, table]), name) for table in policy.sources.tables
              for layer, name in (("raw", "was_read"), ("staged", "values_fit"))}
    wanted |= {dg.AssetCheckKey(dg.AssetKey(["release", name]), "shows_figures")
               for name, table in policy.release.tables.items() if table.months}

    assert graph.asset_check_keys >= wanted
    assert all(asset.can_subset for asset in graph.assets_defs if asset.check_keys & wanted)


def test_steps_take_turns_at_what_months_share() -> None:
    """The warehouse, the pseudonymised zone, the release, the control store; models work in their month's own file."""
    pools = {op.name: op.pool for asset in defs.resolve_asset_graph().assets_defs if asset.is_executable
             for op in asset.node_def.iterate_op_defs()}

    assert {name for name, pool in pools.items() if pool == "zones"} == {
        "extract", "pseudonymised__zone", "release__analytics", "control__months", "release__sql",
        "enforcement__plan", "enforcement__applied", "enforcement__certificate"}


def test_sources_are_external() -> None:
    """The graph begins in the warehouse, which nobody here makes."""
    graph = defs.resolve_asset_graph()

    assert not any(graph.get(key).is_materializable for key in graph.get_all_asset_keys() if key.path[0] == "warehouse")
    assert len([key for key in graph.get_all_asset_keys() if key.path[0] == "warehouse"]) == 12


def test_gates_block() -> None:
    """Each checked guarantee is a blocking check of the release."""
    specs = {spec.name: spec for asset in defs.resolve_asset_graph().assets_defs for spec in asset.check_specs
             if spec.asset_key == RELEASE}

    assert sorted(specs) == [
        "g01_columns", "g02_threshold", "g03_diversity", "g04_dominance", "g05_complementary", "g06_differencing",
        "g07_linkage", "g08_linkability", "g09_inference", "g10_leak_scan", "g11_taint", "g12_determinism",
        "g13_keys_and_logs", "g14_atomic", "g15_utility", "g17_presence"]
    assert all(spec.blocking and spec.asset_key == RELEASE for spec in specs.values())
    assert "at least 10 people" in (specs["g02_threshold"].description or ""), "in words, under the policy's k"


def test_every_check_is_of_a_month() -> None:
    """Else a run of another month would write over what it found."""
    specs = [spec for asset in defs.resolve_asset_graph().assets_defs for spec in asset.check_specs
             if spec.asset_key not in (APPLIED, CERTIFICATE, REQUESTS)]  # which are of one plan, and of a day

    assert {spec.name for spec in specs} > {"values_fit", "facts_are_evidence", "g02_threshold"}
    assert all(spec.partitions_def == MONTHS for spec in specs)


@pytest.mark.parametrize(("at", "partition"), [
    (datetime(2026, 11, 2, 2, 30, tzinfo=UTC), "2026-10-01"),  # winter time
    (datetime(2026, 7, 2, 1, 30, tzinfo=UTC), "2026-06-01"),  # summer time
    (datetime(2027, 1, 2, 2, 30, tzinfo=UTC), "2026-12-01"),  # over the new year
])
def test_schedule_takes_the_month_that_is_over(at: datetime, partition: str) -> None:
    """The tick of the second, 03:30 in Oslo."""
    schedule = defs.resolve_schedule_def("monthly_on_the_second")
    tick = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=at,
                                                            repository_def=defs.get_repository_def()))

    assert [request.partition_key for request in tick.run_requests or []] == [partition]
    assert schedule.cron_schedule == "30 3 2 * *"
    assert schedule.execution_timezone == "Europe/Oslo"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING


def test_period_counts_calendar_months() -> None:
    """Thirteen months before a day, at the latest on the 28th."""
    assert jobs.months_before(datetime(2026, 1, 31, tzinfo=UTC), 13) == datetime(2024, 12, 28, tzinfo=UTC)


def test_import_reads_no_environment(tmp_path: Path) -> None:
    """A code location loads without a home, without a warehouse, and makes nothing; it asks for the notice alone."""
    code = "import ajprivacy_pipeline.assets.definitions"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, env={
        "PYTHONPATH": str(ROOT), "AJPRIVACY_HOME": str(tmp_path / "home"), "AJPRIVACY_THREADS": "none"})

    assert not (tmp_path / "home").exists()


if __name__ == "__main__":
    SNAPSHOT.write_text(_edges(), encoding="utf-8")
