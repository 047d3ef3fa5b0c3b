"""The policy laid out: who has which attribute for which purpose, how long, and what stops an end.

Belongs here: the policy as tables of plain values. Does not belong here: how they are drawn.
"""

from typing import TypedDict, get_args

from ajprivacy_pipeline.policy.policy import Policy
from ajprivacy_pipeline.policy.retention import SubjectType

SUBJECT_TYPES: tuple[str, ...] = get_args(SubjectType)


class MatrixRow(TypedDict):
    """An attribute of a subject type: the purposes that cover it, and where it stands."""

    attribute: str
    purposes: list[str]
    misplaced: bool
    columns: list[str]
    choice: bool


class PurposeRow(TypedDict):
    """A purpose, its legal basis and its clauses."""

    legal_basis: str
    clauses: list[str]
    meaning: str


class PeriodRow(TypedDict):
    """A number of the policy and the clause that it is from."""

    period: str
    value: int
    source: str
    choice: bool


class FreezeRow(TypedDict):
    """A freeze, what it holds, and the clause that it is from."""

    freeze: str
    scope: str
    source: str


class Layout(TypedDict):
    """The policy as tables of plain values; `matrix` has a table per subject type."""

    version: str
    valid_from: str
    notice_sha256: str
    purposes: dict[str, PurposeRow]
    matrix: dict[str, list[MatrixRow]]
    periods: list[PeriodRow]
    choices: dict[str, object]
    freezes: list[FreezeRow]
    scopes: dict[str, list[str]]


def matrix(policy: Policy) -> dict[str, list[MatrixRow]]:
    """Per subject type a row for each of its attributes; a misplaced one is covered by nothing."""
    found: dict[str, list[MatrixRow]] = {kind: [] for kind in SUBJECT_TYPES}
    for name, attribute in policy.retention.attributes.items():
        for kind in (*attribute.types, *attribute.misplaced):
            misplaced = kind in attribute.misplaced
            found[kind].append({
                "attribute": name, "purposes": [] if misplaced else list(attribute.purposes), "misplaced": misplaced,
                "columns": list(attribute.columns), "choice": attribute.choice})
    return found


def layout(policy: Policy) -> Layout:
    """Returns everything `policy show` prints."""
    retention = policy.retention
    return {
        "version": policy.version,
        "valid_from": retention.valid_from.isoformat(),
        "notice_sha256": policy.notice.notice.sha256,
        "purposes": {name: {"legal_basis": purpose.legal_basis, "clauses": list(purpose.clauses),
                            "meaning": purpose.meaning}
                     for name, purpose in retention.purposes.items()},
        "matrix": matrix(policy),
        "periods": [{"period": name, "value": period.value, "source": period.source, "choice": period.choice}
                    for name, period in retention.periods.items()],
        "choices": retention.choices.model_dump(mode="json"),
        "freezes": [{"freeze": name, "scope": freeze.scope, "source": freeze.source}
                    for name, freeze in retention.freezes.items()],
        "scopes": {scope: list(entities) for scope, entities in retention.scopes.items()},
    }
