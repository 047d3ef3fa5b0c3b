"""Dagster's home: its settings file, its storage, and the switches that keep values of rows out of both.

Belongs here: preparing DAGSTER_HOME and opening the instance. Does not belong here: what runs (`jobs.py`).
"""

import fcntl
import logging
import os
from pathlib import Path

import dagster as dg

from ajprivacy_pipeline.settings import Settings, prepare_home

_SETTINGS = Path(__file__).with_name("dagster.yaml")
_BATCH = "500"  # what a run intends to make is written at once; Dagster's default is each by itself
_REDACTED = "dagster.redacted_errors"  # prints what redaction keeps out of the event log


def prepare_dagster(settings: Settings) -> dg.DagsterInstance:
    """Make DAGSTER_HOME ready, for this process and for those it starts, and open it.

    Two processes that first open one SQLite home at the same time break it, hence the lock.
    """
    prepare_home(settings)
    os.environ.update(DAGSTER_HOME=str(settings.dagster_home), DAGSTER_REDACT_USER_CODE_ERRORS="1",
                      DAGSTER_DISABLE_TELEMETRY="yes", DAGSTER_EVENT_BATCH_SIZE=_BATCH,
                      AJPRIVACY_HOME=str(settings.home))
    logging.getLogger(_REDACTED).setLevel(logging.CRITICAL + 1)
    with (settings.dagster_home / ".prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        target = settings.dagster_home / "dagster.yaml"
        wanted = _SETTINGS.read_bytes()
        if not target.exists() or target.read_bytes() != wanted:
            target.write_bytes(wanted)
        instance = dg.DagsterInstance.from_config(str(settings.dagster_home))
        instance.get_runs(limit=1)
        instance.all_instigator_state()
        instance.event_log_storage.get_concurrency_keys()
    return instance
