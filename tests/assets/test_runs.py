"""Whole runs through Dagster, with a real history: what they write down, whom they refuse, what they leave."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from ajprivacy_pipeline.assets.checks import RELEASE
from ajprivacy_pipeline.assets.history import POOL
from ajprivacy_pipeline.assets.instance import prepare_dagster
from ajprivacy_pipeline.assets.month_page import PAGE, PLACE
from dagster._core.event_api import PartitionKeyFilter

from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES, PROVING
from ajprivacy_pipeline.settings import Settings, load_settings, prepare_home
from ajprivacy_pipeline.storage.month_files import is_running, month_lock
from tests import forked
from tests.assets.conftest import Home
from tests.assets.tiny import CANARIES, CANARY_EMAIL, CANARY_NAME

# A model that meets a value which does not fit, in words that hold the value.
BAD_VALUE = f"""
from ajprivacy_pipeline.cli import main as cli
from ajprivacy_pipeline.run import engines
def fail(con, model, values):
    con.execute("SELECT CAST('{CANARY_EMAIL}' AS INTEGER)")
engines.run_model = fail
cli.main()
"""
# An error of ours that carries the driver's words as its cause.
CAUSE = f"""
from ajprivacy_pipeline.cli import main as cli
from ajprivacy_pipeline.run import engines
def fail(con, model, values):
    try:
        raise ValueError("{CANARY_EMAIL}")
    except ValueError as error:
        raise RuntimeError("Key (email)=({CANARY_EMAIL}) already exists") from error
engines.run_model = fail
cli.main()
"""
# A step that shows in its metadata what must stand in no log; the name of the thing comes from outside.
LEAK = """
import sys
from ajprivacy_pipeline.cli import main as cli
from ajprivacy_pipeline.assets import build
real, what = build.described, sys.argv.pop()
def leaky(run, name, *rest):
    value = run.keys.data_key("2026-09") if what == "key" else what
    return {**real(run, name, *rest), **({"note": value} if name == "retention.freezes" else {})}
build.described = leaky
cli.main()
"""


# A signal that arrives when a function is called for the first time.
SIGNALLED = """
import importlib, os, signal, sys
from ajprivacy_pipeline.cli import main as cli
module, name = sys.argv.pop().split(":")
number = signal.Signals[sys.argv.pop()]
place = importlib.import_module(module)
real = getattr(place, name)
def signalled(*arguments, **named):
    setattr(place, name, real)
    os.kill(os.getpid(), number)
    return real(*arguments, **named)
setattr(place, name, signalled)
signal.signal(signal.SIGINT, signal.default_int_handler)
cli.main()
"""


def _settings(home: Home) -> Settings:
    return load_settings(home.env)


def _found(folder: Path, marks: tuple[str, ...]) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]

    assert files
    return [f"{mark} in {path}" for path in files for mark in marks if mark.encode() in path.read_bytes()]


def _secrets(home: Home) -> tuple[str, ...]:
    """What may stand nowhere: what identifies the planted people, and the root key."""
    return (*CANARIES, (home.folder / "keys" / "root.key").read_text().strip())


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the proven release of August, whose history begins in June, to be copied and left alone."""
    made = Home(tmp_path_factory.mktemp("released"))
    made.shop()
    first = made.call("run", "--month", "2026-08", "--history-from", "2026-06", "--json")
    assert first.returncode == 0, first.stderr
    assert '"proven": true' in first.stdout
    assert not [mark for mark in _secrets(made) if mark in first.stdout + first.stderr]
    return made


def test_a_month_ends_with_its_page(released: Home) -> None:
    """In both languages, told by the run in an address that opens it, and without anybody's data."""
    with prepare_dagster(_settings(released)) as instance:
        event = instance.get_latest_materialization_event(PAGE)
        assert event is not None
        assert event.asset_materialization is not None
        metadata = event.asset_materialization.metadata
    assert metadata["made"].value is True
    for name in ("page", "page_in_english"):
        file = str(metadata[name].value).removeprefix(PLACE)
        text = (released.folder / "control" / "pages" / file).read_text(encoding="utf-8")
        assert "2026" in text
        assert [mark for mark in _secrets(released) if mark in text] == []


@pytest.fixture
def august(home: Home, released: Home) -> Home:
    """A home of its own with the release of August."""
    shutil.copytree(released.folder, home.folder, dirs_exist_ok=True)
    return home


def _published(home: Home) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (home.folder / "published").rglob("*") if path.is_file()}


@pytest.mark.soak
def test_two_months_one_after_the_other(august: Home) -> None:
    """Green and failing runs leave no value and no key in any log; a month's copies die when the next has succeeded."""
    home = august
    assert (home.folder / "restricted" / "2026-08.duckdb").stat().st_mode & 0o777 == 0o600
    failed = [home.scripted(script, "run", "--month", "2026-09") for script in (BAD_VALUE, CAUSE)]
    home.shop(duplicate_canary=True)
    failed.append(home.call("run", "--month", "2026-09"))
    assert [run.returncode for run in failed] == [2, 2, 2]
    assert all("ajprivacy: " in run.stderr and "Traceback" not in run.stderr for run in failed)
    assert (home.folder / "restricted" / "2026-08.duckdb").exists()
    home.shop()
    second = home.call("run", "--month", "2026-09", "--json")
    assert second.returncode == 0, second.stderr
    assert '"destroyed_months": [\n    "2026-08"\n  ]' in second.stdout

    restricted = sorted(path.name for path in (home.folder / "restricted").glob("*.duckdb"))
    assert restricted == ["2026-09.duckdb", "ledger.duckdb"]
    assert not (home.folder / "keys" / "2026-08.sealed").exists()
    assert [path.name for path in (home.folder / "pseudonymised").glob("*")] == ["pseudonymised-2026-09.duckdb"]
    for folder in ("dagster", "control", "published"):
        assert _found(home.folder / folder, _secrets(home)) == []
    for run in (*failed, second):
        assert not [mark for mark in _secrets(home) if mark in run.stdout + run.stderr]
    _decisions_of(home)


def _decisions_of(home: Home) -> None:
    """Seven files for the month that stands, a clear word for the one that is destroyed."""
    out = home.folder / "out"
    assert home.call("decisions", "--month", "2026-09", "--out", str(out)).returncode == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "attribute_decisions.parquet", "bulk_decisions.parquet", "freezes.parquet", "purpose_status.parquet",
        "quality.parquet", "record_decisions.parquet", "review_list.parquet", "sole_ground.parquet"]
    gone = home.call("decisions", "--month", "2026-08", "--out", str(home.folder / "none"))
    assert gone.returncode == 2
    assert "destroyed" in gone.stderr
    assert not (home.folder / "none").exists()


@pytest.mark.soak
def test_the_same_month_again_makes_decisions_and_publishes_nothing(august: Home) -> None:
    """The month is closed: what is published stays to the byte."""
    before = _published(august)
    again = august.call("run", "--month", "2026-08")
    assert again.returncode == 0, again.stderr
    assert "the month is closed" in again.stdout
    assert _published(august) == before


def _checks(home: Home, month: str) -> dict[str, dg.AssetCheckEvaluation]:
    """What the release's checks of a month said last, by guarantee."""
    found = {}
    with prepare_dagster(_settings(home)) as instance:
        for name in PROVING:
            asked = dg.AssetCheckKey(dg.AssetKey(["release", "analytics"]), GUARANTEES[name].check_name)
            records = instance.event_log_storage.get_asset_check_execution_history(
                asked, limit=1, partition_filter=PartitionKeyFilter(key=f"{month}-01"))
            if records and records[0].evaluation is not None:
                found[name] = records[0].evaluation
    return found


def test_each_guarantee_is_a_check_of_the_release_with_its_figures(released: Home) -> None:
    """But those of microdata: this shop is too small for any."""
    checks = _checks(released, "2026-08")
    assert list(checks) == list(PROVING)
    for name, evaluation in checks.items():
        assert evaluation.passed, name
        assert evaluation.partition == "2026-08-01"
        assert set(evaluation.metadata) - {"violations", "verdict"} or GUARANTEES[name].microdata, (
            f"{name}: {evaluation.description}, and no figure")


@pytest.mark.soak
def test_a_closed_month_says_again_what_was_found_and_a_failed_run_says_nothing_of_it(august: Home) -> None:
    """A month each: what another found stays, and is the last word on the release that stands.

    The month before the first release was closed by it, too.
    """
    home, before = august, _published(august)
    first = {name: (check.passed, check.description) for name, check in _checks(home, "2026-08").items()}
    assert home.scripted(BAD_VALUE, "run", "--month", "2026-09").returncode == 2
    assert _checks(home, "2026-09") == {}
    with prepare_dagster(_settings(home)) as instance:
        newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(RELEASE, GUARANTEES[name].check_name) for name in PROVING])
        quality = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(dg.AssetKey(["staged", "orders"]), "values_fit")])
    assert {one.partition for one in newest.values()} == {"2026-08-01"}
    (said,) = (one.evaluation for one in quality.values())
    assert said is not None
    assert (said.description, said.severity) == ("not checked", dg.AssetCheckSeverity.WARN)
    closed = home.call("run", "--month", "2026-07", "--json")
    assert closed.returncode == 0, closed.stderr
    summary = json.loads(closed.stdout)["release"]
    assert (summary["status"], summary["proven"]) == ("already_closed", True)
    assert summary["gates"] == dict.fromkeys(PROVING, "passed")
    assert summary["cells"] > 0
    assert summary["visible"]["sales_monthly"]
    assert _published(home) == before
    for month in ("2026-07", "2026-08"):
        assert {name: (check.passed, check.description) for name, check in _checks(home, month).items()} == first


@pytest.mark.soak
@pytest.mark.parametrize(("value", "match"), [
    pytest.param("key", "G13: log of the run: holds the key 2026-09", marks=pytest.mark.soak),
    (CANARY_NAME, "G13: log of the run: 1 text(s) hold a value of")])
def test_what_stands_in_the_log_stops_the_release(august: Home, value: str, match: str) -> None:
    """G13 reads Dagster's own log: the release before it stays to the byte, and was proven."""
    before = _published(august)
    leaky = august.scripted(LEAK, "run", "--month", "2026-09", value)
    assert leaky.returncode == 2
    assert match in leaky.stderr
    assert CANARY_NAME not in leaky.stderr
    assert _published(august) == before


def test_a_second_run_of_a_month_is_refused(home: Home) -> None:
    home.shop()
    settings = _settings(home)
    prepare_home(settings)
    with month_lock(settings, "2026-07"):
        refused = home.call("run", "--month", "2026-07")
    assert refused.returncode == 2
    assert "another run of 2026-07 is under way: wait until it ends" in refused.stderr


@pytest.mark.soak
def test_two_months_at_once_succeed(home: Home) -> None:
    """The lock is the month's own."""
    home.shop()
    both = [home.start("run", "--month", month) for month in ("2026-07", "2026-08")]
    ends = [(process.communicate(timeout=300), process.returncode) for process in both]

    assert [code for _, code in ends] == [0, 0], ends


@pytest.mark.soak
def test_a_signal_ends_a_run_wherever_it_arrives(home: Home) -> None:
    """One sentence, exit code 130, cancelled in the history; no release, lock or slot is left, and the next begins."""
    home.shop()
    settings = _settings(home)
    for place, number in (("dagster._core.execution.api:execute_run", "SIGINT"),  # the run is noted, nothing is set up
                          ("dagster._core.execution.api:job_execution_iterator", "SIGINT"),  # Dagster sets itself up
                          ("dagster._core.execution.api:job_execution_iterator", "SIGTERM"),
                          ("ajprivacy_pipeline.run.month:open_month", "SIGINT"),  # the month is being opened
                          ("ajprivacy_pipeline.run.engines:run_model", "SIGINT"),  # in a step
                          ("ajprivacy_pipeline.run.engines:run_model", "SIGTERM")):
        ended = home.scripted(SIGNALLED, "run", "--month", "2026-09", number, place)

        assert (ended.returncode, place) == (130, place), ended.stderr
        said = [line for line in ended.stderr.splitlines() if not line.startswith("  ")]
        assert said == [
            "ajprivacy: interrupted; nothing that was half done is published, and it can be started again"], place
        assert ("raw.orders" in ended.stderr) == place.endswith("run_model")
        assert not (home.folder / "published" / "analytics.duckdb").exists()
        assert not is_running(settings, "2026-09")
        with prepare_dagster(settings) as instance:
            assert not instance.event_log_storage.get_concurrency_info(POOL).claimed_slots
            newest = instance.get_runs(limit=1)[0]
            assert newest.status == dg.DagsterRunStatus.CANCELED, place
            failed = instance.all_logs(newest.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
            assert not failed, place  # the sensor of failed runs would tell people


@pytest.mark.soak
def test_dagsters_own_files_meet_a_full_disk(home: Home) -> None:
    """One sentence with the remedy, exit code 2; nothing is published and the month is free."""
    home.shop()
    command = 'ulimit -f 976; exec "$0" -m ajprivacy_pipeline run --month 2026-09'
    run = subprocess.run(["/bin/bash", "-c", command, sys.executable], env=home.env, cwd=home.folder, text=True,
                         capture_output=True, check=False)
    assert run.returncode == 2, run.stderr
    assert run.stderr.splitlines()[-1] == "ajprivacy: the disk is full or a file may not grow; free space and run again"
    assert "Traceback" not in run.stderr
    assert not (home.folder / "published" / "analytics.duckdb").exists()
    assert not is_running(_settings(home), "2026-09")


@pytest.mark.soak
def test_a_destination_outside_the_eea_gets_nothing_and_the_month_stands(home: Home, tmp_path: Path) -> None:
    """The last step refuses it, after the month is closed; neither its address nor its password is in any log.

    The quick run asks the step alone, in release/test_publish.
    """
    home.shop()
    target = tmp_path / "elsewhere.db"
    env = {**home.env, "AJPRIVACY_PUBLISH_URL": f"sqlite:///{target}?note=Zq9-geheimnis",
           "AJPRIVACY_PUBLISH_COUNTRY": "US"}
    run = forked.call(["run", "--month", "2026-08"], env, home.folder)
    assert run.returncode == 2
    assert "US, is not in the EEA" in run.stderr
    assert not target.exists()
    assert (home.folder / "published" / "analytics.duckdb").is_file()
    assert '"month": "2026-08"' in home.call("releases", "list", "--json").stdout
    assert not _found(home.folder, ("Zq9-geheimnis",))
    assert "Zq9-geheimnis" not in run.stdout + run.stderr


@pytest.mark.soak
def test_a_month_is_issued_again_by_the_command_alone(august: Home) -> None:
    """The run of a closed month publishes nothing; the command does, and refuses months that are not published."""
    issued = august.call("releases", "reissue", "--month", "2026-07", "--json")
    assert issued.returncode == 0, issued.stderr
    assert '"status": "published"' in issued.stdout
    manifest = (august.folder / "published" / "releases" / "2026-08" / "manifest.json").read_text(encoding="utf-8")
    assert json.loads(manifest)["reissued"] == ["2026-07"]
    assert json.loads(manifest)["history_from"] == "2026-06"
    refused = august.call("releases", "reissue", "--month", "2024-01")
    assert refused.returncode == 2
    assert "2024-01 is not published: the release for 2026-08 has the months from 2026-06 on" in refused.stderr
    assert refused.stdout == ""


@pytest.mark.soak
def test_the_month_after_an_apply_runs_and_its_page_tells_of_it(home: Home) -> None:
    """Somebody carried out inside an open period, and the next month through Dagster, in the order of its graph."""
    for words in (("sample", "--customers", "800", "--until", "2026-11-10"),
                  ("run", "--month", "2026-09", "--history-from", "2026-07")):
        done = home.call(*words)
        assert done.returncode == 0, done.stderr
    plan = json.loads(home.call("plan", "list", "--json").stdout)[-1]["plan"]
    for words in (("plan", "approve", plan, "--by", "Ada", "--release-brake"), ("plan", "apply", plan),
                  ("run", "--month", "2026-10")):
        done = home.call(*words)
        assert done.returncode == 0, done.stderr
    page = (home.folder / "control" / "pages" / "month-2026-10.en.html").read_text(encoding="utf-8")
    assert "decisions of September 2026 were carried out" in page
    assert "<td>Ada</td>" in page or ">Ada</th>" in page
