"""A zone's file built anew beside the old one, under a key of its own, and swapped: what went is in no page of it.

Nothing personal is deleted in place, since DuckDB keeps the old pages. Data first, then the key: killed anywhere, the
file opens, before the swap under its own key and afterwards under the new one, which then still has its first name.
Belongs here: the swap, and ending one that was killed. Does not belong here: what stands in a file.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ajprivacy_pipeline.errors import ZoneError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import NEXT, KeyStore

Checkpoint = Callable[[str], None]  # told what comes next; a test kills there


def _nothing(_: str) -> None:
    """Pass a checkpoint by."""


@contextmanager
def built_anew(keys: KeyStore, path: Path, checkpoint: Checkpoint = _nothing) -> Iterator[Path]:
    """Yields where a new file is built; at the end it takes the place of `path`, which need not exist.

    To be called under the lock of the file, by the only one who writes it. Where the block fails everything is as it
    was. Nobody may have the old file open for writing at the end.

    Args:
        keys: the new file's key is named after its stem, as `zones.open_zone` and `zones.attached` do it.
        path: the file to be replaced; its key is destroyed.
        checkpoint: told each step of the swap.

    Raises:
        ZoneError: the disk is full, a file cannot be replaced, or an earlier swap cannot be ended now.
    """
    settle(keys, path)
    following = _following(path)
    if keys.has(following.stem):  # the file that stands may need it
        raise ZoneError(f"{path.parent.name}/{path.name} does not open now, so it cannot be built anew: end whatever "
                        "else has it open, then try again")
    following.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        checkpoint("build")
        yield following
        with zones.engine_errors(f"{path.parent.name}/{path.name}"):
            with following.open("rb") as file:
                os.fsync(file.fileno())
            checkpoint("swap data")
            path.with_name(f"{path.name}.wal").unlink(missing_ok=True)  # it must not meet the new file
            following.replace(path)
        checkpoint("swap key")
        keys.succeed(path.stem, checkpoint)
    finally:
        settle(keys, path)


def settle(keys: KeyStore, path: Path) -> None:
    """End a swap that was killed: where the data is swapped the key follows, else what was built is destroyed.

    A key is destroyed only where it is plain that nothing stands under it: a file that opens under neither key, since
    somebody holds it just now, keeps both.
    """
    following = _following(path)
    if keys.has(following.stem):
        if following.exists() or not path.exists():
            keys.destroy(following.stem)
        elif zones.opens(path, keys.data_key(following.stem)):
            keys.succeed(path.stem)
        elif keys.has(path.stem) and zones.opens(path, keys.data_key(path.stem, create=False)):
            keys.destroy(following.stem)
    shutil.rmtree(following.parent, ignore_errors=True)


def destroy(keys: KeyStore, path: Path) -> None:
    """Destroy a file, its key first, with what a killed swap left of it."""
    for known in (path, _following(path)):
        keys.destroy(known.stem)
    shutil.rmtree(_following(path).parent, ignore_errors=True)
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()


@contextmanager
def default_database_anew(con: zones.Connection, keys: KeyStore, path: Path, name: str = zones.DEFAULT,
                          ) -> Iterator[None]:
    """Let the default database of a connection, which is the file `path`, be an empty one that then takes its place.

    Where the block fails the file and its tables are as they were. Raises as `built_anew`.
    """
    try:
        with (built_anew(keys, path) as following,
              zones.attached(con, keys, following, "following", create=True)):
            con.execute("USE following")
            try:
                yield
            finally:
                con.execute(f"USE {zones.quote(name)}")
            con.execute("USE memory")
            con.execute(f"DETACH {zones.quote(name)}")
    finally:
        if not con.execute("SELECT 1 FROM duckdb_databases() WHERE database_name = $name", {"name": name}).fetchall():
            zones.attach(con, keys, path, name)
        con.execute(f"USE {zones.quote(name)}")


def _following(path: Path) -> Path:
    """In a folder of its own, so that nobody takes a file that is being built for one that stands."""
    return path.parent / f".{path.stem}" / f"{path.stem}{NEXT}{path.suffix}"
