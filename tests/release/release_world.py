"""A tiny shop in the form of the layers staged and retention, for tests of the release."""

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.release import (
    Logs,
    ReleaseRequest,
    ReleaseResult,
    build_release,
    ledger_cells,
    plan_release,
    tables,
)
from ajprivacy_pipeline.retention.bind import CONTROL_TABLES
from ajprivacy_pipeline.settings import CHECKOUT, NOTICE, Settings, load_settings, prepare_home, sql_folder
from ajprivacy_pipeline.storage.catalogue import macros
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.zones import Connection, memory
from tests import forked

TYPES = {"id": "VARCHAR", "text": "VARCHAR", "email": "VARCHAR", "enum": "VARCHAR", "timestamp": "DATE", "date": "DATE",
         "amount": "DECIMAL(18,2)", "number": "DECIMAL(18,3)", "integer": "BIGINT", "boolean": "BOOLEAN"}
HISTORY = 3


def small_policy(**updates: Any) -> Policy:
    """The shipped policy with three months of history, by months alone."""
    policy = load_policy(NOTICE)
    by_months = policy.release.periods.model_copy(update={"lengths": ("month",)})
    release = policy.release.model_copy(update={"history_months": HISTORY, "periods": by_months, **updates})
    return policy.model_copy(update={"release": release})


def all_left_out(policy: Policy, left_out: Sequence[str]) -> list[str]:
    """The tables, and those of rounded counts that stand beside one of them."""
    return [*left_out, *(name for name, table in policy.release.tables.items()
                         if table.rounded and table.rounded.beside in left_out and name not in left_out)]


def without(policy: Policy, left_out: Sequence[str]) -> Policy:
    """A policy that does not publish some tables, with their views and golden questions."""
    release = policy.release
    left_out = all_left_out(policy, left_out)
    golden = {name: query for name, query in release.utility.golden.items() if query.table not in left_out}
    return policy.model_copy(update={"release": release.model_copy(update={
        "tables": {name: table for name, table in release.tables.items() if name not in left_out},
        "views": {name: view for name, view in release.views.items() if view.table not in left_out},
        "utility": release.utility.model_copy(update={"golden": golden})})})


def small_sql(folder: Path, source: Path = CHECKOUT / "sql") -> Path:
    """The models of the two layers, with stubs for everything they read: independent of the other layers' state."""
    for layer in ("anonymous", "published"):
        shutil.copytree(source / layer, folder / layer)
    text = "".join(path.read_text() for path in folder.glob("*/*.sql"))
    for name in sorted(set(re.findall(r"\b(?:staged|retention)\.[a-z_]+", text))):
        path = folder / (name.replace(".", "/") + ".sql")
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"-- model: {name}\n-- grain: none\n-- reads:\n-- doc: stub\nSELECT 1\n")
    return folder


def all_but(*kept: str) -> tuple[str, ...]:
    """The public tables that are left out where a test looks at these alone."""
    names = load_policy(NOTICE).release.tables
    assert set(kept) <= set(names)
    return tuple(name for name in names if name not in (*kept, "data_dictionary", "release_info"))


def empty_shop(policy: Policy) -> Connection:
    """The tables of staged, retention and control, without rows."""
    con = memory()
    con.execute("SET threads = 1")  # a thousand statements over a few rows each
    con.execute(macros(sql_folder(), vocabulary_of(policy)))
    for schema in ("staged", "retention", "control"):
        con.execute(f"CREATE SCHEMA {schema}")
    for name, table in policy.sources.tables.items():
        columns = []
        for column_name, column in table.columns.items():
            named = re.sub("_at$", "_on", column_name) if column_name != "updated_at" else column_name
            columns.append(f"{named} {TYPES[column.type] if column_name != 'updated_at' else 'TIMESTAMP'}")
        if name == "orders":
            columns.append("tombstone_type VARCHAR")
        if table.columns.get("email") is not None:
            columns.append("email_key VARCHAR AS (lower(email))")
        if name == "customers":
            columns.append("stated_type VARCHAR AS (customer_type)")
        con.execute(f"CREATE TABLE staged.{name} ({', '.join(columns)})")
    con.execute('CREATE TABLE retention.freezes (as_of DATE, subject_id VARCHAR, "freeze" VARCHAR, scope VARCHAR, '
                "since DATE, review BOOLEAN)")
    con.execute("CREATE TABLE retention.attribute_decisions (as_of DATE, subject_id VARCHAR, attribute VARCHAR, "
                "decision VARCHAR, due_on DATE, retained_by VARCHAR[], held_by VARCHAR[])")
    con.execute("CREATE VIEW retention.subjects AS SELECT row_number() OVER (ORDER BY customer_id) AS subject_no, "
                "'customer:' || customer_id AS subject_id, customer_id, NULL::VARCHAR AS contact_id "
                "FROM staged.customers")
    con.execute("CREATE TABLE retention.requests (subject_no INTEGER, stops_marketing BOOLEAN, erases BOOLEAN, "
                '"freeze" VARCHAR, by_email BOOLEAN, kind VARCHAR, email_key VARCHAR, stays_out BOOLEAN)')
    con.execute("CREATE TABLE retention.guest_requests (entity VARCHAR, record_id VARCHAR, erased_ons DATE[], "
                "freezes INTEGER)")
    # Nobody has come back here: whoever is kept out is so by a restriction.
    con.execute("CREATE VIEW retention.kept_out AS SELECT subject_id, NULL::VARCHAR AS entity, "
                "NULL::VARCHAR AS record_id FROM retention.freezes WHERE \"freeze\" = 'restriction' UNION "
                "SELECT NULL, entity, record_id FROM retention.guest_requests WHERE freezes > 0")
    for name in ("control.rates", "control.carried_facts"):
        con.execute(f"CREATE TABLE {name} ({CONTROL_TABLES[name]})")
    return con


def add(con: Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows given by column, in one statement."""
    if rows:
        columns = sorted({column for row in rows for column in row})
        values = ", ".join(f"unnest(${i + 1})" for i in range(len(columns)))
        con.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values}",
                    [[row.get(column) for row in rows] for column in columns])


def months(last: str) -> Iterator[date]:
    """The first days of January 2024 up to the month."""
    for month in range(1, int(last[5:]) + 1):
        yield date(2024, month, 1)


def register(regions: Sequence[str] = ("0", "5"), each: int = 10) -> list[dict[str, Any]]:
    """Customers without an order, by whom each type may be told in each region (G17), and the rest as other."""
    common = [(kind, f"{region}{i:03d}") for region in regions for kind in ("consumer", "business")
              for i in range(each)]
    rare = [(kind, "9990") for kind in ("sole_proprietor", None) for _ in range(5)]
    return [{"customer_id": f"R{i}", "customer_type": kind, "country": "NO", "postal_code": code}
            for i, (kind, code) in enumerate(common + rare)]


def shop_rows(last: str = "2024-03") -> dict[str, list[dict[str, Any]]]:
    """Thirty customers: in each month 24 buy lockers, 4 of them desks as well, 3 return something."""
    rows: dict[str, list[dict[str, Any]]] = {
        "customers": [], "orders": [], "order_lines": [], "communications": [], "app_logs": [],
        "newsletter_subscriptions": [], "products": [], "contacts": []}
    rows["products"] = [{"product_id": "P1", "name": "Locker two doors", "category": "lockers"},
                        {"product_id": "P2", "name": "Desk oak", "category": "desks"}]
    for i in range(30):
        kind = "consumer" if i % 2 else "business"
        rows["customers"].append({"customer_id": f"C{i}", "customer_type": kind, "name": f"Kunde Nummer{i:03d}",
                                  "email": f"kunde{i}@example.no", "username": f"kundebruker{i}", "country": "NO",
                                  "postal_code": "0150" if i < 20 else "5003", "preferences": "lockers"})
        rows["newsletter_subscriptions"].append({"subscription_id": f"S{i}", "email": f"Kunde{i}@example.no",
                                                 "customer_id": f"C{i}", "subscribed_on": date(2024, 1, 3)})
    rows["customers"] += register()
    for first in months(last):
        for i in range(24):
            order = f"O{first:%m}{i}"
            rows["orders"].append({"order_id": order, "customer_id": f"C{i}", "ordered_on": first + timedelta(days=i),
                                   "delivery_postal_code": "0150" if i < 20 else "5003", "currency": "NOK"})
            rows["order_lines"].append({"order_id": order, "line_number": 1, "product_id": "P1", "quantity": 2,
                                        "unit_price": 100})
            if i < 4:
                rows["order_lines"].append({"order_id": order, "line_number": 2, "product_id": "P2", "quantity": 1,
                                            "unit_price": 1000})
            if 4 <= i < 7:
                rows["order_lines"].append({"order_id": order, "line_number": 2, "product_id": "P1", "quantity": 1,
                                            "unit_price": 100, "returned_on": first + timedelta(days=20)})
            rows["communications"].append({"communication_id": f"M{order}", "customer_id": f"C{i}", "direction": "in",
                                           "channel": "email" if i < 15 else "phone", "occurred_on": first})
            rows["app_logs"].append({"log_id": f"L{order}", "logged_on": first, "service": "checkout",
                                     "level": "info" if i < 16 else "error", "username": f"kundebruker{i}"})
        rows["app_logs"].append({"log_id": f"N{first:%m}", "logged_on": first, "service": "nightly", "level": "info"})
    return rows


def fill(con: Connection, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Put the shop's rows into staged and give each customer decisions."""
    for table, values in rows.items():
        add(con, f"staged.{table}", values)
    add(con, "retention.attribute_decisions", [
        {"as_of": date(2024, 4, 1), "subject_id": f"customer:{customer['customer_id']}", "attribute": attribute,
         "decision": decision}
        for customer in rows["customers"] if customer["customer_id"].startswith("C")
        for attribute, decision in (
            ("name", "retain"), ("gender", "due" if int(customer["customer_id"][1:]) < 12 else "absent"))])


class World:
    """A home, a policy, a control store, and a shop to publish."""

    def __init__(self, home: Path, policy: Policy | None = None, sql: Path | None = None,
                 left_out: Sequence[str] = ()) -> None:
        """Use `home`; the shop is filled by `fill`. Public tables may be left out."""
        self.settings: Settings = load_settings({"AJPRIVACY_HOME": str(home), "AJPRIVACY_THREADS": "2"})
        prepare_home(self.settings)
        left_out = all_left_out(policy or small_policy(), left_out)
        self.policy = without(policy or small_policy(), left_out)
        self.control = ControlStore.in_folder(self.settings.control)
        self.sql = sql or small_sql(home / "sql")
        for table in left_out:
            (self.sql / "published" / f"{table}.sql").unlink(missing_ok=True)
        self.con = empty_shop(self.policy)
        self.logs: Logs | None = list  # nothing is written down

    @property
    def analytics(self) -> Path:
        """What analysts open."""
        return self.settings.published / "analytics.duckdb"

    def publish(self, month: str = "2024-03", progress: Any = lambda _: None,
                request: ReleaseRequest | None = None) -> ReleaseResult:
        """Publish a month with the small SQL folder."""
        return build_release(self.con, self.settings, self.policy, self.control, month, "run 1", progress, sql=self.sql,
                             logs=self.logs, request=request)

    def compute(self, month: str = "2024-03") -> None:
        """Make the public tables without publishing them; `rows` reads them."""
        tables.run_layers(self.con, self.policy, plan_release(self.control, self.policy, month), self.sql)
        ledger_cells.link_people(self.con, self.settings)
        tables.forget_tokens(self.con)
        for name, relation in tables.make_public(self.con, self.policy).items():
            self.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {relation}")

    def rows(self, sql: str) -> list[Any]:
        """Rows of the public tables that `compute` made."""
        return self.con.execute(sql).fetchall()

    def manifest(self, month: str | None = None) -> dict[str, Any]:
        """The manifest of the release for a month, the newest when none is named."""
        month = month or self.control.releases()[-1]["month"]
        found: dict[str, Any] = json.loads(
            (self.settings.published / "releases" / month / "manifest.json").read_text(encoding="utf-8"))
        return found

    def query(self, sql: str) -> list[Any]:
        """Rows of the published file."""
        con = memory()
        try:
            con.execute(f"ATTACH '{self.analytics}' AS analytics (READ_ONLY)")
            con.execute("USE analytics.published")
            return con.execute(sql).fetchall()
        finally:
            con.close()


def edit(world: World, model: str, old: str, new: str) -> None:
    """Change a model of the small SQL folder."""
    path = world.sql / f"{model}.sql"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def tree(folder: Path) -> dict[str, bytes]:
    """Bytes of every file below a folder, by relative path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def die_at(home: Path, month: str, step: str, reissue: str | None = None,
           left_out: Sequence[str] = ()) -> int | None:
    """Publish, or issue a month again, in a process of its own that dies at the step; its exit code.

    Processes are forked from one that has loaded everything.
    """
    process = forked.start(_publish_and_die, home, month, step, reissue, left_out)
    process.join()
    return process.exitcode


def _publish_and_die(home: Path, month: str, dies_at: str, reissue: str | None, left_out: Sequence[str]) -> None:
    """Publish, or issue a month again, and die without a word at the step."""
    sql = home / "sql"
    world = World(home, sql=sql if sql.exists() else None, left_out=left_out)
    fill(world.con, shop_rows(month))

    def progress(step: str) -> None:
        if step == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    world.publish(month, progress, ReleaseRequest(reissue=reissue))
