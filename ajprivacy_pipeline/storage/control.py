"""The control store: what was run, what was released, who decided what.

Belongs here: opening it, in SQLite by default or PostgreSQL, counting its changes, and what is read and appended by
name. Does not belong here: its tables (`control_tables`), rows of the warehouse, anything a release contains.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from ajprivacy_pipeline.calendar import Stretch
from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.storage import control_rows, counter
from ajprivacy_pipeline.storage.control_rows import Columns
from ajprivacy_pipeline.storage.control_tables import (
    META,
    access_log,
    effects,
    executed_counts,
    hold_events,
    month_measures,
    months,
    new_starts,
    open_records,
    product_warranties,
    release_groups,
    release_periods,
    released_faults,
    released_invoices,
    releases,
    review_decisions,
    store_state,
)


def utc_now() -> datetime:
    """The clock of records (never of decisions), in UTC without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def is_full(error: Exception) -> bool:
    """Whether a store in SQLite, this one or Dagster's, could not be written for want of space."""
    return isinstance(error, OperationalError) and any(
        text in str(error.orig) for text in ("disk I/O error", "database or disk is full"))

EVERYBODY = "everybody"  # whom an access is about that takes out a whole zone


class ControlStore:
    """Typed access to the control store."""

    def __init__(self, url: str, keys: Path | None = None) -> None:
        """Connect to `url` and create what is missing.

        Args:
            url: of SQLAlchemy's kind.
            keys: the folder beside whose keys changes are counted, too; None for a store of no home.

        Raises:
            ControlError: the store cannot be opened.
        """
        self._engine = sa.create_engine(url, hide_parameters=True)
        self._keys = keys
        with _control_errors():
            there = set(sa.inspect(self._engine).get_table_names())
            if not there.issuperset(META.tables):  # asked once for all, since a store is opened often
                META.create_all(self._engine)
            self._bring_over(there)

    @classmethod
    def in_folder(cls, folder: Path) -> "ControlStore":
        """The default store: `control.db`, readable by its owner alone; its changes are counted beside the home's keys.

        Raises:
            ControlError: it has lost something, or is gone while the home holds what it must have known of.
        """
        path, home = folder / "control.db", folder.parent
        before = counter.read_counter(home / "keys")
        if not path.exists() or path.stat().st_size == 0:
            left = f"the number of its changes ({before})" if before is not None else counter.remains(home)
            if left:
                raise ControlError(f"the control store is gone, while the home still holds {left}: {counter.REMEDY}")
        found = cls.unchecked(folder)
        if (changes := found.changes()) < (before or 0):
            raise ControlError(f"the control store has lost something: it has {changes} change(s), beside the keys "
                               f"{before} are counted: {counter.REMEDY}")
        if changes > (before or 0):  # a run was killed between the store's change and the number beside the keys
            counter.raise_counter(home / "keys", changes)
        return found

    @classmethod
    def unchecked(cls, folder: Path) -> "ControlStore":
        """The default store whatever it has lost; for starting anew alone."""
        path = folder / "control.db"
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        return cls(f"sqlite:///{path}", folder.parent / "keys")

    def changes(self) -> int:
        """How often the store has been changed."""
        found = self.rows(sa.select(store_state.c.changes))
        return int(found[0]["changes"]) if found else 0

    def start_anew(self, before: int | None, by: str, reason: str, day: date) -> int:
        """Record that a person goes on with the store as it is; returns the number from which it counts on."""
        found = self.changes()
        number = max(before or 0, found) + 1
        with _control_errors(), self._engine.begin() as connection:
            connection.execute(store_state.delete())
            connection.execute(store_state.insert(), {"id": 1, "changes": number})
            connection.execute(new_starts.insert(), {"changes_before": before, "changes_found": found,
                                                     "accepted_by": by, "reason": reason, "accepted_on": day})
        if self._keys is not None:
            counter.reset_counter(self._keys, number)
        return number

    @contextmanager
    def change(self) -> Iterator[sa.Connection]:
        """One transaction that changes the store; every change goes through here, and is counted in it."""
        with _control_errors(), self._engine.begin() as connection:
            counted = sa.update(store_state).values(changes=store_state.c.changes + 1)
            if connection.execute(counted).rowcount == 0:
                connection.execute(store_state.insert(), {"id": 1, "changes": 1})
            number = int(connection.execute(sa.select(store_state.c.changes)).scalar_one())
            yield connection
        if self._keys is not None:
            counter.raise_counter(self._keys, number)

    def insert(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows in one transaction."""
        if rows:
            with self.change() as connection:
                connection.execute(table.insert(), list(rows))

    def _bring_over(self, there: Collection[str]) -> None:
        """Take over the row counts of a store from before there were other measures; its old tables stay."""
        if "source_counts" not in there:
            return
        if self.rows(sa.select(month_measures.c.id).limit(1)):
            return
        old = {name: sa.Table(name, sa.MetaData(), autoload_with=self._engine)
               for name in ("source_counts", "shrunken_sources", "accepted_counts")
               if name in there}
        listed = {name: self.rows(sa.select(table).order_by(table.c.id)) for name, table in old.items()}
        gone = {(row["run_id"], row["table_name"]) for row in listed.get("shrunken_sources", ())}
        runs = [{**row, "stands": (row["run_id"], row["table_name"]) not in gone} for row in listed["source_counts"]]
        by_month = sorted((*listed.get("accepted_counts", ()), *runs), key=lambda row: (row["month"], "stands" in row))
        now = utc_now()
        self.insert(month_measures, [
            {**measure, "month": row["month"], "run_id": row.get("run_id", "accepted"), "recorded_at": now,
             "accepted_by": row.get("accepted_by"), "reason": row.get("reason"), "accepted_on": row.get("accepted_on")}
            for row in by_month for measure in row_measures([row])])

    def rows(self, query: sa.Select[Any]) -> list[Columns]:
        """The rows of a query, as dictionaries."""
        with _control_errors(), self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def record_month(self, month: str, run_id: str, policy_version: str, measures: Sequence[control_rows.Measure],
                     opened: Sequence[control_rows.Sealed] = ()) -> None:
        """Record a month's success with what it measured.

        Args:
            month: YYYY-MM.
            run_id: the run.
            policy_version: the policy it decided by.
            measures: each figure with whether it is evidence.
            opened: the sealed ids of what was open, for later months alone.
        """
        now = utc_now()
        with self.change() as connection:
            connection.execute(months.insert(), {"month": month, "run_id": run_id, "policy_version": policy_version,
                                                 "finished_at": now})
            _insert(connection, month_measures, [
                {"month": month, "run_id": run_id, "recorded_at": now, **row} for row in measures])
            _insert(connection, open_records, [{"month": month, "run_id": run_id, **row} for row in opened])
        self._forget_open_records()

    def _forget_open_records(self) -> None:
        """Destroy the sets of ids that no later run is compared with: they live no longer than they are needed."""
        newest = max((row["month"] for row in self.rows(sa.select(months.c.month))), default="")
        kept = {(row["run_id"], row["table_name"]) for row in self.previous_measures(newest)
                if row["guard"] == "closings"}
        table = open_records.c
        gone = [row["id"] for row in self.rows(sa.select(table.id, table.run_id, table.table_name))
                if (row["run_id"], row["table_name"]) not in kept]
        if gone:
            with self.change() as connection:
                connection.execute(open_records.delete().where(table.id.in_(gone)))

    def replace_effects(self, sources: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        """Drop what is stored of some sources, and store rows instead, in one transaction."""
        with self.change() as connection:
            if sources:
                connection.execute(effects.delete().where(effects.c.source == sa.bindparam("gone")),
                                   [{"gone": source} for source in sources])
            if rows:
                connection.execute(effects.insert(), list(rows))

    def record_acceptance(self, measures: Sequence[control_rows.Acceptance],
                          opened: Sequence[control_rows.SealedOfRun]) -> None:
        """Record that measures of a month are right as they are."""
        with self.change() as connection:
            _insert(connection, month_measures, [{**row, "stands": True, "recorded_at": utc_now()} for row in measures])
            _insert(connection, open_records, opened)

    def previous_measures(self, month: str) -> list[control_rows.ComparedMeasure]:
        """What each guard of `month` is compared with.

        The newest run of whatever month, or acceptance, in which it was evidence; and, where the month has run before,
        the first of this month. An acceptance makes earlier runs forgotten. What a plan of ours removed since is taken
        off. What was never evidence has no row.
        """
        table = month_measures.c
        since: dict[tuple[str, str, str], list[control_rows.StoredMeasure]] = {}
        stored = self.rows(sa.select(month_measures).where(table.stands).order_by(table.id))
        for row in cast(list[control_rows.StoredMeasure], stored):
            known = since.setdefault((row["guard"], row["table_name"], row["column_name"]), [])
            if row["accepted_by"] is not None:
                known.clear()
            known.append(row)
        executed = cast(list[control_rows.ExecutedCount], self.rows(sa.select(executed_counts)))
        found: list[control_rows.ComparedMeasure] = []
        for known in since.values():
            first = next((row for row in known if row["month"] == month), known[-1])
            found.append({**_less_executed(known[-1], executed), "is_first": False})
            if first is not known[-1]:
                found.append({**_less_executed(first, executed), "is_first": True})
            elif first["month"] == month:  # newest and first of its month in one: it may not get worse, either
                found[-1]["is_first"] = True
        return found

    def record_access(self, token: str, month: str, what: str, by: str) -> None:
        """Records an access to a person's data; `token`: of the subject, by its key store, or EVERYBODY."""
        self.insert(access_log, [{"subject_id": token, "month": month, "what": what, "by": by, "looked_at": utc_now()}])

    def warranties_before(self, month: str) -> dict[str, int | None]:
        """Each product's warranty as the last successful month before a month saw it."""
        table = product_warranties.c
        return {row["product_id"]: row["warranty_years"] for row in self.rows(
            sa.select(table.product_id, table.warranty_years).where(table.month < month)
            .order_by(table.month, table.id))}

    def record_decision(self, decision: control_rows.ReviewDecision, invoices: Sequence[control_rows.ReleasedInvoice],
                        faults: Sequence[control_rows.ReleasedFault] = ()) -> int:
        """Append a review decision with what it releases, and return its id."""
        with self.change() as connection:
            made = connection.execute(review_decisions.insert(), decision).inserted_primary_key
            decision_id = int(made[0]) if made is not None else 0
            if invoices:
                connection.execute(released_invoices.insert(),
                                   [{"decision_id": decision_id, **row} for row in invoices])
            if faults:
                connection.execute(released_faults.insert(), [{"decision_id": decision_id, **row} for row in faults])
            return decision_id

    def append_hold_event(self, event: control_rows.HoldEvent) -> int:
        """Append an event of a legal hold, and return the row's id: the hold's number where the event places it."""
        with self.change() as connection:
            made = connection.execute(hold_events.insert(), event).inserted_primary_key
            return int(made[0]) if made is not None else 0

    def legal_holds(self) -> list[control_rows.LegalHold]:
        """Every hold as its events leave it, oldest first."""
        found: dict[int, control_rows.LegalHold] = {}
        for row in self.rows(sa.select(hold_events).order_by(hold_events.c.id)):
            if row["event"] == "placed":
                found[row["id"]] = {"id": row["id"], "subject_id": row["subject_id"], "owner": row["owner"],
                                    "ground": row["ground"], "placed_on": row["happened_on"], "lifted_on": None,
                                    "expires_on": row["expires_on"]}
            hold = found[row["hold_id"] or row["id"]]
            hold["expires_on"] = row["expires_on"]
            if row["event"] == "lifted":
                hold["lifted_on"] = row["happened_on"]
        return list(found.values())

    def releases(self) -> list[control_rows.ReleaseRow]:
        """Every release, oldest first."""
        return cast(list[control_rows.ReleaseRow], self.rows(sa.select(releases).order_by(releases.c.id)))

    def record_release(self, release: control_rows.NewRelease,
                       decided: Mapping[str, Sequence[Mapping[str, str]]]) -> None:
        """Append a release with what later ones must keep to, rows by table: all of it or nothing."""
        with self.change() as connection:
            for table, rows in decided.items():
                _insert(connection, META.tables[table], rows)
            _insert(connection, releases, [release])

    def release_groups(self, manifest_sha256: str) -> tuple[control_rows.PeopleGroup, ...]:
        """By which type and region a release describes people; none for one that was made before this was decided."""
        columns = [release_groups.c[name] for name in control_rows.PeopleGroup._fields]
        found = self.rows(sa.select(*columns).distinct().where(release_groups.c.manifest_sha256 == manifest_sha256)
                          .order_by(*columns))  # one that stood twice would count facts twice
        return tuple(control_rows.PeopleGroup(**row) for row in found)

    def release_periods(self, manifest_sha256: str) -> dict[str, tuple[Stretch, ...]]:
        """By how long periods a release shows each population of facts, in order of time; by months where none is."""
        found: dict[str, tuple[Stretch, ...]] = {}
        for row in self.rows(sa.select(release_periods).where(release_periods.c.manifest_sha256 == manifest_sha256)
                             .order_by(release_periods.c.since, release_periods.c.id)):
            found[row["population"]] = (*found.get(row["population"], ()), Stretch(row["since"], row["length"]))
        return found


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(table.insert(), list(rows))


def _less_executed(row: control_rows.StoredMeasure,
                   executed: Sequence[control_rows.ExecutedCount]) -> control_rows.StoredMeasure:
    """A measure without the rows and values that carrying out plans has taken away since."""
    def since(column: str) -> int:
        return sum(int(count["rows"]) for count in executed if count["table_name"] == row["table_name"]
                   and count["column_name"] == column and count["executed_at"] > row["recorded_at"])

    if row["guard"] not in ("rows", "keeps", "ends"):
        return row
    found: control_rows.StoredMeasure = {**row, "whole": max(0, (row["whole"] or 0) - since(""))}
    if row["part"] is not None:
        found["part"] = max(0, row["part"] - since("" if row["guard"] == "rows" else row["column_name"]))
    return found


def row_measures(counts: Iterable[control_rows.RowCount]) -> list[control_rows.Measure]:
    """Row counts as measures."""
    return [{"guard": "rows", "table_name": row["table_name"], "column_name": "",
             "part": row["rows"] if row["present"] else None, "whole": row["rows"], "newest": None,
             "stands": row.get("stands", True)} for row in counts]


@contextmanager
def _control_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise ControlError(f"the control store refused ({type(error).__name__}): "
                           "check control/ and its permissions") from None
