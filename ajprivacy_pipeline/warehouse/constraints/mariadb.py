"""The catalogue of MariaDB: information_schema, and EXPLAIN of a statement for the right to run it.

Belongs here: reading. Does not belong here: judging what was read (rules.py). EXPLAIN changes nothing, and asks for the
rights of the statement it explains, by whatever role or wildcard they were granted.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.constraints.lexer import Word, checks, closing, digest, mentioned, words
from ajprivacy_pipeline.warehouse.constraints.shapes import (
    Check,
    ColumnFacts,
    Event,
    ForeignKey,
    Key,
    Table,
    TableFacts,
    Trigger,
    spelt,
)
from ajprivacy_pipeline.warehouse.source import Source

_KINDS = {"BASE TABLE": "table", "SYSTEM VERSIONED": "table", "VIEW": "view", "SEQUENCE": "sequence"}
_TEXT = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext")
_BYTES = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "bigint": 8}
_EVENTS: dict[str, Event] = {"UPDATE": "update", "DELETE": "delete"}
_DENIED = (1044, 1142, 1143, 1227)  # ER_*ACCESS_DENIED of database, table, column, and for want of a right
_GRANTED = r'\*|`(?:[^`]|``)*`|"(?:[^"]|"")*"'  # quoted as the session's mode says
_GRANT = re.compile(rf"GRANT (?P<rights>.*?) ON (?P<schema>{_GRANTED})\.(?P<table>{_GRANTED}) TO ")

_TABLE = """
    SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.TABLE_TYPE, coalesce(t.ENGINE, 'no engine'), coalesce(e.TRANSACTIONS, 'NO')
    FROM information_schema.TABLES AS t LEFT JOIN information_schema.ENGINES AS e ON e.ENGINE = t.ENGINE
    WHERE t.TABLE_SCHEMA = coalesce(:schema, DATABASE()) AND t.TABLE_NAME = :name"""
_COLUMNS = """
    SELECT COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH, EXTRA,
           COLUMN_DEFAULT, coalesce(GENERATION_EXPRESSION, '')
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :name ORDER BY ORDINAL_POSITION"""
_KEYS = """
    SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :name AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX"""
_TABLES = """
    SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES
    WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
      AND TABLE_SCHEMA NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
    ORDER BY TABLE_SCHEMA, TABLE_NAME"""
_TRIGGERS = """
    SELECT TRIGGER_NAME, EVENT_MANIPULATION, ACTION_TIMING, ACTION_STATEMENT FROM information_schema.TRIGGERS
    WHERE EVENT_OBJECT_SCHEMA = :schema AND EVENT_OBJECT_TABLE = :name ORDER BY TRIGGER_NAME"""
_PARTITIONS = """
    SELECT DISTINCT coalesce(PARTITION_EXPRESSION, ''), coalesce(SUBPARTITION_EXPRESSION, ''), PARTITION_METHOD
    FROM information_schema.PARTITIONS
    WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :name AND PARTITION_METHOD IS NOT NULL"""


class MariadbCatalogue:
    """Facts of one open MariaDB database, each table read once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._known: list[ForeignKey] | None = None

    def facts(self, table: Table) -> TableFacts | None:
        """Returns what the catalogue says of a table; None: there is none of that name."""
        with driver_errors(self.source.address):
            schema = table[0] if len(table) > 1 else None
            rows = self._rows(_TABLE, schema=schema, name=table[-1])
            return self._facts(*rows[0]) if rows else None

    def lacks(self, facts: TableFacts, updated: set[str], deletes: bool) -> list[tuple[str | None, str]]:
        """Returns rights that are missing, with the column where the right is one column's."""
        name, quote = self.source.quote(*facts.table), self.source.quote
        found: list[tuple[str | None, str]] = []
        if deletes and not self._may(f"EXPLAIN DELETE FROM {name} WHERE 1 = 0"):
            found.append((None, "DELETE"))
        found += [(column, "SELECT") for column in sorted({*updated, *facts.key})
                  if not self._may(f"SELECT {quote(column)} FROM {name} WHERE 1 = 0")]
        writable = {*updated, *(facts.touched if updated else ())} - {
            column.name for column in facts.columns.values() if column.generated}
        found += [(column, "UPDATE") for column in sorted(writable)
                  if not self._may(f"EXPLAIN UPDATE {name} SET {quote(column)} = NULL WHERE 1 = 0")]
        if not self._statement(self._schema(facts.table), facts.table[-1]):
            found.append((None, "SELECT"))  # of the whole table: without it nobody shows its constraints
        if (updated or deletes) and not self._sees_triggers(facts.table):
            found.append((None, "TRIGGER"))
        return found

    def inserts(self, facts: TableFacts) -> bool:
        """Whether rows may be inserted."""
        return self._may(f"EXPLAIN INSERT INTO {self.source.quote(*facts.table)} VALUES ()")

    def read_only(self) -> str:
        """Returns what a person does so that writes are taken; '' they are."""
        with driver_errors(self.source.address):
            return "" if not self._rows("SELECT @@global.read_only")[0][0] else (
                "point AJPRIVACY_WAREHOUSE to the server that takes the writes: this one is read_only, as replicas are")

    def fits(self, value: str, column: ColumnFacts) -> bool:
        """Whether a column can hold a value."""
        kind = column.type.partition("(")[0].partition(" ")[0]
        try:
            if kind in _BYTES:
                many = 1 << (8 * _BYTES[kind])
                lowest = 0 if "unsigned" in column.type else -many // 2
                return lowest <= int(value) < lowest + many
            if kind == "decimal":
                Decimal(value)
            elif kind == "uuid":
                UUID(value)
            elif kind in ("date", "datetime", "timestamp"):
                date.fromisoformat(value[:10])
        except (InvalidOperation, ValueError):
            return False
        return kind != "enum" or f"'{value.casefold()}'" in column.type.casefold()

    def cast(self, literal: str, column: ColumnFacts) -> str:  # noqa: ARG002 - as the other catalogues
        """Returns a literal as a value of the column's type: MariaDB compares by the other side's."""
        return literal

    # ---- reading

    def _rows(self, sql: str, **values: Any) -> list[Any]:
        return list(self.source.connection.execute(sa.text(sql), values))

    def _may(self, statement: str) -> bool:
        """Whether the user has the rights for a statement that changes nothing; other faults are not told here."""
        try:
            self.source.connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).close()
        except sa.exc.DBAPIError as error:
            return not (error.orig and error.orig.args and error.orig.args[0] in _DENIED)
        return True

    def _sees_triggers(self, table: Table) -> bool:
        """Whether the user has the right without which information_schema shows no trigger."""
        with driver_errors(self.source.address):
            schema = self._schema(table)
            for row in self.source.connection.exec_driver_sql("SHOW GRANTS"):
                found = _GRANT.match(row[0])
                if (found and re.search(r"\b(ALL PRIVILEGES|TRIGGER)\b", found["rights"])
                        and _covers(found["schema"], schema, wildcards=True) and _covers(found["table"], table[-1])):
                    return True
        return False

    def _schema(self, table: Table) -> str:
        return table[0] if len(table) > 1 else str(self.source.connection.dialect.default_schema_name)

    def _name(self, schema: str, name: str) -> Table:
        return (name,) if schema == self.source.connection.dialect.default_schema_name else (schema, name)

    def _facts(self, schema: str, name: str, kind: str, engine: str, transactions: str) -> TableFacts:
        columns = {column.name: column for column in self._columns(schema, name)}
        keys = tuple(self._keys(schema, name))
        own, made, pointing = self._name(schema, name), self._statement(schema, name), self._references()
        return TableFacts(
            own, _KINDS.get(kind, kind.lower()), columns, keys=keys,
            checks=tuple(Check(*found) for found in checks(made, words(made, escapes=True), columns)),
            foreign_keys=tuple(key for key in pointing if key.table == own),
            incoming=tuple(key for key in pointing if key.to == own),
            triggers=tuple(Trigger(named, (_EVENTS[event],), body=digest(timing, text))
                           for named, event, timing, text in self._rows(_TRIGGERS, schema=schema, name=name)
                           if event in _EVENTS),
            partition_columns=tuple(self._partitions(schema, name, columns, keys)),
            engine="" if transactions == "YES" else engine, versioned=kind == "SYSTEM VERSIONED")

    def _columns(self, schema: str, name: str) -> Iterator[ColumnFacts]:
        for column, type_, kind, nullable, length, extra, default, expression in self._rows(
                _COLUMNS, schema=schema, name=name):
            said = extra.lower()
            yield ColumnFacts(
                column, type_, is_text=kind in _TEXT, nullable=nullable == "YES",
                max_length=length if kind in _TEXT else None, generated="generated" in said or "row start" in said
                or "row end" in said, on_update_timestamp="on update" in said,
                has_default=default is not None or "auto_increment" in said, expression=expression)

    def _keys(self, schema: str, name: str) -> Iterator[Key]:
        indexes: dict[str, list[tuple[str, int | None]]] = {}
        for index, column, prefix in self._rows(_KEYS, schema=schema, name=name):
            indexes.setdefault(index, []).append((column, prefix))
        for index, parts in indexes.items():
            bare = [self.source.quote(column) for column, _ in parts]
            yield Key("PRIMARY KEY" if index == "PRIMARY" else index,
                      tuple(f"LEFT({column}, {prefix})" if prefix else column
                            for column, (_, prefix) in zip(bare, parts, strict=True)),
                      tuple(column for column, _ in parts), plain=not any(prefix for _, prefix in parts),
                      primary=index == "PRIMARY")

    def _statement(self, schema: str, name: str) -> str:
        """The CREATE TABLE of a table; '' where the user may not see it, or it is none.

        information_schema shows CHECK constraints and foreign keys only to whom may change the table.
        """
        try:
            row = self.source.connection.exec_driver_sql(f"SHOW CREATE TABLE {self.source.quote(schema, name)}",
                                                         execution_options={"no_parameters": True}).first()
        except sa.exc.DBAPIError:
            return ""
        return str(row[1]) if row is not None and row[1].startswith("CREATE TABLE") else ""

    def _references(self) -> list[ForeignKey]:
        """Every foreign key of the tables that the user may see, in any schema."""
        if self._known is None:
            self._known = [key for schema, name in self._rows(_TABLES)
                           for key in self._foreign(schema, name, self._statement(schema, name))]
        return self._known

    def _foreign(self, schema: str, name: str, made: str) -> Iterator[ForeignKey]:
        found = words(made, escapes=True)
        for place, word in enumerate(found):
            if word.says("FOREIGN") and found[place + 1].says("KEY"):
                columns = closing(found, place + 2)
                other = next(at for at in range(columns, len(found)) if found[at].says("("))
                ends = closing(found, other)
                to = [part.text for part in found[columns + 2:other] if part.kind == "name"]
                actions = {"DELETE": "RESTRICT", "UPDATE": "RESTRICT"}
                while ends + 2 < len(found) and found[ends + 1].says("ON"):
                    event, action = found[ends + 2].text, [found[ends + 3].text]
                    if action[0] in ("SET", "NO"):
                        action.append(found[ends + 4].text)
                    actions[event] = " ".join(action)
                    ends += 2 + len(action)
                target = (to[0] if len(to) > 1 else schema, to[-1])
                yield ForeignKey(
                    found[place - 1].text, self._name(schema, name),
                    self._spelt(_names(found[place + 3:columns]), schema, name), self._name(*target),
                    self._spelt(_names(found[other + 1:closing(found, other)]), *target),
                    actions["DELETE"], actions["UPDATE"])

    def _spelt(self, names: Sequence[str], schema: str, table: str) -> tuple[str, ...]:
        """Columns as their table spells them, which a foreign key may do otherwise."""
        known = [row[0] for row in self._rows(_COLUMNS, schema=schema, name=table)]
        return tuple(spelt(name, known) or name for name in names)

    def _partitions(self, schema: str, name: str, columns: dict[str, ColumnFacts],
                    keys: tuple[Key, ...]) -> Iterator[str]:
        for expression, below, method in self._rows(_PARTITIONS, schema=schema, name=name):
            yield from mentioned(f"{expression} {below}", columns)
            if "KEY" in method and not expression:  # KEY() is the primary key
                yield from (column for key in keys if key.primary for column in key.columns)


def _names(found: Sequence[Word]) -> tuple[str, ...]:
    return tuple(word.text for word in found if word.kind == "name")


def _covers(pattern: str, name: str, *, wildcards: bool = False) -> bool:
    """Whether a name of a grant means this one; in a schema's, % and _ stand for others unless escaped."""
    if pattern == "*":
        return True
    bare = pattern[1:-1].replace(pattern[0] * 2, pattern[0])
    if not wildcards:
        return bare == name
    shape = "".join({"%": ".*", "_": "."}.get(part, re.escape(part.removeprefix("\\") if len(part) > 1 else part))
                    for part in re.findall(r"\\.|.", bare))
    return re.fullmatch(shape, name) is not None
