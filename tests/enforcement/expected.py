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
WHITE_SPACE = "".join(chr(code) for code in (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B),
                                             0x2028, 0x2029, 0x202F, 0x205F, 0x3000))
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
            if becomes != row.get(column):
                found[table, row_key, column] = becomes
    _lose_links(before, decisions, found)
    return found


def _lose_links(before: Cells, decisions: dict[tuple[str, str, str], Decision],
                found: dict[tuple[str, str, str], Any]) -> None:
    """A kept newsletter row of an anonymised subject loses its ids; one that is held is left as it is."""
    told: dict[tuple[str, str], set[str]] = {}
    for (entity, key, _), (decision, _) in decisions.items():
        told.setdefault((entity, key), set()).add(decision)
    for key, row in before["newsletter_subscriptions"].items():
        column = "contact_id" if bare(row["contact_id"]) not in (None, *TOMBSTONES.values()) else "customer_id"
        person, kind = bare(row[column]), column.removesuffix("_id")
        is_held = "hold" in told.get(("newsletter_subscriptions", key), set())
        if person is not None and not is_held and ("newsletter_subscriptions", key, "") not in found:
            ends = set(told.get(("subject", f"{kind}:{person}"), {"nobody"}))
            for table in ("orders", "invoices", "cases", "communications", "rights_requests", "web_events"):
                for record, its in before.get(table, {}).items():
                    if bare(its.get(column)) != person:
                        continue
                    ends |= told.get((table, record), {"retain"} if table == "web_events" else set())
                    if column == "customer_id" and table in ("orders", "invoices") and _type(
                            before["customers"].get(person)) in ("business", None):
                        ends.add("stays")
            if ends <= {"due", "absent"} and "due" in ends:
                found |= {("newsletter_subscriptions", key, name): None for name in ("customer_id", "contact_id")
                          if row[name] is not None}


def bare(value: Any) -> str | None:
    """An id as everything is found by it."""
    return (str(value).strip(WHITE_SPACE) or None) if value is not None else None


def _type(row: dict[str, Any] | None) -> str | None:
    """The type of a customer, if it is one of the contract's."""
    kind = str(row["customer_type"]).strip().lower() if row else ""
    return kind if kind in TOMBSTONES else None


def _becomes(before: Cells, table: str, row: dict[str, Any], part: str, column: str) -> Any:
    value = row.get(column)
    owner = row if table == "customers" else before["customers"].get(bare(row.get("customer_id")) or "")
    kind = _type(owner)
    of_company = (table == "customers" and part == "address" and column != "street_address"
                  and kind in ("business", None))
    if value is None or of_company:
        return value
    if table == "web_events":
        return None
    if column in ("customer_id", "contact_id") and bare(value) in TOMBSTONES.values():
        return value
    if column == "customer_id":
        return value if part == "link" and kind in ("business", None) else TOMBSTONES[kind or "business"]
    if column == "contact_id":
        return TOMBSTONES["business"]
    if column == "birth_date":
        return _decade(value)
    if column.endswith("postal_code"):
        country = str(owner["country"]).lower().strip() if owner and owner["country"] else None
        text = str(value).strip(WHITE_SPACE)
        if len(text) == 1 and text in "0123456789":
            return value
        return text[0] if len(text) == 4 and set(text) <= set("0123456789") and country in HOME else None
    return None


def _decade(value: Any) -> Any:
    """1 January of a decade in the forms that the tests' shops have."""
    if not isinstance(value, str):
        return date(value.year // 10 * 10, 1, 1)
    if "W" in value:
        return {"1950-W02-3": "1949-W52-7"}[value]
    decade = value[:3]
    if not decade.isdigit():
        return None
    first = f"{decade}00101" if "-" not in value else f"{decade}0-01-01"
    return first + (" 00:00:00" if " " in value else "")
