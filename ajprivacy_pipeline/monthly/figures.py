"""What the page of a month says, as figures: counts, days, months, and names of the policy; never an id or a value.

Belongs here: putting together what the month's file, the control store, the ledger and the release say. Does not belong
here: how it reads (`page`), what any of it means (the rooms that it is asked of).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypedDict, get_args

import sqlalchemy as sa

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.clock import local_day
from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES
from ajprivacy_pipeline.enforcement.certificate import Certificate, certificate_of
from ajprivacy_pipeline.enforcement.entries import Entry
from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.enforcement.overdue import oldest_overdue
from ajprivacy_pipeline.enforcement.plans import Plan, known_plans
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.oversight.reviews import review_figures
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release.inspect import open_release
from ajprivacy_pipeline.retention.quality import fault_counts, missing_evidence
from ajprivacy_pipeline.rights.requests import Request, known_requests
from ajprivacy_pipeline.run.summary import source_counts
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_tables import month_measures, months
from ajprivacy_pipeline.storage.policy_versions import StoredPolicy, history
from ajprivacy_pipeline.storage.zones import Connection
from ajprivacy_pipeline.whatif.forecast import Forecast, forecast_of
from ajprivacy_pipeline.whatif.owed import owed

Decision = Literal["due", "hold", "retain"]  # `absent` is no decision about anything that is there
DECISIONS: tuple[Decision, ...] = get_args(Decision)
_SHOWN_MONTHS = 12
_DECIDED = """
SELECT CASE WHEN starts_with(subject_id, 'contact:') THEN 'contacts' ELSE 'customers' END AS entity, attribute AS part,
    decision, count(*) AS rows
FROM retention.attribute_decisions WHERE decision <> 'absent' GROUP BY ALL
UNION ALL
SELECT entity, part, decision, count(*) FROM retention.record_decisions WHERE decision <> 'absent' GROUP BY ALL
UNION ALL
SELECT entity, part, CASE reason WHEN 'held' THEN 'hold' ELSE 'due' END, count(*)
FROM retention.bulk_rulings GROUP BY ALL
"""
_HELD = """
SELECT ground, count(*) AS rows FROM (
    SELECT unnest(held_by) AS ground FROM retention.attribute_decisions WHERE decision = 'hold'
    UNION ALL SELECT unnest(held_by) FROM retention.record_decisions WHERE decision = 'hold')
GROUP BY ALL ORDER BY 2 DESC, 1
"""


class PartDecided(TypedDict):
    """Decisions about a part of an entity; `clause` is the promise by which it goes."""

    entity: str
    part: str
    clause: str | None
    due: int
    hold: int
    retain: int


class Plans(TypedDict):
    """The month's newest plan: its state (None: there is none), decisions, people, and what stands in its way.

    `reasons`: why decisions are not carried out, with how many: "brake", "refused", a code, or what they wait for.
    """

    state: str | None
    rows: int
    subjects: int
    brakes: int
    refused: int
    not_carried_out: dict[str, int]
    waiting: dict[str, int]


class Released(TypedDict):
    """A release: its month, whether it is proven, and the day of publication (UTC)."""

    month: str
    proven: bool
    published_on: date


class Visible(TypedDict):
    """How much of a measure of a table can be seen in percent (None: not told), when nothing else is named."""

    table: str
    measure: str
    levels: list[int | None]


class Standing(TypedDict):
    """The newest release; `whole` says whether its files are still what was proven. Verdicts: guarantee -> word."""

    month: str
    whole: bool
    verdicts: dict[str, str]
    visible: list[Visible]


class RequestCounts(TypedDict):
    """Requests of a kind: received and ended in the month; open, soon due and overdue today."""

    kind: str
    received: int
    ended: int
    open: int
    soon: int
    overdue: int


class Fault(TypedDict):
    """Values of a column that do not fit."""

    table: str
    column: str
    fault: str
    rows: int


class MonthFigures(TypedDict):
    """Everything that the page says; `seen_on` is the local day it was put together.

    `carried_out`: of the decisions that are due; 0 where the month was decided anew since.
    """

    month: str
    as_of: date
    seen_on: date
    policy_version: str
    decided: list[PartDecided]
    held_by: dict[str, int]
    due_ages: dict[str, int]
    overdue_since: date | None
    overdue_days: int
    overdue_limit: int
    carried_out: int
    plan: Plans
    certificate: Certificate | None
    forecast: Forecast
    releases: list[Released]
    standing: Standing | None
    requests: list[RequestCounts]
    reviews_undecided: dict[str, int]
    review_days: int | None
    source_rows: list[tuple[str, int]]
    faults: list[Fault]
    missing_evidence: list[str]
    policies: list[StoredPolicy]


@dataclass(frozen=True)
class MonthPage:
    """A month that is decided and open, and what its page is made of."""

    con: Connection
    settings: Settings
    policy: Policy
    control: ControlStore
    month: str
    today: date

    def figures(self) -> MonthFigures:
        """Returns everything that the page says.

        Raises:
            PrivacyError: a store or the month's file cannot be read.
        """
        with boundary("monthly page"):
            entries = open_ledger(self.settings).entries()
            oldest = oldest_overdue(entries, self.today)
            reviews, plans, decided = review_figures(self.con, self.control), self._plans(), self._decided()
            return {
                "month": self.month, "as_of": as_of(self.month), "seen_on": self.today,
                "policy_version": self._version(), "decided": decided,
                "held_by": dict(self.con.execute(_HELD).fetchall()), "due_ages": self._ages(),
                "overdue_since": oldest.since, "overdue_days": oldest.days,
                "overdue_limit": self.policy.enforcement.overdue_days,
                "carried_out": _carried_out(plans, entries, decided), "plan": _plan(plans, self.policy),
                "certificate": self._certificate(entries),
                "forecast": forecast_of(self.con, self.month), "releases": self._releases(),
                "standing": self._standing(), "requests": self._requests(),
                "reviews_undecided": reviews["undecided"], "review_days": reviews["oldest_undecided_days"],
                "source_rows": self._source_rows(), "faults": self._faults(),
                "missing_evidence": missing_evidence(self.con), "policies": history(self.settings)}

    def _version(self) -> str:
        return str(self.con.execute("SELECT policy_version FROM retention.basis").fetchall()[0][0])

    def _decided(self) -> list[PartDecided]:
        counted: dict[tuple[str, str], Counter[str]] = {}
        for entity, part, decision, rows in self.con.execute(_DECIDED).fetchall():
            counted.setdefault((entity, part), Counter())[decision] += rows
        clauses = self.policy.enforcement.clauses
        order = [(entity, part) for entity, parts in clauses.items() for part in parts]
        return [{"entity": entity, "part": part, "clause": clauses.get(entity, {}).get(part),
                 "due": found["due"], "hold": found["hold"], "retain": found["retain"]}
                for entity, part in [*order, *(key for key in sorted(counted) if key not in order)]
                if (found := counted.get((entity, part)))]

    def _ages(self) -> dict[str, int]:
        return owed(self.con, self.policy, self.policy.enforcement.clauses, self.month)["due_by_age"]

    def _plans(self) -> list[Plan]:
        return [plan for plan in known_plans(self.control) if plan.month == self.month and plan.request is None]

    def _certificate(self, entries: Sequence[Entry]) -> Certificate | None:
        """What was carried out of the newest month of which anything was, up to this one."""
        carried = [entry.body["month"] for entry in entries
                   if entry.kind in ("batch", "verified", "unverified") and entry.body["month"] <= self.month]
        return certificate_of(entries, max(carried), open_ledger(self.settings).check()) if carried else None

    def _releases(self) -> list[Released]:
        found = [row for row in self.control.releases() if row["month"] <= self.month]
        zone = self.policy.retention.time_zone
        return [{"month": row["month"], "proven": row["proven"], "published_on": local_day(row["published_at"], zone)}
                for row in found[-_SHOWN_MONTHS:]]

    def _standing(self) -> Standing | None:
        known = self._releases()
        if not known:
            return None
        month = known[-1]["month"]
        try:
            head = open_release(self.settings, month).manifest
        except ReleaseError:
            return {"month": month, "whole": False, "verdicts": {}, "visible": []}
        return {"month": month, "whole": True,
                "verdicts": {name: head["guarantees"][name]["verdict"] for name in GUARANTEES
                             if name in head["guarantees"]},
                "visible": list(_visible(head.get("visible", ())))}

    def _requests(self) -> list[RequestCounts]:
        by_kind: dict[str, RequestCounts] = {}
        for request in known_requests(self.settings, self.policy.rights, self.con):
            kind = request.kind or "unknown"
            counts = by_kind.setdefault(kind, {"kind": kind, "received": 0, "ended": 0, "open": 0, "soon": 0,
                                               "overdue": 0})
            self._count(request, counts)
        return [by_kind[kind] for kind in sorted(by_kind)]

    def _count(self, request: Request, counts: RequestCounts) -> None:
        counts["received"] += _is_in(request.received_on, self.month)
        counts["ended"] += _is_in(request.closed_on, self.month)
        counts["open"] += request.is_open
        timing = request.timing(self.policy.rights, self.today)
        counts["soon"] += timing == "soon"
        counts["overdue"] += timing == "overdue"

    def _source_rows(self) -> list[tuple[str, int]]:
        """Rows read, by month, of the newest run of each; this month's as its file has them."""
        runs = sa.select(sa.func.max(months.c.id)).where(months.c.month < self.month).group_by(months.c.month)
        table = month_measures.c
        found = self.control.rows(
            sa.select(months.c.month, sa.func.sum(table.whole).label("rows"))
            .join(month_measures, table.run_id == months.c.run_id)
            .where(months.c.id.in_(runs), table.guard == "rows", table.accepted_by.is_(None))
            .group_by(months.c.month).order_by(months.c.month))
        now = sum(row["rows"] for row in source_counts(self.con))
        return [*((row["month"], int(row["rows"] or 0)) for row in found[1 - _SHOWN_MONTHS:]), (self.month, now)]

    def _faults(self) -> list[Fault]:
        return [{"table": table, "column": column, "fault": fault, "rows": rows}
                for table, column, fault, rows in fault_counts(self.con)]


def _is_in(day: date | None, month: str) -> bool:
    return day is not None and day.strftime("%Y-%m") == month


def _plan(plans: Sequence[Plan], policy: Policy) -> Plans:
    """The newest plan in short; those that were replaced or withdrawn say nothing any more."""
    if not plans:
        return {"state": None, "rows": 0, "subjects": 0, "brakes": 0, "refused": 0, "not_carried_out": {},
                "waiting": {}}
    plan = plans[-1]
    summary = plan.summary
    return {"state": plan.state(policy.enforcement.approval_days), "rows": summary["rows"],
            "subjects": summary["subjects"], "brakes": sum(row["tripped"] for row in summary["brake"]),
            "refused": len(summary["refused"]),
            "not_carried_out": _added((row["reason"], row["rows"]) for row in summary["not_carried_out"]),
            "waiting": _added((row["waits_for"], row["rows"]) for row in summary["waiting"])}


def _carried_out(plans: Sequence[Plan], entries: Sequence[Entry], decided: Sequence[PartDecided]) -> int:
    """What the batches of the newest plan have carried out; more than is due was due before the month was run again."""
    done = sum(count["rows"] for entry in entries if entry.kind == "batch" and entry.body["plan"] == plans[-1].id
               for count in entry.body["counts"]) if plans else 0
    return done if done <= sum(part["due"] for part in decided) else 0


def _added(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for name, count in rows:
        found[name] += count
    return dict(found.most_common())


def _visible(told: Iterable[Mapping[str, object]]) -> Iterable[Visible]:
    """A line a table and measure, of those that tell any share."""
    for entry in told:
        shares: dict[str, list[int | None]] = {}
        levels = entry["levels"] if not entry["nothing"] else ()
        for level in levels:  # type: ignore[attr-defined]  # as `release.visible` wrote it
            for share in level["shares"]:
                shares.setdefault(share["measure"], []).append(share["percent"])
        for measure, percents in shares.items():
            yield {"table": str(entry["table"]), "measure": measure, "levels": percents}
