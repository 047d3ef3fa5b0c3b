"""The facts behind the cells: who contributes what to which cell, without the published models.

Belongs here: reading the layer `anonymous` by cell and by contributor, for the checks. Does not belong here: judging
(recount, dominance, differencing), or the models that first count (sql/published).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from ajprivacy_pipeline.anonymise.thresholds import columns_of, shape_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.zones import Connection, literal, quote

Months = tuple[date, date] | tuple[()]


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


def keys_of(con: Connection, policy: Policy, table: str) -> list[str]:
    """The dimensions that tell a table's cells apart in its facts; a product's name follows from its number."""
    found = columns_of(con, FACTS[table].relation)
    return [d for d in shape_of(policy, table).dimensions if d in found and d != "product_name"]


def own_of(con: Connection, policy: Policy, table: str) -> dict[str, str]:
    """The aggregate over facts that is a contributor's own part of each measure that the facts hold."""
    facts = FACTS[table]
    found = columns_of(con, facts.relation)
    sums = {m: f"sum({quote(m)})" for m in shape_of(policy, table).measures if m in found}
    return sums | {measure: f"count({quote(column)})" for measure, column in facts.counted}


def per_contributor(con: Connection, policy: Policy, table: str,
                    months: Months = ()) -> tuple[list[str], list[str], str]:
    """Every cell of a published table by contributor, from the facts: its keys, its measures, and the SELECT.

    A measure `m` is the column `own_m`; a row is one cell and one token. `months` as in `by_contributor`.
    """
    own = own_of(con, policy, table)
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
    relation, when = FACTS[table].relation, quote(shape_of(policy, table).time)
    taken = (f"{relation} WHERE {when} BETWEEN DATE {literal(months[0].isoformat())} "
             f"AND last_day(DATE {literal(months[1].isoformat())})") if months else relation
    keys = keys_of(con, policy, table)
    return keys, by_cell(policy, table, keys, {"token": "token"} | columns, lambda _: taken)


def by_cell(policy: Policy, table: str, keys: list[str], columns: dict[str, str],
            source: Callable[[set[str]], str]) -> str:
    """The SELECT of a table's keys and columns, grouped by whatever is no aggregate; one total after another.

    `source` says what is read, given the dimensions that are summed: all facts, some of them, or sums of them.
    """
    margins, total = FACTS[table].margins, literal(policy.release.values.all)
    values = "".join(f", {value} AS {quote(name)}" for name, value in columns.items())
    branches = []
    for mask in range(2 ** len(margins)):
        summed = {d for i, d in enumerate(margins) if mask >> i & 1}
        dims = ", ".join(f"{total} AS {quote(d)}" if d in summed else quote(d) for d in keys)
        branches.append(f"SELECT {dims}{values} FROM {source(summed)} GROUP BY ALL")
    return " UNION ALL ".join(branches)
