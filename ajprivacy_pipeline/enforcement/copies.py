"""Declared copies: whose rows they are, and which of them go with what is carried out.

A row found by a key goes when something of its parts goes and nothing of them stays. A row found by an e-mail address
belongs to every subject, guest order, invoice and subscription with that e-mail key: it goes with the last of them.
Rows of copies are no decisions: they are counted by themselves, and their values with all others.
Belongs here: counting rows for a plan, finding them again in a batch. Does not belong here: whose they are (`claims`),
where the copies stand (`copy_places`), writing (`apply`).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ajprivacy_pipeline.enforcement.bodies import CopyCount, Waiting
from ajprivacy_pipeline.enforcement.claims import addresses, claim, claim_again
from ajprivacy_pipeline.enforcement.copy_places import CopyPlace
from ajprivacy_pipeline.enforcement.ground import Ground
from ajprivacy_pipeline.enforcement.targets import Place
from ajprivacy_pipeline.enforcement.values import Context, ends_as
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import WHITE_SPACE, Connection, bare, quote
from ajprivacy_pipeline.warehouse.copied import rows_of
from ajprivacy_pipeline.warehouse.forms import email_key
from ajprivacy_pipeline.warehouse.source import Source
from ajprivacy_pipeline.warehouse.texts import text_of

if TYPE_CHECKING:
    from ajprivacy_pipeline.warehouse.writer import Batch, Writer

Row = Mapping[str, Any]
PART = "copy"  # what a copy's rows are called beside the parts of the contract
_NO_TEXT_KEY = re.compile(r"-?[0-9]+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class CopyEdit:
    """One row of a copy and what it becomes; `after` is None where it is deleted."""

    table: tuple[str, ...]
    address: tuple[str, ...]
    row: tuple[Any, ...]
    after: Mapping[str, Any] | None
    cells: int


def read(source: Source, place: CopyPlace) -> Iterator[Row]:
    """Yields every row of a copy, as far as it is read."""
    return rows_of(source.connection, place.table, place.columns, place.copy.where)


def read_claimed(con: Connection, ground: Ground, source: Source) -> dict[int, list[Row]]:
    """Returns of each copy the rows on which `claim` found that somebody has a claim."""
    claims: dict[int, set[str]] = defaultdict(set)
    for number, key in con.execute("SELECT DISTINCT copy, key FROM scratch.copy_claims").fetchall():
        claims[number].add(key)
    return {place.number: [row for row in read(source, place) if _key_of(place, row) in claims[place.number]]
            if claims[place.number] else [] for place in ground.copies}


def planned(con: Connection, ground: Ground, rows_there: Callable[[CopyPlace], Iterable[Row]], ready: str,
            ) -> tuple[list[CopyCount], list[Waiting]]:
    """Returns what goes from the copies with what is ready, and what waits there for what stays.

    To be called after `find_holders`; `rows_there` reads a copy.
    """
    claim_again(con, ground, ready)
    told: dict[int, dict[str, str | None]] = defaultdict(dict)
    for number, key, stays in con.execute(
            "SELECT copy, key, min(entity || '.' || part) FILTER (NOT is_due AND NOT is_gone) "
            "FROM scratch.copy_claims GROUP BY ALL").fetchall():
        told[number][key] = stays
    edits: list[CopyEdit] = []
    waiting: Counter[tuple[str, str]] = Counter()
    kept = _kept_rows(con, ready)
    for place in ground.copies:
        claims = told[place.number]
        for row in rows_there(place) if claims else ():
            key = _key_of(place, row)
            if key is None or key not in claims or (edit := _edit(place, row)) is None:
                continue
            if place.kept and (claims[key] is not None or _record_of(place, row) not in kept[place.number]):
                continue  # its subject is not at its end, or another's, or the row goes as a whole
            if (stays := claims[key]) is None:
                edits.append(edit)
            else:
                waiting[place.copy.table, stays] += 1
    return copy_counts(edits), [{"entity": table, "part": PART, "rows": rows, "waits_for": stays}
                           for (table, stays), rows in sorted(waiting.items())]


def copy_counts(edits: Iterable[CopyEdit]) -> list[CopyCount]:
    """Returns the rows and values of each table that some edits change."""
    rows: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    cells: Counter[str] = Counter()
    for edit in edits:
        table = ".".join(edit.table)
        rows[table].add(edit.row)
        cells[table] += edit.cells
    return [{"table": table, "rows": len(rows[table]), "cells": cells[table]} for table in sorted(rows)]


def _key_of(place: CopyPlace, row: Mapping[str, Any]) -> str | None:
    text = text_of(row[place.finder])
    if text is None:
        return None
    return email_key(text) if place.copy.by.email else text.strip(WHITE_SPACE)


def _kept_rows(con: Connection, going: str) -> dict[int, set[str]]:
    """The records that may lose links to their subjects: those that do not go as a whole."""
    found: dict[int, set[str]] = defaultdict(set)
    for number, record in con.execute(f"SELECT copy, record_id FROM scratch.kept_rows ANTI JOIN {going} "
                                      "USING (entity, record_id)").fetchall():
        found[number].add(record)
    return found


def _record_of(place: CopyPlace, row: Mapping[str, Any]) -> str:
    return (text_of(row[place.kept[1]]) or "").strip(WHITE_SPACE) if place.kept else ""


def _edit(place: CopyPlace, row: Mapping[str, Any]) -> CopyEdit | None:
    """What a row becomes; None where it holds nothing that goes."""
    address = place.address
    key = tuple(row[name] for name in address)
    if place.actions is None:
        return CopyEdit(place.table, address, key, None, sum(value is not None for value in row.values()))
    after = {}
    for column, action in place.actions.items():
        if (text_of(row[column]) or "").strip(WHITE_SPACE) in place.nobody.get(column, ()):
            continue
        known = place.facts.columns[column]
        end = ends_as(row[column], action, Context(nullable=known.nullable, unique=known.unique,
                                                   key="-".join(map(str, key))))
        if end != row[column]:
            after[column] = end
    return CopyEdit(place.table, address, key, after, len(after)) if after else None


class Copies:
    """The copies of one round of an apply."""

    def __init__(self, con: Connection, policy: Policy, ground: Ground, writer: "Writer") -> None:
        """Tell who has claims on the copies of what is pending."""
        self.con, self.policy, self.ground, self.places = con, policy, ground, ground.copies
        self.going: dict[int, list[str]] = {}
        self.odd: dict[tuple[str, str], Mapping[str, Sequence[str]]] = {}
        self.unlinked: set[tuple[str, str]] = set()  # records of the contract that a batch takes a link from
        self.spellings = {place.number: writer.unusual_spellings(place.table, place.finder, place.copy.where)
                          for place in self.places if place.copy.by.email}
        if self.places:
            claim(con, policy, ground, "scratch.pending")
            self.kept_rows = _kept_rows(con, "scratch.pending")
            con.execute(_TURNS)
            con.execute(_SHARED)
            con.execute("CREATE OR REPLACE TABLE scratch.copy_gone (entity VARCHAR, record_id VARCHAR, part VARCHAR)")

    def look(self, batch: "Batch", turns: range, put_off: Collection[str]) -> None:
        """Settle, under the batch's locks and before anything is changed, on which claims are the last ones."""
        self.going, self.unlinked = {}, set()
        if not self.places:
            return
        self.con.execute(_GOING, {"off": list(put_off)})
        for number, keys in self.con.execute(_LAST, {"first": turns.start, "end": turns.stop}).fetchall():
            newcomers = self._newcomers(batch, keys) if self.places[number].copy.by.email else set()
            self.going[number] = [key for key in keys if key not in newcomers]

    def edits(self, batch: "Batch") -> list[CopyEdit]:
        """Returns the rows that go with the batch and still hold something, as they stand there now."""
        found = []
        for place in self.places:
            for row in self._rows(batch, place, self.going[place.number]) if self.going.get(place.number) else ():
                record = _record_of(place, row)
                if place.kept and record not in self.kept_rows[place.number]:
                    continue
                if (edit := _edit(place, row)) is not None:
                    found.append(edit)
                    self.unlinked |= {(place.kept[0], record)} if place.kept else set()
        return found

    def committed(self) -> None:
        """Remember that the claims of a batch have ended."""
        if self.places:
            self.con.execute("INSERT INTO scratch.copy_gone FROM scratch.copy_going "
                             "SEMI JOIN scratch.copy_shared USING (entity, record_id, part)")
        if self.unlinked:
            self.con.execute("INSERT INTO scratch.touched SELECT unnest($1), unnest($2)",
                             [list(column) for column in zip(*sorted(self.unlinked), strict=True)])

    def _rows(self, batch: "Batch", place: CopyPlace, keys: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        if place.copy.by.email:
            known = self.spellings[place.number]
            yield from batch.by_address(place.table, place.finder, {key: known.get(key, ()) for key in keys},
                                        place.columns, place.copy.where, lock=True)
            return
        yield from batch.read(place.table, [place.finder], [(text,) for text in sorted(self.spelt(place, keys))],
                              place.columns, lock=True, where=place.copy.where)

    def spelt(self, place: CopyPlace, keys: Collection[str]) -> set[str]:
        """Returns keys as a copy may hold them: with what blanks the contract's rows have around them, too."""
        known = [(entity, self.policy.sources.tables[entity].key[0]) for entity in place.copy.by.entities]
        known += [(entity, "customer_id") for entity in place.copy.tables if place.copy.by.and_records]
        found = {*keys, *(text for column in known for key in keys for text in self._odd_keys(*column).get(key, ()))}
        if not place.facts.columns[place.finder].is_text and place.facts.columns[place.finder].type:
            found = {text for text in found if _NO_TEXT_KEY.fullmatch(text)}
        return found

    def _odd_keys(self, entity: str, column: str) -> Mapping[str, Sequence[str]]:
        """The ids of a column that stand in a table's rows with blanks around them, by what they are without."""
        if (entity, column) not in self.odd:
            key = quote(column)
            self.odd[entity, column] = dict(self.con.execute(
                f"SELECT {bare('key')}, list(key) FROM (SELECT DISTINCT {key}::VARCHAR AS key FROM "
                f"raw.{quote(entity)}) WHERE key <> {bare('key')} GROUP BY ALL",
                {"blanks": WHITE_SPACE}).fetchall())
        return self.odd[entity, column]

    def _newcomers(self, batch: "Batch", keys: Sequence[str]) -> set[str]:
        """The e-mail keys that somebody has now who had no such claim when the round was decided."""
        known = {(key, entity, record_id) for key, entity, record_id in self.con.execute(
            "SELECT DISTINCT c.key, c.entity, c.record_id FROM scratch.copy_claims AS c "
            "SEMI JOIN (SELECT unnest($keys) AS key) USING (key) ANTI JOIN scratch.copy_gone "
            "USING (entity, record_id, part)", {"keys": list(keys)}).fetchall()}
        found, places = set(), self.ground.places
        for (entity, _), column in addresses(self.policy):
            for place in places[entity].each if entity in places else ():
                links = self._links(entity, place)
                if links is None or not place.key or column not in place.columns:
                    continue
                name = place.columns[column][0]
                same = [(other, its.prefix) for other, one in places.items() for its in one.each
                        if (its.table, its.key) == (place.table, place.key)]  # customers and contacts of one table
                for row in batch.by_address(place.table, name, dict.fromkeys(keys, ()), [place.key[0], *links]):
                    key = email_key(text_of(row[name]) or "")
                    own = text_of(row[place.key[0]]) or ""
                    is_known = any((key, other, f"{prefix}{own}".strip(WHITE_SPACE)) in known for other, prefix in same)
                    if key and all(row[link] is None for link in links) and not is_known:
                        found.add(key)
        return found

    def _links(self, entity: str, place: Place) -> list[str] | None:
        """The source's columns by which an order is somebody's; None where an arm does not show them as they stand."""
        table = self.ground.resolved.tables[entity]
        if table is None or entity != "orders":
            return []
        links = [name for name in ("customer_id", "contact_id") if table.columns.get(name)]
        if not table.arms:
            return [fed.written[0] for name in links if (fed := table.columns[name]) and len(fed.written) == 1]
        arm = next(arm for arm in table.arms if arm.prefix == place.prefix)
        known = [arm.columns[name] for name in links if name in arm.columns]
        return known if all(name in arm.columns or name in arm.plain for name in links) else None


# A key goes in the batch of its last claim, when all the others have ended; never in this round where one stays.
_TURNS = """
    CREATE OR REPLACE TABLE scratch.copy_turns AS
    WITH told AS (
        SELECT c.copy, c.key, c.entity, c.record_id, c.part, c.is_gone, p.turn,
            CASE WHEN bool_and(c.is_gone OR (c.is_due AND p.turn IS NOT NULL)) OVER k THEN max(p.turn) OVER k END
                AS last,
            min(p.turn) OVER k < max(p.turn) OVER k AS is_shared
        FROM scratch.copy_claims AS c LEFT JOIN scratch.pending AS p USING (entity, record_id, part)
        WINDOW k AS (PARTITION BY c.copy, c.key)
    )
    SELECT * FROM told WHERE last IS NOT NULL ORDER BY last
"""
_SHARED = """
    CREATE OR REPLACE TABLE scratch.copy_shared AS
    SELECT DISTINCT entity, record_id, part FROM scratch.copy_turns WHERE is_shared AND turn < last
"""
_GOING = """
    CREATE OR REPLACE TABLE scratch.copy_going AS
    SELECT entity, record_id, part FROM scratch.batch WHERE person NOT IN (SELECT unnest($off))
"""
_LAST = """
    WITH last AS (
        SELECT c.copy, c.key FROM (FROM scratch.copy_turns WHERE last >= $first AND last < $end) AS c
        LEFT JOIN scratch.copy_going AS g USING (entity, record_id, part)
        LEFT JOIN scratch.copy_gone AS e USING (entity, record_id, part)
        GROUP BY ALL
        HAVING bool_and(c.is_gone OR g.part IS NOT NULL OR e.part IS NOT NULL)
    )
    SELECT copy, list(key ORDER BY key) FROM last GROUP BY copy ORDER BY copy
"""
