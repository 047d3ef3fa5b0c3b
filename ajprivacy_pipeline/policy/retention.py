"""What may be kept for which purpose and how long: periods, purposes, attributes, freezes, evidence, actions.

Belongs here: the shape of `purposes.toml` and `actions.toml`. Does not belong here: the rules, which are SQL.
"""

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from ajprivacy_pipeline.policy.base import Frozen

SubjectType = Literal["consumer", "sole_proprietor", "business", "contact"]
Scope = Literal["contractual", "not_marketing", "all"]


class Period(Frozen):
    """A number of the policy, with the clause it comes from."""

    value: int = Field(ge=0)
    source: str
    choice: bool = False


class Choices(Frozen):
    """What the notice leaves open and the controller chose."""

    unknown_warranty: Literal["hold"] | int
    business_warranty_keeps_contact: bool
    no_warranty_categories: tuple[str, ...]
    shrink_tolerance: float = Field(ge=0, le=1)


class Purpose(Frozen):
    """A purpose of processing and its legal basis (BAS-1); what is missing of its assessment shows as missing."""

    legal_basis: Literal["contract", "legitimate_interest", "consent", "legal_obligation"]
    clauses: tuple[str, ...]
    meaning: str
    records: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    open_while: tuple[str, ...] = ()
    ended_by: tuple[Literal["objection", "erasure"], ...] = ()
    of_guests: bool = True
    assessment_ref: str | None = None
    assessed_on: date | None = None


class Attribute(Frozen):
    """An attribute of a subject: who has it, which purposes cover it, where it stands."""

    types: tuple[SubjectType, ...]
    purposes: tuple[str, ...]
    columns: tuple[str, ...]
    misplaced: tuple[SubjectType, ...] = ()
    company_columns: tuple[str, ...] = ()
    held_with_contract: bool = False
    choice: bool = False


class Freeze(Frozen):
    """Why something due stays."""

    scope: Scope
    source: str


class Reason(Frozen):
    """What keeps a record and is neither a purpose nor a freeze: the period it lasts for, or the clause it is from."""

    period: str | None = None
    source: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.period is None) == (self.source is None):
            raise ValueError("name a period, or a clause as source, and not both")
        return self


Share = float  # of rows, 0 to 1


class Evidence(Frozen):
    """What a month must not have lost since it was last believed: which columns are watched, and what is tolerated."""

    least_rows: int = Field(ge=1)
    fill_points: Share = Field(ge=0, le=1)
    share_points: Share = Field(ge=0, le=1)
    warranty_tolerance: Share = Field(ge=0, le=1)
    orphan_share: Share = Field(ge=0, le=1)
    orphan_points: Share = Field(ge=0, le=1)
    first_orphan_share: Share = Field(ge=0, le=1)
    age_days: int = Field(ge=0)
    closings_least: int = Field(ge=1)
    closings_share: Share = Field(ge=0, le=1)
    references: tuple[str, ...]
    keeps: dict[str, tuple[str, ...]]
    ends: dict[str, tuple[str, ...]]
    dated: dict[str, tuple[str, ...]]
    rising: dict[str, dict[str, tuple[str, ...]]]
    falling: dict[str, dict[str, tuple[str, ...]]]
    within: dict[str, dict[str, dict[str, tuple[str, ...]]]] = Field(default_factory=dict)


class Retention(Frozen):
    """`purposes.toml`."""

    valid_from: date
    time_zone: Literal["Europe/Oslo"]
    first_month: str = Field(default="2018-01", pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")
    plausible_years: tuple[int, int]
    plausible_birth_years: tuple[int, int] = (1900, 2199)
    sentinel_dates: tuple[date, ...] = ()
    stale_fault_months: int | None = Field(default=None, ge=1)  # None in policies that had no such review
    end_before_beginning_days: int | None = Field(default=None, ge=0)  # None in policies that knew no such fault
    periods: dict[str, Period]
    choices: Choices
    tombstones: dict[Literal["consumer", "business", "sole_proprietor", "contact"], str]
    purposes: dict[str, Purpose]
    attributes: dict[str, Attribute]
    freezes: dict[str, Freeze]
    reasons: dict[str, Reason] = Field(default_factory=dict)  # none in policies stored before they were named
    scopes: dict[Scope, tuple[str, ...]]
    evidence: Evidence | None = None  # stored policies of earlier versions watch the number of rows alone

    @property
    def reason_clauses(self) -> dict[str, str]:
        """The clause behind each reason that is neither a purpose nor a freeze."""
        return {name: reason.source or self.periods[str(reason.period)].source for name, reason in self.reasons.items()}


class Action(Frozen):
    """What becomes of a column when it is due."""

    action: Literal["erase", "generalise", "unlink", "delete_row", "keep"]
    neutral: str | None = None
    neutral_unique: str | None = Field(default=None, pattern=r"\{key\}")  # where no two rows may hold the same
    part: str | None = None
    former: tuple[str, ...] = ()  # neutral values of earlier versions of the policy, which a NOT NULL column may hold

    @property
    def unique_neutral(self) -> str:
        """What a value becomes where no two rows may hold the same; `{key}` stands for the row's own key."""
        return self.neutral_unique or "anonymised-{key}"
