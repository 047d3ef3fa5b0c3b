"""Links to a subject in rows that are kept for a reason of their own: they go when nothing else of the subject is left.

Somebody who still reads the newsletter keeps the subscription, and is no customer any more: what is left of the row is
an address. They go like rows of copies: counted, changed and read back by the same code.
Belongs here: which links they are, and who has a claim on them. Does not belong here: changing them (`copies`).
"""

from collections.abc import Iterator, Mapping

from ajprivacy_pipeline.enforcement.copy_places import CopyPlace
from ajprivacy_pipeline.enforcement.stages import LINK, SUBJECTS, Part, Stage, stages_of
from ajprivacy_pipeline.enforcement.targets import Place
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.retention import Action
from ajprivacy_pipeline.storage.zones import Connection, quote
from ajprivacy_pipeline.warehouse.constraints import TableFacts
from ajprivacy_pipeline.warehouse.declared import Copy
from ajprivacy_pipeline.warehouse.mapping_file import Mapping as MappingFile


def kept_links(first: int, policy: Policy, mapping: MappingFile, links: Mapping[str, Mapping[str, str]],
               feeding: Mapping[str, Place], facts: Mapping[tuple[str, ...], TableFacts]) -> list[CopyPlace]:
    """Returns the links that kept rows lose, where the source can be without them.

    An id that is a tombstone, or that the mapping calls empty, names nobody and stays.

    Args:
        first: the number of the first of them, after the declared copies.
        policy: what such a link goes with.
        mapping: what it calls empty.
        links: by table of the contract, its column with the subject's id and the source's.
        feeding: where the tables of the contract stand.
        facts: of the source's tables.
    """
    found: list[CopyPlace] = []
    for entity, columns in links.items():
        table = facts[feeding[entity].table]
        free = [source for source in columns.values() if table.columns[source].nullable]  # else it stays
        known = mapping.tables[entity].columns if entity in mapping.tables else {}
        nobody = {source: frozenset(policy.retention.tombstones.values()).union(
            known[column].empty if column in known else ()) for column, source in columns.items()}
        for column, source in columns.items():
            owner = next(name for name in SUBJECTS if policy.sources.tables[name].key[0] == column)
            copy = Copy.model_validate({"table": table.shown, "by": {"column": source, "entity": owner},
                                        "with": [f"{owner}.{part}" for name, part in stages_of(policy)
                                                 if name == owner], "erase": free or [source]})
            if free:
                found.append(CopyPlace(first + len(found), copy, table.table, table, source,
                                       dict.fromkeys(free, Action(action="erase")), (entity, feeding[entity].key[0]),
                                       nobody))
    return found


def find_held(con: Connection, policy: Policy, place: CopyPlace, feeding: Mapping[str, Place]) -> None:
    """Write to `scratch.kept_rows` the rows of each subject with such a link, and to `scratch.held` what holds it.

    One that names a contact is the contact's, company or not, and loses both ids with the contact alone. A row that is
    held keeps both: without its company nothing would hold it any more.
    """
    entity, owner = (place.kept or ("",))[0], place.copy.by.entities[0]
    key = policy.sources.tables[owner].key[0]
    stages = stages_of(policy)
    held = " UNION ALL ".join(_held(policy, stages, entity, key))
    con.execute(_ROWS, {"copy": place.number, "entity": entity, "subject": f"{owner.removesuffix('s')}:"})
    con.execute(_HELD.format(held=f"UNION ALL {held}" if held else ""),
                {"copy": place.number, "owner": owner,
                 "not_ours": [f"{table}.{part}" for (table, part), stage in stages.items()
                              if not _is_ours(feeding.get(table), stage)]})


def claim_links(con: Connection, ready: str) -> None:
    """Write to `scratch.copy_claims` everything that `find_held` found of the subjects of whom something is ready.

    A part that is not carried out by us as a whole, a company's orders, and clicks that are kept hold the link.
    """
    con.execute(_CLAIMS.format(ready=ready))


def _is_ours(place: Place | None, stage: Stage) -> bool:
    return place is not None and all(one.key for one in place.each) and not any(map(place.stays, stage.columns))


def _held(policy: Policy, stages: Mapping[Part, Stage], kept: str, key: str) -> Iterator[str]:
    """SELECTs of what else has a subject's id: the id, table, record, part, decision, and whether it stays for good."""
    for table in dict.fromkeys(name for name, _ in stages):
        id_ = quote(policy.sources.tables[table].key[0])
        if table in (kept, *SUBJECTS) or key not in policy.actions.get(table, {}):
            continue
        if policy.sources.tables[table].bulk:
            part = next(part for name, part in stages if name == table)
            yield (f"SELECT {quote(key)}, '{table}', {id_}, '{part}', 'retain', false FROM staged.{quote(table)} "
                   f"WHERE {quote(key)} IS NOT NULL")
        else:
            of_company = key == "customer_id" and (table, LINK) in stages
            yield (f"SELECT t.{quote(key)}, d.entity, d.record_id, d.part, d.decision, "
                   f"{_COMPANY if of_company else 'false'} FROM staged.{quote(table)} AS t JOIN scratch.decided AS d "
                   f"ON d.entity = '{table}' AND d.record_id = t.{id_} "
                   + ("LEFT JOIN staged.customers AS c ON c.customer_id = t.customer_id" if of_company else ""))


_COMPANY = "coalesce(c.customer_type, 'business') = 'business'"  # whose orders and invoices stay linked to it
_ROWS = """
    INSERT INTO scratch.kept_rows
    SELECT $copy, entity, substr(subject_id, length($subject) + 1), record_id FROM retention.record_decisions
    WHERE entity = $entity AND starts_with(subject_id, $subject) AND decision <> 'hold'
"""
_HELD = """
    INSERT INTO scratch.held
    WITH linked AS (SELECT DISTINCT key FROM scratch.kept_rows WHERE copy = $copy),
    held(key, entity, record_id, part, decision, stays) AS (
        SELECT record_id, entity, record_id, part, decision, false FROM scratch.decided WHERE entity = $owner
        {held}
    )
    SELECT $copy, key, entity, record_id, part, NOT stays AND NOT list_contains($not_ours, entity || '.' || part),
        decision = 'absent' AND NOT stays
    FROM held SEMI JOIN linked USING (key)
"""
_CLAIMS = """
    INSERT INTO scratch.copy_claims
    WITH going AS (SELECT DISTINCT entity, record_id, part FROM {ready})
    SELECT h.copy, h.key, h.entity, h.record_id, h.part, g.part IS NOT NULL AND h.may_go, h.is_gone
    FROM scratch.held AS h
    SEMI JOIN (SELECT copy, key FROM scratch.held SEMI JOIN going USING (entity, record_id, part) WHERE may_go)
        USING (copy, key)
    LEFT JOIN going AS g USING (entity, record_id, part)
"""
