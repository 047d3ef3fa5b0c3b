"""What tests of the source's constraints share: an empty shop on each of the three databases, and short words."""

import sqlite3
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.warehouse.constraints import (
    Catalogue,
    ColumnFacts,
    Refusal,
    Table,
    TableFacts,
    Write,
    catalogue_hash,
    refusals,
)
from ajprivacy_pipeline.warehouse.source import open_source
from tests import mariadb
from tests.warehouse import shopkit

DATABASES = ("sqlite", "postgresql", "mariadb")


@dataclass(frozen=True)
class Shop:
    """A database of a test's own, and what the product says of it."""

    dialect: str
    url: str

    def do(self, *statements: str) -> None:
        """Statements of the shop's owner, each committed."""
        if self.dialect == "sqlite":
            with sqlite3.connect(self.url.removeprefix("sqlite:///")) as con:
                con.execute("PRAGMA foreign_keys = ON")
                for statement in statements:
                    con.execute(statement)
            con.close()
        elif self.dialect == "postgresql":
            with shopkit.connect(self.url) as shop:
                for statement in statements:
                    shop.execute(statement)
        else:
            with mariadb.connect(self.url) as shop, shop.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

    def carry_out(self, *writes: Write) -> None:
        """Do to every row what the writes say, with foreign keys enforced; raises what the database raises."""
        facts = self.facts(*writes[0].table)
        if not self.rows(f"SELECT count(*) FROM {facts.shown}")[0][0]:
            known = {name: _any_value(column) for name, column in facts.columns.items() if not column.generated
                     and name not in {part for key in facts.foreign_keys for part in key.columns}}
            self.do(f"INSERT INTO {facts.shown} ({', '.join(known)}) VALUES ({', '.join(known.values())})")
        for write in writes:
            if write.column is None:
                self.do(f"DELETE FROM {facts.shown}")
                continue
            column = facts.columns[write.column]
            if write.kind == "tombstone":
                for key in facts.foreign_keys:
                    self.do(f"INSERT INTO {'.'.join(key.to)} ({key.to_columns[0]}) VALUES ('{write.values[0]}')")
            for (number,) in self.rows(f"SELECT id FROM {facts.shown} WHERE {column.name} IS NOT NULL"):
                value = next(iter(write.values), "")
                value = value.replace("1", str(number)) if column.unique and write.kind == "null" else value
                null = write.kind == "null" and column.nullable
                self.do(f"UPDATE {facts.shown} SET {column.name} = {'NULL' if null else repr(value)} "
                        f"WHERE id = {number}")

    def rows(self, select: str) -> list[tuple[Any, ...]]:
        """Rows of a SELECT."""
        with open_source(self.url) as source:
            return [tuple(row) for row in source.connection.exec_driver_sql(select)]

    def refusals(self, *writes: Write, reviewed: Container[Table] = (), ended: Container[Table] = (),
                 url: str = "") -> list[Refusal]:
        """What is refused, for the owner or for the user of another URL."""
        with open_source(url or self.url) as source:
            return refusals(Catalogue(source), writes, reviewed, ended)

    def facts(self, *table: str) -> TableFacts:
        """What the catalogue says of a table."""
        with open_source(self.url) as source:
            return Catalogue(source).facts(table)

    def hash(self, *tables: str) -> str:
        """The hash of what stands around tables of the default schema."""
        with open_source(self.url) as source:
            return catalogue_hash(Catalogue(source), [(table,) for table in tables])


def shop_on(dialect: str, request: pytest.FixtureRequest, folder: Path) -> Shop:
    """An empty shop on one of the databases; the server is the session's."""
    if dialect == "sqlite":
        path = folder / "shop.db"
        path.touch()
        return Shop(dialect, f"sqlite:///{path}")
    if dialect == "postgresql":
        return Shop(dialect, _postgres(request.getfixturevalue("postgres_url")))
    return Shop(dialect, mariadb.fresh_database(request.getfixturevalue("mariadb_url"), "constrained"))


def _postgres(server_url: str) -> str:
    """A database whose schema is made anew: four times as fast as a new database."""
    with shopkit.connect(server_url) as admin:
        known = admin.execute("SELECT 1 FROM pg_database WHERE datname = 'constrained'").fetchone()
    if not known:
        return shopkit.fresh_database(server_url, "constrained")
    url = sa.make_url(server_url).set(database="constrained").render_as_string(hide_password=False)
    with shopkit.connect(url) as admin:
        for statement in ("DROP PUBLICATION IF EXISTS p", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
            admin.execute(statement)
    return url


def erase(table: str, column: str, *values: str) -> Write:
    """NULL, or the neutral value where one is given and the column is NOT NULL."""
    return Write((table,), column, "null", bool(values), values)


def unlink(table: str, column: str, *values: str) -> Write:
    """The tombstone."""
    return Write((table,), column, "tombstone", values=values)


def generalise(table: str, column: str, *values: str) -> Write:
    """The first digit of a postal code, the decade of a birth."""
    return Write((table,), column, "generalise", values=values)


def delete(table: str) -> Write:
    """Rows go."""
    return Write((table,), None, "delete")


def _any_value(column: ColumnFacts) -> str:
    """A literal that most of these tests' constraints take."""
    if "date" in column.type:
        return "'1985-05-05'"
    return "'a@bc'" if column.is_text else "'b'" if column.type == "kind" else "7"


def said(found: Sequence[Refusal]) -> set[tuple[str, str | None, str]]:
    """Table, column and constraint of each refusal."""
    return {(refusal.table[-1], refusal.column, refusal.constraint) for refusal in found}
