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
    con.execute(_INDEX)


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
    """Returns the rows of the guard of a batch that stands; none of a plan that was begun before there was a guard.

    Which rows of the plan it is about stands in `scratch.going`.
    """
    made = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name IN ('made', current_database()) "
                       "AND table_name IN ('guarded', 'guarded_rows')").fetchall()
    if ("guarded",) not in made:
        return []
    if ("guarded_rows",) not in made:
        con.execute(_INDEX)
    if not con.execute(_OWN).fetchall()[0][0]:
        return []  # as of events, of whom nothing is guarded
    con.execute(_HELD)
    tokens = con.execute(_GOING, {"number": number}).fetchall()
    return guard_rows(keys, control, tokens, date.fromisoformat(erased_on)) if tokens else []


# Each token, by its place in made.guarded, with the rows of the plan that it goes with; NULL where something holds it
# that the plan has not. Batches look at numbers alone: a plan may have millions of texts.
_INDEX = """
    CREATE OR REPLACE TABLE guarded_rows AS
    WITH told AS (
        SELECT entity, record_id, part, kind, CASE WHEN kind IN ('email', 'phone')
            THEN min(rowid) OVER (PARTITION BY kind, token) ELSE rowid END AS token_at
        FROM made.guarded
    )
    SELECT r.row_no, t.kind, t.token_at FROM told AS t LEFT JOIN made.rows AS r USING (entity, record_id, part)
    WHERE t.kind <> 'id'
    UNION ALL
    SELECT r.row_no, t.kind, t.token_at FROM told AS t JOIN made.rows AS r USING (entity, record_id)
    WHERE t.kind = 'id'
"""
# The tokens of a batch's rows; few or none, and of these it is looked at who else holds one of them.
_OWN = """
    CREATE OR REPLACE TABLE guarded_now AS
    SELECT DISTINCT kind IN ('email', 'phone') AS is_shared, token_at FROM guarded_rows
    SEMI JOIN (SELECT row_no FROM scratch.going WHERE is_carried) USING (row_no)
"""
_HELD = """
    CREATE OR REPLACE TABLE guarded_held AS SELECT row_no, token_at FROM guarded_rows
    SEMI JOIN (SELECT token_at FROM guarded_now WHERE is_shared) USING (token_at)
"""
_GOING = f"""
    WITH gone AS (
        SELECT row_no FROM made.rows SEMI JOIN (SELECT row_no FROM guarded_held) USING (row_no)
        WHERE state = '{fresh.APPLIED}' OR (batch = $number AND is_carried)
    ), staying AS (
        SELECT token_at FROM guarded_held ANTI JOIN gone USING (row_no)
    ), going AS (
        SELECT token_at FROM guarded_now ANTI JOIN staying USING (token_at)
    )
    SELECT kind, token FROM made.guarded WHERE rowid IN (FROM going)
"""
