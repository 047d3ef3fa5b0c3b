"""A month that was carried out, entry by entry, as the ledger has it."""

from datetime import datetime
from typing import Any

from ajprivacy_pipeline.enforcement.bodies import Approved, Batch, PlanMade, Verified
from ajprivacy_pipeline.enforcement.ledger import Ledger, Token

AT = datetime(2026, 11, 27, 12, 5)  # noqa: DTZ001 - as the store records it

MADE: PlanMade = {
    "plan": "p1", "month": "2026-10", "as_of": "2026-11-01", "policy_version": "a1", "rows": 9, "cells": 30,
    "subjects": 4, "oldest_due_on": "2025-03-12",
    "summary": [
        {"entity": "customers", "part": "email", "action": "erase", "clause": "CON-4", "rows": 3, "cells": 3},
        {"entity": "orders", "part": "link", "action": "unlink", "clause": "CON-4", "rows": 2, "cells": 2},
        {"entity": "orders", "part": "delivery", "action": "erase", "clause": "CON-4", "rows": 2, "cells": 8},
        {"entity": "app_logs", "part": "identity", "action": "delete_row", "clause": "LOG-1", "rows": 2, "cells": 6}],
    "brake": [{"entity": "customers", "part": "email", "share": "0.0312", "limit": "0.05", "tripped": False}],
    "not_carried_out": [{"entity": "customers", "column": "city", "rows": 1, "reason": "the column is an expression"}],
    "waiting": [{"entity": "invoices", "part": "billing", "rows": 2, "waits_for": "orders.delivery"}],
    "kept": {"retain": {"contract": 120, "bookkeeping": 1234}, "hold": {"legal_hold": 3, "open_balance": 0}}}
APPROVED: Approved = {"plan": "p1", "month": "2026-10", "by": "ada", "released_brake": True}
BATCHES: list[Batch] = [
    {"plan": "p1", "batch": 1, "month": "2026-10", "subjects": 2, "marker": True, "carried_out_on": "2026-11-26",
     "counts": [{"entity": "customers", "part": "email", "clause": "CON-4", "rows": 2, "cells": 2},
                {"entity": "orders", "part": "delivery", "clause": "CON-4", "rows": 2, "cells": 8,
                 "actions": {"erase": 7, "generalise": 1}},
                {"entity": "orders", "part": "link", "clause": "CON-4", "rows": 1, "cells": 1}]},
    {"plan": "p1", "batch": 2, "month": "2026-10", "subjects": 1, "marker": True,
     "counts": [{"entity": "orders", "part": "link", "clause": "CON-4", "rows": 1, "cells": 1},
                {"entity": "app_logs", "part": "identity", "clause": "LOG-1", "rows": 2, "cells": 6,
                 "actions": {"delete_row": 6}}]}]
VERIFIED: Verified = {
    "plan": "p1", "month": "2026-10", "planned": 11, "applied": 8, "dropped": [{"reason": "value_changed", "rows": 1}],
    "already": 1, "not_carried_out": 1, "arrived_meanwhile": 1, "written_back": 0, "oldest_overdue_on": "2025-03-12",
    "residue": [{"where": "backups", "what": "nightly dumps", "ends": "2026-12-31"},
                {"where": "WAL archive", "what": "old row versions", "ends": None}],
    "sweep": [{"table": "newsletter_queue", "column": "payload", "rows": 2, "how": "e-mail"}]}


def carry_out(ledger: Ledger, **verdict: Any) -> None:
    """The month as above, with other words of the verdict where some are given."""
    ledger.append("plan_made", MADE, at=AT)
    ledger.append("approved", APPROVED, at=AT)
    for body, people in zip(BATCHES, (("customer:1", "contact:2"), ("customer:12",)), strict=True):
        ledger.append("batch", body, [Token(person, "2026-10", "CON-4") for person in people], at=AT)
    ledger.append("verified", {**VERIFIED, **verdict}, at=AT)
