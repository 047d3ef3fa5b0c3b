"""A file that is built anew: killed at any step it opens, whole, as before or as after, and nothing old is left."""

import os
import signal
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import ZoneError
from ajprivacy_pipeline.settings import Settings, load_settings, prepare_home
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.anew import built_anew, default_database_anew, destroy, settle
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests import forked

BEFORE, AFTER = "kari.spor@example.no", "nobody"
STEPS = ("build", "built", "swap data", "swap key", "seal key", "end key")
SWAPPED = STEPS[3:]


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = load_settings({"AJPRIVACY_HOME": str(tmp_path), "AJPRIVACY_THREADS": "1"})
    prepare_home(settings)
    with zones.open_zone(settings, KeyStore(settings.keys), _file(settings)) as con:
        con.execute("CREATE TABLE t AS SELECT $value AS v", {"value": BEFORE})
    return settings


def _file(settings: Settings) -> Path:
    return settings.restricted / "2026-10.duckdb"


def _read(settings: Settings) -> str:
    with zones.open_zone(settings, KeyStore(settings.keys), _file(settings), read_only=True) as con:
        return str(con.execute("SELECT v FROM t").fetchall()[0][0])


def _build(home: str, die_at: str) -> None:
    settings = load_settings({"AJPRIVACY_HOME": home, "AJPRIVACY_THREADS": "1"})
    keys = KeyStore(settings.keys)

    def checkpoint(step: str) -> None:
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with built_anew(keys, _file(settings), checkpoint) as path:
        with zones.open_zone(settings, keys, path) as con:
            con.execute("CREATE TABLE t AS SELECT $value AS v", {"value": AFTER})
        checkpoint("built")


def _left(settings: Settings) -> list[str]:
    return sorted(path.name for folder in (settings.keys, settings.restricted) for path in folder.rglob("*")
                  if path.is_file() and "2026-10" in path.name)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_opens_and_the_next_one_ends_it(home: Settings, step: str) -> None:
    old = KeyStore(home.keys).data_key("2026-10")
    process = forked.start(_build, str(home.home), step)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    wanted = AFTER if step in SWAPPED else BEFORE
    assert _read(home) == wanted  # before anybody mends it
    settle(KeyStore(home.keys), _file(home))
    assert _read(home) == wanted
    assert _left(home) == ["2026-10.duckdb", "2026-10.sealed"]
    assert (KeyStore(home.keys).data_key("2026-10") == old) == (wanted == BEFORE)
    _build(str(home.home), "never")
    assert (_read(home), KeyStore(home.keys).data_key("2026-10") == old) == (AFTER, False)
    assert _left(home) == ["2026-10.duckdb", "2026-10.sealed"]


def test_a_file_that_does_not_open_just_now_loses_no_key(home: Settings) -> None:
    """Whoever holds it, or a disk that fails, says nothing about the key it stands under."""
    process = forked.start(_build, str(home.home), "swap key")
    process.join(60)
    keys, file = KeyStore(home.keys), _file(home)
    whole = file.read_bytes()
    file.write_bytes(b"not now")
    settle(keys, file)
    with pytest.raises(ZoneError, match="does not open now"), built_anew(keys, file):
        pytest.fail("nothing may be built")
    assert _left(home) == ["2026-10.duckdb", "2026-10.next.sealed", "2026-10.sealed"]
    file.write_bytes(whole)
    settle(keys, file)
    assert (_read(home), _left(home)) == (AFTER, ["2026-10.duckdb", "2026-10.sealed"])


def test_the_old_file_opens_under_no_key_that_is_left(home: Settings, tmp_path: Path) -> None:
    backup = tmp_path / "backup.duckdb"
    backup.write_bytes(_file(home).read_bytes())
    keys = KeyStore(home.keys)
    assert zones.opens(backup, keys.data_key("2026-10"))
    _build(str(home.home), "never")
    assert [zones.opens(backup, keys.data_key(path.stem)) for path in home.keys.glob("*.sealed")] == [False]


def test_a_key_alone_whose_file_was_never_begun_does_not_end_the_old_one(home: Settings) -> None:
    keys = KeyStore(home.keys)
    keys.data_key("2026-10.next")
    settle(keys, _file(home))
    assert (_read(home), _left(home)) == (BEFORE, ["2026-10.duckdb", "2026-10.sealed"])


def _fail(con: zones.Connection, keys: KeyStore, path: Path) -> None:
    with default_database_anew(con, keys, path), zones.engine_errors("here"):
        con.execute("CREATE TABLE t AS SELECT 1 AS v")
        con.execute("SELECT no_such_column FROM t")


def test_what_fails_while_it_is_built_changes_nothing(home: Settings) -> None:
    keys = KeyStore(home.keys)
    with zones.open_zone(home, keys, _file(home)) as con:
        with pytest.raises(ZoneError):
            _fail(con, keys, _file(home))
        assert con.execute("SELECT v FROM t").fetchall() == [(BEFORE,)]
    assert (_read(home), _left(home)) == (BEFORE, ["2026-10.duckdb", "2026-10.sealed"])


def test_the_default_database_is_a_new_file_under_a_new_key(home: Settings) -> None:
    keys = KeyStore(home.keys)
    old = keys.data_key("2026-10")
    with zones.open_zone(home, keys, _file(home)) as con:
        with default_database_anew(con, keys, _file(home)):
            assert con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
                               ).fetchall() == [("zone_format",)]
            con.execute("CREATE TABLE t AS SELECT $value AS v", {"value": AFTER})
        con.execute("UPDATE t SET v = v || '!'")
    assert (_read(home), keys.data_key("2026-10") == old) == (f"{AFTER}!", False)
    assert _left(home) == ["2026-10.duckdb", "2026-10.sealed"]


def test_destroying_a_file_destroys_what_a_killed_swap_left(home: Settings) -> None:
    process = forked.start(_build, str(home.home), "swap data")
    process.join(60)
    destroy(KeyStore(home.keys), _file(home))
    assert _left(home) == []
