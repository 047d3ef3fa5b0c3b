"""What a mapping comes to, held against a warehouse: tables and columns, and the cells of the source behind them.

Belongs here: these shapes alone. Does not belong here: how a query is traced (`reads`), how arms are told (`arms`), how
all of it is found (`mapping`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ajprivacy_pipeline.warehouse.rows import Told
from ajprivacy_pipeline.warehouse.source import ColumnType

Path = tuple[str, ...]
Value = bool | int | str


@dataclass(frozen=True)
class Cell:
    """A column of one mention of a table: two mentions in one query mean two rows, perhaps.

    `only` tells of which rows at most: by folded column, the words of which one stands there (`rows.told`).
    """

    table: tuple[str, ...]
    column: str
    mention: int
    only: Told = frozenset()


@dataclass(frozen=True)
class Made:
    """What a column is made of; `plain` where it is one column as it stands.

    `values` are those of the cells that are shown; the others tell which rows these are. So do those of `beside`, by
    which a row of another table is found with LEFT JOIN: they tell what is shown, and not whether the row is there.
    """

    cells: frozenset[Cell]
    plain: bool
    values: frozenset[Cell] = frozenset()
    beside: frozenset[Cell] = frozenset()


Spot = tuple[int, str]  # a mention of a table, and a column of it


@dataclass(frozen=True)
class Shown:
    """What a column of one arm shows: a literal text, and behind it a cell as it stands; None: something else."""

    prefix: str
    cell: Cell | None
    is_null: bool = False  # of every row
    bare: frozenset[str] = frozenset()  # values of the cell that have no prefix


@dataclass(frozen=True)
class Arm:
    """One arm of what feeds a table of the contract: how its ids begin, and in whose rows it can be changed.

    `plain` are the contract's columns that show a text as it stands in the source, or nothing. `table` is empty where
    its rows cannot be found. `key` is the column of the source behind the prefix; `columns` maps the contract's columns
    to those of the same row that they show, those of `behind` with a prefix; `mention` and `only` tell of which rows,
    as in `reads.Cell`. `ends` are what columns are given instead of deleting the row.
    """

    prefix: str
    plain: frozenset[str]
    table: Path = ()
    key: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    mention: int = -1
    only: Told = frozenset()
    ends: Mapping[str, Value] = field(default_factory=dict)
    behind: frozenset[str] = frozenset()


Columns = Mapping[str, Shown]


@dataclass(frozen=True)
class Reads:
    """What a SELECT reads: for each of its columns, and to tell which rows there are.

    `equal` are pairs of spots: in every row that is read of the first one's mention, both hold the same. `arms` are
    what the columns show in each arm of a union, or in the one there is; none where views or WITH are read.
    """

    columns: Mapping[str, Made]
    rows: frozenset[Cell]
    equal: frozenset[tuple[Spot, Spot]] = frozenset()
    arms: tuple[Columns, ...] = ()

    def found_by(self, column: str) -> frozenset[Spot]:
        """Returns the spots that hold, in every row that is read of their mention, what a column of this SELECT shows.

        None where the column is not one of a table's as it stands there.
        """
        made = self.columns.get(column)
        if made is None or not made.plain:
            return frozenset()
        found, more = set[Spot](), {(cell.mention, cell.column) for cell in made.cells}
        while more - found:
            found |= more
            more = {own for own, other in self.equal if other in found}
        return frozenset(found)


@dataclass(frozen=True)
class ResolvedColumn:
    """What feeds a canonical column. `sql` is an expression in the source's dialect, identifiers quoted."""

    sql: str
    type: ColumnType
    source_column: str | None  # None: a constant or an expression, which cannot be written to
    constant: str | None = None
    nullable: bool = True
    written: tuple[str, ...] = ()  # the columns of `ResolvedTable.written_table` that are changed for it
    wrapped: bool = False  # whether `sql` shows the source column otherwise than it stands there (`readable`)
    keyless: bool = False  # whether no row is found again by what it shows
    leads: str | None = None  # the id that stands in its row, where a survivor is shown in its place (`merged`)

    @property
    def is_made(self) -> bool:
        """Whether the source computes it."""
        return self.source_column is None and self.constant is None


@dataclass(frozen=True)
class ResolvedTable:
    """What feeds a canonical table. `relation` is what stands behind FROM in the source's dialect."""

    relation: str
    source_table: tuple[str, ...] | None  # (schema, table) or (table,); None: a query, which cannot be written to
    columns: dict[str, ResolvedColumn | None]  # every canonical column, in the order of the contract
    written_table: tuple[str, ...] | None = None  # the table in whose rows it is changed; None: it cannot be
    mention: int | None = None  # which mention of it in `reads` these rows are
    reads: Reads | None = None  # by canonical column; None: plain columns alone, or not understood
    arms: tuple[Arm, ...] = ()  # where an id tells in which table its row is changed; none: in `written_table` alone


@dataclass(frozen=True)
class ResolvedSource:
    """A mapping held against a warehouse: everything in it exists there. None = absent, hence empty."""

    tables: dict[str, ResolvedTable | None]
    evidence_missing: dict[str, tuple[str, ...]]  # canonical table → columns, or ("*",) for the whole table
    of_master: dict[str, tuple[str, ...]] = field(default_factory=dict)  # → columns that have nothing of their own
    heirs: frozenset[tuple[tuple[str, ...], tuple[str, ...]]] = frozenset()  # (heir, table whose rows they are too)
