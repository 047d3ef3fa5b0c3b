"""What an answer says first: what comes of the request, as of when the rest is told, what else stands.

Belongs here: these sentences for every kind but erasure, objection to marketing and rectification (`outcome`). Does not
belong here: what is held (`package`), wording (`words.toml`).
"""

from collections.abc import Iterator, Sequence
from datetime import date

from ajprivacy_pipeline.enforcement.ledger import Found
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.rights.outcome import ENDING
from ajprivacy_pipeline.rights.requests import Request
from ajprivacy_pipeline.rights.shapes import HeldTable
from ajprivacy_pipeline.rights.steps import OBJECTION_SITUATION, RESTRICTION
from ajprivacy_pipeline.rights.wording import Wording

PORTABILITY, ACCESS = "portability", "access"
_WITHOUT_EFFECT = ("refused", "withdrawn")  # outcomes of a request that ended nothing


def is_upheld(requests: Sequence[Request]) -> bool:
    """Whether one of somebody's requests is an objection for reasons of their own situation that was upheld."""
    return any(one.kind == OBJECTION_SITUATION and one.outcome == "granted" for one in requests)


class Opening:
    """The first sentences of an answer, in the words of one language."""

    def __init__(self, policy: Policy, words: Wording, as_of: date | None, went: Sequence[Found]) -> None:
        """`as_of`: of the decided month, if there is one; `went`: what of the person was carried out since."""
        self._policy, self._words, self._as_of, self._went = policy, words, as_of, went

    def sentences(self, request: Request, earlier: Sequence[Request], told: Sequence[HeldTable], *,
                  reaches: bool = True) -> tuple[str, ...]:
        """What comes of a request, in words; beside data that is restricted, that it is."""
        if request.outcome != "refused":
            has_data = request.kind in (ACCESS, PORTABILITY)
            found: tuple[str, ...]
            if not reaches and not has_data:
                found = (self._words("reaches_none"),)
            elif told or not has_data:
                found = tuple(str(text).format(**self._named_in_answers()) for text in self._words.group("answers").get(
                    request.kind or "", ()))
            else:
                found = (self._words("held_none_portability" if request.kind == PORTABILITY else "held_none"),)
            found += tuple(self._assessed(earlier)) if told else ()
            found += tuple(self._taken())
            return (*found, *(self._standing(earlier) if reaches else ()))
        words, clauses = self._words, self._policy.clauses
        remedy = words("refused_remedy", authority=self._policy.notice.controller.supervisory_authority)
        if request.clause is None:
            return words("refused"), remedy
        meaning = words.clause(request.clause, clauses[request.clause].meaning).rstrip(".")
        return words("refused_by", clause=request.clause, meaning=meaning), remedy

    def _named_in_answers(self) -> dict[str, object]:
        policy, words = self._policy, self._words
        return {"purpose": words.ground(policy.rights.situation_purpose), "months": policy.periods["log_months"]}

    def _standing(self, earlier: Sequence[Request]) -> Iterator[str]:
        """What other requests of the person do to the processing now: restricted, kept out of our analyses."""
        if any(one.kind == RESTRICTION and one.is_open for one in earlier):
            yield self._words("restriction_stands")
        if any(one.kind == OBJECTION_SITUATION and one.is_open for one in earlier):
            yield self._words("objection_weighed")
        if is_upheld(earlier):
            yield self._words("objection_upheld")

    def _assessed(self, earlier: Sequence[Request]) -> Iterator[str]:
        """As of when the periods are, and whether the person has asked since for what may end them earlier."""
        if self._as_of is None:
            return
        yield self._words("judged", date=self._words.day(self._as_of))
        if any(one.kind in ENDING and one.outcome not in _WITHOUT_EFFECT
               and (one.received_on is None or one.received_on >= self._as_of) for one in earlier):
            yield self._words("asked_since")

    def _taken(self) -> Iterator[str]:
        """On which days something of the person was carried out that the month does not know of, by which promises."""
        days: dict[date, dict[str, None]] = {}
        for one in self._went:
            days.setdefault(one.carried_out_on, {})[one.clause] = None
        if days:
            words = self._words
            yield words("taken_since", days=words.listed([
                words("taken_on", date=words.day(day), promises=words.promises(tuple(clauses)))
                for day, clauses in days.items()]))
