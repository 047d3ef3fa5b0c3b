"""What a month came to, in counts alone: the record that the command line prints and the last asset notes.

Belongs here: its shape, and its parts as they are read from a run. Does not belong here: how it looks in a terminal
(`cli.console`).
"""

from typing import TYPE_CHECKING, TypedDict

from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control_rows import RowCount

if TYPE_CHECKING:
    from ajprivacy_pipeline.release import ReleaseResult


class Missing(TypedDict):
    """What the warehouse does not have, as table or table.column, and why that leaves nobody due, if it does."""

    tables: list[str]
    columns: list[str]
    evidence: list[str]


class ReleaseSummary(TypedDict):
    """What became of the release.

    `gates`: guarantee -> verdict; `visible`: table -> its visible shares, in words; `absent`: column (table.column) ->
    why it is absent. Of a month that is closed already it is what the release that closed it came to.
    """

    status: str
    proven: bool
    history_from: str
    cells: int
    cells_suppressed: int
    unconverted_lines: int
    rows: int
    visible: dict[str, str]
    gates: dict[str, str]
    absent: dict[str, str]


class MonthSummary(TypedDict):
    """A month's counts; `release` is None where the month was run without one. Decisions: decision -> rows."""

    month: str
    run_id: str
    policy_version: str
    source_tables: int
    source_rows: int
    missing: Missing
    quality_faults: int
    attribute_decisions: dict[str, int]
    record_decisions: dict[str, int]
    release: ReleaseSummary | None


class ClosedSummary(MonthSummary):
    """The same once the month is closed, with the months that were destroyed."""

    destroyed_months: list[str]


class PlanLine(TypedDict):
    """The plan that a month ended with, in short."""

    plan: str
    rows: int
    subjects: int
    oldest_due_on: str | None
    brakes: int
    refused: int
    approved: bool  # by itself, as the policy says


class RunSummary(ClosedSummary):
    """The same of a whole run: its plan, or why there is none, the seconds it took, and where analysts look."""

    plan: PlanLine | str | None  # None: nothing is due
    seconds: float
    published: str


def source_counts(con: zones.Connection) -> list[RowCount]:
    """The rows that were read, a table each."""
    found = con.execute("SELECT table_name, present, rows FROM raw.extraction ORDER BY table_name").fetchall()
    return [{"table_name": name, "present": present, "rows": rows} for name, present, rows in found]


def missing(con: zones.Connection) -> Missing:
    """What the warehouse does not have, as table or table.column, and why that leaves nobody due, if it does."""
    tables, columns = _not_there(con)
    reasons = con.execute("SELECT coalesce(reasons, []) FROM retention.evidence").fetchall()
    return {"tables": tables, "columns": columns, "evidence": list(reasons[0][0])}


def missing_columns(con: zones.Connection, table: str) -> list[str]:
    """The columns of a table that the warehouse does not have; to be asked from the extraction on."""
    return [column for column in _not_there(con)[1] if column.startswith(f"{table}.")]


def _not_there(con: zones.Connection) -> tuple[list[str], list[str]]:
    found = con.execute("SELECT table_name, present, missing_columns FROM raw.extraction "
                        "ORDER BY table_name").fetchall()
    return ([name for name, present, _ in found if not present],
            [f"{name}.{column}" for name, present, columns in found if present for column in columns])


def release_summary(found: "ReleaseResult | None") -> ReleaseSummary | None:
    """What became of the release; None where the month was run without one."""
    from ajprivacy_pipeline.release.visible import told_lines
    if found is None:
        return None
    return {"status": found.status, "proven": found.proven, "history_from": found.history_from,
            "cells": found.figures.get("cells", 0), "cells_suppressed": found.figures.get("cells_suppressed", 0),
            "unconverted_lines": found.figures.get("unconverted_lines", 0),
            "rows": sum(found.rows.values()), "visible": dict(told_lines(found.visible)),
            "gates": {v.guarantee: v.word for v in found.verdicts},
            "absent": found.absent}
