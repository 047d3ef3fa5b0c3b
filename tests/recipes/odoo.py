"""An Odoo: tables and columns by the field names of its documentation, as far as the recipe reads them."""

import json
from collections.abc import Iterator
from typing import Any

from tests.recipes.facts import BY_CATEGORY, CATEGORIES, WARRANTIES, Facts, bare, day, names_of, without

NAME, KIND = "odoo", "postgresql"
SHOWN = "Odoo 16"
DRIVER = "none beside what is installed"
ANSWERS = {"warranty": BY_CATEGORY}
TABLES = """
CREATE TABLE res_country (id serial PRIMARY KEY, code varchar(2));
CREATE TABLE res_partner (id serial PRIMARY KEY, name varchar, display_name varchar, email varchar,
    email_normalized varchar, phone varchar, mobile varchar, phone_sanitized varchar, street varchar, street2 varchar,
    zip varchar, city varchar, country_id integer REFERENCES res_country, vat varchar, "function" varchar, comment text,
    is_company boolean, parent_id integer REFERENCES res_partner, commercial_partner_id integer REFERENCES res_partner,
    customer_rank integer, type varchar, active boolean, create_date timestamp, write_date timestamp);
CREATE TABLE res_users (id serial PRIMARY KEY, login varchar NOT NULL UNIQUE,
    partner_id integer NOT NULL REFERENCES res_partner, share boolean, create_date timestamp);
CREATE TABLE res_users_log (id serial PRIMARY KEY, create_uid integer, create_date timestamp);
CREATE TABLE product_category (id serial PRIMARY KEY, name varchar);
CREATE TABLE product_template (id serial PRIMARY KEY, name jsonb, categ_id integer);
CREATE TABLE product_product (id serial PRIMARY KEY, product_tmpl_id integer);
CREATE TABLE sale_order (id serial PRIMARY KEY, name varchar, partner_id integer REFERENCES res_partner, state varchar,
    date_order timestamp, amount_total numeric, note text, company_id integer, write_date timestamp);
CREATE TABLE sale_order_line (id serial PRIMARY KEY, order_id integer, product_id integer, product_uom_qty numeric,
    price_unit numeric, display_type varchar);
CREATE TABLE stock_picking (id serial PRIMARY KEY, sale_id integer, state varchar, date_done timestamp);
CREATE TABLE stock_move (id serial PRIMARY KEY, sale_line_id integer, state varchar, date timestamp,
    origin_returned_move_id integer, quantity_done numeric);
CREATE TABLE account_move (id serial PRIMARY KEY, name varchar, move_type varchar, state varchar, payment_state varchar,
    invoice_origin varchar, invoice_date date, invoice_date_due date, date date,
    commercial_partner_id integer REFERENCES res_partner, partner_id integer, amount_total_signed numeric,
    amount_residual_signed numeric, invoice_partner_display_name varchar, company_id integer);
CREATE TABLE helpdesk_ticket_stage (id serial PRIMARY KEY);
CREATE TABLE helpdesk_ticket (id serial PRIMARY KEY, name varchar NOT NULL, description text NOT NULL,
    partner_id integer REFERENCES res_partner, partner_name varchar, partner_email varchar, closed_date timestamp,
    create_date timestamp);
CREATE TABLE mailing_contact (id serial PRIMARY KEY, name varchar, email varchar, email_normalized varchar,
    company_name varchar, create_date timestamp);
CREATE TABLE mailing_contact_list_rel (id serial PRIMARY KEY, list_id integer,
    contact_id integer REFERENCES mailing_contact ON DELETE CASCADE, opt_out boolean, unsubscription_date timestamp,
    create_date timestamp);
CREATE TABLE crm_lead (id serial PRIMARY KEY, email_from varchar, email_cc varchar);
INSERT INTO res_country (id, code) VALUES (165, 'NO');
INSERT INTO res_partner (id, name, display_name, email, is_company, commercial_partner_id, customer_rank, active)
    VALUES (3, 'Sjefen', 'Sjefen', 'sjefen@shop.example', false, 3, 1, true);
INSERT INTO res_users (id, login, partner_id, share) VALUES (2, 'admin', 3, false);
CREATE INDEX ON res_users (partner_id);
CREATE INDEX ON res_users_log (create_uid);
CREATE INDEX ON sale_order (partner_id);
CREATE INDEX ON stock_picking (sale_id);
CREATE INDEX ON stock_move (sale_line_id);
"""
UNCOVERED = ["crm_lead.email_from", "crm_lead.email_cc"]
STRANGE = "ALTER TABLE stock_move DROP COLUMN quantity_done"
STRANGE_SAYS = ("the tables are those of Odoo in a version that its recipe does not know (it knows 16, 17): "
                "the column stock_move.quantity_done is missing")
STAY, GO = (12, 15, 17, 19, 21), (11, 16, 20)
# The customer of an order is the commercial partner of the one who stands on it.
NOT_CARRIED_OUT = {"orders.customer_id", "cases.customer_id"}
LEFT: set[str] = set()
_TO = ("name", "street_address", "postal_code", "city", "phone", "email")
LACKS = {"cases": ("order_id",), "orders": ("completed_at", "payment_method", "payment_reference",
                                     *(f"delivery_{name}" for name in _TO)),
         "invoices": tuple(f"billing_{name}" for name in _TO)}


def held(found: Facts) -> Facts:
    """What of the facts a shop like this one can hold: no guests; paid and invoiced are days; addresses are links."""
    held = without(found, LACKS)
    guests = {order["order_id"] for order in held["orders"] if order["customer_id"] is None}
    for table in ("orders", "order_lines", "invoices"):
        held[table] = [row for row in held[table] if row["order_id"] not in guests]
    for order in held["orders"]:
        order["paid_at"] = order["paid_at"] and day(order["ordered_at"])
    for invoice in held["invoices"]:
        invoice["issued_at"] = day(invoice["issued_at"])
    for reader in held["newsletter_subscriptions"]:
        reader["customer_id"] = None
    return held


def rows(found: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of the shop, with its table."""
    for person in found["customers"]:
        yield from _partner(person)
    for contact in found["contacts"]:
        yield from _contact(contact)
    for number, years in WARRANTIES.items():
        yield "product_category", {"id": number, "name": CATEGORIES[years]}
        yield "product_template", {"id": number, "name": json.dumps({"en_US": f"Product {number}"}), "categ_id": number}
        yield "product_product", {"id": number, "product_tmpl_id": number}
    lines = {line["order_id"]: line for line in found["order_lines"]}
    for order in found["orders"]:
        yield from _order(order, lines[order["order_id"]])
    names = {person["customer_id"]: person["name"] for person in found["customers"]}
    for invoice in found["invoices"]:
        paid, back = invoice["paid_amount"] == invoice["amount"], invoice["amount"].startswith("-")
        yield "account_move", {
            "id": invoice["invoice_id"], "name": f"INV/{invoice['invoice_id']}",
            "move_type": "out_refund" if back else "out_invoice",
            "state": "posted", "payment_state": "paid" if paid else "not_paid",
            "invoice_origin": f"S{invoice['order_id']}", "invoice_date": invoice["issued_at"],
            "date": invoice["issued_at"], "commercial_partner_id": invoice["customer_id"],
            "amount_total_signed": invoice["amount"], "amount_residual_signed": "0" if paid else "100", "company_id": 1,
            "invoice_partner_display_name": names[invoice["customer_id"]]}
    for reader in found["newsletter_subscriptions"]:
        yield from _reader(reader)
    emails = {person["customer_id"]: person["email"] for person in found["customers"]}
    for case in found["cases"]:
        yield "helpdesk_ticket", {
            "id": case["case_id"], "name": case["summary"], "description": case["summary"],
            "partner_id": case["customer_id"], "partner_name": names.get(case["customer_id"]),
            "partner_email": emails.get(case["customer_id"]), "create_date": bare(case["opened_at"]),
            "closed_date": bare(case["closed_at"])}


def _partner(person: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    who, firm = person["customer_id"], person["customer_type"] == "business"
    created = bare(person["profile_created_at"])
    yield "res_partner", {
        "id": who, "name": person["name"], "display_name": person["name"], "email": person["email"],
        "email_normalized": person["email"], "phone": person["phone"], "phone_sanitized": f"+47{person['phone']}",
        "street": person["street_address"], "zip": person["postal_code"], "city": person["city"], "country_id": 165,
        "is_company": firm, "commercial_partner_id": who, "customer_rank": 1, "type": "contact", "active": True,
        "create_date": created if firm else "2011-01-01 00:00:00", "write_date": created}
    yield "res_users", {"id": who + 100, "login": person["username"], "partner_id": who, "share": True,
                        "create_date": created}
    if person["last_login_at"]:
        yield "res_users_log", {"create_uid": who + 100, "create_date": bare(person["last_login_at"])}


def _contact(person: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    who, ended = person["contact_id"], bare(person["deactivated_at"])
    yield "res_partner", {
        "id": who, "name": person["name"], "display_name": f"Lagerhuset AS, {person['name']}", "email": person["email"],
        "email_normalized": person["email"], "phone": person["phone"], "phone_sanitized": f"+47{person['phone']}",
        "function": person["job_title"], "is_company": False, "parent_id": person["customer_id"],
        "commercial_partner_id": person["customer_id"], "customer_rank": 0, "type": "contact", "active": ended is None,
        "create_date": bare(person["created_at"]), "write_date": ended or bare(person["created_at"])}
    yield "res_users", {"id": who + 100, "login": person["username"], "partner_id": who, "share": True,
                        "create_date": bare(person["created_at"])}
    yield "res_users_log", {"create_uid": who + 100, "create_date": bare(person["last_login_at"])}


def _reader(reader: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    number, since, until = reader["subscription_id"], bare(reader["subscribed_at"]), bare(reader["unsubscribed_at"])
    yield "mailing_contact", {"id": number, "name": " ".join(names_of(reader["email"])), "email": reader["email"],
                              "email_normalized": reader["email"], "create_date": since}
    yield "mailing_contact_list_rel", {"id": number, "list_id": 1, "contact_id": number, "create_date": since,
                                       "opt_out": until is not None, "unsubscription_date": until}


def _order(order: dict[str, Any], line: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    number = order["order_id"]
    yield "sale_order", {"id": number, "name": f"S{number}", "partner_id": order["customer_id"],
                         "state": "cancel" if order["cancelled_at"] else "sale",
                         "date_order": bare(order["ordered_at"]), "amount_total": "100", "company_id": 1,
                         "write_date": bare(order["cancelled_at"] or order["ordered_at"])}
    yield "sale_order_line", {"id": line["line_number"], "order_id": number, "product_id": line["product_id"],
                              "product_uom_qty": 1, "price_unit": "100"}
    for back, at in ((None, line["delivered_at"]), (line["line_number"], line["returned_at"])):
        if at:
            yield "stock_move", {"id": line["line_number"] + (10000 if back else 0), "state": "done", "date": bare(at),
                                 "sale_line_id": line["line_number"], "origin_returned_move_id": back,
                                 "quantity_done": 1}
    if order["delivered_at"]:
        yield "stock_picking", {"sale_id": number, "state": "done", "date_done": bare(order["delivered_at"])}
