"""What was carried out becomes absent, and nobody else's date moves.

The due attributes, orders, invoices and subscriptions of many random shops are carried out as the actions of the policy
say, and the shops are decided again. Left out, because the specification itself lets them move a date (each stands in
the closing note of the work that found it): requests that name nobody but an address, the content of cases and
requests, which other decisions are read from, and twins on the newsletter: when the row that was unsubscribed is gone,
the control store tells the other one (tests/retention/test_former_requests.py).
"""

from __future__ import annotations

from typing import Any

from ajprivacy_pipeline.warehouse.forms import email_key
from tests.oracle.attributes import columns_of
from tests.oracle.batch import named_shop
from tests.oracle.model import Options, Shop
from tests.oracle.records import BILLING, DELIVERY
from tests.oracle.shops import random_shop
from tests.oracle.sql import decide

MONTH = "2026-10"
TOMBSTONES = Options().tombstones
Row = dict[str, Any]


def many_shops(seeds: range) -> Shop:
    """Random shops side by side, without requests that are matched by their address."""
    merged: Shop = {}
    for seed in seeds:
        shop, _ = random_shop(seed, MONTH, faults=False)
        for table, rows in named_shop(shop, f"s{seed}~", set(TOMBSTONES.values())).items():
            kept = [row for row in rows
                    if table != "rights_requests" or _text(row, "customer_id") or _text(row, "contact_id")]
            kept = _without_twins(kept) if table == "newsletter_subscriptions" else kept
            known = {_text(row, "customer_id") for row in merged.get("customers", [])}
            merged.setdefault(table, []).extend(
                row for row in kept if table != "customers" or _text(row, "customer_id") not in known)
    return merged


def _without_twins(rows: list[Row]) -> list[Row]:
    """One subscription an address."""
    return list({email_key(_text(row, "email")) or row["subscription_id"]: row for row in rows}.values())


def _text(row: Row, column: str) -> str:
    return str(row.get(column) or "").strip()


def carried_out(shop: Shop, decisions: dict[str, list[Row]]) -> Shop:
    """The shop after its due attributes, orders, invoices and subscriptions were carried out."""
    after: dict[str, list[Row]] = {table: [dict(row) for row in rows] for table, rows in shop.items()}
    types = {_text(row, "customer_id"): row["customer_type"] for row in after["customers"]}
    found = {("customers", f"customer:{_text(row, 'customer_id')}"): row for row in after["customers"]}
    found |= {("contacts", f"contact:{_text(row, 'contact_id')}"): row for row in after.get("contacts", [])}
    for decision in decisions["attribute_decisions"]:
        if decision["decision"] == "due":
            table = "contacts" if decision["subject_id"].startswith("contact:") else "customers"
            row = found[table, decision["subject_id"]]
            kind = "contact" if table == "contacts" else row["customer_type"]
            for column in columns_of(decision["attribute"], kind):
                row[column] = _after_action(column, row.get(column))
    due = {(d["entity"], d["part"], d["record_id"]) for d in decisions["record_decisions"] if d["decision"] == "due"}
    for row in after.get("orders", []):
        if ("orders", "delivery", _text(row, "order_id")) in due:
            row.update(dict.fromkeys(DELIVERY))
        if ("orders", "link", _text(row, "order_id")) in due:
            if types.get(_text(row, "customer_id"), "business") != "business":
                row["customer_id"] = TOMBSTONES[types[_text(row, "customer_id")]]
            row["contact_id"] = TOMBSTONES["business"] if _text(row, "contact_id") else None
    for row in after.get("invoices", []):
        if ("invoices", "billing", _text(row, "invoice_id")) in due:
            row.update(dict.fromkeys(BILLING))
        if ("invoices", "link", _text(row, "invoice_id")) in due:
            row["customer_id"] = TOMBSTONES[types[_text(row, "customer_id")]]
    after["newsletter_subscriptions"] = [
        row for row in after.get("newsletter_subscriptions", [])
        if ("newsletter_subscriptions", "email", _text(row, "subscription_id")) not in due]
    return after


def _after_action(column: str, value: object) -> object:
    if column == "postal_code":
        first = str(value or "").strip()[:1]
        return first if first.isdigit() else None
    return {"birth_date": "1980-01-01"}.get(column)


def test_what_was_carried_out_is_absent_and_moves_nobody() -> None:
    """Every due row is absent or gone afterwards; every other row and every active purpose stays as it was."""
    shop = many_shops(range(120))
    before = decide(shop, MONTH, Options())
    after = decide(carried_out(shop, before), MONTH, Options())
    carried = 0
    for table, keys in (("attribute_decisions", ("subject_id", "attribute")),
                        ("record_decisions", ("entity", "record_id", "part"))):
        new = {tuple(row[key] for key in keys): row for row in after[table]}
        for row in before[table]:
            if row.get("entity") in ("cases", "communications", "rights_requests"):
                continue
            now = new.get(tuple(row[key] for key in keys))
            if row["decision"] == "due":
                carried += 1
                assert now is None or now["decision"] == "absent", (row, now)
            elif now is not None or row["decision"] != "absent":
                assert now is not None, row
                assert (now["decision"], now["due_on"]) == (row["decision"], row["due_on"]), (row, now)
    assert carried > 100
    lapses = {(row["subject_id"], row["purpose"]): row["lapses_on"] for row in after["purpose_status"]}
    for row in before["purpose_status"]:
        if row["active"]:
            assert lapses[row["subject_id"], row["purpose"]] == row["lapses_on"], row
