"""A shop with something to review, and what people recorded about it."""

from typing import Any

import sqlalchemy as sa

from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.control import ControlStore
from tests.oracle import casekit as kit


def shop() -> dict[str, list[dict[str, Any]]]:
    """1 owes, 2 has nothing, 3 owes since lately, a company owes through one contact and through nobody.

    Three messages: old and nobody's, new and nobody's, old and somebody's.
    """
    return {
        "customers": [kit.consumer("1"), kit.consumer("2"), kit.consumer("3", profile_created_at="2025-01-01"),
                      kit.business("4")],
        "contacts": [kit.contact("41", "4", created_at="2014-01-01"), kit.contact("42", "4", created_at="2014-01-01")],
        "orders": [kit.order("2015-01-01", "o4", "4", contact_id="41")],
        "invoices": [kit.invoice("2015-01-15", invoice_id="a", customer_id="1"),
                     kit.invoice("2015-02-15", invoice_id="b", customer_id="1"),
                     kit.invoice("2026-06-01", invoice_id="c", customer_id="3"),
                     kit.invoice("2015-02-15", invoice_id="d", customer_id="4", order_id="o4"),
                     kit.invoice("2015-02-15", invoice_id="e", customer_id="4")],
        "communications": [kit.message("2024-05-06", communication_id="old", channel="email"),
                           kit.message("2026-05-06", communication_id="new", channel="email"),
                           kit.message("2024-05-06", communication_id="hers", channel="email", customer_id="1")],
    }


def everything(settings: Settings) -> list[list[dict[str, Any]]]:
    """All that people have recorded: events of holds, review decisions, released invoices."""
    control = ControlStore.in_folder(settings.control)
    tables = (store.hold_events, store.review_decisions, store.released_invoices)
    return [control.rows(sa.select(table)) for table in tables]
