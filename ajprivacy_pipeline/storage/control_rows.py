"""The rows of the control store as records with types: what is appended, and what is read back.

Belongs here: names and types of columns, as `control_tables` declares them. Does not belong here: reading and writing
(`control`).
"""

from datetime import date, datetime
from typing import Any, NamedTuple, NotRequired, TypedDict

Columns = dict[str, Any]  # a row of a query that names its own columns


class RowCount(TypedDict):
    """How many rows a source table had; `stands` is False where that is not evidence."""

    table_name: str
    present: bool
    rows: int
    stands: NotRequired[bool]


class Figure(TypedDict):
    """What a guard watches of a table or column ('': the table as a whole)."""

    guard: str
    table_name: str
    column_name: str
    part: int | None
    whole: int | None
    newest: date | None


class Measure(Figure):
    """A figure, and whether it is evidence."""

    stands: bool


class Acceptance(Figure):
    """A figure that somebody says is right as it is."""

    month: str
    run_id: str
    accepted_by: str
    reason: str
    accepted_on: date


class StoredMeasure(Measure):
    """A row of month_measures; `accepted_by` is None for what a run measured."""

    id: int
    month: str
    run_id: str
    recorded_at: datetime
    accepted_by: str | None
    reason: str | None
    accepted_on: date | None


class ComparedMeasure(StoredMeasure):
    """What a month is compared with; `is_first`: the first success of the same month, not the newest of any."""

    is_first: bool


class ExecutedCount(TypedDict):
    """What carrying out a plan took away: rows (column ''), or values."""

    id: int
    table_name: str
    column_name: str
    rows: int
    executed_at: datetime


class Sealed(TypedDict):
    """The ids of what was open in a table, sealed."""

    table_name: str
    sealed: bytes


class SealedOfRun(Sealed):
    """The same with the run that saw it."""

    month: str
    run_id: str


class ReviewDecision(TypedDict):
    """A decision about somebody or something under review."""

    subject_id: str
    kind: str
    decision: str
    decided_by: str
    reason: str
    decided_on: date


class StoredDecision(ReviewDecision):
    """A row of review_decisions."""

    id: int


class ReleasedInvoice(TypedDict):
    """An invoice that a decision releases, as it was."""

    invoice_id: str
    facts_sha256: str


class ReleasedFault(TypedDict):
    """The faults of a record that a decision releases, as they were."""

    entity: str
    record_id: str
    facts_sha256: str


class HoldEvent(TypedDict):
    """A legal hold is placed, renewed or lifted; the first has no hold_id, because its own id is the hold's number."""

    hold_id: NotRequired[int]
    event: str
    subject_id: str
    owner: str
    ground: str
    expires_on: date
    happened_on: date
    recorded_by: str


class LegalHold(TypedDict):
    """A hold as its events leave it; `lifted_on` is None while it stands."""

    id: int
    subject_id: str
    owner: str
    ground: str
    placed_on: date
    lifted_on: date | None
    expires_on: date


class PeopleGroup(NamedTuple):
    """The type and region by which a release shows customers of a type and region (G17)."""

    customer_type: str
    postal_region: str
    shown_type: str
    shown_region: str


class NewRelease(TypedDict):
    """A published release."""

    month: str
    history_from: str
    proven: bool
    manifest_sha256: str
    policy_version: str
    run_id: str
    published_at: datetime


class ReleaseRow(NewRelease):
    """A row of releases."""

    id: int
