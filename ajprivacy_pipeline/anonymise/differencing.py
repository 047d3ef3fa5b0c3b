"""G6 within a release: no subtraction of a cell from a total above it leaves a few people.

Belongs here: every pair of shown cells of which one's rows contain the other's, counted in contributors. Does not
belong here: pairs in two releases (release/ledger).

A contributor is in the difference when a measure of his differs between the two cells. The difference must stand on
nobody or on at least k. Contributors are counted from the anonymous facts, not from the cells.
"""

from collections.abc import Iterator
from itertools import combinations

from ajprivacy_pipeline.anonymise.thresholds import FACTS, per_contributor, shape_of
from ajprivacy_pipeline.anonymise.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.zones import Connection, literal, quote


def withhold_differences(con: Connection, policy: Policy, public: dict[str, str]) -> int:
    """Withhold every cell that a shown total minus it would leave a few people; return how many rows that took."""
    count = 0
    for table, relation in sorted(public.items()):
        for keys, query in _pairs(con, policy, table, relation):
            con.execute(f"CREATE OR REPLACE TEMP TABLE close_pairs AS {query}")
            same = " AND ".join(f"p.{quote(d)} = x.{quote(d)}" for d in keys)
            measures = "".join(f", {quote(m)} = NULL" for m in shape_of(policy, table).measures)
            found = con.execute(f"UPDATE {relation} AS p SET suppressed = true, suppressed_measures = []{measures} "
                                f"FROM (SELECT DISTINCT {', '.join(map(quote, keys))} FROM temp.close_pairs "
                                f"WHERE is_close) AS x WHERE {same} AND NOT p.suppressed")
            count += int(found.fetchall()[0][0])
    con.execute("DROP TABLE IF EXISTS temp.close_pairs")
    return count


def check_differences(con: Connection, policy: Policy, public: dict[str, str]) -> Verdict:
    """G6 within a release, over the public tables as they stand."""
    violations, pairs = [], 0
    k = policy.release.thresholds.k
    for table, relation in sorted(public.items()):
        for _, query in _pairs(con, policy, table, relation):
            found = con.execute(f"SELECT count(*), count(*) FILTER (is_close) FROM ({query})").fetchall()[0]
            pairs += found[0]
            if found[1]:
                violations.append(f"{table}: {found[1]:,} shown cells differ from a shown total by fewer than {k} "
                                  "contributors")
    return verdict("G6", f"{pairs:,} pairs of a new cell and a total above it: each difference stands on nobody or on "
                         f"at least {k}", violations, {"pairs": pairs})


def _pairs(con: Connection, policy: Policy, table: str, relation: str) -> Iterator[tuple[list[str], str]]:
    """For each set of dimensions that a total sums: the keys, and the SELECT of shown pairs with `is_close`."""
    if table not in FACTS:
        return
    keys, own, rows = per_contributor(con, policy, table)
    total, k = literal(policy.release.values.all), policy.release.thresholds.k
    summable = [d for d in keys if d not in ("month", "day")]
    con.execute(f"CREATE OR REPLACE TEMP TABLE contributions AS {rows}")
    listed = ", ".join(map(quote, keys))
    same_measures = " AND ".join(f"c.{quote('own_' + m)} IS NOT DISTINCT FROM t.{quote('own_' + m)}" for m in own)
    for size in range(1, len(summable) + 1):
        for summed in combinations(summable, size):
            above = ", ".join(f"{total} AS {quote(d)}" if d in summed else f"s.{quote(d)}" for d in keys)
            detail = " AND ".join(f"s.{quote(d)} <> {total}" for d in summed)
            up = " AND ".join(f"t.{quote(d)} = " + (total if d in summed else f"c.{quote(d)}") for d in keys)
            query = f"""
                WITH shown AS (SELECT {listed} FROM {relation} WHERE NOT suppressed),
                pairs AS (
                    SELECT {', '.join(f's.{quote(d)}' for d in keys)}
                    FROM shown AS s
                    WHERE {detail} AND EXISTS (SELECT 1 FROM (SELECT {above}) AS a JOIN shown AS u USING ({listed}))),
                whole AS (SELECT {listed}, count(DISTINCT token) AS people FROM temp.contributions GROUP BY ALL),
                alike AS (
                    SELECT {', '.join(f'c.{quote(d)}' for d in keys)}, count(*) FILTER ({same_measures}) AS people
                    FROM temp.contributions AS c
                    JOIN pairs AS p USING ({listed})
                    JOIN temp.contributions AS t ON t.token = c.token AND {up}
                    GROUP BY ALL)
                SELECT {', '.join(f'c.{quote(d)}' for d in keys)},
                    t.people - c.people BETWEEN 1 AND {k - 1:d} AS is_close
                FROM alike AS c JOIN whole AS t ON {up}"""
            yield keys, query
    con.execute("DROP TABLE IF EXISTS temp.contributions")
