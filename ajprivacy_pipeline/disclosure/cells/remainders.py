"""Remainders of shown totals: what is left of a total minus its shown parts, for every order of subtracting at once.

Belongs here: which cells a remainder is made of, whom they stand on, and which shown cell to suppress where that is too
few. Does not belong here: other differences, suppressing, and the check (differencing).

A remainder is a total that names some dimensions (its line), minus its shown parts, along the first dimension of an
order, then the next: the parts of a part that is suppressed are subtracted in its place. What is left are suppressed
cells that name all these dimensions, below a shown total and below no part that is subtracted before. All remainders of
a measure are laid out in one statement: of each cell is noted which of the cells above it are shown.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from ajprivacy_pipeline.disclosure.cells.contributions import Contributions
from ajprivacy_pipeline.disclosure.cells.primary import is_dominated, shape_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

LINE = "line_"  # before a dimension: what the total names of it, the word for all where nothing
_PARTS = "remainder_parts"  # temporary: remainder, the keys, n, line_<dimension>: a row a suppressed cell


@dataclass(frozen=True)
class Remainder:
    """The dimensions that a total names, and those along which its parts are subtracted, in this order."""

    number: int
    named: tuple[str, ...]
    order: tuple[str, ...]


def subsets(dimensions: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yields every choice of some dimensions, small ones first."""
    for size in range(len(dimensions) + 1):
        yield from combinations(dimensions, size)


def remainders(one: Contributions, measure: str) -> list[Remainder]:
    """Returns every remainder of a measure, numbered from 0 in a fixed order."""
    found = [(named, order) for named in subsets(one.dimensions)
             for order in permutations(d for d in one.additive[measure] if d not in named) if order]
    return [Remainder(number, named, order) for number, (named, order) in enumerate(found)]


def guarantees_of(policy: Policy, one: Contributions, measure: str) -> tuple[str, ...]:
    """Returns what a remainder of a measure is held to: G6 as every difference, an amount to G4 as well."""
    return ("G6", "G4") if measure in shape_of(policy, one.table).amounts else ("G6",)


def lay_out(con: Connection, policy: Policy, one: Contributions, measure: str, listed: Sequence[Remainder]) -> int:
    """Write what some remainders are made of into temp.remainder_parts; returns how many remainders of lines that is.

    Args:
        con: holds the contributions.
        policy: the word for all.
        one: a table.
        measure: one of its measures.
        listed: the remainders.
    """
    if not listed:
        return 0
    bit = {dimension: 1 << place for place, dimension in enumerate(one.dimensions)}

    def level(dimensions: Sequence[str]) -> int:
        return sum(bit[d] for d in dimensions)

    rules = [(r.number, level(r.named), level((*r.named, *r.order)), 1 << level(r.named),
              sum(1 << level((*r.named, *r.order[:j])) for j in range(1, len(r.order)))) for r in listed]
    asked = 0  # of these levels it matters what is shown
    for _, _, _, above, subtracted in rules:
        asked |= above | subtracted
    places = [place for place in range((1 << len(bit)) - 1) if asked >> place & 1]
    total, keys = literal(policy.release.values.all), quoted(one.keys)
    n, shown = quote(f"n_{measure}"), quote(f"shown_{measure}")
    up = ", ".join(f"CASE WHEN place & {b:d} <> 0 THEN c.{quote(d)} ELSE {total} END AS {quote('up_' + d)}"
                   for d, b in bit.items())
    same = " AND ".join([f"u.{quote(one.time)} = c.{quote(one.time)}",
                         *(f"u.{quote(d)} = c.{quote('up_' + d)}" for d in one.dimensions)])
    named = " + ".join(["0", *(f"CASE WHEN c.{quote(d)} <> {total} THEN {b:d} ELSE 0 END" for d, b in bit.items())])
    line = ", ".join(f"CASE WHEN r.line & {b:d} <> 0 THEN c.{quote(d)} ELSE {total} END AS {quote(LINE + d)}"
                     for d, b in bit.items())
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_PARTS} AS WITH shown AS (SELECT {keys} FROM {one.cells} WHERE {shown}), "
        f"below AS (SELECT {quoted(one.keys, 'c')}, c.{n} AS n, {named} AS level, place, {up} "
        f"FROM {one.cells} AS c, (SELECT unnest($places) AS place) "
        f"WHERE NOT c.{shown} AND c.{n} > 0 AND list_contains($levels, level)), "
        f"hidden AS (SELECT {quoted(one.keys, 'c')}, n, level, bit_or(1 << place) AS above "
        f"FROM below AS c JOIN shown AS u ON {same} GROUP BY ALL), "
        "rules AS (SELECT unnest($numbers) AS number, unnest($lines) AS line, unnest($levels) AS level, "
        "unnest($above) AS above, unnest($subtracted) AS subtracted) "
        f"SELECT r.number AS remainder, {quoted(one.keys, 'c')}, c.n, {line} FROM hidden AS c JOIN rules AS r "
        "ON r.level = c.level AND c.above & r.above <> 0 AND c.above & r.subtracted = 0",
        {"places": places} | dict(zip(("numbers", "lines", "levels", "above", "subtracted"),
                                      map(list, zip(*rules, strict=True)), strict=True)))
    return int(con.execute(f"SELECT count(*) FROM (SELECT DISTINCT {_line(one)} FROM temp.{_PARTS})").fetchall()[0][0])


def few_lines(policy: Policy, one: Contributions, measure: str, guarantee: str) -> str:
    """Returns the SELECT of the laid out lines (remainder, time, line_<dimension>) of which too few are left.

    Fewer than k contributors, or, of an amount, those of whom one or two dominate it.
    """
    line, keys, own = _line(one), quoted(one.keys), quote(f"own_{measure}")
    if guarantee == "G4":
        return (f"SELECT {line} FROM (SELECT {line}, abs(sum(p.own)) AS own FROM temp.{_PARTS} "
                f"JOIN {one.parties(measure)} AS p USING ({keys}) WHERE p.own <> 0 GROUP BY {line}, p.party) "
                f"GROUP BY {line} HAVING {is_dominated(policy, 'max(own)', 'coalesce(max(own, 2)[2], 0)', 'sum(own)')}")
    k = policy.release.thresholds.k
    return (f"WITH near AS (SELECT {line} FROM temp.{_PARTS} GROUP BY ALL HAVING max(n) < {k:d}) "
            f"SELECT {line} FROM near JOIN temp.{_PARTS} USING ({line}) JOIN {one.people} AS p USING ({keys}) "
            f"WHERE p.{own} <> 0 GROUP BY ALL HAVING count(DISTINCT p.token) < {k:d}")


def choice_of(policy: Policy, one: Contributions, measure: str, remainder: Remainder) -> str:
    """Returns the SELECT of the keys of the shown cell to suppress for each line of a remainder in temp.few.

    The finest of the parts that are subtracted, with the fewest contributors.
    """
    n, shown = quote(f"n_{measure}"), quote(f"shown_{measure}")
    total, keys = literal(policy.release.values.all), quoted(one.keys)
    named, order = remainder.named, remainder.order

    def at(filled: tuple[str, ...]) -> str:
        """A cell stands at the level that names these dimensions and no other."""
        return " AND ".join(f"f.{quote(d)} {'<>' if d in filled else '='} {total}" for d in one.dimensions)

    def above(filled: tuple[str, ...]) -> str:
        """The cell that names these dimensions, above another cell, is shown."""
        same = " AND ".join(f"u.{quote(d)} = " + (f"f.{quote(d)}" if d in (one.time, *filled) else total)
                            for d in one.keys)
        return f"EXISTS (SELECT 1 FROM {one.cells} AS u WHERE u.{shown} AND {same})"

    def below(depth: int) -> str:
        """Below a shown total, and below no part of it that is subtracted before."""
        return " AND ".join([above(named), *(f"NOT {above((*named, *order[:j]))}" for j in range(1, depth))])

    same = " AND ".join(f"f.{quote(d)} = w.{quote(LINE + d if d != one.time else d)}" for d in (one.time, *named))
    line = quoted((one.time, *named))
    parts = " UNION ALL ".join(
        f"SELECT {quoted(one.keys, 'f')}, f.{n} AS n, {j} AS depth FROM {one.cells} AS f JOIN temp.few AS w ON {same} "
        f"WHERE f.{shown} AND {at((*named, *order[:j]))} AND {below(j)}" for j in range(1, len(order) + 1))
    return (f"SELECT {keys} FROM ({parts}) QUALIFY row_number() OVER (PARTITION BY {line} "
            f"ORDER BY depth DESC, n, {keys}) = 1")


def quoted(columns: Iterable[str], alias: str = "") -> str:
    """Returns columns, quoted, as a SELECT names them, each of a table's alias where there is one."""
    return ", ".join(f"{alias}.{quote(c)}" if alias else quote(c) for c in columns)


def _line(one: Contributions) -> str:
    return ", ".join(["remainder", quote(one.time), *(quote(LINE + d) for d in one.dimensions)])
