"""Schema `raw` made of what has changed and of what an earlier month's file holds of the rest, all or nothing.

Belongs here: joining the two, and checking the whole as if all of it had been read. Does not belong here: which rows
are which (`increment`), reading (`extract`), whose file it is (`run/increments`).
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from ajprivacy_pipeline.policy import Sources
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.extract import TableExtract, complete, fed_with_nothing, quick_writes
from ajprivacy_pipeline.warehouse.increment import SCHEMA, DoubtError, Increment
from ajprivacy_pipeline.warehouse.settle import settle_whole

Touched = Collection[tuple[str, str]]


def join(increment: Increment, changed: str, shown: str, sources: Sources, done: Sequence[TableExtract],
         touched: Touched) -> tuple[list[TableExtract], dict[str, tuple[str, ...]]]:
    """Write `raw` and `increment` of the current database; after an error they are what they were.

    Args:
        increment: what was asked, with the earlier file.
        changed: the database in whose `raw` stands what was read, settled.
        shown: the warehouse, as a sentence names it.
        sources: the contract.
        done: what became of each table when it was read.
        touched: the columns, of what was read, in which the mapping called a value empty.

    Returns:
        What became of each table as a whole, and what `settle_values` returns.

    Raises:
        DoubtError: what was answered does not fit what is there.
        SourceError: it is empty, or has NULL or duplicate ids in a key.
        ZoneError: the zone cannot be written.
    """
    con = increment.con
    database = str(con.execute("SELECT current_database()").fetchall()[0][0])
    schema = f"{zones.quote(database)}.raw"
    with zones.engine_errors("schema raw"), quick_writes(con):
        con.execute("BEGIN TRANSACTION")
        try:
            con.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            con.execute(f"CREATE SCHEMA {schema}")
            con.execute(f"CREATE TABLE {schema}.moment AS FROM {zones.quote(changed)}.raw.moment")
            whole = [_table(increment, changed, sources, found, touched) for found in done]
            _keep(increment, changed, touched)
            complete(con, schema, shown, sources, whole)
            emptied = settle_whole(con, sources, touched)
            con.execute("COMMIT")
        except BaseException:
            with suppress(zones.EngineError):
                con.execute("ROLLBACK")
            raise
    return whole, emptied


def _table(increment: Increment, changed: str, sources: Sources, found: TableExtract,
           touched: Touched) -> TableExtract:
    con, name = increment.con, found.table
    con.execute(f"CREATE TABLE raw.{zones.quote(name)} AS FROM {zones.quote(changed)}.raw.{zones.quote(name)}")
    if name not in increment.partial:
        return found
    increment.take(name, sources.tables[name].key[0], changed)
    _require_seen(increment, found, sources, touched)
    rows = con.execute(f"SELECT count(*) FROM raw.{zones.quote(name)}").fetchall()[0][0]
    nothing = fed_with_nothing(con, f"raw.{zones.quote(name)}", found.made) if rows else ()
    blank = tuple(column for column in nothing if (name, column) not in touched)  # what was emptied is noted by itself
    evidence = (*(column for column in found.evidence_missing if column not in found.blank), *blank)
    return replace(found, rows=rows, blank=blank, evidence_missing=evidence, taken_over=rows - found.rows)


def _require_seen(increment: Increment, found: TableExtract, sources: Sources, touched: Touched) -> None:
    """Stop where a column has no value left, and it is not known whether the mapping empties one of them today."""
    columns = [column for (column,) in increment.con.execute(
        f"SELECT column_name FROM {zones.quote(str(increment.before))}.{SCHEMA}.emptied WHERE table_name = $table",
        {"table": found.table}).fetchall()
        if (found.table, column) not in touched and sources.tables[found.table].columns[column].evidence]
    if fed_with_nothing(increment.con, f"raw.{zones.quote(found.table)}", columns):
        raise DoubtError(found.table)


def _keep(increment: Increment, changed: str, touched: Touched) -> None:
    """Keep the marks for the next month, and where the mapping has emptied something, also of what was taken over."""
    con = increment.con
    increment.start()
    con.execute(f"INSERT INTO {SCHEMA}.marks FROM {zones.quote(changed)}.{SCHEMA}.marks")
    known = {(table, column) for table, column in con.execute(
        f"FROM {zones.quote(str(increment.before))}.{SCHEMA}.emptied").fetchall() if table in increment.partial}
    increment.note_emptied(known | set(touched))
