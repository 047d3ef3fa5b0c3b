"""Carrying a plan out: the one door to the warehouse.

Belongs here: batches of whole people, each one transaction: read under locks, changed, read back, marked, committed;
then recorded. Does not belong here: what is due (`fresh`), what a value ends as (`values`), how a database is written.
Killed anywhere and started again it ends in the same state: what was done is told by marker and ledger, never by how a
value looks.
"""

import gc
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa

from ajprivacy_pipeline.enforcement import fresh, locked, tombstones
from ajprivacy_pipeline.enforcement.bodies import CopyCount
from ajprivacy_pipeline.enforcement.copies import Copies, CopyEdit, copy_counts
from ajprivacy_pipeline.enforcement.edits import Edits, Key, Kinds, counted, links
from ajprivacy_pipeline.enforcement.ground import Ground
from ajprivacy_pipeline.enforcement.plans import Plan
from ajprivacy_pipeline.enforcement.readback import read_back
from ajprivacy_pipeline.enforcement.shown import require_gone
from ajprivacy_pipeline.enforcement.stages import stages_of
from ajprivacy_pipeline.enforcement.targets import Place
from ajprivacy_pipeline.enforcement.together import newly_shared
from ajprivacy_pipeline.enforcement.work import Going, gather, gathered
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_tables import request_events, review_decisions
from ajprivacy_pipeline.storage.month_files import hold_lock
from ajprivacy_pipeline.warehouse.texts import as_text
from ajprivacy_pipeline.warehouse.writer import Batch, BusyError, Change, Moment, Writer, open_writer

__all__ = ["Batch", "BusyError", "Change", "Checkpoint", "Done", "Door", "Seen", "Writer", "open_writer",
           "said_by_people", "told"]

Checkpoint = Callable[[str], None]  # told what comes next; a test kills there


@dataclass
class Done:
    """What a batch came to."""

    rows: list[int] = field(default_factory=list)  # numbers of the plan's rows
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # (entity, part, "rows" or an action): cells
    emptied: Counter[tuple[str, str]] = field(default_factory=Counter)  # (table, column; '': whole rows)
    again: list[tuple[str, str, int]] = field(default_factory=list)  # rows of a part that were carried out before
    arrived: int = 0  # records about its people that came while it ran
    locked_seconds: float = 0.0  # from its first lock to its commit
    put_off: set[str] = field(default_factory=set)  # people who changed meanwhile
    copies: list[CopyCount] = field(default_factory=list)


class Seen(NamedTuple):
    """When everything was decided about, what people had recorded by then, and the fingerprints of lasting keys."""

    on: date
    said: tuple[Any, ...]
    moment: Moment | None  # of the warehouse, before it was read
    keys: Mapping[str, str]


class Door:
    """Writes the batches of one plan."""

    def __init__(self, settings: Settings, writer: Writer, con: zones.Connection, policy: Policy, ground: Ground,
                 plan: Plan, seen: Seen, checkpoint: Checkpoint, record: Callable[[int, Done], None]) -> None:
        """Write to `writer` what stands in `pending` of the zone `con`, which was decided about as `seen` says.

        `record` is told of each batch that was committed, with its number.
        """
        self.settings, self.writer, self.con, self.policy = settings, writer, con, policy
        self.ground, self.plan, self.seen, self.checkpoint = ground, plan, seen, checkpoint
        self.record = record
        self.stages = stages_of(policy)
        self.kinds = Kinds(policy, ground, self.stages)
        locked.take_turns(con, policy)
        for entity in ground.places:
            gather(con, policy, self.stages, entity, "scratch.pending")
        self.copies = Copies(con, policy, ground, writer)
        con.execute("CREATE OR REPLACE TABLE scratch.touched (entity VARCHAR, record_id VARCHAR)")
        self.asked: tuple[locked.Ids, locked.Types] | None = None  # of the batch that is carried out

    def carry_out(self, number: int, turns: range) -> Done:
        """Change everything that is pending of whose turn it is, in one transaction, and record it under the same lock.

        Raises:
            BusyError: somebody holds a lock for too long; nothing was changed.
            EnforcementError: what was written does not stand there; nothing was changed.
        """
        with without_garbage_collection():
            return self._carry_out(number, turns)

    def _carry_out(self, number: int, turns: range) -> Done:
        self.con.execute("CREATE OR REPLACE TABLE scratch.turns_now AS SELECT range AS turn FROM range($first, $end)",
                         {"first": turns.start, "end": turns.stop})
        self.con.execute("CREATE OR REPLACE TABLE scratch.batch AS FROM scratch.pending "
                         "WHERE turn >= $first AND turn < $end", {"first": turns.start, "end": turns.stop})
        done = Done()
        entities = {row[0] for row in self.con.execute("SELECT DISTINCT entity FROM scratch.batch").fetchall()}
        due = {entity: gathered(self.con, entity, turns) for entity in self.ground.places if entity in entities}
        self.asked = None if self._is_as_seen(self.writer) else self._ask()
        self.checkpoint("batch")
        with hold_lock(self.settings):  # until it is recorded: whoever places a hold then is told what was taken
            self._transact(number, turns, due, done)
            if done.rows:
                self.record(number, done)
        if done.rows and self._is_of_people(due):
            done.arrived = self._arrived()
        return done

    def _transact(self, number: int, turns: range, due: Mapping[str, list[Going]], done: Done) -> None:
        began = time.monotonic()
        with self.writer.batch(self._fact_tables() if self._is_of_people(due) else ()) as batch:
            edits = self._decide(batch, done, due)
            if not edits:
                return
            self.copies.look(batch, turns, done.put_off)
            self.checkpoint("write")
            tombstones.ensure(batch, self.ground, self.policy, links(edits))
            changes = list(_grouped(edits))
            self._change(batch, changes)
            copied, copies = self._change_copies(batch)
            read_back(batch, [*changes, *copies])
            require_gone(batch, self.ground, self.policy, self.stages, edits)
            self._count(edits, done)
            done.copies = copy_counts(copied)
            self._intend(number, done)
            self.checkpoint("mark")
            counts = json.dumps({**told(done, self.seen.on), "keys": self.seen.keys}, sort_keys=True)
            batch.mark(self.plan.id, number, counts, utc_now().isoformat())
            self.checkpoint("commit")
        done.locked_seconds = time.monotonic() - began
        self.con.execute("INSERT INTO scratch.touched SELECT entity, record_id FROM scratch.going")
        self.copies.committed()
        self.checkpoint("committed")

    def _change(self, batch: Batch, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.columns != ():
                batch.change(change)
                self.checkpoint("written")

    def _decide(self, batch: Batch, done: Done, due: Mapping[str, list[Going]]) -> list[Edits]:
        """What is changed, decided on the facts as they stand now behind the batch's locks.

        The rows that are due are locked first: one that changed after its facts were read would go all the same.
        """
        self.checkpoint("read")
        found = [(entity, place, list(self._rows_of(batch, done, place, listed)))
                 for entity, going in due.items() for place, listed in _by_place(self.ground.places[entity], going)]
        if not self._is_as_seen(batch):
            ids, types = self.asked = self.asked or self._ask()
            locked.read_facts(batch, self.con, self.ground.resolved, self.policy, self.ground.mapping, ids, types)
            done.put_off |= locked.changed_people(self.con, self.policy, ids)
            self.checkpoint("facts")
        done.put_off |= newly_shared(batch, self.ground.places, self.copies.places, self.copies.spelt, (
            row[0] for row in self.con.execute("SELECT DISTINCT person FROM scratch.batch").fetchall()))
        if locked.EVERYBODY in done.put_off or said_by_people(self.settings) != self.seen.said:
            done.put_off |= {row[0] for row in self.con.execute("SELECT person FROM scratch.batch").fetchall()}
        return [edits for entity, place, rows in found for edits in self.kinds.edits(entity, place, self._listed(
            place), [(going, row) for going, row in rows if going.person not in done.put_off])]

    def _ask(self) -> tuple[locked.Ids, locked.Types]:
        """By which ids facts are read again, and in which types; worked out before the locks where it can be."""
        return locked.ids_of(self.con, self.policy), locked.make_room(self.con, self.ground.resolved, self.policy)

    def _is_as_seen(self, there: Batch | Writer) -> bool:
        """Whether the database itself says that nobody else has written since everything was decided about."""
        return self.seen.moment is not None and there.moment() == self.seen.moment

    def _is_of_people(self, due: Mapping[str, list[Going]]) -> bool:
        """Whether a batch is about more than events and log lines, which are decided each by itself."""
        return bool(set(due) - set(self.policy.sources.bulk))

    def _change_copies(self, batch: Batch) -> tuple[list[CopyEdit], list[Change]]:
        """Change the rows of copies that go with the batch, until no new SELECT finds one: triggers may add some."""
        changed: dict[Any, CopyEdit] = {}
        made: list[Change] = []
        for again in range(len(self.copies.places) + 2):
            found = self.copies.edits(batch)
            if not found and again:
                return list(changed.values()), made
            changes = list(_changes_of_copies(found))
            self._change(batch, changes)
            made += changes
            batch.settle()
            for edit in found:
                before = changed.get((edit.table, edit.row, *(edit.after or ())))
                changed[(edit.table, edit.row, *(edit.after or ()))] = before or edit
        tables = ", ".join(sorted({".".join(edit.table) for edit in found}))
        raise EnforcementError(f"{tables}: {len(found)} row(s) of this copy hold again what was just taken away: a "
                               "trigger, a rule or a policy of the database puts it back or hides it; nothing of this "
                               "batch was changed")

    def _arrived(self) -> int:
        """Facts about the batch's people that came while it ran; they are decided about in the next plan."""
        with self.writer.batch() as batch:
            return 0 if self._is_as_seen(batch) else locked.arrived(
                batch, self.con, self.ground.resolved, self.policy, *(self.asked or self._ask()))

    def _fact_tables(self) -> list[tuple[str, ...]]:
        """Tables into which a new fact about somebody could come while their own row is locked.

        Where a validated foreign key points to the people's rows, the lock on these keeps new facts out.
        """
        if not self.policy.enforcement.batch.lock_fact_tables:
            return []
        people = {place.table for place in self.ground.places["customers"].each}
        return sorted({place.table for entity, one in self.ground.places.items() for place in one.each
                       if place.table in self.ground.facts and entity not in (*self.policy.sources.bulk, "customers")
                       and not any({key.to} == people and key.validated
                                   for key in self.ground.facts[place.table].foreign_keys)})

    def _listed(self, place: Place) -> list[str]:
        """The columns of the source that are read of a row: those it is changed under, its key, and what may change."""
        return list(dict.fromkeys((*self.ground.address_of(place), *place.key, *sorted(place.written))))

    def _rows_of(self, batch: Batch, done: Done, place: Place, due: list[Going]) -> Iterator[tuple[Going, Key]]:
        """What goes of a table, with its row as it stands there now; whose row is not there is put off."""
        listed = self._listed(place)
        if not place.key:  # all of it goes with copies
            yield from ((going, ()) for going in due)
            return
        rows = batch.rows(place.table, place.key, [going.key for going in due], listed, lock=True)
        at = [listed.index(name) for name in place.key]
        found = dict(zip(_texts([row[i] for row in rows] for i in at), rows, strict=True))
        wanted = _texts([going.key[i] for going in due] for i, _ in enumerate(at))
        for going, key in zip(due, wanted, strict=True):
            if (row := found.get(key)) is None:
                done.put_off.add(going.person)
            else:
                yield going, row

    def _count(self, found: Sequence[Edits], done: Done) -> None:
        counts, emptied = counted(found)
        done.counts += counts
        done.emptied += emptied
        gone: dict[str, list[str]] = defaultdict(list)
        for edits in found:
            if edits.step.goes:
                gone[edits.step.entity] += [going.record_id for going in edits.going]
        for entity, ids in gone.items():
            self._count_deleted(entity, ids, done)

    def _count_deleted(self, entity: str, ids: list[str], done: Done) -> None:
        """Of rows that went as a whole, each value that stood in them counts as emptied, too."""
        table = self.policy.sources.tables[entity]
        listed = ", ".join(f"count({zones.quote(name)})" for name in table.columns)
        counts = self.con.execute(
            f"SELECT count(*), {listed} FROM raw.{zones.quote(entity)} SEMI JOIN (SELECT unnest($ids) AS id) "
            f"ON {zones.bare(f'{zones.quote(table.key[0])}::VARCHAR')} = id",
            {"ids": ids, "blanks": zones.WHITE_SPACE}).fetchall()[0]
        for column, count in zip(("", *table.columns), counts, strict=True):
            done.emptied[entity, column] += count

    def _intend(self, number: int, done: Done) -> None:
        """Note in the plan's file which rows the batch is about, before it is committed."""
        self.con.execute("CREATE OR REPLACE TABLE scratch.going AS "
                         "SELECT row_no, entity, record_id, subject_id, clause, is_carried FROM scratch.batch "
                         "WHERE person NOT IN (SELECT unnest($off))", {"off": list(done.put_off)})
        done.again = self.con.execute(f"SELECT entity, part, count(*) FROM made.rows WHERE state = '{fresh.APPLIED}' "
                                      "AND row_no IN (SELECT row_no FROM scratch.going) GROUP BY ALL ORDER BY ALL"
                                      ).fetchall()
        self.con.execute(f"UPDATE made.rows SET state = '{fresh.INTENDED}', batch = $number "
                         "WHERE row_no IN (SELECT row_no FROM scratch.going)", {"number": number})
        done.rows = [row[0] for row in self.con.execute("SELECT row_no FROM scratch.going").fetchall()]


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Put off the search for objects that refer to each other, which no row of a batch does: it took a tenth of it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def told(done: Done, seen_on: date) -> dict[str, Any]:
    """Returns a batch's counts as the marker and the ledger keep them."""
    parts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for (entity, part, what), count in sorted(done.counts.items()):
        parts[entity, part][what] = count
    return {"parts": [[entity, part, counts.pop("rows"), counts] for (entity, part), counts in parts.items()],
            "emptied": [[table, column, count] for (table, column), count in sorted(done.emptied.items()) if count],
            "rows": len(done.rows), "carried_out_on": seen_on.isoformat(), "copies": done.copies, "again": done.again}


def said_by_people(settings: Settings) -> tuple[Any, ...]:
    """Returns what people have recorded that may keep somebody: holds that stand, how many reviews and requests."""
    control = ControlStore.in_folder(settings.control)
    holds = [(hold["id"], hold["lifted_on"]) for hold in control.legal_holds()]
    reviews = control.rows(sa.select(sa.func.count().label("reviews")).select_from(review_decisions))
    steps = control.rows(sa.select(sa.func.count().label("steps")).select_from(request_events))
    return (*holds, reviews[0]["reviews"], steps[0]["steps"])


def _texts(columns: Iterable[list[Any]]) -> Iterator[Key]:
    """Row by row, what stands in some columns as text; of columns that are text already no value is looked at."""
    return zip(*(column if {str}.issuperset(map(type, column)) else map(as_text, column) for column in columns),
               strict=True)


def _by_place(place: Place, due: list[Going]) -> Iterator[tuple[Place, list[Going]]]:
    """What goes of a table, by where it stands; what an id has in front of the key there is taken off."""
    if not place.arms:
        yield place, due
        return
    found: dict[str, tuple[Place, list[Going]]] = {}
    for going in due:
        own = place.of(going.record_id)
        key = tuple(text.removeprefix(own.prefix) for text in going.key)
        found.setdefault(own.prefix, (own, []))[1].append(going._replace(key=key))
    yield from found.values()


def _grouped(found: Iterable[Edits]) -> Iterator[Change]:
    """Rows of one table of which the same columns change go together, in the order of the parts of one person."""
    groups: dict[Any, tuple[list[Key], list[Key]]] = defaultdict(lambda: ([], []))
    for edits in sorted(found, key=lambda edits: edits.step.rank):
        rows, values = groups[edits.step.rank, edits.table, edits.address, edits.columns]
        rows += edits.rows
        values += edits.values
    for (_, table, address, columns), (rows, values) in groups.items():
        if address:
            yield Change(table, address, tuple(rows), columns, tuple(values))


def _changes_of_copies(found: Iterable[CopyEdit]) -> Iterator[Change]:
    groups: dict[Any, list[CopyEdit]] = defaultdict(list)
    for edit in found:
        groups[edit.table, edit.address, None if edit.after is None else tuple(edit.after)].append(edit)
    for (table, address, columns), alike in groups.items():
        yield Change(table, address, tuple(edit.row for edit in alike), columns,
                     tuple(tuple((edit.after or {}).values()) for edit in alike))
