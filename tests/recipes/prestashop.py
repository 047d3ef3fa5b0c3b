"""A PrestaShop: tables by the names that its documentation gives, as far as the recipe reads them."""

from collections.abc import Iterator
from typing import Any

from tests.recipes.facts import BY_CATEGORY, CATEGORIES, WARRANTIES, Facts, local, names_of, without

NAME, KIND = "prestashop", "mariadb"
SHOWN = "PrestaShop 1.7 or 8, prefix `ps_`"
DRIVER = "pip install 'ajprivacy-pipeline[mysql]'"
ANSWERS = {"warranty": BY_CATEGORY}
TABLES = """
CREATE TABLE ps_customer (id_customer int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, company varchar(255),
    siret varchar(14), firstname varchar(255) NOT NULL, lastname varchar(255) NOT NULL, email varchar(255) NOT NULL,
    passwd varchar(255), birthday date, id_gender int unsigned NOT NULL DEFAULT 0,
    newsletter tinyint(1) NOT NULL DEFAULT 0, newsletter_date_add datetime,
    ip_registration_newsletter varchar(15), website varchar(128), note text,
    is_guest tinyint(1) NOT NULL DEFAULT 0, deleted tinyint(1) NOT NULL DEFAULT 0,
    date_add datetime NOT NULL, date_upd datetime NOT NULL);
CREATE TABLE ps_address (id_address int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, id_customer int unsigned NOT NULL,
    id_country int unsigned NOT NULL, alias varchar(32) NOT NULL, company varchar(255), firstname varchar(255) NOT NULL,
    lastname varchar(255) NOT NULL, address1 varchar(128) NOT NULL, address2 varchar(128), postcode varchar(12),
    city varchar(64) NOT NULL, other text, vat_number varchar(32), dni varchar(16),
    phone varchar(32), phone_mobile varchar(32), deleted tinyint(1) NOT NULL DEFAULT 0,
    KEY (id_customer));
CREATE TABLE ps_country (id_country int unsigned NOT NULL PRIMARY KEY, iso_code varchar(3) NOT NULL);
CREATE TABLE ps_product (id_product int unsigned NOT NULL PRIMARY KEY, id_category_default int unsigned);
CREATE TABLE ps_product_lang (id_product int unsigned NOT NULL, id_lang int unsigned NOT NULL, name varchar(128),
    PRIMARY KEY (id_product, id_lang));
CREATE TABLE ps_category_lang (id_category int unsigned NOT NULL, id_lang int unsigned NOT NULL, name varchar(128),
    PRIMARY KEY (id_category, id_lang));
CREATE TABLE ps_orders (id_order int unsigned NOT NULL PRIMARY KEY, id_customer int unsigned NOT NULL,
    id_address_delivery int unsigned NOT NULL, id_address_invoice int unsigned NOT NULL,
    current_state int unsigned NOT NULL, payment varchar(255) NOT NULL, gift_message text,
    total_paid_tax_incl decimal(20,6) NOT NULL, total_paid_real decimal(20,6) NOT NULL, date_add datetime NOT NULL,
    date_upd datetime NOT NULL);
CREATE TABLE ps_order_history (id_order_history int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id_order int unsigned NOT NULL, id_order_state int unsigned NOT NULL, date_add datetime NOT NULL,
    KEY (id_order));
CREATE TABLE ps_order_state (id_order_state int unsigned NOT NULL PRIMARY KEY, shipped tinyint(1) NOT NULL,
    paid tinyint(1) NOT NULL);
CREATE TABLE ps_order_detail (id_order_detail int unsigned NOT NULL PRIMARY KEY, id_order int unsigned NOT NULL,
    product_id int unsigned NOT NULL, product_quantity int NOT NULL, product_quantity_refunded int NOT NULL DEFAULT 0,
    product_quantity_return int NOT NULL DEFAULT 0, unit_price_tax_incl decimal(20,6) NOT NULL,
    KEY (id_order));
CREATE TABLE ps_order_slip (id_order_slip int unsigned NOT NULL PRIMARY KEY, id_order int unsigned NOT NULL,
    date_add datetime NOT NULL,
    KEY (id_order));
CREATE TABLE ps_order_slip_detail (id_order_slip int unsigned NOT NULL, id_order_detail int unsigned NOT NULL,
    PRIMARY KEY (id_order_slip, id_order_detail));
CREATE TABLE ps_order_invoice (id_order_invoice int unsigned NOT NULL PRIMARY KEY, id_order int unsigned NOT NULL,
    total_paid_tax_incl decimal(20,6) NOT NULL, date_add datetime NOT NULL,
    KEY (id_order));
CREATE TABLE ps_customer_thread (id_customer_thread int unsigned NOT NULL PRIMARY KEY, id_customer int unsigned,
    id_order int unsigned, email varchar(255) NOT NULL, status varchar(20) NOT NULL, date_add datetime NOT NULL,
    date_upd datetime NOT NULL);
CREATE TABLE ps_customer_message (id_customer_message int unsigned NOT NULL PRIMARY KEY, id_customer_thread int,
    message text NOT NULL,
    KEY (id_customer_thread));
CREATE TABLE ps_mail (id_mail int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, recipient varchar(126) NOT NULL,
    subject varchar(254) NOT NULL);
CREATE TABLE ps_emailsubscription (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id_shop int unsigned NOT NULL DEFAULT 1, email varchar(255) NOT NULL, newsletter_date_add datetime,
    ip_registration_newsletter varchar(15), http_referer varchar(255), active tinyint(1) NOT NULL DEFAULT 0);
CREATE TABLE ps_wishlist_share (id integer PRIMARY KEY, friend_email varchar(255));
INSERT INTO ps_country VALUES (23, 'NO');
INSERT INTO ps_order_state VALUES (2, 0, 1), (4, 1, 1), (6, 0, 0);
"""
UNCOVERED = ["ps_wishlist_share.friend_email"]
STRANGE = "ALTER TABLE ps_order_detail DROP COLUMN product_quantity_return"
STRANGE_SAYS = ("the tables are those of PrestaShop in a version that its recipe does not know (it knows 1.7 or 8): "
                "the column ps_order_detail.product_quantity_return is missing")
STAY, GO = (12, 15, 17, 19, 21), (11, 16, 20)
NOT_CARRIED_OUT: set[str] = set()
LEFT: set[str] = set()
LACKS = {"contacts": ("*",), "credit_notes": ("*",), "customers": ("username", "last_login_at"),
         "orders": ("completed_at", "payment_reference", "delivery_email"),
         "order_lines": ("delivered_at",),
         "invoices": ("billing_email",)}


def held(found: Facts) -> Facts:
    """What of the facts a shop like this one can hold: a guest is a customer without an account, one an order.

    Who has left the newsletter is not known any more.
    """
    held = without(found, LACKS)
    for order, full in zip(held["orders"], found["orders"], strict=True):
        if order["customer_id"] is None:
            order["customer_id"] = order["order_id"]
            held["customers"].append({
                "customer_id": order["order_id"], "customer_type": "consumer", "country": "NO",
                "profile_created_at": None, "email": full["delivery_email"],
                **{name: order[f"delivery_{name}"] for name in ("name", "phone", "street_address", "postal_code",
                                                                 "city")}})
    for invoice in held["invoices"]:
        invoice["customer_id"] = invoice["customer_id"] or invoice["order_id"]
    readers = [reader for reader in held["newsletter_subscriptions"] if not reader["unsubscribed_at"]]
    for reader in readers:
        who = reader["customer_id"]
        reader["subscription_id"] = f"c{who}" if who else f"e{reader['subscription_id']}"
    held["newsletter_subscriptions"] = readers
    return held


def rows(found: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of the shop, with its table."""
    readers = {reader["customer_id"]: reader for reader in found["newsletter_subscriptions"]}
    for person in found["customers"]:
        yield from _customer(person, readers.get(person["customer_id"]))
    for number, years in WARRANTIES.items():
        yield "ps_product", {"id_product": number, "id_category_default": number}
        yield "ps_category_lang", {"id_category": number, "id_lang": 1, "name": CATEGORIES[years]}
        for lang in (1, 2):
            yield "ps_product_lang", {"id_product": number, "id_lang": lang, "name": f"Product {number}"}
    lines = {line["order_id"]: line for line in found["order_lines"]}
    for order in found["orders"]:
        yield from _order(order, lines[order["order_id"]])
    for invoice in found["invoices"]:
        yield "ps_order_invoice", {"id_order_invoice": invoice["invoice_id"], "id_order": invoice["order_id"],
                                   "total_paid_tax_incl": "100", "date_add": local(invoice["issued_at"])}
    for reader in found["newsletter_subscriptions"]:
        if reader["customer_id"] is None:
            yield "ps_emailsubscription", {"id": reader["subscription_id"][1:], "email": reader["email"], "active": 1,
                                           "newsletter_date_add": local(reader["subscribed_at"])}
    emails = {person["customer_id"]: person["email"] for person in found["customers"]}
    for case in found["cases"]:
        number = case["case_id"]
        yield "ps_customer_thread", {
            "id_customer_thread": number, "id_customer": case["customer_id"] or 0, "id_order": case["order_id"] or 0,
            "email": emails.get(case["customer_id"], "framhild.ruud@example.no"),
            "status": "closed" if case["closed_at"] else "open",
            "date_add": local(case["opened_at"]), "date_upd": local(case["closed_at"] or case["opened_at"])}
        yield "ps_customer_message", {"id_customer_message": number, "id_customer_thread": number,
                                      "message": case["summary"]}


def _customer(person: dict[str, Any], reader: dict[str, Any] | None) -> Iterator[tuple[str, dict[str, Any]]]:
    who, firm = person["customer_id"], person["customer_type"] == "business"
    first, last = names_of(person["email"])
    created = local(person["profile_created_at"]) or "2012-01-01 00:00:00"
    yield "ps_customer", {"id_customer": who, "company": person["name"] if firm else None, "firstname": first,
                          "lastname": last, "email": person["email"], "date_add": created, "date_upd": created,
                          "is_guest": person["profile_created_at"] is None, "website": f"https://{last}.example".lower(),
                          "newsletter": reader is not None,
                          "birthday": "0000-00-00",
                          "newsletter_date_add": local(reader["subscribed_at"]) if reader else "0000-00-00 00:00:00"}
    yield "ps_address", {"id_address": who + 30000, "id_customer": who, "id_country": 23, "alias": f"With {last}",
                         "company": person["name"] if firm else None, "firstname": first, "lastname": last,
                         "address1": person["street_address"], "postcode": "5003", "city": "Bergen",
                         "phone": person["phone"]}
    yield "ps_mail", {"recipient": person["email"], "subject": "Your order"}


def _order(order: dict[str, Any], line: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    number, where = order["order_id"], order["customer_id"] + 30000
    yield "ps_orders", {"id_order": number, "id_customer": order["customer_id"], "id_address_delivery": where,
                        "id_address_invoice": where, "current_state": 6 if order["cancelled_at"] else 4,
                        "payment": "card", "gift_message": None, "total_paid_tax_incl": "100",
                        "total_paid_real": "100" if order["paid_at"] else "0", "date_add": local(order["ordered_at"]),
                        "date_upd": local(order["ordered_at"])}
    for state, at in ((2, order["paid_at"]), (4, order["delivered_at"]), (6, order["cancelled_at"])):
        if at:
            yield "ps_order_history", {"id_order": number, "id_order_state": state, "date_add": local(at)}
    yield "ps_order_detail", {"id_order_detail": line["line_number"], "id_order": number,
                              "product_id": line["product_id"], "product_quantity": 1,
                              "product_quantity_refunded": int(bool(line["returned_at"])), "unit_price_tax_incl": "100"}
    if line["returned_at"]:
        yield "ps_order_slip", {"id_order_slip": number, "id_order": number, "date_add": local(line["returned_at"])}
        yield "ps_order_slip_detail", {"id_order_slip": number, "id_order_detail": line["line_number"]}
