"""A MariaDB of the test session's own: the distribution's server, its own data folder, a socket and no network."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import sqlalchemy as sa
from pymysql.cursors import Cursor

_SYSTEM = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
_SMALL = ("--skip-networking", "--skip-log-bin", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M",
          "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-flush-method=nosync",
          "--sync-frm=0", "--skip-name-resolve")
_SECONDS = 60


def mariadbd() -> str:
    """The system's server; without one the test fails and names the package."""
    found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise AssertionError("MariaDB is missing: `make mariadb` (or `apt-get install mariadb-server`), then run again")
    return found


@contextmanager
def server(*more: str) -> Iterator[str]:
    """The URL of an empty database `shop` on a new server, as a user who may do everything; gone afterwards.

    With `more` options it is started with those, too.
    """
    binary = mariadbd()
    # a socket's path may have 107 characters, pytest's own temporary folders are too deep for that
    with tempfile.TemporaryDirectory(prefix="maria", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        options = [binary, "--no-defaults", f"--datadir={folder / 'data'}", *_SMALL,
                   *(("--user=root",) if os.getuid() == 0 else ())]
        (folder / "data").mkdir()
        _first_tables(options, folder)
        socket = folder / "socket"
        with (folder / "log").open("wb") as log:
            running = subprocess.Popen([*options, *more, f"--socket={socket}", f"--pid-file={folder / 'pid'}"],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _answers(running, socket, folder / "log")
            yield f"mariadb+pymysql://root@localhost/shop?unix_socket={socket}&ssl_disabled=1"
        finally:
            running.kill()
            running.wait()


def _first_tables(options: list[str], folder: Path) -> None:
    """What mariadb-install-db does, without the programs of other packages that it calls."""
    scripts = Path("/usr/share/mysql")
    text = "CREATE DATABASE mysql;\nUSE mysql;\n" + "\n".join((scripts / name).read_text() for name in _SYSTEM)
    done = subprocess.run([*options, "--bootstrap", "--silent-startup"], input=text.encode(), capture_output=True,
                          check=False)
    assert done.returncode == 0, f"MariaDB cannot start in {folder}: {done.stderr.decode()[-2000:]}"


def _answers(running: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    """Wait until the server answers, and make the database."""
    until = time.monotonic() + _SECONDS
    while True:
        try:
            with pymysql.connect(unix_socket=str(socket), user="root", ssl_disabled=True) as admin:
                admin.cursor().execute("CREATE DATABASE shop")
                return
        except pymysql.err.OperationalError:
            gone = running.poll() is not None or time.monotonic() > until
            assert not gone, f"MariaDB does not answer: {log.read_text(errors='replace')[-2000:]}"
            time.sleep(0.05)


def connect(url: str) -> "pymysql.Connection[Cursor]":
    """A plain connection for a test's own statements, committing each."""
    parts = sa.make_url(url)
    return pymysql.connect(unix_socket=str(parts.query["unix_socket"]), user=parts.username or "root",
                           password=parts.password or "", database=parts.database, autocommit=True, ssl_disabled=True)


def only_database(server_url: str, name: str) -> str:
    """The same, on a server that has no other: for what looks through everything that its user can see."""
    with connect(server_url) as admin:
        cursor = admin.cursor()
        cursor.execute("SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN "
                       "('information_schema', 'mysql', 'performance_schema', 'sys', DATABASE())")
        for (other,) in cursor.fetchall():
            cursor.execute(f"DROP DATABASE `{other}`")
    return fresh_database(server_url, name)


def fresh_database(server_url: str, name: str) -> str:
    """A new, empty database of this name on the test server; its URL."""
    with connect(server_url) as admin:
        cursor = admin.cursor()
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    return sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
