"""The clauses that decide how long: each on the day before, on, and after the day it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from tests.clauses.kit import AS_OF, Decided, at_edge, decided
from tests.oracle.casekit import (
    business,
    case,
    consumer,
    contact,
    event,
    invoice,
    line,
    log,
    message,
    order,
    product,
    proprietor,
    request,
    subscription,
)
from tests.oracle.model import Row, Shop
from tests.oracle.shops import random_shop

C, K = "customer:1", "contact:7"
LONG_AGO = "2010-05-05"
RECENT = "2026-10-05"
SHOPS: dict[str, Shop] = {}


def buyer(day: str, *, years: str | None = None, customer: Row | None = None, **tables: list[Row]) -> Shop:
    """A consumer with an order of one line, of a product with so many years of warranty."""
    goods = {"order_lines": [line(product_id="p" if years else None)], "products": [product(years)] if years else []}
    return {"customers": [customer or consumer()], "orders": [order(day)], **goods, **tables}


def user(login: str | None = None, **tables: list[Row]) -> Shop:
    """A consumer with an old profile, used last on some day."""
    profile = consumer(profile_created_at=LONG_AGO, last_login_at=login, username="kari", preferences="lockers",
                       gender="f")
    return {"customers": [profile], **tables}


def company(day: str, **columns: object) -> Shop:
    """A company with a contact person who ordered on some day."""
    person = contact(phone="22", job_title="buyer", **columns)
    return {"customers": [business()], "contacts": [person], "orders": [order(day, contact_id="7")]}


at_edge(SHOPS, "least", 36, buyer)
at_edge(SHOPS, "most", 372, lambda day: buyer(day, years="30"))
at_edge(SHOPS, "warranty of four years", 60, lambda day: buyer(day, years="4"))
at_edge(SHOPS, "no goods", 12, lambda day: {"customers": [consumer()], "orders": [order(day)]})
at_edge(SHOPS, "open balance", 12, lambda day: buyer(LONG_AGO, invoices=[invoice(day)]))
at_edge(SHOPS, "case closed", 12, lambda day: buyer(LONG_AGO, cases=[case(LONG_AGO, day, order_id="o")]))
at_edge(SHOPS, "login", 12, user)
at_edge(SHOPS, "phone call", 12, lambda day: {"communications": [message(day)]})
at_edge(SHOPS, "unsubscribed", 0, lambda day: {
    "customers": [consumer()], "newsletter_subscriptions": [subscription(subscribed_at=LONG_AGO, unsubscribed_at=day)]})
at_edge(SHOPS, "click", 13, lambda day: {"web_events": [event(day, consented="true")]})
at_edge(SHOPS, "log line", 13, lambda day: {"app_logs": [log(day)]})
at_edge(SHOPS, "contact", 48, company)
at_edge(SHOPS, "objection", 0, lambda day: user(
    RECENT, rights_requests=[request("objection", day)],
    newsletter_subscriptions=[subscription(subscribed_at=LONG_AGO)]))
at_edge(SHOPS, "restriction", 3, lambda day: buyer(
    LONG_AGO, rights_requests=[request("restriction", day)],
    newsletter_subscriptions=[subscription(subscribed_at=LONG_AGO, unsubscribed_at=LONG_AGO)]))
SHOPS |= {
    "verified restriction": buyer(LONG_AGO, rights_requests=[
        request("restriction", "2020-01-01", identity_verified_at="2020-01-02")]),
    "open case": buyer(LONG_AGO, cases=[case(LONG_AGO, order_id="o")], communications=[message(LONG_AGO, case_id="s")]),
    "undelivered": {"customers": [consumer()], "orders": [order(LONG_AGO, delivered_at=None)]},
    "unpaid": {"customers": [consumer()], "orders": [order(LONG_AGO, paid_at=None)]},
    "under warranty": buyer("2020-01-01", years="10"),
    "locker": buyer("2020-01-01", years="30", customer=consumer(
        profile_created_at=LONG_AGO, last_login_at="2024-01-01", gender="f", preferences="x", username="kari")),
    "proprietor": {"customers": [proprietor(national_identity_number="n", profile_created_at=RECENT)]},
    "misplaced": {"customers": [consumer(national_identity_number="n", profile_created_at=RECENT)]},
    "running company": company(RECENT),
    "digital": {"communications": [message(LONG_AGO, channel="digital")]},
    "subscribed": {"customers": [consumer()], "newsletter_subscriptions": [subscription(subscribed_at=LONG_AGO)]},
    "no consent": {"web_events": [event(RECENT)]},
    "withdrawn": {"web_events": [event(RECENT, consented="true", consent_withdrawn_at="2026-10-06")]},
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Decided:
    """All shops above, decided once."""
    return decided(SHOPS, tmp_path_factory.mktemp("clauses"))


def test_con_3_storage_varies_from_3_to_30_years(found: Decided) -> None:
    """At least 36 months from delivery; with the longest warranty thirty years and its tail."""
    for name in ("least", "most"):
        found.follows_edge(name, lambda shop: found.attribute(shop, C, "name"))
        found.follows_edge(name, lambda shop: found.record(shop, "orders", "o", "delivery"))


def test_con_4_twelve_months_after_the_warranty(found: Decided) -> None:
    """Four years of warranty, twelve months more."""
    found.follows_edge("warranty of four years", lambda shop: found.attribute(shop, C, "name"))
    assert found.lapses("warranty of four years, the day itself", C, "contract") == AS_OF


def test_con_5_an_open_balance_stays_and_is_reviewed(found: Decided) -> None:
    """What is due otherwise is held; older than twelve months it stands on the review list."""
    listed = {row[0] for row in found.con.execute(
        "SELECT subject_id FROM retention.review_list WHERE reason = 'open_balance_review'").fetchall()}
    for word, listed_then in (("the day before", True), ("the day itself", True), ("the day after", False)):
        shop = f"open balance, {word}"
        assert found.attribute(shop, C, "name")["decision"] == "hold"
        assert found.attribute(shop, C, "name")["held_by"] == ["open_balance"]
        assert (found.subject(shop, C) in listed) is listed_then


def test_con_6_complete_delivered_paid_and_out_of_warranty(found: Decided) -> None:
    """Each of the four alone keeps a consumer; all fulfilled, the tail runs."""
    for shop in ("undelivered", "unpaid", "under warranty"):
        assert found.attribute(shop, C, "name")["decision"] == "retain", shop
    assert found.lapses("unpaid", C, "contract") is None
    found.follows_edge("no goods", lambda shop: found.attribute(shop, C, "name"))


def test_con_8_an_open_case_keeps(found: Decided) -> None:
    """While it is open without an end; then twelve months."""
    assert found.lapses("open case", C, "contract") is None
    assert found.record("open case", "orders", "o", "delivery")["retained_by"] == ["open_case"]
    found.follows_edge("case closed", lambda shop: found.attribute(shop, C, "name"))


def test_pro_1_identity_numbers_of_sole_proprietors_only(found: Decided) -> None:
    """Anybody else's is due at once and reported."""
    assert found.attribute("proprietor", C, "national_identity_number")["retained_by"] == ["identification"]
    assert found.attribute("misplaced", C, "national_identity_number")["decision"] == "due"
    assert found.attribute("misplaced", C, "name")["decision"] == "retain"
    assert found.one("SELECT reason FROM retention.review_list WHERE subject_id = ?",
                     [found.subject("misplaced", C)])["reason"] == "misplaced_attribute"


def test_pro_2_twelve_months_after_the_last_use(found: Decided) -> None:
    """The profile's own attribute goes a year after the last login."""
    found.follows_edge("login", lambda shop: found.attribute(shop, C, "username"))


def test_pro_3_digital_messages_stay_until_further_notice(found: Decided) -> None:
    """No end, but a place on the review list."""
    row = found.record("digital", "communications", "m", "content")
    assert (row["decision"], row["due_on"], row["retained_by"]) == ("retain", None, ["until_further_notice"])
    assert found.one("SELECT reason FROM retention.review_list WHERE record_id = ?",
                     [row["record_id"]])["reason"] == "until_further_notice"


def test_dat_2_messages_stay_to_follow_up_cases(found: Decided) -> None:
    """While the case is open; a call of nobody in particular for a year."""
    assert found.record("open case", "communications", "m", "content")["retained_by"] == ["open_case"]
    found.follows_edge("phone call", lambda shop: found.record(shop, "communications", "m", "content"))


def test_new_1_until_the_person_unsubscribes(found: Decided) -> None:
    """Not a day longer, however old the subscription."""
    assert found.record("subscribed", "newsletter_subscriptions", "n", "email")["retained_by"] == ["newsletter"]
    found.follows_edge("unsubscribed", lambda shop: found.record(shop, "newsletter_subscriptions", "n", "email"))


def test_ind_2_as_long_as_the_profile(found: Decided) -> None:
    """Without orders both lapse on the same day."""
    found.follows_edge("login", lambda shop: found.attribute(shop, C, "preferences"))
    shop = "login, the day after"
    assert found.lapses(shop, C, "individualisation") == found.lapses(shop, C, "profile")


def test_sep_1_an_attribute_stays_for_its_own_purposes_alone(found: Decided) -> None:
    """A warranty of thirty years keeps the name and nothing that serves marketing or the profile."""
    assert found.attribute("locker", C, "name")["retained_by"] == ["contract", "profile"]
    for attribute in ("gender", "preferences"):
        assert found.attribute("locker", C, attribute)["decision"] == "due"
    covered = {name: set(attribute.purposes) for name, attribute in load_policy(NOTICE).retention.attributes.items()}
    for attribute, purposes in found.con.execute(
            "SELECT attribute, retained_by FROM retention.attribute_decisions").fetchall():
        assert set(purposes) <= covered[attribute], attribute


def test_cam_1_clicks_need_consent_and_end_with_it(found: Decided) -> None:
    """Without consent due at once; with it after the cookie period, or the day consent is withdrawn."""
    rows = found.con.execute("SELECT reason, due_rows FROM retention.bulk_decisions "
                             "WHERE entity = 'web_events'").fetchall()
    assert dict(rows) == {"no_consent": 1, "cookie_period": 2, "consent_withdrawn": 1}


def test_log_1_log_lines_go_after_thirteen_months(found: Decided) -> None:
    """Two of three: the day before and the day itself."""
    rows = found.con.execute("SELECT reason, due_rows FROM retention.bulk_decisions "
                             "WHERE entity = 'app_logs'").fetchall()
    assert rows == [("log_period", 2)]


def test_con_2_a_contact_is_covered_like_a_customer(found: Decided) -> None:
    """Name, e-mail, phone and title of the person who orders for a company."""
    for attribute in ("name", "email", "phone", "job_title"):
        assert found.attribute("running company", K, attribute)["retained_by"] == ["contract"]


def test_rev_1_contacts_go_four_years_after_the_last_transaction(found: Decided) -> None:
    """Forty-eight months, whatever warranty the company has."""
    found.follows_edge("contact", lambda shop: found.attribute(shop, K, "name"))
    found.follows_edge("contact", lambda shop: found.record(shop, "orders", "o", "link"))


def test_rgt_4_a_restriction_freezes_everything(found: Decided) -> None:
    """Verified until it is lifted; unverified for the time an answer may take."""
    for word, decision in (("the day before", "due"), ("the day itself", "due"), ("the day after", "hold")):
        shop = f"restriction, {word}"
        assert found.attribute(shop, C, "name")["decision"] == decision
        assert found.record(shop, "orders", "o", "delivery")["decision"] == decision
        assert found.record(shop, "newsletter_subscriptions", "n", "email")["decision"] == decision
    assert found.attribute("verified restriction", C, "name")["held_by"] == ["restriction"]


def test_rgt_6_an_objection_ends_marketing_at_once(found: Decided) -> None:
    """From the day it arrives, without identification; the profile stays."""
    found.follows_edge("objection", lambda shop: found.attribute(shop, C, "preferences"))
    found.follows_edge("objection", lambda shop: found.record(shop, "newsletter_subscriptions", "n", "email"))
    assert found.attribute("objection, the day itself", C, "username")["retained_by"] == ["profile"]


def test_leg_1_vouchers_stay_five_years_after_theirs(tmp_path: Path) -> None:
    """Decided on 1 January 2026: 2020 is over, 2021 has a year to go; a voucher without a name keeps the person's."""
    shops = {day: buyer(LONG_AGO, invoices=[invoice(day, paid="100.00", billing_name=None)])
             for day in ("2020-12-30", "2020-12-31", "2021-01-01")}
    on = decided(shops, tmp_path, "2025-12")
    before = decided(shops, tmp_path, "2025-11")
    for day, decision in (("2020-12-30", "due"), ("2020-12-31", "due"), ("2021-01-01", "retain")):
        assert on.record(day, "invoices", "i", "billing")["decision"] == decision
        assert on.attribute(day, C, "name")["decision"] == decision
        assert before.record(day, "invoices", "i", "billing")["decision"] == "retain"


def test_rev_2_consumers_without_obligations_end_with_their_contract(tmp_path: Path) -> None:
    """No period of its own: no consumer's contract outlives obligations and 12 months, or delivery and 36 months."""
    shops = {str(seed): random_shop(seed, faults=False)[0] for seed in range(120)}
    found = decided(shops, tmp_path)
    rows = found.con.execute("""
        WITH ends AS (
            SELECT customer_id, greatest(plus_months(obligations_on, 12) + 1, plus_months(ended_on, 36)) AS end_on
            FROM retention.order_facts
            UNION ALL SELECT customer_id, plus_months(closed_on, 12) FROM staged.cases
        ), latest AS (SELECT 'customer:' || customer_id AS subject_id, max(end_on) AS end_on FROM ends GROUP BY ALL)
        SELECT p.lapses_on, l.end_on
        FROM retention.purpose_status AS p JOIN latest AS l USING (subject_id)
        JOIN retention.subjects AS s USING (subject_id)
        WHERE p.purpose = 'contract' AND s.subject_type = 'consumer' AND p.lapses_on IS NOT NULL""").fetchall()
    assert len(rows) > 10
    assert all(lapses_on <= end_on for lapses_on, end_on in rows)
