"""An approval starts the job `apply` through its sensor, once, and the job carries the plan out."""

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
from ajprivacy_pipeline.assets import enforce
from ajprivacy_pipeline.assets.answers import PAGE, PLACE
from ajprivacy_pipeline.assets.definitions import defs
from ajprivacy_pipeline.assets.enforce import APPLIED, APPLY, CERTIFICATE
from ajprivacy_pipeline.assets.instance import prepare_dagster
from ajprivacy_pipeline.assets.noted import note
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from typer.testing import CliRunner

from ajprivacy_pipeline.cli.main import app
from ajprivacy_pipeline.enforcement.plans import find_plan
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE, load_settings
from tests.enforcement.enforcement_world import MONTH, World
from tests.enforcement.kept import Kept
from tests.enforcement.keyed_shop import keyed_world


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The keyed shop."""
    return Kept(tmp_path_factory.mktemp("keyed"), lambda folder: keyed_world(
        folder, f"sqlite:///{folder / 'shop.db'}"))


@pytest.fixture
def world(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> World:
    """It, decided, and the environment that a code location reads."""
    made = kept.decided()
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    return made


def asked() -> list[dg.RunRequest]:
    """What the sensor asks for."""
    found = defs.resolve_sensor_def("approved_plans").evaluate_tick(dg.build_sensor_context())
    return list(found.run_requests or ())


def test_an_approval_starts_the_job_that_carries_it_out(world: World) -> None:
    assert asked() == []
    plan = world.approved()
    (request,) = asked()
    assert request.run_key == plan
    result = defs.resolve_job_def(APPLY).execute_in_process(run_config=request.run_config)
    assert result.success
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert {name: check.passed for name, check in checks.items()} == {"verified": True, "oldest_overdue": True}
    assert checks["oldest_overdue"].metadata["days"].value == 0
    (event,) = (one for one in result.get_asset_materialization_events() if one.asset_key == APPLIED)
    assert event.materialization.metadata["applied"].value == find_plan(world.control, plan).summary["rows"]
    assert asked() == []
    assert find_plan(world.control, plan).state(14) == "verified"
    (event,) = (one for one in result.get_asset_materialization_events() if one.asset_key == CERTIFICATE)
    metadata = event.materialization.metadata
    assert metadata["rows"].value == find_plan(world.control, plan).summary["rows"]
    assert "Kari" not in Path(str(metadata["page"].value)).read_text()
    (event,) = (one for one in result.get_asset_materialization_events() if one.asset_key == PAGE)
    assert event.materialization.partition == f"{MONTH}-01", "the month's page says what was carried out since"
    file = str(event.materialization.metadata["page_in_english"].value).removeprefix(PLACE)
    text = (world.settings.control / "pages" / file).read_text(encoding="utf-8")
    assert "Nothing was carried out so far." not in text
    assert "Kari" not in text


def test_the_pages_show_what_a_command_carried_out(world: World) -> None:
    """An apply by hand is no run: without its note the pages would say for a month that its plan still waits."""
    plan = world.approved()
    with prepare_dagster(world.settings) as instance:
        assert instance.get_latest_materialization_event(PAGE) is None
    CliRunner().invoke(app, ["plan", "apply", plan], catch_exceptions=False)
    with prepare_dagster(world.settings) as instance:
        found = {key: instance.get_latest_materialization_event(key) for key in (PAGE, APPLIED)}
        (check,) = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(APPLIED, "verified"), limit=2)
        runs = instance.get_runs()
    said = {key: event.asset_materialization for key, event in found.items() if event is not None}
    assert runs == []
    applied, page = said[APPLIED], said[PAGE]
    assert applied is not None
    assert page is not None
    assert applied.metadata["applied"].value == find_plan(world.control, plan).summary["rows"]
    assert check.status == AssetCheckExecutionRecordStatus.SUCCEEDED
    assert page.partition == f"{MONTH}-01"
    assert "plan" not in str(page.metadata["7 What waits for me?"].value)


def test_without_a_history_a_command_makes_none(tmp_path: Path) -> None:
    settings = load_settings({"AJPRIVACY_HOME": str(tmp_path)})
    note(settings, load_policy(NOTICE), {}, [])  # type: ignore[typeddict-item]  # which is not looked at
    assert list(tmp_path.iterdir()) == []


@pytest.mark.soak
@pytest.mark.usefixtures("world")  # whose place this is
def test_what_is_written_back_starts_the_job_again(kept: Kept) -> None:
    world, plan = kept.applied(), kept.plan
    world.execute("UPDATE kunde SET navn = 'Kari Nordmann' WHERE nr = 1")
    world.decide()
    assert asked() == []
    world.plan()
    (request,) = asked()
    assert request.run_key != plan
    result = defs.resolve_job_def(APPLY).execute_in_process(run_config=request.run_config)
    assert result.success
    assert asked() == []


@pytest.mark.parametrize(("days", "passes"), [(-1, True), (0, True), (1, False)])
def test_the_oldest_overdue_person_is_a_check_with_a_threshold(world: World, days: int, passes: bool,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to so many days it passes, one more and it does not: nothing of a plan was approved."""
    since = date.fromisoformat(str(world.plan()["oldest_due_on"]))
    limit = world.policy.enforcement.overdue_days
    monkeypatch.setattr(enforce, "today", lambda _: since + timedelta(days=limit + days))
    result = dg.materialize([enforce.certificate()], selection=[CERTIFICATE])
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("oldest_overdue", passes)
    assert check.metadata["days"].value == limit + days
