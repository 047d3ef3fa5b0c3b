"""The tags by which a run is found: who started it, under which policy, by which code.

Belongs here: what they are made of. Does not belong here: runs. An actor is a way and never a name: tags stand in the
history that G13 looks through, and whoever works here may be a customer as well. Names stand in the registers.
"""

import hashlib
from functools import cache

import dagster as dg

from ajprivacy_pipeline import __version__
from ajprivacy_pipeline.settings import PACKAGE, sql_folder

ACTOR, POLICY, REVISION = "actor", "policy", "revision"
COMMAND_LINE = {ACTOR: "command_line"}
_STARTED_BY = {"dagster/schedule_name": "schedule", "dagster/sensor_name": "sensor"}
_PAGES = "pages"  # somebody clicked


def label(instance: dg.DagsterInstance, run: dg.DagsterRun, policy_version: str) -> None:
    """Tag a run that begins; the tag of a command's run is there already."""
    actor = next((way for tag, way in _STARTED_BY.items() if tag in run.tags), run.tags.get(ACTOR, _PAGES))
    instance.add_run_tags(run.run_id, {ACTOR: actor, POLICY: policy_version, REVISION: revision()})


@cache
def revision() -> str:
    """Returns the version, and a hash over the code and the models as they are installed."""
    said = hashlib.sha256()
    for folder, kind in ((PACKAGE, "*.py"), (sql_folder(), "*.sql")):
        for path in sorted(folder.rglob(kind)):
            said.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{__version__}.r{said.hexdigest()[:12]}"
