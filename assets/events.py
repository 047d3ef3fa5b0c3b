"""Dagster's event log in SQLite, with its connections kept open.

Dagster's own storage makes an engine and a connection for each statement, some 2,800 in a month, and with each it
compiles its SQL anew and has SQLite copy its journal into the file: half of the seconds of a small month. The files,
their places and what stands in them are Dagster's; either storage reads what the other has written.

Belongs here: how the files of the event log are opened. Does not belong here: what is logged, and for how long.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import QueuePool

_KEPT = 4  # the index, the run, and one or two that a page shows; a server must not hold a file for every old run


class EventLog(SqliteEventLogStorage):
    """Dagster's storage below DAGSTER_HOME/history/runs, one connection for each file in use."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Use the files in a folder, which is made where it is missing."""
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """The storage that dagster.yaml names, where Dagster itself would have put it; `base_dir` is DAGSTER_HOME."""
        return cls(str(Path(config_value["base_dir"]) / "history" / "runs"), inst_data)

    def dispose(self) -> None:
        """Close the files."""
        super().dispose()
        with self._db_lock:
            self._forget(0)

    def wipe(self) -> None:
        """Remove all events; the files of runs are deleted, so none may be open."""
        with self._db_lock:
            self._forget(0)
        super().wipe()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """A transaction in one file; as in Dagster's own, one at a time."""
        with self._db_lock:
            engine = self._engines.pop(shard, None) or create_engine(
                self.conn_string_for_shard(shard), poolclass=QueuePool, pool_size=1,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False})
            self._engines[shard] = engine
            self._forget(_KEPT)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _forget(self, kept: int) -> None:
        """Close the files that were used longest ago."""
        while len(self._engines) > kept:
            self._engines.popitem(last=False)[1].dispose()
