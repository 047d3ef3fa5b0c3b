"""G14: a reader sees the old release or the new one; killed anywhere, the old one stays and the next run succeeds."""

import resource
import signal
import sqlite3
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import ControlError, ReleaseError, ZoneError
from ajprivacy_pipeline.release import GuaranteeError, prove, read_release
from ajprivacy_pipeline.storage.zones import memory
from tests.release.release_world import World, all_but, die_at, tree

DEMAND_ALONE = all_but("product_demand_monthly")
BEFORE = ["computing cells", "scanning for leaks", "building analytics.duckdb", "proving what was built"]
SWAP = ("swapping the folder", "recording the release", "committing")


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    """Demand alone is looked at here."""
    return DEMAND_ALONE


class Stop(BaseException):
    """Not an error the product knows."""


def leftovers(world: World) -> list[str]:
    """What lies in published/ that should not."""
    return [path.name for path in world.settings.published.iterdir() if path.name.startswith(".building")]


def interrupt(world: World, step: str, month: str = "2024-04") -> None:
    """Publish, and be interrupted before the step."""
    def progress(now: str) -> None:
        if now == step:
            raise Stop

    with pytest.raises(Stop):
        world.publish(month, progress)


def steps_before(world: World, last: str) -> list[str]:
    """What a publish reports before a step, at which it is interrupted."""
    steps: list[str] = []

    def progress(now: str) -> None:
        if now == last:
            raise Stop
        steps.append(now)

    with pytest.raises(Stop):
        world.publish("2024-04", progress)
    return steps


def test_interrupted_at_any_step_before_the_swap_the_old_release_stays(published: World) -> None:
    old = published.analytics.read_bytes()
    for step in BEFORE:
        interrupt(published, step)
        assert published.analytics.read_bytes() == old, step
        assert read_release(published.settings).month == "2024-03", step
        assert leftovers(published) == [], step


@pytest.mark.parametrize("step", [
    *(pytest.param(step, marks=pytest.mark.soak) for step in SWAP[:-1]), SWAP[-1]])
def test_after_an_interruption_the_next_run_succeeds(published: World, step: str) -> None:
    old = published.analytics.read_bytes()
    interrupt(published, step)
    assert published.analytics.read_bytes() == old
    assert read_release(published.settings).month == "2024-03"
    assert leftovers(published) == []
    result = published.publish("2024-04")
    expected = ("already_closed", True) if step == "committing" else ("published", False)
    assert (result.status, result.repaired) == expected
    assert read_release(published.settings).month == "2024-04"
    assert len(published.control.releases()) == 2
    assert published.query("SELECT max(month)::VARCHAR FROM product_demand_monthly") == [("2024-04-01",)]


@pytest.mark.soak
@pytest.mark.parametrize("everywhere", [False, True])
def test_killed_at_any_step_of_a_publish_the_old_release_stays_and_the_next_run_succeeds(
        published: World, *, everywhere: bool) -> None:
    """SIGKILL, while files are built and at each step of the swap, or at every step that a publish reports.

    Each run meets what the one before left.
    """
    world, old = published, published.analytics.read_bytes()
    steps = steps_before(world, SWAP[0]) if everywhere else BEFORE[-1:]
    assert not everywhere or len(steps) > len(BEFORE)
    for step in (*steps, *SWAP):
        assert die_at(world.settings.home, "2024-04", step, left_out=DEMAND_ALONE) == -signal.SIGKILL, step
        assert leftovers(world), f"{step}: the run really died in the middle"
        assert world.analytics.read_bytes() == old, step
        assert read_release(world.settings).month == "2024-03", step
    assert world.publish("2024-04").repaired, "the last one died with everything recorded"
    assert read_release(world.settings).month == "2024-04"
    assert leftovers(world) == []
    assert len(world.control.releases()) == 2


@pytest.mark.soak
def test_a_repaired_release_equals_one_that_was_never_interrupted(world: World, march: Path) -> None:
    interrupt(world, "committing", "2024-03")
    assert not world.analytics.exists()
    assert world.publish("2024-03").repaired
    other = World(march, sql=march / "sql", left_out=DEMAND_ALONE)
    assert tree(world.settings.published / "releases") == tree(other.settings.published / "releases")
    everything = "SELECT * FROM product_demand_monthly ORDER BY ALL"
    assert world.query(everything) == other.query(everything)


@pytest.mark.parametrize("content", [b"not a database", pytest.param(None, marks=pytest.mark.soak)])
def test_a_published_file_that_is_gone_or_broken_is_rebuilt(published: World, content: bytes | None) -> None:
    published.analytics.unlink()
    if content is not None:
        published.analytics.write_bytes(content)
    result = published.publish("2024-03")
    assert (result.status, result.repaired) == ("already_closed", True)
    assert read_release(published.settings).month == "2024-03"


def test_an_open_reader_neither_blocks_nor_breaks(published: World) -> None:
    world = published
    reader = memory()
    reader.execute(f"ATTACH '{world.analytics}' AS old (READ_ONLY)")
    months = "SELECT max(month)::VARCHAR FROM old.published.product_demand_monthly"
    assert reader.execute(months).fetchall() == [("2024-03-01",)]
    world.publish("2024-04")
    assert reader.execute(months).fetchall() == [("2024-03-01",)]
    assert reader.execute("SELECT count(*) FROM old.published.product_demand_monthly").fetchall() == [(15,)]
    reader.close()
    assert world.query("SELECT max(month)::VARCHAR FROM product_demand_monthly") == [("2024-04-01",)]


def test_a_control_store_that_refuses_leaves_the_old_release_and_records_nothing(published: World) -> None:
    world = published
    changes = world.control.changes()
    with sqlite3.connect(world.settings.control / "control.db") as store:
        store.execute("CREATE TRIGGER refuse BEFORE INSERT ON releases BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(ControlError):
        world.publish("2024-04")
    assert read_release(world.settings).month == "2024-03"
    assert world.control.changes() == changes
    with sqlite3.connect(world.settings.control / "control.db") as store:
        store.execute("DROP TRIGGER refuse")
    assert world.publish("2024-04").status == "published"


@pytest.mark.soak
def test_two_runs_do_not_publish_at_once(world: World) -> None:
    def progress(now: str) -> None:
        if now == "primary suppression":
            with pytest.raises(ReleaseError, match="another run is publishing"):
                World(world.settings.home, world.policy, world.sql).publish("2024-03")

    assert world.publish("2024-03", progress).status == "published"


def test_a_full_disk_swaps_nothing(published: World) -> None:
    world = published
    before = tree(world.settings.published / "releases")

    def progress(now: str) -> None:
        if now == "building analytics.duckdb":
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))

    try:
        with pytest.raises(ZoneError, match="disk is full"):
            world.publish("2024-04", progress)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert tree(world.settings.published / "releases") == before
    assert read_release(world.settings).month == "2024-03"


def test_g14_fails_when_the_file_differs_from_the_parquet(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = prove.check_built

    def tamper(policy: object, release: object, analytics: Path) -> object:
        con = memory()
        con.execute(f"ATTACH '{analytics}' AS a")
        con.execute("UPDATE a.published.product_demand_monthly SET orders = 25 WHERE orders = 24")
        con.close()
        return real(policy, release, analytics)  # type: ignore[arg-type]

    monkeypatch.setattr(prove, "check_built", tamper)
    with pytest.raises(GuaranteeError, match=r"G14: product_demand_monthly: \d+ rows differ"):
        world.publish("2024-03")
    assert not world.analytics.exists()
    assert not list((world.settings.published / "releases").iterdir())
