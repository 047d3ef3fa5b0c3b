"""What the specification says a carried-out decision leaves, written down a second time and by hand.

Nothing of the product's own stages or values is used here.
"""

from datetime import date
from typing import Any

from tests.enforcement.enforcement_world import Cells, Decision

ATTRIBUTES = {
    "name": ["name"], "email": ["email"], "phone": ["phone"], "address": ["street_address", "postal_code", "city"],
    "national_identity_number": ["national_identity_number"], "organisation_number": ["organisation_number"],
    "job_title": ["job_title"], "username": ["username"], "age": ["birth_date"], "gender": ["gender"],
    "preferences": ["preferences"],
}
PARTS = {
    ("orders", "delivery"): ["delivery_name", "delivery_street_address", "delivery_postal_code", "delivery_city",
                             "delivery_phone", "delivery_email", "delivery_note", "payment_reference"],
    ("orders", "link"): ["customer_id", "contact_id"],
    ("invoices", "billing"): ["billing_name", "billing_street_address", "billing_postal_code", "billing_city",
                              "billing_email"],
    ("invoices", "link"): ["customer_id"],
    ("cases", "content"): ["summary", "customer_id", "contact_id"],
    ("communications", "content"): ["sender", "recipient", "body", "customer_id", "contact_id"],
    ("rights_requests", "content"): ["email", "details", "customer_id", "contact_id"],
    ("web_events", "identity"): ["visitor_id", "customer_id", "contact_id", "ip_address", "user_agent"],
}
DELETED = {("newsletter_subscriptions", "email"), ("app_logs", "identity")}
TOMBSTONES = {"consumer": "anonymised-consumer", "business": "anonymised-business",
              "sole_proprietor": "anonymised-sole-proprietor"}
HOME = {None, "", "norge", "norway", "no", "nor", "noreg"}


def expected(before: Cells, decisions: dict[tuple[str, str, str], Decision]) -> dict[tuple[str, str, str], Any]:
    """Returns every cell that must change by table, key and column, with what it becomes; '' for a row that goes."""
    found: dict[tuple[str, str, str], Any] = {}
    for (entity, key, part), (decision, _) in decisions.items():
        if decision != "due":
            continue
        table, row_key = entity, key
        if entity == "subject":
            kind, _, row_key = key.partition(":")
            table = {"customer": "customers", "contact": "contacts"}[kind]
        row = before[table][row_key]
        if (table, part) in DELETED:
            found[table, row_key, ""] = None
            continue
        for column in ATTRIBUTES[part] if entity == "subject" else PARTS[table, part]:
            becomes = _becomes(before, table, row, part, column)
            if becomes != row[column]:
                found[table, row_key, column] = becomes
    _lose_links(before, decisions, found)
    return found


def _lose_links(before: Cells, decisions: dict[tuple[str, str, str], Decision],
                found: dict[tuple[str, str, str], Any]) -> None:
    """A kept newsletter row of an anonymised subject loses its ids."""
    told: dict[tuple[str, str], set[str]] = {}
    for (entity, key, _), (decision, _) in decisions.items():
        told.setdefault((entity, key), set()).add(decision)
    for key, row in before["newsletter_subscriptions"].items():
        for column, kind in (("customer_id", "customer"), ("contact_id", "contact")):
            person = row[column]
            if person is None or ("newsletter_subscriptions", key, "") in found:
                continue
            ends = set(told.get(("subject", f"{kind}:{person}"), {"nobody"}))
            for table in ("orders", "invoices", "cases", "communications", "rights_requests", "web_events"):
                for record, its in before[table].items():
                    if its.get(column) != person:
                        continue
                    clicks = {"retain"} if table == "web_events" else set()
                    ends |= told.get((table, record), clicks)
                    of_company = column == "customer_id" and _kind(before, person) == "business"
                    if of_company and table in ("orders", "invoices"):
                        ends.add("stays")
            if ends <= {"due", "absent"} and "due" in ends:
                found["newsletter_subscriptions", key, column] = None


def _kind(before: Cells, customer: str) -> str:
    row = before["customers"].get(customer)
    return (row and row["customer_type"]) or "business"


def _becomes(before: Cells, table: str, row: dict[str, Any], part: str, column: str) -> Any:
    value = row[column]
    owner = row if table == "customers" else before["customers"].get(str(row.get("customer_id")))
    kind = owner["customer_type"] if owner else None
    of_company = table == "customers" and part == "address" and kind == "business" and column != "street_address"
    if value is None or of_company:
        return value
    if table == "web_events":
        return None
    if column == "customer_id":
        return value if part == "link" and kind == "business" else TOMBSTONES[str(kind or "business")]
    if column == "contact_id":
        return TOMBSTONES["business"]
    if column == "birth_date":
        first = f"{str(value)[:3]}0-01-01"
        return first if isinstance(value, str) else date.fromisoformat(first)
    if column.endswith("postal_code"):
        country = str(owner["country"]).lower().strip() if owner and owner["country"] else None
        text = str(value).strip()
        if len(text) == 1 and text.isdigit():
            return value
        return text[0] if len(text) == 4 and text.isdigit() and country in HOME else None
    return None
