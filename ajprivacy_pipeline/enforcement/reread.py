"""What earlier applies took away, looked at once more whenever a plan is made.

Belongs here: leaving out what went after the month's facts were read, and finding what another system has written back
since; the plan that took it away may then be applied again. Does not belong here: taking it away again (`carry`), what
comes back after a month saw that nothing was left (that is somebody new).
"""

from datetime import date
from typing import cast

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement import returned, waits
from ajprivacy_pipeline.enforcement.bodies import Verified
from ajprivacy_pipeline.enforcement.entries import carried_out
from ajprivacy_pipeline.enforcement.fresh import APPLIED
from ajprivacy_pipeline.enforcement.ground import Ground
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.plans import Plan, known_plans, move, plan_file
from ajprivacy_pipeline.enforcement.stages import stages_of
from ajprivacy_pipeline.enforcement.work import mark
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore

_AGAIN = """
    CREATE OR REPLACE TABLE scratch.again AS SELECT d.* FROM {ready} AS d
    SEMI JOIN (SELECT entity, record_id, part FROM earlier.rows WHERE state = '{applied}') AS r
    USING (entity, record_id, part)
"""


def still_due(con: zones.Connection, settings: Settings, keys: KeyStore, ledger: Ledger, due: str) -> str:
    """Returns the relation of what of `due` no plan has carried out since the facts of the month in `con` were read."""
    con.execute("ATTACH IF NOT EXISTS ':memory:' AS scratch")
    con.execute(f"CREATE OR REPLACE TABLE scratch.still_due AS FROM {due}")
    read_at = con.execute("SELECT read_at FROM raw.moment").fetchall()[0][0]
    batches: dict[str, list[int]] = {}
    for entry in carried_out(ledger.entries()):
        if entry.recorded_at > read_at:
            batches.setdefault(entry.body["plan"], []).append(entry.body["batch"])
    for plan, numbers in batches.items():
        if plan_file(settings, plan).exists():
            with zones.attached(con, keys, plan_file(settings, plan), "earlier"):
                con.execute("CREATE OR REPLACE TABLE scratch.still_due AS FROM scratch.still_due ANTI JOIN (SELECT "
                            f"entity, record_id, part FROM earlier.rows WHERE state = '{APPLIED}' "
                            "AND list_contains($batches, batch)) USING (entity, record_id, part)", {"batches": numbers})
    return "scratch.still_due"


def look_again(con: zones.Connection, settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore,
               ledger: Ledger, ground: Ground, by: str) -> dict[str, int]:
    """Hold what is due now against what the verified plans carried out; returns what was written back, by plan.

    Such a plan becomes `unverified`: applied again it takes away what came back, without another approval. Decisions of
    a month are in `con`, and `waits.set_aside` has divided them.
    """
    found = {}
    for plan in known_plans(control):
        if plan.state(policy.enforcement.approval_days) != "verified" or plan.policy_version != policy.version:
            continue
        if not plan_file(settings, plan.id).exists():
            continue
        with zones.attached(con, keys, plan_file(settings, plan.id), "earlier"):
            rows, since = _written_back(con, policy, ground)
        if rows:
            found[plan.id] = rows
            _say(control, ledger, plan, rows, since, by, today(policy.retention.time_zone))
    return found


def _written_back(con: zones.Connection, policy: Policy, ground: Ground) -> tuple[int, str | None]:
    """How many decisions were carried out and stand again, as a whole or in part, and since when the oldest is due."""
    con.execute(_AGAIN.format(ready=waits.READY, applied=APPLIED))
    stages = stages_of(policy)
    key = bytes.fromhex(con.execute("SELECT key FROM earlier.secret").fetchall()[0][0])
    mark(con, policy, stages, ground.places, "scratch.again", key)
    con.execute("DROP TABLE scratch.again")
    returned.find(con, policy, stages, ground, "earlier")
    rows, since = con.execute(
        "SELECT count(*), min(due_on) FROM earlier.rows AS r JOIN scratch.marks_now AS m USING (entity, record_id, "
        "part) LEFT JOIN scratch.returned AS b USING (entity, record_id, part) "
        "WHERE r.fingerprint = m.fingerprint OR b.record_id IS NOT NULL").fetchall()[0]
    return int(rows), since.isoformat() if since else None


def _say(control: ControlStore, ledger: Ledger, plan: Plan, rows: int, since: str | None, by: str, day: date) -> None:
    said = [entry.body for entry in ledger.entries() if entry.kind == "verified" and entry.body["plan"] == plan.id][-1]
    body = cast(Verified, dict(said))  # it was written in this shape
    body["written_back"], body["seen_on"] = rows, day.isoformat()
    body["oldest_overdue_on"] = min(filter(None, (since, said["oldest_overdue_on"])), default=None)
    for word in ("anonymised", "unlinked"):
        body.pop(word, None)  # type: ignore[misc]
    told = [event.detail for event in plan.events if event.event == "verified"][-1]
    move(control, ledger, plan, "unverified", by, {**told, "verified": False, "written_back": rows,
                                                  "looked_again": True}, body)
