"""What a hold names: the invoices, requests, faults, legal holds and sources that it rests on, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from ajprivacy_pipeline.explain import Explanation
from ajprivacy_pipeline.explain.holds import Hold
from ajprivacy_pipeline.explain.report import as_json, page
from ajprivacy_pipeline.explain.words import Words
from tests.explain.kit import Case, Explained
from tests.oracle import casekit as kit
from tests.oracle.model import Options, Shop

OLD = kit.order("2015-03-02", "o", "1")
PLACED = {"placed_on": date(2026, 5, 5), "expires_on": date(2030, 1, 1)}
LETTERS = kit.person(OLD, cases=[kit.case("2015-01-01", "2015-02-01")])


def _balance() -> Case:
    invoices = [kit.invoice("2017-01-02", invoice_id="b"), kit.invoice("2016-01-02", invoice_id="a"),
                kit.invoice("2018-01-02", invoice_id="released"),
                kit.invoice("2016-01-02", paid="100.00", invoice_id="paid"),
                kit.invoice("2016-01-02", invoice_id="other", customer_id="2")]
    released = Options(review_releases=[{"subject_id": kit.C, "kind": "open_balance", "decided_on": date(2026, 1, 1),
                                         "invoice_ids": ["released"]}])
    return {"customers": [kit.consumer(), kit.consumer("2")], "orders": [OLD], "invoices": invoices}, released


def _of_contact(contact: dict[str, object], order_contact: str | None) -> Shop:
    order = kit.order("2015-03-02", "o", "1", contact_id=order_contact)
    return {"customers": [kit.business()], "contacts": [kit.contact(**contact), kit.contact("8")],
            "orders": [order], "invoices": [kit.invoice("2016-01-02", order_id="o")]}


def _many(invoices: int) -> Shop:
    return kit.person(OLD, invoices=[kit.invoice("2016-01-02", invoice_id=f"i{number}")
                                     for number in range(10, 10 + invoices)])


CASES: dict[str, Case] = {
    "balance": _balance(),
    "balance of a named contact": _of_contact({}, "7"),
    "balance of whoever is there": _of_contact({}, None),
    "balance of nobody who left": _of_contact({"deactivated_at": "2020-01-01"}, None),
    "balance of another contact": _of_contact({}, "8"),
    "requests": kit.person(OLD, rights_requests=[
        kit.request("restriction", "2026-10-05", request_id="r1"), kit.request("access", "2026-10-06", request_id="r2"),
        kit.request("portability", "2026-10-03", request_id="r3"),
        kit.request("access", "2026-09-03", request_id="r4", closed_at="2026-09-20")]),
    "faults": {
        "customers": [kit.consumer(birth_date="31.31.1980", last_login_at="31.31.1985"),
                      kit.consumer("2", birth_date="31.31.1980")],
        "orders": [OLD | {"completed_at": "31.31.1981"}, kit.order("2015-03-02", "o2", "1")],
        "order_lines": [kit.line(returned_at="31.31.1982")],
        "web_events": [kit.event("2016-01-01", "e1", customer_id="1", consented="31.31.1983"),
                       kit.event("31.31.1984", "e2", customer_id="1")]},
    "a birth date": {"customers": [kit.consumer(birth_date="31.31.1980", gender="f")], "orders": [OLD]},
    "somebody else's": kit.company(kit.order("2015-03-02", "o", "1", contact_id="7"), rights_requests=[
        kit.request("restriction", "2026-10-05", request_id="r1")]) | {
            "customers": [kit.business(last_login_at="31.31.1980")]},
    "an order of nobody": kit.company(kit.order("2015-03-02", "o", "1") | {"completed_at": "1970-01-01"}),
    "held by name": (LETTERS, Options(legal_holds=[
        PLACED | {"subject_id": kit.C}, PLACED | {"subject_id": kit.C, "lifted_on": date(2026, 6, 1)}])),
    "no company": {"customers": [], "contacts": [kit.contact()]},
    "visits": kit.company(
        web_events=[kit.event("2016-01-01", customer_id="1", contact_id="7", consented="true"),
                    kit.event("2016-02-01", "e2", customer_id="9", contact_id="7", consented="true")],
        rights_requests=[kit.request("restriction", "2026-10-05", request_id="r1"),
                         kit.request("access", "2026-10-05", request_id="r2", contact_id="7")]),
    "four": _many(4), "twelve": _many(12),
    "new faults": {"customers": [kit.consumer(last_login_at="1900-01-01", profile_created_at="2020-01-01",
                                              profile_closed_at="2019-01-01")], "orders": [OLD]},
}


@pytest.fixture(scope="module")
def explained() -> Explained:
    return Explained(CASES)


def _hold(holds: Sequence[Hold], freeze: str) -> Hold:
    return next(hold for hold in holds if hold.freeze == freeze)


def _record(explanation: Explanation, entity: str, part: str, identifier: str | None = None) -> Sequence[Hold]:
    return next(item.holds for item in explanation.records
                if (item.entity, item.part) == (entity, part) and identifier in (None, item.record_id))


def _ids(hold: Hold, name: str) -> list[Any]:
    return [ref[name] for ref in hold.refs]


def test_a_balance_names_the_open_invoices_of_the_customer(explained: Explained) -> None:
    """The oldest first; neither paid ones nor those of somebody else, nor those that a review released."""
    explanation = explained("balance")
    hold = _hold(explanation.freezes, "open_balance")

    assert _ids(hold, "invoice_id") == ["a", "b"]
    assert Words(explanation, "nb").hold(hold) == (
        "utestående beløp på fakturaene a og b, den eldste datert 2. januar 2016, "
        "som nå skal vurderes månedlig (CON-5)")


@pytest.mark.parametrize(("case", "names"), [
    ("a named contact", ["i"]), ("whoever is there", ["i"]), ("nobody who left", []), ("another contact", [])])
def test_a_balance_of_a_contact_is_that_of_its_orders(explained: Explained, case: str, names: list[str]) -> None:
    """The contact of the invoice's order; where none is named, whoever is still there."""
    explanation = explained(f"balance of {case}", kit.K)

    assert [ref["invoice_id"] for hold in explanation.freezes if hold.freeze == "open_balance"
            for ref in hold.refs] == names


def test_requests_are_named_by_kind(explained: Explained) -> None:
    """Restrictions apart from access and portability; those that were closed freeze nothing."""
    explanation = explained("requests")

    assert _ids(_hold(explanation.freezes, "restriction"), "request_id") == ["r1"]
    assert _ids(_hold(explanation.freezes, "access_pending"), "request_id") == ["r3", "r2"]


def test_a_fault_names_table_column_and_record_never_the_value(explained: Explained) -> None:
    """Whatever is the subject's: its row, an order's line, a visit; a record that is faulty names its own faults."""
    explanation = explained("faults")
    places = {(ref["table_name"], ref["id"], ref["column_name"], ref["fault"])
              for ref in _hold(explanation.freezes, "data_quality").refs}
    own = _hold(_record(explanation, "orders", "delivery", "o"), "data_quality")

    assert places == {("customers", "1", "last_login_at", "unparsable"), ("orders", "o", "completed_at", "unparsable"),
                      ("order_lines", "o:1", "returned_at", "unparsable"),
                      ("web_events", "e1", "consented", "unparsable"),
                      ("web_events", "e2", "occurred_at", "unparsable")}
    assert _ids(own, "id") == ["o:1", "o"]
    assert len(_hold(_record(explanation, "orders", "delivery", "o2"), "data_quality").refs) == 5
    assert "31.31" not in "".join([*page(explanation, "nb"), str(as_json(explanation, "en"))])


def test_a_hold_of_somebody_else_names_what_is_theirs(explained: Explained) -> None:
    """A contact's order is held by its company's restriction and faults."""
    explanation = explained("somebody else's", kit.K)
    holds = _record(explanation, "orders", "delivery")

    assert explanation.freezes == ()
    assert [(hold.whose, len(hold.refs)) for hold in holds] == [(kit.C, 1), (kit.C, 1)]
    assert _ids(_hold(holds, "restriction"), "request_id") == ["r1"]
    assert _ids(_hold(holds, "data_quality"), "column_name") == ["last_login_at"]


def test_the_customer_is_told_nothing_of_another_s_freeze_nor_of_tables(explained: Explained) -> None:
    """Neither that a company owes or asked for something, nor which column of it is faulty, nor the promise."""
    text = "\n".join(page(explained("somebody else's", kit.K), "nb", for_customer=True))
    assert "men en sperre som gjelder noen andre enn deg hindrer at det slettes" in text
    assert "sperret: 2 opplysninger, på grunn av en sperre som gjelder noen andre enn deg." in text
    for word in ("begrense", "r1", "customer:", "customers", "RGT-4", "feil i kildens"):
        assert word not in text
    shown = "\n".join(page(explained("faults"), "nb", for_customer=True))
    assert "Sperrer: feil i kildens data (DAT-1)" in shown or "Sperrer: en feil i kildens data (DAT-1)" in shown
    assert not re.search(r"[a-z]+_[a-z]+", shown)


def test_a_contact_is_not_told_which_invoices_of_the_company_are_open(explained: Explained) -> None:
    """That something is; the customer is told which."""
    contact, customer = explained("balance of a named contact", kit.K), explained("balance")
    assert Words(contact, "nb", for_customer=True).hold(_hold(contact.freezes, "open_balance")).startswith(
        "et utestående beløp, datert ")
    assert "på fakturaene a og b" in Words(customer, "nb", for_customer=True).hold(
        _hold(customer.freezes, "open_balance"))


def test_a_birth_date_holds_its_own_attribute_alone(explained: Explained) -> None:
    """Named there with its column; nothing else of the person is held by it."""
    explanation = explained("a birth date")
    held = {item.part: [hold.freeze for hold in item.holds] for item in explanation.attributes}
    (age,) = (item for item in explanation.attributes if item.part == "age")

    assert explanation.freezes == ()
    assert (held["age"], held["name"], held["gender"]) == (["data_quality"], [], [])
    assert _ids(age.holds[0], "column_name") == ["birth_date"]


def test_a_fault_of_an_order_holds_the_contacts_it_belongs_to(explained: Explained) -> None:
    """An order that names nobody is that of whoever was there, so that its fault is theirs, too."""
    for subject in (kit.C, kit.K):
        hold = _hold(explained("an order of nobody", subject).freezes, "data_quality")
        assert [(ref["id"], ref["column_name"], ref["fault"]) for ref in hold.refs] == [
            ("o", "completed_at", "sentinel")]


def test_sentinels_and_ends_before_their_beginning_are_put_into_words(explained: Explained) -> None:
    """Both languages say what is wrong with the date, and where; never the date."""
    explanation = explained("new faults")
    hold = _hold(explanation.freezes, "data_quality")

    assert Words(explanation, "nb").hold(hold) == (
        "feil i kildens data (dato som betyr «ingen dato» i customers.last_login_at for post 1 og slutt lenge før "
        "begynnelsen i customers.profile_closed_at for post 1) (DAT-1)")
    assert "end long before its beginning in customers.profile_closed_at" in Words(explanation, "en").hold(hold)
    assert not any(day in "".join(page(explanation, "nb")) for day in ("1900", "2019"))


def test_legal_holds_are_named_with_their_day_and_their_table(explained: Explained) -> None:
    """A person's own, lifted ones excepted; those of a whole table stand among the person's freezes."""
    tables = [PLACED | {"entity": "cases", "placed_on": date(2026, 4, 4)}, PLACED | {"entity": "communications"}]
    own = [PLACED | {"subject_id": kit.C}]
    both = Explained({"nobody": ({"customers": [kit.consumer()]}, Options(legal_holds=tables)),
                      "mine": (LETTERS, Options(legal_holds=own)), "other": (LETTERS, Options())})
    mine, other = both("mine"), both("other")

    assert [(_ids(hold, "subject_id"), hold.since) for hold in explained("held by name").freezes] == [
        ([kit.C], date(2026, 5, 5))]
    assert [(_ids(hold, "subject_id"), hold.since) for hold in mine.freezes] == [
        ([kit.C], date(2026, 5, 5)), (["cases"], date(2026, 4, 4))]
    assert _ids(_record(mine, "cases", "content")[0], "subject_id") == [kit.C, "cases"]
    assert _record(other, "cases", "content") == other.freezes
    assert "Sperrer: en juridisk sperre på hele tabellen cases, innført 4. april 2026 (RGT-3)" in page(other, "nb")


def test_what_does_not_exist_is_named(explained: Explained) -> None:
    """A contact without company."""
    assert _hold(explained("no company", kit.K).freezes, "orphan").refs == ({"missing": kit.C},)


def test_what_is_missing_is_named() -> None:
    """A source that is not mapped."""
    unmapped = Explained({"unmapped": (kit.person(OLD), Options(evidence_missing=True))})("unmapped")
    (hold,) = unmapped.freezes
    assert hold.refs == ({"source": "invoices", "fault": "not mapped"},)
    assert Words(unmapped, "nb").hold(hold) == (
        "mangelen på en kilde som avgjørelsen krever (invoices er ikke koblet til) (CON-3)")
    assert all(item.holds == (hold,) for item in unmapped.attributes if item.decision == "hold")


def test_visits_name_what_holds_them(explained: Explained) -> None:
    """Freezes that hold visits, with what they rest on; those of the customer that a contact acted for, too."""
    explanation = explained("visits", kit.K)
    (count,) = explanation.web_events

    assert [(hold.freeze, hold.whose, next(iter(hold.refs[0].values()))) for hold in count.holds] == [
        ("restriction", kit.C, "r1"), ("orphan", None, "customer:9")]
    assert as_json(explanation, "nb")["web_events"][0]["holds"][0]["refs"][0]["request_id"] == "r1"


def test_long_lists_are_cut(explained: Explained) -> None:
    """Three in a sentence, one more where it is the last; ten a record in the JSON, whose list of freezes has all."""
    four, twelve = explained("four"), explained("twelve")
    shown = as_json(twelve, "en")
    (name,) = (item for item in shown["attributes"] if item["attribute"] == "name")

    assert "on invoices i10, i11, i12 and i13, the oldest" in Words(four, "en").hold(four.freezes[0])
    assert "on invoices i10, i11, i12 and 9 more, the oldest" in Words(twelve, "en").hold(twelve.freezes[0])
    assert (len(name["held_by"][0]["refs"]), name["held_by"][0]["further_refs"]) == (10, 2)
    assert len(shown["freezes"][0]["refs"]) == 12
