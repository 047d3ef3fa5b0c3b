"""The policy's words that SQL loops over: purposes, attributes and freezes, numbered as bits from their order.

Belongs here: names, bits, and the columns an attribute stands in, all read from the policy. Does not belong here: the
text that loops over them (sql/, rendered by `models`). A set of names is an INTEGER inside the models and a list of
names outside; no bit is ever written by hand.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from ajprivacy_pipeline.errors import PolicyError
from ajprivacy_pipeline.policy.policy import DecisionPolicy
from ajprivacy_pipeline.policy.retention import Attribute

MOST_NAMES = 30  # bits of a positive INTEGER
MOST_IN_A_SET = 14  # each name doubles the sets whose names are listed


@dataclass(frozen=True)
class Term:
    """A name and its bit."""

    name: str
    bit: int


@dataclass(frozen=True)
class PurposeTerm(Term):
    """A purpose that covers attributes: what may keep it open, which requests move its end, what it rests on."""

    open_while: tuple[str, ...] = ()
    ended_by: tuple[str, ...] = ()
    of_guests: bool = True  # false: it rests on the customer's profile


@dataclass(frozen=True)
class ColumnTerm:
    """A column of an attribute: whether it is generalised when due, counts for people alone, is a date of birth."""

    name: str
    is_generalised: bool = False
    of_people: bool = False
    is_birth: bool = False

    @property
    def held(self) -> str:
        """A condition: a row `c` of its table, of a subject `s`, holds something that its action would change."""
        held = f"c.{self.name} IS NOT NULL"
        if self.is_birth or self.is_generalised:
            held = f"NOT is_generalised_{self.name}(c.{self.name})"
        if self.is_birth:
            held = f"(c.is_{self.name}_faulty OR {held})"
        return f"s.is_person AND {held}" if self.of_people else held


@dataclass(frozen=True)
class AttributeTerm:
    """An attribute with the types of subjects that have it, and its columns; none where no such subject has it."""

    name: str
    types: tuple[str, ...] = ()
    customers: tuple[ColumnTerm, ...] = ()
    contacts: tuple[ColumnTerm, ...] = ()

    @property
    def may_be_faulty(self) -> bool:
        """Whether a value of it may be a fault that holds this attribute alone."""
        return any(column.is_birth for column in (*self.customers, *self.contacts))


@dataclass(frozen=True)
class DatedColumn:
    """A column whose newest day is watched, by its name in the contract and in the staged table."""

    table: str
    name: str
    staged: str


@dataclass(frozen=True)
class Measure:
    """A share that is watched: of the rows `within`, how many are `counted`; both conditions on a staged row."""

    guard: str
    column: str
    counted: str
    within: str = "true"


@dataclass(frozen=True)
class MeasuredTable:
    """A table and the shares that are watched in it."""

    name: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Vocabulary:
    """What a template may loop over or name; hashable, so that a catalogue is rendered once for equal policies."""

    purposes: tuple[PurposeTerm, ...] = ()
    attributes: tuple[AttributeTerm, ...] = ()
    freezes: tuple[Term, ...] = ()
    measured: tuple[MeasuredTable, ...] = ()
    dated: tuple[DatedColumn, ...] = ()


def vocabulary_of(policy: DecisionPolicy) -> Vocabulary:
    """Returns the words of a policy, in the policy's order.

    They are the purposes that cover some attribute, all attributes and all freezes.

    Raises:
        PolicyError: more purposes or freezes than an INTEGER has bits.
    """
    retention = policy.retention
    covering = {purpose for attribute in retention.attributes.values() for purpose in attribute.purposes}
    deciding = {name: purpose for name, purpose in retention.purposes.items() if name in covering}
    bits = number(deciding, "purposes that cover attributes")
    return Vocabulary(
        tuple(PurposeTerm(name, bits[name], purpose.open_while, purpose.ended_by, purpose.of_guests)
              for name, purpose in deciding.items()),
        tuple(_attribute(policy, name, attribute) for name, attribute in retention.attributes.items()),
        tuple(Term(name, bit) for name, bit in number(retention.freezes, "freezes").items()),
        tuple(_measured(policy)), tuple(_dated(policy)))


def number(names: Iterable[str], what: str) -> dict[str, int]:
    """Returns a bit for each name, in order.

    Raises:
        PolicyError: there are more names than bits.
    """
    listed = list(names)
    if len(listed) > MOST_NAMES:
        raise PolicyError([f"purposes.toml: {len(listed)} {what}; the models can tell {MOST_NAMES} apart at most"])
    return {name: 1 << place for place, name in enumerate(listed)}


def listable(bits: dict[str, int], what: str) -> dict[str, int]:
    """Returns names with their bits, sorted by name, of which every set may be listed.

    Raises:
        PolicyError: there are too many names to list every set of them.
    """
    if len(bits) > MOST_IN_A_SET:
        raise PolicyError([f"purposes.toml: {what} {len(bits)} names; {MOST_IN_A_SET} at most, whose sets are listed"])
    return dict(sorted(bits.items()))


def subsets(bits: dict[str, int], what: str) -> Iterator[tuple[int, list[str]]]:
    """Yields every set of names as bits, with its names sorted; raises as `listable`."""
    bits = listable(bits, what)
    for size in range(len(bits) + 1):
        for names in combinations(bits, size):
            yield sum(bits[name] for name in names), list(names)


def purpose_sets(policy: DecisionPolicy) -> dict[int, list[str]]:
    """Returns every set of purposes that can retain an attribute, with its names sorted.

    Raises:
        PolicyError: an attribute is covered by more purposes than there may be names in a set.
    """
    bits = {purpose.name: purpose.bit for purpose in vocabulary_of(policy).purposes}
    found: dict[int, list[str]] = {}
    for name, attribute in policy.retention.attributes.items():
        covering = {purpose: bits[purpose] for purpose in attribute.purposes}
        found.update(subsets(covering, f"attributes.{name}.purposes has"))
    return found


def _attribute(policy: DecisionPolicy, name: str, attribute: Attribute) -> AttributeTerm:
    types = set(attribute.types) | set(attribute.misplaced)
    return AttributeTerm(name, tuple(sorted(types)),
                         _columns(policy, attribute, "customers") if types - {"contact"} else (),
                         _columns(policy, attribute, "contacts") if "contact" in types else ())


def _columns(policy: DecisionPolicy, attribute: Attribute, table: str) -> tuple[ColumnTerm, ...]:
    actions = policy.actions.get(table, {})
    return tuple(ColumnTerm(column, column in actions and actions[column].action == "generalise",
                            table == "customers" and column in attribute.company_columns,
                            policy.sources.tables[table].columns[column].birth)
                 for column in attribute.columns)


def staged_column(policy: DecisionPolicy, table: str, column: str) -> str:
    """Returns what a column of the contract is called in its staged table: an instant there is a local date."""
    is_day = policy.sources.tables[table].columns[column].type in ("timestamp", "date")
    return column.removesuffix("_at") + "_on" if is_day and column.endswith("_at") else column


def _dated(policy: DecisionPolicy) -> Iterator[DatedColumn]:
    evidence = policy.retention.evidence
    for table, columns in evidence.dated.items() if evidence else ():
        for column in columns:
            yield DatedColumn(table, column, staged_column(policy, table, column))


def _measured(policy: DecisionPolicy) -> Iterator[MeasuredTable]:
    for table in policy.sources.tables if policy.retention.evidence else ():
        if measures := tuple(_measures(policy, table)):
            yield MeasuredTable(table, measures)


def _measures(policy: DecisionPolicy, table: str) -> Iterator[Measure]:
    evidence = policy.retention.evidence
    if evidence is None:
        return
    spec = policy.sources.tables[table]
    for guard, columns in (("keeps", evidence.keeps), ("ends", evidence.ends)):
        for column in columns.get(table, ()):
            narrowed = evidence.within.get(table, {}).get(column, {})
            rows = [f"{of} IN ({_listed(values)})" for of, values in narrowed.items()]
            yield Measure(guard, column, f"{staged_column(policy, table, column)} IS NOT NULL",
                          " AND ".join(rows) or "true")
    for guard, values_of in (("rising", evidence.rising), ("falling", evidence.falling)):
        for column, values in values_of.get(table, {}).items():
            is_text = spec.columns[column].type in ("text", "enum", "id")
            yield Measure(guard, column, f"{column} IN ({_listed(values) if is_text else ', '.join(values)})")
    for column in evidence.references:
        if column in spec.columns and spec.key != (column,):
            yield Measure("orphans", column, f"{column} IS NOT NULL")


def _listed(values: Iterable[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)
