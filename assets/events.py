"""Dagster's event log in SQLite, with its connections kept open.

Dagster's own storage makes an engine and a connection for each statement, some 2,800 in a month, and with each it
compiles its SQL anew and has SQLite copy its journal into the file: half of the seconds of a small month. It also looks
up its own tables for each event. The files, their places and what stands in them are Dagster's; either storage reads
what the other has written.

Ending a transaction costs as much as what is written in it. So what steps say within a fifth of a second is one
transaction in each file; what a run or anybody else says ends it at once, as does whoever asks for what stands there. A
process that dies, or a file that takes no more, loses a fifth of a second of its steps' words, and nothing else.

A materialisation is written down three times by Dagster (the output, the event, the asset's newest), each time turned
into JSON anew, and read back for each table that is made of it and each check of it. Here it is turned into JSON once,
the output says that it came and not what it was, and what this process has written it does not read back.

Belongs here: how the files of the event log are opened, written, and read as they are. Does not belong here: what is
logged, and for how long.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self

from dagster import (
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    EventLogEntry,
    EventLogRecord,
    serialize_value,
)
from dagster._core.event_api import EventRecordsFilter
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.event_log.base import AssetRecord
from dagster._core.storage.event_log.schema import AssetKeyTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from dagster._time import datetime_from_timestamp
from sqlalchemy import Connection, Engine, create_engine, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import QueuePool

_WAITS_SECONDS = 0.2  # what the pages show of a step may be late by that
_OF_STEPS = {DagsterEventType.STEP_OUTPUT, DagsterEventType.ASSET_MATERIALIZATION,
             DagsterEventType.ASSET_CHECK_EVALUATION}
_OVER_ALL_RUNS = ASSET_EVENTS | ASSET_CHECK_EVENTS | EVENT_TYPE_TO_PIPELINE_RUN_STATUS.keys()
_INSERT = SqlEventLogStorageTable.insert()
_KEPT = 4  # the index, the run, and one or two that a page shows; a server must not hold a file for every old run


class EventLog(SqliteEventLogStorage):
    """Dagster's storage below DAGSTER_HOME/history/runs, one connection for each file in use."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Use the files in a folder, which is made where it is missing."""
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._known: set[str] = set()  # tables and migrations, none of which ever goes
        self._open: dict[str, Connection] = {}  # transactions in which events are stored
        self._stays_open = False  # while an event is stored, or what was stored is looked at
        self._late: threading.Timer | None = None  # ends them
        self._lost: Exception | None = None  # why it could not
        self._text = ""  # the event that is being stored, as it is written
        self._newest: dict[str, tuple[str, EventLogRecord]] = {}  # asset -> what the run under way wrote of it
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
            self._commit()
            self._forget(0)

    def wipe(self) -> None:
        """Remove all events; the files of runs are deleted, so none may be open."""
        with self._db_lock:
            self._commit()
            self._forget(0)
        super().wipe()

    def store_event(self, event: EventLogEntry) -> None:
        """Write an event down, wherever it belongs."""
        self.store_event_batch([event])

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Write events down, all or none in each file; what a step says may wait for what it says next.

        Raises:
            Exception: whatever kept these, or those that had waited, from being written.
        """
        with self._db_lock:
            try:
                with self._staying_open():
                    for event in events:
                        self._store(_said_once(event))
            except BaseException:
                self._end(Connection.rollback)
                self._newest.clear()
                raise
            if all(map(_may_wait, events)):
                self._commit_soon()
            else:
                self._commit()
            if any(event.dagster_event is not None and event.dagster_event.is_job_event for event in events):
                self._newest.clear()

    def _store(self, event: EventLogEntry) -> None:
        """Write an event into its run's file, and into the index what is looked for over all runs, as Dagster does."""
        row, kind = self._event_to_row(event), event.dagster_event_type
        with self.run_connection(event.run_id) as connection:
            connection.execute(_INSERT, row)
        if kind is None or kind not in _OVER_ALL_RUNS:
            return
        with self.index_connection() as connection:
            stored = connection.execute(_INSERT, row).inserted_primary_key
            event_id = int(stored[0]) if stored is not None else 0
            if kind in ASSET_EVENTS:
                self._store_asset_event_tags(connection, [event], [event_id])
                self._store_asset_event(connection, event, event_id)
        if kind in ASSET_CHECK_EVENTS:
            self.store_asset_check_event(event, event_id)

    def _event_to_row(self, event: EventLogEntry) -> dict[str, Any]:
        row = super()._event_to_row(event)
        self._text = row["event"]
        return row

    def _store_asset_event(self, conn: Connection, event: EventLogEntry, event_id: int) -> None:
        """Write down what an asset's newest event is, in one statement: Dagster tries to insert, fails, and updates."""
        found = event.dagster_event
        key = found.asset_key.to_string() if found is not None and found.asset_key is not None else None
        if found is None or key is None:
            return
        if found.is_step_materialization:
            written = f'{{"__class__": "EventLogRecord", "event_log_entry": {self._text}, "storage_id": {event_id}}}'
            values = {"last_materialization": written, "last_run_id": event.run_id,
                      "last_materialization_timestamp": datetime_from_timestamp(event.timestamp)}
            self._newest[key] = written, EventLogRecord(event_id, event)
        else:
            values = self._get_asset_entry_values(event, event_id, has_asset_key_index_cols=True)
        if values:
            conn.execute(insert(AssetKeyTable).values(asset_key=key, **values).on_conflict_do_update(
                index_elements=[AssetKeyTable.c.asset_key], set_=values))

    def get_asset_records(self, asset_keys: Sequence[AssetKey] | None = None) -> Sequence[AssetRecord]:
        """What is known of assets, as it stands there, and as it is about to."""
        with self._db_lock, self._staying_open() if self._open else nullcontext():
            return super().get_asset_records(asset_keys)

    def _get_event_records(self, event_records_filter: EventRecordsFilter, limit: int | None = None,
                           ascending: bool = False) -> Sequence[EventLogRecord]:
        """Events of assets; the newest of one in the month of the run under way, for a check of it, from memory."""
        key = event_records_filter.asset_key
        own = self._newest.get(key.to_string()) if key is not None and limit == 1 and not ascending else None
        event = own[1].event_log_entry.dagster_event if own else None
        if own is not None and event is not None and event.partition is not None and (
                event_records_filter == EventRecordsFilter(DagsterEventType.ASSET_MATERIALIZATION, key,
                                                           [event.partition])):
            return [own[1]]
        return super()._get_event_records(event_records_filter, limit, ascending)

    def _get_latest_materialization_records(
        self, raw_asset_rows: Sequence[Mapping[str, Any]],
    ) -> Mapping[AssetKey, EventLogRecord | None]:
        """What assets' newest events are; of those that this process has just written without reading their JSON."""
        own = {row["asset_key"]: self._newest[row["asset_key"]][1] for row in raw_asset_rows
               if row["asset_key"] in self._newest and not row["asset_details"]
               and self._newest[row["asset_key"]][0] == row["last_materialization"]}
        others = [row for row in raw_asset_rows if row["asset_key"] not in own]
        read = super()._get_latest_materialization_records(others) if others else {}
        return {**read, **{key: record for record in own.values() if (key := record.asset_key) is not None}}

    def get_latest_tags_by_partition(
        self, asset_key: AssetKey, event_type: DagsterEventType, tag_keys: Sequence[str],
        asset_partitions: Sequence[str] | None = None, before_cursor: int | None = None,
        after_cursor: int | None = None,
    ) -> Mapping[str, Mapping[str, str]]:
        """Tags of newest events by partition; those of the run under way, whose month is its own, as written."""
        own = self._newest.get(asset_key.to_string())
        event = own[1].event_log_entry.dagster_event if own else None
        if (event is None or event.partition is None or list(asset_partitions or ()) != [event.partition]
                or event_type != DagsterEventType.ASSET_MATERIALIZATION or before_cursor or after_cursor):
            return super().get_latest_tags_by_partition(asset_key, event_type, tag_keys, asset_partitions,
                                                        before_cursor, after_cursor)
        tags = event.step_materialization_data.materialization.tags or {}
        return {event.partition: {name: tags[name] for name in tag_keys if name in tags}}

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
        """A transaction in one file, one at a time as in Dagster's own; for events the one that is open."""
        with self._db_lock:
            if not self._stays_open:
                self._commit()
                with self._engine(shard).begin() as connection:
                    yield connection
                return
            if shard not in self._open:
                self._open[shard] = self._engine(shard).connect()
                self._open[shard].begin()
            yield self._open[shard]

    @contextmanager
    def _staying_open(self) -> Iterator[None]:
        """Let what is done inside end no transaction."""
        before, self._stays_open = self._stays_open, True
        try:
            yield
        finally:
            self._stays_open = before

    def _commit_soon(self) -> None:
        if self._late is None:
            self._late = threading.Timer(_WAITS_SECONDS, self._commit_late)
            self._late.daemon = True
            self._late.start()

    def _commit_late(self) -> None:
        """What the timer does; what goes wrong is raised by whoever comes next."""
        with self._db_lock:
            try:
                self._end(Connection.commit)
            except Exception as error:  # noqa: BLE001 - it is raised elsewhere
                self._lost = error

    def _commit(self) -> None:
        """End what is open.

        Raises:
            Exception: what kept it, now or when the timer ended it, from being written.
        """
        lost, self._lost = self._lost, None
        if lost is not None:
            raise lost
        self._end(Connection.commit)

    def _end(self, end: Callable[[Connection], None]) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        opened, self._open = self._open, {}
        with ExitStack() as closed:
            for connection in opened.values():
                closed.callback(connection.close)
            for connection in opened.values():
                end(connection)

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


def _may_wait(event: EventLogEntry) -> bool:
    """Whether an event is a step's, and not about its end: more of them follow, and a run is not told by them."""
    return event.dagster_event is not None and event.dagster_event.event_type in _OF_STEPS


def _said_once(event: EventLogEntry) -> EventLogEntry:
    """Returns an event as it is stored: of an output that it came, because the materialisation says what it was."""
    found = event.dagster_event
    if found is None or found.event_type != DagsterEventType.STEP_OUTPUT:
        return event
    return event._replace(dagster_event=found._replace(
        event_specific_data=found.step_output_data._replace(metadata={})))


class Written:
    """Everything of a run in Dagster's storage, as JSON: the run itself, then its events.

    Standard output is not kept (dagster.yaml), so there is nothing else. Events are only ever added, and each is read
    once: a release asks three times, and a run has a thousand of them.
    """

    def __init__(self, instance: DagsterInstance, run_id: str) -> None:
        """Read nothing yet."""
        self._instance, self._run_id = instance, run_id
        self._events: list[str] = []
        self._last = -1

    def __call__(self) -> Iterator[str]:
        """What is written by now, as it stands there.

        Raises:
            TypeError: a storage that is no database; `dagster.yaml` names none.
        """
        if run := self._instance.get_run_by_id(self._run_id):
            yield serialize_value(run)
        storage, columns = self._instance.event_log_storage, SqlEventLogStorageTable.c
        if not isinstance(storage, SqlEventLogStorage):
            raise TypeError(f"{type(storage).__name__} is no database")
        with storage.run_connection(self._run_id) as connection:
            rows = connection.execute(select(columns.id, columns.event).where(
                columns.run_id == self._run_id, columns.id > self._last).order_by(columns.id)).fetchall()
        self._events += [event for _, event in rows]
        self._last = rows[-1][0] if rows else self._last
        yield from self._events
