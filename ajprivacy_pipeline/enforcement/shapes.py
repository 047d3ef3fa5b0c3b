"""What a plan and its carrying out come to, in counts alone: the records that commands print and the ledger keeps.

Belongs here: their shapes. Does not belong here: counting.
"""

from typing import TypedDict


class SummaryRow(TypedDict):
    """How much of one part goes, and by which clause."""

    entity: str
    part: str
    action: str
    clause: str
    rows: int
    cells: int


class BrakeRow(TypedDict):
    """The share of a part's rows with a value that goes, this plan and the last ones together."""

    entity: str
    part: str
    share: float
    limit: float
    tripped: bool


class NotCarriedOut(TypedDict):
    """A column that the product cannot change."""

    entity: str
    column: str
    rows: int
    reason: str


class Waiting(TypedDict):
    """Rows that are due and wait for something else."""

    entity: str
    part: str
    rows: int
    waits_for: str


class Refused(TypedDict):
    """What the source would refuse, or do too well."""

    table: str
    column: str | None
    constraint: str
    fix: str


class PlanSummary(TypedDict):
    """`plan make --json`; `plan` is None where nothing is due."""

    plan: str | None
    month: str
    as_of: str
    policy_version: str
    rows: int
    cells: int
    subjects: int
    oldest_due_on: str | None
    summary: list[SummaryRow]
    brake: list[BrakeRow]
    not_carried_out: list[NotCarriedOut]
    waiting: list[Waiting]
    refused: list[Refused]
    overdue: dict[str, int]  # by the year since when: rows that were due before the month began
    kept: dict[str, dict[str, int]]  # decision -> why -> decisions


class Dropped(TypedDict):
    """Rows of a plan that were not carried out because something has changed."""

    reason: str
    rows: int


class Residue(TypedDict):
    """Where old values may still lie, and when that ends."""

    where: str
    what: str
    ends: str


class Hit(TypedDict):
    """Where an erased value still stands."""

    table: str
    column: str
    rows: int
    how: str


class ApplyResult(TypedDict):
    """`plan apply --json`. planned = applied + dropped + already + not_carried_out, in decisions."""

    plan: str
    month: str
    planned: int
    applied: int
    dropped: list[Dropped]
    already: int
    not_carried_out: int
    arrived_meanwhile: int
    written_back: int
    batches: int
    verified: bool
    sweep: list[Hit]
    residue: list[Residue]
