"""Zone files: encrypted, locked, refused when they are not ours, and errors without values."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import KeyStoreError, ZoneError
from ajprivacy_pipeline.settings import Settings, load_settings, prepare_home
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import KeyStore

MARKER = "kanari.fugl@example.no"


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = load_settings({"AJPRIVACY_HOME": str(tmp_path), "AJPRIVACY_THREADS": "1"})
    prepare_home(settings)
    return settings


def write(settings: Settings) -> Path:
    path = settings.restricted / "2026-10.duckdb"
    with zones.open_zone(settings, KeyStore(settings.keys), path) as con:
        con.execute("CREATE TABLE t AS SELECT $marker AS v FROM range(10)", {"marker": MARKER})
    return path


def test_a_file_holds_nothing_in_clear_and_opens_again(home: Settings) -> None:
    path = write(home)
    assert MARKER.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    with zones.open_zone(home, KeyStore(home.keys), path, read_only=True) as con:
        assert con.execute("SELECT DISTINCT v FROM t").fetchall() == [(MARKER,)]


def test_a_passing_file_has_no_log_and_nothing_in_clear(home: Settings) -> None:
    path = home.restricted / "apply-1.duckdb"
    with zones.open_zone(home, KeyStore(home.keys), path, passing=True) as con:
        con.execute("CREATE TABLE t AS SELECT $marker || range AS v FROM range(200000)", {"marker": MARKER})
        con.execute("INSERT INTO t SELECT v FROM t LIMIT 10")
        assert {file.name for file in path.parent.glob("apply-1*")} == {path.name}
        assert con.execute("SELECT count(*) FROM t").fetchall() == [(200_010,)]
        assert MARKER.encode() not in path.read_bytes()


def test_an_extension_that_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its signature is checked though connections do not ask for one, and again after it was refused."""
    real = zones.extension_file("sqlite_scanner")
    changed = tmp_path / "duckdb_extension_changed" / "extensions" / real.parent.name / "changed.duckdb_extension"
    changed.parent.mkdir(parents=True)
    (tmp_path / "duckdb_extension_changed" / "__init__.py").touch()
    content = bytearray(real.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    with closing(zones.memory(extensions=("sqlite_scanner",))) as con:
        for _ in range(2):
            with pytest.raises(zones.EngineError, match="signature"):
                zones.load(con, "changed")


def test_a_missing_file_is_not_made_for_reading(home: Settings) -> None:
    path = home.restricted / "2025-01.duckdb"
    with pytest.raises(ZoneError, match="never made or has been destroyed"), \
            zones.open_zone(home, KeyStore(home.keys), path, read_only=True):
        pass
    assert not path.exists()


def test_a_destroyed_key_leaves_the_file_unreadable(home: Settings) -> None:
    path = write(home)
    KeyStore(home.keys).destroy(path.stem)
    with pytest.raises(KeyStoreError), zones.open_zone(home, KeyStore(home.keys), path, read_only=True):
        pass


def test_a_wrong_key_is_refused_in_our_words(home: Settings) -> None:
    path = write(home)
    keys = KeyStore(home.keys)
    keys.destroy(path.stem)
    keys.data_key(path.stem)
    with pytest.raises(ZoneError, match="cannot be decrypted"), zones.open_zone(home, keys, path):
        pass


def test_a_file_of_another_format_is_refused(home: Settings) -> None:
    path = write(home)
    with zones.open_zone(home, KeyStore(home.keys), path) as con:
        con.execute("UPDATE zone_format SET format = '0'")
    with pytest.raises(ZoneError, match="has format 0"), zones.open_zone(home, KeyStore(home.keys), path):
        pass


def test_a_file_that_another_process_writes_is_refused(home: Settings) -> None:
    path = write(home)
    code = ("from pathlib import Path; from ajprivacy_pipeline import settings; "
            "from ajprivacy_pipeline.storage import keystore, zones; "
            f"s = settings.load_settings({{'AJPRIVACY_HOME': {str(home.home)!r}}})\n"
            f"with zones.open_zone(s, keystore.KeyStore(s.keys), Path({str(path)!r})): pass")
    with zones.open_zone(home, KeyStore(home.keys), path):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "another process has it open" in done.stderr


def test_engine_errors_carry_no_value(home: Settings) -> None:
    path = write(home)
    with zones.open_zone(home, KeyStore(home.keys), path) as con, pytest.raises(ZoneError) as caught, \
            zones.engine_errors("t"):
        con.execute("SELECT CAST(v AS INTEGER) FROM t").fetchall()
    assert MARKER not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_key_stands_in_no_catalogue_and_no_explanation(home: Settings) -> None:
    path = write(home)
    key = KeyStore(home.keys).data_key(path.stem)
    with zones.open_zone(home, KeyStore(home.keys), path) as con:
        shown = str([con.execute(f"FROM {name}()").fetchall() for name in ("duckdb_databases", "duckdb_settings")])
    assert key not in shown


@pytest.mark.parametrize("name", ['a"b', "a.b", "a b", "select"])
def test_an_identifier_is_quoted_whatever_it_is(name: str) -> None:
    con = zones.memory()
    con.execute(f"CREATE TABLE {zones.quote(name)} (x INTEGER)")
    assert con.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [(name,)]


@pytest.mark.parametrize("text", [
    *(f"{blank}x {blank} y{blank}" for blank in zones.WHITE_SPACE), *(f"x{blank}" for blank in zones.WHITE_SPACE),
    "", " ", "!", "~", "~~", "~~~", "~é", "é", " é", "xé ", "x\u200b", "\u200bx", "x", "x y", None])
def test_bare_text_is_what_trimming_leaves(text: str | None) -> None:
    with closing(zones.memory()) as con:
        found = con.execute(f"SELECT {zones.bare('x::VARCHAR')} FROM (SELECT $text AS x)",
                            {"text": text, "blanks": zones.WHITE_SPACE}).fetchall()
    assert found == [(None if text is None else text.strip(zones.WHITE_SPACE),)]


@pytest.mark.parametrize(("one", "other", "count"), [
    ("(1, 'a'), (2, NULL)", "(2, NULL), (1, 'a')", 0),
    ("(1, 'a'), (1, 'a')", "(1, 'a')", 1),
    ("(1, 'a')", "(1, 'a'), (1, 'a'), (1, 'a')", 2),
    ("(1, 'a'), (2, NULL)", "(1, 'a'), (2, '')", 2),
    ("(1, 'a')", "(1, 'b'), (1, 'b')", 3),
])
def test_rows_that_stand_in_one_source_alone_are_counted_as_often_as_they_do(one: str, other: str, count: int) -> None:
    with closing(zones.memory()) as con:
        assert zones.differing(con, f"FROM (VALUES {one}) AS t (n, v)", f"FROM (VALUES {other}) AS t (n, v)") == count


def test_nothing_differs_between_sources_without_a_row_and_all_from_one() -> None:
    with closing(zones.memory()) as con:
        con.execute("CREATE TABLE t (n INTEGER, v VARCHAR[])")
        assert zones.differing(con, "FROM t", "FROM t") == 0
        con.execute("INSERT INTO t VALUES (1, ['x']), (1, []), (NULL, NULL)")
        assert zones.differing(con, "FROM t", "FROM t WHERE false") == 3
        assert zones.differing(con, "FROM t", "FROM t") == 0


@pytest.mark.parametrize(("rows", "threads"), [(122_879, 1), (122_880, 1), (122_881, 2)])
def test_few_rows_are_worked_on_with_one_thread(home: Settings, rows: int, threads: int) -> None:
    def now() -> int:
        return int(con.execute("SELECT current_setting('threads')").fetchall()[0][0])

    with closing(zones.memory(home)) as con:
        con.execute("SET threads = 2")
        con.execute(f"CREATE TABLE t AS SELECT 1 AS n FROM range({rows})")
        with zones.threads_by_size(con):
            assert now() == threads
        assert now() == 2
