"""A month's file: its lock, opening it, its end.

Belongs here: who may hold a month's file, and when it is destroyed. Does not belong here: what stands in the tables.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.errors import ControlError, ZoneError
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.anew import destroy
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_tables import months, plan_events, plans
from ajprivacy_pipeline.storage.keystore import NEXT, KeyStore

DECISION_TABLES = ("purpose_status", "freezes", "attribute_decisions", "record_decisions", "bulk_decisions",
                   "review_list", "sole_ground")
APPLY = "apply-"  # begins the name of the file in which an apply decides anew
_MONTH = re.compile(r"^\d{4}-\d{2}$")
_LOCK_PATIENCE_SECONDS = 1.0  # longer than `is_running` holds a lock to look at it
_HOLD_PATIENCE_SECONDS = 120.0  # longer than a batch takes


def month_file(settings: Settings, month: str) -> Path:
    """Returns the encrypted file of a month."""
    return settings.restricted / f"{month}.duckdb"


def is_running(settings: Settings, month: str) -> bool:
    """Returns whether a run of the month is under way in any process of this machine."""
    path = _lock_file(settings, month)
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def destroy_left(settings: Settings, keys: KeyStore) -> None:
    """Destroy keys, then files, of applies that were killed; to be called under the warehouse's lock."""
    for stem in {path.stem for folder, ending in ((settings.restricted, "duckdb"), (settings.keys, "sealed"))
                 for path in folder.glob(f"{APPLY}*.{ending}")}:
        keys.destroy(stem)
        for path in settings.restricted.glob(f"{stem}.duckdb*"):
            path.unlink(missing_ok=True)


def destroy_before(settings: Settings, keys: KeyStore, control: ControlStore, month: str) -> list[str]:
    """Destroy keys, then files, of the months before `month`; what is under way there is left for the next time.

    That is a run, or a plan that is approved or being carried out.
    """
    kept = {row["month"] for row in control.rows(_RUNNING)}
    known = {path.stem.removesuffix(NEXT) for folder, ending in ((settings.restricted, "duckdb"), (
        settings.keys, "sealed")) for path in folder.glob(f"*.{ending}")}
    destroyed = []
    for earlier in sorted(stem for stem in known if _MONTH.match(stem) and stem < month and stem not in kept):
        try:
            with month_lock(settings, earlier):
                destroy(keys, month_file(settings, earlier))
                destroyed.append(earlier)
        except ControlError:
            continue
    return destroyed


_RUNNING = sa.select(plans.c.month).join(plan_events, plan_events.c.plan_id == plans.c.id).where(
    plan_events.c.id.in_(sa.select(sa.func.max(plan_events.c.id)).group_by(plan_events.c.plan_id)),
    plan_events.c.event.in_(("approved", "applying")))


def has_month(settings: Settings) -> bool:
    """Returns whether any month has a file."""
    return bool(standing_months(settings))


def standing_months(settings: Settings) -> list[str]:
    """Returns the months that have a file, the oldest first; more than one while a run is under way or was killed."""
    return sorted(path.stem for path in settings.restricted.glob("*.duckdb") if _MONTH.match(path.stem))


def newest_month(settings: Settings) -> str:
    """Returns the newest month that has a file, whether its run has ended or not.

    Raises:
        ControlError: no month has one.
    """
    standing = standing_months(settings)
    if not standing:
        raise ControlError("no month has a file: run one first with `ajprivacy run`")
    return standing[-1]


def told_month(settings: Settings) -> str:
    """Returns the month that people are answered from: the newest that has a file.

    What a killed run of a newer month has left is passed over, for the newest month that was finished and still
    stands; a month that is being run is not, since its decisions may replace what is told at any moment.

    Raises:
        ControlError: no month has a file, or the control store cannot be opened.
    """
    newest = newest_month(settings)
    standing = standing_months(settings)
    if len(standing) < 2 or is_running(settings, newest):  # asked before the list: a run may end in between
        return newest
    finished = {row["month"] for row in ControlStore.in_folder(settings.control).rows(sa.select(months.c.month))}
    return newest if newest in finished else max(finished.intersection(standing), default=newest)


@contextmanager
def read_month(settings: Settings, month: str | None) -> Iterator[tuple[zones.Connection, str]]:
    """Yields the month's file, opened for reading, with the month it is (None: `told_month`).

    Raises:
        ControlError: the month is malformed, was never run, is destroyed, or its decisions are not complete, because
            it is being run or because its run did not end.
        ZoneError: the file cannot be read.
    """
    chosen = month or told_month(settings)
    as_of(chosen)
    if not month_file(settings, chosen).exists():
        raise ControlError(f"{chosen} has no file: it was never run, or was destroyed; recompute from today's facts "
                           f"with `ajprivacy run --month {chosen}`")
    keys = KeyStore(settings.keys, settings.root_key)
    with ExitStack() as stack:
        try:
            con = stack.enter_context(zones.open_zone(settings, keys, month_file(settings, chosen), read_only=True))
        except ZoneError:
            _check_ended(settings, chosen)
            raise
        found = {row[0] for row in con.execute("SELECT table_name FROM information_schema.tables "
                                               "WHERE table_schema = 'retention'").fetchall()}
        if missing := [name for name in DECISION_TABLES if name not in found]:
            _check_ended(settings, chosen)
            raise ControlError(f"the decisions of {chosen} are not complete ({', '.join(missing)} is missing), because "
                               f"its last run did not end: run the month again with `ajprivacy run --month {chosen}`")
        yield con, chosen


def _check_ended(settings: Settings, month: str) -> None:
    """Refuse a month that cannot be read yet: what its run has not finished is nothing that anybody may be told.

    Raises:
        ControlError: it is being run.
    """
    if is_running(settings, month):
        raise ControlError(f"{month} is being run, and nothing is told of a month that is not finished: nothing was "
                           "done; do the same again when the run has ended (`ajprivacy health`, or Dagster's pages, "
                           "say so), and do not end it for this")


def _lock_file(settings: Settings, month: str) -> Path:
    return settings.restricted / f"{month}.lock"


@contextmanager
def month_lock(settings: Settings, month: str) -> Iterator[None]:
    """Hold the month for this run (ControlError: another one has it)."""
    with _locked(_lock_file(settings, month), fcntl.LOCK_EX, f"another run of {month} is under way: wait until it "
                                                             "ends, or end it, then run again"):
        yield


@contextmanager
def warehouse_lock(settings: Settings, *, alone: bool) -> Iterator[None]:
    """Keep runs of months and the carrying out of plans apart: runs may be several, an apply is alone.

    Raises:
        ControlError: the other kind is under way.
    """
    what = "a run of a month or another apply" if alone else "the carrying out of a plan"
    with _locked(settings.restricted / "warehouse.lock", fcntl.LOCK_EX if alone else fcntl.LOCK_SH,
                 f"{what} is under way: wait until it ends, then try again"):
        yield


@contextmanager
def hold_lock(settings: Settings) -> Iterator[None]:
    """Keep placing a hold and one batch of an apply apart: who comes second sees what the first has done.

    Raises:
        ControlError: the other does not end.
    """
    with _locked(settings.restricted / "hold.lock", fcntl.LOCK_EX,
                 "a batch of a plan, or somebody who places a hold, does not end: try again", _HOLD_PATIENCE_SECONDS):
        yield


@contextmanager
def _locked(path: Path, kind: int, refusal: str, patience: float = _LOCK_PATIENCE_SECONDS) -> Iterator[None]:
    """Hold a lock on a file (ControlError: not to be had); the system frees it when the process ends, however."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + patience
    try:
        while True:
            try:
                fcntl.flock(handle, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ControlError(refusal) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(handle)
