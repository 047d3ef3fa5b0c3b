"""Making a plan: everything that is due in the newest decided month, counted, with what stands in its way.

Belongs here: from the decisions of a month to a plan's rows, its summary and its id. Does not belong here: changing
anything in the warehouse (`apply`), what becomes of a plan afterwards (`plans`, `approve`).
"""

import hashlib
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement import bodies, copies, shapes, waits
from ajprivacy_pipeline.enforcement.apply import open_writer
from ajprivacy_pipeline.enforcement.ground import Ground, changes, current_policy, look_at
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.plans import (
    RUNNING,
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
from ajprivacy_pipeline.enforcement.sealed import require_same_keys
from ajprivacy_pipeline.enforcement.stages import Stage, stages_of
from ajprivacy_pipeline.enforcement.targets import Part
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
        require_none_running(control, policy)
        with read_month(settings, newest) as (con, _):
            return plan_of(con, settings, policy, control, keys, newest, by=by)


def require_none_running(control: ControlStore, policy: Policy, request: str | None = None) -> None:
    """Stop where a month's plan, or one of the same request, is approved or being carried out (EnforcementError)."""
    for plan in known_plans(control):
        if plan.request == request and (state := plan.state(policy.enforcement.approval_days)) in RUNNING:
            raise EnforcementError(f"plan {plan.id} is {state}: carry it out with `ajprivacy plan apply {plan.id}`, "
                                   "or withdraw it, before another one is made")


def plan_of(con: zones.Connection, settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore,
            month: str, *, by: str = "system", request: str | None = None, day: date | None = None,
            ground: Ground | None = None) -> shapes.PlanSummary:
    """Make the plan of a month whose decided file is open; the last step of the monthly job.

    With a request the plan is that person's: of what stands in `scratch.due`, judged on `day` instead of the month's.
    Who makes several under one lock looks at the ground once (`ready_ground`).

    Raises:
        EnforcementError: as `make_plan`, or the month has not succeeded.
    """
    require_none_running(control, policy, request)
    _require_decided(con, control, policy, month)
    ledger, known = Ledger(control, keys, settings.keys), known_plans(control)
    summary = _Making(con, settings, policy, ledger, control, keys, month,
                      ground or ready_ground(settings, policy, control, keys), request,
                      day or as_of(month)).run(len(known) + 1)
    for plan in known:
        state = plan.state(policy.enforcement.approval_days)
        if plan.request == request and state in ("made", "first_approval", "expired"):
            move(control, ledger, plan, "superseded", by)
            destroy_file(settings, keys, plan.id)
    return summary


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


class _Making:
    """One making of a plan."""

    def __init__(self, con: zones.Connection, settings: Settings, policy: Policy, ledger: Ledger, control: ControlStore,
                 keys: KeyStore, month: str, ground: Ground, request: str | None, day: date) -> None:
        self.con, self.settings, self.policy, self.ledger, self.control = con, settings, policy, ledger, control
        self.keys, self.month, self.ground, self.request, self.day = keys, month, ground, request, day
        self.stages = stages_of(policy)
        self.parts: dict[Part, Counter[str]] = defaultdict(Counter)
        self.fixed: Counter[tuple[str, str]] = Counter()
        self.key = secrets.token_bytes(32)
        self.facts_key = keys.derive("plan", "facts")
        self.facts = hashlib.sha256()  # of keyed hashes: an id tells nothing of what it is made of
        self.rows = 0
        self.days: Counter[date] = Counter()  # since when how many decisions are due
        self.first_due = FirstDue(control, keys)

    def run(self, number: int) -> shapes.PlanSummary:
        due = still_due(self.con, self.settings, self.keys, self.ledger,
                        "retention.due" if self.request is None else "scratch.due")
        waiting = waits.set_aside(self.con, self.ground.places, self.stages, self.policy.sources, self.day,
                                  due)
        returned = {} if self.request is not None else look_again(
            self.con, self.settings, self.policy, self.control, self.keys, self.ledger, self.ground, "system")
        batches = list(self._batches())
        copied, kept = self._copies()
        summary = self._summary(waiting + kept, copied)
        if returned:
            summary["written_back"] = returned
        if not self.rows:
            return summary
        plan = self._plan(number, summary)
        summary["plan"] = plan.id
        self._write(plan, batches)
        record_plan(self.ledger, replace(plan, summary=summary))
        return summary

    def _batches(self) -> Iterator[pa.Table]:
        rows: list[tuple[Any, ...]] = []
        for entity in self.ground.places:
            for item in items(self.con, self.policy, self.stages, entity, waits.READY, (self.key, self.facts_key)):
                rows += self._decisions(item)
                if len(rows) >= _AT_ONCE:
                    yield _table(rows)
                    rows = []
        if rows:
            yield _table(rows)

    def _decisions(self, item: Item) -> Iterator[tuple[Any, ...]]:
        place = self.ground.places[item.entity]
        for part, decided_on in item.parts.items():
            due_on = self.first_due.of(item.entity, item.record_id, part, decided_on)
            self.days[due_on] += 1
            stage = self.stages[item.entity, part]
            columns = columns_of(stage, item)
            cells, unchanged = self._cells(stage, item, columns), True
            for column in () if stage.deletes and place.key else columns:
                if column in place.fixed and item.values[column] is not None:
                    self.fixed[item.entity, column] += 1
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
        place = self.ground.places[item.entity]
        if stage.deletes:
            return sum(value is not None for value in item.values.values()) if place.key else 0
        return sum(changes(self.policy, place, self.ground.facts, stage, item, column) for column in columns
                   if column in place.columns)

    def _copies(self) -> tuple[list[bodies.CopyCount], list[bodies.Waiting]]:
        if not self.ground.copies:
            return [], []
        with open_source(self.settings.warehouse_url) as source:
            return copies.planned(self.con, self.policy, self.ground, source, waits.READY)

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
        return {"plan": None, "month": self.month, "as_of": self.day.isoformat(), "policy_version": self.policy.version,
                "rows": self.rows, "cells": sum(row["cells"] for row in (*summary, *copied)), "subjects": people,
                "oldest_due_on": min(self.days).isoformat() if self.days else None, "summary": summary,
                "brake": brake(self.con, self.policy, [plan for plan in known_plans(self.control)
                                                       if (plan.request is None) == (self.request is None)], summary),
                "not_carried_out": [{"entity": entity, "column": column, "rows": rows,
                                     "reason": self.ground.places[entity].fixed[column]}
                                    for (entity, column), rows in sorted(self.fixed.items())],
                "waiting": waiting, "refused": self._refused(), "overdue": dict(sorted(years.items())),
                "kept": _kept(self.con), "copies": copied, "request": self.request}

    def _refused(self) -> list[shapes.Refused]:
        """What stands in the way of what is due now; what would refuse a table that nothing goes from waits."""
        touched = {".".join(self.ground.places[entity].table) for entity, _ in self.parts}
        touched |= {place.facts.shown for place in self.ground.copies if set(place.parts) & set(self.parts)}
        return [found for found in self.ground.refused if found["table"] in touched]

    def _plan(self, number: int, summary: shapes.PlanSummary) -> Plan:
        told = [self.month, summary["as_of"], self.facts.hexdigest(), self.policy.version, mapping_hash(self.settings),
                self.ground.catalogue_sha256, self.ground.warehouse, str(number)]
        return Plan(hashlib.sha256("\n".join(told).encode()).hexdigest()[:16], number, self.month, self.day,
                    self.policy.version, told[4], self.ground.catalogue_sha256, self.ground.warehouse, utc_now(),
                    summary, ())

    def _write(self, plan: Plan, batches: Sequence[pa.Table]) -> None:
        destroy_file(self.settings, self.keys, plan.id)  # what a killed making of the same plan left
        with zones.attached(self.con, self.keys, plan_file(self.settings, plan.id), "made", create=True):
            self.con.execute(f"CREATE TABLE made.rows ({ROWS})")
            self.con.execute("CREATE TABLE made.secret AS SELECT $key::VARCHAR AS key", {"key": self.key.hex()})
            for batch in batches:
                self.con.register("planned", batch)
                self.con.execute("INSERT INTO made.rows SELECT *, NULL, NULL FROM planned")
                self.con.unregister("planned")


def brake(con: zones.Connection, policy: Policy, plans: Iterable[Plan],
          summary: Sequence[bodies.Count]) -> list[shapes.BrakeRow]:
    """Returns the share of each part's rows with a value that goes, with what the last of some plans took away."""
    rules = policy.enforcement.brake
    before: Counter[Part] = Counter()
    since = utc_now() - timedelta(days=rules.days)
    for plan in plans:
        for event in plan.events:
            if event.event == "applied" and event.happened_at >= since:
                for entity, part, rows in event.detail.get("parts", ()):
                    before[entity, part] += rows
    held = {(entity, part): rows for entity, part, rows in con.execute(_WITH_A_VALUE).fetchall()}
    found: list[shapes.BrakeRow] = []
    for row in summary:
        part = row["entity"], row["part"]
        bulk = policy.sources.tables[row["entity"]].bulk
        goes, limit = row["rows"] + before[part], rules.bulk_share if bulk else rules.share
        if bulk:
            columns = [f"r.{zones.quote(name)}::VARCHAR" for name in stages_of(policy)[part].columns]
            held[part] = con.execute(f"SELECT count(coalesce({', '.join(columns)})) "
                                     f"FROM raw.{zones.quote(row['entity'])} AS r").fetchall()[0][0]
        share = goes / max(1, held.get(part, 0) + before[part])
        found.append({"entity": row["entity"], "part": row["part"], "share": round(share, 4), "limit": limit,
                      "tripped": goes >= rules.least_rows and share > limit})
    return found


_WITH_A_VALUE = f"""
    SELECT entity, part, count(*) FROM {waits.DECIDED} WHERE decision <> 'absent' GROUP BY ALL
"""


def _kept(con: zones.Connection) -> dict[str, dict[str, int]]:
    """Decisions that keep something, by what keeps it."""
    found: dict[str, dict[str, int]] = {"retain": {}, "hold": {}}
    rows = con.execute("SELECT decision, why, count(*) FROM (SELECT decision, "
                       "unnest(CASE decision WHEN 'retain' THEN retained_by ELSE held_by END) AS why FROM ("
                       "SELECT decision, retained_by, held_by FROM retention.attribute_decisions UNION ALL "
                       "SELECT decision, retained_by, held_by FROM retention.record_decisions) "
                       "WHERE decision IN ('retain', 'hold')) GROUP BY ALL ORDER BY ALL").fetchall()
    for decision, why, count in rows:
        found[decision][why] = count
    return found


def _month_before(day: date) -> date:
    return (day - timedelta(days=1)).replace(day=1)


def _table(rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns = zip(zip(*rows, strict=True), _ARROW, strict=True)
    return pa.table([pa.array(column, field.type) for column, field in columns], schema=_ARROW)
