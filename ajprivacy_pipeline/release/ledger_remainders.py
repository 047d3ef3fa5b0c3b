"""G6 across releases, of remainders: what is left of a total's change when its shown parts' changes are taken off.

Belongs here: which remainders of a month that is computed again have changed, and for how many people. Does not belong
here: changes of single cells (ledger), remainders within one release (disclosure.cells.remainders).

A total that gains twelve people beside a shown part that gains eleven tells what the twelfth has bought, though each of
the two changed for a crowd. So a remainder, too, changes for nobody or for at least k people, in each measure.

What somebody is to a remainder of now is counted. Of then there are fingerprints of each shown cell alone: nothing,
where nothing is in the total or one part has the fingerprint of the total; something, where they differ; with two
parts, who can tell. Whoever may have changed counts as changed, and towards k only who certainly has.

    temp.line_cells   cell, level (a bit for each dimension that is named), suppressed, the keys: listed now
    temp.line_people  release, cell, person, was, now (fingerprints), own_<measure> (of now)
"""

from collections.abc import Iterator

from ajprivacy_pipeline.disclosure.cells.contributions import Contributions, contributions
from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.disclosure.cells.remainders import Remainder, remainders
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release.ledger_cells import digits, keeps_people
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

_NAMES = "names[{} + 1]"  # of temp.ledger_cells: the keys of a cell, the first month of its period before all


def changed_remainders(con: Connection, policy: Policy, public: dict[str, str]) -> Iterator[str]:
    """Yields what remainders of months that are computed again would tell of too few people, table by table.

    Args:
        con: has the ledger attached, and holds temp.ledger_changed, the tables of `ledger_cells`, and the facts.
        policy: measures, what they add up over, and k.
        public: the quoted relation of each public table.
    """
    found = con.execute("SELECT table_name, min(month), max(month) FROM temp.ledger_changed GROUP BY ALL "
                        "ORDER BY ALL").fetchall()
    for table, first, last in found:
        if table not in public or not keeps_people(shape_of(policy, table)):
            continue
        with contributions(con, policy, {table: public[table]}, (first, last)) as listed:
            for one in listed:
                yield from _of_table(con, policy, one)
    for name in ("line_cells", "line_people"):
        con.execute(f"DROP TABLE IF EXISTS temp.{name}")


def _of_table(con: Connection, policy: Policy, one: Contributions) -> Iterator[str]:
    k, measures = policy.release.thresholds.k, shape_of(policy, one.table).measures
    gone = _lay_out(con, policy, one)
    if gone:
        yield (f"{one.table}: {gone:,} cells of a published month would not be listed any more, and what is left of "
               "their totals beside suppressed ones would not be known")
    few = 0
    for measure in one.measures:
        for remainder in remainders(one, measure):
            few += con.execute(_few(policy, one, measure, remainder), {"k": k, "bit": measures.index(measure)}
                               ).fetchall()[0][0]
    if few:
        yield (f"{one.table}: {few:,} remainders of totals of a published month would be published again with other "
               f"figures for fewer than {k} contributors")


def _lay_out(con: Connection, policy: Policy, one: Contributions) -> int:
    """Make the two tables; returns how many shown cells are gone from months in which something is suppressed."""
    total, every = literal(policy.release.values.all), 2 ** len(shape_of(policy, one.table).measures) - 1
    level = " + ".join(["0", *(f"CASE WHEN {_NAMES.format(i)} <> {total} THEN {1 << i - 1:d} ELSE 0 END"
                               for i in range(1, len(one.keys)))])
    keys = ", ".join(f"{_NAMES.format(i)} AS {quote(key)}" for i, key in enumerate(one.keys))
    places = f"(SELECT DISTINCT release, place FROM temp.ledger_changed WHERE table_name = {literal(one.table)})"
    con.execute(f"CREATE OR REPLACE TEMP TABLE line_cells AS SELECT cell, {level} AS level, suppressed, {keys} "
                f"FROM temp.ledger_cells SEMI JOIN {places} USING (place)")
    own = ", ".join(quote(f"own_{m}") for m in one.measures)
    same = " AND ".join(f"CAST(p.{quote(key)} AS VARCHAR) = c.{quote(key)}" for key in one.keys)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE line_people AS WITH pairs AS ("
        f"SELECT r.release, c.cell FROM temp.line_cells AS c JOIN temp.ledger_cells AS l USING (cell) "
        f"JOIN {places} AS r ON r.place = l.place WHERE c.suppressed <> {every:d}), "
        "old AS (SELECT release, cell, person, own FROM ledger.contributors SEMI JOIN pairs USING (release, cell)), "
        "new AS (SELECT p.release, cell, n.person, n.own FROM temp.ledger_contributors AS n JOIN pairs AS p "
        "USING (cell)), "
        f"facts AS (SELECT c.cell, w.person, {own} FROM {one.people} AS p JOIN temp.line_cells AS c ON {same} "
        "JOIN temp.ledger_people AS w USING (token)) "
        "SELECT release, cell, person, coalesce(o.own, 0)::UBIGINT AS was, coalesce(n.own, 0)::UBIGINT AS now, "
        f"{own} FROM old AS o FULL JOIN new AS n USING (release, cell, person) LEFT JOIN facts USING (cell, person)")
    gone: int = con.execute(
        f"SELECT count(*) FROM (SELECT DISTINCT k.cell FROM ledger.cells AS k JOIN {places} USING (release, place) "
        f"WHERE coalesce(k.withheld, 0) <> {every:d} AND k.cell NOT IN (SELECT cell FROM temp.line_cells) "
        "AND k.place IN (SELECT place FROM temp.ledger_cells WHERE suppressed > 0))").fetchall()[0][0]
    return gone


def _few(policy: Policy, one: Contributions, measure: str, remainder: Remainder) -> str:
    """The SELECT of how many lines of a remainder have changed for somebody, and not for $k people for certain."""
    shape, own = shape_of(policy, one.table), quote(f"own_{measure}")
    width, last = 4 * digits(shape), len(shape.measures) - 1
    print_of = f"({{}} >> ({width:d} * ({last:d} - $bit))) & {2 ** width - 1:d}"
    levels = [_level(one, (*remainder.named, *remainder.order[:depth])) for depth in range(len(remainder.order) + 1)]
    parts = " UNION ALL ".join(_parts(one, levels, depth) for depth in range(1, len(levels)))
    return (
        "WITH shown AS (SELECT *, (suppressed >> $bit) & 1 = 0 AS is_shown FROM temp.line_cells), "
        f"parts AS ({parts}), hidden AS (SELECT DISTINCT total FROM parts WHERE NOT is_shown), "
        "taken AS (SELECT total, total AS cell, false AS is_part FROM hidden UNION ALL "
        "SELECT total, cell, true FROM parts SEMI JOIN hidden USING (total) WHERE is_shown), "
        f"own AS (SELECT release, cell, person, {print_of.format('was')} AS was, {print_of.format('now')} AS now, "
        f"CASE WHEN now <> 0 THEN coalesce({own}, 0) ELSE 0 END AS own FROM temp.line_people), "
        "people AS (SELECT total, release, person, count(*) FILTER (was <> now) AS changed, "
        "coalesce(max(was) FILTER (NOT is_part), 0) AS whole, count(*) FILTER (is_part AND was <> 0) AS parts, "
        "coalesce(max(was) FILTER (is_part), 0) AS part, "
        "abs(sum(CASE WHEN is_part THEN -own ELSE own END)) >= 0.000005 AS is_in "
        "FROM taken JOIN own USING (cell) GROUP BY ALL), "
        "judged AS (SELECT *, CASE WHEN parts > 1 THEN NULL WHEN parts = 1 THEN part <> whole ELSE whole <> 0 END "
        "AS was_in FROM people WHERE changed > 0), "
        "lines AS (SELECT total, release, count(*) FILTER (coalesce(was_in, true) OR is_in) AS perhaps, "
        "count(*) FILTER (coalesce(was_in <> is_in, false) OR changed = 1) AS certain FROM judged GROUP BY ALL) "
        "SELECT count(*) FROM lines WHERE perhaps > 0 AND certain < $k")


def _level(one: Contributions, named: tuple[str, ...]) -> int:
    return sum(1 << i for i, dimension in enumerate(one.dimensions) if dimension in named)


def _parts(one: Contributions, levels: list[int], depth: int) -> str:
    """The SELECT of the cells below a shown total, so many dimensions finer, that are below no part shown before."""
    def above(alias: str, level: int) -> str:
        named = [one.time, *(d for i, d in enumerate(one.dimensions) if level >> i & 1)]
        return " AND ".join([f"{alias}.level = {level:d}", f"{alias}.is_shown",
                             *(f"{alias}.{quote(d)} = c.{quote(d)}" for d in named)])
    shown_before = "".join(f" AND NOT EXISTS (SELECT 1 FROM shown AS a WHERE {above('a', levels[j])})"
                           for j in range(1, depth))
    return (f"SELECT t.cell AS total, c.cell, c.is_shown FROM shown AS c JOIN shown AS t ON {above('t', levels[0])} "
            f"WHERE c.level = {levels[depth]:d}{shown_before}")
