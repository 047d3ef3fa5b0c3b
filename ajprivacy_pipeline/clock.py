"""The day it is where the notice holds.

Belongs here: that one reading of the clock. Does not belong here: arithmetic on days (`calendar`), the moments of
records (`storage.control`). What is decided for a month takes its day from the month, and never from here.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo


def today(time_zone: str) -> date:
    """Returns the local day in a zone."""
    return datetime.now(ZoneInfo(time_zone)).date()
