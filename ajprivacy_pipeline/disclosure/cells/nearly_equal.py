"""G5 between tables of different facts: figures of one that are, for a reader, those of another.

Belongs here: suppressing what such a table would tell of the other one, and the check of it. Does not belong here:
cells that two tables of one population share (table_system). Which figure is nearly which says the policy, `nearly`.

Where goods are handed over as they are sold, deliveries are orders. Either table alone is protected; but of three
regions one may suppress the first and the second, the other one the first and the third, and together they tell the
first. Whether the figures are so alike is a matter of the shop and of the period: where they differ by fewer than k
over all their cells, whoever takes one for the other errs by less than a suppressed count has to be open. Then the one
table shows no cell that the other does not. Periods of different lengths are not compared.
"""

from collections.abc import Iterator, Mapping

from ajprivacy_pipeline.disclosure.cells.contributions import hiding
from ajprivacy_pipeline.disclosure.cells.primary import PERIOD, shape_of
from ajprivacy_pipeline.disclosure.cells.table_rows import Chosen
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote


def suppress_nearly_equal(con: Connection, policy: Policy, public: Mapping[str, str], chosen: Chosen) -> int:
    """Suppress the cells that nearly tell what another table suppresses; returns how many rows that took.

    Args:
        con: holds the true cells and the public tables.
        policy: which figure is nearly which, and k.
        public: the quoted relation of each public table.
        chosen: rows suppressed only to hide others; those suppressed here are added.
    """
    taken, total = 0, policy.release.values.all
    for table, measure, condition in _telling(policy, public):
        shape = shape_of(policy, table)
        found = con.execute(f"UPDATE {public[table]} AS p SET {hiding(shape, measure)} WHERE {condition} "
                            f"RETURNING {', '.join(f'p.{quote(d)}' for d in shape.keys)}").fetchall()
        chosen.update((table, row[0], tuple(sorted((d, v) for d, v in zip(shape.keys[1:], row[1:], strict=True)
                                                   if v != total))) for row in found)
        taken += len(found)
    return taken


def check_nearly_equal(con: Connection, policy: Policy, public: Mapping[str, str]) -> list[str]:
    """Returns which tables show what another one suppresses, although their figures are nearly the same."""
    return [f"{table}.{measure}: {count:,} cells show nearly what another table suppresses"
            for table, measure, condition in _telling(policy, public)
            for (count,) in con.execute(f"SELECT count(*) FROM {public[table]} AS p WHERE {condition}").fetchall()
            if count]


def _telling(policy: Policy, public: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Table, measure, and the condition of the rows `p` of its public table that tell what another one suppresses."""
    k, total = policy.release.thresholds.k, literal(policy.release.values.all)
    for table in sorted(public):
        for measure, column in policy.release.tables[table].columns.items():
            other, _, theirs = (column.nearly or "").partition(".")
            if other not in public or theirs not in policy.release.tables[other].columns:
                continue
            shape, keys = shape_of(policy, table), shape_of(policy, other).keys
            own, when, value = quote(measure), quote(shape.time), quote(theirs)
            dims = ", ".join(map(quote, (*shape.keys, PERIOD)))
            at_total = " AND ".join(["true", *(f"{quote(d)} = {total}" for d in keys if d not in shape.keys)])
            parts = " AND ".join(f"{quote(d)} <> {total}" for d in shape.keys[1:]) or "true"
            near = (f"SELECT {when}, {PERIOD} FROM (SELECT {dims}, {own} AS own FROM published.{quote(table)} WHERE "
                    f"{parts}) FULL JOIN (SELECT {dims}, {value} AS theirs FROM published.{quote(other)} WHERE "
                    f"{at_total} AND {parts}) USING ({dims}) GROUP BY ALL "
                    f"HAVING sum(abs(coalesce(own, 0) - coalesce(theirs, 0))) < {k:d}")
            same = " AND ".join(f"s.{quote(d)} = p.{quote(d)}" for d in shape.keys)
            yield table, measure, (
                f"p.{own} IS NOT NULL AND (p.{when}, p.{PERIOD}) IN ({near}) AND NOT EXISTS (SELECT 1 FROM "
                f"{public[other]} AS s WHERE s.{value} IS NOT NULL AND {at_total} AND {same})")
