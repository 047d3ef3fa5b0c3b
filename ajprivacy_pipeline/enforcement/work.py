"""The rows behind what is due: each source row with its due parts and the values that its columns hold.

Belongs here: reading them from a decided zone, and what a value's end depends on (country, customer type, tombstone).
Does not belong here: the warehouse itself, what happens to the values (`values`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from ajprivacy_pipeline.enforcement.marks import Marking
from ajprivacy_pipeline.enforcement.stages import LINK, SUBJECTS, Stage
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import WHITE_SPACE, Connection, bare, quote

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

    def only(self, subject_id: str | None, parts: Sequence[str]) -> "Item":
        """Returns the same row with some of its due parts, which are that subject's."""
        return replace(self, subject_id=subject_id, parts={part: self.parts[part] for part in parts})


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
    marking, own = Marking(keys), policy.sources.tables[entity].key
    columns = _columns(stages, entity)
    listed = ", ".join(f"r.{quote(name)} AS c{i}" for i, name in enumerate((*own, *columns)))
    sql, bound = _query(policy, entity, relation, "d.record_id, d.subject_id, d.parts, d.days, f.is_home, "
                        f"f.customer_type, {marking.select(stages, entity)}{listed}")
    cursor = con.cursor()
    cursor.execute(f"USE {quote(con.execute('SELECT current_database()').fetchall()[0][0])}")
    cursor.execute(f"{sql} ORDER BY d.record_id", {**bound, **marking.bound})
    first, rest = len(keys), len(keys) + len(own)
    while rows := cursor.fetchmany(FETCH):
        for record_id, subject_id, parts, days, is_home, customer_type, *values in rows:
            yield Item(entity, record_id, subject_id, dict(zip(parts, days, strict=True)), tuple(values[first:rest]),
                       dict(zip(columns, values[rest:], strict=True)), Facts(customer_type, is_home is not False),
                       tuple(dict(zip(parts, told, strict=True)) for told in values[:first]))


def mark(con: Connection, policy: Policy, stages: Mapping[tuple[str, str], Stage], entities: Iterable[str],
         relation: str, key: bytes) -> None:
    """Write the fingerprints of what is due to `scratch.marks_now` (entity, record_id, part, fingerprint).

    The facts a decision rests on are no part of it: they are decided about anew, and our own earlier batches move the
    days. Arguments as `items`.
    """
    con.execute("CREATE OR REPLACE TABLE scratch.marks_now "
                "(entity VARCHAR, record_id VARCHAR, part VARCHAR, fingerprint VARCHAR)")
    for entity in entities:
        marking = Marking([key])
        sql, bound = behind(policy, entity, relation,
                            f"$entity, d.record_id, d.part, {marking.of_part(stages, entity)}")
        con.execute(f"INSERT INTO scratch.marks_now {sql}", {**bound, **marking.bound})


def behind(policy: Policy, entity: str, relation: str, shown: str) -> tuple[str, dict[str, Any]]:
    """SQL of something of each due part in a relation, `d`, and the row behind it, `r`; and what it binds."""
    return _query_of(policy, entity, f"SELECT record_id, part FROM {relation} WHERE entity = $entity", shown)


class Going(NamedTuple):
    """A row of a batch: whose it is, as `scratch.pending` names people, of which kind, and its key as extracted."""

    record_id: str
    person: str
    kind: str  # the due parts, which columns hold a value, and the facts, as `item_of_kind` reads them
    key: tuple[Any, ...]


def gather(con: Connection, policy: Policy, stages: Mapping[tuple[str, str], Stage], entity: str,
           relation: str) -> None:
    """Write the rows behind a relation to a table of the zone, by the turn that it gives them, for `gathered`."""
    held = ", ".join(f"(r.{quote(name)} IS NOT NULL)::INTEGER" for name in _columns(stages, entity))
    keys = ", ".join(f"r.{quote(name)} AS c{i}" for i, name in enumerate(policy.sources.tables[entity].key))
    sql, bound = _query(policy, entity, relation, (
        "d.record_id, coalesce(d.subject_id, $entity || '/' || d.record_id) AS person, concat_ws('|', "
        f"array_to_string(d.parts, ','), concat({held}), (f.is_home IS NOT FALSE)::INTEGER, "
        f"coalesce('=' || f.customer_type, '')) AS kind, {keys}, d.turn"), ", turn")
    con.execute(f"CREATE OR REPLACE TABLE {_gathered(entity)} AS {sql} ORDER BY d.turn, d.record_id", bound)


def gathered(con: Connection, entity: str, turns: range) -> list[Going]:
    """Returns the rows that `gather` wrote for some turns."""
    rows = con.execute(f"SELECT * EXCLUDE (turn) FROM {_gathered(entity)} WHERE turn >= $first AND turn < $end "
                       "ORDER BY record_id", {"first": turns.start, "end": turns.stop}).fetchall()
    return [Going(row[0], row[1], row[2], row[3:]) for row in rows]


def item_of_kind(stages: Mapping[tuple[str, str], Stage], entity: str, kind: str) -> Item:
    """Returns a row of nobody that stands for all of a kind: of its values it only has whether there are any."""
    parts, held, is_home, customer_type = kind.split("|", 3)
    values = {name: True if there == "1" else None for name, there in zip(_columns(stages, entity), held, strict=True)}
    return Item(entity, "", None, dict.fromkeys(parts.split(","), date.min), (), values,
                Facts(customer_type[1:] if customer_type else None, is_home == "1"))


def _gathered(entity: str) -> str:
    return quote(f"gathered_{entity}")


def _columns(stages: Mapping[tuple[str, str], Stage], entity: str) -> list[str]:
    return list(dict.fromkeys(name for (table, _), stage in stages.items() if table == entity
                              for name in stage.columns))


def _query(policy: Policy, entity: str, relation: str, shown: str, turn: str = "") -> tuple[str, dict[str, Any]]:
    """SQL of something of the rows behind a relation: `d`, what is due of one, `r`, the row, `f`, its facts."""
    due = (f"SELECT record_id, any_value(subject_id) AS subject_id, list(part ORDER BY part) AS parts, "
           f"list(due_on ORDER BY part) AS days{turn} FROM {relation} WHERE entity = $entity GROUP BY record_id{turn}")
    return _query_of(policy, entity, due, shown)


def _query_of(policy: Policy, entity: str, due: str, shown: str) -> tuple[str, dict[str, Any]]:
    """As `_query`, of a `d` that is a SELECT of one's own."""
    key = policy.sources.tables[entity].key
    sql = (f"WITH due AS ({due}), "
           f"fed AS (SELECT *, {bare(f'{quote(key[0])}::VARCHAR')} AS record_id FROM raw.{quote(entity)}) "
           f"SELECT {shown} FROM due AS d JOIN fed AS r USING (record_id) "
           f"LEFT JOIN ({_facts_of(policy, entity)}) AS f ON f.id = d.record_id")
    return sql, {"entity": entity, "blanks": WHITE_SPACE, **_spellings(policy, entity)}


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
    return (f"SELECT {bare(f'o.{quote(table.key[0])}::VARCHAR')} AS id, true AS is_home, c.customer_type "
            f"FROM raw.{quote(entity)} AS o LEFT JOIN staged.customers AS c "
            f"ON c.customer_id = {bare('o.customer_id::VARCHAR')}")


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
