"""What a hold names: the invoices, requests, faults, legal holds and sources that it rests on, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ajprivacy_pipeline.explain import Explanation, explain_in
from ajprivacy_pipeline.explain.holds import Hold
from ajprivacy_pipeline.explain.report import as_json, page
from ajprivacy_pipeline.explain.words import Words
from tests.oracle import casekit as kit
from tests.oracle import sql
from tests.oracle.model import Options, Shop

OLD = kit.order("2015-03-02", "o", "1")


def _explained(shop: Shop, subject: str = kit.C, options: Options | None = None) -> Explanation:
    options = options or Options()
    sql.decide(shop, kit.MONTH, options)
    return explain_in(sql._parts()[0], sql._policy(options), subject, kit.MONTH)


def _hold(holds: Sequence[Hold], freeze: str) -> Hold:
    return next(hold for hold in holds if hold.freeze == freeze)


def _record(explanation: Explanation, entity: str, part: str, identifier: str | None = None) -> Sequence[Hold]:
    return next(item.holds for item in explanation.records
                if (item.entity, item.part) == (entity, part) and identifier in (None, item.record_id))


def _ids(hold: Hold, name: str) -> list[Any]:
    return [ref[name] for ref in hold.refs]


def test_a_balance_names_the_open_invoices_of_the_customer() -> None:
    """The oldest first; neither paid ones nor those of somebody else, nor those that a review released."""
    invoices = [kit.invoice("2017-01-02", invoice_id="b"), kit.invoice("2016-01-02", invoice_id="a"),
                kit.invoice("2018-01-02", invoice_id="released"),
                kit.invoice("2016-01-02", paid="100.00", invoice_id="paid"),
                kit.invoice("2016-01-02", invoice_id="other", customer_id="2")]
    released = Options(review_releases=[{"subject_id": kit.C, "kind": "open_balance", "decided_on": date(2026, 1, 1),
                                         "invoice_ids": ["released"]}])
    explanation = _explained({"customers": [kit.consumer(), kit.consumer("2")], "orders": [OLD],
                              "invoices": invoices}, options=released)
    hold = _hold(explanation.freezes, "open_balance")

    assert _ids(hold, "invoice_id") == ["a", "b"]
    assert Words(explanation, "nb").hold(hold) == (
        "utestående beløp på fakturaene a og b, den eldste datert 2. januar 2016, "
        "som nå skal vurderes månedlig (CON-5)")


@pytest.mark.parametrize(("contact", "order_contact", "names"), [
    ({}, "7", ["i"]), ({}, None, ["i"]), ({"deactivated_at": "2020-01-01"}, None, []), ({}, "8", [])])
def test_a_balance_of_a_contact_is_that_of_its_orders(
        contact: Mapping[str, object], order_contact: str | None, names: list[str]) -> None:
    """The contact of the invoice's order; where none is named, whoever is still there."""
    order = kit.order("2015-03-02", "o", "1", contact_id=order_contact)
    explanation = _explained({"customers": [kit.business()], "contacts": [kit.contact(**contact), kit.contact("8")],
                              "orders": [order], "invoices": [kit.invoice("2016-01-02", order_id="o")]}, kit.K)

    assert [ref["invoice_id"] for hold in explanation.freezes if hold.freeze == "open_balance"
            for ref in hold.refs] == names


def test_requests_are_named_by_kind() -> None:
    """Restrictions apart from access and portability; those that were closed freeze nothing."""
    requests = [kit.request("restriction", "2026-10-05", request_id="r1"),
                kit.request("access", "2026-10-06", request_id="r2"),
                kit.request("portability", "2026-10-03", request_id="r3"),
                kit.request("access", "2026-09-03", request_id="r4", closed_at="2026-09-20")]
    explanation = _explained(kit.person(OLD, rights_requests=requests))

    assert _ids(_hold(explanation.freezes, "restriction"), "request_id") == ["r1"]
    assert _ids(_hold(explanation.freezes, "access_pending"), "request_id") == ["r3", "r2"]


def test_a_fault_names_table_column_and_record_never_the_value() -> None:
    """Whatever is the subject's: its row, an order's line, a visit; a record that is faulty names its own faults."""
    shop = {"customers": [kit.consumer(birth_date="31.31.1980"), kit.consumer("2", birth_date="31.31.1980")],
            "orders": [OLD | {"completed_at": "31.31.1981"}, kit.order("2015-03-02", "o2", "1")],
            "order_lines": [kit.line(returned_at="31.31.1982")],
            "web_events": [kit.event("2016-01-01", "e1", customer_id="1", consented="31.31.1983"),
                           kit.event("31.31.1984", "e2", customer_id="1")]}
    explanation = _explained(shop)
    places = {(ref["table_name"], ref["id"], ref["column_name"], ref["fault"])
              for ref in _hold(explanation.freezes, "data_quality").refs}
    own = _hold(_record(explanation, "orders", "delivery", "o"), "data_quality")

    assert places == {("customers", "1", "birth_date", "unparsable"), ("orders", "o", "completed_at", "unparsable"),
                      ("order_lines", "o:1", "returned_at", "unparsable"),
                      ("web_events", "e1", "consented", "unparsable"),
                      ("web_events", "e2", "occurred_at", "unparsable")}
    assert _ids(own, "id") == ["o:1", "o"]
    assert len(_hold(_record(explanation, "orders", "delivery", "o2"), "data_quality").refs) == 5
    assert "31.31" not in "".join([*page(explanation, "nb"), str(as_json(explanation, "en"))])


def test_a_hold_of_somebody_else_names_what_is_theirs() -> None:
    """A contact's order is held by its company's restriction and faults."""
    shop = kit.company(kit.order("2015-03-02", "o", "1", contact_id="7"),
                       rights_requests=[kit.request("restriction", "2026-10-05", request_id="r1")])
    shop["customers"] = [kit.business(last_login_at="31.31.1980")]  # type: ignore[index]
    explanation = _explained(shop, kit.K)
    holds = _record(explanation, "orders", "delivery")

    assert explanation.freezes == ()
    assert [(hold.whose, len(hold.refs)) for hold in holds] == [(kit.C, 1), (kit.C, 1)]
    assert _ids(_hold(holds, "restriction"), "request_id") == ["r1"]
    assert _ids(_hold(holds, "data_quality"), "column_name") == ["last_login_at"]


def test_legal_holds_are_named_with_their_day_and_their_table() -> None:
    """A person's own, lifted ones excepted; those of a whole table stand among the person's freezes."""
    placed = {"placed_on": date(2026, 5, 5), "expires_on": date(2030, 1, 1)}
    options = Options(legal_holds=[
        placed | {"subject_id": kit.C}, placed | {"subject_id": kit.C, "lifted_on": date(2026, 6, 1)},
        placed | {"entity": "cases", "placed_on": date(2026, 4, 4)}, placed | {"entity": "communications"}])
    shop = kit.person(OLD, cases=[kit.case("2015-01-01", "2015-02-01")])
    mine, tables = _explained(shop, options=options), replace(options, legal_holds=options.legal_holds[2:])
    other = _explained(shop, options=tables)

    assert [(_ids(hold, "subject_id"), hold.since) for hold in mine.freezes] == [
        ([kit.C], date(2026, 5, 5)), (["cases"], date(2026, 4, 4))]
    assert _ids(_record(mine, "cases", "content")[0], "subject_id") == [kit.C, "cases"]
    assert _record(other, "cases", "content") == other.freezes
    assert "Sperrer: en juridisk sperre på hele tabellen cases, innført 4. april 2026 (RGT-3)" in page(other, "nb")


def test_what_does_not_exist_and_what_is_missing_is_named() -> None:
    """A contact without company, and a source that is not mapped."""
    explanation = _explained({"customers": [], "contacts": [kit.contact()]}, kit.K)
    assert _hold(explanation.freezes, "orphan").refs == ({"missing": kit.C},)

    unmapped = _explained(kit.person(OLD), options=Options(evidence_missing=True))
    (hold,) = unmapped.freezes
    assert hold.refs == ({"source": "invoices", "fault": "not mapped"},)
    assert Words(unmapped, "nb").hold(hold) == (
        "mangelen på en kilde som avgjørelsen krever (invoices er ikke koblet til) (CON-3)")
    assert all(item.holds == (hold,) for item in unmapped.attributes if item.decision == "hold")


def test_visits_name_what_holds_them() -> None:
    """Freezes that hold visits, with what they rest on; those of the customer that a contact acted for, too."""
    shop = kit.company(web_events=[kit.event("2016-01-01", customer_id="1", contact_id="7", consented="true"),
                                   kit.event("2016-02-01", "e2", customer_id="9", contact_id="7", consented="true")],
                       rights_requests=[kit.request("restriction", "2026-10-05", request_id="r1"),
                                        kit.request("access", "2026-10-05", request_id="r2", contact_id="7")])
    explanation = _explained(shop, kit.K)
    (count,) = explanation.web_events

    assert [(hold.freeze, hold.whose, next(iter(hold.refs[0].values()))) for hold in count.holds] == [
        ("restriction", kit.C, "r1"), ("orphan", None, "customer:9")]
    assert as_json(explanation, "nb")["web_events"][0]["holds"][0]["refs"][0]["request_id"] == "r1"


def test_long_lists_are_cut() -> None:
    """Three in a sentence, one more where it is the last; ten a record in the JSON, whose list of freezes has all."""
    def held_by(invoices: int) -> Explanation:
        found = [kit.invoice("2016-01-02", invoice_id=f"i{number}") for number in range(10, 10 + invoices)]
        return _explained(kit.person(OLD, invoices=found))

    four, twelve = held_by(4), held_by(12)
    shown = as_json(twelve, "en")
    (name,) = (item for item in shown["attributes"] if item["attribute"] == "name")

    assert "on invoices i10, i11, i12 and i13, the oldest" in Words(four, "en").hold(four.freezes[0])
    assert "on invoices i10, i11, i12 and 9 more, the oldest" in Words(twelve, "en").hold(twelve.freezes[0])
    assert (len(name["held_by"][0]["refs"]), name["held_by"][0]["further_refs"]) == (10, 2)
    assert len(shown["freezes"][0]["refs"]) == 12
