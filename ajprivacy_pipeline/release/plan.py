"""Which months and periods a release computes, which it copies, and the values its models run with.

Belongs here: closed periods. Does not belong here: files.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from ajprivacy_pipeline.calendar import Length, Period, Stretch, as_of, months_between, shift, whole_periods
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release import Rule
from ajprivacy_pipeline.release.periods import BY_MONTH, Lengths, changed, choose, fitted_populations
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_rows import PeopleGroup, ReleaseRow
from ajprivacy_pipeline.storage.keystore import pads

KEPT_MONTHS = 13  # the specification's limit for tokens of contributors in the release ledger


@dataclass(frozen=True)
class ReleaseRequest:
    """Overrides given on the command line, each as YYYY-MM.

    `history_from` is the first month of the history, earlier than the policy's or than the one that is published.
    `reissue` is a published month that is to be computed again from the warehouse as it is now. `periods` gives
    populations of facts another length of period, for what is not published yet.
    """

    history_from: str | None = None
    reissue: str | None = None
    periods: tuple[tuple[str, Length], ...] = ()


@dataclass(frozen=True)
class ReleasePlan:
    """The months of a release, as YYYY-MM: those from `first_month` to `last_month` are computed, all others copied.

    `previous` is the control store's row of the release that is copied from, None for a first release. `closed` says
    that the month lies in a closed period: nothing is computed or published. `absent` are the published tables whose
    source the warehouse lacks, with the reason: they get no file for the computed months. `microdata` is the month that
    the release's microdata was made for, None while there is none. `last_month` is the release's own month but for a
    re-issue or an earlier history, where the release keeps its month and everything else of it: `reissue` is the month
    that is issued again now, `reissued` are all that ever were. `lengths` says how facts are cut
    into periods: a table of quarters computes those that end in the computed months. `given` are those of a first
    release that were named on the command line, so that they are not chosen. `groups` are the descriptions of people
    that earlier releases decided on (G17).
    """

    month: str
    history_from: str
    first_month: str
    last_month: str
    previous: ReleaseRow | None
    closed: bool
    absent: dict[str, str] = field(default_factory=dict)
    microdata: str | None = None
    reissue: str | None = None
    reissued: tuple[str, ...] = ()
    lengths: Lengths = field(default_factory=dict)
    given: Lengths = field(default_factory=dict)
    groups: tuple[PeopleGroup, ...] = ()

    @property
    def computed(self) -> tuple[str, ...]:
        """The months that are computed, oldest first."""
        return months_between(self.first_month, self.last_month)

    def periods(self, population: str) -> tuple[Period, ...]:
        """Returns the periods of a population's facts that are computed, oldest first."""
        stretches = self.lengths.get(population, BY_MONTH)
        published = whole_periods(stretches, self.history_from, self.month)
        if self.reissue:
            return tuple(period for period in published if self.reissue in period.months)
        before = self.previous
        closed = whole_periods(stretches, before["history_from"], before["month"]) if before else ()
        return tuple(period for period in published if period not in closed)

    @property
    def is_new(self) -> bool:
        """Whether the release is for a month that none was made for: then what is made once a release is made."""
        return self.previous is None or self.month > self.previous["month"]


def oldest_kept(month: str) -> str:
    """Returns the oldest month whose contributors the ledger still knows after a release for `month`."""
    return shift(month, 1 - KEPT_MONTHS)


def plan_release(control: ControlStore, policy: Policy, month: str,
                 request: ReleaseRequest | None = None) -> ReleasePlan:
    """Returns what a release for `month` computes and copies.

    The first release covers the policy's `history_months` up to the month; a later one the months after the last
    closed period. Only proven releases count: what was published unproven closes nothing.

    Raises:
        PrivacyError: a text is no month.
        ReleaseError: what is asked for cannot be had.
    """
    request = request or ReleaseRequest()
    fitted = fitted_populations(policy)
    if unknown := sorted({name for name, _ in request.periods} - set(fitted)):
        raise ReleaseError(f"{unknown[0]} has no period to choose: {', '.join(fitted)} have one")
    for text in filter(None, (month, request.history_from, request.reissue)):
        as_of(text)
    known = [row for row in control.releases() if row["proven"]]
    if not known:
        if request.reissue:
            raise ReleaseError("no proven release is known: there is nothing to issue again")
        first = request.history_from or shift(month, 1 - policy.release.history_months)
        if first > month:
            raise ReleaseError(f"a history from {first} on has no month up to {month}: name an earlier one")
        given = {name: (Stretch(first, length),) for name, length in request.periods}
        for name, stretches in given.items():
            if not whole_periods(stretches, first, month):
                raise ReleaseError(f"no {stretches[0].length} lies between {first} and {month} as a whole: nothing of "
                                   f"{name} could be published")
        return ReleasePlan(month, first, first, month, None, closed=False, given=given,
                           lengths={**choose(policy, {}, first, month), **given})
    last = max(known, key=lambda row: (row["month"], row["id"]))
    lengths = control.release_periods(last["manifest_sha256"])
    groups = control.release_groups(last["manifest_sha256"])
    if request.history_from or request.reissue:
        return replace(_explicit(last, month, request), lengths=lengths, groups=groups)
    if request.periods and month <= last["month"]:
        raise ReleaseError(f"{month} is published already: another length of period begins with a later month")
    for name, length in request.periods:
        lengths[name] = changed(lengths.get(name, BY_MONTH), last["history_from"], last["month"], length)
    return ReleasePlan(month, last["history_from"], shift(last["month"], 1), month, last, closed=month <= last["month"],
                       lengths=lengths, groups=groups)


def _explicit(last: ReleaseRow, month: str, request: ReleaseRequest) -> ReleasePlan:
    """What the newest release becomes when a month of it is issued again, or its history begins earlier.

    Raises:
        ReleaseError: the month is none of its closed ones, or too old; the history begins there already.
    """
    newest, begin = last["month"], last["history_from"]
    if month != newest:
        raise ReleaseError(f"the newest release is for {newest}: name that month, no other can change what stands")
    if request.history_from is not None:
        if request.history_from >= begin or request.reissue is not None:
            raise ReleaseError(f"the history begins with {begin}: name an earlier month, and nothing else")
        return ReleasePlan(newest, request.history_from, request.history_from, shift(begin, -1), last, closed=False)
    reissue = str(request.reissue)
    if not begin <= reissue <= newest:
        raise ReleaseError(f"{reissue} is not published: the release for {newest} has the months from {begin} on")
    if reissue < oldest_kept(newest):
        raise ReleaseError(f"{reissue} cannot be issued again: who stood behind its cells is known for {KEPT_MONTHS} "
                           f"months alone, from {oldest_kept(newest)} on; nobody could tell what two versions tell")
    return ReleasePlan(newest, begin, reissue, reissue, last, closed=False, reissue=reissue)


def microdata_is_due(policy: Policy, plan: ReleasePlan) -> bool:
    """Returns whether microdata is made anew: by the first release of all, and the first to cover the cadence month."""
    return plan.previous is None or (plan.is_new and any(
        int(month[5:]) == policy.release.microdata.cadence_month for month in plan.computed))


def reissued(plan: ReleasePlan, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns every month that was ever issued again; `manifest` is the previous release's."""
    return tuple(sorted({*manifest.get("reissued", ()), *([plan.reissue] if plan.reissue else [])}))


def model_values(policy: Policy, plan: ReleasePlan) -> dict[str, object]:
    """Returns values for the models of the layers anonymous and published, with a fresh key for the run's tokens."""
    key = pads(secrets.token_bytes(32))
    values = policy.release.values
    return {
        "first_month": date.fromisoformat(f"{plan.first_month}-01"),
        "last_month": date.fromisoformat(f"{plan.last_month}-01"),
        "all": values.all, "unknown": values.unknown, "abroad": values.abroad,
        "most_characters": values.most_characters, "home_currency": values.home_currency,
        "run_inner": key.inner, "run_outer": key.outer, "other": policy.release.rules.other,
        **_periods(policy, plan), **_groups(policy, plan), "microdata_is_due": microdata_is_due(policy, plan),
        **policy.release.microdata.values(date.fromisoformat(f"{plan.month}-01")),
        **policy.regions.values(),
        **_rule_values("page", "groups", policy.release.rules.page_group),
        **_rule_values("device", "classes", policy.release.rules.device_class),
    }


def _periods(policy: Policy, plan: ReleasePlan) -> dict[str, object]:
    """Four lists of one length: each month of a population's facts that is published now, and its period."""
    rows = [(population, month, period) for population in fitted_populations(policy)
            for period in plan.periods(population) for month in period.months]
    return {"period_populations": [population for population, _, _ in rows],
            "period_fact_months": [date.fromisoformat(f"{month}-01") for _, month, _ in rows],
            "period_months": [date.fromisoformat(f"{period.first}-01") for _, _, period in rows],
            "period_lengths": [period.length for _, _, period in rows]}


def _groups(policy: Policy, plan: ReleasePlan) -> dict[str, object]:
    """What the description of people goes by: how many make a group, every type and region, what was decided before."""
    types = policy.sources.tables["customers"].columns["customer_type"].values or ()
    values = policy.release.values
    regions = policy.regions.leaves(values.abroad, values.unknown)
    return {"k": policy.release.thresholds.k, "group_types": [*types, values.unknown],
            "group_regions": [leaf.path[0] for leaf in regions],
            "kept_types": [group.customer_type for group in plan.groups],
            "kept_regions": [group.postal_region for group in plan.groups],
            "kept_shown_types": [group.shown_type for group in plan.groups],
            "kept_shown_regions": [group.shown_region for group in plan.groups]}


def _rule_values(name: str, plural: str, rules: tuple[Rule, ...]) -> dict[str, object]:
    """Two lists of one length, in the order of the rules: the value, and a pattern that leads to it."""
    pairs = [(rule.value, pattern) for rule in rules for pattern in rule.patterns]
    return {f"{name}_{plural}": [value for value, _ in pairs], f"{name}_patterns": [pattern for _, pattern in pairs]}
