"""People: purposes, empty values, requests, contacts, tombstones."""

from __future__ import annotations

from datetime import date

from tests.oracle.casekit import (
    C,
    Case,
    K,
    attribute,
    business,
    case,
    consumer,
    contact,
    fault,
    freeze,
    invoice,
    line,
    no_purpose,
    no_record,
    order,
    person,
    product,
    proprietor,
    purpose,
    record,
    request,
    review,
)
from tests.oracle.model import Row, Shop


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
    row = consumer(name="", email=" ", postal_code="7", city="\u00a0", birth_date="1980-01-01",
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
