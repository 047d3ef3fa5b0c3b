"""What was carried out of a month, from the ledger's entries alone: the figures of its certificate.

Belongs here: picking and adding up what entries say. Does not belong here: words and pages (`certificate_page`).
Batches that a restored warehouse lost are not counted. Nothing is told that no entry says: what was not counted is
null.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal, TypedDict

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.enforcement.bodies import CopyCount, Dropped, Hit, NotCarriedOut, Residue, Waiting
from ajprivacy_pipeline.enforcement.entries import Entry, once, undone_batches
from ajprivacy_pipeline.enforcement.head import Head
from ajprivacy_pipeline.errors import ControlError

PlanState = Literal["verified", "unverified", "unfinished", "undone", "ended"]
_VERDICTS = ("verified", "unverified")
_STATES: dict[str, PlanState] = {
    "batch": "unfinished", "verified": "verified", "unverified": "unverified", "undone_by_restore": "undone",
    "stopped": "ended", "withdrawn": "ended"}


class Done(TypedDict):
    """What was done to a part of a table under a clause: decisions, and values changed in all and by action."""

    entity: str
    part: str
    actions: list[str]
    rows: int
    cells: int
    cells_by_action: dict[str, int] | None  # null where the batches do not tell it


class ClauseDone(TypedDict):
    """Everything done under a clause."""

    clause: str
    rows: int
    cells: int
    parts: list[Done]


class Overdue(TypedDict):
    """Since when the oldest overdue person waits (null: nobody is known to), and for how long on the day it was seen.

    `left` is how many planned decisions were not carried out, whatever their reason.
    """

    since: str | None
    days: int | None
    seen_on: str | None
    left: int | None


class Approval(TypedDict):
    """Who approved a plan, as the policy names them; in UTC."""

    plan: str
    by: str
    approved_at: str
    released_brake: bool


class CertifiedPlan(TypedDict):
    """A plan of the month; planned = carried_out + dropped + already + not_carried_out once there is a verdict."""

    plan: str
    policy_version: str | None
    state: PlanState
    planned: int | None
    carried_out: int
    dropped: int | None
    already: int | None
    not_carried_out: int | None


class CertifiedBatch(TypedDict):
    """A transaction: how much of it, its place in the ledger, and whether a restore undid it."""

    seq: int
    plan: str
    batch: int
    carried_out_on: str
    subjects: int
    rows: int
    merkle_root: str | None
    undone: bool


class Chain(TypedDict):
    """Where the month stands in the ledger: its first and last entry, and the ledger's head when this was made."""

    first: int
    last: int
    hash: str
    head: int
    head_hash: str


class Certificate(TypedDict):
    """A month's certificate; days and moments as ISO text."""

    month: str
    state: PlanState
    overdue: Overdue
    rows: int
    cells: int
    anonymised: int | None
    unlinked: int | None
    carried_out: list[ClauseDone]
    copies: list[CopyCount]
    kept: dict[str, dict[str, int]]
    not_carried_out: list[NotCarriedOut]
    waiting: list[Waiting]
    dropped: list[Dropped]
    arrived_meanwhile: int
    written_back: int
    residue: list[Residue]
    sweep: list[Hit]
    approvals: list[Approval]
    plans: list[CertifiedPlan]
    batches: list[CertifiedBatch]
    chain: Chain


def certificate_of(entries: Sequence[Entry], month: str, head: Head) -> Certificate:
    """Returns what the ledger says of a month's plans that were carried out, in whole or in part.

    Args:
        entries: the whole ledger, verified.
        month: YYYY-MM.
        head: the ledger's.

    Raises:
        ControlError: nothing of the month was carried out.
        PrivacyError: that is no month.
    """
    as_of(month)
    carried = {entry.body["plan"] for entry in entries
               if entry.kind in ("batch", *_VERDICTS) and entry.body["month"] == month}
    if not carried:
        raise ControlError(f"no plan of {month} was carried out, so there is nothing to certify: "
                           "`ajprivacy plan list` shows the plans")
    ours = [entry for entry in entries if entry.body.get("plan") in carried]
    undone = undone_batches(entries)
    batches = [_batch(entry, undone) for entry in ours if entry.kind == "batch"]
    standing = [entry for entry in ours if entry.kind == "batch" and entry.seq not in undone]
    plans = [_plan([entry for entry in ours if entry.body["plan"] == plan], standing)
             for plan in dict.fromkeys(entry.body["plan"] for entry in ours)]
    made = [entry.body for entry in ours if entry.kind == "plan_made" and not entry.body.get("of_request")]
    last_made: dict[str, Any] = made[-1] if made else {}
    verdicts = {entry.body["plan"]: entry for entry in ours if entry.kind in _VERDICTS}
    said = [entry.body for entry in verdicts.values()]
    done = _by_clause(standing, made)
    return {
        "month": month, "state": _state(plans), "overdue": _overdue(list(verdicts.values()), last_made),
        "rows": sum(one["rows"] for one in done), "cells": sum(one["cells"] for one in done),
        "anonymised": _people(said, "anonymised"), "unlinked": _people(said, "unlinked"), "carried_out": done,
        "copies": _copies(standing), "kept": _kept(last_made.get("kept", {})),
        "not_carried_out": last_made.get("not_carried_out", []),
        "waiting": last_made.get("waiting", []), "dropped": _dropped(said),
        "arrived_meanwhile": sum(body["arrived_meanwhile"] for body in said),
        "written_back": sum(body["written_back"] for body in said),
        "residue": _distinct(said, "residue"), "sweep": _distinct(said, "sweep"),
        "approvals": [_approval(entry) for entry in ours if entry.kind == "approved"],
        "plans": plans, "batches": batches,
        "chain": {"first": ours[0].seq, "last": ours[-1].seq, "hash": ours[-1].hash, "head": head.seq,
                  "head_hash": head.hash}}


def _state(plans: Sequence[CertifiedPlan]) -> PlanState:
    """The month's: that of its newest plan, unless an earlier one did not hold; what ended early is planned anew."""
    open_ones = [plan["state"] for plan in plans if plan["state"] in ("unverified", "unfinished")]
    return "unverified" if "unverified" in open_ones else open_ones[0] if open_ones else plans[-1]["state"]


def _plan(ours: Sequence[Entry], standing: Sequence[Entry]) -> CertifiedPlan:
    """A plan, from its entries. What stood so already is what the other figures leave: an apply may be several."""
    name = ours[0].body["plan"]
    carried = sum(once(count) for entry in standing if entry.body["plan"] == name for count in entry.body["counts"])
    versions = [entry.body["policy_version"] for entry in ours if entry.kind == "plan_made"]
    kinds = [entry.kind for entry in ours if entry.kind in _STATES]
    kind = kinds[-2] if kinds[-2:] == ["undone_by_restore", "withdrawn"] else kinds[-1]
    found: CertifiedPlan = {
        "plan": name, "policy_version": versions[-1] if versions else None, "state": _STATES[kind], "planned": None,
        "carried_out": carried, "dropped": None, "already": None, "not_carried_out": None}
    if said := [entry.body for entry in ours if entry.kind in _VERDICTS]:
        dropped = sum(one["rows"] for one in said[-1]["dropped"])
        left = said[-1]["planned"] - dropped - said[-1]["not_carried_out"]
        found.update({"planned": said[-1]["planned"], "dropped": dropped, "already": max(0, left - carried),
                      "not_carried_out": said[-1]["not_carried_out"]})
    return found


def _batch(entry: Entry, undone: set[int]) -> CertifiedBatch:
    body = entry.body
    return {"seq": entry.seq, "plan": body["plan"], "batch": body["batch"], "carried_out_on": entry.day.isoformat(),
            "subjects": body["subjects"], "rows": sum(count["rows"] for count in body["counts"]),
            "merkle_root": body.get("merkle_root"), "undone": entry.seq in undone}


def _by_clause(standing: Iterable[Entry], made: Iterable[dict[str, Any]]) -> list[ClauseDone]:
    """What the batches that stand did, by clause, table and part; actions no batch names are those of the plans."""
    planned: dict[tuple[str, str, str], dict[str, None]] = {}
    for body in made:
        for count in body["summary"]:
            planned.setdefault((count["clause"], count["entity"], count["part"]), {})[count["action"]] = None
    rows: Counter[tuple[str, str, str]] = Counter()
    cells: Counter[tuple[str, str, str]] = Counter()
    actions: dict[tuple[str, str, str], Counter[str]] = {}
    for entry in standing:
        for count in entry.body["counts"]:
            key = (count["clause"], count["entity"], count["part"])
            rows[key] += once(count)
            cells[key] += count["cells"]
            actions.setdefault(key, Counter()).update(count.get("actions", {}))
    found: dict[str, ClauseDone] = {}
    for key in sorted(rows):
        clause, entity, part = key
        told = actions[key].total() == cells[key] and bool(actions[key])
        named: Iterable[str] = actions[key] or planned.get(key, {})
        one: Done = {"entity": entity, "part": part, "actions": sorted(named),
                     "rows": rows[key], "cells": cells[key],
                     "cells_by_action": dict(sorted(actions[key].items())) if told else None}
        of_clause = found.setdefault(clause, {"clause": clause, "rows": 0, "cells": 0, "parts": []})
        of_clause["rows"] += one["rows"]
        of_clause["cells"] += one["cells"]
        of_clause["parts"].append(one)
    return list(found.values())


def _copies(standing: Iterable[Entry]) -> list[CopyCount]:
    """Rows of declared copies that went with what they are copies of, and values in them; by table."""
    found: dict[str, CopyCount] = {}
    for entry in standing:
        for row in entry.body.get("copies", ()):
            one = found.setdefault(row["table"], {"table": row["table"], "rows": 0, "cells": 0})
            one["rows"] += row["rows"]
            one["cells"] += row["cells"]
    return [found[table] for table in sorted(found)]


def _overdue(verdicts: Sequence[Entry], made: dict[str, Any]) -> Overdue:
    """As the newest verdict saw it. Where it names nobody and something is left, since when is not known."""
    if not verdicts:
        return {"since": made.get("oldest_due_on"), "days": None, "seen_on": None, "left": None}
    newest = max(verdicts, key=lambda entry: entry.seq)
    since, body = newest.body["oldest_overdue_on"], newest.body
    waits = sum(one["rows"] for one in body["dropped"] if one["reason"] != "not_due")
    seen_on = date.fromisoformat(body.get("seen_on") or newest.recorded_at.date().isoformat())
    days = (seen_on - date.fromisoformat(since)).days if since else None
    return {"since": since, "days": days, "seen_on": seen_on.isoformat(),
            "left": waits + body["not_carried_out"]}


def _kept(kept: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """What is kept in good time first, then what is barred; of each the most frequent reason first."""
    return {decision: dict(sorted(kept[decision].items(), key=lambda one: (-one[1], one[0])))
            for decision in sorted(kept, reverse=True)}


def _dropped(said: Iterable[dict[str, Any]]) -> list[Dropped]:
    found: Counter[str] = Counter()
    for body in said:
        for one in body["dropped"]:
            found[one["reason"]] += one["rows"]
    return [{"reason": reason, "rows": rows} for reason, rows in sorted(found.items())]


def _people(said: list[dict[str, Any]], word: str) -> int | None:
    """How many people a word is true of; None where it was not counted for every plan."""
    counted = [body[word] for body in said if body.get(word) is not None]
    return sum(counted) if said and len(counted) == len(said) else None


def _distinct(said: Iterable[dict[str, Any]], name: str) -> list[Any]:
    """What the newest verdicts of the plans list, each thing once."""
    found: list[Any] = []
    for body in said:
        found += [one for one in body[name] if one not in found]
    return found


def _approval(entry: Entry) -> Approval:
    return {"plan": entry.body["plan"], "by": entry.body["by"],
            "approved_at": entry.recorded_at.isoformat(timespec="seconds"),
            "released_brake": entry.body["released_brake"]}
