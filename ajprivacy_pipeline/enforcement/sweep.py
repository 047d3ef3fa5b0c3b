"""A sweep: where in the warehouse values still stand that were erased, in counts alone.

Belongs here: reading every column that can be shown as text, of every table that is neither the engine's nor ours, and
counting the rows in which something of the set stands. Does not belong here: the set (`erased`), how a candidate is
taken out of a text (`candidates`), which only ever counts what is there: a hit undoes nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pyarrow as pa
import sqlalchemy as sa

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement import erased, fresh, waits
from ajprivacy_pipeline.enforcement.bodies import Hit
from ajprivacy_pipeline.enforcement.candidates import leads_nowhere
from ajprivacy_pipeline.enforcement.current import current_policy
from ajprivacy_pipeline.enforcement.ground import Ground, look_at
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
from ajprivacy_pipeline.warehouse.packed import Packed
from ajprivacy_pipeline.warehouse.source import ColumnType, Source, open_source
from ajprivacy_pipeline.warehouse.texts import as_text

BATCH_ROWS = 20_000
MUCH = 2_000_000  # values that are gathered before they are looked at
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
    with open_source(url) as source, ExitStack() as stack:
        looking = _Looking(con, source, _native(con, source, stack), sought)
        for table in _tables(source, mapping):
            looking.gather(table)
        return _listed(looking.found())


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
    waits.find_waiting(con, ground.places, stages_of(policy), policy.sources, plan.as_of)
    return ground


def _tables(source: Source, mapping: MappingFile) -> Iterator[Looked]:
    """Every table but the engine's, ours, and of a partitioned one the whole: its partitions hold the rows."""
    inspector = sa.inspect(source.connection)
    own = source.connection.dialect.default_schema_name
    known = {(copy.table, copy.column) for copy in mapping.known_copies}
    holding: dict[str | None, set[str]] = {}
    for name, columns in source.everywhere().items():
        path = source.path_of(name)
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


class _Looking:
    """One look through a warehouse: the values of its tables are gathered, and each is looked at once.

    The same names and addresses stand in many columns and rows. What is gathered lies in the zone's file; it is
    looked at whenever it is much, so that it stays small. A street is found by itself first: what has to stand beside
    it is looked for in its table afterwards.
    """

    def __init__(self, con: zones.Connection, source: Source, native: _Native | None, sought: erased.Sought) -> None:
        self.con, self.source, self.native, self.sought = con, source, native, sought
        self.tables: list[Looked] = []
        self.streets: dict[int, list[str]] = {}  # by table, the values with a street that is looked for
        self.by_hand: set[int] = set()  # tables that the quickest way does not read
        self.counts: Found = Counter()
        con.execute("CREATE OR REPLACE TABLE swept_values "
                    "(place INTEGER, col INTEGER, value VARCHAR, row_count BIGINT)")

    def gather(self, table: Looked) -> None:
        """Read a table in the quickest way that it can be read in; one that cannot be read is said so."""
        place = len(self.tables)
        self.tables.append(table)
        for values in (self._quickly, self._slowly):
            try:
                for relation in values(table):
                    self.con.execute(f"INSERT INTO swept_values SELECT {place}, col, value, count(*) FROM ({relation}) "
                                     f"WHERE strlen(value) >= {self.sought.sweep.shortest} GROUP BY col, value "
                                     f"HAVING NOT {leads_nowhere('value', self.sought.sweep)}")
                    if self.con.execute("SELECT count(*) FROM swept_values").fetchall()[0][0] > MUCH:
                        self._look()
            except (PrivacyError, zones.EngineError):
                self._forget(place)
            else:
                return
        self.counts[table.name, "*", NOT_READ] = 1

    def found(self) -> Found:
        """Returns the rows in which something stands, of all that was gathered."""
        self._look()
        self.con.execute("DROP TABLE swept_values")
        for place, streets in self.streets.items():
            table = self.tables[place]
            self.con.register("swept_streets", pa.table({"value": pa.array(streets, pa.string())}))
            native = self.native if place not in self.by_hand else None
            for rows in [native.relation(table)] if native else self._streamed(table):
                for col, count in _addresses(self.con, self.sought, rows, len(table.columns)).items():
                    self.counts[table.name, table.columns[col], "address"] += count
            self.con.unregister("swept_streets")
        return self.counts

    def _forget(self, place: int) -> None:
        """Take back what was gathered of a table that could not be read to its end."""
        self.source.connection.rollback()
        self.by_hand.add(place)
        self.con.execute("DELETE FROM swept_values WHERE place = $place", {"place": place})
        self.streets.pop(place, None)
        for known in [known for known in self.counts if known[0] == self.tables[place].name]:
            del self.counts[known]

    def _quickly(self, table: Looked) -> Iterator[str]:
        """Yields relations (col, value) by the engine's own reader, or of rows that the server has packed."""
        if self.native is not None:
            yield _unpivoted(self.native.relation(table), len(table.columns))
            return
        packed = Packed(self.source, table.path, table.columns, self.sought.sweep.shortest)
        for batch in packed.batches(BATCH_ROWS):
            with self._known(batch):
                yield packed.relation("swept")

    def _slowly(self, table: Looked) -> Iterator[str]:
        """Yields relations (col, value) of rows as the driver gives them."""
        for rows in self._streamed(table):
            yield _unpivoted(rows, len(table.columns))

    def _streamed(self, table: Looked) -> Iterator[str]:
        for batch in _streamed(self.source, table):
            with self._known(batch):
                yield "SELECT * FROM swept"

    @contextmanager
    def _known(self, batch: pa.Table) -> Iterator[None]:
        self.con.register("swept", batch)
        try:
            yield
        finally:
            self.con.unregister("swept")

    def _look(self) -> None:
        """Count the rows of what is gathered by column and kind; of a street note where it stands."""
        distinct = ("(SELECT 0 AS row_no, 0 AS col, value FROM swept_values ANTI JOIN kept_values USING (value) "
                    "GROUP BY value)")  # what is kept as it stands here was taken off what is looked for
        self.con.execute(f"CREATE OR REPLACE TABLE scratch.hits AS SELECT DISTINCT h.value, w.kind "
                         f"FROM ({self.sought.hits(distinct)}) AS h "
                         "JOIN (SELECT DISTINCT kind, hash FROM scratch.wanted) AS w USING (hash)", self.sought.bound())
        for place, col, kind, rows in self.con.execute(
                "SELECT place, col, kind, sum(row_count)::BIGINT FROM swept_values JOIN scratch.hits USING (value) "
                "WHERE kind <> 'address' GROUP BY ALL").fetchall():
            self.counts[self.tables[place].name, self.tables[place].columns[col], kind] += rows
        for place, value in self.con.execute("SELECT DISTINCT place, value FROM swept_values "
                                             "JOIN scratch.hits USING (value) WHERE kind = 'address'").fetchall():
            self.streets.setdefault(place, []).append(value)
        self.con.execute("DROP TABLE scratch.hits")
        self.con.execute("TRUNCATE swept_values")


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


def _unpivoted(relation: str, columns: int, beside: str = "") -> str:
    numbers, names = (", ".join(f"{name}{i}" for i in range(columns)) for name in ("", "c"))
    return f"SELECT {beside}unnest([{numbers}]) AS col, unnest([{names}]) AS value FROM ({relation})"


def _addresses(con: zones.Connection, sought: erased.Sought, relation: str, columns: int) -> Mapping[int, int]:
    """Rows by column in which a street of `swept_streets` stands, and anywhere in the row its postal code or name."""
    anywhere = " OR ".join(f"c{i} IN (FROM swept_streets)" for i in range(columns))
    con.execute(f"CREATE OR REPLACE TABLE scratch.near AS SELECT * FROM ({relation}) WHERE {anywhere}")
    cells = _unpivoted("SELECT row_number() OVER () AS row_no, * FROM scratch.near", columns, "row_no, ")
    con.execute(f"CREATE OR REPLACE TABLE scratch.words AS {sought.hits(f'({cells})', beside=True)}",
                sought.bound(beside=True))
    return dict(con.execute("SELECT s.col, count(DISTINCT s.row_no) FROM scratch.words AS s "
                            "JOIN scratch.wanted AS w ON w.hash = s.hash AND w.kind = 'address' "
                            "JOIN scratch.words AS b ON b.row_no = s.row_no AND b.hash = w.beside "
                            "GROUP BY ALL").fetchall())
