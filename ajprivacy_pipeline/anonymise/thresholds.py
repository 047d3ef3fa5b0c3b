"""G2: no cell and no measure stands on fewer than k contributors.

Belongs here: withholding, and the independent check of it. Does not belong here: counting contributors for the first
time (sql/anonymous, sql/published). What is a dimension, a measure or a flag says the policy; the hidden counts are
columns of the cells by name:

    contributors             distinct contributors of the cell
    contributors_<measure>   contributors whose own sum of the measure is not zero; absent: as the cell
    unattributed             rows that name nobody; only a cell with such rows may stand on no contributor at all
    top1_, top2_, absolute_<amount>   largest, second largest and summed absolute contribution (G4, see dominance)

A stock is a measure of a table with `rounded_to` that may not be added over months.
"""

from dataclasses import dataclass
from datetime import date

from ajprivacy_pipeline.anonymise.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.zones import Connection, literal, quote

_FLAGS = ("suppressed", "suppressed_measures", "rounded_to")
CONTRIBUTIONS = ("top1", "top2", "absolute")
Months = tuple[date, date] | tuple[()]


@dataclass(frozen=True)
class Shape:
    """What the policy says of a table's columns, by role."""

    table: str
    columns: tuple[str, ...]
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    stocks: tuple[str, ...]
    amounts: tuple[str, ...] = ()

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
    return Shape(table, tuple(columns), by_role["dimension"], by_role["measure"], stocks, amounts)


def columns_of(con: Connection, relation: str) -> dict[str, str]:
    """Column and SQL type of a table, in its order; `relation` is quoted already."""
    return {row[0]: row[1] for row in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


def withhold(con: Connection, policy: Policy, table: str, cells: str) -> str:
    """The SELECT that turns cells with hidden counts into the public table.

    A cell below k: every measure NULL, `suppressed`. A measure below k by its own contributors: NULL and listed in
    `suppressed_measures`, sorted. A measure that nobody contributes to and that is 0 is known to be 0 and stands. A
    measure whose value is NULL (no rate for its currency) is listed as withheld. Stocks are rounded to the nearest k.

    Args:
        con: holds the cells.
        policy: roles and k.
        table: the published table.
        cells: the quoted relation of the cells.
    """
    shape = shape_of(policy, table)
    found = columns_of(con, cells)
    k = policy.release.thresholds.k
    stands = {m: _stands(m, f"contributors_{m}" if f"contributors_{m}" in found else "contributors", k,
                         "unattributed" in found) for m in shape.measures}
    dominated = [is_dominated(policy, *(quote(f"{kind}_{m}") for kind in CONTRIBUTIONS)) for m in shape.amounts
                 if f"top1_{m}" in found]
    for measure in shape.amounts if dominated else ():
        stands[measure] += f" AND NOT ({' OR '.join(dominated)})"
    nobody = " OR (contributors = 0 AND unattributed > 0)" if "unattributed" in found else ""
    cell = f"(contributors >= {k:d}{nobody})"
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


def mark_rows(con: Connection, policy: Policy, public: dict[str, str]) -> None:
    """Mark the rows of which every measure is withheld by now, one after another, as suppressed."""
    for table, relation in public.items():
        all_null = " AND ".join(f"{quote(m)} IS NULL" for m in shape_of(policy, table).measures)
        con.execute(f"UPDATE {relation} SET suppressed = true, suppressed_measures = [] "
                    f"WHERE NOT suppressed AND {all_null}")


def is_dominated(policy: Policy, top1: str, top2: str, absolute: str) -> str:
    """The condition that one or two contributors give away or make up too much of an amount; false on zero and NULL.

    The p% rule: the second largest, taking his own share off the total, would know the largest up to p percent.
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


@dataclass(frozen=True)
class Facts:
    """Where a published table's contributors can be counted again, without the published model.

    `margins` are the dimensions of the facts that the table totals; where the facts carry totals as rows of their own
    (`(all)` in the category), the dimension is none of these. `counted` are measures that are no sums, each with the
    column of the facts that must have a value in a row for its contributor to count. `persons` are measures that count
    contributors themselves, each with the column whose sum must not be zero for one to count; empty: everybody does.
    """

    relation: str
    margins: tuple[str, ...] = ()
    counted: tuple[tuple[str, str], ...] = ()
    persons: tuple[tuple[str, str], ...] = ()


_CUSTOMERS = (("customers", ""),)
FACTS = {
    "sales_monthly": Facts("anonymous.sales", ("postal_region", "customer_type"), persons=_CUSTOMERS),
    "product_demand_monthly": Facts("anonymous.demand", persons=(("customers", "orders"),)),
    "deliveries_monthly": Facts("anonymous.deliveries", ("postal_region",),
                                (("median_days", "days"), ("p90_days", "days"))),
    "service_monthly": Facts("anonymous.service", ("kind",), (("median_days_open", "days_open"),)),
    "web_activity_monthly": Facts("anonymous.web", ("page_group", "device_class"),
                                  persons=(("visitors", "visitors"),)),
    "communications_monthly": Facts("anonymous.communications", ("channel", "direction"), persons=_CUSTOMERS),
    "service_health_daily": Facts("anonymous.logs"),
    "newsletter_monthly": Facts("anonymous.newsletter"),
    "retention_monthly": Facts("anonymous.subjects", ("subject_type", "decision")),
}


def check_thresholds(con: Connection, policy: Policy, public: dict[str, str]) -> Verdict:
    """G2 over newly computed public tables.

    Counts each cell's contributors again from the anonymous facts, one total at a time, and compares with what the
    public table shows. Also holds the marks to each other: a value is shown or marked withheld, never neither or both.

    Args:
        con: holds the public tables and the anonymous layer.
        policy: roles and k.
        public: the quoted relation of each public table.
    """
    violations: list[str] = []
    figures = {"cells": 0, "cells_withheld": 0}
    for table, relation in sorted(public.items()):
        cells, withheld = con.execute(f"SELECT count(*), count(*) FILTER (suppressed) FROM {relation}").fetchall()[0]
        figures["cells"] += cells
        figures["cells_withheld"] += withheld
        violations += mark_faults(con, policy, table, relation)
        violations += _recount_faults(con, policy, table, relation)
    k = policy.release.thresholds.k
    figure = f"k = {k}: {figures['cells']:,} new cells, {figures['cells_withheld']:,} withheld"
    return verdict("G2", figure, violations, figures)


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
        checks[f"rows where {measure} is shown and marked withheld, or neither"] = (
            f"NOT suppressed AND ({quote(measure)} IS NULL) <> {marked}")
    for stock in shape.stocks:
        checks[f"rows where {stock} is not rounded"] = f"{quote(stock)} % rounded_to <> 0 OR rounded_to < {k:d}"
    keys = ", ".join(map(quote, shape.dimensions))
    repeated = f"(SELECT 1 FROM {relation} GROUP BY {keys} HAVING count(*) > 1)"
    return (counted(con, relation, {f"{table}: {{}} {what}": condition for what, condition in checks.items()})
            + counted(con, repeated, {f"{table}: {{}} cells occur more than once": "true"}))


def per_contributor(con: Connection, policy: Policy, table: str,
                    months: Months = ()) -> tuple[list[str], list[str], str]:
    """Every cell of a published table by contributor, from the facts: its keys, its measures, and the SELECT.

    A measure `m` is the column `own_m`; a row is one cell and one token. `months` as in `by_contributor`.
    """
    shape, facts = shape_of(policy, table), FACTS[table]
    fact_columns = columns_of(con, facts.relation)
    own = {m: f"sum({quote(m)})" for m in shape.measures if m in fact_columns}
    own |= {measure: f"count({quote(column)})" for measure, column in facts.counted}
    keys, rows = by_contributor(con, policy, table, {f"own_{m}": value for m, value in own.items()}, months)
    return keys, list(own), rows


def by_contributor(con: Connection, policy: Policy, table: str, columns: dict[str, str],
                   months: Months = ()) -> tuple[list[str], str]:
    """Keys of a table's cells, and the SELECT of keys, token and aggregates of the facts, by cell and contributor.

    Args:
        con: holds the facts.
        policy: roles, and how a total is called.
        table: the published table.
        columns: the aggregates by name.
        months: the first and the last month to take; all when empty.
    """
    shape, facts = shape_of(policy, table), FACTS[table]
    fact_columns = columns_of(con, facts.relation)
    keys = [d for d in shape.dimensions if d in fact_columns and d != "product_name"]
    total = literal(policy.release.values.all)
    taken = (f" WHERE {quote(shape.time)} BETWEEN DATE {literal(months[0].isoformat())} "
             f"AND last_day(DATE {literal(months[1].isoformat())})") if months else ""
    branches = []
    for mask in range(2 ** len(facts.margins)):
        summed = {d for i, d in enumerate(facts.margins) if mask >> i & 1}
        dims = ", ".join(f"{total} AS {quote(d)}" if d in summed else quote(d) for d in keys)
        values = "".join(f", {value} AS {quote(name)}" for name, value in columns.items())
        branches.append(f"SELECT {dims}, token{values} FROM {facts.relation}{taken} GROUP BY ALL")
    return keys, " UNION ALL ".join(branches)


def _recount_faults(con: Connection, policy: Policy, table: str, relation: str) -> list[str]:
    """Shown cells and measures with fewer than k contributors when counted again."""
    if table not in FACTS:
        return [f"{table}: nothing says which facts its contributors are counted from"]
    k = policy.release.thresholds.k
    keys, own, rows = per_contributor(con, policy, table)
    counts = "".join(f", count(token) FILTER (coalesce({quote('own_' + m)}, 0) <> 0) AS {quote('n_' + m)}" for m in own)
    recount = (f"SELECT {', '.join(map(quote, keys))}, count(DISTINCT token) AS n, bool_or(token IS NULL) AS nobody"
               f"{counts} FROM ({rows}) GROUP BY ALL")
    joined = f"{relation} AS p LEFT JOIN ({recount}) AS r USING ({', '.join(map(quote, keys))})"
    stands = f"coalesce(r.n >= {k:d} OR (r.n = 0 AND r.nobody), false)"
    checks = {f"{table}: {{}} cells shown with fewer than {k} contributors": f"NOT p.suppressed AND NOT {stands}"}
    for measure in own:
        n, value = f"r.{quote('n_' + measure)}", f"p.{quote(measure)}"
        zero = f"({n} = 0 AND ({value} = 0 OR r.nobody))"
        checks[f"{table}.{measure}: {{}} values shown with fewer than {k} contributors of their own"] = (
            f"{value} IS NOT NULL AND NOT coalesce({n} >= {k:d} OR {zero}, false)")
    return counted(con, joined, checks)


def counted(con: Connection, source: str, checks: dict[str, str]) -> list[str]:
    """One line for each condition that some rows of the source fulfil, with their count; one query for all."""
    counts = ", ".join(f"count(*) FILTER ({condition})" for condition in checks.values())
    found = con.execute(f"SELECT {counts} FROM {source}").fetchall()[0]
    return [text.format(f"{count:,}") for text, count in zip(checks, found, strict=True) if count]
