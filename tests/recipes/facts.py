"""Invented people and what they bought, once, under the contract's own names; every shop's fixture holds the same.

Moments are UTC. Toralf's invoice is of the last half hour of 2020 there, which is 2021 in Oslo: read as local time it
would be due a year too early.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
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
_CONTACTS = (  # id, first name, last name, created, deactivated, last login; of the firm, who is customer 13
    (31, "Perline", "Sandhaug", "2012-06-02 10:00:00Z", "2014-02-01 10:00:00Z", "2014-01-05 08:00:00Z"),
    (32, "Sigdis", "Hovland", "2025-06-02 10:00:00Z", None, "2026-09-05 08:00:00Z"))
_CASES = (  # id, customer, order, opened, closed, what it says
    (701, 11, 1001, "2012-02-01 09:00:00Z", "2012-03-01 09:00:00Z", "Karianne Nordhaug wants her lamp mended"),
    (702, 12, 1002, "2026-09-20 09:00:00Z", None, "Olavine Bakkerud has no shade"),
    (703, None, None, "2012-02-01 09:00:00Z", "2012-03-01 09:00:00Z", "Framhild Ruud asks for a price"))
_SUBSCRIPTIONS = (  # id, customer, subscribed, unsubscribed
    (801, 11, "2012-02-02 09:00:00Z", "2013-02-02 09:00:00Z"),
    (802, 12, "2024-02-02 09:00:00Z", None),
    (803, None, "2024-03-03 09:00:00Z", None),
    (804, None, "2014-03-03 09:00:00Z", "2015-03-03 09:00:00Z"))
_READERS = {803: ("Torbera", "Lindvik"), 804: ("Asmunda", "Kvernes")}
_CREDIT_NOTES = ((1908, 20, 1008, "2012-03-21 09:00:00Z"),)  # id, customer, order, issued
_GUESTS = {1009: ("Gjertine", "Ensrud"), 1010: ("Halvdana", "Nyberget")}
WARRANTIES = {501: 2, 502: 0, 503: 10, 504: None}
CATEGORIES = {2: "Lamps", 0: "Paint", 10: "Sofas", None: "Rugs"}
BY_CATEGORY = "Lamps=2,Paint=0,Sofas=10"
_OSLO = ZoneInfo("Europe/Oslo")


class Told(NamedTuple):
    """What is told of people, in the order of the columns above; each shop's fixture holds what it has a place for."""

    people: Sequence[tuple[Any, ...]] = _PEOPLE
    orders: Sequence[tuple[Any, ...]] = _ORDERS
    contacts: Sequence[tuple[Any, ...]] = _CONTACTS
    cases: Sequence[tuple[Any, ...]] = _CASES
    subscriptions: Sequence[tuple[Any, ...]] = _SUBSCRIPTIONS
    credit_notes: Sequence[tuple[Any, ...]] = _CREDIT_NOTES
    strangers: Mapping[int, tuple[str, str]] = MappingProxyType(_GUESTS | _READERS)  # by order or subscription


_TOLD = Told()


def _person(number: int, first: str, last: str) -> Row:
    """What one person's rows hold; every value is hers alone but postal code, city and country."""
    return {"name": f"{first} {last}", "email": f"{first}.{last}@example.no".lower(), "phone": f"9{number:07d}",
            "street_address": f"{last}veien {number}", "postal_code": "5003", "city": "Bergen"}


def facts(told: Told = _TOLD) -> Facts:
    """The rows of each table of the contract."""
    customers = [{"customer_id": number, "customer_type": kind, **_person(number, first, last), "country": "NO",
                  "username": f"{first}{number}".lower(), "profile_created_at": created, "last_login_at": login}
                 for number, kind, first, last, created, login in told.people]
    for row in customers:
        if row["customer_type"] == "business":
            row["name"] = "Lagerhuset AS"
    known = {row["customer_id"]: row for row in customers}
    strangers = {number: _person(number, *names) for number, names in told.strangers.items()}
    found: Facts = {"customers": customers, "orders": [], "order_lines": [], "invoices": [], "products": [
        {"product_id": number, "name": f"Product {number}", "category": CATEGORIES[years], "warranty_years": years}
        for number, years in WARRANTIES.items()]}
    for order in told.orders:
        _bought(found, order, known.get(order[1]) or strangers[order[0]])
    for number, who, of, issued in told.credit_notes:
        found["invoices"].append(_invoice(number, who, of, issued, "-100.00", "-100.00", known[who]))
    found["contacts"] = [
        {"contact_id": number, "customer_id": 13, "name": f"{first} {last}", "job_title": "Buyer",
         "email": f"{first}.{last}@example.no".lower(), "phone": f"9{number:07d}",
         "username": f"{first}{number}".lower(), "created_at": created, "deactivated_at": ended, "last_login_at": login}
        for number, first, last, created, ended, login in told.contacts]
    found["cases"] = [
        {"case_id": number, "customer_id": who, "order_id": order, "kind": "complaint", "opened_at": opened,
         "closed_at": closed, "summary": said} for number, who, order, opened, closed, said in told.cases]
    found["newsletter_subscriptions"] = [
        {"subscription_id": number, "email": (known.get(who) or strangers[number])["email"], "customer_id": who,
         "subscribed_at": since, "unsubscribed_at": until} for number, who, since, until in told.subscriptions]
    return found


def _bought(found: Facts, order: tuple[Any, ...], buyer: Row) -> None:
    """An order of one line, and its invoice where it was not cancelled."""
    number, who, product, ordered, delivered, paid, cancelled, returned = order
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
        found["invoices"].append(_invoice(number, who, number, ordered, "100.00", "100.00" if paid else "0.00", buyer))


def _invoice(number: int, who: int | None, order: int, issued: str, amount: str, paid: str, buyer: Row) -> Row:
    return {"invoice_id": number, "customer_id": who, "order_id": order, "issued_at": issued, "amount": amount,
            "paid_amount": paid, **{f"billing_{name}": buyer[name] for name in (
                "name", "street_address", "postal_code", "city", "email")}}


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
    """The facts that a shop can hold: without some columns, without the rows of a table that lacks "*"."""
    kept = {table: [row for row in rows if "*" not in lacks.get(table, ())] for table, rows in found.items()}
    if "credit_notes" in lacks:
        kept["invoices"] = [row for row in kept["invoices"] if not row["amount"].startswith("-")]
    return {table: [{name: value for name, value in row.items() if name not in lacks.get(table, ())} for row in rows]
            for table, rows in kept.items()}


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

