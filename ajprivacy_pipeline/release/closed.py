"""What a run of a closed month says: the verdicts and figures of the release that closed it, as they are stored.

Belongs here: reading them back. Does not belong here: which months are closed (`plan`).
"""

from typing import Any

from ajprivacy_pipeline.disclosure.guarantees import PROVING
from ajprivacy_pipeline.disclosure.verdict import stored
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.release.files import absent_columns
from ajprivacy_pipeline.release.manifest import Release, verify_release
from ajprivacy_pipeline.release.plan import ReleasePlan
from ajprivacy_pipeline.release.run import ReleaseResult, figures_of_cells
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_rows import ReleaseRow


def already_closed(plan: ReleasePlan, settings: Settings, control: ControlStore, newest: Release,
                   repaired: bool) -> ReleaseResult:
    """Returns what is known of a month that is closed: nothing new is published, and what was found then stands."""
    release, row = _closing(plan, settings, control, newest)
    manifest: dict[str, Any] = release.manifest
    found = tuple(stored(g, manifest["guarantees"][g]) for g in PROVING if g in manifest["guarantees"])
    return ReleaseResult(
        month=plan.month, status="already_closed", history_from=str(manifest["history_from"]),
        proven=bool(manifest["proven"]), folder=release.folder.relative_to(settings.home).as_posix(),
        manifest_sha256=release.manifest_sha256, repaired=repaired, verdicts=found, rows=release.rows,
        figures=figures_of_cells(manifest), visible=manifest.get("visible", []),
        published_at=row["published_at"].isoformat(timespec="seconds") if row else "",
        absent=absent_columns(manifest))


def _closing(plan: ReleasePlan, settings: Settings, control: ControlStore,
             newest: Release) -> tuple[Release, ReleaseRow | None]:
    """The first release that has the month, with its row; the newest one where that one's files are gone."""
    known = {row["month"]: row for row in control.releases() if row["proven"]}  # the last of a month stands
    for month in sorted(known):
        row = known[month]
        if row["history_from"] <= plan.month <= month:
            if row["manifest_sha256"] == newest.manifest_sha256:
                return newest, row
            try:
                return verify_release(settings.published / "releases" / month, row["manifest_sha256"]), row
            except ReleaseError:
                break
    return newest, known.get(newest.month)
