"""The words of answers: fills the templates of `words.toml`, in bokmål or English.

Belongs here: how a thing of the policy or of a decision is called. Does not belong here: wording (that is data; names
of grounds and freezes are those of `explain` and of the certificate), which things there are.
"""

import tomllib
from collections.abc import Collection, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from ajprivacy_pipeline.enforcement.certificate_page import Words as Shared
from ajprivacy_pipeline.explain.words import Language, templates
from ajprivacy_pipeline.policy.countries import country_name
from ajprivacy_pipeline.policy.retention import Retention
from ajprivacy_pipeline.rights.decided import Decision


@cache
def _wording() -> dict[str, Any]:
    text = files("ajprivacy_pipeline.rights").joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def open_while(retention: Retention, grounds: Sequence[str], named: Collection[str]) -> tuple[str, ...]:
    """Returns what may leave some grounds without an end, of what has words; nothing where something else may, too.

    That is what a ground itself says is open, else whatever keeps a purpose open by the policy.
    """
    if matters := tuple(name for name in grounds if name in named):
        return matters
    purposes = [retention.purposes[name] for name in grounds if name in retention.purposes]
    found = dict.fromkeys(name for purpose in purposes for name in purpose.open_while)
    return tuple(found) if len(purposes) == len(grounds) and found.keys() <= set(named) else ()


def that_are_open(matters: tuple[str, ...], still: Collection[str]) -> tuple[str, ...]:
    """Returns of what may leave grounds without an end what is open for a person; all of it where nothing is known."""
    return tuple(name for name in matters if name in still) or matters


class Wording:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        """Speak `language`."""
        self.language = language
        self._t = _wording()[language]
        self._shared = Shared(language)

    def __call__(self, name: str, /, **values: object) -> str:
        """Returns a text with its values."""
        return str(self._t[name]).format(**values)

    def group(self, name: str) -> dict[str, Any]:
        """Returns the words of a kind of things."""
        found: dict[str, Any] = self._t[name]
        return found

    def of(self, group: str, name: str) -> str:
        """Returns the word for a name; the name itself, readable, where there is none."""
        return str(self._t[group].get(name) or name.replace("_", " "))

    def value(self, field: str, code: str) -> str | None:
        """Returns what a code of a field means; None where there are no words for it."""
        found = self._t["values"].get(field, {}).get(code.casefold())
        return None if found is None else str(found)

    def country(self, code: str) -> str:
        """Returns the name of a country by its code of two letters (ISO 3166); anything else as it stands."""
        return country_name(code, self.language)

    def text(self, group: str, name: str, /, **values: object) -> str:
        """Returns a text of a group with its values."""
        return str(self._t[group][name]).format(**values)

    def clause(self, name: str, meaning: str) -> str:
        """Returns what a clause promises, as people are told it; of one without such words, as the policy says it."""
        return str(templates(self.language)["clauses"].get(name, meaning))

    def promises(self, clauses: Sequence[str]) -> str:
        """Returns by which promises, as the text of a bracket; nothing where there are none."""
        listed = ", ".join(clauses)
        return self("clauses_many" if len(clauses) > 1 else "clauses", clauses=listed) if clauses else ""

    def day(self, day: date | str | None) -> str:
        """Returns a day in words."""
        return "–" if day is None else self._shared.day(str(day))

    def listed(self, names: Sequence[str], last: str = "and") -> str:
        """`a, b and c`."""
        return names[0] if len(names) == 1 else ", ".join(names[:-1]) + str(self._t[last]) + names[-1]

    def ground(self, name: str) -> str:
        """Returns what keeps something, in words."""
        return self._shared.of("reasons", name) or self.of("grounds", name)

    def reason(self, code: str, meaning: str) -> str:
        """Returns why something takes longer: as the policy says it, where there are no words for the code."""
        return str(self._t["reasons"].get(code) or meaning)

    def disclosure_basis(self, code: str, meaning: str) -> str:
        """Returns why an authority was given something: as the policy says it, where the code has no words."""
        return str(self._t["disclosure_bases"].get(code) or meaning)

    def part(self, name: str) -> str:
        """Returns what a part of a table is called."""
        return self.group("parts").get(name) or self._shared.of("parts", name) or name.replace("_", " ")

    def kept(self, decision: Decision | None, first: date | None = None, actions: Sequence[str] = (),
             open_while: Sequence[str] = (), *, some_went: bool = False) -> str:
        """Returns until when something is kept, and why; of several rows with `first`, the first day of all.

        Args:
            decision: what is decided about it.
            first: the first day of several rows, where that is another.
            actions: what the policy does to it when it is due; where they are several, the text names every kind.
            open_while: what may leave its grounds without an end.
            some_went: whether something of the person was carried out since.
        """
        if decision is None or decision.decision == "absent":
            return self.text("kept", "undecided" if decision is None else "absent")
        if decision.decision == "retain":
            return self._retained(decision, first, open_while)
        on = self.day(decision.due_on)
        if decision.decision == "hold":
            freezes = self.listed([self.ground(name) for name in decision.held_by])
            return self.text("kept", "hold", date=on, freezes=freezes)
        kinds = {"erase" if action == "delete_row" else action for action in actions}
        what = self.of("decided", kinds.pop() if len(kinds) == 1 else "any")
        return self.text("kept", "due_since" if some_went else "due", date=on, what=what)

    def _retained(self, decision: Decision, first: date | None, open_while: Sequence[str]) -> str:
        """What a purpose keeps: between two days, until one, or without an end in sight."""
        grounds = self.listed([self.ground(name) for name in decision.retained_by]) if decision.retained_by else ""
        on = self.day(decision.due_on)
        if first is not None and first != decision.due_on:
            return self.text("kept", "between", first=self.day(first), date=on, grounds=grounds)
        if decision.due_on is not None:
            several = len(decision.retained_by) > 1
            return self.text("kept", "retain_several" if several else "retain", date=on, grounds=grounds)
        if not open_while:
            return self.text("kept", "open", grounds=grounds)
        pending = self.listed([self.of("pending", name) for name in open_while], "or")
        return self.text("kept", "open_while", grounds=grounds, pending=pending)
