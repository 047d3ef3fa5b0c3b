"""The catalogue of SQLite: pragmas, and the text of CREATE statements, which is all that tells of CHECK and triggers.

Belongs here: reading. Does not belong here: judging what was read (rules.py).
"""

import os
import re
from collections.abc import Iterator
from typing import Any

from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.constraints.lexer import bracketed, checks, digest, listed, mentioned, words
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

_TEXT = ("CHAR", "CLOB", "TEXT")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_GENERATED = (2, 3)  # of table_xinfo's `hidden`: virtual, stored
_EVENTS: dict[str, Event] = {"UPDATE": "update", "DELETE": "delete"}
_EXPRESSION = -2  # of index_xinfo's `cid`


class SqliteCatalogue:
    """Facts of one open SQLite file, each table read once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._read: dict[tuple[str, str], list[Any]] = {}  # every table's keys are looked through for each table

    def facts(self, table: Table) -> TableFacts | None:
        """Returns what the catalogue says of a table; None: there is none of that name."""
        with driver_errors(self.source.address):
            found = [row for row in self._pragma("table_list") if row[1].casefold() == table[-1].casefold()]
            return self._facts((found[0][1],), found[0][2]) if found else None

    def lacks(self, facts: TableFacts, updated: set[str],  # noqa: ARG002 - as the other catalogues
              deletes: bool) -> list[tuple[str | None, str]]:  # noqa: ARG002 - as above
        """Returns rights that are missing: none, a file is writable as a whole."""
        return []

    def inserts(self, facts: TableFacts) -> bool:  # noqa: ARG002 - as the other catalogues
        """Whether rows may be inserted."""
        return True

    def read_only(self) -> str:
        """Returns what a person does so that writes are taken; '' they are."""
        path = self.source.address.sqlite_file
        able = all(os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
                   for place in (path, path.parent))
        return "" if able else "let this user write to the database's file and to its folder"

    def fits(self, value: str, column: ColumnFacts) -> bool:  # noqa: ARG002 - as the other catalogues
        """Whether a column can hold a value; here every column can hold everything."""
        return True

    def cast(self, literal: str, column: ColumnFacts) -> str:
        """Returns a literal as the column would hold it: text is a number where the column is one, if it looks so."""
        if column.is_text:
            return f"CAST({literal} AS TEXT)" if column.type else literal
        return literal.strip("'") if _NUMBER.fullmatch(literal.strip("'")) else literal

    # ---- reading

    def _table(self, name: str) -> str:
        """A table as the catalogue spells it."""
        return next((row[1] for row in self._pragma("table_list") if row[1].casefold() == name.casefold()), name)

    def _pragma(self, name: str, argument: str = "") -> list[Any]:
        if (name, argument) not in self._read:
            quoted = f"({self.source.quote(argument)})" if argument else ""
            self._read[name, argument] = list(self.source.connection.exec_driver_sql(f"PRAGMA {name}{quoted}"))
        return self._read[name, argument]

    def _sql(self, kind: str, column: str, name: str) -> list[tuple[str, str]]:
        rows = self.source.connection.exec_driver_sql(
            f"SELECT name, coalesce(sql, '') FROM sqlite_master WHERE type = ? AND lower({column}) = lower(?) "
            "ORDER BY name", (kind, name))
        return [(str(row[0]), str(row[1])) for row in rows]

    def _facts(self, table: Table, kind: str) -> TableFacts:
        sql = next((text for _, text in self._sql("table", "name", table[-1])), "")
        columns = self._columns(table[-1], sql)
        keys = tuple(self._keys(table[-1], columns))
        return TableFacts(
            table, {"table": "table", "virtual": "virtual table", "shadow": "virtual table"}.get(kind, kind), columns,
            keys=keys, checks=tuple(Check(*found) for found in checks(sql, words(sql), columns)),
            foreign_keys=tuple(self._foreign(table[-1])),
            incoming=tuple(self._incoming(table[-1])), triggers=tuple(self._triggers(table[-1], columns)),
            on_conflict=_conflict(sql))

    def _columns(self, table: str, sql: str) -> dict[str, ColumnFacts]:
        made = dict(_expressions(sql))
        found = {}
        for _, name, type_, not_null, default, _, hidden in self._pragma("table_xinfo", table):
            upper = type_.upper()
            found[name] = ColumnFacts(
                name, type_, is_text=not type_ or any(word in upper for word in _TEXT), nullable=not not_null,
                generated=hidden in _GENERATED, has_default=default is not None,
                expression=made.get(name.casefold(), "") if hidden in _GENERATED else "")
        return found

    def _keys(self, table: str, columns: dict[str, ColumnFacts]) -> Iterator[Key]:
        numbered = [row for row in self._pragma("table_xinfo", table) if row[5]]
        indexed = False
        for _, name, unique, origin, _ in self._pragma("index_list", table):
            if unique:
                indexed = indexed or origin == "pk"
                yield self._key(name, origin == "pk", columns)
        if numbered and not indexed:  # INTEGER PRIMARY KEY is the row's own number
            names = tuple(row[1] for row in sorted(numbered, key=lambda row: row[5]))
            yield Key(f"PRIMARY KEY ({', '.join(names)})", tuple(map(self.source.quote, names)), names, plain=True,
                      primary=True)

    def _key(self, name: str, primary: bool, columns: dict[str, ColumnFacts]) -> Key:
        rows = [row for row in self._pragma("index_xinfo", name) if row[5]]
        sql = next((text for _, text in self._sql("index", "name", name)), "")
        written, predicate = _index(sql)
        parts = tuple(written[place] if row[1] == _EXPRESSION else
                      self.source.quote(row[2]) + ("" if row[4] == "BINARY" else f" COLLATE {row[4]}")
                      for place, row in enumerate(rows))
        plain = not predicate and all(row[1] != _EXPRESSION for row in rows)
        names = tuple(row[2] for row in rows) if plain else mentioned(f"{' , '.join(parts)} {predicate}", columns)
        if name.startswith("sqlite_autoindex_"):
            name = f"{'PRIMARY KEY' if primary else 'UNIQUE'} ({', '.join(names)})"
        return Key(name, parts, names, plain, predicate, primary)

    def _foreign(self, table: str) -> Iterator[ForeignKey]:
        rows: dict[int, list[Any]] = {}
        for row in self._pragma("foreign_key_list", table):
            rows.setdefault(row[0], []).append(row)
        for number in sorted(rows):
            parts = sorted(rows[number], key=lambda row: int(row[1]))
            columns, other = tuple(row[3] for row in parts), self._table(parts[0][2])
            known = self._pragma("table_xinfo", other)
            keyed = sorted((row for row in known if row[5]), key=lambda row: int(row[5]))
            to: tuple[str, ...] = tuple(row[1] for row in keyed)  # what REFERENCES without columns means
            if None not in {row[4] for row in parts}:
                to = tuple(spelt(row[4], [column[1] for column in known]) or row[4] for row in parts)
            yield ForeignKey(f"FOREIGN KEY ({', '.join(columns)})", (table,), columns, (other,), to,
                             on_delete=parts[0][6], on_update=parts[0][5])

    def _incoming(self, table: str) -> Iterator[ForeignKey]:
        for row in self._pragma("table_list"):
            if row[2] == "table" and not row[1].startswith("sqlite_"):
                for key in self._foreign(row[1]):
                    if key.to[-1].casefold() == table.casefold():
                        yield key

    def _triggers(self, table: str, columns: dict[str, ColumnFacts]) -> Iterator[Trigger]:
        for name, sql in self._sql("trigger", "tbl_name", table):
            found = words(sql)
            place = next((place for place, word in enumerate(found) if word.says("UPDATE", "DELETE", "INSERT")), None)
            if place is not None and (event := _EVENTS.get(found[place].text.upper())):
                end = next(place for place, word in enumerate(found) if word.says("ON"))
                of = " ".join(word.text for word in found[place + 1:end])
                yield Trigger(name, (event,), mentioned(of, columns), body=digest(sql))


def _expressions(sql: str) -> Iterator[tuple[str, str]]:
    """Columns of a CREATE TABLE (in small letters) with the expression that makes them."""
    found = words(sql)
    opening = next((place for place, word in enumerate(found) if word.says("(")), None)
    for part in listed(bracketed(sql, found, opening)) if opening is not None else ():
        inner = words(part)
        for place, word in enumerate(inner[:-1]):
            if word.says("AS") and inner[place + 1].says("("):
                yield inner[0].text.casefold(), bracketed(part, inner, place + 1)


def _conflict(sql: str) -> str:
    """What a constraint does about a conflict, where that is not an error."""
    found = words(sql)
    said = {found[place + 2].text.upper() for place, word in enumerate(found[:-2])
            if word.says("ON") and found[place + 1].says("CONFLICT")}
    return next((action for action in ("REPLACE", "IGNORE") if action in said), "")


def _index(sql: str) -> tuple[list[str], str]:
    """The parts of a CREATE INDEX and its predicate; nothing for an index without a statement of its own."""
    found = words(sql)
    opening = next((place for place, word in enumerate(found) if word.says("(")), None)
    if opening is None:
        return [], ""
    text = bracketed(sql, found, opening)
    where = next((word for word in found[opening + len(words(text)):] if word.says("WHERE")), None)
    return listed(text), sql[where.end:].strip() if where else ""
