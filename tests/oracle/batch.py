"""Puts many small shops into one, under names of their own, so that one run of the SQL decides them all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .evaluator import evaluate
from .model import Options, Shop

IDS = ("customer_id", "contact_id", "order_id", "invoice_id", "case_id", "communication_id", "subscription_id",
       "event_id", "log_id", "request_id", "product_id", "visitor_id")


def _named(value: object, prefix: str) -> object:
    """A value under a shop's own name; blanks around it stay, blank values stay blank."""
    if value is None or not str(value).strip():
        return value
    text = str(value)
    bare = text.strip()
    start = text.index(bare)
    return text[:start] + prefix + bare + text[start + len(bare):]


def _addressed(value: object, prefix: str) -> object:
    """An address in a domain of the shop's own, with everything that stands before and around it as it is."""
    return None if value is None else str(value).replace("@", f"@{prefix}.")


def named_shop(shop: Shop, prefix: str, tombstones: set[str]) -> Shop:
    """A shop whose ids and e-mail addresses no other shop has; tombstones keep theirs."""
    def renamed(column: str, value: object) -> object:
        if column in ("customer_id", "contact_id") and str(value).strip() in tombstones:
            return value
        if column.endswith("email"):
            return _addressed(value, prefix)
        return _named(value, prefix) if column in IDS else value
    return {table: [{column: renamed(column, value) for column, value in row.items()} for row in rows]
            for table, rows in shop.items()}


def named_options(options: Options, prefix: str) -> Options:
    """The same holds, releases and reviews, for the renamed; holds on whole entities are left out."""
    def subject(name: str) -> str:
        kind, _, identifier = name.partition(":")
        return f"{kind}:{prefix}{identifier}"
    holds = [{**hold, "subject_id": subject(hold["subject_id"])}
             for hold in options.legal_holds if "subject_id" in hold]
    releases = [{**release, "subject_id": subject(release["subject_id"]),
                 "invoice_ids": [f"{prefix}{identifier}" for identifier in release.get("invoice_ids") or []]}
                for release in options.review_releases]
    reviews = [{**review, "communication_id": f"{prefix}{review['communication_id']}"}
               for review in options.message_reviews]
    return replace(options, legal_holds=holds, review_releases=releases, message_reviews=reviews)


def together(drawn: list[tuple[Shop, Options]], month: str) -> tuple[Shop, Options, dict[str, list[dict[str, Any]]]]:
    """One shop, one set of options, and what the evaluator says of each shop for itself.

    Choices of policy and holds on whole entities are those of the first shop; everything else stays each shop's own.
    """
    base = drawn[0][1]
    entity_holds = [hold for hold in base.legal_holds if "entity" in hold]
    merged: Shop = {}
    expected: dict[str, list[dict[str, Any]]] = {}
    holds, releases, reviews = list(entity_holds), [], []
    for number, (shop, options) in enumerate(drawn):
        prefix = f"s{number}~"
        own_shop, own = named_shop(shop, prefix, set(base.tombstones.values())), named_options(options, prefix)
        holds += own.legal_holds
        releases += own.review_releases
        reviews += own.message_reviews
        chosen = replace(base, legal_holds=entity_holds + list(own.legal_holds), review_releases=own.review_releases,
                         message_reviews=own.message_reviews)
        for table, rows in evaluate(own_shop, month, options=chosen).items():
            expected.setdefault(table, []).extend(rows)
        for table, rows in own_shop.items():
            merged.setdefault(table, []).extend(
                row for row in rows if not _is_repeated_tombstone(table, row, merged, base))
    return (merged, replace(base, legal_holds=holds, review_releases=releases, message_reviews=reviews),
            _summed(expected))


def _is_repeated_tombstone(table: str, row: dict[str, object], merged: Shop, base: Options) -> bool:
    """A tombstone customer stands in one shop only: its id is the same in all."""
    identifier = str(row.get("customer_id")).strip()
    return table == "customers" and identifier in base.tombstones.values() and any(
        str(other.get("customer_id")).strip() == identifier for other in merged.get("customers", []))


def _summed(expected: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Bulk counts and sole grounds of all shops, added up."""
    total: dict[tuple[str, str], dict[str, Any]] = {}
    for row in expected["bulk_decisions"]:
        known = total.get((row["entity"], row["reason"]))
        total[row["entity"], row["reason"]] = row if known is None else {
            **row, "due_rows": row["due_rows"] + known["due_rows"], "oldest": min(row["oldest"], known["oldest"])}
    alone: dict[str, dict[str, Any]] = {}
    for row in expected["sole_ground"]:
        known = alone.setdefault(row["ground"], {**row, "subjects": 0, "oldest": None})
        known["subjects"] += row["subjects"]
        known["oldest"] = min((day for day in (known["oldest"], row["oldest"]) if day), default=None)
    return {**expected, "bulk_decisions": list(total.values()), "sole_ground": list(alone.values())}
