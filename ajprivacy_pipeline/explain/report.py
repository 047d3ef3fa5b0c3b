"""An explanation as a page of lines, and as JSON with the same facts.

Belongs here: the order of things on the page. Does not belong here: wording, rules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, NotRequired, TypedDict, cast

from ajprivacy_pipeline.explain.build import UNCOVERED, Decided, Explanation
from ajprivacy_pipeline.explain.holds import Hold
from ajprivacy_pipeline.explain.terms import Term, ends
from ajprivacy_pipeline.explain.words import Language, Words

_SHOWN = 8  # candidate dates under a heading of the page; the JSON has all
_REFS = 10  # references of a hold of one record, in the JSON; the subject's freezes have all


class TermShown(TypedDict):
    """A candidate date; `on` is ISO text, None for no end in sight. `because`: the terms behind a purpose."""

    kind: str
    ground: str
    on: str | None
    clause: str
    clauses: list[str]
    refs: dict[str, Any]
    role: str
    applies: bool
    decides: bool
    because: NotRequired[list["TermShown"]]


class HoldShown(TypedDict):
    """A freeze with what it rests on; `further_refs` counts what is left off."""

    freeze: str
    clause: str
    since: str | None
    whose: str | None
    review: bool
    refs: list[dict[str, Any]]
    further_refs: NotRequired[int]


class DecisionShown(TypedDict):
    """A decision with its sentence, its holds and its candidate dates."""

    decision: str
    due_on: str | None
    retained_by: list[str]
    held_by: list[HoldShown]
    next: str
    sentence: str
    candidates: list[TermShown]


class AttributeShown(DecisionShown):
    """A decision about an attribute."""

    attribute: str


class RecordShown(DecisionShown):
    """A decision about a part of a record."""

    entity: str
    record_id: str
    part: str


class PurposeShown(TypedDict):
    """When a purpose lapses, and its candidate dates."""

    lapses_on: str | None
    candidates: list[TermShown]


class WebShown(TypedDict):
    """Visits with one fate."""

    decision: str
    reason: str
    clause: str
    events: int
    first: str
    last: str
    holds: list[HoldShown]
    sentence: str


class ExplanationShown(TypedDict):
    """An explanation as JSON; days are ISO text."""

    subject_id: str
    subject_type: str
    month: str
    as_of: str
    policy_version: str
    language: Language
    purposes: dict[str, PurposeShown]
    attributes: list[AttributeShown]
    records: list[RecordShown]
    web_events: list[WebShown]
    freezes: list[HoldShown]
    carried_out_since: list[dict[str, str]]
    clauses: dict[str, str]


def page(explanation: Explanation, language: Language, *, for_customer: bool = False) -> list[str]:
    """Returns the explanation for people: in short first, then thing by thing.

    For the customer it has no policy version, no dates but those that decided, and what is decided alike for the same
    reasons shares a sentence.
    """
    words = Words(explanation, language, for_customer=for_customer)
    lines = [words.text("title_customer" if for_customer else "title", subject=explanation.subject_id,
                        whose=words.whose(explanation.subject_id), type=words.type_name(), month=explanation.month,
                        as_of=explanation.as_of, policy_version=explanation.policy_version),
             *([words.went(explanation.went)] if explanation.went else []), ""]
    lines += [words.summary_title(), *(f"  {line}" for line in words.summary(
        (*explanation.attributes, *explanation.records))), ""]
    lines += [words.text("attributes_title_customer" if for_customer else "attributes_title"),
              *_together(explanation.attributes, words)]
    for ground, terms in () if for_customer else explanation.purposes.items():
        lines += ["", f"{words.text('candidates_title')}: {words.purpose(ground)}", *_candidates(terms, words, "  ")]
    if explanation.records:
        lines += ["", words.text("records_title")]
        lines += _together(explanation.records, words) if for_customer else _records(explanation.records, words)
    if explanation.web_events:
        lines += ["", words.text("web_title"), *(f"  {words.web(count)}" for count in explanation.web_events)]
    lines += ["", words.text("freezes_title") + ": "
              + (words.listed(words.hold(hold) for hold in explanation.freezes) if explanation.freezes
                 else words.text("nothing"))]
    lines += ["", words.text("clauses_title")]
    return [*lines, *(f"  {clause}: {words.clause(clause)}"
                      for clause in sorted(cited(explanation, for_customer=for_customer)))]


def _together(items: Sequence[Decided], words: Words) -> Iterator[str]:
    yield from (f"  {sentence}" for sentence, _ in words.shared(items))
    yield from _absent(items, words)


def _records(items: Sequence[Decided], words: Words) -> Iterator[str]:
    for item in items:
        if item.decision != "absent":
            yield f"  {words.sentence(item)}"
            if len(item.terms) > 1:
                yield from _candidates(item.terms, words, "      ")
    yield from _absent(items, words)


def _absent(items: Sequence[Decided], words: Words) -> Iterator[str]:
    if absent := [item for item in items if item.decision == "absent" and not item.is_misplaced]:
        yield f"  {words.absent(absent)}"


def _candidates(terms: Sequence[Term], words: Words, indent: str) -> Iterator[str]:
    """The deciding dates first, then those that count, latest first; the least telling are only counted."""
    ordered = sorted(terms, key=lambda term: (not term.decides, not term.applies, -(term.on or date.max).toordinal()))
    for term in ordered[:_SHOWN]:
        yield f"{indent}{'→' if term.decides else ' ' if term.applies else '×'} {words.candidate(term)}"
    if len(ordered) > _SHOWN:
        yield f"{indent}  {words.text('more_candidates', count=len(ordered) - _SHOWN)}"


def cited(explanation: Explanation, *, for_customer: bool = False) -> set[str]:
    """Returns every clause that the explanation refers to; for the customer, none of somebody else's freeze."""
    terms = [term for group in explanation.purposes.values() for term in group]
    items = (*explanation.attributes, *explanation.records)
    terms += [leaf for item in items for term in item.terms for leaf in (term, *term.because)]
    holds = [*explanation.freezes, *(hold for item in items for hold in item.holds),
             *(hold for count in explanation.web_events for hold in count.holds)]
    told = {hold.clause for hold in holds if not (for_customer and hold.whose is not None)}
    return ({clause for term in terms for clause in term.clauses} | told
            | {count.clause for count in explanation.web_events} | {clause for _, clause in explanation.went}
            | {UNCOVERED for item in items if item.decision != "absent" and not item.terms})


def as_json(explanation: Explanation, language: Language) -> ExplanationShown:
    """Returns the same facts, structured."""
    words = Words(explanation, language)
    shared = {item.part: sentence for sentence, items in words.shared(explanation.attributes) for item in items}
    found = {
        "subject_id": explanation.subject_id, "subject_type": explanation.subject_type, "month": explanation.month,
        "as_of": explanation.as_of, "policy_version": explanation.policy_version, "language": language,
        "purposes": {name: {"lapses_on": ends(explanation.purposes)[name], "candidates": list(map(_term, terms))}
                     for name, terms in explanation.purposes.items()},
        "attributes": [{"attribute": item.part, **_item(item, words), "sentence": shared.get(
            item.part) or words.sentence(item)} for item in explanation.attributes],
        "records": [{"entity": item.entity, "record_id": item.record_id, "part": item.part, **_item(item, words)}
                    for item in explanation.records],
        "web_events": [{**asdict(count), "sentence": words.web(count)} for count in explanation.web_events],
        "freezes": list(map(asdict, explanation.freezes)),
        "carried_out_since": [{"date": day, "clause": clause} for day, clause in explanation.went],
        "clauses": {clause: explanation.clauses.get(clause, "") for clause in sorted(cited(explanation))},
    }
    return cast(ExplanationShown, _plain(found))


def _item(item: Decided, words: Words) -> dict[str, object]:
    return {"decision": item.decision, "due_on": item.due_on, "retained_by": item.retained_by,
            "held_by": list(map(_hold, item.holds)), "next": item.what_next, "sentence": words.sentence(item),
            "candidates": list(map(_term, item.terms))}


def _hold(hold: Hold) -> dict[str, object]:
    """A hold; of somebody with thousands of records each would repeat the thousands of faults in the others."""
    return {**vars(hold), "refs": hold.refs[:_REFS], "further_refs": max(0, len(hold.refs) - _REFS)}


def _term(term: Term) -> dict[str, object]:
    shown: dict[str, object] = {"kind": term.kind, "ground": term.ground, "on": term.on, "clause": term.clause,
             "clauses": term.clauses, "refs": term.refs, "role": term.role, "applies": term.applies,
             "decides": term.decides}
    return shown | ({"because": list(map(_term, term.because))} if term.because else {})


def _plain(value: Any) -> Any:
    """Dates as text, tuples as lists."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value
