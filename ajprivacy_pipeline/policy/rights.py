"""How requests of people are handled: deadlines, handlers, reasons of delay, what a person takes along.

Belongs here: the shape of `rights.toml`. Does not belong here: which steps a request takes (`rights.states`), what a
request changes in decisions (`sql/retention/requests.sql`).
"""

from pydantic import Field

from ajprivacy_pipeline.policy.base import Frozen
from ajprivacy_pipeline.policy.enforcement import same_name


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
    without_identity: tuple[str, ...] = ()
    never_refused: tuple[str, ...] = ()
    extensions: dict[str, str] = Field(min_length=1)
    portable: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    def may_handle(self, name: str) -> bool:
        """Whether a name is one of a handler, compared without case and blanks; any name where none is listed."""
        return bool(same_name(name)) and (
            not self.handlers or same_name(name) in {same_name(known) for known in self.handlers})
