"""A mapping held against a warehouse: what feeds each canonical column, and what does not fit.

Belongs here: finding tables and columns, letting the source check expressions, refusing types, before any row is read.
Does not belong here: the file's shape (mapping_file.py), reading rows.
"""

from dataclasses import replace
from functools import cached_property

from ajprivacy_pipeline import policy
from ajprivacy_pipeline.warehouse.arms import found_arms
from ajprivacy_pipeline.warehouse.composed import Composer
from ajprivacy_pipeline.warehouse.conversions import unfit
from ajprivacy_pipeline.warehouse.findings import Finding, Level, Rank, note, ranked
from ajprivacy_pipeline.warehouse.locked_tables import told, without_snapshot
from ajprivacy_pipeline.warehouse.made_of_parts import plain_entry
from ajprivacy_pipeline.warehouse.mapping_file import (
    MOMENTS,
    ColumnEntry,
    Mapping,
    TableEntry,
    load_mapping,
    mapping_faults,
)
from ajprivacy_pipeline.warehouse.merged import with_survivors
from ajprivacy_pipeline.warehouse.readable import of_the_session, readable, with_bytes
from ajprivacy_pipeline.warehouse.reads import aliases_of, reads_of
from ajprivacy_pipeline.warehouse.resolved import ResolvedColumn, ResolvedSource, ResolvedTable
from ajprivacy_pipeline.warehouse.shared_cells import MASTERS, cells_of, of_master, remarks, shared_rows
from ajprivacy_pipeline.warehouse.source import UNKNOWN, ColumnType, Source, find, require_tables
from ajprivacy_pipeline.warehouse.unread import unread
from ajprivacy_pipeline.warehouse.written import changed, written

__all__ = ["Finding", "Mapping", "cells_of", "check", "load_mapping", "resolve"]


def resolve(source: Source, mapping: Mapping, sources: policy.Sources) -> ResolvedSource:
    """Hold a mapping against a warehouse; no row is read.

    Raises:
        SourceError: the warehouse has no tables or cannot be read.
        MappingError: with every missing or unknown table and column, every refused expression, every unfit type.
    """
    resolved, findings = _resolve(source, mapping, sources)
    if faults := [finding.message for finding in findings if finding.level == "fault"]:
        raise mapping_faults(faults)
    return resolved


def check(source: Source, mapping: Mapping, sources: policy.Sources) -> list[Finding]:
    """Returns everything worth knowing before a run: faults, missing evidence, what is absent, what is converted.

    Raises:
        SourceError: the warehouse has no tables or cannot be read.
    """
    resolved, findings = _resolve(source, mapping, sources)
    findings += [note("missing", view, None, f"{view}: not looked at: {source.lacks(view)}")
                 for view in source.broken_views()]
    if held := without_snapshot(source, resolved):
        findings.append(note("dangerous", "warehouse", None, f"{told(held)}: a run locks them against writers for as "
                             "long as it reads; let them be InnoDB (ALTER TABLE ... ENGINE=InnoDB)"))
    return ranked([*findings, *unread(source, mapping, resolved)])


def _resolve(source: Source, mapping: Mapping, sources: policy.Sources) -> tuple[ResolvedSource, list[Finding]]:
    require_tables(source)
    tables: dict[str, ResolvedTable | None] = {}
    evidence: dict[str, tuple[str, ...]] = {}
    findings: list[Finding] = []
    for name, table in sources.tables.items():
        resolver = _TableResolver(source, name, table, mapping)
        tables[name] = resolver.resolve()
        findings.extend(resolver.findings)
        if missing := tuple(found.column or "*" for found in resolver.findings if found.level == "evidence"):
            evidence[name] = missing
    masters = [(tables[name], sources.tables[name].key[0]) for name in MASTERS if name in tables]
    borrowed = of_master(tables.get("invoices"), mapping.tables.get("invoices"), masters, source.heirs())
    findings += [*remarks(tables, borrowed, sources), *shared_rows(source, tables, sources)]
    return ResolvedSource(tables, evidence, {"invoices": borrowed} if borrowed else {}, source.heirs()), findings


class _TableResolver:
    """Resolves one canonical table and collects what it finds on the way."""

    def __init__(self, source: Source, name: str, table: policy.SourceTable, mapping: Mapping) -> None:
        self.source, self.name, self.table, self.mapping = source, name, table, mapping
        self.entry = mapping.tables.get(name, TableEntry())
        self.findings: list[Finding] = []

    def resolve(self) -> ResolvedTable | None:
        if self.entry.absent is not None:
            self._note("missing", None, f"{self.name}: absent, hence empty ({self.entry.absent})")
            return None
        composer = self._composer()
        self.entry = plain_entry(composer, self.entry, self.table, self.mapping)
        self._tell(composer)
        found = self._from_query() if self.entry.query is not None else self._from_table()
        if found is None:
            return None
        relation, source_table, known = found
        columns = {column: self._column(column, spec, known) for column, spec in self.table.columns.items()}
        with composer.at(".merged_into"):
            merged = with_survivors(composer, self.mapping, self.name, relation, columns)
        shown, columns = (relation, columns) if composer.faults else merged
        if self.name == "customers":  # which alone says who is merged
            self._tell(composer)
        made = ResolvedTable(shown, source_table if shown == relation else None, self._probed(shown, columns))
        return self._settled(made)

    def _settled(self, made: ResolvedTable) -> ResolvedTable:
        """What is written and in which zones, without the columns that are at fault; of rows that are not, nothing."""
        at_fault = {finding.column for finding in self.findings if finding.level == "fault"}
        if at_fault & {None, *self.table.key}:
            return made
        sound = {name: None if name in at_fault else column for name, column in made.columns.items()}
        return self._with_zones(self._with_writes(replace(made, columns=sound)))

    def _composer(self) -> Composer:
        return Composer(self.source, sorted(self.mapping.nobody))

    def _tell(self, composer: Composer) -> None:
        """Tell what of the entry's parts is at fault."""
        for fault in composer.faults:
            self._find("fault", None, f"tables.{self.name}{fault}")
        composer.faults.clear()

    def _with_zones(self, table: ResolvedTable) -> ResolvedTable:
        """Refuse moments of a session's zone that end as texts or dates without one, where the mapping names none."""
        for name, spec in self.table.columns.items():
            of_arms = self.mapping.zones_of_arms(self.name, name)
            said = self.mapping.zone_of(self.name, name) is not None or (bool(of_arms) and None not in of_arms)
            if spec.type in MOMENTS and not said and of_the_session(self.source, table, name):
                self._find("fault", name, f"{self.name}.{name}: is made of a TIMESTAMP or of the session's time, which "
                           "is UTC here, and would be read as local time; end the expression as CONCAT(..., 'Z'), or "
                           f'say tables.{self.name}.columns.{name}.source_timezone = "UTC"')
        return table

    def _from_query(self) -> tuple[str, None, dict[str, ColumnType]] | None:
        query = (self.entry.query or "").strip().rstrip(";")
        relation = f"(\n{query}\n) AS mapped"
        known = self.source.probe(f"SELECT * FROM {relation} WHERE 1 = 0") if query else None
        if known is None:
            own = self.name in self.mapping.tables and self.mapping.tables[self.name].query is not None
            if own or query:
                self._find("fault", None, f"{self.name}: the warehouse refuses the query; try it there by hand and fix "
                                          f"tables.{self.name}{'.query' if own else ''}")
            return None
        return relation, None, with_bytes(self.source, relation, known)

    def _from_table(self) -> tuple[str, tuple[str, ...], dict[str, ColumnType]] | None:
        wanted = self.entry.table or self.name
        found = find(wanted, self.source.tables())
        path: tuple[str, ...] = (found,) if found else ()
        known = self.source.tables()[found] if found else {}
        if not found and self.entry.table and "." in wanted:
            schema, _, bare = wanted.partition(".")
            found = find(bare, self.source.tables(schema))
            path, known = ((schema, found), self.source.tables(schema)[found]) if found else ((), {})
        if found:
            return self.source.quote(*path), path, known
        remedy = f'name the source table: tables.{self.name}.table = "..." (a first mapping: `ajprivacy mapping init`)'
        if self.entry.table or find(wanted, self.source.broken_views()) is not None:  # which is not empty but unread
            self._find("fault", None, f"{self.name}: {self.source.lacks(wanted)}; correct "
                                      f'tables.{self.name}.table, or write absent = "reason"')
        elif self.table.required:
            self._find("fault", None, f"{self.name}: required, and {self.source.lacks(wanted)}; {remedy}")
        elif self.entry.columns:
            self._find("fault", None, f"{self.name}: has columns in the mapping, but no table {wanted} exists; "
                                      f"{remedy}")
        elif self.table.evidence:
            self._find("evidence", None, f"{self.name}: missing, and evidence for keeping: nothing will be due; "
                                         f'{remedy}, or say tables.{self.name}.absent = "reason"')
        else:
            self._note("missing", None, f"{self.name}: missing, counts as empty")
        return None

    def _column(self, name: str, spec: policy.SourceColumn, known: dict[str, ColumnType]) -> ResolvedColumn | None:
        entry = self.entry.columns.get(name)
        where = f"{self.name}.{name}"
        if entry is not None and entry.constant is not None:
            text = str(entry.constant).lower() if isinstance(entry.constant, bool) else str(entry.constant)
            return ResolvedColumn(self.source.text_literal(text), ColumnType("text", "constant"), None, text)
        if entry is not None and entry.sql is not None:
            return ResolvedColumn(f"({entry.sql})", UNKNOWN, None)
        if entry is not None and entry.absent is not None:
            self._note("missing", name, f"{where}: absent, counts as empty ({entry.absent})")
            return None
        wanted = entry.column if entry is not None and entry.column is not None else name
        found = find(wanted, known)
        if found is not None and entry is not None and entry.is_recoded:
            return self._recoded(name, spec, entry, known)
        if found is not None and (entry is not None or self._is_named(name)):
            return ResolvedColumn(self.source.quote(found), known[found], found, nullable=known[found].nullable)
        columns = f"tables.{self.name}.{'union.0.' if self.entry.union else ''}columns"
        remedy = f'write {columns}.{name} = "source column" or {{ sql = "..." }}'
        unnamed = f"the query shows a {found}, and nobody says that it is this one"
        if found is not None and entry is None:
            remedy += f" ({unnamed})"
        if entry is not None:
            self._find("fault", name, f"{where}: the warehouse has no column {wanted} there; {remedy}, or "
                                      '{ absent = "reason" }')
        elif spec.required or spec.must_map:
            self._find("fault", name, f"{where}: required, and no column {wanted} feeds it; {remedy}")
        elif spec.evidence:
            self._find("evidence", name, f"{where}: missing, and evidence for keeping: nothing will be due; {remedy}, "
                                         'or { absent = "reason" }')
        else:
            self._note("missing", name, f"{where}: missing, counts as empty{f'; {unnamed}' if found else ''}")
        return None

    def _recoded(self, name: str, spec: policy.SourceColumn, entry: ColumnEntry,
                 known: dict[str, ColumnType]) -> ResolvedColumn:
        """A column whose values are changed on the way, which the source does."""
        composer = self._composer()
        made = composer.expression(composer.held(entry.column or name, known, spec.type), entry, known)
        for fault in composer.faults:
            self._find("fault", name, f"{self.name}.{name}{fault}")
        return ResolvedColumn(f"({made})", UNKNOWN, None)

    def _is_named(self, name: str) -> bool:
        """Whether a column that the mapping leaves out is meant: of a query, what it names itself and nothing else."""
        return self.entry.query is None or name in self._aliases

    @cached_property
    def _aliases(self) -> frozenset[str]:
        return aliases_of(self.source, self.entry.query or "")

    def _probed(self, relation: str, columns: dict[str, ResolvedColumn | None]) -> dict[str, ResolvedColumn | None]:
        """Let the source check every expression, take the types it reports, refuse those that cannot be converted."""
        fed = {name: column for name, column in columns.items() if column is not None}
        types = self.source.probe(select(self.source, relation, fed))
        if types is None:
            types = {}
            for name, column in fed.items():
                alone = self.source.probe(select(self.source, relation, {name: column}))
                if alone is None:
                    self._find("fault", name, f"{self.name}.{name}: the warehouse refuses {column.sql}; fix "
                                              f"tables.{self.name}.columns.{name}")
                types |= alone or {}
        result = dict(columns)
        for name, column in fed.items():
            reported = types.get(name, UNKNOWN)
            type_ = column.type if reported.kind == "unknown" or column.constant is not None else reported
            canonical = self.table.columns[name].type
            result[name] = shown = readable(replace(column, type=type_), canonical, self.source.dialect)
            if reason := unfit(canonical, shown.type, self.source.dialect):
                self._find("fault", name, f"{self.name}.{name}: {reason}")
            elif column.source_column is not None:
                beside = self._by_own_name(name)
                self._note("dangerous" if beside else "harmless", name, f"{self.name}.{name}: {column.source_column} "
                           f"({type_.name}) read as {canonical}{beside}")
        return result

    def _by_own_name(self, name: str) -> str:
        """Says where the mapping names other columns and not this one, which may mean another thing there."""
        return ", under its own name: the mapping does not name it" if (
            self.entry.columns and name not in self.entry.columns) else ""

    def _faults(self) -> bool:
        return any(finding.level == "fault" for finding in self.findings)

    def _with_writes(self, table: ResolvedTable) -> ResolvedTable:
        """Settle which columns of the source are changed for those of the contract, in one table or arm by arm."""
        made = self._in_one_table(table)
        if self.entry.writes or any(entry.writes for entry in self.entry.columns.values()):
            return made
        ends = {arm.prefix or "": arm.ends for arm in self.entry.union if arm.ends}
        return replace(made, arms=found_arms(self.source, self.table.key, made, ends, self.mapping.nobody))

    def _in_one_table(self, table: ResolvedTable) -> ResolvedTable:
        fed = {name: column for name, column in table.columns.items() if column is not None}
        own = {name: (column.source_column,) for name, column in fed.items()
               if column.source_column and not column.keyless}
        plain = changed(table, table.source_table, own if table.source_table else {}, {})
        is_view = table.source_table is not None and table.source_table[-1] in self.source.views(
            table.source_table[0] if len(table.source_table) > 1 else None)
        if table.source_table and not is_view and not any(column.is_made for column in fed.values()):
            return plain
        listed = ", ".join(f"{column.sql} AS {self.source.quote(name)}" for name, column in fed.items())
        reads = reads_of(self.source, f"SELECT {listed} FROM {table.relation}")
        path = None if is_view and not self.entry.writes else (
            self._written_table() or table.source_table or self._own_table)
        if reads is None or path is None:
            if reads is None and (self.entry.writes or any(entry.writes for entry in self.entry.columns.values())):
                self._find("fault", None, f"{self.name}: names in `writes` what is changed, and what feeds it is not "
                                          "understood well enough to tell; leave `writes` out")
            return replace(plain, reads=reads)
        try:
            found = written(self.source, self.entry, self.table.key, path, reads)
        except ValueError as error:
            for fault in error.args:
                self._find("fault", None, f"tables.{self.name}.{fault}")
            return table
        known = self.source.tables(path[0] if len(path) > 1 else None)[path[-1]]
        columns = {**found.columns, **found.links(self.source, table.relation, fed)}
        return replace(changed(table, path, columns, known), mention=found.mention, reads=reads)

    @property
    def _own_table(self) -> tuple[str, ...] | None:
        """The table beside which pivots, addresses and survivors stand: its own rows are those of the query."""
        own = self.mapping.tables.get(self.name, TableEntry())
        if own.query is not None or own.union or own.guests or self.entry.columns != own.columns:
            return None
        schema, _, bare = (own.table or self.name).rpartition(".")
        found = find(bare, self.source.tables(schema or None))
        if found is None or found in self.source.views(schema or None):
            return None
        return (schema, found) if schema else (found,)

    def _written_table(self) -> tuple[str, ...] | None:
        if self.entry.writes is None:
            return None
        schema, _, bare = self.entry.writes.rpartition(".")
        found = find(bare, self.source.tables(schema or None))
        if found is None:
            self._find("fault", None, f"{self.name}: {self.source.lacks(self.entry.writes)}; correct "
                                      f"tables.{self.name}.writes")
            return None
        return (schema, found) if schema else (found,)

    def _find(self, level: Level, column: str | None, message: str) -> None:
        self.findings.append(Finding(level, self.name, column, message))

    def _note(self, rank: Rank, column: str | None, message: str) -> None:
        self.findings.append(note(rank, self.name, column, message))


def select(source: Source, relation: str, columns: dict[str, ResolvedColumn]) -> str:
    """Returns a SELECT of the given columns under their canonical names that returns no row."""
    listed = ", ".join(f"{column.sql} AS {source.quote(name)}" for name, column in columns.items())
    return f"SELECT {listed or '1'} FROM {relation} WHERE 1 = 0"
