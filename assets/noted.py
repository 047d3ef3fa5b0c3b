"""What a command has done to the warehouse and to the month's page, in Dagster's history: events without a run.

An apply from the command line is no run: one that is killed goes on at once, and would otherwise wait for the slot of
the dead one. Who looks at Dagster's pages must not read there that its plan still waits.

Belongs here: these events. Does not belong here: what an apply or a page is, when old events go (`history`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ajprivacy_pipeline.assets.answers import renewed
from ajprivacy_pipeline.assets.enforce import carried_out
from ajprivacy_pipeline.assets.instance import prepare_dagster

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.boundary import boundary

if TYPE_CHECKING:
    from ajprivacy_pipeline.enforcement.shapes import ApplyResult
    from ajprivacy_pipeline.monthly.figures import MonthFigures

_BY = "by the command line"


def note_page(settings: Settings, policy: Policy, found: "MonthFigures", pages: Sequence[Path]) -> None:
    """Let Dagster's pages show what a page that was written anew says, where Dagster has a history.

    Raises:
        PrivacyError: the history cannot be written.
    """
    if _has_history(settings):
        with boundary("Dagster's history"), prepare_dagster(settings) as instance:
            instance.report_runless_asset_event(renewed(instance, found, pages, policy, f"anew, {_BY}"))


def note_applied(settings: Settings, result: "ApplyResult") -> None:
    """Let Dagster's pages show what an apply changed and whether it stands there, where Dagster has a history.

    Raises:
        PrivacyError: the history cannot be written.
    """
    if _has_history(settings):
        with boundary("Dagster's history"), prepare_dagster(settings) as instance:
            made, checked = carried_out(result)
            instance.report_runless_asset_event(made)
            instance.report_runless_asset_event(checked)


def _has_history(settings: Settings) -> bool:
    return (settings.dagster_home / "dagster.yaml").exists()
