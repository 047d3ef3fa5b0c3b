"""A case of a model on Spark: the same given rows as DuckDB gets, and the rows that come of them, as texts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.settings import NOTICE, sql_folder
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import macros
from ajprivacy_pipeline.storage.engine import DuckDB
from ajprivacy_pipeline.storage.spark.dialect import MACROS, Macro, macros_of
from ajprivacy_pipeline.storage.spark.session import Spark, session
from tests.sql.modelkit import Case, Workbench

# Few rows: no code is generated, nothing is shuffled into more than one part.
SMALL = {"spark.driver.memory": "1500m", "spark.sql.shuffle.partitions": "1", "spark.default.parallelism": "1",
         "spark.sql.leafNodeDefaultParallelism": "1", "spark.sql.adaptive.enabled": "false",
         "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN",
         "spark.pyspark.python": sys.executable}


def spark_macros() -> dict[str, Macro]:
    """The macros as Spark says them."""
    shared = macros(sql_folder(), vocabulary_of(load_policy(NOTICE)))
    return dict(macros_of(shared, (sql_folder() / MACROS).read_text(encoding="utf-8")))


@contextmanager
def small_session() -> Iterator[Any]:
    """A session for a few rows."""
    with session("local[2]", "Europe/Oslo", SMALL) as started:
        yield started


class SparkBench:
    """Runs cases on Spark; DuckDB's workbench gives the tables, their types and what is bound."""

    def __init__(self, bench: Workbench, started: Any) -> None:
        self._bench, self._duck = bench, DuckDB(bench._con)
        self._spark = Spark(started, spark_macros())
        self._empty: set[str] = set()  # tables that stand in Spark without rows, as DuckDB has them

    def run(self, case: Case) -> list[tuple[str | None, ...]]:
        """The rows of the case's model, the columns that the case names, in DuckDB's types as texts."""
        steps = [self._bench.catalogue[name] for name in (*case.through, case.model)]
        try:
            for table, rows in case.given.items():
                self._bench._fill(table, rows)
            types = {name: kind for name, kind, *_ in self._bench._con.execute(
                f"DESCRIBE {steps[-1].sql}", self._bench._of(steps[-1], case)).fetchall()}
            for model in steps:
                self._give(case, [table for table in model.reads if table not in case.through])
                self._spark.run(model, self._bench._of(model, case) or {})
        finally:
            for table in case.given:
                self._bench._restore(table)
        self._empty -= {case.model, *case.through}
        return self._texts(case, types)

    def _give(self, case: Case, tables: list[str]) -> None:
        for table in tables:
            if table in case.given or table not in self._empty:
                rows = self._duck.rows(table)
                self._spark.take(table, rows)
                if table in case.given:
                    self._empty.discard(table)
                else:
                    self._empty.add(table)

    def _texts(self, case: Case, types: dict[str, str]) -> list[tuple[str | None, ...]]:
        con = self._bench._con
        con.register("from_spark", self._spark.rows(case.model))
        shown = ", ".join(f"CAST(CAST({zones.quote(name)} AS {types[name]}) AS VARCHAR)" for name in case.columns)
        found = con.execute(f"SELECT {shown} FROM from_spark").fetchall()
        con.unregister("from_spark")
        return [tuple(row) for row in found]
