"""The published tables once more, in a SQL database: the proven release, whole, in one transaction.

Belongs here: which release may go there, tables and rows of the destination. Does not belong here: its address and
country (`destination`), what is in a release.

One transaction does everything: a reader sees the old tables until it ends and the new ones afterwards, and a failure
in the middle changes nothing. A table whose columns stay is emptied and filled again instead of being exchanged, so
that the rights and views that others have put on it stay too.

Types are the dictionary's. Lists are text arrays in PostgreSQL; in SQLite, which has none, text with commas between.
DECIMAL is exact in PostgreSQL; SQLite keeps fifteen digits, which is any amount below ten thousand billion kroner.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import UserDefinedType

from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release.destination import POSTGRESQL, Destination, destination_errors, destination_of
from ajprivacy_pipeline.release.files import comments_of
from ajprivacy_pipeline.release.inspect import open_release
from ajprivacy_pipeline.release.manifest import Release
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.zones import engine_errors, memory

PUBLICATION = "publication"
_BATCH = 2_000
_LOCK = 7_311_408_455  # of this program alone, so that two publications wait for each other in PostgreSQL
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class PublishResult:
    """The result of a publication: `changed` is false when the release was already there."""

    month: str
    destination: str
    country: str
    tables: int
    rows: int
    changed: bool


class _Exact(UserDefinedType[Decimal]):
    """SQLite's DECIMAL: bound as text, which the column itself turns into a number."""

    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        """Digits in all, and behind the point."""
        self.precision, self.scale = precision, scale

    def get_col_spec(self, **_: Any) -> str:
        """As the dictionary writes it."""
        return f"DECIMAL({self.precision},{self.scale})"


def publish(settings: Settings, policy: Policy, progress: Progress = lambda _table, _rows: None) -> PublishResult:
    """Brings the newest release to the declared destination.

    Raises:
        ReleaseError: no destination or one that may not get it, no release, one that is not proven or not what its
            manifest says, or the database refuses. Nothing is changed then.
    """
    destination = destination_of(settings, policy)
    return write(destination, policy, publishable(settings), progress)


def publishable(settings: Settings) -> Release:
    """Returns the newest release, verified file by file, if it may be shared outside the organisation.

    Raises:
        ReleaseError: there is none, it is damaged, or it is not proven anonymous.
    """
    has_store = (settings.control / "control.db").is_file()
    releases = ControlStore.in_folder(settings.control).releases() if has_store else []
    if not releases:
        raise ReleaseError("nothing is published yet: run a month first")
    release = open_release(settings, releases[-1]["month"])
    if release.manifest.get("proven") is not True:
        raise ReleaseError(f"the release of {release.month} is not proven anonymous and must not be shared outside the "
                           "organisation: `release_info` says which guarantees were not checked; nothing was written")
    return release


def write(destination: Destination, policy: Policy, release: Release, progress: Progress) -> PublishResult:
    """Makes the destination's tables those of the release, unless they are already.

    Raises:
        ReleaseError: the database refuses, or holds tables of these names that were not published from here. Nothing is
            changed then.
    """
    with destination_errors(destination):
        engine = destination.engine()
        try:
            with engine.begin() as connection:
                tables = _tables(destination, policy, release)
                _lock(connection, destination)
                existing = _existing_tables(connection, destination, set(tables))
                rows = {name: sum(int(entry["rows"]) for path, entry in release.manifest["files"].items()
                                  if path.startswith(f"{name}/")) for name in release.tables}
                changed = not _is_current(connection, release, rows, existing)
                if changed:
                    _replace(connection, destination, release, tables, existing, progress)
        finally:
            engine.dispose()
    return PublishResult(release.month, destination.shown, destination.country, len(rows), sum(rows.values()), changed)


def _lock(connection: sa.Connection, destination: Destination) -> None:
    """Wait for another publication, and make the schema; SQLite has one writer at a time by itself."""
    if destination.dialect == POSTGRESQL:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        if not sa.inspect(connection).has_schema(str(destination.schema)):  # asking needs no right to make one
            connection.execute(sa.schema.CreateSchema(str(destination.schema), if_not_exists=True))


def _existing_tables(connection: sa.Connection, destination: Destination,
                     expected_names: set[str]) -> dict[str, sa.Table]:
    """Returns the tables of the last publication that still exist, as the database describes them.

    Raises:
        ReleaseError: a table of one of these names exists without a publication: it belongs to somebody else.
    """
    names = set(sa.inspect(connection).get_table_names(schema=destination.schema))
    if PUBLICATION not in names:
        if foreign := sorted(names & expected_names):
            raise ReleaseError(f"{destination.shown} has {len(foreign)} table(s) of these names that were not "
                               f"published from here, first {foreign[0]}: choose another schema or file; nothing was "
                               "written")
        return {}
    metadata = sa.MetaData(schema=destination.schema)
    publication = sa.Table(PUBLICATION, metadata, autoload_with=connection)
    if "table_name" not in publication.c:
        raise ReleaseError(f"{destination.shown} has a table {PUBLICATION} that was not made here: choose another "
                           "schema or file; nothing was written")
    last = set(connection.execute(sa.select(publication.c.table_name)).scalars()) | {PUBLICATION}
    if foreign := sorted((names & expected_names) - last):
        raise ReleaseError(f"{destination.shown} has a table {foreign[0]} that was not published from here: choose "
                           "another schema or file; nothing was written")
    return {name: sa.Table(name, metadata, autoload_with=connection, extend_existing=True) for name in last & names}


def _is_current(connection: sa.Connection, release: Release, rows: dict[str, int],
                existing: dict[str, sa.Table]) -> bool:
    """Returns whether the destination holds this release, each table with its number of rows."""
    if PUBLICATION not in existing:
        return False
    publication = existing[PUBLICATION]
    recorded = connection.execute(sa.select(publication.c.table_name, publication.c.manifest_sha256)).fetchall()
    if {tuple(row) for row in recorded} != {(name, release.manifest_sha256) for name in rows}:
        return False
    if not set(rows) <= set(existing):
        return False
    return all(connection.execute(sa.select(sa.func.count()).select_from(existing[name])).scalar() == count
               for name, count in rows.items())


def _replace(connection: sa.Connection, destination: Destination, release: Release, tables: dict[str, sa.Table],
             existing: dict[str, sa.Table], progress: Progress) -> None:
    """Empty or make every table, fill it, and drop those that the release has no more."""
    for name, old in existing.items():
        if name not in tables:
            old.drop(connection)
    for name, table in tables.items():
        if name in existing and _shape(existing[name], connection) == _shape(table, connection):
            connection.execute(table.delete())
        else:
            if name in existing:
                existing[name].drop(connection)
            table.create(connection)
        _comment(connection, table)
        if name != PUBLICATION:
            count = 0
            for batch in _batches(release, name, destination):
                connection.execute(table.insert(), batch)
                count += len(batch)
            progress(name, count)
    connection.execute(tables[PUBLICATION].insert(), [
        {"table_name": name, "month": release.month, "manifest_sha256": release.manifest_sha256}
        for name in release.tables])


def _shape(table: sa.Table, connection: sa.Connection) -> list[tuple[str, str]]:
    """Names and types of the columns, as the dialect writes them."""
    return [(column.name, column.type.compile(connection.dialect).replace(" ", "")) for column in table.columns]


def _comment(connection: sa.Connection, table: sa.Table) -> None:
    """Comments anew, where the database has any: a meaning may have changed while the columns stayed."""
    if connection.dialect.supports_comments:
        connection.execute(sa.schema.SetTableComment(table))
        for column in table.columns:
            connection.execute(sa.schema.SetColumnComment(column))


def _tables(destination: Destination, policy: Policy, release: Release) -> dict[str, sa.Table]:
    """The tables as they shall be, from the release's own files; the meanings from the policy."""
    metadata = sa.MetaData(schema=destination.schema)
    comments = comments_of(policy, release.tables, proven=True)
    schema_tables = {}
    con = memory()
    try:
        with engine_errors("published/releases"):
            for name in release.tables:
                columns = con.execute(f"DESCRIBE SELECT * FROM {release.relation(name)}").fetchall()
                schema_tables[name] = sa.Table(name, metadata, *(
                    sa.Column(str(row[0]), _type(str(row[1]), destination), comment=comments.get((name, str(row[0]))))
                    for row in columns), comment=comments.get((name, None)))
    finally:
        con.close()
    schema_tables[PUBLICATION] = sa.Table(
        PUBLICATION, metadata,
        sa.Column("table_name", sa.Text(), comment="Published table."),
        sa.Column("month", sa.Text(), comment="The month of the release it is of."),
        sa.Column("manifest_sha256", sa.Text(), comment="Hash of the release's manifest."),
        comment="Which release these tables are; this program replaces the tables named here and no others.")
    return schema_tables


def _type(text: str, destination: Destination) -> sa.types.TypeEngine[Any]:
    """A column's type at the destination.

    Raises:
        ReleaseError: a type that no published table has.
    """
    plain: dict[str, sa.types.TypeEngine[Any]] = {"DATE": sa.Date(), "VARCHAR": sa.Text(), "BIGINT": sa.BigInteger(),
                                                  "INTEGER": sa.BigInteger(), "BOOLEAN": sa.Boolean()}
    on_postgresql = destination.dialect == POSTGRESQL
    if text in plain:
        return plain[text]
    if text == "VARCHAR[]":
        return ARRAY(sa.Text()) if on_postgresql else sa.Text()
    if text.startswith("DECIMAL("):
        precision, scale = (int(part) for part in text.removeprefix("DECIMAL(").removesuffix(")").split(","))
        return sa.Numeric(precision, scale) if on_postgresql else _Exact(precision, scale)
    raise ReleaseError(f"a published column has the type {text}, which has no place in {destination.dialect}")


def _batches(release: Release, name: str, destination: Destination) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table, some thousands at a time, oldest month first."""
    con = memory()
    try:
        with engine_errors("published/releases"):
            found = con.execute(f"SELECT * FROM {release.relation(name)}")
            columns = [str(column[0]) for column in found.description or []]
            while rows := found.fetchmany(_BATCH):
                yield [{column: _value(value, destination) for column, value in zip(columns, row, strict=True)}
                       for row in rows]
    finally:
        con.close()


def _value(value: Any, destination: Destination) -> Any:
    """A value as the destination takes it."""
    if destination.dialect == POSTGRESQL:
        return value
    if isinstance(value, list):
        return ",".join(value)
    return str(value) if isinstance(value, Decimal) else value
