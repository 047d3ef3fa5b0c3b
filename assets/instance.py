"""Dagster's home: its settings file, its storage, and the switches that keep values of rows out of both.

Belongs here: preparing DAGSTER_HOME and opening the instance. Does not belong here: what runs (`jobs.py`).
"""

import fcntl
import hashlib
import logging
import os
from pathlib import Path

import dagster as dg
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager

from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.settings import Settings, prepare_home

_SETTINGS = Path(__file__).with_name("dagster.yaml")
_OURS = b"# ajprivacy wrote what follows, "  # and its hash: what somebody has changed since is theirs
_BATCH = "500"  # what a run intends to make is written at once; Dagster's default is each by itself
_REDACTED = "dagster.redacted_errors"  # prints what redaction keeps out of the event log


def prepare_dagster(settings: Settings) -> dg.DagsterInstance:
    """Make DAGSTER_HOME ready, for this process and for those it starts, and open it.

    Two processes that first open one SQLite home at the same time break it, hence the lock.

    Raises:
        ControlError: an operator's dagster.yaml keeps what steps print.
    """
    prepare_home(settings)
    os.environ.update(DAGSTER_HOME=str(settings.dagster_home), DAGSTER_REDACT_USER_CODE_ERRORS="1",
                      DAGSTER_DISABLE_TELEMETRY="yes", DAGSTER_EVENT_BATCH_SIZE=_BATCH,
                      AJPRIVACY_HOME=str(settings.home))
    logging.getLogger(_REDACTED).setLevel(logging.CRITICAL + 1)
    with (settings.dagster_home / ".prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_settings(settings.dagster_home / "dagster.yaml", _SETTINGS.read_bytes())
        instance = dg.DagsterInstance.from_config(str(settings.dagster_home))
        instance.get_runs(limit=1)
        instance.all_instigator_state()
        instance.event_log_storage.get_concurrency_keys()
    if not isinstance(instance.compute_log_manager, NoOpComputeLogManager):
        instance.dispose()
        raise ControlError(f"{settings.dagster_home / 'dagster.yaml'} keeps what steps print, which may hold values of "
                           "rows: give it the compute_logs of deploy/dagster-postgres.yaml")
    return instance


def write_settings(target: Path, wanted: bytes) -> None:
    """Write the settings of the house where there are none, or those of an earlier version; an operator's own stay."""
    found = target.read_bytes() if target.exists() else b""
    head, _, body = found.partition(b"\n")
    if found and head != _head(body) and found != wanted:  # without a head: written before there were heads
        return
    if body != wanted:
        target.write_bytes(_head(wanted) + b"\n" + wanted)


def _head(body: bytes) -> bytes:
    return _OURS + hashlib.sha256(body).hexdigest()[:16].encode()
