"""Which columns of the contract go with declared copies, where nothing in a row of their own can be changed for them.

A shop keeps the phone of an account as a row of a key-value table, the address of an order in a table of addresses:
what the query reads there is declared as a copy, and goes as one. It counts as carried out where the copy means every
row that the query reads, by the same key, and takes every column; the query is asked again in the batch (`shown`).
Belongs here: holding copies against what queries are made of. Does not belong here: rows, whose they are (`claims`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ajprivacy_pipeline.enforcement.stages import Part, Stage
from ajprivacy_pipeline.enforcement.targets import Place, Sharing
from ajprivacy_pipeline.policy import Sources
from ajprivacy_pipeline.warehouse.constraints import TableFacts
from ajprivacy_pipeline.warehouse.declared import Copy
from ajprivacy_pipeline.warehouse.heirs import same_table, share_rows
from ajprivacy_pipeline.warehouse.resolved import Cell, Reads, ResolvedSource, Spot
from ajprivacy_pipeline.warehouse.rows import apart, covers, told_by, unlike

_NUMBER = re.compile(r"-|-?[0-9]+")
_BY_BYTES = ("sqlite", "postgresql")  # where two texts are equal to a query as they are to us


@dataclass(frozen=True)
class Reached:
    """A mapping's copies, held against what its queries are made of."""

    resolved: ResolvedSource
    stages: Mapping[Part, Stage]
    sources: Sources
    copies: Sequence[Copy]
    facts: Mapping[tuple[str, ...], TableFacts]
    dialect: str

    def columns(self, entity: str) -> dict[str, tuple[Copy, ...]]:
        """Returns the columns of a table of the contract that copies carry, each with those that do."""
        found: dict[str, tuple[Copy, ...]] = {}
        for part, stage in self.stages.items():
            own = [copy for copy in self.copies if part[0] == entity and not copy.by.email and entity in copy.tables
                   and [one for one in copy.covered if one[0] == entity] == [part]]
            for column, action in stage.columns.items():
                if own and action.action in ("erase", "generalise") and (of := self._carriers(entity, column, own)):
                    found[column] = of
        return found

    def is_numbered(self, entity: str) -> bool:
        """Whether something stands before ids of a table with which they may be numbers of other rows: 1 before 12."""
        table, key = self.resolved.tables[entity], self.sources.tables[entity].key[0]
        return any(_NUMBER.fullmatch(arm[key].prefix) for arm in (
            table.reads.arms if table is not None and table.reads is not None else ()) if key in arm)

    def reads_loosely(self, copy: Copy) -> Iterator[str]:
        """Yields what of the contract shows a copy's rows to others than whoever has the key that it is found by."""
        for entity, table in self.resolved.tables.items():
            if table is None or table.reads is None or not self._reads_at_all(table.reads, copy):
                continue
            tied = self._tied(entity, table.reads, copy)
            yield from (f"{entity}.{column}" for column, made in table.reads.columns.items()
                        if any(self._touches(copy, cell) and cell.mention not in tied for cell in made.cells))

    def _carriers(self, entity: str, column: str, own: Sequence[Copy]) -> tuple[Copy, ...]:
        """The copies that take all that a column is made of; none where something of it would stay."""
        table = self.resolved.tables[entity]
        made = table.reads.columns.get(column) if table is not None and table.reads is not None else None
        if table is None or table.reads is None or made is None:
            return ()
        found: dict[int, Copy] = {}
        key = table.reads.found_by(self.sources.tables[entity].key[0])
        for cell in made.values:
            if (cell.mention, cell.column) in key or cell.column.casefold() in {name for name, _ in cell.only}:
                continue  # it tells whose row it is, or holds one of the words that the query names
            taking = [copy for copy in own if self._takes(copy, cell) and cell.mention in
                      self._tied(entity, table.reads, copy)]
            if not taking:
                return ()
            found |= {id(copy): copy for copy in taking}
        return tuple(found.values())

    def _tied(self, entity: str, reads: Reads, copy: Copy) -> set[int]:
        """The mentions of a copy's table of which only the rows are read that have a record's own key."""
        finder = self.facts[copy.path].spelt(copy.by.column) or copy.by.column
        known = self.facts[copy.path].columns.get(finder)
        if (copy.by.email or entity not in copy.tables or known is None
                or (known.is_text and self.dialect not in _BY_BYTES)):
            return set()
        owner = entity if entity in copy.by.entities else copy.by.entities[0]  # a record's row is its customer's
        spots: frozenset[Spot] = reads.found_by(self.sources.tables[owner].key[0])
        return {mention for mention, column in spots if column == finder}

    def _takes(self, copy: Copy, cell: Cell) -> bool:
        """Whether a copy means every row in which a cell is read, and its column."""
        if not same_table(cell.table, copy.path) or not self._touches(copy, cell) or not covers(
                copy.where, cell.only, self.dialect):
            return False
        known = self.facts[copy.path].columns[cell.column]
        told_apart = not copy.delete and known.unique and not known.nullable  # something stands there afterwards
        return not told_apart or unlike(cell.column) in {name for name, _ in cell.only}

    def _touches(self, copy: Copy, cell: Cell) -> bool:
        """Whether a copy may take a cell."""
        erased = {name.casefold() for name in copy.erase}
        texts = {name.casefold() for name, column in self.facts[copy.path].columns.items() if column.is_text}
        rows = frozenset(pair for pair in told_by(copy.where, self.dialect) if pair[0] in texts)
        return (share_rows(self.resolved.heirs, cell.table, copy.path)
                and (copy.delete or cell.column.casefold() in erased) and not apart(cell.only, rows))

    def _reads_at_all(self, reads: Reads, copy: Copy) -> bool:
        return any(share_rows(self.resolved.heirs, cell.table, copy.path)
                   for made in reads.columns.values() for cell in made.cells)

    def places(self, places: Mapping[str, Place]) -> dict[str, Place]:
        """Returns the places of a plan with what copies carry; where two tables have a key, one waits for the other."""
        return {entity: replace(self._carried(entity, place), arms=tuple(
            self._carried(entity, arm) for arm in place.arms), shared=(*place.shared, *self._shared(entity)))
                if place.fixed else place for entity, place in places.items()}

    def _carried(self, entity: str, place: Place) -> Place:
        return replace(place, carried=frozenset(self.columns(entity)) & set(place.fixed))

    def _shared(self, entity: str) -> Iterator[Sharing]:
        for copy in self.copies if self.columns(entity) else ():
            if copy.by.and_records:
                continue  # they go together (`together`)
            yield from (Sharing(part, other, same_row=True) for part in copy.covered if part[0] == entity
                        for other in copy.covered if other[0] != entity and entity in copy.by.entities)

    def takes(self, copy: Copy, column: str) -> bool:
        """Whether what a copy's column holds is shown by the contract, and carried: it has to end as nothing at all."""
        return any(copy in of and cell.column.casefold() == column.casefold() and same_table(cell.table, copy.path)
                   for entity in copy.tables for name, of in self.columns(entity).items()
                   for table in (self.resolved.tables[entity],) if table is not None and table.reads is not None
                   for cell in table.reads.columns[name].values)

    def spares_companies(self, copy: Copy) -> bool:
        """Whether a copy may hold what is a company's own: where the contract shows that, or nothing, of it."""
        if copy.by.email or copy.by.and_records:  # of the latter companies keep all rows
            return False
        company = {name for part in copy.covered for name in self.stages[part].company}
        if not company:
            return False
        carried = {column for entity in copy.by.entities for column, of in self.columns(entity).items() if copy in of}
        return not carried or bool(carried & company)
