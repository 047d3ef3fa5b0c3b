"""Runs the production SQL on a shop of the generators, and holds its rows against the evaluator's."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of, policy_parameters, prepare
from ajprivacy_pipeline.retention.quality import write_quality
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import layer_models, run_model
from ajprivacy_pipeline.storage.control import ControlStore

from . import sqlshop
from .casekit import IDENTITY
from .model import Options, Shop


def decide(shop: Shop, month: str, options: Options) -> dict[str, list[dict[str, Any]]]:
    """All decision tables of the SQL models, as rows without policy version and reasons."""
    con, control = _parts()
    policy = _policy(options)
    values = policy_parameters(policy, month)
    sqlshop.load_raw(con, shop, policy)
    prepare(con, policy, control, month)
    if options.evidence_missing:
        con.execute("UPDATE raw.extraction SET evidence_missing = ['*'] WHERE table_name = 'invoices'")
    _record(con, options)
    models = catalogue_of(policy)
    for model in layer_models(models, ["staged"]):
        run_model(con, model, values)
    write_quality(con, policy)
    for model in layer_models(models, ["retention"]):
        run_model(con, model, values)
        if model.name == "retention.open_invoices":
            _release(con, options)
    assert not wrongly_numbered(con)
    return {table: list(rows_of(con, table)) for table in IDENTITY}


def wrongly_numbered(con: zones.Connection) -> list[tuple[Any, ...]]:
    """Decisions whose subject_no is not that of the subject they name; one that does not exist has none."""
    return con.execute("""
        SELECT d.subject_id, d.subject_no FROM (SELECT subject_id, subject_no FROM retention.attribute_decisions
            UNION ALL SELECT subject_id, subject_no FROM retention.purpose_status
            UNION ALL SELECT subject_id, subject_no FROM retention.record_decisions) AS d
        LEFT JOIN retention.subjects AS s ON s.subject_id = d.subject_id
        WHERE s.subject_no IS DISTINCT FROM d.subject_no""").fetchall()


@functools.cache
def _parts() -> tuple[zones.Connection, ControlStore]:
    con = zones.memory()
    con.execute("SET threads = 1")
    return con, ControlStore("sqlite://")


@functools.cache
def _policy_at_rest() -> Policy:
    return sqlshop.whatever_is_orphaned(load_policy(NOTICE))


def _policy(options: Options) -> Policy:
    policy = _policy_at_rest()
    choices = policy.retention.choices.model_copy(update={
        "unknown_warranty": options.unknown_warranty, "no_warranty_categories": options.no_warranty_categories,
        "business_warranty_keeps_contact": options.business_warranty_keeps_contact})
    periods = {name: period.model_copy(update={"value": getattr(options, name, period.value)})
               for name, period in policy.retention.periods.items()}
    retention = policy.retention.model_copy(
        update={"choices": choices, "periods": periods, "tombstones": options.tombstones})
    return policy.model_copy(update={"retention": retention})


def _record(con: zones.Connection, options: Options) -> None:
    """What people decided, but for released invoices."""
    for hold in options.legal_holds:
        con.execute("INSERT INTO control.legal_holds VALUES (?, ?, ?, ?)",
                    [hold.get("subject_id") or hold.get("entity"), hold["placed_on"],
                     hold.get("expires_on"), hold.get("lifted_on")])
    for release in options.review_releases:
        if release["kind"] == "no_evidence":
            con.execute("INSERT INTO control.released_no_evidence VALUES (?, ?)",
                        [release["subject_id"], release["decided_on"]])
    for review in options.message_reviews:
        con.execute("INSERT INTO control.reviewed_records VALUES (?, ?)",
                    [f"communications:{review['communication_id']}", review["reviewed_on"]])


def _release(con: zones.Connection, options: Options) -> None:
    """Review decisions name invoices as they are; their fingerprint is read back from the model."""
    for release in options.review_releases:
        for invoice_id in release.get("invoice_ids") or [] if release["kind"] == "open_balance" else []:
            con.execute("INSERT INTO control.released_invoices SELECT ?, invoice_id, ?, facts_sha256 "
                        "FROM retention.open_invoices WHERE invoice_id = ?",
                        [release["subject_id"], release["decided_on"], str(invoice_id)])


def rows_of(con: zones.Connection, table: str) -> Iterator[dict[str, Any]]:
    """The rows of a decision table, or of the quality faults, without what the evaluator does not know."""
    result = con.execute(f"SELECT * FROM {'staged' if table == 'quality' else 'retention'}.{table}")
    names = [column[0] for column in result.description]
    while chunk := result.fetchmany(10_000):
        for values in chunk:
            row = dict(zip(names, values, strict=True))
            yield {key: value for key, value in row.items()
                   if key not in ("policy_version", "reasons", "subject_no", "freezes")}


def differences(expected: dict[str, list[dict[str, Any]]], got: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Rows that only one side has, table by table."""
    return [line for table in IDENTITY for line in differing(table, expected[table], got[table])]


def differing(table: str, expected: Iterable[dict[str, Any]], got: Iterable[dict[str, Any]]) -> list[str]:
    """Rows of a table that only one side has; a row that the SQL repeats counts as one that only it has."""
    left, unexpected = {_frozen(row) for row in expected}, []
    for row in map(_frozen, got):
        if row in left:
            left.remove(row)
        else:
            unexpected.append(row)
    return [f"{table}: only {side}: {dict(row)}" for side, rows in (("the evaluator", left), ("the SQL", unexpected))
            for row in sorted(rows, key=str)]


def _frozen(row: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((key, tuple(value) if isinstance(value, list) else value)
                        for key, value in row.items() if key != "as_of"))
