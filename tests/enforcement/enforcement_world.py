"""A shop that is decided, planned, approved and carried out, and every cell of it before and after."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.enforcement.carry import apply_plan, nothing
from ajprivacy_pipeline.enforcement.make import make_plan
from ajprivacy_pipeline.enforcement.shapes import ApplyResult, PlanSummary
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.run.month import MonthRun, open_month
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.sample import generate
from ajprivacy_pipeline.settings import NOTICE, load_settings, prepare_home
from ajprivacy_pipeline.storage.control import ControlStore
from tests.mariadb import fresh_database

MONTH = "2026-10"
# Databases of a test whose statements another quick test sends to all three.
ONE_QUICK = ("sqlite", *(pytest.param(kind, marks=pytest.mark.soak) for kind in ("postgresql", "mariadb")))
Cells = dict[str, dict[str, dict[str, Any]]]  # table -> key -> column -> value
Decision = tuple[str, Any]  # decision, due_on


class World:
    """One home over one warehouse."""

    def __init__(self, home: Path, url: str, **env: str) -> None:
        """Use a home; the warehouse is there already."""
        self.url = url
        self.env = {"AJPRIVACY_HOME": str(home), "AJPRIVACY_WAREHOUSE": url, "AJPRIVACY_THREADS": "1", **env}
        self.settings = load_settings(self.env)
        prepare_home(self.settings)
        self.policy = load_policy(self.settings.notice)

    @property
    def control(self) -> ControlStore:
        """The control store, opened anew."""
        return ControlStore.in_folder(self.settings.control)

    def decide(self, month: str = MONTH) -> dict[tuple[str, str, str], Decision]:
        """Run a month to its last decision; returns what became of every subject's attribute and record's part."""
        return self.run(month, run_decisions)

    def run(self, month: str, steps: Callable[[MonthRun], None]) -> dict[tuple[str, str, str], Decision]:
        """Run a month by some steps, among them its decisions, and finish it; returns what was decided."""
        with open_month(self.settings, month, f"test {secrets.token_hex(8)}", logs=list) as run:
            steps(run)
            if steps is run_decisions:
                run.finish()
            rows = run.con.execute(
                "SELECT 'subject', subject_id, attribute, decision, due_on FROM retention.attribute_decisions "
                "UNION ALL SELECT entity, record_id, part, decision, due_on FROM retention.record_decisions UNION ALL "
                "SELECT entity, record_id, part, CASE reason WHEN 'held' THEN 'hold' ELSE 'due' END, due_on "
                "FROM retention.bulk_rulings").fetchall()
        return {(entity, key, part): (decision, due_on) for entity, key, part, decision, due_on in rows}

    def plan(self) -> PlanSummary:
        """Make a plan."""
        return make_plan(self.settings)

    def approved(self, made: PlanSummary | None = None) -> str:
        """Approve the plan that was made, or one that is made for it; returns its id."""
        plan = (made or self.plan())["plan"]
        assert plan is not None
        approve(self.settings, plan, "Ada", release_brake=True)
        return plan

    def apply(self, plan: str, checkpoint: Any = nothing) -> ApplyResult:
        """Carry a plan out."""
        return apply_plan(self.settings, plan, by="test", checkpoint=checkpoint)

    @contextmanager
    def connection(self) -> Iterator[sa.Connection]:
        """A connection to the warehouse, as another system has one; committed at the end."""
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            yield connection
        engine.dispose()

    def execute(self, sql: str, **values: Any) -> None:
        """Change the warehouse, as another system would."""
        with self.connection() as connection:
            connection.execute(sa.text(sql), values)

    def cells_of(self, table: str) -> list[tuple[Any, ...]]:
        """Every row of a table of the source, in order."""
        with self.connection() as connection:
            return sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {table}")))

    def cells(self) -> Cells:
        """Every cell of the contract's tables by table and key."""
        found: Cells = {}
        with self.connection() as connection:
            for table, spec in self.policy.sources.tables.items():
                if not sa.inspect(connection).has_table(table):
                    continue
                rows = connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()
                found[table] = {"/".join(str(row[name]) for name in spec.key): dict(row) for row in rows}
        return found


def shop_of(folder: Path, url: str, tables: str, mapping: str, **env: str) -> World:
    """Make a shop of statements, with `;` between them, where the URL says, and a world over it with a mapping."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in filter(None, map(str.strip, tables.split(";"))):
            connection.exec_driver_sql(statement)
    engine.dispose()
    (folder / "mapping.toml").write_text(mapping)
    return World(folder / "home", url, AJPRIVACY_MAPPING=str(folder / "mapping.toml"), **env)


def new_database(postgres_url: str, name: str) -> str:
    """A new, empty database on the test's PostgreSQL; its URL."""
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return sa.make_url(postgres_url).set(database=name).render_as_string(hide_password=False)


def empty_database(kind: str, request: pytest.FixtureRequest, folder: Path, name: str) -> str:
    """The URL of a new, empty database of a kind; the servers are the session's, SQLite's file lies in the folder."""
    if kind == "postgresql":
        return new_database(request.getfixturevalue("postgres_url"), name)
    if kind == "mariadb":
        return fresh_database(request.getfixturevalue("mariadb_url"), name)
    return f"sqlite:///{folder / 'shop.db'}"


def sample_shop(url: str, customers: int, seed: int, folder: Path) -> None:
    """Write the sample shop to a warehouse of any of the three kinds; MariaDB gets a copy of the SQLite file."""
    kind = sa.make_url(url).get_backend_name()
    file = f"sqlite:///{folder / 'shop.db'}"
    generate(file if kind in ("mysql", "mariadb") else url, customers, seed, date(2026, 10, 31), lambda _: None)
    if kind not in ("mysql", "mariadb"):
        return
    source, target = sa.create_engine(file), sa.create_engine(url)
    with source.connect() as reading, target.begin() as writing:
        for table, spec in load_policy(NOTICE).sources.tables.items():
            rows = reading.exec_driver_sql(f"SELECT * FROM {table}").mappings().all()
            columns = ", ".join(f"`{name}` {_MARIADB.get(column.type, 'text')}"
                                for name, column in spec.columns.items())
            keys = ", ".join(f"`{name}`" for name in spec.key)
            writing.exec_driver_sql(f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({keys})) ENGINE=InnoDB")
            if rows:
                marks = ", ".join(["%s"] * len(spec.columns))
                writing.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})",
                                        [tuple(row[name] for name in spec.columns) for row in rows])
    source.dispose()
    target.dispose()


_MARIADB = {"id": "varchar(60)", "enum": "varchar(40)", "number": "double", "integer": "bigint",
            "amount": "decimal(18,2)", "boolean": "varchar(8)", "timestamp": "varchar(40)", "date": "varchar(20)"}


def changed(before: Cells, after: Cells) -> dict[tuple[str, str, str], tuple[Any, Any]]:
    """Every cell that is another one now, by table, key and column; of a row that is gone the column is ''."""
    found: dict[tuple[str, str, str], tuple[Any, Any]] = {}
    for table, rows in before.items():
        for key, row in rows.items():
            now: Mapping[str, Any] | None = after[table].get(key)
            if now is None:
                found[table, key, ""] = (row, None)
            else:
                found |= {(table, key, column): (value, now[column]) for column, value in row.items()
                          if now[column] != value}
    return found
