"""Which months a release computes, which it copies, and the values its models run with.

Belongs here: closed periods. Does not belong here: files.
"""

import secrets
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ajprivacy_pipeline.control import ControlStore
from ajprivacy_pipeline.keystore import pads
from ajprivacy_pipeline.policy import Policy, Rule
from ajprivacy_pipeline.settings import as_of


@dataclass(frozen=True)
class ReleasePlan:
    """The months of a release, as YYYY-MM; `first_month` is the first that is computed, earlier ones are copied.

    `previous` is the control store's row of the release that is copied from, None for a first release. `closed` says
    that the month lies in a closed period: nothing is computed or published. `absent` are the published tables whose
    source the warehouse lacks, with the reason: they get no file for the computed months. `microdata` is the month that
    the release's microdata was made for, None while there is none.
    """

    month: str
    history_from: str
    first_month: str
    previous: dict[str, Any] | None
    closed: bool
    absent: dict[str, str] = field(default_factory=dict)
    microdata: str | None = None

    @property
    def computed(self) -> tuple[str, ...]:
        """The months that are computed, oldest first."""
        months, month = [], self.first_month
        while month <= self.month:
            months.append(month)
            month = shift(month, 1)
        return tuple(months)


def shift(month: str, by: int) -> str:
    """The month `by` months later (earlier when negative)."""
    count = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{count // 12:04d}-{count % 12 + 1:02d}"


def plan_release(control: ControlStore, policy: Policy, month: str) -> ReleasePlan:
    """What a release for `month` computes and copies.

    The first release covers the policy's `history_months` up to the month; a later one the months after the last
    closed period. Only proven releases count: what was published unproven closes nothing.

    Raises:
        PrivacyError: the text is no month.
    """
    as_of(month)
    known = [row for row in control.releases() if row["proven"]]
    if not known:
        first = shift(month, 1 - policy.release.history_months)
        return ReleasePlan(month, first, first, None, closed=False)
    last = max(known, key=lambda row: (row["month"], row["id"]))
    return ReleasePlan(month, last["history_from"], shift(last["month"], 1), last, closed=month <= last["month"])


def model_values(policy: Policy, plan: ReleasePlan) -> dict[str, object]:
    """Values for the models of the layers anonymous and published, with a fresh random key for this run's tokens."""
    key = pads(secrets.token_bytes(32))
    values = policy.release.values
    return {
        "first_month": date.fromisoformat(f"{plan.first_month}-01"),
        "last_month": date.fromisoformat(f"{plan.month}-01"),
        "all": values.all, "unknown": values.unknown, "abroad": values.abroad,
        "norway": list(values.norway), "home_currency": values.home_currency,
        "run_inner": key.inner, "run_outer": key.outer, "other": policy.release.rules.other,
        **policy.release.microdata.values(date.fromisoformat(f"{plan.month}-01")),
        **_rule_values("page", "groups", policy.release.rules.page_group),
        **_rule_values("device", "classes", policy.release.rules.device_class),
    }


def _rule_values(name: str, plural: str, rules: tuple[Rule, ...]) -> dict[str, object]:
    """Two lists of one length, in the order of the rules: the value, and a pattern that leads to it."""
    pairs = [(rule.value, pattern) for rule in rules for pattern in rule.patterns]
    return {f"{name}_{plural}": [value for value, _ in pairs], f"{name}_patterns": [pattern for _, pattern in pairs]}
