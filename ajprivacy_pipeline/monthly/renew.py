"""The newest month's page, written anew when something has happened since: an apply, or somebody who asks.

Belongs here: opening the month and writing its page. Does not belong here: what it says (`figures`), when (the edges).
"""

from datetime import date
from pathlib import Path

from ajprivacy_pipeline.monthly.figures import MonthFigures, MonthPage
from ajprivacy_pipeline.monthly.page import page_folder, write_pages
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.month_files import read_month


def renew(settings: Settings, policy: Policy, today: date, month: str | None = None,
          out: Path | None = None) -> tuple[MonthFigures, list[Path]]:
    """Write the page of a month (None: the newest with a file) in both languages; returns what it says, and the files.

    Args:
        settings: of the home.
        policy: whose words are shown.
        today: the day that it is seen on.
        month: YYYY-MM.
        out: the folder; None: the one that Dagster's pages show.

    Raises:
        PrivacyError: there is no such month, a run is under way, or the folder cannot be written.
    """
    with read_month(settings, month) as (con, chosen):
        found = MonthPage(con, settings, policy, ControlStore.in_folder(settings.control), chosen, today).figures()
    return found, write_pages(found, policy, out or page_folder(settings))
