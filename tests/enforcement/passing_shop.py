"""A shop in which time passes: each month brings the rows and the ends of things that the sample has for it.

The sample makes the whole shop as it stands at its last day. Of this, a warehouse gets at first what had happened by
some day, and then month by month what happened next: people and orders arrive, things are paid, delivered and closed,
subscriptions end, requests come in. Nobody who was anonymised does anything any more.
"""

import sqlite3
from calendar import monthrange
from datetime import date
from pathlib import Path

from ajprivacy_pipeline.sample import generate

# When a row arrives; people arrive with the first thing that is known of them.
ARRIVES = {
    "customers": "profile_created_at", "contacts": "created_at", "products": "NULL", "orders": "ordered_at",
    "order_lines": "(SELECT ordered_at FROM future.orders AS o WHERE o.order_id = r.order_id)",
    "invoices": "issued_at", "cases": "opened_at", "communications": "occurred_at",
    "newsletter_subscriptions": "subscribed_at", "web_events": "occurred_at", "app_logs": "logged_at",
    "rights_requests": "received_at"}
# What comes later than its row, each with what depends on it and what stands there until then.
LATER: dict[str, dict[str, dict[str, str]]] = {
    "customers": {"profile_closed_at": {}, "last_login_at": {}},
    "contacts": {"deactivated_at": {}, "last_login_at": {}},
    "orders": {"delivered_at": {}, "completed_at": {}, "paid_at": {}, "cancelled_at": {}},
    "order_lines": {"delivered_at": {}, "returned_at": {}},
    "invoices": {"settled_at": {"paid_amount": "0"}},
    "cases": {"closed_at": {}},
    "newsletter_subscriptions": {"unsubscribed_at": {}},
    "web_events": {"consent_withdrawn_at": {}},
    "rights_requests": {"identity_verified_at": {}, "closed_at": {"outcome": "NULL"}}}
KEYS = {"customers": "customer_id", "contacts": "contact_id", "products": "product_id", "orders": "order_id",
        "invoices": "invoice_id", "cases": "case_id", "communications": "communication_id",
        "newsletter_subscriptions": "subscription_id", "web_events": "event_id", "app_logs": "log_id",
        "rights_requests": "request_id"}


class PassingShop:
    """A warehouse in a file, and what is still to come of it in another."""

    def __init__(self, folder: Path, customers: int, seed: int, until: date) -> None:
        """Make the shop of the last day, and a warehouse with its tables and nothing in them."""
        self.file, self._future = folder / "shop.db", folder / "future.db"
        generate(f"sqlite:///{self._future}", customers, seed, until)
        with sqlite3.connect(self._future) as future:
            made = [sql for (sql,) in future.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL "
                                                     "AND name NOT LIKE 'sqlite_%' ORDER BY type DESC")]
        with sqlite3.connect(self.file) as shop:
            for sql in made:
                shop.execute(sql)
        self._until: str | None = None

    @property
    def url(self) -> str:
        """The warehouse."""
        return f"sqlite:///{self.file}"

    def live(self, month: str) -> dict[str, int]:
        """Let everything happen up to the end of a month; returns the rows that arrived in each table."""
        year, number = int(month[:4]), int(month[5:])
        end = f"{month}-{monthrange(year, number)[1]} 23:59:59"
        with sqlite3.connect(self.file) as shop:
            shop.execute("ATTACH ? AS future", [str(self._future)])
            gone = {kind: {row[0] for row in shop.execute(
                f"SELECT {kind}_id FROM {kind}s WHERE coalesce(name, email, phone) IS NULL "
                f"AND EXISTS (SELECT 1 FROM future.{kind}s AS f WHERE f.{kind}_id = {kind}s.{kind}_id "
                "AND coalesce(f.name, f.email, f.phone) IS NOT NULL)")} for kind in ("customer", "contact")}
            arrived = {table: self._arrive(shop, table, end, gone) for table in ARRIVES}
            for table, columns in LATER.items():
                for column, beside in columns.items():
                    self._come_later(shop, table, column, beside, end)
            shop.commit()
        self._until = end
        return arrived

    def _arrive(self, shop: sqlite3.Connection, table: str, end: str, gone: dict[str, set[str]]) -> int:
        names = [row[1] for row in shop.execute(f"PRAGMA future.table_info({table})")]
        later = LATER.get(table, {})
        until_then = {name: value for column, beside in later.items() for name, value in beside.items()}
        column_of = {name: column for column, beside in later.items() for name in beside}
        values = [f"CASE WHEN r.{name} <= :end THEN r.{name} END" if name in later else
                  f"CASE WHEN r.{column_of[name]} <= :end THEN r.{name} ELSE {until_then[name]} END"
                  if name in until_then else f"r.{name}" for name in names]
        when = self._when(table)
        since = f"AND {when} > :since" if self._until else ""
        left_out = "".join(
            f" AND (r.{kind}_id IS NULL OR r.{kind}_id NOT IN ({', '.join(f':{kind}{i}' for i in range(len(ids)))}))"
            for kind, ids in gone.items() if ids and f"{kind}_id" in names)
        if table == "order_lines":
            left_out = " AND r.order_id IN (SELECT order_id FROM orders)"
        bound = {f"{kind}{i}": value for kind, ids in gone.items() for i, value in enumerate(sorted(ids))}
        cursor = shop.execute(f"INSERT INTO {table} SELECT {', '.join(values)} FROM future.{table} AS r "
                              f"WHERE {when} <= :end {since}{left_out}",
                              {"end": end, "since": self._until, **bound})
        return cursor.rowcount

    def _when(self, table: str) -> str:
        """SQL of when a row arrives; what has no day was always there."""
        if table not in ("customers", "contacts"):
            return f"coalesce({ARRIVES[table]}, '')"
        key, tables = KEYS[table], ("orders", "invoices", "cases", "newsletter_subscriptions", "communications")
        firsts = ", ".join(f"coalesce((SELECT min({ARRIVES[other]}) FROM future.{other} AS x "
                           f"WHERE x.{key} = r.{key}), '9999')" for other in tables
                           if not (table == "contacts" and other == "invoices"))
        first = f"min(coalesce({ARRIVES[table]}, '9999'), {firsts})"
        return f"CASE WHEN {first} = '9999' THEN '' ELSE {first} END"

    def _come_later(self, shop: sqlite3.Connection, table: str, column: str, beside: dict[str, str], end: str) -> None:
        if self._until is None:
            return
        keys = ("order_id", "line_number") if table == "order_lines" else (KEYS[table],)
        same = " AND ".join(f"f.{key} = {table}.{key}" for key in keys)
        names = (column, *beside)
        found = (f"FROM future.{table} AS f WHERE {same} AND f.{column} > :since AND f.{column} <= :end")
        # nothing is written to a person who was anonymised
        alive = " AND name IS NOT NULL" if table in ("customers", "contacts") else ""
        shop.execute(f"UPDATE {table} SET ({', '.join(names)}) = (SELECT {', '.join(f'f.{n}' for n in names)} {found}) "
                     f"WHERE EXISTS (SELECT 1 {found}){alive}", {"since": self._until, "end": end})
