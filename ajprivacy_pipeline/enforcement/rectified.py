"""Rectification through the one door: a plan of a few values, changed in one batch, read back, marked, recorded.

A value is corrected only while the old one still stands there, and never under a legal hold: what may be needed as it
was is not written over. What was said is kept sealed; plan, marker and ledger hold no value.
Belongs here: planning and carrying out what was said. Does not belong here: keeping it (`said`), whose row it is and
whether a new value will do (`rights.correction`), plans of what is due (`make`, `carry`).
"""

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement.apply import Batch, Change, Checkpoint, Writer, open_writer
from ajprivacy_pipeline.enforcement.bodies import Count, NotCarriedOut
from ajprivacy_pipeline.enforcement.current import current_policy
from ajprivacy_pipeline.enforcement.ground import Ground, look_at
from ajprivacy_pipeline.enforcement.key_fingerprints import key_prints, require_same_keys
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.make import require_none_running
from ajprivacy_pipeline.enforcement.plans import (
    RECTIFICATION,
    WAITING,
    Plan,
    known_plans,
    mapping_hash,
    move,
    record_plan,
)
from ajprivacy_pipeline.enforcement.recover import require_unrestored
from ajprivacy_pipeline.enforcement.said import Correction, Said, kept
from ajprivacy_pipeline.enforcement.shapes import ApplyResult, PlanSummary
from ajprivacy_pipeline.enforcement.standing import require_standing
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import hold_lock, warehouse_lock
from ajprivacy_pipeline.warehouse.source import open_source
from ajprivacy_pipeline.warehouse.texts import as_text

RECTIFY, CHANGED, HELD = "rectify", "value_changed", "legal_hold"
_BATCH = 1  # a rectification is one batch


def plan_rectification(settings: Settings, request_id: str, beside: Sequence[str], *, by: str) -> PlanSummary:
    """Make the plan of what was said to be corrected for a request.

    Args:
        settings: folders, keys and the warehouse.
        request_id: of a rectification whose person is identified, which is for the caller to know.
        beside: copies that hold an old value and are not written by us.
        by: who makes it.

    Raises:
        EnforcementError: nothing was said, or a plan of the request is approved or being carried out.
        PrivacyError: the warehouse or a store is not usable.
    """
    with boundary("plan"):
        policy, control = current_policy(settings), ControlStore.in_folder(settings.control)
        keys = KeyStore(settings.keys, settings.root_key)
        said = kept(settings, keys, request_id)
        if said is None:
            raise EnforcementError(f"request {request_id} does not say what is to be corrected: `ajprivacy request "
                                   "correct` comes first")
        with warehouse_lock(settings, alone=True):
            require_none_running(known_plans(control), policy, request_id)
            ledger = Ledger(control, keys, settings.keys)
            ledger.check()
            with open_source(settings.warehouse_url) as source:
                ground = look_at(source, settings, policy)
            return _made(settings, policy, control, keys, ledger, ground, request_id, said, beside, by)


def _made(settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore, ledger: Ledger, ground: Ground,
          request_id: str, said: Said, beside: Sequence[str], by: str) -> PlanSummary:
    known, day = known_plans(control), today(policy.retention.time_zone)
    facts = _facts(keys, said)
    told = [facts, policy.version, mapping_hash(settings), ground.catalogue_sha256, ground.warehouse,
            str(len(known) + 1)]
    plan_id = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    summary: PlanSummary = {
        "plan": plan_id, "month": f"{day:%Y-%m}", "as_of": day.isoformat(), "policy_version": policy.version,
        "rows": len(said.corrections), "cells": len(said.corrections), "subjects": 1, "oldest_due_on": None,
        "summary": _counts(policy, said.corrections), "brake": [], "not_carried_out": list(_fixed(ground, said)),
        "waiting": [], "refused": [], "overdue": {}, "kept": {}, "copies": [], "request": request_id,
        "kind": RECTIFICATION, "beside": sorted(beside), "facts": facts}
    plan = Plan(plan_id, len(known) + 1, summary["month"], day, policy.version, told[2], ground.catalogue_sha256,
                ground.warehouse, utc_now(), summary, ())
    record_plan(ledger, plan)
    for earlier in known:
        state = earlier.state(policy.enforcement.approval_days)
        if earlier.request == request_id and state in (*WAITING, "expired"):
            move(control, ledger, earlier, "expired" if state == "expired" else "superseded", by)
    return summary


def _counts(policy: Policy, corrections: Sequence[Correction]) -> list[Count]:
    rows = Counter((one.entity, one.column) for one in corrections)
    return [{"entity": entity, "part": column, "action": RECTIFY, "clause": policy.rights.rectification_clause,
             "rows": count, "cells": count} for (entity, column), count in sorted(rows.items())]


def _fixed(ground: Ground, said: Said) -> Sequence[NotCarriedOut]:
    """What stands where we do not write."""
    why = Counter((one.entity, one.column, _why_not(ground, one)) for one in said.corrections)
    return [{"entity": entity, "column": column, "rows": rows, "reason": reason}
            for (entity, column, reason), rows in sorted(why.items(), key=str) if reason]


def _why_not(ground: Ground, one: Correction) -> str | None:
    place, table = ground.places.get(one.entity), ground.resolved.tables[one.entity]
    fed = table.columns[one.column] if table else None
    if place is not None and place.key and len(place.columns.get(one.column, ())) == 1 and fed is not None:
        return "it is made of what stands there by the mapping, not read as it is" if fed.is_made else None
    if place is not None and place.arms:
        return "several tables feed it, or its ids have a prefix: correct it there"
    return (place.fixed.get(one.column) if place else None) or "the mapping names no place of it"


def carry_out(settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore, plan: Plan, ground: Ground,
              by: str, checkpoint: Checkpoint) -> ApplyResult:
    """Carry an approved rectification out, or go on with one; of one that is carried out, read back what stands there.

    Raises:
        EnforcementError: what was said has changed since, the request was refused or taken back, or what was written
            does not stand there.
        PrivacyError: the warehouse or a store is not usable.
    """
    said = kept(settings, keys, plan.request or "")
    if said is None or _facts(keys, said) != plan.summary.get("facts"):
        raise EnforcementError(f"plan {plan.id}: what is to be corrected was said anew or forgotten since it was made: "
                               f"make a new one with `ajprivacy plan make --request {plan.request}`")
    ledger = Ledger(control, keys, settings.keys)
    wait = policy.enforcement.batch.lock_wait_seconds
    with open_writer(settings.warehouse_url, wait, ground.versions) as writer:
        writer.make_marker()
        ledger.check()
        require_same_keys(writer, keys)
        require_unrestored(writer, ledger)
        return _Carrying(settings, policy, control, keys, ledger, plan, ground, said, writer, checkpoint).run(by)


class _Carrying:
    """One run of an apply of a rectification."""

    def __init__(self, settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore, ledger: Ledger,
                 plan: Plan, ground: Ground, said: Said, writer: Writer, checkpoint: Checkpoint) -> None:
        self.settings, self.policy, self.control, self.keys, self.ledger = settings, policy, control, keys, ledger
        self.plan, self.ground, self.said, self.writer, self.checkpoint = plan, ground, said, writer, checkpoint

    def run(self, by: str) -> ApplyResult:
        stood = self.writer.markers(self.plan.id).get(_BATCH)
        if stood is None:
            self._require_standing()
        move(self.control, self.ledger, self.plan, "applying", by)
        if stood is not None:
            _record(self.ledger, self.policy, self.plan, self.said, json.loads(stood))
            counts = json.loads(stood)
        else:
            counts = self._batch()
        done = [one for one, state in zip(self.said.corrections, counts["states"], strict=True) if state == RECTIFY]
        with self.writer.batch() as batch:
            wrong = sum(self._value(batch, one) != one.new for one in done)
        states = Counter(counts["states"])
        result = _result(self.plan, states, len(done), again=stood is not None, wrong=wrong)
        move(self.control, self.ledger, self.plan, "unverified" if wrong else "verified", by, dict(result))
        return result

    def _batch(self) -> dict[str, Any]:
        self.checkpoint("batch")
        with hold_lock(self.settings):  # whoever places a hold, or refuses, finds it corrected, or keeps it as it was
            self._require_standing()
            held = self._is_held()
            with self.writer.batch() as batch:
                states = [HELD if held else self._change(batch, one) for one in self.said.corrections]
                counts = {"states": states, "carried_out_on": today(self.policy.retention.time_zone).isoformat(),
                          "keys": key_prints(self.keys, self.plan.id)}
                self.checkpoint("mark")
                batch.mark(self.plan.id, _BATCH, json.dumps(counts, sort_keys=True), utc_now().isoformat())
                self.checkpoint("commit")
            self.checkpoint("committed")
            _record(self.ledger, self.policy, self.plan, self.said, counts)
        self.checkpoint("recorded")
        return counts

    def _require_standing(self) -> None:
        require_standing(self.settings, self.policy, self.control, self.plan.request or "")

    def _is_held(self) -> bool:
        """Whether a legal hold stands on the person, or on a table of which a value is to be corrected."""
        kept_as_is = {self.said.subject_id, *(one.entity for one in self.said.corrections)}
        return any(hold["lifted_on"] is None and hold["subject_id"] in kept_as_is
                   for hold in self.control.legal_holds())

    def _change(self, batch: Batch, one: Correction) -> str:
        """Correct one value, if the old one stands there; returns what became of it."""
        if reason := _why_not(self.ground, one):
            return f"fixed: {reason}"
        place = self.ground.places[one.entity]
        (column,), address = place.columns[one.column], self.ground.address_of(place)
        self.checkpoint("read")
        rows = batch.read(place.table, place.key, [one.key], [*address, column], lock=True)
        if len(rows) != 1 or (as_text(rows[0][column]) or "").strip() != one.old:
            return CHANGED
        self.checkpoint("write")
        row = tuple(rows[0][name] for name in address)
        batch.change(Change(place.table, address, (row,), (column,), ((_like(rows[0][column], one.new),),)))
        batch.settle()
        self.checkpoint("written")
        if self._value(batch, one) != one.new:
            raise EnforcementError(f"{'.'.join(place.table)}: a row does not hold what was just written: a trigger, a "
                                   "rule or a policy of the database changes or hides it; nothing was changed")
        return RECTIFY

    def _value(self, batch: Batch, one: Correction) -> str | None:
        place = self.ground.places[one.entity]
        (column,) = place.columns[one.column]
        rows = batch.read(place.table, place.key, [one.key], [column])
        return _shown(rows[0][column], one.new) if len(rows) == 1 else None


def complete(settings: Settings, policy: Policy, keys: KeyStore, ledger: Ledger, plan: Plan, writer: Writer) -> None:
    """Record the batch of a killed apply, of a plan that is about to end; told from the marker and what was said."""
    stood, said = writer.markers(plan.id).get(_BATCH), kept(settings, keys, plan.request or "")
    if stood is not None and said is not None and _facts(keys, said) == plan.summary.get("facts"):
        _record(ledger, policy, plan, said, json.loads(stood))


def _record(ledger: Ledger, policy: Policy, plan: Plan, said: Said, counts: Mapping[str, Any]) -> None:
    """Append the batch to the ledger, once; nobody's token: nothing was taken from anybody."""
    if any(entry.kind == "rectified" and entry.body["plan"] == plan.id for entry in ledger.entries()):
        return
    done = [one for one, state in zip(said.corrections, counts["states"], strict=True) if state == RECTIFY]
    ledger.append("rectified", {
        "plan": plan.id, "batch": _BATCH, "month": plan.month, "marker": True, "subjects": 1,
        "carried_out_on": counts["carried_out_on"], "keys": counts.get("keys", {}),
        "counts": [{**count, "actions": {RECTIFY: count["cells"]}} for count in _counts(policy, done)]})


def _result(plan: Plan, states: Mapping[str, int], done: int, *, again: bool, wrong: int) -> ApplyResult:
    return {"plan": plan.id, "month": plan.month, "planned": sum(states.values()), "applied": 0 if again else done,
            "dropped": [{"reason": reason, "rows": states[reason]} for reason in (CHANGED, HELD) if states.get(reason)],
            "already": done if again else 0,
            "not_carried_out": sum(rows for state, rows in states.items() if state.startswith("fixed")),
            "arrived_meanwhile": 0, "written_back": wrong, "batches": 0 if again else 1, "verified": not wrong,
            "copies": [], "sweep": [], "residue": []}


def _like(old: Any, new: str) -> Any:
    """A new value in the form of the old one; the source's column decides where nothing stood."""
    if isinstance(old, datetime):
        return datetime.fromisoformat(new).replace(tzinfo=old.tzinfo)
    if isinstance(old, date):
        return date.fromisoformat(new)
    return int(new) if isinstance(old, int) and new.isdigit() and not new.startswith("0") else new


def _shown(found: Any, new: str) -> str | None:
    """A value as text, as long as the new one: a moment of a day is shown without its midnight."""
    text = (as_text(found) or "").rstrip(" ")
    return new if isinstance(found, datetime) and text[:10] == new else text


def _facts(keys: KeyStore, said: Said) -> str:
    """A keyed hash of what was said: a plan is bound to it, and tells nothing of it."""
    return hmac.digest(keys.derive("plan", "facts"), json.dumps(asdict(said), sort_keys=True).encode(), "sha256").hex()
