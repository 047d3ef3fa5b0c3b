"""Making a plan: everything that is due in the newest decided month, counted, with what stands in its way.

Belongs here: from the decisions of a month to a plan's rows, its summary and its id. Does not belong here: changing
anything in the warehouse (`apply`), what becomes of a plan afterwards (`plans`, `approve`).
"""

import hashlib
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement import bodies, claims, copies, shapes, waits
from ajprivacy_pipeline.enforcement.apply import open_writer
from ajprivacy_pipeline.enforcement.current import current_policy
from ajprivacy_pipeline.enforcement.ground import Ground, changes, look_at
from ajprivacy_pipeline.enforcement.key_fingerprints import require_same_keys
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.overdue import note_nothing_due
from ajprivacy_pipeline.enforcement.plans import (
    RUNNING,
    WAITING,
    Plan,
    destroy_file,
    forget_old,
    known_plans,
    mapping_hash,
    move,
    plan_file,
    record_plan,
)
from ajprivacy_pipeline.enforcement.recover import require_unrestored
from ajprivacy_pipeline.enforcement.reread import look_again, still_due
from ajprivacy_pipeline.enforcement.returned import keep_cells
from ajprivacy_pipeline.enforcement.stages import Part, Stage, stages_of
from ajprivacy_pipeline.enforcement.whole import Whole, taken
from ajprivacy_pipeline.enforcement.work import Item, columns_of, items
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.retention.carried import FirstDue
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_tables import months
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import newest_month, read_month
from ajprivacy_pipeline.warehouse.source import open_source

ROWS = ("row_no BIGINT, entity VARCHAR, record_id VARCHAR, part VARCHAR, subject_id VARCHAR, clause VARCHAR, "
        "due_on DATE, cells BIGINT, fingerprint VARCHAR, is_carried BOOLEAN, state VARCHAR, batch INTEGER")
_ARROW = pa.schema([("row_no", pa.int64()), ("entity", pa.string()), ("record_id", pa.string()), ("part", pa.string()),
                    ("subject_id", pa.string()), ("clause", pa.string()), ("due_on", pa.date32()),
                    ("cells", pa.int64()), ("fingerprint", pa.string()), ("is_carried", pa.bool_())])
_AT_ONCE = 50_000


def make_plan(settings: Settings, month: str | None = None, *, by: str = "system") -> shapes.PlanSummary:
    """Make the plan of the newest decided month; an older one that nobody has approved is superseded by it.

    Raises:
        EnforcementError: the month is not the newest decided one, or another plan is approved or being carried out.
        PrivacyError: the month's file, the policy or the warehouse is not usable.
    """
    with boundary("plan"):
        newest = newest_month(settings)
        if month is not None and month != newest:
            raise EnforcementError(f"{month} is not the newest decided month ({newest}): plans are made of that one")
        policy = current_policy(settings)
        control = ControlStore.in_folder(settings.control)
        keys = KeyStore(settings.keys, settings.root_key)
        require_none_running(known_plans(control), policy)
        with read_month(settings, newest) as (con, _):
            return plan_of(con, settings, policy, control, keys, newest, by=by)


def require_none_running(plans: Iterable[Plan], policy: Policy, request: str | None = None) -> None:
    """Stop where a month's plan, or one of the same request, is approved or being carried out (EnforcementError)."""
    for plan in plans:
        if plan.request == request and (state := plan.state(policy.enforcement.approval_days)) in RUNNING:
            raise EnforcementError(f"plan {plan.id} is {state}: carry it out with `ajprivacy plan apply {plan.id}`, "
                                   "or withdraw it, before another one is made")


def plan_of(con: zones.Connection, settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore,
            month: str, *, by: str = "system") -> shapes.PlanSummary:
    """Make the plan of a month whose decided file is open; the last step of the monthly job.

    Raises:
        EnforcementError: as `make_plan`, or the month has not succeeded.
    """
    planning = Planning(con, settings, policy, control, keys, month)
    return planning.make(by, planning.waiting)


def ready_ground(settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore) -> Ground:
    """Returns the ground of plans, where ledger, keys and warehouse belong together; what is too old is forgotten.

    Raises:
        PrivacyError: the ledger has a fault, the warehouse was restored, or was carried out in under other keys.
    """
    ledger = Ledger(control, keys, settings.keys)
    ledger.check()
    ledger.forget_years(today(policy.retention.time_zone), policy.enforcement.ledger.years)
    forget_old(settings, control, keys, policy)
    with open_writer(settings.warehouse_url, policy.enforcement.batch.lock_wait_seconds) as writer:
        require_same_keys(writer, keys)
        if any(entry.kind == "batch" for entry in ledger.entries()):
            require_unrestored(writer, ledger)
    with open_source(settings.warehouse_url) as source:
        return look_at(source, settings, policy)


def _require_decided(con: zones.Connection, control: ControlStore, policy: Policy, month: str) -> None:
    """What requests have ended is remembered when a month succeeds; before, nothing of it may be carried out."""
    if not control.rows(sa.select(months.c.id).where(months.c.month == month).limit(1)):
        raise EnforcementError(f"{month} was decided and has not succeeded: run it to its end with "
                               f"`ajprivacy run --month {month}`")
    decided_by = con.execute("SELECT policy_version FROM retention.basis").fetchall()[0][0]
    if decided_by != policy.version:
        raise EnforcementError(f"{month} was decided by policy {decided_by}, and the policy is {policy.version} now: "
                               "run the month again, then make the plan")


class Planning:
    """The making of plans on the same facts: what is due is divided once into what may go and what waits.

    A month has one plan; of several requests each person's is cut out of what was divided (`requested`).
    """

    def __init__(self, con: zones.Connection, settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore,
                 month: str, asked_on: date | None = None) -> None:
        """Divide what is due in the decided zone `con`; where people ask, what stands in `scratch.due`, on that day.

        Raises:
            EnforcementError: the month has not succeeded, or the month's plan is approved or being carried out.
            PrivacyError: ledger, keys and warehouse do not belong together.
        """
        self.con, self.settings, self.policy, self.control, self.keys = con, settings, policy, control, keys
        self.month, self.of_month, self.day = month, asked_on is None, asked_on or as_of(month)
        self.known, self.ledger = known_plans(control), Ledger(control, keys, settings.keys)
        if self.of_month:
            require_none_running(self.known, policy)
        _require_decided(con, control, policy, month)
        self.ground, self.stages = ready_ground(settings, policy, control, keys), stages_of(policy)
        due = still_due(con, settings, keys, self.ledger, "retention.due" if self.of_month else "scratch.due")
        self.waiting = waits.set_aside(con, self.ground.places, self.stages, policy.sources, self.day, due)
        self.returned = look_again(con, settings, policy, control, keys, self.ledger, self.ground, "system",
                                   ) if self.of_month else {}
        self.whole = Whole(con, policy, taken(con, settings, keys, policy, self.ledger.entries(), [
            plan for plan in self.known if (plan.request is None) == self.of_month]))
        self.first_due, self.facts_key = FirstDue(control, keys), keys.derive("plan", "facts")
        self.key = secrets.token_bytes(32)  # of fingerprints, which stand in the plans' own files alone
        self.copied: Mapping[int, Sequence[copies.Row]] | None = None  # rows that may go, where they were read before
        self._gathered: dict[tuple[str, str], Item] = {}

    def gather(self) -> None:
        """Read once what the plans of several requests are cut out of: the rows behind what may go, and of copies."""
        self._gathered = {(item.entity, item.record_id): item for item in self.items()}
        self.keep_cells(waits.READY, "scratch.cells_of_all")
        claims.claim(self.con, self.policy, self.ground, waits.READY)
        with open_source(self.settings.warehouse_url) as source:
            self.copied = copies.read_claimed(self.con, self.ground, source)

    def keep_cells(self, relation: str, to: str) -> None:
        """Write a short hash of each cell behind due parts to a table, for what is written back in part."""
        keep_cells(self.con, self.policy, self.stages, self.ground.places, self.key, relation, to)

    def items(self) -> Iterator[Item]:
        """Yields the rows behind what may go, table by table."""
        there = {row[0] for row in self.con.execute(f"SELECT DISTINCT entity FROM {waits.READY}").fetchall()}
        for entity in filter(there.__contains__, self.ground.places):
            yield from items(self.con, self.policy, self.stages, entity, waits.READY, (self.key, self.facts_key))

    def gathered_items(self) -> Iterator[Item]:
        """Yields the same of what was gathered, with the parts that stand in `scratch.ready` now."""
        found: dict[str, list[Item]] = defaultdict(list)
        for entity, record_id, subject_id, parts in self.con.execute(
                f"SELECT entity, record_id, any_value(subject_id), list(part ORDER BY part) FROM {waits.READY} "
                "GROUP BY entity, record_id ORDER BY record_id").fetchall():
            if (item := self._gathered.get((entity, record_id))) is not None:  # else no row is behind it
                found[entity].append(item.only(subject_id, parts))
        for entity in self.ground.places:
            yield from found[entity]

    def make(self, by: str, waiting: list[bodies.Waiting], request: str | None = None) -> shapes.PlanSummary:
        """Make a plan of what stands in `scratch.ready`; an older one of its kind that nobody approved is superseded.

        One that has expired stays expired.

        Args:
            by: who makes it.
            waiting: what of the same waits.
            request: whose plan it is; None: the month's.
        """
        summary, plan = _Making(self, request).run(len(self.known) + 1, waiting)
        for older in self.known:
            state = older.state(self.policy.enforcement.approval_days)
            if older.request == request and state in (*WAITING, "expired"):
                move(self.control, self.ledger, older, "expired" if state == "expired" else "superseded", by)
                destroy_file(self.settings, self.keys, older.id)
        if plan is None and request is None:
            note_nothing_due(self.con, self.ledger, summary)
        self.known += [plan] if plan is not None else []
        return summary


class _Making:
    """One making of a plan."""

    def __init__(self, planning: Planning, request: str | None) -> None:
        self.planning, self.request = planning, request
        self.con, self.policy, self.ground = planning.con, planning.policy, planning.ground
        self.stages, self.day = planning.stages, planning.day
        self.parts: dict[Part, Counter[str]] = defaultdict(Counter)
        self.fixed: Counter[tuple[str, str, str]] = Counter()  # table, column, and why it is not carried out by us
        self.facts = hashlib.sha256()  # of keyed hashes: an id tells nothing of what it is made of
        self.rows = 0
        self.days: Counter[date] = Counter()  # since when how many decisions are due

    def run(self, number: int, waiting: list[bodies.Waiting]) -> tuple[shapes.PlanSummary, Plan | None]:
        batches = list(self._batches())
        copied, kept = self._copies()
        summary = self._summary(waiting + kept, copied)
        if self.planning.returned:
            summary["written_back"] = self.planning.returned
        if not self.rows:
            return summary, None
        plan = self._plan(number, summary)
        summary["plan"] = plan.id
        self._write(plan, batches)
        record_plan(self.planning.ledger, plan)
        return summary, plan

    def _batches(self) -> Iterator[pa.Table]:
        rows: list[tuple[Any, ...]] = []
        for item in self.planning.items() if self.request is None else self.planning.gathered_items():
            rows += self._decisions(item)
            if len(rows) >= _AT_ONCE:
                yield _table(rows)
                rows = []
        if rows:
            yield _table(rows)

    def _decisions(self, item: Item) -> Iterator[tuple[Any, ...]]:
        place = self.ground.places[item.entity].of(item.record_id)
        for part, decided_on in item.parts.items():
            due_on = self.planning.first_due.of(item.entity, item.record_id, part, decided_on)
            self.days[due_on] += 1
            stage = self.stages[item.entity, part]
            columns = columns_of(stage, item)
            cells, unchanged = self._cells(stage, item, columns), True
            for column in () if stage.deletes and place.key else columns:
                if place.stays(column) and item.values[column] is not None:
                    self.fixed[item.entity, column, place.fixed[column]] += 1
                    unchanged = False
            mark, known = (marks[part] for marks in item.marks)
            self.facts.update(known.encode())
            self.rows += 1
            counted = self.parts[item.entity, part]
            counted["rows"] += 1
            counted["cells"] += cells
            yield (self.rows, item.entity, item.record_id, part, item.subject_id, stage.clause, due_on, cells, mark,
                   unchanged)

    def _cells(self, stage: Stage, item: Item, columns: Sequence[str]) -> int:
        place = self.ground.places[item.entity].of(item.record_id)
        if stage.deletes:
            return sum(value is not None for value in item.values.values()) if place.key else 0
        return sum(changes(self.policy, place, self.ground.facts, stage, item, column) for column in columns
                   if column in place.columns) + sum(item.values[column] is not None for column in columns
                                                     if column in place.carried)

    def _copies(self) -> tuple[list[bodies.CopyCount], list[bodies.Waiting]]:
        if not self.ground.copies:
            return [], []
        if (known := self.planning.copied) is not None:
            return copies.planned(self.con, self.ground, lambda place: known[place.number], waits.READY)
        claims.find_holders(self.con, self.policy, self.ground)
        with open_source(self.planning.settings.warehouse_url) as source:
            return copies.planned(self.con, self.ground, partial(copies.read, source), waits.READY)

    def _summary(self, waiting: list[bodies.Waiting], copied: list[bodies.CopyCount]) -> shapes.PlanSummary:
        people = self.con.execute(f"SELECT count(DISTINCT subject_id) FROM {waits.READY}").fetchall()[0][0]
        years: Counter[str] = Counter()
        for since, rows in self.days.items():
            if since < _month_before(self.day):
                years[str(since.year)] += rows
        summary: list[bodies.Count] = [
            {"entity": entity, "part": part, "action": stage.action, "clause": stage.clause,
             "rows": self.parts[entity, part]["rows"], "cells": self.parts[entity, part]["cells"]}
            for (entity, part), stage in self.stages.items() if (entity, part) in self.parts]
        return {"plan": None, "month": self.planning.month, "as_of": self.day.isoformat(),
                "policy_version": self.policy.version, "rows": self.rows,
                "cells": sum(row["cells"] for row in (*summary, *copied)), "subjects": people,
                "oldest_due_on": min(self.days).isoformat() if self.days else None, "summary": summary,
                "brake": self.planning.whole.brake(summary),
                "not_carried_out": [{"entity": entity, "column": column, "rows": rows, "reason": reason}
                                    for (entity, column, reason), rows in sorted(self.fixed.items())],
                "waiting": waiting, "refused": self._refused(), "overdue": dict(sorted(years.items())),
                "kept": self.planning.whole.kept, "copies": copied, "request": self.request}

    def _refused(self) -> list[shapes.Refused]:
        """What stands in the way of what is due now; what would refuse a table that nothing goes from waits."""
        touched = {".".join(place.table) for entity, _ in self.parts for place in self.ground.places[entity].each}
        touched |= {place.facts.shown for place in self.ground.copies if set(place.parts) & set(self.parts)}
        return [found for found in self.ground.refused if found["table"] in touched]

    def _plan(self, number: int, summary: shapes.PlanSummary) -> Plan:
        told = [self.planning.month, summary["as_of"], self.facts.hexdigest(), self.policy.version,
                mapping_hash(self.planning.settings), self.ground.catalogue_sha256, self.ground.warehouse, str(number)]
        return Plan(hashlib.sha256("\n".join(told).encode()).hexdigest()[:16], number, self.planning.month, self.day,
                    self.policy.version, told[4], self.ground.catalogue_sha256, self.ground.warehouse, utc_now(),
                    summary, ())

    def _write(self, plan: Plan, batches: Sequence[pa.Table]) -> None:
        settings, keys = self.planning.settings, self.planning.keys
        destroy_file(settings, keys, plan.id)  # what a killed making of the same plan left
        with zones.attached(self.con, keys, plan_file(settings, plan.id), "made", create=True):
            self.con.execute(f"CREATE TABLE made.rows ({ROWS})")
            self.con.execute("CREATE TABLE made.secret AS SELECT $key::VARCHAR AS key",
                             {"key": self.planning.key.hex()})
            for batch in batches:
                self.con.register("planned", batch)
                self.con.execute("INSERT INTO made.rows SELECT *, NULL, NULL FROM planned")
                self.con.unregister("planned")
            if self.request is None:
                self.planning.keep_cells("made.rows", "made.cells")
            else:
                self.con.execute("CREATE TABLE made.cells AS SELECT DISTINCT c.* FROM scratch.cells_of_all AS c "
                                 "SEMI JOIN made.rows USING (entity, record_id, part)")


def _month_before(day: date) -> date:
    return (day - timedelta(days=1)).replace(day=1)


def _table(rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns = zip(zip(*rows, strict=True), _ARROW, strict=True)
    return pa.table([pa.array(column, field.type) for column, field in columns], schema=_ARROW)
