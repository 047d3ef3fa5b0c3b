"""One apply from start to end: what is left of a plan is decided anew, carried out in batches, recorded, verified.

Belongs here: the order of an apply, what is resumed after it was killed, and what it comes to. Does not belong here:
the inside of a batch (`apply`), what is still due (`fresh`), what became of each row (`outcome`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement import batch_size, bodies, erased, fresh, guarded, outcome, rectified, shapes
from ajprivacy_pipeline.enforcement.apply import (
    BusyError,
    Checkpoint,
    Door,
    Seen,
    Writer,
    open_writer,
    said_by_people,
    told,
)
from ajprivacy_pipeline.enforcement.approve import require_unchanged
from ajprivacy_pipeline.enforcement.current import current_policy
from ajprivacy_pipeline.enforcement.ground import Ground, histories, look_at
from ajprivacy_pipeline.enforcement.key_fingerprints import key_prints, require_same_keys
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.left_out import leave_out
from ajprivacy_pipeline.enforcement.people import people_of
from ajprivacy_pipeline.enforcement.plans import (
    RUNNING,
    WAITING,
    Plan,
    find_plan,
    forget_old,
    instead_of,
    move,
    plan_file,
    require_recorded,
)
from ajprivacy_pipeline.enforcement.recorded import Recorder, complete
from ajprivacy_pipeline.enforcement.recover import require_unrestored
from ajprivacy_pipeline.enforcement.residue import tidy_up, touched
from ajprivacy_pipeline.enforcement.stages import stages_of
from ajprivacy_pipeline.enforcement.sweep import look_through
from ajprivacy_pipeline.errors import EnforcementError, PrivacyError, StoppedError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release import ledger as release_ledger
from ajprivacy_pipeline.release.carried_facts import remember_facts
from ajprivacy_pipeline.retention.bind import remember_shared_requests
from ajprivacy_pipeline.retention.carried import FirstDue
from ajprivacy_pipeline.settings import Settings, prepare_home
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import warehouse_lock
from ajprivacy_pipeline.warehouse.source import open_source

_MAY_APPLY = ("approved", "applying", "applied", "verified", "unverified")


def nothing(_: str) -> None:
    """Pass a checkpoint by."""


def apply_plan(settings: Settings, name: str, *, by: str = "system", checkpoint: Checkpoint = nothing,
               ) -> shapes.ApplyResult:
    """Carry out an approved plan, or go on with one; of one that is carried out, read back what stands there.

    Raises:
        EnforcementError: it is not approved, or what was written does not stand there.
        StoppedError: policy, mapping or catalogue is not what it was approved under; done batches stand.
        PrivacyError: the warehouse or a store is not usable.
    """
    with boundary("apply"):
        prepare_home(settings)
        policy, control = current_policy(settings), ControlStore.in_folder(settings.control)
        keys = KeyStore(settings.keys, settings.root_key)
        plan = find_plan(control, name)
        state = plan.state(policy.enforcement.approval_days)
        if state not in _MAY_APPLY:
            raise EnforcementError(f"plan {plan.id} is {state}" + (
                f": approve it first, `ajprivacy plan approve {plan.id} --by NAME`"
                if state in WAITING else f": {instead_of(control, plan)}"))
        with warehouse_lock(settings, alone=True):
            forget_old(settings, control, keys, policy)
            with open_source(settings.warehouse_url) as source:
                ground = look_at(source, settings, policy)
            _require_ground(control, keys, plan, policy, settings, ground, by)
            if plan.rectifies:
                result = rectified.carry_out(settings, policy, control, keys, plan, ground, by, checkpoint)
            else:
                with _opened(settings, policy, keys, plan, ground.versions) as (con, writer):
                    result = _Apply(settings, policy, control, keys, plan, ground, con, writer, checkpoint).run(by)
            if result["verified"]:
                result["built_anew"] = leave_out(settings, policy, control, keys, plan, checkpoint)
            return result


def _require_ground(control: ControlStore, keys: KeyStore, plan: Plan, policy: Policy, settings: Settings,
                    ground: Ground, by: str) -> None:
    ledger = Ledger(control, keys, settings.keys)
    if ground.warehouse != plan.warehouse:
        raise EnforcementError(f"plan {plan.id} was made for another warehouse: point AJPRIVACY_WAREHOUSE to that one")
    require_recorded(plan, ledger)
    try:
        require_unchanged(plan, policy, settings, ground.catalogue_sha256)
    except EnforcementError as error:
        if plan.state(policy.enforcement.approval_days) not in RUNNING:
            raise  # it is carried out, and stays so: only what stands there cannot be looked at by it any more
        complete(settings, policy, control, keys, plan)
        move(control, ledger, plan, "stopped", by)
        raise StoppedError(f"{error}; what it has carried out stands") from None


@contextmanager
def _opened(settings: Settings, policy: Policy, keys: KeyStore, plan: Plan, versions: Mapping[tuple[str, ...], str],
            ) -> Iterator[tuple[zones.Connection, Writer]]:
    path = plan_file(settings, plan.id)
    if not path.exists():
        raise EnforcementError(f"the rows of plan {plan.id} are destroyed: make a new plan")
    with (fresh.fresh_zone(settings, keys, plan) as con, zones.attached(con, keys, path, "made", write=True),
          open_writer(settings.warehouse_url, policy.enforcement.batch.lock_wait_seconds, versions) as writer):
        yield con, writer


class _Apply:
    """One run of an apply."""

    def __init__(self, settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore, plan: Plan,
                 ground: Ground, con: zones.Connection, writer: Writer, checkpoint: Checkpoint) -> None:
        self.settings, self.policy, self.control, self.keys = settings, policy, control, keys
        self.plan, self.ground, self.con, self.writer, self.checkpoint = plan, ground, con, writer, checkpoint
        self.ledger = Ledger(control, keys, settings.keys)
        self.recorder = Recorder(con, writer, policy, control, keys, self.ledger, plan)
        self.copies: Counter[tuple[str, str]] = Counter()  # (table, "rows" | "cells")
        self.batches = 0
        self.arrived = 0
        self.written_back = 0
        # Of the next batch, by whether it is of events; how long locks are held here is not known yet.
        limits = policy.enforcement.batch
        self.sizes = {is_bulk: batch_size.fewest(limits, is_bulk=is_bulk) for is_bulk in (False, True)}
        self.seen: Seen

    def run(self, by: str) -> shapes.ApplyResult:
        self.writer.make_marker()
        self.ledger.check()
        require_same_keys(self.writer, self.keys)
        require_unrestored(self.writer, self.ledger)
        self.recorder.resume()
        before = outcome.tally(self.con)
        move(self.control, self.ledger, self.plan, "applying", by)
        for _ in range(self.policy.enforcement.batch.rounds):
            self.seen = Seen(today(self.policy.retention.time_zone), said_by_people(self.settings),
                             self.writer.moment(), {})
            fresh.decide(self.con, self.settings, self.policy, self.control, self.keys, self.plan, self.seen.on)
            remember_shared_requests(self.con, self.control, self.plan.month, f"apply {self.plan.id}")
            if not fresh.hold_against(self.con, self.policy, self.ground, self.plan):
                break
            self.written_back = self.written_back or outcome.written_back(self.con)
            erased.remember(self.con, self.keys, self.plan.id, self.policy, stages_of(self.policy))
            guarded.prepare(self.con, self.keys, self.control, self.policy)
            remember_facts(self.con, self.settings, self.policy, self.control, fresh.PENDING)
            self.seen = self.seen._replace(keys=key_prints(self.keys, self.plan.id))
            try:
                if not self._round():
                    break
            except EnforcementError:
                self._finish(before, by, verified=False)
                raise
        outcome.leave_the_rest(self.con, FirstDue(self.control, self.keys), self.plan.month, self.policy)
        return self._finish(before, by)

    def _round(self) -> bool:
        """Carry out what is pending; returns whether somebody was put off."""
        door = Door(self.settings, self.writer, self.con, self.policy, self.ground, self.plan, self.seen,
                    self.checkpoint, lambda number, done: self.recorder.record(
                        number, {**told(done, self.seen.on), "keys": self.seen.keys}))
        put_off = False
        for turns, is_bulk in self._crowds():
            number = 1 + max((0, *self.writer.markers(self.plan.id)))
            try:
                done = door.carry_out(number, turns)
            except BusyError:
                put_off = True
                continue
            put_off |= bool(done.put_off)
            if not done.rows:
                continue
            self.sizes[is_bulk] = batch_size.next_size(self.policy.enforcement.batch, len(turns), done.locked_seconds,
                                                       is_bulk=is_bulk)
            self.checkpoint("recorded")
            outcome.settle(self.con, number)
            self.batches += 1
            self.arrived += done.arrived
            for row in done.copies:
                self.copies += Counter({(row["table"], "rows"): row["rows"], (row["table"], "cells"): row["cells"]})
        return put_off

    def _crowds(self) -> Iterator[tuple[range, bool]]:
        """The turns of a batch at a time: people first, then events and log lines, of which more fit into one."""
        for is_bulk, start, last in self.con.execute("SELECT is_bulk, min(turn), max(turn) FROM turns GROUP BY is_bulk "
                                                     "ORDER BY is_bulk").fetchall():
            end = start
            while end <= last:
                turns = range(end, min(end + self.sizes[is_bulk], last + 1))
                end = turns.stop
                yield turns, is_bulk

    def _afterwards(self) -> tuple[list[bodies.Hit], list[bodies.Residue]]:
        """What still stands somewhere, and what may still lie in files; both are said and undo nothing."""
        stages, sought = stages_of(self.policy), None
        if self.keys.has(erased.key_name(self.plan.id)):
            sought = erased.load(self.con, self.keys, self.plan.id, self.policy, stages)
        try:
            hits = [] if sought is None else look_through(self.con, sought, self.ground.mapping,
                                                          self.settings.warehouse_url)
        except PrivacyError:  # what was carried out stands, whether or not anybody can look for the rest
            hits = [{"table": "*", "column": "*", "rows": 1, "how": "not read"}]
        said = [event.detail for event in self.plan.events if event.event == "verified"]
        if said and not self.batches:
            return hits, said[-1]["residue"]
        tables = touched(self.con, self.ground.places, stages, fresh.APPLIED)
        for place in self.ground.copies:
            if self.copies[".".join(place.table), "rows"]:
                tables[place.table] = [*tables.get(place.table, ()), *(place.actions or (place.finder,))]
        return hits, tidy_up(self.con, self.writer, self.policy, tables, sought,
                             today(self.policy.retention.time_zone), histories(self.ground.mapping, self.ground.places),
                             self.ground.mapping.elsewhere)

    def _count_people(self, hits: list[bodies.Hit], body: bodies.Verified) -> None:
        """Say how many are anonymised and unlinked, where that is known: the sweep is clean, and nobody came since.

        The ledger of releases forgets them as contributors in any case: closed months stay as they are.
        """
        if not self.keys.has(erased.key_name(self.plan.id)):
            return
        losing = {place.kept[0] for place in self.ground.copies if place.kept}
        people = people_of(self.con, self.policy, losing)
        release_ledger.forget(self.settings, people.contributors())
        if self.arrived:
            return
        body["unlinked"] = len(people.unlinked)
        if not hits:
            body["anonymised"] = len(people.anonymised)

    def _finish(self, before: Mapping[str | None, int], by: str, *, verified: bool = True) -> shapes.ApplyResult:
        after = outcome.tally(self.con)
        hits, residue = self._afterwards() if verified else ([], [])
        earlier = before.get(fresh.APPLIED, 0) - self.written_back
        result: shapes.ApplyResult = {
            "plan": self.plan.id, "month": self.plan.month, "planned": sum(after.values()),
            "applied": after.get(fresh.APPLIED, 0) - earlier,
            "dropped": [{"reason": reason, "rows": after[reason]} for reason in fresh.DROPPED if after.get(reason)],
            "already": after.get(fresh.ALREADY, 0) + earlier,
            "not_carried_out": after.get(fresh.NOT_CARRIED_OUT, 0), "arrived_meanwhile": self.arrived,
            "written_back": self.written_back,
            "batches": self.batches, "verified": verified, "sweep": hits, "residue": residue,
            "copies": [{"table": table, "rows": self.copies[table, "rows"], "cells": self.copies[table, "cells"]}
                       for table in sorted({table for table, _ in self.copies})]}
        if self.batches:
            move(self.control, self.ledger, self.plan, "applied", by)
        body: bodies.Verified = {
            "plan": self.plan.id, "month": self.plan.month, "planned": result["planned"],
            "applied": after.get(fresh.APPLIED, 0), "dropped": result["dropped"],
            "already": after.get(fresh.ALREADY, 0),
            "not_carried_out": result["not_carried_out"], "arrived_meanwhile": result["arrived_meanwhile"],
            "written_back": result["written_back"], "oldest_overdue_on": outcome.oldest_left(self.con),
            "seen_on": self.seen.on.isoformat(), "residue": residue, "sweep": hits}
        if verified:
            self._count_people(hits, body)
        move(self.control, self.ledger, self.plan, "verified" if verified else "unverified", by, dict(result), body)
        return result


