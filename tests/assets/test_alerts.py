"""What Dagster's history says of runs, gates and the daemon; the sensors and the command that tell it."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from ajprivacy_pipeline.assets.alerts import alerts, runs_of
from ajprivacy_pipeline.assets.checks import RELEASE
from ajprivacy_pipeline.assets.history import run_here
from ajprivacy_pipeline.assets.instance import prepare_dagster
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import DagsterEventType
from dagster._daemon.types import DaemonHeartbeat

from ajprivacy_pipeline.alerts.conditions import Runs
from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES
from ajprivacy_pipeline.settings import load_settings
from ajprivacy_pipeline.storage.month_files import month_lock
from tests.assets.conftest import Home

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2026-01-01")
FIRST, SECOND = (GUARANTEES[name].check_name for name in list(GUARANTEES)[:2])
FAILS = {"2026-08-01"}


@dg.asset(key=RELEASE, partitions_def=MONTHS, check_specs=[dg.AssetCheckSpec(name, asset=RELEASE)
                                                           for name in (FIRST, SECOND)])
def release(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """A gate refuses in August, and the run fails; another was not checked, which is no refusal."""
    fails = context.partition_key in FAILS
    yield dg.AssetCheckResult(check_name=FIRST, asset_key=RELEASE, passed=not fails)
    yield dg.AssetCheckResult(check_name=SECOND, asset_key=RELEASE, passed=False,
                              severity=dg.AssetCheckSeverity.WARN)
    if fails:
        raise ValueError("refused")
    yield dg.MaterializeResult(asset_key=RELEASE)


JOB = dg.Definitions(assets=[release], jobs=[dg.define_asset_job("tiny", [RELEASE])]).resolve_job_def("tiny")


@pytest.fixture
def instance(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Dagster's, in an empty home."""
    for name in ("DAGSTER_HOME", "DAGSTER_REDACT_USER_CODE_ERRORS", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("AJPRIVACY_HOME", str(home.folder))
    with prepare_dagster(load_settings(home.env)) as opened:
        yield opened


def _run(instance: dg.DagsterInstance, partition: str) -> None:
    try:
        run_here(JOB, instance, partition, resources={}, config={})
    except ValueError:
        assert partition in FAILS


def test_a_job_that_failed_until_it_succeeds(home: Home, instance: dg.DagsterInstance,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    """The last run of a job counts, whatever its month; the sensor and the command say the same."""
    told = home.folder / "told"
    program = home.folder.parent / "program"
    program.write_text(f'#!/bin/sh\ncat >> "{told}"\n')
    program.chmod(0o700)
    monkeypatch.setenv("AJPRIVACY_ALERTS", f"command:{program}")

    _run(instance, "2026-07-01")
    assert runs_of(instance, load_settings()) == Runs(0, 0, None)
    _run(instance, "2026-08-01")
    assert runs_of(instance, load_settings()) == Runs(1, 1, None)
    tick = alerts.evaluate_tick(dg.build_sensor_context(instance=instance))
    assert tick.skip_message is not None
    assert "told: " in tick.skip_message
    assert "error: 1 job(s) ended with a failure the last time they ran. open the run" in told.read_text()
    said = home.call("health", "--json")
    assert said.returncode == 4
    assert {"run_failed", "gate_refused"} <= {one["name"] for one in json.loads(said.stdout)["conditions"]}
    assert home.call("health", "--notify").stderr == "ajprivacy: AJPRIVACY_ALERTS names nobody to tell\n"
    _run(instance, "2026-09-01")
    assert runs_of(instance, load_settings()) == Runs(0, 0, None)


def test_what_a_run_under_way_has_not_said_yet_is_no_answer(instance: dg.DagsterInstance) -> None:
    """Nor what a killed one never said: what was said before stands until something is said again."""
    _run(instance, "2026-08-01")
    begun = instance.create_run_for_job(JOB, tags={"dagster/partition": "2026-09-01"})
    for name in (FIRST, SECOND):
        planned = AssetCheckEvaluationPlanned(asset_key=RELEASE, check_name=name)
        instance.report_dagster_event(dg.DagsterEvent(
            DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED.value, "tiny", event_specific_data=planned), begun.run_id)
    assert runs_of(instance, load_settings()) == Runs(1, 1, None)


def test_a_run_whose_process_is_gone_has_failed(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its month's lock, silent for ten minutes: told, and ended by the sensor before another run begins."""
    run = instance.create_run_for_job(JOB, tags={"dagster/partition": "2026-09-01"})
    settings = load_settings()
    instance.report_engine_event("begun", run)
    instance.report_dagster_event(dg.DagsterEvent(DagsterEventType.RUN_START.value, "tiny"), run.run_id)
    assert runs_of(instance, settings) == Runs(0, 0, None)
    monkeypatch.setattr("ajprivacy_pipeline.assets.history._QUIET", timedelta(seconds=-1))
    with month_lock(settings, "2026-09"):
        assert runs_of(instance, settings) == Runs(0, 0, None)
    assert runs_of(instance, settings) == Runs(1, 0, None)
    alerts.evaluate_tick(dg.build_sensor_context(instance=instance))
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status == dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize("minutes", [0, 7])
def test_how_long_the_daemon_is_silent(instance: dg.DagsterInstance, minutes: int) -> None:
    """By the newest beat of any of its parts."""
    for kind, age in (("SENSOR", minutes * 60 + 5), ("SCHEDULER", 9999)):
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - age, kind, None, None))
    assert runs_of(instance, load_settings()).daemon_minutes == minutes


def test_who_cannot_be_told_does_not_hide_what_is_wrong(home: Home, instance: dg.DagsterInstance,
                                                        tmp_path: Path) -> None:
    """The exit code says that the daemon is dead, whoever heard of it; without an error, that somebody did not hear."""
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - 3600, "SENSOR", None, None))
    script = (f"import os\nos.environ['AJPRIVACY_ALERTS'] = 'command:{tmp_path}/none'\n"
              "from ajprivacy_pipeline.cli import main as cli\ncli.main()\n")
    found = home.scripted(script, "health", "--notify", "--json")
    assert {one["name"] for one in json.loads(found.stdout)["conditions"]} >= {"daemon_dead"}
    fault = "ajprivacy: address 1 of AJPRIVACY_ALERTS (command) did not take the message: there is no such program\n"
    assert (found.returncode, found.stderr) == (4, fault)
    tried = home.scripted(script, "health", "--try")
    assert (tried.returncode, tried.stderr) == (2, fault)


def test_a_try_is_sent(home: Home, tmp_path: Path) -> None:
    """To every address, and nothing is looked at."""
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$1" > "$(dirname "$0")/told"\n')
    program.chmod(0o700)
    sent = home.scripted(f"import os\nos.environ['AJPRIVACY_ALERTS'] = 'command:{program}'\n"
                         "from ajprivacy_pipeline.cli import main as cli\ncli.main()\n", "health", "--try")
    assert (sent.returncode, sent.stdout) == (0, "sent to 1 address(es)\n")
    assert (tmp_path / "told").read_text() == "ajprivacy: a try\n"
