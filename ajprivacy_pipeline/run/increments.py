"""A month's extraction, where the mapping says that what has not changed is taken over from the month before.

Everything is read at first, when the mapping, the policy, the warehouse's address or the product is another one than
before, after `full_months`, where nothing of an earlier month stands, and whenever an answer is in doubt.

Belongs here: whose file is asked, and when everything is read. Does not belong here: which rows have changed
(`warehouse/increment`, `warehouse/joined`).
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

from ajprivacy_pipeline import __version__
from ajprivacy_pipeline.calendar import shift
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import is_running, month_file, standing_months
from ajprivacy_pipeline.warehouse.address import Address
from ajprivacy_pipeline.warehouse.extract import TableExtract, extract
from ajprivacy_pipeline.warehouse.increment import SCHEMA, DoubtError, Increment
from ajprivacy_pipeline.warehouse.joined import join
from ajprivacy_pipeline.warehouse.mapping_file import Mapping
from ajprivacy_pipeline.warehouse.settle import know_macros, settle_rows, settle_whole

Progress = Callable[[str, int], None]
_CHANGED, _BEFORE = "changed", "before"  # what was read, in memory; the file of an earlier month


@dataclass(frozen=True)
class Extraction:
    """What is extracted for a month; the current database of `con` is its file, or the one that takes its place."""

    con: zones.Connection
    settings: Settings
    keys: KeyStore
    policy: Policy
    mapping: Mapping
    month: str
    progress: Progress
    is_kept: bool = True  # False: the file dies with an apply, which decides on facts that are all read now

    def run(self) -> list[TableExtract]:
        """Write schema `raw`, settled; returns what became of each table. Raises as `extract` and `settle_values`."""
        know_macros(self.con, self.policy)
        if self.mapping.increments is None or not self.is_kept:
            return self._everything(None)
        with self._earlier() as earlier:
            if earlier is not None:
                try:
                    return self._changed(*earlier)
                except (DoubtError, PrivacyError, zones.EngineError):  # it shows again where everything is read
                    self._doubt("what has changed is in doubt")
        try:
            return self._everything(Increment(self.con, whole=self._whole()))
        except DoubtError:
            self._doubt("the warehouse does not answer what changes")
            return self._everything(None)

    def _doubt(self, why: str) -> None:
        self.con.execute(f"SET threads = {self.settings.threads:d}")  # one is left by a question that failed
        self.progress(f"everything, since {why}", 0)

    def _everything(self, increment: Increment | None) -> list[TableExtract]:
        done = extract(self.con, self.settings.warehouse_url, self.mapping, self.policy.sources,
                       progress=self.progress, increment=increment)
        touched = self._settle(done)
        emptied = settle_whole(self.con, self.policy.sources, touched)
        if increment is not None:
            increment.note_emptied(touched)
            increment.close(self._basis(), self.month)
        return _with_emptied(done, emptied)

    def _changed(self, before: str, full_month: str) -> list[TableExtract]:
        """Read what has changed into memory, settle it there, and join it with what the earlier file has."""
        increment, database = Increment(self.con, before, self._whole()), self._database()
        self.con.execute(f"ATTACH ':memory:' AS {_CHANGED}")
        try:
            self.con.execute(f"USE {_CHANGED}")
            try:
                done = extract(self.con, self.settings.warehouse_url, self.mapping, self.policy.sources,
                               progress=lambda table, rows: self.progress(f"{table} (what has changed)", rows),
                               increment=increment)
                touched = self._settle(done)
            finally:
                self.con.execute(f"USE {zones.quote(database)}")
            shown = Address.parse(self.settings.warehouse_url).shown
            whole, emptied = join(increment, _CHANGED, shown, self.policy.sources, done, touched)
        finally:
            self.con.execute(f"DETACH {_CHANGED}")
        increment.close(self._basis(), full_month)
        return _with_emptied(whole, emptied)

    def _settle(self, done: list[TableExtract]) -> list[tuple[str, str]]:
        return settle_rows(self.con, self.policy, self.mapping, {found.table: found.not_null for found in done})

    @contextmanager
    def _earlier(self) -> Iterator[tuple[str, str] | None]:
        """Yields a database of an earlier run whose basis is ours, with the month in which all of it was read.

        It is the month's own of a run before, which is being replaced, else that of the newest month that stands.
        """
        found = self._taken_from(zones.DEFAULT) if self._database() != zones.DEFAULT else None
        others = [month for month in standing_months(self.settings) if month < self.month]
        with ExitStack() as stack:
            if found is None and others and not is_running(self.settings, others[-1]):
                with suppress(PrivacyError):  # a file that does not open is none
                    file = month_file(self.settings, others[-1])
                    stack.enter_context(zones.attached(self.con, self.keys, file, _BEFORE))
                    found = self._taken_from(_BEFORE)
            yield found

    def _taken_from(self, database: str) -> tuple[str, str] | None:
        known = self.con.execute(
            "SELECT 1 FROM duckdb_tables() WHERE database_name = $database AND schema_name = $schema "
            "AND table_name = 'basis'", {"database": database, "schema": SCHEMA}).fetchall()
        own = f"{zones.quote(database)}.{SCHEMA}"  # without marks nothing could be taken over of it
        found = self.con.execute(f"FROM {own}.basis WHERE EXISTS (FROM {own}.marks)").fetchall() if known else []
        for basis, full_month in found:
            if basis == self._basis() and full_month <= self.month < shift(full_month, self._full_months()):
                return database, str(full_month)
        return None

    def _full_months(self) -> int:
        return self.mapping.increments.full_months if self.mapping.increments is not None else 0

    def _database(self) -> str:
        return str(self.con.execute("SELECT current_database()").fetchall()[0][0])

    def _basis(self) -> str:
        """All that what is read and settled depends on, beside the rows of the source themselves."""
        address = Address.parse(self.settings.warehouse_url).url.render_as_string(hide_password=True)
        said = (__version__, zones.FORMAT, zones.ENGINE_VERSION, self.policy.version, self.mapping.model_dump_json(),
                address, [[action.former for action in columns.values()] for columns in self.policy.actions.values()])
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def _whole(self) -> frozenset[str]:
        """Tables that are read as a whole: an end in one of them is empty by what stands in a row of another."""
        found: set[str] = set()
        for name, entry in self.mapping.tables.items():
            for column, feed in entry.columns.items():
                other, dot, _ = str(self.policy.sources.tables[name].columns[column].not_before).partition(".")
                if feed.empty_before_beginning and dot:
                    found |= {name, other}
        return frozenset(found)


def _with_emptied(done: list[TableExtract], emptied: dict[str, tuple[str, ...]]) -> list[TableExtract]:
    return [replace(found, evidence_missing=(*found.evidence_missing, *emptied.get(found.table, ())))
            for found in done]
