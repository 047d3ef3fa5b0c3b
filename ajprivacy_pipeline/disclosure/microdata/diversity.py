"""G2 and G3 for microdata: k, distinct l, entropy l and closeness t of every equivalence class, from the table alone.

Belongs here: the exact check, in SQL. It shares nothing with the recoding but the statement of the conditions, so a
fault there cannot hide here. The figures are defined as in the literature (and in pycanon, which the tests compare):

    k              the persons of the smallest class
    distinct l     the fewest values of a sensitive column in a class
    entropy l      e to the power of the least entropy of a sensitive column in a class (pycanon cuts the decimals off);
                   where the whole table's own is low, a share of that is asked for instead of the policy's figure
    closeness t    the greatest distance of a class's distribution from the table's; equal distance: half the sum of the
                   absolute differences; ordered distance: earth mover's over the ranks of the values that occur
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ajprivacy_pipeline.disclosure.microdata.recode.rules import SLACK, Sensitive
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.storage.zones import Connection, quote

_ROWS, _CELLS = "diversity_rows", "diversity_cells"  # temporary tables


@dataclass(frozen=True)
class ColumnFigures:
    """What the classes reach for one sensitive column, and how many of them fail which condition."""

    column: str
    distinct_l: int
    entropy_l: float
    closeness_t: float
    whole_entropy_l: float
    homogeneous: int
    below_distinct_l: int
    below_entropy_l: int
    above_closeness_t: int


@dataclass(frozen=True)
class ClassFigures:
    """What the classes of a table reach; `below_k` is the number of classes with fewer persons than asked for."""

    classes: int
    k: int
    below_k: int
    columns: tuple[ColumnFigures, ...]


def measure(con: Connection, relation: str, quasi_identifiers: Sequence[str], sensitive: Sequence[Sensitive], k: int,
            persons: str | None = None) -> ClassFigures:
    """Returns the exact figures of a table.

    Args:
        con: holds the table; two temporary tables are made in it and dropped.
        relation: the table, quoted.
        quasi_identifiers: rows that agree in all of them are a class; NULL agrees with NULL.
        sensitive: the columns to judge, with their conditions. A NULL is a value of its own.
        k: what is asked for.
        persons: a column with the number of persons a row stands for; without it each row is one person.

    Raises:
        ReleaseError: no rows, or a value of an ordered column that its order does not list.
    """
    keys = ", ".join(map(quote, quasi_identifiers))
    columns = [s.column for s in sensitive]
    values = "".join(f", {quote(column)}::VARCHAR AS s{i}" for i, column in enumerate(columns))
    kept = "".join(f", s{i}" for i in range(len(columns)))
    weight = f"sum({quote(persons)})" if persons else "count(*)"
    con.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_ROWS} AS "
                f"WITH cells AS (SELECT {keys}{values}, {weight}::BIGINT AS n FROM {relation} GROUP BY ALL), "
                f"classes AS (SELECT {keys}, row_number() OVER () AS class, sum(n)::BIGINT AS persons FROM cells "
                f"GROUP BY {keys}) SELECT class, persons, n{kept} FROM cells JOIN classes ON "
                + " AND ".join(f"cells.{quote(q)} IS NOT DISTINCT FROM classes.{quote(q)}" for q in quasi_identifiers))
    classes, least, below = con.execute(
        "SELECT count(*), coalesce(min(persons), 0), count(*) FILTER (persons < $k) "
        f"FROM (SELECT class, any_value(persons) AS persons FROM {_ROWS} GROUP BY class)", {"k": k}).fetchall()[0]
    if not classes:
        raise ReleaseError(f"{relation}: there are no rows to judge")
    figures = tuple(_column(con, relation, i, asked) for i, asked in enumerate(sensitive))
    con.execute(f"DROP TABLE {_ROWS}")
    return ClassFigures(classes, least, below, figures)


def _column(con: Connection, relation: str, i: int, asked: Sensitive) -> ColumnFigures:
    """The figures of one sensitive column over the classes in `_ROWS`."""
    con.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_CELLS} AS SELECT class, s{i} AS value, sum(n)::BIGINT AS n, "
                f"sum(n) / any_value(persons) AS p FROM {_ROWS} GROUP BY class, value")
    whole = con.execute("SELECT exp(-sum(q * ln(q))) FROM (SELECT sum(n) / sum(sum(n)) OVER () AS q "
                        f"FROM {_CELLS} GROUP BY value)").fetchall()[0][0]
    least = asked.entropy_l
    if asked.entropy_share is not None:
        least = min(least, asked.entropy_share * whole)
    distance = _ordered(con, relation, asked) if asked.order else _equal()
    found = con.execute(
        "WITH spread AS (SELECT class, count(*) AS l, exp(-sum(p * ln(p))) AS e "
        f"FROM {_CELLS} GROUP BY class), distance AS ({distance}) "
        "SELECT min(l), min(e), max(t), $whole, count(*) FILTER (l < 2), count(*) FILTER (l < $l), "
        "count(*) FILTER (e < $e - $slack), count(*) FILTER (t > $t + $slack) FROM spread JOIN distance USING (class)",
        {"l": asked.distinct_l, "e": least, "t": asked.closeness_t, "slack": SLACK, "whole": whole}).fetchall()[0]
    con.execute(f"DROP TABLE {_CELLS}")
    return ColumnFigures(asked.column, *found)


def _equal() -> str:
    """Half the sum of absolute differences; a value that a class lacks adds its share of the table."""
    return (f"WITH whole AS (SELECT value, sum(n) / sum(sum(n)) OVER () AS q FROM {_CELLS} GROUP BY value) "
            "SELECT class, greatest(sum(abs(p - q) - q) + 1, 0) / 2 AS t "
            f"FROM {_CELLS} AS c JOIN whole ON c.value IS NOT DISTINCT FROM whole.value GROUP BY class")


def _ordered(con: Connection, relation: str, asked: Sensitive) -> str:
    """Earth mover's distance over ranks: the mean, over the gaps between neighbours, of what has to cross the gap."""
    con.execute(f"ALTER TABLE {_CELLS} ADD COLUMN place INTEGER")
    con.execute(f"UPDATE {_CELLS} SET place = list_position($order::VARCHAR[], value)", {"order": list(asked.order)})
    missing = con.execute(f"SELECT coalesce(sum(n) FILTER (place IS NULL), 0) FROM {_CELLS}").fetchall()[0][0]
    if missing:
        raise ReleaseError(f"{relation}.{asked.column}: {missing:,} persons have a value that its order does not list")
    return (f"WITH whole AS (SELECT place, sum(n) / sum(sum(n)) OVER () AS q FROM {_CELLS} GROUP BY place), "
            f"grid AS (SELECT class, place, q FROM (SELECT DISTINCT class FROM {_CELLS}) CROSS JOIN whole), "
            "crossing AS (SELECT class, sum(coalesce(p, 0) - q) OVER (PARTITION BY class ORDER BY place) AS d "
            f"FROM grid LEFT JOIN {_CELLS} USING (class, place)) "
            "SELECT class, sum(abs(d)) / greatest(count(*) - 1, 1) AS t FROM crossing GROUP BY class")


def check_classes(con: Connection, table: str, relation: str, quasi_identifiers: Sequence[str],
                  sensitive: Sequence[Sensitive], k: int, persons: str | None = None) -> tuple[Verdict, Verdict]:
    """Checks G2 and G3 of a microdata table; the violations count classes.

    Args:
        con: holds the table.
        table: its name, for the violations.
        relation: the same, quoted.
        quasi_identifiers: as in `measure`.
        sensitive: as in `measure`.
        k: as in `measure`.
        persons: as in `measure`.
    """
    found = measure(con, relation, quasi_identifiers, sensitive, k, persons)
    small = [f"{table}: {found.below_k:,} classes with fewer than {k} persons"] if found.below_k else []
    size = verdict("G2", f"k = {k}: the smallest class has {found.k:,} persons", small,
                   {"classes": found.classes, "k": found.k})
    faults = []
    for asked, reached in zip(sensitive, found.columns, strict=True):
        least = asked.least_entropy(reached.whole_entropy_l)
        for count, what in ((reached.homogeneous, "homogeneous classes"),
                            (reached.below_distinct_l, f"classes with fewer than {asked.distinct_l} values"),
                            (reached.below_entropy_l, f"classes with entropy l below {least:.3g}"),
                            (reached.above_closeness_t, f"classes farther than t = {asked.closeness_t:g}")):
            if count:
                faults.append(f"{table}.{asked.column}: {count:,} {what}")
    reach = "; ".join(f"{c.column}: distinct l {c.distinct_l}, entropy l {c.entropy_l:.2f} of the table's "
                      f"{c.whole_entropy_l:.2f}, t {c.closeness_t:.2f}" for c in found.columns)
    spread = verdict("G3", reach or "no sensitive column", faults, {"classes": found.classes})
    return size, spread
