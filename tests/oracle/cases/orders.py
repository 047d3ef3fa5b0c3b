"""Orders: when one ends, warranties, partial deliveries, cancellations, what blocks, companies, time itself."""

from __future__ import annotations

from datetime import date

from tests.oracle.casekit import (
    C,
    Case,
    K,
    attribute,
    case,
    company,
    contract,
    fault,
    freeze,
    invoice,
    line,
    order,
    person,
    product,
    purpose,
    record,
)
from tests.oracle.model import Options, Row, Shop


def order_cases() -> list[Case]:
    """When an order ends."""
    found = []
    for on, end, decision in (("2025-10-31", "2026-10-31", "due"), ("2025-11-01", "2026-11-01", "due"),
                              ("2025-11-02", "2026-11-02", "retain")):
        why = "contract" if decision == "retain" else ""
        found.append(Case(f"12 months after {on}", person(order(on)), [
            purpose(C, "contract", end), attribute(C, "name", decision, end, why),
            attribute(C, "email", decision, end, why), attribute(C, "username", "absent"),
            record("orders/o/delivery", decision, end, why, subject_id=C),
            record("orders/o/link", decision, end, why, subject_id=C),
        ]))
    for on, end in (("2023-10-31", "2026-10-31"), ("2023-11-01", "2026-11-01"), ("2023-11-02", "2026-11-02")):
        shop = person(order(on), order_lines=[line()])
        found.append(contract(f"36 months after the delivery of a line on {on}", shop, end))
        shop = person(order(on), order_lines=[line(product_id="p")], products=[product("2")])
        found.append(contract(f"two years of warranty and 12 months after {on}", shop, end))
    return found + warranty_cases() + delivery_cases() + cancelled_cases() + unpaid_cases() + business_cases()


def warranty_cases() -> list[Case]:
    """Warranties, known and unknown."""
    leap = person(order("2020-02-29"), order_lines=[line(product_id="p")], products=[product("3")])
    found = [
        Case("leap day, the month before", leap, [
            record("orders/o/delivery", "retain", "2024-02-29", "contract")], month="2024-01"),
        Case("leap day, the month after", leap, [
            record("orders/o/delivery", "due", "2024-02-29")], month="2024-02"),
        contract("an unknown warranty takes the policy's years", person(
            order("2020-05-05"), order_lines=[line(product_id="p")], products=[product(None)]),
            "2026-05-05", Options(unknown_warranty=5)),
    ]
    for years, end in (("30", "2051-05-05"), ("3.0", "2024-05-05"), ("31", None), ("2.5", None), ("-1", None),
                       (None, None), ("", None), ("0", "2023-05-05")):
        shop = person(order("2020-05-05"), order_lines=[line(product_id="p")], products=[product(years)])
        found.append(contract(f"warranty {years!r}", shop, end))
    for category in ("Freight", " SERVICES "):
        goods = [product(None, category=category)]
        shop = person(order("2020-05-05"), order_lines=[line(product_id="p")], products=goods)
        found.append(contract(f"{category} has no warranty", shop, "2023-05-05"))
    lifetime = person(order("2020-05-05"), order_lines=[line(product_id="p")], products=[product("lifetime")])
    found.append(Case("a warranty that does not parse is unknown and freezes nobody", lifetime, [
        purpose(C, "contract", None), fault("products", "p", "warranty_years", "unparsable"),
        record("orders/o/delivery", "retain", None, "warranty_unknown")], [freeze(C, "data_quality")]))
    nowhere = person(order("2020-05-05"), order_lines=[line(product_id="q")])
    found.append(Case("an unknown product", nowhere, [
        record("orders/o/delivery", "retain", None, "warranty_unknown"),
        fault("order_lines", "o:1", "product_id", "orphan")], [freeze(C, "data_quality")]))
    returned = person(order("2020-05-05"), order_lines=[line(product_id="q", returned_at="2020-06-01")])
    found.append(contract("a returned line has no warranty", returned, "2021-06-01"))
    return found


def delivery_cases() -> list[Case]:
    """Partial deliveries and returns."""
    def shop(second: str | None, whole: str | None = None) -> Shop:
        lines = [line(1, delivered_at="2023-01-10"), line(2, delivered_at=second)]
        return person(order("2023-01-02", delivered_at=whole), order_lines=lines)

    returned = [line(1, returned_at="2025-06-15")]
    return [
        Case("a line not delivered", shop(None), [record("orders/o/delivery", "retain", None, "undelivered")]),
        Case("a line delivered tomorrow", shop("2026-11-02"), [
            record("orders/o/delivery", "retain", None, "undelivered")]),
        contract("a line delivered today", shop("2026-11-01"), "2029-11-01"),
        contract("a line delivered with the order", shop(None, "2023-03-03"), "2026-03-03"),
        contract("everything returned", person(order("2025-03-01"), order_lines=returned), "2026-06-15"),
        contract("everything returned and never paid", person(
            order("2025-03-01", paid_at=None), order_lines=returned), "2026-06-15"),
        contract("one of two returned and never paid", person(
            order("2025-03-01", paid_at=None), order_lines=[*returned, line(2)]), None),
        contract("returned tomorrow", person(
            order("2025-03-01"), order_lines=[line(1, returned_at="2026-11-02")]), "2027-11-02"),
        contract("no lines and not delivered", person(order("2020-01-01", delivered_at=None)), None),
        contract("no lines, delivered tomorrow", person(order("2020-01-01", delivered_at="2026-11-02")), None),
    ]


def cancelled_cases() -> list[Case]:
    """Cancelled orders."""
    def cancelled(on: str) -> Row:
        return order("2025-01-01", cancelled_at=on, delivered_at=None, paid_at="2025-09-01")

    lines: dict[str, list[Row]] = {"order_lines": [line(product_id="p")], "products": [product("30")]}
    return [
        contract("cancelled and paid", person(cancelled("2025-11-01"), **lines), "2026-11-01"),
        contract("cancelled, then paid", person(cancelled("2025-08-01"), **lines), "2026-09-01"),
        contract("cancelled tomorrow", person(cancelled("2026-11-02"), **lines), None),
        contract("cancelled with an open case", person(
            cancelled("2025-11-01"), cases=[case("2025-01-02", order_id="o")]), None),
        contract("a company's cancelled order has 12 months", company(cancelled("2025-11-01")), "2026-11-01"),
    ]


def unpaid_cases() -> list[Case]:
    """What is unpaid, to the cent."""
    def shop(amount: str, paid: str | None, **columns: object) -> Shop:
        return person(order("2020-05-05", paid_at=None),
                      invoices=[invoice("2020-05-05", amount, paid, order_id="o", **columns)])

    found = [
        contract("a free replacement", person(order("2020-05-05", paid_at=None, total_amount="0.00")), "2021-05-05"),
        contract("less than half a cent is nothing", person(
            order("2020-05-05", paid_at=None, total_amount="0.004")), "2021-05-05"),
        contract("no total is not zero", person(order("2020-05-05", paid_at=None, total_amount="")), None),
        contract("paid tomorrow", person(order("2020-05-05", paid_at="2026-11-02")), None),
    ]
    for amount, paid, is_open in (("100.00", "99.99", True), ("100.00", "99.995", False), ("100.00", "100.01", True),
                                  ("-100.00", None, True), ("-100.00", "-100.00", False), ("0", None, False),
                                  ("100.004", "100", False), ("100.005", "100", True)):
        absent = [] if is_open else [freeze(C, "open_balance")]
        expected = [purpose(C, "contract", None if is_open else "2021-05-05")]
        if is_open:
            expected.append(freeze(C, "open_balance", scope="contractual", since=date(2020, 5, 5), review=True))
        found.append(Case(f"invoice of {amount}, paid {paid}", shop(amount, paid), expected, absent))
    found.append(contract("a settled difference", shop("100.00", "90", settled_at="2026-11-01"), "2021-05-05"))
    found.append(contract("settled tomorrow", shop("100.00", "90", settled_at="2026-11-02"), None))
    release = {"subject_id": C, "kind": "open_balance", "decided_on": date(2026, 11, 1), "invoice_ids": ["i"]}
    found.append(Case("a released invoice", shop("100.00", "90"), [
        purpose(C, "contract", "2021-05-05"), record("orders/o/delivery", "due", "2021-05-05"),
        record("invoices/i/billing", "due", "2026-01-01")],
        [freeze(C, "open_balance")], options=Options(review_releases=[release])))
    late = release | {"decided_on": date(2026, 11, 2)}
    found.append(contract("released tomorrow", shop("100.00", "90"), None, Options(review_releases=[late])))
    return found


def business_cases() -> list[Case]:
    """Orders of companies."""
    found = []
    goods: dict[str, list[Row]] = {"order_lines": [line(product_id="p")], "products": [product("30")]}
    for on, end in (("2022-10-31", "2026-10-31"), ("2022-11-01", "2026-11-01"), ("2022-11-02", "2026-11-02")):
        decision, why = ("retain", "contract") if end > "2026-11-01" else ("due", "")
        found.append(Case(f"48 months after {on}", company(order(on, contact_id="7"), **goods), [
            purpose(C, "contract", end), purpose(K, "contract", end),
            record("orders/o/delivery", decision, end, why, subject_id=K),
            record("orders/o/link", decision, end, why, subject_id=K), attribute(K, "name", decision, end, why)],
            [("attribute_decisions", {"subject_id": C, "attribute": "name"})]))
    keep = Options(business_warranty_keeps_contact=True)
    found.append(contract("a company's warranty by choice", company(order("2022-11-01"), **goods), "2053-11-01", keep))
    unknown: dict[str, list[Row]] = {"order_lines": [line(product_id="q")]}
    found.append(contract("a company's unknown warranty", company(order("2022-11-01"), **unknown), "2026-11-01"))
    found.append(contract("a company's unknown warranty by choice", company(order("2022-11-01"), **unknown), None,
                          keep))
    found.append(Case("leap day and 48 months", company(order("2020-02-29")), [
        purpose(C, "contract", "2024-02-29")], month="2024-02"))
    found.append(Case("leap day and 12 months", person(order("2024-02-29")), [purpose(C, "contract", "2025-02-28")]))
    return found


def time_cases() -> list[Case]:
    """Local dates, month ends, sentinel dates."""
    found = []
    for stamp, end in (("2025-10-31T22:30:00Z", "2026-10-31"), ("2025-10-31T23:30:00Z", "2026-11-01"),
                       ("2025-10-31T23:30:00", "2026-10-31"), ("2025-06-30T21:59:00Z", "2026-06-30"),
                       ("2025-06-30T22:00:00Z", "2026-07-01"), ("2025-11-01 00:30:00+02:00", "2026-10-31"),
                       ("2025-10-31 23:30:00-05:00", "2026-11-01"), ("2025-10-31", "2026-10-31"),
                       ("  2025-10-31 10:00:00  ", "2026-10-31")):
        found.append(contract(f"ordered at {stamp!r}", person(order(stamp)), end))
    for stamp, name in (("0001-01-01 00:00:00", "implausible_date"), ("9999-12-31 23:59:59Z", "sentinel"),
                        ("9999-12-31", "sentinel"), ("9998-12-31", "implausible_date"),
                        ("1979-12-31", "implausible_date"), ("1899-12-31", "implausible_date"),
                        ("2200-01-01", "implausible_date"), ("2025-02-30", "unparsable"), ("soon", "unparsable")):
        found.append(Case(f"paid at {stamp!r}", person(order("2020-05-05", paid_at=stamp, total_amount="0")), [
            fault("orders", "o", "paid_at", name), freeze(C, "data_quality", scope="all", since=None, review=False),
            record("orders/o/delivery", "hold", "2021-05-05", "data_quality"),
            attribute(C, "name", "hold", "2021-05-05", "data_quality")]))
    blank = order(None, total_amount="0")
    found.append(Case("an order without any date", person(blank | {"cancelled_at": ""}, order_lines=[
        line(returned_at="2020-01-01")]), [fault("orders", "o", "ordered_at", "missing"),
        record("orders/o/delivery", "hold", "2026-11-01", "data_quality")]))
    found.append(Case("an invoice without a date", person(invoices=[invoice("soon", paid="100")]), [
        record("invoices/i/billing", "hold", "2026-11-01", "data_quality no_evidence"),
        record("invoices/i/link", "hold", "2026-11-01", "data_quality no_evidence")]))
    return found
