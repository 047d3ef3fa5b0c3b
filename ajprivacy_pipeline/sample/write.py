"""Writing the sample shop: to a SQLite file, or to a PostgreSQL database.

Belongs here: connections, loading, and never overwriting what is not ours. Both are all or nothing: a file is written
beside and moved into place, a database is loaded in one transaction.
"""

import sqlite3
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa

from ajprivacy_pipeline.clock import LOCAL_ZONE
from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.sample import copies, schema
from ajprivacy_pipeline.sample.shop import Piece, contract
from ajprivacy_pipeline.storage import zones

ROWS_AT_ONCE = 50_000  # of a COPY: bounds the text in memory
ELSEWHERE = "give `ajprivacy sample` another --url, or empty that database yourself"


def parse(url: str) -> sa.URL:
    """Returns the address to write to.

    Raises:
        SourceError: it is no URL, or its scheme is neither SQLite nor PostgreSQL.
    """
    try:
        address = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise SourceError("the sample's --url is not a valid database URL; write sqlite:///shop.db or "
                          "postgresql://…") from None
    scheme = "postgresql" if address.drivername == "postgres" else address.drivername.split("+")[0]
    if scheme not in ("sqlite", "postgresql"):
        raise SourceError(f"the sample cannot be written to {scheme}; use sqlite:///path or postgresql://…")
    if scheme == "sqlite" and address.database in (None, "", ":memory:"):
        raise SourceError("the sample's SQLite URL names no file; write sqlite:///path/to/shop.db")
    return address.set(drivername=scheme)


def write(address: sa.URL, pieces: Iterable[list[Piece]], mark: tuple[int, int, date], *,
          with_copies: bool = False) -> dict[str, int]:
    """Load the pieces where the address says, all or nothing, and sign them with (customers, seed, until).

    With `with_copies` the shop keeps its people's data in tables beside the contract, too.

    Returns:
        The rows of each table.

    Raises:
        SourceError: something that is not ours is there, or the database refuses.
    """
    if address.drivername == "sqlite":
        return _write_sqlite(Path(str(address.database)).expanduser(), pieces, mark, with_copies=with_copies)
    return _write_postgresql(address, pieces, mark, with_copies=with_copies)


def _signature(mark: tuple[int, int, date]) -> tuple[int, int, str]:
    customers, seed, until = mark
    return seed, customers, until.isoformat()


# ---- SQLite


def _write_sqlite(path: Path, pieces: Iterable[list[Piece]], mark: tuple[int, int, date], *,
                  with_copies: bool) -> dict[str, int]:
    try:
        _check_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            part = Path(folder) / path.name
            with closing(sqlite3.connect(part)) as con:
                for statement in schema.creations("sqlite"):
                    con.execute(statement)
                con.execute(f"INSERT INTO {zones.quote(schema.MARK)} VALUES (?, ?, ?)", _signature(mark))
                con.commit()
            part.chmod(0o600)
            rows = _load_sqlite(part, pieces)
            with closing(sqlite3.connect(part)) as con, con:
                for statement in (*schema.unique_keys(), *(copies.statements("sqlite") if with_copies else ())):
                    con.execute(statement)
            part.replace(path)
    except OSError as error:
        raise SourceError(f"sqlite:///{path.name} cannot be written ({error.strerror}); free space or choose another "
                          "place") from None
    return rows


def _check_file(path: Path) -> None:
    """A file is ours to replace if it holds our mark and nothing but our tables, or no row at all."""
    if not path.exists():
        return
    shown = f"sqlite:///{path.name}"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as con:
            tables = con.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
            names = {str(row[0]) for row in tables if not str(row[0]).startswith("sqlite_")}
            foreign = sorted(name for name in names - {*contract(), *_copied(names)}
                             if not name.startswith(schema.OWN_PREFIX))
            filled = [name for name in contract() if name in names
                      and con.execute(f"SELECT EXISTS (SELECT 1 FROM {zones.quote(name)})").fetchone() == (1,)]
    except sqlite3.Error:
        raise SourceError(f"{shown} exists and is not a readable SQLite database; {ELSEWHERE}") from None
    if foreign:
        raise SourceError(f"{shown} also holds other tables ({', '.join(foreign[:5])}); {ELSEWHERE}")
    if filled and schema.MARK not in names:
        raise SourceError(f"{shown} has rows in {', '.join(filled)} that are not the sample's; {ELSEWHERE}")
    if Path(f"{path}-wal").exists():
        raise SourceError(f"{shown} is in use by another process; end it and try again")


def _copied(names: Collection[str]) -> Collection[str]:
    """The tables of copies, which are ours where the sample's mark stands beside them."""
    return copies.TABLES if schema.MARK in names else ()


def _load_sqlite(part: Path, pieces: Iterable[list[Piece]]) -> dict[str, int]:
    """Through DuckDB's SQLite writer: measured at more than four times the speed of executemany."""
    rows = dict.fromkeys(contract(), 0)
    try:
        with closing(zones.memory(extensions=("sqlite_scanner",))) as con:
            con.execute("SET preserve_insertion_order = true")  # the same sample has its rows in the same order
            con.execute(f"ATTACH {zones.literal(str(part))} AS shop (TYPE sqlite)")
            for batch in pieces:
                con.execute("BEGIN")
                for name, table in batch:
                    con.register("piece", table)
                    con.execute(f"INSERT INTO shop.{zones.quote(name)} SELECT * FROM piece")
                    con.unregister("piece")
                    rows[name] += table.num_rows
                con.execute("COMMIT")
    except zones.EngineError as error:
        raise SourceError(f"the sample could not be written: {zones.explain(error)}") from None
    return rows


# ---- PostgreSQL


def _write_postgresql(address: sa.URL, pieces: Iterable[list[Piece]], mark: tuple[int, int, date], *,
                      with_copies: bool) -> dict[str, int]:
    rows = dict.fromkeys(contract(), 0)
    with _transaction(address) as con:
        _clear(con)
        for statement in schema.creations("postgresql"):
            con.execute(statement)
        con.execute(f"INSERT INTO {zones.quote(schema.MARK)} VALUES (%s, %s, %s)", _signature(mark))
        for batch in pieces:
            for name, table in batch:
                _copy(con, name, table)
                rows[name] += table.num_rows
        for statement in schema.primary_keys():
            con.execute(statement)
        for statement in copies.statements("postgresql") if with_copies else ():
            con.execute(statement)
        con.execute(f"ANALYZE {', '.join(map(zones.quote, contract()))}")
    return rows


@contextmanager
def _transaction(address: sa.URL) -> Iterator[psycopg.Connection]:
    """One transaction in local time; errors come out without the driver's text, which may hold a password or a row."""
    shown = f"postgresql://{address.host or 'local socket'}/{address.database or ''}"
    try:
        con = psycopg.connect(address.render_as_string(hide_password=False), connect_timeout=10)
    except psycopg.Error:
        raise SourceError(f"{shown} does not answer or refuses the login; check the sample's --url") from None
    try:
        with con:
            con.execute(f"SET LOCAL TimeZone = '{LOCAL_ZONE}'")
            con.execute("SET LOCAL DateStyle = 'ISO, YMD'")
            con.execute("SET LOCAL maintenance_work_mem = '256MB'")
            yield con
    except psycopg.Error as error:
        cause = psycopg.errors.lookup(error.sqlstate).__name__ if error.sqlstate else type(error).__name__
        raise SourceError(f"{shown} refused the sample ({cause}); nothing was changed. Fix that or choose another "
                          "--url") from None


def _clear(con: psycopg.Connection) -> None:
    """Drop our own tables, and empty ones of the same names; anything else of these names stops the run."""
    found = con.execute("SELECT name FROM unnest(%s::text[]) AS t (name) WHERE to_regclass(name) IS NOT NULL",
                        ([*contract(), schema.MARK],)).fetchall()
    ours = (schema.MARK,) in found
    there = [str(name) for (name,) in found if name != schema.MARK]
    filled = [name for name in there
              if con.execute(f"SELECT EXISTS (SELECT 1 FROM {zones.quote(name)})").fetchone() == (True,)]
    if filled and not ours:
        raise SourceError(f"the database has rows in {', '.join(filled)} that are not the sample's; {ELSEWHERE}")
    if ours:
        for name in copies.TABLES:
            con.execute(f"DROP TABLE IF EXISTS {zones.quote(name)}")
    for (name,) in found:  # a view of that name is no doing of the sample: DROP TABLE refuses it
        con.execute(f"DROP TABLE {zones.quote(name)}")
    if ours:
        con.execute(f"DROP FUNCTION IF EXISTS {copies.FUNCTION}()")


def _copy(con: psycopg.Connection, name: str, table: pa.Table) -> None:
    """CSV quotes every text and leaves empty values bare, which is how COPY tells '' from NULL."""
    options = pyarrow.csv.WriteOptions(include_header=False)
    with con.cursor() as cursor, cursor.copy(f"COPY {zones.quote(name)} FROM STDIN (FORMAT csv, FREEZE)") as copy:
        for batch in table.to_batches(max_chunksize=ROWS_AT_ONCE):
            sink = pa.BufferOutputStream()
            pyarrow.csv.write_csv(batch, sink, options)
            copy.write(sink.getvalue())
