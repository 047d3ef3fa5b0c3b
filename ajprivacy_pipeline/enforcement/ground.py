"""What a plan stands on: where the warehouse holds what, what its catalogue says, and what a value's end depends on.

Belongs here: everything that a plan and an apply must see alike, before any row is read. Does not belong here: rows.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ajprivacy_pipeline.enforcement import shapes
from ajprivacy_pipeline.enforcement.copy_places import (
    CopyPlace,
    copies_refused,
    copy_places,
    copy_writes,
    reviewed_copies,
)
from ajprivacy_pipeline.enforcement.kept_links import kept_links
from ajprivacy_pipeline.enforcement.reached import Reached
from ajprivacy_pipeline.enforcement.stages import Part, Stage, stages_of
from ajprivacy_pipeline.enforcement.targets import Place, links_of_kept, places_of
from ajprivacy_pipeline.enforcement.together import with_groups
from ajprivacy_pipeline.enforcement.values import PIECE, Context, ends_as, left_by
from ajprivacy_pipeline.enforcement.work import Item
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.retention import Action
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.warehouse.address import Address
from ajprivacy_pipeline.warehouse.constraints import (
    Catalogue,
    ColumnFacts,
    TableFacts,
    Write,
    catalogue_hash,
    refusals,
)
from ajprivacy_pipeline.warehouse.mapping import load_mapping, resolve
from ajprivacy_pipeline.warehouse.mapping_file import Mapping as MappingFile
from ajprivacy_pipeline.warehouse.mapping_file import mapping_faults
from ajprivacy_pipeline.warehouse.resolved import ResolvedSource
from ajprivacy_pipeline.warehouse.source import Source


@dataclass(frozen=True)
class Ground:
    """What a plan stands on: how the warehouse is reached, what would be refused there, and its hashes."""

    mapping: MappingFile
    resolved: ResolvedSource
    places: Mapping[str, Place]
    facts: Mapping[tuple[str, ...], TableFacts]
    catalogue_sha256: str
    warehouse: str
    refused: list[shapes.Refused]
    copies: list[CopyPlace]
    versions: Mapping[tuple[str, ...], str]  # by table, the column that is raised whenever a row changes

    def address_of(self, place: Place) -> tuple[str, ...]:
        """The columns that tell a row apart while it is changed: the table's own key, if nothing of it changes.

        None where no row is changed, since all of it goes with copies.
        """
        if not place.key:
            return ()
        key = self.facts[place.table].key
        return key if key and not set(key) & place.written else place.key


def look_at(source: Source, settings: Settings, policy: Policy) -> Ground:
    """Hold the stages against a warehouse and its catalogue; of its rows only those of copies that others share."""
    mapping = load_mapping(settings.mapping_file, policy.sources)
    stages = stages_of(policy)
    resolved = resolve(source, mapping, policy.sources)
    places = places_of(resolved, stages, policy.sources)
    tables = sorted({place.table for one in places.values() for place in one.each if place.key}
                    | {copy.path for copy in mapping.copies})
    catalogue = Catalogue(source)
    facts = _facts(catalogue, tables)
    reached = Reached(resolved, stages, policy.sources, mapping.copies, facts, source.dialect)
    copies = copy_places(mapping.copies, policy, places, reached)
    places = with_groups(source, reached.places(places), copies)
    links = links_of_kept(resolved, stages, policy.sources, places, policy.enforcement.kept_links)
    copies += kept_links(len(copies), policy, mapping, links, places, facts)
    versions = _versions(mapping, places, facts)
    writes = [*_writes(stages, places, policy, facts), *copy_writes(copies),
              *(Write(table, column, "neutral", values=("1",)) for table, column in versions.items())]
    refused: list[shapes.Refused] = [
        {"table": ".".join(found.table), "column": found.column, "constraint": found.constraint, "fix": found.fix}
        for found in refusals(catalogue, writes, reviewed(mapping, places), histories(mapping, places))]
    refused += copies_refused(copies, [place for one in places.values() for place in one.each], reached)
    refused += _shown_as_somebody(mapping, resolved, stages, policy)
    return Ground(mapping, resolved, places, facts, catalogue_hash(catalogue, tables),
                  identity_of(settings.warehouse_url), refused, copies, versions)


def _shown_as_somebody(mapping: MappingFile, resolved: ResolvedSource, stages: Mapping[Part, Stage],
                       policy: Policy) -> Iterator[shapes.Refused]:
    """Yields the links behind a prefix that would be left with an id of nobody's which the mapping does not know."""
    nobody = policy.retention.tombstones
    contact = nobody.get("contact", nobody["business"])
    for name, table in resolved.tables.items():
        links = {column for (entity, _), stage in stages.items() if entity == name
                 for column, action in stage.columns.items() if action.action == "unlink" and column != "customer_id"}
        for arm in table.arms if table is not None and contact not in mapping.nobody else ():
            for column in sorted(links & arm.behind):
                yield {"table": ".".join(arm.table), "column": arm.columns[column], "constraint": "mapping", "fix":
                       f"name contact under [tombstones] of the mapping: {name}.{column} would show the policy's own "
                       f"{contact} behind the prefix {arm.prefix}, as if it were somebody"}


def _possible(policy: Policy, entity: str, column: str, action: Action, *, unique: bool) -> tuple[str, ...]:
    """What may stand in a column afterwards, as far as it is no person's own."""
    if action.action == "unlink":
        return tuple(policy.retention.tombstones.values())
    if action.action != "generalise":
        return left_by(action, unique=unique)
    if policy.sources.tables[entity].columns[column].birth:
        first, last = policy.retention.plausible_birth_years
        return tuple(f"{year}-01-01" for year in range(first // 10 * 10, last + 1, 10))
    return tuple("0123456789")


def _versions(mapping: MappingFile, places: Mapping[str, Place],
              facts: Mapping[tuple[str, ...], TableFacts]) -> dict[tuple[str, ...], str]:
    """Returns the versions that the mapping names, as the catalogue spells them (MappingError: no such number)."""
    found, faults = {}, []
    for name, entry in mapping.tables.items():
        for place in places[name].each if entry.version is not None and name in places else ():
            if not place.key:
                continue
            table = facts[place.table]
            column = table.spelt(entry.version or "")
            if column is None or "int" not in table.columns[column].type.lower():
                faults.append(f"tables.{name}.version: {table.shown} has no column {entry.version} of whole numbers")
            else:
                found[place.table] = column
    if faults:
        raise mapping_faults(faults)
    return found


def _facts(catalogue: Catalogue, tables: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], TableFacts]:
    """Facts of the tables that are changed, and of those that their foreign keys point to."""
    found: dict[tuple[str, ...], TableFacts] = {}
    waiting = list(tables)
    while waiting:
        table = waiting.pop()
        if table not in found:
            found[table] = catalogue.facts(table)
            waiting += [key.to for key in found[table].foreign_keys]
    return found


def reviewed(mapping: MappingFile, places: Mapping[str, Place]) -> set[tuple[str, ...]]:
    """Returns the source tables whose triggers somebody has looked at, as the mapping says with a reason."""
    return {table for name, entry in mapping.tables.items() if entry.triggers_reviewed is not None
            for table in _tables_of(name, mapping, places)} | reviewed_copies(mapping.copies)


def histories(mapping: MappingFile, places: Mapping[str, Place]) -> dict[tuple[str, ...], int]:
    """Returns the source tables whose old values end somewhere else, and after how many days."""
    found = {table: entry.history_days for name, entry in mapping.tables.items()
             for table in _tables_of(name, mapping, places)}
    found |= {copy.path: copy.history_days for copy in mapping.copies}
    return {table: days for table, days in found.items() if days is not None}


def _tables_of(name: str, mapping: MappingFile, places: Mapping[str, Place]) -> list[tuple[str, ...]]:
    """The source tables that a table of the contract stands for in the mapping: one, or those of its arms."""
    arms = places[name].arms if name in places else ()
    return [arm.table for arm in arms if arm.table] or [tuple((mapping.tables[name].table or name).split("."))]


def identity_of(url: str) -> str:
    """Returns a hash of where a warehouse is, without user and password."""
    return hashlib.sha256(Address.parse(url).shown.encode()).hexdigest()[:16]


def _writes(stages: Mapping[Part, Stage], places: Mapping[str, Place], policy: Policy,
            facts: Mapping[tuple[str, ...], TableFacts]) -> Iterator[Write]:
    kinds = {"erase": "null", "generalise": "generalise", "unlink": "tombstone"}
    for (entity, _), stage, place in ((part, stage, place) for part, stage in stages.items() if part[0] in places
                                      for place in places[part[0]].each if place.changes(stage)):
        if stage.deletes:
            yield from (Write(place.table, column, "neutral", has_neutral=True, values=(
                str(int(value) if isinstance(value, bool) else value),)) for column, value in place.ends.items())
            if not place.ends:
                yield Write(place.table, None, "delete")
            continue
        for column, action in stage.columns.items():
            names = place.columns.get(column, ())
            for name in names:
                known = facts[place.table].columns[name]
                ends = action if len(names) == 1 else PIECE
                yield Write(place.table, name, kinds[ends.action],  # type: ignore[arg-type]
                            has_neutral=ends.neutral is not None,
                            values=_possible(policy, entity, column, ends, unique=known.unique))


def changes(policy: Policy, place: Place, facts: Mapping[tuple[str, ...], TableFacts], stage: Stage, item: Item,
            column: str) -> bool:
    """Whether a value of an item's row changes when its part goes."""
    value = item.values[column]
    names = place.columns[column]
    return value is not None and (len(names) > 1 or ends_as(
        value, stage.columns[column], context_of(policy, place, facts, item, column, names[0])) != value)


def context_of(policy: Policy, place: Place, facts: Mapping[tuple[str, ...], TableFacts], item: Item,
               column: str, name: str) -> Context:
    """Returns what the end of a value depends on in one of the source's columns that are changed for it."""
    known = facts[place.table].columns[name]
    tombstones = policy.retention.tombstones
    kind = item.facts.customer_type if column == "customer_id" else "contact"
    return Context(nullable=known.nullable, unique=known.unique, key=item.record_id,
                   is_birth=policy.sources.tables[item.entity].columns[column].birth, is_home=item.facts.is_home,
                   tombstone=typed(tombstones.get(kind) or tombstones["business"], known),  # type: ignore[call-overload]
                   nobody=frozenset(tombstones.values()))


def typed(text: str, known: ColumnFacts) -> Any:
    """A tombstone in the type of the source's column; as a text where it has no such form, which the plan refuses."""
    if known.is_text:
        return text
    try:
        return UUID(text) if "uuid" in known.type.lower() else int(text)
    except ValueError:
        return text
