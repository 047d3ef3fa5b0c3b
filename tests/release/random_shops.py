"""Shops drawn by a seed, as dirty as real ones: credit notes, guests, prices of nothing, one of everything, or nothing.

Each is a dictionary of tables by column, in the form of the layer `staged`, whose people, orders and lines are made up
here. The same seed gives the same shop. `real_year` is one of the size and dirt of a real shop's year.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from ajprivacy_pipeline.storage.zones import Connection

Rows = dict[str, pd.DataFrame]
LAST = date(2024, 3, 31)
_NAMES = ("stol", "bord", "lampe", "hylle", "skap", "benk", "krok", "duk")


@dataclass(frozen=True)
class Shop:
    """What a shop is like; shares lie between 0 and 1."""

    people: int
    orders: int
    products: int
    categories: int
    regions: int = 9
    days: int = 91
    lines: float = 2.0           # of an order, on average
    businesses: float = 0.3
    guests: float = 0.0          # orders without a customer
    credited: float = 0.0        # lines with a negative quantity
    free: float = 0.0            # products with a price of 0
    unpriced: bool = False       # no line has a price
    varying: float = 0.3         # products whose price varies
    nameless: float = 0.0        # products without a name
    uncategorised: float = 0.0   # products without a category
    returned: float = 0.03       # lines
    largest: float = 0.0         # of all orders, one customer's
    cases: float = 0.1           # of orders
    abroad: float = 0.0          # orders without a Norwegian code
    visits: float = 0.0          # a person, on average
    consenting: float = 0.5      # browsers
    messages: float = 0.0        # a person, on average
    strangers: float = 0.0       # visits and messages without a customer


def drawn(seed: int) -> Shop:
    """Returns the shop of a seed: most are small, a tenth are odd in a way of their own."""
    rng = np.random.default_rng(seed)

    def some(most: float, share: float = 0.4) -> float:
        return float(rng.uniform(0, most)) if rng.random() < share else 0.0

    people = int(20 * 250 ** (rng.random() ** 2))  # 20 to 5,000
    shop = Shop(people=people, orders=max(1, int(people * rng.choice([0.3, 1.0, 2.5]))),
                products=int(rng.choice([1, 2, 3, 8, 30, 100])), categories=int(rng.choice([1, 2, 3, 6])),
                regions=int(rng.choice([1, 2, 4, 9])), lines=float(rng.choice([1.0, 1.5, 3.0])),
                businesses=float(rng.choice([0.0, 0.05, 0.5, 1.0])), guests=some(0.9), credited=some(0.5),
                free=some(1.0), unpriced=bool(rng.random() < 0.1), varying=float(rng.choice([0.0, 0.3, 1.0])),
                nameless=some(1.0, 0.2), uncategorised=some(1.0, 0.2), returned=some(0.3), largest=some(0.9, 0.2),
                cases=some(0.5, 0.3), abroad=some(0.5, 0.2))
    more = np.random.default_rng([seed, 1])
    shop = replace(shop, visits=float(more.choice([0.0, 0.5, 2.0, 6.0])),
                   messages=float(more.choice([0.0, 0.3, 1.0, 3.0])),
                   consenting=float(more.choice([0.0, 0.3, 0.7, 1.0])), strangers=float(more.choice([0.0, 0.2, 0.8])))
    odd: dict[int, Callable[[], Shop]] = {
        0: lambda: replace(shop, people=0, orders=0, products=0),
        1: lambda: replace(shop, people=1, largest=1.0),
        2: lambda: replace(shop, guests=1.0),
        3: lambda: replace(shop, products=1, categories=1, regions=1),
        4: lambda: replace(shop, credited=1.0),
        5: lambda: replace(shop, free=1.0),
        6: lambda: replace(shop, returned=1.0),
        7: lambda: replace(shop, orders=1),
    }
    return odd.get(seed % 80, lambda: shop)()


def real_year(months: int = 11) -> Shop:
    """Returns a year of 26,000 orders and half a million lines, of which these months are a part."""
    return Shop(people=4_400, orders=26_000 * months // 12, products=4_000, categories=1, regions=9, days=30 * months,
                lines=20.5, businesses=1.0, guests=0.25, credited=0.02, free=0.005, varying=0.8, nameless=0.01,
                uncategorised=0.0, returned=0.0, largest=0.01, cases=0.0, abroad=0.1)


def made(shop: Shop, seed: int, last: date = LAST) -> Rows:
    """Returns the shop's tables."""
    rng = np.random.default_rng(seed)
    customers = [f"C{i}" for i in range(shop.people)]
    kinds = np.where(rng.random(shop.people) < shop.businesses, "business", "consumer")
    names = [f"Kunde Nummer{i:04d}" for i in range(shop.people)]
    codes = _codes(shop, np.arange(shop.people))
    tables = {"customers": pd.DataFrame({"customer_id": customers, "customer_type": kinds, "name": names,
                                         "country": "NO", "postal_code": codes})}
    tables["products"], prices, varies = _products(shop, rng)
    tables["orders"] = orders = _orders(shop, rng, last)
    tables["order_lines"] = _lines(shop, rng, orders, prices, varies)
    asked = orders[rng.random(len(orders)) < shop.cases]
    kinds = rng.choice(["complaint", "question", "return"], len(asked))
    tables["cases"] = pd.DataFrame({"case_id": [f"K{i}" for i in range(len(asked))], "kind": kinds,
                                    "customer_id": asked["customer_id"], "order_id": asked["order_id"],
                                    "opened_on": asked["ordered_on"], "closed_on": asked["delivered_on"]})
    more = np.random.default_rng([seed, 2])
    tables["web_events"], tables["communications"] = _visits(shop, more, last), _messages(shop, more, last)
    return {name: table for name, table in tables.items() if len(table)}


def _products(shop: Shop, rng: np.random.Generator) -> tuple[pd.DataFrame, Any, Any]:
    """The products, the price of each, and whether it varies."""
    count = shop.products
    prices = np.round(np.exp(rng.normal(5, 1.2, count)), 2)
    prices[rng.random(count) < shop.free] = 0.0
    names = np.array([f"{_NAMES[i % len(_NAMES)]} modell {i}" for i in range(count)], dtype=object)
    names[rng.random(count) < shop.nameless] = None
    categories = np.array([f"avdeling {i}" for i in rng.integers(0, shop.categories, count)], dtype=object)
    categories[rng.random(count) < shop.uncategorised] = None
    table = pd.DataFrame({"product_id": [f"P{i}" for i in range(count)], "name": names, "category": categories})
    return table, prices, rng.random(count) < shop.varying


def _codes(shop: Shop, who: Any) -> Any:
    """Where people live and have their orders sent to, by their numbers: half of them in the first region."""
    return np.array([f"{1 + (i // 2 if i % 2 else 0) % shop.regions}150" for i in who.tolist()], dtype=object)


def _orders(shop: Shop, rng: np.random.Generator, last: date) -> pd.DataFrame:
    """Orders of customers who buy with very different zeal, some of them of guests."""
    count, zeal = shop.orders, rng.pareto(1.5, max(shop.people, 1)) + 0.1
    if shop.largest and shop.people > 1:
        zeal[0] = zeal[1:].sum() * shop.largest / max(1e-9, 1 - shop.largest)
    who = rng.choice(max(shop.people, 1), count, p=zeal / zeal.sum())
    buyer = np.array([f"C{i}" for i in who], dtype=object)
    buyer[rng.random(count) < (shop.guests if shop.people else 1.0)] = None
    codes = _codes(shop, who)
    codes[rng.random(count) < shop.abroad] = "SW1A 1AA"
    days = [last - timedelta(days=int(day)) for day in rng.integers(0, shop.days, count)]
    waits = rng.integers(0, 9, count)
    delivered = [day + timedelta(days=int(wait)) for day, wait in zip(days, waits, strict=True)]
    return pd.DataFrame({"order_id": [f"O{i}" for i in range(count)], "customer_id": buyer, "ordered_on": days,
                         "delivered_on": delivered,
                         "delivery_postal_code": codes, "currency": "NOK"})


def _lines(shop: Shop, rng: np.random.Generator, orders: pd.DataFrame, prices: Any, varies: Any) -> pd.DataFrame:
    """Lines of popular and of rare products; prices that vary lie up to a fifth off, some quantities below zero."""
    if not shop.products or not len(orders):
        return pd.DataFrame()
    order = np.repeat(np.arange(len(orders)), rng.poisson(shop.lines, len(orders)))
    popular = (1.0 / np.arange(1, shop.products + 1)) ** 0.8
    product = rng.choice(shop.products, len(order), p=popular / popular.sum())
    quantity = rng.geometric(0.4, len(order)) * np.where(rng.random(len(order)) < shop.credited, -1, 1)
    price = np.round(prices[product] * np.where(varies[product], rng.uniform(0.8, 1.2, len(order)), 1.0), 2)
    returned = orders["delivered_on"].to_numpy()[order].astype(object)
    returned[rng.random(len(order)) >= shop.returned] = None
    table = pd.DataFrame({"order_id": orders["order_id"].to_numpy()[order], "line_number": np.arange(len(order)),
                          "product_id": [f"P{i}" for i in product], "quantity": quantity, "unit_price": price,
                          "returned_on": returned})
    return table.drop(columns="unit_price") if shop.unpriced else table


def _people(shop: Shop, rng: np.random.Generator, each: float, last: date) -> tuple[Any, pd.DataFrame]:
    """Whose visits or messages there are, with some who come again and again, by their customer number and day."""
    zeal = rng.pareto(1.5, max(shop.people, 1)) + 0.1
    count = rng.poisson(each * shop.people)
    who = rng.choice(len(zeal), count, p=zeal / zeal.sum())
    customers = np.array([f"C{i}" for i in who], dtype=object)
    customers[rng.random(count) < shop.strangers] = None
    days = [last - timedelta(days=int(day)) for day in rng.integers(0, shop.days, count)]
    return who, pd.DataFrame({"customer_id": customers, "occurred_on": days})


def _visits(shop: Shop, rng: np.random.Generator, last: date) -> pd.DataFrame:
    """Clicks of popular and of rare pages; a person keeps to a device, and has consented with it or not."""
    who, events = _people(shop, rng, shop.visits, last)
    pages = ["/stoler", "/", "/kasse", "/kundeservice", "/kampanje", "/login", "?", None]
    agents = ["Windows NT", "iPhone Mobile", "iPad", "Linux bot", None]
    own = rng.choice(len(agents), max(shop.people, 1), p=[0.5, 0.35, 0.1, 0.03, 0.02])[who]
    device = np.where(rng.random(len(who)) < 0.8, own, rng.choice(2, len(who)))
    return events.assign(
        event_id=[f"W{i}" for i in range(len(who))], visitor_id=[f"V{i}-{d}" for i, d in zip(who, device, strict=True)],
        page=np.array(pages, dtype=object)[rng.choice(len(pages), len(who), p=_popular(len(pages)))],
        user_agent=np.array(agents, dtype=object)[device],
        consented=(rng.random((max(shop.people, 1), len(agents))) < shop.consenting)[who, device])


def _messages(shop: Shop, rng: np.random.Generator, last: date) -> pd.DataFrame:
    who, sent = _people(shop, rng, shop.messages, last)
    channels = ["email", "phone", "chat", "letter", "in_person", "digital", None]
    return sent.assign(
        communication_id=[f"M{i}" for i in range(len(who))],
        channel=np.array(channels, dtype=object)[rng.choice(len(channels), len(who), p=_popular(len(channels)))],
        direction=np.array(["in", "out", None], dtype=object)[rng.choice(3, len(who), p=[0.6, 0.38, 0.02])])


def _popular(count: int) -> Any:
    """Shares of which the first is the largest."""
    shares = (1.0 / np.arange(1, count + 1)) ** 1.5
    return shares / shares.sum()


def put(con: "Connection", tables: Rows) -> None:
    """Insert the tables into `staged`, and one decision a customer into `retention`."""
    for name, table in tables.items():
        con.register("made", table)
        columns = ", ".join(table.columns)
        con.execute(f"INSERT INTO staged.{name} ({columns}) SELECT {columns} FROM made")
        con.unregister("made")
    con.execute("INSERT INTO retention.attribute_decisions (as_of, subject_id, attribute, decision) SELECT "
                "DATE '2024-04-01', 'customer:' || customer_id, 'name', 'retain' FROM staged.customers")
