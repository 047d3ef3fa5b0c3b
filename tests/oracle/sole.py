"""How many people are kept by one thing alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from .model import OPEN, World
from .purposes import blockers_of

Found = dict[str, list[date | None]]  # ground -> a day for each subject


def sole_grounds(
    world: World, purposes: dict[str, dict[str, date]], attributes: Iterable[dict[str, Any]],
) -> list[dict[str, object]]:
    """A row per ground that alone keeps somebody."""
    kept: dict[str, list[dict[str, Any]]] = {}
    for row in attributes:
        if row["decision"] in ("retain", "hold"):
            kept.setdefault(row["subject_id"], []).append(row)
    found: Found = {}
    for subject_id, rows in kept.items():
        names = {name for row in rows for name in [*row["retained_by"], *row["held_by"]]}
        # reading: a blocker stands for every purpose that it keeps open.
        grounds = {ground for name in names for ground in _grounds(world, purposes[subject_id], subject_id, name)}
        if len(grounds) == 1:
            days = [row["due_on"] for row in rows if row["due_on"]]
            found.setdefault(grounds.pop(), []).append(min(days, default=None))
    return [
        {"as_of": world.as_of, "ground": ground, "subjects": len(days),
         "oldest": min((day for day in days if day), default=None)}
        for ground, days in found.items()
    ]


def _grounds(world: World, own: dict[str, date], subject_id: str, name: str) -> set[str]:
    if own.get(name) != OPEN:
        return {name}
    return blockers_of(world, world.subjects[subject_id], name) or {name}
