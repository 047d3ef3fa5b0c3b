"""Runs in Dagster's history: under the code location's name, ended when they are dead, gone when they are old."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import dagster as dg
import pytest
from ajprivacy_pipeline.assets.alerts import failed_runs
from ajprivacy_pipeline.assets.definitions import defs
from ajprivacy_pipeline.assets.history import CODE, POOL, end_dead_runs, origin_of, prune, run_here
from ajprivacy_pipeline.assets.instance import prepare_dagster
from dagster._core.definitions.sensor_definition import SensorEvaluationContext

from ajprivacy_pipeline.settings import Settings, load_settings
from ajprivacy_pipeline.storage.month_files import month_lock

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2026-01-01")
TABLE = dg.AssetKey(["a", "table"])


@dg.asset(key=TABLE, partitions_def=MONTHS, check_specs=[dg.AssetCheckSpec("holds", asset=TABLE)])
def table(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Fails in August."""
    if context.partition_key.startswith("2026-08"):
        raise ValueError("no August")
    yield dg.MaterializeResult(asset_key=TABLE)
    yield dg.AssetCheckResult(check_name="holds", asset_key=TABLE, passed=True)


JOB = dg.Definitions(assets=[table], jobs=[dg.define_asset_job("tiny", [TABLE])]).resolve_job_def("tiny")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Those of an empty home."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", "DAGSTER_REDACT_USER_CODE_ERRORS", "DAGSTER_DISABLE_TELEMETRY"):
            patch.setenv(name, "")
        patch.setenv("AJPRIVACY_HOME", str(tmp_path_factory.mktemp("home")))
        yield load_settings()


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Dagster's, in the home."""
    with prepare_dagster(settings) as instance:
        yield instance


@pytest.fixture
def instance(opened: dg.DagsterInstance) -> dg.DagsterInstance:
    """Dagster's, without a run."""
    for run in opened.get_runs():
        opened.delete_run(run.run_id)
    return opened


def _run(instance: dg.DagsterInstance, month: str) -> str:
    try:
        run_here(JOB, instance, f"{month}-01", resources={}, config={})
    except ValueError:
        assert month == "2026-08"
    return instance.get_runs(limit=1)[0].run_id


def test_a_commands_run_is_one_of_the_code_location(instance: dg.DagsterInstance) -> None:
    """Pages ask for runs by code location, job and partition; without the first there were none."""
    run_id = _run(instance, "2026-09")
    found = instance.get_runs(dg.RunsFilter(job_name="tiny", tags={
        ".dagster/repository": f"__repository__@{CODE}", "dagster/partition": "2026-09-01"}))

    assert [(run.run_id, run.status) for run in found] == [(run_id, dg.DagsterRunStatus.SUCCESS)]
    assert found[0].remote_job_origin == origin_of("tiny")


def test_what_is_over_when_a_signal_arrives_has_succeeded(instance: dg.DagsterInstance,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not called cancelled; the signals are the caller's again."""
    success = dg.DagsterEvent.job_success
    monkeypatch.setattr(dg.DagsterEvent, "job_success",
                        lambda context: (os.kill(os.getpid(), signal.SIGINT), success(context))[1])
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run_id = _run(instance, "2026-09")
    found = instance.get_run_by_id(run_id)

    assert found is not None
    assert found.status == dg.DagsterRunStatus.SUCCESS
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_the_sensor_sees_a_commands_run_that_failed(instance: dg.DagsterInstance,
                                                    capfd: pytest.CaptureFixture[str]) -> None:
    """Once, by its id; a run that succeeded is none of its business."""
    repository = defs.get_repository_def()

    def look(cursor: str | None) -> tuple[bool, str | None]:
        context = SensorEvaluationContext(
            instance_ref=None, last_tick_completion_time=None, last_run_key=None, cursor=cursor, log_key=None,
            repository_name=repository.name, repository_def=repository, instance=instance, sensor_name="failed_runs",
            code_location_origin=origin_of("tiny").repository_origin.code_location_origin)
        capfd.readouterr()
        cursor = failed_runs.evaluate_tick(context).cursor
        return f"run {failed} of tiny for 2026-08-01 failed" in capfd.readouterr().err, cursor

    failed = ""
    _, cursor = look(None)
    failed, _ = _run(instance, "2026-08"), _run(instance, "2026-09")
    said, cursor = look(cursor)
    again, _ = look(cursor)

    assert (said, again) == (True, False)


@pytest.mark.parametrize(("month", "created", "quiet_minutes", "is_locked", "has_slot", "is_dead"), [
    ("2026-09", "before", 0, True, False, True),  # its month's lock is our own
    ("2026-09", "before", 0, True, True, True),
    ("2026-09", "after", 0, True, False, False),  # it is about to find the month locked
    ("2026-08", "before", 9, False, False, False),  # it may be about to take its lock
    ("2026-08", "before", 11, False, False, True),
    ("2026-08", "before", 11, True, False, False),  # a step that takes long
    ("2026-08", "before", 0, False, True, True),  # a slot is held behind the lock alone
    ("2026-08", "before", 0, True, True, False),
    ("", "before", 999, False, False, False),  # no month's run: Dagster's own monitoring looks after it
    ("", "before", 9, False, True, False),  # an apply that has just begun
    ("", "before", 11, False, True, True),  # an apply would hold the warehouse's lock, which this run has
])
def test_who_is_dead(settings: Settings, instance: dg.DagsterInstance, month: str, created: str, quiet_minutes: int, *,
                     is_locked: bool, has_slot: bool, is_dead: bool) -> None:
    """As seen by a run of September that holds its month's lock."""
    def start(of: str) -> dg.DagsterRun:
        return instance.create_run_for_job(JOB, tags={"dagster/partition": f"{of}-01"} if of else {})

    other = start(month) if created == "before" else None
    own = start("2026-09")
    other = other or start(month)
    for run in (own, other):
        instance.handle_run_event(run.run_id, dg.DagsterEvent("PIPELINE_START", "tiny"))
    with closing(sqlite3.connect(settings.dagster_home / "history" / "runs.db")) as db, db:
        db.execute("UPDATE runs SET update_timestamp = datetime('now', ?) WHERE run_id = ?",
                   (f"-{quiet_minutes} minutes", other.run_id))
    if has_slot:
        instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
        instance.event_log_storage.claim_concurrency_slot(POOL, other.run_id, "a_step")
    if is_locked and month not in ("", "2026-09"):
        with month_lock(settings, month):
            dead = end_dead_runs(instance, settings, own)
    else:
        dead = end_dead_runs(instance, settings, own)
    found = instance.get_run_by_id(other.run_id)

    assert dead == ([other.run_id] if is_dead else [])
    assert found is not None
    assert (found.status == dg.DagsterRunStatus.FAILURE) is is_dead
    slots = instance.event_log_storage.get_concurrency_info(POOL).claimed_slots
    assert [slot.run_id for slot in slots] == ([other.run_id] if has_slot and not is_dead else [])


def test_nothing_of_an_old_run_is_left(instance: dg.DagsterInstance) -> None:
    """Neither its events, nor what Dagster keeps beside them of assets and checks; a younger run loses nothing."""
    old = _run(instance, "2026-07")
    stuck = instance.create_run_for_job(JOB).run_id
    instance.handle_run_event(stuck, dg.DagsterEvent("PIPELINE_START", "tiny"))
    waiting = instance.create_run_for_job(JOB).run_id
    check, made = dg.AssetCheckKey(TABLE, "holds"), {old, stuck}

    def left() -> tuple[set[str], bool, set[str]]:
        records = instance.get_asset_records([TABLE])
        newest = bool(records and records[0].asset_entry.last_materialization_record)
        checks = instance.event_log_storage.get_asset_check_execution_history(check, limit=99)
        return {run.run_id for run in instance.get_runs()}, newest, {said.run_id for said in checks} & made

    assert prune(instance, datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert left() == ({old, stuck, waiting}, True, {old, stuck})
    assert prune(instance, datetime(2100, 1, 1, tzinfo=UTC)) == 2
    assert left() == ({waiting}, False, set())
    young = _run(instance, "2026-09")
    assert prune(instance, datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert left() == ({waiting, young}, True, set())


def test_what_commands_noted_goes_with_its_age(instance: dg.DagsterInstance, settings: Settings) -> None:
    """It belongs to no run, so no run takes it along: not in the index, not in the file that SQLite keeps for it."""
    place = dg.AssetKey(["a", "note"])
    instance.report_runless_asset_event(dg.AssetMaterialization(place, metadata={"rows": 7}))
    instance.report_runless_asset_event(dg.AssetCheckEvaluation(place, "stands", passed=True))

    def left() -> tuple[bool, int, int]:
        said = instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(place, "stands"), limit=9)
        events = 0
        for file in (settings.dagster_home / "history" / "runs").glob("*.db"):
            with closing(sqlite3.connect(file)) as found:
                events += found.execute("SELECT count(*) FROM event_logs WHERE run_id = ''").fetchone()[0]
        return instance.get_latest_materialization_event(place) is not None, len(said), events

    noted = left()
    assert noted[:2] == (True, 1)
    assert noted[2] > 0
    assert prune(instance, datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert left() == noted
    assert prune(instance, datetime(2100, 1, 1, tzinfo=UTC)) == 0
    assert left() == (False, 0, 0)
