"""What each database does so that old values do not lie about in its files, and what it leaves.

Belongs here: the statements by dialect, through a connection that commits each by itself, and what they could not do,
in words without a value of a row. Does not belong here: opening such a connection (`writer`, the only one that calls
this), backups and whose values they are (`enforcement.residue`).
"""

import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ajprivacy_pipeline.warehouse.address import Address
from ajprivacy_pipeline.warehouse.source import quoted

Tables = Mapping[tuple[str, ...], Sequence[str]]  # (schema, table) or (table,) -> the columns in which something went
Left = tuple[str, str, datetime | str | None]  # where, what, when it ends (a moment in UTC, words, or nobody knows)
_AS_IT_IS = {"no_parameters": True}  # a per cent sign in a name is one
_LOCKS = Path("/proc/locks")  # where a Linux system tells who has locked which file


def tidy(connection: sa.Connection, address: Address, tables: Tables) -> Iterator[Left]:
    """Tidy up after tables were written to; yields what is left."""
    if connection.dialect.name == "sqlite":
        yield from _sqlite(connection, address)
    elif connection.dialect.name == "postgresql":
        yield from _postgres(connection, tables)
    else:
        yield from _mariadb(connection, tables)


def statistics(connection: sa.Connection, tables: Tables) -> list[tuple[str, str]]:
    """Returns the values of rows that a database keeps in its statistics of tables: where, and the value."""
    if connection.dialect.name == "postgresql":
        return [(f"statistics of {row[0]}", str(row[1])) for table in tables for row in connection.execute(
            sa.text(_PG_STATISTICS), {"table": quoted(connection, table)}) if row[1] is not None]
    if connection.dialect.name in ("mysql", "mariadb") and _is_mariadb(connection):
        return [(f"statistics of {'.'.join(table)}.{row[0]}", str(value)) for table in tables
                for row in connection.execute(sa.text(
                    "SELECT column_name, min_value, max_value, histogram FROM mysql.column_stats "
                    "WHERE db_name = coalesce(:schema, DATABASE()) AND table_name = :name"),
                    {"schema": table[0] if len(table) > 1 else None, "name": table[-1]})
                for value in (_text(cell) for cell in row[1:]) if value]
    return []


def _text(cell: Any) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell or "")


def _sqlite(connection: sa.Connection, address: Address) -> Iterator[Left]:
    file = address.sqlite_file
    if shutil.disk_usage(file.parent).free >= 2 * file.stat().st_size:
        try:
            connection.exec_driver_sql("VACUUM")
        except sa.exc.OperationalError:
            yield file.name, f"not compacted, because {_readers(file)}: old values may lie in free pages", None
    else:
        yield (file.name, "not compacted, because it does not fit twice on the disk: old values may lie in free pages",
               None)
    busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0][0]
    if busy:
        yield (f"{file.name}-wal", f"not emptied, because {_readers(file)}: it holds pages from before",
               "when it has ended and the file is written to again")


def _readers(file: Path) -> str:
    """Who has the file open under a lock, by process where the system tells."""
    inodes = {f":{path.stat().st_ino}" for path in (file, file.with_name(f"{file.name}-shm")) if path.exists()}
    lines = _LOCKS.read_text(encoding="ascii", errors="replace").splitlines() if _LOCKS.exists() else []
    found = sorted({fields[4] for fields in (line.replace("->", "").split() for line in lines)
                    if len(fields) > 5 and any(fields[5].endswith(inode) for inode in inodes)}, key=int)
    return f"somebody reads it (process {', '.join(found)})" if found else "somebody reads it"


_PG_PARENTS = """
    WITH RECURSIVE up AS (
        SELECT inhparent AS oid FROM pg_inherits WHERE inhrelid = CAST(:table AS regclass)
        UNION SELECT i.inhparent FROM pg_inherits AS i JOIN up ON i.inhrelid = up.oid
    )
    SELECT n.nspname, c.relname FROM up JOIN pg_class AS c USING (oid) JOIN pg_namespace AS n ON n.oid = c.relnamespace
"""
# Statistics of a table, of its indexes' expressions, and of several columns together.
_PG_STATISTICS = """
    WITH RECURSIVE asked AS (
        SELECT CAST(:table AS regclass)::oid AS oid
        UNION SELECT i.inhparent FROM pg_inherits AS i JOIN asked ON i.inhrelid = asked.oid
    ), relations AS (
        SELECT oid FROM asked UNION SELECT i.indexrelid FROM pg_index AS i JOIN asked ON i.indrelid = asked.oid
    ), named AS (
        SELECT n.nspname, c.relname FROM relations JOIN pg_class AS c USING (oid)
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
    )
    SELECT s.schemaname || '.' || s.tablename || '.' || s.attname,
        unnest(coalesce(s.most_common_vals::text::text[], '{}') || coalesce(s.histogram_bounds::text::text[], '{}')
               || coalesce(s.most_common_elems::text::text[], '{}'))
    FROM pg_stats AS s JOIN named AS n ON n.nspname = s.schemaname AND n.relname = s.tablename
    UNION ALL
    SELECT e.schemaname || '.' || e.tablename || ' (' || e.statistics_name || ')',
        unnest(coalesce(e.most_common_vals::text[], '{}'))
    FROM pg_stats_ext AS e JOIN named AS n ON n.nspname = e.schemaname AND n.relname = e.tablename
"""


def _postgres(connection: sa.Connection, tables: Tables) -> Iterator[Left]:
    for table in _not_renewed(connection, tables):
        yield (".".join(table), _REFUSED, "when its owner or autovacuum does it")
    readers = connection.exec_driver_sql(
        "SELECT string_agg(pid::text, ', ' ORDER BY pid) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL "
        "AND pid <> pg_backend_pid() AND datname = current_database()").scalar()
    if readers:
        yield ("row versions", f"kept for transactions that began before (process {readers})",
               "at the next VACUUM after they have ended")
    yield ("free space inside pages of " + ", ".join(".".join(table) for table in tables),
           "bytes of old row versions until something is written over them",
           "with VACUUM FULL or pg_repack in a window, or as the pages fill")
    yield "write-ahead log", "row versions from before, as they were written", "when its segments are used again"
    if connection.exec_driver_sql("SELECT current_setting('archive_mode')").scalar() != "off":
        yield "WAL archive", "row versions from before, as they were written", None
    slots = connection.exec_driver_sql("SELECT count(*) FROM pg_replication_slots").scalar() or 0
    replicas = connection.exec_driver_sql("SELECT count(*) FROM pg_stat_replication").scalar() or 0
    if slots or replicas:
        yield ("replicas", f"{max(slots, replicas)} of them follow: the same pages, and statistics of their own",
               "when they have caught up")


_REFUSED = ("this user may not VACUUM and ANALYZE it as a whole, or somebody had locked it: old row versions and "
            "statistics stand")


def _not_renewed(connection: sa.Connection, tables: Tables) -> list[tuple[str, ...]]:
    """Vacuum and analyse tables as a whole, and the parents of partitions and heirs; returns those that it was denied.

    Analysed as a whole, because a list of columns would leave the statistics of expressions in indexes.
    """
    warned: list[str] = []  # a command that is denied only warns
    driver: Any = connection.connection.driver_connection

    def listen(notice: Any) -> None:
        if notice.severity_nonlocalized == "WARNING":
            warned.append(str(notice.sqlstate))

    driver.add_notice_handler(listen)
    denied, done = [], set()
    for table in tables:
        before = len(warned)
        parents = connection.execute(sa.text(_PG_PARENTS), {"table": quoted(connection, table)}).fetchall()
        for command, path in (("VACUUM (ANALYZE)", table), *(("ANALYZE", tuple(parent)) for parent in parents)):
            if path not in done:
                try:
                    connection.exec_driver_sql(f"{command} {quoted(connection, path)}", execution_options=_AS_IT_IS)
                except sa.exc.SQLAlchemyError:
                    warned.append("")
                done.add(path)
        if len(warned) > before:
            denied.append(table)
    driver.remove_notice_handler(listen)
    return denied


def _is_mariadb(connection: sa.Connection) -> bool:
    return bool(getattr(connection.dialect, "is_mariadb", False))


def _mariadb(connection: sa.Connection, tables: Tables) -> Iterator[Left]:
    for table, columns in tables.items():
        listed = ", ".join(quoted(connection, (column,)) for column in columns)
        name = quoted(connection, table)
        statement = (f"ANALYZE TABLE {name} PERSISTENT FOR COLUMNS ({listed}) INDEXES ()" if _is_mariadb(connection)
                     else f"ANALYZE TABLE {name} DROP HISTOGRAM ON {listed}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                failed = any(str(row[2]).lower() == "error" for row in connection.exec_driver_sql(
                    statement, execution_options=_AS_IT_IS))
        except sa.exc.SQLAlchemyError:
            failed = True
        if failed:
            yield ".".join(table), "this user may not renew its statistics, which may hold old values", None
    yield "undo log", "rows from before", "when it is purged, once no older transaction is open"
    yield ("free space inside pages of " + ", ".join(".".join(table) for table in tables),
           "bytes of old rows until something is written over them", "with OPTIMIZE TABLE in a window")
    variables = {str(row[0]): str(row[1]) for row in connection.exec_driver_sql(
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_expire_logs_seconds', 'expire_logs_days')")}
    if variables.get("log_bin", "OFF").upper() in ("ON", "1"):
        seconds = float(variables.get("binlog_expire_logs_seconds", 0) or 0) or (
            float(variables.get("expire_logs_days", 0) or 0) * 86_400)
        ends = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=seconds) if seconds else None
        yield "binary log", "rows from before, as they were changed", ends
