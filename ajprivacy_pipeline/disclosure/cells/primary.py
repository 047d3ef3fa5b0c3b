"""G2: no cell and no measure stands on fewer than k contributors.

Belongs here: suppressing, and its marks. Does not belong here: counting contributors (sql/anonymous, sql/published),
nor counting them again to check it (recount). What is a dimension, a measure or a flag says the policy; the hidden
counts are columns of the cells by name:

    contributors             distinct contributors of the cell
    contributors_<measure>   contributors whose own sum of the measure is not zero; absent: as the cell
    unattributed             rows that name nobody; only a cell with such rows may stand on no contributor at all
    top1_, top2_, absolute_<amount>   largest, second largest and summed absolute contribution (G4, see dominance)

A stock is a measure of a table with `rounded_to` that may not be added over months.
"""

from dataclasses import dataclass

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

_FLAGS = ("suppressed", "suppressed_measures", "rounded_to")
CONTRIBUTIONS = ("top1", "top2", "absolute")
PERIOD = "period"  # the flag that says how long the period is whose first day stands in `month`


@dataclass(frozen=True)
class Shape:
    """What the policy says of a table's columns, by role; `keys` are the dimensions that tell its cells apart."""

    table: str
    columns: tuple[str, ...]
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    stocks: tuple[str, ...]
    amounts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def time(self) -> str:
        """The dimension that says when: month or day."""
        return self.dimensions[0]


def shape_of(policy: Policy, table: str) -> Shape:
    """The roles of a published table's columns, in the policy's order."""
    columns = policy.release.tables[table].columns
    by_role = {role: tuple(n for n, c in columns.items() if c.role == role) for role in ("dimension", "measure")}
    stocks = tuple(m for m in by_role["measure"] if "rounded_to" in columns
                   and not {"month", "day"} & set(columns[m].additive_over))
    amounts = tuple(m for m in by_role["measure"] if columns[m].dominance)
    keys = tuple(d for d in by_role["dimension"] if columns[d].names is None)
    return Shape(table, tuple(columns), by_role["dimension"], by_role["measure"], stocks, amounts, keys)


def columns_of(con: Connection, relation: str) -> dict[str, str]:
    """Column and SQL type of a table, in its order; `relation` is quoted already."""
    return {row[0]: row[1] for row in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


def suppress(con: Connection, policy: Policy, table: str, cells: str) -> str:
    """The SELECT that turns cells with hidden counts into the public table.

    A cell below k: every measure NULL, `suppressed`. A measure below k by its own contributors: NULL and listed in
    `suppressed_measures`, sorted. A measure that nobody contributes to and that is 0 is known to be 0 and stands. A
    measure whose value is NULL (no rate for its currency) is listed as suppressed. Stocks are rounded to the nearest k.

    Args:
        con: holds the cells.
        policy: roles and k.
        table: the published table.
        cells: the quoted relation of the cells.
    """
    shape, k = shape_of(policy, table), policy.release.thresholds.k
    cell, stands = may_be_shown(con, policy, table, cells)
    parts = []
    for column in shape.columns:
        if column in shape.measures:
            value = _rounded(column, k) if column in shape.stocks else quote(column)
            parts.append(f"CASE WHEN {cell} AND {stands[column]} THEN {value} END AS {quote(column)}")
        elif column not in _FLAGS:
            parts.append(quote(column))
    listed = ", ".join(f"CASE WHEN NOT ({stands[m]}) THEN {literal(m)} END" for m in sorted(shape.measures))
    parts.append(f"NOT coalesce({cell}, false) AS suppressed")
    parts.append(f"CASE WHEN {cell} THEN list_filter([{listed}], x -> x IS NOT NULL) ELSE [] END::VARCHAR[] "
                 "AS suppressed_measures")
    if shape.stocks:
        parts.append(f"CAST({k:d} AS BIGINT) AS rounded_to")
    return f"SELECT {', '.join(map(quote, shape.columns))} FROM (SELECT {', '.join(parts)} FROM {cells})"


def may_be_shown(con: Connection, policy: Policy, table: str, cells: str) -> tuple[str, dict[str, str]]:
    """The condition under which a row of the cells stands by itself, and that of each measure beside it."""
    shape, k = shape_of(policy, table), policy.release.thresholds.k
    found = columns_of(con, cells)
    stands = {m: _stands(m, f"contributors_{m}" if f"contributors_{m}" in found else "contributors", k,
                         "unattributed" in found) for m in shape.measures}
    dominated = [is_dominated(policy, *(quote(f"{kind}_{m}") for kind in CONTRIBUTIONS)) for m in shape.amounts
                 if f"top1_{m}" in found]
    for measure in shape.amounts if dominated else ():
        stands[measure] += f" AND NOT ({' OR '.join(dominated)})"
    nobody = " OR (contributors = 0 AND unattributed > 0)" if "unattributed" in found else ""
    return f"(contributors >= {k:d}{nobody})", stands


def mark_rows(con: Connection, policy: Policy, public: dict[str, str]) -> None:
    """Mark the rows of which every measure is suppressed by now, one after another, as suppressed."""
    for table, relation in public.items():
        all_null = " AND ".join(f"{quote(m)} IS NULL" for m in shape_of(policy, table).measures)
        con.execute(f"UPDATE {relation} SET suppressed = true, suppressed_measures = [] "
                    f"WHERE NOT suppressed AND {all_null}")


def is_dominated(policy: Policy, top1: str, top2: str, absolute: str) -> str:
    """The condition that one or two contributors give away or make up too much of an amount; false on zero and NULL.

    The p% rule: the second largest, taking its own share off the total, would know the largest up to p percent.
    """
    at = policy.release.thresholds
    return (f"coalesce(100 * ({absolute} - {top1} - {top2}) < {at.dominance_p:d} * {top1} "
            f"OR 100 * {top1} > {at.dominance_largest:d} * {absolute} "
            f"OR 100 * ({top1} + {top2}) > {at.dominance_two_largest:d} * {absolute}, false)")


def _stands(measure: str, counted: str, k: int, may_name_nobody: bool) -> str:
    """The condition under which a measure may be shown; false, never NULL, when in doubt."""
    known_zero = f"({quote(counted)} = 0 AND {quote(measure)} = 0)"
    if counted == "contributors":
        known_zero = "(contributors = 0 AND unattributed > 0)" if may_name_nobody else "false"
    return (f"coalesce({quote(measure)} IS NOT NULL AND ({quote(counted)} >= {k:d} OR {known_zero}), false)")


def _rounded(measure: str, k: int) -> str:
    return f"CAST((({quote(measure)} + {k // 2:d}) // {k:d}) * {k:d} AS BIGINT)"


def mark_faults(con: Connection, policy: Policy, table: str, relation: str) -> list[str]:
    """Rows whose marks contradict their values, and cells that occur twice."""
    shape = shape_of(policy, table)
    k = policy.release.thresholds.k
    all_null = " AND ".join(f"{quote(m)} IS NULL" for m in shape.measures)
    checks = {"suppressed rows show a measure": f"suppressed AND NOT ({all_null})",
              "rows show nothing and are not suppressed": f"NOT suppressed AND {all_null}",
              "rows lack the mark suppressed": "suppressed IS NULL OR suppressed_measures IS NULL"}
    for measure in shape.measures:
        marked = f"list_contains(suppressed_measures, {literal(measure)})"
        checks[f"rows where {measure} is shown and marked suppressed, or neither"] = (
            f"NOT suppressed AND ({quote(measure)} IS NULL) <> {marked}")
    for name, column in policy.release.tables[table].columns.items():
        if column.names is not None:
            checks[f"rows have a {name} and show no figure"] = (
                f"suppressed AND {quote(name)} <> {literal(policy.release.values.all)}")
    for stock in shape.stocks:
        checks[f"rows where {stock} is not rounded"] = f"{quote(stock)} % rounded_to <> 0 OR rounded_to < {k:d}"
    keys = ", ".join(map(quote, shape.dimensions))
    repeated = f"(SELECT 1 FROM {relation} GROUP BY {keys} HAVING count(*) > 1)"
    return (counted(con, relation, {f"{table}: {{}} {what}": condition for what, condition in checks.items()})
            + counted(con, repeated, {f"{table}: {{}} cells occur more than once": "true"}))


def counted(con: Connection, source: str, checks: dict[str, str]) -> list[str]:
    """One line for each condition that some rows of the source fulfil, with their count; one query for all."""
    counts = ", ".join(f"count(*) FILTER ({condition})" for condition in checks.values())
    found = con.execute(f"SELECT {counts} FROM {source}").fetchall()[0]
    return [text.format(f"{count:,}") for text, count in zip(checks, found, strict=True) if count]
