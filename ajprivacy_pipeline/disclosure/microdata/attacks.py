"""G7, G8, G9 for microdata: what somebody who knows every quasi-identifier of everybody gets out of the table.

Belongs here: the attacks, exact, in SQL, over classes and distinct tuples instead of rows. They read the finished table
and the source and share nothing with the recoding but the hierarchies. Does not belong here: k, l and t of the classes
(diversity), what is done about a table that fails (release/microdata).

    class        the rows of the table that agree in every quasi-identifier, generalised
    tuple        a combination of finest values that somebody of the source has
    compatible   a class whose every value contains the tuple's: the person may be any of its rows
"""

from collections.abc import Sequence
from math import sqrt

from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import Hierarchy
from ajprivacy_pipeline.disclosure.microdata.recode.rules import SLACK, Sensitive
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.storage.zones import Connection, quote

_CLASSES, _TUPLES, _COVER, _PAIRS = "attack_classes", "attack_tuples", "attack_cover", "attack_pairs"  # temporary
_NORMAL_95 = 1.6448536269514722  # the one-sided 95 percent point of the normal distribution


def compatible(con: Connection, table: str, people: str, trees: Sequence[Hierarchy]) -> None:
    """Make the temporary tables of an attack: classes, tuples, and every compatible pair of the two.

    Each value is replaced by those that contain it, column by column, and only beginnings that some class has go on:
    the work grows with the pairs that are found.

    Args:
        con: holds both.
        table: the microdata, quoted.
        people: everybody the attack is about, with finest values; a quoted relation or a sub-query in parentheses.
        trees: the hierarchy of each quasi-identifier.
    """
    keys = ", ".join(quote(tree.column) for tree in trees)
    con.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_CLASSES} AS SELECT row_number() OVER (ORDER BY {keys}) AS class, "
                f"{keys}, count(*)::BIGINT AS persons FROM {table} GROUP BY {keys}")
    con.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_TUPLES} AS SELECT row_number() OVER (ORDER BY {keys}) AS tuple, "
                f"{keys}, count(*)::BIGINT AS persons, {_own(con, people)} AS own FROM {people} GROUP BY {keys}")
    _cover(con, trees)
    steps = [f"s0 AS (SELECT * FROM {_TUPLES})"]
    for i, tree in enumerate(trees):
        begun = ", ".join(f"{quote(t.column)} AS l{j}" for j, t in enumerate(trees[:i + 1]))
        same = " AND ".join(f"b.l{j} = {'c.label' if j == i else f's.l{j}'}" for j in range(i + 1))
        steps.append(f"s{i + 1} AS (SELECT s.*, c.label AS l{i} FROM s{i} AS s JOIN {_COVER} AS c ON c.place = {i:d} "
                     f"AND c.leaf = s.{quote(tree.column)} "
                     f"SEMI JOIN (SELECT DISTINCT {begun} FROM {_CLASSES}) AS b ON {same})")
    match = " AND ".join(f"k.{quote(tree.column)} = s.l{i}" for i, tree in enumerate(trees))
    con.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_PAIRS} AS WITH {', '.join(steps)} "
                f"SELECT s.tuple, k.class, k.persons FROM s{len(trees)} AS s JOIN {_CLASSES} AS k ON {match}")


def _own(con: Connection, people: str) -> str:
    """How many of a tuple's people have a row of their own: those marked `is_included`; without the mark, all."""
    columns = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {people}").fetchall()}
    return "(count(*) FILTER (is_included))::BIGINT" if "is_included" in columns else "count(*)::BIGINT"


def _cover(con: Connection, trees: Sequence[Hierarchy]) -> None:
    """Which published values contain which finest value, column by column."""
    rows = sorted({(i, leaf, tree.labels[level][tree.levels[level, code]]) for i, tree in enumerate(trees)
                   for code, leaf in enumerate(tree.leaves) for level in range(tree.depth)})
    places, leaves, labels = map(list, zip(*rows, strict=True))
    con.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_COVER} AS SELECT unnest($places::INTEGER[]) AS place, "
                "unnest($leaves::VARCHAR[]) AS leaf, unnest($labels::VARCHAR[]) AS label",
                {"places": places, "leaves": leaves, "labels": labels})


def forget(con: Connection) -> None:
    """Drop the temporary tables of the attacks."""
    for table in (_CLASSES, _TUPLES, _COVER, _PAIRS):
        con.execute(f"DROP TABLE IF EXISTS {table}")


def check_linkage(con: Connection, name: str, table: str, people: str, trees: Sequence[Hierarchy], k: int) -> Verdict:
    """Checks G7: everybody of the source has 0 or at least k compatible rows.

    A person with a row of their own has at least k.

    Args:
        con: holds both.
        name: the table's name, for the violations.
        table: the microdata, quoted.
        people: everybody of the source, those without a row too; `is_included` marks those with one.
        trees: the hierarchy of each quasi-identifier.
        k: what is asked for.
    """
    compatible(con, table, people, trees)
    few, lost, uncovered, surplus, most, least, mean = con.execute(
        f"WITH found AS (SELECT t.persons, t.own, coalesce(p.n, 0) AS n FROM {_TUPLES} AS t LEFT JOIN "
        f"(SELECT tuple, sum(persons) AS n FROM {_PAIRS} GROUP BY tuple) AS p USING (tuple)) "
        "SELECT coalesce(sum(persons) FILTER (n BETWEEN 1 AND $k - 1), 0)::BIGINT, "
        "coalesce(sum(own) FILTER (n < $k), 0)::BIGINT, "
        f"(SELECT count(*) FROM {_CLASSES} WHERE class NOT IN (SELECT class FROM {_PAIRS})), "
        f"abs((SELECT sum(persons) FROM {_CLASSES}) - sum(own))::BIGINT, "
        "coalesce(max(1 / n) FILTER (n > 0), 0), coalesce(min(1 / n) FILTER (n > 0), 0), "
        "coalesce(sum(persons / n) FILTER (n > 0) / sum(persons) FILTER (n > 0), 0) FROM found",
        {"k": k}).fetchall()[0]
    forget(con)
    faults = [(few, f"people of the source with fewer than {k} rows that may be theirs, and more than none"),
              (lost, f"people with a row of their own and fewer than {k} rows that may be theirs"),
              (uncovered, "classes that nobody of the source fits"),
              (surplus, "rows more or fewer than there are people with one")]
    figure = (f"full knowledge of {len(trees)} quasi-identifiers: risk of finding a person's row at most {most:.4f}, "
              f"on average {mean:.4f}, at least {least:.4f}")
    figures = {"linkage_risk_max_ppm": round(1e6 * most), "linkage_risk_mean_ppm": round(1e6 * mean),
               "linkage_risk_min_ppm": round(1e6 * least)}
    return verdict("G7", figure, [f"{name}: {count:,} {what}" for count, what in faults if count], figures)


def check_linkability(con: Connection, name: str, members: str, earlier: str, k: int) -> Verdict:
    """Checks G8: people who share a person's class in the table and in the one published before are at least k.

    Args:
        con: holds both.
        name: the table's name, for the violations.
        members: who (`token`) is in which `class` of the table; quoted.
        earlier: the same of the table published before.
        k: what is asked for.
    """
    groups, small, least = con.execute(
        "SELECT count(*), count(*) FILTER (n < $k), coalesce(min(n), 0) FROM (SELECT count(*) AS n "
        f"FROM {members} AS m JOIN {earlier} AS e USING (token) GROUP BY m.class, e.class)", {"k": k}).fetchall()[0]
    faults = [f"{name}: {small:,} groups of fewer than {k} people share a class in both tables"] if small else []
    figure = (f"k = {k}: the fewest people who share a class in this table and the one before are {least:,}" if groups
              else "nobody is in this table and in the one before")
    return verdict("G8", figure, faults, {"linkability_groups": groups, "linkability_least": least})


def check_gain(con: Connection, name: str, table: str, trees: Sequence[Hierarchy],
               sensitive: Sequence[Sensitive]) -> Verdict:
    """Checks G9, first half: in no class is a sensitive value likelier than in the table by more than its gain_t."""
    keys = ", ".join(quote(tree.column) for tree in trees)
    faults, said, figures = [], [], {}
    for asked in sensitive:
        value = quote(asked.column)
        above, most = con.execute(
            f"WITH cells AS (SELECT {keys}, {value} AS value, count(*) AS n FROM {table} GROUP BY ALL), "
            "shares AS (SELECT value, n / sum(n) OVER c AS p, sum(n) OVER v / sum(n) OVER () AS q, "
            f"dense_rank() OVER (ORDER BY {keys}) AS class FROM cells "
            f"WINDOW c AS (PARTITION BY {keys}), v AS (PARTITION BY value)) "
            "SELECT count(DISTINCT class) FILTER (p - q > $t), coalesce(max(p - q), 0) FROM shares",
            {"t": asked.gain_t + SLACK}).fetchall()[0]
        said.append(f"{asked.column} {most:.2f}")
        figures[f"gain_{asked.column}_ppm"] = round(1e6 * most)
        if above:
            faults.append(f"{name}.{asked.column}: {above:,} classes in which a value is likelier by more than "
                          f"{asked.gain_t:g}")
    return verdict("G9", f"a value's greatest gain over the whole table: {', '.join(said)}", faults, figures)


def guess(con: Connection, table: str, people: str, trees: Sequence[Hierarchy], sensitive: Sequence[Sensitive],
          target: str) -> None:
    """Make the temporary table `target`: for some people (`person`) and each column, whether the best guess is right.

    The best guess is the commonest value over all rows that may be the person's; of equal ones the first as text. Who
    has none is guessed the commonest of the whole table.
    """
    compatible(con, table, people, trees)
    match = " AND ".join(f"c.{quote(t.column)} = r.{quote(t.column)}" for t in trees)
    own = " AND ".join(f"t.{quote(t.column)} = p.{quote(t.column)}" for t in trees)
    for i, asked in enumerate(sensitive):
        value = quote(asked.column)
        query = (f"WITH cells AS (SELECT c.class, r.{value} AS value, count(*) AS n FROM {table} AS r "
                 f"JOIN {_CLASSES} AS c ON {match} GROUP BY ALL), "
                 f"pooled AS (SELECT a.tuple, c.value, sum(c.n) AS n FROM {_PAIRS} AS a JOIN cells AS c USING (class) "
                 "GROUP BY ALL), best AS (SELECT tuple, first(value ORDER BY n DESC, value) AS value FROM pooled "
                 "GROUP BY tuple), prior AS (SELECT first(value ORDER BY n DESC, value) AS value FROM "
                 "(SELECT value, sum(n) AS n FROM cells GROUP BY value)) "
                 f"SELECT p.person, {i:d} AS place, coalesce(b.value, w.value) = p.{value} AS is_right "
                 f"FROM {people} AS p JOIN {_TUPLES} AS t ON {own} LEFT JOIN best AS b USING (tuple) "
                 "CROSS JOIN prior AS w")
        begun = f"INSERT INTO {target}" if i else f"CREATE OR REPLACE TEMPORARY TABLE {target} AS"
        con.execute(f"{begun} {query}")
    forget(con)


def check_advantage(con: Connection, name: str, inside: str, outside: str, sensitive: Sequence[Sensitive],
                    limit: float) -> Verdict:
    """Checks G9, second half: being in the table makes a person's values no easier to guess, but for `limit`.

    Both tables hold guesses about the same control group: from the table with their rows, and from a build without
    them. The upper 95 % bound is Agresti and Min's for paired shares, which never takes few people for certainty.

    Args:
        con: holds both.
        name: the table's name, for the violations.
        inside: what `guess` made of the table.
        outside: what it made of the build without these people.
        sensitive: the columns, in the order they were guessed.
        limit: the advantage that is allowed.
    """
    faults, figures = [], {}
    found = {row[0]: row[1:] for row in con.execute(
        "SELECT place, count(*), count(*) FILTER (i.is_right AND NOT o.is_right), "
        f"count(*) FILTER (o.is_right AND NOT i.is_right) FROM {inside} AS i JOIN {outside} AS o USING (person, place) "
        "GROUP BY place").fetchall()}
    for i, asked in enumerate(sensitive):
        bound = upper_bound(*found.get(i, (0, 0, 0)))
        figures[f"advantage_{asked.column}_ppm"] = round(1e6 * bound)
        if bound > limit + SLACK:
            faults.append(f"{name}.{asked.column}: by up to {bound:.3f} easier to guess for being in the table, "
                          f"{limit:g} is allowed")
    figure = f"advantage of having a row at most {limit:g} at the upper 95 % bound"
    return verdict("G9", figure, faults, figures)


def surplus(con: Connection, inside: str, outside: str) -> int:
    """Returns by how many more guesses are right from the table than from the build, in the column where most are."""
    return int(con.execute(f"SELECT coalesce(max(n), 0) FROM (SELECT sum(i.is_right::INTEGER - o.is_right::INTEGER) "
                           f"AS n FROM {inside} AS i JOIN {outside} AS o USING (person, place) GROUP BY place)"
                           ).fetchall()[0][0])


def upper_bound(pairs: int, gained: int, lost: int) -> float:
    """Returns the one-sided upper 95 % bound of (gained - lost) / pairs; 1 where there are no pairs."""
    if not pairs:
        return 1.0
    n = pairs + 2
    apart = (gained - lost) / n
    return apart + _NORMAL_95 * sqrt(max((gained + lost + 1) / n - apart * apart, 0.0) / n)
