"""How values are read: times, sentinels, ends before their beginning, birth dates, e-mail addresses."""

from __future__ import annotations

from tests.oracle.casekit import (
    C,
    Case,
    K,
    Partial,
    attribute,
    business,
    case,
    company,
    consumer,
    contact,
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
    request,
    review,
)
from tests.oracle.model import Row, Shop

NO_FAULT: Partial = ("quality", {})


def form_cases() -> list[Case]:
    """1 November 2025, Oslo, and the day before, in every form; and what names no day or moment without doubt."""
    found = []
    for stamp, end in (
        ("20251101", "2026-11-01"), ("2025-W44-6", "2026-11-01"), ("2025W446", "2026-11-01"),
        ("2025-305", "2026-11-01"), ("2025305", "2026-11-01"), ("2025-304", "2026-10-31"),
        ("2025-11-01T12", "2026-11-01"), ("2025-11-01T12,5", "2026-11-01"), ("2025-11-01T12:30", "2026-11-01"),
        ("2025-11-01T12:30.5", "2026-11-01"), ("20251101T1230", "2026-11-01"), ("20251101T123015,25", "2026-11-01"),
        ("2025-10-31T24:00:00", "2026-11-01"), ("2025-10-31T24:00:00Z", "2026-11-01"),
        ("2025-10-31T24:00:00+02:00", "2026-10-31"), ("2025-11-01t12:00:00z", "2026-11-01"),
        ("\u30002025-11-01\u2003", "2026-11-01"), ("2025-10-31T23:00:00 UTC", "2026-11-01"),
        ("2025-10-31T22:59:59 UTC", "2026-10-31"), ("2025-10-31T23:00 GMT", "2026-11-01"),
        ("2025-11-01 00:30:00 CET", "2026-11-01"), ("2025-11-01 00:30:00 CEST", "2026-10-31"),
        ("2025-06-30 23:30:00 CET", "2026-07-01"), ("2025-11-01 00:30:00 Europe/Oslo", "2026-11-01"),
        ("2025-10-31 18:59:59 America/New_York", "2026-10-31"), ("2025-10-31 19:00:00 America/New_York", "2026-11-01"),
        ("2025-10-31T18:00:00-0500", "2026-11-01"), ("2025-10-31T17:59:59-05", "2026-10-31"),
    ):
        found.append(contract(f"a day written {stamp!r}", person(order(stamp)), end))
    for stamp in ("2025-11", "2025", "2025-W44", "2025-11-01T12:00:60", "2025-11-01Z", "2025-11-01+01:00", "01/11/2025",
                  "1.11.2025", "11-01-2025", "2025-11-01 12:00 EST", "2025-366", "2025-W53-1", "2025-11-01T24:01",
                  "2025-11-01T25:00", "2025-11-01 12:00 Nowhere/Else"):
        found.append(Case(f"no day: {stamp}", person(order("2020-05-05", paid_at=stamp, total_amount="0")), [
            fault("orders", "o", "paid_at", "unparsable"), freeze(C, "data_quality"),
            record("orders/o/delivery", "hold", "2021-05-05", "data_quality")]))
    return found


def sentinel_cases() -> list[Case]:
    """What systems write for "no date", in D(t) and as written; the days before and after are merely implausible."""
    found = []
    for stamp, name in (
        ("1753-01-01", "sentinel"), ("1753-01-02", "implausible_date"), ("1899-12-29", "implausible_date"),
        ("1899-12-30 00:00:00", "sentinel"), ("1899-12-31", "implausible_date"), ("1900-01-01", "sentinel"),
        ("1900-01-02", "implausible_date"), ("1970-01-01T00:00:00Z", "sentinel"), ("1969-12-31", "implausible_date"),
        ("1969-12-31T22:59:59Z", "implausible_date"), ("1969-12-31T23:00:00Z", "sentinel"),
        ("1970-01-01T23:30:00Z", "sentinel"), ("1970-01-02T00:00:00Z", "implausible_date"), ("19700101", "sentinel"),
        ("1970-W01-4", "sentinel"), ("1970-001", "sentinel"), ("1969-12-31T24:00:00", "sentinel"),
        ("9999-12-30", "implausible_date"), ("9999-12-31T23:59:59.999Z", "sentinel"),
        ("1979-12-31", "implausible_date"), ("1980-01-01", "end_before_beginning"),
        ("2199-12-31T23:30:00Z", "implausible_date"),
    ):
        found.append(Case(f"no date: {stamp}", person(order("2020-05-05", paid_at=stamp, total_amount="0")), [
            fault("orders", "o", "paid_at", name), freeze(C, "data_quality", scope="all", since=None, review=False),
            record("orders/o/delivery", "hold", "2021-05-05", "data_quality")]))
    far = person(order("2020-05-05", paid_at="2199-12-31", total_amount="0"))
    found.append(contract("the last plausible day", far, "2200-12-31"))
    return found + _sentinels_of_a_shop()


def _sentinels_of_a_shop() -> list[Case]:
    """Each end of a shop as a sentinel, which is a fault, and as NULL, which is what the mapping may make of it."""
    desk: dict[str, list[Row]] = {"products": [product("10")]}
    found = []
    for stamp in ("1900-01-01 00:00:00", None):
        def both(name: str, shop: Shop, expected: list[Partial], where: str, whom: str = C) -> Case:
            table, identifier, column = where.split()
            faults = [fault(table, identifier, column, "sentinel"), freeze(whom, "data_quality")]
            return Case(f"{name} on {stamp}", shop, expected + (faults if stamp else []), [] if stamp else [  # noqa: B023
                NO_FAULT, freeze(whom, "data_quality")])

        returned = [line(product_id="p", returned_at=stamp)]
        active = {"profile_created_at": "2019-01-01", "last_login_at": "2026-10-20"}
        found += [
            both("delivered", person(order("2025-09-10", delivered_at=stamp), order_lines=[line(product_id="p")],
                                     **desk), [
                purpose(C, "contract", None), record("orders/o/delivery", "retain", None, "undelivered")],
                "orders o delivered_at"),
            both("cancelled", person(order("2020-01-20", cancelled_at=stamp), order_lines=[line(product_id="p")],
                                     **desk), [purpose(C, "contract", "2031-01-20")], "orders o cancelled_at"),
            both("returned", person(order("2020-01-20"), order_lines=returned, **desk), [
                purpose(C, "contract", "2031-01-20")], "order_lines o:1 returned_at"),
            both("a profile closed", {"customers": [consumer(gender="f", profile_closed_at=stamp, **active)]}, [
                purpose(C, "profile", "2027-10-20"), purpose(C, "individualisation", "2027-10-20"),
                attribute(C, "gender", "retain", "2027-10-20", "individualisation")], "customers 1 profile_closed_at"),
            both("a case closed", person(order("2015-01-20"), cases=[case("2026-09-01", stamp, order_id="o")]), [
                purpose(C, "contract", None), record("cases/s/content", "retain", None, "open_case"),
                record("orders/o/delivery", "retain", None, "open_case")], "cases s closed_at"),
            both("settled", person(order("2015-01-20", paid_at=None), invoices=[
                invoice("2015-01-21", order_id="o", settled_at=stamp)]), [
                purpose(C, "contract", None), record("orders/o/delivery", "retain", None, "unpaid"),
                freeze(C, "open_balance", review=True)], "invoices i settled_at"),
            both("a contact left", company(order("2026-06-20")) | {"contacts": [contact(
                created_at="2020-01-01", last_login_at="2026-10-20", deactivated_at=stamp)]}, [
                purpose(K, "contract", "2030-06-20"), purpose(K, "profile", "2027-10-20"),
                attribute(K, "name", "retain", "2030-06-20", "contract individualisation profile")],
                "contacts 7 deactivated_at", K),
            both("unsubscribed", {"customers": [consumer(**active)], "newsletter_subscriptions": [
                {"subscription_id": "n", "email": "c1@x.no", "unsubscribed_at": stamp}]}, [
                record("newsletter_subscriptions/n/email", "retain", None, "newsletter")],
                "newsletter_subscriptions n unsubscribed_at"),
        ]
    return found


def pair_cases() -> list[Case]:
    """Ends 30, 31 and 32 days before their beginning, 1 March 2020; the last is a fault."""
    begun, found = "2020-03-01", []
    for end, holds in (("2020-01-31", True), ("2020-01-30", True), ("2020-01-29T23:30:00Z", True),
                       ("2020-01-29", False), ("2020-01-29T22:30:00Z", False)):
        shops: list[tuple[str, Shop, str]] = [
            *((f"orders o {column}", person(order(begun, **{column: end})), C)
              for column in ("delivered_at", "completed_at", "paid_at", "cancelled_at")),
            *((f"order_lines o:1 {column}", person(order(begun), order_lines=[line(**{column: end})]), C)
              for column in ("delivered_at", "returned_at")),
            ("cases s closed_at", person(cases=[case(begun, end)]), C),
            ("invoices i settled_at", person(invoices=[invoice(begun, settled_at=end)]), C),
            ("customers 1 profile_closed_at", {
                "customers": [consumer(profile_created_at=begun, profile_closed_at=end)]}, C),
            ("contacts 7 deactivated_at", {
                "customers": [business()], "contacts": [contact(created_at=begun, deactivated_at=end)]}, K),
            ("rights_requests r closed_at", person(rights_requests=[request("access", begun, closed_at=end)]), C),
        ]
        for where, shop, whom in shops:
            table, identifier, column = where.split()
            inverted = [fault(table, identifier, column, "end_before_beginning"), freeze(whom, "data_quality")]
            found.append(Case(f"{table} {column} {end}, begun {begun}", shop, [] if holds else inverted,
                              [NO_FAULT, freeze(whom, "data_quality")] if holds else []))
    found += [
        contract("a delivery a month before its order stands", person(order(begun, delivered_at="2020-01-30")),
                 "2021-03-01"),
        contract("a delivery before that is none", person(order(begun, delivered_at="2020-01-29")), None),
        contract("a cancellation before that is none", person(order(begun, cancelled_at="2020-01-29"), order_lines=[
            line(product_id="p")], products=[product("10")]), "2031-03-01"),
        Case("an end without a beginning", {"customers": [consumer(profile_closed_at="1990-01-01")]}, [], [NO_FAULT]),
        Case("an end beside a beginning at fault", person(order("soon", delivered_at="1990-01-01", paid_at=None)), [
            fault("orders", "o", "ordered_at", "unparsable")], [
            ("quality", {"fault": "end_before_beginning"}), ("quality", {"column_name": "delivered_at"})]),
        Case("a line of nobody's order", {"order_lines": [line(delivered_at="1990-01-01")]}, [
            fault("order_lines", "o:1", "order_id", "orphan")], [("quality", {"fault": "end_before_beginning"})]),
    ]
    return found


def birth_cases() -> list[Case]:
    """Birth dates know no sentinels; a fault holds the age alone."""
    found = []
    for born, decision in (("1899-12-31", "fault"), ("1900-01-01", "absent"), ("1900-01-02", "due"),
                           ("1970-01-01", "absent"), ("1970-001", "absent"), ("1753-01-01", "fault"),
                           ("9999-12-31", "fault"), ("1971-01-01", "due"), ("1970-01-02", "due"), ("2199-12-31", "due"),
                           ("2200-01-01", "fault")):
        row = consumer(profile_created_at="2020-01-01", birth_date=born, gender="f")
        if decision == "fault":
            expected = [attribute(C, "age", "hold", "2021-01-01", "data_quality"),
                        fault("customers", "1", "birth_date", "implausible_date")]
        elif decision == "due":
            expected = [attribute(C, "age", "due", "2021-01-01")]
        else:
            expected = [attribute(C, "age", "absent")]
        found.append(Case(f"born {born}", {"customers": [row]}, [
            *expected, attribute(C, "gender", "due", "2021-01-01"), attribute(C, "name", "due", "2021-01-01")],
            [("freezes", {}), *([] if decision == "fault" else [NO_FAULT])]))
    alive = consumer(profile_created_at="2020-01-01", last_login_at="2026-05-01", birth_date="soon")
    lone = {"name": None, "email": None, "birth_date": "soon"}
    found += [
        Case("an active customer born soon", {"customers": [alive]}, [
            attribute(C, "age", "retain", "2027-05-01", "individualisation")], [("freezes", {})]),
        Case("nothing but a birth date at fault", {"customers": [consumer(**lone)]}, [
            freeze(C, "no_evidence"), attribute(C, "age", "hold", "2026-11-01", "data_quality no_evidence")]),
        Case("a company's birth date at fault", {"customers": [business(profile_created_at="2020-01-01", **lone)]}, [
            attribute(C, "age", "hold", "2026-11-01", "data_quality")], [("freezes", {})]),
    ]
    return found


def address_cases() -> list[Case]:
    """Whether an objection of 1 May from one address reaches the customer with another; else it is nobody's."""
    found = []
    for has, asks, same in (
        ("mike@x.no", "MIKE@X.NO", True), ("mike@x.no", "m\u0130ke@x.no", False),
        ("mike@x.no", "M\u0130KE@x.no", False), ("kari@x.no", "\u212aari@x.no", False),
        ("\u212aari@x.no", "\u212aARI@x.no", True), (";@x.no", "\u037e@x.no", False),
        ("\u00e5se@x.no", "a\u030ase@x.no", True), ("\u00e5se@x.no", "A\u030aSE@X.no", True),
        ("\u00e5se@x.no", "\u212bse@x.no", True), ("ss@x.no", "\u00df@x.no", False),
        ("\u03c3@x.no", "\u03a3@x.no", True), ("fi@x.no", "\ufb01@x.no", False),
        ("kari@x.no", "mailto:kari@x.no", True), ("kari@x.no", "MailTo:Kari@x.no", True),
        ("kari@x.no", "Kari Nordmann <kari@x.no>", True), ("kari@x.no", "<kari@x.no>", True),
        ("kari@x.no", "Kari <mailto:Kari@x.no>", True), ("kari@x.no", "MAILTO:Kari <kari@x.no>", True),
        ("kari@x.no", "k\u200ba\u200cr\u200di\u2060@\ufeffx.no", True), ("kari@x.no", " ka ri\u00a0@ x.no ", True),
        ("kari@bl\u00e5.no", "kari@xn--bl-zia.no", True), ("kari@BL\u00c5.no", "kari@XN--BL-ZIA.NO", True),
        ("kari@a.bl\u00e5.no", "kari@a.xn--bl-zia.no", True), ("xn--bl-zia@x.no", "bl\u00e5@x.no", False),
        ("kari@xn--99999999.no", "KARI@xn--99999999.no", True), ("kari", "kari", False), ("kari@", "kari@", False),
        ("@x.no", "@x.no", False), ("kari@a@x.no", "kari@a@x.no", False), ("kari@x.no", "kari+a@x.no", False),
    ):
        row = consumer(profile_created_at="2026-01-10", email=has)
        listed = review("unmatched_request", entity="rights_requests", record_id="r")
        found.append(Case(f"{has!r} and {asks!r}", {
            "customers": [row], "rights_requests": [request("objection", "2026-05-01", email=asks)]}, [
            purpose(C, "individualisation", "2026-05-01" if same else "2027-01-10"), *([] if same else [listed])],
            [listed] if same else []))
    return found
