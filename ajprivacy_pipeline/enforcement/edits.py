"""What the rows of a batch become: one edit for each row and place in the order, from the values that stand there now.

Rows of one kind (the same due parts, the same columns with a value, the same facts) change alike: what happens to them
is settled once a kind, and each row only gets its values. Belongs here: edits and what they come to in counts. Does not
belong here: reading and writing them (`apply`), what a single value ends as (`values`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ajprivacy_pipeline.enforcement.ground import Ground, context_of
from ajprivacy_pipeline.enforcement.stages import Stage, by_rank
from ajprivacy_pipeline.enforcement.targets import Place
from ajprivacy_pipeline.enforcement.values import PIECE, ends_as
from ajprivacy_pipeline.enforcement.work import Going, Item, columns_of, item_of_kind
from ajprivacy_pipeline.policy import Policy

Vary = Callable[[Any, str], Any]  # from a value and its row's id to what the value ends as


@dataclass(frozen=True, eq=False)
class Cell:
    """A column of the source that is changed for a value which goes, in a kind of rows."""

    part: str
    action: str  # of the contract's column
    column: str  # of the contract
    source: str
    is_whole: bool  # nothing else is changed for the contract's column
    end: Any  # what it ends as, if that depends on nothing but the kind
    vary: Vary | None


@dataclass(frozen=True, eq=False)
class Step:
    """What happens to a kind of rows at one place in the order; without cells the row is deleted."""

    item: Item  # of nobody, it stands for all of the kind
    rank: int
    parts: tuple[str, ...]
    cells: tuple[Cell, ...] | None
    values: int  # that a row holds, where it is deleted
    fed: Mapping[str, tuple[str, ...]]  # the contract's columns that show each column of the source

    @property
    def entity(self) -> str:
        """The table of the contract."""
        return self.item.entity


class Edit(NamedTuple):
    """One row of the source and what it becomes; `after` is None where it is deleted."""

    table: tuple[str, ...]
    address: tuple[str, ...]
    row: tuple[Any, ...]
    after: Mapping[str, Any] | None
    step: Step
    going: Going


class Kinds:
    """What happens to rows, by kind; worked out once for each."""

    def __init__(self, policy: Policy, ground: Ground, stages: Mapping[tuple[str, str], Stage]) -> None:
        """Tell by the stages of a policy, on a ground."""
        self.policy, self.ground, self.stages = policy, ground, stages
        self._known: dict[tuple[str, str], tuple[Step, ...]] = {}

    def edits(self, place: Place, entity: str, going: Going, row: Mapping[str, Any],
              key: tuple[Any, ...]) -> Iterator[Edit]:
        """Yields the edits of one row, whose values now are `row` and which is changed under `key`."""
        address = self.ground.address_of(place)
        for step in self._steps(entity, going.kind):
            after: dict[str, Any] | None = None
            if step.cells is not None:
                after = {}
                for cell in step.cells:
                    if (value := row[cell.source]) is not None:
                        end = cell.end if cell.vary is None else cell.vary(value, going.record_id)
                        if end != value:
                            after[cell.source] = end
            yield Edit(place.table, address, key, after, step, going)

    def _steps(self, entity: str, kind: str) -> tuple[Step, ...]:
        if (entity, kind) not in self._known:
            item = item_of_kind(self.stages, entity, kind)
            self._known[entity, kind] = tuple(self._step(item, rank, parts)
                                              for rank, parts in by_rank(self.stages, entity, item.parts))
        return self._known[entity, kind]

    def _step(self, item: Item, rank: int, parts: tuple[str, ...]) -> Step:
        stages = [self.stages[item.entity, part] for part in parts]
        held = sum(value is not None for value in item.values.values())
        place = self.ground.places[item.entity]
        fed = {source: tuple(column for column, names in place.columns.items() if source in names)
               for source in place.written}
        if any(stage.deletes for stage in stages):
            return Step(item, rank, parts, None, held, fed)
        return Step(item, rank, parts, tuple(
            self._cell(item, stage, column, source) for stage in stages for column in columns_of(stage, item)
            if item.values[column] is not None for source in place.columns.get(column, ())), held, fed)

    def _cell(self, item: Item, stage: Stage, column: str, source: str) -> Cell:
        place = self.ground.places[item.entity]
        is_whole = place.columns[column] == (source,)
        action = stage.columns[column] if is_whole else PIECE
        context = context_of(self.policy, place, self.ground.facts, item, column, source)
        known: dict[Any, Any] = {}

        def of_value(value: Any, _: str) -> Any:
            told = type(value), value
            if told not in known:
                known[told] = ends_as(value, action, context)
            return known[told]

        def of_row(value: Any, record_id: str) -> Any:
            return ends_as(value, action, replace(context, key=record_id))

        vary: Vary | None = of_row if context.unique else of_value if action.action == "generalise" else None
        return Cell(stage.part, stage.columns[column].action, column, source, is_whole,
                    ends_as("", action, context) if vary is None else None, vary)


def links(edits: Iterable[Edit]) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Yields the columns that are about to be unlinked, with their tombstones: (table, column, tombstone)."""
    for edit in edits:
        for cell in edit.step.cells or ():
            if cell.action == "unlink" and cell.is_whole and edit.after and cell.source in edit.after:
                yield edit.table, cell.source, edit.after[cell.source]


def counted(edits: Sequence[Edit]) -> tuple[Counter[tuple[str, str, str]], Counter[tuple[str, str]]]:
    """Returns what edits come to: cells by (entity, part, action, or "rows"), and cells by (entity, column)."""
    counts: Counter[tuple[str, str, str]] = Counter()
    emptied: Counter[tuple[str, str]] = Counter()
    alike = Counter((edit.step, None if edit.after is None else tuple(edit.after)) for edit in edits)
    for (step, changed), rows in alike.items():
        for part in step.parts:
            counts[step.entity, part, "rows"] += rows
        if changed is None:
            counts[step.entity, step.parts[0], "delete_row"] += rows * step.values
            continue
        for _, part, action in {(cell.column, cell.part, cell.action) for cell in step.cells or ()
                                if cell.source in changed}:
            counts[step.entity, part, action] += rows
        for column in {column for source in changed for column in step.fed[source]}:
            emptied[step.entity, column] += rows
    return counts, emptied
