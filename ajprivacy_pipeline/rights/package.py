"""An answer put together: everything that is held, why, until when, from where, who receives it, and what can be done.

Belongs here: filling the shape of an answer from rows, decisions and policy. Does not belong here: whose rows they are
(`held`), wording (`wording`), pages (`page`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.enforcement.ledger import Found
from ajprivacy_pipeline.enforcement.stages import stages_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.rights.decided import Decision, Month
from ajprivacy_pipeline.rights.disclosures import Disclosure
from ajprivacy_pipeline.rights.held import Held, shown_columns
from ajprivacy_pipeline.rights.opening import ACCESS, Opening, is_upheld
from ajprivacy_pipeline.rights.outcome import Outcome
from ajprivacy_pipeline.rights.person import SUBJECTS, Person
from ajprivacy_pipeline.rights.requests import Request
from ajprivacy_pipeline.rights.shapes import (
    VERSION,
    Complaint,
    ControllerTold,
    DisclosureTold,
    FieldTold,
    HeldRow,
    HeldTable,
    Kept,
    LetterKind,
    Package,
    PartTold,
    PromiseTold,
    PurposeTold,
    RecipientTold,
    RequestTold,
)
from ajprivacy_pipeline.rights.since import Since
from ajprivacy_pipeline.rights.wording import Wording, open_while, that_are_open
from ajprivacy_pipeline.storage.zones import WHITE_SPACE
from ajprivacy_pipeline.warehouse.lookup import Row

_BULK_PERIODS = {"web_events": ("visits", "cookie_months"), "app_logs": ("logs", "log_months")}
_ROWS = {**dict.fromkeys(SUBJECTS, "with_subject"), "newsletter_subscriptions": "with_subscription"}
_COMPANY = "company"  # stands for the part of what is a company's own
_PROVIDED_SIDE = "in"  # the direction of messages that the person wrote


class Assembler:
    """Puts an answer together, in the words of one language."""

    def __init__(self, policy: Policy, words: Wording, person: Person | None, month: Month,
                 went: Sequence[Found] = ()) -> None:
        """Keep what the texts are made of; `went` is what the ledger has of the person."""
        self._policy, self._words, self._month = policy, words, month
        self._as_of = as_of(month.month) if month.month is not None else date.min
        self._went = [one for one in went if one.carried_out_on >= self._as_of]  # what the month does not know of
        self._opening = Opening(policy, words, self._as_of if month.month is not None else None, self._went)
        self._person, self._is_guest = person, person is not None and person.table is None
        self._number = month.number(person.subject_id) if person and person.subject_id else None
        self._attributes = month.attributes(self._number) if self._number is not None else {}
        self._applied = month.purposes(self._number) if self._number is not None else {}
        self._open = month.open_matters(self._number) if self._number is not None else frozenset()
        self._upheld = False  # an objection of the person to our analyses
        self._keeping: set[str] = set()  # the grounds that keep something of what is told
        self._parts = {table: {column: part for (entity, part), stage in stages_of(policy).items() if entity == table
                               for column in stage.columns} for table in policy.sources.tables}

    def package(self, request: Request, earlier: Sequence[Request], held: Sequence[Held],
                copies: Mapping[str, Sequence[Row]], today: date, outcome: Outcome | None = None,
                given: Sequence[Disclosure] = (), *, reaches: bool = True) -> Package:
        """Returns the answer to a request; `outcome` is that of one that ends something.

        `given`: what authorities were given about the person alone. `reaches`: whether there is anything of the
        person's own that can be restricted.
        """
        words, policy, kind = self._words, self._policy, request.kind or ""
        controller = policy.notice.controller
        self._upheld = is_upheld(earlier)
        told = tuple(self._tables(held if kind == ACCESS else self._provided(held)))
        told += tuple(self._copies(copies)) if kind == ACCESS else ()
        parts = outcome.parts() if outcome else ()
        listed = self._concerned(told)
        told = tuple(_naming(table, listed) for table in told)
        purposes = tuple(self._purposes(listed))
        return Package(
            schema_version=VERSION, kind=kind, language=words.language, made_on=today.isoformat(),
            controller=ControllerTold(name=controller.name, organisation_number=controller.organisation_number,
                                      place=f"{controller.city}, {words.country(controller.country)}",
                                      email=controller.contact_email),
            request=self._request(request), refused=request.outcome == "refused",
            answer=outcome.sentences() if outcome else self._opening.sentences(
                request, earlier, told, reaches=reaches), parts=parts,
            held=told,
            purposes=purposes, promises=tuple(self._promises(told, parts, purposes if told else ())),
            recipients=tuple(self._recipients(listed)),
            disclosures=tuple(self._disclosures(given)), transfers=self._transfers(),
            profiling=tuple(self._profiling()),
            earlier_requests=tuple(map(self._request, earlier)), rights=tuple(words.group("rights")["list"]),
            complaint=Complaint(authority=controller.supervisory_authority, url=policy.rights.complaint_url))

    def letter(self, request: Request, about: LetterKind, sentences: tuple[str, ...], today: date) -> Package:
        """Returns a letter about a request that is no answer yet: nothing about anybody is in it."""
        return self.package(request, [], [], {}, today).model_copy(update={
            "letter": about, "answer": sentences, "purposes": (), "recipients": (), "profiling": ()})

    def _profiling(self) -> Iterator[str]:
        """What groups customers are sorted into, and whether this person certainly is in none."""
        purposes = [purpose for name, purpose in self._policy.retention.purposes.items() if self._may_be(name)]
        found = [self._words.of("profiling", clause) for clause in self._policy.rights.profiling_clauses
                 if any(clause in purpose.clauses for purpose in purposes)]
        yield from found
        segment = self._month.segment(self._number) if found and self._number is not None else None
        if segment is not None:
            yield self._words("profiling_group", date=self._words.day(self._as_of), **segment._asdict())
            if segment.industry:
                yield self._words("profiling_industry", industry=segment.industry)
        elif found and self._is_out:
            yield self._words("profiling_out", date=self._words.day(self._as_of))

    @property
    def _is_out(self) -> bool:
        """Whether the person is in no group of customers: a contact, or somebody of whom anything is due."""
        decided = {one.decision for one in self._attributes.values()}
        is_contact = self._person is not None and self._person.table == "contacts"
        return bool(decided) and (is_contact or "due" in decided or decided == {"absent"})

    def _provided(self, held: Sequence[Held]) -> list[Held]:
        """What the person provided: own rows, the columns of the policy, messages that they wrote."""
        portable = self._policy.rights.portable
        return [Held(one.table, one.row, one.extent,
                     tuple(column for column in one.columns if column in portable[one.table]))
                for one in held if one.extent == "own" and one.table in portable
                and (one.table != "communications" or (one.row["direction"] or "").strip() == _PROVIDED_SIDE)]

    def _tables(self, held: Sequence[Held]) -> Iterator[HeldTable]:
        decisions, since = self._month.records(self._record_ids(held), self._number), Since(self._policy, held)
        for (table, extent), some in groupby(held, key=lambda one: (one.table, one.extent)):
            rows = list(some)
            title = self._words.of("titles", table)
            columns, days = shown_columns(rows), [since.day(one) for one in rows]
            yield HeldTable(
                table=table, kind=extent, fields=tuple(self._field(table, column, extent) for column in columns),
                title=title if extent == "own" else self._words.text("titles", extent, title=title),
                origin=self._words.of("origins", "elsewhere" if extent == "elsewhere" else table),
                since="" if extent == "elsewhere" else since.told(self._words, table, days, columns),
                rows=tuple(HeldRow(values=one.values, since=_text(day), kept=_together(self._kept(one, decisions)))
                           for one, day in zip(rows, days, strict=True)))

    def _record_ids(self, held: Sequence[Held]) -> dict[str, list[str]]:
        """The records of which something is decided, and told."""
        found: dict[str, list[str]] = {}
        for one in held:
            if (one.table not in SUBJECTS and one.table not in _BULK_PERIODS and self._parts[one.table]
                    and one.extent != "elsewhere"):
                found.setdefault(one.table, []).append(self._id(one))
        return found

    def _id(self, held: Held) -> str:
        return (held.row[self._policy.sources.tables[held.table].key[0]] or "").strip(WHITE_SPACE)

    def _kept(self, held: Held, decisions: Mapping[tuple[str, str, str], Decision]) -> Iterator[Kept]:
        """Until when: each part by its decision, and what belongs to no part with the row."""
        words, given = self._words, [column for column in held.columns if held.row[column] is not None]
        if held.extent == "elsewhere":
            yield Kept(fields=tuple(given), decision="period", until=None, text=words.text("kept", "elsewhere"))
            return
        if held.table in _BULK_PERIODS:
            name, period = _BULK_PERIODS[held.table]
            yield Kept(fields=tuple(given), decision="period", until=None,
                       text=words.text("kept", name, months=self._policy.periods[period]))
            return
        parts: dict[str, list[str]] = {}
        for column in given:
            part = self._parts[held.table].get(column, "")
            parts.setdefault(_COMPANY if self._is_companys(held.table, part, column) else part, []).append(column)
        for part, columns in parts.items():
            if part in ("", _COMPANY):
                yield Kept(fields=tuple(columns), decision="period", until=None,
                           text=words.text("kept", part or _ROWS.get(held.table, "with_row")))
                continue
            found = self._attributes.get(part) if held.table in SUBJECTS else decisions.get(
                (held.table, self._id(held), part))
            self._keeping |= set(found.retained_by) if found else set()
            pending = open_while(self._policy.retention, found.retained_by, words.group("pending")) if found else ()
            pending = that_are_open(pending, self._open)
            yield Kept(fields=tuple(columns), decision=found.decision if found else "undecided",
                       until=found.due_on.isoformat() if found and found.due_on else None,
                       text=words.kept(found, None, self._actions(held.table, columns), pending,
                                       some_went=bool(self._went)))

    def _is_companys(self, table: str, part: str, column: str) -> bool:
        """Whether a value is a company's own, which is about no person and is never decided about."""
        if self._person is None or (self._person.row or {}).get("customer_type") != "business":
            return False
        if table not in SUBJECTS:
            return part == "link"
        attribute = self._policy.retention.attributes.get(part)
        return attribute is not None and (column in attribute.company_columns or "business" not in (
            *attribute.types, *attribute.misplaced))

    def _actions(self, table: str, columns: Sequence[str]) -> list[str]:
        """What the policy does to these columns when they are due."""
        known = self._policy.actions[table]
        return [known[column].action for column in columns if column in known]

    def _field(self, table: str, column: str, extent: str) -> FieldTold:
        retention = self._policy.retention
        part = self._parts[table].get(column, "")
        if table in SUBJECTS:
            known = retention.attributes.get(part)
            purposes = known.purposes if known else ("contract", "profile")
            if self._applied:  # decisions ask of these alone, too
                purposes = tuple(name for name in purposes if name in self._applied)
        else:
            purposes = tuple(name for name, purpose in retention.purposes.items() if table in purpose.records)
        purposes = tuple(name for name in purposes if self._may_be(name, extent))
        clauses = dict.fromkeys(clause for name in purposes for clause in retention.purposes[name].clauses)
        own = self._policy.enforcement.clauses.get(table, {}).get(part)
        ending = {retention.periods[period].source for name in purposes for period in retention.purposes[name].periods}
        own = own if own in {*clauses, *ending} else None  # by what it goes, where a purpose ends by that
        columns = self._policy.sources.tables[table].columns
        return FieldTold(name=column, label=self._words.of("fields", column),
                         type=columns[column].type if column in columns else "text",
                         purposes=tuple(purposes), clauses=tuple(dict.fromkeys((*([own] if own else ()), *clauses))))

    def _may_be(self, purpose: str, extent: str = "own") -> bool:
        """Whether it can be a purpose for this person.

        What rests on a customer profile is none for a guest, for whoever others' orders were sent to, and where it
        never applied to somebody who is in no group of customers; nor is what somebody's objection to was upheld.
        """
        if self._upheld and purpose == self._policy.rights.situation_purpose:
            return False
        if self._policy.retention.purposes[purpose].of_guests:
            return True
        return not (self._is_guest or extent == "elsewhere" or (self._is_out and purpose not in self._applied))

    def _copies(self, copies: Mapping[str, Sequence[Row]]) -> Iterator[HeldTable]:
        words = self._words
        for table, rows in copies.items():
            if not rows:
                continue
            fields = tuple(FieldTold(name=column, label=words.of("fields", column), purposes=(), clauses=())
                           for column in dict.fromkeys(column for row in rows for column in row))
            told = (HeldRow(values=row, kept=(Kept(
                fields=tuple(name for name, value in row.items() if value is not None), decision="period", until=None,
                text=words.text("kept", "copies")),)) for row in rows)
            yield HeldTable(table=table, title=words.text("titles", "copy", table=table), kind="copy",
                            origin=words.of("origins", "copy"), fields=fields, rows=tuple(told))

    def _concerned(self, told: Sequence[HeldTable]) -> frozenset[str]:
        """The purposes that something is held for, or that apply or applied; a request is held of whoever asks."""
        held = {name for table in told for field in table.fields for name in field.purposes if _is_filled(table, field)}
        asked = {name for name, purpose in self._policy.retention.purposes.items()
                 if "rights_requests" in purpose.records}
        return frozenset(held | asked | (self._applied.keys() if told else set()))

    def _purposes(self, listed: frozenset[str]) -> Iterator[PurposeTold]:
        for name, purpose in self._policy.retention.purposes.items():
            if name not in listed:
                continue
            title, ended = self._words.ground(name), self._applied.get(name)
            if ended is not None and ended <= self._as_of and name not in self._keeping:
                title = self._words("purpose_ended", purpose=title, date=self._words.day(ended))
            yield PurposeTold(name=name, title=title, clauses=purpose.clauses,
                              legal_basis=self._words.of("bases", purpose.legal_basis))

    def _promises(self, held: Sequence[HeldTable], parts: Sequence[PartTold],
                  purposes: Sequence[PurposeTold]) -> Iterator[PromiseTold]:
        """Every clause that is named, once, with what it promises."""
        named = {clause for table in held for field in table.fields for clause in field.clauses}
        named |= {clause for part in parts for clause in part.clauses}
        named |= {clause for purpose in purposes for clause in purpose.clauses}
        for clause in sorted(named):
            yield PromiseTold(clause=clause, meaning=self._words.clause(clause, self._policy.clauses[clause].meaning))

    def _recipients(self, listed: frozenset[str]) -> Iterator[RecipientTold]:
        """Who receives data for one of these purposes."""
        for name, entry in self._policy.recipients.items():
            purposes = tuple(purpose for purpose in entry.purposes if purpose in listed)
            if not purposes:
                continue
            yield RecipientTold(
                title=self._words.of("recipient_names", name), role=self._words.of("roles", entry.role),
                purposes=purposes, countries=entry.countries, safeguards=entry.safeguards,
                categories=tuple(self._words.of("category_names", category) for category in entry.categories))

    def _disclosures(self, given: Sequence[Disclosure]) -> Iterator[DisclosureTold]:
        """What may be told: of a basis that the policy keeps back, nothing."""
        words, rights = self._words, self._policy.rights
        for one in given:
            if one["basis"] not in rights.untold_bases:
                yield DisclosureTold(
                    authority=one["authority"], disclosed_on=one["disclosed_on"],
                    basis=words.disclosure_basis(one["basis"], rights.disclosure_bases.get(one["basis"], one["basis"])),
                    categories=tuple(words.of("category_names", category) for category in one["categories"]))

    def _transfers(self) -> str:
        outside = {country for entry in self._policy.recipients.values() for country in entry.countries
                   if country not in self._policy.notice.eea}
        if not outside:
            return self._words("transfers_none")
        safeguards = sorted({entry.safeguards for entry in self._policy.recipients.values()
                             if entry.safeguards and outside & set(entry.countries)})
        return self._words("transfers_some", countries=self._words.listed(sorted(map(self._words.country, outside))),
                           safeguards=", ".join(safeguards))

    def _request(self, request: Request) -> RequestTold:
        due = request.deadline(self._policy.rights)
        return RequestTold(
            id=request.id, kind=request.kind or "", title=self._words.of("kinds", request.kind or ""),
            received_on=_text(request.received_on), identity_verified_on=_text(request.verified_on),
            answer_by=_text(due), closed_on=_text(request.closed_on),
            outcome=self._words.of("outcomes", request.outcome) if request.outcome else None)


def _text(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


def _is_filled(table: HeldTable, field: FieldTold) -> bool:
    return any(row.values.get(field.name) is not None for row in table.rows)


def _naming(table: HeldTable, listed: frozenset[str]) -> HeldTable:
    """A table of which fields without a value name no purpose that the package does not list."""
    return table.model_copy(update={"fields": tuple(field.model_copy(update={
        "purposes": tuple(name for name in field.purposes if name in listed)}) for field in table.fields)})


def _together(kept: Iterator[Kept]) -> tuple[Kept, ...]:
    """Fields that are kept alike, said once."""
    found: dict[tuple[str, str | None, str], list[str]] = {}
    for one in kept:
        found.setdefault((one.decision, one.until, one.text), []).extend(one.fields)
    return tuple(Kept(fields=tuple(fields), decision=decision, until=until, text=text)
                 for (decision, until, text), fields in found.items())
