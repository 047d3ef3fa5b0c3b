"""Invented people and what they bought, once, under the contract's own names; every shop's fixture holds the same.

Moments are UTC. Toralf's invoice is of the last half hour of 2020 there, which is 2021 in Oslo: read as local time it
would be due a year too early.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.enforcement.enforcement_world import World
from tests.warehouse.shopkit import canonical_sqlite

Row = dict[str, Any]
Facts = dict[str, list[Row]]

_PEOPLE = (  # id, type, first name, last name, created, last login
    (11, "consumer", "Karianne", "Nordhaug", "2012-01-01 10:00:00Z", "2013-02-03 00:00:00Z"),
    (12, "consumer", "Olavine", "Bakkerud", "2020-05-01 10:00:00Z", "2026-09-30 00:00:00Z"),
    (13, "business", "Nilsine", "Lagerstrand", "2012-06-01 10:00:00Z", None),
    (14, "consumer", "Toralf", "Vestgard", "2020-12-01 10:00:00Z", None),
    (15, "consumer", "Sirianna", "Fjellvik", "2026-05-01 10:00:00Z", None),
    (16, "consumer", "Ulfhild", "Granlund", "2015-05-01 10:00:00Z", "2016-06-06 00:00:00Z"),
    (17, "consumer", "Evensine", "Moland", "2014-01-01 10:00:00Z", None),
    (18, "consumer", "Jonette", "Skarpnes", "2015-01-01 10:00:00Z", None),
    (19, "consumer", "Torhild", "Dyrskog", "2019-01-01 10:00:00Z", None),
    (20, "consumer", "Livmar", "Hestnes", "2012-03-01 10:00:00Z", None),
    (21, "consumer", "Nilsmar", "Ravnberg", "2012-04-01 10:00:00Z", None))
_ORDERS = (  # id, customer, product, ordered, delivered, paid, cancelled, returned
    (1001, 11, 501, "2012-01-02 09:00:00Z", "2012-01-05 09:00:00Z", "2012-01-02 09:05:00Z", None, None),
    (1002, 12, 501, "2026-09-02 09:00:00Z", "2026-09-05 09:00:00Z", "2026-09-02 09:05:00Z", None, None),
    (1003, 13, 502, "2013-01-02 09:00:00Z", "2013-01-05 09:00:00Z", "2013-01-02 09:05:00Z", None, None),
    (1004, 14, 502, "2020-12-31 23:30:00Z", "2021-01-05 09:00:00Z", "2021-01-02 09:05:00Z", None, None),
    (1005, 17, 502, "2014-01-02 09:00:00Z", "2014-01-05 09:00:00Z", None, None, None),
    (1006, 18, 502, "2015-01-02 09:00:00Z", None, None, "2015-01-04 09:00:00Z", None),
    (1007, 19, 503, "2019-01-02 09:00:00Z", "2019-01-05 09:00:00Z", "2019-01-02 09:05:00Z", None, None),
    (1008, 20, 503, "2012-03-02 09:00:00Z", "2012-03-05 09:00:00Z", "2012-03-02 09:05:00Z", None,
     "2012-03-20 09:00:00Z"),
    (1009, None, 502, "2012-05-02 09:00:00Z", "2012-05-05 09:00:00Z", "2012-05-02 09:05:00Z", None, None),
    (1010, None, 502, "2026-09-12 09:00:00Z", "2026-09-15 09:00:00Z", "2026-09-12 09:05:00Z", None, None),
    (1011, 21, 504, "2012-04-02 09:00:00Z", "2012-04-05 09:00:00Z", "2012-04-02 09:05:00Z", None, None))
_GUESTS = {1009: ("Gjertine", "Ensrud"), 1010: ("Halvdana", "Nyberget")}
WARRANTIES = {501: 2, 502: 0, 503: 10, 504: None}
CATEGORIES = {2: "Lamps", 0: "Paint", 10: "Sofas", None: "Rugs"}
BY_CATEGORY = "Lamps=2,Paint=0,Sofas=10"
_OSLO = ZoneInfo("Europe/Oslo")


def _person(number: int, first: str, last: str) -> Row:
    """What one person's rows hold; every value is hers alone but postal code, city and country."""
    return {"name": f"{first} {last}", "email": f"{first}.{last}@example.no".lower(), "phone": f"9{number:07d}",
            "street_address": f"{last}veien {number}", "postal_code": "5003", "city": "Bergen"}


def facts() -> Facts:
    """The rows of each table of the contract."""
    customers = [{"customer_id": number, "customer_type": kind, **_person(number, first, last), "country": "NO",
                  "username": f"{first}{number}".lower(), "profile_created_at": created, "last_login_at": login}
                 for number, kind, first, last, created, login in _PEOPLE]
    for row in customers:
        if row["customer_type"] == "business":
            row["name"] = "Lagerhuset AS"
    known = {row["customer_id"]: row for row in customers}
    found: Facts = {"customers": customers, "orders": [], "order_lines": [], "invoices": [], "products": [
        {"product_id": number, "name": f"Product {number}", "category": CATEGORIES[years], "warranty_years": years}
        for number, years in WARRANTIES.items()]}
    for number, who, product, ordered, delivered, paid, cancelled, returned in _ORDERS:
        buyer = known[who] if who else _person(number, *_GUESTS[number])
        found["orders"].append({
            "order_id": number, "customer_id": who, "ordered_at": ordered, "delivered_at": delivered,
            "completed_at": delivered, "paid_at": paid, "cancelled_at": cancelled, "delivery_note": None,
            "payment_method": "card", "payment_reference": f"txn-{number}", "currency": "NOK", "total_amount": "100.00",
            **{f"delivery_{name}": buyer[name] for name in ("name", "street_address", "postal_code", "city", "phone",
                                                            "email")}})
        found["order_lines"].append({"order_id": number, "line_number": number + 5000, "product_id": product,
                                     "quantity": 1, "unit_price": "100.00", "delivered_at": delivered,
                                     "returned_at": returned})
        if cancelled is None:
            found["invoices"].append({
                "invoice_id": number, "customer_id": who, "order_id": number, "issued_at": ordered, "amount": "100.00",
                "paid_amount": "100.00" if paid else "0.00",
                **{f"billing_{name}": buyer[name] for name in ("name", "street_address", "postal_code", "city",
                                                               "email")}})
    return found


def names_of(email: str) -> tuple[str, str]:
    """First and last name of whoever has an address; of a firm's, those of whoever orders for it."""
    first, last = email.partition("@")[0].title().split(".")
    return first, last


def bare(moment: str | None) -> str | None:
    """A moment as a shop that keeps UTC without a zone writes it."""
    return moment.removesuffix("Z") if moment else None


def local(moment: str | None) -> str | None:
    """A moment as a shop that keeps its local time writes it."""
    return datetime.fromisoformat(moment).astimezone(_OSLO).strftime("%Y-%m-%d %H:%M:%S") if moment else None


def day(moment: str | None) -> str | None:
    """The local day of a moment."""
    return (local(moment) or "")[:10] or None


def without(found: Facts, lacks: Mapping[str, tuple[str, ...]]) -> Facts:
    """The facts that a shop can hold: without some columns."""
    return {table: [{name: value for name, value in row.items() if name not in lacks.get(table, ())} for row in rows]
            for table, rows in found.items()}


def canonical_world(folder: Path, found: Facts) -> World:
    """The same facts under the contract's own names."""
    folder.mkdir()
    return World(folder / "home", canonical_sqlite(folder / "shop.db", found))


def texts(world: World) -> Iterator[tuple[str, str, str]]:
    """Every cell of every table of a warehouse: table, column, text; our own tables left out."""
    import sqlalchemy as sa
    with world.connection() as connection:
        for table in sa.inspect(connection).get_table_names():
            if table.startswith("ajprivacy_"):
                continue
            name = connection.dialect.identifier_preparer.quote_identifier(table)
            for row in connection.exec_driver_sql(f"SELECT * FROM {name}").mappings():
                yield from ((table, column, str(value)) for column, value in row.items() if value is not None)


def personal(row: Row) -> set[str]:
    """The texts by which a row of the facts names its person."""
    ends = ("name", "email", "phone", "street_address", "username")
    return {str(value) for column, value in row.items() if value and column.endswith(ends)
            and value != "Lagerhuset AS" and not column.startswith("user")}

