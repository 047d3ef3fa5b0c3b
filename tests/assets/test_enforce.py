"""An approval starts the job `apply` through its sensor, once, and the job carries the plan out."""

from pathlib import Path

import dagster as dg
import pytest
from ajprivacy_pipeline.assets.definitions import defs
from ajprivacy_pipeline.assets.enforce import APPLIED, APPLY

from ajprivacy_pipeline.enforcement.plans import find_plan
from tests.enforcement.enforcement_world import World
from tests.enforcement.keyed_shop import keyed_world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The keyed shop, decided, and the environment that a code location reads."""
    made = keyed_world(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}")
    made.decide()
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
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("verified", True)
    (event,) = (one for one in result.get_asset_materialization_events() if one.asset_key == APPLIED)
    assert event.materialization.metadata["applied"].value == find_plan(world.control, plan).summary["rows"]
    assert asked() == []
    assert find_plan(world.control, plan).state(14) == "verified"
