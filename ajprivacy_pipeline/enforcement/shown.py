"""What a query or an expression of the mapping still shows of rows whose columns were changed for it.

The columns that `writes` names may not be all that it reads: what is said to be gone has to be gone in the contract's
own words. Belongs here: reading that in the batch. Does not belong here: the columns of the source (`apply`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ajprivacy_pipeline.enforcement.edits import Edits, Step
from ajprivacy_pipeline.enforcement.ground import Ground
from ajprivacy_pipeline.enforcement.stages import Part, Stage
from ajprivacy_pipeline.enforcement.targets import Place
from ajprivacy_pipeline.enforcement.values import Context, ends_as
from ajprivacy_pipeline.enforcement.work import Going, columns_of
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.warehouse.resolved import ResolvedTable
from ajprivacy_pipeline.warehouse.texts import as_text

if TYPE_CHECKING:
    from ajprivacy_pipeline.warehouse.writer import Batch


def require_gone(batch: "Batch", ground: Ground, policy: Policy, stages: Mapping[Part, Stage],
                 changed: Iterable[Edits]) -> None:
    """Stop where the contract still shows something of what was changed (EnforcementError)."""
    by_place: dict[tuple[str, str], list[Edits]] = defaultdict(list)
    for edits in changed:
        by_place[edits.step.entity, edits.step.place.prefix].append(edits)
    for (entity, prefix), made_of in by_place.items():
        table, key, place = ground.resolved.tables[entity], policy.sources.tables[entity].key[0], made_of[0].step.place
        made = _made(table, place) if table is not None else []
        if table is None or not (made or place.ends):
            continue
        steps: dict[str, list[tuple[Step, Going]]] = defaultdict(list)
        for edits in made_of:
            for going in edits.going:
                steps[prefix + (as_text(going.key[0]) or "")].append((edits.step, going))
        types = dict.fromkeys((key, *made), "VARCHAR")
        left: dict[str, int] = defaultdict(int)
        for row in batch.facts(table, types, {key: list(steps)}, lock=False).to_pylist():
            for step, going in steps.get(row[key], ()):
                if place.ends:  # a record that is no more is not shown at all, whatever its columns show
                    left[step.parts[0]] += 1
                for column, stage in _columns(stages, step, made) if not place.ends else ():
                    left[column] += not _is_gone(row[column], policy, stage, step, going, column)
        for column, rows in left.items():
            if rows:
                named = "declares as copies" if column in place.carried else (
                    f"names in `{'ends' if place.ends else 'writes'}`")
                raise EnforcementError(f"{entity}.{column}: {rows} row(s) still show something after what the mapping "
                                       f"{named} was changed; name there all that it is made of; nothing of "
                                       "this batch was changed")


def _made(table: ResolvedTable, place: Place) -> list[str]:
    """The columns of a table that are changed somewhere else than where they are read."""
    return [name for name in place.columns if (fed := table.columns[name]) is not None
            and (fed.is_made or place.table != table.source_table)] + sorted(place.carried)


def _columns(stages: Mapping[Part, Stage], step: Step, made: list[str]) -> list[tuple[str, Stage]]:
    return [(column, stages[step.entity, part]) for part in step.parts
            for column in columns_of(stages[step.entity, part], step.item) if column in made]


def _is_gone(value: str | None, policy: Policy, stage: Stage, step: Step, going: Going, column: str) -> bool:
    """Whether a value is what an action leaves."""
    action = stage.columns[column]
    if value is None or not value.strip() or action.action == "unlink":
        return value is None or not value.strip() or value.strip() in policy.retention.tombstones.values()
    is_birth = policy.sources.tables[step.entity].columns[column].birth
    coarse = ends_as(value, action, Context(is_birth=is_birth, is_home=step.item.facts.is_home))
    return value.strip() in (coarse, action.neutral, action.unique_neutral.format(key=going.record_id))
