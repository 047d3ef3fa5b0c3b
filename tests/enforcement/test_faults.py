"""Disks that are full, stores that are away and databases that go: one sentence, nothing half done, one final state."""

import resource
import signal
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.carry import apply_plan
from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.errors import PrivacyError
from tests import forked
from tests.enforcement.enforcement_world import World, changed, new_database
from tests.enforcement.kept import Kept
from tests.enforcement.keyed_shop import in_small_batches
from tests.enforcement.test_kill import table_rows

Rows = dict[str, list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def wanted(one_by_one: Kept) -> Rows:
    """The shop's rows after an apply in which nothing went wrong."""
    return table_rows(one_by_one.applied())


def ends_well(world: World, plan: str, wanted: Rows) -> None:
    """Applied once more it ends where it should have, and the ledger is whole."""
    result = world.apply(plan)
    assert result["verified"]
    assert result["planned"] == result["applied"] + result["already"]
    assert table_rows(world) == wanted
    assert open_ledger(world.settings).verify().faults == ()


def one_sentence(error: PrivacyError) -> None:
    """It names no value, and is no trace."""
    assert "Nordmann" not in str(error)
    assert "\n" not in str(error)


@pytest.mark.soak
@pytest.mark.parametrize("when", ["committed", "batch"])
def test_the_control_store_is_away_for_a_while(when: str, one_by_one: Kept, wanted: Rows) -> None:
    """Between a batch's commit and its entry, and before a batch: somebody else has the store locked."""
    world, plan = one_by_one.approved(), one_by_one.plan
    locks: list[sqlite3.Connection] = []

    def away(now: str) -> None:
        if now == when and not locks:
            locks.append(sqlite3.connect(world.settings.control / "control.db", isolation_level=None))
            locks[0].execute("BEGIN EXCLUSIVE")

    with pytest.raises(PrivacyError) as failure:
        world.apply(plan, away)
    one_sentence(failure.value)
    locks[0].rollback()
    locks[0].close()
    ends_well(world, plan, wanted)


def _fill_the_disk(env: dict[str, str], plan: str, point: str, said: str) -> None:
    """Apply a plan; from a point on no file may grow, as on a full disk."""
    world = World(Path(env["AJPRIVACY_HOME"]), env["AJPRIVACY_WAREHOUSE"],
                  **{name: env[name] for name in ("AJPRIVACY_NOTICE", "AJPRIVACY_MAPPING")})
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def full(now: str) -> None:
        if now == point:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))

    try:
        apply_plan(world.settings, plan, by="test", checkpoint=full)
        text = "it went on"
    except PrivacyError as error:
        text = str(error)
    except BaseException as error:  # noqa: BLE001 - told to the test
        text = f"not ours: {type(error).__name__}"
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    Path(said).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("point", ["write", pytest.param("committed", marks=pytest.mark.soak)])
def test_a_disk_that_is_full_in_the_middle(point: str, one_by_one: Kept, wanted: Rows, tmp_path: Path) -> None:
    world, plan = one_by_one.approved(), one_by_one.plan
    before = world.cells()
    process = forked.start(_fill_the_disk, world.env, plan, point, str(tmp_path / "said"))
    process.join(120)
    assert process.exitcode == 0
    said = (tmp_path / "said").read_text(encoding="utf-8")
    assert not said.startswith(("not ours", "it went on")), said
    assert "\n" not in said
    if point == "write":
        assert changed(before, world.cells()) == {}
    ends_well(world, plan, wanted)


@pytest.mark.soak
def test_a_database_that_goes_away_between_two_batches(postgres_url: str, wanted: Rows, tmp_path: Path) -> None:
    """The server ends every connection to the database and lets nobody in; later it is there again."""
    url = new_database(postgres_url, "goes_away")
    world = in_small_batches(tmp_path, url)
    world.decide()
    plan = world.approved()
    seen: list[str] = []
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")

    def goes(now: str) -> None:
        seen.append(now)
        if now == "batch" and seen.count("batch") == 2:
            with engine.connect() as connection:
                connection.exec_driver_sql("ALTER DATABASE goes_away ALLOW_CONNECTIONS false")
                connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                           "WHERE datname = 'goes_away'")

    with pytest.raises(PrivacyError) as failure:
        world.apply(plan, goes)
    one_sentence(failure.value)
    with engine.connect() as connection:
        connection.exec_driver_sql("ALTER DATABASE goes_away ALLOW_CONNECTIONS true")
    engine.dispose()
    assert [entry.kind for entry in open_ledger(world.settings).entries()].count("batch") == 1
    ends_well(world, plan, wanted)


@pytest.mark.soak
def test_a_control_store_that_nobody_may_read(one_by_one: Kept, wanted: Rows) -> None:
    """Refused before anything is changed; root may read everything, so a folder stands in its place."""
    world, plan = one_by_one.approved(), one_by_one.plan
    before = world.cells()
    store = world.settings.control / "control.db"
    store.rename(store.with_name("away.db"))
    store.mkdir()
    with pytest.raises(PrivacyError) as failure:
        world.apply(plan)
    one_sentence(failure.value)
    assert changed(before, world.cells()) == {}
    store.rmdir()
    store.with_name("away.db").rename(store)
    ends_well(world, plan, wanted)
