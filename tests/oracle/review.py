"""What a person must look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from .freezes import Freezes, ids_of
from .model import World, add_months, latest
from .orders import blockers, case_is_open
from .records import is_until_further_notice
from .requests import reaches_somebody

Item = tuple[str | None, str | None, str | None, str, date | None]  # subject, entity, record, reason, since


def review_list(world: World, freezes: Freezes, records: list[dict[str, object]]) -> list[dict[str, object]]:
    """The rows of the review list."""
    items = [*_subjects(world, freezes), *_requests(world), *_messages(world, records), *_old(world), *_holds(world)]
    names = ("subject_id", "entity", "record_id", "reason", "since")
    return [{"as_of": world.as_of} | dict(zip(names, item, strict=True)) for item in items]


def _subjects(world: World, freezes: Freezes) -> Iterator[Item]:
    for subject_id, own in freezes.items():
        if "open_balance" in own and own["open_balance"].review:
            yield subject_id, None, None, "open_balance_review", own["open_balance"].since
        if "no_evidence" in own:
            yield subject_id, None, None, "no_evidence", None
    # reading: one row per customer, however many of its attributes are misplaced.
    misplaced = {str(fault["id"]) for fault in world.quality if fault["fault"] == "misplaced"}
    for identifier in misplaced:
        yield f"customer:{identifier}", None, None, "misplaced_attribute", None


def _requests(world: World) -> Iterator[Item]:
    for request in world.requests:
        if not world.by(request.received):
            continue
        # reading: an erasure by e-mail that is received by as_of, counts and reaches two or more is ambiguous, whether
        # or not it is verified or closed.
        if request.kind == "erasure" and request.counts and request.by_email and len(request.reached) > 1:
            yield None, "rights_requests", request.row["_id"], "ambiguous_request", request.received
        # reading: one that was refused or withdrawn is listed as any other, until it is closed.
        if not reaches_somebody(world, request) and not world.by(request.row["closed_at"]):
            yield None, "rights_requests", request.row["_id"], "unmatched_request", request.received


def _messages(world: World, records: list[dict[str, object]]) -> Iterator[Item]:
    kept = {row["record_id"] for row in records if row["retained_by"] == ["until_further_notice"]}
    for message in world.tables["communications"]:
        # reading: "older than 12 months since last review" = the later of D(occurred_at) and the last review by as_of
        # + 12 months <= as_of; where neither is known it is not listed. since = that later day.
        reviews = [review["reviewed_on"] for review in world.options.message_reviews
                   if review["communication_id"] == message["_id"] and world.by(review["reviewed_on"])]
        since = latest(message["occurred_at"], *reviews)
        if message["_id"] in kept and is_until_further_notice(message) and _older(world, since, 12):
            yield None, "communications", message["_id"], "until_further_notice", since


def _old(world: World) -> Iterator[Item]:
    """Blockers and open cases older than 24 months."""
    for order in world.orders.values():
        # reading: the age of a blocker is that of its order; the subject is that of the delivery part.
        subject_id = ids_of(world, "orders", order.row)[2]
        subject = world.subjects.get(subject_id or "")
        ordered = order.row["ordered_at"]
        if blockers(world, order, subject.released if subject else set()) and _older(world, ordered, 24):
            yield subject_id, "orders", order.id, "blocker_24_months", ordered
    for case in world.tables["cases"]:
        if case_is_open(world, case) and _older(world, case["opened_at"], 24):
            yield ids_of(world, "cases", case)[2], "cases", case["_id"], "open_case_24_months", case["opened_at"]


def _holds(world: World) -> Iterator[Item]:
    """Holds that expire within a month, or have expired, and stand."""
    placed: dict[str, date] = {}
    for hold in world.options.legal_holds:
        expires = hold.get("expires_on")
        if expires and expires <= add_months(world.as_of, 1) and not world.by(hold.get("lifted_on")):
            # reading: a row per subject or entity; since = the day the oldest of its expiring holds was placed.
            whose = hold.get("subject_id") or hold["entity"]
            placed[whose] = min(hold["placed_on"], placed.get(whose, hold["placed_on"]))
    for whose, since in placed.items():
        yield whose, None, None, "expiring_hold", since


def _older(world: World, day: date | None, months: int) -> bool:
    return day is not None and add_months(day, months) <= world.as_of
