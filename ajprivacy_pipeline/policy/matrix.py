"""The policy laid out: who has which attribute for which purpose, how long, and what stops an end.

Belongs here: the policy as tables of plain values. Does not belong here: how they are drawn.
"""

from typing import Any, get_args

from ajprivacy_pipeline.policy.policy import Policy
from ajprivacy_pipeline.policy.retention import SubjectType

SUBJECT_TYPES: tuple[str, ...] = get_args(SubjectType)


def attribute_purposes(policy: Policy) -> list[str]:
    """Returns the purposes that cover attributes of a subject, in the order of the policy."""
    covering = {purpose for attribute in policy.retention.attributes.values() for purpose in attribute.purposes}
    return [name for name in policy.retention.purposes if name in covering]


def matrix(policy: Policy) -> dict[str, list[dict[str, Any]]]:
    """Per subject type a row for each of its attributes; a misplaced one is covered by nothing."""
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in SUBJECT_TYPES}
    for name, attribute in policy.retention.attributes.items():
        for kind in (*attribute.types, *attribute.misplaced):
            misplaced = kind in attribute.misplaced
            found[kind].append({
                "attribute": name, "purposes": [] if misplaced else list(attribute.purposes), "misplaced": misplaced,
                "columns": list(attribute.columns), "choice": attribute.choice})
    return found


def layout(policy: Policy) -> dict[str, Any]:
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
