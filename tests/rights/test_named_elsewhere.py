"""Where somebody is named on what others bought: the month's table finds what a look at every row finds."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from ajprivacy_pipeline.rights.decided import decided_month
from ajprivacy_pipeline.rights.person import Person
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file
from ajprivacy_pipeline.storage.zones import open_zone
from tests.rights.conftest import decide
from tests.rights.shop import POLICY, Desk, Rows

DIGITS = POLICY.enforcement.sweep.national_digits
# Names, numbers and places that are the same, that look the same, and that nearly are. The a of the fourth name is
# Cyrillic, the K of the fifth the sign of kelvin (a k in small letters), the A of the last composed of two characters.
NAMES = ("Kari Nordmann", "KARI NORDMANN", " kari nordmann", "K\u0430ri Nordmann", "\u212aari Nordmann", "Kari Nordman",
         "Kari  Nordmann", "Åse Groß", "ÅSE GROSS", "A\u030ase Groß", "", None)
PHONES = ("90000001", "+47 900 00 001", "0047 90 00 00 01", "90000001 (hjemme)", "9000001", "190000001", "00000001",
          "", None)
STREETS = ("Storgata 1", "STORGATA 1 ", "Storgata 11", "Storgata 1B", "", None)
CODES = ("0155", "0156", " 0155", "", None)


def shop(draw: random.Random, people: int, orders: int) -> Rows:
    """People who share names, numbers and houses, and orders and invoices to any of them, whoever ordered."""
    some = draw.choice
    return {
        "customers": [{"customer_id": f"c{at}", "customer_type": some(("consumer", "sole_proprietor", "business")),
                       "name": some(NAMES), "phone": some(PHONES), "street_address": some(STREETS),
                       "postal_code": some(CODES), "profile_created_at": "2020-01-01"} for at in range(people)],
        "orders": [{"order_id": f"o{at}", "customer_id": some((None, f"c{draw.randrange(people)}")),
                    "ordered_at": "2026-05-01", "delivery_name": some(NAMES), "delivery_phone": some(PHONES),
                    "delivery_street_address": some(STREETS), "delivery_postal_code": some(CODES)}
                   for at in range(orders)],
        "invoices": [{"invoice_id": f"i{at}", "customer_id": f"c{draw.randrange(people)}", "issued_at": "2026-05-01",
                      "amount": "10", "paid_amount": "10", "billing_name": some(NAMES),
                      "billing_street_address": some(STREETS), "billing_postal_code": some(CODES)}
                     for at in range(orders)]}


def folded(text: str | None) -> str:
    return (text or "").strip().lower()


def number(text: str | None) -> str:
    found = re.sub("[^0-9]", "", text or "")
    return found[-DIGITS:] if len(found) >= DIGITS else ""


def by_every_row(rows: Rows, customer: dict[str, str | None]) -> dict[str, set[str]]:
    """The rule, row by row: the same name, and the same number or the same street and postal code."""
    def named(row: dict[str, str | None], prefix: str) -> bool:
        home = folded(customer["street_address"]), (customer["postal_code"] or "").strip()
        return bool(folded(customer["name"])) and folded(row[f"{prefix}_name"]) == folded(customer["name"]) and bool(
            (number(customer["phone"]) and number(row.get(f"{prefix}_phone")) == number(customer["phone"]))
            or (all(home) and home == (folded(row[f"{prefix}_street_address"]),
                                       (row[f"{prefix}_postal_code"] or "").strip())))
    return {table: {str(row[key]) for row in rows[table] if named(dict(row), prefix)}
            for table, key, prefix in (("orders", "order_id", "delivery"), ("invoices", "invoice_id", "billing"))}


def compared(desk: Desk, rows: Rows) -> int:
    """Hold what is found of everybody against every row; returns how many rows were found."""
    found = 0
    with decided_month(desk.settings) as month:
        for row in map(dict, rows["customers"]):
            shown = {name: text if text and text.strip() else None for name, text in row.items()}
            phones = (row["phone"],) if number(row["phone"]) else ()
            person = Person("customers", row["customer_id"], shown, phones=phones)
            told = month.named_elsewhere(person, DIGITS)
            assert {table: set(told.get(table, [])) for table in ("orders", "invoices")} == by_every_row(rows, row), row
            found += sum(map(len, told.values()))
    return found


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak), pytest.param(3, marks=pytest.mark.soak)])
def test_the_months_table_finds_what_a_look_at_every_row_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                               seed: int) -> None:
    rows = shop(random.Random(seed), people=60, orders=300)
    desk = decide(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", monkeypatch, rows)
    found = compared(desk, rows)
    assert found > 100

    # A month that an earlier version decided has no such table: its rows are looked at, and say the same.
    keys = KeyStore(desk.settings.keys, desk.settings.root_key)
    with open_zone(desk.settings, keys, month_file(desk.settings, "2026-10")) as con:
        con.execute("DROP TABLE retention.named_on_records")
    assert compared(desk, rows) == found
