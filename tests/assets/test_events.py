"""Dagster's event log with its files kept open: the same files with the same events, and few of them at a time."""

from collections.abc import Iterator
from pathlib import Path

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


MONTHS = dg.MonthlyPartitionsDefinition("2026-01-01", end_date="2026-04-01")
FIRST, SECOND = dg.AssetKey("first"), dg.AssetKey("second")


@dg.multi_asset(specs=[dg.AssetSpec(FIRST, partitions_def=MONTHS, code_version="1"),
                       dg.AssetSpec(SECOND, deps=[FIRST], partitions_def=MONTHS, code_version="1")])
def two() -> Iterator[dg.MaterializeResult[None]]:
    """A table, and one that is made of it, with words about both."""
    for key in (FIRST, SECOND):
        yield dg.MaterializeResult(asset_key=key, metadata={"rows": 3, "dagster/column_schema": dg.TableSchema([
            dg.TableColumn("name", "text", "whose it is", tags={"privacy": "direct_identifier"})])})


def _two_months(instance: dg.DagsterInstance) -> list[str]:
    both = dg.define_asset_job("both")
    job = dg.Definitions(assets=[two], jobs=[both]).resolve_job_def("both")
    return [job.execute_in_process(instance=instance, partition_key=month).run_id
            for month in ("2026-01-01", "2026-02-01")]


def _tags(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, str]:
    event = instance.get_latest_materialization_event(key)
    assert event is not None
    assert event.asset_materialization is not None
    return {name: value for name, value in (event.asset_materialization.tags or {}).items()
            if "event_pointer" not in name}


def test_what_is_written_once_is_what_dagster_writes_thrice(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The newest event of an asset, its versions and those of what it is made of; an output says only that it came."""
    for name in ("DAGSTER_HOME", "DAGSTER_REDACT_USER_CODE_ERRORS", "DAGSTER_DISABLE_TELEMETRY", "AJPRIVACY_HOME"):
        monkeypatch.setenv(name, "")
    settings = load_settings(home.env)
    (tmp_path / "own").mkdir()
    with prepare_dagster(settings) as instance, dg.DagsterInstance.local_temp(str(tmp_path / "own")) as other:
        ours = instance.event_log_storage
        assert isinstance(ours, EventLog)
        runs = _two_months(instance)
        _two_months(other)
        assert [_tags(instance, key) for key in (FIRST, SECOND)] == [_tags(other, key) for key in (FIRST, SECOND)]
        own = SqliteEventLogStorage(str(settings.dagster_home / "history" / "runs"))
        assert ours.get_asset_records([FIRST, SECOND]) == own.get_asset_records([FIRST, SECOND])
        newest = ours.get_asset_records([FIRST])[0].asset_entry.last_materialization_record
        assert newest is not None
        pointer = instance.get_latest_materialization_event(SECOND)
        assert pointer is not None
        assert str(newest.storage_id) in (pointer.asset_materialization.tags or {}).values()  # type: ignore[union-attr]
        assert newest.event_log_entry in list(own.get_logs_for_run(runs[-1]))
        events = [entry.dagster_event for entry in own.get_logs_for_run(runs[-1]) if entry.dagster_event]
        outputs = [event for event in events if event.event_type == dg.DagsterEventType.STEP_OUTPUT]
        assert [dict(event.step_output_data.metadata) for event in outputs] == [{}, {}]
        made = [event for event in events if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION]
        assert [set(event.step_materialization_data.materialization.metadata) for event in made] == [
            {"rows", "dagster/column_schema"}] * 2
        own.dispose()
    assert not ours._newest


def test_what_a_step_says_stands_there_soon_and_at_once_for_who_asks(
    home: Home, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An output waits for what follows; nobody has to say anything more for others to read it."""
    for name in ("DAGSTER_HOME", "DAGSTER_REDACT_USER_CODE_ERRORS", "DAGSTER_DISABLE_TELEMETRY", "AJPRIVACY_HOME"):
        monkeypatch.setenv(name, "")
    settings = load_settings(home.env)
    with prepare_dagster(settings) as instance:
        ours = instance.event_log_storage
        assert isinstance(ours, EventLog)
        run = tiny.execute_in_process(instance=instance).run_id
        said = next(entry for entry in ours.get_logs_for_run(run)
                    if entry.dagster_event and entry.dagster_event.event_type == dg.DagsterEventType.STEP_OUTPUT)
        own = SqliteEventLogStorage(str(settings.dagster_home / "history" / "runs"))
        before = len(own.get_logs_for_run(run))
        ours.store_event(said)
        assert ours._late is not None
        ours._late.join()
        assert len(own.get_logs_for_run(run)) == before + 1
        ours.store_event(said)
        assert len(ours.get_logs_for_run(run)) == len(own.get_logs_for_run(run)) == before + 2
        ours.store_event(said)
        own.dispose()
    other = SqliteEventLogStorage(str(settings.dagster_home / "history" / "runs"))
    assert len(other.get_logs_for_run(run)) == before + 3
    other.dispose()
