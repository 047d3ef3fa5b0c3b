"""An open warehouse: its tables and columns, and what kind of value each column holds.

Belongs here: connecting, reflecting, probing SQL without reading rows. Does not belong here: the mapping's meaning,
copying rows.
"""

import sqlite3
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine.reflection import ObjectKind

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.warehouse.address import Address, driver_errors, hidden_rows
from ajprivacy_pipeline.warehouse.sessions import MYSQL

Kind = Literal["text", "integer", "decimal", "number", "float", "boolean", "date", "timestamp", "timestamptz",
               "binary", "bit", "json", "array", "other", "unknown"]


@dataclass(frozen=True)
class ColumnType:
    """What a source column holds; `unknown` is what only the values can tell (expressions outside PostgreSQL)."""

    kind: Kind
    name: str  # as the source calls it, for messages
    precision: int = 0
    scale: int = 0
    nullable: bool = True


Path = tuple[str, ...]  # (schema, table) or (table,)

UNKNOWN = ColumnType("unknown", "unknown")

# PostgreSQL's own numbers of its types, as a cursor reports them.
_OIDS: dict[int, ColumnType] = {
    **dict.fromkeys((16,), ColumnType("boolean", "boolean")),
    **dict.fromkeys((20, 21, 23), ColumnType("integer", "integer")),
    **dict.fromkeys((700, 701), ColumnType("float", "double precision")),
    **dict.fromkeys((18, 19, 25, 705, 1042, 1043, 2950), ColumnType("text", "text")),
    1082: ColumnType("date", "date"),
    1114: ColumnType("timestamp", "timestamp"),
    1184: ColumnType("timestamptz", "timestamp with time zone"),
    17: ColumnType("binary", "bytea"),
    114: ColumnType("json", "json"),
    3802: ColumnType("json", "jsonb"),
    **dict.fromkeys((1560, 1562), ColumnType("bit", "bit")),
}
# MySQL's numbers of the types that mean something else than their text; a TIMESTAMP is UTC in our sessions.
_MYSQL_CODES: dict[int, ColumnType] = {
    7: ColumnType("timestamptz", "timestamp"), 12: ColumnType("timestamp", "datetime"), 10: ColumnType("date", "date"),
    16: ColumnType("bit", "bit"),
}
_ENGINES_OWN = ("information_schema", "mysql", "performance_schema", "sys", "SYS")
_NUMERIC_OID = 1700
_HEIRS = """
    WITH RECURSIVE above AS (
        SELECT inhrelid AS heir, inhparent AS parent FROM pg_inherits UNION
        SELECT above.heir, i.inhparent FROM above JOIN pg_inherits AS i ON i.inhrelid = above.parent
    )
    SELECT nh.nspname, h.relname, np.nspname, p.relname FROM above
    JOIN pg_class AS h ON h.oid = above.heir JOIN pg_namespace AS nh ON nh.oid = h.relnamespace
    JOIN pg_class AS p ON p.oid = above.parent JOIN pg_namespace AS np ON np.oid = p.relnamespace
    WHERE h.relkind IN ('r', 'p', 'f')"""
_SAMPLED = 100  # characters of a value
_DECIMAL_DIGITS = 38  # the widest DECIMAL of DuckDB


@dataclass
class Source:
    """A warehouse, open for reading. Nothing is cached but the shape of its tables."""

    address: Address
    connection: sa.Connection
    _tables: dict[str | None, dict[str, dict[str, ColumnType]]] = field(default_factory=dict)
    _views: dict[str | None, frozenset[str]] = field(default_factory=dict)
    _heirs: frozenset[tuple[Path, Path]] | None = None

    @property
    def dialect(self) -> str:
        """`sqlite`, `postgresql`, `mysql`, ..."""
        return self.connection.dialect.name

    def tables(self, schema: str | None = None) -> dict[str, dict[str, ColumnType]]:
        """Tables and views of a schema (None: the connection's default) with their columns in order.

        Raises:
            SourceError: the warehouse cannot be read.
        """
        if schema not in self._tables:
            with driver_errors(self.address), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # types that SQLAlchemy does not know are kind "other"
                found = self._reflected(schema)
            self._tables[schema] = {name: {column["name"]: replace(reflected_type(column["type"]),
                                                                   nullable=column["nullable"]) for column in columns}
                                    for (_, name), columns in sorted(found.items(), key=lambda item: item[0][1])}
        return self._tables[schema]

    def _reflected(self, schema: str | None) -> dict[Any, Any]:
        """The columns of each table and view; SQLite names none at all where one view is broken.

        A schema that is not there, or of which this user may know nothing, has none.
        """
        catalogue = sa.inspect(self.connection)
        try:
            return dict(catalogue.get_multi_columns(schema=schema, kind=ObjectKind.ANY))
        except sa.exc.OperationalError:
            if schema is not None and find(schema, catalogue.get_schema_names()) is None:
                return {}
            if self.dialect != "sqlite":
                raise
        found = dict(catalogue.get_multi_columns(schema=schema, kind=ObjectKind.TABLE))
        for view in self.views(schema):
            with suppress(sa.exc.OperationalError):
                found |= catalogue.get_multi_columns(schema=schema, kind=ObjectKind.VIEW, filter_names=[view])
        return found

    def broken_views(self, schema: str | None = None) -> list[str]:
        """The views that the database itself cannot read, since they name what is not there or not allowed any more.

        Raises:
            SourceError: the warehouse cannot be read.
        """
        known = self.tables(schema)
        return sorted(self.views(schema) - known.keys()) if known or schema is None else []

    def views(self, schema: str | None = None) -> frozenset[str]:
        """The views among the tables of a schema.

        Raises:
            SourceError: the warehouse cannot be read.
        """
        if schema not in self._views:
            with driver_errors(self.address):
                self._views[schema] = frozenset(sa.inspect(self.connection).get_view_names(schema=schema))
        return self._views[schema]

    def columns_of(self, path: Path) -> dict[str, ColumnType]:
        """Returns the columns of a table or view; none where there is none of that name.

        Raises:
            SourceError: the warehouse cannot be read.
        """
        return self.tables(path[0] if len(path) > 1 else None).get(path[-1], {})

    def heirs(self) -> frozenset[tuple[Path, Path]]:
        """PostgreSQL's heirs and partitions, each with a table whose rows its own are too, directly or through others.

        Both with their schema. Other databases have none that stand under names of their own.

        Raises:
            SourceError: the warehouse cannot be read.
        """
        if self._heirs is None:
            rows: Any = ()
            if self.dialect == "postgresql":
                with driver_errors(self.address):
                    rows = self.connection.execute(sa.text(_HEIRS)).fetchall()
            self._heirs = frozenset(((row[0], row[1]), (row[2], row[3])) for row in rows)
        return self._heirs

    def everywhere(self) -> dict[str, dict[str, ColumnType]]:
        """As `tables`, for every schema but the engine's own; `schema.table` outside the default schema.

        Raises:
            SourceError: the warehouse cannot be read.
        """
        with driver_errors(self.address):
            schemas = sa.inspect(self.connection).get_schema_names()
        found = dict(self.tables())
        for schema in schemas:
            own = schema in _ENGINES_OWN or schema.startswith("pg_")
            if not own and schema != self.connection.dialect.default_schema_name:
                found |= {f"{schema}.{name}": columns for name, columns in self.tables(schema).items()}
        return found

    def connected(self) -> dict[str, dict[str, ColumnType]]:
        """As `everywhere`, of the connected database alone: MySQL's schemas are other databases, of somebody else.

        Raises:
            SourceError: the warehouse cannot be read.
        """
        return self.tables() if self.dialect in MYSQL else self.everywhere()

    def path_of(self, shown: str) -> Path:
        """Returns the path of a table by its name as `everywhere` gives it; tables may have dots in their names."""
        if shown in self.tables():
            return (shown,)
        known = [(schema, shown.removeprefix(f"{schema}.")) for schema in self._tables if schema is not None]
        return next((path for path in known if path[1] in self._tables[path[0]]), tuple(
            part for part in shown.rpartition(".")[::2] if part))

    def lacks(self, name: str) -> str:
        """Returns what to say of a table that is not there, or of a view that the database itself cannot read."""
        schema, _, bare = name.rpartition(".")
        if find(bare, self.broken_views(schema or None)) is None:
            return f"the warehouse has no table {name}"
        return (f"the warehouse itself cannot read the view {name}, which names what is not there or not allowed; mend "
                "it there, or name the tables behind it")

    def quote(self, *names: str) -> str:
        """Returns a name, schema first if it has one, always quoted in the source's dialect."""
        return quoted(self.connection, names)

    def text_literal(self, text: str) -> str:
        """Returns a text literal in the source's dialect."""
        doubled = text.replace("'", "''")
        return "'" + (doubled.replace("\\", "\\\\") if self.dialect in MYSQL else doubled) + "'"

    def probe(self, select: str) -> dict[str, ColumnType] | None:
        """Ask the source for the columns of a SELECT that returns no row; None if the source refuses the SQL.

        Raises:
            SourceError: a policy of the source would hide rows.
        """
        options = {"no_parameters": True}
        try:
            with self._apart():
                result = self.connection.exec_driver_sql(select, execution_options=options)
                description = result.cursor.description if result.cursor is not None else None
                result.close()
        except (sa.exc.DBAPIError, ValueError) as error:
            if hidden := hidden_rows(str(error)):
                raise SourceError(f"{self.address.shown}: {hidden}") from None
            return None
        return {column[0]: self._described(column) for column in description or ()}

    def sample(self, path: Path, columns: Collection[str], rows: int) -> dict[str, list[str]] | None:
        """Returns values of some columns as texts, of the first rows that the source gives; None where it refuses.

        Of each at most a hundred characters; NULL is left out.
        """
        table = sa.table(path[-1], schema=path[-2] if len(path) > 1 else None)
        cells = [sa.func.substring(sa.cast(sa.column(name), sa.UnicodeText), 1, _SAMPLED) for name in columns]
        try:
            with self._apart():
                found = self.connection.execute(sa.select(*cells).select_from(table).limit(rows)).fetchall()
        except (sa.exc.SQLAlchemyError, sqlite3.Error, UnicodeError):
            return None
        return {name: [str(row[at]) for row in found if row[at] is not None] for at, name in enumerate(columns)}

    def _apart(self) -> AbstractContextManager[object]:
        """What lets a refused statement leave the transaction as it was.

        MySQL's leave it so by themselves; a SAVEPOINT would be refused there beside tables of Aria.
        """
        if not self.connection.in_transaction():
            return self.connection.begin()
        return nullcontext() if self.dialect in MYSQL else self.connection.begin_nested()

    def _described(self, column: object) -> ColumnType:
        if self.dialect in MYSQL and isinstance(column, tuple):
            return _MYSQL_CODES.get(column[1], UNKNOWN)
        if self.dialect != "postgresql":
            return UNKNOWN
        oid = getattr(column, "type_code", 0)
        precision, scale = getattr(column, "precision", None), getattr(column, "scale", None)
        if oid == _NUMERIC_OID:
            if precision is None or scale is None or precision > _DECIMAL_DIGITS or not 0 <= scale <= precision:
                return ColumnType("number", "numeric")
            return ColumnType("decimal", f"numeric({precision},{scale})", precision, scale)
        name = str(getattr(column, "type_display", "unknown"))
        return _OIDS.get(oid) or ColumnType("array" if name.endswith("[]") else "other", name)


def quoted(connection: sa.Connection, names: Iterable[str]) -> str:
    """Returns a path in the dialect's quotes.

    A per cent sign stays one: drivers halve two of them only in a statement that has parameters.
    """
    quote = connection.dialect.identifier_preparer.quote_identifier
    path = ".".join(map(quote, names))
    return path.replace("%%", "%") if "%%" in quote("%") else path


def reflected_type(type_: sa.types.TypeEngine[Any]) -> ColumnType:
    """Returns the kind of a type that SQLAlchemy reflected."""
    name = type_.__class__.__name__.lower()
    if isinstance(type_, postgresql.DOMAIN):
        return reflected_type(type_.data_type)
    if isinstance(type_, sa.Float):
        return ColumnType("float", name)
    if isinstance(type_, sa.Numeric):
        precision, scale = type_.precision, type_.scale
        if precision is None or scale is None or precision > _DECIMAL_DIGITS or not 0 <= scale <= precision:
            return ColumnType("number", name)
        return ColumnType("decimal", f"{name}({precision},{scale})", precision, scale)
    if isinstance(type_, sa.DateTime):
        is_instant = type_.timezone or isinstance(type_, mysql.TIMESTAMP)
        return ColumnType("timestamptz" if is_instant else "timestamp", name)
    kinds: tuple[tuple[type[sa.types.TypeEngine[Any]], Kind], ...] = (
        (sa.Boolean, "boolean"), (sa.Integer, "integer"), (sa.Date, "date"), (sa.JSON, "json"), (sa.ARRAY, "array"),
        (sa.String, "text"), (sa.Uuid, "text"), (sa.LargeBinary, "binary"), (sa.types.BLOB, "binary"),
        (sa.BINARY, "binary"), (sa.VARBINARY, "binary"), (mysql.BIT, "bit"), (postgresql.BIT, "bit"))
    for shape, kind in kinds:
        if isinstance(type_, shape):
            return ColumnType(kind, name)
    return ColumnType("other", name)


@contextmanager
def open_source(url: str) -> Iterator[Source]:
    """Open a warehouse for reading, in one transaction that sees one moment where its dialect can.

    Raises:
        SourceError: the address is faulty, its driver is missing, or nobody answers there; never with the password.
    """
    address = Address.parse(url)
    engine = address.engine()
    try:
        with driver_errors(address):
            connection = engine.connect()
        with connection:
            with driver_errors(address):
                _one_moment(connection)
            yield Source(address, connection)
    finally:
        engine.dispose()


def _one_moment(connection: sa.Connection) -> None:
    """Let every statement of a transaction see the same moment, where the dialect can."""
    levels = connection.dialect.get_isolation_level_values(connection.connection.dbapi_connection)  # type: ignore[arg-type]
    if "REPEATABLE READ" in levels:
        connection.execution_options(isolation_level="REPEATABLE READ")


def require_tables(source: Source) -> None:
    """Stop at a warehouse without any table.

    Raises:
        SourceError: nothing is there.
    """
    if not source.tables() and not source.everywhere():
        raise SourceError(f"the warehouse {source.address.shown} has no tables: check the database's name in "
                          "AJPRIVACY_WAREHOUSE, and the rights of its user")


def find(wanted: str, names: Collection[str]) -> str | None:
    """Returns the name itself, else the only one that differs in case."""
    if wanted in names:
        return wanted
    alike = [name for name in names if name.casefold() == wanted.casefold()]
    return alike[0] if len(alike) == 1 else None
