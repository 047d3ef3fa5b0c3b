"""The notice as data: loads and validates `notice/*.toml` into frozen objects.

Belongs here: the shape of the policy, its cross-checks, its version. Does not belong here: anything that reads rows.
Unknown keys are refused and every fault is listed at once. The version is a hash of the files' contents; every result
carries it.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ajprivacy_pipeline.errors import PolicyError

SubjectType = Literal["consumer", "sole_proprietor", "business", "contact"]
ColumnType = Literal["id", "text", "email", "timestamp", "date", "amount", "number", "integer", "boolean", "enum"]
ColumnClass = Literal["direct_identifier", "contact", "quasi_identifier", "sensitive", "free_text", "online_identifier",
                      "reference", "business_fact", "company_data"]
Scope = Literal["contractual", "not_marketing", "all"]


class Frozen(BaseModel):
    """Typed, immutable, and strict about unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceColumn(Frozen):
    """One column of the source contract; see `sources.toml` for what each key means."""

    type: ColumnType
    class_: ColumnClass = Field(alias="class")
    required: bool = False
    must_map: bool = False
    nullable: bool = False
    evidence: bool = False
    values: tuple[str, ...] = ()


class SourceTable(Frozen):
    """One table of the source contract."""

    description: str
    columns: dict[str, SourceColumn]
    key: tuple[str, ...]
    required: bool = False
    evidence: bool = False
    bulk: bool = False


class Sources(Frozen):
    """The source contract."""

    identifying_classes: tuple[ColumnClass, ...]
    tables: dict[str, SourceTable]

    def identifying_columns(self) -> Iterator[tuple[str, str]]:
        """Every (table, column) whose values could name somebody."""
        for table_name, table in self.tables.items():
            for column_name, column in table.columns.items():
                if column.class_ in self.identifying_classes:
                    yield table_name, column_name


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
    """A purpose of processing and its legal basis (BAS-1)."""

    legal_basis: Literal["contract", "legitimate_interest", "consent", "legal_obligation"]
    clauses: tuple[str, ...]
    meaning: str


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


class Retention(Frozen):
    """`purposes.toml`."""

    valid_from: date
    time_zone: Literal["Europe/Oslo"]
    plausible_years: tuple[int, int]
    periods: dict[str, Period]
    choices: Choices
    tombstones: dict[Literal["consumer", "business", "sole_proprietor"], str]
    purposes: dict[str, Purpose]
    attributes: dict[str, Attribute]
    freezes: dict[str, Freeze]
    scopes: dict[Scope, tuple[str, ...]]


class Action(Frozen):
    """What becomes of a column when it is due."""

    action: Literal["erase", "generalise", "unlink", "delete_row"]
    neutral: str | None = None
    part: str | None = None


class Clause(Frozen):
    """A promise of the notice."""

    state: Literal["executed", "documented", "planned", "outside"]
    lines: tuple[tuple[int, int], ...]
    meaning: str
    how: str | None = None
    test: str | None = None


class PublishedColumn(Frozen):
    """A column that may leave the house."""

    type: str
    role: Literal["dimension", "measure", "flag", "quasi_identifier", "sensitive", "text"]
    meaning: str
    unit: str | None = None
    additive_over: tuple[str, ...] = ()


class PublishedTable(Frozen):
    """A table that may leave the house."""

    description: str
    columns: dict[str, PublishedColumn]
    months: bool = False
    run_month_only: bool = False


class Thresholds(Frozen):
    """The figures behind the guarantees."""

    k: int
    k_floor: int = Field(ge=5)
    leak_minimum_characters: int = Field(ge=4)


class PublishedValues(Frozen):
    """The policy's own dimension values."""

    all: str
    unknown: str
    abroad: str
    norway: tuple[str, ...]
    home_currency: str


class Release(Frozen):
    """`release.toml`."""

    history_months: int = Field(ge=1)
    thresholds: Thresholds
    values: PublishedValues
    tables: dict[str, PublishedTable]


class Recipient(Frozen):
    """Who receives personal data (CTR-2, SHR-1, IND-4)."""

    role: Literal["processor", "controller"]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    countries: tuple[str, ...]
    source: str
    channels: tuple[str, ...] = ()
    agreement_on: date | None = None
    controlled_on: date | None = None


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


class NoticeFile(Frozen):
    """`notice.toml`."""

    notice: Notice
    controller: Controller


class Policy(Frozen):
    """The whole notice as data. `version` is a hash of everything below it."""

    version: str
    notice: NoticeFile
    clauses: dict[str, Clause]
    retention: Retention
    actions: dict[str, dict[str, Action]]
    sources: Sources
    release: Release
    recipients: dict[str, Recipient]

    @cached_property
    def periods(self) -> dict[str, int]:
        """Every period by its name, which carries the unit."""
        return {name: period.value for name, period in self.retention.periods.items()}


_FILES: dict[str, tuple[str, Any]] = {
    "notice": ("notice.toml", NoticeFile),
    "clauses": ("clauses.toml", dict[str, Clause]),
    "retention": ("purposes.toml", Retention),
    "actions": ("actions.toml", dict[str, dict[str, Action]]),
    "sources": ("sources.toml", Sources),
    "release": ("release.toml", Release),
    "recipients": ("recipients.toml", dict[str, Recipient]),
}


def load_policy(folder: Path) -> Policy:
    """Load and validate the notice data.

    Raises:
        PolicyError: with every fault of every file at once.
    """
    faults: list[str] = []
    parts: dict[str, Any] = {}
    raw: dict[str, Any] = {}
    for part, (file_name, shape) in _FILES.items():
        try:
            raw[part] = tomllib.loads((folder / file_name).read_text(encoding="utf-8"))
            parts[part] = TypeAdapter(shape).validate_python(raw[part])
        except FileNotFoundError:
            faults.append(f"{file_name}: missing")
        except tomllib.TOMLDecodeError as error:
            faults.append(f"{file_name}: {error}")
        except ValidationError as error:
            faults.extend(f"{file_name}: {'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}"
                          for fault in error.errors(include_url=False, include_input=False))
    if not faults:
        canonical = json.dumps(raw, sort_keys=True, default=str, ensure_ascii=False)
        policy = Policy(version=hashlib.sha256(canonical.encode()).hexdigest()[:16], **parts)
        faults = list(_cross_faults(policy))
        if not faults:
            return policy
    raise PolicyError(faults)


def _cross_faults(policy: Policy) -> Iterator[str]:
    yield from _clause_faults(policy)
    yield from _attribute_faults(policy)
    yield from _action_faults(policy)
    values = policy.release.thresholds
    if values.k < values.k_floor:
        yield f"release.toml: thresholds.k is {values.k}, never below k_floor = {values.k_floor}"
    if missing := set(_PERIODS) - set(policy.retention.periods):
        yield f"purposes.toml: periods lacks {', '.join(sorted(missing))}"
    if unknown := set(policy.retention.periods) - set(_PERIODS):
        yield f"purposes.toml: periods has the unknown {', '.join(sorted(unknown))}"
    if missing := set(_FREEZES) - set(policy.retention.freezes):
        yield f"purposes.toml: freezes lacks {', '.join(sorted(missing))}"
    if set(policy.retention.tombstones) != {"consumer", "business", "sole_proprietor"}:
        yield "purposes.toml: tombstones needs one id per customer type"
    for scope, tables in policy.retention.scopes.items():
        for table in set(tables) - set(policy.sources.tables) - {"contractual_attributes", "other_attributes"}:
            yield f"purposes.toml: scopes.{scope} names the unknown table {table}"
    for name, table in policy.sources.tables.items():
        for column in set(table.key) - set(table.columns):
            yield f"sources.toml: tables.{name}.key names the unknown column {column}"
        for column_name, column in table.columns.items():
            if (column.type == "enum") != bool(column.values):
                yield f"sources.toml: tables.{name}.columns.{column_name}: values belong to enums, and every enum has some"


def _clause_faults(policy: Policy) -> Iterator[str]:
    known = set(policy.clauses)
    for name, period in policy.retention.periods.items():
        if period.source not in known:
            yield f"purposes.toml: periods.{name}.source names the unknown clause {period.source}"
    for name, freeze in policy.retention.freezes.items():
        if freeze.source not in known:
            yield f"purposes.toml: freezes.{name}.source names the unknown clause {freeze.source}"
    for name, purpose in policy.retention.purposes.items():
        for clause in set(purpose.clauses) - known:
            yield f"purposes.toml: purposes.{name}.clauses names the unknown clause {clause}"
    for name, recipient in policy.recipients.items():
        if recipient.source not in known:
            yield f"recipients.toml: {name}.source names the unknown clause {recipient.source}"
        for purpose_name in set(recipient.purposes) - set(policy.retention.purposes):
            yield f"recipients.toml: {name}.purposes names the unknown purpose {purpose_name}"


def _attribute_faults(policy: Policy) -> Iterator[str]:
    for name, attribute in policy.retention.attributes.items():
        for purpose in set(attribute.purposes) - set(policy.retention.purposes):
            yield f"purposes.toml: attributes.{name}.purposes names the unknown purpose {purpose}"
        for subject_type in set(attribute.types) & set(attribute.misplaced):
            yield f"purposes.toml: attributes.{name}: {subject_type} is in types and in misplaced"
        for subject_type in attribute.types + attribute.misplaced:
            table = "contacts" if subject_type == "contact" else "customers"
            for column in attribute.columns:
                if column not in policy.sources.tables[table].columns:
                    yield f"purposes.toml: attributes.{name}.columns: {table} has no column {column}"
                elif column not in policy.actions.get(table, {}):
                    yield f"actions.toml: {table} lacks an action for {column} (attribute {name})"


def _action_faults(policy: Policy) -> Iterator[str]:
    covered = {(table, column) for table, columns in policy.actions.items() for column in columns}
    for table, column in sorted(covered):
        if column not in getattr(policy.sources.tables.get(table), "columns", {}):
            yield f"actions.toml: {table}.{column} is no column of the source contract"
    for table, column in policy.sources.identifying_columns():
        company = table == "customers" and column in ("name", "organisation_number")
        if (table, column) not in covered and not company and (table, column) != ("web_events", "page"):
            yield f"actions.toml: {table}.{column} identifies people and has no action"


_PERIODS = (
    "contract_tail_months", "contract_minimum_months", "business_transaction_months", "profile_tail_months",
    "individualisation_tail_months", "bookkeeping_years", "open_balance_review_months", "correspondence_months",
    "limitation_months", "cookie_months", "log_months", "request_response_months",
    "until_further_notice_review_months", "stale_blocker_months",
)
_FREEZES = ("open_balance", "restriction", "access_pending", "legal_hold", "orphan", "data_quality", "no_evidence",
            "evidence_missing")
