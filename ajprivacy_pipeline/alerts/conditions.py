"""Whether something needs attention: one look a condition, in counts and days.

Belongs here: what is counted for a condition. Does not belong here: its words and limits (`conditions.toml`), who is
told (`notify`), what Dagster alone knows (handed in as `Runs`).
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple, TypedDict

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from ajprivacy_pipeline.calendar import last_full_month
from ajprivacy_pipeline.clock import local_day, today
from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.enforcement.overdue import oldest_overdue
from ajprivacy_pipeline.enforcement.plans import WAITING, Plan, known_plans
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.oversight.evidence import compared
from ajprivacy_pipeline.oversight.reviews import review_figures
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.rights.daily import open_figures
from ajprivacy_pipeline.rights.outbox import all_notices
from ajprivacy_pipeline.rights.requests import known_requests
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_tables import month_measures, months
from ajprivacy_pipeline.storage.month_files import has_month, is_running, newest_month, read_month


class Words(BaseModel):
    """What is said of a condition, and how loudly."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    severity: Literal["error", "warn"]
    says: str
    to_do: str


class Limits(BaseModel):
    """From when on something is a condition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    month_deadline_day: int
    daemon_minutes: int
    repeat_days: int
    failed_run_days: int


class Figure(NamedTuple):
    """How many, and for how many days; 0 of them is no condition."""

    number: int
    days: int = 0


class Condition(TypedDict):
    """Something that needs attention: its name, "error" or "warn", how many, what it says and what to do."""

    name: str
    severity: str
    count: int
    days: int
    says: str
    to_do: str


class Health(TypedDict):
    """Conditions, errors first, and the names of those that could not be looked at now, each with why.

    While a run is under way that is no condition; else it is one by itself.
    """

    conditions: list[Condition]
    unknown: dict[str, str]


@dataclass(frozen=True)
class Runs:
    """What Dagster knows: jobs that failed the last time, gates that refused, minutes since the daemon's last beat.

    `daemon_minutes` is None where no daemon was ever started in this home.
    """

    failed: int
    refused_gates: int
    daemon_minutes: int | None


@cache
def words() -> tuple[Limits, Mapping[str, Words]]:
    """Returns `conditions.toml`."""
    text = files("ajprivacy_pipeline.alerts").joinpath("conditions.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)
    return Limits.model_validate(found.pop("limits")), {
        name: Words.model_validate(entry) for name, entry in found.items()}


def health(settings: Settings, runs: Runs, day: date | None = None) -> Health:
    """Looks at everything that may need attention, on a day (None: today's); nothing is changed.

    Raises:
        PrivacyError: the policy cannot be read.
    """
    policy = load_policy(settings.notice)
    look = _Look(settings, policy, day or today(policy.retention.time_zone), runs)
    found: list[Condition] = []
    unknown = {}
    for part in look.parts():
        try:
            found += [_said(name, figure) for name, figure in part() if figure.number]
        except PrivacyError as error:
            unknown[part.__name__.strip("_")] = str(error)
    if unknown and not _is_under_way(settings):
        found.append(_said("unreadable", Figure(len(unknown))))
    return {"conditions": sorted(found, key=lambda one: one["severity"]), "unknown": unknown}


def _is_under_way(settings: Settings) -> bool:
    """Whether a run has the newest month's file open, which nobody else can read then."""
    return has_month(settings) and is_running(settings, newest_month(settings))


def _said(name: str, figure: Figure) -> Condition:
    _, texts = words()
    text = texts[name]
    return {"name": name, "severity": text.severity, "count": figure.number, "days": figure.days,
            "says": text.says.format(count=f"{figure.number:,}", days=f"{figure.days:,}"), "to_do": text.to_do}


Found = Iterator[tuple[str, Figure]]


@dataclass(frozen=True)
class _Look:
    """One look at a home."""

    settings: Settings
    policy: Policy
    day: date
    runs: Runs

    def parts(self) -> list[Callable[[], Found]]:
        """What is looked at; without a control store nothing was ever run, and the rest is not there yet.

        Of a newest month whose only run was killed there is nothing to compare and nothing to review.
        """
        if not (self.settings.control / "control.db").exists():
            return [self._dagster, self._month]
        of_month = [self._evidence, self._reviews] if has_month(self.settings) and self._finished() else []
        return [self._dagster, self._month, self._plans, self._overdue, self._requests, self._notices, *of_month]

    def _control(self) -> ControlStore:
        return ControlStore.in_folder(self.settings.control)

    def _dagster(self) -> Found:
        minutes = self.runs.daemon_minutes
        yield "daemon_dead", Figure(minutes if minutes and minutes >= words()[0].daemon_minutes else 0)
        yield "run_failed", Figure(self.runs.failed)
        yield "gate_refused", Figure(self.runs.refused_gates)

    def _month(self) -> Found:
        wanted = last_full_month(self.day)
        is_run = (self.settings.control / "control.db").exists() and bool(self._control().rows(
            sa.select(months.c.id).where(months.c.month >= wanted).limit(1)))
        yield "month_missed", Figure(int(not is_run and self.day.day >= words()[0].month_deadline_day))

    def _finished(self) -> datetime | None:
        """When the newest month's last run was finished; None of one that never was."""
        at: datetime | None = self._control().rows(sa.select(sa.func.max(months.c.finished_at).label("at")).filter_by(
            month=newest_month(self.settings)))[0]["at"]
        return at

    def _evidence(self) -> Found:
        """Places where the newest month has tripped a guard, and that nobody has accepted since it was run."""
        month = newest_month(self.settings)
        accepted = {(row["guard"], row["table_name"], row["column_name"]) for row in self._control().rows(
            sa.select(month_measures).filter_by(month=month).where(
                month_measures.c.accepted_by.is_not(None), month_measures.c.recorded_at >= self._finished()))}
        tripped = {(one["guard"], one["table"], one["column"]) for one in compared(self.settings, month)
                   if one["tripped"]}
        yield "evidence_tripped", Figure(len({place[1:] for place in tripped - accepted}))

    def _plans(self) -> Found:
        plans = known_plans(self._control())
        states = [(plan, plan.state(self.policy.enforcement.approval_days)) for plan in plans]
        waiting = [plan for plan, state in states if state in WAITING and plan.summary["rows"]]
        refused = [plan for plan in waiting if plan.summary["refused"]]
        yield "plan_refused", Figure(len(refused[-1].summary["refused"]) if refused else 0)
        good = [plan for plan in waiting if plan not in refused]
        yield "plan_waiting", Figure(len(good), max(map(self._age, good), default=0))
        yield "unverified", Figure(sum(state == "unverified" for _, state in states))

    def _age(self, plan: Plan) -> int:
        return max(0, (self.day - local_day(plan.made_at, self.policy.retention.time_zone)).days)

    def _overdue(self) -> Found:
        oldest = oldest_overdue(open_ledger(self.settings).entries(), self.day)
        yield "people_overdue", Figure(int(oldest.days > self.policy.enforcement.overdue_days), oldest.days)

    def _requests(self) -> Found:
        found = open_figures(known_requests(self.settings, self.policy.rights), self.policy.rights, self.day)
        yield "requests_overdue", Figure(found["overdue"])
        yield "requests_soon", Figure(found["soon"])

    def _notices(self) -> Found:
        late = [one for one in all_notices(self._control()) if one.state(self.day) == "overdue"]
        yield "notices_overdue", Figure(len(late))

    def _reviews(self) -> Found:
        with read_month(self.settings, None) as (con, _):
            found = review_figures(con, self._control())
        yield "reviews_undecided", Figure(sum(found["undecided"].values()), found["oldest_undecided_days"] or 0)
