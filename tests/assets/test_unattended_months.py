"""Months through Dagster whose plans approve themselves: the job `apply` follows, or a person is waited for."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
from ajprivacy_pipeline.assets.definitions import defs
from ajprivacy_pipeline.assets.enforce import APPLY
from ajprivacy_pipeline.assets.run import run_month

from ajprivacy_pipeline.cli.console import summary_lines
from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.run.progress import ignore
from ajprivacy_pipeline.run.summary import PlanLine
from ajprivacy_pipeline.settings import NOTICE
from tests.enforcement.enforcement_world import World
from tests.enforcement.guarded_shop import guarded_world
from tests.enforcement.test_between import policy_says


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The guarded shop under a policy that approves by itself, and the environment that a code location reads."""
    shutil.copytree(NOTICE, tmp_path / "notice")
    made = guarded_world(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", AJPRIVACY_NOTICE=str(tmp_path / "notice"))
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    policy_says(made, "auto_approve = false", "auto_approve = true")
    return made


def month(world: World, month: str) -> tuple[PlanLine, list[str]]:
    """Run a month as the command does; returns its plan, and what the command shows."""
    found = run_month(world.settings, month, ignore)
    assert isinstance(found["plan"], dict)
    return found["plan"], summary_lines(found)


def carried_out() -> list[str]:
    """Let the sensor start what it would; returns the plans that were carried out."""
    found = defs.resolve_sensor_def("approved_plans").evaluate_tick(dg.build_sensor_context()).run_requests or ()
    for request in found:
        assert defs.resolve_job_def(APPLY).execute_in_process(run_config=request.run_config).success
    return [str(request.run_key) for request in found]


def leave(world: World, first: int, people: int) -> None:
    """Let people become due who came in since."""
    for number in range(first, first + people):
        world.execute("INSERT INTO customers (customer_id, customer_type, name, profile_created_at) "
                      f"VALUES ('n{number}', 'consumer', 'Siri Solberg', '2020-01-01')")


def names(world: World) -> int:
    with world.connection() as connection:
        return int(connection.exec_driver_sql("SELECT count(name) FROM customers").scalar_one())


@pytest.mark.soak
def test_within_the_brake_a_month_is_carried_out_by_itself_and_beyond_it_waits(world: World) -> None:
    first, _ = month(world, "2026-05")
    assert carried_out() == [], "the first plan of all waits"
    approve(world.settings, first["plan"], "Ada", release_brake=True)
    assert carried_out() == [first["plan"]]
    assert names(world) == 1

    leave(world, 0, 1)
    within, shown = month(world, "2026-06")
    assert within["approved"]
    assert f"  apply       ajprivacy plan apply {within['plan']}" in shown
    assert not any("plan approve" in line for line in shown)
    assert carried_out() == [within["plan"]]
    assert names(world) == 1

    leave(world, 1, 20)
    beyond, shown = month(world, "2026-07")
    assert (beyond["approved"], beyond["brakes"]) == (False, 1)
    assert f"  approve     ajprivacy plan approve {beyond['plan']} --by NAME" in shown
    assert carried_out() == []
    assert names(world) == 21
    approve(world.settings, beyond["plan"], "Ada", release_brake=True)
    assert carried_out() == [beyond["plan"]]

    assert run_month(world.settings, "2026-08", ignore)["plan"] is None
    assert carried_out() == []
    assert names(world) == 1
