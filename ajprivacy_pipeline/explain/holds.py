"""The freezes that hold something, each with its clause, its day, whose it is, and what it rests on.

Belongs here: choosing among the freezes of the subject, of whom it shares a record with, and of whole tables. Does not
belong here: reading (`facts`, `references`), words.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from ajprivacy_pipeline.explain.facts import AttributeRow, RecordRow, Row, SubjectFacts, owners
from ajprivacy_pipeline.explain.references import missing_sources
from ajprivacy_pipeline.policy import DecisionPolicy


@dataclass(frozen=True)
class Hold:
    """A freeze that holds something that would be due.

    Attributes:
        freeze: its name.
        clause: the promise it carries out.
        since: the day it began; None where it has none.
        whose: the customer or contact whose freeze it is; None for the subject's own, a record's or a table's.
        review: it is old enough to be considered every month.
        refs: what it rests on, the oldest first: ids, days, kinds and names of columns.
    """

    freeze: str
    clause: str
    since: date | None
    whose: str | None
    review: bool = False
    refs: tuple[Row, ...] = ()


def own_holds(facts: SubjectFacts, policy: DecisionPolicy) -> tuple[Hold, ...]:
    """Returns every freeze of the subject, and the legal holds of whole tables that have something of it."""
    own = facts.subject_id
    found = [_hold(facts, policy, row["freeze"], (own,), None) for row in facts.freezes if row["subject_id"] == own]
    touched = {facts.entity, *(row["entity"] for row in facts.records), *(["web_events"] if facts.visits else [])}
    tables = sorted(touched & set(facts.evidence["held_entities"]))
    return (*found, *(_hold(facts, policy, "legal_hold", (), table) for table in tables))


def attribute_holds(facts: SubjectFacts, policy: DecisionPolicy, row: AttributeRow) -> tuple[Hold, ...]:
    """Returns the freezes that hold an attribute; a fault in one of its own columns may hold it alone."""
    found = [_hold(facts, policy, name, (facts.subject_id,), facts.entity) for name in row["held_by"]]
    columns = policy.retention.attributes[row["attribute"]].columns
    faults = [fault for fault in facts.faults.get((facts.entity, facts.row_id), ()) if fault["column_name"] in columns]
    return tuple(replace(hold, refs=(*faults, *(ref for ref in hold.refs if ref not in faults)))
                 if hold.freeze == "data_quality" else hold for hold in found)


def record_holds(facts: SubjectFacts, policy: DecisionPolicy, row: RecordRow) -> tuple[Hold, ...]:
    """Returns the freezes that hold a record.

    They are those of its own faults, else the subject's, else those of whom it is shared with.
    """
    return tuple(_record_hold(facts, policy, row, name) for name in row["held_by"])


def _record_hold(facts: SubjectFacts, policy: DecisionPolicy, row: RecordRow, name: str) -> Hold:
    own, shared = facts.subject_id, owners(row)
    if name == "data_quality" and (faults := facts.faults.get((row["entity"], row["record_id"]))):
        return Hold(name, policy.retention.freezes[name].source, None, None, refs=tuple(faults))
    missing = [owner for owner in shared if owner not in facts.known]
    if name == "orphan" and missing:
        refs = tuple({"missing": owner} for owner in missing)
        return Hold(name, policy.retention.freezes[name].source, None, None, refs=refs)
    return _hold(facts, policy, name, (own, *shared), row["entity"])


def web_holds(facts: SubjectFacts, policy: DecisionPolicy, customer: str | None, *,
              is_faulty: bool) -> tuple[Hold, ...]:
    """Returns what holds visits of the subject, on behalf of a customer.

    These are freezes of both, and those of the whole table.
    """
    own = facts.subject_id
    holders = [own] if customer in (None, own) else [own, str(customer)]
    names = {row["freeze"] for row in facts.freezes if row["subject_id"] in holders
             and "web_events" in policy.retention.scopes[policy.retention.freezes[row["freeze"]].scope]}
    names |= {"evidence_missing"} if facts.evidence["is_missing"] else set()
    names |= {"legal_hold"} if "web_events" in facts.evidence["held_entities"] else set()
    names |= {"data_quality"} if is_faulty else set()
    found = [_hold(facts, policy, name, holders, "web_events") for name in sorted(names)]
    if customer is not None and customer not in facts.known and "orphan" not in names:
        found.append(Hold("orphan", policy.retention.freezes["orphan"].source, None, None,
                          refs=({"missing": customer},)))
    return tuple(found)


def _hold(facts: SubjectFacts, policy: DecisionPolicy, name: str, holders: Iterable[str], entity: str | None) -> Hold:
    """The freeze of that name: of the first of the holders who has it, and of the whole table."""
    standing = {(row["subject_id"], row["freeze"]): row for row in facts.freezes}
    row = next((standing[owner, name] for owner in holders if (owner, name) in standing), None)
    refs = facts.references.get((row["subject_id"], name), ()) if row is not None else ()
    if name == "legal_hold" and entity in facts.evidence["held_entities"]:
        refs = (*refs, *facts.references.get((str(entity), name), ()))
    if name == "evidence_missing" and not refs:
        refs = tuple(missing_sources(facts))
    since = row["since"] if row is not None else None
    if name == "legal_hold":
        since = min((ref["placed_on"] for ref in refs if ref["placed_on"] is not None), default=since)
    whose = row["subject_id"] if row is not None and row["subject_id"] != facts.subject_id else None
    review = bool(row is not None and row["review"])
    return Hold(name, policy.retention.freezes[name].source, since, whose, review, refs)
