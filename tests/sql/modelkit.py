"""One SQL model on a few rows: what a case file gives and expects, and running it where the model stands.

A case is `tests/sql/<layer>/<model>/<case>.toml`:

    doc = "why these rows"                 one sentence
    through = ["retention.order_rulings"]  models that stand between what is given and this one, in their order
    [params]                               values that differ from the policy's (as_of follows the month 2026-10)
    contract_tail_months = 6
    [given]                                rows of tables that the model reads; what is not given is empty
    "staged.orders" = '''
    order_id | ordered_on | total_amount
    o1       | 2026-01-05 | 100
    '''
    [expect]
    rows = '''                             the columns named, all rows; `order = true` where their order matters
    order_id | ended_on
    o1       | 2026-01-05
    '''

`-` is NULL, `''` the empty text; lists are written [a, b]; a cell in double quotes is a text as JSON writes it; and
token(x) is the keyed hash of x (HMAC-SHA-256), under the empty key that all cases have.

Schemas come from running the whole catalogue on an empty shop once, so a case names only the columns that matter, and
a column that no longer exists fails.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.pseudonyms.keys import pseudonym_parameters
from ajprivacy_pipeline.release import model_values, plan_release
from ajprivacy_pipeline.retention.bind import CONTROL_TABLES, policy_parameters, prepare
from ajprivacy_pipeline.retention.quality import write_quality
from ajprivacy_pipeline.settings import NOTICE, load_settings, prepare_home, sql_folder
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import ASKED, LAYERS, Model, layer_models, load_models, run_model
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests.oracle import sqlshop

MONTH = "2026-10"
_KEPT = "kept_"  # how a table is called while a case stands in its place
FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Case:
    """A case file, read."""

    path: Path
    model: str
    through: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    given: dict[str, list[dict[str, str | None]]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    expected: list[tuple[str | None, ...]] = field(default_factory=list)
    is_ordered: bool = False


def read_case(path: Path) -> Case:
    """A case from its file; the model is its folder."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    assert raw.keys() <= {"doc", "through", "params", "given", "expect"}, path
    assert raw["doc"].strip(), path
    columns, expected = read_table(raw["expect"]["rows"])
    given = {}
    for table, text in raw.get("given", {}).items():
        names, rows = read_table(text)
        given[table] = [dict(zip(names, row, strict=True)) for row in rows]
    return Case(path, f"{path.parent.parent.name}.{path.parent.name}", tuple(raw.get("through", ())),
                raw.get("params", {}), given, columns, expected, raw["expect"].get("order", False))


def read_table(text: str) -> tuple[tuple[str, ...], list[tuple[str | None, ...]]]:
    """Column names and rows of a table drawn with bars."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines() if line.strip()]
    return tuple(lines[0]), [tuple(_value(cell) for cell in line) for line in lines[1:]]


def _value(cell: str) -> str | None:
    if cell.startswith("token(") and cell.endswith(")"):
        return hmac.new(b"", cell[6:-1].encode(), hashlib.sha256).hexdigest()
    if cell.startswith('"') and cell.endswith('"'):
        return str(json.loads(cell))
    return None if cell == "-" else "" if cell == "''" else cell


class Workbench:
    """Every table of every layer, empty, in memory; a case fills what its model reads, and leaves nothing behind."""

    def __init__(self, folder: Path) -> None:
        """Run the whole catalogue on an empty shop.

        Args:
            folder: for a control store and keys.
        """
        settings = load_settings({"AJPRIVACY_HOME": str(folder), "AJPRIVACY_THREADS": "1"})
        prepare_home(settings)
        policy, control = load_policy(NOTICE), ControlStore.in_folder(settings.control)
        keys = KeyStore(settings.keys, settings.root_key)
        self._con = zones.memory()
        self._con.execute("SET threads = 1")
        sqlshop.load_raw(self._con, {name: [] for name in policy.sources.tables}, policy)
        prepare(self._con, policy, control, MONTH)
        self._values = {**policy_parameters(policy, MONTH), **pseudonym_parameters(keys, MONTH),
                        **model_values(policy, plan_release(control, policy, MONTH)),
                        "effects_inner": b"6" * 64, "effects_outer": b"\\" * 64,  # the empty key, see token(x)
                        "guard_inner": b"6" * 64, "guard_outer": b"\\" * 64, "guard_national": "^47([0-9]{8})$",
                        "carried_inner": b"6" * 64, "carried_outer": b"\\" * 64,
                        "first_held_inner": b"6" * 64, "first_held_outer": b"\\" * 64, "subject_nos": [1],
                        "first_no": 1, "last_no": 2}
        self._con.execute(f"CREATE SCHEMA {ASKED}")
        self.catalogue: Mapping[str, Model] = load_models(sql_folder(), vocabulary_of(policy))
        for name in ("control.rates", "control.carried_facts"):
            self._con.execute(f"CREATE TABLE IF NOT EXISTS {name} ({CONTROL_TABLES[name]})")
        for layer in (*LAYERS, ASKED):
            for model in layer_models(self.catalogue, [layer]):
                run_model(self._con, model, self._values)
            if layer == "staged":
                write_quality(self._con, policy)

    def plan(self, model: Model) -> str:
        """How the engine means to make a model's rows of the tables as they are."""
        values = {name: self._values[name] for name in model.params}
        return str(self._con.execute(f"EXPLAIN {model.sql}", values).fetchall()[0][1])

    def grow(self, table: str, rows: int, **columns: str) -> None:
        """Add so many rows to a table for good, by an expression of `n` a column."""
        self._con.execute(f"INSERT INTO {table} BY NAME SELECT "
                          + ", ".join(f"{value} AS {name}" for name, value in columns.items())
                          + f" FROM range({rows:d}) AS r(n)")

    def run(self, case: Case) -> list[tuple[str | None, ...]]:
        """The rows that the case's model makes of what is given, as texts, the columns that the case names."""
        steps = [self.catalogue[name] for name in (*case.through, case.model)]
        if unread := set(case.given) - {table for model in steps for table in model.reads}:
            raise AssertionError(f"{case.path.name}: {case.model} does not read {', '.join(sorted(unread))}")
        if unknown := set(case.params) - {name for model in steps for name in model.params}:
            raise AssertionError(f"{case.path.name}: {case.model} takes no {', '.join(sorted(unknown))}")
        try:
            for table, rows in case.given.items():
                self._fill(table, rows)
            for model in steps[:-1]:
                self._set_aside(model.name)
                self._con.execute(f"CREATE TABLE {model.name} AS {model.sql}", self._of(model, case))
            shown = ", ".join(f"CAST({zones.quote(name)} AS VARCHAR)" for name in case.columns)
            return [tuple(row) for row in self._con.execute(f"SELECT {shown} FROM ({steps[-1].sql})",
                                                            self._of(steps[-1], case)).fetchall()]
        finally:
            for table in (*case.given, *case.through):
                self._restore(table)

    def _of(self, model: Model, case: Case) -> dict[str, Any] | None:
        """The values of a model's parameters in a case; None where it has none."""
        return {name: case.params.get(name, self._values[name]) for name in model.params} or None

    def _set_aside(self, table: str) -> None:
        self._con.execute(f"ALTER {self._kind(table)} {table} RENAME TO {_KEPT}{table.partition('.')[2]}")

    def _fill(self, table: str, rows: Sequence[Mapping[str, str | None]]) -> None:
        """Put a table of these rows in a table's place; texts become the columns' types."""
        types = {name: kind for name, kind, *_ in self._con.execute(f"DESCRIBE {table}").fetchall()}
        columns = ", ".join(f"{zones.quote(name)} {kind}" for name, kind in types.items())
        self._set_aside(table)
        self._con.execute(f"CREATE TABLE {table} ({columns})")
        for row in rows:
            if unknown := set(row) - set(types):
                raise AssertionError(f"{table} has no column {', '.join(sorted(unknown))}")
            named = ", ".join(zones.quote(name) for name in row)
            casts = ", ".join(f"CAST(? AS {types[name]})" for name in row)
            self._con.execute(f"INSERT INTO {table} ({named}) SELECT {casts}", list(row.values()))

    def _restore(self, table: str) -> None:
        schema, _, name = table.partition(".")
        found = self._con.execute("SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = ?",
                                  [schema, _KEPT + name]).fetchall()
        if found:
            self._con.execute(f"DROP TABLE IF EXISTS {table}")
            self._con.execute(f"ALTER {self._kind(table)} {schema}.{_KEPT}{name} RENAME TO {name}")

    def _kind(self, table: str) -> str:
        return "VIEW" if table in self.catalogue and self.catalogue[table].is_view else "TABLE"
