"""Who adds what to each cell of the public tables, and which cells are shown: what differences are counted from.

Belongs here: temporary tables of contributors by cell, made of the anonymous facts; the marks, read from the public
tables; suppressing a cell wherever it is shown. Does not belong here: which differences a reader can form
(differencing).

Only what can be subtracted is here: sums, and counts of people. A median has no difference; stocks are rounded each by
itself.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from ajprivacy_pipeline.disclosure.cells.contributor_sources import (
    NAMELESS,
    Months,
    contributor_source,
    contributors_of,
    per_contributor,
    per_party,
    tells_nameless,
)
from ajprivacy_pipeline.disclosure.cells.primary import Shape, shape_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

_ROWS_AT_ONCE = 5_000_000  # of cells by contributor, before sums of equal ones


@dataclass(frozen=True)
class Contributions:
    """One public table with totals.

    people     temporary: the keys, token, own_<measure>; a row a cell and contributor, totals included
    nameless   temporary: the same of those who are not named, with a row an order; None where there are none
    cells      temporary: the keys, n_<measure> (contributors whose own is not zero), shown_<measure>
    additive   the dimensions over which each measure adds up to its totals
    persons    measures that count contributors: their own is 1 or 0
    """

    table: str
    relation: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    persons: frozenset[str]
    additive: dict[str, tuple[str, ...]]
    people: str
    cells: str
    nameless: str | None = None

    def parties(self, measure: str) -> str:
        """A relation of the keys, party and own: who may dominate an amount, with a row a cell and party."""
        keys, own = ", ".join(map(quote, self.keys)), f"{quote('own_' + measure)} AS own"
        if self.nameless is None:
            return f"(SELECT {keys}, token AS party, {own} FROM {self.people})"
        return (f"(SELECT {keys}, CAST(token AS HUGEINT) AS party, {own} FROM {self.people} "
                f"ANTI JOIN {self.nameless} USING ({keys}, token) UNION ALL "
                f"SELECT {keys}, -1 - CAST({quote(NAMELESS)} AS HUGEINT), {own} FROM {self.nameless})")

    @property
    def time(self) -> str:
        """The dimension that is never totalled."""
        return self.keys[0]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions that are."""
        return self.keys[1:]

    def overlapping(self, dimension: str) -> tuple[str, ...]:
        """Returns the measures whose parts along a dimension may share rows, so that they do not add up."""
        return tuple(m for m in self.measures if dimension not in self.additive[m])

    def overlaps(self, dimension: str) -> str:
        """Temporary: the keys without it, base_<measure>: contributors whose parts do not sum to their total."""
        return f"temp.{quote(f'overlaps_{self.table}_{dimension}')}"


def batches(con: Connection, policy: Policy, public: dict[str, str]) -> list[tuple[date, date]]:
    """Returns the months of the public tables, first and last of each batch: as many at once as fit in memory.

    No difference crosses months, so each batch can be counted, corrected and checked by itself.
    """
    rows: Counter[date] = Counter()
    for table in sorted(table for table in public if contributors_of(policy, table)):
        time, source = quote(shape_of(policy, table).time), contributor_source(policy, table)
        for month, count in con.execute(f"SELECT CAST(date_trunc('month', {time}) AS DATE), count(*) "
                                        f"FROM {source.relation} GROUP BY ALL").fetchall():
            rows[month] += count * 2 ** len(source.margins)
    found: list[list[date]] = []
    size = _ROWS_AT_ONCE
    for month in sorted(rows):
        if size + rows[month] > _ROWS_AT_ONCE:
            found.append([])
            size = 0
        found[-1].append(month)
        size += rows[month]
    return [(months[0], months[-1]) for months in found]


@contextmanager
def contributions(con: Connection, policy: Policy, public: dict[str, str],
                  months: Months = ()) -> Iterator[list[Contributions]]:
    """Count who stands behind the cells of every public table that has totals; forget it afterwards.

    Args:
        con: holds the facts and the public tables.
        policy: roles and totals.
        public: the quoted relation of each public table.
        months: the first and the last month to count; all when empty.
    """
    found = []
    try:
        for table, relation in sorted(public.items()):
            one = _describe(con, policy, table, relation)
            if one is not None:
                found.append(one)
                _count(con, policy, one, months)
                found[-1] = _with_nameless(con, policy, one, months)
                read_marks(con, policy, public, one)
        yield found
    finally:
        for one in found:
            for name in (one.people, _nameless(one), _counts(one), one.cells,
                         *(one.overlaps(d) for d in one.dimensions)):
                con.execute(f"DROP TABLE IF EXISTS {name}")


def _describe(con: Connection, policy: Policy, table: str, relation: str) -> Contributions | None:
    """What differences of a table are made of; None when it has no totals or nothing to subtract."""
    if contributors_of(policy, table) is None:
        return None
    shape, (keys, own, _) = shape_of(policy, table), per_contributor(con, policy, table)
    total = literal(policy.release.values.all)
    has_total = " OR ".join(["false", *(f"{quote(d)} = {total}" for d in keys[1:])])
    if not con.execute(f"SELECT bool_or({has_total}) FROM {relation}").fetchall()[0][0]:
        return None
    source = contributor_source(policy, table)
    measures = tuple(m for m in shape.measures if m not in (*shape.stocks, *source.counted)
                     and (m in own or m in source.persons))
    declared = policy.release.tables[table].columns
    return Contributions(
        table, relation, tuple(keys), measures, frozenset(source.persons),
        {m: tuple(d for d in keys[1:] if d in declared[m].subtracted_over) for m in measures},
        f"temp.{quote('people_' + table)}", f"temp.{quote('cells_' + table)}") if measures else None


def _counts(one: Contributions) -> str:
    return f"temp.{quote('counts_' + one.table)}"


def _count(con: Connection, policy: Policy, one: Contributions, months: Months) -> None:
    """Make the tables that do not depend on what is shown: people, counts by cell, overlaps."""
    _, _, rows = per_contributor(con, policy, one.table, months)
    persons = contributor_source(policy, one.table).persons
    own = {m: f"coalesce({quote('own_' + m)}, 0)" for m in one.measures if m not in persons}
    own |= {m: f"CAST(coalesce({quote('own_' + column)}, 0) <> 0 AS INTEGER)" if column else "1"
            for m, column in persons.items()}
    listed = ", ".join(map(quote, one.keys))
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_bare(one.people)} AS SELECT {listed}, token, "
                + ", ".join(f"{own[m]} AS {quote('own_' + m)}" for m in one.measures) + f" FROM ({rows})")
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_bare(_counts(one))} AS SELECT {listed}, "
                + ", ".join(f"count(token) FILTER ({quote('own_' + m)} <> 0) AS {quote('n_' + m)}"
                            for m in one.measures) + f" FROM {one.people} GROUP BY ALL")
    total = literal(policy.release.values.all)
    for dimension in one.dimensions:
        overlapping = one.overlapping(dimension)
        if not overlapping:
            continue
        rest = ", ".join(quote(d) for d in one.keys if d != dimension)
        excess = ", ".join(f"sum(CASE WHEN {quote(dimension)} = {total} THEN 1 ELSE -1 END * {quote('own_' + m)}) "
                           f"AS {quote('off_' + m)}" for m in overlapping)
        base = ", ".join(f"count(*) FILTER ({quote('off_' + m)} <> 0) AS {quote('base_' + m)}" for m in overlapping)
        con.execute(f"CREATE OR REPLACE TEMP TABLE {_bare(one.overlaps(dimension))} AS SELECT {rest}, {base} FROM "
                    f"(SELECT {rest}, token, {excess} FROM {one.people} GROUP BY ALL) GROUP BY ALL")


def _with_nameless(con: Connection, policy: Policy, one: Contributions, months: Months) -> Contributions:
    """The contributions with those apart who are not named, where there are any behind an amount."""
    amounts = [m for m in one.measures if m in shape_of(policy, one.table).amounts]
    if not amounts or not tells_nameless(con, policy, one.table):
        return one
    _, _, rows = per_party(con, policy, one.table, months, nameless=True)
    listed = ", ".join([*map(quote, one.keys), "token", quote(NAMELESS),
                        *(f"coalesce({quote('own_' + m)}, 0) AS {quote('own_' + m)}" for m in amounts)])
    made = con.execute(f"CREATE OR REPLACE TEMP TABLE {_bare(_nameless(one))} AS SELECT {listed} FROM ({rows})")
    return replace(one, nameless=_nameless(one)) if made.fetchall()[0][0] else one


def _nameless(one: Contributions) -> str:
    return f"temp.{quote('nameless_' + one.table)}"


def _bare(name: str) -> str:
    """A temporary table's name as CREATE TEMP TABLE takes it."""
    return name.removeprefix("temp.")


def read_marks(con: Connection, policy: Policy, public: dict[str, str], one: Contributions) -> None:
    """Read what is shown from the public tables: a cell that two tables of a population hold, if either shows it."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_bare(one.cells)} AS {_marked(policy, public, one, _counts(one))}")


def _read_chosen(con: Connection, policy: Policy, public: dict[str, str], one: Contributions) -> None:
    """Read the marks of the cells in temp.chosen anew."""
    keys = ", ".join(map(quote, one.keys))
    con.execute(f"DELETE FROM {one.cells} AS c USING temp.chosen AS x WHERE "
                + " AND ".join(f"c.{quote(d)} = x.{quote(d)}" for d in one.keys))
    con.execute(f"INSERT INTO {one.cells} "
                + _marked(policy, public, one, f"(SELECT * FROM {_counts(one)} SEMI JOIN temp.chosen USING ({keys}))"))


def _marked(policy: Policy, public: dict[str, str], one: Contributions, counts: str) -> str:
    """The SELECT of some cells' counts with what is shown of them."""
    others = _siblings(policy, public, one)
    total = literal(policy.release.values.all)
    joins = [f"LEFT JOIN {one.relation} AS p ON " + " AND ".join(f"p.{quote(d)} = c.{quote(d)}" for d in one.keys)]
    for i, shape in enumerate(others):
        own = list(shape.keys)
        same = [f"s{i}.{quote(d)} = c.{quote(d)}" for d in own if d in one.keys]
        same += [f"s{i}.{quote(d)} = {total}" for d in own if d not in one.keys]
        same += [f"c.{quote(d)} = {total}" for d in one.keys if d not in own]
        joins.append(f"LEFT JOIN {public[shape.table]} AS s{i} ON {' AND '.join(same)}")
    shown = []
    for m in one.measures:
        places = ["p", *(f"s{i}" for i, shape in enumerate(others) if m in shape.measures)]
        is_shown = " OR ".join(f"{place}.{quote(m)} IS NOT NULL" for place in places)
        shown.append(f"({is_shown}) AS {quote('shown_' + m)}")
    return f"SELECT c.*, {', '.join(shown)} FROM {counts} AS c {' '.join(joins)}"


def _siblings(policy: Policy, public: dict[str, str], one: Contributions) -> list[Shape]:
    """The other public tables that hold cells of the same population."""
    population = policy.release.tables[one.table].population
    return [shape_of(policy, t) for t in sorted(public) if t != one.table and population is not None
            and policy.release.tables[t].population == population]


def suppressed_along(shape: Shape, measure: str) -> tuple[str, ...]:
    """Returns the measures that are suppressed along with a measure (see `system`).

    With the first of a table that is its whole row, with an amount all amounts.
    """
    return shape.measures if measure == shape.measures[0] else shape.amounts if measure in shape.amounts else (measure,)


def hiding(shape: Shape, measure: str) -> str:
    """What an update of the public table `p` sets to suppress a measure, and what goes along, of some rows."""
    group = suppressed_along(shape, measure)
    marks = ("suppressed = true, suppressed_measures = []" if measure == shape.measures[0] else
             "suppressed_measures = list_sort(list_distinct(list_concat(p.suppressed_measures, "
             f"[{', '.join(map(literal, group))}])))")
    return marks + "".join(f", {quote(m)} = NULL" for m in group)


def hide(con: Connection, policy: Policy, public: dict[str, str], one: Contributions, measure: str) -> int:
    """Suppress a measure of the cells in temp.chosen wherever they are shown, and return how many values that took."""
    total, taken = literal(policy.release.values.all), 0
    for shape in (shape_of(policy, one.table), *_siblings(policy, public, one)):
        if measure not in shape.measures:
            continue
        own = list(shape.keys)
        same = [f"p.{quote(d)} = x.{quote(d)}" if d in one.keys else f"p.{quote(d)} = {total}" for d in own]
        same += [f"x.{quote(d)} = {total}" for d in one.keys if d not in own]
        found = con.execute(f"UPDATE {public[shape.table]} AS p SET {hiding(shape, measure)} FROM temp.chosen AS x "
                            f"WHERE {' AND '.join(same)} AND p.{quote(measure)} IS NOT NULL")
        taken += int(found.fetchall()[0][0])
    _read_chosen(con, policy, public, one)
    return taken
