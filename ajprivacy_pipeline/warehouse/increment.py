"""A month that reads what has changed, and takes the rest from the file of an earlier one.

What has changed is read into a database in memory and settled there, like everything that is read; then each table of
`raw` is made of it and of the parts that are as they were, which the earlier file holds read and settled. All of `raw`
is checked as ever. Wherever an answer is in doubt nothing is taken, and the month reads everything.

    increment.marks     table_name, part, rows, mark: what the source has answered about all parts of a table
    increment.emptied   table_name, column_name: where the mapping called a value of a column empty
    increment.basis     basis, full_month: by what was read, and in which month everything was; written last

Belongs here: which parts are read, what is taken over. Does not belong here: the questions (`marks`), whose file it is
(`run/increments`).
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.marks import COLUMNS, has_marks, is_told_in_parts, of_parts, part_of, question
from ajprivacy_pipeline.warehouse.reader import Reader
from ajprivacy_pipeline.warehouse.resolved import ResolvedTable
from ajprivacy_pipeline.warehouse.source import Source

SCHEMA = "increment"
_MARKS = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
_TABLES = {
    "marks": f"table_name VARCHAR, {_MARKS}",
    "emptied": "table_name VARCHAR, column_name VARCHAR",
    "basis": "basis VARCHAR, full_month VARCHAR",
}
_LEAST = 0.5  # of a table's rows must be as they were, or all of it is read: asking for parts has its price, too
_MOST_PARTS = 50_000  # that are named in one question


class DoubtError(Exception):
    """No answer, or one that does not fit what the earlier file holds: everything has to be read.

    Never leaves `run/increments`.
    """


@dataclass
class Increment:
    """What one extraction asks and takes over.

    `before` is the attached database of an earlier month, whose basis is that of this one; None: everything is read,
    and the marks are kept for the next month. `whole` are the tables that are read as a whole anyway. `partial` are
    those of which some parts alone were read.
    """

    con: zones.Connection
    before: str | None = None
    whole: frozenset[str] = frozenset()
    partial: set[str] = field(default_factory=set)

    def start(self) -> None:
        """Make the empty tables of `increment` in the current database."""
        self.con.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        for name, columns in _TABLES.items():
            self.con.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.{name} ({columns})")

    def narrowed(self, rows: Reader, source: Source, name: str, key: str, found: ResolvedTable) -> ResolvedTable:
        """Ask for the marks of a table, which stands empty in the current database; returns what is to be read of it.

        Args:
            rows: how the source is read, inside its snapshot.
            source: the warehouse.
            name: the table, in the contract.
            key: the first column of its key.
            found: what feeds it.

        Raises:
            DoubtError: the source could not answer, which it may where all can be read.
        """
        self.partial.discard(name)  # of an attempt that was given up
        if name in self.whole or not has_marks(source) or not is_told_in_parts(found):
            return found
        try:
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE answered ({_MARKS})")
            with zones.one_thread(self.con):  # several take turns asking whether the server has an answer
                rows.copy(name, question(source.dialect, key, found), dict(COLUMNS), "temp.answered")
            self.con.execute("UPDATE temp.answered SET part = decode(unhex(part))")
        except (PrivacyError, zones.EngineError):
            raise DoubtError(name) from None
        self.con.execute(f"INSERT INTO {SCHEMA}.marks SELECT $table, * FROM temp.answered", {"table": name})
        if self.before is None or self._columns(name, self.before) != self._columns(name):
            return found
        changed = f"FROM temp.answered WHERE part NOT IN (SELECT part FROM ({self._unchanged()}))"
        every, some, parts = self.con.execute(
            f"SELECT (SELECT coalesce(sum(rows), 0) FROM temp.answered), coalesce(sum(rows), 0), count(*) {changed}",
            {"table": name}).fetchall()[0]
        if parts > _MOST_PARTS or every - some < _LEAST * every:
            return found
        self.partial.add(name)
        return of_parts(source.dialect, key, found, [part for (part,) in self.con.execute(
            f"SELECT hex(encode(part)) {changed} ORDER BY part", {"table": name}).fetchall()])

    def take(self, name: str, key: str, changed: str) -> None:
        """Append the unchanged rows of a table from the earlier file to `raw` of the current database.

        Args:
            name: the table, which is `partial`.
            key: the first column of its key.
            changed: the database into which the rest was read, with the marks.

        Raises:
            DoubtError: a part has other rows there than the source has answered.
        """
        before = f"{zones.quote(str(self.before))}.raw.{zones.quote(name)}"
        part = part_of(zones.quote(key))
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE unchanged AS {self._unchanged(changed)}", {"table": name})
        odd = self.con.execute(
            f"SELECT count(*) FROM temp.unchanged LEFT JOIN (SELECT {part} AS part, count(*) AS found FROM {before} "
            "GROUP BY ALL) USING (part) WHERE found IS DISTINCT FROM rows").fetchall()[0][0]
        if odd:
            raise DoubtError(name)
        self.con.execute(f"INSERT INTO raw.{zones.quote(name)} FROM {before} "
                         f"WHERE {part} IN (SELECT part FROM temp.unchanged)")

    def note_emptied(self, touched: Collection[tuple[str, str]]) -> None:
        """Keep in which columns (table, column) the mapping called a value empty."""
        for pair in sorted(set(touched)):
            self.con.execute(f"INSERT INTO {SCHEMA}.emptied VALUES (?, ?)", list(pair))

    def close(self, basis: str, full_month: str) -> None:
        """Let a later month take over what is there: it is complete, and settled."""
        self.con.execute(f"INSERT INTO {SCHEMA}.basis VALUES (?, ?)", [basis, full_month])

    def _unchanged(self, now: str | None = None) -> str:
        """SQL of the parts of a table, `$table`, that are as they were, with the number of their rows."""
        own = f"{zones.quote(now)}.{SCHEMA}" if now else SCHEMA
        return (f"SELECT part, rows FROM {own}.marks SEMI JOIN {zones.quote(str(self.before))}.{SCHEMA}.marks "
                "USING (table_name, part, rows, mark) WHERE table_name = $table")

    def _columns(self, name: str, database: str | None = None) -> list[tuple[str, str]]:
        return self.con.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = coalesce($database, "
            "current_database()) AND schema_name = 'raw' AND table_name = $table ORDER BY column_index",
            {"database": database, "table": name}).fetchall()
