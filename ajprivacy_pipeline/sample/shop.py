"""The sample shop, chunk by chunk.

Belongs here: the order in which tables are made, and running numbers. Does not belong here: where they are written.
"""

import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time

import pyarrow as pa

from ajprivacy_pipeline.sample.arrays import Columns, Streams
from ajprivacy_pipeline.sample.billing import make_invoices
from ajprivacy_pipeline.sample.people import Chunk, make_people
from ajprivacy_pipeline.sample.products import Range, make_range
from ajprivacy_pipeline.sample.service import make_cases, make_communications, make_requests, make_subscriptions
from ajprivacy_pipeline.sample.traces import make_app_logs, make_web_events
from ajprivacy_pipeline.sample.trade import make_orders
from ajprivacy_pipeline.settings import NOTICE

CHUNK = 25_000  # customers made at once: bounds the memory. Changing it changes the sample

Contract = dict[str, dict[str, str]]
Piece = tuple[str, pa.Table]


def contract() -> Contract:
    """Tables of the source contract, their columns, and the type of each, in the contract's order."""
    loaded = tomllib.loads((NOTICE / "sources.toml").read_text(encoding="utf-8"))
    return {table: {name: str(column["type"]) for name, column in entry["columns"].items()}
            for table, entry in loaded["tables"].items()}


def keys() -> dict[str, list[str]]:
    """Returns the key columns of each table of the contract."""
    loaded = tomllib.loads((NOTICE / "sources.toml").read_text(encoding="utf-8"))
    return {table: list(entry["key"]) for table, entry in loaded["tables"].items()}


def last_second(until: date) -> int:
    """Returns the last second of a local day, in local seconds."""
    return int(datetime.combine(until, time(23, 59, 59), UTC).timestamp())


def pieces(customers: int, seed: int, until: date) -> Iterator[list[Piece]]:
    """Yields the shop in pieces that fit in memory; every row comes once, a piece belongs to a chunk of customers."""
    columns = contract()
    goods = make_range(Streams(seed, 0))
    yield [("products", _table("products", goods.columns, columns))]
    number = dict.fromkeys(columns, 1)
    for place, first in enumerate(range(1, customers + 1, CHUNK)):
        rows = min(CHUNK, customers + 1 - first)
        made = _chunk(Chunk(Streams(seed, place), first, rows, last_second(until)), goods, number)
        tables = [(name, _table(name, made[name], columns)) for name in columns if name in made]
        for name, table in tables:
            number[name] += table.num_rows
        del made
        yield tables


def _chunk(chunk: Chunk, goods: Range, number: dict[str, int]) -> dict[str, Columns]:
    """Every table of one chunk; `number` gives the next free number of each table."""
    people = make_people(chunk)
    orders, order_columns, line_columns = make_orders(chunk, people, goods, number["orders"])
    cases, case_columns = make_cases(chunk, people, orders, number["cases"])
    return {
        "customers": people.customers, "contacts": people.contacts,
        "orders": order_columns, "order_lines": line_columns,
        "invoices": make_invoices(chunk, people, orders, number["invoices"]), "cases": case_columns,
        "communications": make_communications(chunk, people, cases, number["communications"]),
        "newsletter_subscriptions": make_subscriptions(chunk, people, number["newsletter_subscriptions"]),
        "rights_requests": make_requests(chunk, people, number["rights_requests"]),
        "web_events": make_web_events(chunk, people, number["web_events"]),
        "app_logs": make_app_logs(chunk, people, number["app_logs"]),
    }


def _table(name: str, made: Columns, columns: Contract) -> pa.Table:
    """The columns in the contract's order; a missing one is a mistake of ours and fails here."""
    surplus = set(made) - set(columns[name])
    if surplus:
        raise KeyError(f"{name}: {sorted(surplus)} are not in the contract")
    return pa.table({column: made[column] for column in columns[name]})
