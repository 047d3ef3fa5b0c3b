"""What was decided about whoever asked when the plan of a request was made, and what was really carried out since.

Belongs here: keeping the decisions in counts, sealed, for the answer; reading the ledger of a request's plans. Does not
belong here: deciding, making and applying plans, the words of an answer (`rights`).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ajprivacy_pipeline.enforcement.entries import MARKED, undone_batches
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.plans import Plan, known_plans
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import sealed
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.zones import Connection

# Freezes that say something of whom they stand on; where that is somebody else, only that it is one is told, and where
# it came by an address that several have, only that.
TELLS_OF_SOMEBODY = ("open_balance", "restriction", "access_pending", "legal_hold")
OF_ANOTHER, OF_ADDRESS = "of_another", "of_address"
# Freezes of subjects; `is_own`: not by a request that an address of several alone tells.
FREEZES = """
    SELECT f.subject_id, f."freeze", f."freeze" NOT IN ('restriction', 'access_pending') OR EXISTS (
        SELECT 1 FROM retention.requests AS r JOIN retention.subjects AS s USING (subject_no)
        WHERE s.subject_id = f.subject_id AND r."freeze" = f."freeze" AND (NOT r.by_email OR r.matches = 1)) AS is_own
    FROM retention.freezes AS f
"""
ELSEWHERE = "elsewhere"  # of deliveries and bills of others that have the person's address
PREFIX = "judged-"  # begins the name of a file, and of its key
_PEOPLE = """
    SELECT request_id, list(DISTINCT subject_id ORDER BY subject_id) FILTER (subject_id IS NOT NULL),
        coalesce(bool_and(s.is_person), true)
    FROM scratch.asked LEFT JOIN retention.subjects AS s USING (subject_id) GROUP BY request_id
"""
_OPEN = """
    SELECT a.request_id, bool_or(p.undelivered), bool_or(p.unpaid), bool_or(p.open_case), bool_or(p.warranty_unknown)
    FROM scratch.asked AS a JOIN retention.subject_purposes AS p USING (subject_id) GROUP BY a.request_id
"""
MATTERS = ("undelivered", "unpaid", "open_case", "warranty_unknown")  # as _OPEN has them
_JUDGED = f"""
    WITH people AS (
        SELECT request_id, subject_id, bool_or(by_email) AS by_email,
            coalesce(list(DISTINCT "freeze") FILTER (is_own), []) AS own,
            coalesce(list(DISTINCT "freeze") FILTER (NOT is_own), []) AS shared
        FROM scratch.asked LEFT JOIN ({FREEZES}) USING (subject_id) GROUP BY request_id, subject_id
    ), records AS (
        SELECT p.request_id, d.* FROM retention.record_decisions AS d JOIN people AS p USING (subject_id)
        UNION
        SELECT r.request_id, d.* FROM retention.record_decisions AS d
        JOIN scratch.reached AS r USING (entity, record_id)
    ), addresses AS (
        SELECT request_id, unnest([email_key, own_key]) AS email_key FROM scratch.asked
        SEMI JOIN (SELECT request_id FROM retention.requests WHERE kind = 'erasure' AND verified_on IS NOT NULL
                   GROUP BY request_id HAVING count(DISTINCT subject_no) <= 1) USING (request_id)
    ), others AS (
        SELECT 'orders' AS entity, 'delivery' AS part, order_id AS record_id, delivery_email AS email,
            CASE WHEN contact_id IS NULL THEN 'customer:' || customer_id ELSE 'contact:' || contact_id END AS subject_id
        FROM staged.orders
        UNION ALL
        SELECT 'invoices', 'billing', invoice_id, billing_email, 'customer:' || customer_id FROM staged.invoices
    ), named AS (
        SELECT DISTINCT a.request_id, o.entity, o.part, o.record_id
        FROM others AS o LEFT JOIN raw.email_keys AS k ON k.email = o.email
        JOIN addresses AS a ON a.email_key = email_key(o.email, k.email_key)
        ANTI JOIN people AS p ON p.request_id = a.request_id AND p.subject_id = o.subject_id
        WHERE o.subject_id IS NOT NULL
    ), theirs AS (
        SELECT p.request_id, CASE WHEN starts_with(subject_id, 'contact:') THEN 'contacts' ELSE 'customers' END
            AS entity, d.attribute AS part, d.decision, d.due_on, d.retained_by, d.held_by, p.own, p.shared
        FROM retention.attribute_decisions AS d JOIN people AS p USING (subject_id)
        UNION ALL
        SELECT r.request_id, r.entity, r.part, r.decision, r.due_on, r.retained_by, r.held_by, p.own, p.shared
        FROM records AS r LEFT JOIN people AS p USING (request_id, subject_id)
        WHERE r.subject_id IS NOT NULL
        UNION ALL  -- found by an address, which is the asker's who asked by it
        SELECT r.request_id, r.entity, r.part, r.decision, r.due_on, r.retained_by, r.held_by,
            CASE WHEN p.by_email THEN $tells ELSE p.own END, $tells
        FROM records AS r JOIN (SELECT request_id, bool_or(by_email) AS by_email, flatten(list(own)) AS own
                                FROM people GROUP BY request_id) AS p USING (request_id)
        WHERE r.subject_id IS NULL
        UNION ALL
        SELECT request_id, entity, part, 'due', due_on, [], [], [], []
        FROM scratch.due_each SEMI JOIN retention.bulk_rulings USING (entity, record_id)
        UNION ALL
        SELECT request_id, entity, part, $elsewhere, NULL, [], [], [], [] FROM named
    ), told AS (
        SELECT request_id, entity, part, decision, due_on, retained_by, list_sort(list_distinct(list_transform(held_by,
            lambda name: CASE WHEN NOT list_contains($tells, name) OR coalesce(list_contains(own, name), false)
                    OR (name = 'legal_hold' AND list_contains(e.held_entities, entity)) THEN name
                WHEN list_contains(shared, name) THEN $address ELSE $another END))) AS held_by
        FROM theirs CROSS JOIN retention.evidence AS e
    )
    SELECT request_id, entity, part, decision, due_on, retained_by, held_by, count(*) FROM told
    WHERE decision <> 'absent' GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True)
class JudgedPart:
    """How many rows of a part were decided alike. `decision`: retain, hold, due or ELSEWHERE; lists by name."""

    entity: str
    part: str
    decision: str
    due_on: date | None
    retained_by: tuple[str, ...]
    held_by: tuple[str, ...]
    rows: int


@dataclass(frozen=True)
class Judged:
    """What was decided about somebody on a day; `people` are the subjects that the request reached."""

    on: date
    people: tuple[str, ...]
    parts: tuple[JudgedPart, ...]
    open: tuple[str, ...] = ()  # matters of the one person that leave purposes without an end, by the policy's names
    is_person: bool = True  # not a company or a contact person of one, to whom other promises are made


@dataclass(frozen=True)
class CarriedOut:
    """What plans of a request changed, by table, part and action: rows; the newest day; `verified`: it stands so.

    `at` is when the newest of it was recorded, in UTC without zone.
    """

    rows: Counter[tuple[str, str, str]]
    on: date | None
    verified: bool
    at: datetime | None = None


def judge_all(con: Connection, day: date) -> dict[str, Judged]:
    """Returns what is decided about whoever stands in `scratch.asked`, `reached` and `due_each`, by request."""
    parts: dict[str, list[JudgedPart]] = defaultdict(list)
    for request_id, entity, part, decision, due_on, why, held, rows in con.execute(
            _JUDGED, {"tells": list(TELLS_OF_SOMEBODY), "another": OF_ANOTHER, "address": OF_ADDRESS,
                      "elsewhere": ELSEWHERE}).fetchall():
        parts[request_id].append(JudgedPart(entity, part, decision, due_on, tuple(why), tuple(held), rows))
    still = {request_id: tuple(name for name, is_open in zip(MATTERS, row, strict=True) if is_open)
             for request_id, *row in con.execute(_OPEN).fetchall()}
    return {request_id: Judged(day, tuple(people or ()), tuple(parts[request_id]), still.get(request_id, ()), is_person)
            for request_id, people, is_person in con.execute(_PEOPLE).fetchall()}


def remember(settings: Settings, keys: KeyStore, request_id: str, decided: Judged) -> None:
    """Keep what is decided about whoever a request reaches, in place of what was kept of it before."""
    parts = [vars(part) for part in decided.parts]
    text = json.dumps({**vars(decided), "parts": parts}, default=date.isoformat)
    sealed.seal(settings, keys, sealed.name_of(PREFIX, request_id), text.encode())


def judged(settings: Settings, keys: KeyStore, request_id: str) -> Judged | None:
    """Returns what was decided when a request's plan was made; None where none was, or it is forgotten."""
    if (content := sealed.unseal(settings, keys, sealed.name_of(PREFIX, request_id))) is None:
        return None
    found = json.loads(content)
    parts = (JudgedPart(**{**part, "due_on": _day(part["due_on"]), "retained_by": tuple(part["retained_by"]),
                           "held_by": tuple(part["held_by"])}) for part in found["parts"])
    return Judged(date.fromisoformat(found["on"]), tuple(found["people"]), tuple(parts), tuple(found.get("open", ())),
                  found.get("is_person", True))


def carried_out(settings: Settings, keys: KeyStore, control: ControlStore, request_id: str) -> CarriedOut:
    """Returns what the ledger says of a request's plans; what a restored warehouse has undone does not count."""
    plans = {plan.id: plan for plan in plans_of(control, request_id)}
    entries = Ledger(control, keys, settings.keys).entries() if plans else []
    undone = undone_batches(entries)
    batches = [entry for entry in entries
               if entry.kind in MARKED and entry.body["plan"] in plans and entry.seq not in undone]
    rows: Counter[tuple[str, str, str]] = Counter()
    for entry in batches:
        for count in entry.body["counts"]:
            named = [action for action, cells in (count.get("actions") or {}).items() if cells]
            rows[count["entity"], count["part"], named[0] if len(named) == 1 else ""] += count["rows"]
    states = [plans[entry.body["plan"]].events[-1].event for entry in batches]
    return CarriedOut(rows, max((entry.day for entry in batches), default=None),
                      bool(states) and set(states) == {"verified"},
                      max((entry.recorded_at for entry in batches), default=None))


def plans_of(control: ControlStore, request_id: str) -> Sequence[Plan]:
    """Returns the plans of a request, oldest first."""
    return [plan for plan in known_plans(control) if plan.request == request_id]


def forget_judged(settings: Settings, keys: KeyStore, days: int, today: date, still: Sequence[str]) -> int:
    """Destroy what was kept for answers of requests that are none of `still`, or that is so many days old; how many.

    What belongs to a request that is open is kept, however old.
    """
    kept = {sealed.name_of(PREFIX, request_id) for request_id in still}
    gone = 0
    for name in sealed.names(settings, PREFIX) - kept:
        content = sealed.unseal(settings, keys, name)
        if content is None or _made(content) + timedelta(days=days) <= today:
            sealed.destroy(settings, keys, name)
            gone += 1
    return gone


def _made(content: bytes) -> date:
    return date.fromisoformat(json.loads(content)["on"])


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
