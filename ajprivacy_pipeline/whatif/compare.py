"""Two sets of decisions of one month, row against row: the month's own (`zone`) and a trial's.

Belongs here: the counts of the comparison. Does not belong here: which decisions differ (`differences`), making either
set.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict, TypeVar, cast

from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.policy import DecisionPolicy
from ajprivacy_pipeline.policy.diff import Change
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.month_files import DECISION_TABLES
from ajprivacy_pipeline.whatif.differences import TRIAL, Trial, find_differences

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
# How many people a group of differences is about: each stands in one of the two columns.
_PEOPLE = "count(DISTINCT subject_no) + count(DISTINCT subject_id)"


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


def measure(con: zones.Connection, clauses: Iterable[tuple[str, str]], trial: Trial,
            records: Iterable[str]) -> Comparison:
    """Every count of the comparison; the newly due first, their oldest day first.

    Args:
        con: holds the month's decisions and the trial's tables.
        clauses: what keeps or holds, with its clauses, as `ground_clauses` gives them.
        trial: what the other policy decided.
        records: the models that decide about records.
    """
    find_differences(con, trial, records)
    con.execute("CREATE OR REPLACE TEMP TABLE ground_clauses (ground VARCHAR, clause VARCHAR)")
    con.executemany("INSERT INTO ground_clauses VALUES (?, ?)", [list(pair) for pair in clauses])
    grounds = "(SELECT change, kind, unnest(grounds) AS ground FROM flips)"
    return {
        "backlog": _owed(con, "becomes_due", "due_on"),
        "owed_before_the_change": _owed(con, "no_longer_due", "was_due_on"),
        "flips": _rows(con, Flipped, "SELECT change, kind, from_decision, to_decision, count(*) AS rows, "
                            f"{_PEOPLE} AS people FROM flips GROUP BY ALL ORDER BY ALL"),
        "dates": _rows(con, Moved, f"SELECT change, kind, count(*) AS rows, {_PEOPLE} AS people "
                                   "FROM moved GROUP BY ALL ORDER BY ALL"),
        "by_part": _rows(con, FlippedPart, "SELECT change, kind, what, count(*) AS rows FROM flips "
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


def write_ids(con: zones.Connection, target: Path) -> int:
    """Write a row for each flip, with ids, as Parquet that its owner alone can read; returns the rows."""
    partial = target.with_name(f".{target.name}.partial")
    into = f"{zones.literal(str(partial))} (FORMAT parquet)"
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        written = con.execute(
            "COPY (SELECT change, kind, coalesce(f.subject_id, s.subject_id) AS subject_id, what, record_id, "
            "from_decision, to_decision, was_due_on, due_on, grounds FROM flips AS f "
            f"LEFT JOIN {TRIAL}.retention.subjects AS s USING (subject_no) ORDER BY ALL) TO {into}").fetchall()
        partial.chmod(0o600)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return int(written[0][0])


def decided_by(con: zones.Connection) -> str:
    """Returns the version of the policy that decided the month."""
    found = con.execute("SELECT policy_version FROM zone.retention.attribute_decisions LIMIT 1").fetchall()
    return str(found[0][0]) if found else "none"


def _owed(con: zones.Connection, change: str, day: str) -> Owed:
    """What is due on one side alone: rows, people, and the years they were due in, oldest first."""
    counts = "count(*) FILTER (kind = 'attributes') AS attributes, count(*) FILTER (kind = 'records') AS records"
    total = _rows(con, Owed, f"SELECT {counts}, {_PEOPLE} AS people, min({day}) AS oldest_due_on "
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
