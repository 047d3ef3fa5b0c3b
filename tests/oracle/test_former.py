"""Months in a row: requests and subscriptions that are gone or emptied in a later one are decided as if they stood.

The evaluator says itself what a month keeps; the product keeps it in its control store, under tokens.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.retention.months import Months

from . import casekit as kit
from .batch import named_shop
from .evaluator import evaluate
from .former import effects_after
from .model import Options, Row, Shop
from .shops import TOMBSTONES, random_shop
from .sql import differences, rows_of
from .sqlshop import whatever_is_orphaned

MONTHS = ("2026-10", "2026-11", "2026-12")
EMPTIED = {"customer_id": None, "contact_id": None, "email": None, "details": None}


def month_later(shop: Shop, seed: int) -> Shop:
    """The same shop without some of its requests and subscriptions, some of them emptied, some ids given to others."""
    chance = random.Random(seed)
    left: Shop = dict(shop)
    for table, key in (("rights_requests", "request_id"), ("newsletter_subscriptions", "subscription_id")):
        rows = []
        for row in shop.get(table, []):
            fate = chance.choice(("stays", "stays", "gone", "emptied", "given to another"))
            if fate == "emptied":
                rows.append({column: EMPTIED.get(column, value) for column, value in row.items()})
            elif fate == "given to another":
                rows.append({**chance.choice(shop[table]), key: row[key]})
            elif fate == "stays":
                rows.append(row)
        if table in shop:
            left[table] = rows
    return left


@pytest.mark.soak
@pytest.mark.parametrize("first", [0, pytest.param(5000, marks=pytest.mark.soak)])
def test_three_months_in_a_row(first: int, tmp_path: Path) -> None:
    """Random shops, each month all in one run."""
    months = Months(tmp_path)
    months.policy = whatever_is_orphaned(months.policy)
    drawn = {seed: named_shop(random_shop(seed, MONTHS[0])[0], f"s{seed}~", set(TOMBSTONES))
             for seed in range(first, first + 60)}
    known: dict[int, list[dict[str, Any]]] = {seed: [] for seed in drawn}
    for number, month in enumerate(MONTHS):
        merged: Shop = {}
        expected: dict[str, list[dict[str, object]]] = {}
        for seed, shop in drawn.items():
            shop["customers"] = [row for row in shop["customers"] if row["customer_id"] not in TOMBSTONES]
            for table, rows in shop.items():
                merged.setdefault(table, []).extend(rows)
            options = Options(stored_effects=known[seed])
            for table, rows in evaluate(shop, month, options=options).items():
                expected.setdefault(table, []).extend(rows)
            known[seed] = effects_after(shop, month, options=options)
        con = months.run(month, merged).con
        counted = ("bulk_decisions", "sole_ground")  # sums over all shops; what they sum up is compared
        found = {table: [] if table in counted else list(rows_of(con, table)) for table in expected}
        assert differences({**expected, **{table: [] for table in counted}}, found) == [], month
        drawn = {seed: month_later(shop, 10 * seed + number) for seed, shop in drawn.items()}


OBJECTION = {"request": "r", "kind": "objection", "received": date(2026, 5, 1), "by_email": False,
             "subjects": ["customer:1"], "email_keys": ["c1@x.no"]}
ERASURE = OBJECTION | {"kind": "erasure", "verified": date(2026, 5, 20)}
BY_EMAIL = ERASURE | {"by_email": True}
UNSUBSCRIPTION = {"request": "a", "kind": "unsubscription", "received": date(2026, 5, 1), "email_keys": ["twin@x.no"]}
ACTIVE = {"profile_created_at": "2026-01-10"}
CUSTOMERS = {"customers": [kit.consumer(**ACTIVE), kit.consumer("2", **ACTIVE)]}


def decided(shop: Shop, *effects: Row) -> dict[str, list[dict[str, object]]]:
    """The evaluator's decisions about a shop in whose earlier months something ended."""
    return evaluate(shop, MONTHS[0], options=Options(stored_effects=list(effects)))


def ends(result: dict[str, list[dict[str, object]]], subject: str, name: str) -> object:
    """When a purpose lapses."""
    return next(row["lapses_on"] for row in result["purpose_status"]
                if (row["subject_id"], row["purpose"]) == (subject, name))


@pytest.mark.parametrize(("effect", "marketing", "profile"), [
    (OBJECTION, "2026-05-01", "2027-01-10"), (ERASURE, "2026-05-01", "2026-05-20"),
    (ERASURE | {"verified": None}, "2026-05-01", "2027-01-10"),
    (ERASURE | {"verified": date(2026, 11, 1)}, "2026-05-01", "2026-11-01"),
    (ERASURE | {"verified": date(2026, 11, 2)}, "2026-05-01", "2027-01-10"),
    (OBJECTION | {"received": date(2026, 1, 10)}, "2026-01-10", "2027-01-10"),
    (OBJECTION | {"received": date(2026, 1, 9)}, "2027-01-10", "2027-01-10"),
    (OBJECTION | {"received": date(2026, 11, 1)}, "2026-11-01", "2027-01-10"),
    (OBJECTION | {"received": date(2026, 11, 2)}, "2027-01-10", "2027-01-10"),
    (BY_EMAIL | {"subjects": ["customer:1", "customer:2"]}, "2026-05-01", "2027-01-10"),
])
def test_what_ended_stays_ended(effect: Row, marketing: str, profile: str) -> None:
    """Only for what was there by then, and by as_of; nobody else's date moves, and nothing is frozen."""
    result = decided(CUSTOMERS, effect)
    assert ends(result, "customer:1", "individualisation") == date.fromisoformat(marketing)
    assert ends(result, "customer:1", "profile") == date.fromisoformat(profile)
    if "customer:2" not in effect["subjects"]:
        assert ends(result, "customer:2", "individualisation") == date(2027, 1, 10)
    assert result["freezes"] == []


@pytest.mark.parametrize(("columns", "stands"), [
    ({"customer_id": None}, True), ({"customer_id": None, "email": " "}, True), ({"customer_id": "2"}, False),
    ({"customer_id": None, "email": "other@x.no"}, False), ({"contact_id": "9"}, False),
    ({"customer_id": "1", "outcome": "withdrawn"}, False), ({"request_id": "another", "customer_id": "2"}, True),
])
def test_a_row_that_says_whose_it_is_decides_alone(columns: Row, stands: bool) -> None:
    """Corrected, withdrawn, or another's number."""
    row = kit.request("objection", "2026-06-01", **columns)
    result = decided({**CUSTOMERS, "rights_requests": [row]}, OBJECTION)
    assert (ends(result, "customer:1", "individualisation") == date(2026, 5, 1)) == stands


def test_an_erasure_by_address_stays_with_whom_it_erased() -> None:
    """Who has the address now loses marketing alone; guests' orders with it stay erased."""
    shop: Shop = {"customers": [kit.consumer(**ACTIVE, email=None), kit.consumer("2", email="C1@x.no", **ACTIVE)],
                  "orders": [kit.order("2026-02-01", customer=None, delivery_email="c1@x.no")],  # type: ignore[arg-type]
                  "newsletter_subscriptions": [kit.subscription()]}
    result = decided(shop, BY_EMAIL)
    assert [ends(result, f"customer:{n}", "individualisation") for n in "12"] == [date(2026, 5, 1)] * 2
    assert [ends(result, f"customer:{n}", "profile") for n in "12"] == [date(2026, 5, 20), date(2027, 1, 10)]
    due = {row["entity"]: row["due_on"] for row in result["record_decisions"]}
    assert due == {"orders": date(2026, 5, 20), "newsletter_subscriptions": date(2026, 5, 1)}


@pytest.mark.parametrize(("subscribed", "email", "first", "due_on"), [
    ("2026-05-01", "Twin@x.no", None, "2026-05-01"), ("2026-05-02", "twin@x.no", None, None),
    (None, "tw\u0130n@x.no", None, None), (None, "twin@x.no", {"email": "twin@x.no"}, None),
    (None, "twin@x.no", {"email": None}, "2026-05-01"),
])
def test_an_unsubscription_outlives_its_row(subscribed: str, email: str, first: Row | None, due_on: str | None) -> None:
    """Its twin ends too, unless it was subscribed later or the first row is there again."""
    rows = [kit.subscription(subscription_id="b", email=email, subscribed_at=subscribed)]
    rows += [kit.subscription(subscription_id="a", **first)] if first else []
    result = decided({"newsletter_subscriptions": rows}, UNSUBSCRIPTION)
    ended = next(row for row in result["record_decisions"] if row["record_id"] == "b")
    assert ended["due_on"] == (date.fromisoformat(due_on) if due_on else None)


@pytest.mark.parametrize(("decided_on", "record", "lifted"), [
    (date(2026, 11, 1), ("orders", "o"), True), (date(2026, 11, 2), ("orders", "o"), False),
    (date(2026, 10, 31), ("orders", "o"), True), (date(2026, 11, 1), ("customers", "1"), False),
])
def test_a_released_fault_holds_nothing(decided_on: date, record: tuple[str, str], lifted: bool) -> None:
    """Of the order and of whom it froze; its lines' faults with it."""
    shop = kit.person(kit.order("2015-01-01", completed_at="soon"), order_lines=[kit.line(returned_at="soon")])
    release = {"record": record, "kind": "data_quality", "decided_on": decided_on}
    result = evaluate(shop, MONTHS[0], options=replace(Options(), review_releases=[release]))
    assert {row["decision"] for row in result["record_decisions"]} == {"due" if lifted else "hold"}
    assert [row["freeze"] for row in result["freezes"]] == ([] if lifted else ["data_quality"])


def test_a_released_orphan_and_a_released_birth_date_hold_nothing() -> None:
    """The contact of nobody, the case of nobody, the age."""
    shop: Shop = {"customers": [kit.consumer(birth_date="soon", profile_created_at="2020-01-01")],
                  "contacts": [kit.contact("7", "gone", created_at="2020-01-01")],
                  "cases": [kit.case("2015-01-01", "2015-01-02", customer_id="gone")]}
    for released in (False, True):
        releases = [{"record": ("contacts", "7"), "kind": "orphan", "decided_on": date(2026, 11, 1)},
                    {"record": ("cases", "s"), "kind": "orphan", "decided_on": date(2026, 11, 1)},
                    {"record": ("customers", "1"), "kind": "data_quality", "decided_on": date(2026, 11, 1)}]
        result = evaluate(shop, MONTHS[0], options=Options(review_releases=releases if released else []))
        held = [row for row in result["attribute_decisions"] + result["record_decisions"] if row["decision"] == "hold"]
        assert bool(held) != released
