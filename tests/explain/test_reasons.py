"""What a sentence gives as its reason: each open matter once, which line or case, and the clauses that belong to it."""

from __future__ import annotations

import re

import pytest

from ajprivacy_pipeline.explain import Explanation
from ajprivacy_pipeline.explain.report import page
from ajprivacy_pipeline.explain.words import Words
from tests.explain.kit import Explained
from tests.oracle import casekit as kit
from tests.oracle.model import Shop

PROFILE = {"profile_created_at": "2024-01-10", "birth_date": "1980-05-17", "username": "kari"}
OLD = kit.order("2015-03-02")
CANCELLED = OLD | {"cancelled_at": "2015-03-02"}
LINES = [kit.line(1), kit.line(2, delivered_at="2016-01-01"), kit.line(3, returned_at="2017-01-01"),
         kit.line(4, returned_at="2017-01-01")]


def _buyer(orders: list[dict[str, object]], lines: list[dict[str, object]], **tables: object) -> Shop:
    return {"customers": [kit.consumer()], "orders": orders, "order_lines": lines, **tables}  # type: ignore[dict-item]


def _open_orders() -> Shop:
    orders = [kit.order("2026-09-01", f"o{number}", "1", delivered_at=None) for number in range(10, 60)]
    unpaid = kit.order("2026-09-01", "p", "1", paid_at=None)
    return _buyer([*orders, unpaid], [kit.line(order_id="p")], customers=[kit.consumer(**PROFILE)])


SHOPS = {
    "open orders": _open_orders(),
    "open cases": _buyer([kit.order("2026-09-01")], [kit.line()], customers=[kit.consumer(**PROFILE)], cases=[
        kit.case("2026-10-01", case_id="S1", order_id="o"), kit.case("2026-10-01", case_id="S2")]),
    "open under each purpose": _buyer([kit.order("2026-09-01", delivered_at=None)], [kit.line()], customers=[
        kit.proprietor(national_identity_number="x", **PROFILE)]),
    "company": kit.company(kit.order("2026-09-01", contact_id="7", delivered_at=None, paid_at=None)),
    "line delivered last": _buyer([CANCELLED], LINES[:2]),
    "lines returned last": _buyer([CANCELLED], LINES),
    "case closed last": _buyer([OLD], LINES, cases=[kit.case("2017-01-01", "2019-01-01", case_id="S7", order_id="o")]),
    "voucher": _buyer([kit.order("2025-08-20")], [kit.line(product_id=None)], invoices=[
        kit.invoice("2025-08-20", paid="100.00", order_id="o")]),
    "uncovered": {"customers": [kit.consumer()]},
    "undated message": kit.person(OLD, communications=[kit.message("x", customer_id="1")]),
}


@pytest.fixture(scope="module")
def explained() -> Explained:
    return Explained(SHOPS)


def _sentence(explanation: Explanation, part: str, language: str = "nb") -> str:
    item = next(item for item in (*explanation.attributes, *explanation.records) if item.part == part)
    return Words(explanation, language).sentence(item)  # type: ignore[arg-type]


def _clauses(sentence: str) -> list[str]:
    return re.findall(r"[A-Z]{3}-\d", sentence)


def test_many_open_orders_under_several_purposes_are_said_once(explained: Explained) -> None:
    """A list of each kind, cut once, however many purposes the orders keep open."""
    assert _sentence(explained("open orders"), "name") == (
        "Navnet beholdes for oppfyllelse av avtalen, kundeprofilen og tilpassede tilbud uten at noen slutt er i sikte, "
        "fordi leveringen av ordrene o10, o11, o12 og 47 til er ufullstendig og betalingen av ordre p gjenstår "
        "(CON-6, PRO-2, IND-2).")


def test_an_open_case_is_said_once(explained: Explained) -> None:
    """That of an order is the customer's own, too."""
    explanation = explained("open cases")

    assert "fordi sakene S1 og S2 er åpne (CON-8, PRO-2, IND-2)." in _sentence(explanation, "name")
    assert "because cases S1 and S2 are open (CON-8" in _sentence(explanation, "name", "en")


def test_what_is_open_is_kept_by_the_purpose_and_its_own_clause(explained: Explained) -> None:
    """Individual offers, the profile and identification each have a promise of their own; then that of the matter."""
    explanation = explained("open under each purpose")

    assert {part: _clauses(_sentence(explanation, part)) for part in
            ("age", "username", "national_identity_number", "delivery")} == {
        "age": ["IND-2", "CON-6"], "username": ["PRO-2", "CON-6", "IND-2"],
        "national_identity_number": ["PRO-1", "CON-6"], "delivery": ["CON-6"]}


def test_a_business_is_never_told_what_is_promised_to_consumers(explained: Explained) -> None:
    """Neither the company nor its contact person."""
    for subject in (kit.C, kit.K):
        assert "CON-6" not in "".join(page(explained("company", subject), "nb"))
    assert _clauses(_sentence(explained("company", kit.K), "name")) == ["CON-2"]


def test_a_further_ground_is_told_with_its_own_last_day(explained: Explained) -> None:
    """An invoice is kept for bookkeeping; the contract's twelve months are over, its three years are not."""
    sentence = _sentence(explained("voucher"), "billing")

    assert sentence.endswith("(LEG-1); i tillegg for oppfyllelse av avtalen til 20. august 2028.")


def test_the_last_event_names_its_line_or_case(explained: Explained) -> None:
    """A line delivered or returned after the rest, a case closed last; the warranty line behind an obligation."""
    delivered, returned = explained("line delivered last"), explained("lines returned last")
    closed = explained("case closed last")

    assert "leveringen av linje 2 den 1. januar 2016" in _sentence(delivered, "delivery")
    assert "returen av linjene 3 og 4 den 1. januar 2017" in _sentence(returned, "delivery")
    assert "the return of lines 3 and 4 on 1 January 2017" in _sentence(returned, "delivery", "en")
    assert "avslutningen av sak S7 den 1. januar 2019" in _sentence(closed, "delivery")


def test_what_no_purpose_covers_or_has_no_date_lapsed_on_no_day(explained: Explained) -> None:
    """The day of the decision is no day on which anything ended."""
    uncovered, undated = explained("uncovered"), explained("undated message")

    assert _sentence(uncovered, "name").startswith("Per 1. november 2026 dekkes navnet ikke av noe formål (SEP-1), men")
    assert _sentence(undated, "content") == (
        "Lagringstiden for innholdet i melding m lar seg ikke beregne, for datoen lar seg ikke lese (DAT-1); per "
        "1. november 2026 hindrer en feil i kildens data (uleselig verdi i communications.occurred_at for post m) "
        "(DAT-1) at det slettes, gjøres grovere eller kobles fra personen; det skjer først når ingen sperre gjelder "
        "lenger.")
    assert any(line.startswith("  SEP-1: ") for line in page(uncovered, "nb"))
    assert not any("utløp 1. november 2026" in line for line in (*page(uncovered, "nb"), *page(undated, "nb")))
