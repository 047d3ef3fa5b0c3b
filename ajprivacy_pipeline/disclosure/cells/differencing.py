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

How remainders are laid out is in `remainders`. Sums of suppressed cells that follow only from several totals
together are for G5. Counts by cell decide most differences; sets of contributors are compared only for the rest.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ajprivacy_pipeline.disclosure.cells.contributions import (
    Contributions,
    batches,
    contributions,
    hide,
    suppressed_along,
)
from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.disclosure.cells.remainders import (
    LINE,
    choice_of,
    few_lines,
    guarantees_of,
    lay_out,
    quoted,
    remainders,
    subsets,
)
from ajprivacy_pipeline.disclosure.verdict import Place, Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote


@dataclass(frozen=True)
class Difference:
    """Differences of one kind in one table and measure.

    `few` selects the cells of which it is too few, one row each; `choice` selects into the keys which shown cell to
    suppress for each row of temp.few; `all` counts the differences.
    """

    of: Contributions
    measure: str
    few: str
    choice: str
    all: str


def suppress_differences(con: Connection, policy: Policy, public: dict[str, str],
                         counted: list[Contributions] | None = None, settled: dict[str, Any] | None = None) -> int:
    """Suppress cells until no difference stands on a few people; return how many values that took.

    Args:
        con: holds the public tables and the anonymous facts.
        policy: roles and k.
        public: the quoted relation of each public table.
        counted: the contributions, where the caller holds them already; their marks are read anew.
        settled: how earlier calls with these contributions left each table; one that still stands so is not looked at
            again. What this call leaves is added.
    """
    if counted is None:
        total = 0
        for months in batches(con, policy, public):
            with contributions(con, policy, public, months) as made:
                total += suppress_differences(con, policy, public, made)
        return total
    taken, settled = 0, {} if settled is None else settled
    for one in counted:
        if settled.get(one.table) == _marks(con, one):
            continue
        stale = set(one.measures)
        while stale:
            measure = min(stale, key=one.measures.index)
            stale.remove(measure)
            moved = _mend_remainders(con, policy, public, one, measure)
            moved += sum(_mend(con, policy, public, difference) for difference in differences(policy, one, measure))
            if moved:  # what is shown of other measures may have changed along
                stale |= {measure, *suppressed_along(shape_of(policy, one.table), measure)} & set(one.measures)
            taken += moved
        settled[one.table] = _marks(con, one)
    return taken


def _marks(con: Connection, one: Contributions) -> Any:
    """What is shown of a table, as one number: the same as long as nothing more is suppressed."""
    shown = ", ".join(map(quote, (*one.keys, *(f"shown_{measure}" for measure in one.measures))))
    return con.execute(f"SELECT count(*), sum(hash({shown})) FROM {one.cells}").fetchall()[0]


def _mend_remainders(con: Connection, policy: Policy, public: dict[str, str], one: Contributions, measure: str) -> int:
    """Suppress a cell for each remainder that is too small, one remainder after the other, until there is none."""
    taken, left = 0, [(r, g) for r in remainders(one, measure) for g in guarantees_of(policy, one, measure)]
    while left and lay_out(con, policy, one, measure, list(dict.fromkeys(remainder for remainder, _ in left))):
        small = {g: {number for number, in con.execute(
            f"SELECT DISTINCT remainder FROM ({few_lines(policy, one, measure, g)})").fetchall()}
            for g in dict.fromkeys(guarantee for _, guarantee in left)}
        first = next((at for at, (remainder, g) in enumerate(left) if remainder.number in small[g]), None)
        if first is None:
            break
        remainder, guarantee = left[first]
        left = left[first + 1:]
        difference = Difference(one, measure, few_lines(policy, one, measure, guarantee),
                                choice_of(policy, one, measure, remainder), "")
        while lay_out(con, policy, one, measure, [remainder]) and (
                moved := _mend_once(con, policy, public, difference)):
            taken += moved
    con.execute("DROP TABLE IF EXISTS temp.remainder_parts")
    return taken


def _mend(con: Connection, policy: Policy, public: dict[str, str], difference: Difference) -> int:
    """Suppress a cell for each difference that is too small, until there is none."""
    taken = 0
    while moved := _mend_once(con, policy, public, difference):
        taken += moved
    return taken


def _mend_once(con: Connection, policy: Policy, public: dict[str, str], difference: Difference) -> int:
    """Suppress a cell for each difference that is too small; 0 where there is none, or nothing to suppress.

    In the latter case the check says what stands.
    """
    if not con.execute(f"CREATE OR REPLACE TEMP TABLE few AS {difference.few}").fetchall()[0][0]:
        return 0
    con.execute(f"CREATE OR REPLACE TEMP TABLE chosen AS SELECT DISTINCT {quoted(difference.of.keys)} "
                f"FROM ({difference.choice})")
    moved = hide(con, policy, public, difference.of, difference.measure)
    con.execute("DROP TABLE temp.chosen")
    return moved


def check_differences(con: Connection, policy: Policy, public: dict[str, str]) -> tuple[Verdict, Verdict]:
    """Checks G6 within a release, and G4 of remainders, over the public tables as they stand: the two in this order.

    Contributors are counted again from the facts.
    """
    k, found, small = policy.release.thresholds.k, Counter[str](), Counter[tuple[str, str]]()
    places: dict[str, set[Place]] = {"G6": set(), "G4": set()}
    for months in batches(con, policy, public):
        with contributions(con, policy, public, months) as counted:
            for one, measure in ((made, measure) for made in counted for measure in made.measures):
                for guarantee, count, few in _judged(con, policy, one, measure):
                    found[guarantee] += count
                    small[guarantee, f"{one.table}.{measure}"] += len(few)
                    places[guarantee].update(few)
    leave = {"G6": f"leave fewer than {k} contributors", "G4": "leave what one or two contributors dominate"}
    violations = {g: [f"{where}: {few:,} shown totals minus shown parts of theirs {words}"
                      for (guarantee, where), few in sorted(small.items()) if few and guarantee == g]
                  for g, words in leave.items()}
    return (verdict("G6", f"{found['G6']:,} differences of shown cells in new months: each stands on nobody or on at "
                          f"least {k}", violations["G6"], {"differences": found["G6"]}, places["G6"]),
            verdict("G4", f"{found['G4']:,} remainders of amounts are nobody's alone", violations["G4"],
                    {"remainders": found["G4"]}, places["G4"]))


def _judged(con: Connection, policy: Policy, one: Contributions,
            measure: str) -> Iterator[tuple[str, int, list[Place]]]:
    """By guarantee and kind how many differences a measure has, and where each is that stands on too few."""
    if count := lay_out(con, policy, one, measure, remainders(one, measure)):
        for guarantee in guarantees_of(policy, one, measure):
            yield guarantee, count, _places(con, policy, one, measure, few_lines(policy, one, measure, guarantee))
    con.execute("DROP TABLE IF EXISTS temp.remainder_parts")
    for difference in differences(policy, one, measure):
        if count := con.execute(difference.all).fetchall()[0][0]:
            yield "G6", count, _places(con, policy, one, measure, difference.few)


def _places(con: Connection, policy: Policy, one: Contributions, measure: str, few: str) -> list[Place]:
    """Where each difference is that stands on too few: of a remainder the shown total, else a part of it."""
    found = con.execute(f"SELECT * FROM ({few})")
    columns = [column[0].removeprefix(LINE) for column in found.description or ()]
    rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    return [Place(one.table, measure, row[one.time],
                  tuple((d, row[d]) for d in one.dimensions if row.get(d, policy.release.values.all)
                        != policy.release.values.all)) for row in rows]


def differences(policy: Policy, one: Contributions, measure: str) -> Iterator[Difference]:
    """Yields every pair and overlap of a measure of a table, in a fixed order."""
    additive = one.additive[measure]
    for summed in subsets(one.dimensions):
        if not set(summed) <= set(additive):
            yield _pair(policy, one, measure, summed)
    for dimension in one.dimensions:
        if dimension not in additive:
            yield _overlap(policy, one, measure, dimension)


def _pair(policy: Policy, one: Contributions, measure: str, summed: tuple[str, ...]) -> Difference:
    """Each shown cell and the shown total above it that sums over some dimensions."""
    total, k = literal(policy.release.values.all), policy.release.thresholds.k
    n, shown, own = (quote(f"{prefix}_{measure}") for prefix in ("n", "shown", "own"))
    keys = quoted(one.keys)
    up = " AND ".join(f"t.{quote(d)} = " + (total if d in summed else f"c.{quote(d)}") for d in one.keys)
    pairs = (f"SELECT {quoted(one.keys, 'c')}, t.{n} AS whole, t.{n} - c.{n} AS more FROM {one.cells} AS c "
             f"JOIN {one.cells} AS t ON {up} WHERE c.{shown} AND t.{shown} AND "
             + " AND ".join(f"c.{quote(d)} <> {total}" for d in summed))
    if measure in one.persons:  # whoever is in a part is in its total
        few = f"SELECT {keys} FROM ({pairs}) WHERE more BETWEEN 1 AND {k - 1:d}"
    else:
        few = (f"SELECT {keys} FROM (SELECT {keys}, any_value(q.whole) AS whole, count(*) FILTER (c.{own} = t.{own}) "
               f"AS alike FROM ({pairs} AND t.{n} - c.{n} < {k:d}) AS q JOIN {one.people} AS c USING ({keys}) "
               f"JOIN {one.people} AS t ON t.token = c.token AND {up} WHERE t.{own} <> 0 GROUP BY ALL) "
               f"WHERE whole - alike BETWEEN 1 AND {k - 1:d}")
    choice = f"SELECT {keys} FROM temp.few"
    if len(summed) == 1 and (told := _told_anyway(policy, one, measure, summed[0])):
        choice = _total_or(policy, one, summed[0], choice, told)
    return Difference(one, measure, few, choice, f"SELECT count(*) FROM ({pairs})")


def _overlap(policy: Policy, one: Contributions, measure: str, dimension: str) -> Difference:
    """Each shown total and all its shown parts along a dimension over which the measure does not add up."""
    total, k = literal(policy.release.values.all), policy.release.thresholds.k
    n, shown, own, base = (quote(f"{prefix}_{measure}") for prefix in ("n", "shown", "own", "base"))
    rest, keys, along = quoted(d for d in one.keys if d != dimension), quoted(one.keys), quote(dimension)
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
    if told := _told_anyway(policy, one, measure, dimension):
        choice = _total_or(policy, one, dimension, choice, told)
    return Difference(one, measure, few, choice, f"SELECT count(*) FROM ({lines})")


def _told_anyway(policy: Policy, one: Contributions, measure: str, dimension: str) -> str:
    """Of which totals of people no part can be hidden: selects the keys without the dimension; empty where of none.

    The people of a part are no more than what is counted beside them, and those of all others no more than what is left
    of that. Where its total is shown, and less than k above that of the people, no part has k of room.
    """
    beside = policy.release.tables[one.table].columns[measure].at_most or ""
    if measure not in one.persons or any(one.additive[measure]) or dimension not in one.additive.get(
            beside, ()):
        return ""
    rest, keys = quoted(d for d in one.keys if d != dimension), quoted(one.keys)
    is_total = f"{quote(dimension)} = {literal(policy.release.values.all)}"
    return (f"SELECT {rest} FROM {one.cells} JOIN (SELECT {keys}, sum({quote('own_' + beside)}) AS made "
            f"FROM {one.people} WHERE {is_total} GROUP BY ALL) USING ({keys}) "
            f"WHERE {quote('shown_' + beside)} AND made - {quote('n_' + measure)} < {policy.release.thresholds.k:d}")


def _total_or(policy: Policy, one: Contributions, dimension: str, choice: str, told: str) -> str:
    """The choice, with the total in the place of parts that it would tell anyway."""
    rest, keys = quoted(d for d in one.keys if d != dimension), quoted(one.keys)
    is_total = f"{quote(dimension)} = {literal(policy.release.values.all)}"
    return (f"WITH told AS MATERIALIZED ({told}) SELECT {keys} FROM ({choice}) ANTI JOIN told USING ({rest}) UNION "
            f"SELECT {keys} FROM (SELECT * FROM {one.cells} WHERE {is_total}) SEMI JOIN told USING ({rest}) "
            f"SEMI JOIN temp.few USING ({rest})")
