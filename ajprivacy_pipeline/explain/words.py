"""The sentences: fills the templates of `sentences.toml` from terms, in Norwegian or English.

Belongs here: how one decision reads. Does not belong here: wording (that is data), which decisions there are.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from ajprivacy_pipeline.explain.build import UNCOVERED, Decided, Explanation
from ajprivacy_pipeline.explain.facts import BLOCKERS
from ajprivacy_pipeline.explain.holds import Hold
from ajprivacy_pipeline.explain.terms import Term, end_of, settle
from ajprivacy_pipeline.explain.web import WebCount

Language = Literal["nb", "en"]
Template = str | Mapping[str, str]
Refs = dict[str, list[object]]
_ANYTHING = "?"  # stands for what a sentence is about, where sentences are compared
_SHOWN = 3  # of a list of ids inside a sentence


def _add(found: Refs, refs: Mapping[str, object]) -> None:
    """Put what an open matter rests on to what others of its kind do, each id once."""
    for name, value in refs.items():
        known = found.setdefault("orders" if name == "order" else name, [])
        known += [one for one in (value if isinstance(value, list) else [value]) if one not in known]


@cache
def templates(language: Language) -> dict[str, Any]:
    """Returns every template of a language."""
    text = files("ajprivacy_pipeline.explain").joinpath("sentences.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)[language]
    return found


class Words:
    """Sentences about one explanation in one language."""

    def __init__(self, explanation: Explanation, language: Language, *, for_customer: bool = False) -> None:
        """Keep what the sentences need to know: the day of decision, the subject's type, whether it is told to them."""
        self._as_of = explanation.as_of
        self._type = explanation.subject_type
        self._clauses = explanation.clauses
        self._t = templates(language)
        self._language = language
        self._whom = str(self._t["whom_customer" if for_customer else "whom"])
        self._for_customer = for_customer

    def day(self, day: date | None) -> str:
        """Returns a date in words."""
        if day is None:
            return str(self._t["no_end"])
        return str(self._t["date"]).format(day=day.day, month=self._t["months"][day.month - 1], year=day.year)

    def listed(self, parts: Iterable[str], shown: int | None = None) -> str:
        """`a, b and c`; after `shown` parts only the number of the others."""
        names = list(dict.fromkeys(parts))
        if shown is not None and len(names) > shown + 1:
            names = [*names[:shown], str(self._t["more"]).format(count=len(names) - shown)]
        if len(names) < 2:
            return names[0] if names else "–"
        return ", ".join(names[:-1]) + str(self._t["and"]) + names[-1]

    def reasons(self, terms: Iterable[Term]) -> str:
        """Returns what terms rest on.

        Open matters of a kind are said once, together, under however many purposes they are.
        """
        said: dict[str, Refs] = {}
        for leaf in (leaf for term in terms for leaf in term.leaves):
            if leaf.kind in BLOCKERS:
                _add(said.setdefault(leaf.kind, {}), leaf.refs)
            else:
                said[self._reason(leaf.kind, dict(leaf.refs))] = {}
        return self.listed(self._blocked(kind, refs) if refs else kind for kind, refs in said.items())

    def _blocked(self, kind: str, refs: Refs) -> str:
        """Everything of one kind that is open."""
        invoices = refs.pop("invoices", [])
        if self._for_customer and self._type == "contact":  # its company's
            invoices = []
        if kind == "warranty_unknown" and len(refs["orders"]) > 1:
            kind, refs = "warranty_unknown_orders", {"orders": refs["orders"]}
        text = self._filled(self._t["terms"][kind], refs)
        return text + (self._filled(self._t["terms"]["open_invoices"], {"invoices": invoices}) if invoices else "")

    def _reason(self, kind: str, refs: dict[str, object]) -> str:
        if refs.pop("of_several", False) and self._for_customer:
            kind = "stopped_for_address"
        end = refs.get("warranty_end")
        if kind == "warranty_tail" and isinstance(end, date) and end <= self._as_of:
            kind = "warranty_tail_past"
        if kind == "order_erased" and "line" in refs:
            kind = "order_erased_warranty"
        if "request" not in refs and f"{kind}_former" in self._t["terms"]:
            kind += "_former"
        if kind == "transaction" and refs.get("event") == "ordering":
            kind = "transaction_ordering"
        if "event" in refs:
            refs["event"] = self._filled(self._t["events"][refs["event"]], refs)
        return self._filled(self._t["terms"][kind], refs)

    def _filled(self, template: Template, refs: Mapping[str, object]) -> str:
        """A template with its names filled; of one that has two, `many` where there are several of something."""
        if isinstance(template, Mapping):
            several = any(len(value) > 1 if isinstance(value, list) else isinstance(value, int) and value > 1
                          for name, value in refs.items() if f"{{{name}}}" in template["one"] + template["many"])
            template = template["many" if several else "one"]
        return template.format_map({name: self._value(value) for name, value in refs.items()})

    def _value(self, value: object) -> str:
        if isinstance(value, date):
            return self.day(value)
        if isinstance(value, list):
            return self.listed(map(str, value), _SHOWN)
        return "–" if value is None else str(value)

    def what(self, item: Decided) -> str:
        """Returns the name of an attribute, or of a record's part."""
        if item.record_id is None:
            return self._named("attributes", item.part)
        return self._named("records", f"{item.entity}_{item.part}", record=item.record_id, whom=self._whom)

    def purpose(self, ground: str) -> str:
        """Returns the name of what retains."""
        return self._named("purposes", ground)

    def _named(self, group: str, name: str, **values: object) -> str:
        """A thing's name; what the policy has added since the templates were written is named as the policy does."""
        template = self._t[group].get(name) or self._t["unnamed"][group]
        return str(template).format(name=name, **values)

    def sentence(self, item: Decided) -> str:
        """One decision as one sentence; an absent one as part of `absent`."""
        return self.absent([item]) if item.decision == "absent" else self._said(item, self.what(item), "one")

    def shared(self, items: Sequence[Decided]) -> list[tuple[str, list[Decided]]]:
        """Returns a sentence for all that is decided alike for the same reasons, in order; none for what is absent."""
        alike: dict[str, list[Decided]] = {}
        for item in items:
            if item.decision != "absent":
                alike.setdefault(self._said(item, _ANYTHING, "one"), []).append(item)
        return [(self._said(group[0], self.listed(map(self.what, group)), "one" if len(group) == 1 else "many"), group)
                for group in alike.values()]

    def _said(self, item: Decided, what: str, number: str) -> str:
        """The sentence of a decision, about something of a name."""
        verdicts: Mapping[str, str] = self._t["verdicts"]
        deciding = [term for term in item.terms if term.decides]
        leaves = [leaf for term in deciding for leaf in term.leaves]
        forms: Mapping[str, str] = self._t["numbers"][number]
        values = {
            **forms, "whom": self._whom,
            "what": what[0].upper() + what[1:], "what_inside": what, "date": self.day(item.due_on),
            "type_of": self._t["types_of"][self._type],
            "purpose": self.listed(self.purpose(term.ground) for term in deciding),
            "reason": self.reasons(deciding),
            "clauses": ", ".join(dict.fromkeys(clause for leaf in leaves for clause in leaf.clauses)) or UNCOVERED,
            "others": self._others(item, what, forms), "holds": self.listed(self.hold(hold) for hold in item.holds),
        }
        name = item.decision
        if item.decision == "retain":
            name = "retain_open" if item.due_on is None else "retain"
        elif not deciding:
            name += "_misplaced" if item.is_misplaced else "_uncovered"
        elif any(leaf.kind.startswith("undated") for leaf in leaves):
            name += "_undated"
        return verdicts[name].format_map(values)

    def _others(self, item: Decided, what: str, forms: Mapping[str, str]) -> str:
        """The further grounds that retain, each with its end."""
        verdicts = self._t["verdicts"]
        named = {term.ground for term in item.terms if term.decides}
        parts = []
        for ground in item.retained_by:
            if ground not in named:
                until = end_of(settle([term for term in item.terms if term.ground == ground]))
                name = "other_open" if until is None else "other"
                parts.append(verdicts[name].format(purpose=self.purpose(ground), date=self.day(until)))
        return str(verdicts["others"]).format(list=self.listed(parts), what_inside=what, **forms) if parts else ""

    def summary(self, items: Sequence[Decided]) -> list[str]:
        """Returns five lines: what is kept, for what, what is due, what is held, what is not there."""
        by = {decision: [item for item in items if item.decision == decision]
              for decision in ("retain", "due", "hold", "absent")}
        since = min((item.due_on for item in by["due"] if item.due_on is not None), default=None)
        purposes = dict.fromkeys(ground for item in by["retain"] for ground in item.retained_by)
        freezes = dict.fromkeys(self._freeze(hold) for item in by["hold"] for hold in item.holds)
        values: dict[str, dict[str, object]] = {
            **self._kept([item.due_on for item in by["retain"]]),
            "grounds" if purposes else "grounds_none": {"purposes": self.listed(map(self.purpose, purposes))},
            "due" if by["due"] else "due_none": {"count": len(by["due"]), "first": since},
            "held" if by["hold"] else "held_none": {"count": len(by["hold"]), "freezes": self.listed(freezes)},
            "absent" if by["absent"] else "absent_none": {"count": len(by["absent"])}}
        return [self._filled(self._t["summary"][name], {**told, "whom": self._whom}) for name, told in values.items()]

    def _kept(self, until: Sequence[date | None]) -> dict[str, dict[str, object]]:
        """The line about what is kept, by name, from the days on which each of it ends."""
        days = sorted(day for day in until if day is not None)
        if len(days) < len(until):
            name = "kept_open" if days else "kept_all_open"
        else:
            name = "kept_none" if not days else "kept_alike" if days[0] == days[-1] else "kept"
        return {name: {"count": len(until), "open": len(until) - len(days), "first": days[0] if days else None,
                       "last": days[-1] if days else None}}

    def _freeze(self, hold: Hold) -> str:
        """A freeze by its name; to the customer, of one that is another's, or may be, nothing but that it is one."""
        if self._for_customer and hold.whose is not None:
            return str(self._t["freeze_parts"]["of_another"])
        if self._for_customer and hold.refs and all(ref.get("of_several") for ref in hold.refs):
            return str(self._t["freeze_parts"]["of_address"])
        return str(self._t["freezes"][hold.freeze]["name"])

    def summary_title(self) -> str:
        """Returns the heading of the summary."""
        return str(self._t["summary"]["title"])

    def absent(self, items: Sequence[Decided]) -> str:
        """Returns everything that is not there, in one line."""
        return str(self._t["verdicts"]["absent"]).format(list=self.listed(self.what(item) for item in items))

    def hold(self, hold: Hold) -> str:
        """Returns a freeze with what it rests on, its owner, its day and its clause.

        The customer is told what rests on their own invoices and requests; neither tables and columns, nor anything of
        somebody else's freeze, which may be a company's debt or a colleague's request.
        """
        parts, texts = self._t["freeze_parts"], self._t["freezes"][hold.freeze]
        if (freeze := self._freeze(hold)) != texts["name"]:
            return freeze
        named = ("request_id",) if self._type == "contact" else ("invoice_id", "request_id")
        known = [ref for ref in hold.refs
                 if not self._for_customer or (next(iter(ref)) in named and not ref.get("of_several"))]
        shown = _SHOWN if len(known) > _SHOWN + 1 else len(known)
        refs = [self.reference(ref) for ref in known[:shown]]
        if shown < len(known):
            refs.append(str(self._t["more"]).format(count=len(known) - shown))
        number = "many" if len(known) > 1 else "one"
        text = str(texts[number if refs else "name"]).format(refs=self.listed(refs))
        if hold.whose is not None and all(ref.get("subject_id") != hold.whose for ref in hold.refs):
            text = parts["whose"].format(freeze=text, whose=hold.whose)
        since = min((ref["received_on"] for ref in known if "received_on" in ref), default=hold.since)
        if since is not None:
            text = str(texts[f"since_{number}"]).format(freeze=text, since=self.day(since))
        if hold.review:
            text = parts["review"].format(freeze=text)
        return str(self._t["verdicts"]["hold_part"]).format(freeze=text, clause=hold.clause)

    def reference(self, ref: Mapping[str, object]) -> str:
        """One thing that a freeze rests on: what it is tells its first key."""
        texts = self._t["references"]
        names = {name: self._value(value) for name, value in ref.items()}
        if "fault" in names:
            names["fault"] = str(self._t["faults"].get(ref["fault"], ref["fault"]))
        kind = next(iter(ref))
        if kind == "subject_id" and ":" not in names[kind]:
            kind = "table"
        return str(texts[kind]).format_map(names)

    def web(self, count: WebCount) -> str:
        """Returns the visits of one fate."""
        texts = self._t["web"][count.decision]
        name = "one" if count.first == count.last else "between"
        reason = self._t["web"]["reasons_ahead" if count.decision == "retain" else "reasons_past"][count.reason]
        return str(texts[name]).format(
            count=count.events, first=self.day(count.first), last=self.day(count.last), reason=reason,
            clause=count.clause, whom=self._whom, holds=self.listed(self.hold(hold) for hold in count.holds))

    def candidate(self, term: Term) -> str:
        """One candidate date with what it rests on."""
        clause = ", ".join(dict.fromkeys(clause for leaf in term.leaves for clause in leaf.clauses))
        reason = self.reasons([term])
        if term.because:
            reason = str(self._t["terms"]["purpose"]).format(purpose=self.purpose(term.ground), reason=reason)
        return str(self._t["candidate"]).format(date=self.day(term.on), reason=reason, clause=clause)

    def went(self, went: Iterable[tuple[date, str]]) -> str:
        """Returns on which days something was carried out since, by which promises."""
        days: dict[date, list[str]] = {}
        for day, clause in went:
            days.setdefault(day, []).append(clause)
        listed = self.listed(f"{self.day(day)} ({', '.join(clauses)})" for day, clauses in days.items())
        return str(self._t["went"]).format(days=listed, whom=self._whom)

    def clause(self, clause: str) -> str:
        """Returns what a clause promises, as people are told it; of one without such words, as the policy says it."""
        return str(self._t["clauses"].get(clause) or self._clauses.get(clause, ""))

    def text(self, name: str, **values: object) -> str:
        """Returns a heading or another text of the page."""
        return self._filled(self._t[name], values)

    def whose(self, subject_id: str) -> str:
        """Returns whom an explanation is about, as they know themselves: by the number that stands on their letters."""
        table, _, number = subject_id.partition(":")
        return str(self._t["whose"][table]).format(id=number)

    def type_name(self) -> str:
        """Returns the subject's type."""
        return str(self._t["types"][self._type])
