"""The files of the zones that hold people: a month's lock, its end, its decisions outside, the pseudonymised file.

Belongs here: which file is whose, who may hold it, when it is destroyed, the error boundary round all that touches it.
Does not belong here: what stands in the tables.
"""

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ajprivacy_pipeline import zones
from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.errors import ControlError, ModelError, PrivacyError, ZoneError
from ajprivacy_pipeline.keystore import KeyStore
from ajprivacy_pipeline.settings import Settings

DECISION_TABLES = ("purpose_status", "freezes", "attribute_decisions", "record_decisions", "bulk_decisions",
                   "review_list", "sole_ground")
# subject_no is a number within the month's file; outside it a subject has its id alone.
_EXPORTS = {name: f"SELECT COLUMNS(lambda name: name <> 'subject_no') FROM retention.{zones.quote(name)}"
            for name in DECISION_TABLES} | {
    "quality": 'SELECT table_name AS "table", id, column_name AS "column", fault FROM staged.quality'}
PSEUDONYMISED = "pseudonymised"
_MONTH = re.compile(r"^\d{4}-\d{2}$")
_LOCK_PATIENCE_SECONDS = 1.0  # longer than `is_running` holds a lock to look at it


@contextmanager
def boundary(what: str) -> Iterator[None]:
    """Let only our errors through, without their causes: drivers put values of rows into their messages."""
    try:
        yield
    except PrivacyError as error:
        raise error from None
    except zones.EngineError as error:
        raise ModelError(f"{what}: {zones.explain(error)}") from None
    except OSError as error:
        raise ZoneError(f"{what}: {os.strerror(error.errno or 0)}") from None
    except KeyError as error:
        raise ModelError(f"{what}: {_missing_word(error)}") from None
    except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, its text must not pass
        if error.__cause__ is not None and not isinstance(error.__cause__, Exception):
            raise error.__cause__ from None  # Ctrl-C in the middle of a query comes out as the engine's RuntimeError
        raise ModelError(f"{what}: failed with {type(error).__name__}") from None


def _missing_word(error: KeyError) -> str:
    """What a look-up lacked: named where it is a word of the policy, which is nobody's value; else the bare kind."""
    from ajprivacy_pipeline.policy import own_names
    word = error.args[0] if error.args else None
    if isinstance(word, str) and word in own_names():
        return (f"the policy's name {word} is used and not known here: run `ajprivacy policy check`, "
                "then look where else the name must stand")
    return "failed with KeyError"


def month_file(settings: Settings, month: str) -> Path:
    """The encrypted file of a month."""
    return settings.restricted / f"{month}.duckdb"


def is_running(settings: Settings, month: str) -> bool:
    """Whether a run of the month is under way in any process of this machine."""
    path = _lock_file(settings, month)
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def destroy_before(settings: Settings, keys: KeyStore, month: str) -> list[str]:
    """Destroy keys, then files, of the months before `month`; a month under way is left for the next time."""
    known = {path.stem for folder, ending in ((settings.restricted, "duckdb"), (settings.keys, "sealed"))
             for path in folder.glob(f"*.{ending}")}
    destroyed = []
    for earlier in sorted(stem for stem in known if _MONTH.match(stem) and stem < month):
        try:
            with month_lock(settings, earlier):
                keys.destroy(earlier)
                for path in settings.restricted.glob(f"{earlier}.duckdb*"):
                    path.unlink()
                destroyed.append(earlier)
        except ControlError:
            continue
    return destroyed


def write_pseudonymised(con: zones.Connection, settings: Settings, keys: KeyStore, month: str,
                        tables: Sequence[str]) -> dict[str, int]:
    """Rebuild the pseudonymised zone from a month's tables, and destroy what earlier months left of it.

    The file and its key are the month's own, built beside and swapped in, so nobody who went stays in an old page. A
    month before the one that stands there changes nothing: it would bring people back.

    Returns the rows of each table, none when nothing was written.
    """
    name = f"{PSEUDONYMISED}-{month}"
    if any(path.stem > name for path in settings.pseudonymised.glob(f"{PSEUDONYMISED}-*.duckdb")):
        return {}
    building = settings.pseudonymised / ".building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    path = building / f"{name}.duckdb"
    try:
        with zones.open_zone(settings, keys, path):
            pass
        with zones.engine_errors(f"{PSEUDONYMISED}/{path.name}"):
            rows = _copy_tables(con, path, keys.data_key(name), tables)
            path.replace(settings.pseudonymised / path.name)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    for earlier in settings.pseudonymised.glob(f"{PSEUDONYMISED}-*.duckdb"):
        if earlier.stem < name:
            keys.destroy(earlier.stem)
            earlier.unlink()
    return rows


def _copy_tables(con: zones.Connection, path: Path, key: str, tables: Sequence[str]) -> dict[str, int]:
    con.execute(f"ATTACH {zones.literal(str(path))} AS building (ENCRYPTION_KEY $key)", {"key": key})
    try:
        con.execute(f"CREATE SCHEMA building.{zones.quote(PSEUDONYMISED)}")
        rows = {}
        for table in tables:
            target = f"{zones.quote(PSEUDONYMISED)}.{zones.quote(table)}"
            found = con.execute(f"CREATE TABLE building.{target} AS SELECT * FROM {target}").fetchall()
            rows[table] = int(found[0][0])
    finally:
        con.execute("DETACH building")
    return rows


def newest_month(settings: Settings) -> str:
    """The newest month that has a file.

    Raises:
        ControlError: no month has one.
    """
    months = [path.stem for path in settings.restricted.glob("*.duckdb") if _MONTH.match(path.stem)]
    if not months:
        raise ControlError("no month has a file: run one first with `ajprivacy run`")
    return max(months)


@contextmanager
def read_month(settings: Settings, month: str | None) -> Iterator[tuple[zones.Connection, str]]:
    """The month's file, opened for reading, with the month it is (None: the newest that has a file).

    Raises:
        ControlError: the month is malformed, was never run, is destroyed, or its decisions are not complete.
        ZoneError: the file cannot be read.
    """
    chosen = month or newest_month(settings)
    as_of(chosen)
    if not month_file(settings, chosen).exists():
        raise ControlError(f"{chosen} has no file: it was never run, or was destroyed; recompute from today's facts "
                           f"with `ajprivacy run --month {chosen}`")
    keys = KeyStore(settings.keys, settings.root_key)
    with zones.open_zone(settings, keys, month_file(settings, chosen), read_only=True) as con:
        found = {row[0] for row in con.execute("SELECT table_name FROM information_schema.tables "
                                               "WHERE table_schema = 'retention'").fetchall()}
        if missing := [name for name in DECISION_TABLES if name not in found]:
            raise ControlError(f"the decisions of {chosen} are not complete ({', '.join(missing)} is missing): "
                               f"run the month again with `ajprivacy run --month {chosen}`")
        yield con, chosen


def export_decisions(settings: Settings, month: str, out: Path) -> dict[str, int]:
    """Write a month's decisions and faults as Parquet, a file a table, ordered by all columns; returns row counts.

    Raises:
        ZoneError: the month was never run or its file is destroyed.
        ControlError: its decisions are not complete.
    """
    with boundary("decisions"), read_month(settings, month) as (con, _):
        return _write_parquet(con, out)


def _write_parquet(con: zones.Connection, out: Path) -> dict[str, int]:
    """Write beside the target first, so that a full disk leaves no half of a table."""
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    counts = {}
    partial = out / f".partial-{os.getpid()}"
    partial.mkdir(mode=0o700)
    try:
        for name, query in _EXPORTS.items():
            target = zones.literal(str(partial / f"{name}.parquet"))
            with zones.engine_errors(str(out / f"{name}.parquet")):
                written = con.execute(f"COPY ({query} ORDER BY ALL) TO {target} "
                                      "(FORMAT parquet, COMPRESSION zstd)").fetchall()
            counts[name] = int(written[0][0])
        for name in _EXPORTS:
            (partial / f"{name}.parquet").replace(out / f"{name}.parquet")
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return counts


def _lock_file(settings: Settings, month: str) -> Path:
    return settings.restricted / f"{month}.lock"


@contextmanager
def month_lock(settings: Settings, month: str) -> Iterator[None]:
    """Hold the month for this run; the system frees it when the process ends, however it ends."""
    handle = os.open(_lock_file(settings, month), os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _LOCK_PATIENCE_SECONDS
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ControlError(f"another run of {month} is under way: wait until it ends, or end it, "
                                       "then run again") from None
                time.sleep(0.1)
        yield
    finally:
        os.close(handle)
