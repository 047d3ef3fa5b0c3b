"""The facts behind the cells: who contributes what to which cell, without the published models.

Belongs here: reading the layer `anonymous` by cell and by contributor, for the checks. Does not belong here: judging
(recount, dominance, differencing), or the models that first count (sql/published).
"""

from collections.abc import Callable
from datetime import date

from ajprivacy_pipeline.disclosure.cells.primary import columns_of, shape_of
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release import ContributorSource
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

Months = tuple[date, date] | tuple[()]
NAMELESS = "nameless_order"  # a fact's column: the order where nobody is known to stand behind it


def contributors_of(policy: Policy, table: str) -> ContributorSource | None:
    """Returns where a published table's contributors are counted from, None when the policy does not say."""
    declared = policy.release.tables.get(table)
    return declared.contributors if declared else None


def contributor_source(policy: Policy, table: str) -> ContributorSource:
    """Returns where a published table's contributors are counted from.

    Raises:
        ReleaseError: the policy does not say.
    """
    found = contributors_of(policy, table)
    if found is None:
        raise ReleaseError(f"release.toml: tables.{table} has no contributors: nothing says which facts its people are "
                           "counted from")
    return found


def keys_of(con: Connection, policy: Policy, table: str) -> list[str]:
    """Returns the dimensions that tell a table's cells apart in its facts."""
    found = columns_of(con, contributor_source(policy, table).relation)
    return [d for d in shape_of(policy, table).keys if d in found]


def own_of(con: Connection, policy: Policy, table: str) -> dict[str, str]:
    """Returns the aggregate over facts that is a contributor's own part of each measure that the facts hold."""
    source = contributor_source(policy, table)
    found = columns_of(con, source.relation)
    sums = {m: f"sum({quote(m)})" for m in shape_of(policy, table).measures if m in found}
    return sums | {measure: f"count({quote(column)})" for measure, column in source.counted.items()}


def per_contributor(con: Connection, policy: Policy, table: str,
                    months: Months = ()) -> tuple[list[str], list[str], str]:
    """Returns every cell of a published table by contributor, from the facts: its keys, its measures, and the SELECT.

    A measure `m` is the column `own_m`; a row is one cell and one token. `months` as in `by_contributor`.
    """
    own = own_of(con, policy, table)
    keys, rows = by_contributor(con, policy, table, {f"own_{m}": value for m, value in own.items()}, months)
    return keys, list(own), rows


def per_party(con: Connection, policy: Policy, table: str, months: Months = (), *,
              nameless: bool = False) -> tuple[list[str], list[str], str]:
    """Returns what `per_contributor` does, with those who are not named apart by order: who may dominate an amount.

    A row is one cell and one party. With `nameless` only those who are not named are in it, by their column.
    """
    own = own_of(con, policy, table)
    columns = {f"own_{m}": value for m, value in own.items()}
    if tells_nameless(con, policy, table):
        columns = {NAMELESS: quote(NAMELESS)} | columns
    keys, rows = by_contributor(con, policy, table, columns, months,
                                f"{quote(NAMELESS)} IS NOT NULL" if nameless else "true")
    return keys, list(own), rows


def tells_nameless(con: Connection, policy: Policy, table: str) -> bool:
    """Returns whether the facts of a table tell apart those who are not named."""
    return NAMELESS in columns_of(con, contributor_source(policy, table).relation)


def by_contributor(con: Connection, policy: Policy, table: str, columns: dict[str, str],
                   months: Months = (), condition: str = "true") -> tuple[list[str], str]:
    """Returns the keys of a table's cells, and the SELECT of keys, token and aggregates by cell and contributor.

    Args:
        con: holds the facts.
        policy: roles, and how a total is called.
        table: the published table.
        columns: the aggregates by name.
        months: the first and the last month to take; all when empty.
        condition: of the facts that are taken.
    """
    relation, when = contributor_source(policy, table).relation, quote(shape_of(policy, table).time)
    within = (f" AND {when} BETWEEN DATE {literal(months[0].isoformat())} "
              f"AND last_day(DATE {literal(months[1].isoformat())})") if months else ""
    taken = f"{relation} WHERE {condition}{within}"
    keys = keys_of(con, policy, table)
    return keys, by_cell(policy, table, keys, {"token": "token"} | columns, lambda _: taken)


def by_cell(policy: Policy, table: str, keys: list[str], columns: dict[str, str],
            source: Callable[[set[str]], str]) -> str:
    """Returns the SELECT of a table's keys and columns, grouped by whatever is no aggregate; one total after another.

    `source` says what is read, given the dimensions that are summed: all facts, some of them, or sums of them.
    """
    margins, total = contributor_source(policy, table).margins, literal(policy.release.values.all)
    values = "".join(f", {value} AS {quote(name)}" for name, value in columns.items())
    branches = []
    for mask in range(2 ** len(margins)):
        summed = {d for i, d in enumerate(margins) if mask >> i & 1}
        dims = ", ".join(f"{total} AS {quote(d)}" if d in summed else quote(d) for d in keys)
        branches.append(f"SELECT {dims}{values} FROM {source(summed)} GROUP BY ALL")
    return " UNION ALL ".join(branches)
