"""Dagster's event log with its files kept open: the same files with the same events, and few of them at a time."""

import dagster as dg
import pytest
from ajprivacy_pipeline.assets.events import EventLog
from ajprivacy_pipeline.assets.instance import prepare_dagster
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from ajprivacy_pipeline.settings import load_settings
from tests.assets.conftest import Home


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job
def tiny() -> None:
    """A run with a handful of events."""
    nothing()


def test_either_storage_reads_what_the_other_has_written(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six runs, more than there are files kept open; the files lie where Dagster looks for them."""
    for name in ("DAGSTER_HOME", "DAGSTER_REDACT_USER_CODE_ERRORS", "DAGSTER_DISABLE_TELEMETRY", "AJPRIVACY_HOME"):
        monkeypatch.setenv(name, "")
    settings = load_settings(home.env)
    with prepare_dagster(settings) as instance:
        ours = instance.event_log_storage
        assert isinstance(ours, EventLog)
        runs = [tiny.execute_in_process(instance=instance).run_id for _ in range(6)]
        assert len(ours._engines) <= 4
        own = SqliteEventLogStorage(str(settings.dagster_home / "history" / "runs"))
        assert set(own.get_all_run_ids()) >= set(runs)
        for run_id in runs:
            written = [entry.user_message for entry in ours.get_logs_for_run(run_id)]
            assert len(written) > 3
            assert [entry.user_message for entry in own.get_logs_for_run(run_id)] == written
        own.delete_events(runs[0])
        assert list(ours.get_logs_for_run(runs[0])) == []
        ours.delete_events(runs[1])
        assert list(own.get_logs_for_run(runs[1])) == []
        ours.wipe()
        assert list(ours.get_logs_for_run(runs[2])) == list(own.get_logs_for_run(runs[2])) == []
        own.dispose()
    assert not ours._engines
