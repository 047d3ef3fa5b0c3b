"""Months in a row over shops given as rows, with the control store and the keys between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of, policy_parameters, prepare, remember_shared_requests
from ajprivacy_pipeline.retention.effects import effect_parameters, remember_effects
from ajprivacy_pipeline.retention.quality import write_quality
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import layer_models, run_model
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests.oracle.model import Shop
from tests.oracle.sqlshop import load_raw


@dataclass(frozen=True)
class Decided:
    """One month's decisions."""

    con: zones.Connection

    def ends(self, subject: str, purpose: str = "individualisation") -> date | None:
        """The day a purpose lapses; it must apply."""
        return self._status(subject, purpose)[0]

    def reasons(self, subject: str, purpose: str = "individualisation") -> list[str]:
        """What a purpose's day rests on."""
        return self._status(subject, purpose)[1]

    def _status(self, subject: str, purpose: str) -> tuple[date | None, list[str]]:
        found = self.con.execute("SELECT lapses_on, reasons FROM retention.purpose_status "
                                 "WHERE subject_id = ? AND purpose = ?", [subject, purpose]).fetchall()
        assert len(found) == 1
        return found[0]

    def record(self, entity: str, number: str, part: str) -> tuple[str, str | None, list[str]]:
        """A record's decision, its day as text, and what holds it."""
        found = self.con.execute(
            "SELECT decision, CAST(due_on AS VARCHAR), held_by FROM retention.record_decisions "
            "WHERE entity = ? AND record_id = ? AND part = ?", [entity, number, part]).fetchall()
        assert len(found) == 1
        return found[0]

    def newsletter(self, number: str) -> tuple[str, str | None]:
        """A subscription's decision and its day."""
        return self.record("newsletter_subscriptions", number, "email")[:2]

    def listed(self) -> list[tuple[str, str, str]]:
        """Requests on the review list: reason, request, since."""
        return self.con.execute("SELECT reason, record_id, CAST(since AS VARCHAR) FROM retention.review_list "
                                "WHERE entity = 'rights_requests' ORDER BY ALL").fetchall()


class Months:
    """A control store and keys, and the months decided with them."""

    def __init__(self, folder: Path) -> None:
        """Keep the store and the keys in `folder`."""
        self.control = ControlStore(f"sqlite:///{folder / 'control.db'}")
        self.keys = KeyStore(folder / "keys")
        self.policy = load_policy(NOTICE)

    def run(self, month: str, shop: Shop, *, evidence_missing: bool = False) -> Decided:
        """Decide a month and end it well."""
        con = zones.memory()
        con.execute("SET threads = 1")
        load_raw(con, shop, self.policy)
        prepare(con, self.policy, self.control, month)
        if evidence_missing:
            con.execute("UPDATE raw.extraction SET evidence_missing = ['*'] WHERE table_name = 'invoices'")
        values = {**policy_parameters(self.policy, month), **effect_parameters(self.keys, self.control)}
        for model in layer_models(catalogue_of(self.policy), ["staged"]):
            run_model(con, model, values)
        write_quality(con, self.policy)
        for model in layer_models(catalogue_of(self.policy), ["retention"]):
            run_model(con, model, values)
        remember_shared_requests(con, self.control, month, f"r{month}")
        remember_effects(con, self.control, self.keys, month, f"r{month}")
        self.control.record_month(month, f"r{month}", self.policy.version, [])
        return Decided(con)

    def stored(self) -> list[dict[str, Any]]:
        """What is stored of effects."""
        return self.control.rows(sa.select(store.effects))
