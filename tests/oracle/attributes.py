"""What becomes of each attribute of a subject."""

from __future__ import annotations

from datetime import date

from .freezes import SCOPES, Freeze, is_released, legal_hold
from .load import is_empty
from .model import Subject, World, shown

ATTRIBUTES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # attribute: (types, purposes)
    "name": (("consumer", "sole_proprietor", "contact"), ("contract", "profile", "individualisation", "bookkeeping")),
    "email": (("consumer", "business", "sole_proprietor", "contact"), ("contract", "profile", "individualisation")),
    "phone": (("consumer", "business", "sole_proprietor", "contact"), ("contract", "profile", "individualisation")),
    "address": (("consumer", "sole_proprietor", "business"), ("contract", "individualisation", "bookkeeping")),
    "organisation_number": (
        ("sole_proprietor", "consumer"),
        ("contract", "profile", "individualisation", "bookkeeping"),
    ),
    "job_title": (("contact",), ("contract", "profile", "individualisation")),
    "national_identity_number": (("sole_proprietor", "consumer", "business"), ("identification",)),
    "username": (("consumer", "business", "sole_proprietor", "contact"), ("profile", "individualisation")),
    "age": (("consumer", "sole_proprietor", "business"), ("individualisation",)),
    "gender": (("consumer", "sole_proprietor", "business"), ("individualisation",)),
    "preferences": (("consumer", "business", "sole_proprietor", "contact"), ("individualisation",)),
}
MISPLACED = {
    ("organisation_number", "consumer"),
    ("national_identity_number", "consumer"),
    ("national_identity_number", "business"),
    ("age", "business"),
    ("gender", "business"),
}


def columns_of(attribute: str, kind: str) -> tuple[str, ...]:
    """The columns of the subject's row that an attribute covers."""
    if attribute == "address":
        return ("street_address",) if kind == "business" else ("street_address", "postal_code", "city")
    return ("birth_date",) if attribute == "age" else (attribute,)


def has_value(world: World, subject: Subject, attribute: str) -> bool:
    """Whether something of an attribute is there."""
    columns = columns_of(attribute, subject.kind)
    return not all(is_empty(subject.table, column, subject.row, world.options) for column in columns)


def has_any_value(world: World, subject: Subject) -> bool:
    """Whether something of any attribute of the subject's type is there."""
    return any(has_value(world, subject, attribute)
               for attribute, (types, _) in ATTRIBUTES.items() if subject.kind in types)


def decide_attributes(
    world: World, subject: Subject, purposes: dict[str, date], freezes: dict[str, Freeze]
) -> list[dict[str, object]]:
    """A row per attribute of the subject's type."""
    rows = []
    for attribute, (types, covering) in ATTRIBUTES.items():
        if subject.kind in types:
            misplaced = (attribute, subject.kind) in MISPLACED
            terms = {} if misplaced else {name: day for name, day in purposes.items() if name in covering}
            rows.append(_decide(world, subject, attribute, misplaced, terms, freezes))
    return rows


def _decide(
    world: World, subject: Subject, attribute: str, misplaced: bool, terms: dict[str, date], freezes: dict[str, Freeze]
) -> dict[str, object]:
    row: dict[str, object] = {
        "as_of": world.as_of, "subject_id": subject.id, "attribute": attribute,
        "decision": "absent", "due_on": None, "retained_by": [], "held_by": [],
    }
    if not has_value(world, subject, attribute):
        return row
    alive = {name: day for name, day in terms.items() if day > world.as_of}
    if alive:
        return row | {"decision": "retain", "due_on": shown(max(alive.values())), "retained_by": sorted(alive)}
    held = {name for name in freezes if _holds(name, attribute, misplaced)}
    # A birth date that is a fault holds the age alone; its table and subject are frozen by nothing.
    released = is_released(world, subject.table, subject.row, "data_quality")
    if attribute == "age" and "birth_date" in subject.row["_faults"] and not released:
        held.add("data_quality")
    # reading: a hold on the entity customers or contacts holds the attributes of all its rows.
    if legal_hold(world, "entity", subject.table)[0]:
        held.add("legal_hold")
    due_on = max(terms.values()) if terms else world.as_of
    return row | {"decision": "hold" if held else "due", "due_on": due_on, "held_by": sorted(held)}


def _holds(freeze: str, attribute: str, misplaced: bool) -> bool:
    """`contractual` holds what contract covers, and the national identity number; misplaced ones excepted."""
    if SCOPES[freeze] != "contractual":
        return True
    return not misplaced and ("contract" in ATTRIBUTES[attribute][1] or attribute == "national_identity_number")
