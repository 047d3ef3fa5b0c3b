"""A shop in which every value of every column that says something about somebody is a marker of its own.

Whose each row is stands beside it, written down by hand: the test of completeness rests on it, and on nothing of ours.
"""

from collections.abc import Mapping
from typing import Any

from tests.rights.shop import POLICY, Rows

# Columns whose values are kinds, days, amounts or ids of other rows: no markers.
_PLAIN = {"enum", "timestamp", "date", "amount", "number", "integer", "boolean"}
KARI, OLA, BEDRIFT, LISE, PER, GUEST = "kari", "ola", "bedrift", "lise", "per", "guest"
EMAIL = {KARI: "kari@a.example", OLA: "ola@a.example", BEDRIFT: "post@b.example", LISE: "lise@b.example",
         PER: "per@b.example", GUEST: "gjest@g.example"}
SUBJECT = {KARI: ("--customer", "K1"), OLA: ("--customer", "K2"), BEDRIFT: ("--customer", "K3"),
           LISE: ("--contact", "P1"), PER: ("--contact", "P2"), GUEST: ("--email", " GJEST@g.example")}
# (table, owner or None for nobody's, fixed values, and per column another owner than the row's)
_OWNED: list[tuple[str, str | None, dict[str, str], dict[str, tuple[str | None, ...]]]] = [
    ("customers", KARI, {"customer_id": "K1", "customer_type": "consumer", "email": EMAIL[KARI],
                         "profile_created_at": "2024-01-01"}, {}),
    ("customers", OLA, {"customer_id": "K2", "customer_type": "sole_proprietor", "email": EMAIL[OLA],
                        "profile_created_at": "2024-01-01"}, {}),
    ("customers", BEDRIFT, {"customer_id": "K3", "customer_type": "business", "email": EMAIL[BEDRIFT]}, {}),
    ("contacts", LISE, {"contact_id": "P1", "customer_id": "K3", "email": EMAIL[LISE]}, {}),
    ("contacts", PER, {"contact_id": "P2", "customer_id": "K3", "email": EMAIL[PER]}, {}),
    ("orders", KARI, {"order_id": "O1", "customer_id": "K1"}, {}),
    ("orders", LISE, {"order_id": "O2", "customer_id": "K3", "contact_id": "P1"}, {}),
    ("orders", BEDRIFT, {"order_id": "O3", "customer_id": "K3"}, {}),
    ("orders", GUEST, {"order_id": "O4", "delivery_email": "mailto:Gjest@g.EXAMPLE"}, {}),
    # a gift of Ola's to Kari: both see where it went, and Kari nothing else
    ("orders", OLA, {"order_id": "O5", "customer_id": "K2", "delivery_email": EMAIL[KARI].upper()},
     {column: (OLA, KARI) for column in POLICY.sources.tables["orders"].columns if column.startswith("delivery_")}),
    ("order_lines", KARI, {"order_id": "O1", "line_number": "1"}, {}),
    ("order_lines", OLA, {"order_id": "O5", "line_number": "1"}, {}),
    ("invoices", KARI, {"invoice_id": "I1", "customer_id": "K1", "order_id": "O1"}, {}),
    ("invoices", GUEST, {"invoice_id": "I2", "order_id": "O4"}, {}),
    ("invoices", GUEST, {"invoice_id": "I3", "billing_email": '"N. N." <gj\u200best@ G.example>'}, {}),
    ("invoices", OLA, {"invoice_id": "I4", "customer_id": "K2", "billing_email": EMAIL[KARI]},
     {column: (OLA, KARI) for column in POLICY.sources.tables["invoices"].columns if column.startswith("billing_")}),
    ("cases", KARI, {"case_id": "S1", "customer_id": "K1", "order_id": "O1"}, {}),
    ("cases", PER, {"case_id": "S2", "customer_id": "K3", "contact_id": "P2"}, {}),
    ("cases", GUEST, {"case_id": "S3", "order_id": "O4"}, {}),
    ("communications", KARI, {"communication_id": "M1", "customer_id": "K1", "direction": "in"},
     {"recipient": (None,)}),
    ("communications", KARI, {"communication_id": "M2", "case_id": "S1", "direction": "out"}, {"sender": (None,)}),
    # Per wrote on behalf of Lise: who he is is none of hers
    ("communications", LISE, {"communication_id": "M3", "contact_id": "P1", "direction": "in", "sender": EMAIL[PER]},
     {"recipient": (None,)}),
    ("communications", GUEST, {"communication_id": "M4", "case_id": "S3", "direction": "in"}, {"recipient": (None,)}),
    ("communications", None, {"communication_id": "M5", "direction": "in"}, {}),
    ("newsletter_subscriptions", KARI, {"subscription_id": "N1", "email": f"<{EMAIL[KARI]}>"}, {}),
    ("newsletter_subscriptions", LISE, {"subscription_id": "N2", "email": "privat@l.example", "contact_id": "P1"}, {}),
    ("newsletter_subscriptions", GUEST, {"subscription_id": "N3", "email": EMAIL[GUEST]}, {}),
    ("newsletter_subscriptions", None, {"subscription_id": "N4", "email": "fremmed@x.example"}, {}),
    ("web_events", KARI, {"event_id": "W1", "customer_id": "K1", "visitor_id": "v1"}, {}),
    ("web_events", KARI, {"event_id": "W2", "visitor_id": "v1"}, {}),
    ("web_events", OLA, {"event_id": "W3", "customer_id": "K2", "visitor_id": "v2"}, {}),
    ("web_events", LISE, {"event_id": "W4", "contact_id": "P1", "visitor_id": "v2"}, {}),
    ("web_events", None, {"event_id": "W5", "visitor_id": "v2"}, {}),  # on a machine that two people use
    ("web_events", None, {"event_id": "W6", "visitor_id": "v3"}, {}),
    ("app_logs", KARI, {"log_id": "L1", "username": "username-customers-K1"}, {}),
    ("app_logs", PER, {"log_id": "L2", "username": "username-contacts-P2"}, {}),
    ("app_logs", None, {"log_id": "L3", "username": "somebody"}, {}),
    ("rights_requests", KARI, {"request_id": "R1", "kind": "objection", "customer_id": "K1",
                               "received_at": "2026-01-01"}, {}),
    ("rights_requests", GUEST, {"request_id": "R2", "kind": "objection", "email": EMAIL[GUEST],
                                "received_at": "2026-01-01"}, {}),
]
COPIES = """
CREATE TABLE search_grid (customer_id text PRIMARY KEY, full_name text, mail text, place text);
CREATE TABLE mail_queue (id integer PRIMARY KEY, recipient text, subject text);
CREATE TABLE parcels (order_id text, parcel text PRIMARY KEY, receiver text);
INSERT INTO search_grid VALUES ('K1', 'copy-name-K1', 'copy-mail-K1', 'copy-place-K1'),
    ('K2', 'copy-name-K2', 'copy-mail-K2', 'copy-place-K2');
INSERT INTO mail_queue VALUES (1, 'KARI@a.example', 'copy-subject-1'), (2, 'gjest@g.example', 'copy-subject-2'),
    (3, 'delt@d.example', 'copy-subject-3');
INSERT INTO parcels VALUES ('O1', 'parcel-1', 'copy-receiver-O1'), ('O2', 'parcel-2', 'copy-receiver-O2'),
    ('O5', 'parcel-5', 'copy-receiver-O5'), ('O9', 'parcel-9', 'copy-receiver-O9');
"""
COPIED = {"copy-name-K1": KARI, "copy-mail-K1": KARI, "copy-place-K1": KARI, "copy-name-K2": OLA, "copy-mail-K2": OLA,
          "copy-place-K2": OLA, "copy-subject-1": KARI, "copy-subject-2": GUEST, "copy-receiver-O1": KARI,
          "copy-receiver-O2": LISE, "copy-receiver-O5": OLA, "copy-subject-3": None, "copy-receiver-O9": None}
MAPPING = """
[[copies]]
table = "search_grid"
by = { column = "customer_id", entity = "customers" }
erase = ["full_name", "mail"]
with = ["customers.name", "customers.email"]
[[copies]]
table = "mail_queue"
by = { column = "recipient", email = true }
delete = true
with = ["customers.email", "orders.delivery", "newsletter_subscriptions.email"]
[[copies]]
table = "parcels"
by = { column = "order_id", entity = "orders" }
erase = ["receiver"]
with = "orders.delivery"
"""


def shop() -> tuple[Rows, dict[str, set[str]]]:
    """The rows by table, and whose each marker is (nobody's: an empty set)."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in POLICY.sources.tables}
    owners = {marker: {owner} if owner else set() for marker, owner in COPIED.items()}
    for table, owner, fixed, others in _OWNED:
        made: dict[str, Any] = dict(fixed)
        for column, spec in POLICY.sources.tables[table].columns.items():
            if column in fixed or spec.type in _PLAIN or spec.type == "id":
                continue
            key = "-".join(fixed[name] for name in POLICY.sources.tables[table].key)
            marker = f"{column}-{table}-{key}" + ("@m.example" if spec.type == "email" else "")
            made[column] = marker
            owners[marker] = {one for one in others.get(column, (owner,)) if one}
        rows[table].append(made)
    rows["orders"].append({"order_id": "O9", "customer_id": "gone", "delivery_name": "delivery_name-of-an-orphan"})
    owners["delivery_name-of-an-orphan"] = set()
    dated(rows)
    return rows, owners


def dated(rows: Mapping[str, list[dict[str, Any]]]) -> None:
    """What the contract demands of every row."""
    for row in rows["orders"]:
        row |= {"ordered_at": "2026-05-01 10:00:00", "delivered_at": "2026-05-03", "paid_at": "2026-05-03",
                "total_amount": "100.50"}
    for row in rows["invoices"]:
        row |= {"issued_at": "2026-05-01", "amount": "100.50", "paid_amount": "100.50"}
    for table, column in (("cases", "opened_at"), ("communications", "occurred_at"), ("web_events", "occurred_at"),
                          ("app_logs", "logged_at"), ("newsletter_subscriptions", "subscribed_at")):
        for row in rows[table]:
            row[column] = "2026-06-01 12:00:00"
