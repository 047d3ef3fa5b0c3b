#!/usr/bin/env bash
# Dagster 1.13.27, SQLite storage, Python 3.11.
# Expected of `DagsterInstance.delete_run`: that nothing of the run can be read afterwards. Seen: its row and its event
# log are gone, but the asset's record still returns the run's materialisation, metadata and all, and the history of its
# check still returns the evaluation with its metadata, both under the deleted run's id. `wipe_asset` removes the two.
# Whoever prunes runs to keep a retention period for logs has to wipe these as well.
# Output seen:
#   run kept: False, events kept: 0
#   materialisation of the deleted run: {'figure': 7}
#   check of the deleted run: {'figure': 8}
#   after wipe_asset: 0, 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
cd "$folder"
DAGSTER_HOME="$folder" DAGSTER_DISABLE_TELEMETRY=yes "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null | tee seen
import dagster as dg

KEY = dg.AssetKey("table")
CHECK = dg.AssetCheckKey(KEY, "holds")


@dg.asset(key=KEY, check_specs=[dg.AssetCheckSpec("holds", asset=KEY)])
def table():
    yield dg.MaterializeResult(metadata={"figure": 7})
    yield dg.AssetCheckResult(passed=True, metadata={"figure": 8})


def values(metadata):
    return {name: entry.value for name, entry in metadata.items() if name == "figure"}


with dg.DagsterInstance.get() as instance:
    run_id = dg.materialize([table], instance=instance).run_id
    instance.delete_run(run_id)
    print(f"run kept: {instance.has_run(run_id)}, events kept: {len(instance.all_logs(run_id))}")
    newest = instance.get_asset_records([KEY])[0].asset_entry.last_materialization_record
    assert newest.run_id == run_id
    print(f"materialisation of the deleted run: {values(newest.asset_materialization.metadata)}")
    history = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=9)
    assert [record.run_id for record in history] == [run_id]
    print(f"check of the deleted run: {values(history[0].event.dagster_event.asset_check_evaluation_data.metadata)}")
    instance.event_log_storage.wipe_asset(KEY)
    records = instance.get_asset_records([KEY])
    left = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=9)
    print(f"after wipe_asset: {len(records)}, {len(left)}")
PYTHON
diff seen - <<'EXPECTED'
run kept: False, events kept: 0
materialisation of the deleted run: {'figure': 7}
check of the deleted run: {'figure': 8}
after wipe_asset: 0, 0
EXPECTED
