"""The rows behind what is due: each source row with its due parts and the values that its columns hold.

Belongs here: reading them from a decided zone, and what a value's end depends on (country, customer type, tombstone).
Does not belong here: the warehouse itself, what happens to the values (`values`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ajprivacy_pipeline.enforcement.marks import Marking
from ajprivacy_pipeline.enforcement.stages import LINK, SUBJECTS, Stage
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import WHITE_SPACE, Connection, quote

FETCH = 10_000


@dataclass(frozen=True)
class Facts:
    """What the end of a row's values depends on."""

    customer_type: str | None  # of the customer whose row it is or to whom it belongs; None: unknown, or nobody
    is_home: bool


@dataclass(frozen=True)
class Item:
    """One source row and its due parts, each with the day since when it is due. `key` and `values` are as extracted."""

    entity: str
    record_id: str
    subject_id: str | None
    parts: Mapping[str, date]
    key: tuple[Any, ...]
    values: Mapping[str, Any]
    facts: Facts
    marks: tuple[Mapping[str, str], ...] = ()  # under each key that was asked for, the fingerprints by part


def items(con: Connection, policy: Policy, stages: Mapping[tuple[str, str], Stage], entity: str,
          relation: str, keys: Sequence[bytes] = ()) -> Iterator[Item]:
    """Yields the source rows of a table of the contract that have due parts.

    Args:
        con: a zone in which a month is decided.
        policy: whose stages they are.
        stages: by table and part.
        entity: the table of the contract.
        relation: what is due, with the columns of retention.due.
        keys: under which each part is marked.
    """
    sql, bound = _query(policy, stages, entity, relation, marking=Marking(keys))
    yield from _fetched(con, f"{sql} ORDER BY d.record_id", bound, policy, stages, entity, len(keys))


def mark(con: Connection, policy: Policy, stages: Mapping[tuple[str, str], Stage], entities: Iterable[str],
         relation: str, key: bytes) -> None:
    """Write the fingerprints of what is due to `scratch.marks_now` (entity, record_id, part, fingerprint).

    The facts a decision rests on are no part of it: they are decided about anew, and our own earlier batches move the
    days. Arguments as `items`.
    """
    con.execute("CREATE OR REPLACE TABLE scratch.marks_now "
                "(entity VARCHAR, record_id VARCHAR, part VARCHAR, fingerprint VARCHAR)")
    for entity in entities:
        sql, bound = _query(policy, stages, entity, relation, marking=Marking([key]))
        con.execute("INSERT INTO scratch.marks_now SELECT $entity, record_id, unnest(parts), unnest(marks_0) "
                    f"FROM ({sql})", bound)


def gather(con: Connection, policy: Policy, stages: Mapping[tuple[str, str], Stage], entity: str,
           relation: str) -> None:
    """Write what `items` yields to a table of the zone, by the turn that `relation` gives it, for `gathered`."""
    sql, bound = _query(policy, stages, entity, relation, ", turn")
    con.execute(f"CREATE OR REPLACE TABLE {_gathered(entity)} AS {sql} ORDER BY d.turn, d.record_id", bound)


def gathered(con: Connection, policy: Policy, stages: Mapping[tuple[str, str], Stage], entity: str) -> Iterator[Item]:
    """Yields the items that `gather` wrote whose turn is in `scratch.turns_now`."""
    sql = (f"SELECT * EXCLUDE (turn) FROM {_gathered(entity)} SEMI JOIN scratch.turns_now USING (turn) "
           "ORDER BY record_id")
    yield from _fetched(con, sql, {}, policy, stages, entity)


def _gathered(entity: str) -> str:
    return quote(f"gathered_{entity}")


def _columns(stages: Mapping[tuple[str, str], Stage], entity: str) -> list[str]:
    return list(dict.fromkeys(name for (table, _), stage in stages.items() if table == entity
                              for name in stage.columns))


def _query(policy: Policy, stages: Mapping[tuple[str, str], Stage], entity: str, relation: str,
           turn: str = "", marking: Marking | None = None) -> tuple[str, dict[str, Any]]:
    marking = marking or Marking()
    key = policy.sources.tables[entity].key
    listed = ", ".join(f"r.{quote(name)} AS c{i}" for i, name in enumerate((*key, *_columns(stages, entity))))
    sql = (f"WITH due AS (SELECT record_id, any_value(subject_id) AS subject_id, list(part ORDER BY part) AS parts, "
           f"list(due_on ORDER BY part) AS days{turn} FROM {relation} WHERE entity = $entity "
           f"GROUP BY record_id{turn}), "
           f"fed AS (SELECT *, trim({quote(key[0])}::VARCHAR, $blanks) AS record_id FROM raw.{quote(entity)}) "
           f"SELECT d.record_id, d.subject_id, d.parts, d.days, f.is_home, f.customer_type, "
           f"{marking.select(stages, entity)}{listed}{turn.replace(' ', ' d.')} "
           "FROM due AS d JOIN fed AS r USING (record_id) "
           f"LEFT JOIN ({_facts_of(policy, entity)}) AS f ON f.id = d.record_id")
    return sql, {"entity": entity, "blanks": WHITE_SPACE, **_spellings(policy, entity), **marking.bound}


def _fetched(con: Connection, sql: str, bound: Mapping[str, Any], policy: Policy,
             stages: Mapping[tuple[str, str], Stage], entity: str, marks: int = 0) -> Iterator[Item]:
    keys, columns = marks + len(policy.sources.tables[entity].key), _columns(stages, entity)
    cursor = con.cursor()
    cursor.execute(f"USE {quote(con.execute('SELECT current_database()').fetchall()[0][0])}")
    cursor.execute(sql, dict(bound))
    while rows := cursor.fetchmany(FETCH):
        for record_id, subject_id, parts, days, is_home, customer_type, *values in rows:
            yield Item(entity, record_id, subject_id, dict(zip(parts, days, strict=True)), tuple(values[marks:keys]),
                       dict(zip(columns, values[keys:], strict=True)), Facts(customer_type, is_home is not False),
                       tuple(dict(zip(parts, told, strict=True)) for told in values[:marks]))


_HOME = "c.country IS NULL OR list_contains($home, lower(c.country))"
_OF_CUSTOMER = ("SELECT o.{key} AS id, {home} AS is_home, c.customer_type FROM staged.{table} AS o "
                "LEFT JOIN staged.customers AS c ON c.customer_id = o.customer_id")
_OF_CASE = _OF_CUSTOMER.replace("{home}", "true")
_NOTHING = "SELECT NULL::VARCHAR AS id, true AS is_home, NULL::VARCHAR AS customer_type"
_FACTS = {
    "customers": f"SELECT c.customer_id AS id, {_HOME} AS is_home, c.customer_type FROM staged.customers AS c",
    "contacts": _NOTHING,
    "orders": _OF_CUSTOMER.format(key="order_id", table="orders", home=_HOME),
    "invoices": _OF_CUSTOMER.format(key="invoice_id", table="invoices", home=_HOME),
    "cases": _OF_CASE.format(key="case_id", table="cases"),
    "communications": _OF_CASE.format(key="communication_id", table="communications"),
    "newsletter_subscriptions": _NOTHING,
    "rights_requests": _OF_CASE.format(key="request_id", table="rights_requests"),
    "web_events": _NOTHING,
    "app_logs": _NOTHING,
}


def _facts_of(policy: Policy, entity: str) -> str:
    """What is known of the rows of a table; of one that the policy has beyond these, whose customer it is."""
    if entity in _FACTS:
        return _FACTS[entity]
    table = policy.sources.tables[entity]
    if "customer_id" not in table.columns:
        return _NOTHING
    return (f"SELECT trim(o.{quote(table.key[0])}::VARCHAR, $blanks) AS id, true AS is_home, c.customer_type "
            f"FROM raw.{quote(entity)} AS o LEFT JOIN staged.customers AS c "
            "ON c.customer_id = trim(o.customer_id::VARCHAR, $blanks)")


def _spellings(policy: Policy, entity: str) -> dict[str, Any]:
    if "$home" not in _facts_of(policy, entity):
        return {}
    return {"home": [text.lower() for text in policy.regions.own.spellings]}


def columns_of(stage: Stage, item: Item) -> list[str]:
    """Returns the columns that a stage changes in an item's row.

    Of a company its own data stays, and its orders stay linked to it: only the person who ordered goes.
    """
    of_business = item.facts.customer_type in ("business", None)
    if item.entity in SUBJECTS:
        return [name for name in stage.columns if not (of_business and name in stage.company)]
    if stage.part == LINK and of_business:
        return [name for name in stage.columns if name != "customer_id"]
    return list(stage.columns)
