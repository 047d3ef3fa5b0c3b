"""Two sets of decisions of one month, row against row: the month's own (`zone`) and a trial's.

Belongs here: the SQL of the comparison, and its counts. Does not belong here: making either set.
"""

import os
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict, TypeVar, cast

from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.policy import DecisionPolicy
from ajprivacy_pipeline.policy.diff import Change
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.month_files import DECISION_TABLES

Row = TypeVar("Row")


class YearOwed(TypedDict):
    """Decisions that were due in a year."""

    year: int
    attributes: int
    records: int


class Owed(TypedDict):
    """What is due on one side alone; the oldest day as ISO text, None where nothing is."""

    attributes: int
    records: int
    people: int
    oldest_due_on: str | None
    by_year: list[YearOwed]


class Moved(TypedDict):
    """Decisions whose day moves, of attributes or of records."""

    change: str
    kind: str
    rows: int
    people: int


class Flipped(Moved):
    """Decisions that become others."""

    from_decision: str
    to_decision: str


class FlippedPart(TypedDict):
    """Flips of an attribute or a part of a record."""

    change: str
    kind: str
    what: str
    rows: int


class FlippedPurpose(TypedDict):
    """Flips by what keeps or kept."""

    change: str
    kind: str
    purpose: str
    rows: int


class FlippedClause(TypedDict):
    """Flips by clause."""

    change: str
    kind: str
    clause: str
    rows: int


class BulkChange(TypedDict):
    """Web events or log lines that are due, before and after."""

    entity: str
    reason: str
    was: int
    becomes: int
    oldest: str | None


class Comparison(TypedDict):
    """Every count of a comparison."""

    backlog: Owed
    owed_before_the_change: Owed
    flips: list[Flipped]
    dates: list[Moved]
    by_part: list[FlippedPart]
    by_purpose: list[FlippedPurpose]
    by_clause: list[FlippedClause]
    bulk: list[BulkChange]


Listed = Literal["flips", "by_part", "by_purpose", "by_clause", "dates", "bulk"]
_TITLES: dict[Listed, str] = {
    "flips": "decisions that flip", "by_part": "by attribute and part", "by_purpose": "by what keeps or kept them",
    "by_clause": "by clause", "dates": "stays retained, the day moves", "bulk": "web events and log lines due"}

COMPARED = ("retention.attribute_decisions", "retention.record_decisions", "retention.bulk_decisions")
# Which rows differ is told without their lists; these are fetched for the decisions that flip alone.
_DIFFERENCES = """
CREATE OR REPLACE TEMP TABLE differences AS
SELECT {keys}, coalesce(o.subject_id, n.subject_id) AS whose, {what} AS what, {record} AS about,
    o.decision AS was, n.decision AS becomes, o.due_on AS was_due_on, n.due_on
FROM zone.{table} AS o
FULL JOIN trial.{table} AS n ON {same}
WHERE o.decision IS DISTINCT FROM n.decision OR (o.decision = 'retain' AND n.due_on IS DISTINCT FROM o.due_on)
"""
_DATES = """
INSERT INTO flips
SELECT whose, '{kind}', what, about, was_due_on, due_on, was, becomes,
    CASE WHEN coalesce(due_on, DATE 'infinity') > coalesce(was_due_on, DATE 'infinity') THEN 'later' ELSE 'earlier' END,
    NULL
FROM differences WHERE was = becomes
"""
_FLIPS = """
INSERT INTO flips
SELECT d.whose, '{kind}', d.what, d.about, d.was_due_on, d.due_on, coalesce(d.was, 'none'), coalesce(d.becomes, 'none'),
    CASE WHEN d.becomes = 'due' THEN 'becomes_due'
         WHEN d.becomes = 'hold' THEN 'becomes_held'
         WHEN d.was = 'due' THEN 'no_longer_due'
         WHEN d.was = 'hold' THEN 'no_longer_held'
         ELSE 'other' END,
    CASE WHEN d.becomes = 'hold' THEN n.held_by
         WHEN d.becomes = 'due' THEN list_concat(coalesce(o.retained_by, []), coalesce(o.held_by, []))
         ELSE n.retained_by END
FROM (FROM differences WHERE was IS DISTINCT FROM becomes) AS d
LEFT JOIN zone.{table} AS o ON {was_there}
LEFT JOIN trial.{table} AS n ON {is_there}
"""
_FLIPS_TABLE = ("CREATE OR REPLACE TEMP TABLE flips (subject_id VARCHAR, kind VARCHAR, what VARCHAR, "
                "record_id VARCHAR, was_due_on DATE, due_on DATE, from_decision VARCHAR, to_decision VARCHAR, "
                "change VARCHAR, grounds VARCHAR[])")
_FLIPPED = "change NOT IN ('later', 'earlier')"


def require_decisions(con: zones.Connection, month: str) -> None:
    """Make sure that all decisions of the month stand in the connection's default database.

    Raises:
        ControlError: a table of decisions is missing; run the month again.
    """
    found = {row[0] for row in con.execute(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'retention' "
        "UNION ALL SELECT view_name FROM duckdb_views() WHERE schema_name = 'retention'").fetchall()}
    if missing := [name for name in DECISION_TABLES if name not in found]:
        raise ControlError(f"the decisions of {month} are not complete ({', '.join(missing)} is missing): "
                           f"run the month again with `ajprivacy run --month {month}`")


def ground_clauses(new: DecisionPolicy, old: DecisionPolicy | None, changes: Sequence[Change]) -> list[tuple[str, str]]:
    """(ground, clause) of everything that keeps or holds; of a ground whose periods changed, those clauses alone."""
    touched = {_period_source(policy, change.key) for policy in (new, old) if policy for change in changes
               if change.file == "purposes.toml" and change.key.startswith("periods.")}
    periods = new.retention.periods
    sources: dict[str, set[str]] = {name: {freeze.source} for name, freeze in new.retention.freezes.items()}
    for name, purpose in new.retention.purposes.items():
        sources[name] = {*purpose.clauses, *(periods[period].source for period in purpose.periods)}
    sources |= {reason: {clause} for reason, clause in new.retention.reason_clauses.items()}
    return [(ground, clause) for ground, clauses in sources.items() for clause in sorted(clauses & touched or clauses)]


def _period_source(policy: DecisionPolicy, key: str) -> str:
    period = policy.retention.periods.get(key.split(".")[1])
    return period.source if period else ""


def measure(con: zones.Connection, clauses: Iterable[tuple[str, str]], changed: Container[str],
            records: Iterable[str]) -> Comparison:
    """Every count of the comparison; the newly due first, their oldest day first.

    Args:
        con: holds the month's decisions and the trial's.
        clauses: what keeps or holds, with its clauses, as `ground_clauses` gives them.
        changed: the models that were run for the trial; no other table can differ.
        records: the models that decide about records.
    """
    _find_flips(con, changed, records)
    con.execute("CREATE OR REPLACE TEMP TABLE ground_clauses (ground VARCHAR, clause VARCHAR)")
    con.executemany("INSERT INTO ground_clauses VALUES (?, ?)", [list(pair) for pair in clauses])
    grounds = f"(SELECT change, kind, unnest(grounds) AS ground FROM flips WHERE {_FLIPPED})"
    return {
        "backlog": _owed(con, "becomes_due", "due_on"),
        "owed_before_the_change": _owed(con, "no_longer_due", "was_due_on"),
        "flips": _rows(con, Flipped, "SELECT change, kind, from_decision, to_decision, count(*) AS rows, "
                            "count(DISTINCT subject_id) AS people "
                            f"FROM flips WHERE {_FLIPPED} GROUP BY ALL ORDER BY ALL"),
        "dates": _rows(con, Moved, "SELECT change, kind, count(*) AS rows, count(DISTINCT subject_id) AS people "
                                   f"FROM flips WHERE NOT {_FLIPPED} GROUP BY ALL ORDER BY ALL"),
        "by_part": _rows(con, FlippedPart, f"SELECT change, kind, what, count(*) AS rows FROM flips WHERE {_FLIPPED} "
                              "GROUP BY ALL ORDER BY ALL"),
        "by_purpose": _rows(con, FlippedPurpose, "SELECT change, kind, ground AS purpose, count(*) AS rows "
                                 f"FROM {grounds} GROUP BY ALL ORDER BY ALL"),
        "by_clause": _rows(con, FlippedClause, "SELECT change, kind, clause, count(*) AS rows "
                                f"FROM {grounds} AS g JOIN ground_clauses AS c USING (ground) "
                                "GROUP BY ALL ORDER BY ALL"),
        "bulk": _rows(con, BulkChange, """
            SELECT entity, reason, coalesce(o.due_rows, 0) AS was, coalesce(n.due_rows, 0) AS becomes, n.oldest
            FROM zone.retention.bulk_decisions AS o
            FULL JOIN trial.retention.bulk_decisions AS n USING (entity, part, reason)
            WHERE o.due_rows IS DISTINCT FROM n.due_rows ORDER BY ALL"""),
    }


def _find_flips(con: zones.Connection, changed: Container[str], records: Iterable[str]) -> None:
    """Fill `flips`: a row per decision that differs, table by table."""
    con.execute(_FLIPS_TABLE)
    numbered = "subject_id" if "retention.subjects" in changed else "subject_no"  # the month's numbers, where lent
    tables: list[tuple[str, str, tuple[str, ...], str, str]] = [
        ("retention.attribute_decisions", "attributes", (numbered, "attribute"),
         "coalesce(o.attribute, n.attribute)", "NULL")]
    tables += [(name, "records", ("record_id", "part", "entity"),
                "coalesce(o.entity, n.entity) || '.' || coalesce(o.part, n.part)", "coalesce(o.record_id, n.record_id)")
               for name in records]
    for name, kind, keys, what, record in tables:
        if name in changed:
            con.execute(_DIFFERENCES.format(table=name, what=what, record=record, same=_same("o", "n", keys),
                                            keys=", ".join(f"coalesce(o.{key}, n.{key}) AS {key}" for key in keys)))
            con.execute(_DATES.format(kind=kind))
            con.execute(_FLIPS.format(table=name, kind=kind, was_there=_same("o", "d", keys),
                                      is_there=_same("n", "d", keys)))


def _same(one: str, other: str, keys: Iterable[str]) -> str:
    return " AND ".join(f"{one}.{key} = {other}.{key}" for key in keys)


def write_ids(con: zones.Connection, target: Path) -> int:
    """Write a row for each flip, with ids, as Parquet that its owner alone can read; returns the rows."""
    partial = target.with_name(f".{target.name}.partial")
    into = f"{zones.literal(str(partial))} (FORMAT parquet)"
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        written = con.execute(
            "COPY (SELECT change, kind, subject_id, what, record_id, from_decision, to_decision, was_due_on, due_on, "
            f"grounds FROM flips WHERE {_FLIPPED} ORDER BY ALL) TO {into}").fetchall()
        partial.chmod(0o600)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return int(written[0][0])


def decided_by(con: zones.Connection) -> str:
    """Returns the version of the policy that decided the month."""
    found = con.execute("SELECT DISTINCT policy_version FROM zone.retention.attribute_decisions LIMIT 1").fetchall()
    return str(found[0][0]) if found else "none"


def _owed(con: zones.Connection, change: str, day: str) -> Owed:
    """What is due on one side alone: rows, people, and the years they were due in, oldest first."""
    counts = "count(*) FILTER (kind = 'attributes') AS attributes, count(*) FILTER (kind = 'records') AS records"
    total = _rows(con, Owed, f"SELECT {counts}, count(DISTINCT subject_id) AS people, min({day}) AS oldest_due_on "
                       f"FROM flips WHERE change = '{change}'")
    years = _rows(con, YearOwed, f"SELECT year({day}) AS year, {counts} FROM flips WHERE change = '{change}' "
                       "GROUP BY ALL ORDER BY year")
    return {**total[0], "by_year": years}


def _rows(con: zones.Connection, _shape: type[Row], query: str) -> list[Row]:
    """The rows of a query that has the columns of a shape; days as text."""
    result = con.execute(query)
    names = [column[0] for column in result.description]
    return [cast(Row, {name: value.isoformat() if hasattr(value, "isoformat") else value
                       for name, value in zip(names, row, strict=True)}) for row in result.fetchall()]


def tables(result: Comparison) -> list[tuple[str, Sequence[Mapping[str, object]]]]:
    """The parts of a result that are lists of rows, with their titles, in the order to show them."""
    return [(title, result[key]) for key, title in _TITLES.items() if result[key]]
