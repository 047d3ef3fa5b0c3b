"""How what is due is carried out: approval, the brake, batches, ledger, sweep, backups, the clause of each part.

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
    fewest_subjects: int = Field(ge=1)
    bulk_rows: int = Field(ge=1)
    rounds: int = Field(ge=1)
    lock_seconds: float = Field(gt=0)
    lock_wait_seconds: float = Field(gt=0)
    lock_fact_tables: bool


class LedgerYears(Frozen):
    """How long a person can be found in the ledger."""

    years: int = Field(ge=1)


class Sweep(Frozen):
    """What a sweep looks for, by the contract's columns (table.column), and for how long it can.

    A street is looked for together with one of the columns beside it, of the same row.
    """

    days: int = Field(default=30, ge=1)  # after the first verification: then the set's key is destroyed
    shortest: int = Field(default=6, ge=1)
    shortest_beside: int = Field(default=3, ge=1)
    phone_digits: tuple[int, int] = (8, 15)
    calling_code: str = Field(default="47", pattern="^[0-9]{1,3}$")
    national_digits: int = Field(default=8, ge=1)
    name_words: tuple[int, int] = (2, 8)
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    usernames: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    addresses: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def national_pattern(self) -> str:
        """A pattern of the digits of a number of home that begins with the calling code; its group is what is left."""
        return f"^{self.calling_code}([0-9]{{{self.national_digits}}})$"

    @property
    def columns(self) -> set[str]:
        """Every column that it names."""
        return {*self.emails, *self.phones, *self.numbers, *self.usernames, *self.names, *self.addresses,
                *(beside for columns in self.addresses.values() for beside in columns)}


class Backup(Frozen):
    """What the warehouse may be fed from again, and how long it lives: an entry of the register of backups or imports.

    An import is a file or a system that is read into the warehouse.
    """

    where: str = Field(pattern=r"\S")
    what: str = "a backup"
    life_days: int = Field(ge=0)


class Enforcement(Frozen):
    """`enforcement.toml`."""

    approvers: tuple[str, ...]
    four_eyes: bool
    auto_approve: bool
    approval_days: int = Field(ge=1)
    guard_months: int = Field(default=1, ge=0)  # for longer than the longest life in the registers
    overdue_days: int = Field(default=45, ge=0)
    dropped_months: int = Field(default=3, ge=1)  # so many in a row, and it is on the review list
    brake: Brake
    batch: Batch
    ledger: LedgerYears
    sweep: Sweep = Field(default_factory=Sweep)
    backups: dict[str, Backup] = Field(default_factory=dict)
    imports: dict[str, Backup] = Field(default_factory=dict)
    kept_links: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # table -> its columns with ids of subjects
    clauses: dict[str, dict[str, str]]

    @property
    def longest_life_days(self) -> int:
        """For how long something that was erased may still come back from a backup or an import."""
        return max((entry.life_days for entry in (*self.backups.values(), *self.imports.values())), default=0)

    def may_approve(self, name: str) -> bool:
        """Whether a name is one of an approver, compared without case and blanks; any name where none is listed."""
        return bool(same_name(name)) and (
            not self.approvers or same_name(name) in {same_name(known) for known in self.approvers})


def same_name(name: str) -> str:
    """Returns a name as it is compared."""
    return "".join(name.casefold().split())
