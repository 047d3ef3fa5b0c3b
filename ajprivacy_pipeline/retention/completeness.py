"""What must hold between the policy and the SQL models: nothing of the one may lack its counterpart in the other.

Belongs here: faults that show only when both are read, each as a line that names the place to fix. Does not belong
here: faults of the policy alone (`policy.consistency`) or of a model alone (`storage.catalogue`). No row is read.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import sqlglot
from sqlglot import exp

from ajprivacy_pipeline.errors import PolicyError
from ajprivacy_pipeline.policy import DecisionPolicy, Policy
from ajprivacy_pipeline.policy.vocabulary import purpose_sets, vocabulary_of
from ajprivacy_pipeline.retention.bind import policy_parameters
from ajprivacy_pipeline.settings import sql_folder
from ajprivacy_pipeline.storage.catalogue import Model, layer_models, load_catalogue, macros, named, record_reasons

_LAPSES = "retention.subject_purposes"
_RECORDS, _BULK = "retention.record_decisions", "retention.bulk_rulings"
_END = "_on"
_KINDS_OF_ATTRIBUTE = frozenset({"contractual_attributes", "other_attributes"})
_SUBJECTS = ("customers", "contacts")


def require_complete(policy: DecisionPolicy, folder: Path | None = None) -> dict[str, Model]:
    """Returns the catalogue of a policy, if policy and models lack nothing of each other.

    Args:
        policy: as it was loaded; of a whole one, what is released is looked at too.
        folder: the SQL models; the product's own by default.

    Raises:
        PolicyError: with every gap at once.
        ModelError: a model does not fit its own header.
    """
    sql = folder or sql_folder()
    if gaps := list(dict.fromkeys(_freeze_gaps(policy, sql))):
        raise PolicyError(gaps)  # nothing can be rendered without them
    purpose_sets(policy)
    catalogue = load_catalogue(sql, vocabulary_of(policy))
    gaps = [*_purpose_gaps(policy, catalogue), *_period_gaps(policy, catalogue),
            *_attribute_gaps(policy, catalogue, macros(sql, vocabulary_of(policy))), *_record_gaps(policy, catalogue),
            *_hold_gaps(policy, catalogue)]
    if isinstance(policy, Policy):
        gaps += [*_reason_gaps(policy, sql), *_release_gaps(policy, catalogue)]
    if gaps:
        raise PolicyError(list(dict.fromkeys(gaps)))
    return catalogue


def decided_parts(catalogue: Mapping[str, Model]) -> list[str]:
    """Returns what the models decide about records, as entity.part."""
    return [part for name in (*catalogue[_RECORDS].reads, _BULK) for part in catalogue[name].decides]


def holdable_tables(catalogue: Mapping[str, Model]) -> list[str]:
    """Returns the source tables that a legal hold may name as a whole: of subjects, and of decided records."""
    return [*_SUBJECTS, *dict.fromkeys(part.partition(".")[0] for part in decided_parts(catalogue))]


@lru_cache(maxsize=32)
def _columns(sql: str) -> tuple[str, ...]:
    """The columns of a model whose outermost SELECT lists them."""
    found = sqlglot.parse_one(sql, read="duckdb")
    return tuple(found.named_selects) if isinstance(found, exp.Query) else ()


def _freeze_gaps(policy: DecisionPolicy, sql: Path) -> Iterator[str]:
    made = {name for path in (sql / "macros.sql", *sql.glob("*/*.sql")) for name in named(path, "freeze")} - {"items"}
    for name in sorted(made - set(policy.retention.freezes)):
        yield f"purposes.toml: freezes lacks {name}, which the models of sql/retention make"
    for name in sorted(set(policy.retention.freezes) - made):
        yield f"purposes.toml: freezes.{name}: no model of sql/retention makes it, so it would hold nobody"


def _reason_gaps(policy: Policy, sql: Path) -> Iterator[str]:
    """Every reason that a model gives rests on a clause. Stored policies of earlier versions named none."""
    texts = "".join(path.read_text(encoding="utf-8") for path in sorted((sql / "retention").glob("*.sql")))
    made, told = set(record_reasons(sql)) - set(policy.retention.purposes), policy.retention.reasons
    for name in sorted(made - set(told)):
        yield f"purposes.toml: reasons lacks {name}, which the models of sql/retention give: name its clause"
    for name in sorted(set(told) - made):
        if f"'{name}'" not in texts:
            yield f"purposes.toml: reasons.{name}: no model of sql/retention gives it"


def _purpose_gaps(policy: DecisionPolicy, catalogue: Mapping[str, Model]) -> Iterator[str]:
    purposes = vocabulary_of(policy).purposes
    columns = _columns(catalogue[_LAPSES].sql)
    lapses = {column.removesuffix(_END) for column in columns if column.endswith(_END)}
    for name in sorted({purpose.name for purpose in purposes} - lapses):
        yield (f"purposes.toml: purposes.{name} covers attributes, and {_LAPSES} has no {name}{_END}: "
               "say in sql/retention/subject_purposes.sql when it lapses")
    for name in sorted(lapses - {purpose.name for purpose in purposes}):
        yield (f"purposes.toml: {_LAPSES} says when {name} lapses, and no attribute names that purpose: "
               "it would keep nothing")
    for purpose in purposes:
        for blocker in sorted(set(purpose.open_while) - set(columns)):
            yield f"purposes.toml: purposes.{purpose.name}.open_while: {_LAPSES} has no column {blocker}"


def _period_gaps(policy: DecisionPolicy, catalogue: Mapping[str, Model]) -> Iterator[str]:
    models = layer_models(catalogue, ("staged", "retention"))
    bound = {name for model in models for name in model.params}
    known = policy_parameters(policy, "2000-01")
    for model in models:
        for name in sorted(set(model.params) - set(known)):
            yield f"purposes.toml: periods lacks {name}, which {model.name} reads"
    for name in sorted(set(policy.periods) - bound):
        yield f"purposes.toml: periods.{name}: no model of sql/staged or sql/retention reads it"


def _attribute_gaps(policy: DecisionPolicy, catalogue: Mapping[str, Model], macro_text: str) -> Iterator[str]:
    staged = {table: set(_columns(catalogue[f"staged.{table}"].sql)) for table in _SUBJECTS}
    for attribute in vocabulary_of(policy).attributes:
        for table, columns in (("customers", attribute.customers), ("contacts", attribute.contacts)):
            for column in columns:
                if column.name not in staged[table]:
                    yield (f"purposes.toml: attributes.{attribute.name}: staged.{table} has no column {column.name}: "
                           f"add it to sql/staged/{table}.sql")
                if column.is_generalised and f"MACRO is_generalised_{column.name}(" not in macro_text:
                    yield (f"actions.toml: {table}.{column.name} is generalised, and sql/macros.sql does not say when "
                           f"it is so already (is_generalised_{column.name})")


def _record_gaps(policy: DecisionPolicy, catalogue: Mapping[str, Model]) -> Iterator[str]:
    """Every identifying column is decided."""
    parts = set(decided_parts(catalogue))
    known = {"customers": {c.name for a in vocabulary_of(policy).attributes for c in a.customers},
             "contacts": {c.name for a in vocabulary_of(policy).attributes for c in a.contacts}}
    for table, column in policy.sources.identifying_columns():
        action = policy.actions.get(table, {}).get(column)
        if table in known and column not in known[table]:
            yield f"purposes.toml: {table}.{column} identifies people and is in no attribute: it would never be due"
        elif table not in known and action and action.action != "keep" and f"{table}.{action.part}" not in parts:
            yield (f"actions.toml: {table}.{column} identifies people, and no model of sql/retention decides "
                   f"{table}.{action.part or '(no part)'}: it would never be due")


def _hold_gaps(policy: DecisionPolicy, catalogue: Mapping[str, Model]) -> Iterator[str]:
    """What is decided is a table of the contract, and can be held."""
    tables, scopes = policy.sources.tables, policy.retention.scopes
    bulk = {part.partition(".")[0] for part in catalogue[_BULK].decides}
    entities = set(holdable_tables(catalogue))
    for table in sorted(entities - set(tables)):
        yield f"sources.toml: the models decide about {table}, which is not a table of the contract"
    for table, spec in tables.items():
        if spec.bulk != (table in bulk):
            yield (f"sources.toml: tables.{table}.bulk says whether {_BULK} judges its rows, and "
                   f"the model {'does' if table in bulk else 'does not'}")
    for scope, held in scopes.items():
        for entity in sorted(set(held) - entities - _KINDS_OF_ATTRIBUTE):
            yield f"purposes.toml: scopes.{scope}: no model decides about {entity}"
    for table in sorted(entities - set(_SUBJECTS) - bulk - set(scopes.get("all", ()))):
        yield f"purposes.toml: scopes.all lacks {table}: a freeze would not hold its records"


def _release_gaps(policy: Policy, catalogue: Mapping[str, Model]) -> Iterator[str]:
    for name, table in policy.release.tables.items():
        if table.months and table.contributors is None:
            yield (f"release.toml: tables.{name} has no [tables.{name}.contributors]: nothing says which facts of "
                   "sql/anonymous its people are counted from")
        elif table.months and table.contributors and table.contributors.relation not in catalogue:
            yield f"release.toml: tables.{name}.contributors: no model makes {table.contributors.relation}"
