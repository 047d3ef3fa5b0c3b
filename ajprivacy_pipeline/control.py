"""The control store: what was run, what was released, who decided what.

No personal value but the ids of subjects and messages under hold or review, and of requests that name an address of
several people.

Belongs here: small tables that outlive a month, in SQLite by default or PostgreSQL, through SQLAlchemy; appended to,
never edited, but for a run's end. Does not belong here: rows of the warehouse, or anything a release contains.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from ajprivacy_pipeline.errors import ControlError

_meta = sa.MetaData()

months = sa.Table(  # one row per successful run of a month: what it saw, so that the next can tell a shrunken source
    "months", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("month", sa.String(7), nullable=False, index=True),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("policy_version", sa.String(64), nullable=False),
    sa.Column("finished_at", sa.DateTime, nullable=False),
)
source_counts = sa.Table(
    "source_counts", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("month", sa.String(7), nullable=False, index=True),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("table_name", sa.String(64), nullable=False),
    sa.Column("present", sa.Boolean, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
)
shrunken_sources = sa.Table(  # tables that had lost rows in a successful run: the next month is not compared with them
    "shrunken_sources", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("table_name", sa.String(64), nullable=False),
)
accepted_counts = sa.Table(  # a person says that a table may be as small as it was in a month
    "accepted_counts", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("table_name", sa.String(64), nullable=False),
    sa.Column("present", sa.Boolean, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("accepted_by", sa.String(200), nullable=False),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("accepted_on", sa.Date, nullable=False),
)
releases = sa.Table(  # one row per published release
    "releases", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("history_from", sa.String(7), nullable=False),
    sa.Column("proven", sa.Boolean, nullable=False),
    sa.Column("manifest_sha256", sa.String(64), nullable=False),
    sa.Column("policy_version", sa.String(64), nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("published_at", sa.DateTime, nullable=False),
)
hold_events = sa.Table(  # one row each for placing a legal hold, renewing it, lifting it; none is edited
    "hold_events", _meta,  # hold_id is the placing row's id; subject_id ('customer:1') or an entity's name ('app_logs')
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("hold_id", sa.Integer, index=True),
    sa.Column("event", sa.String(8), nullable=False),
    sa.Column("subject_id", sa.String(200), nullable=False),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("ground", sa.String(64), nullable=False),
    sa.Column("expires_on", sa.Date, nullable=False),
    sa.Column("happened_on", sa.Date, nullable=False),
    sa.Column("recorded_by", sa.String(200), nullable=False),
)
review_decisions = sa.Table(  # one row per subject and decision; a release also lists its invoices below
    "review_decisions", _meta,  # subject_id is that of a subject, or of a message without one: 'communications:1'
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subject_id", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("decision", sa.String(16), nullable=False),
    sa.Column("decided_by", sa.String(200), nullable=False),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("decided_on", sa.Date, nullable=False),
)
released_invoices = sa.Table(  # facts_sha256 pins the invoice as it was; a changed invoice is not released any more
    "released_invoices", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("decision_id", sa.Integer, sa.ForeignKey("review_decisions.id"), nullable=False),
    sa.Column("invoice_id", sa.String(200), nullable=False),
    sa.Column("facts_sha256", sa.String(64), nullable=False),
)

released_faults = sa.Table(  # facts_sha256 pins the faults of the record as they were; a new one is not released
    "released_faults", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("decision_id", sa.Integer, sa.ForeignKey("review_decisions.id"), nullable=False),
    sa.Column("entity", sa.String(64), nullable=False),
    sa.Column("record_id", sa.String(200), nullable=False),
    sa.Column("facts_sha256", sa.String(64), nullable=False),
)
first_held = sa.Table(  # the first month in which a fault held something: a keyed token of freeze, table and record
    "first_held", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False, index=True),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
)
product_warranties = sa.Table(  # a product's warranty in a successful month, where it was another than before
    "product_warranties", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("product_id", sa.String(200), nullable=False),
    sa.Column("warranty_years", sa.Integer),
    sa.Column("month", sa.String(7), nullable=False, index=True),
    sa.Column("run_id", sa.String(64), nullable=False),
)

policies = sa.Table(  # every policy that a run used: the TOML texts by file name, as JSON; once a version
    "policies", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("version", sa.String(64), nullable=False, index=True),
    sa.Column("stored_at", sa.DateTime, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)

policy_keepers = sa.Table(  # by whose run a policy was stored; what was stored before this table was there has no row
    "policy_keepers", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("version", sa.String(64), nullable=False, index=True),
    sa.Column("stored_by", sa.String(200), nullable=False),
)

shared_requests = sa.Table(  # erasures by e-mail that reached several people in a month: they stay ambiguous
    "shared_requests", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("request_id", sa.String(200), nullable=False, index=True),
    sa.Column("matches", sa.BigInteger, nullable=False),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
)

effects = sa.Table(  # what objections, erasures and unsubscriptions ended; keyed tokens of the request and its people
    "effects", _meta,  # replaced as a whole per source; `key` is the fingerprint of the tokens' key
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("source", sa.String(64), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("received_on", sa.Date, nullable=False),
    sa.Column("verified_on", sa.Date),
    sa.Column("by_email", sa.Boolean, nullable=False),
    sa.Column("matches", sa.BigInteger, nullable=False),
    sa.Column("what", sa.String(8), nullable=False),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("erases", sa.Boolean, nullable=False),
    sa.Column("key", sa.String(16), nullable=False),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
)

looks = sa.Table(  # who looked at a person: the subject as a keyed token, never its id
    "looks", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subject_id", sa.String(64), nullable=False, index=True),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("what", sa.String(32), nullable=False),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("looked_at", sa.DateTime, nullable=False),
)


def utc_now() -> datetime:
    """The clock of records (never of decisions), in UTC without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def is_full(error: Exception) -> bool:
    """Whether a store in SQLite, this one or Dagster's, could not be written for want of space."""
    return isinstance(error, OperationalError) and any(
        text in str(error.orig) for text in ("disk I/O error", "database or disk is full"))


class ControlStore:
    """Typed access to the control store."""

    def __init__(self, url: str) -> None:
        """Connect to `url` and create what is missing.

        Raises:
            ControlError: the store cannot be opened.
        """
        self._engine = sa.create_engine(url, hide_parameters=True)
        with _control_errors():
            _meta.create_all(self._engine)

    @classmethod
    def in_folder(cls, folder: Path) -> "ControlStore":
        """The default store: `control.db`, readable by its owner alone."""
        path = folder / "control.db"
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        return cls(f"sqlite:///{path}")

    def insert(self, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows in one transaction."""
        if rows:
            with _control_errors(), self._engine.begin() as connection:
                connection.execute(table.insert(), list(rows))

    def rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        """The rows of a query, as dictionaries."""
        with _control_errors(), self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def record_month(self, month: str, run_id: str, policy_version: str, counts: Sequence[dict[str, Any]],
                     shrunken: Sequence[str] = ()) -> None:
        """Record a month's success with the row counts of its source tables (table_name, present, rows).

        `shrunken` names the tables that had lost too many rows to be evidence.
        """
        with _control_errors(), self._engine.begin() as connection:
            connection.execute(months.insert(), {"month": month, "run_id": run_id, "policy_version": policy_version,
                                                 "finished_at": utc_now()})
            connection.execute(source_counts.insert(), [{"month": month, "run_id": run_id, **row} for row in counts])
            if shrunken:
                connection.execute(shrunken_sources.insert(),
                                   [{"month": month, "run_id": run_id, "table_name": name} for name in shrunken])

    def replace_effects(self, sources: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
        """Drop what is stored of some sources, and store rows instead, in one transaction."""
        with _control_errors(), self._engine.begin() as connection:
            if sources:
                connection.execute(effects.delete().where(effects.c.source == sa.bindparam("gone")),
                                   [{"gone": source} for source in sources])
            if rows:
                connection.execute(effects.insert(), list(rows))

    def previous_counts(self, month: str) -> list[dict[str, Any]]:
        """What each source table is compared with in `month`: table_name, present, rows, and the month they are of.

        The counts of the newest successful run before, of each month its last, in which the table was evidence; or what
        somebody accepted since, for that month or an earlier one. A table that was never there has no row.
        """
        found: dict[str, dict[str, Any]] = {}
        for row in (*self._accepted(month), *self._evidence(month)):  # of one month, what a run found to be evidence
            known = found.get(row["table_name"])
            if known is None or known["month"] <= row["month"]:
                found[row["table_name"]] = row
        return list(found.values())

    def _evidence(self, month: str) -> Iterator[dict[str, Any]]:
        """Counts of every successful month before, oldest first, without the tables that had shrunk."""
        last = sa.select(sa.func.max(months.c.id)).where(months.c.month < month).group_by(months.c.month)
        runs = sa.select(months.c.month, months.c.run_id).where(months.c.id.in_(last)).order_by(months.c.month)
        for run in self.rows(runs):
            of_run = {"month": run["month"], "run_id": run["run_id"]}
            gone = {row["table_name"] for row in self.rows(sa.select(shrunken_sources).filter_by(**of_run))}
            for row in self.rows(sa.select(source_counts).filter_by(**of_run)):
                if row["table_name"] not in gone:
                    yield {name: row[name] for name in ("table_name", "present", "rows", "month")}

    def _accepted(self, month: str) -> list[dict[str, Any]]:
        table = accepted_counts.c
        return self.rows(sa.select(table.table_name, table.present, table.rows, table.month)
                         .where(table.month <= month).order_by(table.month, table.id))

    def record_look(self, token: str, month: str, what: str, by: str) -> None:
        """Note that somebody looked at a person; `token` stands for the subject, derived by its key store."""
        self.insert(looks, [{"subject_id": token, "month": month, "what": what, "by": by, "looked_at": utc_now()}])

    def warranties_before(self, month: str) -> dict[str, int | None]:
        """Each product's warranty as the last successful month before a month saw it."""
        table = product_warranties.c
        found = sa.select(table.product_id, table.warranty_years).where(table.month < month)
        return {row["product_id"]: row["warranty_years"] for row in self.rows(found.order_by(table.month, table.id))}

    def record_decision(self, decision: dict[str, Any], invoices: Sequence[dict[str, Any]],
                        faults: Sequence[dict[str, Any]] = ()) -> int:
        """Append a review decision with what it releases, and return its id.

        Invoices have invoice_id and facts_sha256, faults entity, record_id and facts_sha256.
        """
        with _control_errors(), self._engine.begin() as connection:
            made = connection.execute(review_decisions.insert(), decision).inserted_primary_key
            decision_id = int(made[0]) if made is not None else 0
            if invoices:
                connection.execute(released_invoices.insert(),
                                   [{"decision_id": decision_id, **row} for row in invoices])
            if faults:
                connection.execute(released_faults.insert(), [{"decision_id": decision_id, **row} for row in faults])
            return decision_id

    def append_hold_event(self, event: dict[str, Any]) -> int:
        """Append an event of a legal hold, and return the row's id: the hold's number where the event places it."""
        with _control_errors(), self._engine.begin() as connection:
            made = connection.execute(hold_events.insert(), event).inserted_primary_key
            return int(made[0]) if made is not None else 0

    def legal_holds(self) -> list[dict[str, Any]]:
        """Every hold as its events leave it, oldest first.

        Keys: id, subject_id, owner, ground, placed_on, expires_on, lifted_on.
        """
        found: dict[int, dict[str, Any]] = {}
        for row in self.rows(sa.select(hold_events).order_by(hold_events.c.id)):
            if row["event"] == "placed":
                found[row["id"]] = {"id": row["id"], "subject_id": row["subject_id"], "owner": row["owner"],
                                    "ground": row["ground"], "placed_on": row["happened_on"], "lifted_on": None}
            hold = found[row["hold_id"] or row["id"]]
            hold["expires_on"] = row["expires_on"]
            if row["event"] == "lifted":
                hold["lifted_on"] = row["happened_on"]
        return list(found.values())

    def releases(self) -> list[dict[str, Any]]:
        """Every release, oldest first."""
        return self.rows(sa.select(releases).order_by(releases.c.id))


@contextmanager
def _control_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise ControlError(f"the control store refused ({type(error).__name__}): "
                           "check control/ and its permissions") from None
