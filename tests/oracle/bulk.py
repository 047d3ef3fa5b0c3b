"""Counts of the web events and log lines that are due."""

from __future__ import annotations

from datetime import date

from .freezes import ids_of, legal_hold
from .load import is_empty
from .model import OPEN, Row, World, add_months
from .records import Records

WEB = ("visitor_id", "customer_id", "contact_id", "ip_address", "user_agent")
LOG = ("username", "ip_address", "message")


def decide_bulk(world: World, records: Records) -> list[dict[str, object]]:
    """A row per entity and reason; a held row counts under `held` instead."""
    counted: dict[tuple[str, str], list[date]] = {}
    for event in world.tables["web_events"]:
        if not all(is_empty("web_events", column, event, world.options) for column in WEB):
            due_on, reason = _web_event(world, event, records)
            if due_on <= world.as_of:
                if records.held_by("web_events", event, ids_of(world, "web_events", event)[2]):
                    reason = "held"
                counted.setdefault(("web_events", reason), []).append(due_on)
    for line in world.tables["app_logs"]:
        if not all(is_empty("app_logs", column, line, world.options) for column in LOG):
            logged = line["logged_at"]
            due_on = add_months(logged, world.options.log_months) if logged else world.as_of
            if due_on <= world.as_of:
                # reading: only a hold on the entity, or an unknown date, stops a log line; not evidence_missing.
                held = logged is None or legal_hold(world, "entity", "app_logs")[0]
                counted.setdefault(("app_logs", "held" if held else "log_period"), []).append(due_on)
    return [
        {"as_of": world.as_of, "entity": entity, "part": "identity", "reason": reason, "due_rows": len(days),
         "oldest": min(days)}
        for (entity, reason), days in counted.items()
    ]


def _web_event(world: World, event: Row, records: Records) -> tuple[date, str]:
    """When an event is due, and what decided it."""
    occurred = event["occurred_at"]
    if occurred is None:
        return world.as_of, "held"
    if event["consented"] is not True:
        return occurred, "no_consent"
    terms: list[tuple[date, str]] = [(add_months(occurred, world.options.cookie_months), "cookie_period")]
    if event["consent_withdrawn_at"]:
        terms.append((event["consent_withdrawn_at"], "consent_withdrawn"))
    for _, day in records.purpose_terms(ids_of(world, "web_events", event)[2], "individualisation"):
        if day != OPEN:
            terms.append((day, "individualisation_ended"))
    return min(terms, key=lambda term: term[0])  # the first of this order on a tie
