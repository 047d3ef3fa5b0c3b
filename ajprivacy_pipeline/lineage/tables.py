"""The tables that no model makes, and what their columns say about people.

Belongs here: columns and labels of raw, policy, control and what steps in Python write. Labels:

    direct   names a person or stands for one: an identifying column, a reference (customer_id), a row's own number
    quasi    narrows a person down: birth date, postal code, gender
    token    a keyed hash of one of these: it may leave through a count alone
    key      the key of such a hash
"""

from collections.abc import Mapping
from functools import cache

import sqlglot
from sqlglot import exp

from ajprivacy_pipeline.policy import Policy, Sources
from ajprivacy_pipeline.retention.bind import CONTROL_TABLES, POLICY_TABLES
from ajprivacy_pipeline.retention.quality import QUALITY_COLUMNS
from ajprivacy_pipeline.warehouse.beside import EMAIL_KEY_COLUMNS, EXTRACTION_COLUMNS

DIRECT, QUASI, TOKEN, KEY = "direct", "quasi", "token", "key"
ROW = "rowid"  # DuckDB's own number of a row; also what row_number() makes
KEYS = "(keys)"  # the table that bound keys are read from
_KEY_ENDINGS = ("_inner", "_outer")

Columns = dict[str, tuple[str, ...]]
# Columns of control and of steps' tables that say nothing about a person; any other one counts as direct.
_HARMLESS = frozenset({
    *(f"control.previous_measures.{column}" for column in (
        "guard", "table_name", "column_name", "month", "as_of", "part", "whole", "newest", "is_first")),
    "control.open_before.table_name", "control.open_before.as_of", "control.open_before.is_first",
    "control.legal_holds.placed_on", "control.legal_holds.expires_on", "control.legal_holds.lifted_on",
    "control.released_invoices.decided_on", "control.released_no_evidence.decided_on",
    "control.released_faults.entity", "control.released_faults.freeze", "control.released_faults.decided_on",
    "control.first_held.first_on",
    "control.previous_warranties.product_id", "control.previous_warranties.warranty_years",
    "control.reviewed_records.reviewed_on", "control.shared_requests.matches",
    "control.effects.kind", "control.effects.received_on", "control.effects.verified_on", "control.effects.by_email",
    "control.effects.matches", "control.effects.what", "control.effects.erases",
    "control.added_requests.kind", "control.added_requests.received_on", "control.request_steps.identity_verified_on",
    "control.request_steps.closed_on", "control.request_steps.outcome",
    "control.carried_facts.entity", "control.carried_facts.region",  # a region as the policy shows it
    "control.rates.currency", "control.rates.rate",
    "staged.quality.table_name", "staged.quality.column_name", "staged.quality.fault", "staged.quality.freezes",
})


def given_tables(policy: Policy) -> Columns:
    """Returns columns of every table that no model makes, in order."""
    found: Columns = {f"raw.{name}": tuple(table.columns) for name, table in policy.sources.tables.items()}
    declared = {**POLICY_TABLES, **CONTROL_TABLES, "staged.quality": QUALITY_COLUMNS,
                "raw.extraction": EXTRACTION_COLUMNS, "raw.email_keys": EMAIL_KEY_COLUMNS}
    return found | {name: _names(columns) for name, columns in declared.items()}


@cache
def _names(declaration: str) -> tuple[str, ...]:
    made = sqlglot.parse_one(f"CREATE TABLE t ({declaration})", dialect="duckdb")
    return tuple(column.name.lower() for column in made.find_all(exp.ColumnDef))


def label_of(sources: Sources, table: str, column: str) -> str | None:
    """Returns what a column that no model makes says about people; None: nothing."""
    layer, _, name = table.partition(".")
    if table == KEYS:
        return KEY
    if column == ROW:
        return DIRECT
    if table == "control.effects" and column in ("source", "token"):
        return TOKEN
    if layer == "raw" and name in sources.tables:
        class_ = sources.tables[name].columns[column].class_
        if class_ in sources.identifying_classes or class_ == "reference":
            return DIRECT
        return QUASI if class_ in ("quasi_identifier", "sensitive") else None
    harmless = layer == "policy" or table == "raw.extraction" or f"{table}.{column}" in _HARMLESS
    return None if harmless else DIRECT


def is_key(parameter: str) -> bool:
    """Returns whether a bound value is a key: half of an HMAC's."""
    return parameter.endswith(_KEY_ENDINGS)


def as_schema(columns: Mapping[str, tuple[str, ...]]) -> dict[str, object]:
    """Returns the columns in the nested form that sqlglot takes; types do not matter here."""
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for name, listed in columns.items():
        layer, _, table = name.partition(".")
        schema.setdefault(layer, {})[table] = dict.fromkeys(listed, "UNKNOWN")
    return dict(schema)
