"""A whole month's decisions, each model on what Spark made of those before it: every table equal to DuckDB's."""

from __future__ import annotations

import time

import pytest

from ajprivacy_pipeline.retention.bind import catalogue_of, policy_parameters
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import Model, layer_models
from ajprivacy_pipeline.storage.engine import DuckDB
from ajprivacy_pipeline.storage.spark.session import Spark
from tests.oracle import sql
from tests.oracle.batch import together
from tests.oracle.shops import random_shop
from tests.sql.engines.sparkbench import small_session, spark_macros

pytestmark = pytest.mark.soak
MONTH, SHOPS = "2026-10", 40


def test_a_month_of_random_shops_is_decided_alike() -> None:
    """Forty shops with every kind of fault, request, freeze and boundary date, decided together.

    Spark is given the shop as it was read, the policy, what people decided, and the faults of values.
    """
    merged, chosen, _ = together([random_shop(seed) for seed in range(SHOPS)], MONTH)
    sql.decide(merged, MONTH, chosen)
    con, policy = sql._parts()[0], sql._policy(chosen)
    models, values = layer_models(catalogue_of(policy), ["staged", "retention"]), policy_parameters(policy, MONTH)
    duck, differing, begun = DuckDB(con), [], time.monotonic()
    with small_session() as started:
        spark = Spark(started, spark_macros())
        for table in sorted({name for model in models for name in model.reads} - {model.name for model in models}):
            spark.take(table, duck.rows(table))
        for model in models:
            made = spark.run(model, values)
            if found := _differences(con, spark, model):
                differing.append((model.name, made, found))
    print(f"{len(models)} models, {time.monotonic() - begun:.0f} s")  # noqa: T201 - what docs/scale.md tells
    assert differing == []


def _differences(con: zones.Connection, spark: Spark, model: Model) -> list[tuple[object, ...]]:
    """How many rows one engine has and the other has not, each way; nothing where they are equal."""
    columns = con.execute(f"DESCRIBE {model.name}").fetchall()
    con.register("from_spark", spark.rows(model.name))
    shown = ", ".join(f"CAST({zones.quote(name)} AS {kind}) AS {zones.quote(name)}" for name, kind, *_ in columns)
    named = ", ".join(zones.quote(name) for name, *_ in columns)
    spark_rows, duck_rows = f"SELECT {shown} FROM from_spark", f"SELECT {named} FROM {model.name}"
    counts = con.execute(f"SELECT (SELECT count(*) FROM ({spark_rows} EXCEPT ALL {duck_rows})), "
                         f"(SELECT count(*) FROM ({duck_rows} EXCEPT ALL {spark_rows}))").fetchall()
    con.unregister("from_spark")
    return [] if counts == [(0, 0)] else counts
