"""SIGKILL at every point of an apply that matters: started again, it ends in the same state, nobody twice or lost."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.settings import NOTICE
from tests import forked, mariadb
from tests.enforcement.enforcement_world import World, new_database
from tests.enforcement.keyed_shop import keyed_world

POINTS = ("read", "write", "written", "mark", "commit", "committed", "recorded")
AROUND_THE_COMMIT = ("mark", "committed")


def in_small_batches(folder: Path, url: str) -> World:
    """The keyed shop, one person a batch, so that there is a batch for every point."""
    shutil.copytree(NOTICE, folder / "notice")
    path = folder / "notice" / "enforcement.toml"
    path.write_text(path.read_text().replace("subjects = 2000 ", "subjects = 1 "))
    return keyed_world(folder, url, AJPRIVACY_NOTICE=str(folder / "notice"))


def _apply_and_die(env: dict[str, str], plan: str, point: str) -> None:
    world = World(Path(env["AJPRIVACY_HOME"]), env["AJPRIVACY_WAREHOUSE"],
                  **{name: env[name] for name in ("AJPRIVACY_NOTICE", "AJPRIVACY_MAPPING")})

    def checkpoint(now: str) -> None:
        if now == point:
            os.kill(os.getpid(), signal.SIGKILL)

    world.apply(plan, checkpoint)


def killed(folder: Path, url: str, points: tuple[str, ...]) -> World:
    """Apply a plan to its end that is killed once at each of some points."""
    world = in_small_batches(folder, url)
    world.decide()
    plan = world.approved()
    for point in points:
        process = forked.start(_apply_and_die, world.env, plan, point)
        process.join(120)
        assert process.exitcode == -signal.SIGKILL, point
    result = world.apply(plan)
    assert result["verified"]
    assert result["planned"] == result["applied"] + result["already"]
    return world


def said(world: World) -> dict[tuple[str, str], int]:
    """Rows of each part that the ledger says were carried out; it is whole."""
    assert open_ledger(world.settings).verify().faults == ()
    found: dict[tuple[str, str], int] = {}
    for entry in open_ledger(world.settings).entries():
        for count in entry.body.get("counts", ()):
            part = count["entity"], count["part"]
            found[part] = found.get(part, 0) + count["rows"]
    return found


@pytest.mark.parametrize(("kind", "points"), [
    ("sqlite", AROUND_THE_COMMIT), *(pytest.param(kind, POINTS, marks=pytest.mark.soak)
                                     for kind in ("sqlite", "postgresql", "mariadb"))])
def test_killed_it_ends_as_if_nothing_had_been(
        kind: str, points: tuple[str, ...], request: pytest.FixtureRequest, tmp_path: Path) -> None:
    urls = []
    for name in ("killed", "straight"):
        url = f"sqlite:///{tmp_path / f'{name}.db'}"
        if kind == "postgresql":
            url = new_database(request.getfixturevalue("postgres_url"), name)
        elif kind == "mariadb":
            url = mariadb.fresh_database(request.getfixturevalue("mariadb_url"), name)
        urls.append(url)
        (tmp_path / name).mkdir()
    world = killed(tmp_path / "killed", urls[0], points)
    straight = in_small_batches(tmp_path / "straight", urls[1])
    straight.decide()
    straight.apply(straight.approved())
    assert table_rows(world) == table_rows(straight)
    assert said(world) == said(straight)
    again = world.apply(next(entry.body["plan"] for entry in open_ledger(world.settings).entries()))
    assert again["applied"] == 0


def table_rows(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the shop's own tables."""
    with world.connection() as connection:
        return {table: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2")]
                for table in ("kunde", "kontakt", "ordre", "linje")}
