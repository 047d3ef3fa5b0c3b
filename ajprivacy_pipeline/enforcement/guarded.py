"""What a plan gives to the guard: tokens of what it erases, made before the first batch, recorded with each.

Belongs here: whose tokens they are, so that a killed apply still records those of a batch that stands. Does not belong
here: the tokens' key and their end (`retention.guard`), who comes back (`sql/retention/guard_hits`).

The tokens stand in the plan's encrypted file, no value beside them:

    made.guarded   entity, record_id, part, kind, token: `part` is NULL of an id
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ajprivacy_pipeline.enforcement import fresh
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.retention.guard import guard_parameters, guard_rows
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.zones import Connection

_COLUMNS = "entity VARCHAR, record_id VARCHAR, part VARCHAR, kind VARCHAR, token VARCHAR"
_HMAC = "sha256($guard_outer || unhex(sha256($guard_inner || encode({x}))))"
_FORM = "CASE WHEN {kind} = 'phone' THEN coalesce(phone_key({x}, $guard_national), {x}) ELSE {x} END"


def prepare(con: Connection, keys: KeyStore, control: ControlStore, policy: Policy) -> None:
    """Write down the tokens of what is about to be carried out (`scratch.pending`), beside those of earlier rounds."""
    con.execute(f"CREATE TABLE IF NOT EXISTS made.guarded ({_COLUMNS})")
    values: Mapping[str, Any] = guard_parameters(keys, control, policy.enforcement.sweep)
    for select in (_IDS, _VALUES, _ADDRESSES):
        used = {name: value for name, value in values.items() if f"${name}" in select}
        con.execute(f"INSERT INTO made.guarded SELECT * FROM ({select}) AS s WHERE NOT EXISTS (FROM made.guarded AS g "
                    "WHERE g.entity = s.entity AND g.record_id = s.record_id AND g.kind = s.kind "
                    "AND g.token = s.token)", used)


# A subject of whom nothing is left afterwards: each of its values goes now, and none of them only in part.
_IDS = f"""
    SELECT entity, record_id, NULL AS part, 'id' AS kind, {_HMAC.format(x='any_value(v.subject_id)')} AS token
    FROM (SELECT DISTINCT entity, record_id, part, subject_id FROM retention.personal_values) AS v
    LEFT JOIN scratch.pending AS p USING (entity, record_id, part)
    GROUP BY entity, record_id HAVING bool_and(coalesce(p.is_carried, false))
"""
_VALUES = f"""
    SELECT v.entity, v.record_id, v.part, 'value' AS kind,
        {_HMAC.format(x="v.subject_id || chr(31) || v.column_name || chr(31) || "
                        + _FORM.format(kind='v.column_name', x='v.value'))} AS token
    FROM retention.personal_values AS v SEMI JOIN scratch.pending AS p USING (entity, record_id, part)
"""
# Of each address or number of somebody who goes everybody who holds it: it is guarded once the last of them is gone.
_ADDRESSES = f"""
    WITH held AS (
        SELECT entity, record_id, part, kind, {_FORM.format(kind='kind', x='value')} AS text
        FROM retention.address_holders
    ), going AS (
        SELECT DISTINCT h.kind, h.text FROM held AS h SEMI JOIN scratch.pending AS p USING (entity, record_id, part)
    )
    SELECT h.entity, h.record_id, h.part, h.kind, {_HMAC.format(x='h.text')} AS token
    FROM held AS h SEMI JOIN going AS g USING (kind, text)
"""


def rows_of(con: Connection, keys: KeyStore, control: ControlStore, number: int, erased_on: str,
            ) -> list[dict[str, Any]]:
    """Returns the rows of the guard of a batch that stands; none of a plan that was begun before there was a guard."""
    made = con.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'made' AND table_name = 'guarded'")
    if not made.fetchall()[0][0]:
        return []
    if not con.execute(_HAS_ANY, {"number": number}).fetchall()[0][0]:  # events and log lines have none
        return []
    tokens = con.execute(_OF_BATCH, {"number": number}).fetchall()
    return guard_rows(keys, control, tokens, date.fromisoformat(erased_on))


_HAS_ANY = """
    SELECT count(*) > 0 FROM (SELECT DISTINCT entity FROM made.guarded)
    SEMI JOIN (SELECT entity FROM made.rows WHERE batch = $number AND is_carried) USING (entity)
"""
# Whatever is looked at begins with the batch's own rows: a plan may have millions.
_OF_BATCH = f"""
    WITH now AS (SELECT DISTINCT entity, record_id, part FROM made.rows WHERE batch = $number AND is_carried),
    own AS (SELECT g.* FROM made.guarded AS g SEMI JOIN now USING (entity, record_id)),
    held AS (
        SELECT g.* FROM made.guarded AS g
        SEMI JOIN (SELECT * FROM own SEMI JOIN now USING (entity, record_id, part)) AS o USING (kind, token)
        WHERE g.kind IN ('email', 'phone')
    ), gone AS (
        FROM now UNION
        SELECT r.entity, r.record_id, r.part FROM made.rows AS r SEMI JOIN held AS h USING (entity, record_id, part)
        WHERE r.state = '{fresh.APPLIED}'
    )
    SELECT h.kind, h.token FROM held AS h LEFT JOIN gone AS d USING (entity, record_id, part)
    GROUP BY ALL HAVING bool_and(d.entity IS NOT NULL)
    UNION
    SELECT kind, token FROM own SEMI JOIN now USING (entity, record_id, part) WHERE kind = 'value'
    UNION
    SELECT kind, token FROM own WHERE kind = 'id'
"""
