"""The reference evaluator: one person at a time, in plain Python, from the specification alone."""

from __future__ import annotations

from .attributes import decide_attributes, has_any_value
from .bulk import decide_bulk
from .freezes import SCOPES, freezes_of
from .model import Options, Shop, shown
from .purposes import purposes_of
from .records import Records
from .review import review_list
from .sole import sole_grounds
from .world import build

__all__ = ["Options", "evaluate"]

Result = dict[str, list[dict[str, object]]]


def evaluate(shop: Shop, month: str, *, options: Options | None = None) -> Result:
    """All decisions of a month for a shop of raw rows."""
    world = build(shop, month, options or Options())
    as_of = world.as_of
    purposes = {subject.id: purposes_of(world, subject) for subject in world.subjects.values()}
    freezes = freezes_of(world, purposes, has_any_value)
    records = Records(world, purposes, freezes)
    decided = list(records.decisions())
    attributes = [row for subject in world.subjects.values()
                  for row in decide_attributes(world, subject, purposes[subject.id], freezes[subject.id])]
    return {
        "purpose_status": [
            {"as_of": as_of, "subject_id": subject_id, "purpose": purpose, "lapses_on": shown(day),
             "active": day > as_of}
            for subject_id, own in purposes.items()
            for purpose, day in own.items()
        ],
        "freezes": [
            {"as_of": as_of, "subject_id": subject_id, "freeze": name, "scope": SCOPES[name], "since": freeze.since,
             "review": freeze.review}
            for subject_id, frozen in freezes.items()
            for name, freeze in frozen.items()
        ],
        "attribute_decisions": attributes,
        "record_decisions": decided,
        "bulk_decisions": decide_bulk(world, records),
        "review_list": review_list(world, freezes, decided),
        "sole_ground": sole_grounds(world, purposes, attributes),
        "quality": [{"as_of": as_of} | fault for fault in world.quality],
    }
