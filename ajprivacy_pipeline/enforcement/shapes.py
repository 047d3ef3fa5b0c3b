"""What a plan and its carrying out come to, in counts alone, as commands print it.

Belongs here: shapes. Does not belong here: what the ledger keeps of them (`bodies`), counting.
"""

from typing import NotRequired, TypedDict

from ajprivacy_pipeline.enforcement.bodies import CopyCount, Count, Dropped, Hit, NotCarriedOut, Residue, Waiting


class BrakeRow(TypedDict):
    """The share of a part's rows with a value that goes, this plan and the last ones together."""

    entity: str
    part: str
    share: float
    limit: float
    tripped: bool


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
    summary: list[Count]
    brake: list[BrakeRow]
    not_carried_out: list[NotCarriedOut]
    waiting: list[Waiting]
    refused: list[Refused]
    overdue: dict[str, int]  # by the year since when: rows that were due before the month began
    kept: dict[str, dict[str, int]]  # decision -> why -> decisions
    written_back: NotRequired[dict[str, int]]  # by earlier plan: what it took away and stands again; apply it again
    kind: NotRequired[str]  # rectification; absent: what is due goes
    beside: NotRequired[list[str]]  # of a rectification: copies that hold the old value and are not written by us
    facts: NotRequired[str]  # of a rectification: a keyed hash of what was said
    request: NotRequired[str | None]  # whose plan it is; None: a month's
    copies: NotRequired[list[CopyCount]]  # in `cells`, not in `rows`: their rows are no decisions


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
    copies: list[CopyCount]  # of this run; no decisions, so they are in none of the figures above
    sweep: list[Hit]
    residue: list[Residue]
    built_anew: NotRequired[list[str]]  # our own files that were built without what a request's plan took away
