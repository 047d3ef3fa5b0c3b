"""Answering a request: whose it is, what is held, the files, our copy, and the step that says it was handed over.

Belongs here: the order of these. Killed anywhere and begun again it ends the same: files are replaced whole, and the
step is recorded last. Does not belong here: each of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import NamedTuple

from ajprivacy_pipeline.enforcement import judged
from ajprivacy_pipeline.enforcement.current import current_policy
from ajprivacy_pipeline.enforcement.ledger import Found, Ledger, open_ledger
from ajprivacy_pipeline.enforcement.our_copies import our_copies
from ajprivacy_pipeline.enforcement.plans import RECTIFICATION
from ajprivacy_pipeline.enforcement.said import kept
from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.explain.words import Language
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.retention.effects import tokens
from ajprivacy_pipeline.retention.recorded_requests import Asker
from ajprivacy_pipeline.rights.copies import copied_rows
from ajprivacy_pipeline.rights.decided import Month, decided_month
from ajprivacy_pipeline.rights.disclosures import disclosures
from ajprivacy_pipeline.rights.elsewhere import NOWHERE, Elsewhere
from ajprivacy_pipeline.rights.folder import Whose, check_folder, destroy_copies, keep_copy, write_folder
from ajprivacy_pipeline.rights.goods import with_names
from ajprivacy_pipeline.rights.held import Held, Holdings, has_own
from ajprivacy_pipeline.rights.opening import ACCESS, PORTABILITY
from ajprivacy_pipeline.rights.outbox import all_notices, fill
from ajprivacy_pipeline.rights.outcome import ENDING, Outcome
from ajprivacy_pipeline.rights.package import Assembler
from ajprivacy_pipeline.rights.page import render_files
from ajprivacy_pipeline.rights.person import SEVERAL, Person, find_person, is_known
from ajprivacy_pipeline.rights.remaining import Remaining, remaining
from ajprivacy_pipeline.rights.requests import ANSWER, Request, known_requests
from ajprivacy_pipeline.rights.shapes import Package
from ajprivacy_pipeline.rights.steps import check_handler, check_step, record_step
from ajprivacy_pipeline.rights.wording import Wording
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.warehouse.forms import email_key, read_moment
from ajprivacy_pipeline.warehouse.lookup import Lookup, Row, lookup
from ajprivacy_pipeline.warehouse.mapping_file import load_mapping

PACKAGES = (ACCESS, PORTABILITY)  # the kinds that are answered with what is held


class Told(NamedTuple):
    """What an answer says, and whom it is about, as the access log names them; nobody where it says nothing of them."""

    package: Package
    looked_at: str | None = None


def answer(settings: Settings, request_id: str, out: Path, *, language: Language, today: date, by: str) -> list[str]:
    """Write the answer to a request into a folder; returns the names of its files.

    Args:
        settings: folders, keys and the warehouse.
        request_id: of the warehouse, or recorded here.
        out: the folder, which nobody else can read.
        language: of texts.
        today: the day of the answer.
        by: who answers; stands in the access log.

    Raises:
        RightsError: unknown, closed, before identity, the address reaches several people, or the folder will not do;
            nothing is written.
        PrivacyError: the warehouse or the month cannot be read.
    """
    policy = current_policy(settings)
    check_handler(policy, by)
    everything = known_requests(settings, policy.rights)
    request = next((one for one in everything if one.id == request_id), None)
    if request is None:
        raise RightsError("there is no request of that id, neither recorded here nor in the newest decided month: see "
                          "`ajprivacy request list`")
    check_step(policy, request, ANSWER, today)
    check_folder(out, request_id)
    told = answer_to(settings, policy, request, everything, language, today, by)
    files, control = render_files(told.package), ControlStore.in_folder(settings.control)
    destroy_copies(settings, control, policy.rights.package_days, today)
    names = request.asker.names if request.asker else ()
    token = tokens(KeyStore(settings.keys, settings.root_key), control)
    keep_copy(settings, request_id, files, Whose(token(names[0]) if names else None, told.looked_at))
    write_folder(out, files)
    record_step(settings, request_id, ANSWER, today=today, by=by)
    return sorted(files)


def answer_to(settings: Settings, policy: Policy, request: Request, everything: list[Request], language: Language,
              today: date, by: str) -> Told:
    """Returns the answer to a request, in one language; `everything` are all requests, among them the person's others.

    Raises:
        RightsError: it is forgotten whose it was, or its address reaches several people.
        PrivacyError: the warehouse or the month cannot be read.
    """
    words = Wording(language)
    if request.outcome == "refused":  # nothing about anybody is in it
        return Told(Assembler(policy, words, None, Month()).package(request, [], [], {}, today))
    if request.kind in (*ENDING, RECTIFICATION):
        return _ended(settings, policy, request, words, today, by)
    if request.kind not in PACKAGES:
        reaches = _reaches(settings, policy, request)
        return Told(Assembler(policy, words, None, Month()).package(request, [], [], {}, today, reaches=reaches))
    if request.asker is None:
        raise RightsError("it is forgotten whose the request was: record a new one")
    mapping = load_mapping(settings.mapping_file, policy.sources)
    with decided_month(settings) as month, lookup(settings.warehouse_url, mapping, policy.sources) as found, boundary(
            "request"):
        person = find_person(found, policy, request.asker)
        looked_at = person.subject_id or f"email:{person.email_keys[0]}"
        note_look(settings, looked_at, month.month, "package", by)
        holdings = Holdings(found, policy, person, month)
        held = holdings.read()
        copies = copied_rows(found, person, holdings)
        told = with_names(found, held) if request.kind == ACCESS else held
        given = disclosures(settings, person.subject_id) if person.subject_id else ()
        return Told(Assembler(policy, words, person, month, _went(settings, person)).package(
            request, _earlier(request, everything, person, held), told, copies, today, given=given,
            reaches=has_own(held)), looked_at)


def _ended(settings: Settings, policy: Policy, request: Request, words: Wording, today: date, by: str) -> Told:
    """The answer to what is carried out by a plan: what really was, and what was decided about the rest."""
    keys, control = KeyStore(settings.keys, settings.root_key), ControlStore.in_folder(settings.control)
    known = judged.judged(settings, keys, request.id)
    if known is not None and len(known.people) > 1:
        raise RightsError(SEVERAL)
    # Where its plan says whose it is, that holds also when the address is gone.
    whom = known.people[0] if known is not None and known.people else _alone(settings, policy, request)
    fill(settings, policy, today, [request])
    done = judged.carried_out(settings, keys, control, request.id)
    since = request.received_on or today
    by_month = [one for one in Ledger(control, keys, settings.keys).find(whom).found
                if one.carried_out_on >= since] if whom and request.kind in ENDING else []
    if whom:
        note_look(settings, whom, None, "package", by)
    went = done.at or max((datetime.combine(one.carried_out_on, time.max) for one in by_month), default=None)
    still = _remaining(settings, policy, keys, request) if done.verified else Remaining()
    return Told(Assembler(policy, words, None, Month()).package(
        request, [], [], {}, today, Outcome(policy, words, request, known, done, by_month,
                                            _elsewhere(settings, policy, keys, control, request, went), still)), whom)


def _remaining(settings: Settings, policy: Policy, keys: KeyStore, request: Request) -> Remaining:
    """Where an old value that was corrected still stands in the person's rows as they are now.

    Rows that only an old address leads to count while it is nobody else's, as they did when it was the person's.
    """
    said = kept(settings, keys, request.id) if request.kind == RECTIFICATION else None
    if said is None or request.asker is None:
        return Remaining()
    mapping = load_mapping(settings.mapping_file, policy.sources)
    with decided_month(settings) as month, lookup(settings.warehouse_url, mapping, policy.sources) as found, boundary(
            "request"):
        person = find_person(found, policy, request.asker)
        former = [key for one in said.corrections if (key := email_key(one.old)) and not is_known(found, policy, key)]
        person = replace(person, email_keys=(*person.email_keys, *former))
        return remaining(policy, said.corrections, Holdings(found, policy, person, month).read())


def _elsewhere(settings: Settings, policy: Policy, keys: KeyStore, control: ControlStore, request: Request,
               since: datetime | None) -> Elsewhere:
    """Where it may still stand that went, or was corrected, at some moment; nowhere to speak of without one."""
    if since is None:
        return NOWHERE
    return Elsewhere(our_copies(settings, policy, keys, since),
                     [one for one in all_notices(control) if one.request == request.id])


def _alone(settings: Settings, policy: Policy, request: Request) -> str | None:
    """Returns whose a request is; nobody is known where it is forgotten, or a guest's.

    Raises:
        RightsError: its address reaches several people.
    """
    if request.asker is None:
        return None
    with _found(settings, policy, request.asker) as (_, person):
        return person.subject_id


def _reaches(settings: Settings, policy: Policy, request: Request) -> bool:
    """Whether there is anything that a request can be about; so it is taken where it is forgotten whose it was.

    Raises:
        RightsError: its address reaches several people.
    """
    if request.asker is None:
        return True
    with _found(settings, policy, request.asker) as (found, person):
        return has_own(Holdings(found, policy, person, Month()).read())


@contextmanager
def _found(settings: Settings, policy: Policy, asker: Asker) -> Iterator[tuple[Lookup, Person]]:
    """The warehouse, and whose a request is there."""
    mapping = load_mapping(settings.mapping_file, policy.sources)
    with lookup(settings.warehouse_url, mapping, policy.sources) as found, boundary("request"):
        yield found, find_person(found, policy, asker)


def note_look(settings: Settings, whom: str, month: str | None, what: str, by: str) -> None:
    """Note who looked at whom; the person as a keyed token."""
    token = KeyStore(settings.keys, settings.root_key).derive("looks", whom).hex()
    ControlStore.in_folder(settings.control).record_access(token, month or "", what, by)


def _went(settings: Settings, person: Person) -> tuple[Found, ...]:
    """What the ledger has of somebody: what the month's decisions call due may be carried out since."""
    return open_ledger(settings).find(person.subject_id).found if person.subject_id is not None else ()


def _earlier(request: Request, everything: list[Request], person: Person, held: list[Held]) -> list[Request]:
    """The person's other requests: those among their rows, and those recorded here under their id or address."""
    own = {(one.row["request_id"] or "").strip(): one.row for one in held if one.table == "rights_requests"
           and one.extent == "own"}
    known = [one for one in everything if one.id in own or _is_theirs(one, person)]
    named = {one.id for one in known}
    since = [_of_row(key, row) for key, row in own.items() if key not in named]  # the newest month has not seen it
    return [one for one in (*known, *since) if one.id != request.id]


def _of_row(request_id: str, row: Row) -> Request:
    """A request as its row in the warehouse has it."""
    received, verified, closed = (found[0] if (found := read_moment(row[column] or "")) else None for column in (
        "received_at", "identity_verified_at", "closed_at"))
    return Request(request_id, row["kind"], "warehouse", received, None, "done" if closed else "new", verified,
                   closed_on=closed, outcome=row["outcome"])


def _is_theirs(request: Request, person: Person) -> bool:
    asker = request.asker
    if request.source == "warehouse" or asker is None:
        return False
    if asker.contact_id or asker.customer_id:
        table = "contacts" if asker.contact_id else "customers"
        return (person.table, person.id) == (table, asker.contact_id or asker.customer_id)
    return asker.email_key in person.email_keys
