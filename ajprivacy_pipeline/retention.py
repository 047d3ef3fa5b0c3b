"""What binds the retention models to the policy: parameters, policy tables, recorded decisions, quality faults.

Belongs here: turning policy and control data into what `sql/staged` and `sql/retention` read. Does not belong here: the
rules themselves, which are SQL.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from ajprivacy_pipeline import control as store
from ajprivacy_pipeline.control import ControlStore
from ajprivacy_pipeline.models import Model, load_catalogue, macros, record_reasons
from ajprivacy_pipeline.policy import DecisionPolicy, SourceColumn, SourceTable
from ajprivacy_pipeline.settings import as_of, sql_folder
from ajprivacy_pipeline.vocabulary import purpose_sets, subsets, vocabulary_of
from ajprivacy_pipeline.zones import Connection, engine_errors, literal, quote

FREEZING_FAULTS = ("unknown_value", "unparsable", "implausible_date", "missing")
# Columns of the tables that `prepare` and `write_quality` write; the column lineage starts from them, too.
POLICY_TABLES = {
    "policy.tombstones": "customer_id VARCHAR, customer_type VARCHAR",
    "policy.purposes": "purpose VARCHAR, clauses VARCHAR[]",
    "policy.attributes": ("attribute VARCHAR, subject_type VARCHAR, covers INTEGER, hold_entity VARCHAR, "
                          "is_misplaced BOOLEAN"),
    "policy.freezes": '"freeze" VARCHAR, scope VARCHAR',
    "policy.freeze_entities": '"freeze" VARCHAR, bit INTEGER, entity VARCHAR',
    "policy.freeze_sets": "freezes INTEGER, names VARCHAR[]",
    "policy.purpose_sets": "purposes INTEGER, names VARCHAR[]",
    "policy.reason_sets": "reasons INTEGER, names VARCHAR[]",
}
CONTROL_TABLES = {
    "control.previous_counts": "table_name VARCHAR, present BOOLEAN, rows BIGINT",
    "control.legal_holds": "subject_id VARCHAR, placed_on DATE, expires_on DATE, lifted_on DATE",
    "control.released_invoices": "subject_id VARCHAR, invoice_id VARCHAR, decided_on DATE, facts_sha256 VARCHAR",
    "control.released_no_evidence": "subject_id VARCHAR, decided_on DATE",
    "control.reviewed_records": "record VARCHAR, reviewed_on DATE",  # record: 'communications:ID'
    "control.shared_requests": "request_id VARCHAR, matches BIGINT",
    "control.rates": "currency VARCHAR, rate DECIMAL(18, 6)",  # written by the month's run, from the mapping
}
QUALITY_COLUMNS = "table_name VARCHAR, id VARCHAR, column_name VARCHAR, fault VARCHAR"


def catalogue_of(policy: DecisionPolicy, folder: Path | None = None) -> dict[str, Model]:
    """The SQL catalogue as a policy renders it; of the product's own models, or of those of a folder."""
    return load_catalogue(folder or sql_folder(), vocabulary_of(policy))


def policy_parameters(policy: DecisionPolicy, month: str) -> dict[str, object]:
    """Every value that staged and retention models bind, by parameter name."""
    tables, choices = policy.sources.tables, policy.retention.choices
    first_year, last_year = policy.retention.plausible_years
    return {
        **policy.periods,
        **_neutral_values(policy),
        "as_of": as_of(month),
        "policy_version": policy.version,
        "first_day": date(first_year, 1, 1),
        "last_day": date(last_year, 12, 31),
        "tombstones": list(policy.retention.tombstones.values()),
        "customer_types": list(tables["customers"].columns["customer_type"].values),
        "case_kinds": list(tables["cases"].columns["kind"].values),
        "channels": list(tables["communications"].columns["channel"].values),
        "directions": list(tables["communications"].columns["direction"].values),
        "request_kinds": list(tables["rights_requests"].columns["kind"].values),
        "outcomes": list(tables["rights_requests"].columns["outcome"].values),
        "no_warranty_categories": [name.lower() for name in choices.no_warranty_categories],
        "unknown_warranty_years": None if choices.unknown_warranty == "hold" else choices.unknown_warranty,
        "business_warranty": choices.business_warranty_keeps_contact,
        "shrink_tolerance": choices.shrink_tolerance,
    }


def _neutral_values(policy: DecisionPolicy) -> dict[str, str | None]:
    """A parameter for each action; `completeness` sees to it that the staged models read each neutral value."""
    return {f"{table}_{column}_neutral": action.neutral
            for table, columns in policy.actions.items() for column, action in columns.items()}


def prepare(con: Connection, policy: DecisionPolicy, control: ControlStore, month: str) -> None:
    """Give a zone's connection the macros, the policy as tables (schema policy), and recorded decisions (control).

    Idempotent; run it on every connection that runs models.
    """
    with engine_errors("the policy's tables"):
        con.execute(f"SET TimeZone = {literal(policy.retention.time_zone)}")
        con.execute(macros(sql_folder(), vocabulary_of(policy)))
        for schema in ("raw", "staged", "retention", "policy", "control"):
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        columns = POLICY_TABLES | CONTROL_TABLES
        for name, rows in (*_policy_tables(policy), *_control_tables(control, month)):
            con.execute(f"CREATE OR REPLACE TABLE {name} ({columns[name]})")
            if rows:
                columns_of_rows = list(map(list, zip(*rows, strict=True)))
                listed = ", ".join(f"unnest(${i + 1})" for i in range(len(columns_of_rows)))
                con.execute(f"INSERT INTO {name} SELECT {listed}", columns_of_rows)


Rows = list[tuple[object, ...]]


def _policy_tables(policy: DecisionPolicy) -> Iterator[tuple[str, Rows]]:
    retention = policy.retention
    freezes = {term.name: term.bit for term in vocabulary_of(policy).freezes}
    yield "policy.tombstones", [(tombstone, kind) for kind, tombstone in retention.tombstones.items()]
    yield "policy.purposes", [(name, sorted(purpose.clauses)) for name, purpose in retention.purposes.items()]
    yield "policy.attributes", list(_attribute_rows(policy))
    yield "policy.freezes", [(name, freeze.scope) for name, freeze in retention.freezes.items()]
    yield ("policy.freeze_entities",
           [(name, freezes[name], entity) for name, freeze in retention.freezes.items()
            for entity in retention.scopes[freeze.scope]])
    yield "policy.freeze_sets", list(subsets(freezes, "freezes has"))
    yield "policy.purpose_sets", list(purpose_sets(policy).items())
    yield "policy.reason_sets", list(subsets(record_reasons(sql_folder()), "the reasons of sql/retention have"))


def _attribute_rows(policy: DecisionPolicy) -> Iterator[tuple[object, ...]]:
    bits = {purpose.name: purpose.bit for purpose in vocabulary_of(policy).purposes}
    for name, attribute in policy.retention.attributes.items():
        contractual = "contract" in attribute.purposes or attribute.held_with_contract
        for subject_type in attribute.types:
            covers = sum(bits[purpose] for purpose in attribute.purposes)
            yield name, subject_type, covers, "contractual_attributes" if contractual else "other_attributes", False
        for subject_type in attribute.misplaced:
            yield name, subject_type, 0, "other_attributes", True


def _control_tables(control: ControlStore, month: str) -> Iterator[tuple[str, Rows]]:
    decisions, invoices, later = store.review_decisions, store.released_invoices, store.review_decisions.alias("later")
    stands = ~sa.exists().where(later.c.subject_id == decisions.c.subject_id, later.c.kind == decisions.c.kind,
                                later.c.decision == "keep", later.c.id > decisions.c.id)  # nobody said keep since
    yield ("control.previous_counts",
           [(row["table_name"], row["present"], row["rows"]) for row in control.previous_counts(month)])
    yield ("control.legal_holds",
           [(hold["subject_id"], hold["placed_on"], hold["expires_on"], hold["lifted_on"])
            for hold in control.legal_holds()])
    yield ("control.released_invoices",
           _tuples(control, sa.select(decisions.c.subject_id, invoices.c.invoice_id, decisions.c.decided_on,
                                      invoices.c.facts_sha256)
                   .join(invoices, invoices.c.decision_id == decisions.c.id)
                   .where(decisions.c.kind == "open_balance", decisions.c.decision == "release", stands)))
    yield ("control.released_no_evidence",
           _tuples(control, sa.select(decisions.c.subject_id, sa.func.min(decisions.c.decided_on))
                   .where(decisions.c.kind == "no_evidence", decisions.c.decision == "release", stands)
                   .group_by(decisions.c.subject_id)))
    yield ("control.reviewed_records",
           _tuples(control, sa.select(decisions.c.subject_id, decisions.c.decided_on)
                   .where(decisions.c.kind == "until_further_notice", decisions.c.decision == "keep")))
    yield "control.shared_requests", list(_shared_requests(control).items())


def _shared_requests(control: ControlStore) -> dict[object, object]:
    """The most people that each remembered erasure ever reached."""
    shared = store.shared_requests.c
    found = sa.select(shared.request_id, sa.func.max(shared.matches)).group_by(shared.request_id)
    return {row[0]: row[1] for row in _tuples(control, found)}


def remember_shared_requests(con: Connection, control: ControlStore, month: str, run_id: str) -> None:
    """Note which erasures by e-mail reached several people this month, each once for as many as it reached.

    Once the address of one of them is erased the source alone would say that the request meant the other.
    """
    known = _shared_requests(control)
    found = con.execute("SELECT DISTINCT request_id, matches FROM retention.requests "
                        "WHERE kind = 'erasure' AND by_email AND stops_marketing AND matches > 1").fetchall()
    control.insert(store.shared_requests, [
        {"request_id": request_id, "matches": matches, "month": month, "run_id": run_id}
        for request_id, matches in found if known.get(request_id) != matches])


def _tuples(control: ControlStore, query: sa.Select[tuple[object, ...]]) -> Rows:
    return [tuple(row.values()) for row in control.rows(query)]


def write_quality(con: Connection, policy: DecisionPolicy) -> int:
    """Write `staged.quality`(table_name, id, column_name, fault): every value of raw that does not fit, no value of it.

    Faults: unknown_value, unparsable, implausible_date, missing (these freeze what they touch), orphan, misplaced.
    Returns the number of rows.
    """
    con.execute("CREATE OR REPLACE TABLE staged.quality "
                "(table_name VARCHAR, id VARCHAR, column_name VARCHAR, fault VARCHAR)")
    parameters = policy_parameters(policy, "2000-01")
    days = {name: parameters[name] for name in ("first_day", "last_day")}
    with engine_errors("staged.quality"):
        for name, table in policy.sources.tables.items():
            found = {column: _value_faults(table, column, spec) for column, spec in table.columns.items()}
            if faults := {column: fault for column, fault in found.items() if fault}:
                con.execute(_fault_insert(name, table, faults, list(policy.retention.tombstones.values())), days)
        for statement in (*_orphan_inserts(policy), *_misplaced_inserts(policy)):
            con.execute(statement)
        return int(con.execute("SELECT count(*) FROM staged.quality").fetchall()[0][0])


def _value_faults(table: SourceTable, column: str, spec: SourceColumn) -> tuple[str, str] | None:
    """When a value of a column is at fault, and how the fault is called: two expressions over the raw row."""
    x = f"r.{quote(column)}"
    must_be = spec.required and not spec.nullable and column not in table.key
    unless_empty = "" if must_be else f" AND is_given({x})"
    if spec.type in ("timestamp", "date"):
        called = (f"CASE WHEN NOT is_given({x}) THEN 'missing' WHEN local_at({x}) IS NULL THEN 'unparsable' "
                  "ELSE 'implausible_date' END")
        return f"local_on({x}, $first_day, $last_day) IS NULL{unless_empty}", called
    if spec.type == "enum":
        known = ", ".join(literal(value) for value in spec.values)
        return (f"NOT coalesce(text_of({x}) IN ({known}), {str(not must_be).lower()})",
                f"CASE WHEN is_given({x}) THEN 'unknown_value' ELSE 'missing' END")
    if spec.type in ("amount", "number", "boolean", "integer"):
        return (f"{spec.type}_of({x}) IS NULL{unless_empty}",
                f"CASE WHEN is_given({x}) THEN 'unparsable' ELSE 'missing' END")
    return (f"NOT is_given({x})", "'missing'") if must_be else None


def _key_expression(table: SourceTable, alias: str) -> str:
    return " || ':' || ".join(f"text_of({alias}.{quote(column)})" for column in table.key)


def _fault_insert(name: str, table: SourceTable, faults: dict[str, tuple[str, str]], tombstones: list[str]) -> str:
    """The INSERT of a table's faults: every value is judged once, and named only where it is at fault."""
    judged = ", ".join(f"{condition} AS {quote('bad_' + column)}" for column, (condition, _) in faults.items())
    anything = " OR ".join(quote(f"bad_{column}") for column in faults)
    cases = ", ".join(f"CASE WHEN {quote('bad_' + column)} "
                      f"THEN {{'column_name': {literal(column)}, 'fault': {called}}} END"
                      for column, (_, called) in faults.items())
    key = _key_expression(table, "r")
    spared = (f" WHERE {key} NOT IN ({', '.join(map(literal, tombstones))})" if name in ("customers", "contacts")
              else "")
    dated = " WHERE $first_day <= $last_day"  # binds both days in statements without a date column, too
    return (f"INSERT INTO staged.quality SELECT {literal(name)}, id, fault.column_name, fault.fault FROM ("
            f"SELECT {key} AS id, unnest(list_filter([{cases}], lambda f: f IS NOT NULL)) AS fault "
            f"FROM (SELECT r.*, {judged} FROM raw.{quote(name)} AS r{spared}) AS r WHERE {anything}){dated}")


def _orphan_inserts(policy: DecisionPolicy) -> Iterator[str]:
    tables = policy.sources.tables
    home = {table.key[0]: name for name, table in tables.items() if len(table.key) == 1}
    for name, table in tables.items():
        for column, spec in table.columns.items():
            target = home.get(column)
            if spec.type != "id" or target in (None, name):
                continue
            key = " || ':' || ".join(f"s.{quote(part)}" for part in table.key)
            yield (f"INSERT INTO staged.quality SELECT {literal(name)}, {key}, {literal(column)}, 'orphan' "
                   f"FROM staged.{quote(name)} AS s ANTI JOIN staged.{quote(str(target))} AS t "
                   f"ON t.{quote(column)} = s.{quote(column)} WHERE s.{quote(column)} IS NOT NULL")


def _misplaced_inserts(policy: DecisionPolicy) -> Iterator[str]:
    for attribute in policy.retention.attributes.values():
        for column in attribute.columns if attribute.misplaced else ():
            types = ", ".join(literal(subject_type) for subject_type in attribute.misplaced)
            spec = policy.sources.tables["customers"].columns[column]
            empty = f"is_generalised_birth_date({quote(column)})" if spec.type == "date" else f"{quote(column)} IS NULL"
            yield (f"INSERT INTO staged.quality SELECT 'customers', customer_id, {literal(column)}, 'misplaced' "
                   f"FROM staged.customers WHERE customer_type IN ({types}) AND NOT ({empty})")
