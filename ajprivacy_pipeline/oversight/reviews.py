"""What people decide: reviews of open balances, missing evidence, old faults and nobody's messages.

Belongs here: what may be decided, and writing it down. Does not belong here: what follows from it (`sql/retention`).
Everything is appended. A decision is checked in full before anything is written; what is refused changes nothing.
"""

from collections.abc import Mapping
from datetime import date
from typing import TypedDict, cast

import sqlalchemy as sa

from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.explain import check_subject
from ajprivacy_pipeline.explain.facts import SubjectRow, find_subject, rows
from ajprivacy_pipeline.oversight.codes import check_code, check_name
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_rows import ReleasedFault, ReleasedInvoice, ReviewDecision, StoredDecision
from ajprivacy_pipeline.storage.month_files import read_month
from ajprivacy_pipeline.storage.zones import Connection

DECISIONS = ("release", "keep")
_KEPT_ONLY = "until_further_notice"
_OF_FAULTS = ("orphan", "data_quality")
KINDS = {"open_balance_review": "open_balance", "no_evidence": "no_evidence",  # reasons of the list that are decided
         "until_further_notice": _KEPT_ONLY, "orphan_12_months": "orphan", "quality_fault_12_months": "data_quality"}
_SUBJECTS = ("customer", "contact")

_OWING = """
    SELECT DISTINCT r.invoice_id, i.facts_sha256
    FROM retention.invoice_reach AS r JOIN retention.open_invoices AS i USING (invoice_id)
    WHERE r.is_open AND r.subject_no = $no ORDER BY r.invoice_id
"""


class Listed(TypedDict):
    """A row of `retention.review_list`: somebody, or a record, and why."""

    as_of: date
    subject_id: str | None
    entity: str | None
    record_id: str | None
    reason: str
    since: date | None


class Review(Listed):
    """The same with its age and the decision that answers it; the last three are None where none does."""

    age_days: int | None
    decision: str | None
    decided_by: str | None
    decided_on: date | None


class ReviewFigures(TypedDict):
    """Counts for a page that everybody may see: per reason, undecided ones per reason, and the age of the oldest."""

    counts: dict[str, int]
    undecided: dict[str, int]
    oldest_undecided_days: int | None


class Made(TypedDict):
    """A decision that was recorded: its number, what it is about, how many invoices it releases."""

    id: int
    kind: str
    invoices: int


def answers(reason: str) -> tuple[str, ...]:
    """Returns what may be decided about a reason of the list; nothing where it is not decided about."""
    if reason not in KINDS:
        return ()
    return DECISIONS if KINDS[reason] != _KEPT_ONLY else ("keep",)


def open_reviews(settings: Settings, month: str | None) -> list[Review]:
    """The month's review list, oldest first, each with its age in days and the decision that answers it, if any.

    Raises:
        ControlError: the month is unknown or destroyed.
    """
    with boundary("review"), read_month(settings, month) as (con, _):
        return reviews(con, ControlStore.in_folder(settings.control))


def reviews(con: Connection, control: ControlStore) -> list[Review]:
    """The same, from an opened month. A decision answers a month's case when it was made after the month's end."""
    decided = _latest_decisions(control)
    found = rows(con, "SELECT as_of, subject_id, entity, record_id, reason, since FROM retention.review_list "
                      "ORDER BY since NULLS LAST, reason, subject_id, record_id")
    return [_reviewed(row, decided) for row in cast(list[Listed], found)]


def _reviewed(row: Listed, decided: Mapping[tuple[str | None, str], StoredDecision]) -> Review:
    about = f"{row['entity']}:{row['record_id']}" if row["record_id"] is not None else row["subject_id"]
    answer = decided.get((about, KINDS.get(row["reason"], "")))
    if answer is not None and answer["decided_on"] < row["as_of"]:
        answer = None
    return {**row, "age_days": (row["as_of"] - row["since"]).days if row["since"] is not None else None,
            "decision": answer["decision"] if answer else None,
            "decided_by": answer["decided_by"] if answer else None,
            "decided_on": answer["decided_on"] if answer else None}


def review_figures(con: Connection, control: ControlStore) -> ReviewFigures:
    """Counts what is under review in an opened month."""
    counts: dict[str, int] = {}
    undecided: dict[str, int] = {}
    oldest: int | None = None
    for row in reviews(con, control):
        counts[row["reason"]] = counts.get(row["reason"], 0) + 1
        if row["reason"] in KINDS and row["decision"] is None:
            undecided[row["reason"]] = undecided.get(row["reason"], 0) + 1
            oldest = max(oldest or 0, row["age_days"] or 0)
    return {"counts": counts, "undecided": undecided, "oldest_undecided_days": oldest}


def _latest_decisions(control: ControlStore) -> dict[tuple[str | None, str], StoredDecision]:
    table = store.review_decisions
    found = cast(list[StoredDecision], control.rows(sa.select(table).order_by(table.c.id)))
    return {(row["subject_id"], row["kind"]): row for row in found}


def decide(settings: Settings, subject_id: str, decision: str, by: str, reason: str, *, kind: str | None,
           month: str | None, today: date) -> Made:
    """Append a review decision; a release pins the invoices or faults that it is about as they are.

    Args:
        settings: folders and keys.
        subject_id: customer:ID or contact:ID; of a record its table and id, as communications:ID.
        decision: release or keep; a message of nobody's is kept, which puts it off the list until the policy's months
            have passed.
        by: who decides.
        reason: a code of review.toml for that decision.
        kind: one of the values of KINDS; None takes what is under review.
        month: whose review list is decided about; None for the newest that has a file.
        today: the day of the decision.

    Raises:
        ControlError: anything of it is unknown or not under review; nothing is written.
    """
    policy = load_policy(settings.notice)
    is_subject = _is_subject(policy, subject_id)
    if decision not in DECISIONS:
        raise ControlError(f"'{decision}' is not a decision; choose release or keep")
    check_code(reason, getattr(policy.review.reasons, decision), f"reason code for {decision}")
    check_name(by, "--by")
    with boundary("review"), read_month(settings, month) as (con, chosen):
        subject = find_subject(con, subject_id, chosen) if is_subject else None
        found = _kind(con, subject_id, kind, chosen)
        if (found, decision) == (_KEPT_ONLY, "release"):
            raise ControlError("a message without a subject has no end of its own (PRO-3), so no review can release "
                               "it: decide keep, or delete it where it came from")
        released = decision == "release"
        invoices = _owing(con, subject, chosen) if subject and released and found == "open_balance" else []
        faults = _faults(con, subject_id, found) if released and found in _OF_FAULTS else []
        row: ReviewDecision = {"subject_id": subject_id, "kind": found, "decision": decision, "decided_by": by.strip(),
               "reason": reason, "decided_on": today}
        made = ControlStore.in_folder(settings.control).record_decision(row, invoices, faults)
        return {"id": made, "kind": found, "invoices": len(invoices)}


def _is_subject(policy: Policy, named: str) -> bool:
    """Whether a subject is named; a record otherwise, by its table and id."""
    table, _, identifier = named.partition(":")
    if table in policy.sources.tables and table not in ("customers", "contacts") and identifier:
        return False
    check_subject(named)
    return True


def _kind(con: Connection, named: str, wanted: str | None, month: str) -> str:
    """What is decided about: the one thing of it that is under review, or the one that was named."""
    if wanted is not None and wanted not in KINDS.values():
        raise ControlError(f"'{wanted}' is not under review as such; choose {', '.join(KINDS.values())}")
    found = sorted(KINDS[row["reason"]] for row in rows(
        con, "SELECT DISTINCT reason FROM retention.review_list "
             "WHERE coalesce(entity || ':' || record_id, subject_id) = $named AND reason IN (SELECT unnest($reasons))",
        named=named, reasons=list(KINDS)))
    if wanted is None and len(found) > 1:
        raise ControlError(f"{named} is under review for {' and '.join(found)}: name one with --kind")
    if wanted not in (None, *found) or not found:
        raise ControlError(f"{named} is not under review in {month}"
                           + (f" for {wanted}" if wanted else "") + ": see `ajprivacy review list`")
    return wanted or found[0]


def _faults(con: Connection, named: str, kind: str) -> list[ReleasedFault]:
    """The faults of a subject's row or of a record, as they are."""
    table, _, identifier = named.partition(":")
    found = rows(con, 'SELECT entity, record_id, facts_sha256 FROM retention.fault_facts '
                      'WHERE entity = $entity AND record_id = $record AND "freeze" = $freeze',
                 entity=f"{table}s" if table in _SUBJECTS else table, record=identifier, freeze=kind)
    return cast(list[ReleasedFault], found)


def _owing(con: Connection, subject: SubjectRow, month: str) -> list[ReleasedInvoice]:
    found = rows(con, _OWING, no=subject["subject_no"])
    if not found:
        raise ControlError(f"no invoice of {subject['subject_id']} is open in {month}: nothing to release")
    return cast(list[ReleasedInvoice], found)
