"""Where the declared copies stand: an entry of the mapping held against policy and catalogue, before any row is read.

Belongs here: what an entry means in this warehouse, what its columns end as, what would refuse it. Does not belong
here: whose rows they are (`copies`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ajprivacy_pipeline.enforcement import shapes
from ajprivacy_pipeline.enforcement.reached import Reached
from ajprivacy_pipeline.enforcement.readers import feeds
from ajprivacy_pipeline.enforcement.stages import Part, Stage, stages_of
from ajprivacy_pipeline.enforcement.targets import Place
from ajprivacy_pipeline.enforcement.values import PIECE, left_by
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.retention import Action
from ajprivacy_pipeline.warehouse.constraints import TableFacts, Write
from ajprivacy_pipeline.warehouse.declared import Copy
from ajprivacy_pipeline.warehouse.heirs import share_rows
from ajprivacy_pipeline.warehouse.mapping_file import mapping_faults
from ajprivacy_pipeline.warehouse.rows import Told, told_by


@dataclass(frozen=True)
class CopyPlace:
    """One declared copy. Names are as the catalogue spells them; `actions` is None where whole rows are deleted."""

    number: int
    copy: Copy
    table: tuple[str, ...]
    facts: TableFacts
    finder: str
    actions: Mapping[str, Action] | None
    kept: tuple[str, str] | None = None  # a link of rows that are kept: their table of the contract, and its key there
    nobody: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by column, ids of nobody, which stay
    spares_companies: bool = False  # whether it may hold what is a company's own, and therefore stays

    @property
    def address(self) -> tuple[str, ...]:
        """The columns that tell a row apart while it is changed."""
        return self.facts.key or (self.kept or ())[1:]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts that it goes with."""
        return self.copy.covered

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read of a row that may go: all of them where it is deleted."""
        wanted = self.facts.columns if self.actions is None else self.actions
        return tuple(dict.fromkeys((*self.address, self.finder, *wanted, *(self.kept or ())[1:])))


def copy_places(copies: Sequence[Copy], policy: Policy, feeding: Mapping[str, Place], reached: Reached,
                ) -> list[CopyPlace]:
    """Returns each declared copy as it stands in a warehouse.

    Raises:
        MappingError: an entry goes with a part that the policy does not have, or names a column that is not there.
    """
    stages, facts = stages_of(policy), reached.facts
    if faults := [fault for number, copy in enumerate(copies)
                  for fault in _faults(f"copies.{number} ({copy.table})", copy, stages, facts[copy.path])]:
        raise mapping_faults(faults)
    return [_place(number, copy, _Ends(policy, stages, feeding, reached), facts[copy.path])
            for number, copy in enumerate(copies)]


def _faults(place: str, copy: Copy, stages: Mapping[Part, Stage], facts: TableFacts) -> Iterator[str]:
    for entity, part in copy.covered:
        if (entity, part) not in stages:
            known = ", ".join(f"{table}.{name}" for table, name in stages if table == entity)
            yield f"{place}.with: there is no {entity}.{part}; there is {known or 'nothing of that table'}"
    for column in (copy.by.column, *copy.erase):
        if facts.spelt(column) is None:
            yield f"{place}: the table has no column {column}"


@dataclass(frozen=True)
class _Ends:
    """What the columns of copies end as."""

    policy: Policy
    stages: Mapping[Part, Stage]
    feeding: Mapping[str, Place]
    reached: Reached

    def of(self, column: str, copy: Copy) -> Action:
        """Returns how a column ends: as the one of its parts of the same name, there or in the source; else as a text.

        A column by which rows are found by an address ends as an address.
        """
        if self.reached.takes(copy, column):
            return PIECE
        for entity, part in copy.covered:
            sources = self.feeding[entity].columns if entity in self.feeding else {}
            for name, action in self.stages[entity, part].columns.items():
                is_address = self.policy.sources.tables[entity].columns[name].type == "email"
                called = column.lower() in (name, name.removeprefix(f"{part}_")) or (column,) == sources.get(name)
                if (called or (copy.by.email and column == copy.by.column and is_address)):
                    return Action(action="erase", neutral=action.neutral, neutral_unique=action.neutral_unique)
        return Action(action="erase")


def _place(number: int, copy: Copy, ends: _Ends, facts: TableFacts) -> CopyPlace:
    actions = None if copy.delete else {
        facts.spelt(column) or column: ends.of(column, copy) for column in copy.erase}
    return CopyPlace(number, copy, copy.path, facts, facts.spelt(copy.by.column) or copy.by.column, actions,
                     spares_companies=ends.reached.spares_companies(copy))


def copy_writes(places: Iterable[CopyPlace]) -> Iterator[Write]:
    """Yields what may be written to copies, for the catalogue to judge."""
    for place in places:
        if place.actions is None:
            yield Write(place.table, None, "delete")
        for column, action in (place.actions or {}).items():
            yield Write(place.table, column, "null", has_neutral=action.neutral is not None,
                        values=left_by(action, unique=place.facts.columns[column].unique))


def copies_refused(places: Iterable[CopyPlace], feeding: Iterable[Place], reached: Reached,
                   ) -> Iterator[shapes.Refused]:
    """Yields what cannot be done to copies whatever their rows are."""
    fed: dict[tuple[str, ...], frozenset[str]] = {}
    for one in feeding:
        fed[one.table] = fed.get(one.table, frozenset()) | one.written | frozenset(one.key)
    for place in places:
        for column, constraint, fix in _faults_of(place, fed, reached):
            yield {"table": place.facts.shown, "column": column, "constraint": constraint, "fix": fix}


def _faults_of(place: CopyPlace, fed: Mapping[tuple[str, ...], frozenset[str]],
               reached: Reached) -> Iterator[tuple[str | None, str, str]]:
    """What is wrong with a copy: a column, if it is one's, a constraint, and what to do."""
    if not place.address:
        yield None, "no key", ("give this copy a primary key, or a unique key whose columns are NOT NULL: without one "
                               "a row cannot be told from another")
    if prefixed := sorted(filter(reached.is_numbered, place.copy.by.entities)):
        yield place.finder, "mapping", (f"ids of {', '.join(prefixed)} have a number before them, with which a row of "
                                        "somebody else may be found here: let the prefix begin with a letter")
    if place.kept:
        return
    heirs, own = reached.resolved.heirs, set(place.actions or place.facts.columns)
    if both := {column for table, columns in fed.items() for column in columns & own
                if table and share_rows(heirs, table, place.facts.table)}:
        yield min(both), "mapping", "take this out of the mapping's copies: the table feeds the contract itself"
        return
    read = feeds(reached.resolved, reached.stages, place.table, place.actions or place.facts.columns,
                 _rows(place, reached.dialect))
    if kept := sorted(told for told, part in read.items() if part not in place.parts):
        yield None, "mapping", (f"take this out of the mapping's copies: {', '.join(kept)} is made of it, which would "
                                "go too")
    elif place.copy.by.entities and (others := sorted(set(reached.reads_loosely(place.copy)))):
        yield place.finder, "mapping", (
            f"a row that {', '.join(others)} shows of somebody may be found by another one's key: let the query join "
            f"it by {place.finder} = the key of {' or '.join(place.copy.by.entities)}, too, or take this out of the "
            "mapping's copies")


def _rows(place: CopyPlace, dialect: str) -> Told:
    """Which rows a copy means at most; words say nothing of a column whose values are compared as numbers."""
    texts = {name.casefold() for name, column in place.facts.columns.items() if column.is_text}
    return frozenset(pair for pair in told_by(place.copy.where, dialect) if pair[0] in texts)


def reviewed_copies(copies: Iterable[Copy]) -> set[tuple[str, ...]]:
    """Returns the tables of copies whose triggers somebody has looked at."""
    return {copy.path for copy in copies if copy.triggers_reviewed is not None}
