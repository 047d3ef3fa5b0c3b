"""What came of an erasure or an objection, part by part: what is gone, what stays, why and until when.

What is gone is what the ledger has as carried out and verified; what stays is what was decided when the plan was made.
Nothing is called gone because it should be, and nobody is called anonymous here: other rows may still tell who it was.
Belongs here: telling the two apart. Does not belong here: reading ledger and decisions (`enforcement.judged`), wording.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Literal

from ajprivacy_pipeline.enforcement.judged import ELSEWHERE, CarriedOut, Judged, JudgedPart
from ajprivacy_pipeline.enforcement.ledger import Found
from ajprivacy_pipeline.explain.candidates import promises
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.rights.decided import Decision
from ajprivacy_pipeline.rights.elsewhere import NOWHERE, Elsewhere
from ajprivacy_pipeline.rights.person import SUBJECTS
from ajprivacy_pipeline.rights.requests import Request
from ajprivacy_pipeline.rights.shapes import PartTold
from ajprivacy_pipeline.rights.wording import Wording, open_while, that_are_open

ERASURE, OBJECTION = "erasure", "objection"
ENDING = (ERASURE, OBJECTION)
RECTIFY = "rectify"


class Outcome:
    """The outcome of one request, in one language."""

    def __init__(self, policy: Policy, words: Wording, request: Request, judged: Judged | None, done: CarriedOut,
                 by_month: Sequence[Found] = (), elsewhere: Elsewhere = NOWHERE,
                 still: Mapping[tuple[str, str], int] = MappingProxyType({})) -> None:
        """Tell `done`, and of `judged` what is not done.

        `by_month`: what went since without a plan of its own. `elsewhere`: where it may still stand outside the
        warehouse. `still`: in how many rows which columns still show a value that was corrected elsewhere.
        """
        self._elsewhere, self._still = elsewhere, still
        self._policy, self._words, self._kind = policy, words, request.kind or ""
        self._judged, self._done, self._by_month = judged, done, by_month

    def parts(self) -> tuple[PartTold, ...]:
        """Returns every part of which something went, waits, or stays; of an objection what marketing alone had."""
        stays = (*self._staying(), *self._elsewhere_named()) if self._kind == ERASURE else tuple(self._held())
        return (*self._gone(), *self._waiting(), *stays, *self._still_shown())

    def sentences(self) -> tuple[str, ...]:
        """Returns what came of it as a whole."""
        day = self._done.on or (self._judged.on if self._judged else max(
            (one.carried_out_on for one in self._by_month), default=None))
        clauses = tuple(dict.fromkeys(one.clause for one in self._by_month))
        found = [self._words.text("outcome", f"{self._kind}_{self._state()}", date=self._words.day(day),
                                  promises=self._words.promises(clauses))]
        found += self._words.group("answers_always").get(self._kind, ())
        if next(self._held(), None) is not None:
            found.append(self._words.text("outcome", "held"))
        if self._kind == ERASURE and next(self._staying(), None) is not None:  # so far the request is not met
            found.append(self._words.text("outcome", "remedy",
                                          authority=self._policy.notice.controller.supervisory_authority))
        if self._still:
            found.append(self._words.text("outcome", "still"))
        went = self._done.on if self._done.rows else max((one.carried_out_on for one in self._by_month), default=None)
        if self._kind in ENDING and went is not None:
            found += self._elsewhere.ended(self._policy, self._words, went)
        elif went is not None:
            found += self._elsewhere.corrected(self._policy, self._words)
        return tuple(found)

    def _state(self) -> str:
        if self._judged is None and not self._done.rows:
            return "by_month" if self._by_month else "recorded"
        if self._done.rows and not self._done.verified:
            return "under_way"
        if next(self._waiting(), None) is not None:
            return "partly" if self._done.rows else "planned"
        if self._done.rows:
            return "done"
        return "nothing" if next(self._held(), None) is None else "held"

    def _gone(self) -> Iterator[PartTold]:
        if not self._done.verified:
            return
        for (entity, part, action), rows in sorted(self._done.rows.items()):
            text = self._words.text("gone", action or "changed", date=self._words.day(self._done.on))
            yield self._told("gone", entity, part, rows, self._clauses(entity, part, ()), None, text)

    def _waiting(self) -> Iterator[PartTold]:
        """What is due and not carried out: by part, as many rows as the ledger does not have."""
        due: Counter[tuple[str, str]] = Counter()
        for one in self._parts("due"):
            due[one.entity, one.part] += one.rows
        for (entity, part, _), rows in self._done.rows.items():
            due[entity, part] -= rows
        for (entity, part), rows in sorted(due.items()):
            if rows > 0:
                yield self._told("waits", entity, part, rows, self._clauses(entity, part, ()), None,
                                 self._words.text("gone", "waits"))

    def _staying(self, *decisions: str) -> Iterator[PartTold]:
        """What stays: rows of one part that stay on the same grounds are told together, with the first and last day."""
        still = self._judged.open if self._judged is not None else ()
        alike: dict[tuple[object, ...], list[JudgedPart]] = defaultdict(list)
        for one in self._parts(*(decisions or ("retain", "hold"))):
            alike[one.entity, one.part, one.decision, one.due_on is None, one.retained_by, one.held_by].append(one)
        for told in alike.values():
            one, days = told[0], sorted({part.due_on for part in told if part.due_on is not None})
            first, last = (days[0], days[-1]) if days else (None, None)
            grounds = one.retained_by if one.decision == "retain" else one.held_by
            text = self._words.kept(
                Decision(one.decision, last, one.retained_by, one.held_by), first, (), that_are_open(
                    open_while(self._policy.retention, one.retained_by, self._words.group("pending")), still))
            if one.decision == "retain" and last is not None:
                text = f"{text} {self._words.text('gone', 'by_itself')}"
            yield self._told("stays", one.entity, one.part, sum(part.rows for part in told),
                             self._clauses(one.entity, one.part, grounds), last, text, first)

    def _held(self) -> Iterator[PartTold]:
        """Of an objection: what marketing alone had, and a freeze keeps from being erased."""
        if self._kind == OBJECTION:
            yield from (told for told in self._staying("hold") if self._is_marketings(told.table, told.part))

    def _is_marketings(self, entity: str, part: str) -> bool:
        """Whether nothing but what an objection ends needs a part."""
        retention = self._policy.retention
        if entity not in SUBJECTS:
            return entity == "newsletter_subscriptions"
        purposes = retention.attributes[part].purposes if part in retention.attributes else ()
        return bool(purposes) and all(OBJECTION in retention.purposes[name].ended_by for name in purposes)

    def _elsewhere_named(self) -> Iterator[PartTold]:
        """Deliveries and bills of others that have the person's address: they go with the others' order or invoice."""
        for one in self._parts(ELSEWHERE):
            text = f"{self._words.text('kept', 'elsewhere')} {self._words.text('gone', 'by_itself')}"
            clauses = self._clauses(one.entity, one.part, ())
            told = self._told("stays", one.entity, one.part, one.rows, clauses, None, text)
            title = self._words.text("titles", "elsewhere", title=self._words.of("titles", one.entity))
            yield told.model_copy(update={"title": f"{title}: {self._named(one.part)}"})

    def _still_shown(self) -> Iterator[PartTold]:
        """Where the old value still stands: only the row that was asked for is corrected."""
        for (entity, column), rows in sorted(self._still.items()):
            yield self._told("stays", entity, column, rows, self._clauses(entity, column, ()), None,
                             self._words.text("gone", "still"))

    def _parts(self, *decisions: str) -> Sequence[JudgedPart]:
        return [one for one in self._judged.parts if one.decision in decisions] if self._judged else ()

    def _told(self, state: Literal["gone", "waits", "stays"], entity: str, part: str, rows: int,
              clauses: tuple[str, ...], until: date | None, text: str, first: date | None = None) -> PartTold:
        words = self._words
        return PartTold(state=state, table=entity, part=part, rows=rows, clauses=clauses,
                        title=f"{words.of('titles', entity)}: {self._named(part)}",
                        until=until.isoformat() if until else None,
                        first_until=first.isoformat() if first and first != until else None, text=text)

    def _named(self, part: str) -> str:
        return self._words.part(part) if self._kind in ENDING else self._words.of("fields", part)

    def _clauses(self, entity: str, part: str, grounds: Sequence[str]) -> tuple[str, ...]:
        """The promises behind some grounds: of a purpose the one that the part goes by, if it is one of its own."""
        own = self._policy.enforcement.clauses.get(entity, {}).get(part, self._policy.rights.rectification_clause)
        if self._kind not in ENDING:
            return (self._policy.rights.rectification_clause,)
        return tuple(dict.fromkeys(self._clause(name, own) for name in grounds)) or (own,)

    def _clause(self, ground: str, own: str) -> str:
        """The promise behind a ground, to a company and its contact persons theirs; `own` is what the part goes by."""
        retention, judged = self._policy.retention, self._judged
        if ground in retention.freezes:
            return retention.freezes[ground].source
        if ground in retention.reason_clauses:
            of_companies = promises()["business"] if judged is not None and not judged.is_person else {}
            return of_companies.get(ground, retention.reason_clauses[ground])
        if ground in retention.purposes:
            purpose = retention.purposes[ground]
            ends = [retention.periods[period].source for period in purpose.periods]
            if own not in (*purpose.clauses, *ends):
                return next((clause for clause in ends if clause in purpose.clauses), purpose.clauses[0])
        return own
