"""SIGKILL at every point of an apply that matters: started again, it ends in the same state, nobody twice or lost."""

import os
import signal
from pathlib import Path

import pytest

from ajprivacy_pipeline.enforcement.ledger import open_ledger
from tests import forked
from tests.enforcement.enforcement_world import World, empty_database
from tests.enforcement.kept import Kept
from tests.enforcement.keyed_shop import in_small_batches

POINTS = ("read", "write", "written", "mark", "commit", "committed", "recorded")
AROUND_THE_COMMIT = ("mark", "committed")


def _apply_and_die(env: dict[str, str], plan: str, point: str) -> None:
    world = World(Path(env["AJPRIVACY_HOME"]), env["AJPRIVACY_WAREHOUSE"],
                  **{name: env[name] for name in ("AJPRIVACY_NOTICE", "AJPRIVACY_MAPPING") if name in env})

    def checkpoint(now: str) -> None:
        if now == point:
            os.kill(os.getpid(), signal.SIGKILL)

    world.apply(plan, checkpoint)


def killed(world: World, plan: str, points: tuple[str, ...]) -> None:
    """Apply a plan to its end that is killed once at each of some points."""
    for point in points:
        process = forked.start(_apply_and_die, world.env, plan, point)
        process.join(120)
        assert process.exitcode == -signal.SIGKILL, point
    result = world.apply(plan)
    assert result["verified"]
    assert result["planned"] == result["applied"] + result["already"]


def said(world: World) -> dict[tuple[str, str], int]:
    """Rows of each part that the ledger says were carried out; it is whole."""
    assert open_ledger(world.settings).verify().faults == ()
    found: dict[tuple[str, str], int] = {}
    for entry in open_ledger(world.settings).entries():
        for count in entry.body.get("counts", ()):
            part = count["entity"], count["part"]
            found[part] = found.get(part, 0) + count["rows"]
    return found


def test_killed_around_the_commit_it_ends_as_if_nothing_had_been(one_by_one: Kept) -> None:
    straight = one_by_one.applied()
    wanted = table_rows(straight), said(straight)
    world = one_by_one.approved()
    killed(world, one_by_one.plan, AROUND_THE_COMMIT)
    assert (table_rows(world), said(world)) == wanted
    assert world.apply(one_by_one.plan)["applied"] == 0


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_killed_anywhere_it_ends_as_if_nothing_had_been(kind: str, request: pytest.FixtureRequest,
                                                        tmp_path: Path) -> None:
    ends, plan = [], ""
    for name, points in (("straight", ()), ("killed", POINTS)):
        (tmp_path / name).mkdir()
        url = empty_database(kind, request, tmp_path / name, name)
        world = in_small_batches(tmp_path / name, url)
        world.decide()
        plan = world.approved()
        killed(world, plan, points)
        ends.append((table_rows(world), said(world)))
    assert ends[0] == ends[1]
    assert world.apply(plan)["applied"] == 0


def table_rows(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the shop's own tables."""
    with world.connection() as connection:
        return {table: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2")]
                for table in ("kunde", "kontakt", "ordre", "linje")}
