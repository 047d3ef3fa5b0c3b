"""G2, checked: the contributors of what is shown are counted again, from the facts and not from the hidden counts.

Belongs here: the independent count. Does not belong here: suppressing (thresholds), which shares nothing with it but k.

Two counts are held against the same conditions. First a bound, in one pass over the facts: contributors fall into 64
bins by their token, and there are never more bins than people. What it leaves open is counted exactly; only that count
is a verdict. A measure whose facts have both signs is not bounded: somebody's own may add up to nothing.
"""

from ajprivacy_pipeline.disclosure.cells.contributor_sources import (
    by_cell,
    contributor_source,
    contributors_of,
    keys_of,
    own_of,
)
from ajprivacy_pipeline.disclosure.cells.primary import counted, mark_faults, shape_of
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

_BINS = "bit_or(CAST(1 AS UBIGINT) << CAST(token % 64 AS INTEGER)){}"
_SUMMED = "coalesce(bit_count(bit_or({})), 0)"
_OPEN = "recount_open"  # a temporary table


def check_thresholds(con: Connection, policy: Policy, public: dict[str, str]) -> Verdict:
    """Checks G2 over newly computed public tables.

    Counts each cell's contributors again from the anonymous facts, one total at a time, and compares with what the
    public table shows. Also holds the marks to each other: a value is shown or marked suppressed, never neither or
    both.

    Args:
        con: holds the public tables and the anonymous layer.
        policy: roles and k.
        public: the quoted relation of each public table.
    """
    violations: list[str] = []
    figures = {"cells": 0, "cells_suppressed": 0}
    for table, relation in sorted(public.items()):
        cells, suppressed = con.execute(f"SELECT count(*), count(*) FILTER (suppressed) FROM {relation}").fetchall()[0]
        figures["cells"] += cells
        figures["cells_suppressed"] += suppressed
        violations += mark_faults(con, policy, table, relation)
        violations += _recount_faults(con, policy, table, relation)
    k = policy.release.thresholds.k
    figure = f"k = {k}: {figures['cells']:,} new cells, {figures['cells_suppressed']:,} suppressed"
    return verdict("G2", figure, violations, figures)


def _recount_faults(con: Connection, policy: Policy, table: str, relation: str) -> list[str]:
    """Shown cells and measures with fewer than k contributors when counted again."""
    if contributors_of(policy, table) is None:
        return [f"{table}: nothing says which facts its contributors are counted from"]
    keys, own = keys_of(con, policy, table), own_of(con, policy, table)
    if missing := _uncountable(policy, table, keys, own):
        return [f"{table}: its facts lack {', '.join(missing)}"]
    joined = ", ".join(map(quote, keys))
    checks = _conditions(policy, table, own)
    faulty = " OR ".join(f"({condition})" for condition in checks.values())
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_OPEN} AS SELECT p.* FROM {relation} AS p "
                f"LEFT JOIN ({_bounds(con, policy, table, own)}) AS r USING ({joined}) WHERE {faulty}")
    exact = _exact(con, policy, table, own)
    faults = counted(con, f"temp.{_OPEN} AS p LEFT JOIN ({exact}) AS r USING ({joined})", checks)
    con.execute(f"DROP TABLE temp.{_OPEN}")
    return faults


def _uncountable(policy: Policy, table: str, keys: list[str], own: dict[str, str]) -> list[str]:
    """What the facts do not tell of a table: dimensions, measures, and what those who are counted themselves add."""
    shape, persons = shape_of(policy, table), contributor_source(policy, table).persons
    return sorted((set(shape.keys) - set(keys)) | (set(shape.measures) - {*own, *persons})
                  | ({source for source in persons.values() if source} - set(own)))


def _conditions(policy: Policy, table: str, own: dict[str, str]) -> dict[str, str]:
    """What no public row `p` may be, by its counts `r`: contributors n, and n_<measure> with something of their own."""
    k = policy.release.thresholds.k
    stands = f"coalesce(r.n >= {k:d} OR (r.n = 0 AND r.nobody), false)"
    checks = {f"{table}: {{}} cells shown with fewer than {k} contributors": f"NOT p.suppressed AND NOT {stands}"}
    persons = {measure: source for measure, source in contributor_source(policy, table).persons.items() if source}
    for measure in (*own, *persons):
        n, value = f"r.{quote('n_' + persons.get(measure, measure))}", f"p.{quote(measure)}"
        zero = f"({n} = 0 AND ({value} = 0 OR r.nobody))"
        checks[f"{table}.{measure}: {{}} values shown with fewer than {k} contributors of their own"] = (
            f"{value} IS NOT NULL AND NOT coalesce({n} >= {k:d} OR {zero}, false)")
    return checks


def _bounds(con: Connection, policy: Policy, table: str, own: dict[str, str]) -> str:
    """The SELECT of the least that the counts of every cell can be; 0 only where they are 0, NULL where unknown."""
    keys, sources = keys_of(con, policy, table), contributor_source(policy, table).counted
    finest = {"bins": _BINS.format(""), "nobody": "bool_or(token IS NULL)"}
    summed = {"n": _SUMMED.format("bins"), "nobody": "bool_or(nobody)"}
    for measure in own:
        column = quote(sources.get(measure, measure))
        bins, low, high = (quote(f"{part}_{measure}") for part in ("bins", "low", "high"))
        adds = f"{column} IS NOT NULL" if measure in sources else f"{column} <> 0"
        finest[f"bins_{measure}"], n = _BINS.format(f" FILTER ({adds})"), _SUMMED.format(bins)
        if measure not in sources:
            finest |= {f"low_{measure}": f"min({column})", f"high_{measure}": f"max({column})"}
            n = f"CASE WHEN coalesce(min({low}) >= 0 OR max({high}) <= 0, true) THEN {n} END"
        summed[f"n_{measure}"] = n
    listed = "".join(f", {value} AS {quote(name)}" for name, value in finest.items())
    return (f"WITH finest AS MATERIALIZED (SELECT {', '.join(map(quote, keys))}{listed} "
            f"FROM {contributor_source(policy, table).relation} GROUP BY ALL) "
            f"{by_cell(policy, table, keys, summed, lambda _: 'finest')}")


def _exact(con: Connection, policy: Policy, table: str, own: dict[str, str]) -> str:
    """The SELECT of the counts of the cells in temp.recount_open, by contributor."""
    keys, total = keys_of(con, policy, table), literal(policy.release.values.all)

    def of_open(summed: set[str]) -> str:
        same = [f"o.{quote(d)} = {total}" if d in summed else f"o.{quote(d)} = f.{quote(d)}" for d in keys]
        return f"{contributor_source(policy, table).relation} AS f SEMI JOIN temp.{_OPEN} AS o ON {' AND '.join(same)}"

    columns = {"token": "token"} | {f"own_{m}": value for m, value in own.items()}
    counts = "".join(f", count(token) FILTER (coalesce({quote('own_' + m)}, 0) <> 0) AS {quote('n_' + m)}" for m in own)
    return (f"SELECT {', '.join(map(quote, keys))}, count(DISTINCT token) AS n, bool_or(token IS NULL) AS nobody"
            f"{counts} FROM ({by_cell(policy, table, keys, columns, of_open)}) GROUP BY ALL")
