"""The catalogue of PostgreSQL: pg_catalog, read for a table together with its partitions and children.

Belongs here: reading. Does not belong here: judging what was read (rules.py). What hangs on a partition alone counts
for its parent, since a write to the parent reaches it.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.constraints.lexer import mentioned, with_name
from ajprivacy_pipeline.warehouse.constraints.shapes import (
    Check,
    ColumnFacts,
    Event,
    ForeignKey,
    Key,
    Table,
    TableFacts,
    Trigger,
)
from ajprivacy_pipeline.warehouse.source import Source

_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialised view", "f": "foreign table"}
_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_UPDATE, _DELETE = 16, 8  # bits of pg_trigger.tgtype

_RELATION = """
    SELECT c.oid, c.relkind, row_security_active(c.oid), c.relreplident,
           md5(concat(c.relrowsecurity, c.relforcerowsecurity,
                      (SELECT string_agg(CAST(p AS text), ',' ORDER BY p.policyname) FROM pg_policies AS p
                       WHERE p.schemaname = n.nspname AND p.tablename = c.relname))),
           EXISTS (SELECT 1 FROM pg_publication_tables AS p
                   WHERE p.schemaname = n.nspname AND p.tablename = c.relname)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass(:name)"""
_FAMILY = """
    WITH RECURSIVE below AS (
        SELECT CAST(:oid AS oid) AS oid UNION
        SELECT i.inhrelid FROM pg_inherits AS i JOIN below ON i.inhparent = below.oid
    ), above AS (
        SELECT CAST(:oid AS oid) AS oid UNION
        SELECT i.inhparent FROM pg_inherits AS i JOIN above ON i.inhrelid = above.oid
    )
    SELECT (SELECT array_agg(oid) FROM below), (SELECT array_agg(oid) FROM above)"""
_COLUMNS = """
    WITH RECURSIVE types AS (
        SELECT a.attname, t.oid, t.typtype, t.typbasetype, t.typcategory, t.typnotnull, a.atttypmod AS typmod
        FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
        WHERE a.attrelid = :oid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT types.attname, t.oid, t.typtype, t.typbasetype, t.typcategory, t.typnotnull, d.typtypmod
        FROM types JOIN pg_type AS d ON d.oid = types.oid JOIN pg_type AS t ON t.oid = d.typbasetype
        WHERE types.typtype = 'd'
    )
    SELECT a.attname,
           (array_agg(format_type(types.oid, types.typmod)) FILTER (WHERE types.typtype <> 'd'))[1],
           bool_or(types.typcategory = 'S'),
           bool_or(types.typnotnull) OR EXISTS (
               SELECT 1 FROM pg_attribute AS child
               WHERE child.attrelid = ANY (:below) AND child.attname = a.attname AND child.attnotnull),
           a.attidentity, a.attgenerated, a.atthasdef, pg_get_expr(d.adbin, d.adrelid),
           max(types.typmod - 4) FILTER (WHERE types.oid IN (1042, 1043) AND types.typmod > 4),
           array_agg(types.oid) FILTER (WHERE types.typtype = 'd')
    FROM pg_attribute AS a JOIN types USING (attname)
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = :oid AND a.attnum > 0
    GROUP BY a.attname, a.attnum, a.atttypid, a.atttypmod, a.attidentity, a.attgenerated, a.atthasdef, d.adbin,
             d.adrelid
    ORDER BY a.attnum"""
_INDEXES = """
    SELECT DISTINCT ON (c.relname) c.relname, i.indisprimary, i.indisexclusion,
           coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'false') = 'true',
           coalesce(pg_get_expr(i.indpred, i.indrelid), ''), i.indexprs IS NULL,
           ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, false) FROM generate_series(1, i.indnkeyatts) AS k),
           i.indrelid = :oid
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY (:below) AND (i.indisunique OR i.indisexclusion)
      AND (i.indrelid = :oid OR NOT EXISTS (SELECT 1 FROM pg_inherits AS up WHERE up.inhrelid = i.indexrelid))
    ORDER BY c.relname"""
_CHECKS = """
    SELECT DISTINCT con.conname, pg_get_expr(con.conbin, con.conrelid)
    FROM pg_constraint AS con
    WHERE con.contype = 'c' AND con.conrelid = ANY (:below)
      AND coalesce(to_jsonb(con) ->> 'conenforced', 'true') = 'true'
    ORDER BY 1, 2"""
_DOMAINS = """
    SELECT con.conname, pg_get_expr(con.conbin, 0) FROM pg_constraint AS con
    WHERE con.contype = 'c' AND con.contypid = ANY (:types) ORDER BY 1"""
_FOREIGN = """
    SELECT con.conname, con.conrelid, con.confrelid,
           ARRAY(SELECT a.attname FROM unnest(con.conkey) WITH ORDINALITY AS k (num, place)
                 JOIN pg_attribute AS a ON a.attrelid = con.conrelid AND a.attnum = k.num ORDER BY k.place)::text[],
           ARRAY(SELECT a.attname FROM unnest(con.confkey) WITH ORDINALITY AS k (num, place)
                 JOIN pg_attribute AS a ON a.attrelid = con.confrelid AND a.attnum = k.num ORDER BY k.place)::text[],
           con.confdeltype, con.confupdtype, con.convalidated, con.confmatchtype = 'f', con.condeferrable
    FROM pg_constraint AS con
    WHERE con.contype = 'f' AND con.conparentid = 0
      AND (con.conrelid = ANY (:children) OR con.confrelid = ANY (:parents))
      AND coalesce(to_jsonb(con) ->> 'conenforced', 'true') = 'true'
    ORDER BY con.conname, con.conrelid"""
_TRIGGERS = """
    SELECT t.tgname, t.tgtype, md5(pg_get_triggerdef(t.oid) || p.prosrc),
           ARRAY(SELECT a.attname FROM pg_attribute AS a
                 WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr))::text[]
    FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
    WHERE t.tgrelid = ANY (:below) AND NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled IN ('O', 'A')
    ORDER BY t.tgname, t.tgrelid"""
_RULES = """
    SELECT r.rulename, r.ev_type, md5(pg_get_ruledef(r.oid)) FROM pg_rewrite AS r
    WHERE r.ev_class = :oid AND r.ev_type IN ('2', '4') AND r.ev_enabled IN ('O', 'A') ORDER BY r.rulename"""
_PARTITIONS = """
    SELECT coalesce(string_agg(pg_get_partkeydef(partrelid), ' , '), '') FROM pg_partitioned_table
    WHERE partrelid = ANY (:family)"""


class PostgresCatalogue:
    """Facts of one open PostgreSQL database, each table read once."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def facts(self, table: Table) -> TableFacts | None:
        """Returns what the catalogue says of a table; None: there is none of that name."""
        with driver_errors(self.source.address):
            rows = self._rows(_RELATION, name=self.source.quote(*table))
            return self._facts(rows[0]) if rows else None

    def lacks(self, facts: TableFacts, updated: set[str], deletes: bool) -> list[tuple[str | None, str]]:
        """Returns rights that are missing, with the column where the right is one column's."""
        name, found = self.source.quote(*facts.table), list[tuple[str | None, str]]()
        with driver_errors(self.source.address):
            if deletes and not self._one("SELECT has_table_privilege(:name, 'DELETE')", name=name):
                found.append((None, "DELETE"))
            for right, columns in (("SELECT", {*updated, *facts.key}), ("UPDATE", updated)):
                found += [(column, right) for column in sorted(columns) if not self._one(
                    "SELECT has_column_privilege(:name, :column, :right)", name=name, column=column, right=right)]
        return found

    def inserts(self, facts: TableFacts) -> bool:
        """Whether rows may be inserted."""
        with driver_errors(self.source.address):
            return bool(self._one("SELECT has_table_privilege(:name, 'INSERT')", name=self.source.quote(*facts.table)))

    def read_only(self) -> str:
        """Returns what a person does so that writes are taken; '' they are."""
        with driver_errors(self.source.address):
            return "" if not self._one("SELECT pg_is_in_recovery()") else (
                "point AJPRIVACY_WAREHOUSE to the server that takes the writes: this one is a replica")

    def fits(self, value: str, column: ColumnFacts) -> bool:
        """Whether a column can hold a value, as the server itself says."""
        literal = self.source.text_literal(value)
        return self.source.probe(f"SELECT CAST({literal} AS {column.type})") is not None

    def cast(self, literal: str, column: ColumnFacts) -> str:
        """Returns a literal as a value of the column's type."""
        return f"CAST({literal} AS {column.type})"

    # ---- reading

    def _rows(self, sql: str, **values: Any) -> list[Any]:
        return list(self.source.connection.execute(sa.text(sql), values))

    def _one(self, sql: str, **values: Any) -> Any:
        return self.source.connection.execute(sa.text(sql), values).scalar()

    def _name(self, oid: int) -> Table:
        """The name of a relation, with its schema where it would not be found without."""
        schema, name, visible = self._rows(
            "SELECT n.nspname, c.relname, pg_table_is_visible(c.oid) FROM pg_class AS c "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = :oid", oid=oid)[0]
        return (name,) if visible else (schema, name)

    def _facts(self, relation: Any) -> TableFacts:
        oid, kind, secured, identity, policies, published = relation
        below, above = self._rows(_FAMILY, oid=oid)[0]
        columns, domains = self._columns(oid, below)
        keys = tuple(self._keys(oid, below, columns, whole=kind == "p" or len(below) == 1))
        family = [*below, *above]
        identified = identity in ("f", "i") or (identity == "d" and any(key.primary for key in keys))
        partitioned = self._one(_PARTITIONS, family=family)
        return TableFacts(
            self._name(oid), _KINDS.get(kind, "no table"), columns, keys=keys,
            checks=(*self._checks(below, columns), *domains),
            foreign_keys=tuple(self._foreign(below, [])), incoming=tuple(self._foreign([], family)),
            triggers=tuple(self._triggers(oid, below)), partition_columns=mentioned(partitioned, columns),
            row_security=secured, policies=policies, published=published,
            unidentified=published and not identified)

    def _columns(self, oid: int, below: list[int]) -> tuple[dict[str, ColumnFacts], list[Check]]:
        columns, checks = {}, []
        for (name, type_, text, not_null, identity, generated, default, expression, length,
             domains) in self._rows(_COLUMNS, oid=oid, below=below):
            columns[name] = ColumnFacts(
                name, type_, is_text=bool(text), nullable=not not_null, max_length=length,
                generated=bool(generated) or identity == "a", has_default=bool(default or identity),
                expression=expression if generated else "")
            for named, sql in self._rows(_DOMAINS, types=domains) if domains else ():
                checks.append(Check(named, with_name(sql, "VALUE", self.source.quote(name)), (name,)))
        return columns, checks

    def _keys(self, oid: int, below: list[int], columns: dict[str, ColumnFacts], *, whole: bool) -> Iterator[Key]:
        """The keys of a table and of its children; `whole` says whether its own hold over the rows of these, too."""
        for name, primary, exclusion, together, predicate, bare, parts, own in self._rows(
                _INDEXES, oid=oid, below=below):
            yield Key(name, tuple(parts), mentioned(f"{' , '.join(parts)} {predicate}", columns),
                      plain=bare and not predicate, predicate=predicate, primary=primary,
                      nulls_distinct=not together, exclusion=exclusion, whole=whole and own)

    def _checks(self, below: list[int], columns: dict[str, ColumnFacts]) -> Iterator[Check]:
        for name, sql in self._rows(_CHECKS, below=below):
            yield Check(name, sql, mentioned(sql, columns))

    def _foreign(self, children: list[int], parents: list[int]) -> Iterator[ForeignKey]:
        for name, child, parent, columns, to, on_delete, on_update, valid, full, deferrable in self._rows(
                _FOREIGN, children=children, parents=parents):
            yield ForeignKey(name, self._name(child), tuple(columns), self._name(parent), tuple(to),
                             _ACTIONS[on_delete], _ACTIONS[on_update], valid, full, deferrable)

    def _triggers(self, oid: int, below: list[int]) -> Iterator[Trigger]:
        for name, type_, body, columns in self._rows(_TRIGGERS, below=below):
            bits: tuple[tuple[int, Event], ...] = ((_UPDATE, "update"), (_DELETE, "delete"))
            if events := tuple(event for bit, event in bits if type_ & bit):
                yield Trigger(name, events, tuple(columns), body=body)
        for name, event, body in self._rows(_RULES, oid=oid):
            yield Trigger(name, ("update" if event == "2" else "delete",), kind="rule", body=body)
