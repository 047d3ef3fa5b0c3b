"""The values that the reference evaluator works with, and its calendar."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date
from typing import Any

Row = dict[str, Any]
Shop = dict[str, list[dict[str, object]]]

# "Open": no end in sight. Later than every real date, so that max() and min() do the right thing; shown as None.
OPEN = date.max

PERSONS = ("consumer", "sole_proprietor")


def _tombstones() -> dict[str, str]:
    return {
        "consumer": "anonymised-consumer",
        "business": "anonymised-business",
        "sole_proprietor": "anonymised-sole-proprietor",
    }


def _neutral() -> dict[tuple[str, str], str]:
    return {}  # in a column that takes NULL a neutral value is a value like any other


@dataclass(frozen=True)
class Options:
    """The policy choices and the decisions that people made through the product.

    legal_holds: {"subject_id": "customer:1"} or {"entity": "app_logs"}, with "placed_on", "expires_on" (or none), and
        "lifted_on" (or None).
    message_reviews: {"communication_id", "reviewed_on"}.
    review_releases: {"subject_id", "kind": "open_balance" | "no_evidence", "decided_on", "invoice_ids": [...]}; or
        {"record": (table, id), "kind": "orphan" | "data_quality", "decided_on"}, which lifts what the faults of that
        row hold (of an order its lines' too), or its hold as an orphan, of the row and of everybody it froze.
    stored_effects: what earlier months kept of objections, verified erasures and unsubscriptions,
        {"request", "kind": "objection" | "erasure" | "unsubscription", "received": R, "verified": V or None,
        "by_email": bool, "subjects": [subject ids], "email_keys": [keys]}. `request` is the request_id (of an
        unsubscription the subscription_id): while that row has an id or its e-mail, it decides and the effect is void.
        `subjects` are those whom the request reached then. `email_keys` are the addresses that it named, and those
        that its subjects had; `by_email`: it named nobody but by address, so that the keys reach whoever has them.
    """

    tombstones: dict[str, str] = field(default_factory=_tombstones)
    neutral: dict[tuple[str, str], str] = field(default_factory=_neutral)
    no_warranty_categories: tuple[str, ...] = ("freight", "services")
    unknown_warranty: str | int = "hold"
    business_warranty_keeps_contact: bool = False
    cookie_months: int = 13
    log_months: int = 13
    legal_holds: tuple[dict[str, Any], ...] | list[dict[str, Any]] = ()
    review_releases: tuple[dict[str, Any], ...] | list[dict[str, Any]] = ()
    message_reviews: tuple[dict[str, Any], ...] | list[dict[str, Any]] = ()
    evidence_missing: bool = False
    sentinel_dates: tuple[date, ...] = (date(1753, 1, 1), date(1899, 12, 30), date(1900, 1, 1), date(1970, 1, 1),
                                        date(9999, 12, 31))
    end_before_beginning_days: int = 31
    stored_effects: tuple[dict[str, Any], ...] | list[dict[str, Any]] = ()


@dataclass
class Subject:
    """A row of customers or contacts: a person or a company."""

    id: str
    kind: str  # consumer, business, sole_proprietor, contact
    table: str
    row: Row
    created: date | None
    closed: date | None
    login: date | None
    orders: list[Order] = field(default_factory=list)
    cases: list[Row] = field(default_factory=list)
    invoices: list[Row] = field(default_factory=list)
    stops: list[date] = field(default_factory=list)  # R of objections, and of erasures for marketing
    erasures: list[date] = field(default_factory=list)  # V of verified erasures that are certainly this subject's
    requests: list[Request] = field(default_factory=list)  # every request that reaches it
    released: set[str] = field(default_factory=set)  # invoices released by a review decision
    evidence_released: bool = False


@dataclass
class Order:
    """An order with everything that hangs on it."""

    id: str
    row: Row
    person: bool
    lines: list[Row] = field(default_factory=list)
    invoices: list[Row] = field(default_factory=list)
    cases: list[Row] = field(default_factory=list)
    guest: bool = False
    erasures: list[date] = field(default_factory=list)  # V of verified erasures that reach a guest's order


@dataclass
class Request:
    """A rights request, with the subjects it reaches, and the guests' orders and invoices."""

    row: Row
    received: date | None
    verified: date | None  # V: the later of R and the day of identification; None until both are known
    reached: list[str] = field(default_factory=list)
    by_email: bool = False
    guests: list[Row] = field(default_factory=list)

    @property
    def kind(self) -> str | None:
        """The kind of the request."""
        kind: str | None = self.row["kind"]
        return kind

    @property
    def counts(self) -> bool:
        """A withdrawn request has no effect, nor a refused one; an objection cannot be refused."""
        outcome = self.row["outcome"]
        return not (outcome == "withdrawn" or (outcome == "refused" and self.kind != "objection"))


@dataclass
class World:
    """Everything that is known at the end of a month."""

    as_of: date
    options: Options
    tables: dict[str, list[Row]]
    quality: list[dict[str, object]]
    faulty: set[tuple[str, str]]  # (table, id) of the rows with a fault that freezes
    unordered: set[str] = field(default_factory=set)  # the orders whose ordered_at is a fault
    subjects: dict[str, Subject] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    by_email: dict[str, list[str]] = field(default_factory=dict)  # the subjects that have an e-mail key
    named: dict[str, list[date]] = field(default_factory=dict)  # R of what ends subscriptions to an e-mail key
    unsubscribed: dict[str, list[date]] = field(default_factory=dict)  # unsubscriptions of an e-mail key
    released: set[tuple[str, str, str]] = field(default_factory=set)  # table, id, freeze lifted by a person
    indexes: dict[tuple[str, str], dict[object, list[Row]]] = field(default_factory=dict)

    def where(self, table: str, column: str, value: object) -> list[Row]:
        """The rows of a table with a value in a column; the table is read through once a column."""
        if (table, column) not in self.indexes:
            index = self.indexes[table, column] = {}
            for row in self.tables[table]:
                index.setdefault(row[column], []).append(row)
        return self.indexes[table, column].get(value, [])

    def by(self, day: date | None) -> bool:
        """Whether something had happened by as_of."""
        return day is not None and day <= self.as_of


def first_of_next_month(month: str) -> date:
    """as_of of a partition YYYY-MM."""
    year, number = (int(part) for part in month.split("-"))
    return add_months(date(year, number, 1), 1)


def add_months(day: date, months: int) -> date:
    """Calendar months later; the day is clamped to the end of the month."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def latest(*days: date | None) -> date | None:
    """The latest of the dates that are known."""
    known = [day for day in days if day is not None]
    return max(known) if known else None


def shown(day: date | None) -> date | None:
    """A date as it stands in a result table: open is NULL."""
    return None if day == OPEN else day
