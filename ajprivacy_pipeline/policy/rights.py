"""How requests of people are handled: deadlines, handlers, reasons of delay, what a person takes along.

Belongs here: the shape of `rights.toml`. Does not belong here: which steps a request takes (`rights.states`), what a
request changes in decisions (`sql/retention/requests.sql`).
"""

from datetime import date

from pydantic import Field

from ajprivacy_pipeline.policy.base import Frozen
from ajprivacy_pipeline.policy.enforcement import same_name


class System(Frozen):
    """A system that holds personal data and is not written by us: what it is, and the categories of data in it."""

    meaning: str
    categories: tuple[str, ...] = Field(min_length=1)


class Notices(Frozen):
    """Whom a rectification, an erasure or a restriction is told to (Art. 19), and until when they acknowledge it.

    `categories`: by table, the category of recipients.toml that each part or column is of. `exempt`: recipients that
    are not told, with the reason.
    """

    about: tuple[str, ...] = ("rectification", "erasure", "restriction")
    days: int = Field(default=14, ge=1)
    categories: dict[str, dict[str, tuple[str, ...]]] = Field(default_factory=dict)
    exempt: dict[str, str] = Field(default_factory=dict)


class NewsletterEvidence(Frozen):
    """What shows that somebody asked for the newsletter; None is shown as missing in the records of processing."""

    basis: str | None = None
    evidence: str | None = None
    since: date | None = None


class Rights(Frozen):
    """`rights.toml`."""

    handlers: tuple[str, ...] = ()
    answer_months: int = Field(default=1, ge=1)
    extended_months: int = Field(default=3, ge=1)
    soon_days: int = Field(default=7, ge=0)
    identity_months: int = Field(default=1, ge=1)
    package_days: int = Field(default=30, ge=0)
    plan_daily: bool = True
    profiling_clauses: tuple[str, ...] = ()
    complaint_url: str = Field(pattern=r"^https://\S+$")
    rectification_clause: str = "RGT-2"
    rectifiable: dict[str, dict[str, str]] = Field(default_factory=dict)
    value_patterns: dict[str, str] = Field(default_factory=dict)
    notices: Notices = Field(default_factory=Notices)
    systems: dict[str, System] = Field(default_factory=dict)
    disclosure_bases: dict[str, str] = Field(default_factory=dict)
    untold_bases: tuple[str, ...] = ()
    newsletter: NewsletterEvidence = Field(default_factory=NewsletterEvidence)
    storage_years: tuple[int, int] = (3, 30)
    control_months: int = Field(default=24, ge=1)
    without_identity: tuple[str, ...] = ()
    never_refused: tuple[str, ...] = ()
    recorded_kinds: tuple[str, ...] = ()
    situation_purpose: str = "improvement"
    extensions: dict[str, str] = Field(min_length=1)
    portable: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    since: dict[str, str] = Field(default_factory=dict)

    def may_handle(self, name: str) -> bool:
        """Whether a name is one of a handler, compared without case and blanks; any name where none is listed."""
        return bool(same_name(name)) and (
            not self.handlers or same_name(name) in {same_name(known) for known in self.handlers})
