"""The notice as data: loads and validates `notice/*.toml` into frozen objects.

Belongs here: the shape of the policy, its version. Does not belong here: the shape of what is released
(`policy_release`), what must hold between the parts (`policy_faults`), anything that reads rows. Unknown keys are
refused and every fault is listed at once. The version is a hash of the files' contents; every result carries it.
"""

import hashlib
import json
import tomllib
from collections.abc import Container, Iterator, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ajprivacy_pipeline.errors import PolicyError
from ajprivacy_pipeline.policy_base import Frozen
from ajprivacy_pipeline.policy_faults import cross_faults, decision_faults
from ajprivacy_pipeline.policy_release import Release

SubjectType = Literal["consumer", "sole_proprietor", "business", "contact"]
ColumnType = Literal["id", "text", "email", "timestamp", "date", "amount", "number", "integer", "boolean", "enum"]
ColumnClass = Literal["direct_identifier", "contact", "quasi_identifier", "sensitive", "free_text", "online_identifier",
                      "reference", "business_fact", "company_data"]
Scope = Literal["contractual", "not_marketing", "all"]
NOT_YET = "decided, not yet carried out"  # the state of a promise of which something is pending


class SourceColumn(Frozen):
    """One column of the source contract; see `sources.toml` for what each key means."""

    type: ColumnType
    class_: ColumnClass = Field(alias="class")
    required: bool = False
    must_map: bool = False
    nullable: bool = False
    missing_beside: str | None = None
    guest_by: str | None = None
    evidence: bool = False
    values: tuple[str, ...] = ()
    not_before: str | None = None
    decides: bool = True
    birth: bool = False


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
    """A purpose of processing and its legal basis (BAS-1); what is missing of its assessment shows as missing."""

    legal_basis: Literal["contract", "legitimate_interest", "consent", "legal_obligation"]
    clauses: tuple[str, ...]
    meaning: str
    records: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    open_while: tuple[str, ...] = ()
    ended_by: tuple[Literal["objection", "erasure"], ...] = ()
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
    tombstones: dict[Literal["consumer", "business", "sole_proprietor"], str]
    purposes: dict[str, Purpose]
    attributes: dict[str, Attribute]
    freezes: dict[str, Freeze]
    scopes: dict[Scope, tuple[str, ...]]
    evidence: Evidence | None = None  # stored policies of earlier versions watch the number of rows alone


class Action(Frozen):
    """What becomes of a column when it is due."""

    action: Literal["erase", "generalise", "unlink", "delete_row"]
    neutral: str | None = None
    part: str | None = None


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


class DecisionPolicy(Frozen):
    """The part of the notice that decides about people and explains it. `version` is a hash of the whole notice.

    What was decided by it must stay explainable for years: a key that is added here, or in the shapes it is made of,
    has a default, and none is taken away.
    """

    version: str
    clauses: dict[str, Clause]
    retention: Retention
    actions: dict[str, dict[str, Action]]
    sources: Sources

    @cached_property
    def periods(self) -> dict[str, int]:
        """Every period by its name, which carries the unit."""
        return {name: period.value for name, period in self.retention.periods.items()}


class Policy(DecisionPolicy):
    """The whole notice as data."""

    notice: NoticeFile
    release: Release
    recipients: dict[str, Recipient]
    review: Review


_FILES: dict[str, tuple[str, Any]] = {
    "notice": ("notice.toml", NoticeFile),
    "clauses": ("clauses.toml", dict[str, Clause]),
    "retention": ("purposes.toml", Retention),
    "actions": ("actions.toml", dict[str, dict[str, Action]]),
    "sources": ("sources.toml", Sources),
    "release": ("release.toml", Release),
    "recipients": ("recipients.toml", dict[str, Recipient]),
    "review": ("review.toml", Review),
}


def own_names() -> frozenset[str]:
    """Every name that a notice loaded by this process gives to something: keys of its files, nobody's values."""
    return frozenset(_OWN_NAMES)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


_OWN_NAMES: set[str] = set()


def load_policy(folder: Path) -> Policy:
    """Load and validate the notice data.

    Raises:
        PolicyError: with every fault of every file at once.
    """
    return parse_policy(read_texts(folder))


def read_texts(folder: Path) -> dict[str, str]:
    """The notice files of a folder by name; one that is missing or unreadable is left out.

    Raises:
        PolicyError: there is no such folder.
    """
    if not folder.is_dir():
        names = ", ".join(name for name, _ in _FILES.values())
        raise PolicyError([f"{folder}: is no folder; name one that holds {names}"])
    texts = {}
    for name, _ in _FILES.values():
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError):
            raise PolicyError([f"{name}: cannot be read as UTF-8 text"]) from None
    return texts


def parse_policy(texts: Mapping[str, str]) -> Policy:
    """Validate the notice data, given as TOML texts by file name.

    Raises:
        PolicyError: with every fault of every file at once.
    """
    version, parts, faults = _parts(texts, _FILES)
    if not faults:
        policy = Policy(version=version, **parts)
        faults = list(dict.fromkeys(cross_faults(policy)))
        if not faults:
            return policy
    raise PolicyError(faults)


def parse_decision_policy(texts: Mapping[str, str]) -> DecisionPolicy:
    """The part of a policy that decides, whatever its other files say or lack: for policies of earlier versions.

    Raises:
        PolicyError: with every fault of that part at once, and every file that is no TOML.
    """
    version, parts, faults = _parts(texts, DecisionPolicy.model_fields.keys() & _FILES.keys())
    if not faults:
        policy = DecisionPolicy(version=version, **parts)
        faults = list(dict.fromkeys(decision_faults(policy)))
        if not faults:
            return policy
    raise PolicyError(faults)


def _parts(texts: Mapping[str, str], wanted: Container[str]) -> tuple[str, dict[str, Any], list[str]]:
    """The version of all texts, the wanted parts as objects, and what is wrong with them."""
    faults: list[str] = []
    parts: dict[str, Any] = {}
    raw: dict[str, Any] = {}
    for part, (file_name, shape) in _FILES.items():
        try:
            if file_name in texts:
                raw[part] = tomllib.loads(texts[file_name])
            elif part in wanted:
                faults.append(f"{file_name}: missing")
            if part in raw and part in wanted:
                parts[part] = TypeAdapter(shape).validate_python(raw[part])
        except tomllib.TOMLDecodeError as error:
            faults.append(f"{file_name}: {error}")
        except ValidationError as error:
            faults.extend(f"{file_name}: {'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}"
                          for fault in error.errors(include_url=False, include_input=False))
    _OWN_NAMES.update(_keys(raw))
    return _version(raw), parts, faults


def _version(raw: Mapping[str, Any]) -> str:
    canonical = json.dumps(raw, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
