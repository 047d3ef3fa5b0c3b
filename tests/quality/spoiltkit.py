"""A small shop that was believed in August, and what becomes of September when its source is spoilt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from ajprivacy_pipeline.oversight.evidence import remember_measures, write_open_before
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.retention.bind import prepare
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_tables import months
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests.oracle.model import Row, Shop
from tests.oracle.sqlshop import load_raw, run_decisions

POLICY = load_policy(NOTICE)
_RUNS = sa.select(months.c.id)
AUGUST, SEPTEMBER = "2026-08", "2026-09"


def _some(number: int, one_in: int, value: str) -> str | None:
    return value if number % one_in == 0 else None


def _customer(n: int) -> Row:
    return {"customer_id": f"C{n}", "customer_type": "business" if n % 3 == 0 else "consumer", "name": f"Name {n}",
            "email": f"c{n}@x.no", "profile_created_at": _some(n, 2, "2019-05-05"),
            "last_login_at": _some(n, 2, f"2026-08-{n % 28 + 1:02}"), "profile_closed_at": _some(n, 9, "2022-03-03")}


def _contact(n: int) -> Row:
    return {"contact_id": f"K{n}", "customer_id": f"C{n * 3}", "name": f"Contact {n}", "email": f"k{n}@x.no",
            "created_at": "2020-02-02", "last_login_at": _some(n, 2, f"2026-08-{n % 28 + 1:02}"),
            "deactivated_at": _some(n, 9, "2023-03-03")}


def _order(n: int) -> Row:
    day = f"{2015 + n % 11}-{n % 7 + 1:02}-15" if n > 10 else f"2026-08-{n + 15}"
    return {"order_id": f"O{n}", "customer_id": f"C{n % 120 + 1}", "ordered_at": day,
            "contact_id": f"K{(n % 120 + 1) // 3}" if (n % 120 + 1) % 3 == 0 else None,
            "delivered_at": day if n % 4 else None, "paid_at": day if n % 4 else None, "total_amount": "100",
            "cancelled_at": _some(n, 20, day), "delivery_name": "x"}


def _invoice(n: int) -> Row:
    day = f"{2015 + n % 11}-{n % 7 + 1:02}-16" if n > 10 else f"2026-08-{n + 15}"
    return {"invoice_id": f"I{n}", "customer_id": f"C{n % 120 + 1}", "order_id": f"O{n}", "issued_at": day,
            "amount": "100", "paid_amount": "100" if n % 4 else "0", "settled_at": _some(n, 2, day) if n % 4 else None}


def _case(n: int) -> Row:
    return {"case_id": f"S{n}", "customer_id": f"C{n}", "contact_id": f"K{n // 3}" if n % 3 == 0 else None,
            "order_id": f"O{n}",
            "opened_at": "2026-08-20" if n % 4 == 0 else "2018-04-04",
            "closed_at": None if n % 4 == 0 else "2018-06-04", "summary": "x"}


def _request(n: int) -> Row:
    kind = ("erasure", "access", "portability", "restriction")[n % 4]
    return {"request_id": f"R{n}", "kind": kind, "email": f"nobody{n}@x.no", "received_at": "2022-01-01",
            "identity_verified_at": "2022-01-02" if n % 8 < 4 else None,
            "closed_at": "2022-02-02" if n % 8 < 4 or kind == "erasure" else None, "outcome": "granted"}


def shop() -> Shop:
    """The shop as it was: every share has room to move both ways."""
    return {
        "customers": [_customer(n) for n in range(1, 121)],
        "contacts": [_contact(n) for n in range(1, 41)],
        "products": [{"product_id": f"P{n}", "category": "freight" if n % 5 == 0 else "hall", "name": "x",
                      "warranty_years": "0" if n % 5 == 0 else "5"} for n in range(1, 41)],
        "orders": [_order(n) for n in range(1, 241)],
        "order_lines": [{"order_id": f"O{n % 240 + 1}", "line_number": str(n), "product_id": f"P{n % 40 + 1}",
                         "returned_at": _some(n, 20, "2026-03-03")} for n in range(1, 481)],
        "invoices": [_invoice(n) for n in range(1, 241)],
        "cases": [_case(n) for n in range(1, 121)],
        "communications": [],
        "newsletter_subscriptions": [{"subscription_id": f"N{n}", "email": f"n{n}@x.no", "subscribed_at": "2020-01-01",
                                      "unsubscribed_at": _some(n, 5, "2021-01-01")} for n in range(1, 61)],
        "web_events": [{"event_id": f"E{n}", "occurred_at": "2026-07-01", "visitor_id": "v",
                        "consented": "true" if n % 4 else "false",
                        "consent_withdrawn_at": _some(n, 10, "2026-07-02")} for n in range(1, 101)],
        "app_logs": [{"log_id": f"G{n}", "logged_at": f"2026-08-{n % 28 + 1:02}", "username": "u"}
                     for n in range(1, 61)],
        "rights_requests": [_request(n) for n in range(1, 201)],
    }


@dataclass
class World:
    """A connection whose raw tables hold the shop, and the control store that knows what was seen of it."""

    con: zones.Connection
    control: ControlStore
    keys: KeyStore
    policy: Policy = POLICY

    def run(self, month: str, *spoiling: str, forget: bool = False) -> set[str]:
        """Decide a month over the shop, spoilt by statements for this run alone; what is due.

        The run is remembered as a successful one, unless `forget`.
        """
        with self._spoilt(*spoiling):
            prepare(self.con, self.policy, self.control, month)
            write_open_before(self.con, self.control, self.keys, month)
            run_decisions(self.con, self.policy, month)
            due = {"/".join(row) for row in self.con.execute(
                "SELECT 'attribute', subject_id, attribute FROM retention.attribute_decisions WHERE decision = 'due' "
                "UNION SELECT entity, record_id, part FROM retention.record_decisions WHERE decision = 'due'",
            ).fetchall()}
            self.reasons: list[str] = self.con.execute("SELECT reasons FROM retention.evidence").fetchall()[0][0]
            self.tripped: list[tuple[str, str]] = self.con.execute(
                "SELECT guard, concat_ws('.', table_name, nullif(column_name, '')) FROM retention.guards "
                "WHERE is_tripped ORDER BY ALL").fetchall()
            if not forget:
                number = len(self.control.rows(_RUNS))
                remember_measures(self.con, self.control, self.keys, month, f"run-{number}", self.policy.version)
        return due

    @contextmanager
    def _spoilt(self, *statements: str) -> Iterator[None]:
        self.con.execute("BEGIN")
        for statement in statements:
            self.con.execute(statement)
        self.con.execute("UPDATE raw.extraction SET rows = n FROM (" + " UNION ALL ".join(
            f"SELECT '{name}' AS t, count(*) AS n FROM raw.{name}" for name in self.policy.sources.tables)
            + ") WHERE t = table_name")
        try:
            yield
        finally:
            self.con.execute("ROLLBACK")


def world(folder: Path) -> World:
    """The shop, loaded, with a control store that has seen nothing yet."""
    con = zones.memory()
    con.execute("SET threads = 1")
    load_raw(con, shop(), POLICY)
    return World(con, ControlStore(f"sqlite:///{folder / 'control.db'}"), KeyStore(folder / "keys"))
