"""Dagster's event log in SQLite, with its connections kept open.

Dagster's own storage makes an engine and a connection for each statement, some 2,800 in a month, and with each it
compiles its SQL anew and has SQLite copy its journal into the file: half of the seconds of a small month. It also looks
up its own tables for each event. The files, their places and what stands in them are Dagster's; either storage reads
what the other has written. An event, or a batch of them, is one transaction in each file.

Belongs here: how the files of the event log are opened. Does not belong here: what is logged, and for how long.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from dagster import EventLogEntry
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
        self._known: set[str] = set()  # tables and migrations, none of which ever goes
        self._opened = ExitStack()
        self._together: dict[str, Connection] | None = None  # what is open while events are stored
        super().__init__(base_dir, inst_data)
        self._db_lock: Any = threading.RLock()

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

    def store_event(self, event: EventLogEntry) -> None:
        """Write an event down, wherever it belongs, at once."""
        self.store_event_batch([event])

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Write events down, all or none in each file."""
        with self._db_lock, ExitStack() as self._opened:
            self._together = {}
            try:
                for event in events:
                    super().store_event(event)
            finally:
                self._together = None

    def has_table(self, table_name: str) -> bool:
        """Whether a table is there; asked once."""
        return self._once(f"table {table_name}", lambda: super(EventLog, self).has_table(table_name))

    def has_secondary_index(self, name: str) -> bool:
        """Whether a migration of Dagster's is done; asked until it is."""
        return self._once(f"index {name}", lambda: super(EventLog, self).has_secondary_index(name))

    def _has_asset_key_index_cols_on_connection(self, conn: Connection) -> bool:
        return self._once("columns of asset keys", lambda: super(
            EventLog, self)._has_asset_key_index_cols_on_connection(conn))

    def _once(self, what: str, look: Callable[[], bool]) -> bool:
        if what not in self._known and look():
            self._known.add(what)
        return what in self._known

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """A transaction in one file, one at a time as in Dagster's own; while events are stored, the open one."""
        with self._db_lock:
            if self._together is None:
                with self._engine(shard).begin() as connection:
                    yield connection
            else:
                if shard not in self._together:
                    self._together[shard] = self._opened.enter_context(self._engine(shard).begin())
                yield self._together[shard]

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None) or create_engine(
            self.conn_string_for_shard(shard), poolclass=QueuePool, pool_size=1,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False})
        self._engines[shard] = engine
        self._forget(_KEPT)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        return engine

    def _forget(self, kept: int) -> None:
        """Close the files that were used longest ago."""
        while len(self._engines) > kept:
            self._engines.popitem(last=False)[1].dispose()
