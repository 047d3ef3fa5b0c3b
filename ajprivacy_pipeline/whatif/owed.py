"""What a month owes, in numbers that plot: how much is due, what of it is new, since when, and why.

Belongs here: counting what is due, without a name. Does not belong here: what keeps the rest (`figures`), years ahead
(`forecast`), what was carried out (`enforcement`).
"""

from collections.abc import Iterable, Mapping
from typing import TypedDict

from ajprivacy_pipeline.calendar import as_of, shift
from ajprivacy_pipeline.policy import DecisionPolicy
from ajprivacy_pipeline.storage import zones

WITHOUT_PURPOSE = "no_purpose"  # no purpose that applies to the person covers it: it is due at once
_DECIDED = {"retention.attribute_decisions", "retention.record_decisions"}
_NUMBERS = """
SELECT count(*) FILTER (decision = 'due'), count(*) FILTER (decision = 'hold'), count(*) FILTER (decision = 'retain'),
    count(*) FILTER (decision = 'absent'), count(*) FILTER (decision = 'due' AND due_on > $before),
    count(*) FILTER (decision = 'retain' AND due_on > $as_of AND due_on <= $next),
    coalesce(date_diff('day', min(due_on) FILTER (decision = 'due'), $as_of), 0)
FROM {table}
"""
_BULK = """
SELECT coalesce(sum(due_rows) FILTER (reason <> 'held'), 0)::BIGINT,
    coalesce(sum(due_rows) FILTER (reason = 'held'), 0)::BIGINT,
    coalesce(date_diff('day', min(oldest) FILTER (reason <> 'held'), $as_of), 0)
FROM retention.bulk_decisions
"""
# How long something had been due when the month ended, in calendar months; the first is what this month's run met.
_AGES = {"under_a_month": 1, "under_a_year": 12, "under_three_years": 36}
_OLDER = "older"
AGES = (*_AGES, _OLDER)
_WHEN = " ".join(f"WHEN due_on > ${name} THEN '{name}'" for name in _AGES)
_DUE = f"""
SELECT entity, part, CASE {_WHEN} ELSE '{_OLDER}' END AS age, count(*), min(due_on) FROM retention.due GROUP BY ALL
ORDER BY ALL
"""
# A purpose that covers an attribute and ended on the day it became due is the one that ended last; none stands twice.
_ENDED = """
SELECT coalesce(p.purpose, $without) AS purpose, CASE WHEN p.purpose IS NULL THEN a.attribute END AS attribute,
    count(*)
FROM retention.attribute_decisions AS a
LEFT JOIN (SELECT s.subject_no, s.purpose, s.lapses_on, c.attribute FROM retention.purpose_status AS s
           JOIN (SELECT unnest($purposes) AS purpose, unnest($attributes) AS attribute) AS c USING (purpose)
           WHERE s.lapses_on <= $as_of) AS p
    ON p.subject_no = a.subject_no AND p.attribute = a.attribute AND p.lapses_on = a.due_on
WHERE a.decision = 'due' GROUP BY ALL ORDER BY ALL
"""


class Owed(TypedDict, total=False):
    """What is due of everything: numbers, and the same by why and since when.

    `due_by_clause` and `due_by_age` count every row of retention.due; `due_by_purpose` the attributes of people, by the
    purpose that ended last, under each where several ended that day, or "no_purpose" where none of those that apply to
    the person covers the attribute (an age without consent, say): `due_without_purpose` has these by attribute.
    `due_by_part` those of a table, `entity.part`.
    """

    due: int
    oldest_overdue_days: int
    due_by_clause: dict[str, dict[str, int]]
    due_by_purpose: dict[str, int]
    due_without_purpose: dict[str, int]
    due_by_part: dict[str, int]
    due_by_age: dict[str, int]


def numbers(con: zones.Connection, table: str, month: str) -> dict[str, int]:
    """Returns what plots of a table of decisions; empty for a table that holds none.

    Rows that are due, held, retained, absent; due since the run before (`newly_due`); retained and met by the next run
    (`due_next_month`); days since the oldest day of what is due. Of clicks and log lines those due and held.
    """
    day = as_of(month)
    if table == "retention.bulk_decisions":
        due, hold, oldest = con.execute(_BULK, {"as_of": day}).fetchall()[0]
        return {"due": due, "hold": hold, "oldest_overdue_days": oldest}
    if table not in _DECIDED:
        return {}
    found = con.execute(_NUMBERS.format(table=table), {
        "as_of": day, "before": as_of(shift(month, -1)), "next": as_of(shift(month, 1))}).fetchall()[0]
    names = ("due", "hold", "retain", "absent", "newly_due", "due_next_month", "oldest_overdue_days")
    return dict(zip(names, found, strict=True))


def owed(con: zones.Connection, policy: DecisionPolicy, clauses: Mapping[str, Mapping[str, str]], month: str) -> Owed:
    """Returns who is overdue and why, as counts: by clause and age, by purpose, by part.

    Args:
        con: holds the month's decisions.
        policy: which purposes cover an attribute.
        clauses: table -> part -> the clause it goes by (`enforcement.toml`).
        month: whose decisions they are.
    """
    day = as_of(month)
    by_clause: dict[str, dict[str, int]] = {}
    by_part: dict[str, int] = {}
    by_age = dict.fromkeys(AGES, 0)
    since = {name: as_of(shift(month, -months)) for name, months in _AGES.items()}
    oldest = day
    for entity, part, age, rows, first in con.execute(_DUE, since).fetchall():
        oldest = min(oldest, first or day)  # nobody is overdue since an unknown day
        ages = by_clause.setdefault(clauses[entity][part], dict.fromkeys(AGES, 0))
        ages[age] += rows
        by_age[age] += rows
        by_part[f"{entity}.{part}"] = by_part.get(f"{entity}.{part}", 0) + rows
    pairs = [(purpose, name) for name, one in policy.retention.attributes.items() for purpose in one.purposes]
    ended = con.execute(_ENDED, {"purposes": _column(pairs, 0), "attributes": _column(pairs, 1),
                                 "without": WITHOUT_PURPOSE, "as_of": day}).fetchall()
    by_purpose: dict[str, int] = {}
    for purpose, _, rows in ended:
        by_purpose[purpose] = by_purpose.get(purpose, 0) + rows
    return {"due": sum(by_age.values()), "oldest_overdue_days": (day - oldest).days,
            "due_by_clause": dict(sorted(by_clause.items())),
            "due_by_purpose": by_purpose,
            "due_without_purpose": {attribute: rows for _, attribute, rows in ended if attribute is not None},
            "due_by_part": by_part, "due_by_age": by_age}


def _column(pairs: Iterable[tuple[str, str]], number: int) -> list[str]:
    return [pair[number] for pair in pairs]
