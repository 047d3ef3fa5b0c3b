"""What a month's decisions come to, as counts for a page that everybody may see: never an id, never a value of a row.

Belongs here: adding up decision tables as they stand. Does not belong here: one person's reasons (`explain`), thirty
years ahead (`forecast`).
"""

from collections import Counter
from collections.abc import Mapping
from typing import TypedDict

from ajprivacy_pipeline.calendar import as_of, shift
from ajprivacy_pipeline.policy import DecisionPolicy
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.whatif.compare import ground_clauses
from ajprivacy_pipeline.whatif.forecast import MET_BY

AHEAD_MONTHS = 12
# What a row of a decision table is about.
_WHAT = {"retention.attribute_decisions": "attribute", "retention.record_decisions": "entity || '.' || part"}
# Rows share few combinations of grounds, so that these are some hundred lines however many people there are.
_DECISIONS = """
SELECT {what} AS what, decision, retained_by, held_by, count(*) AS rows FROM {table} GROUP BY ALL ORDER BY ALL
"""
_AHEAD = f"""
SELECT {MET_BY} AS month, sum(rows)::BIGINT FROM (
    SELECT due_on, count(*) AS rows FROM {{table}} WHERE decision = 'retain' AND due_on <= $last GROUP BY due_on)
GROUP BY ALL ORDER BY ALL
"""
Counts = dict[str, dict[str, int]]


class Figures(TypedDict, total=False):
    """What a table of decisions comes to; no key at all for a table that holds none.

    `decisions`: attribute or part -> decision -> rows. `kept_by`: purpose, reason or freeze -> retain or hold -> rows.
    `clauses`: clause -> the same. `becomes_due`: the month whose run meets the day -> rows.
    """

    decisions: Counts
    kept_by: Counts
    clauses: Counts
    becomes_due: dict[str, int]


def figures(con: zones.Connection, table: str, policy: DecisionPolicy, month: str) -> Figures:
    """Rows per attribute or part, per ground and per clause, and those that become due in each of the next months.

    A row with several grounds counts under each, under a clause once.
    """
    if table not in _WHAT:
        return {}
    clauses_of: dict[str, set[str]] = {}
    for ground, clause in ground_clauses(policy, None, []):
        clauses_of.setdefault(ground, set()).add(clause)
    decisions: dict[str, Counter[str]] = {}
    kept_by: dict[str, Counter[str]] = {}
    clauses: dict[str, Counter[str]] = {}
    for what, decision, retained_by, held_by, rows in con.execute(
            _DECISIONS.format(what=_WHAT[table], table=table)).fetchall():
        decisions.setdefault(what, Counter())[decision] += rows
        grounds = {*retained_by, *held_by}
        for ground in grounds:
            kept_by.setdefault(ground, Counter())[decision] += rows
        for clause in {clause for ground in grounds for clause in clauses_of.get(ground, ())}:
            clauses.setdefault(clause, Counter())[decision] += rows
    ahead = [shift(month, count) for count in range(1, AHEAD_MONTHS + 1)]
    due = dict(con.execute(_AHEAD.format(table=table), {"last": as_of(ahead[-1])}).fetchall())
    return {"decisions": _plain(decisions), "kept_by": _plain(kept_by), "clauses": _plain(clauses),
            "becomes_due": {when: due.get(when, 0) for when in ahead}}


def _plain(counted: Mapping[str, Mapping[str, int]]) -> Counts:
    return {name: dict(counts) for name, counts in sorted(counted.items())}
