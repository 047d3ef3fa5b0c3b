"""The day it is where the notice holds.

Belongs here: that one reading of the clock, and the local day of a recorded moment. Does not belong here: arithmetic on
days (`calendar`), the moments of records (`storage.control`). What is decided for a month takes its day from the month,
and never from here.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

LOCAL_ZONE = "Europe/Oslo"  # the only one that a policy may name (`policy.retention`), which every session is set to


def today(time_zone: str) -> date:
    """Returns the local day in a zone."""
    return datetime.now(ZoneInfo(time_zone)).date()


def local_day(moment: datetime, time_zone: str) -> date:
    """Returns the local day of a moment in UTC without zone, as the stores keep them."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(time_zone)).date()
