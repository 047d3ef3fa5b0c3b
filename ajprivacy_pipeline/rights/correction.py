"""What is to be corrected for a request: whose value it is, that the old one stands there, that the new one will do.

Belongs here: checking what was said before anything is kept or planned. Does not belong here: keeping it, planning and
writing (`enforcement.rectified`). A message names tables and columns, never a value.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ajprivacy_pipeline.enforcement.current import current_policy
from ajprivacy_pipeline.enforcement.rectified import plan_rectification
from ajprivacy_pipeline.enforcement.requested import PLANNED, plan_for_request
from ajprivacy_pipeline.enforcement.said import Correction, Said, keep, kept
from ajprivacy_pipeline.enforcement.shapes import PlanSummary
from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.retention import recorded_requests
from ajprivacy_pipeline.retention.recorded_requests import Asker
from ajprivacy_pipeline.rights.copies import copied_rows
from ajprivacy_pipeline.rights.decided import decided_month
from ajprivacy_pipeline.rights.held import Holdings
from ajprivacy_pipeline.rights.person import SUBJECTS, find_person
from ajprivacy_pipeline.rights.requests import Request, find_request, known_requests
from ajprivacy_pipeline.rights.steps import add_request, check_handler
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import hold_lock
from ajprivacy_pipeline.warehouse.lookup import Row, lookup
from ajprivacy_pipeline.warehouse.mapping_file import load_mapping

KIND, STEP = "rectification", "corrected"


@dataclass(frozen=True)
class Wish:
    """What somebody asks to have corrected; `row` is a record's id, and not needed for the person's own row."""

    table: str
    column: str
    old: str
    new: str
    row: str | None = None


@dataclass(frozen=True)
class Checked:
    """A wish that will do: whose it is, what is changed, and the copies that hold the old value too."""

    subject_id: str | None
    correction: Correction
    beside: tuple[str, ...]


def add_with_wish(settings: Settings, kind: str, received_on: date, asker: Asker, wish: Wish | None, *, today: date,
                  by: str) -> str:
    """Record a request, and of a rectification what is to be corrected, if it says so; returns its id.

    Raises:
        RightsError: as `add_request` and `check`; nothing is recorded.
    """
    if wish is not None and kind != KIND:
        raise RightsError("only a rectification says what is to be corrected: leave --table, --column, --old and --new")
    found = None
    if wish is not None:
        policy = current_policy(settings)
        check_handler(policy, by)
        found = check(settings, policy, asker, wish, today)
    request_id = add_request(settings, kind, received_on, asker, today=today, by=by)
    if found is not None:
        keep_wish(settings, request_id, found, today=today, by=by)
    return request_id


def correct(settings: Settings, request_id: str, wish: Wish, *, today: date, by: str) -> None:
    """Say what is to be corrected for a request; a second wish for the same value takes the place of the first.

    Raises:
        RightsError: unknown, of another kind, or closed; or the wish will not do. Nothing is kept.
    """
    policy = current_policy(settings)
    check_handler(policy, by)
    request = find_request(settings, policy.rights, request_id)
    _require_open(request)
    if request.asker is None:
        raise RightsError("it is forgotten whose the request was: record a new one")
    keep_wish(settings, request_id, check(settings, policy, request.asker, wish, today), today=today, by=by)


def keep_wish(settings: Settings, request_id: str, found: Checked, *, today: date, by: str) -> None:
    """Keep a wish that was checked, and note that."""
    keys, one = KeyStore(settings.keys, settings.root_key), found.correction
    with hold_lock(settings):
        before = kept(settings, keys, request_id)
        others = [other for other in (before.corrections if before else ())
                  if (other.entity, other.key, other.column) != (one.entity, one.key, one.column)]
        keep(settings, keys, request_id, Said(found.subject_id, (*others, one)))
        recorded_requests.append(ControlStore.in_folder(settings.control), request_id, STEP, by=by.strip(), on=today,
                                 detail=f"{one.entity}.{one.column}")


def check(settings: Settings, policy: Policy, asker: Asker, wish: Wish, today: date) -> Checked:
    """Returns a wish with whose row it is about.

    Raises:
        RightsError: nothing of that name is corrected, the row is not the person's, the old value does not stand there,
            or the new one is none of its kind.
    """
    kind = policy.rights.rectifiable.get(wish.table, {}).get(wish.column)
    if kind is None:
        raise RightsError("--table and --column name nothing that is corrected (rectifiable in rights.toml)")
    mapping = load_mapping(settings.mapping_file, policy.sources)
    with decided_month(settings) as month, lookup(settings.warehouse_url, mapping, policy.sources) as found, boundary(
            "request"):
        person = find_person(found, policy, asker)
        holdings = Holdings(found, policy, person, month)
        held = holdings.read()
        own = [one.row for one in held if one.table == wish.table and one.extent == "own"]
        row = _row(policy, wish, own)
        _check_values(policy, wish, kind, row, today)
        copies = copied_rows(found, person, holdings)
        old = wish.old.strip().casefold()
        beside = tuple(table for table, rows in copies.items() if old and any(
            old == _bare(value).casefold() for one in rows for value in one.values()))
    key = tuple(row[name] or "" for name in policy.sources.tables[wish.table].key)
    return Checked(person.subject_id, Correction(wish.table, key, wish.column, wish.old.strip(), wish.new.strip()),
                   beside)


def _row(policy: Policy, wish: Wish, own: Sequence[Row]) -> Row:
    key = policy.sources.tables[wish.table].key[0]
    rows = [row for row in own if wish.row is None or _bare(row[key]) == wish.row.strip()]
    if wish.row is None and wish.table not in SUBJECTS and len(own) > 1:
        raise RightsError(f"the person has several rows of {wish.table}: say which with --row ID")
    if len(rows) != 1:
        raise RightsError(f"no such row of {wish.table} is the person's own")
    return rows[0]


def _check_values(policy: Policy, wish: Wish, kind: str, row: Row, today: date) -> None:
    place, new = f"{wish.table}.{wish.column}", wish.new.strip()
    if _bare(row[wish.column]) != wish.old.strip():
        raise RightsError(f"--old is not what stands in {place}: nothing is corrected on a value that is not there")
    if new == wish.old.strip():
        raise RightsError("--new is what stands there already")
    if kind == "postal_code" and _bare(row.get("country")).lower() not in ("", *policy.regions.rule.spellings):
        kind = "foreign_postal_code"
    if not (_is_day(policy, new, today) if kind == "date" else re.fullmatch(policy.rights.value_patterns[kind], new)):
        raise RightsError(f"--new is no {kind.replace('_', ' ')} that {place} may hold")


def _is_day(policy: Policy, text: str, today: date) -> bool:
    first, last = policy.retention.plausible_birth_years
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    return first <= day.year <= last and day <= today and len(text) == len("2000-01-01")


def plan_of_request(settings: Settings, request_id: str, *, today: date, by: str) -> PlanSummary:
    """Make the plan of a request, whatever of it is planned: what an erasure or objection ends, or what is corrected.

    Raises:
        RightsError: a rectification before identity, or closed.
        EnforcementError: as `plan_for_request` and `plan_rectification`.
    """
    policy = current_policy(settings)
    request = next((one for one in known_requests(settings, policy.rights) if one.id == request_id), None)
    if request is None or request.kind != KIND:
        return plan_for_request(settings, request_id, by=by)
    _require_open(request)
    if request.waits_for_identity(policy.rights):
        raise RightsError("nothing is corrected before the person is identified (RGT-8): `ajprivacy request "
                          "verify-identity` comes first")
    summary = plan_rectification(settings, request_id, _beside(settings, policy, request, today), by=by)
    recorded_requests.append(ControlStore.in_folder(settings.control), request_id, PLANNED, by=by, on=today,
                             detail=summary["plan"])
    return summary


def _beside(settings: Settings, policy: Policy, request: Request, today: date) -> list[str]:
    """The copies that hold an old value as the warehouse is now; every wish must still do."""
    said = kept(settings, KeyStore(settings.keys, settings.root_key), request.id)
    if said is None or request.asker is None:
        return []
    found: set[str] = set()
    for one in said.corrections:
        wish = Wish(one.entity, one.column, one.old, one.new, one.key[0])
        found |= set(check(settings, policy, request.asker, wish, today).beside)
    return sorted(found)


def _require_open(request: Request) -> None:
    if request.kind != KIND:
        raise RightsError(f"the request is about {request.kind}: only a rectification says what is to be corrected")
    if not request.is_open:
        raise RightsError(f"it is {request.state} already, and no step follows: record a new request with "
                          "`ajprivacy request add`")


def _bare(text: str | None) -> str:
    return (text or "").strip()
