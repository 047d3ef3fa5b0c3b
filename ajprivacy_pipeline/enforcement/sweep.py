"""A sweep: where in the warehouse values still stand that were erased, in counts alone.

Belongs here: reading every column that can be shown as text, of every table that is neither the engine's nor ours, and
counting the rows in which something of the set stands. Does not belong here: the set (`erased`), how a candidate is
taken out of a text (`candidates`), which only ever counts what is there: a hit undoes nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pyarrow as pa
import sqlalchemy as sa

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement import erased, fresh, waits
from ajprivacy_pipeline.enforcement.bodies import Hit
from ajprivacy_pipeline.enforcement.ground import Ground, current_policy, look_at
from ajprivacy_pipeline.enforcement.plans import Plan, forget_old, known_plans, plan_file
from ajprivacy_pipeline.enforcement.stages import stages_of
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.retention.guard import has_entries
from ajprivacy_pipeline.settings import Settings, prepare_home
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import warehouse_lock
from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.mapping_file import Mapping as MappingFile
from ajprivacy_pipeline.warehouse.marker import MARKER
from ajprivacy_pipeline.warehouse.native import postgres_reader, sqlite_reader
from ajprivacy_pipeline.warehouse.source import ColumnType, Source, open_source
from ajprivacy_pipeline.warehouse.stream import as_text

BATCH_ROWS = 20_000
GUARD = "guard"  # looked for once no plan's set is left: the addresses and numbers that the guard holds
NOT_READ = "not read"  # of a table that could not be looked through
_NO_TEXT = ("binary", "boolean")
_DAYS = ("date", "timestamp", "timestamptz")
Found = Counter[tuple[str, str, str]]  # (table, column, how) -> rows


@dataclass(frozen=True)
class Looked:
    """A table that is looked through: its path, its name as it is reported, its columns."""

    path: tuple[str, ...]
    name: str
    columns: tuple[str, ...]


def look_through(con: zones.Connection, sought: erased.Sought, mapping: MappingFile, url: str) -> list[Hit]:
    """Look for what a plan erased in every table of a warehouse.

    Args:
        con: the zone in which it was loaded.
        sought: what is looked for, as `erased.load` returns it.
        mapping: names the copies that are known.
        url: the warehouse.

    Raises:
        SourceError: the warehouse cannot be reached.
    """
    found: Found = Counter()
    with open_source(url) as source, ExitStack() as stack:
        native = _native(con, source, stack)
        for table in _tables(source, mapping):
            found += _of_table(con, source, native, sought, table)
    return _listed(found)


def _listed(found: Found) -> list[Hit]:
    return [{"table": table, "column": column, "rows": rows, "how": how}
            for (table, column, how), rows in sorted(found.items())]


def sweep(settings: Settings) -> tuple[list[Hit], list[str]]:
    """Look for what was erased by the plans whose sets are still there; returns what was found, and those plans.

    Rows that hold something of several plans are counted once a plan. Once no set is left the guard's addresses and
    numbers are looked for; the list then names the guard alone.

    Raises:
        PrivacyError: the warehouse or a store is not usable.
    """
    with boundary("sweep"):
        prepare_home(settings)
        policy, control = current_policy(settings), ControlStore.in_folder(settings.control)
        keys = KeyStore(settings.keys, settings.root_key)
        forget_old(settings, control, keys, policy)
        known = known_plans(control)
        there = [plan for plan in known if keys.has(erased.key_name(plan.id)) and plan_file(settings, plan.id).exists()]
        if not there:
            return _guarded(settings, policy, control, keys, known[-1]) if known and has_entries(control) else ([], [])
        found: Found = Counter()
        with warehouse_lock(settings, alone=True), fresh.fresh_zone(settings, keys, there[-1]) as con:
            ground = _decided_today(con, settings, policy, control, keys, there[-1])
            for plan in there:
                with zones.attached(con, keys, plan_file(settings, plan.id), "made"):
                    sought = erased.load(con, keys, plan.id, policy, stages_of(policy))
                    for hit in look_through(con, sought, ground.mapping, settings.warehouse_url):
                        found[hit["table"], hit["column"], hit["how"]] += hit["rows"]
        return _listed(found), [plan.id for plan in there]


def _guarded(settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore, plan: Plan,
             ) -> tuple[list[Hit], list[str]]:
    with warehouse_lock(settings, alone=True), fresh.fresh_zone(settings, keys, plan) as con:
        ground = _decided_today(con, settings, policy, control, keys, plan)
        sought = erased.load_guarded(con, keys, control, policy, stages_of(policy))
        return look_through(con, sought, ground.mapping, settings.warehouse_url), [GUARD]


def _decided_today(con: zones.Connection, settings: Settings, policy: Policy, control: ControlStore, keys: KeyStore,
                   plan: Plan) -> Ground:
    with open_source(settings.warehouse_url) as source:
        ground = look_at(source, settings, policy)
    fresh.decide(con, settings, policy, control, keys, plan, today(policy.retention.time_zone))
    waits.set_aside(con, ground.places, stages_of(policy), policy.sources, plan.as_of)
    return ground


def _tables(source: Source, mapping: MappingFile) -> Iterator[Looked]:
    """Every table but the engine's, ours, and of a partitioned one the whole: its partitions hold the rows."""
    inspector = sa.inspect(source.connection)
    own = source.connection.dialect.default_schema_name
    known = {(copy.table, copy.column) for copy in mapping.known_copies}
    holding: dict[str | None, set[str]] = {}
    for name, columns in source.everywhere().items():
        schema, _, bare = name.rpartition(".")
        path = (schema, bare) if schema and name not in source.tables() else (name,)
        place = path[0] if len(path) > 1 else None
        if place not in holding:
            with driver_errors(source.address):
                holding[place] = _holding(source, inspector, place)
        if path[-1] not in holding[place] or path == (MARKER,):
            continue
        wanted = tuple(column for column, type_ in columns.items()
                       if _shows(source.dialect, type_) and (name, column) not in known
                       and (f"{own}.{name}", column) not in known)
        if wanted:
            yield Looked(path, name, wanted)


def _shows(dialect: str, type_: ColumnType) -> bool:
    """Whether a column can hold a text; SQLite lets any column hold any."""
    return type_.kind not in _NO_TEXT and (dialect == "sqlite" or type_.kind not in _DAYS)


def _holding(source: Source, inspector: sa.Inspector, schema: str | None) -> set[str]:
    """The tables of a schema that hold rows of their own."""
    names = set(inspector.get_table_names(schema))
    if source.dialect == "postgresql":
        names |= set(inspector.get_materialized_view_names(schema))
        parents = sa.text("SELECT relname FROM pg_class WHERE relkind = 'p' "
                          "AND relnamespace::regnamespace::text = :schema")
        names -= {row[0] for row in source.connection.execute(
            parents, {"schema": schema or source.connection.dialect.default_schema_name})}
    return names


class _Native:
    """A warehouse attached to the engine: the relation of a table as text, a column c0, c1, ... each."""

    def __init__(self, source: Source, alias: str) -> None:
        self.source, self.alias = source, alias

    def relation(self, table: Looked) -> str:
        if self.source.dialect == "sqlite":
            listed = ", ".join(f"{zones.quote(name)} AS c{i}" for i, name in enumerate(table.columns))
            return f"SELECT {listed} FROM {self.alias}.{zones.quote(table.path[-1])}"
        listed = ", ".join(f"{self.source.quote(name)}::text AS c{i}" for i, name in enumerate(table.columns))
        inner = f"SELECT {listed} FROM ONLY {self.source.quote(*table.path)}"
        schema = self.source.connection.dialect.default_schema_name or "public"
        kinds = self.source.tables(table.path[0] if len(table.path) > 1 else None)[table.path[-1]]
        if all(kinds[name].kind in ("text", "integer") and kinds[name].name != "uuid" for name in table.columns) \
                and len({name.casefold() for name in kinds}) == len(kinds):
            listed = ", ".join(f"{zones.quote(name)}::VARCHAR AS c{i}" for i, name in enumerate(table.columns))
            path = ".".join(map(zones.quote, (schema, *table.path)[-2:]))
            return f"SELECT {listed} FROM {self.alias}.{path}"
        return f"SELECT * FROM postgres_query({zones.literal(self.alias)}, {zones.literal(inner)})"


def _native(con: zones.Connection, source: Source, stack: ExitStack) -> _Native | None:
    if source.dialect == "sqlite":
        return _Native(source, stack.enter_context(sqlite_reader(con, source)).alias)
    if source.dialect == "postgresql":
        return _Native(source, stack.enter_context(postgres_reader(con, source)).alias)
    return None


def _of_table(con: zones.Connection, source: Source, native: _Native | None, sought: erased.Sought,
              table: Looked) -> Found:
    """What stands in a table: by the engine's own reader, else streamed; a table that neither reads is said so."""
    if native is not None:
        try:
            return _of_relation(con, sought, table, native.relation(table))
        except zones.EngineError:
            source.connection.rollback()
    found: Found = Counter()
    try:
        for batch in _streamed(source, table):
            con.register("swept", batch)
            found += _of_relation(con, sought, table, "SELECT * FROM swept")
            con.unregister("swept")
    except PrivacyError:
        source.connection.rollback()
        return Counter({(table.name, "*", NOT_READ): 1})
    return found


def _streamed(source: Source, table: Looked) -> Iterator[pa.Table]:
    listed = ", ".join(f"{source.quote(name)} AS c{i}" for i, name in enumerate(table.columns))
    options = {"stream_results": True, "yield_per": BATCH_ROWS, "no_parameters": True}
    with driver_errors(source.address, f"table {table.name}"):
        result = source.connection.exec_driver_sql(f"SELECT {listed} FROM {source.quote(*table.path)}",
                                                   execution_options=options)
        for rows in result.partitions(BATCH_ROWS):
            yield pa.table({f"c{i}": pa.array([_shown(value) for value in values], pa.string())
                            for i, values in enumerate(zip(*rows, strict=True))})


def _shown(value: object) -> str | None:
    try:
        return as_text(value)
    except TypeError:
        return bytes(value).decode("utf-8", "replace")  # type: ignore[call-overload, no-any-return]


def _of_relation(con: zones.Connection, sought: erased.Sought, table: Looked, relation: str) -> Found:
    """Count the rows of a relation (c0, c1, ...) by column and kind; a street counts with what is beside it alone.

    A value is looked at once, however many rows of its column hold it: `row_no` is their number here.
    """
    columns = [f"c{i}" for i in range(len(table.columns))]
    found_in = sought.hits(_values(relation, columns, sought.sweep.shortest))
    con.execute(f"CREATE OR REPLACE TABLE scratch.hits AS SELECT DISTINCT h.row_no, h.col, h.value, w.kind "
                f"FROM ({found_in}) AS h JOIN (SELECT DISTINCT kind, hash FROM scratch.wanted) AS w USING (hash)",
                sought.bound())
    found: Found = Counter()
    for col, kind, rows in con.execute("SELECT col, kind, sum(row_no)::BIGINT FROM scratch.hits "
                                       "WHERE kind <> 'address' GROUP BY ALL").fetchall():
        found[table.name, table.columns[col], kind] = rows
    if con.execute("SELECT count(*) FROM scratch.hits WHERE kind = 'address'").fetchall()[0][0]:
        for col, rows in _addresses(con, sought, relation, columns).items():
            found[table.name, table.columns[col], "address"] = rows
    return found


def _values(relation: str, columns: Sequence[str], shortest: int) -> str:
    """The values of each column that are long enough to be anything, with the number of their rows as row_no."""
    numbers = ", ".join(str(i) for i in range(len(columns)))
    return (f"(SELECT count(*) AS row_no, col, value FROM (SELECT unnest([{numbers}]) AS col, "
            f"unnest([{', '.join(columns)}]) AS value FROM ({relation})) "
            f"WHERE strlen(value) >= {shortest} GROUP BY col, value)")


def _cells(relation: str, columns: Sequence[str]) -> str:
    numbers = ", ".join(str(i) for i in range(len(columns)))
    return (f"(SELECT row_no, unnest([{numbers}]) AS col, unnest([{', '.join(columns)}]) AS value "
            f"FROM (SELECT row_number() OVER () AS row_no, * FROM ({relation})))")


def _addresses(con: zones.Connection, sought: erased.Sought, relation: str,
               columns: Sequence[str]) -> Mapping[int, int]:
    """Rows by column in which a street stands, and anywhere in the row its postal code or name."""
    streets = "(SELECT value FROM scratch.hits WHERE kind = 'address')"
    anywhere = " OR ".join(f"{column} IN {streets}" for column in columns)
    con.execute(f"CREATE OR REPLACE TABLE scratch.near AS SELECT * FROM ({relation}) WHERE {anywhere}")
    found_in = sought.hits(_cells("FROM scratch.near", columns), beside=True)
    con.execute(f"CREATE OR REPLACE TABLE scratch.words AS {found_in}",
                sought.bound(beside=True))
    return dict(con.execute("SELECT s.col, count(DISTINCT s.row_no) FROM scratch.words AS s "
                            "JOIN scratch.wanted AS w ON w.hash = s.hash AND w.kind = 'address' "
                            "JOIN scratch.words AS b ON b.row_no = s.row_no AND b.hash = w.beside "
                            "GROUP BY ALL").fetchall())
