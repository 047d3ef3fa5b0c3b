"""Batches in the ledger: each when it stands in the warehouse, and what a killed apply left there alone.

Belongs here: what an entry of a batch says and takes along. Does not belong here: the batch itself (`apply`), what
becomes of the plan's rows (`outcome`).
"""

import json
from collections.abc import Mapping
from typing import Any

from ajprivacy_pipeline.enforcement import fresh, guarded, outcome, rectified
from ajprivacy_pipeline.enforcement.apply import Writer, open_writer
from ajprivacy_pipeline.enforcement.ground import identity_of
from ajprivacy_pipeline.enforcement.ledger import Ledger, Token
from ajprivacy_pipeline.enforcement.plans import Plan, plan_file
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.retention.carried import carried_rows
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.keystore import KeyStore

# Who was in a batch, by which promises; not proven is who stays for want of evidence all the same.
_PEOPLE = """
    SELECT r.subject_id, r.clause, w.subject_id IS NULL AS is_proven
    FROM scratch.going AS r LEFT JOIN made.without_evidence AS w ON w.subject_id = r.subject_id
    WHERE r.subject_id IS NOT NULL GROUP BY ALL ORDER BY ALL
"""


class Recorder:
    """Records the batches of one plan, whose file is attached to `con` as `made`."""

    def __init__(self, con: zones.Connection, writer: Writer, policy: Policy, control: ControlStore, keys: KeyStore,
                 ledger: Ledger, plan: Plan) -> None:
        """Record in `ledger` what stands in the warehouse of `writer`."""
        self.con, self.writer, self.policy, self.control = con, writer, policy, control
        self.keys, self.ledger, self.plan = keys, ledger, plan

    def resume(self) -> None:
        """Finish what a killed apply left: a batch stands where its marker stands, and only there."""
        self.con.execute("CREATE TABLE IF NOT EXISTS made.without_evidence (subject_id VARCHAR)")
        known = {(entry.body["plan"], entry.body["batch"]) for entry in self.ledger.entries() if entry.kind == "batch"}
        markers = self.writer.markers(self.plan.id)
        open_batches = {row[0] for row in self.con.execute(
            f"SELECT DISTINCT batch FROM made.rows WHERE state = '{fresh.INTENDED}'").fetchall()}
        for number in sorted(open_batches):
            if number in markers:
                if (self.plan.id, number) not in known:
                    self.con.execute("ATTACH IF NOT EXISTS ':memory:' AS scratch")
                    self.con.execute("CREATE OR REPLACE TABLE scratch.going AS FROM made.rows WHERE batch = $number",
                                     {"number": number})
                    self.record(number, json.loads(markers[number]))
                outcome.settle(self.con, number)
            else:
                self.con.execute("UPDATE made.rows SET state = NULL, batch = NULL WHERE batch = $number",
                                 {"number": number})

    def record(self, number: int, counts: Mapping[str, Any]) -> None:
        """Append a batch to the ledger, with who was in it and what it took from what evidence is compared with.

        Its rows stand in `scratch.going`: each look for them in the whole plan would cost more than most batches.
        """
        rows = self.con.execute(_PEOPLE).fetchall()
        tokens = [Token(subject, self.plan.month, clause) for subject, clause, _ in rows]
        clauses, again = self.policy.enforcement.clauses, {(row[0], row[1]): row[2] for row in counts.get("again", ())}
        body = {"plan": self.plan.id, "batch": number, "month": self.plan.month, "marker": True,
                "subjects": len({subject for subject, *_ in rows}),
                "carried_out_on": counts["carried_out_on"],
                "counts": [{"entity": entity, "part": part, "clause": clauses[entity][part], "rows": count,
                            "cells": sum(actions.values()), "actions": actions,
                            **({"again": again[entity, part]} if (entity, part) in again else {})}
                           for entity, part, count, actions in counts["parts"]],
                "copies": counts.get("copies", []), "keys": counts.get("keys", {})}
        now = utc_now()
        self.ledger.append("batch", body, tokens, {
            "executed_counts": [{"table_name": table, "column_name": column, "rows": count, "executed_at": now}
                                for table, column, count in counts["emptied"]],
            "guard": guarded.rows_of(self.con, self.keys, self.control, number, counts["carried_out_on"]),
            "carried_out": carried_rows(
                self.control, self.keys, {subject for subject, _, is_proven in rows if is_proven}, self.plan.month)})


def complete(settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore, plan: Plan) -> None:
    """Record what a killed apply left, of a plan that is about to end without another one.

    To be called under the warehouse's lock, alone.

    Raises:
        EnforcementError: that is another warehouse.
        PrivacyError: the warehouse or a store is not usable.
    """
    path = plan_file(settings, plan.id)
    if plan.state(policy.enforcement.approval_days) != "applying":
        return
    if identity_of(settings.warehouse_url) != plan.warehouse:
        raise EnforcementError(f"plan {plan.id} was being carried out in another warehouse: point AJPRIVACY_WAREHOUSE "
                               "to that one")
    ledger = Ledger(control, keys, settings.keys)
    ledger.check()
    with open_writer(settings.warehouse_url, policy.enforcement.batch.lock_wait_seconds) as writer:
        if plan.rectifies:
            rectified.complete(settings, policy, keys, ledger, plan, writer)
        elif path.exists():
            with (fresh.fresh_zone(settings, keys, plan) as con,
                  zones.attached(con, keys, path, "made", write=True)):
                Recorder(con, writer, policy, control, keys, ledger, plan).resume()
