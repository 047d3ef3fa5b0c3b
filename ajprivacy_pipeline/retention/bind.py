"""What binds the retention models to the policy: parameters, policy tables, recorded decisions.

Belongs here: turning policy and control data into what `sql/staged` and `sql/retention` read. Does not belong here: the
rules themselves, which are SQL, or the faults of values (`quality`).
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.policy import DecisionPolicy, Evidence
from ajprivacy_pipeline.policy.vocabulary import listable, purpose_sets, vocabulary_of
from ajprivacy_pipeline.retention import carried, guard
from ajprivacy_pipeline.retention.carried import carried_tokens
from ajprivacy_pipeline.retention.effects import EFFECT_COLUMNS, NO_KEY, stored_effects
from ajprivacy_pipeline.retention.recorded_requests import ADDED_COLUMNS, STEP_COLUMNS, recorded_steps
from ajprivacy_pipeline.settings import sql_folder
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.catalogue import Model, load_catalogue, macros, record_reasons
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import pads
from ajprivacy_pipeline.storage.zones import Connection, engine_errors, literal

# Columns of the tables that `prepare` writes; the column lineage starts from them, too.
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
    # shares that may move by `points`, in the direction of `sign`, and only above `above`; in millionths
    "policy.guards": "guard VARCHAR, sign INTEGER, points BIGINT, above BIGINT, first_above BIGINT",
}
CONTROL_TABLES = {
    "control.previous_measures": ("guard VARCHAR, table_name VARCHAR, column_name VARCHAR, month VARCHAR, as_of DATE, "
                                  "part BIGINT, whole BIGINT, newest DATE, is_first BOOLEAN"),
    # what was open in the runs that closings are compared with; written by the month's run, which has the key
    "control.open_before": "table_name VARCHAR, id VARCHAR, as_of DATE, is_first BOOLEAN",
    "control.legal_holds": "subject_id VARCHAR, placed_on DATE, expires_on DATE, lifted_on DATE",
    "control.released_invoices": "subject_id VARCHAR, invoice_id VARCHAR, decided_on DATE, facts_sha256 VARCHAR",
    "control.released_no_evidence": "subject_id VARCHAR, decided_on DATE",
    "control.released_faults": ('entity VARCHAR, record_id VARCHAR, "freeze" VARCHAR, decided_on DATE, '
                                "facts_sha256 VARCHAR"),
    "control.first_held": "token VARCHAR, first_on DATE",  # keyed hashes, see retention.held_faults
    "control.previous_warranties": "product_id VARCHAR, warranty_years SMALLINT",  # at the last success before
    "control.reviewed_records": "record VARCHAR, reviewed_on DATE",  # record: 'communications:ID'
    "control.shared_requests": "request_id VARCHAR, matches BIGINT",
    "control.added_requests": ADDED_COLUMNS,  # written by the month's run, which has the key
    "control.request_steps": STEP_COLUMNS,
    "control.effects": EFFECT_COLUMNS,
    "control.carried_out": "token VARCHAR",  # keyed hashes of subjects of whom something was carried out
    "control.dropped": carried.DROPPED_COLUMNS,  # what was left out month after month; written by the month's run
    "control.used_again": "token VARCHAR, erased_on DATE",  # ids found to be somebody else's in this very month
    "control.guard": guard.GUARD_COLUMNS,  # keyed hashes of what was erased; written by the month's run, as of today
    # who stood behind facts of open periods whose person was carried out since; written by the month's run before it
    # publishes: the customer's id, or a text made of a token; the region that an order had
    "control.carried_facts": "entity VARCHAR, record_id VARCHAR, contributor VARCHAR, region VARCHAR",
    "control.rates": "currency VARCHAR, rate DECIMAL(18, 6)",  # written by the month's run, from the mapping
}
Rows = list[tuple[object, ...]]


def catalogue_of(policy: DecisionPolicy, folder: Path | None = None) -> dict[str, Model]:
    """Returns the SQL catalogue as a policy renders it; of the product's own models, or of those of a folder."""
    return load_catalogue(folder or sql_folder(), vocabulary_of(policy))


def policy_parameters(policy: DecisionPolicy, month: str) -> dict[str, object]:
    """Returns every value that staged and retention models bind, by parameter name."""
    tables, choices = policy.sources.tables, policy.retention.choices
    retention = policy.retention
    first_day, last_day = days_of(retention.plausible_years)
    first_birth_day, last_birth_day = days_of(retention.plausible_birth_years)
    return {
        **policy.periods,
        **NO_KEY, **carried.NO_KEY, **guard.NO_KEY,  # a month's run binds the keys of effects, of who and what is gone
        "as_of": as_of(month),
        "policy_version": policy.version,
        "first_day": first_day, "last_day": last_day,
        "first_birth_day": first_birth_day, "last_birth_day": last_birth_day,
        # those that are no plausible days need not be looked for; a day more, since a local date may be the next one
        "plausible_sentinels": [day for day in retention.sentinel_dates
                                if first_day - timedelta(days=1) <= day <= last_day + timedelta(days=1)],
        "sentinel_dates": list(retention.sentinel_dates),
        "end_before_beginning_days": retention.end_before_beginning_days,
        "tombstones": list(policy.retention.tombstones.values()),
        "customer_types": list(tables["customers"].columns["customer_type"].values),
        "case_kinds": list(tables["cases"].columns["kind"].values),
        "channels": list(tables["communications"].columns["channel"].values),
        "directions": list(tables["communications"].columns["direction"].values),
        "request_kinds": list(tables["rights_requests"].columns["kind"].values),
        "outcomes": list(tables["rights_requests"].columns["outcome"].values),
        "no_warranty_categories": [name.lower() for name in choices.no_warranty_categories],
        "stale_fault_months": policy.retention.stale_fault_months,
        **first_held_pads(b""),  # a month's run binds those of its own key
        "unknown_warranty_years": None if choices.unknown_warranty == "hold" else choices.unknown_warranty,
        "business_warranty": choices.business_warranty_keeps_contact,
        "shrink_tolerance": choices.shrink_tolerance,
        **_evidence_parameters(policy.retention.evidence),
    }


def days_of(years: tuple[int, int]) -> tuple[date, date]:
    """Returns the first and the last day of some years."""
    return date(years[0], 1, 1), date(years[1], 12, 31)


def first_held_pads(key: bytes) -> dict[str, object]:
    """Returns what retention.held_faults binds to make tokens of faults under a key."""
    both = pads(key)
    return {"first_held_inner": both.inner, "first_held_outer": both.outer}


def _evidence_parameters(evidence: Evidence | None) -> dict[str, object]:
    """The tolerances of the guards that are no shares of a column; shares in millionths. NULL: nothing trips."""
    names = ("least_rows", "age_days", "closings_least")
    shares = ("warranty_tolerance", "closings_share")
    if evidence is None:
        return dict.fromkeys((*names, *shares))
    return {**{name: getattr(evidence, name) for name in names},
            **{name: _millionths(getattr(evidence, name)) for name in shares}}


def _guard_rows(evidence: Evidence | None) -> Rows:
    if evidence is None:
        return []
    fill, share = _millionths(evidence.fill_points), _millionths(evidence.share_points)
    return [("keeps", -1, fill, -1, None), ("ends", 1, fill, -1, None),
            ("rising", 1, share, -1, None), ("falling", -1, share, -1, None),
            ("orphans", 1, _millionths(evidence.orphan_points), _millionths(evidence.orphan_share),
             _millionths(evidence.first_orphan_share))]


def _millionths(share: float) -> int:
    return round(share * 1_000_000)


def prepare(con: Connection, policy: DecisionPolicy, control: ControlStore, month: str,
            seen_on: date | None = None) -> None:
    """Give a zone's connection what its models read beside raw: `write_policy`, then `write_recorded`.

    Idempotent; run it on every connection that runs models.
    """
    write_policy(con, policy)
    write_recorded(con, control, month, seen_on)


def write_policy(con: Connection, policy: DecisionPolicy) -> None:
    """Give a zone's connection the macros, and the policy as tables (schema policy)."""
    with engine_errors("the policy's tables"):
        con.execute(f"SET TimeZone = {literal(policy.retention.time_zone)}")
        con.execute(macros(sql_folder(), vocabulary_of(policy)))
        for schema in ("raw", "staged", "retention", "policy", "control"):
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        _write(con, POLICY_TABLES, _policy_tables(policy))
        for name, bits, what in _named_sets(policy):
            _write_sets(con, name, listable(bits, what))


def write_recorded(con: Connection, control: ControlStore, month: str, seen_on: date | None = None) -> None:
    """Write what people recorded (schema control), on a connection that has the policy.

    Args:
        con: the zone's connection.
        control: what people recorded.
        month: the month that is decided.
        seen_on: the day on which holds are looked at: one that was lifted by then is none, on whatever day is judged.
    """
    with engine_errors("what was recorded"):
        _write(con, CONTROL_TABLES, _control_tables(control, month, seen_on))


def _write(con: Connection, columns: Mapping[str, str], tables: Iterator[tuple[str, Rows]]) -> None:
    for name, rows in tables:
        con.execute(f"CREATE OR REPLACE TABLE {name} ({columns[name]})")
        if rows:
            columns_of_rows = list(map(list, zip(*rows, strict=True)))
            listed = ", ".join(f"unnest(${i + 1})" for i in range(len(columns_of_rows)))
            con.execute(f"INSERT INTO {name} SELECT {listed}", columns_of_rows)


def _write_sets(con: Connection, name: str, bits: Mapping[str, int]) -> None:
    """Write every set of names: the engine makes two thousand lists five times as fast as it takes them."""
    con.execute(f"CREATE OR REPLACE TABLE {name} ({POLICY_TABLES[name]})")
    con.execute(f"INSERT INTO {name} SELECT s, list_filter($names, lambda name, place: (s & $bits[place]) <> 0) "
                "FROM range($sets) AS sets(s)",
                {"names": list(bits), "bits": list(bits.values()), "sets": 1 << len(bits)})


def write_rates(con: Connection, rates: Mapping[str, Decimal]) -> None:
    """Write control.rates: what a unit of a currency is worth in that of the shop's home."""
    con.execute(f"CREATE OR REPLACE TABLE control.rates ({CONTROL_TABLES['control.rates']})")
    for row in rates.items():
        con.execute("INSERT INTO control.rates VALUES (?, ?)", list(row))


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
    yield "policy.guards", _guard_rows(retention.evidence)
    yield "policy.purpose_sets", list(purpose_sets(policy).items())


def _named_sets(policy: DecisionPolicy) -> Iterator[tuple[str, dict[str, int], str]]:
    """Tables of every set of some names, the names with a bit each from 1 on, and what a refusal calls them."""
    freezes = {term.name: term.bit for term in vocabulary_of(policy).freezes}
    yield "policy.freeze_sets", freezes, "freezes has"
    yield "policy.reason_sets", record_reasons(sql_folder()), "the reasons of sql/retention have"


def _attribute_rows(policy: DecisionPolicy) -> Iterator[tuple[object, ...]]:
    bits = {purpose.name: purpose.bit for purpose in vocabulary_of(policy).purposes}
    for name, attribute in policy.retention.attributes.items():
        contractual = "contract" in attribute.purposes or attribute.held_with_contract
        for subject_type in attribute.types:
            covers = sum(bits[purpose] for purpose in attribute.purposes)
            yield name, subject_type, covers, "contractual_attributes" if contractual else "other_attributes", False
        for subject_type in attribute.misplaced:
            yield name, subject_type, 0, "other_attributes", True


def _control_tables(control: ControlStore, month: str, seen_on: date | None) -> Iterator[tuple[str, Rows]]:
    decisions, invoices, later = store.review_decisions, store.released_invoices, store.review_decisions.alias("later")
    stands = ~sa.exists().where(later.c.subject_id == decisions.c.subject_id, later.c.kind == decisions.c.kind,
                                later.c.decision == "keep", later.c.id > decisions.c.id)  # nobody said keep since
    yield ("control.previous_measures",
           [(row["guard"], row["table_name"], row["column_name"], row["month"], as_of(row["month"]), row["part"],
             row["whole"], row["newest"], row["is_first"]) for row in control.previous_measures(month)])
    yield "control.open_before", []
    yield ("control.legal_holds",
           [(hold["subject_id"], hold["placed_on"], hold["expires_on"], hold["lifted_on"])
            for hold in control.legal_holds()
            if seen_on is None or hold["lifted_on"] is None or hold["lifted_on"] > seen_on])
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
    yield from _memory_tables(control, month)
    yield "control.shared_requests", list(_shared_requests(control).items())
    yield "control.added_requests", []
    yield "control.request_steps", recorded_steps(control)
    yield "control.effects", stored_effects(control)
    yield "control.carried_out", carried_tokens(control)
    yield "control.dropped", []
    yield "control.used_again", carried.used_again_in(control, month)
    yield "control.guard", []


def _memory_tables(control: ControlStore, month: str) -> Iterator[tuple[str, Rows]]:
    decisions, faults, held = store.review_decisions, store.released_faults, store.first_held
    later = decisions.alias("later")
    stands = ~sa.exists().where(later.c.subject_id == decisions.c.subject_id, later.c.kind == decisions.c.kind,
                                later.c.decision == "keep", later.c.id > decisions.c.id)
    yield ("control.released_faults",
           _tuples(control, sa.select(faults.c.entity, faults.c.record_id, decisions.c.kind, decisions.c.decided_on,
                                      faults.c.facts_sha256)
                   .join(faults, faults.c.decision_id == decisions.c.id)
                   .where(decisions.c.decision == "release", stands)))
    yield ("control.first_held",
           [(row[0], as_of(str(row[1]))) for row in _tuples(
               control, sa.select(held.c.token, sa.func.min(held.c.month)).group_by(held.c.token))])
    yield "control.previous_warranties", list(control.warranties_before(month).items())


def remember_faults(con: Connection, control: ControlStore, month: str, run_id: str) -> None:
    """Note the first month in which a fault or dangling id held something, as keyed tokens, each once."""
    known = {row[0] for row in _tuples(control, sa.select(store.first_held.c.token).where(
        store.first_held.c.month <= month))}
    found = con.execute("SELECT DISTINCT token FROM retention.held_faults").fetchall()
    control.insert(store.first_held, [{"token": token, "month": month, "run_id": run_id}
                                      for (token,) in found if token not in known])


def remember_warranties(con: Connection, control: ControlStore, month: str, run_id: str) -> None:
    """Note each product's warranty where it is another than what was known last; products are no personal data."""
    known = control.warranties_before(f"{as_of(month):%Y-%m}")  # this month's earlier runs too
    found = con.execute("SELECT product_id, warranty_years FROM staged.products").fetchall()
    control.insert(store.product_warranties, [
        {"product_id": product, "warranty_years": years, "month": month, "run_id": run_id}
        for product, years in found if product not in known or known[product] != years])


def _shared_requests(control: ControlStore) -> dict[object, object]:
    """The most people that each remembered erasure ever reached."""
    shared = store.shared_requests.c
    found = sa.select(shared.request_id, sa.func.max(shared.matches)).group_by(shared.request_id)
    return {row[0]: row[1] for row in _tuples(control, found)}


def remember_shared_requests(con: Connection, control: ControlStore, month: str, run_id: str) -> None:
    """Note which erasures by e-mail reach several people, each once for as many as it reached; whenever they count.

    Once the address of one of them is erased the source alone would say that the request meant the other. So an apply
    notes them, too, before it takes an address away.
    """
    known = _shared_requests(control)
    found = con.execute("SELECT DISTINCT request_id, matches FROM retention.requests "
                        "WHERE kind = 'erasure' AND by_email AND matches > 1 "
                        "AND request_id IS NOT NULL").fetchall()
    control.insert(store.shared_requests, [
        {"request_id": request_id, "matches": matches, "month": month, "run_id": run_id}
        for request_id, matches in found if known.get(request_id) != matches])


def _tuples(control: ControlStore, query: sa.Select[tuple[object, ...]]) -> Rows:
    return [tuple(row.values()) for row in control.rows(query)]
