"""DuckDB: opening the zones' files. The only module that imports duckdb.

Belongs here: connections, encryption, extensions, limits, file modes, turning the engine's errors into ours. Does not
belong here: SQL of the models.
"""

import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path

import duckdb

from ajprivacy_pipeline.clock import LOCAL_ZONE
from ajprivacy_pipeline.errors import ZoneError
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.keystore import KeyStore

Connection = duckdb.DuckDBPyConnection
EngineError = duckdb.Error
DEFAULT = "zone"  # what the default database of a connection is attached as
# How every zone's file stores texts. The engine would choose the same, but only after it has tried all others on each
# column, which takes longer than making most tables.
_TEXTS = "dict_fsst"
_ROW_GROUP = 122_880  # rows: what the engine gives to one thread
_NOTHING_FETCHED = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
ENGINE_VERSION = duckdb.__version__
FORMAT = "1"  # of a zone's file; another format is refused, never guessed at
WHITE_SPACE = "".join(map(chr, (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B),
                                0x2028, 0x2029, 0x202F, 0x205F, 0x3000)))


def quote(identifier: str) -> str:
    """Returns an identifier, safe inside SQL text: the only way a name enters a statement."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Returns a text literal, for the few statements that take no bound value (LOAD, ATTACH, COMMENT, COPY)."""
    return "'" + text.replace("'", "''") + "'"


def bare(x: str) -> str:
    """Returns SQL of a text without white space at its ends, where a statement binds `blanks` to WHITE_SPACE.

    Only a value whose first or last character is no printable ASCII one pays for trimming, which takes forty times as
    long as everything else that is done to an id.
    """
    return (f"CASE WHEN ({x}) BETWEEN '!' AND '~~' AND ({x})[-1] BETWEEN '!' AND '~' THEN ({x}) "
            f"ELSE trim(({x}), $blanks) END")


def memory(settings: Settings | None = None, extensions: Sequence[str] = ()) -> Connection:
    """Returns a connection without a file, in the local time zone, with the named extensions loaded.

    Nothing is downloaded. Without settings it has one thread: what is read and written so are a release's files, which
    are small, and several threads take a third more time of the processor for them.
    """
    threads = str(settings.threads) if settings else "1"
    con = duckdb.connect(":memory:", config={
        **_NOTHING_FETCHED, "allow_unsigned_extensions": "true", "threads": threads})
    con.execute(f"SET TimeZone = {literal(LOCAL_ZONE)}")
    con.execute("SET preserve_insertion_order = false")
    con.execute("SET enable_progress_bar = false")
    if settings is not None:
        spill = settings.restricted / "spill"
        spill.mkdir(parents=True, exist_ok=True, mode=0o700)
        con.execute(f"SET memory_limit = '{settings.engine_memory:d}B'")
        con.execute(f"SET temp_directory = {literal(str(spill))}")
        con.execute("SET temp_file_encryption = true")
    for name in extensions:
        load(con, name)
    return con


def load(con: Connection, name: str) -> None:
    """Load an extension into a connection of `memory`; its signature is checked once in a process.

    The engine reads the whole library to check it, again for each connection, though one that the process has loaded
    is what it gets each time.

    Raises:
        ZoneError: the wheel is not installed, or is of another DuckDB version.
        EngineError: the engine refused it, for one that it is not signed.
    """
    con.execute(f"LOAD {literal(str(_signed(name)))}")


@cache
def _signed(name: str) -> Path:
    """Where an extension lies whose signature the engine has checked."""
    path = extension_file(name)
    with closing(duckdb.connect(":memory:", config={**_NOTHING_FETCHED, "threads": "1"})) as con:
        con.execute(f"LOAD {literal(str(path))}")
    return path


@contextmanager
def without_pandas() -> Iterator[None]:
    """Keep DuckDB from importing pandas, as it does at the first bound value, for work that must answer at once."""
    hidden = "pandas" not in sys.modules
    if hidden:
        sys.modules["pandas"] = None  # type: ignore[assignment]  # what the import system takes for "there is none"
    try:
        yield
    finally:
        if hidden:
            del sys.modules["pandas"]


def extension_file(name: str) -> Path:
    """Returns where an extension lies inside its installed wheel; nothing is fetched and no home folder touched.

    Raises:
        ZoneError: the wheel is not installed, or is of another DuckDB version.
    """
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if path.is_file():
            return path
    wheel = "duckdb-extension-" + name.replace("_", "-")
    raise ZoneError(f"the DuckDB extension {name} is missing: install {wheel}=={duckdb.__version__}")


@contextmanager
def open_zone(settings: Settings, keys: KeyStore, path: Path, *, schema_owner: str = DEFAULT,
              read_only: bool = False, passing: bool = False) -> Iterator[Connection]:
    """Open an encrypted zone file as the default database of a new connection.

    Args:
        settings: limits and folders.
        keys: gives the file's data key, named after the file's stem.
        path: the file; made on first use unless `read_only`.
        schema_owner: the name the file is attached under.
        read_only: open without writing; the file must exist.
        passing: the caller destroys the file next: it has no log beside it, and is left as it is at the end.

    Raises:
        ZoneError: missing, locked by another process, of another format, not encrypted under its key, or disk full.
    """
    if read_only and not path.exists():
        raise ZoneError(f"{path.parent.name}/{path.name} does not exist: it was never made or has been destroyed; "
                        "recompute it from today's facts with `ajprivacy run`")
    fresh = not path.exists()
    con = memory(settings, ("httpfs",))
    try:
        con.execute(f"SET force_compression = {literal(_TEXTS)}")
        with engine_errors(f"{path.parent.name}/{path.name}"):
            attach(con, keys, path, schema_owner, create=fresh, read_only=read_only, passing=passing)
            con.execute(f"USE {quote(schema_owner)}")
            path.chmod(0o600)
            if fresh:
                con.execute("CREATE TABLE zone_format AS SELECT $format AS format", {"format": FORMAT})
            _check_format(con, path, schema_owner)
        yield con
    finally:
        if passing:
            with suppress(EngineError):  # what a fatal error has ended brings nothing either
                con.execute("PRAGMA disable_checkpoint_on_shutdown")
        con.close()


@contextmanager
def attached(con: Connection, keys: KeyStore, path: Path, name: str, *, create: bool = False,
             write: bool = False) -> Iterator[None]:
    """Attaches a second zone file to a connection, under a name, read-only unless it is created or to be written.

    Rows go from file to file inside the engine, without passing through Python.

    Args:
        con: any connection.
        keys: gives the file's data key, named after the file's stem.
        path: the file.
        name: what its tables are reached under.
        create: make the file, which must not exist, to write to it.
        write: write to a file that exists.

    Raises:
        ZoneError: as `open_zone`.
    """
    load(con, "httpfs")  # encrypted files are written with its OpenSSL
    with engine_errors(f"{path.parent.name}/{path.name}"):
        attach(con, keys, path, name, create=create, read_only=not (create or write))
    try:
        with engine_errors(f"{path.parent.name}/{path.name}"):
            if create:
                path.chmod(0o600)
                con.execute(f"CREATE TABLE {quote(name)}.zone_format AS SELECT $format AS format", {"format": FORMAT})
            else:
                _check_format(con, path, name)
            yield
    finally:
        con.execute(f"DETACH {quote(name)}")


def attach(con: Connection, keys: KeyStore, path: Path, name: str, *, create: bool = False, read_only: bool = False,
           passing: bool = False) -> None:
    """Attach a zone file under its key, or under the one about to take its place where a swap is under way.

    `passing`: without a log, since nobody will open what a killed process leaves of it.

    Raises:
        duckdb.Error: the engine refuses it.
        KeyStoreError: it has no key.
    """
    statement = (f"ATTACH {literal(str(path))} AS {quote(name)} (ENCRYPTION_KEY $key"
                 f"{', READ_ONLY' if read_only else ''}{', RECOVERY_MODE NO_WAL_WRITES' if passing else ''})")
    if create:
        con.execute(statement, {"key": keys.data_key(path.stem)})
        return
    tried: set[str] = set()
    refusals: list[duckdb.Error] = []
    while key := next((known for known in keys.data_keys(path.stem) if known not in tried), None):
        tried.add(key)  # they are asked for again: a swap may have ended since
        try:
            con.execute(statement, {"key": key})
        except duckdb.Error as error:
            refusals.append(error)
        else:
            return
    raise refusals[0]


def opens(path: Path, key: str) -> bool:
    """Returns whether a file stands under a key."""
    con = memory(extensions=("httpfs",))
    try:
        con.execute(f"ATTACH {literal(str(path))} AS tried (ENCRYPTION_KEY $key, READ_ONLY)", {"key": key})
    except duckdb.Error:
        return False
    finally:
        con.close()
    return True


def _check_format(con: Connection, path: Path, name: str) -> None:
    known = con.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = $name AND table_name = "
                        "'zone_format'", {"name": name}).fetchall()[0][0]
    found = "none"
    if known:
        found = con.execute(f"SELECT any_value(format) FROM {quote(name)}.zone_format").fetchall()[0][0]
    if found != FORMAT:
        raise ZoneError(f"{path.parent.name}/{path.name} has format {found}, this version reads {FORMAT}: "
                        "move the file away and run the month again")


@contextmanager
def threads_by_size(con: Connection) -> Iterator[None]:
    """Work with one thread where no table of the default database has more rows than one thread reads anyway.

    Several would take turns over a thousand statements of a few rows each. The setting is put back.
    """
    rows = con.execute("SELECT coalesce(max(estimated_size), 0) FROM duckdb_tables() "
                       "WHERE database_name = current_database()").fetchall()[0][0]
    with one_thread(con) if rows <= _ROW_GROUP else nullcontext():
        yield


@contextmanager
def one_thread(con: Connection) -> Iterator[None]:
    """Work with one thread; the setting is put back."""
    kept = con.execute("SELECT current_setting('threads')").fetchall()[0][0]
    con.execute("SET threads = 1")
    try:
        yield
    finally:
        con.execute(f"SET threads = {int(kept):d}")


def differing(con: Connection, one: str, other: str) -> int:
    """Returns how many rows stand in one of two sources alone, a row that stands there oftener by so many times.

    Args:
        con: reads both.
        one: a FROM clause, with its condition where it has one.
        other: another one, of as many columns in the same order.
    """
    return int(con.execute(f"""
        SELECT coalesce(sum(abs(beyond)), 0) FROM (SELECT * EXCLUDE ("(side)"), sum("(side)") AS beyond FROM
            (SELECT *, 1 AS "(side)" {one} UNION ALL SELECT *, -1 {other}) GROUP BY ALL)""").fetchall()[0][0])


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turn an engine's error into ours without its text, which may hold values of rows."""
    try:
        yield
    except duckdb.Error as error:
        raise ZoneError(f"{what}: {explain(error)}") from None
    except OSError as error:
        raise ZoneError(f"{what}: {os.strerror(error.errno or 0)}") from None


def explain(error: duckdb.Error) -> str:
    """Returns what an engine error means, in words of ours: never its own text."""
    text = str(error)
    if "Could not set lock" in text or "Conflicting lock" in text:
        holder = re.search(r"PID (\d+)", text)
        return "another process has it open" + (f" (process {holder[1]})" if holder else "") + "; wait for it or end it"
    if "ncrypt" in text or ("key" in text.lower() and "wrong" in text.lower()):
        return "it cannot be decrypted with its key; restore the key or move the file away and run the month again"
    if "No space left" in text or "File too large" in text or "Could not write" in text:
        return "the disk is full or the file may not grow; free space and run again"
    if "newer version" in text or "storage version" in text:
        return "it was written by another version of the engine; move it away and run the month again"
    if isinstance(error, duckdb.OutOfMemoryException):
        return "not enough memory; raise AJPRIVACY_MEMORY or free disk space for spilling"
    return f"the engine refused it ({type(error).__name__})"
