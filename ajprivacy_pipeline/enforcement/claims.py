"""Who has a claim on the rows of declared copies and on kept links, and whether that claim ends with what goes.

Belongs here: claims, from decisions and addresses. Does not belong here: the rows themselves (`copies`).
"""

from collections.abc import Iterator, Sequence

from ajprivacy_pipeline.enforcement.ground import Ground
from ajprivacy_pipeline.enforcement.kept_links import claim_links, find_held
from ajprivacy_pipeline.enforcement.stages import Part, stages_of
from ajprivacy_pipeline.enforcement.together import whose
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, quote

_OWNERS = ("customers", "contacts", "orders", "invoices", "newsletter_subscriptions")  # that an address may belong to


def claim(con: Connection, policy: Policy, ground: Ground, ready: str) -> None:
    """Write to `scratch.copy_claims` who has a claim on the copies of what goes, and whether that claim ends, too.

    Args:
        con: a zone in which a month is decided, after `waits.find_waiting`.
        policy: whose parts they are.
        ground: with the copies.
        ready: the relation of what goes, with entity, record_id and part.
    """
    find_holders(con, policy, ground)
    claim_again(con, ground, ready)


def find_holders(con: Connection, policy: Policy, ground: Ground) -> None:
    """Write down what claims rest on, whatever goes: decisions, who has which address, and what holds links."""
    places = ground.copies
    con.execute("CREATE OR REPLACE TABLE scratch.kept_rows (copy INTEGER, entity VARCHAR, key VARCHAR, "
                "record_id VARCHAR)")
    con.execute("CREATE OR REPLACE TABLE scratch.held (copy INTEGER, key VARCHAR, entity VARCHAR, record_id VARCHAR, "
                "part VARCHAR, may_go BOOLEAN, is_gone BOOLEAN)")
    _parts(con, [part for place in places for part in place.parts])
    con.execute("CREATE OR REPLACE TABLE scratch.copy_stood AS SELECT entity, record_id, part, decision "
                "FROM scratch.decided SEMI JOIN scratch.copy_parts USING (entity, part)")
    if any(place.copy.by.email for place in places):
        find_owners(con, policy)
    con.execute("CREATE OR REPLACE TABLE scratch.copy_whose (copy INTEGER, entity VARCHAR, record_id VARCHAR, "
                "key VARCHAR)")
    for place in places:
        if place.copy.by.and_records:
            con.execute(f"INSERT INTO scratch.copy_whose SELECT $copy, * FROM ({whose(policy.sources, place.parts)})",
                        {"copy": place.number})
        if place.kept:
            find_held(con, policy, place, ground.places)


def claim_again(con: Connection, ground: Ground, ready: str) -> None:
    """Do as `claim` where `find_holders` has been called; decisions are the same, and something else goes."""
    places = ground.copies
    con.execute("CREATE OR REPLACE TABLE scratch.copy_claims (copy INTEGER, key VARCHAR, entity VARCHAR, "
                "record_id VARCHAR, part VARCHAR, is_due BOOLEAN, is_gone BOOLEAN)")
    if any(not place.kept for place in places):
        _parts(con, [part for place in places for part in place.parts])
        con.execute("CREATE OR REPLACE TABLE scratch.copy_decided AS FROM scratch.copy_stood UNION "
                    f"SELECT entity, record_id, part, 'due' FROM {ready} "
                    "SEMI JOIN scratch.copy_parts USING (entity, part)")
    for place in places:
        if not place.kept:
            _parts(con, place.parts)
            sql = _BY_ADDRESS if place.copy.by.email else _BY_KEY
            spared = _OF_COMPANIES if place.spares_companies else ""
            sql = _WITH_RECORDS if place.copy.by.and_records else sql
            con.execute(sql.format(ready=ready, spared=spared), {"copy": place.number})
    if any(place.kept for place in places):
        claim_links(con, ready)


def _parts(con: Connection, parts: Sequence[Part]) -> None:
    con.execute("CREATE OR REPLACE TABLE scratch.copy_parts AS SELECT DISTINCT "
                "unnest(CAST($1 AS VARCHAR[])) AS entity, unnest(CAST($2 AS VARCHAR[])) AS part",
                [[part[0] for part in parts], [part[1] for part in parts]])


_BY_KEY = """
    INSERT INTO scratch.copy_claims
    SELECT $copy, d.record_id, d.entity, d.record_id, d.part, r.part IS NOT NULL, d.decision = 'absent'
    FROM scratch.copy_decided AS d SEMI JOIN scratch.copy_parts USING (entity, part)
    SEMI JOIN (SELECT record_id FROM {ready} SEMI JOIN scratch.copy_parts USING (entity, part)) USING (record_id)
    LEFT JOIN {ready} AS r USING (entity, record_id, part)
    {spared}
"""
_WITH_RECORDS = """
    INSERT INTO scratch.copy_claims
    WITH whose AS (SELECT entity, record_id, key FROM scratch.copy_whose WHERE copy = $copy)
    SELECT $copy, w.key, d.entity, d.record_id, d.part, r.part IS NOT NULL, d.decision = 'absent'
    FROM scratch.copy_decided AS d SEMI JOIN scratch.copy_parts USING (entity, part)
    JOIN whose AS w USING (entity, record_id)
    SEMI JOIN (SELECT key FROM {ready} SEMI JOIN scratch.copy_parts USING (entity, part)
               JOIN whose USING (entity, record_id)) USING (key)
    LEFT JOIN {ready} AS r USING (entity, record_id, part)
"""
_OF_COMPANIES = """
    ANTI JOIN (SELECT 'customers' AS entity, customer_id AS record_id FROM staged.customers
               WHERE coalesce(customer_type, 'business') = 'business') USING (entity, record_id)
"""
_BY_ADDRESS = """
    INSERT INTO scratch.copy_claims
    WITH going AS (
        SELECT DISTINCT o.email_key FROM scratch.copy_owners AS o SEMI JOIN {ready} USING (entity, record_id, part)
        SEMI JOIN scratch.copy_parts USING (entity, part)
    ), owners AS (FROM scratch.copy_owners SEMI JOIN going USING (email_key)), told AS (
        SELECT email_key, entity, record_id, part, false AS is_gone FROM owners
        UNION
        SELECT o.email_key, d.entity, d.record_id, d.part, d.decision = 'absent'
        FROM owners AS o JOIN scratch.copy_decided AS d USING (entity, record_id)
        WHERE d.part <> o.part AND (d.entity, d.part) IN (SELECT (entity, part) FROM scratch.copy_parts)
    )
    SELECT $copy, t.email_key, t.entity, t.record_id, t.part, r.part IS NOT NULL, t.is_gone
    FROM told AS t LEFT JOIN {ready} AS r USING (entity, record_id, part)
"""


def addresses(policy: Policy) -> Iterator[tuple[Part, str]]:
    """The columns of the contract with addresses that copies belong to, by part."""
    for part, stage in stages_of(policy).items():
        for column in stage.columns:
            if part[0] in _OWNERS and policy.sources.tables[part[0]].columns[column].type == "email":
                yield part, column


def find_owners(con: Connection, policy: Policy) -> None:
    """Write to `scratch.copy_owners` who has which e-mail key; an order has one of its own where it is a guest's."""
    con.execute("CREATE OR REPLACE TABLE scratch.copy_owners "
                "(email_key VARCHAR, entity VARCHAR, record_id VARCHAR, part VARCHAR)")
    for (entity, part), column in addresses(policy):
        key, name = quote(policy.sources.tables[entity].key[0]), quote(column)
        guests = " AND s.customer_id IS NULL AND s.contact_id IS NULL" if entity == "orders" else ""
        con.execute(f"INSERT INTO scratch.copy_owners SELECT DISTINCT coalesce(k.email_key, lower(s.{name})), $entity, "
                    f"s.{key}, $part FROM staged.{quote(entity)} AS s LEFT JOIN raw.email_keys AS k "
                    f"ON k.email = s.{name} WHERE s.{name} IS NOT NULL{guests}", {"entity": entity, "part": part})
