"""G17: a row that is listed, or is not, says nothing about one person.

Belongs here: taking levels of which too little is shown out of the public tables, and the gate. Does not belong here:
how people are described (`sql/anonymous/people_groups.sql`), or suppressing what a listed row holds.

A row names the people behind it by the dimensions that describe them, as their type and region. Where these fit fewer
than k customers of the register, that the row is there says that one of a few did something, whatever it withholds; so
people are described more coarsely before cells are made. And where a level (the dimensions that are named) withholds
almost everything, its rows are a list of who did what and no figure: it is not listed at all for that month. What is
not listed is not zero.
"""

from collections.abc import Iterator
from itertools import combinations

from ajprivacy_pipeline.disclosure.cells.primary import Shape, shape_of
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

_GROUPS = {"type": "shown_type", "region": "shown_region"}  # what a dimension says of people -> anonymous.people_groups


def unlist_levels(con: Connection, policy: Policy, public: dict[str, str]) -> dict[str, int]:
    """Delete the levels of a month of which too few cells are shown; return how many rows that took, by table.

    Args:
        con: holds the public tables, fully suppressed.
        policy: the dimensions, and how much of a level must be shown.
        public: the quoted relation of each public table.
    """
    taken = {}
    for table, relation in public.items():
        level = _level(policy, shape_of(policy, table))
        if "level_named" in level:
            con.execute(f"CREATE OR REPLACE TEMP TABLE unlisted AS {_levels(level, relation)} "
                        f"HAVING {_too_little(policy)}")
            same = " AND ".join(f"{condition} = u.{name}" for name, condition in level.items())
            found = con.execute(f"DELETE FROM {relation} USING temp.unlisted AS u WHERE {same}").fetchall()
            taken[table] = int(found[0][0])
            con.execute("DROP TABLE temp.unlisted")
    return taken


def _level(policy: Policy, shape: Shape) -> dict[str, str]:
    """What tells the levels of a table apart: the month, and which dimensions are named, as one text of digits."""
    total = literal(policy.release.values.all)
    named = [f"CASE WHEN {quote(d)} <> {total} THEN '1' ELSE '0' END" for d in shape.keys if d != shape.time]
    month = f"CAST(date_trunc('month', {quote(shape.time)}) AS DATE)"
    return {"level_month": month, **({"level_named": " || ".join(named)} if named else {})}


def _levels(level: dict[str, str], relation: str) -> str:
    """The SELECT of a table's levels with one dimension named or more."""
    columns = ", ".join(f"{condition} AS {name}" for name, condition in level.items())
    return (f"SELECT {columns} FROM {relation} WHERE contains({level['level_named']}, '1') "
            f"GROUP BY {', '.join(level.values())}")


def _too_little(policy: Policy) -> str:
    return f"100 * count(*) FILTER (NOT suppressed) < {policy.release.thresholds.listed_percent:d} * count(*)"


def check_presence(con: Connection, policy: Policy, public: dict[str, str]) -> Verdict:
    """Checks G17 over the public tables: whom each row describes is counted on the register, and each level's share.

    Args:
        con: holds the public tables, the register, and how people are described.
        policy: which dimensions describe people, k, and how much of a level must be shown.
        public: the quoted relation of each public table.
    """
    violations, described = [], 0
    for table, relation in sorted(public.items()):
        for dimensions in _describing(policy, table):
            few, count = con.execute(_described(policy, relation, dimensions), policy.regions.values()).fetchall()[0]
            described += count
            if few:
                violations.append(f"{table}: {few:,} values of {' and '.join(dimensions)} are listed that fewer than "
                                  f"{policy.release.thresholds.k} customers of the register have")
        level = _level(policy, shape_of(policy, table))
        if "level_named" in level and not policy.release.tables[table].rounded:  # those show every cell
            poor = con.execute(f"SELECT count(*) FROM ({_levels(level, relation)} HAVING {_too_little(policy)})")
            if count := poor.fetchall()[0][0]:
                violations.append(f"{table}: {count:,} levels of a month are listed of which too few cells are shown")
    figure = (f"{described:,} descriptions of people are listed: each fitted at least {policy.release.thresholds.k} "
              "customers of the register when it was decided on")
    return verdict("G17", figure, violations, {"descriptions_listed": described})


def _describing(policy: Policy, table: str) -> Iterator[dict[str, str]]:
    """The dimensions of a table that describe people, each alone and together: what of people each says, by name."""
    found = {name: column.people for name, column in policy.release.tables[table].columns.items() if column.people}
    for size in range(1, len(found) + 1):
        for names in combinations(found, size):
            yield {name: str(found[name]) for name in names}


def _described(policy: Policy, relation: str, dimensions: dict[str, str]) -> str:
    """The SELECT of two counts: listed descriptions of too few customers, and all listed descriptions.

    One that an earlier release decided on may have lost customers since; one that fits everybody tells nothing.
    """
    values, k = policy.release.values, policy.release.thresholds.k
    named = ", ".join(map(quote, dimensions))
    shown = ", ".join(f"g.{_GROUPS[what]} AS {quote(name)}" for name, what in dimensions.items())
    region = ("region_of(c.country, c.postal_code, $home_spellings, $postal_pattern, $region_width, "
              f"$region_starts, $region_labels, {literal(values.unknown)}, {literal(values.abroad)})")
    listed = " AND ".join(f"{quote(name)} <> {literal(values.all)}" for name in dimensions)
    return (
        f"WITH register AS (SELECT {shown}, count(*) AS customers FROM staged.customers AS c "
        f"JOIN anonymous.people_groups AS g ON g.customer_type = coalesce(c.stated_type, {literal(values.unknown)}) "
        f"AND g.postal_region = {region} GROUP BY ALL), "
        f"kept AS (SELECT DISTINCT {shown} FROM anonymous.people_groups AS g WHERE g.is_kept), "
        f"listed AS (SELECT DISTINCT {named} FROM {relation} WHERE {listed}), "
        "judged AS (SELECT coalesce(customers, 0) AS customers FROM listed "
        f"LEFT JOIN register USING ({named}) ANTI JOIN kept USING ({named})) "
        f"SELECT count(*) FILTER (customers < {k:d} AND customers < (SELECT count(*) FROM staged.customers)), "
        "(SELECT count(*) FROM listed) FROM judged")
