"""Rows of copies that a customer's account and documents share: they go when nothing of the customer needs them.

A shop keeps one row of an address, to which account, orders and invoices point. What is made of it goes in one batch,
when all of it is due; a company's rows stay, and so do those that somebody else's document points to (`shared`).
Belongs here: which customers' rows these are, and what waits for what. Does not belong here: changing them (`copies`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ajprivacy_pipeline.enforcement.copy_places import CopyPlace
from ajprivacy_pipeline.enforcement.stages import LINK, SUBJECTS, Part
from ajprivacy_pipeline.enforcement.targets import Place, Together
from ajprivacy_pipeline.policy import Sources
from ajprivacy_pipeline.storage.zones import WHITE_SPACE, Connection, quote
from ajprivacy_pipeline.warehouse.copied import keys_of
from ajprivacy_pipeline.warehouse.source import Source
from ajprivacy_pipeline.warehouse.texts import text_of

if TYPE_CHECKING:
    from ajprivacy_pipeline.warehouse.writer import Batch

SOMEBODY_ELSE, COMPANY = "somebody_else", "company"  # whom such rows wait for, beside parts


def with_groups(source: Source, places: Mapping[str, Place], copies: Iterable[CopyPlace]) -> dict[str, Place]:
    """Returns the places, that of the customers with what goes together; reads whose rows others need, too."""
    found = dict(places)
    groups = tuple(Together(place.parts, frozenset(
        key.strip(WHITE_SPACE) for key in keys_of(source.connection, place.table, place.finder, place.copy.where,
                                                  place.copy.shared))) for place in _together(copies))
    if groups and "customers" in found:
        found["customers"] = replace(found["customers"], together=groups)
    return found


def newly_shared(batch: "Batch", places: Mapping[str, Place], copies: Iterable[CopyPlace],
                 spelt: Callable[[CopyPlace, Collection[str]], set[str]], people: Iterable[str]) -> set[str]:
    """Returns who of a batch has rows that others need, as it is behind its locks, and was not known before.

    People are named as `scratch.pending` names them. Of whom it was known, what is made of such rows is in no batch;
    what is made of the rows of another entry may be, which others need on other grounds.
    """
    groups = places["customers"].together if "customers" in places else ()
    customers = {person.removeprefix("customer:") for person in people if person.startswith("customer:")}
    found = set[str]()
    for place, group in zip(_together(copies), groups, strict=True) if customers and groups else ():
        keys = [(text,) for text in sorted(spelt(place, customers - group.foreign))]
        where = " AND ".join(f"({one})" for one in (place.copy.where, place.copy.shared) if one)
        rows = batch.read(place.table, [place.finder], keys, [place.finder], lock=True, where=where)
        found |= {(text_of(row[place.finder]) or "").strip(WHITE_SPACE) for row in rows}
    return {f"customer:{key}" for key in found}


def _together(copies: Iterable[CopyPlace]) -> list[CopyPlace]:
    """The copies whose rows go together, in the order of their groups."""
    return [place for place in copies if place.copy.by.and_records]


def whose(sources: Sources, parts: Iterable[Part]) -> str:
    """Returns a SELECT of entity, record_id and key: the customer whose row a record of some tables is."""
    return " UNION ALL ".join(_whose(sources, entity) for entity in dict.fromkeys(entity for entity, _ in parts))


def _whose(sources: Sources, entity: str) -> str:
    key = "customer_id" if entity in SUBJECTS else sources.tables[entity].key[0]
    return (f"SELECT '{entity}' AS entity, {quote(key)} AS record_id, customer_id AS key FROM staged.{quote(entity)} "
            "WHERE customer_id IS NOT NULL")


def wait_together(con: Connection, places: Mapping[str, Place], sources: Sources, due: str) -> None:
    """Add to `scratch.waits` what is made of rows of which something else has to stay, and the links of its records."""
    groups = places["customers"].together if "customers" in places else ()
    before = -1
    while before != (before := _count(con)):  # what waits for one group may be part of another
        for group in groups:
            _bind(con, group.parts)
            con.execute(_MEMBERS.format(whose=whose(sources, group.parts), due=due))
            con.execute(_BLOCKED, {"foreign": sorted(group.foreign), "else": SOMEBODY_ELSE, "company": COMPANY})
            con.execute(_WAIT, {"else": SOMEBODY_ELSE})
            con.execute(_LINKS.format(due=due), {"link": LINK})


def _count(con: Connection) -> int:
    return int(con.execute("SELECT count(*) FROM scratch.waits").fetchall()[0][0])


def _bind(con: Connection, parts: Sequence[Part]) -> None:
    con.execute("CREATE OR REPLACE TABLE scratch.group_parts AS SELECT DISTINCT unnest($1) AS entity, "
                "unnest($2) AS part", [list(column) for column in zip(*parts, strict=True)])


_MEMBERS = """
    CREATE OR REPLACE TABLE scratch.group_members AS
    WITH whose AS ({whose})
    SELECT w.key, d.entity, d.record_id, d.part, u.subject_id, u.part IS NOT NULL AS is_due,
        u.part IS NOT NULL AND v.part IS NULL AS may_go
    FROM scratch.decided AS d SEMI JOIN scratch.group_parts USING (entity, part)
    LEFT JOIN whose AS w USING (entity, record_id)
    LEFT JOIN {due} AS u USING (entity, record_id, part)
    LEFT JOIN (SELECT DISTINCT entity, record_id, part FROM scratch.waits) AS v USING (entity, record_id, part)
    WHERE d.decision <> 'absent'
"""
# Whose rows are several people's is for nobody to tell.
_BLOCKED = """
    CREATE OR REPLACE TABLE scratch.group_blocked AS
    SELECT key, coalesce(min(CASE WHEN NOT may_go THEN entity || '.' || part END), $else) AS why
    FROM scratch.group_members WHERE key IS NOT NULL GROUP BY key
    HAVING NOT bool_and(may_go) OR count(DISTINCT coalesce(subject_id, entity || '/' || record_id)) > 1
        OR list_contains($foreign, key)
    UNION ALL
    SELECT customer_id, $company FROM staged.customers WHERE coalesce(customer_type, 'business') = 'business'
"""
_WAIT = """
    INSERT INTO scratch.waits
    SELECT m.entity, m.record_id, m.part, coalesce(min(b.why), $else)
    FROM scratch.group_members AS m LEFT JOIN scratch.group_blocked AS b USING (key)
    WHERE m.may_go AND (m.key IS NULL OR b.key IS NOT NULL) GROUP BY ALL
"""
_LINKS = """
    INSERT INTO scratch.waits
    SELECT DISTINCT u.entity, u.record_id, u.part, m.entity || '.' || m.part
    FROM {due} AS u JOIN scratch.group_members AS m USING (entity, record_id)
    JOIN scratch.waits AS w ON (w.entity, w.record_id, w.part) = (m.entity, m.record_id, m.part)
    LEFT JOIN scratch.waits AS v ON (v.entity, v.record_id, v.part) = (u.entity, u.record_id, u.part)
    WHERE u.part = $link AND v.part IS NULL
"""
