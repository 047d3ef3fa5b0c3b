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

def note(settings: Settings, policy: Policy, found: "MonthFigures", pages: Sequence[Path],
         applied: "ApplyResult | None" = None) -> None:
    """Let Dagster's pages show what a page that was written anew says, and what an apply changed, if one did.

    Where Dagster has no history yet, none is made.

    Raises:
        PrivacyError: the history cannot be written.
    """
    if not (settings.dagster_home / "dagster.yaml").exists():
        return
    with boundary("Dagster's history"), prepare_dagster(settings) as instance:
        for event in carried_out(applied) if applied is not None else ():
            instance.report_runless_asset_event(event)
        instance.report_runless_asset_event(renewed(instance, found, pages, policy, "anew, by the command line"))
