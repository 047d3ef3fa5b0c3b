"""Where in the warehouse a column of the contract can be changed, and why it cannot where it cannot.

Belongs here: holding stages against a resolved mapping; cells that several parts share. Does not belong here: rows,
what a query is made of (`warehouse.reads`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ajprivacy_pipeline.enforcement.readers import Reader, key_of, other_rows, readers_beside, readers_of
from ajprivacy_pipeline.enforcement.stages import Part, Stage
from ajprivacy_pipeline.policy import Sources
from ajprivacy_pipeline.warehouse.resolved import Arm, ResolvedColumn, ResolvedSource, ResolvedTable, Value


@dataclass(frozen=True)
class Sharing:
    """Cells that two parts cover. With `same_row` both stand in the row of one id.

    Else a record of the other table whose values are the same in all pairs of columns of `alike` may be made of the
    row; without any such pair every one may. It is about the records whose ids begin with `prefix`.
    """

    part: Part
    other: Part
    same_row: bool
    alike: tuple[tuple[str, str], ...] = ()
    prefix: str = ""


@dataclass(frozen=True)
class Together:
    """Parts of a customer and of her records that are made of the same rows of a copy: they go when all of them may.

    `foreign` are the customers some of whose rows others have need of, too.
    """

    parts: tuple[Part, ...]
    foreign: frozenset[str]


@dataclass(frozen=True)
class Place:
    """The table that feeds a table of the contract, and what can be changed in it.

    `key` are the source's columns that feed the contract's key, in its order; `columns` maps the contract's columns to
    those of the source that are changed for them; `fixed` says of a column that holds values why it cannot be changed.
    Those of `carried` go with declared copies instead; `together` stands with the customers.

    Where several tables feed it, each has a place among `arms`: of the records whose ids begin with its `prefix`.
    Nothing is changed in the one that has them, whose `fixed` says what stays in any, and `unfound` why a record stays
    whose id tells no arm. `ends` are what columns of the source are given instead of deleting a row.
    """

    table: tuple[str, ...]
    key: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    fixed: Mapping[str, str] = field(default_factory=dict)
    shared: tuple[Sharing, ...] = ()
    carried: frozenset[str] = frozenset()
    together: tuple[Together, ...] = ()
    prefix: str = ""
    arms: tuple["Place", ...] = ()
    ends: Mapping[str, Value] = field(default_factory=dict)
    unfound: Mapping[str, str] = field(default_factory=dict)

    @property
    def each(self) -> tuple["Place", ...]:
        """The places of its arms, or itself."""
        return self.arms or (self,)

    def of(self, record_id: str) -> "Place":
        """Returns where a record stands; where its id tells no arm, nothing of it is changed."""
        if not self.arms:
            return self
        return next((arm for arm in self.arms if record_id.startswith(arm.prefix) and record_id != arm.prefix),
                    replace(self, arms=(), fixed=self.unfound))

    @property
    def written(self) -> frozenset[str]:
        """Every column of the source that is changed."""
        return frozenset(name for names in self.columns.values() for name in names) | frozenset(self.ends)

    def changes(self, stage: Stage) -> bool:
        """Whether anything of a stage can be done here: a row that goes as a whole is found by its key alone."""
        own = bool(self.key) and (stage.deletes or any(column in self.columns for column in stage.columns))
        return own or any(column in self.carried for column in stage.columns) or any(
            arm.changes(stage) for arm in self.arms)

    def stays(self, column: str) -> bool:
        """Whether what a column holds is not carried out by us."""
        return column in self.fixed and column not in self.carried


def places_of(resolved: ResolvedSource, stages: Mapping[Part, Stage], sources: Sources) -> dict[str, Place]:
    """Returns the place of each table of the contract that something feeds and a stage may change."""
    found = {}
    for name in dict.fromkeys(entity for entity, _ in stages):
        table = resolved.tables[name]
        if table is not None:
            own = {part: stage for part, stage in stages.items() if part[0] == name}
            if table.arms:
                arms = [_arm(name, table, own, arm, readers_beside(resolved, stages, arm),
                             other_rows(resolved.heirs, name, table, arm)) for arm in table.arms]
                found[name] = _together(arms, (column for stage in own.values() for column in stage.columns))
                continue
            readers = readers_of(resolved, stages, sources, name)
            found[name] = _place(name, table, own, sources.tables[name].key, readers)
    return found


def _together(arms: Sequence[Place], columns: Iterable[str]) -> Place:
    """The place of a table that several feed; `columns` are those that any stage changes."""
    unfound = dict.fromkeys(columns, "its id does not say in which table it stands")
    fixed = {column: why for arm in arms for column, why in arm.fixed.items()}
    shared = tuple(replace(one, prefix=arm.prefix) for arm in arms for one in arm.shared)
    return Place((), (), {}, fixed, shared, arms=tuple(arms), unfound=unfound)


def _arm(name: str, table: ResolvedTable, stages: Mapping[Part, Stage], arm: Arm,
         readers: Sequence[Reader], strange: Reader) -> Place:
    """The place of one arm; a row that other records need, too, or another arm (`strange`), never goes as a whole."""
    wanted = [column for stage in stages.values() for column in stage.columns if table.columns[column] is not None]
    others = {reader.entity for reader in readers} - {name}
    if strange.cells:
        readers, others = [*readers, strange], {*others, "another arm"}
    if not arm.table:
        return Place((), (), {}, dict.fromkeys(
            wanted, "made of several rows, or of no key of one table: none is found"), prefix=arm.prefix)
    deletes = any(stage.deletes for stage in stages.values())
    if arm.ends and deletes:
        return _ending(name, arm, wanted, readers, strange)
    if others and deletes:
        return Place(arm.table, (), {}, dict.fromkeys(
            wanted, f"its row would go as a whole, and feeds {', '.join(sorted(others))} too"), prefix=arm.prefix)
    shown = replace(table, columns={column: fed and replace(
        fed, written=(arm.columns[column],) if column in arm.columns else (), source_column=arm.columns.get(column),
        constant=None, leads=None) for column, fed in table.columns.items()}, reads=None)
    columns, fixed, shared = _settled(shown, stages, (arm.key,), readers)
    alike = (replace(one, alike=tuple(pair for pair in one.alike if pair[0] in arm.plain)) for one in shared)
    return Place(arm.table, (arm.key,), columns, fixed, tuple(alike), prefix=arm.prefix)


def _ending(name: str, arm: Arm, wanted: Sequence[str], readers: Sequence[Reader], strange: Reader) -> Place:
    """The place of an arm whose rows stay and are shown no more: nothing but its condition may read what says so."""
    others = {reader.told for reader in readers if any(map(reader.reads, arm.ends))
              and (reader is strange or (reader.entity, reader.column) != (name, ""))}
    others |= {"its key"} if arm.key in arm.ends else set()
    if others:
        return Place(arm.table, (), {}, dict.fromkeys(
            wanted, f"`ends` would change what {', '.join(sorted(others))} reads too"), prefix=arm.prefix)
    return Place(arm.table, (arm.key,), {column: (arm.columns[column],) for column in wanted if column in arm.columns},
                 prefix=arm.prefix, ends=arm.ends)


_BY_BYTES = ("its row is found by bytes, which we do not look for: let a generated column show them as digits, unique, "
             "and map that one")


def _place(name: str, table: ResolvedTable, stages: Mapping[Part, Stage], key: Sequence[str],
           readers: Sequence[Reader]) -> Place:
    wanted = [column for stage in stages.values() for column in stage.columns if table.columns[column] is not None]
    if table.written_table is None:
        return Place((), (), {}, dict.fromkeys(wanted, "fed by a query: say in the mapping where it is written"))
    if (names := key_of(table, key)) is None:
        by_bytes = any(fed is not None and fed.keyless for fed in map(table.columns.get, key))
        return Place(table.written_table, (), {}, dict.fromkeys(wanted, _BY_BYTES if by_bytes else (
            "its row is found by an expression: say in the mapping where it is written")))
    others = sorted({reader.entity for reader in readers} - {name})
    if others and any(stage.deletes for stage in stages.values()):
        return Place(table.written_table, (), {}, dict.fromkeys(
            wanted, f"its row would go as a whole, and feeds {', '.join(others)} too"))
    columns, fixed, shared = _settled(table, stages, names, readers)
    return Place(table.written_table, names, columns, fixed, shared)


def _settled(table: ResolvedTable, stages: Mapping[Part, Stage], names: Sequence[str], readers: Sequence[Reader],
             ) -> tuple[dict[str, tuple[str, ...]], dict[str, str], tuple[Sharing, ...]]:
    """What is changed for which column, why another one cannot be, and what is shared."""
    columns: dict[str, tuple[str, ...]] = {}
    fixed: dict[str, str] = {}
    shared: dict[Sharing, None] = {}
    for part, stage in stages.items():
        for column, action in stage.columns.items():
            fed = table.columns[column]
            if fed is None:
                continue
            made = table.reads.columns.get(column) if table.reads is not None else None
            plain = not fed.is_made and (made is None or made.plain)  # a query may make what it gives a column's name
            if why := _fixed(fed, part, names, readers, unlinked=action.action == "unlink", plain=plain):
                fixed[column] = why
            else:
                columns[column] = fed.written
                shared |= dict.fromkeys(_sharings(part, column, fed, readers, plain=plain))
    return columns, fixed, tuple(shared)


def _fixed(fed: ResolvedColumn, part: Part, key: Sequence[str], readers: Sequence[Reader], *,
           unlinked: bool = False, plain: bool = True) -> str:
    """Why a column cannot be changed; '' it can. What another part covers waits for it (`sharings`)."""
    if not fed.written:
        if fed.constant is not None:
            return "a constant of the mapping"
        if fed.keyless:
            return "holds bytes or bits, which we do not write: erase it there"
        return "fed by an expression or another row: say in the mapping where it is written"
    if set(fed.written) & set(key):
        return "it is the row's own key, by which everything else is found"
    if unlinked and (not (plain or fed.leads) or len(fed.written) > 1):
        return "an id that an expression makes cannot become that of nobody"
    reading = sorted({reader.told for reader in readers if reader.part != part and not reader.is_clear
                      and any(map(reader.reads, fed.written))})
    return f"{', '.join(reading)} reads it too: what that needs would go with it" if reading else ""


def _sharings(part: Part, column: str, fed: ResolvedColumn, readers: Sequence[Reader], *,
              plain: bool) -> Iterator[Sharing]:
    """What other parts are made of what goes with a column."""
    for reader in readers:
        hit = [reader.cells[name] for name in fed.written if name in reader.cells]
        if reader.part is None or reader.part == part or not hit:
            continue
        own_row = all(of_row for _, of_row in hit)
        alike = plain and len(fed.written) == 1 and all(is_plain for is_plain, _ in hit)
        yield Sharing(part, reader.part, own_row, ((column, reader.column),) if alike and not own_row else ())


def links_of_kept(resolved: ResolvedSource, stages: Mapping[Part, Stage], sources: Sources,
                  places: Mapping[str, Place], kept: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """Returns by table the columns with ids of subjects that kept rows can lose, as the source calls them.

    What anything else is made of stays, as ever.
    """
    found: dict[str, dict[str, str]] = {}
    for entity, columns in kept.items():
        table, place = resolved.tables[entity], places.get(entity)
        if table is None or place is None or not place.key:
            continue
        readers = readers_of(resolved, stages, sources, entity)
        for column in columns:
            fed = table.columns[column]
            others = [reader for reader in readers if reader.told != f"{entity}.{column}"]
            if fed is None or fed.is_made or len(fed.written) != 1 or any(
                    reader.reads(fed.written[0]) for reader in others):
                continue
            if not _fixed(fed, (entity, column), place.key, others):
                found.setdefault(entity, {})[column] = fed.written[0]
    return found


def sharings(places: Mapping[str, Place]) -> list[Sharing]:
    """Returns every pair of parts that cover one source column; pairs of alike columns of one pair stand together."""
    found: dict[tuple[Part, Part, bool, str], dict[tuple[str, str], None]] = {}
    for place in places.values():
        for one in place.shared:
            found.setdefault((one.part, one.other, one.same_row, one.prefix), {}).update(dict.fromkeys(one.alike))
    return [Sharing(part, other, same_row, tuple(alike), prefix)
            for (part, other, same_row, prefix), alike in found.items()]
