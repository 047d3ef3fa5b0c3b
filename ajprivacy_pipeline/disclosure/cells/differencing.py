"""G6 within a release: nothing a reader can subtract from a shown total leaves a few people.

Belongs here: the differences of shown cells, counted in contributors, what is suppressed for them, and the check. Does
not belong here: amounts and counts (G5, complement), two releases (release/ledger).

Three kinds, for each measure by itself; each must stand on nobody or on at least k, and a remainder of an amount must
not be one contributor's, or two's, in all but name (G4):

    remainder   a total minus all its shown parts, along every dimension over which the measure adds up, one dimension
                after the other in every order: the parts of a part that is suppressed are subtracted in its place. Who
                is left are the contributors of the suppressed cells, each counted once.
    pair        where parts may share rows (an order stands in several categories): a total minus one part of it. Who is
                left adds something else to the total than to the part.
    overlap     there too: a total minus all its shown parts along one dimension. Who is left has parts that do not sum
                to their total: they are in several, in none that is shown, or in one that is suppressed.

The order of subtraction is the same all over a remainder; sums of suppressed cells that follow only from several totals
together are for G5. Counts by cell decide most differences; sets of contributors are compared only for the rest.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations

from ajprivacy_pipeline.disclosure.cells.contributions import (
    Contributions,
    batches,
    contributions,
    hide,
    suppressed_along,
)
from ajprivacy_pipeline.disclosure.cells.primary import is_dominated, shape_of
from ajprivacy_pipeline.disclosure.verdict import Place, Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote


@dataclass(frozen=True)
class Difference:
    """Differences of one kind in one table and measure.

    `few` selects the cells of which it is too few, one row each; `choice` selects into the keys which shown cell to
    suppress for each row of temp.few; `all` counts the differences. `guarantee` is what says that it is too few.
    """

    of: Contributions
    measure: str
    few: str
    choice: str
    all: str
    guarantee: str = "G6"


def suppress_differences(con: Connection, policy: Policy, public: dict[str, str],
                         counted: list[Contributions] | None = None) -> int:
    """Suppress cells until no difference stands on a few people; return how many values that took.

    Args:
        con: holds the public tables and the anonymous facts.
        policy: roles and k.
        public: the quoted relation of each public table.
        counted: the contributions, where the caller holds them already; their marks are read anew.
    """
    if counted is None:
        total = 0
        for months in batches(con, policy, public):
            with contributions(con, policy, public, months) as made:
                total += suppress_differences(con, policy, public, made)
        return total
    taken = 0
    for one in counted:
        stale = set(one.measures)
        while stale:
            measure = min(stale, key=one.measures.index)
            stale.remove(measure)
            moved = sum(_mend(con, policy, public, difference) for difference in differences(policy, one, measure))
            if moved:  # what is shown of other measures may have changed along
                stale |= {measure, *suppressed_along(shape_of(policy, one.table), measure)} & set(one.measures)
            taken += moved
    return taken


def _mend(con: Connection, policy: Policy, public: dict[str, str], difference: Difference) -> int:
    """Suppress a cell for each difference that is too small, until there is none."""
    taken = 0
    while True:
        found = con.execute(f"CREATE OR REPLACE TEMP TABLE few AS {difference.few}").fetchall()[0][0]
        if not found:
            return taken
        con.execute(f"CREATE OR REPLACE TEMP TABLE chosen AS SELECT DISTINCT {_listed(difference.of.keys)} "
                    f"FROM ({difference.choice})")
        moved = hide(con, policy, public, difference.of, difference.measure)
        con.execute("DROP TABLE temp.chosen")
        if not moved:
            return taken  # the check says what stands
        taken += moved


def check_differences(con: Connection, policy: Policy, public: dict[str, str]) -> tuple[Verdict, Verdict]:
    """Checks G6 within a release, and G4 of remainders, over the public tables as they stand: the two in this order.

    Contributors are counted again from the facts.
    """
    k, found, small = policy.release.thresholds.k, Counter[str](), Counter[tuple[str, str]]()
    places: dict[str, set[Place]] = {"G6": set(), "G4": set()}
    for months in batches(con, policy, public):
        with contributions(con, policy, public, months) as counted:
            for one in counted:
                for difference in (d for measure in one.measures for d in differences(policy, one, measure)):
                    count = con.execute(difference.all).fetchall()[0][0]
                    found[difference.guarantee] += count
                    few = _places(con, policy, difference) if count else []
                    small[difference.guarantee, f"{one.table}.{difference.measure}"] += len(few)
                    places[difference.guarantee].update(few)
    leave = {"G6": f"leave fewer than {k} contributors", "G4": "leave what one or two contributors dominate"}
    violations = {g: [f"{where}: {few:,} shown totals minus shown parts of theirs {words}"
                      for (guarantee, where), few in sorted(small.items()) if few and guarantee == g]
                  for g, words in leave.items()}
    return (verdict("G6", f"{found['G6']:,} differences of shown cells in new months: each stands on nobody or on at "
                          f"least {k}", violations["G6"], {"differences": found["G6"]}, places["G6"]),
            verdict("G4", f"{found['G4']:,} remainders of amounts are nobody's alone", violations["G4"],
                    {"remainders": found["G4"]}, places["G4"]))


def _places(con: Connection, policy: Policy, difference: Difference) -> list[Place]:
    """Where each difference is that stands on too few."""
    found, of = con.execute(f"SELECT * FROM ({difference.few})"), difference.of
    columns = [column[0] for column in found.description or ()]
    rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    return [Place(of.table, difference.measure, row[of.time],
                  tuple((d, row[d]) for d in of.dimensions if row.get(d, policy.release.values.all)
                        != policy.release.values.all)) for row in rows]


def differences(policy: Policy, one: Contributions, measure: str) -> Iterator[Difference]:
    """Yields every difference of a measure of a table, in a fixed order."""
    additive = one.additive[measure]
    for named in _subsets(one.dimensions):
        for order in permutations(d for d in additive if d not in named):
            if order:
                yield _remainder(policy, one, measure, named, order)
                if measure in shape_of(policy, one.table).amounts:
                    yield _remainder(policy, one, measure, named, order, is_amount=True)
    for summed in _subsets(one.dimensions):
        if not set(summed) <= set(additive):
            yield _pair(policy, one, measure, summed)
    for dimension in one.dimensions:
        if dimension not in additive:
            yield _overlap(policy, one, measure, dimension)


def _subsets(dimensions: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for size in range(len(dimensions) + 1):
        yield from combinations(dimensions, size)


def _remainder(policy: Policy, one: Contributions, measure: str, named: tuple[str, ...],
               order: tuple[str, ...], *, is_amount: bool = False) -> Difference:
    """Totals that name some dimensions, minus their shown parts, first along the first dimension of the order.

    Too few are fewer than k, or, of an amount, those of whom one or two dominate it.
    """
    total, k = literal(policy.release.values.all), policy.release.thresholds.k
    n, shown, own = (quote(f"{prefix}_{measure}") for prefix in ("n", "shown", "own"))

    def at(alias: str, filled: tuple[str, ...]) -> str:
        """A cell stands at the level that names these dimensions and no other."""
        return " AND ".join(f"{alias}.{quote(d)} {'<>' if d in filled else '='} {total}" for d in one.dimensions)

    def above(alias: str, filled: tuple[str, ...]) -> str:
        """The cell that names these dimensions, above another cell, is shown."""
        same = " AND ".join(f"u.{quote(d)} = " + (f"{alias}.{quote(d)}" if d in (one.time, *filled) else total)
                            for d in one.keys)
        return f"EXISTS (SELECT 1 FROM {one.cells} AS u WHERE u.{shown} AND {same})"

    def below(alias: str, depth: int) -> str:
        """Below a shown total, and below no part of it that is subtracted before."""
        return " AND ".join([above(alias, named), *(f"NOT {above(alias, (*named, *order[:j]))}"
                                                    for j in range(1, depth))])

    line, keys = _listed((one.time, *named)), _listed(one.keys)
    hidden = (f"SELECT {keys}, {n} AS n FROM {one.cells} AS f WHERE {at('f', (*named, *order))} AND NOT f.{shown} "
              f"AND f.{n} > 0 AND {below('f', len(order))}")
    few = (f"WITH hidden AS MATERIALIZED ({hidden}), "
           f"near AS (SELECT {line} FROM hidden GROUP BY ALL HAVING max(n) < {k:d}) "
           f"SELECT {line} FROM near JOIN hidden USING ({line}) JOIN {one.people} AS p USING ({keys}) "
           f"WHERE p.{own} <> 0 GROUP BY ALL HAVING count(DISTINCT p.token) < {k:d}")
    if is_amount:
        few = (f"SELECT {line} FROM (SELECT {line}, abs(sum(p.{own})) AS own FROM ({hidden}) JOIN {one.people} AS p "
               f"USING ({keys}) WHERE p.{own} <> 0 GROUP BY {line}, p.token) GROUP BY {line} "
               f"HAVING {is_dominated(policy, 'max(own)', 'coalesce(max(own, 2)[2], 0)', 'sum(own)')}")
    parts = " UNION ALL ".join(
        f"SELECT {keys}, {n} AS n, {j} AS depth FROM {one.cells} AS f JOIN temp.few USING ({line}) "
        f"WHERE f.{shown} AND {at('f', (*named, *order[:j]))} AND {below('f', j)}" for j in range(1, len(order) + 1))
    choice = (f"SELECT {keys} FROM ({parts}) QUALIFY row_number() OVER (PARTITION BY {line} "
              f"ORDER BY depth DESC, n, {keys}) = 1")
    return Difference(one, measure, few, choice, f"SELECT count(*) FROM (SELECT DISTINCT {line} FROM ({hidden}))",
                      "G4" if is_amount else "G6")


def _pair(policy: Policy, one: Contributions, measure: str, summed: tuple[str, ...]) -> Difference:
    """Each shown cell and the shown total above it that sums over some dimensions."""
    total, k = literal(policy.release.values.all), policy.release.thresholds.k
    n, shown, own = (quote(f"{prefix}_{measure}") for prefix in ("n", "shown", "own"))
    keys = _listed(one.keys)
    up = " AND ".join(f"t.{quote(d)} = " + (total if d in summed else f"c.{quote(d)}") for d in one.keys)
    pairs = (f"SELECT {_listed(one.keys, 'c')}, t.{n} AS whole, t.{n} - c.{n} AS more FROM {one.cells} AS c "
             f"JOIN {one.cells} AS t ON {up} WHERE c.{shown} AND t.{shown} AND "
             + " AND ".join(f"c.{quote(d)} <> {total}" for d in summed))
    if measure in one.persons:  # whoever is in a part is in its total
        few = f"SELECT {keys} FROM ({pairs}) WHERE more BETWEEN 1 AND {k - 1:d}"
    else:
        few = (f"SELECT {keys} FROM (SELECT {keys}, any_value(q.whole) AS whole, count(*) FILTER (c.{own} = t.{own}) "
               f"AS alike FROM ({pairs} AND t.{n} - c.{n} < {k:d}) AS q JOIN {one.people} AS c USING ({keys}) "
               f"JOIN {one.people} AS t ON t.token = c.token AND {up} WHERE t.{own} <> 0 GROUP BY ALL) "
               f"WHERE whole - alike BETWEEN 1 AND {k - 1:d}")
    return Difference(one, measure, few, f"SELECT {keys} FROM temp.few", f"SELECT count(*) FROM ({pairs})")


def _overlap(policy: Policy, one: Contributions, measure: str, dimension: str) -> Difference:
    """Each shown total and all its shown parts along a dimension over which the measure does not add up."""
    total, k = literal(policy.release.values.all), policy.release.thresholds.k
    n, shown, own, base = (quote(f"{prefix}_{measure}") for prefix in ("n", "shown", "own", "base"))
    rest, keys, along = _listed(d for d in one.keys if d != dimension), _listed(one.keys), quote(dimension)
    lines = (f"SELECT {rest}, any_value(o.{base}) AS base, coalesce(sum({n}) FILTER (NOT {shown}), 0) AS gone, "
             f"coalesce(max({n}) FILTER (NOT {shown}), 0) AS most FROM {one.cells} AS c "
             f"JOIN {one.overlaps(dimension)} AS o USING ({rest}) WHERE c.{along} <> {total} AND EXISTS (SELECT 1 "
             f"FROM {one.cells} AS u WHERE u.{shown} AND u.{along} = {total} AND "
             + " AND ".join(f"u.{quote(d)} = c.{quote(d)}" for d in one.keys if d != dimension)
             + f") GROUP BY {rest} HAVING bool_or({shown})")
    # Outside the suppressed parts nothing changes who is off; inside, whoever is not off when all are shown is now.
    near = f"SELECT * FROM ({lines}) WHERE base - gone < {k:d} AND most - base < {k:d}"
    few = (f"WITH near AS MATERIALIZED ({near}) SELECT {rest}, any_value(base) AS base FROM (SELECT {rest}, "
           f"any_value(near.base) AS base, p.token FROM near JOIN {one.people} AS p USING ({rest}) "
           f"JOIN {one.cells} AS c USING ({keys}) WHERE c.{shown} GROUP BY {rest}, p.token "
           f"HAVING sum(CASE WHEN p.{along} = {total} THEN 1 ELSE -1 END * p.{own}) <> 0) "
           f"GROUP BY {rest} HAVING count(*) < {k:d}")
    choice = (f"SELECT {keys} FROM {one.cells} AS c JOIN temp.few AS f USING ({rest}) WHERE c.{shown} "
              f"AND c.{along} <> {total} QUALIFY row_number() OVER (PARTITION BY {rest} "
              f"ORDER BY {n} < f.base + {k:d}, {n}, {keys}) = 1")
    return Difference(one, measure, few, choice, f"SELECT count(*) FROM ({lines})")


def _listed(columns: "Iterator[str] | tuple[str, ...]", alias: str = "") -> str:
    return ", ".join(f"{alias}.{quote(c)}" if alias else quote(c) for c in columns)
