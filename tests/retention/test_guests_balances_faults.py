"""Guests, credit notes and faults: what each holds, a day before, on, and after."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.clauses.kit import AS_OF, Decided, at_edge, decided
from tests.oracle.casekit import (
    business,
    case,
    consumer,
    contact,
    event,
    invoice,
    line,
    message,
    order,
    product,
    request,
)
from tests.oracle.model import Shop

OLD = "2010-05-05"
SHOPS: dict[str, Shop] = {}


def guest(day: str = OLD, **tables: Any) -> Shop:
    """An order without a customer, with a line of goods and an invoice."""
    made = order(day, customer_id=None, delivery_email="g@x.no", **tables.pop("columns", {}))
    return {"customers": [], "orders": [made], "order_lines": [line(product_id="p")], "products": [product("0")],
            "invoices": [invoice(OLD, paid="100.00", customer_id=None, order_id="o", billing_email="g@x.no")], **tables}


def guest_case(closed: str | None, day: str = OLD, **tables: Any) -> Shop:
    return guest(day, cases=[case(OLD, closed, customer_id=None, order_id="o")], **tables)


def erased(day: str, verified: str) -> dict[str, Any]:
    return {"rights_requests": [request("erasure", day, email="G@x.no", identity_verified_at=verified)]}


at_edge(SHOPS, "guest", 36, guest)
at_edge(SHOPS, "guest's case", 0, lambda day: guest_case(OLD, rights_requests=[]) | {
    "orders": [order(OLD, customer_id=None, cancelled_at=OLD, completed_at=day) | {"delivered_at": None}]})
at_edge(SHOPS, "guest erased", 0, lambda day: guest("2026-01-01", **erased("2026-02-01", day)))
SHOPS |= {
    "guest, running": guest("2026-01-01"),
    "guest, asked before ordering": guest("2026-01-03", **erased("2026-01-02", "2026-01-02")),
    "guest and a customer of one address": guest("2026-01-01", **erased("2026-02-01", "2026-02-01")) | {
        "customers": [consumer(email="g@x.no"), consumer("2", email="G@X.no")]},
    "guest, undelivered": guest(columns={"delivered_at": None}),
    "guest, restricted": guest_case(OLD, rights_requests=[request("restriction", "2026-10-01", email="g@x.no")]),
    "guest, access": guest(rights_requests=[request("access", "2026-10-01", email="g@x.no")]),
    "guest, another's access": guest(rights_requests=[request("access", "2026-10-01", email="h@x.no")]),
    "guest, open case": guest_case(None),
    "guest, closed case, running order": guest_case("2026-02-01", "2026-01-01"),
    "guest, closed case, undelivered": guest_case("2026-02-01", columns={"delivered_at": None}),
    "guest, message": guest_case(OLD, communications=[message(OLD, case_id="s"), message(
        OLD, communication_id="m2", case_id="s", channel="email")]),
    "guest, order's fault": guest_case(OLD, columns={"completed_at": "soon"}),
    "guest, line's fault": guest_case(OLD, order_lines=[line(product_id="p", delivered_at="soon")]),
    "guest, invoice's fault": guest_case(OLD, invoices=[
        invoice(OLD, "much", customer_id=None, order_id="o"),
        invoice(OLD, paid="100.00", customer_id=None, order_id="o", invoice_id="i2", billing_name="G")]),
    "guest, case's fault": guest_case(OLD) | {"cases": [
        case("soon", OLD, customer_id=None, order_id="o"),
        case(OLD, OLD, case_id="s2", customer_id=None, order_id="o")]},
    "nobody's case": {"cases": [case(OLD, OLD, customer_id=None)]},
    "contact alone": {"customers": [business()], "contacts": [contact()],
                      "orders": [order(OLD, customer_id=None, contact_id="7")]},
}


def owed(*invoices: Any, **columns: Any) -> Shop:
    return {"customers": [consumer()], "orders": [order(OLD, **columns)], "order_lines": [],
            "invoices": [invoice(OLD, amount, paid, invoice_id=f"i{number}", order_id="o", settled_at=settled)
                         for number, (amount, paid, settled) in enumerate(invoices)]}


SHOPS |= {
    "K1": owed(("100", "0", None), ("-100", "0", None), paid_at=None),
    "K2": owed(("100", "100", None), ("-100", "-100", None)),
    "K3": owed(("0", "100", None), total_amount="0"),
    "K4": {"customers": [consumer()], "order_lines": [line(), line(order_id="r", quantity="-1")],
           "orders": [order(OLD), order(OLD, "r", paid_at=None, total_amount="-100")],
           "invoices": [invoice(OLD, "100", "100", order_id="o"),
                        invoice(OLD, "-100", "-100", invoice_id="c", order_id="r")]},
    "a cent left": owed(("100", "0", None), ("-99.99", "0", None), paid_at=None),
    "half a cent": owed(("100.004", "0", None), ("-100", "0", None), paid_at=None),
    "note settled": owed(("100", "0", None), ("-100", "0", OLD), paid_at=None),
    "both settled": owed(("100", "0", OLD), ("-100", "0", OLD), paid_at=None),
    "without an order": {"customers": [consumer()], "invoices": [
        invoice(OLD, "100", "0", invoice_id="i0"), invoice(OLD, "-100", "0", invoice_id="i1")]},
}
at_edge(SHOPS, "note settled by", 0, lambda day: owed(("100", "0", None), ("-100", "0", day), paid_at=None))


def firm(faulty: dict[str, Any], **tables: Any) -> Shop:
    """A company, a contact who was there, one who came later, one who left by as_of; an order that names nobody."""
    return {"customers": [business(phone="2")], "contacts": [
        contact("7", created_at="2009-01-01"), contact("8", created_at="2012-01-01"),
        contact("9", created_at="2009-01-01", deactivated_at=AS_OF.isoformat()),
        contact("10", created_at="2009-01-01", deactivated_at="2026-11-02")],
        "orders": [order(OLD) | faulty], "order_lines": [line(quantity="1")], **tables}


SHOPS |= {
    "order's fault": firm({"completed_at": "soon"}),
    "line's fault": firm({}, order_lines=[line(returned_at="soon")]),
    "order's fault, named": firm({"completed_at": "soon", "contact_id": "7"}),
    "ordering unknown": firm({"ordered_at": "soon"}),
    "invoice's fault": firm({}, invoices=[invoice("soon", order_id="o")]),
    "invoice's fault, named": firm({"contact_id": "8"}, invoices=[invoice("soon", order_id="o")]),
    "decides nothing": firm({"updated_at": "soon"}, order_lines=[line(quantity="many", unit_price="much")],
                            invoices=[invoice(OLD, paid="100.00", due_at="soon")],
                            cases=[case(OLD, OLD) | {"kind": "no"}]),
    "birth": {"customers": [consumer(birth_date="soon", gender="f")]},
    "birth, active": {"customers": [consumer(birth_date="soon", gender="f", profile_created_at="2026-10-01")]},
    "birth, company": {"customers": [business(birth_date="soon")]},
    "order, no day, running": {"customers": [consumer()], "orders": [order("2026-10-01") | {"ordered_at": "soon"}]},
    "order, no day, ended": {"customers": [consumer()], "orders": [order(OLD) | {"ordered_at": "soon"}]},
    "invoice, no day": {"customers": [consumer()], "invoices": [invoice("soon", paid="100.00")]},
    "invoice, no day, undelivered": {"customers": [consumer()], "orders": [order(OLD, delivered_at=None)],
                                     "invoices": [invoice("soon", paid="100.00", order_id="o")]},
    "message, no day": {"communications": [message("soon"), message("soon", communication_id="m2", customer_id="1")],
                        "customers": [consumer()], "orders": [order("2026-10-01")]},
    "click, no day": {"web_events": [event("soon", consented="true")]},
    "nothing there": {"customers": [consumer(name=None, email=None)]},
    "a neutral name": {"customers": [consumer(name="Anonymised", email=None)]},
    "company data alone": {"customers": [business(email=None, organisation_number="9", city="Oslo")]},
    "only a birth date": {"customers": [consumer(name=None, email=None, birth_date="1981-02-03")]},
    "only a decade": {"customers": [consumer(name=None, email=None, birth_date="1980-01-01")]},
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Decided:
    return decided(SHOPS, tmp_path_factory.mktemp("decided"))


def delivery(found: Decided, shop: str) -> dict[str, Any]:
    return found.record(shop, "orders", "o", "delivery")


def frozen(found: Decided, shop: str) -> dict[str, list[str]]:
    """The freezes of a shop's subjects, by their ids."""
    prefix = found.prefixes[shop]
    rows = found.con.execute("SELECT replace(subject_id, ?, ''), list_sort(list(\"freeze\")) FROM retention.freezes "
                             "WHERE contains(subject_id, ?) GROUP BY ALL", [prefix, f":{prefix}"]).fetchall()
    return dict(rows)


def said(row: dict[str, Any]) -> tuple[str, date | None, list[str]]:
    return row["decision"], row["due_on"], row["retained_by"] + row["held_by"]


def test_a_guest_order_goes_with_its_contract(found: Decided) -> None:
    found.follows_edge("guest", lambda shop: delivery(found, shop))
    found.follows_edge("guest erased", lambda shop: delivery(found, shop))
    assert said(delivery(found, "guest, running")) == ("retain", date(2029, 1, 1), ["contract"])
    assert said(delivery(found, "guest, undelivered")) == ("retain", None, ["undelivered"])
    assert delivery(found, "guest, running")["subject_id"] is None


def test_a_guest_has_no_link(found: Decided) -> None:
    prefix = found.prefixes["guest, running"]
    parts = found.con.execute("SELECT DISTINCT entity, part, subject_id FROM retention.record_decisions "
                              "WHERE record_id IN (?, ?)", [f"{prefix}o", f"{prefix}i"])
    assert sorted(parts.fetchall()) == [("invoices", "billing", None), ("orders", "delivery", None)]


def test_requests_by_address_reach_guests_however_many_have_it(found: Decided) -> None:
    """Not what was ordered after the erasure; a freeze holds order, invoice and case."""
    assert delivery(found, "guest, asked before ordering")["decision"] == "retain"
    assert said(delivery(found, "guest and a customer of one address")) == ("due", date(2026, 2, 1), [])
    for entity, record, part in (("orders", "o", "delivery"), ("invoices", "i", "billing"), ("cases", "s", "content")):
        assert found.record("guest, restricted", entity, record, part)["held_by"] == ["restriction"]
    assert delivery(found, "guest, access")["held_by"] == ["access_pending"]
    assert delivery(found, "guest, another's access")["decision"] == "due"


def test_a_guests_case_stays_with_its_order(found: Decided) -> None:
    def content(shop: str) -> dict[str, Any]:
        return found.record(shop, "cases", "s", "content")
    assert said(content("guest, open case")) == ("retain", None, ["open_case"])
    assert said(content("guest, closed case, running order")) == ("retain", date(2029, 1, 1), ["contract"])
    assert said(content("guest, closed case, undelivered")) == ("retain", None, ["undelivered"])
    assert said(content("nobody's case")) == ("hold", date(2010, 5, 5), ["data_quality"])
    assert content("guest, open case")["subject_id"] is None
    assert found.record("guest, message", "communications", "m", "content")["decision"] == "due"
    assert found.record("guest, message", "communications", "m2", "content")["retained_by"] == ["until_further_notice"]


@pytest.mark.parametrize(("shop", "held", "free"), [
    ("guest, order's fault", {"orders o", "cases s", "invoices i"}, set()),
    ("guest, line's fault", {"orders o", "cases s", "invoices i"}, set()),
    ("guest, invoice's fault", {"orders o", "cases s", "invoices i", "invoices i2"}, set()),
    ("guest, case's fault", {"cases s"}, {"orders o", "cases s2", "invoices i"}),
])
def test_a_fault_holds_what_stays_as_long_as_a_guests_order(found: Decided, shop: str, held: set[str],
                                                           free: set[str]) -> None:
    part = {"orders": "delivery", "cases": "content", "invoices": "billing"}
    decisions = {name: found.record(shop, *name.split(), part[name.split()[0]]) for name in held | free}
    assert {name for name, row in decisions.items() if row["held_by"] == ["data_quality"]} == held
    assert {name for name, row in decisions.items() if row["decision"] == "due"} == free


def test_a_contact_without_a_company_is_no_guest(found: Decided) -> None:
    assert said(delivery(found, "contact alone")) == ("hold", date(2014, 5, 5), ["data_quality"])


@pytest.mark.parametrize(("shop", "decision", "why"), [
    ("K1", "due", []), ("K2", "due", []), ("K3", "hold", ["open_balance"]), ("K4", "due", []),
    ("a cent left", "retain", ["unpaid"]),
    ("half a cent", "due", []), ("note settled", "retain", ["unpaid"]), ("both settled", "due", []),
    ("note settled by, the day before", "retain", ["unpaid"]),
    ("note settled by, the day itself", "retain", ["unpaid"]), ("note settled by, the day after", "due", []),
])
def test_a_credit_note_leaves_nothing_open(found: Decided, shop: str, decision: str, why: list[str]) -> None:
    row = delivery(found, shop)
    assert (row["decision"], row["retained_by"] + row["held_by"]) == (decision, why)
    assert ("open_balance" in frozen(found, shop).get("customer:1", [])) == (decision != "due")


def test_invoices_without_an_order_stand_alone(found: Decided) -> None:
    assert frozen(found, "without an order") == {"customer:1": ["no_evidence", "open_balance"]}


@pytest.mark.parametrize(("shop", "whom"), [
    ("order's fault", {"customer:1", "contact:7", "contact:9", "contact:10"}),
    ("line's fault", {"customer:1", "contact:7", "contact:9", "contact:10"}),
    ("order's fault, named", {"contact:7"}),
    ("ordering unknown", {"customer:1", "contact:7", "contact:8", "contact:9", "contact:10"}),
    ("invoice's fault", {"customer:1", "contact:7", "contact:8", "contact:10"}),
    ("invoice's fault, named", {"customer:1", "contact:8"}),
    ("decides nothing", set()), ("birth", set()),
])
def test_a_fault_freezes_what_it_touches(found: Decided, shop: str, whom: set[str]) -> None:
    assert {subject for subject, freezes in frozen(found, shop).items() if "data_quality" in freezes} == whom


def test_a_birth_date_holds_its_attribute_alone(found: Decided) -> None:
    assert found.attribute("birth", "customer:1", "age")["held_by"] == ["data_quality", "no_evidence"]
    assert found.attribute("birth", "customer:1", "gender")["held_by"] == ["no_evidence"]
    assert found.attribute("birth, active", "customer:1", "age")["retained_by"] == ["individualisation"]
    assert "data_quality" in found.attribute("birth, company", "customer:1", "age")["held_by"]


def test_a_record_whose_own_day_is_unknown_is_held_unless_something_retains_it(found: Decided) -> None:
    assert said(delivery(found, "order, no day, running")) == ("retain", date(2027, 10, 1), ["contract"])
    assert said(delivery(found, "order, no day, ended")) == ("hold", AS_OF, ["data_quality"])
    assert said(found.record("invoice, no day", "invoices", "i", "billing")) == (
        "hold", AS_OF, ["data_quality", "no_evidence"])
    assert said(found.record("invoice, no day, undelivered", "invoices", "i", "billing")) == (
        "retain", None, ["undelivered"])
    assert said(found.record("message, no day", "communications", "m", "content")) == ("hold", AS_OF, ["data_quality"])
    assert said(found.record("message, no day", "communications", "m2", "content")) == (
        "retain", date(2027, 10, 1), ["contract"])
    assert found.one("SELECT due_rows FROM retention.bulk_decisions WHERE reason = 'held'", []) == {"due_rows": 1}


@pytest.mark.parametrize(("shop", "is_there"), [
    ("nothing there", False), ("a neutral name", True), ("company data alone", False), ("only a decade", False),
    ("only a birth date", True),
])
def test_no_evidence_needs_something_to_be_there(found: Decided, shop: str, is_there: bool) -> None:
    assert frozen(found, shop) == ({"customer:1": ["no_evidence"]} if is_there else {})
