"""The facts of a batch under its locks, held against those it was decided on.

Belongs here: which rows tell about a batch's people, reading them in the batch's transaction, and whose have changed.
Does not belong here: deciding again, which the next round does for whoever has changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import WHITE_SPACE, Connection, bare, quote
from ajprivacy_pipeline.warehouse.extract import not_null_columns
from ajprivacy_pipeline.warehouse.mapping_file import Mapping as MappingFile
from ajprivacy_pipeline.warehouse.resolved import ResolvedSource, ResolvedTable
from ajprivacy_pipeline.warehouse.settle import settle_rows

if TYPE_CHECKING:
    from ajprivacy_pipeline.warehouse.writer import Batch

NOW = "now"  # a database in memory with what the batch has just read
EVERYBODY = "everybody"  # something changed that may be about anyone
# By which ids the rows of a table tell about people; requests are few, and may name anybody by an address.
_BY: dict[str, tuple[str, ...]] = {
    "customers": ("customer_id",),
    "contacts": ("customer_id", "contact_id"),
    "orders": ("customer_id", "contact_id", "order_id"),
    "order_lines": ("order_id",),
    "invoices": ("customer_id", "order_id", "invoice_id"),
    "cases": ("customer_id", "contact_id", "order_id", "case_id"),
    "communications": ("customer_id", "contact_id", "case_id", "communication_id"),
    "newsletter_subscriptions": ("customer_id", "contact_id", "subscription_id"),
    "rights_requests": (),
    "web_events": ("event_id",),
    "app_logs": ("log_id",),
}
_SUBJECTS = ("customers", "contacts")
_VISITORS = {"customer_id": "visiting_customer", "contact_id": "visiting_contact"}  # whose clicks a batch is about


@dataclass(frozen=True)
class Ids:
    """Who and what a batch is about, as the ids stand in the extracted rows."""

    by_column: Mapping[str, Sequence[str]]

    def of(self, table: str) -> dict[str, list[str]] | None:
        """Returns the ids by which a table is read; None: as a whole."""
        if not _BY[table]:
            return None
        found = {column: [*self.by_column.get(column, ()), *self.by_column.get(_VISITORS.get(column, ""), ())]
                 for column in _BY[table]}
        return {column: ids for column, ids in found.items() if ids}


def take_turns(con: Connection, policy: Policy) -> None:
    """Settle, once a round, whose turn is when, and which rows of `raw` tell about them.

    Batches are runs of turns: people first, then events and log lines. What is written here would else be looked for in
    whole tables by each batch. It lies in the zone's file, since it grows with the shop.

        turns              person, is_bulk, turn
        scratch.pending    gains the turn, and lies in its order

    Beside it `find_rows` writes, where somebody else may have written:

        telling            turn, kind, id: the ids of the people, of their companies, of the records about them
        told               name, turn, rid, sum: the rows of raw.<name> in which one of these ids stands, and a
                           number of 64 bits over what a rule reads of it or an action touches
    """
    con.execute(_TURNS, {"bulk": list(policy.sources.bulk), "blanks": WHITE_SPACE})
    con.execute("CREATE OR REPLACE TABLE scratch.pending AS SELECT p.*, t.turn FROM scratch.pending AS p "
                "JOIN turns AS t USING (person) ORDER BY t.turn")
    con.execute("DROP TABLE IF EXISTS told")


def find_rows(con: Connection, policy: Policy) -> None:
    """Settle, once a round, with which rows facts that are read again will be compared."""
    if con.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() "
                   "AND table_name = 'told'").fetchall()[0][0]:
        return
    con.execute(_TELLING, {"blanks": WHITE_SPACE})
    con.execute("CREATE OR REPLACE TABLE told (name VARCHAR, turn BIGINT, rid BIGINT, sum UBIGINT)")
    for name, columns in _BY.items():
        rows = " UNION ".join(f"SELECT t.turn, r.rowid AS rid FROM raw.{quote(name)} AS r JOIN telling AS t "
                              f"ON t.kind IN ('{column}', '{_VISITORS.get(column, column)}') "
                              f"AND t.id = r.{quote(column)}::VARCHAR" for column in columns)
        if rows:  # in the order of the turns, so that a batch reads its own alone
            con.execute(f"INSERT INTO told SELECT '{name}', f.turn, f.rid, {_sum(policy, name)} FROM ({rows}) AS f "
                        f"JOIN raw.{quote(name)} AS r ON r.rowid = f.rid ORDER BY f.turn")


def _sum(policy: Policy, name: str) -> str:
    """SQL of a number that rows which are alike share, and others by a chance of one in 2 to the 64."""
    return f"hash({', '.join(map(quote, _judged(policy, name)))})"


def ids_of(con: Connection, policy: Policy) -> Ids:
    """Returns the ids of the people of `scratch.turns_now`, of their companies, and of the records about them.

    Which rows of `raw` tell about them stands in `scratch.told_now` (name, rid, sum) then.
    """
    find_rows(con, policy)
    con.execute("CREATE OR REPLACE TABLE scratch.told_now AS "
                "SELECT DISTINCT name, rid, sum FROM told SEMI JOIN scratch.turns_now USING (turn)")
    rows = con.execute("SELECT kind, list(DISTINCT id ORDER BY id) FROM telling "
                       "SEMI JOIN scratch.turns_now USING (turn) GROUP BY kind").fetchall()
    return Ids(dict(rows))


# Clicks of one visitor lie together: what is known of whoever clicked is read again by each batch that has one.
_TURNS = f"""
    CREATE OR REPLACE TABLE turns AS
    WITH people AS (
        SELECT person, bool_and(list_contains($bulk, entity)) AS is_bulk FROM scratch.pending GROUP BY person
    ), visits AS (
        SELECT 'web_events/' || {bare('e.event_id::VARCHAR')} AS person,
            min(concat_ws('/', e.customer_id::VARCHAR, e.contact_id::VARCHAR)) AS visitor
        FROM raw.web_events AS e GROUP BY ALL
    )
    SELECT person, is_bulk, row_number() OVER (ORDER BY is_bulk, visitor NULLS FIRST, person) AS turn
    FROM people LEFT JOIN visits USING (person)
"""
_TELLING = f"""
    CREATE OR REPLACE TABLE telling AS
    WITH named AS (SELECT DISTINCT turn, entity, record_id FROM scratch.pending),
    people AS (SELECT person, turn FROM turns WHERE NOT is_bulk),
    contacts AS (
        SELECT p.turn, c.contact_id::VARCHAR AS id, c.customer_id::VARCHAR AS customer_id FROM raw.contacts AS c
        JOIN people AS p ON p.person = 'contact:' || {bare('c.contact_id::VARCHAR')}
    ), customers AS (
        SELECT p.turn, c.customer_id::VARCHAR AS id FROM raw.customers AS c
            JOIN people AS p ON p.person = 'customer:' || {bare('c.customer_id::VARCHAR')}
        UNION SELECT turn, customer_id FROM contacts
    ), orders AS (
        SELECT c.turn, o.order_id::VARCHAR AS id FROM raw.orders AS o
            JOIN customers AS c ON c.id = o.customer_id::VARCHAR
        UNION SELECT c.turn, o.order_id::VARCHAR FROM raw.orders AS o JOIN contacts AS c ON c.id = o.contact_id::VARCHAR
        UNION SELECT n.turn, o.order_id::VARCHAR FROM raw.orders AS o
            JOIN named AS n ON n.entity = 'orders' AND n.record_id = {bare('o.order_id::VARCHAR')}
    ), cases AS (
        SELECT c.turn, s.case_id::VARCHAR AS id FROM raw.cases AS s JOIN customers AS c ON c.id = s.customer_id::VARCHAR
        UNION SELECT c.turn, s.case_id::VARCHAR FROM raw.cases AS s JOIN contacts AS c ON c.id = s.contact_id::VARCHAR
        UNION SELECT o.turn, s.case_id::VARCHAR FROM raw.cases AS s JOIN orders AS o ON o.id = s.order_id::VARCHAR
        UNION SELECT n.turn, s.case_id::VARCHAR FROM raw.cases AS s
            JOIN named AS n ON n.entity = 'cases' AND n.record_id = {bare('s.case_id::VARCHAR')}
    ), visits AS (
        SELECT n.turn, e.customer_id::VARCHAR AS customer_id, e.contact_id::VARCHAR AS contact_id
        FROM raw.web_events AS e
        JOIN named AS n ON n.entity = 'web_events' AND n.record_id = {bare('e.event_id::VARCHAR')}
    ), found AS (
        SELECT turn, 'customer_id' AS kind, id FROM customers
        UNION ALL SELECT turn, 'visiting_customer', customer_id FROM visits
        UNION ALL SELECT turn, 'visiting_contact', contact_id FROM visits
        UNION ALL SELECT turn, 'contact_id', id FROM contacts
        UNION ALL SELECT turn, 'order_id', id FROM orders
        UNION ALL SELECT turn, 'case_id', id FROM cases
        UNION ALL SELECT n.turn, 'invoice_id', r.invoice_id::VARCHAR FROM raw.invoices AS r
            JOIN named AS n ON n.entity = 'invoices' AND n.record_id = {bare('r.invoice_id::VARCHAR')}
        UNION ALL SELECT n.turn, 'communication_id', r.communication_id::VARCHAR FROM raw.communications AS r
            JOIN named AS n ON n.entity = 'communications' AND n.record_id = {bare('r.communication_id::VARCHAR')}
        UNION ALL SELECT n.turn, 'subscription_id', r.subscription_id::VARCHAR FROM raw.newsletter_subscriptions AS r
            JOIN named AS n ON n.entity = 'newsletter_subscriptions'
            AND n.record_id = {bare('r.subscription_id::VARCHAR')}
        UNION ALL SELECT n.turn, 'event_id', r.event_id::VARCHAR FROM raw.web_events AS r
            JOIN named AS n ON n.entity = 'web_events' AND n.record_id = {bare('r.event_id::VARCHAR')}
        UNION ALL SELECT n.turn, 'log_id', r.log_id::VARCHAR FROM raw.app_logs AS r
            JOIN named AS n ON n.entity = 'app_logs' AND n.record_id = {bare('r.log_id::VARCHAR')}
    )
    SELECT DISTINCT turn, kind, id FROM found WHERE {bare('id')} <> '' ORDER BY turn
"""


Types = dict[str, dict[str, str]]  # of raw, by table and column that something feeds


def make_room(con: Connection, resolved: ResolvedSource, policy: Policy) -> Types:
    """Make `now.raw` empty, for `read_facts`; done before the locks. Returns the types of what is read into it."""
    zone = quote(con.execute("SELECT current_database()").fetchall()[0][0])
    con.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {NOW}")
    con.execute(f"DROP SCHEMA IF EXISTS {NOW}.raw CASCADE")
    con.execute(f"CREATE SCHEMA {NOW}.raw")
    for name in policy.sources.tables:
        con.execute(f"CREATE TABLE {NOW}.raw.{quote(name)} AS FROM {zone}.raw.{quote(name)} LIMIT 0")
    types: Types = {}
    for name, column, type_ in con.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = $now "
            "AND schema_name = 'raw' ORDER BY table_name, column_index", {"now": NOW}).fetchall():
        table = resolved.tables.get(name)
        if table is not None and table.columns.get(column) is not None:
            types.setdefault(name, {})[column] = type_
    return types


def read_facts(batch: "Batch", con: Connection, resolved: ResolvedSource, policy: Policy, mapping: MappingFile,
               ids: Ids, types: Types) -> None:
    """Read what the warehouse says of the ids now, in a transaction of ours, to `now.raw`; people are locked."""
    for name in policy.sources.tables:
        table, by = resolved.tables[name], ids.of(name) if name in _BY else {}
        if table is None or by == {}:
            continue
        if name in _SUBJECTS and (table.source_table is None or table.arms):
            _lock_rows(batch, table, policy.sources.tables[name].key[0], by or {})
        key = policy.sources.tables[name].key
        alone = key[0] if len(key) == 1 and table.source_table is not None else None  # a query may show it twice
        con.register("read_now", batch.facts(table, types[name], by, lock=name in _SUBJECTS, key=alone))
        listed = ", ".join(map(quote, types[name]))
        con.execute(f"INSERT INTO {NOW}.raw.{quote(name)} ({listed}) SELECT {listed} FROM read_now")
        con.unregister("read_now")
    zone = con.execute("SELECT current_database()").fetchall()[0][0]
    con.execute(f"USE {NOW}")
    try:
        settle_rows(con, policy, mapping, {name: not_null_columns(table) for name, table in resolved.tables.items()})
    finally:
        con.execute(f"USE {quote(zone)}")


def _lock_rows(batch: "Batch", table: ResolvedTable, key: str, by: Mapping[str, Sequence[str]]) -> None:
    """Lock the rows behind a query, which cannot all be locked through it."""
    fed = table.columns[key]
    for arm in table.arms:
        own = [(text.removeprefix(arm.prefix),) for text in by.get(key, ())
               if text.startswith(arm.prefix) and text != arm.prefix]
        if arm.table:
            batch.read(arm.table, [arm.key], own, [arm.key], lock=True)
    if not table.arms and table.written_table is not None and fed is not None and len(fed.written) == 1:
        batch.read(table.written_table, fed.written, [(text,) for text in by.get(key, ())], fed.written, lock=True)


def changed_people(con: Connection, policy: Policy, ids: Ids) -> set[str]:
    """Returns whose facts are not those they were decided on, as `scratch.batch` names people; or EVERYBODY.

    Columns that no rule reads and no action touches do not count.
    """
    customers: set[str] = set()
    contacts: set[str] = set()
    records: set[str] = set()
    for name in _BY:
        by = ids.of(name)
        if by == {}:
            continue
        if not con.execute(_any_differing(policy, name, by)).fetchall():
            continue
        rows = con.execute(_differing(policy, name, by)).fetchall()
        if rows and by is None:
            return {EVERYBODY}
        for key, customer, contact, order in rows:
            records.add(f"{name}/{key}")
            customers |= {customer} - {None}
            contacts |= {contact} - {None}
            if order is not None:
                records.add(f"orders/{order}")
    return _people(con, customers, contacts, records) if records else set()


def arrived(batch: "Batch", con: Connection, resolved: ResolvedSource, policy: Policy, ids: Ids, types: Types) -> int:
    """Returns how many records about the ids are there now that were not when everything was decided."""
    found = 0
    for name in _RECORDS_OF_PEOPLE:
        key, table, by = policy.sources.tables[name].key[0], resolved.tables[name], ids.of(name)
        if by is not None:
            by.pop(key, None)  # whose key is known was there
        if table is None or by == {} or table.columns[key] is None:
            continue
        con.register("read_now", batch.facts(table, {key: types[name][key]}, by, lock=False))
        found += con.execute(f"SELECT count(*) FROM read_now AS n ANTI JOIN raw.{quote(name)} AS r "
                             f"ON r.{quote(key)} = n.{quote(key)}").fetchall()[0][0]
        con.unregister("read_now")
    return found


_RECORDS_OF_PEOPLE = ("contacts", "orders", "invoices", "cases", "communications", "newsletter_subscriptions",
                      "rights_requests")


def _any_differing(policy: Policy, name: str, by: Mapping[str, Sequence[str]] | None) -> str:
    """One row if anything stands on one side alone: soon told, without looking through all that was read."""
    own = _sum(policy, name)
    before = f"SELECT {own}, -1 FROM raw.{quote(name)}" if by is None else (
        f"SELECT sum, -1 FROM scratch.told_now WHERE name = '{name}'")
    return (f"SELECT 1 FROM (SELECT {own} AS sum, 1 AS here FROM {NOW}.raw.{quote(name)} UNION ALL {before}) "
            "GROUP BY sum HAVING sum(here) <> 0 LIMIT 1")


def _judged(policy: Policy, name: str) -> list[str]:
    """The columns of a table that a rule reads or an action touches."""
    return [column for column, spec in policy.sources.tables[name].columns.items()
            if spec.decides or column in policy.actions.get(name, {})]


def _told(name: str, by: Mapping[str, Sequence[str]] | None) -> str:
    """Which rows of `raw` tell about a batch, as a condition."""
    return "" if by is None else f" WHERE rowid IN (SELECT rid FROM scratch.told_now WHERE name = '{name}')"


def _differing(policy: Policy, name: str, by: Mapping[str, Sequence[str]] | None) -> str:
    """The rows that stand on one side alone: key, customer, contact and order they name.

    Of rows that our own earlier batches changed, what they may have changed is not compared.
    """
    table = policy.sources.tables[name]
    judged = _judged(policy, name)
    changed = {*policy.actions.get(name, {}), *policy.enforcement.kept_links.get(name, ())}
    ours = [column for column in judged if column in table.key or column not in changed]
    listed = ", ".join(map(quote, judged))
    key = f"trim({quote(table.key[0])}::VARCHAR, chr(32)) AS our_key"
    parts = []
    for columns, of_ours, differ in ((judged, "ANTI", "<>"), (ours, "SEMI", ">")):
        some = ", ".join(map(quote, columns))
        told = ", ".join(f"trim({quote(column)}::VARCHAR, chr(32))" if column in columns else "NULL"
                         for column in (table.key[0], "customer_id", "contact_id", "order_id"))
        # A row of ours that is gone was deleted by us, or is not read by the ids it has lost.
        parts.append(f"SELECT DISTINCT {told} FROM (SELECT {some} FROM sides {of_ours} JOIN touched USING (our_key) "
                     f"GROUP BY {some} HAVING sum(here) {differ} 0)")
    return (f"WITH sides AS MATERIALIZED (SELECT {listed}, {key}, 1 AS here FROM {NOW}.raw.{quote(name)} "
            f"UNION ALL SELECT {listed}, {key}, -1 FROM raw.{quote(name)}{_told(name, by)}), "
            f"touched AS MATERIALIZED (SELECT record_id AS our_key FROM scratch.touched WHERE entity = '{name}' "
            f"AND record_id IN (SELECT our_key FROM sides)) " + " UNION ".join(parts))


def _people(con: Connection, customers: Iterable[str], contacts: Iterable[str], records: Iterable[str]) -> set[str]:
    """Who of the batch is meant: the people themselves, contacts of a company that changed, owners of records."""
    rows = con.execute(_OWNERS, {"customers": list(customers), "contacts": list(contacts), "records": list(records),
                                 "blanks": WHITE_SPACE}).fetchall()
    return {row[0] for row in rows}


_OWNERS = f"""
    WITH touched AS (
        SELECT unnest($customers) AS customer_id
        UNION SELECT {bare('o.customer_id::VARCHAR')} FROM raw.orders AS o
            JOIN (SELECT unnest($records) AS record) AS r ON r.record = 'orders/' || {bare('o.order_id::VARCHAR')}
    ), people AS (
        SELECT 'customer:' || customer_id AS person FROM touched
        UNION SELECT 'contact:' || unnest($contacts)
        UNION SELECT 'contact:' || {bare('c.contact_id::VARCHAR')} FROM raw.contacts AS c
            JOIN touched AS t ON t.customer_id = {bare('c.customer_id::VARCHAR')}
        UNION SELECT 'contact:' || {bare('o.contact_id::VARCHAR')} FROM raw.orders AS o
            JOIN (SELECT unnest($records) AS record) AS r ON r.record = 'orders/' || {bare('o.order_id::VARCHAR')}
        UNION SELECT unnest($records)
        UNION SELECT 'web_events/' || {bare('e.event_id::VARCHAR')} FROM raw.web_events AS e
            JOIN touched AS t ON t.customer_id = {bare('e.customer_id::VARCHAR')}
        UNION SELECT 'web_events/' || {bare('e.event_id::VARCHAR')} FROM raw.web_events AS e
            JOIN (SELECT unnest($contacts) AS contact_id) AS c ON c.contact_id = {bare('e.contact_id::VARCHAR')}
        UNION SELECT b.person FROM scratch.batch AS b
            JOIN (SELECT unnest($records) AS record) AS r ON r.record = b.entity || '/' || b.record_id
    )
    SELECT DISTINCT person FROM scratch.batch SEMI JOIN people USING (person)
"""
