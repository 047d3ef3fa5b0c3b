"""Dagster's history in a real PostgreSQL, by the settings of deploy/: runs, checks, pool, pruning."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from ajprivacy_pipeline.assets.history import POOL, note_unchecked, origin_of, prune, run_here
from ajprivacy_pipeline.assets.instance import prepare_dagster

from ajprivacy_pipeline.settings import Settings, load_settings
from tests.assets.test_history import JOB, TABLE
from tests.warehouse.shopkit import fresh_database

SETTINGS = Path(__file__).resolve().parents[2] / "deploy" / "dagster-postgres.yaml"
DRIVER = "postgresql+psycopg2"  # as deploy/ says it
CHECK = dg.AssetCheckKey(TABLE, "holds")


@pytest.fixture
def settings(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home whose operator has put the settings there; PostgreSQL listens on a socket of the system here."""
    url = sa.make_url(fresh_database(postgres_url, "history"))
    for name in ("DAGSTER_HOME", "DAGSTER_REDACT_USER_CODE_ERRORS", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("AJPRIVACY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", url.set(drivername=DRIVER).render_as_string(hide_password=False))
    made = load_settings()
    made.dagster_home.mkdir(parents=True)
    (made.dagster_home / "dagster.yaml").write_text(SETTINGS.read_text(encoding="utf-8"), encoding="utf-8")
    return made


def test_runs_checks_and_pruning_are_the_same_there(settings: Settings) -> None:
    """A run that ends, one that fails, what is left when both are old; nothing stands in files of the home."""
    with prepare_dagster(settings) as instance:
        assert type(instance.run_storage).__name__ == "PostgresRunStorage"
        run_here(JOB, instance, "2026-07-01", resources={}, config={})
        with pytest.raises(ValueError, match="no August"):
            run_here(JOB, instance, "2026-08-01", resources={}, config={})
        failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        assert [run.remote_job_origin for run in failed] == [origin_of("tiny")]
        note_unchecked(instance, failed[0])
        said = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=9)
        assert [one.status.value for one in said][:2] == ["FAILED", "SUCCEEDED"]
        assert said[0].partition == "2026-08-01"
        instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
        assert instance.event_log_storage.get_concurrency_info(POOL).slot_count == 1
        assert prune(instance, datetime(2100, 1, 1, tzinfo=UTC)) == 2
        assert instance.get_runs() == []
        assert instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=9) == []
    assert not list(settings.dagster_home.rglob("*.db"))
