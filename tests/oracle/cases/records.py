"""Records: invoices, correspondence, newsletters, web events and logs."""

from __future__ import annotations

from datetime import date

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
    log,
    message,
    no_bulk,
    no_purpose,
    order,
    person,
    proprietor,
    purpose,
    record,
    request,
    review,
    subscription,
)
from tests.oracle.model import Options, Row, Shop


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


def _reviewed(occurred: str | None, *days: str | None) -> Case:
    """A message of nobody's with reviews, of which the last day says since when it stands on the list."""
    *reviews, since = days
    listed = review("until_further_notice", entity="communications", record_id="m")
    return Case(f"a message of {occurred} reviewed on {' and '.join(map(str, reviews))}", {
        "communications": [message(occurred, channel="email")]}, [
        record("communications/m/content", "retain", None, "until_further_notice"),
        *([(listed[0], listed[1] | {"since": date.fromisoformat(since)})] if since else [])],
        [] if since else [listed], options=Options(message_reviews=[
            {"communication_id": "m", "reviewed_on": date.fromisoformat(str(day))} for day in reviews]))


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
    found += [_reviewed(*days) for days in (
        # occurred, reviewed ..., since when it is listed (None: it is not)
        ("2020-01-01", "2025-10-31", "2025-10-31"), ("2020-01-01", "2025-11-01", "2025-11-01"),
        ("2020-01-01", "2025-11-02", None), ("2020-01-01", "2026-11-01", None),
        ("2020-01-01", "2026-11-02", "2020-01-01"),  # after as_of: not yet reviewed
        ("2020-01-01", "2023-05-05", "2025-11-01", "2025-11-01"), ("2020-01-01", "2025-11-02", "2023-05-05", None),
        ("2020-01-01", "2023-05-05", "2026-11-02", "2023-05-05"), ("2025-11-01", "2025-10-01", "2025-11-01"),
        ("2025-11-02", "2025-10-01", None), (None, "2025-11-01", "2025-11-01"), (None, "2025-11-02", None))]
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
