"""The candidate dates of a few subjects: runs the models of `sql/terms` on an opened month, and reads what they say.

Belongs here: running, reading, and the promise that each date carries out. Does not belong here: which dates there are
and which of them count, which is SQL beside the decisions.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files

from ajprivacy_pipeline.explain.facts import Row, rows
from ajprivacy_pipeline.explain.terms import Purposes, Term, purpose_term, settle
from ajprivacy_pipeline.policy import DecisionPolicy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.retention.bind import policy_parameters
from ajprivacy_pipeline.settings import sql_folder
from ajprivacy_pipeline.storage.catalogue import ASKED, layer_models, load_models, macros
from ajprivacy_pipeline.storage.zones import Connection, engine_errors, quote

_RULED = {"subject_no", "purpose", "entity", "record_id", "part", "kind", "ground", "ends_on", "role", "applies",
          "section", "rank", "is_person"}
# Of one subject: the engine then reads a sixth of the decisions that it reads for a range of one number (measured).
_RANGE, _ALONE = "BETWEEN $first_no AND $last_no", "= $first_no"
_IN_ORDER = ("section", "order", "rank", "kind", "line", "case", "invoice", "day", "request")


@contextmanager
def asked(con: Connection, policy: DecisionPolicy, month: str, subject_nos: Sequence[int]) -> Iterator[None]:
    """Have the tables `terms.*` about some subjects, in memory beside the month's file, while the block runs.

    Args:
        con: an opened month, which may be read-only.
        policy: the one that decided it.
        month: YYYY-MM.
        subject_nos: whom the tables are about, by their numbers in `retention.subjects`.

    Raises:
        ZoneError: the engine refused a model; a file of an earlier version lacks what it reads.
    """
    words = vocabulary_of(policy)
    values = {**policy_parameters(policy, month), "subject_nos": list(subject_nos),
              "first_no": min(subject_nos), "last_no": max(subject_nos)}
    con.execute(f"ATTACH ':memory:' AS {ASKED}")
    try:
        con.execute(macros(sql_folder(), words))
        for model in layer_models(load_models(sql_folder(), words), (ASKED,)):
            with engine_errors(f"{model.name}, from {month}"):
                sql = model.sql if len(subject_nos) > 1 else model.sql.replace(_RANGE, _ALONE)
                con.execute(f"CREATE TABLE {ASKED}.{quote(model.table)} AS {sql}",
                            {name: values[name] for name in model.params if f"${name}" in sql} or None)
        yield
    finally:
        con.execute(f"DETACH {ASKED}")


def read_purposes(con: Connection, policy: DecisionPolicy, subject_no: int) -> Purposes:
    """Settled terms of each purpose that applies to a subject, in the policy's order."""
    found: dict[str, list[Term]] = {}
    for row in _ordered(rows(con, "SELECT * FROM terms.purposes WHERE subject_no = $no", no=subject_no)):
        found.setdefault(row["purpose"], []).append(_term(row, policy))
    return {name: settle(found[name]) for name in policy.retention.purposes if name in found}


def read_record_terms(con: Connection, policy: DecisionPolicy, subject_no: int,
                      purposes: Purposes) -> dict[tuple[str, str, str], tuple[Term, ...]]:
    """Settled terms of each part of a subject's records, by entity, record and part."""
    found: dict[tuple[str, str, str], list[Term]] = {}
    for row in _ordered(rows(con, "SELECT * FROM terms.record_terms WHERE subject_no = $no", no=subject_no)):
        term = (purpose_term(row["ground"], purposes[row["ground"]], applies=row["applies"])
                if row["kind"] == "purpose" else _term(row, policy))
        found.setdefault((row["entity"], row["record_id"], row["part"]), []).append(term)
    return {record: settle(terms) for record, terms in found.items()}


def _ordered(found: list[Row]) -> list[Row]:
    names = [name for name in _IN_ORDER if name in found[0]] if found else []
    return sorted(found, key=lambda row: [(row[name] is None, row[name]) for name in names])


def _term(row: Row, policy: DecisionPolicy) -> Term:
    refs = {name: value for name, value in row.items() if name not in _RULED and value is not None}
    clause, *further = _clauses(row, policy)
    return Term(row["kind"], row["ground"], row["ends_on"], clause, refs, row["role"], row["applies"],
                further=tuple(further))


def _clauses(row: Row, policy: DecisionPolicy) -> Sequence[str]:
    """The promise of the purpose, then that of what is open; else that of the matter."""
    kind, purpose, told = row["kind"], row.get("purpose"), promises()
    if kind.startswith("lapse"):
        return policy.retention.purposes[row["ground"]].clauses
    own = told["kinds"].get(kind)
    if row.get("is_person") is False:
        own = told["business"].get(kind, own)
    if row["role"] == "ends" or purpose not in told["purposes"]:
        return (str(own),)
    is_open = row["ends_on"] is None
    return (told["purposes"][str(purpose)], *([str(own)] if is_open else []))


@cache
def promises() -> Mapping[str, Mapping[str, str]]:
    """Returns which clause each kind of date carries out."""
    text = files("ajprivacy_pipeline.explain").joinpath("promises.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
