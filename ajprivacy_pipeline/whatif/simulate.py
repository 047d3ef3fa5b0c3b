"""What another policy would decide for a month that was run: who flips, both ways, without touching the month.

Belongs here: running the models of another policy beside a month's tables. Does not belong here: the comparison itself
(`compare`), carrying anything out. The month's file is opened read-only; what the trial writes lies in memory and,
where it spills, encrypted.
"""

import os
import re
import shutil
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NotRequired, cast

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.errors import PolicyError, ZoneError
from ajprivacy_pipeline.policy import DecisionPolicy, load_policy, parse_decision_policy
from ajprivacy_pipeline.policy.diff import changes
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.retention.bind import POLICY_TABLES, catalogue_of, policy_parameters, prepare
from ajprivacy_pipeline.retention.carried import carried_parameters
from ajprivacy_pipeline.retention.completeness import require_complete
from ajprivacy_pipeline.retention.effects import effect_parameters
from ajprivacy_pipeline.retention.guard import guard_parameters
from ajprivacy_pipeline.retention.quality import write_quality
from ajprivacy_pipeline.settings import Settings, sql_folder
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.catalogue import Model, layer_models, macros, make_relation
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file
from ajprivacy_pipeline.storage.policy_versions import policy_of, stored_versions, texts_of
from ajprivacy_pipeline.whatif.compare import (
    COMPARED,
    Comparison,
    decided_by,
    ground_clauses,
    measure,
    require_decisions,
    write_ids,
)
from ajprivacy_pipeline.whatif.differences import RULINGS, TRIAL, ZONE, Trial

_RECORDS = "retention.record_decisions"  # all models that decide about records, which the comparison takes one by one


class Simulation(Comparison):
    """A comparison with the month and both policies' versions; `ids_written` where ids were asked for."""

    month: str
    as_of: str
    old_version: str
    new_version: str
    ids_written: NotRequired[int]


def simulate(settings: Settings, new_texts: Mapping[str, str], month: str, out: Path | None = None) -> Simulation:
    """Decide a month by another policy and compare; counts alone are returned.

    Args:
        settings: the home that holds the month.
        new_texts: the other policy's TOML texts by file name.
        month: a month whose restricted file still stands.
        out: a new file inside the restricted zone that gets the ids of all who flip, mode 0600.

    Raises:
        PolicyError: the deciding part of a policy is not valid, lacks what the models read, or reads columns that the
            month did not extract.
        ControlError: the month's decisions are not complete.
        ZoneError: the month was never run or is destroyed, or `out` lies outside the restricted zone or exists.
    """
    new = parse_decision_policy(new_texts)
    require_complete(new)
    as_of(month)
    target = restricted_target(settings, out) if out else None
    with boundary("simulate"), zones.without_pandas(), _shadow_database(settings, month) as con:
        old = _policy_of_month(settings, con)
        _require_columns(con, new)
        trial = _decide(con, old[0] if old else None, new, month, _effect_key(settings))
        clauses = ground_clauses(new, old[0], changes(old[1], new_texts)) if old else ground_clauses(new, None, [])
        compared = measure(con, clauses, trial, catalogue_of(new)[_RECORDS].reads)
        version = decided_by(con)
        ids_written = write_ids(con, target) if target else None
    result = cast(Simulation, {"month": month, "as_of": as_of(month).isoformat(), "old_version": version,
                               "new_version": new.version, **compared})
    if ids_written is not None:
        result["ids_written"] = ids_written
    return result


def restricted_target(settings: Settings, out: Path) -> Path:
    """The file that may hold ids: new, and really inside the restricted zone whatever links lead there.

    Raises:
        ZoneError: it lies elsewhere, exists, or its folder does not.
    """
    target = out.expanduser().resolve()
    if not target.is_relative_to(settings.restricted.resolve()):
        raise ZoneError(f"ids may lie inside the restricted zone alone: choose a file below {settings.restricted}")
    if not target.parent.is_dir() or target.exists():
        raise ZoneError(f"{target.name}: choose a new file in a folder that exists")
    return target


@contextmanager
def _shadow_database(settings: Settings, month: str) -> Iterator[zones.Connection]:
    """Yields a connection whose default database is an empty one in memory; the month's file is attached read-only."""
    keys = KeyStore(settings.keys, settings.root_key)
    spill = settings.restricted / "spill" / f"simulate-{os.getpid()}"
    try:
        with zones.open_zone(settings, keys, month_file(settings, month), schema_owner=ZONE, read_only=True) as con:
            require_decisions(con, month)
            con.execute(f"SET temp_directory = {zones.literal(str(spill))}")
            con.execute(f"ATTACH ':memory:' AS {TRIAL}")
            con.execute(f"USE {TRIAL}")
            yield con
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def _policy_of_month(settings: Settings, con: zones.Connection) -> tuple[DecisionPolicy, dict[str, str]] | None:
    """The policy that decided the month and its texts, None where no run stored it."""
    row = con.execute("SELECT policy_version FROM zone.retention.bulk_decisions UNION ALL "
                      "SELECT policy_version FROM zone.retention.purpose_status LIMIT 1").fetchone()
    if row is None or not (settings.control / "control.db").exists():
        return None
    control = ControlStore.in_folder(settings.control)
    if row[0] not in stored_versions(control):
        return None
    return policy_of(control, row[0]), texts_of(control, row[0])


def _require_columns(con: zones.Connection, new: DecisionPolicy) -> None:
    """The trial reads what the month extracted, nothing else."""
    found = set(con.execute("SELECT table_name, column_name FROM duckdb_columns() "
                            f"WHERE database_name = '{ZONE}' AND schema_name = 'raw'").fetchall())
    lacking = [f"sources.toml: {table}.{column} was not extracted for this month: run the month with this policy first"
               for table, spec in new.sources.tables.items() for column in spec.columns if (table, column) not in found]
    if lacking:
        raise PolicyError(lacking)


def _same_staging(old: DecisionPolicy, new: DecisionPolicy, month: str) -> bool:
    """Whether both policies stage the same rows, so that the month's own staged tables serve the trial."""
    bound = {name for model in layer_models(catalogue_of(new), ["staged"]) for name in model.params}
    before, after = policy_parameters(old, month), policy_parameters(new, month)
    return (old.sources == new.sources and old.retention.attributes == new.retention.attributes
            and all(before[name] == after[name] for name in bound))


def _effect_key(settings: Settings) -> Mapping[str, object]:
    """The keys of the effects, of who was carried out and of what was erased, that the month's control tables hold."""
    if not (settings.control / "control.db").exists():
        return {}
    keys, control = KeyStore(settings.keys, settings.root_key), ControlStore.in_folder(settings.control)
    return {**effect_parameters(keys, control), **carried_parameters(keys, control),
            **guard_parameters(keys, control, load_policy(settings.notice).enforcement.sweep)}


def _decide(con: zones.Connection, old: DecisionPolicy | None, new: DecisionPolicy, month: str,
            effect_key: Mapping[str, object]) -> Trial:
    """The models of the other policy, over the month's raw tables and recorded decisions.

    What the other policy cannot change, or what comes out as it was, is lent by the month, with the number of each
    subject. Rulings wait for the comparison, and nothing puts them into words.
    """
    prepare(con, new, ControlStore("sqlite://"), month)
    values = {**policy_parameters(new, month), **effect_key}
    models = catalogue_of(new)
    is_staged_anew = old is None or not _same_staging(old, new, month)
    _stage(con, new, values, is_staged_anew=is_staged_anew)
    old = None if is_staged_anew or (old and _macros(old) != _macros(new)) else old
    touched = _touched_models(old, new, month) if old else set(models)
    changed = {name for name in POLICY_TABLES if _differs(con, name)}
    compared = {model.name: model for model in _compared_models(new)}
    read_on = {name for model in compared.values() if not model.is_view for name in model.reads}
    late = {rulings.table: models[rulings.table] for rulings in RULINGS.values()}
    for model in layer_models(models, ["retention"]):
        if model.name in compared and (model.name in touched or _rests_on(con, model, changed, compared)):
            if model.name in (*late, *RULINGS, _RECORDS):
                changed.add(model.name)
                continue
            make_relation(con, model, values)
            if old is None or model.is_view or model.name not in read_on or _differs(con, model.name):
                changed.add(model.name)
                continue
        _lend(con, [(model.name,)])
    return Trial(frozenset(changed), {name: model for name, model in late.items() if name in changed}, values)


def _stage(con: zones.Connection, new: DecisionPolicy, values: Mapping[str, object], *, is_staged_anew: bool) -> None:
    """What is staged: the month's own tables, or those that the other policy makes of its raw ones."""
    for schema in ("raw", "control") if is_staged_anew else ("raw", "control", "staged"):
        _lend(con, con.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables() "
                               f"WHERE database_name = '{ZONE}' AND schema_name = ?", [schema]).fetchall())
    if is_staged_anew:
        for model in layer_models(catalogue_of(new), ["staged"]):
            make_relation(con, model, values)
        write_quality(con, new)


def _lend(con: zones.Connection, names: Iterable[tuple[str]]) -> None:
    """Let the trial read the month's own tables under their names."""
    for (name,) in names:
        schema, _, table = name.partition(".")
        relation = f"{zones.quote(schema)}.{zones.quote(table)}"
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {zones.quote(schema)}")
        con.execute(f"DROP TABLE IF EXISTS {relation}")
        con.execute(f"CREATE VIEW {relation} AS SELECT * FROM {ZONE}.{relation}")


def _touched_models(old: DecisionPolicy, new: DecisionPolicy, month: str) -> set[str]:
    """The models that have another text by the other policy, or another value bound."""
    texts, values, before = catalogue_of(old), policy_parameters(new, month), policy_parameters(old, month)
    moved = {name for name, value in values.items() if before.get(name) != value} - {"policy_version"}
    return {model.name for model in _compared_models(new)
            if texts[model.name].sql != model.sql or moved & set(model.params)}


def _macros(policy: DecisionPolicy) -> str:
    return macros(sql_folder(), vocabulary_of(policy))


def _compared_models(policy: DecisionPolicy) -> list[Model]:
    """The models of retention that the comparison reads, straight or through others, in running order."""
    models = layer_models(catalogue_of(policy), ["retention"])
    wanted = set(COMPARED)
    for model in reversed(models):
        if model.name in wanted:
            wanted |= set(model.reads)
    return [model for model in models if model.name in wanted]


def _rests_on(con: zones.Connection, model: Model, changed: Container[str], models: Mapping[str, Model]) -> bool:
    """Whether a model may come out otherwise: of a relation that did it takes whole rows, or columns that did.

    The columns that it takes are those that its text names. No view is looked through.
    """
    others = [name for name in model.reads if name in changed]
    takes_rows = model.is_view or "*" in model.sql.replace("count(*)", "")
    if takes_rows or any(name in models and models[name].is_view for name in others):
        return bool(others)
    words = set(re.findall(r"\w+", model.sql))
    return any(_differs(con, name, words) for name in others)


def _differs(con: zones.Connection, name: str, words: Container[str] | None = None) -> bool:
    """Whether a table holds other rows than in the month, told by their count and the sum of their hashes.

    Args:
        con: holds the month's table and the trial's.
        name: the table.
        words: only columns with one of these names are looked at; all without.
    """
    sides = ("", f"{ZONE}.")
    columns, before = ([row[0] for row in con.execute(f"DESCRIBE {side}{name}").fetchall()] for side in sides)
    if columns != before:
        return True
    looked_at = [zones.quote(column) for column in columns if words is None or column in words]
    row = ", ".join(["0", *looked_at])
    now, then = (con.execute(f"SELECT count(*), sum(hash({row})) FROM {side}{name}").fetchall() for side in sides)
    return bool(now != then)
