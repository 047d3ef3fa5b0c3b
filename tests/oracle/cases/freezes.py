"""Freezes, requests on file, and where several rules meet."""

from __future__ import annotations

from datetime import date

from tests.oracle.casekit import (
    C,
    Case,
    K,
    Partial,
    attribute,
    bulk,
    business,
    case,
    consumer,
    contact,
    contract,
    event,
    freeze,
    invoice,
    log,
    message,
    no_purpose,
    order,
    person,
    purpose,
    record,
    request,
    review,
    subscription,
)
from tests.oracle.model import Options, Shop
from tests.oracle.shops import HOLDABLE


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


def table_hold_cases() -> list[Case]:
    """A legal hold on a whole table holds everything of it that would be due, and nothing else."""
    shop: Shop = {
        "customers": [consumer(), business("2")], "contacts": [contact("7", "2")],
        "orders": [order("2015-01-01"), order("2015-01-01", "p", "2", contact_id="7")],
        "invoices": [invoice("2015-01-15", paid="100.00")], "cases": [case("2015-01-01", "2015-02-02")],
        "communications": [message("2015-01-05", customer_id="1")],
        "newsletter_subscriptions": [subscription(customer_id="1", unsubscribed_at="2015-03-03")],
        "rights_requests": [request("rectification", "2015-04-01", closed_at="2015-04-04")],
        "web_events": [event("2015-05-05")], "app_logs": [log("2015-06-06")],
    }

    def outcome(entity: str, held: bool) -> list[Partial]:
        decided = "hold" if held else "due"
        why = "legal_hold" if held else ""
        return {
            "customers": [attribute(C, "name", decided, "2016-02-02", why),
                          attribute("customer:2", "email", decided, "2019-01-01", why)],
            "contacts": [attribute(K, "name", decided, "2019-01-01", why)],
            "orders": [record("orders/o/delivery", decided, "2016-01-01", why),
                       record("orders/o/link", decided, "2016-01-01", why),
                       record("orders/p/link", decided, "2019-01-01", why, subject_id=K)],
            "invoices": [record("invoices/i/billing", decided, "2021-01-01", why),
                         record("invoices/i/link", decided, "2021-01-01", why)],
            "cases": [record("cases/s/content", decided, "2016-02-02", why)],
            "communications": [record("communications/m/content", decided, "2016-02-02", why)],
            "newsletter_subscriptions": [record("newsletter_subscriptions/n/email", decided, "2015-03-03", why)],
            "rights_requests": [record("rights_requests/r/content", decided, "2018-04-04", why)],
            "web_events": [bulk("web_events", "held" if held else "no_consent", 1, "2015-05-05")],
            "app_logs": [bulk("app_logs", "held" if held else "log_period", 1, "2016-07-06")],
        }[entity]

    def held_table(name: str, entity: str, lifted: date | None = None) -> Case:
        hold = {"entity": entity, "placed_on": date(2026, 5, 5), "lifted_on": lifted}
        stands = lifted is None or lifted > date(2026, 11, 1)
        return Case(name, shop, [row for other in HOLDABLE for row in outcome(other, stands and other == entity)],
                    [("freezes", {})], options=Options(legal_holds=[hold]))

    return [
        *(held_table(f"a legal hold on all of {entity}", entity) for entity in HOLDABLE),
        *(held_table(f"a legal hold on all orders, lifted on {day}", "orders", day)
          for day in (date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2))),
    ]


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
