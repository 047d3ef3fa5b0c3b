#!/usr/bin/env bash
# Dagster 1.13.27, SQLite storage, Python 3.11.
# Expected of `wipe_assets`: that what was reported of an asset without a run cannot be read afterwards. Seen: an event
# without a run is written twice, to index.db and to a file whose whole name is `.db` (the file of the run with no id,
# which a plain listing does not show). Wiping removes the first and leaves the second, metadata and all; it adds an
# event there, and no run can be deleted that would take the file along. Freshness policies write such events as well.
# Whoever keeps a retention period for logs has to delete rows in that file, too.
# Output seen:
#   reported: .db 1, index.db 1
#   wiped: .db 2, index.db 0
#   metadata in .db: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
cd "$folder"
DAGSTER_HOME="$folder" DAGSTER_DISABLE_TELEMETRY=yes "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null | tee seen
import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg

KEY = dg.AssetKey("table")


def events():
    found = {}
    for name in (".db", "index.db"):
        (file,) = Path().rglob(f"runs/{name}")
        with closing(sqlite3.connect(file)) as store:
            found[name] = [row[0] for row in store.execute("SELECT event FROM event_logs")]
    return found


def told(found):
    return ", ".join(f"{name} {len(rows)}" for name, rows in found.items())


with dg.DagsterInstance.get() as instance:
    instance.report_runless_asset_event(dg.AssetMaterialization(KEY, metadata={"figure": 4711}))
    print(f"reported: {told(events())}")
    instance.wipe_assets([KEY])
    assert instance.get_latest_materialization_event(KEY) is None
    left = events()
    print(f"wiped: {told(left)}")
    print(f"metadata in .db: {any('4711' in event for event in left['.db'])}")
PYTHON
diff seen - <<'EXPECTED'
reported: .db 1, index.db 1
wiped: .db 2, index.db 0
metadata in .db: True
EXPECTED
