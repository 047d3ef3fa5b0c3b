"""How what is due is carried out: approval, the brake, batches, the ledger, the clause of each part.

Belongs here: the shape of `enforcement.toml`. Does not belong here: what becomes of a column (`retention.Action`).
"""

from pydantic import Field

from ajprivacy_pipeline.policy.base import Frozen


class Brake(Frozen):
    """How much may go without somebody saying that it is right: shares of the rows that hold a value."""

    share: float = Field(gt=0, le=1)
    bulk_share: float = Field(gt=0, le=1)
    days: int = Field(ge=1)
    least_rows: int = Field(ge=1)


class Batch(Frozen):
    """How much is changed in one transaction, and how long it may hold or wait for a lock."""

    subjects: int = Field(ge=1)
    lock_seconds: float = Field(gt=0)
    lock_wait_seconds: float = Field(gt=0)
    lock_fact_tables: bool


class LedgerYears(Frozen):
    """How long a person can be found in the ledger."""

    years: int = Field(ge=1)


class Enforcement(Frozen):
    """`enforcement.toml`."""

    approvers: tuple[str, ...]
    four_eyes: bool
    auto_approve: bool
    approval_days: int = Field(ge=1)
    brake: Brake
    batch: Batch
    ledger: LedgerYears
    clauses: dict[str, dict[str, str]]

    def may_approve(self, name: str) -> bool:
        """Whether a name is one of an approver, compared without case and blanks; any name where none is listed."""
        return bool(same_name(name)) and (
            not self.approvers or same_name(name) in {same_name(known) for known in self.approvers})


def same_name(name: str) -> str:
    """Returns a name as it is compared."""
    return "".join(name.casefold().split())
