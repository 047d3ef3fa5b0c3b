"""The control store: what was run, what was released, who decided what. No personal value but subject ids under hold.

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
from sqlalchemy.exc import SQLAlchemyError

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
legal_holds = sa.Table(  # subject_id ('customer:1', 'contact:2') or the name of an entity ('app_logs')
    "legal_holds", _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subject_id", sa.String(200), nullable=False),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("ground", sa.String(64), nullable=False),
    sa.Column("placed_on", sa.Date, nullable=False),
    sa.Column("expires_on", sa.Date, nullable=False),
    sa.Column("lifted_on", sa.Date),
)
review_decisions = sa.Table(  # one row per subject and decision; a release also lists its invoices below
    "review_decisions", _meta,
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


def utc_now() -> datetime:
    """The clock of records (never of decisions), in UTC without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


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

    def record_month(self, month: str, run_id: str, policy_version: str, counts: Sequence[dict[str, Any]]) -> None:
        """Record a month's success with the row counts of its source tables (table_name, present, rows)."""
        with _control_errors(), self._engine.begin() as connection:
            connection.execute(months.insert(), {"month": month, "run_id": run_id, "policy_version": policy_version,
                                                 "finished_at": utc_now()})
            connection.execute(source_counts.insert(), [{"month": month, "run_id": run_id, **row} for row in counts])

    def previous_counts(self, month: str) -> list[dict[str, Any]]:
        """Row counts of the newest successful month before `month`, empty when there was none."""
        newest = self.rows(sa.select(months.c.month, months.c.run_id).where(months.c.month < month)
                           .order_by(months.c.month.desc(), months.c.id.desc()).limit(1))
        if not newest:
            return []
        return self.rows(sa.select(source_counts.c.table_name, source_counts.c.present, source_counts.c.rows)
                         .where(source_counts.c.run_id == newest[0]["run_id"])
                         .where(source_counts.c.month == newest[0]["month"]))

    def releases(self) -> list[dict[str, Any]]:
        """Every release, oldest first."""
        return self.rows(sa.select(releases).order_by(releases.c.id))


@contextmanager
def _control_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise ControlError(f"the control store refused ({type(error).__name__}): check control/ and its permissions") from None
