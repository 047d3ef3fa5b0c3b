"""A company of Business Central, its tables and columns named as SQL Server has them, in SQLite, which reads them."""

from collections.abc import Iterator
from typing import Any

from tests.recipes.facts import BY_CATEGORY, CATEGORIES, WARRANTIES, Facts, bare, day, names_of, without

NAME, KIND = "businesscentral", "sqlite"
_APP = "0f1e2d3c-0000-4000-8000-00000000abcd"
SHOWN = f"Business Central with app ids in table names, company `NORD AS`, app `{_APP}`"
DRIVER = "pip install 'ajprivacy-pipeline[mssql]'"
ANSWERS = {"warranty": BY_CATEGORY}
_ADDRESS = ("Name", "Address", "Post Code", "City")
_POSTED = (*(f"{who} {'Customer ' if who == 'Sell-to' and what.startswith('Name') else ''}{what}"
             for who in ("Bill-to", "Ship-to", "Sell-to")
             for what in (*_ADDRESS, "Name 2", "Address 2", "County", "Contact")),
           "Sell-to Phone No_", "Sell-to E-Mail", "Your Reference")
_COLUMNS = {
    "Customer": ("No_", "Name", "Search Name", "Address", "Post Code", "City", "Country_Region Code", "Phone No_",
                 "Mobile Phone No_", "E-Mail", "Registration Number", "Contact", "$systemCreatedAt",
                 "$systemModifiedAt"),
    "Contact": ("No_", "Company No_", "Type", "Name", "Search Name", "E-Mail", "Search E-Mail", "Phone No_",
                "Job Title", "$systemCreatedAt"),
    "Contact Business Relation": ("Contact No_", "Link to Table", "No_"),
    "Item": ("No_", "Description", "Item Category Code"),
    "Sales Header": ("Document Type", "No_", "Sell-to Customer No_", "Sell-to Contact No_", "Order Date",
                     *(f"Ship-to {name}" for name in _ADDRESS), "Sell-to Phone No_", "Sell-to E-Mail"),
    "Sales Line": ("Document Type", "Document No_", "Line No_", "Type", "No_", "Quantity", "Unit Price",
                   "Amount Including VAT"),
    "Sales Shipment Header": ("No_", "Order No_", "Sell-to Customer No_", "Sell-to Contact No_", "Order Date",
                              "Posting Date", *(f"Ship-to {name}" for name in _ADDRESS), "Sell-to Phone No_",
                              "Sell-to E-Mail"),
    "Sales Shipment Line": ("Document No_", "Line No_", "Order No_", "Type", "No_", "Quantity", "Unit Price",
                            "Posting Date"),
    "Sales Invoice Header": ("No_", "Order No_", "Cust_ Ledger Entry No_", *_POSTED),
    "Sales Cr_Memo Header": ("No_", "Cust_ Ledger Entry No_", *_POSTED),
    "Cust_ Ledger Entry": ("Entry No_", "Customer No_", "Document Type", "Document No_", "Posting Date", "Due Date",
                           "Open", "Closed at Date"),
    "Detailed Cust_ Ledg_ Entry": ("Entry No_", "Cust_ Ledger Entry No_", "Ledger Entry Amount", "Amount"),
    "Reminder Header": ("No_", "Reminder E-Mail")}
_NUMBERS = ("Document Type", "Line No_", "Type", "Quantity", "Unit Price", "Amount", "Open", "Entry No_",
            "Cust_ Ledger Entry No_", "Ledger Entry Amount", "Link to Table", "Amount Including VAT")
_KEYS = {"Sales Line": 3, "Sales Shipment Line": 2, "Sales Header": 2}


def table(name: str) -> str:
    """A table as the database calls it."""
    return f"NORD AS${name}${_APP}"


def _ddl(name: str, columns: tuple[str, ...]) -> str:
    listed = ", ".join(f'"{column}" ' + ("integer NOT NULL DEFAULT 0" if column in _NUMBERS else
                                         "varchar(100) NOT NULL DEFAULT ''") for column in columns)
    key = ", ".join(f'"{column}"' for column in columns[:_KEYS.get(name, 1)])
    return f'CREATE TABLE "{table(name)}" ({listed}, PRIMARY KEY ({key}));\n'


TABLES = "".join(_ddl(name, columns) for name, columns in _COLUMNS.items())
UNCOVERED = [f"{table('Reminder Header')}.Reminder E-Mail"]
STRANGE = f'DROP TABLE "{table("Item")}"'
STRANGE_SAYS = ("the tables are those of Business Central in a version that its recipe does not know (it knows with "
                f"app ids in table names): the table {table('Item')} is missing")
STAY, GO = (12, 15, 17, 19, 21), (11, 16, 20)
NOT_CARRIED_OUT = {"orders.customer_id"}  # an order has no row of its own
LEFT: set[str] = set()
LACKS = {"cases": ("*",), "newsletter_subscriptions": ("*",), "customers": ("username", "last_login_at"),
         "contacts": ("username", "deactivated_at", "last_login_at"), "order_lines": ("returned_at",),
         "orders": ("completed_at", "cancelled_at", "delivery_note", "payment_method", "payment_reference")}


def held(found: Facts) -> Facts:
    """What of the facts such a company can hold: no guests, no cancelled orders, days instead of moments."""
    held = without(found, LACKS)
    gone = {order["order_id"] for order in found["orders"] if order["customer_id"] is None or order["cancelled_at"]}
    for table in ("orders", "order_lines", "invoices"):
        held[table] = [row for row in held[table] if row["order_id"] not in gone]
    paid = {order["order_id"]: day(order["paid_at"]) for order in found["orders"]}
    for order in held["orders"]:
        order |= {name: day(order[name]) for name in ("ordered_at", "delivered_at", "paid_at")}
    for line in held["order_lines"]:
        line |= {"line_number": 1, "delivered_at": day(line["delivered_at"])}
    for invoice in held["invoices"]:
        invoice |= {"issued_at": day(invoice["issued_at"]), "settled_at": paid[invoice["order_id"]]}
        if invoice["amount"].startswith("-"):
            invoice["order_id"] = None
    for person in held["customers"]:
        if person["customer_type"] == "business":
            person["organisation_number"] = "999888777"
    return held


def rows(found: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of the company, with its table."""
    yield from _contacts(found)
    for person in found["customers"]:
        first, last = names_of(person["email"])
        yield table("Customer"), {
            "No_": str(person["customer_id"]), "Name": person["name"], "Search Name": person["name"].upper(),
            "Address": person["street_address"], "Post Code": person["postal_code"], "City": person["city"],
            "Country_Region Code": "NO", "Phone No_": person["phone"], "E-Mail": person["email"],
            "Registration Number": person.get("organisation_number") or "", "Contact": f"{first} {last}",
            "$systemCreatedAt": bare(person["profile_created_at"]), "$systemModifiedAt": "2026-10-01 00:00:00"}
    for number, years in WARRANTIES.items():
        yield table("Item"), {"No_": str(number), "Description": f"Product {number}",
                               "Item Category Code": CATEGORIES[years]}
    lines = {line["order_id"]: line for line in found["order_lines"]}
    for order in found["orders"]:
        yield from _shipment(order, lines[order["order_id"]])
    for invoice in found["invoices"]:
        yield from _invoice(invoice)


def _shipment(order: dict[str, Any], line: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    number = str(order["order_id"])
    yield table("Sales Shipment Header"), {
        "No_": f"S{number}", "Order No_": number, "Sell-to Customer No_": str(order["customer_id"]),
        "Order Date": f"{order['ordered_at']} 00:00:00.000", "Posting Date": f"{order['delivered_at']} 00:00:00.000",
        "Ship-to Name": order["delivery_name"], "Ship-to Address": order["delivery_street_address"],
        "Ship-to Post Code": order["delivery_postal_code"], "Ship-to City": order["delivery_city"],
        "Sell-to Phone No_": order["delivery_phone"], "Sell-to E-Mail": order["delivery_email"]}
    yield table("Sales Shipment Line"), {
        "Document No_": f"S{number}", "Line No_": 10000, "Order No_": number, "Type": 2, "No_": str(line["product_id"]),
        "Quantity": 1, "Unit Price": 100, "Posting Date": f"{order['delivered_at']} 00:00:00.000"}


def _contacts(found: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    for firm in {contact["customer_id"] for contact in found["contacts"]}:
        yield table("Contact"), {"No_": f"K{firm}", "Company No_": f"K{firm}", "Type": 0, "Name": "Lagerhuset AS"}
        yield table("Contact Business Relation"), {"Contact No_": f"K{firm}", "Link to Table": 1, "No_": str(firm)}
    for contact in found["contacts"]:
        yield table("Contact"), {
            "No_": str(contact["contact_id"]), "Company No_": f"K{contact['customer_id']}", "Type": 1,
            "Name": contact["name"], "Search Name": contact["name"].upper(), "E-Mail": contact["email"],
            "Search E-Mail": contact["email"].upper(), "Phone No_": contact["phone"], "Job Title": contact["job_title"],
            "$systemCreatedAt": bare(contact["created_at"])}


def _invoice(invoice: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    number, settled, back = invoice["invoice_id"], invoice["settled_at"], invoice["amount"].startswith("-")
    yield table("Sales Cr_Memo Header" if back else "Sales Invoice Header"), {
        "No_": f"I{number}", **({} if back else {"Order No_": str(invoice["order_id"])}),
        "Cust_ Ledger Entry No_": number, "Bill-to Name": invoice["billing_name"],
        "Sell-to Customer Name": invoice["billing_name"], "Ship-to Address": invoice["billing_street_address"],
        "Bill-to Address": invoice["billing_street_address"], "Bill-to Post Code": invoice["billing_postal_code"],
        "Bill-to City": invoice["billing_city"], "Sell-to E-Mail": invoice["billing_email"]}
    yield table("Cust_ Ledger Entry"), {
        "Entry No_": number, "Customer No_": str(invoice["customer_id"]), "Document Type": 3 if back else 2,
        "Document No_": f"I{number}",
        "Posting Date": f"{invoice['issued_at']} 00:00:00.000", "Due Date": "1753-01-01 00:00:00.000",
        "Open": int(settled is None), "Closed at Date": f"{settled or '1753-01-01'} 00:00:00.000"}
    yield table("Detailed Cust_ Ledg_ Entry"), {"Entry No_": number, "Cust_ Ledger Entry No_": number,
                                                 "Ledger Entry Amount": 1, "Amount": -100 if back else 100}
    if settled:
        yield table("Detailed Cust_ Ledg_ Entry"), {"Entry No_": number + 50000, "Cust_ Ledger Entry No_": number,
                                                     "Ledger Entry Amount": 0, "Amount": 100 if back else -100}
