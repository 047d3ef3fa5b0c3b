"""Legal holds: placed on a subject or a whole table, renewed, lifted.

Belongs here: what may be placed, and writing it down; everything is appended. Does not belong here: what a hold keeps
(`sql/retention`).
"""

from datetime import date

from ajprivacy_pipeline.calendar import plus_months
from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.explain import check_subject
from ajprivacy_pipeline.explain.facts import find_subject
from ajprivacy_pipeline.oversight.codes import check_code, check_name
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.retention.completeness import holdable_tables
from ajprivacy_pipeline.retention.guard import erased_on
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_rows import LegalHold
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import hold_lock, read_month


class ListedHold(LegalHold):
    """A hold with its state: active, expired (it still holds, until renewed or lifted), lifted."""

    state: str


def place_hold(settings: Settings, subject_id: str, owner: str, ground: str, expires_on: date, *, today: date,
               by: str) -> int:
    """Place a legal hold on a subject of the newest month, or on a whole table; returns its number.

    Raises:
        ControlError: the subject or table, the owner, the ground or the expiry is not acceptable: not in the future, or
            later than the policy's longest term from today; nothing is written.
    """
    policy = load_policy(settings.notice)
    check_name(owner, "--owner")
    check_code(ground, policy.review.grounds, "ground code of a legal hold")
    _in_future(expires_on, today)
    _in_term(expires_on, _latest_expiry(policy, today))
    _holdable(settings, policy, subject_id)
    control = ControlStore.in_folder(settings.control)
    with hold_lock(settings):
        return control.append_hold_event({
            "event": "placed", "subject_id": subject_id, "owner": owner.strip(), "ground": ground,
            "expires_on": expires_on, "happened_on": today, "recorded_by": by})


def carried_out_on(settings: Settings, subject_id: str) -> date | None:
    """Returns the day on which everything of a subject was carried out already; None where a hold meets it in time.

    Ask after placing: a hold and a batch that carries out exclude each other.
    """
    return erased_on(KeyStore(settings.keys, settings.root_key), ControlStore.in_folder(settings.control), subject_id)


def _holdable(settings: Settings, policy: Policy, subject_id: str) -> None:
    holdable = holdable_tables(catalogue_of(policy))
    if subject_id in holdable:
        return
    if ":" not in subject_id:
        raise ControlError(f"'{subject_id}' is neither customer:ID, contact:ID, nor one of {', '.join(holdable)}")
    check_subject(subject_id)
    with boundary("hold"), read_month(settings, None) as (con, month):
        find_subject(con, subject_id, month)


def renew_hold(settings: Settings, hold_id: int, expires_on: date, *, today: date, by: str) -> None:
    """Give a hold a later expiry.

    Raises:
        ControlError: there is no such hold, it is lifted, the day is not later, or too late; nothing is written.
    """
    latest = _latest_expiry(load_policy(settings.notice), today)
    control = ControlStore.in_folder(settings.control)
    hold = _standing(control, hold_id)
    _in_future(expires_on, today)
    if hold["expires_on"] >= latest:  # one that was placed before the policy had a longest term, too
        raise ControlError(f"hold {hold_id} expires on {hold['expires_on']} already, and today no hold may run beyond "
                           f"{latest}: for an earlier expiry place another, then lift this one")
    if expires_on <= hold["expires_on"]:
        raise ControlError(f"hold {hold_id} expires on {hold['expires_on']} already: name a later day")
    _in_term(expires_on, latest)
    _append(control, hold, "renewed", expires_on, today, by)


def lift_hold(settings: Settings, hold_id: int, by: str, *, today: date) -> None:
    """Lift a hold as of today.

    Raises:
        ControlError: there is no such hold, or it is lifted already; nothing is written.
    """
    check_name(by, "--by")
    control = ControlStore.in_folder(settings.control)
    hold = _standing(control, hold_id)
    _append(control, hold, "lifted", hold["expires_on"], today, by.strip())


def list_holds(settings: Settings, *, today: date) -> list[ListedHold]:
    """Every hold, oldest first."""
    return [{**hold, "state": _state(hold, today)} for hold in ControlStore.in_folder(settings.control).legal_holds()]


def _state(hold: LegalHold, today: date) -> str:
    if hold["lifted_on"] is not None:
        return "lifted"
    return "expired, renew or lift it" if hold["expires_on"] <= today else "active"


def _append(control: ControlStore, hold: LegalHold, event: str, expires_on: date, today: date, by: str) -> None:
    control.append_hold_event({
        "hold_id": hold["id"], "event": event, "subject_id": hold["subject_id"], "owner": hold["owner"],
        "ground": hold["ground"], "expires_on": expires_on, "happened_on": today, "recorded_by": by})


def _standing(control: ControlStore, hold_id: int) -> LegalHold:
    hold = next((one for one in control.legal_holds() if one["id"] == hold_id), None)
    if hold is None:
        raise ControlError(f"there is no hold {hold_id}: see `ajprivacy hold list`")
    if hold["lifted_on"] is not None:
        raise ControlError(f"hold {hold_id} was lifted on {hold['lifted_on']}: place a new one")
    return hold


def _in_future(day: date, today: date) -> None:
    if day <= today:
        raise ControlError(f"{day} is not in the future: a hold needs an expiry that can still be renewed")


def _latest_expiry(policy: Policy, today: date) -> date:
    return plus_months(today, policy.review.holds.longest_months.value)


def _in_term(day: date, latest: date) -> None:
    if day > latest:
        raise ControlError(f"{day} is too far ahead: name {latest} or an earlier day, and renew the hold before it "
                           "expires (review.toml, holds.longest_months)")
