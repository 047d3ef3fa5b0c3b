"""What a catalogue says about a table, in the words that the three databases share, and what is refused because of it.

Belongs here: records. Does not belong here: reading a catalogue, judging.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from ajprivacy_pipeline.warehouse.constraints.lexer import mentioned

Table = tuple[str, ...]  # (schema, table), or (table,) in the connection's default schema
WriteKind = Literal["null", "neutral", "generalise", "tombstone", "delete"]
Event = Literal["update", "delete"]


@dataclass(frozen=True)
class Write:
    """One kind of change that a plan would make: to a column of some rows, or (column None) their deletion.

    `null` is an erasure: NULL, in a NOT NULL column the neutral value. `neutral` writes that value in any case.
    `values` are what would stand there afterwards as far as the policy says it (neutral values, one
    example of a value made for each row, tombstones, generalised values; never a person's), for lengths and CHECK
    constraints; without them these are refused where they would have to be known.
    """

    table: Table
    column: str | None
    kind: WriteKind
    has_neutral: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnFacts:
    """A column. `unique`: by itself it has another value in every row. `generated`: nobody may write it."""

    name: str
    type: str
    is_text: bool
    nullable: bool
    unique: bool = False
    max_length: int | None = None
    generated: bool = False
    on_update_timestamp: bool = False
    has_default: bool = False
    expression: str = ""  # of a generated column


@dataclass(frozen=True)
class Key:
    """A UNIQUE constraint or index, a primary key, or an exclusion constraint; `parts` are SQL, one a column."""

    name: str
    parts: tuple[str, ...]
    columns: tuple[str, ...]  # all that parts and predicate mention
    plain: bool  # parts are bare columns, and there is no predicate
    predicate: str = ""
    primary: bool = False
    nulls_distinct: bool = True
    exclusion: bool = False
    whole: bool = True  # no two rows agree; else two of different partitions, or of a table and its heir, may


@dataclass(frozen=True)
class Check:
    """A CHECK constraint of the table, or of the domain of one of its columns."""

    name: str
    sql: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key of `table` that points to `to`, names as their tables spell them; actions as SQL writes them."""

    name: str
    table: Table
    columns: tuple[str, ...]
    to: Table
    to_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    validated: bool = True
    match_full: bool = False
    deferrable: bool = False


@dataclass(frozen=True)
class Trigger:
    """A trigger or rule that a write may set off; `columns` of UPDATE OF, () = any."""

    name: str
    events: tuple[Event, ...]
    columns: tuple[str, ...] = ()
    kind: Literal["trigger", "rule"] = "trigger"
    body: str = ""  # hash of its text, so that a change is noticed


@dataclass(frozen=True)
class TableFacts:
    """Everything a plan has to know about a table.

    `key` finds its rows: the primary key, else the narrowest unique key without NULLs, else ().
    """

    table: Table
    kind: str  # "table", or what else it is: "view", "foreign table", ...
    columns: Mapping[str, ColumnFacts]
    keys: tuple[Key, ...] = ()
    checks: tuple[Check, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    incoming: tuple[ForeignKey, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    partition_columns: tuple[str, ...] = ()
    engine: str = ""  # named where it has no transactions
    versioned: bool = False
    row_security: bool = False  # for this user
    policies: str = ""  # hash of PostgreSQL's policies, and whether they are on
    on_conflict: str = ""  # SQLite: REPLACE or IGNORE, where a constraint of it says so
    published: bool = False  # PostgreSQL: others read every change of it
    unidentified: bool = False  # PostgreSQL: published, and nothing identifies its rows
    key: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Choose the key, and mark the columns that are unique by themselves, whole or in part."""
        alone = {columns[0] for key in self.keys if not key.exclusion
                 and len(columns := mentioned(" , ".join(key.parts), self.columns)) == len(key.parts) == 1}
        object.__setattr__(self, "columns", {name: replace(column, unique=name in alone)
                                             for name, column in self.columns.items()})
        object.__setattr__(self, "key", _best_key(self.keys, self.columns))

    @property
    def is_view(self) -> bool:
        """Whether it is no table that rows stand in."""
        return self.kind != "table"

    @property
    def touched(self) -> tuple[str, ...]:
        """Columns that the source changes by itself at every UPDATE."""
        return tuple(name for name, column in self.columns.items() if column.on_update_timestamp)

    def spelt(self, name: str) -> str | None:
        """Returns a column as the catalogue spells it; None: there is none."""
        return spelt(name, self.columns)

    @property
    def shown(self) -> str:
        """Its name for messages."""
        return ".".join(self.table)

    def dependents(self, written: set[str]) -> set[str]:
        """Returns the generated columns that are made of these columns, or of others that are."""
        found: set[str] = set()
        while more := {name for name, column in self.columns.items() if name not in found and column.expression
                       and set(mentioned(column.expression, self.columns)) & (written | found)}:
            found |= more
        return found


def spelt(name: str, known: Iterable[str]) -> str | None:
    """Returns the one of these names that is meant: itself, or the only one that differs in capitals alone."""
    known = tuple(known)
    found = [other for other in known if other.casefold() == name.casefold()]
    return name if name in known else found[0] if len(found) == 1 else None


def _best_key(keys: tuple[Key, ...], columns: Mapping[str, ColumnFacts]) -> tuple[str, ...]:
    for key in keys:
        if key.primary and key.whole:
            return key.columns
    whole = [key for key in keys if key.plain and not key.exclusion and key.whole
             and not any(columns[name].nullable for name in key.columns)]
    return min(whole, key=lambda key: (len(key.columns), key.name)).columns if whole else ()


@dataclass(frozen=True)
class Refusal:
    """What the source would refuse, or do too well; `fix` is one sentence: what a person does."""

    table: Table
    column: str | None
    constraint: str  # its name, else its kind
    fix: str
