"""The linear systems that published cells form: which cells add up to which, in one month, over all tables.

Belongs here: reading cells and marks, and finding the lines. Does not belong here: withholding (complement) or
judging (intervals).

A cell is a population, a month and the dimension values that are no total; tables of one population that show the same
cell show one unknown, which is known as soon as one of them shows it. So is the only child of a total, which has the
total's value, and a total without listed parts, which is a known zero: its rows add nothing to any part. A line is a
total and its parts along a dimension over which the policy says the measure adds up.
Amounts of a population are one group: they are withheld together, for one gives the other away through a price.
Stocks are in no system: rounded each by itself, a difference of two is uncertain by more than k anyway.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ajprivacy_pipeline.anonymise.thresholds import Shape, shape_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.zones import Connection, quote

_UNADDED = ("month", "day", "product_name")
Key = tuple[tuple[str, str], ...]


@dataclass
class Row:
    """A row of a public table: where it is, what it truly holds, what is withheld of it."""

    table: str
    number: int
    key: Key
    depth: int
    contributors: int
    values: dict[str, float]
    withheld: set[str]
    suppressed: bool


@dataclass(frozen=True)
class Group:
    """Measures of a population that are withheld together; `whole` when withholding one takes its row along."""

    name: str
    measures: tuple[str, ...]
    whole: bool
    is_amount: bool


@dataclass
class System:
    """One group of one month: unknowns, each with its rows, and lines of (total, parts) by position."""

    group: Group
    month: Any
    rows: list[list[Row]] = field(default_factory=list)
    lines: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    gone: list[bool] = field(default_factory=list)
    zeros: set[int] = field(default_factory=set)

    def is_withheld(self, unknown: int) -> bool:
        """Whether no row of the unknown shows it."""
        return self.gone[unknown]

    def look(self) -> None:
        """Read from the rows what is withheld."""
        measures = self.group.measures
        self.gone = [all(any(m in row.withheld for m in measures) for row in rows) for rows in self.rows]
        for unknown in self.zeros:
            self.gone[unknown] = False

    def value(self, unknown: int, measure: str) -> float:
        """The true value; 0 where the warehouse gives none."""
        return next((row.values[measure] for row in self.rows[unknown] if measure in row.values), 0.0)

    def contributors(self, unknown: int) -> int:
        """How many stand behind it."""
        return min(row.contributors for row in self.rows[unknown])

    def depth(self, unknown: int) -> int:
        """How many dimensions its coarsest row names: 0 for the total of all."""
        return min(row.depth for row in self.rows[unknown])


def read_rows(con: Connection, policy: Policy, public: dict[str, str]) -> dict[str, dict[Any, list[Row]]]:
    """Every row of the public tables that are in a system, by population and month.

    What is withheld is read from the public tables alone, the true values from the cells.
    """
    found: dict[str, dict[Any, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for table in sorted(public):
        shape = shape_of(policy, table)
        if not any(_lines_along(policy, table, m) for m in shape.measures):
            continue
        keys = [d for d in shape.dimensions if d not in _UNADDED]
        columns = ", ".join([f"p.{quote(d)}" for d in (shape.time, *keys)]
                            + ["p.rowid", "c.contributors", "p.suppressed"]
                            + [f"CAST(c.{quote(m)} AS DOUBLE), p.{quote(m)} IS NULL" for m in shape.measures])
        joined = ", ".join(map(quote, (shape.time, *keys)))
        query = (f"SELECT {columns} FROM {public[table]} AS p JOIN published.{quote(table)} AS c USING ({joined}) "
                 f"ORDER BY {', '.join('p.' + quote(d) for d in (shape.time, *keys))}")
        for record in con.execute(query).fetchall():
            row = _row(policy, shape, keys, record)
            found[_population(policy, table)][record[0]].append(row)
    return found


def _row(policy: Policy, shape: Shape, keys: list[str], record: tuple[Any, ...]) -> Row:
    named = record[1:1 + len(keys)]
    key = tuple(sorted((d, v) for d, v in zip(keys, named, strict=True) if v != policy.release.values.all))
    number, contributors, suppressed = record[1 + len(keys):4 + len(keys)]
    pairs = record[4 + len(keys):]
    values = {m: float(pairs[2 * i] or 0) for i, m in enumerate(shape.measures)}
    withheld = {m for i, m in enumerate(shape.measures) if pairs[2 * i + 1]}
    return Row(shape.table, number, key, len(key), contributors, values, withheld, suppressed)


def _population(policy: Policy, table: str) -> str:
    return policy.release.tables[table].population or table


def _lines_along(policy: Policy, table: str, measure: str) -> tuple[str, ...]:
    """The dimensions of a table over which a measure adds up to totals; none for a stock."""
    shape = shape_of(policy, table)
    if measure in shape.stocks:
        return ()
    additive = policy.release.tables[table].columns[measure].additive_over
    return tuple(d for d in shape.dimensions if d in additive and d not in _UNADDED)


def groups_of(policy: Policy, population: str) -> list[Group]:
    """The groups of a population in the order of withholding: whole rows first, then amounts, then other measures."""
    whole: list[str] = []
    single: list[str] = []
    amounts: list[str] = []
    for table in policy.release.tables:
        if _population(policy, table) != population or not policy.release.tables[table].months:
            continue
        shape = shape_of(policy, table)
        for measure in shape.measures:
            if not _lines_along(policy, table, measure):
                continue
            kind = amounts if measure in shape.amounts else whole if measure == shape.measures[0] else single
            if measure not in (*whole, *single, *amounts):
                kind.append(measure)
    groups = [Group(m, (m,), whole=True, is_amount=False) for m in whole]
    groups += [Group("amounts", tuple(amounts), whole=False, is_amount=True)] if amounts else []
    return groups + [Group(m, (m,), whole=False, is_amount=False) for m in single]


def systems(policy: Policy, rows: dict[str, dict[Any, list[Row]]]) -> Iterator[System]:
    """Every system, population by population and month by month."""
    for population, months in rows.items():
        groups = groups_of(policy, population)
        for month, found in months.items():
            for group in groups:
                system = build_system(policy, group, month, found)
                if system.lines:
                    yield system


def build_system(policy: Policy, group: Group, month: Any, rows: list[Row]) -> System:
    """The unknowns and lines of one group and month; cells that are in no line are left out."""
    shown: dict[Key, list[Row]] = defaultdict(list)
    parts: dict[tuple[Key, str], set[Key]] = defaultdict(set)
    for row in rows:
        if any(m in row.values for m in group.measures):
            shown[row.key].append(row)
    for row in rows:
        for dimension in {d for m in group.measures if m in row.values for d in _lines_along(policy, row.table, m)}:
            total = tuple(pair for pair in row.key if pair[0] != dimension)
            if total != row.key and total in shown:
                parts[total, dimension].add(row.key)
    same = {key: key for key in shown}

    def root(key: Key) -> Key:
        while same[key] != key:
            key = same[key]
        return key

    for (total, _), children in sorted(parts.items()):
        if len(children) == 1:
            same[root(next(iter(children)))] = root(total)
    used = sorted({root(key) for (total, _), children in parts.items() for key in (total, *children)})
    position = {key: i for i, key in enumerate(used)}
    system = System(group, month, [[] for _ in used])
    for key in sorted(shown):
        if root(key) in position:
            system.rows[position[root(key)]].extend(shown[key])
    lines = {(position[root(total)], tuple(sorted(position[root(c)] for c in children)))
             for (total, _), children in parts.items() if len(children) > 1}
    system.lines = sorted(lines)
    system.zeros = {position[root(row.key)] for row in rows for m in group.measures if m in row.values
                    and root(row.key) in position and row.values[m] == 0
                    and any((row.key, d) not in parts and d not in dict(row.key)
                            for d in _lines_along(policy, row.table, m))}
    system.look()
    return system
