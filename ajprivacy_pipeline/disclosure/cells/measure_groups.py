"""Which measures of a population go together, and along which dimensions they add up: by the policy alone.

Belongs here: groups of measures. Does not belong here: cells, and the systems they form (table_system).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.policy import Policy

UNADDED = ("month", "day")  # the dimensions of time, over which nothing is summed


@dataclass(frozen=True)
class Group:
    """Measures of a population that are suppressed together; `whole` when suppressing one takes its row along."""

    name: str
    measures: tuple[str, ...]
    whole: bool
    is_amount: bool


def population_of(policy: Policy, table: str) -> str:
    """Returns what a table's cells are cells of: its population, or the table itself."""
    return policy.release.tables[table].population or table


def lines_along(policy: Policy, table: str, measure: str) -> tuple[str, ...]:
    """Returns the dimensions of a table over which a measure adds up to totals; none for a stock."""
    shape = shape_of(policy, table)
    if measure in shape.stocks:
        return ()
    additive = policy.release.tables[table].columns[measure].subtracted_over
    return tuple(d for d in shape.keys if d in additive and d not in UNADDED)


def whole_numbers(policy: Policy, group: Group, tables: Iterable[str]) -> dict[str, frozenset[str]]:
    """Returns the measures of a group that are whole numbers, each with what is shown beside it and cannot be more.

    Nothing is shown beside a measure that takes its row along.
    """
    columns = [policy.release.tables[table].columns for table in tables]
    return {measure: frozenset(name for found in columns for name, column in found.items()
                               if column.at_most == measure and not group.whole)
            for measure in group.measures
            if any(measure in found and found[measure].type == "BIGINT" for found in columns)}


def groups_of(policy: Policy, population: str) -> list[Group]:
    """Returns the groups of a population in the order of suppressing: whole rows, then amounts, then other measures."""
    whole: list[str] = []
    single: list[str] = []
    amounts: list[str] = []
    for table in policy.release.tables:
        declared = policy.release.tables[table]
        if population_of(policy, table) != population or not declared.months or declared.rounded:
            continue
        shape = shape_of(policy, table)
        people = declared.contributors.persons if declared.contributors else ()
        for measure in shape.measures:
            if measure in shape.stocks or not (lines_along(policy, table, measure) or measure in people):
                continue  # people add up over nothing, but no part is more than its total
            kind = amounts if measure in shape.amounts else whole if measure == shape.measures[0] else single
            if measure not in (*whole, *single, *amounts):
                kind.append(measure)
    groups = [Group(m, (m,), whole=True, is_amount=False) for m in whole]
    groups += [Group("amounts", tuple(amounts), whole=False, is_amount=True)] if amounts else []
    return groups + [Group(m, (m,), whole=False, is_amount=False) for m in single]
