"""What the rows of a batch become: one edit for each row and place in the order, from the values that stand there now.

Rows of one kind (the same due parts, the same columns with a value, the same facts) change alike: what happens to them
is settled once a kind, and each row only gets its values. Belongs here: edits and what they come to in counts. Does not
belong here: reading and writing them (`apply`), what a single value ends as (`values`).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import eq
from typing import Any, NamedTuple

from ajprivacy_pipeline.enforcement.ground import Ground, context_of
from ajprivacy_pipeline.enforcement.stages import Stage, by_rank
from ajprivacy_pipeline.enforcement.targets import Place
from ajprivacy_pipeline.enforcement.values import PIECE, ends_as
from ajprivacy_pipeline.enforcement.work import Going, Item, columns_of, item_of_kind
from ajprivacy_pipeline.policy import Policy

Key = tuple[Any, ...]
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
    place: Place
    rank: int
    parts: tuple[str, ...]
    cells: tuple[Cell, ...] | None
    values: int  # that a row holds, where it is deleted
    carried: tuple[tuple[str, str, str], ...]  # (part, action, column of the contract) of what goes with copies
    fed: Mapping[str, tuple[str, ...]]  # the contract's columns that show each column of the source
    goes: bool = False  # whether the record is no more: its row is deleted, or shown as a record no more

    @property
    def entity(self) -> str:
        """The table of the contract."""
        return self.item.entity


class Edits(NamedTuple):
    """Rows of a kind of which the same columns change at one place in the order, and what these become, row by row."""

    table: tuple[str, ...]
    address: tuple[str, ...]
    step: Step
    columns: tuple[str, ...] | None  # None: the rows are deleted
    rows: list[Key]
    values: list[Key]
    going: list[Going]


class Kinds:
    """What happens to rows, by kind; worked out once for each."""

    def __init__(self, policy: Policy, ground: Ground, stages: Mapping[tuple[str, str], Stage]) -> None:
        """Tell by the stages of a policy, on a ground."""
        self.policy, self.ground, self.stages = policy, ground, stages
        self._known: dict[tuple[str, str, str], tuple[Step, ...]] = {}

    def edits(self, entity: str, place: Place, columns: Sequence[str], rows: Iterable[tuple[Going, Sequence[Any]]],
              ) -> Iterator[Edits]:
        """Yields the edits of a table of the contract.

        Args:
            entity: the table.
            place: where these rows of it stand.
            columns: of the source, as they stand in each row; the first ones are those it is changed under.
            rows: what goes, with the values that stand there now.
        """
        kinds: dict[str, list[tuple[Going, Sequence[Any]]]] = defaultdict(list)
        for going, row in rows:
            kinds[going.kind].append((going, row))
        for kind, alike in kinds.items():
            for step in self._steps(entity, place, kind):
                yield from self._edits_of(step, columns, alike)

    def _edits_of(self, step: Step, columns: Sequence[str], alike: Sequence[tuple[Going, Sequence[Any]]],
                  ) -> Iterator[Edits]:
        place = step.place
        address = self.ground.address_of(place)
        ending = [(cell.source, columns.index(cell.source), cell.end, cell.vary) for cell in step.cells or ()]
        all_of_it = None if step.cells is None else tuple(source for source, _, _, _ in ending)
        at, ends = [at for _, at, _, _ in ending], tuple(end for _, _, end, _ in ending)
        is_plain = len(set(at)) == len(at) and all(vary is None for _, _, _, vary in ending)
        if is_plain and not any(None in held or end in held
                                for held, end in zip(_columns(alike, at), ends, strict=True)):
            yield Edits(place.table, address, step, all_of_it, [tuple(row[:len(address)]) for _, row in alike],
                        [ends] * len(alike), [going for going, _ in alike])
            return
        found: dict[tuple[str, ...] | None, Edits] = {}
        for going, row in alike:
            held = [row[i] for i in at]
            changed, values = all_of_it, ends
            if not is_plain or None in held or any(map(eq, held, ends)):  # as few rows are
                after = _after(ending, row, going.record_id)
                changed, values = tuple(after), tuple(after.values())
            if (edits := found.get(changed)) is None:
                edits = found[changed] = Edits(place.table, address, step, changed, [], [], [])
            edits.rows.append(tuple(row[:len(address)]))
            edits.values.append(values)
            edits.going.append(going)
        yield from found.values()

    def _steps(self, entity: str, place: Place, kind: str) -> tuple[Step, ...]:
        told = entity, place.prefix, kind
        if told not in self._known:
            item = item_of_kind(self.stages, entity, kind)
            self._known[told] = tuple(self._step(item, place, rank, parts)
                                      for rank, parts in by_rank(self.stages, entity, item.parts))
        return self._known[told]

    def _step(self, item: Item, place: Place, rank: int, parts: tuple[str, ...]) -> Step:
        stages = [self.stages[item.entity, part] for part in parts]
        held = sum(value is not None for value in item.values.values())
        fed = {source: tuple(column for column, names in place.columns.items() if source in names)
               for source in place.written}
        if any(stage.deletes for stage in stages):
            ends = tuple(Cell(parts[0], "delete_row", "", source, is_whole=True, end=value, vary=None)
                         for source, value in place.ends.items())
            return Step(item, place, rank, parts, ends or None, held, (), fed, goes=True)
        carried = tuple((stage.part, stage.columns[column].action, column) for stage in stages
                        for column in columns_of(stage, item)
                        if column in place.carried and item.values[column] is not None)
        return Step(item, place, rank, parts, tuple(
            self._cell(item, place, stage, column, source) for stage in stages for column in columns_of(stage, item)
            if item.values[column] is not None for source in place.columns.get(column, ())), held, carried, fed)

    def _cell(self, item: Item, place: Place, stage: Stage, column: str, source: str) -> Cell:
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

        vary: Vary | None = (of_row if context.unique or action.action == "unlink" else
                             of_value if action.action == "generalise" else None)
        return Cell(stage.part, stage.columns[column].action, column, source, is_whole,
                    ends_as("", action, context) if vary is None else None, vary)


def _columns(alike: Sequence[tuple[Going, Sequence[Any]]], at: Iterable[int]) -> Iterator[list[Any]]:
    """Some columns of rows, one after another."""
    for i in at:
        yield [row[i] for _, row in alike]


def _after(ending: Sequence[tuple[str, int, Any, Vary | None]], row: Sequence[Any], record_id: str) -> dict[str, Any]:
    """What becomes of a row's columns of the source that hold something else now."""
    after = {}
    for source, at, end, vary in ending:
        if (value := row[at]) is not None:
            ends = end if vary is None else vary(value, record_id)
            if ends != value:
                after[source] = ends
    return after


def links(found: Iterable[Edits]) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Yields the columns that are about to be unlinked, with their tombstones: (table, column, tombstone)."""
    for edits in found:
        for cell in edits.step.cells or ():
            if cell.action == "unlink" and cell.is_whole and cell.source in (edits.columns or ()):
                at = (edits.columns or ()).index(cell.source)
                for tombstone in dict.fromkeys(values[at] for values in edits.values):
                    yield edits.table, cell.source, tombstone


def counted(found: Iterable[Edits]) -> tuple[Counter[tuple[str, str, str]], Counter[tuple[str, str]]]:
    """Returns what edits come to: cells by (entity, part, action, or "rows"), and cells by (entity, column)."""
    counts: Counter[tuple[str, str, str]] = Counter()
    emptied: Counter[tuple[str, str]] = Counter()
    for edits in found:
        step, rows = edits.step, len(edits.rows)
        for part in step.parts:
            counts[step.entity, part, "rows"] += rows
        if step.goes or edits.columns is None:
            counts[step.entity, step.parts[0], "delete_row"] += rows * step.values
            continue
        for _, part, action in {(cell.column, cell.part, cell.action) for cell in step.cells or ()
                                if cell.source in edits.columns}:
            counts[step.entity, part, action] += rows
        for column in {column for source in edits.columns for column in step.fed[source]}:
            emptied[step.entity, column] += rows
        for part, action, column in step.carried:
            counts[step.entity, part, action] += rows
            emptied[step.entity, column] += rows
    return counts, emptied
