"""Publishing as one step: staged beside, swapped, repaired after a crash.

Belongs here: the folder of published/, its lock, leftovers. The order is folder, control store, analytics.duckdb; the
last rename is the commit. Killed before it, readers see the old release, and the next run finds one of these:

    a folder .building-*                    a run died: removed
    a folder the control store ignores      died between folder and control store: set aside and built again
    a row that analytics.duckdb ignores     died before the commit: analytics.duckdb is rebuilt from the verified folder
                                            (so is one that is missing or cannot be read)
"""

import ctypes
import errno
import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ajprivacy_pipeline.errors import ReleaseError, ZoneError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release.files import build_analytics
from ajprivacy_pipeline.release.manifest import MANIFEST, published_stamp, sha256_of, verify_release
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_rows import NewRelease
from ajprivacy_pipeline.storage.zones import engine_errors

Progress = Callable[[str], None]
ANALYTICS = "analytics.duckdb"
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of renameat2(2)


@contextmanager
def publishing(settings: Settings, control: ControlStore, run_id: str) -> Iterator[Path]:
    """Hold the lock of published/ and give a fresh staging folder, which is gone afterwards.

    Raises:
        ReleaseError: another run is publishing.
        ZoneError: the disk is full or not writable.
    """
    staging = settings.published / f".building-{re.sub('[^A-Za-z0-9]', '', run_id)[:40] or 'run'}"
    with engine_errors("published"):
        (settings.published / "releases").mkdir(parents=True, exist_ok=True)
        (settings.published / "releases").chmod(0o755)  # analysts read what lies below; the rest is the owner's
        lock = (settings.published / ".lock").open("w")
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ReleaseError("another run is publishing: wait for it to end") from None
        clean_up(settings, control)
        with engine_errors("published"):
            (staging / "release").mkdir(parents=True)
        try:
            yield staging
        finally:
            clean_up(settings, control)
    finally:
        lock.close()


def clean_up(settings: Settings, control: ControlStore) -> None:
    """Removes the staging folders of completed or killed runs; puts back a known folder that one had set aside."""
    for staging in sorted(settings.published.glob(".building-*")):
        for aside in sorted((staging / "replaced").glob("*")):
            known = [row for row in control.releases() if row["month"] == aside.name]
            target = settings.published / "releases" / aside.name
            if known and (aside / MANIFEST).is_file() and sha256_of(aside / MANIFEST) == known[-1]["manifest_sha256"]:
                _put(aside, target)
        shutil.rmtree(staging, ignore_errors=True)


def repair(settings: Settings, policy: Policy, control: ControlStore, staging: Path, progress: Progress) -> bool:
    """Finish a publication that died between the control store and the commit; True when there was one.

    Raises:
        ReleaseError: the newest known release's folder is gone or changed.
    """
    known = control.releases()
    if not known:
        return False
    newest = known[-1]
    target = settings.published / ANALYTICS
    with suppress(ZoneError):  # a file that cannot be read is rebuilt like one that is old
        if published_stamp(target) == newest["manifest_sha256"]:
            return False
    progress(f"repairing release {newest['month']}")
    release = verify_release(settings.published / "releases" / newest["month"], newest["manifest_sha256"])
    with engine_errors("published"):
        build_analytics(policy, release, staging / ANALYTICS)
        _for_readers(staging / ANALYTICS)
        (staging / ANALYTICS).replace(target)
    return True


def retire_unproven(settings: Settings, control: ControlStore) -> None:
    """Remove the folders of unproven releases once analysts see a proven one: that one is the first, and replaces them.

    Call it when the newest known release is committed.
    """
    known = control.releases()
    if known and known[-1]["proven"]:
        for row in known:
            folder = settings.published / "releases" / row["month"]
            if not row["proven"] and (folder / MANIFEST).is_file() and (
                    sha256_of(folder / MANIFEST) == row["manifest_sha256"]):
                with engine_errors("published"):
                    shutil.rmtree(folder)


def swap(settings: Settings, control: ControlStore, staging: Path, row: NewRelease,
         decided: Mapping[str, Sequence[Mapping[str, str]]], progress: Progress) -> Path:
    """Put a proven staging folder in place and commit.

    `row` is the control store's record of the release, `decided` are its rows of what later ones keep to, by table.

    Returns the release's folder.
    """
    target = settings.published / "releases" / row["month"]
    with engine_errors("published"):
        _for_readers(staging / "release")
        (staging / "replaced").mkdir(exist_ok=True)
        beside = (staging / "release").rename(staging / "replaced" / target.name)  # where the old one will lie
        progress("swapping the folder")
        _put(beside, target)
    progress("recording the release")
    control.record_release(row, decided)
    progress("committing")
    with engine_errors("published"):
        _to_disk(staging / ANALYTICS)
        _for_readers(staging / ANALYTICS)
        (staging / ANALYTICS).replace(settings.published / ANALYTICS)
        _to_disk(settings.published)
    retire_unproven(settings, control)
    progress("published")
    return target


def _put(folder: Path, target: Path) -> None:
    """Put a folder in its place; one that stands there takes its place in turn, so that a reader always finds one."""
    if not target.exists():
        folder.rename(target)
    elif not _exchanged(folder, target):
        aside = target.rename(folder.with_name(f"{folder.name}.old"))  # for a moment there is none
        folder.rename(target)
        aside.rename(folder)


def _exchanged(folder: Path, target: Path) -> bool:
    """Whether two folders changed places at one stroke; not every system and file system knows how."""
    try:
        exchange = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    if exchange(_HERE, os.fsencode(folder), _HERE, os.fsencode(target), _EXCHANGE) == 0:
        return True
    if (code := ctypes.get_errno()) in (errno.EINVAL, errno.ENOSYS):
        return False
    raise OSError(code, os.strerror(code), str(target))


def _for_readers(path: Path) -> None:
    """Let analysts read what is published; every other file of the home is for its owner alone."""
    for inside in (path, *path.rglob("*")):
        inside.chmod(0o755 if inside.is_dir() else 0o644)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
