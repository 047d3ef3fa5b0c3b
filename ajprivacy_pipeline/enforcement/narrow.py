"""A decided zone narrowed, in memory, to what the plans of some requests look up: each of them then reads little.

There are the rows that are due of whoever asked, every other row and decision of the same customers and contacts, and
whoever shares an address with one of them, under the names that they have in the zone. Anything else is not there by
any name, so that a plan that looked for it would stop.
Belongs here: which rows these are. Does not belong here: what waits and what is counted of everybody, which is settled
before, on the whole zone (`make`).
"""

from collections.abc import Mapping

from ajprivacy_pipeline.enforcement import claims, waits
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, quote

NARROW = "narrow"
_Columns = Mapping[str, set[str]]  # by table, as staged
_OWNERS = {"customer_id": "customer", "contact_id": "contact"}  # a column that names a subject, and its prefix
_RECORDS = """
    CREATE OR REPLACE TABLE scratch.near_records AS SELECT DISTINCT entity, record_id FROM scratch.due
"""
_SHARING = """
    INSERT INTO scratch.near_records
    SELECT DISTINCT entity, record_id FROM scratch.copy_owners SEMI JOIN (
        SELECT email_key FROM scratch.copy_owners SEMI JOIN scratch.due USING (entity, record_id)) USING (email_key)
"""
_NEAR = """
    CREATE OR REPLACE TABLE scratch.near AS
    SELECT subject_id FROM scratch.asked WHERE subject_id IS NOT NULL
    UNION SELECT subject_id FROM scratch.due WHERE subject_id IS NOT NULL
    UNION SELECT CASE entity WHEN 'contacts' THEN 'contact:' ELSE 'customer:' END || record_id
    FROM scratch.near_records WHERE entity IN ('customers', 'contacts')
"""
_RETENTION = {
    "attribute_decisions": "FROM {zone}.retention.attribute_decisions SEMI JOIN scratch.near USING (subject_id)",
    "record_decisions": "FROM {zone}.retention.record_decisions WHERE subject_id IN (FROM scratch.near) "
                        "OR (entity, record_id) IN (FROM scratch.near_records)",
}


def narrow(con: Connection, policy: Policy) -> None:
    """Let the default database of a connection be a narrow one.

    Args:
        con: a decided zone, in which `scratch.asked` holds whom the requests reach and `scratch.due` what is theirs.
        policy: whose tables they are.
    """
    zone = quote(con.execute("SELECT current_database()").fetchall()[0][0])
    con.execute(f"ATTACH OR REPLACE ':memory:' AS {NARROW}")
    for schema in ("raw", "staged", "retention"):
        con.execute(f"CREATE SCHEMA {NARROW}.{schema}")
    con.execute(_RECORDS)
    claims.find_owners(con, policy)
    con.execute(_SHARING)
    con.execute(_NEAR)
    columns = _columns(con)
    staged = [name for name in policy.sources.tables if name in columns]
    for name in staged:
        _read_owners(con, policy, name, columns[name])
    con.execute(f"CREATE VIEW {NARROW}.raw.email_keys AS FROM {zone}.raw.email_keys")
    for name in sorted(staged, key=lambda table: table == "customers"):  # of which all those that are named are needed
        _stage(con, policy, zone, name, columns)
    for name, query in _RETENTION.items():
        con.execute(f"CREATE TABLE {NARROW}.retention.{name} AS {query.format(zone=zone)}")
    con.execute(f"USE {NARROW}")
    waits.show_decided(con)


def _columns(con: Connection) -> _Columns:
    """Of every table that is staged, asked for at once: each time the engine looks through them all."""
    found: dict[str, set[str]] = {}
    for table, column in con.execute(
            "SELECT table_name, column_name FROM duckdb_columns() "
            "WHERE database_name = current_database() AND schema_name = 'staged'").fetchall():
        found.setdefault(table, set()).add(column)
    return found


def _read_owners(con: Connection, policy: Policy, table: str, columns: set[str]) -> None:
    """Whoever a row that is due names is near."""
    key = quote(policy.sources.tables[table].key[0])
    for column, prefix in _OWNERS.items():
        if column in columns:
            con.execute(f"INSERT INTO scratch.near SELECT DISTINCT $prefix || {column} FROM staged.{quote(table)} "
                        f"WHERE {column} IS NOT NULL AND {key} IN (SELECT record_id FROM scratch.near_records "
                        "WHERE entity = $table)", {"prefix": f"{prefix}:", "table": table})


def _stage(con: Connection, policy: Policy, zone: str, table: str, known: _Columns) -> None:
    """Rows that are due or share an address, those of whoever is near, and the customers whom a row names."""
    columns, key = known[table], quote(policy.sources.tables[table].key[0])
    near = [f"{key} IN (SELECT record_id FROM scratch.near_records WHERE entity = $table)"]
    near += [f"'{prefix}:' || {column} IN (FROM scratch.near)" for column, prefix in _OWNERS.items()
             if column in columns]
    if "email_key" in columns:
        near.append("email_key IN (SELECT email_key FROM scratch.asked UNION SELECT own_key FROM scratch.asked)")
    if table == "customers":
        near += [f"customer_id IN (SELECT customer_id FROM {NARROW}.staged.{quote(name)})"
                 for name in policy.sources.tables if name != table and "customer_id" in known.get(name, ())]
    con.execute(f"CREATE TABLE {NARROW}.staged.{quote(table)} AS FROM {zone}.staged.{quote(table)} "
                f"WHERE {' OR '.join(near)}", {"table": table})
    con.execute(f"INSERT INTO scratch.near_records SELECT $table, {key} FROM {NARROW}.staged.{quote(table)}",
                {"table": table})
