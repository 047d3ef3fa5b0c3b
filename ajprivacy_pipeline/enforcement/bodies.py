"""What the entries of the ledger say: the kinds, and the shape of each one's body.

Belongs here: names and types alone, so that who writes an entry and who reads it mean the same. Does not belong here:
the chain (`chain`), writing and reading it (`ledger`), what a certificate makes of it (`certificate`). Bodies are
stored as canonical JSON: whole numbers, texts, booleans, null, lists and objects; no floats (a share is a decimal
text, as "0.0512"), days as ISO 8601. No personal value and no id of a person stands in one.
"""

from typing import Literal, NotRequired, TypedDict

Kind = Literal[
    "plan_made", "nothing_due", "approved", "withdrawn", "expired", "superseded", "stopped", "batch", "verified",
    "unverified", "rectified", "recovered", "undone_by_restore", "keys_destroyed", "started_anew",
]


class Count(TypedDict):
    """What a plan does to a part of a table: decisions, and values changed; of several actions the first is named."""

    entity: str
    part: str
    action: str
    clause: str
    rows: int
    cells: int


class BatchCount(TypedDict):
    """What a batch did to a part of a table: decisions, and values changed."""

    entity: str
    part: str
    clause: str
    rows: int
    cells: int
    again: NotRequired[int]  # of these decisions, those that were carried out before and written back since
    actions: NotRequired[dict[str, int]]  # the same values by action; absent: the plan's word for the part counts


class CopyCount(TypedDict):
    """What goes, or went, from a table of declared copies: rows of that table, which are no decisions, and values."""

    table: str
    rows: int
    cells: int


class BrakeShare(TypedDict):
    """How much of a part the plans of the last days take; shares are decimal texts."""

    entity: str
    part: str
    share: str
    limit: str
    tripped: bool


class NotCarriedOut(TypedDict):
    """What is due and stands where we do not write; reason is a code or words without a value of a row."""

    entity: str
    column: str
    rows: int
    reason: str


class Waiting(TypedDict):
    """What is due and shares its cells with what keeps them."""

    entity: str
    part: str
    rows: int
    waits_for: str


class PlanMade(TypedDict):
    """Body of `plan_made`."""

    plan: str
    month: str
    as_of: str
    policy_version: str
    summary: list[Count]
    rows: int
    cells: int
    subjects: int
    oldest_due_on: str | None
    brake: list[BrakeShare]
    not_carried_out: list[NotCarriedOut]
    waiting: list[Waiting]
    kept: dict[str, dict[str, int]]  # by decision (retain, hold), by reason: decisions that the month kept
    copies: NotRequired[list[CopyCount]]
    of_request: NotRequired[bool]  # one person's, who asked; else a month's


class NothingDue(TypedDict):
    """Body of `nothing_due`: a month of which no plan was made; nobody waits any more."""

    month: str
    as_of: str
    policy_version: str


class Approved(TypedDict):
    """Body of `approved`; `by` is the approver as the policy names it, or "auto_approve"."""

    plan: str
    month: str
    by: str
    released_brake: bool


class Ended(TypedDict):
    """Body of `withdrawn`, `expired`, `superseded` and `stopped`; `by` and `why` are null where nobody said so."""

    plan: str
    month: str
    by: str | None
    why: str | None


class Batch(TypedDict):
    """Body of `batch`: one transaction in the warehouse. `Ledger.append` puts in the root of its tokens."""

    plan: str
    batch: int
    month: str
    counts: list[BatchCount]
    subjects: int
    marker: bool
    copies: NotRequired[list[CopyCount]]
    carried_out_on: NotRequired[str]  # the local day of its commit; without it the day of its entry counts
    keys: NotRequired[dict[str, str]]  # fingerprints of the keys that must stay the same, by name
    merkle_root: NotRequired[str]


class Dropped(TypedDict):
    """Decisions that an apply did not carry out, by why: not_due, value_changed, waits."""

    reason: str
    rows: int


class Residue(TypedDict):
    """Where erased values may still lie physically; `ends` is a day, words, or null where nobody knows."""

    where: str
    what: str
    ends: str | None


class Hit(TypedDict):
    """Where a sweep still found erased values."""

    table: str
    column: str
    rows: int
    how: str


class Verified(TypedDict):
    """Body of `verified` and `unverified`: the plan's figures since it was made, not those of one process.

    planned = applied + dropped + already + not_carried_out, in decisions.
    """

    plan: str
    month: str
    planned: int
    applied: int
    dropped: list[Dropped]
    already: int
    not_carried_out: int
    arrived_meanwhile: int
    written_back: int
    oldest_overdue_on: str | None
    seen_on: NotRequired[str]  # the local day of it; without it the day of its entry counts
    anonymised: NotRequired[int]  # people of whom nothing is left, in the word's whole meaning; absent: not counted
    unlinked: NotRequired[int]  # people of whom no order, invoice or case has the id any more; absent: not counted
    residue: list[Residue]
    sweep: list[Hit]


class Undone(TypedDict):
    """Body of `undone_by_restore`: batches that a restored warehouse no longer has."""

    plan: str
    month: str
    batches: list[int]
    by: str
    moved: NotRequired[bool]  # it stands at another address than they were carried out at, as `by` says


class KeysDestroyed(TypedDict):
    """Body of `keys_destroyed`: the years in which nobody can be found any more."""

    years: list[int]


class StartedAnew(TypedDict):
    """Body of `started_anew`: somebody goes on although the head beside the keys says otherwise (null: it is gone)."""

    by: str
    reason: str
    head_before: str | None
