"""Who answers for the processing: promises of the notice, recipients, codes of review, controller.

Belongs here: the shape of `clauses.toml`, `recipients.toml`, `review.toml` and `notice.toml`. Does not belong here:
anything that decides about a person.
"""

from datetime import date
from typing import Literal

from pydantic import Field

from ajprivacy_pipeline.policy.base import Frozen
from ajprivacy_pipeline.policy.retention import Period

NOT_YET = "decided, not yet carried out"  # the state of a promise of which something is pending


class Clause(Frozen):
    """A promise of the notice. `test` proves what is executed; `pending` says what of it later work carries out."""

    state: Literal["executed", "documented", "planned", "outside"]
    lines: tuple[tuple[int, int], ...]
    meaning: str
    how: str | None = None
    test: str | None = Field(default=None, pattern=r"^tests/[a-z_0-9/]+\.py::test_[a-z_0-9]+$")
    pending: str | None = None

    @property
    def shown_state(self) -> str:
        """The state as people read it: what is decided and not carried out is not called executed."""
        return NOT_YET if self.state == "executed" and self.pending else self.state


class Recipient(Frozen):
    """Who receives personal data (CTR-2, SHR-1, IND-4). Only with `safeguards` may a country lie outside the EEA."""

    role: Literal["processor", "controller"]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    countries: tuple[str, ...]
    source: str
    channels: tuple[str, ...] = ()
    agreement_on: date | None = None
    controlled_on: date | None = None
    safeguards: str | None = None


class ReviewReasons(Frozen):
    """Codes of why a reviewed case is released or kept, each with its meaning."""

    release: dict[str, str] = Field(min_length=1)
    keep: dict[str, str] = Field(min_length=1)
    accept: dict[str, str] = Field(default_factory=dict)  # stored policies of earlier versions have none
    accept_store: dict[str, str] = Field(default_factory=dict)


class Holds(Frozen):
    """What a legal hold must keep to."""

    longest_months: Period


class Review(Frozen):
    """`review.toml`: the codes that people's decisions carry, each with its meaning, and how long a hold may run."""

    reasons: ReviewReasons
    holds: Holds
    grounds: dict[str, str] = Field(min_length=1)


class Notice(Frozen):
    """The notice this policy was made from (POL-1)."""

    language: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Controller(Frozen):
    """Who answers for the processing (CTR-1)."""

    name: str
    organisation_number: str = Field(pattern="^[0-9]{9}$")
    city: str
    country: str
    contact_email: str
    supervisory_authority: str
    data_protection_officer: str | None = None


class NoticeFile(Frozen):
    """`notice.toml`."""

    notice: Notice
    controller: Controller
    eea: tuple[str, ...]
    security: tuple[str, ...]
