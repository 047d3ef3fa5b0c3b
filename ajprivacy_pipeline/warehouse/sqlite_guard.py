"""Holds a read transaction on a SQLite file and tells at its end whether anybody else committed meanwhile.

    python sqlite_guard.py FILE     prints `ready`, waits for the end of its input, prints `same` or `changed`

It is a process of its own because SQLite's locks belong to processes: DuckDB brings another copy of SQLite, and when
either copy closes the file, the locks of both are gone (sqlite.org/howtocorrupt.html, 2.2). While the lock is held, no
writer can commit to a file without WAL; a commit to a file with WAL changes `PRAGMA data_version`.

Belongs here: this, with the standard library alone.
"""

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[Callable[[], bool]]:
    """Guard a file; the call that is handed out ends the guard and says whether the file stayed the same.

    Raises:
        OSError: the guard cannot read the file.
    """
    command = [sys.executable, "-I", __file__, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        if process.stdin is None or process.stdout is None or process.stdout.readline().strip() != b"ready":
            raise OSError

        def stayed_the_same() -> bool:
            return process.communicate()[0].strip() == b"same"

        try:
            yield stayed_the_same
        finally:
            process.stdin.close()


def main(path: Path) -> None:
    """Be the guard."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10, isolation_level=None)
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchall()  # BEGIN alone takes no lock
    before = connection.execute("PRAGMA data_version").fetchall()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    connection.execute("COMMIT")
    after = connection.execute("PRAGMA data_version").fetchall()
    sys.stdout.write("same\n" if after == before else "changed\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
