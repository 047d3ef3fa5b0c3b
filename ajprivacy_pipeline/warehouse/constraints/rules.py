"""What the source would refuse, or do too well, when a plan is carried out.

Belongs here: judging what the catalogue says, and one sentence for a person about each thing. Does not belong here:
reading the catalogue. Where it cannot be told, it is refused: a plan that nobody can approve destroys nothing.
"""

import re
from collections.abc import Container, Iterator, Sequence

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.warehouse.constraints.catalogue import Catalogue
from ajprivacy_pipeline.warehouse.constraints.lexer import mentioned
from ajprivacy_pipeline.warehouse.constraints.references import incoming, outgoing
from ajprivacy_pipeline.warehouse.constraints.shapes import Key, Refusal, Table, TableFacts, Write
from ajprivacy_pipeline.warehouse.constraints.trial import Writes, broken, collisions, ends_null, entering, outcomes

_KEEPS_APART = re.compile(r"(?:lower|upper|trim|btrim)\b", re.IGNORECASE)  # of values made from the row's key


def judge(catalogue: Catalogue, writes: Sequence[Write], reviewed: Container[Table],
          ended: Container[Table]) -> list[Refusal]:
    """Returns what stands against these writes, table by table, each thing once.

    Raises:
        SourceError: a table or column is not there.
    """
    found: list[Refusal] = []
    if writes and (remedy := catalogue.reader.read_only()):
        found.append(Refusal(writes[0].table, None, "read only", remedy))
    named = {write.table: catalogue.facts(write.table) for write in writes}
    all_tables = {facts.table for facts in named.values()}
    for table in dict.fromkeys(facts.table for facts in named.values()):
        facts = catalogue.facts(table)
        own = [write for write in writes if named[write.table].table == table]
        seen, ends = (facts.table in said or any(write.table in said for write in own) for said in (reviewed, ended))
        found += _table(catalogue, facts, own, all_tables, triggers_reviewed=seen, history_ends=ends)
    return list(dict.fromkeys(found))


def _table(catalogue: Catalogue, facts: TableFacts, own: Sequence[Write], all_tables: set[Table], *,
           triggers_reviewed: bool, history_ends: bool) -> Iterator[Refusal]:
    writes: dict[str, list[Write]] = {}
    for write in own:
        if write.column is not None:
            writes.setdefault(_column(facts, write.column), []).append(write)
    deletes = any(write.column is None for write in own)
    if facts.is_view:
        yield Refusal(facts.table, None, f"it is a {facts.kind}",
                      "name the table behind it, with its columns, under `writes` of the mapping")
        return
    yield from _storage(facts, set(writes))
    if not history_ends:
        yield from _histories(facts)
    yield from _rights(catalogue, facts, set(writes), deletes, triggers_reviewed=triggers_reviewed)
    if not triggers_reviewed:
        yield from _triggers(facts, set(writes), deletes)
    for name, changes in writes.items():
        yield from _one_column(catalogue, facts, name, changes)
    yield from _checks(catalogue, facts, writes)
    yield from _keys(catalogue, facts, writes)
    yield from outgoing(catalogue, facts, writes, all_tables)
    yield from incoming(catalogue, facts, set(writes) | facts.dependents(set(writes)), deletes)


def _column(facts: TableFacts, name: str) -> str:
    found = facts.spelt(name)
    if found is None:
        raise SourceError(f"table {facts.shown} has no column {name}; fix the mapping")
    return found


def _storage(facts: TableFacts, written: set[str]) -> Iterator[Refusal]:
    """What the table as a whole is."""
    if facts.engine:
        yield Refusal(facts.table, None, f"engine {facts.engine}", "move the table to an engine with transactions "
                      f"(ALTER TABLE {facts.shown} ENGINE = InnoDB), so that a batch can be undone as a whole")
    if facts.row_security:
        yield Refusal(facts.table, None, "row security", "let the user see and change every row (ALTER ROLE ... "
                      "BYPASSRLS, or make it the table's owner)")
    if facts.unidentified:
        yield Refusal(facts.table, None, "publication", "give the table a primary key or a REPLICA IDENTITY: it is "
                      "published, and PostgreSQL refuses to change rows that it cannot identify")
    constrained = {column for key in facts.keys for column in key.columns} | {
        name for name, column in facts.columns.items() if not column.nullable}
    if facts.on_conflict and written & constrained:
        yield Refusal(facts.table, None, f"ON CONFLICT {facts.on_conflict}", "make the table anew without that clause: "
                      "a conflict would end without an error")


def _histories(facts: TableFacts) -> Iterator[Refusal]:
    """What keeps the old value of every change, here or where others read it."""
    if facts.versioned:
        yield Refusal(facts.table, None, "system versioning", "end the table's history, or say in the mapping, in this "
                      "table's entry, after how many days old values leave it (history_days)")
    if facts.published and not facts.unidentified:
        yield Refusal(facts.table, None, "publication", "others read every change of this table: say in the mapping, "
                      "in its entry, for how many days they keep old values (history_days)")


def _rights(catalogue: Catalogue, facts: TableFacts, written: set[str], deletes: bool, *,
            triggers_reviewed: bool) -> Iterator[Refusal]:
    for column, right in catalogue.reader.lacks(facts, written, deletes):
        if right == "TRIGGER":
            if not triggers_reviewed:
                yield Refusal(facts.table, None, "right TRIGGER", "grant TRIGGER on the table to the user, without "
                              'which MariaDB shows no triggers, or look yourself and say triggers_reviewed = "reason"')
        else:
            where = f" of {column}" if column else ""
            yield Refusal(facts.table, column, f"right {right}",
                          f"grant {right}{where} on {facts.shown} to the user of AJPRIVACY_WAREHOUSE")


def _triggers(facts: TableFacts, written: set[str], deletes: bool) -> Iterator[Refusal]:
    happens = {"update"} if written else set()
    happens |= {"delete"} if deletes else set()
    for trigger in facts.triggers:
        aimed = not trigger.columns or ("delete" in trigger.events and deletes) or set(trigger.columns) & written
        if happens & set(trigger.events) and aimed:
            yield Refusal(facts.table, None, trigger.name, f"look at what this {trigger.kind} does with old values, "
                          "then say in the mapping, in this table's entry, why it may fire (triggers_reviewed)")


def _one_column(catalogue: Catalogue, facts: TableFacts, name: str, changes: Sequence[Write]) -> Iterator[Refusal]:
    column = facts.columns[name]
    if column.generated:
        yield Refusal(facts.table, name, "generated column", "map the columns it is made of instead: nobody may "
                      "write to it")
        return
    if name in facts.partition_columns:
        yield Refusal(facts.table, name, "partition key", "partition the table by a column that holds nothing about "
                      "a person: the row would move")
    dated = "date" in column.type.lower() or "time" in column.type.lower()
    if not column.nullable and not column.is_text and any(
            not write.has_neutral and (write.kind == "null" or (write.kind == "generalise" and not dated))
            for write in changes):
        yield Refusal(facts.table, name, "NOT NULL", "let the column be NULL, or give it a neutral value in the "
                      "policy's actions")
    values = [value for write in changes for value in outcomes(write, column) or () if value is not None]
    longest = max(map(len, values), default=0)
    if column.max_length is not None and longest > column.max_length:
        yield Refusal(facts.table, name, f"length {column.max_length}", f"make the column {longest} characters long: "
                      "what is to stand there does not fit")
    if not all(catalogue.reader.fits(value, column) for value in values):
        yield Refusal(facts.table, name, f"type {column.type}", "name a value of that type in the mapping's "
                      "[tombstones], or in the policy's actions")


def _checks(catalogue: Catalogue, facts: TableFacts, writes: Writes) -> Iterator[Refusal]:
    reached = set(writes) | facts.dependents(set(writes))
    for check in facts.checks:
        hit = [name for name in check.columns if name in reached]
        if not hit:
            continue
        rows = broken(catalogue, facts, check, writes)
        others = set(check.columns) - set(writes)
        if rows is None:
            yield Refusal(facts.table, hit[0], check.name, "let this CHECK allow what the policy writes there; "
                          "whether it does cannot be told from outside, so drop it or make it simpler")
        elif rows:
            counted = f": {rows} rows would not pass" if others or len(hit) > 1 else ""
            yield Refusal(facts.table, hit[0], check.name, "let this CHECK allow what the policy writes there"
                          + counted)


def _keys(catalogue: Catalogue, facts: TableFacts, writes: Writes) -> Iterator[Refusal]:
    made = facts.dependents(set(writes))
    for name in sorted(made):
        if not facts.columns[name].nullable:
            yield Refusal(facts.table, name, "NOT NULL of a generated column", "let it be NULL: it is made of a "
                          "column that is to be written")
    for key in facts.keys:
        hit = [name for name in key.columns if name in writes]
        if set(key.columns) & made:
            yield Refusal(facts.table, next(iter(set(key.columns) & made)), key.name, "drop this unique key, or have "
                          "it on columns that are not made of what is to be written")
        elif hit and key.primary:
            yield Refusal(facts.table, hit[0], key.name, "give the table a key that holds nothing about a person: its "
                          "rows could not be found again")
        elif hit:
            yield from _key(catalogue, facts, key, {name: writes[name] for name in hit})


def _key(catalogue: Catalogue, facts: TableFacts, key: Key, writes: Writes) -> Iterator[Refusal]:
    """A unique key or exclusion constraint that a change touches."""
    first = next(iter(writes))
    nulls = all(ends_null(write, facts.columns[name]) for name, some in writes.items() for write in some)
    if nulls and key.nulls_distinct and (key.plain or (not key.exclusion
                                                       and entering(catalogue, facts, key, writes) == 0)):
        return
    if key.exclusion:
        yield Refusal(facts.table, first, key.name, "drop this exclusion constraint, or have it on other columns: "
                      "whether changed rows exclude each other cannot be told from outside")
    elif not _apart(facts, key, writes):
        rows = collisions(catalogue, facts, key, writes)
        if rows is None:
            yield Refusal(facts.table, first, key.name, "have this unique key on the bare columns, or drop it: whether "
                          "changed rows collide cannot be told from outside")
        elif rows:
            yield Refusal(facts.table, first, key.name, "drop this unique key, or have it on other columns: "
                          f"{rows} of its values would stand in more than one row")


def _apart(facts: TableFacts, key: Key, writes: Writes) -> bool:
    """Whether every row gets a value of its own: an erased text that alone is unique, made from the row's key."""
    named = mentioned(" , ".join(key.parts), facts.columns)
    if len(key.parts) != 1 or len(named) != 1 or mentioned(key.predicate, writes):
        return False
    column = facts.columns[named[0]]
    erased = column.is_text and not column.nullable and all(write.kind in ("null", "neutral")
                                                            for write in writes.get(column.name, ()))
    return erased and all(map(_KEEPS_APART.fullmatch, re.findall(r"(\w+)\s*\(", key.parts[0])))
