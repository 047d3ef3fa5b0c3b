"""Twelve tables of the warehouse into schema `raw`, from one moment, all or nothing.

Belongs here: what is written, in which order, and what stops it. Does not belong here: how rows travel (native.py,
stream.py), what feeds a column (mapping.py), what values mean (staging), what need not be read again (increment.py).
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Literal

from ajprivacy_pipeline import policy
from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control import utc_now
from ajprivacy_pipeline.warehouse.beside import EXTRACTION_COLUMNS
from ajprivacy_pipeline.warehouse.conversions import raw_type
from ajprivacy_pipeline.warehouse.increment import Increment
from ajprivacy_pipeline.warehouse.locked_tables import Path, held_still, reads_from, without_snapshot
from ajprivacy_pipeline.warehouse.mapping import Mapping, resolve
from ajprivacy_pipeline.warehouse.native import postgres_reader, sqlite_reader
from ajprivacy_pipeline.warehouse.reader import Reader, SourceChangedError
from ajprivacy_pipeline.warehouse.resolved import ResolvedSource, ResolvedTable
from ajprivacy_pipeline.warehouse.sessions import SQLITE_HASH
from ajprivacy_pipeline.warehouse.source import Source, open_source
from ajprivacy_pipeline.warehouse.stream import StreamReader

Progress = Callable[[str, int], None]
ATTEMPTS = 3  # at a source that cannot show one moment, before giving up


@dataclass(frozen=True)
class TableExtract:
    """What became of one canonical table; `rows` is a count of source rows."""

    table: str
    present: bool
    rows: int
    missing_columns: tuple[str, ...]  # of which the source has nothing, or nothing of the table's own
    evidence_missing: tuple[str, ...]  # ("*",) for the whole table
    blank: tuple[str, ...] = ()  # those of them that an expression or a constant feeds with NULL throughout
    not_null: tuple[str, ...] = ()  # columns in which the source takes no NULL
    made: tuple[str, ...] = ()  # columns of evidence that an expression or a constant feeds
    taken_over: int = 0  # of the rows: from an earlier month's file, where they stand as the source still shows them


def extract(con: zones.Connection, url: str, mapping: Mapping, sources: policy.Sources, *, progress: Progress,
            reader: Literal["native", "stream"] = "native", increment: Increment | None = None) -> list[TableExtract]:
    """Read the warehouse into schema `raw` of the current database, replacing what is there.

    `raw.<table>` has every column of the contract in its order, `raw.extraction` one row a table, and `raw.moment` the
    time (UTC) at which reading began. Everything is
    written in one transaction: after an error, `raw` is what it was.

    Args:
        con: a connection whose current database may be written.
        url: the warehouse.
        mapping: what feeds the contract.
        sources: the contract.
        progress: called with a table and its number of rows when it has been read.
        reader: `stream` goes through SQLAlchemy even where DuckDB has a reader of its own.
        increment: asks for the marks of every table. Where it knows an earlier month, only what has changed since is
            read: `raw` is not complete then, and is not checked as a whole before it is (`joined`).

    Raises:
        MappingError: mapping and warehouse do not fit; nothing has been read.
        SourceError: unreachable, empty, changing all the time, or with NULL or duplicate ids in a key.
        ZoneError: the zone cannot be written.
    """
    with open_source(url) as source:
        resolved = resolve(source, mapping, sources)
        held = without_snapshot(source, resolved)
        if held:
            progress = _with_engines(progress, source, resolved, held)
        with _reader(con, source, resolved, native=reader == "native") as rows, quick_writes(con):
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    with held_still(source, held):
                        return _one_attempt(con, rows, source, resolved, sources, progress, increment)
                except SourceChangedError:
                    if attempt == ATTEMPTS:
                        break
    raise SourceError(f"{source.address.shown} changed during each of {ATTEMPTS} attempts to read it, so none saw one "
                      "moment; run when the shop is quiet, or on a copy of the file")


def _with_engines(progress: Progress, source: Source, resolved: ResolvedSource, held: dict[Path, str]) -> Progress:
    """Let the run say of which tables no snapshot shows one moment, and that they were locked."""
    def say(name: str, rows: int) -> None:
        table = resolved.tables[name]
        engines = sorted({engine for path, engine in held.items() if table and reads_from(source, table, path)})
        progress(f"{name} (locked while it was read: {', '.join(engines)})" if engines else name, rows)

    return say


@contextmanager
def quick_writes(con: zones.Connection) -> Iterator[None]:
    """Store texts as they are: anything smaller takes longer than reading, to save two thirds.

    Where plain dictionaries are forced, numbers and days keep their own ways; texts have none, since the format of the
    file has only other dictionaries.
    """
    usual = con.execute("SELECT current_setting('force_compression')").fetchall()[0][0]
    con.execute("SET force_compression = 'dictionary'")
    try:
        yield
    finally:
        con.execute(f"SET force_compression = {zones.literal(usual)}")


def _asks_us(table: ResolvedTable | None) -> bool:
    """Whether what feeds a table needs a function that only sessions of ours have, and DuckDB's own do not."""
    return table is not None and any(SQLITE_HASH in sql for sql in (
        table.relation, *(column.sql for column in table.columns.values() if column is not None)))


def _reader(con: zones.Connection, source: Source, resolved: ResolvedSource, *,
            native: bool) -> AbstractContextManager[Reader]:
    if native and source.dialect == "sqlite" and not any(map(_asks_us, resolved.tables.values())):
        return sqlite_reader(con, source)
    if native and source.dialect == "postgresql":
        return postgres_reader(con, source)
    return nullcontext(StreamReader(con, source))


def _one_attempt(con: zones.Connection, rows: Reader, source: Source, resolved: ResolvedSource,
                 sources: policy.Sources, progress: Progress, increment: Increment | None) -> list[TableExtract]:
    with zones.engine_errors("schema raw"):
        database = con.execute("SELECT current_database()").fetchall()[0][0]
        con.execute("BEGIN TRANSACTION")
    schema = f"{zones.quote(database)}.raw"
    try:
        with zones.engine_errors("schema raw"):
            con.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            con.execute(f"CREATE SCHEMA {schema}")
            con.execute(f"CREATE TABLE {schema}.moment AS SELECT $now::TIMESTAMP AS read_at", {"now": utc_now()})
            if increment is not None:
                increment.start()
        done = []
        with rows.snapshot():
            for name, table in sources.tables.items():
                done.append(_load(con, rows, source, f"{schema}.{zones.quote(name)}", name, table, resolved, increment))
                progress(name, done[-1].rows)
        if increment is None or increment.before is None:
            complete(con, schema, source.address.shown, sources, done)
        with zones.engine_errors("schema raw"):
            con.execute("COMMIT")
    except BaseException:
        # A source that has gone away makes the engine complain here too; the target is rolled back all the same.
        with suppress(zones.EngineError):
            con.execute("ROLLBACK")
        raise
    return done


def complete(con: zones.Connection, schema: str, shown: str, sources: policy.Sources, done: list[TableExtract]) -> None:
    """Check schema `raw` as a whole, inside the transaction that makes it, and write `raw.extraction`.

    Args:
        con: its connection.
        schema: `raw`, with its database.
        shown: the warehouse, as a sentence names it.
        sources: the contract.
        done: what became of each table.

    Raises:
        SourceError: it is empty, or has NULL or duplicate ids in a key.
        ZoneError: the zone cannot be written.
    """
    _require_customers(shown, done)
    with zones.engine_errors("schema raw"):
        for name, table in sources.tables.items():
            _check_key(con, f"{schema}.{zones.quote(name)}", name, table)
        _record(con, schema, done)


def _load(con: zones.Connection, rows: Reader, source: Source, target: str, name: str, table: policy.SourceTable,
          resolved: ResolvedSource, increment: Increment | None) -> TableExtract:
    found = resolved.tables[name]
    types = _types(table, found, source.dialect)
    if found is not None:
        types = rows.settle(name, found, types)
    with zones.engine_errors(f"raw.{name}"):
        con.execute(f"CREATE TABLE {target} ({', '.join(f'{zones.quote(c)} {t}' for c, t in types.items())})")
    count = 0
    if found is not None:
        read = increment.narrowed(rows, source, name, table.key[0], found) if increment is not None else found
        rows.copy(name, read, types, target)
        with zones.engine_errors(f"raw.{name}"):
            count = con.execute(f"SELECT count(*) FROM {target}").fetchall()[0][0]
    columns = found.columns if found is not None else dict.fromkeys(table.columns)
    made = tuple(column for column, fed in columns.items()
                 if fed is not None and fed.source_column is None and table.columns[column].evidence)
    blank = fed_with_nothing(con, target, made) if count else ()
    borrowed = resolved.of_master.get(name, ())
    missing = tuple(column for column, fed in columns.items() if fed is None or column in borrowed)
    return TableExtract(name, found is not None, count, missing,
                        (*resolved.evidence_missing.get(name, ()), *blank), blank,
                        not_null_columns(found), made)


def not_null_columns(table: ResolvedTable | None) -> tuple[str, ...]:
    """Returns the columns of the contract that are fed from source columns which take no NULL."""
    return tuple(name for name, feed in (table.columns if table else {}).items()
                 if feed is not None and not feed.nullable)


def fed_with_nothing(con: zones.Connection, target: str, made: Collection[str]) -> tuple[str, ...]:
    """Returns those of some columns of a table that have no value at all: as if nothing were mapped."""
    if not made:
        return ()
    with zones.engine_errors(target):
        blanks = zones.literal(zones.WHITE_SPACE)
        counted = ", ".join(f"count(nullif(trim({zones.quote(column)}::VARCHAR, {blanks}), ''))" for column in made)
        counts = con.execute(f"SELECT {counted} FROM {target}").fetchall()[0]
    return tuple(column for column, given in zip(made, counts, strict=True) if not given)


def _types(table: policy.SourceTable, found: ResolvedTable | None, dialect: str) -> dict[str, str]:
    fed = found.columns if found is not None else {}
    return {name: raw_type(spec.type, column.type, dialect) if (column := fed.get(name)) is not None else "VARCHAR"
            for name, spec in table.columns.items()}


def _require_customers(shown: str, done: list[TableExtract]) -> None:
    rows = {extracted.table: extracted.rows for extracted in done}
    if rows["customers"] == 0 and rows["orders"] == 0:
        raise SourceError(f"{shown} has no customer and no order: is it the right database, and may its "
                          "user see the rows? Fix AJPRIVACY_WAREHOUSE or the mapping")


def _check_key(con: zones.Connection, target: str, name: str, table: policy.SourceTable) -> None:
    """Stop at ids that are NULL, blank, or there twice. Ids are compared as staging will trim them."""
    types = {row[0]: row[1] for row in con.execute(f"DESCRIBE {target}").fetchall()}
    keys = {column: zones.quote(column) for column in table.key}
    # Trimming takes ten times as long as everything else, and hardly any shop has ids that need it.
    texts = [column for column in table.key if types[column] == "VARCHAR"]
    doubtful = " OR ".join(f"{key} = '' OR {key}[1] <= ' ' OR {key}[-1] <= ' ' OR strlen({key}) <> length({key})"
                           for key in map(keys.__getitem__, texts))
    if texts and con.execute(f"SELECT bool_or({doubtful}) FROM {target}").fetchall()[0][0]:
        blanks = zones.literal(zones.WHITE_SPACE)
        keys |= {column: f"nullif(trim({keys[column]}, {blanks}), '')" for column in texts}
    listed = ", ".join(f"{key} AS k{number}" for number, key in enumerate(keys.values()))
    nulls = ", ".join(f"sum(n) FILTER (WHERE k{number} IS NULL)" for number in range(len(keys)))
    distinct, total, *empty = con.execute(
        f"SELECT count(*), coalesce(sum(n), 0), {nulls} FROM "
        f"(SELECT *, count(*) AS n FROM (SELECT {listed} FROM {target}) GROUP BY ALL)").fetchall()[0]
    for column, count in zip(table.key, empty, strict=True):
        if count:
            raise SourceError(f"{name}.{column}: {count} row(s) have no id; give them one in the source, or leave "
                              f"them out with tables.{name}.query in the mapping")
    if total > distinct:
        raise SourceError(f"{name}.{', '.join(table.key)}: {total - distinct} row(s) repeat an id that another row "
                          f"has; make it unique in the source, or map tables.{name}.query to one row an id")


def _record(con: zones.Connection, schema: str, done: list[TableExtract]) -> None:
    con.execute(f"CREATE TABLE {schema}.extraction ({EXTRACTION_COLUMNS})")
    for row in done:
        con.execute(f"INSERT INTO {schema}.extraction VALUES ($t, $p, $r, $m, $e)",
                    {"t": row.table, "p": row.present, "r": row.rows, "m": list(row.missing_columns),
                     "e": list(row.evidence_missing)})
