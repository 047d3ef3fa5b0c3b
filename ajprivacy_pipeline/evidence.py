"""Source tables that lost rows: what each is compared with, and a person's word that it may be as small as it is.

Belongs here: reading the comparison of a month, and recording an acceptance. Does not belong here: the rule
(`sql/retention/evidence.sql`), or which counts a month is compared with (`control.previous_counts`).
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from ajprivacy_pipeline import control as store
from ajprivacy_pipeline.control import ControlStore
from ajprivacy_pipeline.copies import boundary, read_month
from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.review import check_code, check_name
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.zones import Connection


def shrunken_sources(con: Connection) -> list[str]:
    """The tables of an opened month that lost too many rows since they last were evidence, sorted."""
    return [str(name) for name in con.execute("SELECT shrunken FROM retention.evidence").fetchall()[0][0]]


def compared_sources(settings: Settings, month: str | None) -> list[dict[str, Any]]:
    """Each source table of a month beside what it is compared with.

    Returns:
        Rows of table_name, present, rows, before_month, before_rows (None where it was never evidence), is_shrunken.

    Raises:
        ControlError: the month is unknown or destroyed.
    """
    with boundary("evidence"), read_month(settings, month) as (con, chosen):
        before = {row["table_name"]: row for row in ControlStore.in_folder(settings.control).previous_counts(chosen)}
        shrunken = shrunken_sources(con)
        found = con.execute("SELECT table_name, present, rows FROM raw.extraction ORDER BY table_name").fetchall()
        return [{"table_name": name, "present": present, "rows": count,
                 "before_month": before.get(name, {}).get("month"), "before_rows": before.get(name, {}).get("rows"),
                 "is_shrunken": name in shrunken} for name, present, count in found]


def accept(settings: Settings, table: str, by: str, reason: str, *, month: str | None, today: date) -> dict[str, Any]:
    """Record that a table may be as small as a month found it; the next run, of that month or a later one, goes by it.

    Args:
        settings: folders and keys.
        table: a source table that lost rows.
        by: who answers for it.
        reason: a code of review.toml, reasons.accept.
        month: whose counts are accepted; None for the newest that has a file.
        today: the day of the decision.

    Returns:
        The recorded row: month, table_name, present, rows and who, why and when.

    Raises:
        ControlError: the table lost no rows in that month, or the name or the reason is none; nothing is written.
    """
    check_code(reason, load_policy(settings.notice).review.reasons.accept, "reason code for accept")
    check_name(by, "--by")
    with boundary("evidence"), read_month(settings, month) as (con, chosen):
        if table not in (shrunken := shrunken_sources(con)):
            raise ControlError(f"{table} lost no rows in {chosen}: {_of(shrunken)}, see `ajprivacy evidence list`")
        present, count = con.execute("SELECT present, rows FROM raw.extraction WHERE table_name = ?",
                                     [table]).fetchall()[0]
        row = {"month": chosen, "table_name": table, "present": present, "rows": count, "accepted_by": by.strip(),
               "reason": reason, "accepted_on": today}
        ControlStore.in_folder(settings.control).insert(store.accepted_counts, [row])
        return row


def _of(shrunken: Sequence[str]) -> str:
    return f"those that did are {', '.join(shrunken)}" if shrunken else "no table did"
