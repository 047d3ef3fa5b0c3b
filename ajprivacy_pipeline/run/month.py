"""One run of one month: opens the month's restricted file, holds its lock, and does the steps one after another.

Belongs here: the order in which the domain's parts work for a month, and what they are handed. Does not belong here:
Dagster, rules, the text of models. Every edge (Dagster, tests, benchmarks) runs a month through `open_month`.
"""

import shutil
import time
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.errors import ModelError, PolicyError
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.pseudonyms.zone import PSEUDONYMISED, write_pseudonymised
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.retention.completeness import require_complete
from ajprivacy_pipeline.run.engines import RunModel, engine_of
from ajprivacy_pipeline.run.progress import Progress, Report, Steps, ignore
from ajprivacy_pipeline.settings import Settings, operator, prepare_home
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.anew import Checkpoint, default_database_anew, settle
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.catalogue import LAYERS, Model, layer_models, run_model
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import (
    destroy_before,
    destroy_left,
    is_running,
    month_file,
    month_lock,
    warehouse_lock,
)
from ajprivacy_pipeline.storage.policy_versions import record_policy, with_former_neutrals

if TYPE_CHECKING:
    from ajprivacy_pipeline.release import Logs, ReleaseRequest, ReleaseResult
    from ajprivacy_pipeline.release.sql_copy import PublishResult
    from ajprivacy_pipeline.run.summary import MonthSummary
    from ajprivacy_pipeline.warehouse.extract import TableExtract
    from ajprivacy_pipeline.whatif.figures import Figures

_CARRIED = "control.carried_facts"


@dataclass(eq=False, repr=False)  # keys of a run and the address of the warehouse are in no text
class MonthRun:
    """A month whose file is open and whose lock is held: `open_month` makes it, or who decides in a file of its own.

    `file` is what `con` has open, where it stays; None: it is destroyed in the end. `was_read`: it may hold people.
    `logs` gives everything the run has written down so far. `engine` makes the models' tables; None: DuckDB.
    Every method raises PrivacyError and nothing else, never with a value of a row.
    """

    settings: Settings
    policy: Policy
    control: ControlStore
    keys: KeyStore
    con: zones.Connection
    month: str
    run_id: str
    report: Report
    logs: "Logs | None" = None
    request: "ReleaseRequest | None" = None
    file: Path | None = None
    was_read: bool = False
    engine: RunModel | None = None
    release_result: "ReleaseResult | None" = field(default=None, init=False)
    _values: dict[str, dict[str, object]] = field(default_factory=dict, init=False)
    _judged_on: date | None = field(default=None, init=False)
    _seen_on: date | None = field(default=None, init=False)
    _has_policy: bool = field(default=False, init=False)  # `con` holds this run's policy as tables

    @cached_property
    def catalogue(self) -> Mapping[str, Model]:
        """The models of a month, by name, under the run's policy."""
        return catalogue_of(self.policy)

    def extract(self) -> "list[TableExtract]":
        """Read the warehouse into the schema raw; nothing of an earlier run of the month is in the file any more."""
        from ajprivacy_pipeline.run.increments import Extraction
        from ajprivacy_pipeline.run.known_keys import require_known_keys
        from ajprivacy_pipeline.warehouse.mapping import load_mapping
        last = time.monotonic()

        def progress(table: str, rows: int) -> None:
            nonlocal last
            last, before = time.monotonic(), last
            self.report(Progress(f"raw.{table}", rows, last - before))

        with boundary("extract"):
            require_known_keys(self.settings, self.control, self.keys)
        with boundary("extract"), self._emptied():
            extracts = Extraction(self.con, self.settings, self.keys, self.policy, load_mapping(
                self.settings.mapping_file, self.policy.sources), self.month, progress, self.file is not None).run()
            for layer in LAYERS:
                self.con.execute(f"DROP SCHEMA IF EXISTS {zones.quote(layer)} CASCADE")
            self._values.clear()
            self._has_policy = False
        return extracts

    @contextmanager
    def _emptied(self) -> Iterator[None]:
        """Let a file that was read into before be a new one: what went from the warehouse since is in no old page."""
        if self.file is None:
            yield
        elif not self.was_read:
            self.was_read = True
            yield
        else:
            with default_database_anew(self.con, self.keys, self.file):
                yield

    def judge_on(self, day: date, seen_on: date | None = None) -> None:
        """Let decisions be judged on another day than the first after the month, by the holds of `seen_on`."""
        self._judged_on, self._seen_on = day, seen_on or day
        self._values.clear()

    def model(self, name: str) -> int:
        """Rebuild the table of one SQL model and return its row count."""
        with self._timed(name) as done:
            model = self.catalogue[name]
            bound = self._bound(model.layer)
            if _CARRIED in model.reads and _CARRIED not in self._values:
                from ajprivacy_pipeline.release.carried_facts import write_carried_facts
                write_carried_facts(self.con, self.settings)  # of what is staged, which each of its readers comes after
                self._values[_CARRIED] = {}
            return done((self.engine or partial(run_model, self.con))(model, bound))

    def quality(self) -> int:
        """Write staged.quality, the rows that do not fit the source contract, and return their number."""
        from ajprivacy_pipeline.retention.quality import write_quality
        with self._timed("staged.quality") as done:
            self._bound("staged")
            return done(write_quality(self.con, self.policy))

    def pseudonymise(self, checkpoint: Checkpoint = lambda _: None) -> dict[str, int]:
        """Rebuild the pseudonymised zone from the layer's tables; returns their rows, none if a later month stands."""
        tables = [model.table for model in layer_models(self.catalogue, (PSEUDONYMISED,))]
        with self._timed("pseudonymised zone") as done:
            rows = write_pseudonymised(self.con, self.settings, self.keys, self.month, tables, checkpoint)
            done(sum(rows.values()))
            return rows

    def release(self) -> "ReleaseResult":
        """Prove the month's cells and swap the release in; a failed gate leaves the previous one in place."""
        from ajprivacy_pipeline.release import build_release
        steps = Steps("release", self.report)
        with boundary("release"):
            self.release_result = build_release(self.con, self.settings, self.policy, self.control, self.month,
                                                self.run_id, steps.next, run_models=False, logs=self.logs,
                                                request=self.request)
        steps.next("")
        return self.release_result

    def publish(self) -> "PublishResult | None":
        """Bring the newest release to the declared database; None where none is declared."""
        if self.settings.publish_url is None:
            return None
        from ajprivacy_pipeline.release.sql_copy import publish
        with self._timed("published in SQL") as done, boundary("publish"):
            result = publish(self.settings, self.policy)
            done(result.rows)
        return result

    def finish(self) -> list[str]:
        """Record the month's success, then destroy earlier months' files and keys; returns the months destroyed."""
        from ajprivacy_pipeline.oversight.evidence import remember_measures
        from ajprivacy_pipeline.retention.bind import remember_faults, remember_shared_requests, remember_warranties
        from ajprivacy_pipeline.retention.carried import remember_whole
        from ajprivacy_pipeline.retention.effects import remember_effects
        from ajprivacy_pipeline.retention.guard import end_entries
        with self._timed("control.months") as done:
            for remember in (remember_shared_requests, remember_faults, remember_warranties):
                remember(self.con, self.control, self.month, self.run_id)
            remember_effects(self.con, self.control, self.keys, self.month, self.run_id)
            remember_whole(self.con, self.control, self.keys, self.month)
            end_entries(self.con, self.control, self.keys, self.policy.enforcement, self.month)
            remember_measures(self.con, self.control, self.keys, self.month, self.run_id, self.policy.version)
            destroyed = destroy_before(self.settings, self.keys, self.control, self.month)
            done(len(destroyed))
            return destroyed

    def summary(self) -> "MonthSummary":
        """Returns what the month came to, in counts alone; what the command line and the last asset show."""
        from ajprivacy_pipeline.run.summary import missing, release_summary, source_counts
        with boundary("summary"):
            counts = source_counts(self.con)
            return {
                "month": self.month, "run_id": self.run_id, "policy_version": self.policy.version,
                "source_tables": sum(row["present"] for row in counts),
                "source_rows": sum(row["rows"] for row in counts),
                "missing": missing(self.con),
                "quality_faults": self.rows("staged.quality"),
                "attribute_decisions": self.tally("retention.attribute_decisions", "decision"),
                "record_decisions": self.tally("retention.record_decisions", "decision"),
                "release": release_summary(self.release_result),
            }

    def rows(self, name: str) -> int:
        """Returns the row count of a table, as `schema.table`."""
        return int(self.con.execute(f"SELECT count(*) FROM {_table(name)}").fetchall()[0][0])

    def describe(self, name: str) -> list[tuple[str, str]]:
        """Returns columns and types of a table, in order."""
        with boundary(name):
            return [(row[0], row[1]) for row in self.con.execute(f"DESCRIBE {_table(name)}").fetchall()]

    def tally(self, name: str, column: str) -> dict[str, int]:
        """Returns how many rows of a table hold each value of a column whose values the policy defines."""
        with boundary(name):
            found = self.con.execute(f"SELECT {zones.quote(column)}, count(*) FROM {_table(name)} "
                                     "GROUP BY ALL ORDER BY ALL").fetchall()
        return {str(value): count for value, count in found}

    def figures(self, name: str) -> "Figures":
        """Returns what the decisions of a table come to, in counts alone; empty for a table without decisions."""
        from ajprivacy_pipeline.whatif.figures import figures
        with boundary(name):
            return figures(self.con, name, self.policy, self.month)

    def owed(self, name: str) -> dict[str, Any]:
        """Returns what is due by a table of decisions, in counts alone; of retention.due also why and since when."""
        from ajprivacy_pipeline.whatif.owed import numbers, owed
        with boundary(name):
            return dict(owed(self.con, self.policy, self.policy.enforcement.clauses, self.month)
                        if name == "retention.due" else numbers(self.con, name, self.month))

    def _bound(self, layer: str) -> Mapping[str, object]:
        """Every bound value of a layer's models; the schemas policy and control are written on first use."""
        from ajprivacy_pipeline.pseudonyms.keys import pseudonym_parameters
        from ajprivacy_pipeline.retention import bind, carried, effects, guard
        if not self._values:
            self._prepare()
            self._values["policy"] = {**bind.policy_parameters(self.policy, self.month),
                                      **effects.effect_parameters(self.keys, self.control),
                                      **carried.carried_parameters(self.keys, self.control),
                                      **guard.guard_parameters(self.keys, self.control, self.policy.enforcement.sweep),
                                      **bind.first_held_pads(self.keys.derive("control", "first_held"))}
            if self._judged_on is not None:
                self._values["policy"]["as_of"] = self._judged_on
        if layer in ("pseudonyms", PSEUDONYMISED) and "keys" not in self._values:
            self._values["keys"] = pseudonym_parameters(self.keys, self.month)
        if layer in ("anonymous", "published") and "release" not in self._values:
            from ajprivacy_pipeline.release import model_values, plan_release  # late: its solvers load for seconds
            plan = plan_release(self.control, self.policy, self.month, self.request)
            self._values["release"] = model_values(self.policy, plan)  # one random key for all facts of this run
        return ChainMap(*self._values.values())

    def _prepare(self) -> None:
        from ajprivacy_pipeline.oversight.evidence import write_open_before
        from ajprivacy_pipeline.retention.bind import write_policy, write_rates, write_recorded
        from ajprivacy_pipeline.retention.carried import write_dropped
        from ajprivacy_pipeline.retention.guard import write_guard
        from ajprivacy_pipeline.retention.recorded_requests import write_added
        from ajprivacy_pipeline.warehouse.mapping import load_mapping
        if not self.con.execute("SELECT 1 FROM duckdb_tables() WHERE schema_name = 'raw' LIMIT 1").fetchall():
            raise ModelError(f"nothing is extracted for {self.month} yet: materialise raw first, or run the month")
        if not self._has_policy:  # it stays where another day is judged
            write_policy(self.con, self.policy)
            self._has_policy = True
        write_recorded(self.con, self.control, self.month, self._seen_on)
        write_open_before(self.con, self.control, self.keys, self.month)
        write_guard(self.con, self.control, self.policy.enforcement, self._judged_on or as_of(self.month))
        write_dropped(self.con, self.control, self.month, self.policy.enforcement.dropped_months)
        write_added(self.con, self.control, self.keys)
        write_rates(self.con, load_mapping(self.settings.mapping_file, self.policy.sources).rates)

    @contextmanager
    def _timed(self, what: str) -> Iterator[Callable[[int], int]]:
        rows = 0

        def done(made: int) -> int:
            nonlocal rows
            rows = made
            return made

        started = time.monotonic()
        with boundary(what):
            yield done
        self.report(Progress(what, rows, time.monotonic() - started))


@contextmanager
def open_month(settings: Settings, month: str, run_id: str, report: Report = ignore,
               logs: "Logs | None" = None, request: "ReleaseRequest | None" = None) -> Iterator[MonthRun]:
    """Open a month for one run.

    Args:
        settings: folders and limits.
        month: YYYY-MM, a month that is completed or under way.
        run_id: stands in the control store and in the release.
        report: called after each table and step.
        logs: gives everything the run has written down so far; without it no release is proven (G13).
        request: overrides given on the command line.

    Raises:
        ControlError: another run of the same month is under way.
        PolicyError: the policy is not valid, or was not yet when the month ended.
        ReleaseError: what is asked for cannot be had.
        PrivacyError: the policy, the keys or the file are not usable.
    """
    from ajprivacy_pipeline.warehouse.mapping_file import load_mapping, policy_for
    with boundary(f"open {month}"):
        as_of(month)
        prepare_home(settings)
        policy = load_policy(settings.notice)
        require_complete(policy)
        policy = policy_for(policy, load_mapping(settings.mapping_file, policy.sources))
        if month < policy.retention.first_month:
            raise PolicyError([f"purposes.toml: first_month is {policy.retention.first_month}, after {month}"])
        if policy.retention.valid_from > as_of(month):
            raise PolicyError([f"purposes.toml: valid_from is {policy.retention.valid_from}, after {month} has ended"])
        keys = KeyStore(settings.keys, settings.root_key)
        control = ControlStore.in_folder(settings.control)
        record_policy(control, settings.notice, operator())
        policy = with_former_neutrals(policy, control)
        if request is not None:
            from ajprivacy_pipeline.release import plan_release
            plan_release(control, policy, month, request)  # what cannot be had is refused before anything is read
    with warehouse_lock(settings, alone=False), month_lock(settings, month):
        destroy_left(settings, keys)
        spill = settings.restricted / "spill" / month
        for left in spill.parent.glob("????-??"):  # what killed runs left, of this month or of others
            if left.name == month or not is_running(settings, left.name):
                shutil.rmtree(left, ignore_errors=True)
        file = month_file(settings, month)
        settle(keys, file)
        was_read = file.exists()
        with (zones.open_zone(settings, keys, file) as con,
              engine_of(settings, policy, con, spill / "spark") as engine):
            con.execute(f"SET temp_directory = {zones.literal(str(spill))}")  # two months never spill into one folder
            try:
                yield MonthRun(settings, policy, control, keys, con, month, run_id, report, logs, request, file,
                               was_read=was_read, engine=engine)
            finally:
                with suppress(zones.EngineError):  # a run's tokens never outlive the run
                    con.execute("DROP TABLE IF EXISTS anonymous.tokens")


def _table(name: str) -> str:
    schema, _, table = name.partition(".")
    return f"{zones.quote(schema)}.{zones.quote(table)}"
