"""Guests, their cases and requests, and credit notes."""

from __future__ import annotations

from datetime import date

from tests.oracle.casekit import (
    C,
    Case,
    K,
    Partial,
    business,
    case,
    consumer,
    contact,
    contract,
    fault,
    freeze,
    invoice,
    line,
    message,
    no_record,
    order,
    person,
    product,
    purpose,
    record,
    request,
    review,
)
from tests.oracle.model import Row, Shop

NO_FAULT: Partial = ("quality", {})
GUEST = "orders/o/delivery"


def guest(on: str, **columns: object) -> Row:
    """A guest's order."""
    return order(on, **{"customer_id": None, "delivery_email": "g@x.no", **columns})


def bill(issued: str, **columns: object) -> Row:
    """A guest's invoice, paid."""
    return invoice(issued, paid="100", customer_id=None, billing_email="G@x.no", **columns)


def guest_cases() -> list[Case]:
    """Orders without a customer."""
    old: Shop = {"orders": [guest("2015-01-10", delivered_at="2015-01-20")], "order_lines": [line(product_id="p")],
                 "products": [product("0")], "invoices": [bill("2015-01-10", order_id="o")]}
    nothing = [NO_FAULT, ("freezes", {}), ("purpose_status", {}), no_record("orders/o/link"),
               no_record("invoices/i/link")]
    zero = old | {"orders": [order("2015-01-10", customer="0", delivered_at="2015-01-20")]}
    found = [
        Case("a guest", old, [record(GUEST, "due", "2018-01-20", subject_id=None),
                              record("invoices/i/billing", "due", "2021-01-01", subject_id=None)], nothing),
        Case("a guest who was erased", old | {"rights_requests": [
            request("erasure", "2026-09-01", email="g@x.no", identity_verified_at="2026-09-02")]}, [
            record(GUEST, "due", "2018-01-20"), record("invoices/i/billing", "due", "2021-01-01")],
            [*nothing, ("review_list", {})]),
        Case("customer 0 is no guest while the mapping does not say so", zero, [
            record(GUEST, "hold", "2019-01-20", "orphan", subject_id="customer:0"),
            fault("orders", "o", "customer_id", "orphan")]),
        Case("a guest's undelivered order", {"orders": [guest("2026-01-01", delivered_at=" ")]}, [
            record(GUEST, "retain", None, "undelivered")], [NO_FAULT]),
        Case("a guest's desk", {"orders": [guest("2020-01-20")], "order_lines": [line(product_id="p")],
                                "products": [product("10")]}, [record(GUEST, "retain", "2031-01-20", "contract")]),
        Case("a guest's unknown warranty", {"orders": [guest("2015-01-20")], "order_lines": [line(product_id="q")]}, [
            record(GUEST, "retain", None, "warranty_unknown")]),
        Case("a guest's unpaid order with an invoice whose amount cannot be read", old | {
            "orders": [guest("2015-01-10", paid_at=None)],
            "invoices": [bill("2015-01-10", order_id="o", amount="many")]}, [
            record(GUEST, "hold", "2018-01-10", "data_quality", subject_id=None),
            record("invoices/i/billing", "hold", "2021-01-01", "data_quality"),
            fault("invoices", "i", "amount", "unparsable")]),
        Case("a guest's invoice is at fault in a column that no rule reads", old | {
            "invoices": [bill("2015-01-10", order_id="o", due_at="soon")]}, [
            record(GUEST, "due", "2018-01-20"), record("invoices/i/billing", "due", "2021-01-01")]),
        Case("a guest's faulty invoice of no order holds no other guest's", old | {
            "invoices": [bill("2015-01-10", amount="many")]}, [
            record(GUEST, "due", "2018-01-20"), record("invoices/i/billing", "hold", "2021-01-01", "data_quality")]),
        Case("a guest's open invoice", old | {"orders": [guest("2015-01-10", paid_at=None)], "invoices": [
            bill("2015-01-10", order_id="o") | {"paid_amount": None}]}, [
            record(GUEST, "retain", None, "unpaid"), record("invoices/i/billing", "retain", None, "unpaid"),
            review("blocker_24_months", subject_id=None, entity="orders", record_id="o")], [("freezes", {})]),
        Case("a guest's order at fault", {"orders": [guest("2015-01-10", completed_at="soon")]}, [
            record(GUEST, "hold", "2016-01-10", "data_quality", subject_id=None)], [("freezes", {})]),
        Case("a contact without a customer is no guest", {
            "customers": [business()], "contacts": [contact()], "orders": [guest("2015-01-10", contact_id="7")]}, [
            fault("orders", "o", "customer_id", "missing"), freeze(K, "data_quality"),
            record(GUEST, "hold", "2019-01-10", "data_quality", subject_id=K)]),
        Case("an unlinked contact without a customer is no guest", {"orders": [
            guest("2015-01-10", contact_id="anonymised-business")]}, [
            fault("orders", "o", "customer_id", "missing"), record(GUEST, "hold", "2019-01-10", "data_quality")]),
        Case("an order of a tombstone is no guest's", {"orders": [guest(
            "2015-01-10", customer_id="anonymised-consumer")]}, [record("orders/o/link", "absent", subject_id=None)],
            [NO_FAULT]),
    ]
    for on, end in (("2025-10-31", "2026-10-31"), ("2025-11-01", "2026-11-01"), ("2025-11-02", "2026-11-02")):
        kept = ("retain", end, "contract") if end > "2026-11-01" else ("due", end)
        found.append(Case(f"a guest of {on}", {"orders": [guest(on)]}, [record(GUEST, *kept)]))
    return found + guest_case_cases() + guest_request_cases()


def guest_case_cases() -> list[Case]:
    """Cases of guests, and cases of nobody."""
    whose = {"customer_id": None, "order_id": "o"}
    content = "cases/s/content"

    def shop(closed: str | None, on: str = "2015-01-10", **tables: list[Row]) -> Shop:
        return {"orders": [guest(on)], "cases": [case("2015-02-01", closed, **whose)], **tables}

    return [
        Case("a guest's open case", shop(None), [
            record(content, "retain", None, "open_case", subject_id=None), record(GUEST, "retain", None, "open_case")],
            [NO_FAULT]),
        Case("a guest's case closed after all", shop("2015-03-01"), [
            record(content, "due", "2016-03-01"), record(GUEST, "due", "2016-03-01")], [NO_FAULT]),
        Case("a guest's case with a running order", shop("2015-03-01", "2026-03-01") | {
            "cases": [case("2026-04-01", "2026-05-01", **whose)]}, [
            record(content, "retain", "2027-05-01", "contract")], [NO_FAULT]),
        Case("a guest's case with an erased order", shop("", "2026-03-01", rights_requests=[
            request("erasure", "2026-06-01", email="g@x.no", identity_verified_at="2026-06-01")]) | {
            "cases": [case("2026-04-01", "2026-05-01", **whose)]}, [
            record(content, "due", "2026-06-01"), record(GUEST, "due", "2026-06-01")], [NO_FAULT]),
        Case("a guest's case while the guest restricts", shop("2015-03-01", rights_requests=[
            request("restriction", "2026-10-01", email="g@x.no")]), [
            record(content, "hold", "2016-03-01", "restriction"), record(GUEST, "hold", "2016-03-01", "restriction")]),
        Case("a guest's messages", shop("2015-03-01", communications=[
            message("2015-02-02", case_id="s"), message("2015-02-02", case_id="s", channel="email",
                                                        communication_id="e")]), [
            record("communications/m/content", "due", "2016-02-02", subject_id=None),
            record("communications/e/content", "retain", None, "until_further_notice")]),
        Case("a case of nobody", {"cases": [case("2015-02-01", "2015-03-01", customer_id=None)]}, [
            fault("cases", "s", "customer_id", "missing"), record(content, "hold", "2015-03-01", "data_quality")]),
        Case("a case without ids on somebody's order", person(order("2015-01-10"), cases=[
            case("2015-02-01", "2015-03-01", **whose)]), [
            fault("cases", "s", "customer_id", "missing"), record(content, "hold", "2015-03-01", "data_quality")]),
        Case("a customer's case on a guest's order", {"customers": [consumer()], "orders": [guest("2015-01-10")],
             "cases": [case("2015-02-01", "2026-02-01", order_id="o")]}, [
            record(content, "retain", "2027-02-01", "contract", subject_id=C),
            record(GUEST, "retain", "2027-02-01", "contract")], [NO_FAULT]),
        Case("an invoice without a customer on somebody's order", person(order("2015-01-10"), invoices=[
            bill("2015-01-10", order_id="o")]), [record("invoices/i/billing", "due", "2021-01-01", subject_id=None)],
            [NO_FAULT, no_record("invoices/i/link")]),
    ]


def guest_request_cases() -> list[Case]:
    """Requests by e-mail that reach guests."""
    found = []

    def shop(on: str, wish: Row) -> Shop:
        return {"orders": [guest(on)], "invoices": [bill("2015-01-10")], "rights_requests": [wish]}

    def erasure(verified: str | None, **columns: object) -> Row:
        return request("erasure", "2026-05-01", **{"email": "G@X.no", "identity_verified_at": verified, **columns})

    for on, verified, columns, end in (
        ("2026-02-01", "2026-05-20", {}, "2026-05-20"), ("2026-02-01", "2026-11-01", {}, "2026-11-01"),
        ("2026-02-01", "2026-11-02", {}, "2027-02-01"), ("2026-02-01", None, {}, "2027-02-01"),
        ("2026-02-01", "2026-04-01", {}, "2026-05-01"), ("2026-05-20", "2026-05-20", {}, "2026-05-20"),
        ("2026-05-21", "2026-05-20", {}, "2027-05-21"),
        ("2026-02-01", "2026-05-20", {"outcome": "refused"}, "2027-02-01"),
        ("2026-02-01", "2026-05-20", {"outcome": "withdrawn"}, "2027-02-01"),
        ("2026-02-01", "2026-05-20", {"customer_id": "1"}, "2027-02-01"),
        ("2026-02-01", "2026-05-20", {"email": "h@x.no"}, "2027-02-01"),
    ):
        kept = ("retain", end, "contract") if end > "2026-11-01" else ("due", end)
        found.append(Case(f"a guest of {on} erased {verified} {columns}", shop(on, erasure(verified, **columns)), [
            record(GUEST, *kept)]))
    two = shop("2026-02-01", erasure("2026-05-20")) | {
        "customers": [consumer(email="g@x.no"), consumer("2", email="G@x.no")]}
    found.append(Case("a guest whose address two others have", two, [
        record(GUEST, "due", "2026-05-20"), review("ambiguous_request", record_id="r"),
        freeze(C, "no_evidence")], [review("unmatched_request")]))
    for kind, name in (("restriction", "restriction"), ("access", "access_pending"), ("portability", "access_pending"),
                       ("objection", None), ("rectification", None)):
        for received, columns, stands in (
            ("2026-08-01", {}, False), ("2026-08-02", {}, True), ("2026-11-01", {}, True), ("2026-11-02", {}, False),
            ("2020-01-01", {"identity_verified_at": "2026-11-01"}, True),
            ("2026-10-01", {"closed_at": "2026-11-01"}, False), ("2026-10-01", {"closed_at": "2026-11-02"}, True),
            ("2026-10-01", {"customer_id": "9"}, False),
        ):
            held = ("hold", name) if stands and name else ("due", "")
            found.append(Case(f"a guest's {kind} of {received} {columns}", shop(
                "2015-01-10", request(kind, received, **{"email": "g@x.no", **columns})), [
                record(GUEST, held[0], "2016-01-10", held[1]),
                record("invoices/i/billing", held[0], "2021-01-01", held[1])], [("freezes", {})]))
    return found


def credit_note_cases() -> list[Case]:
    """Credit notes: nothing is open that sums up to nothing, order by order."""
    returned = [line(returned_at="2015-02-05")]

    def shop(*invoices: Row, paid_at: str | None = None, **columns: object) -> Shop:
        return person(order("2015-01-20", paid_at=paid_at, **columns), order_lines=returned, invoices=list(invoices))

    def bills(amount: str, paid: str | None, name: str, **columns: object) -> Row:
        return invoice("2015-01-21", amount, paid, invoice_id=name, **{"order_id": "o", **columns})

    first, note = bills("100", None, "i"), bills("-100", None, "c")
    nothing = [freeze(C, "open_balance")]
    closed = [purpose(C, "contract", "2016-02-05"), record("orders/o/delivery", "due", "2016-02-05"),
              record("invoices/i/billing", "due", "2021-01-01")]
    found = [
        Case("K1: cancelled by a credit note", shop(first, note), closed, nothing),
        Case("K2: refunded", shop(bills("100", "100", "i"), bills("-100", "-100", "c"), paid_at="2015-02-01"), closed,
             nothing),
        Case("K3: lowered to nothing while the payment stays", shop(
            bills("0", "100", "i"), paid_at="2015-02-01", total_amount="0"), [
            purpose(C, "contract", "2016-02-05"), freeze(C, "open_balance", since=date(2015, 1, 21), review=True),
            record("orders/o/delivery", "hold", "2016-02-05", "open_balance")]),
        Case("K4: a return is an order of its own", person(
            order("2015-01-20"), order("2015-02-12", "r", paid_at=None, total_amount="-100"),
            order_lines=[line(), line(order_id="r", quantity="-1")],
            invoices=[bills("100", "100", "i"), bills("-100", "-100", "c", order_id="r")]), [
            purpose(C, "contract", "2018-02-12"), record("orders/r/delivery", "due", "2018-02-12")], nothing),
    ]
    for amount, settled, open_ in (
        ("-99.99", None, True), ("-99.995", None, False), ("-99.994", None, True), ("-100.01", None, True),
        ("-100.004", None, False), ("-100", "2026-11-01", True), ("-100", "2026-11-02", False),
    ):
        expected = [purpose(C, "contract", None), freeze(C, "open_balance")] if open_ else closed[:2]
        found.append(Case(f"a note of {amount}, settled {settled}", shop(first, bills(
            amount, None, "c", settled_at=settled)), expected, [] if open_ else nothing))
    found += [
        Case("two notes cancel an invoice", shop(first, bills("-60", None, "c"), bills("-40", None, "d")), closed,
             nothing),
        Case("a note for another order cancels nothing", shop(first, bills("-100", None, "c", order_id="p")), [
            purpose(C, "contract", None), freeze(C, "open_balance")]),
        Case("invoices without an order stand alone", person(invoices=[
            bills("100", None, "i", order_id=None), bills("-100", None, "c", order_id=" ")]), [
            freeze(C, "open_balance", since=date(2015, 1, 21))]),
        contract("an invoice half paid and a note of the rest", shop(bills("100", "60", "i"), bills("-40", None, "c")),
                 "2016-02-05"),
    ]
    return found
