"""Each macro and each construct that is translated has one meaning: `meanings.toml`, held against every engine."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.settings import NOTICE, sql_folder
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import Model, macros
from ajprivacy_pipeline.storage.spark.dialect import MACROS, read_macros
from ajprivacy_pipeline.storage.spark.session import Spark
from tests.sql.engines.sparkbench import small_session, spark_macros

MEANINGS: dict[str, dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("meanings.toml").read_text(encoding="utf-8"))
EXPRESSIONS = [expression for group in MEANINGS.values() for expression in group]
EXPECTED = [None if said == "-" else said for group in MEANINGS.values() for said in group.values()]
ROWS = "FROM (VALUES (1, 'b'), (2, NULL), (3, 'a')) AS given(n, t)"
SHARED = macros(sql_folder(), vocabulary_of(load_policy(NOTICE)))


GROUPED = ("list", "aggregates")  # over the rows; everything else stands alone


def _models() -> list[tuple[Model, list[str]]]:
    """One statement of what stands alone and one of what is grouped, each with its expressions."""
    alone = [expression for group, said in MEANINGS.items() if group not in GROUPED for expression in said]
    grouped = [expression for group in GROUPED for expression in MEANINGS[group]]
    return [(Model(f"terms.{name}", "one row", "meanings", (), (), "SELECT "
                   + ", ".join(f"{expression} AS m{n}" for n, expression in enumerate(said)) + f" {rows}"), said)
            for name, said, rows in (("alone", alone, ""), ("grouped", grouped, ROWS))]


@pytest.fixture(scope="module")
def con() -> zones.Connection:
    connection = zones.memory()
    connection.execute(SHARED)
    return connection


def test_each_macro_has_a_meaning() -> None:
    shared, own = read_macros(SHARED, "duckdb"), read_macros((sql_folder() / MACROS).read_text("utf-8"), "spark")
    helpers = own.keys() - shared.keys()
    assert helpers == {"is_number"}
    assert shared.keys() <= MEANINGS.keys()


def test_duckdb_means_it(con: zones.Connection) -> None:
    found = {expression: con.execute(f"SELECT CAST({expression} AS VARCHAR) {ROWS} LIMIT 1").fetchall()[0][0]
             for expression in EXPRESSIONS}
    assert found == dict(zip(EXPRESSIONS, EXPECTED, strict=True))


@pytest.mark.soak
def test_spark_means_it(con: zones.Connection) -> None:
    """DuckDB says what came of each as a text, in the type that it has there."""
    found: dict[str, str | None] = {}
    with small_session() as started:
        spark = Spark(started, spark_macros())
        for model, said in _models():
            spark.run(model, {})
            con.register("from_spark", spark.rows(model.name))
            kinds = [row[1] for row in con.execute(f"DESCRIBE {model.sql}").fetchall()]
            shown = ", ".join(f"CAST(CAST(m{n} AS {kind}) AS VARCHAR)" for n, kind in enumerate(kinds))
            found |= dict(zip(said, con.execute(f"SELECT {shown} FROM from_spark").fetchall()[0], strict=True))
            con.unregister("from_spark")
    assert found == dict(zip(EXPRESSIONS, EXPECTED, strict=True))
