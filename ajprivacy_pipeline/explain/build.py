"""From facts to an explanation: every decision of one subject with its candidate dates and the one that decided.

Belongs here: putting decisions and terms together, and holding them against each other. Does not belong here: reading,
words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.explain.facts import AttributeRow, RecordRow, SubjectFacts
from ajprivacy_pipeline.explain.holds import Hold, attribute_holds, own_holds, record_holds
from ajprivacy_pipeline.explain.terms import Purposes, Term, end_of, purpose_term, settle
from ajprivacy_pipeline.explain.web import WebCount, web_counts
from ajprivacy_pipeline.policy import DecisionPolicy

_AFTER = {"retain": "kept", "due": "not_carried_out", "hold": "after_freeze", "absent": "nothing"}
RecordTerms = Mapping[tuple[str, str, str], tuple[Term, ...]]
UNCOVERED = "SEP-1"  # nothing is kept for a purpose that does not cover it


@dataclass(frozen=True)
class Decided:
    """One attribute, or one part of a record, with its decision as the tables have it and the terms behind it."""

    entity: str
    record_id: str | None
    part: str
    decision: str
    due_on: date | None
    retained_by: tuple[str, ...]
    holds: tuple[Hold, ...]
    terms: tuple[Term, ...]
    is_misplaced: bool = False

    @property
    def what_next(self) -> str:
        """What comes next: `kept`, `not_carried_out` (decided), `after_freeze` or `nothing`."""
        return _AFTER[self.decision]


@dataclass(frozen=True)
class Explanation:
    """All that is decided about one subject in one month, and why.

    `went`: on which days, by which promises, something of it was carried out since, which the month does not know.
    """

    subject_id: str
    subject_type: str
    month: str
    as_of: date
    policy_version: str
    clauses: dict[str, str]
    purposes: Purposes
    attributes: tuple[Decided, ...]
    records: tuple[Decided, ...]
    web_events: tuple[WebCount, ...]
    freezes: tuple[Hold, ...]
    went: tuple[tuple[date, str], ...] = ()


def assemble(facts: SubjectFacts, policy: DecisionPolicy, month: str, purposes: Purposes,
             terms: RecordTerms) -> Explanation:
    """Returns the explanation of one subject.

    Args:
        facts: what is decided.
        policy: by which.
        month: YYYY-MM.
        purposes: settled terms of the subject's purposes.
        terms: settled terms of its records, by entity, record and part.

    Raises:
        ControlError: the decisions do not follow from the terms.
    """
    kind = facts.subject["subject_type"]
    in_order = sorted(facts.attributes, key=lambda row: list(policy.retention.attributes).index(row["attribute"]))
    attributes = tuple(_attribute(facts, row, purposes, policy) for row in in_order)
    records = tuple(_record(facts, row, terms, policy) for row in facts.records)
    explanation = Explanation(
        facts.subject_id, kind, month, facts.as_of,
        next((row["policy_version"] for row in (*facts.attributes, *facts.records)), policy.version),
        {name: clause.meaning for name, clause in policy.clauses.items()}, purposes, attributes, records,
        tuple(web_counts(facts, policy)), own_holds(facts, policy))
    if faults := disagreements(explanation):
        made_under = "" if explanation.policy_version == policy.version else (
            f"; they were made under policy {explanation.policy_version}, this is {policy.version}")
        raise ControlError(
            f"{len(faults)} decision(s) of {month} do not follow from the facts in its file{made_under}: run the month "
            f"again with `ajprivacy run --month {month}`; if that changes nothing, sql/terms does not list the dates "
            "that sql/retention decides by")
    return explanation


def disagreements(explanation: Explanation) -> list[str]:
    """Returns what is decided otherwise than the terms say, by entity, record and part; empty where all agree."""
    found = []
    for item in (*explanation.attributes, *explanation.records):
        if item.decision == "absent":
            continue
        until = end_of(item.terms) if item.terms else explanation.as_of
        active = {term.ground for term in item.terms if term.applies and term.role == "keeps"
                  and (term.on is None or term.on > explanation.as_of)}
        if until is not None and until <= explanation.as_of:
            active = set()
        if until != item.due_on or (item.decision == "retain") != bool(active) or (
                item.decision == "retain" and active != set(item.retained_by)):
            found.append(f"{item.entity}/{item.record_id}/{item.part}")
    return found


def _attribute(facts: SubjectFacts, row: AttributeRow, purposes: Purposes, policy: DecisionPolicy) -> Decided:
    """An attribute with the purposes that cover it; none where it is misplaced or nothing covers it."""
    attribute = policy.retention.attributes[row["attribute"]]
    misplaced = facts.subject["subject_type"] in attribute.misplaced
    covering = () if misplaced else [name for name in purposes if name in attribute.purposes]
    terms = settle([purpose_term(name, purposes[name]) for name in covering])
    return Decided(facts.entity, None, row["attribute"], row["decision"], row["due_on"], tuple(row["retained_by"]),
                   attribute_holds(facts, policy, row), terms, misplaced)


def _record(facts: SubjectFacts, row: RecordRow, terms: RecordTerms, policy: DecisionPolicy) -> Decided:
    return Decided(row["entity"], row["record_id"], row["part"], row["decision"], row["due_on"],
                   tuple(row["retained_by"]), record_holds(facts, policy, row),
                   terms.get((row["entity"], row["record_id"], row["part"]), ()))
