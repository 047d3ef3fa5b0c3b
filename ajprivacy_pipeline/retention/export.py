"""A month's decisions outside, as Parquet: a file a table.

Belongs here: which tables come out, and how they are written. Does not belong here: deciding.
"""

import os
import shutil
from pathlib import Path

from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import EVERYBODY, ControlStore
from ajprivacy_pipeline.storage.month_files import DECISION_TABLES, read_month

# subject_no is a number within the month's file; outside it a subject has its id alone.
_EXPORTS = {name: f"SELECT COLUMNS(lambda name: name <> 'subject_no') FROM retention.{zones.quote(name)}"
            for name in DECISION_TABLES} | {
    "quality": 'SELECT table_name AS "table", id, column_name AS "column", fault FROM staged.quality'}


def export_decisions(settings: Settings, month: str, out: Path, *, by: str) -> dict[str, int]:
    """Write a month's decisions and faults as Parquet, a file a table, ordered by all columns; returns row counts.

    They name everybody: that `by` took them out is logged first.

    Raises:
        ZoneError: the month was never run or its file is destroyed.
        ControlError: its decisions are not complete.
    """
    with boundary("decisions"), read_month(settings, month) as (con, _):
        ControlStore.in_folder(settings.control).record_access(EVERYBODY, month, "decisions", by)
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
