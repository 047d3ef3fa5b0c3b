"""A term: one date that could decide, what it rests on, and whether it did.

Belongs here: the shape of a term, choosing among terms. Does not belong here: which terms there are (`sql/terms`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date


@dataclass(frozen=True)
class Term:
    """One candidate date.

    Attributes:
        kind: names the sentence that says what it is.
        ground: the name it has in retained_by.
        on: the day it ends; None where no end is in sight.
        clause: the promise it carries out: that of the purpose, else that of the matter.
        refs: ids, dates and numbers that it rests on.
        role: `keeps` (the latest such term counts) or `ends` (the earliest such term counts, if before the latest).
        applies: False for a date that something else sets aside: an open matter, a closed profile, an erasure.
        decides: this is the one.
        because: the terms that decided the date of a purpose.
        further: what else is promised: of an open matter that keeps a purpose, the matter's own promise.
    """

    kind: str
    ground: str
    on: date | None
    clause: str
    refs: dict[str, object] = field(default_factory=dict)
    role: str = "keeps"
    applies: bool = True
    decides: bool = False
    because: tuple["Term", ...] = ()
    further: tuple[str, ...] = ()

    @property
    def clauses(self) -> tuple[str, ...]:
        """Every promise it rests on, its own first."""
        return (self.clause, *(clause for clause in self.further if clause != self.clause))

    @property
    def leaves(self) -> tuple["Term", ...]:
        """What it rests on in the end: the terms behind a purpose, else itself."""
        return self.because or (self,)


Purposes = dict[str, tuple[Term, ...]]


def latest(terms: Sequence[Term]) -> date | None:
    """Returns the end of what keeps: the latest date, None (no end) where a term is open."""
    days = [term.on for term in terms]
    return None if None in days else max(day for day in days if day is not None)


def settle(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Mark what decides among the terms that apply.

    Every open term decides, as each alone would keep; else the latest that keeps, unless an end comes before it: then
    the earliest end. Of equals the first in the list decides.
    """
    keeps = [term for term in terms if term.applies and term.role == "keeps"]
    if not keeps:
        return tuple(terms)
    deciding = {id(term) for term in _deciding(keeps, [t for t in terms if t.applies and t.role == "ends"])}
    return tuple(term if term.decides == (id(term) in deciding) else replace(term, decides=not term.decides)
                 for term in terms)


def _deciding(keeps: Sequence[Term], ends: Sequence[Term]) -> list[Term]:
    until, first = latest(keeps), min((term.on for term in ends if term.on is not None), default=None)
    if first is not None and (until is None or first < until):
        return [next(term for term in ends if term.on == first)]
    if until is None:
        return [term for term in keeps if term.on is None]
    return [next(term for term in keeps if term.on == until)]


def end_of(terms: Sequence[Term]) -> date | None:
    """Returns the date that settled terms come to; None where no end is in sight."""
    return next(term.on for term in terms if term.decides)


def ends(purposes: Purposes) -> dict[str, date | None]:
    """Returns the lapse date of each applicable purpose."""
    return {name: end_of(terms) for name, terms in purposes.items()}


def purpose_term(name: str, terms: Sequence[Term], *, applies: bool = True) -> Term:
    """Returns a purpose of the subject as one candidate, with what decided it."""
    because = tuple(term for term in terms if term.decides)
    own, *further = dict.fromkeys(clause for term in because for clause in term.clauses)
    return Term("purpose", name, end_of(terms), own, {"purpose": name}, applies=applies, because=because,
                further=tuple(further))
