"""Which faults freeze whom, and records whose own date is one."""

from __future__ import annotations

from tests.oracle.casekit import (
    C,
    Case,
    K,
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
    message,
    order,
    person,
    product,
    purpose,
    record,
    request,
)
from tests.oracle.model import Row, Shop


def fault_cases() -> list[Case]:
    """Whom a fault freezes."""
    people = [contact("7", created_at="2014-01-01"), contact("8", created_at="2016-01-01"),
              contact("9", created_at="2014-01-01", deactivated_at="2026-11-01"),
              contact("10", created_at="2014-01-01", deactivated_at="2026-11-02"), contact("11", customer="2")]

    def shop(*orders: Row, **tables: list[Row]) -> Shop:
        return {"customers": [business(), business("2")], "contacts": people, "orders": list(orders), **tables}

    plain, named = order("2015-01-20"), order("2015-01-20", contact_id="8")
    soon = {"completed_at": "soon"}
    shops: list[tuple[str, Shop, str]] = [
        ("an order", shop(plain | soon), "1 7 9 10"),
        ("an order that names a contact", shop(named | soon), "8"),
        ("an order without its day", shop(plain | {"ordered_at": "soon"}), "1 7 8 9 10"),
        ("an order without its day that names a contact", shop(named | {"ordered_at": None}), "7 8 9 10"),
        ("an order on a sentinel day", shop(plain | {"ordered_at": "1970-01-01"}), "1 7 8 9 10"),
        ("a line", shop(plain, order_lines=[line(returned_at="soon")]), "1 7 9 10"),
        ("a line of a named order", shop(named, order_lines=[line(delivered_at="soon")]), "8"),
        ("an invoice", shop(invoices=[invoice("soon")]), "1 7 8 10"),
        ("an invoice of a named order", shop(named, invoices=[invoice("2015-01-20", "much", order_id="o")]), "1 8"),
        ("an invoice of an unnamed order", shop(plain, invoices=[invoice("soon", paid="100", order_id="o")]),
         "1 7 8 10"),
        ("a case", shop(cases=[case("soon")]), "1"),
        ("a case of a contact", shop(cases=[case("2015-01-20", "soon", contact_id="9")]), "9"),
        ("a message", shop(communications=[message("soon", contact_id="7", customer_id="1")]), "7"),
        ("a request by e-mail", shop(rights_requests=[request("access", "soon", email="K8@x.no")]), "8"),
        ("a contact", shop() | {"contacts": [*people, contact("12", last_login_at="soon")]}, "12"),
        ("a customer's type", shop() | {"customers": [business(customer_type="club"), business("2")]}, "1 7 8 9 10"),
        ("a customer's missing type", shop() | {"customers": [business(customer_type=None), business("2")]},
         "1 7 8 9 10"),
        ("a customer", shop() | {"customers": [business(last_login_at="soon"), business("2")]}, "1"),
    ]
    found = []
    for name, rows, frozen in shops:
        ids = {"1": C, "2": "customer:2"} | {
            str(row["contact_id"]): f"contact:{row['contact_id']}" for row in rows["contacts"]}
        found.append(Case(f"whom the fault of {name} freezes", rows,
                          [freeze(ids[who], "data_quality") for who in frozen.split()],
                          [freeze(ids[who], "data_quality") for who in ids if who not in frozen.split()]))
    unread: list[tuple[str, Shop, str]] = [
        ("orders o updated_at", person(order("2015-01-20", updated_at="soon")), "unparsable"),
        ("customers 1 updated_at", person(order("2015-01-20")) | {"customers": [consumer(updated_at="1970-01-01")]},
         "sentinel"),
        ("invoices i due_at", person(order("2015-01-20"), invoices=[
            invoice("2015-01-20", paid="100", due_at="1900-01-01")]), "sentinel"),
        ("order_lines o:1 quantity", person(order("2015-01-20"), order_lines=[line(quantity="some")]), "unparsable"),
        ("order_lines o:1 unit_price", person(order("2015-01-20"), order_lines=[line(unit_price="NaN")]), "unparsable"),
        ("cases s kind", person(order("2015-01-20"), cases=[case("2015-01-20", "2015-01-20", kind="x")]),
         "unknown_value"),
        ("products p warranty_years", person(order("2015-01-20"), products=[product("life")]), "unparsable"),
    ]
    for where, rows, name in unread:
        table, identifier, column = where.split()
        found.append(Case(f"a fault in {table}.{column} freezes nothing", rows, [
            fault(table, identifier, column, name)], [("freezes", {}), ("attribute_decisions", {"decision": "hold"}),
                                                      ("record_decisions", {"decision": "hold"})]))
    return found + own_date_cases() + value_cases()


def own_date_cases() -> list[Case]:
    """A record whose own date is a fault is held, unless a blocker or a purpose retains it."""
    delivery, billing = "orders/o/delivery", "invoices/i/billing"
    active = {"profile_created_at": "2020-01-01", "last_login_at": "2026-05-01"}
    clicks = [event("soon", consented="1"), event("1970-01-01", "f", consented="1", consent_withdrawn_at="2020-01-01")]
    return [
        Case("an order without its day, still running", person(order("2026-05-01") | {"ordered_at": "soon"}), [
            record(delivery, "retain", "2027-05-01", "contract"), purpose(C, "contract", "2027-05-01")]),
        Case("an order without its day, ended", person(order("2015-05-01") | {"ordered_at": "soon"}), [
            record(delivery, "hold", "2026-11-01", "data_quality"), purpose(C, "contract", "2016-05-01"),
            record("orders/o/link", "hold", "2026-11-01", "data_quality"),
            attribute(C, "name", "hold", "2016-05-01", "data_quality")]),
        Case("an order without its day, undelivered", person(
            order("2015-05-01", delivered_at=None) | {"ordered_at": "1970-01-01"}), [
            record(delivery, "retain", None, "undelivered")]),
        Case("the link of an order without its day while its customer is active", person(
            order("2015-05-01") | {"ordered_at": "soon"}) | {"customers": [consumer(**active)]}, [
            record("orders/o/link", "retain", "2027-05-01", "individualisation"),
            record(delivery, "hold", "2026-11-01", "data_quality")]),
        Case("an invoice without its day on an undelivered order", person(
            order("2015-05-01", delivered_at=None), invoices=[invoice("soon", paid="100", order_id="o")]), [
            record(billing, "retain", None, "undelivered"), record("invoices/i/link", "retain", None, "undelivered")]),
        Case("an invoice without its day on an ended order", person(
            order("2015-05-01"), invoices=[invoice("soon", paid="100", order_id="o")]), [
            record(billing, "hold", "2026-11-01", "data_quality")]),
        Case("a message without its day from an active customer", {"customers": [consumer(**active)],
             "communications": [message("soon", customer_id="1")]}, [
            record("communications/m/content", "retain", "2027-05-01", "profile")]),
        Case("clicks without their day", {"web_events": clicks}, [bulk("web_events", "held", 2, "2026-11-01")]),
    ]


def value_cases() -> list[Case]:
    """no_evidence only where something is there."""
    found = []
    empty = {"name": None, "email": None}
    for name, row, there in (
        ("nothing", consumer(**empty), False),
        ("a neutral name where NULL may stand", consumer(name="Anonymised", email=""), True),
        ("an e-mail that is no address", consumer(name=None, email="kari"), True),
        ("company data", business(email=None, organisation_number="9", city="Oslo"), False),
        ("a company's street", business(email=None, street_address="Vei 1"), True),
        ("a decade", consumer(birth_date="1980-01-01", **empty), False),
        ("a birth date", consumer(birth_date="1981-01-01", **empty), True),
        ("a postal digit", consumer(postal_code="7", **empty), False),
        ("what is misplaced", consumer(national_identity_number="8", **empty), True),
        ("the columns of no attribute", consumer(industry="x", country="NO", **empty), False),
    ):
        row_of = freeze(C, "no_evidence")
        found.append(Case(f"no evidence for {name}", {"customers": [row]}, [row_of] if there else [],
                          [] if there else [row_of, ("review_list", {"reason": "no_evidence"})]))
    found.append(Case("no evidence for a contact without anything", {
        "customers": [business(email=None)], "contacts": [contact(name=None, email=None)]}, [], [("freezes", {}), (
            "purpose_status", {"subject_id": K})]))
    return found
