"""What a sentence gives as its reason: each open matter once, which line or case, and the clauses that belong to it."""

from __future__ import annotations

import re

from ajprivacy_pipeline.explain import Explanation, explain_in
from ajprivacy_pipeline.explain.report import page
from ajprivacy_pipeline.explain.words import Words
from tests.oracle import casekit as kit
from tests.oracle import sql
from tests.oracle.model import Options, Shop

PROFILE = {"profile_created_at": "2024-01-10", "birth_date": "1980-05-17", "username": "kari"}


def _explained(shop: Shop, subject: str = kit.C) -> Explanation:
    sql.decide(shop, kit.MONTH, Options())
    return explain_in(sql._parts()[0], sql._policy(Options()), subject, kit.MONTH)


def _sentence(explanation: Explanation, part: str, language: str = "nb") -> str:
    item = next(item for item in (*explanation.attributes, *explanation.records) if item.part == part)
    return Words(explanation, language).sentence(item)  # type: ignore[arg-type]


def _clauses(sentence: str) -> list[str]:
    return re.findall(r"[A-Z]{3}-\d", sentence)


def test_many_open_orders_under_several_purposes_are_said_once() -> None:
    """A list of each kind, cut once, however many purposes the orders keep open."""
    orders = [kit.order("2026-09-01", f"o{number}", "1", delivered_at=None) for number in range(10, 60)]
    unpaid = kit.order("2026-09-01", "p", "1", paid_at=None)
    explanation = _explained({"customers": [kit.consumer(**PROFILE)], "orders": [*orders, unpaid],
                              "order_lines": [kit.line(order_id="p")]})

    assert _sentence(explanation, "name") == (
        "Navnet beholdes for oppfyllelse av avtalen, kundeprofilen og tilpassede tilbud uten at noen slutt er i sikte, "
        "fordi leveringen av ordrene o10, o11, o12 og 47 til er ufullstendig og betalingen av ordre p gjenstår "
        "(CON-6, PRO-2, IND-2).")


def test_an_open_case_is_said_once() -> None:
    """That of an order is the customer's own, too."""
    cases = [kit.case("2026-10-01", case_id="S1", order_id="o"), kit.case("2026-10-01", case_id="S2")]
    explanation = _explained({"customers": [kit.consumer(**PROFILE)], "orders": [kit.order("2026-09-01")],
                              "order_lines": [kit.line()], "cases": cases})

    assert "fordi sakene S1 og S2 er åpne (CON-8, PRO-2, IND-2)." in _sentence(explanation, "name")
    assert "because cases S1 and S2 are open (CON-8" in _sentence(explanation, "name", "en")


def test_what_is_open_is_kept_by_the_purpose_and_its_own_clause() -> None:
    """Individual offers, the profile and identification each have a promise of their own; then that of the matter."""
    buyer = kit.proprietor(national_identity_number="x", **PROFILE)
    explanation = _explained({"customers": [buyer], "orders": [kit.order("2026-09-01", delivered_at=None)],
                              "order_lines": [kit.line()]})

    assert {part: _clauses(_sentence(explanation, part)) for part in
            ("age", "username", "national_identity_number", "delivery")} == {
        "age": ["IND-2", "CON-6"], "username": ["PRO-2", "CON-6", "IND-2"],
        "national_identity_number": ["PRO-1", "CON-6"], "delivery": ["CON-6"]}


def test_a_business_is_never_told_what_is_promised_to_consumers() -> None:
    """Neither the company nor its contact person."""
    shop = kit.company(kit.order("2026-09-01", contact_id="7", delivered_at=None, paid_at=None))
    for subject in (kit.C, kit.K):
        explanation = _explained(shop, subject)
        assert "CON-6" not in "".join(page(explanation, "nb"))
    assert _clauses(_sentence(explanation, "name")) == ["CON-2"]


def test_the_last_event_names_its_line_or_case() -> None:
    """A line delivered or returned after the rest, a case closed last; the warranty line behind an obligation."""
    lines = [kit.line(1), kit.line(2, delivered_at="2016-01-01"), kit.line(3, returned_at="2017-01-01"),
             kit.line(4, returned_at="2017-01-01")]
    order = kit.order("2015-03-02")
    delivered = _explained({"customers": [kit.consumer()], "orders": [order | {"cancelled_at": "2015-03-02"}],
                            "order_lines": lines[:2]})
    returned = _explained({"customers": [kit.consumer()], "orders": [order | {"cancelled_at": "2015-03-02"}],
                           "order_lines": lines})
    closed = _explained({"customers": [kit.consumer()], "orders": [order], "order_lines": lines,
                         "cases": [kit.case("2017-01-01", "2019-01-01", case_id="S7", order_id="o")]})

    assert "leveringen av linje 2 den 1. januar 2016" in _sentence(delivered, "delivery")
    assert "returen av linjene 3 og 4 den 1. januar 2017" in _sentence(returned, "delivery")
    assert "the return of lines 3 and 4 on 1 January 2017" in _sentence(returned, "delivery", "en")
    assert "avslutningen av sak S7 den 1. januar 2019" in _sentence(closed, "delivery")


def test_what_no_purpose_covers_or_has_no_date_lapsed_on_no_day() -> None:
    """The day of the decision is no day on which anything ended."""
    uncovered = _explained({"customers": [kit.consumer()]})
    undated = _explained(kit.person(kit.order("2015-03-02"), communications=[kit.message("x", customer_id="1")]))

    assert _sentence(uncovered, "name").startswith("Per 1. november 2026 dekkes navnet ikke av noe formål (SEP-1), men")
    assert _sentence(undated, "content") == (
        "Lagringstiden for innholdet i melding m lar seg ikke beregne, for datoen lar seg ikke lese (DAT-1); per "
        "1. november 2026 er sletting sperret av en feil i kildens data (uleselig verdi i communications.occurred_at "
        "for post m) (DAT-1), og den skjer først når ingen sperre gjelder lenger.")
    assert any(line.startswith("  SEP-1: ") for line in page(uncovered, "nb"))
    assert not any("utløp 1. november 2026" in line for line in (*page(uncovered, "nb"), *page(undated, "nb")))
