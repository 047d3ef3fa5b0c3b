"""A WooCommerce shop (HPOS): tables by the names that its documentation gives, as far as the recipe reads them."""

from collections.abc import Iterator
from typing import Any

from tests.recipes.facts import WARRANTIES, Facts, bare, names_of, without

NAME, KIND = "woocommerce", "mariadb"
SHOWN = "WooCommerce 8.2 and later, orders in their own tables (HPOS), prefix `wp_`"
DRIVER = "pip install 'ajprivacy-pipeline[mysql]'"
ANSWERS = {"warranty": "warranty_years"}
LACKS = {"contacts": ("*",), "cases": ("*",), "credit_notes": ("*",)}
TABLES = """
CREATE TABLE wp_users (ID bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_login varchar(60) NOT NULL DEFAULT '', user_pass varchar(255) NOT NULL DEFAULT '',
    user_nicename varchar(50) NOT NULL DEFAULT '',
    user_email varchar(100) NOT NULL DEFAULT '', user_url varchar(100) NOT NULL DEFAULT '',
    user_registered datetime NOT NULL DEFAULT '2000-01-01 00:00:00', display_name varchar(250) NOT NULL DEFAULT '');
CREATE TABLE wp_usermeta (umeta_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id bigint unsigned NOT NULL DEFAULT 0, meta_key varchar(255), meta_value longtext, KEY (user_id));
CREATE TABLE wp_posts (ID bigint unsigned NOT NULL PRIMARY KEY, post_title text NOT NULL,
    post_type varchar(20) NOT NULL);
CREATE TABLE wp_postmeta (meta_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    post_id bigint unsigned NOT NULL DEFAULT 0, meta_key varchar(255), meta_value longtext, KEY (post_id));
CREATE TABLE wp_comments (comment_ID bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    comment_post_ID bigint unsigned NOT NULL DEFAULT 0, comment_author tinytext NOT NULL,
    comment_author_email varchar(100) NOT NULL DEFAULT '', comment_author_url varchar(200) NOT NULL DEFAULT '',
    comment_author_IP varchar(100) NOT NULL DEFAULT '', comment_content text NOT NULL,
    comment_agent varchar(255) NOT NULL DEFAULT '', comment_type varchar(20) NOT NULL DEFAULT 'comment');
CREATE TABLE wp_wc_orders (id bigint unsigned NOT NULL PRIMARY KEY, status varchar(20), currency varchar(10),
    type varchar(20), tax_amount decimal(26,8), total_amount decimal(26,8), customer_id bigint unsigned,
    billing_email varchar(320), date_created_gmt datetime, date_updated_gmt datetime,
    parent_order_id bigint unsigned, payment_method varchar(100), payment_method_title text,
    transaction_id varchar(100), ip_address varchar(100), user_agent text, customer_note text);
CREATE TABLE wp_wc_order_addresses (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    order_id bigint unsigned NOT NULL, address_type varchar(20), first_name text, last_name text, company text,
    address_1 text, address_2 text, city text, state text, postcode text, country text, email varchar(320),
    phone varchar(100), UNIQUE KEY (address_type, order_id));
CREATE TABLE wp_wc_order_operational_data (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    order_id bigint unsigned, date_paid_gmt datetime, date_completed_gmt datetime, UNIQUE KEY (order_id));
CREATE TABLE wp_wc_orders_meta (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, order_id bigint unsigned,
    meta_key varchar(255), meta_value text);
CREATE TABLE wp_wc_customer_lookup (customer_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id bigint unsigned, username varchar(60) NOT NULL DEFAULT '', first_name varchar(255) NOT NULL,
    last_name varchar(255) NOT NULL, email varchar(100), country char(2) NOT NULL DEFAULT '',
    postcode varchar(20) NOT NULL DEFAULT '', city varchar(100) NOT NULL DEFAULT '',
    state varchar(100) NOT NULL DEFAULT '', UNIQUE KEY (user_id));
CREATE TABLE wp_woocommerce_order_items (order_item_id bigint unsigned NOT NULL PRIMARY KEY,
    order_item_name text NOT NULL, order_item_type varchar(200) NOT NULL DEFAULT '', order_id bigint unsigned NOT NULL);
CREATE TABLE wp_woocommerce_order_itemmeta (meta_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    order_item_id bigint unsigned NOT NULL, meta_key varchar(255), meta_value longtext, KEY (order_item_id));
CREATE TABLE wp_woocommerce_sessions (session_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    session_key char(32) NOT NULL, session_value longtext NOT NULL, session_expiry bigint unsigned NOT NULL,
    UNIQUE KEY (session_key));
CREATE TABLE wp_woocommerce_downloadable_product_permissions (permission_id bigint unsigned NOT NULL AUTO_INCREMENT
    PRIMARY KEY, order_id bigint unsigned NOT NULL, user_email varchar(200) NOT NULL, user_id bigint unsigned);
CREATE TABLE wp_mailpoet_subscribers (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, wp_user_id bigint,
    first_name varchar(255) NOT NULL DEFAULT '', last_name varchar(255) NOT NULL DEFAULT '',
    email varchar(150) NOT NULL, status varchar(12) NOT NULL DEFAULT 'unconfirmed', confirmed_at timestamp NULL,
    created_at timestamp NULL, updated_at timestamp NOT NULL DEFAULT current_timestamp(), UNIQUE KEY (email));
CREATE TABLE wp_plugin_waitlist (id integer PRIMARY KEY, waiting_email varchar(100), mailing_id integer);
"""
UNCOVERED = ["wp_plugin_waitlist.waiting_email"]
STRANGE = "DROP TABLE wp_wc_order_operational_data"
STRANGE_SAYS = ("the tables are those of WooCommerce in a version that its recipe does not know (it knows 8.2 and "
                "later, orders in their own tables (HPOS)): the table wp_wc_order_operational_data is missing")
STAY, GO = (12, 15, 17, 19, 21), (11, 16, 20)
NOT_CARRIED_OUT: set[str] = set()
LEFT: set[str] = set()



def held(found: Facts) -> Facts:
    """What of the facts a shop like this one can hold; its invoices are its orders."""
    return without(found, LACKS)


def rows(found: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of the shop, with its table."""
    yield "wp_users", {"ID": 1, "user_login": "sjefen", "user_email": "sjefen@shop.example", "display_name": "Sjefen",
                       "user_registered": "2010-01-01 00:00:00"}
    yield from _meta(1, wp_capabilities='a:1:{s:13:"administrator";b:1;}', first_name="Sjefen")
    for person in found["customers"]:
        yield from _account(person)
    for number, years in WARRANTIES.items():
        yield "wp_posts", {"ID": number, "post_title": f"Product {number}", "post_type": "product"}
        if years is not None:
            yield "wp_postmeta", {"post_id": number, "meta_key": "warranty_years", "meta_value": str(years)}
    lines = {line["order_id"]: line for line in found["order_lines"]}
    for order in found["orders"]:
        yield from _order(order, lines[order["order_id"]])
    for reader in found["newsletter_subscriptions"]:
        first, last = names_of(reader["email"])
        yield "wp_mailpoet_subscribers", {
            "id": reader["subscription_id"], "wp_user_id": reader["customer_id"], "first_name": first,
            "last_name": last, "email": reader["email"],
            "status": "unsubscribed" if reader["unsubscribed_at"] else "subscribed",
            "confirmed_at": bare(reader["subscribed_at"]), "created_at": bare(reader["subscribed_at"]),
            "updated_at": bare(reader["unsubscribed_at"] or reader["subscribed_at"])}


def _meta(user: int, **values: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in values.items():
        yield "wp_usermeta", {"user_id": user, "meta_key": key, "meta_value": value}


def _seconds(moment: str) -> str:
    from datetime import datetime
    return str(int(datetime.fromisoformat(moment).timestamp()))


def _account(person: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    user, firm = person["customer_id"], person["customer_type"] == "business"
    first, last = names_of(person["email"])
    yield "wp_users", {"ID": user, "user_login": person["username"], "user_nicename": person["username"],
                       "user_email": person["email"], "display_name": person["name"],
                       "user_registered": person["profile_created_at"].removesuffix("Z")}
    yield from _meta(
        user, wp_capabilities='a:1:{s:8:"customer";b:1;}', first_name=first, last_name=last, billing_first_name=first,
        billing_last_name=last, billing_phone=person["phone"], billing_address_1=person["street_address"],
        billing_postcode=person["postal_code"], billing_city=person["city"], billing_country="NO",
        billing_email=person["email"], **({"billing_company": person["name"]} if firm else {}),
        **({"wc_last_active": _seconds(person["last_login_at"])} if person["last_login_at"] else {}), locale="nb_NO")
    yield "wp_wc_customer_lookup", {"user_id": user, "username": person["username"], "first_name": first,
                                    "last_name": last, "email": person["email"], "postcode": person["postal_code"],
                                    "city": person["city"]}
    yield "wp_woocommerce_sessions", {"session_key": str(user), "session_value": person["street_address"],
                                      "session_expiry": 1}


def _order(order: dict[str, Any], line: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    number, firm = order["order_id"], order["delivery_name"] == "Lagerhuset AS"
    first, last = names_of(order["delivery_email"])
    at = {name: value.removesuffix("Z") if value else None for name, value in order.items() if name.endswith("_at")}
    status = "wc-cancelled" if order["cancelled_at"] else "wc-completed" if order["paid_at"] else "wc-on-hold"
    yield "wp_wc_orders", {
        "id": number, "status": status, "currency": "NOK", "type": "shop_order", "total_amount": order["total_amount"],
        "customer_id": order["customer_id"] or 0, "billing_email": order["delivery_email"],
        "date_created_gmt": at["ordered_at"], "date_updated_gmt": at["cancelled_at"] or at["ordered_at"],
        "payment_method": "card", "transaction_id": order["payment_reference"], "ip_address": f"10.0.0.{number % 100}",
        "user_agent": "Mozilla", "customer_note": order["delivery_note"]}
    yield "wp_wc_order_operational_data", {"order_id": number, "date_paid_gmt": at["paid_at"],
                                           "date_completed_gmt": at["delivered_at"]}
    for kind in ("shipping", "billing"):
        yield "wp_wc_order_addresses", {
            "order_id": number, "address_type": kind, "first_name": first, "last_name": last,
            "company": "Lagerhuset AS" if firm else "", "address_1": order["delivery_street_address"],
            "postcode": order["delivery_postal_code"], "city": order["delivery_city"], "country": "NO",
            "phone": order["delivery_phone"], "email": order["delivery_email"] if kind == "billing" else None}
        yield "wp_wc_orders_meta", {"order_id": number, "meta_key": f"_{kind}_address_index",
                                    "meta_value": f"{first} {last} {order['delivery_street_address']}"}
    yield "wp_comments", {"comment_post_ID": number, "comment_author": "WooCommerce", "comment_type": "order_note",
                          "comment_content": f"Sent to {order['delivery_name']}"}
    yield "wp_woocommerce_downloadable_product_permissions", {"order_id": number, "user_email": order["delivery_email"]}
    if order["customer_id"] is None:
        yield "wp_wc_customer_lookup", {"first_name": first, "last_name": last, "email": order["delivery_email"]}
    yield from _item(line["line_number"], number, _product_id=str(line["product_id"]), _qty="1",
                     _line_total=str(line["unit_price"]))
    if line["returned_at"]:
        yield "wp_wc_orders", {"id": number + 4000, "type": "shop_order_refund", "parent_order_id": number,
                               "status": "wc-completed", "total_amount": "-100",
                               "date_created_gmt": line["returned_at"].removesuffix("Z")}
        yield from _item(line["line_number"] + 4000, number + 4000, _product_id=str(line["product_id"]), _qty="-1",
                         _line_total="-100", _refunded_item_id=str(line["line_number"]))


def _item(item: int, order: int, **meta: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "wp_woocommerce_order_items", {"order_item_id": item, "order_item_name": "Product", "order_id": order,
                                         "order_item_type": "line_item"}
    for key, value in meta.items():
        yield "wp_woocommerce_order_itemmeta", {"order_item_id": item, "meta_key": key, "meta_value": value}
