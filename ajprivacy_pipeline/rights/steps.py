"""Recording a request, and every step of one: checked in full, then appended; what is refused changes nothing.

Belongs here: what may be recorded, and writing it down. Does not belong here: which step may follow (`states`), answers
(`answer`).
"""

from datetime import date

from ajprivacy_pipeline.calendar import plus_months
from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.oversight.codes import check_code, check_name
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.retention import recorded_requests
from ajprivacy_pipeline.retention.effects import tokens
from ajprivacy_pipeline.retention.recorded_requests import Asker
from ajprivacy_pipeline.rights.person import exists
from ajprivacy_pipeline.rights.requests import CLOSE, EXTEND, REFUSE, VERIFY, Request, find_request
from ajprivacy_pipeline.rights.states import moved, table
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import hold_lock
from ajprivacy_pipeline.warehouse.forms import email_key

RESTRICTION, OBJECTION_SITUATION = "restriction", "objection_situation"
RESTRICTING = (RESTRICTION, OBJECTION_SITUATION)  # kinds that restrict processing while they stand
CLOSING = ("granted", "withdrawn")  # the outcomes of a request that is closed; refused ones have a step of their own


def add_request(settings: Settings, kind: str, received_on: date, asker: Asker, *, today: date, by: str) -> str:
    """Record a request that reached somebody outside the warehouse; returns its id.

    Raises:
        RightsError: the kind is none, the warehouse has no such customer or contact, or the day of receipt is in the
            future or none of the policy's years.
    """
    policy = load_policy(settings.notice)
    kinds = (*(policy.sources.tables["rights_requests"].columns["kind"].values or ()), *policy.rights.recorded_kinds)
    if kind not in kinds:
        raise RightsError(f"'{kind}' is no kind of request; choose one of {', '.join(kinds)}")
    if received_on > today:
        raise RightsError(f"{received_on} is in the future: --received is the day on which the request arrived")
    if received_on.year < policy.retention.plausible_years[0]:
        raise RightsError(f"{received_on} is too long ago: --received is the day on which the request arrived")
    check_handler(policy, by)
    if not exists(settings, policy, asker):
        raise RightsError("the warehouse has nobody of that id: check it, or record the request by --email")
    with hold_lock(settings):
        return recorded_requests.add(ControlStore.in_folder(settings.control),
                                     KeyStore(settings.keys, settings.root_key), kind, received_on, asker,
                                     by=by.strip(), today=today)


def asker_of(customer_id: str | None = None, contact_id: str | None = None, email: str | None = None) -> Asker:
    """Returns whose a request is by what was given of the three (RightsError: none, several, or no address)."""
    given = [value.strip() if value is not None else None for value in (customer_id, contact_id, email)]
    if sum(bool(value) for value in given) != 1 or "" in given:
        raise RightsError("name one of --customer ID, --contact ID, --email ADDRESS: whose request it is")
    key = email_key(given[2]) if given[2] else None
    if given[2] and key is None:
        raise RightsError("--email is no e-mail address: it needs one @ with something on both sides")
    return Asker(given[0], given[1], given[2], key)


def check_handler(policy: Policy, by: str) -> None:
    """Refuse an empty name, or one that the policy does not list."""
    check_name(by, "--by")
    if not policy.rights.may_handle(by):
        raise RightsError("--by is none of the policy's handlers (rights.toml)")


def verify_identity(settings: Settings, request_id: str, *, today: date, by: str) -> Request:
    """Record that the person has shown who they are.

    Raises:
        RightsError: unknown, verified already, or closed; nothing is written.
    """
    return take_step(settings, request_id, VERIFY, today=today, by=by)


def extend(settings: Settings, request_id: str, reason: str, *, today: date, by: str) -> Request:
    """Record that the answer takes longer, and why.

    Raises:
        RightsError: unknown, closed, extended already, or its first month is over; nothing is written.
        ControlError: the reason is none of the policy's codes.
    """
    check_code(reason, load_policy(settings.notice).rights.extensions, "reason code of an extension (rights.toml)")
    return take_step(settings, request_id, EXTEND, detail=reason, today=today, by=by)


def refuse(settings: Settings, request_id: str, clause: str, *, told_on: date | None = None, today: date,
           by: str) -> Request:
    """Refuse a request by a clause of the policy.

    Raises:
        RightsError: unknown, closed, of a kind that cannot be refused, or an objection that restricts and of whose end
            the person was not told; nothing is written.
        ControlError: the clause is none of the policy's.
    """
    policy = load_policy(settings.notice)
    if clause not in policy.clauses:
        raise RightsError(f"'{clause}' is no clause of the policy: see `ajprivacy policy clauses`")
    request = find_request(settings, policy.rights, request_id)
    if request.kind == OBJECTION_SITUATION:
        _check_told(request, told_on, today)
    if request.kind in policy.rights.never_refused:
        raise RightsError("a request of this kind cannot be refused (RGT-6): answer and close it")
    return take_step(settings, request_id, REFUSE, detail=clause, today=today, by=by)


def close(settings: Settings, request_id: str, *, outcome: str, told_on: date | None = None, today: date,
          by: str) -> Request:
    """Close a request; a restriction is lifted by it, and the person is told before.

    Raises:
        RightsError: unknown, closed already, no outcome, or a restriction of whose end the person was not told.
    """
    policy = load_policy(settings.notice)
    if outcome not in CLOSING:
        raise RightsError(f"'{outcome}' is no outcome; choose one of {', '.join(CLOSING)}, or refuse it by a clause")
    request = find_request(settings, policy.rights, request_id)
    if request.kind == RESTRICTION or (request.kind == OBJECTION_SITUATION and request.answered_on is None):
        _check_told(request, told_on, today)  # an objection's own answer tells it
    return take_step(settings, request_id, CLOSE, detail=outcome, today=today, by=by)


def _check_told(request: Request, told_on: date | None, today: date) -> None:
    """Refuse to lift a restriction of whose end the person was not told before (Art. 18(3))."""
    if not request.is_open:
        return
    if told_on is None:
        raise RightsError("this lifts the restriction, and the person is told first: name the day with --told")
    if told_on > today or (request.received_on is not None and told_on < request.received_on):
        raise RightsError("--told lies in the future or before the request: it is the day on which the person was "
                          "told that the restriction ends")


def take_step(settings: Settings, request_id: str, step: str, *, today: date, by: str,
              detail: str | None = None) -> Request:
    """Move a request by one step; returns it as it stands then.

    Raises:
        RightsError: there is no such request, or the step may not be taken; nothing is written.
    """
    record_step(settings, request_id, step, today=today, by=by, detail=detail)
    return find_request(settings, load_policy(settings.notice).rights, request_id)


def record_step(settings: Settings, request_id: str, step: str, *, today: date, by: str,
                detail: str | None = None) -> None:
    """Move a request by one step: the only function that does.

    Raises:
        RightsError: there is no such request, or the step may not be taken; nothing is written.
    """
    policy = load_policy(settings.notice)
    check_handler(policy, by)
    with hold_lock(settings):
        request = find_request(settings, policy.rights, request_id)
        check_step(policy, request, step, today)
        control, names = ControlStore.in_folder(settings.control), request.asker.names if request.asker else ()
        if step == VERIFY and names:  # it counts for whoever was identified, should the request become another's
            detail = tokens(KeyStore(settings.keys, settings.root_key), control)(names[0])
        recorded_requests.append(control, request_id, step, by=by.strip(), on=today, detail=detail)


def check_step(policy: Policy, request: Request, step: str, today: date) -> None:
    """Refuse a step that may not be taken now (RightsError)."""
    moved(request.state, step)
    rule = table().steps[step]
    if step == VERIFY and request.verified_on is not None:
        raise RightsError(f"its identity was verified on {request.verified_on} already")
    if rule.once and step != VERIFY and any(taken.event == step for taken in request.steps):
        raise RightsError(f"{step.replace('_', '-')} was recorded already")
    if rule.identity:
        check_identity(policy, request)
    if rule.within_answer_months and (
            request.received_on is None or today > plus_months(request.received_on, policy.rights.answer_months)):
        raise RightsError("its first month is over, and an extension had to be told within it: answer it")


def check_identity(policy: Policy, request: Request) -> None:
    """Refuse to hand out anything before the person is identified (RightsError)."""
    if request.waits_for_identity(policy.rights):
        raise RightsError("nothing is handed out before the person is identified (RGT-8): "
                          "`ajprivacy request verify-identity` comes first")
