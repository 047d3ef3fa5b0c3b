"""What the steps of one publish share, and what it came to.

Belongs here: two records, and reading one from a manifest. Does not belong here: the steps (build).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ajprivacy_pipeline.disclosure.verdict import Verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release import swap
from ajprivacy_pipeline.release.logs import Logs
from ajprivacy_pipeline.release.manifest import Release
from ajprivacy_pipeline.release.periods import Tried
from ajprivacy_pipeline.release.plan import ReleasePlan
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.zones import Connection

Status = Literal["published", "already_closed"]


@dataclass(frozen=True)
class ReleaseResult:
    """What a publish did. `folder` is relative to the home.

    `rows`, `figures` and `published_at` are for the run's metadata; `visible` is what the release says of its shares.
    Of a month that is closed already they are those of the release that closed it.
    `absent` are the columns (table.column) that a published table lacks, with the reason.
    """

    month: str
    status: Status
    history_from: str
    proven: bool
    folder: str
    manifest_sha256: str
    repaired: bool = False
    verdicts: tuple[Verdict, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    visible: list[dict[str, Any]] = field(default_factory=list)
    published_at: str = ""
    absent: dict[str, str] = field(default_factory=dict)


def figures_of_cells(manifest: Mapping[str, Any]) -> dict[str, int]:
    """Returns how many new cells a release had and how many of them it suppressed, by its manifest."""
    new = (manifest.get("utility") or {}).get("new_cells", {}).values()
    return {"cells": sum(entry["rows"] for entry in new), "cells_suppressed": sum(entry["suppressed"] for entry in new)}


@dataclass(frozen=True)
class Run:
    """What every step of one publish needs.

    `declared` is the whole policy, which the models follow; `policy` leaves out the tables that are absent. `tried` are
    the periods that a first release has tried.
    """

    con: Connection
    settings: Settings
    policy: Policy
    declared: Policy
    control: ControlStore
    plan: ReleasePlan
    previous: Release | None
    staging: Path
    run_id: str
    progress: swap.Progress
    repaired: bool
    sql: Path
    run_models: bool
    logs: Logs | None
    tried: Tried = field(default_factory=dict)

    @property
    def analytics(self) -> Path:
        """The staged file that will be the published one."""
        return self.staging / swap.ANALYTICS
