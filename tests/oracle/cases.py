"""Hand-made cases with hand-computed dates: before, on and after each boundary, and the traps of the specification.

as_of is 2026-11-01 unless a case names another month.
"""

from __future__ import annotations

from datetime import date

from .casekit import (
    Case,
    attribute,
    bulk,
    business,
    case,
    consumer,
    contact,
    event,
    fault,
    freeze,
    invoice,
    line,
    log,
    message,
    no_bulk,
    no_purpose,
    no_record,
    order,
    product,
    proprietor,
    purpose,
    record,
    request,
    review,
    subscription,
)
from .model import Options, Row, Shop

C, K = "customer:1", "contact:7"


def person(*orders: Row, **tables: list[Row]) -> Shop:
    """A shop with one consumer."""
    return {"customers": [consumer()], "orders": list(orders), "order_lines": [], **tables}


def company(*orders: Row, **tables: list[Row]) -> Shop:
    """A shop with one company and a contact person."""
    return {"customers": [business()], "contacts": [contact()], "orders": list(orders), "order_lines": [], **tables}


def contract(name: str, shop: Shop, lapses_on: str | None, options: Options | None = None) -> Case:
    """A case about the date of customer 1's contract alone."""
    return Case(name, shop, [purpose(C, "contract", lapses_on)], options=options or Options())


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
    for stamp, name in (("0001-01-01 00:00:00", "implausible_date"), ("9999-12-31 23:59:59Z", "implausible_date"),
                        ("9999-12-31", "implausible_date"), ("1899-12-31", "implausible_date"),
                        ("2200-01-01", "implausible_date"), ("2025-02-30", "unparsable"), ("soon", "unparsable")):
        found.append(Case(f"paid at {stamp!r}", person(order("2020-05-05", paid_at=stamp, total_amount="0")), [
            fault("orders", "o", "paid_at", name), freeze(C, "data_quality", scope="all", since=None, review=False),
            record("orders/o/delivery", "hold", "2021-05-05", "data_quality"),
            attribute(C, "name", "hold", "2021-05-05", "data_quality")]))
    blank = order(None, total_amount="0")
    found.append(Case("an order without any date", person(blank | {"cancelled_at": ""}, order_lines=[
        line(returned_at="2020-01-01")]), [fault("orders", "o", "ordered_at", "missing"),
        record("orders/o/delivery", "hold", "2021-01-01", "data_quality")]))
    found.append(Case("an invoice without a date", person(invoices=[invoice("soon", paid="100")]), [
        record("invoices/i/billing", "hold", "2026-11-01", "data_quality no_evidence"),
        record("invoices/i/link", "hold", "2026-11-01", "data_quality no_evidence")]))
    return found


def profile_cases() -> list[Case]:
    """Profiles, and what a warranty does not keep."""
    found = []
    for login, end in (("2025-10-31", "2026-10-31"), ("2025-11-01", "2026-11-01"), ("2025-11-02", "2026-11-02")):
        row = consumer(profile_created_at="2020-01-01", last_login_at=login, username="kari", gender="f")
        names = ("individualisation profile", "individualisation") if end > "2026-11-01" else ("", "")
        decision = "retain" if end > "2026-11-01" else "due"
        found.append(Case(f"last login {login}", {"customers": [row]}, [
            purpose(C, "profile", end), purpose(C, "individualisation", end),
            attribute(C, "username", decision, end, names[0]), attribute(C, "gender", decision, end, names[1])],
            [no_purpose(C, "contract"), no_purpose(C, "identification"), freeze(C, "no_evidence")]))
    full = consumer(profile_created_at="2020-01-01", username="kari", gender="f", preferences="x",
                    street_address="Vei 1", national_identity_number="01010112345")
    goods: dict[str, list[Row]] = {"order_lines": [line(product_id="p")], "products": [product("30")]}
    locker = person(order("2020-05-05"), **goods) | {"customers": [full]}
    found.append(Case("a locker with a 30-year warranty", locker, [
        purpose(C, "contract", "2051-05-05"), purpose(C, "profile", "2051-05-05"),
        purpose(C, "individualisation", "2021-05-05"),
        attribute(C, "name", "retain", "2051-05-05", "contract profile"),
        attribute(C, "address", "retain", "2051-05-05", "contract"),
        attribute(C, "username", "retain", "2051-05-05", "profile"), attribute(C, "gender", "due", "2021-05-05"),
        attribute(C, "preferences", "due", "2021-05-05"),
        attribute(C, "national_identity_number", "due", "2026-11-01"),
        record("orders/o/link", "retain", "2051-05-05", "contract"),
        fault("customers", "1", "national_identity_number", "misplaced"),
        review("misplaced_attribute", subject_id=C)]))
    unknown = person(order("2020-05-05"), order_lines=[line(product_id="q")]) | {"customers": [full]}
    found.append(Case("an unknown warranty makes nobody a customer", unknown, [
        purpose(C, "profile", None), purpose(C, "individualisation", "2021-05-05")]))
    for closed, end in (("2025-11-01", "2026-11-01"), ("2025-11-02", "2026-11-02"), ("2026-11-02", "2027-10-20")):
        row = consumer(profile_created_at="2020-01-01", last_login_at="2026-10-20", profile_closed_at=closed)
        found.append(Case(f"profile closed {closed}", {"customers": [row]}, [
            purpose(C, "profile", end), purpose(C, "individualisation", end)]))
    blocked = person(order("2020-05-05", paid_at=None)) | {"customers": [full]}
    found.append(Case("a profile with a blocker", blocked, [
        purpose(C, "profile", None), purpose(C, "individualisation", None)]))
    blocked = person(order("2020-05-05", paid_at=None)) | {"customers": [full | {"profile_closed_at": "2024-02-29"}]}
    found.append(Case("a closed profile with a blocker", blocked, [
        purpose(C, "profile", "2025-02-28"), purpose(C, "individualisation", "2025-02-28")]))
    found.append(Case("a closed profile with an open case", blocked | {"cases": [case("2026-01-01")]}, [
        purpose(C, "profile", None), purpose(C, "individualisation", None)]))
    return found + empty_cases()


def empty_cases() -> list[Case]:
    """What is empty already."""
    row = consumer(name="Anonymised", email=" ", postal_code="7", city="\u00a0", birth_date="1980-01-01",
                   phone="", gender=None)
    found = [Case("already empty", {"customers": [row]}, [
        attribute(C, name, "absent") for name in ("name", "email", "address", "age", "phone", "gender")],
        [("quality", {})])]
    row = consumer(postal_code="70", birth_date="1980-01-02", profile_created_at="2020-01-01")
    found.append(Case("not generalised yet", {"customers": [row]}, [
        attribute(C, "address", "due", "2021-01-01"), attribute(C, "age", "due", "2021-01-01")]))
    row = business(birth_date="1980-05-05", gender="f", postal_code="7010", city="Oslo", organisation_number="1")
    found.append(Case("misplaced on a company", {"customers": [row]}, [
        attribute(C, "age", "hold", "2026-11-01", "no_evidence"), attribute(C, "address", "absent"),
        fault("customers", "1", "gender", "misplaced"), fault("customers", "1", "birth_date", "misplaced")],
        [("attribute_decisions", {"attribute": "organisation_number"})]))
    row = {"customer_id": "1", "customer_type": "guild", "organisation_number": "9", "national_identity_number": "8"}
    found.append(Case("a type that does not fit", {"customers": [row]}, [
        fault("customers", "1", "customer_type", "unknown_value"),
        attribute(C, "organisation_number", "hold", "2026-11-01", "data_quality no_evidence"),
        attribute(C, "national_identity_number", "hold", "2026-11-01", "data_quality no_evidence")]))
    return found


def objection_cases() -> list[Case]:
    """Objections."""
    found = []
    row = consumer(profile_created_at="2026-01-10", gender="f")

    def shop(*requests: Row) -> Shop:
        return {"customers": [row, consumer("2", email=" C1@X.no", profile_created_at="2026-01-10")],
                "rights_requests": list(requests)}

    for received, outcome, end in (("2026-10-31", None, "2026-10-31"), ("2026-11-01", None, "2026-11-01"),
                                   ("2026-11-02", None, "2027-01-10"), ("2026-01-09", None, "2027-01-10"),
                                   ("2026-01-10", None, "2026-01-10"), ("2026-05-01", "refused", "2026-05-01"),
                                   ("2026-05-01", "withdrawn", "2027-01-10")):
        wish = request("objection", received, outcome=outcome)
        found.append(Case(f"objection of {received}, {outcome}", shop(wish), [
            purpose(C, "individualisation", end), purpose(C, "profile", "2027-01-10"),
            purpose("customer:2", "individualisation", "2027-01-10")]))
    found.append(Case("an objection by a shared e-mail", shop(request("objection", "2026-05-01", email="c1@x.NO")), [
        purpose(C, "individualisation", "2026-05-01"), purpose("customer:2", "individualisation", "2026-05-01")],
        [review("ambiguous_request")]))
    found.append(Case("an id goes before an e-mail", shop(
        request("objection", "2026-05-01", email="c1@x.no", customer_id="2")), [
        purpose(C, "individualisation", "2027-01-10"), purpose("customer:2", "individualisation", "2026-05-01")]))
    found.append(Case("a contact that does not exist is nobody", shop(
        request("objection", "2026-05-01", email="c1@x.no", contact_id="99")), [
        purpose(C, "individualisation", "2027-01-10"), fault("rights_requests", "r", "contact_id", "orphan"),
        record("rights_requests/r/content", "retain", None, "open_request", subject_id="contact:99")]))
    sole = proprietor(profile_created_at="2026-01-10", national_identity_number="8")
    found.append(Case("identification is untouched by an objection", {
        "customers": [sole], "rights_requests": [request("objection", "2026-05-01")]}, [
        purpose(C, "identification", "2027-01-10"), purpose(C, "individualisation", "2026-05-01")]))
    found.append(Case("identification ends with a verified erasure", {
        "customers": [sole],
        "rights_requests": [request("erasure", "2026-05-01", identity_verified_at="2026-06-01")]}, [
        purpose(C, "identification", "2026-06-01"), purpose(C, "individualisation", "2026-05-01"),
        purpose(C, "profile", "2026-06-01")]))
    return found


def erasure_cases() -> list[Case]:
    """Erasures."""
    def shop(verified: str | None, *orders: Row, **columns: object) -> Shop:
        wish = request("erasure", "2026-05-01", identity_verified_at=verified, **columns)
        row = consumer(profile_created_at="2020-01-01", last_login_at="2026-04-01")
        return person(*orders, rights_requests=[wish]) | {"customers": [row]}

    old = order("2026-02-01")
    found = [
        Case("not verified", shop(None, old), [
            purpose(C, "individualisation", "2026-05-01"), purpose(C, "profile", "2027-04-01"),
            purpose(C, "contract", "2027-02-01")]),
        Case("verified", shop("2026-05-20", old), [
            purpose(C, "individualisation", "2026-05-01"), purpose(C, "profile", "2026-05-20"),
            purpose(C, "contract", "2026-05-20"), record("orders/o/delivery", "due", "2026-05-20")]),
        Case("verified before it was received", shop("2026-04-01", old), [purpose(C, "profile", "2026-05-01")]),
        Case("verified tomorrow", shop("2026-11-02", old), [purpose(C, "profile", "2027-04-01")]),
        Case("refused", shop("2026-05-20", old, outcome="refused"), [
            purpose(C, "individualisation", "2027-04-01"), purpose(C, "profile", "2027-04-01")]),
        Case("an order the day after", shop("2026-05-20", order("2026-05-21")), [
            purpose(C, "contract", "2027-05-21"), purpose(C, "profile", "2026-05-20")]),
        Case("an order the same day", shop("2026-05-20", order("2026-05-20", delivered_at="2026-06-01")), [
            purpose(C, "contract", "2026-06-01")]),
        Case("an open order is not waived", shop("2026-05-20", order("2026-02-01", paid_at=None)), [
            purpose(C, "contract", None), purpose(C, "profile", "2026-05-20"),
            purpose(C, "individualisation", "2026-05-01")]),
    ]
    goods: dict[str, list[Row]] = {"order_lines": [line(product_id="p")], "products": [product("2")]}
    found.append(Case("a warranty is not waived, its tail is", shop("2026-05-20", old) | goods, [
        purpose(C, "contract", "2028-02-01")]))
    closed = {"cases": [case("2026-03-01", "2026-08-08")]}
    found.append(Case("a closed case", shop("2026-05-20") | closed, [purpose(C, "contract", "2026-08-08")]))
    bills: dict[str, list[Row]] = {"invoices": [invoice("2021-01-01", paid="100", billing_name="", order_id="o")]}
    found.append(Case("bookkeeping is not waived", shop("2026-05-20", order("2026-02-01")) | bills, [
        purpose(C, "bookkeeping", "2027-01-01"), attribute(C, "name", "retain", "2027-01-01", "bookkeeping"),
        attribute(C, "email", "due", "2026-05-20"),
        record("invoices/i/billing", "retain", "2027-02-01", "bookkeeping contract"),
        record("invoices/i/link", "retain", "2027-02-01", "bookkeeping contract")]))
    shared = shop("2026-05-20", old, email="C1@x.no")
    found.append(Case("by an e-mail that is one subject's", shared, [purpose(C, "profile", "2026-05-20")],
                      [review("ambiguous_request")]))
    shared = shared | {"customers": [*shared["customers"], consumer("2", email="c1@X.no")]}
    found.append(Case("by an e-mail that two have", shared, [
        purpose(C, "profile", "2027-04-01"), purpose(C, "individualisation", "2026-05-01"),
        purpose(C, "contract", "2027-02-01"), freeze("customer:2", "no_evidence"),
        review("ambiguous_request", entity="rights_requests", record_id="r", since=date(2026, 5, 1))]))
    new = shop("2026-05-20")
    new["customers"][0]["profile_created_at"] = "2026-05-21"
    found.append(Case("a new profile after an old erasure", new, [
        purpose(C, "profile", "2027-05-21"), purpose(C, "individualisation", "2027-05-21")]))
    gone: Shop = {"customers": [consumer()],
                  "rights_requests": [request("erasure", "2026-05-01", identity_verified_at="2026-05-20")]}
    found.append(Case("an erasure takes the place of evidence", gone, [attribute(C, "name", "due", "2026-11-01")],
                      [freeze(C, "no_evidence")]))
    return found


def contact_cases() -> list[Case]:
    """Whose a company's orders are."""
    def shop(created: str | None, left: str | None, **columns: object) -> Shop:
        return {"customers": [business()], "contacts": [contact(created_at=created, deactivated_at=left)],
                "orders": [order("2022-12-01") | columns]}

    found = []
    for created, left, there in ((None, None, True), ("2022-12-01", None, True), ("2022-12-02", None, False),
                                 (None, "2022-12-01", False), (None, "2022-12-02", True)):
        expected, absent = ([purpose(K, "contract", "2026-12-01")], [])
        if not there:
            expected, absent = ([], [no_purpose(K, "contract")])
        found.append(Case(f"an order without contact, there from {created} to {left}", shop(created, left), [
            *expected, record("orders/o/delivery", "retain", "2026-12-01", "contract", subject_id=C)],
            [*absent, no_record("orders/o/link")]))
    found.append(Case("a contact who left keeps the own order", shop(None, "2022-01-01", contact_id="7"), [
        purpose(K, "contract", "2026-12-01"), record("orders/o/link", "retain", "2026-12-01", "contract",
                                                     subject_id=K)]))
    found.append(Case("a contact that does not exist", shop(None, None, contact_id="99"), [
        record("orders/o/delivery", "retain", "2026-12-01", "contract", subject_id="contact:99"),
        fault("orders", "o", "contact_id", "orphan")], [no_purpose(K, "contract"), no_record("orders/o/link")]))
    lost: Shop = {"customers": [], "contacts": [contact(created_at="2020-01-01")], "orders": [
        order("2020-01-01", contact_id="7")]}
    found.append(Case("everything of a missing customer", lost, [
        freeze(K, "orphan", scope="all", since=None), attribute(K, "name", "hold", "2024-01-01", "orphan"),
        record("orders/o/delivery", "hold", "2024-01-01", "orphan", subject_id=K),
        record("orders/o/link", "hold", "2024-01-01", "orphan", subject_id=K),
        fault("orders", "o", "customer_id", "orphan"), fault("contacts", "7", "customer_id", "orphan")]))
    found.append(Case("an order of a missing customer", {"orders": [order("2020-01-01")]}, [
        record("orders/o/delivery", "hold", "2024-01-01", "orphan", subject_id=C)], [("freezes", {})]))
    return found + tombstone_cases()


def tombstone_cases() -> list[Case]:
    """Tombstones are no subjects, no orphans and no faults."""
    gone = "anonymised-consumer"
    firm = "anonymised-business"
    return [Case("tombstones", {
        "customers": [{"customer_id": gone, "customer_type": "consumer", "name": "x", "birth_date": "soon"}],
        "contacts": [contact(customer=firm)],
        "orders": [order("2023-11-01", customer=gone), order("2022-11-01", "b", customer=firm, delivery_name=None)],
        "order_lines": [line()],
        "invoices": [invoice("2020-01-01", customer_id=gone, paid="100", order_id="o")],
    }, [
        record("orders/o/delivery", "due", "2026-11-01", subject_id=None),
        record("orders/o/link", "absent", subject_id=None), record("orders/b/delivery", "absent", subject_id=None),
        record("invoices/i/billing", "due", "2026-11-01", subject_id=None),
        record("invoices/i/link", "absent", subject_id=None),
        freeze(K, "no_evidence"),
    ], [("quality", {}), freeze(K, "orphan"), no_record("orders/b/link"),
        ("attribute_decisions", {"subject_id": f"customer:{gone}"})]),
        Case("an order whose contact was unlinked is nobody else's", {
            "customers": [business()], "contacts": [contact(), {"contact_id": firm, "customer_id": "1", "name": "x"}],
            "orders": [order("2022-11-01", contact_id=firm)],
            "cases": [case("2020-01-01", "2020-02-02", contact_id=firm)],
            "invoices": [invoice("2022-11-01", order_id="o")]}, [
            record("orders/o/delivery", "hold", "2026-11-01", "open_balance", subject_id=C),
            freeze(K, "no_evidence")],
            [("quality", {}), no_purpose(K, "contract"), freeze(K, "open_balance"), no_record("orders/o/link"),
             ("attribute_decisions", {"subject_id": f"contact:{firm}"})])]


def invoice_cases() -> list[Case]:
    """Bookkeeping and open balances."""
    found = []
    for issued, end in (("2020-12-31", "2026-01-01"), ("2021-01-01", "2027-01-01"),
                        ("2020-12-31T22:59:00Z", "2026-01-01"), ("2020-12-31T23:00:00Z", "2027-01-01")):
        decision, why = ("retain", "bookkeeping") if end > "2026-11-01" else ("due", "")
        found.append(Case(f"invoice of {issued}", person(
            order("2019-01-01"), invoices=[invoice(issued, paid="100", billing_street_address=" ")]), [
            purpose(C, "bookkeeping", end), record("invoices/i/billing", decision, end, why),
            record("invoices/i/link", decision, end, why), attribute(C, "name", decision, end, why),
            attribute(C, "email", "due", "2020-01-01")]))
    found.append(Case("an invoice that names its buyer", person(invoices=[invoice("2024-01-01", paid="100")]), [
        record("invoices/i/link", "retain", "2030-01-01", "bookkeeping")], [no_purpose(C, "bookkeeping")]))
    for issued, due in (("2025-11-01", True), ("2025-11-02", False)):
        found.append(Case(f"open since {issued}", person(invoices=[invoice(issued)]), [
            freeze(C, "open_balance", since=date.fromisoformat(issued), review=due)],
            [] if due else [review("open_balance_review")]))
    people = [contact(), contact("8"), contact("9", deactivated_at="2026-11-01"), contact("10", customer="2")]
    shop: Shop = {"customers": [business(), business("2")], "contacts": people, "orders": [
        order("2020-01-01", contact_id="8")], "invoices": [invoice("2026-01-01", order_id="o")]}
    found.append(Case("an open invoice of a contact's order", shop, [
        freeze(C, "open_balance"), freeze("contact:8", "open_balance")],
        [freeze(f"contact:{n}", "open_balance") for n in ("7", "9", "10")]))
    found.append(Case("an open invoice of nobody in particular", shop | {"invoices": [invoice("2026-01-01")]}, [
        freeze(C, "open_balance"), freeze(K, "open_balance"), freeze("contact:8", "open_balance")],
        [freeze("contact:9", "open_balance"), freeze("contact:10", "open_balance")]))
    row = proprietor(gender="f", national_identity_number="8", profile_created_at="2020-01-01")
    found.append(Case("what an open balance holds", {
        "customers": [row], "orders": [order("2020-01-01")], "invoices": [invoice("2026-01-01")],
        "rights_requests": [request("access", "2020-01-01", closed_at="2020-02-01")]}, [
        attribute(C, "name", "hold", "2021-01-01", "open_balance"), attribute(C, "gender", "due", "2021-01-01"),
        attribute(C, "national_identity_number", "hold", "2021-01-01", "open_balance"),
        record("orders/o/delivery", "hold", "2021-01-01", "open_balance"),
        record("rights_requests/r/content", "due", "2023-02-01")]))
    return found


def correspondence_cases() -> list[Case]:
    """Cases and messages."""
    found = []
    for closed, end in (("2025-11-01", "2026-11-01"), ("2025-11-02", "2026-11-02")):
        decision, why = ("retain", "contract") if end > "2026-11-01" else ("due", "")
        found.append(Case(f"case closed {closed}", person(cases=[case("2025-01-01", closed)]), [
            purpose(C, "contract", end), record("cases/s/content", decision, end, why, subject_id=C)]))
    for late in (None, "2026-11-02"):
        found.append(Case(f"case open, closed {late}", person(
            order("2020-01-01"), cases=[case("2020-01-01", late, order_id="o")]), [
            purpose(C, "contract", None), record("cases/s/content", "retain", None, "open_case"),
            record("orders/o/delivery", "retain", None, "open_case"),
            review("open_case_24_months", entity="cases", record_id="s", since=date(2020, 1, 1))]))
    for occurred, end in (("2025-11-01", "2026-11-01"), ("2025-11-02", "2026-11-02")):
        decision, why = ("retain", "correspondence_period") if end > "2026-11-01" else ("due", "")
        for channel, direction in (("email", "out"), ("phone", "in"), ("letter", "in"), ("in_person", "in")):
            found.append(Case(f"{direction} {channel} of {occurred}", {
                "communications": [message(occurred, channel=channel, direction=direction)]}, [
                record("communications/m/content", decision, end, why, subject_id=None)]))
    for channel in ("email", "chat", "digital"):
        found.append(Case(f"in {channel}", {"communications": [message("2025-11-01", channel=channel)]}, [
            record("communications/m/content", "retain", None, "until_further_notice"),
            review("until_further_notice", record_id="m", since=date(2025, 11, 1))]))
    own = message("2026-11-02", customer_id="1")
    closed_case = case("2020-01-01", "2020-02-02")
    found += [
        Case("a message of tomorrow", person(communications=[own]), [
            record("communications/m/content", "retain", "2026-11-02", "not_yet", subject_id=C)]),
        Case("a message of today without purposes", person(communications=[own | {"occurred_at": "2026-11-01"}]), [
            record("communications/m/content", "hold", "2026-11-01", "no_evidence", subject_id=C)]),
        Case("a message of its case", person(cases=[closed_case], communications=[
            message("2020-01-05", case_id="s", channel="email")]), [
            record("communications/m/content", "due", "2021-02-02", subject_id=C)]),
        Case("a message of an open case", person(cases=[case("2020-01-01")], communications=[
            message("soon", case_id="s")]), [
            record("communications/m/content", "retain", None, "open_case", subject_id=C),
            freeze(C, "data_quality")]),
        Case("a message of nobody known", person(communications=[own | {"customer_id": "99"}]), [
            record("communications/m/content", "retain", "2026-11-02", "not_yet", subject_id="customer:99")]),
        Case("an old message of nobody known", person(communications=[
            message("2020-01-01", customer_id="99"), message("2020-01-01", communication_id="k", body="")]), [
            record("communications/m/content", "hold", "2020-01-01", "orphan", subject_id="customer:99"),
            record("communications/k/content", "absent")]),
        Case("a message without a date", {"communications": [message("0001-01-01")]}, [
            record("communications/m/content", "hold", "2026-11-01", "data_quality")]),
    ]
    return found


def newsletter_cases() -> list[Case]:
    """Subscriptions."""
    where = "newsletter_subscriptions/n/email"

    def shop(*requests: Row, **columns: object) -> Shop:
        return {"customers": [consumer(profile_created_at="2026-10-01")],
                "newsletter_subscriptions": [subscription(**columns)], "rights_requests": list(requests)}

    found = [
        Case("subscribed", shop(), [record(where, "retain", None, "newsletter", subject_id=C)]),
        Case("unsubscribed today", shop(unsubscribed_at="2026-11-01"), [record(where, "due", "2026-11-01")]),
        Case("unsubscribed tomorrow", shop(unsubscribed_at="2026-11-02"), [
            record(where, "retain", "2026-11-02", "newsletter")]),
        Case("unsubscribed before subscribing", shop(subscribed_at="2026-02-02", unsubscribed_at="2026-02-01"), [
            record(where, "retain", None, "newsletter")]),
        Case("unsubscribed at once", shop(subscribed_at="2026-02-02", unsubscribed_at="2026-02-02"), [
            record(where, "due", "2026-02-02")]),
        Case("an e-mail that two have", shop() | {"customers": [consumer(), consumer("2", email="C1@x.no")]}, [
            record(where, "retain", None, "newsletter", subject_id=None)]),
        Case("no e-mail", shop(email=" "), [record(where, "absent", subject_id=None),
                                            fault("newsletter_subscriptions", "n", "email", "missing")]),
    ]
    for kind, outcome, subscribed, stopped in (
        ("objection", None, "2026-05-01", True), ("objection", None, "2026-05-02", False),
        ("objection", None, None, True), ("objection", "refused", None, True), ("objection", "withdrawn", None, False),
        ("erasure", None, None, True), ("erasure", "refused", None, False), ("access", None, None, False),
    ):
        wish = request(kind, "2026-05-01", outcome=outcome, closed_at="2026-05-05")
        expected = record(where, "due", "2026-05-01") if stopped else record(where, "retain", None, "newsletter")
        found.append(Case(f"newsletter from {subscribed}, {outcome} {kind}", shop(wish, subscribed_at=subscribed),
                          [expected]))
    by_mail = request("objection", "2026-05-01", email="OLD@x.no")
    found.append(Case("an objection by an e-mail nobody has", shop(by_mail, email="old@X.no"), [
        record(where, "due", "2026-05-01", subject_id=None)]))
    other = shop(request("objection", "2026-05-01"), customer_id="2", email="c1@x.no")
    found.append(Case("another's subscription to the e-mail of someone who objected", other, [
        record(where, "hold", "2026-05-01", "orphan", subject_id="customer:2")]))
    found.append(Case("a newsletter of somebody whose access request waits", shop(
        request("access", "2026-10-01"), unsubscribed_at="2026-10-10"), [
        freeze(C, "access_pending", scope="not_marketing", since=date(2026, 10, 1)),
        record(where, "due", "2026-10-10")]))
    found.append(Case("a newsletter of somebody restricted", shop(
        request("restriction", "2026-10-01"), unsubscribed_at="2026-10-10"), [
        record(where, "hold", "2026-10-10", "restriction")]))
    return found


def bulk_cases() -> list[Case]:
    """Clicks and logs."""
    yes = {"consented": "true"}
    customer = consumer(profile_created_at="2025-09-01")
    found = [
        Case("web events", {"web_events": [
            event("2026-11-01", "1"), event("2026-11-02", "2"), event("2026-10-15", "3", consented="0"),
            event("2025-10-01", "4", **yes), event("2025-10-02", "5", **yes),
            event("2026-10-01", "6", consent_withdrawn_at="2026-11-01", **yes),
            event("2026-10-01", "7", consent_withdrawn_at="2026-11-02", **yes),
            event("2020-01-01", "8", visitor_id=" ")]}, [
            bulk("web_events", "no_consent", 2, "2026-10-15"), bulk("web_events", "cookie_period", 1, "2026-11-01"),
            bulk("web_events", "consent_withdrawn", 1, "2026-11-01")], [
            ("bulk_decisions", {"reason": "individualisation_ended"}), ("bulk_decisions", {"reason": "held"})]),
        Case("web events of somebody who left", {"customers": [customer], "web_events": [
            event("2026-01-01", "1", customer_id="1", **yes),
            event("2025-08-01", "2", customer_id="1", **yes),
            event("2025-09-01", "3", customer_id="1", consent_withdrawn_at="2026-09-01", **yes)]}, [
            purpose(C, "individualisation", "2026-09-01"),
            bulk("web_events", "individualisation_ended", 1, "2026-09-01"),
            bulk("web_events", "cookie_period", 1, "2026-09-01"),
            bulk("web_events", "consent_withdrawn", 1, "2026-09-01")]),
        Case("web events held", {"customers": [customer], "web_events": [
            event("2026-01-01", "1", customer_id="99"), event("2026-03-01", "2", consented="maybe"),
            event("soon", "3"), event("2026-12-01", "4", consented="maybe")]}, [
            bulk("web_events", "held", 3, "2026-01-01"), fault("web_events", "2", "consented", "unparsable")]),
        Case("logs", {"app_logs": [
            log("2025-10-01", "1"), log("2025-10-02", "2"), log("2025-09-30T22:30:00Z", "3"),
            log("2020-01-01", "4", username="", ip_address=None), log("2025-09-30T22:30:00+00:00", "5")]}, [
            bulk("app_logs", "log_period", 3, "2026-11-01")], [("bulk_decisions", {"reason": "held"})]),
        Case("a log line that is not due", {"app_logs": [log("2025-10-02")]}, [], [no_bulk("app_logs")]),
        Case("a log line without a date", {"app_logs": [log("")]}, [bulk("app_logs", "held", 1, "2026-11-01")]),
        Case("a legal hold on the logs", {"app_logs": [log("2025-10-01")]}, [
            bulk("app_logs", "held", 1, "2026-11-01")], options=Options(legal_holds=[
                {"entity": "app_logs", "placed_on": date(2026, 1, 1), "lifted_on": None}])),
    ]
    return found


def freeze_cases() -> list[Case]:
    """Freezes by requests, by people and for want of evidence."""
    found = []
    for kind, name in (("restriction", "restriction"), ("access", "access_pending"), ("portability", "access_pending")):
        for received, columns, stands in (
            ("2026-08-01", {}, False), ("2026-08-02", {}, True), ("2026-11-02", {}, False),
            ("2020-01-01", {"identity_verified_at": "2026-11-01"}, True),
            ("2020-01-01", {"identity_verified_at": "2026-11-02"}, False),
            ("2026-10-01", {"closed_at": "2026-11-01"}, False), ("2026-10-01", {"closed_at": "2026-11-02"}, True),
            ("2026-10-01", {"outcome": "refused"}, False),
        ):
            row = freeze(C, name)
            found.append(Case(f"{kind} of {received} {columns}", person(
                order("2020-01-01"), rights_requests=[request(kind, received, **columns)]),
                [row, attribute(C, "name", "hold", "2021-01-01", name)] if stands else [
                    attribute(C, "name", "due", "2021-01-01")], [] if stands else [row]))
    hold = {"subject_id": C, "placed_on": date(2026, 5, 5), "lifted_on": None}
    shop = person(order("2020-01-01"))
    found += [
        Case("a legal hold", shop, [
            freeze(C, "legal_hold", scope="all", since=date(2026, 5, 5)),
            record("orders/o/link", "hold", "2021-01-01", "legal_hold")], options=Options(legal_holds=[hold])),
        Case("a lifted hold", shop, [record("orders/o/link", "due", "2021-01-01")], [freeze(C, "legal_hold")],
             options=Options(legal_holds=[hold | {"lifted_on": date(2026, 11, 1)}])),
        Case("evidence is missing", person(order("2020-01-01"), communications=[message("2020-01-01")]), [
            freeze(C, "evidence_missing", scope="all", since=None),
            attribute(C, "name", "hold", "2021-01-01", "evidence_missing"),
            record("communications/m/content", "hold", "2021-01-01", "evidence_missing")],
            options=Options(evidence_missing=True)),
        Case("no evidence", {"customers": [consumer()]}, [
            freeze(C, "no_evidence", scope="not_marketing", since=None, review=False),
            review("no_evidence", subject_id=C), attribute(C, "name", "hold", "2026-11-01", "no_evidence")]),
        Case("no evidence, released", {"customers": [consumer()]}, [attribute(C, "name", "due", "2026-11-01")],
             [freeze(C, "no_evidence"), review("no_evidence")], options=Options(review_releases=[
                 {"subject_id": C, "kind": "no_evidence", "decided_on": date(2026, 11, 1), "invoice_ids": []}])),
    ]
    for closed, end, decision in (("2023-10-31", "2026-10-31", "due"), ("2023-11-01", "2026-11-01", "due"),
                                  ("2023-11-02", "2026-11-02", "retain")):
        found.append(Case(f"request closed {closed}", {"customers": [consumer(profile_created_at="2020-01-01")],
                     "rights_requests": [request("rectification", "2023-01-01", closed_at=closed)]}, [
            record("rights_requests/r/content", decision, end,
                   "limitation_period" if decision == "retain" else "", subject_id=C)]))
    found.append(Case("nothing at all", {}, [], [(table, {}) for table in (
        "purpose_status", "freezes", "attribute_decisions", "record_decisions", "bulk_decisions", "quality")]))
    return found


def mixed_cases() -> list[Case]:
    """Where several rules meet."""
    profile = consumer(profile_created_at="2020-01-01", last_login_at="2026-04-01")
    yes = {"consented": "1"}
    hold = Options(legal_holds=[{"subject_id": C, "placed_on": date(2026, 5, 5), "lifted_on": None}])
    contact_hold = Options(legal_holds=[{"subject_id": K, "placed_on": date(2026, 5, 5), "lifted_on": None}])
    old = person(order("2020-01-01"))
    return [
        Case("a case of the order ends it later", person(
            order("2020-01-01"), cases=[case("2020-01-01", "2025-11-05", order_id="o", customer_id="99")]), [
            record("orders/o/delivery", "retain", "2026-11-05", "contract"), purpose(C, "contract", "2026-11-05"),
            record("cases/s/content", "hold", "2025-11-05", "orphan", subject_id="customer:99")]),
        contract("a cancellation of tomorrow ends nothing", person(
            order("2025-11-01", cancelled_at="2026-11-02")), "2026-11-01"),
        Case("a cancelled order is no transaction", person(order("2026-01-01", cancelled_at="2026-01-02")) | {
            "customers": [consumer(profile_created_at="2020-01-01")]}, [
            purpose(C, "individualisation", "2021-01-01"), purpose(C, "profile", "2027-01-02")]),
        Case("a consumer's contact has no order of hers", {
            "customers": [consumer()], "contacts": [contact()], "orders": [order("2022-12-01")]}, [
            freeze(K, "no_evidence")], [no_purpose(K, "contract")]),
        Case("the holds of a contact that does not exist and of a customer who does add up", person(
            order("2020-01-01", contact_id="99", completed_at="soon")), [
            record("orders/o/delivery", "hold", "2021-01-01", "data_quality legal_hold orphan",
                   subject_id="contact:99"),
            record("orders/o/link", "hold", "2021-01-01", "data_quality legal_hold orphan", subject_id=C)],
            [freeze(C, "data_quality")], options=hold),
        Case("a contact that exists beside a customer that does not", {"contacts": [contact()], "orders": [
            order("2020-01-01", contact_id="7")]}, [
            record("orders/o/delivery", "hold", "2024-01-01", "legal_hold orphan", subject_id=K)],
            options=contact_hold),
        Case("a closed case while the profile lives", {
            "customers": [profile], "cases": [case("2020-01-01", "2020-02-02")]}, [
            record("cases/s/content", "retain", "2027-04-01", "profile"), purpose(C, "contract", "2021-02-02")]),
        Case("a link while the individualisation lives", old | {"customers": [profile]}, [
            record("orders/o/delivery", "due", "2021-01-01"),
            record("orders/o/link", "retain", "2027-04-01", "individualisation")]),
        Case("the latest of the purposes alive", person(order("2026-01-01")) | {"customers": [profile]}, [
            attribute(C, "name", "retain", "2027-04-01", "contract individualisation profile"),
            attribute(C, "email", "retain", "2027-04-01", "contract individualisation profile"),
            record("orders/o/link", "retain", "2027-04-01", "contract individualisation")]),
        Case("an open balance does not hold what is misplaced", person(
            order("2020-01-01"), invoices=[invoice("2020-01-01")]) | {
            "customers": [consumer(organisation_number="9", national_identity_number="8")]}, [
            attribute(C, "organisation_number", "due", "2026-11-01"),
            attribute(C, "national_identity_number", "due", "2026-11-01"),
            attribute(C, "name", "hold", "2021-01-01", "open_balance")]),
        Case("consent withdrawn on the day the cookie ends", {"web_events": [
            event("2025-10-01", consent_withdrawn_at="2026-11-01", **yes)]}, [
            bulk("web_events", "cookie_period", 1, "2026-11-01")], [
            ("bulk_decisions", {"reason": "consent_withdrawn"})]),
    ]


CASES: list[Case] = [
    *mixed_cases(),
    *order_cases(), *time_cases(), *profile_cases(), *objection_cases(), *erasure_cases(), *contact_cases(),
    *invoice_cases(), *correspondence_cases(), *newsletter_cases(), *bulk_cases(), *freeze_cases(),
]
