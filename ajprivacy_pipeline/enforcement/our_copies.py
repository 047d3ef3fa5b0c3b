"""When our own files were read from the warehouse, and so until when they may hold what is gone there.

Belongs here: asking the files. Does not belong here: building them anew (`left_out`), telling it (`rights.elsewhere`).
"""

from contextlib import suppress
from datetime import date, datetime
from typing import NamedTuple

from ajprivacy_pipeline.calendar import runs_on, shift
from ajprivacy_pipeline.clock import local_day
from ajprivacy_pipeline.errors import ZoneError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file, standing_months


class OurCopies(NamedTuple):
    """On which local day our own files were built without something, or else are to be destroyed; neither: none are."""

    built_on: date | None
    end_on: date | None


NO_COPIES = OurCopies(None, None)


def our_copies(settings: Settings, policy: Policy, keys: KeyStore, since: datetime) -> OurCopies:
    """Returns what became of our own files of what was carried out until a moment, in UTC without zone."""
    standing = standing_months(settings)
    if not standing:
        return NO_COPIES
    read_at = [read_at_of(settings, keys, month) for month in standing]
    if all(moment is not None and moment > since for moment in read_at):
        last = max(moment for moment in read_at if moment is not None)
        return OurCopies(local_day(last, policy.retention.time_zone), None)
    return OurCopies(None, runs_on(shift(standing[-1], 1)))


def read_at_of(settings: Settings, keys: KeyStore, month: str) -> datetime | None:
    """Returns when the warehouse was read for a month; None where nothing was, as in what a killed run has left."""
    with suppress(ZoneError), zones.open_zone(settings, keys, month_file(settings, month), read_only=True) as con:
        known = con.execute("SELECT 1 FROM duckdb_tables() WHERE schema_name = 'raw' AND table_name = 'moment'")
        return con.execute("SELECT read_at FROM raw.moment").fetchall()[0][0] if known.fetchall() else None
    return None
