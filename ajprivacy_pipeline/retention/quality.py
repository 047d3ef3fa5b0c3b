"""What is wrong with a month's facts: values that do not fit, and evidence that is missing.

Belongs here: finding and counting faults of values, stopping at a column that does not fit as a whole, and reading why
nobody is due. Does not belong here: what a fault freezes (`sql/retention`), converting values (`sql/staged`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.policy import DecisionPolicy, SourceColumn, SourceTable
from ajprivacy_pipeline.retention.bind import policy_parameters
from ajprivacy_pipeline.storage.zones import Connection, engine_errors, literal, quote

QUALITY_COLUMNS = ("table_name VARCHAR, id VARCHAR, column_name VARCHAR, fault VARCHAR, "
                   "freezes BOOLEAN")  # of staged.quality
_OF_READING = ("unknown_value", "unparsable", "implausible_date", "sentinel")
_JUDGED_FROM = 20  # non-empty values; a column with fewer is judged value by value
_FORMS = {
    "timestamp": "moments of ISO 8601 (2026-01-31, 2026-01-31 23:30:00, 2026-01-31T23:30:00+01:00, 20260131, "
                 "2026-W05-6), within the policy's plausible years",
    "date": "days of ISO 8601 (2026-01-31, 20260131, 2026-W05-6), within the policy's plausible years",
    "amount": "numbers with a decimal point (1234.50)", "number": "numbers with a decimal point (1234.5)",
    "integer": "whole numbers", "boolean": "true and false, 1 and 0, yes and no",
}


def fault_counts(con: Connection) -> list[tuple[str, str, str, int]]:
    """(table, column, fault, rows) of staged.quality, the most frequent first; never an id or a value."""
    found = con.execute("SELECT table_name, column_name, fault, count(*) FROM staged.quality "
                        "GROUP BY ALL ORDER BY 4 DESC, 1, 2, 3").fetchall()
    return [(str(table), str(column), str(fault), int(rows)) for table, column, fault, rows in found]


def missing_evidence(con: Connection) -> list[str]:
    """Returns why nobody is due this month, empty when the facts are evidence; names of tables and columns alone."""
    is_missing, reasons = con.execute("SELECT is_missing, reasons FROM retention.evidence").fetchall()[0]
    return [str(reason) for reason in reasons] if is_missing else []


def write_quality(con: Connection, policy: DecisionPolicy) -> int:
    """Write `staged.quality`, and stop where a column does not fit as a whole.

    Returns:
        The number of rows.

    Raises:
        SourceError: most values of a column do not fit its type, so that no decision may rest on it.
    """
    rows = judge_values(con, policy)
    with engine_errors("staged.quality"):
        unfit = unfit_columns(con, policy)
    if unfit:
        raise SourceError("\n  - ".join(["columns that do not fit as a whole; nothing is decided:",
                                         *(column.sentence for column in unfit)]))
    return rows


def judge_values(con: Connection, policy: DecisionPolicy) -> int:
    """Write `staged.quality`: every value of raw that does not fit, without the value; returns the number of rows.

    Grain: a row per record, column and fault. Faults: unknown_value, unparsable, implausible_date, sentinel (of
    reading); missing, end_before_beginning; orphan, misplaced. `freezes` says whether it may freeze what it touches: it
    is none of the last two, and a rule reads the column.
    """
    con.execute(f"CREATE OR REPLACE TABLE staged.quality ({QUALITY_COLUMNS})")
    known = policy_parameters(policy, "2000-01")
    with engine_errors("staged.quality"):
        filled = [name for name in policy.sources.tables if _has_rows(con, name)]  # planning costs more than judging
        for name in filled:
            judge = _Judge(policy, name, policy.sources.tables[name])
            if statement := judge.insert(list(policy.retention.tombstones.values())):
                con.execute(statement, {p: known[p] for p in _PARAMETERS if f"${p}" in statement})
        for statement in (*_orphan_inserts(policy, filled), *_misplaced_inserts(policy)):
            con.execute(statement)
        return int(con.execute("SELECT count(*) FROM staged.quality").fetchall()[0][0])


def _has_rows(con: Connection, table: str) -> bool:
    return bool(con.execute(f"SELECT 1 FROM raw.{quote(table)} LIMIT 1").fetchall())


@dataclass(frozen=True)
class ReadingFaults:
    """How many values of a source column could not be read; counts alone, never a value.

    `given` counts the values that are not empty, `faults` those of them that could not be read, `sentinels` those of
    the faults that are a sentinel date. `forms` says what is read, in words.
    """

    table: str
    column: str
    given: int
    faults: int
    sentinels: int
    forms: str

    @property
    def is_unfit(self) -> bool:
        """Whether the column does not fit its type as a whole, so that no decision may rest on it."""
        return self.given >= _JUDGED_FROM and 2 * self.faults > self.given

    @property
    def sentence(self) -> str:
        """Table, column, counts, the forms that are read, and the mend."""
        empty = (f'; {self.sentinels:,} of them stand for "no date": say so with tables.{self.table}.columns.'
                 f'{self.column} = {{ column = "...", empty = [...] }}' if self.sentinels else "")
        return (f"{self.table}.{self.column}: {self.faults:,} of {self.given:,} values do not fit; what is read: "
                f'{self.forms}{empty}; or feed it from {{ sql = "..." }} in the mapping')


def reading_faults(con: Connection, policy: DecisionPolicy, at_least: int = 1) -> list[ReadingFaults]:
    """The columns of which at least so many values could not be read, by table and column; needs staged.quality."""
    found = con.execute("SELECT table_name, column_name, count(*), count(*) FILTER (fault = 'sentinel') "
                        "FROM staged.quality WHERE list_contains($faults, fault) GROUP BY ALL ORDER BY ALL",
                        {"faults": list(_OF_READING)}).fetchall()
    return [ReadingFaults(name, column, _given(con, name, column), faults, sentinels, _forms(policy, name, column))
            for name, column, faults, sentinels in found if faults >= at_least]


def unfit_columns(con: Connection, policy: DecisionPolicy) -> list[ReadingFaults]:
    """Columns of whose values, where there are enough of them, over half could not be read."""
    return [found for found in reading_faults(con, policy, _JUDGED_FROM // 2 + 1) if found.is_unfit]


def _given(con: Connection, table: str, column: str) -> int:
    found = con.execute(f"SELECT count(*) FROM raw.{quote(table)} WHERE is_given({quote(column)})").fetchall()
    return int(found[0][0])


def _forms(policy: DecisionPolicy, table: str, column: str) -> str:
    spec = policy.sources.tables[table].columns[column]
    return ", ".join(spec.values) or _FORMS[spec.type]


_PARAMETERS = ("first_day", "last_day", "first_birth_day", "last_birth_day", "plausible_sentinels", "sentinel_dates",
               "end_before_beginning_days")


@dataclass(frozen=True)
class _Fault:
    """When a value is at fault, how the fault is called, and whether it freezes: expressions over the row `r`."""

    condition: str
    name: str
    freezes: bool


class _Judge:
    """Writes the INSERT of one table's faults: each value is read once, and named only where it is at fault."""

    def __init__(self, policy: DecisionPolicy, name: str, table: SourceTable) -> None:
        """Keep what the statement is made of."""
        self._sources, self._name, self._table = policy.sources, name, table
        self._joins: list[str] = []
        self._read: dict[str, str] = {}

    def insert(self, tombstones: list[str]) -> str | None:
        """The statement; None where no value of the table can be at fault."""
        faults = {column: fault for column, spec in self._table.columns.items()
                  if (fault := self._fault(column, spec)) is not None}
        if not faults:
            return None
        read = "".join(f", {value} AS {quote(name)}" for name, value in self._read.items())
        judged = ", ".join(f"{fault.condition} AS {quote('bad_' + column)}" for column, fault in faults.items())
        anything = " OR ".join(quote(f"bad_{column}") for column in faults)
        cases = ", ".join(f"CASE WHEN {quote('bad_' + column)} THEN {{'column_name': {literal(column)}, "
                          f"'fault': {fault.name}, 'freezes': {str(fault.freezes).lower()}}} END"
                          for column, fault in faults.items())
        key = _key_expression(self._table, "r")
        spared = (f" WHERE {key} NOT IN ({', '.join(map(literal, tombstones))})"
                  if self._name in ("customers", "contacts") else "")
        found = f"unnest(list_filter([{cases}], lambda f: f IS NOT NULL))"
        return (f"INSERT INTO staged.quality SELECT {literal(self._name)}, id, fault.column_name, fault.fault, "
                f"fault.freezes FROM (SELECT {key} AS id, {found} AS fault FROM (SELECT r.*, {judged} FROM "
                f"(SELECT r.*{read} FROM raw.{quote(self._name)} AS r {' '.join(self._joins)}{spared}) AS r) AS r "
                f"WHERE {anything})")

    def _fault(self, column: str, spec: SourceColumn) -> _Fault | None:
        x = f"r.{quote(column)}"
        must_be = spec.required and not spec.nullable and column not in self._table.key
        unless_empty = "" if must_be else f" AND is_given({x})"
        freezes = spec.decides and not spec.birth
        if spec.type in ("timestamp", "date"):
            return self._date_fault(column, spec, unless_empty, freezes=freezes)
        if spec.type == "enum":
            known = ", ".join(literal(value) for value in spec.values)
            return _Fault(f"NOT coalesce(text_of({x}) IN ({known}), {str(not must_be).lower()})",
                          f"CASE WHEN is_given({x}) THEN 'unknown_value' ELSE 'missing' END", freezes)
        if spec.type in ("amount", "number", "boolean", "integer"):
            return _Fault(f"{spec.type}_of({x}) IS NULL{unless_empty}",
                          f"CASE WHEN is_given({x}) THEN 'unparsable' ELSE 'missing' END", freezes)
        return _Fault(f"NOT is_given({x}){self._unless_guest(column, spec)}", "'missing'", freezes) if must_be else None

    def _date_fault(self, column: str, spec: SourceColumn, unless_empty: str, *, freezes: bool) -> _Fault:
        x, day = f"r.{quote(column)}", f"r.{quote('day_' + column)}"
        self._read[f"day_{column}"] = (f"local_on({x}, $first_birth_day, $last_birth_day)" if spec.birth else
                                       f"date_on({x}, $first_day, $last_day, $plausible_sentinels)")
        sentinel = "" if spec.birth else f"WHEN is_on_one_of({x}, $sentinel_dates) THEN 'sentinel' "
        before = self._before_beginning(day, spec)
        inverted = f"WHEN {day} IS NOT NULL THEN 'end_before_beginning' " if before else ""
        return _Fault(f"(({day} IS NULL{unless_empty}){before})",
                      f"CASE WHEN NOT is_given({x}) THEN 'missing' {inverted}{sentinel}"
                      f"WHEN local_at({x}) IS NULL THEN 'unparsable' ELSE 'implausible_date' END", freezes)

    def _before_beginning(self, day: str, spec: SourceColumn) -> str:
        """That a day lies long before its beginning, which may stand in another table."""
        if spec.not_before is None:
            return ""
        beginning = f"r.{quote('day_' + spec.not_before)}"
        if "." in spec.not_before:
            other, _, column = spec.not_before.partition(".")
            key, there = self._sources.tables[other].key[0], column.removesuffix("_at") + "_on"
            join = (f"LEFT JOIN staged.{quote(other)} AS {quote(other)} "
                    f"ON {quote(other)}.{quote(key)} = text_of(r.{quote(key)})")
            if join not in self._joins:
                self._joins.append(join)
            self._read[f"day_{spec.not_before}"] = f"{quote(other)}.{quote(there)}"
        return f" OR coalesce({day} < {beginning} - CAST($end_before_beginning_days AS INTEGER), false)"

    def _unless_guest(self, column: str, spec: SourceColumn) -> str:
        """The exceptions for guests, who have no number: beside nothing, or by the order that a record belongs to."""
        if spec.missing_beside is not None:
            return f" AND is_given(r.{quote(spec.missing_beside)})"
        if spec.guest_by is None:
            return ""
        home = next(name for name, table in self._sources.tables.items() if table.key == (spec.guest_by,))
        beside = str(self._sources.tables[home].columns[column].missing_beside)
        self._joins.append(
            f"LEFT JOIN (SELECT text_of({quote(spec.guest_by)}) AS guest_key FROM raw.{quote(home)} WHERE NOT "
            f"is_given({quote(column)}) AND NOT is_given({quote(beside)})) AS guests "
            f"ON guests.guest_key = text_of(r.{quote(spec.guest_by)})")
        self._read["is_guest"] = "guests.guest_key IS NOT NULL"
        return f" AND (is_given(r.{quote(beside)}) OR NOT r.is_guest)"


def _key_expression(table: SourceTable, alias: str) -> str:
    return " || ':' || ".join(f"text_of({alias}.{quote(column)})" for column in table.key)


def _orphan_inserts(policy: DecisionPolicy, filled: Sequence[str]) -> Iterator[str]:
    tables = policy.sources.tables
    home = {table.key[0]: name for name, table in tables.items() if len(table.key) == 1}
    for name in filled:
        table = tables[name]
        for column, spec in table.columns.items():
            target = home.get(column)
            if spec.type != "id" or target in (None, name):
                continue
            key = " || ':' || ".join(f"s.{quote(part)}" for part in table.key)
            yield (f"INSERT INTO staged.quality SELECT {literal(name)}, {key}, {literal(column)}, 'orphan', false "
                   f"FROM staged.{quote(name)} AS s ANTI JOIN staged.{quote(str(target))} AS t "
                   f"ON t.{quote(column)} = s.{quote(column)} WHERE s.{quote(column)} IS NOT NULL")


def _misplaced_inserts(policy: DecisionPolicy) -> Iterator[str]:
    for attribute in policy.retention.attributes.values():
        for column in attribute.columns if attribute.misplaced else ():
            types = ", ".join(literal(subject_type) for subject_type in attribute.misplaced)
            spec = policy.sources.tables["customers"].columns[column]
            empty = f"is_generalised_birth_date({quote(column)})" if spec.type == "date" else f"{quote(column)} IS NULL"
            yield (f"INSERT INTO staged.quality SELECT 'customers', customer_id, {literal(column)}, 'misplaced', false "
                   f"FROM staged.customers WHERE customer_type IN ({types}) AND NOT ({empty})")
