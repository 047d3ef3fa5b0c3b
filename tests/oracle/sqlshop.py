"""Runs the SQL models on a small shop given as rows, in memory: what the oracle's tests hold against the oracle."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path

from ajprivacy_pipeline.policy import DecisionPolicy, Policy, load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of, policy_parameters, prepare
from ajprivacy_pipeline.retention.quality import write_quality
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import layer_models, run_model
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.warehouse.mapping_file import Mapping as Feeds
from ajprivacy_pipeline.warehouse.settle import settle_values

Shop = Mapping[str, Sequence[Mapping[str, object]]]


def raw_text(value: object) -> str | None:
    """A value as a source without types would deliver it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return str(value)


def whatever_is_orphaned(policy: Policy) -> Policy:
    """The policy without the guard of the first run: shops of the tests are full of ids that do not exist."""
    evidence = policy.retention.evidence
    assert evidence is not None
    loose = evidence.model_copy(update={"first_orphan_share": 1.0})
    return policy.model_copy(update={"retention": policy.retention.model_copy(update={"evidence": loose})})


@cache
def _orphaned() -> Policy:
    return whatever_is_orphaned(load_policy(NOTICE))


def load_raw(con: zones.Connection, shop: Shop, policy: DecisionPolicy) -> None:
    """Write schema raw from a shop; a missing table is absent, a missing column is NULL."""
    con.execute("CREATE SCHEMA IF NOT EXISTS raw")
    con.execute("CREATE OR REPLACE TABLE raw.extraction (table_name VARCHAR, present BOOLEAN, rows BIGINT, "
                "missing_columns VARCHAR[], evidence_missing VARCHAR[])")
    for name, table in policy.sources.tables.items():
        columns = ", ".join(f"{zones.quote(column)} VARCHAR" for column in table.columns)
        con.execute(f"CREATE OR REPLACE TABLE raw.{zones.quote(name)} ({columns})")
        rows = shop.get(name, [])
        con.execute("INSERT INTO raw.extraction VALUES (?, ?, ?, [], [])", [name, name in shop, len(rows)])
        if rows:
            lists = ", ".join("unnest(CAST(? AS VARCHAR[]))" for _ in table.columns)
            con.execute(f"INSERT INTO raw.{zones.quote(name)} SELECT {lists}",
                        [[raw_text(row.get(column)) for row in rows] for column in table.columns])
    settle_values(con, policy, Feeds())


def decide(shop: Shop, month: str, folder: Path, *, policy: Policy | None = None,
           control: ControlStore | None = None) -> zones.Connection:
    """Load a shop and run all staged and retention models for a month; returns the connection."""
    policy = policy or _orphaned()
    control = control or ControlStore("sqlite://")
    con = zones.memory()
    load_raw(con, shop, policy)
    prepare(con, policy, control, month)
    run_decisions(con, policy, month)
    return con


def run_decisions(con: zones.Connection, policy: DecisionPolicy, month: str) -> None:
    """Run staged models, quality and retention models over what schema raw holds."""
    values = policy_parameters(policy, month)
    for model in layer_models(catalogue_of(policy), ["staged"]):
        run_model(con, model, values)
    write_quality(con, policy)
    _decide_staged(con, policy, month)


def decide_again(con: zones.Connection, month: str, control: ControlStore) -> None:
    """Decide a shop that `decide` has decided, with what a control store holds now; half of the work stands.

    What is staged, and what is at fault in it, follow from the shop and the month alone.
    """
    policy = _orphaned()
    prepare(con, policy, control, month)
    _decide_staged(con, policy, month)


def _decide_staged(con: zones.Connection, policy: DecisionPolicy, month: str) -> None:
    values = policy_parameters(policy, month)
    for model in layer_models(catalogue_of(policy), ["retention"]):
        run_model(con, model, values)
