"""Of how many people nothing is left, or no link: the words *anonymised* and *unlinked*, counted after an apply.

Belongs here: what stands in the way of either word, person by person. Does not belong here: the sweep, which may find
that a value of somebody still stands elsewhere (then nobody is called anonymised, since a hit names no one).

The zone is as the last round of an apply read and decided it; what the plan carried out is taken off. So nobody of
whom something was dropped, waits, is not carried out by us, or is kept by anything, is counted.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from ajprivacy_pipeline.enforcement.fresh import ALREADY, APPLIED
from ajprivacy_pipeline.enforcement.stages import LINK, SUBJECTS, stages_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

RECORDS = ("orders", "invoices", "cases")  # what a link leads from, as the specification lists them


class People(NamedTuple):
    """Who of a plan is anonymised, and of whom no order, invoice or case has the id any more: ids of subjects."""

    anonymised: frozenset[str]
    unlinked: frozenset[str]

    def contributors(self) -> Iterator[tuple[str, str]]:
        """What they have contributed to releases under (kind and value); contacts contribute as their customer."""
        for subject in self.anonymised | self.unlinked:
            kind, _, name = subject.partition(":")
            if kind == "customer":
                yield "customer", name


def people_of(con: Connection, policy: Policy, losing: Collection[str]) -> People:
    """Returns what a plan, attached as `made`, came to by people.

    Args:
        con: the zone of the apply, with the decisions of its last round.
        policy: stages and tables.
        losing: tables whose kept rows lose the ids of somebody of whom nothing else is left.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE carried AS SELECT entity, record_id, part, subject_id FROM made.rows "
                f"WHERE state = '{APPLIED}'")
    con.execute("CREATE OR REPLACE TEMP TABLE named (entity VARCHAR, subject_id VARCHAR)")
    for select in _named(policy, losing):
        con.execute(f"INSERT INTO named {select}")
    try:
        found = con.execute(_WHO, {"records": list(RECORDS), "losing": list(losing), "done": [APPLIED, ALREADY],
                                   "subjects": list(SUBJECTS)}).fetchall()
    finally:
        con.execute("DROP TABLE named")
        con.execute("DROP TABLE carried")
    return People(*(frozenset(subject for word, subject in found if word == wanted) for wanted in People._fields))


def _named(policy: Policy, losing: Collection[str]) -> Iterator[str]:
    """SELECTs of (table, subject) of the rows that still have somebody's id; a company's orders keep the company's."""
    stages = stages_of(policy)
    for table, spec in policy.sources.tables.items():
        if table in (*SUBJECTS, *losing):
            continue
        for kind in ("customer", "contact"):
            column = f"{kind}_id"
            if column not in spec.columns:
                continue
            parts = [part for (name, part), stage in stages.items() if name == table and column in stage.columns]
            listed = ", ".join(map(literal, parts))
            gone = (f"EXISTS (SELECT 1 FROM carried AS d WHERE d.entity = {literal(table)} "
                    f"AND d.record_id = t.{quote(spec.key[0])} AND d.part IN ({listed}))" if parts else "false")
            if kind == "customer" and (table, LINK) in stages:
                gone += (" AND EXISTS (SELECT 1 FROM staged.customers AS c WHERE c.customer_id = t.customer_id "
                         "AND c.customer_type <> 'business')")
            yield (f"SELECT {literal(table)}, '{kind}:' || {quote(column)} FROM staged.{quote(table)} AS t "
                   f"WHERE {quote(column)} IS NOT NULL AND NOT ({gone})")


_WHO = """
    WITH people AS (SELECT DISTINCT subject_id FROM carried WHERE subject_id IS NOT NULL),
    left_over AS (
        SELECT CASE entity WHEN 'contacts' THEN 'contact:' ELSE 'customer:' END || record_id AS subject_id
        FROM scratch.decided AS d ANTI JOIN carried AS c USING (entity, record_id, part)
        WHERE list_contains($subjects, entity) AND decision <> 'absent'
        UNION ALL
        SELECT subject_id FROM retention.record_decisions AS d ANTI JOIN carried AS c USING (entity, record_id, part)
        WHERE decision <> 'absent' AND NOT list_contains($losing, entity)
        UNION ALL
        SELECT subject_id FROM made.rows WHERE state IS NULL OR NOT list_contains($done, state)
        UNION ALL
        SELECT subject_id FROM named
    ), linked AS (
        SELECT DISTINCT subject_id FROM carried
        WHERE entity = 'cases' OR (list_contains($records, entity) AND part = 'link')
    )
    SELECT 'anonymised', subject_id FROM people AS p ANTI JOIN left_over AS l USING (subject_id)
    UNION ALL
    SELECT 'unlinked', subject_id FROM linked AS k
    ANTI JOIN (SELECT subject_id FROM named WHERE list_contains($records, entity)) AS n USING (subject_id)
    WHERE subject_id IS NOT NULL
"""
