"""Whoever asks by a wrong identity: nobody else's data is handed out, and nobody else's goes away.

Each marker stands in one person's rows alone. What a request may reach by an address, a phone, a name or a number that
two people have, had one after the other, or that is written otherwise, is said by hand.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.approve import approve
from tests.rights.conftest import Say, decide
from tests.rights.shop import Desk, Rows
from tests.rights.test_whole import asked

HOUSE = {"phone": "+47 90 00 00 01", "street_address": "Storgata 1", "postal_code": "0150", "birth_date": "1980-01-01"}


def _to(name: str, marker: str, **more: str) -> dict[str, str]:
    return {"ordered_at": "2026-05-01", "delivered_at": "2026-05-03", "paid_at": "2026-05-01", "total_amount": "10",
            "delivery_name": name, "delivery_street_address": f"{marker}-street", "delivery_phone": f"{marker}-phone",
            "delivery_note": f"{marker}-note", **more}


ROWS: Rows = {
    "customers": [
        # two who share name, birth date, phone and home, and differ by their addresses alone
        {"customer_id": "sr", "customer_type": "consumer", "name": "Ola Hansen", "email": "sr@example.no", **HOUSE},
        {"customer_id": "jr", "customer_type": "consumer", "name": "ola hansen ", "email": "jr@example.no", **HOUSE},
        {"customer_id": "per", "customer_type": "consumer", "name": "Per Lie", "email": "per@example.no"},
        # the address was Per's before; a gift of Gro's went to it as well
        {"customer_id": "nina", "customer_type": "consumer", "name": "Nina Moe", "email": "innboks@example.no"},
        {"customer_id": "gro", "customer_type": "consumer", "name": "Gro By", "email": "gro@example.no",
         "phone": "+47 91 00 00 02", "street_address": "Bakken 7", "postal_code": "5003", "city": "Bergen"},
        {"customer_id": "B", "customer_type": "business", "name": "Verk AS", "email": "post@verk.example"}],
    "contacts": [
        {"contact_id": "kari", "customer_id": "B", "name": "Kari Gammel", "created_at": "2020-01-01",
         "deactivated_at": "2026-06-01"},
        {"contact_id": "gone", "customer_id": "B", "created_at": "2020-01-01", "deactivated_at": "2026-06-01"},
        {"contact_id": "lars", "customer_id": "B", "name": "Lars Ny", "email": "innkjop@verk.example",
         "created_at": "2026-06-02"}],
    "orders": [
        {"order_id": "o-sr", "customer_id": "sr", **_to("Ola Hansen", "SR", delivery_email="sr@example.no")} | {
            "delivery_street_address": "Storgata 1", "delivery_postal_code": "0150", "delivery_phone": "90000001"},
        {"order_id": "o-jr", "customer_id": "jr", **_to("Ola Hansen", "JR", delivery_email="jr@example.no")} | {
            "delivery_street_address": "Storgata 1", "delivery_postal_code": "0150", "delivery_phone": "90000001"},
        {"order_id": "o-per", "customer_id": "per", **_to("Per Lie", "PER", delivery_email="Innboks@Example.no")},
        {"order_id": "o-per-old", "customer_id": "per", **_to(
            "Per Lie", "PER", ordered_at="2015-05-01", delivered_at="2015-05-03", paid_at="2015-05-01")},
        {"order_id": "o-gift", "customer_id": "gro", **_to("Nina M.", "GIFT", delivery_email="innboks@example.no")},
        # what Gro sent to Nina with her own number and home on it, as who must be rung when it comes
        {"order_id": "o-rung", "customer_id": "gro", **_to("Nina M.", "RUNG", delivery_email="innboks@example.no")} | {
            "delivery_phone": "0047 91000002", "delivery_street_address": "BAKKEN 7", "delivery_postal_code": "5003",
            "delivery_city": "Bergen"},
        {"order_id": "o-kari", "customer_id": "B", "contact_id": "kari",
         **_to("Kari Gammel", "KARI", delivery_email="innkjop@verk.example")},
        {"order_id": "o-old", "customer_id": "B", "contact_id": "kari", **_to(
            "Kari Gammel", "KARI", ordered_at="2015-05-01", delivered_at="2015-05-03", paid_at="2015-05-01")},
        {"order_id": "o-gone", "customer_id": "B", "contact_id": "gone",
         **_to("Mona Glemt", "GONE", delivery_email="innkjop@verk.example")},
        {"order_id": "o-desk", "customer_id": "B", **_to("Mona Glemt", "COMPANY", ordered_at="2019-01-01",
                                                         delivery_email="innkjop@verk.example")},
        {"order_id": "o-lars", "customer_id": "B", "contact_id": "kari", **_to("Lars Ny", "LARS", delivery_email=(
            "innkjop@verk.example"))},
        {"order_id": "o-company", "customer_id": "B", **_to("Verk AS", "COMPANY", ordered_at="2019-01-01")}],
    "invoices": [
        {"invoice_id": "i-per", "customer_id": "per", "order_id": "o-per", "issued_at": "2026-05-03", "amount": "10",
         "paid_amount": "10", "billing_name": "Per Lie", "billing_street_address": "PER-bill",
         "billing_email": "innboks@example.no"}],
    "rights_requests": [
        {"request_id": "merged", "kind": "access", "customer_id": "sr-before", "email": "sr@example.no",
         "received_at": "2026-10-20", "identity_verified_at": "2026-10-21"},
        {"request_id": "per's", "kind": "restriction", "customer_id": "per", "received_at": "2026-10-05"},
        # the company's, which holds what its contact persons ordered, too
        {"request_id": "company", "kind": "restriction", "customer_id": "B", "received_at": "2026-10-05"}],
}
MARKERS = ("SR", "JR", "PER", "GIFT", "RUNG", "KARI", "GONE", "COMPANY", "LARS")
Answer = Callable[..., str]


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop above with a decided month; copied, never used."""
    folder = tmp_path_factory.mktemp("houses")
    with pytest.MonkeyPatch.context() as patch:
        decide(folder, f"sqlite:///{folder / 'shop.db'}", patch, ROWS)
    return folder


@pytest.fixture
def answer(houses: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
           capsys: pytest.CaptureFixture[str]) -> Answer:
    """Everything of the package of somebody whose identity was shown, as one text."""
    shutil.copytree(houses, tmp_path, dirs_exist_ok=True)
    desk = Desk(tmp_path / "home", f"sqlite:///{tmp_path / 'shop.db'}", monkeypatch)

    def answered(*whose: str, request: str = "") -> str:
        if not request:
            code, request, err = desk.run(capsys, "request", "add", "--kind", "access", *whose, "--received",
                                          "2026-11-20")
            assert code == 0, err
            assert desk.run(capsys, "request", "verify-identity", request.strip())[0] == 0
        out = tmp_path / "out" / request.strip()
        code, _, err = desk.run(capsys, "request", "answer", request.strip(), "--out", str(out))
        assert code == 0, err
        return "\n".join(path.read_text(encoding="utf-8") for path in sorted(out.iterdir()))

    return answered


def marked(text: str) -> set[str]:
    return {marker for marker in MARKERS if f"{marker}-" in text}


@pytest.mark.parametrize(("whose", "found"), [
    (("--customer", "sr"), {"SR"}), (("--customer", "jr"), {"JR"}),
    (("--email", "mailto:SR@Example.NO"), {"SR"}),  # written otherwise, it is the same address
    (("--customer", "per"), {"PER"}),
    (("--customer", "nina"), {"GIFT", "RUNG"}),  # what came to her before it was hers is not
    (("--customer", "gro"), {"GIFT", "RUNG"}),
    (("--contact", "kari"), {"KARI", "LARS"}),
    (("--contact", "lars"), {"LARS"}),  # neither what his predecessors ordered by the same address, nor the company's
    (("--email", "INNKJOP@verk.example"), {"LARS"}), (("--customer", "B"), {"COMPANY"})])
def test_a_package_holds_its_persons_markers_and_nobody_elses(answer: Answer, whose: tuple[str, str],
                                                              found: set[str]) -> None:
    assert marked(answer(*whose)) == found


def test_of_a_row_that_went_to_its_owner_the_address_alone_is_shown(answer: Answer) -> None:
    """Nina's address stands in Per's order and invoice: that it does is hers to know, and nothing else of them."""
    text = answer("--customer", "nina")
    assert "Innboks@Example.no" in text
    assert "Per Lie" not in text
    text = answer("--contact", "lars")
    assert "innkjop@verk.example" in text
    assert all(name not in text for name in ("Kari Gammel", "Mona Glemt", "post@verk.example"))


def test_of_what_was_sent_to_somebody_the_number_and_home_of_whoever_ordered_are_not_shown(answer: Answer) -> None:
    """They are Gro's, who wrote them on Nina's parcel, and stand in her own package."""
    for whose, is_shown in (("gro", True), ("nina", False)):
        text = answer("--customer", whose).casefold()
        assert [part in text for part in ("91000002", "bakken 7", "5003", "bergen")] == [is_shown] * 4, whose
        assert "rung-note" in text


@pytest.mark.parametrize(("whose", "told", "untold"), [
    (("--contact", "kari"), "en sperre som gjelder noen andre enn deg", "et krav om begrenset behandling"),
    (("--customer", "per"), "et krav om begrenset behandling", "noen andre enn deg")])  # his own
def test_that_somebody_else_asked_for_something_is_not_told_with_what_it_holds(
        answer: Answer, whose: tuple[str, str], told: str, untold: str) -> None:
    """A contact's old order is held by the company's restriction: of that the contact is told no more than that."""
    text = answer(*whose)
    assert told in text
    assert untold not in text


@pytest.mark.soak
def test_nor_with_what_stays_after_an_erasure(answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(tmp_path / "home", f"sqlite:///{tmp_path / 'shop.db'}", monkeypatch)
    code, said, err = desk.run(capsys, "request", "add", "--kind", "erasure", "--contact", "kari", "--received",
                               "2026-11-20")
    assert code == 0, err
    request = said.strip()
    assert desk.run(capsys, "request", "verify-identity", request)[0] == 0
    assert desk.run(capsys, "plan", "make", "--request", request)[0] == 0
    text = answer(request=request)
    assert "en sperre som gjelder noen andre enn deg" in text
    assert "et krav om begrenset behandling" not in text


def test_a_number_from_before_customers_were_merged_finds_nobody(answer: Answer) -> None:
    """Neither whoever has the address that stands beside it in the warehouse, nor anybody by the old number."""
    text = answer(request="merged")
    assert marked(text) == set()
    assert "Ola Hansen" not in text
    with pytest.raises(AssertionError, match="the warehouse has nobody of that id"):
        answer("--customer", "sr-before")


def cells(desk: Desk) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the shop's people and orders."""
    engine = sa.create_engine(desk.env["AJPRIVACY_WAREHOUSE"])
    with engine.connect() as connection:
        found = {table: sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {table}")), key=repr)
                 for table in ("customers", "orders", "newsletter_subscriptions")}
    engine.dispose()
    return found


def planned(say: Say, request: str) -> str:
    code, out, err = say("plan", "make", "--request", request, "--json")
    assert code == 0, err
    return str(json.loads(out)["plan"])


@pytest.mark.parametrize("step", [("refuse", "--clause", "RGT-8"),
                                  pytest.param(("close", "--outcome", "withdrawn"), marks=pytest.mark.soak)])
def test_a_plan_of_a_request_that_was_refuted_or_withdrawn_changes_nothing(desk: Desk, say: Say,
                                                                           step: tuple[str, ...]) -> None:
    """Somebody else asked in her name: found out after the plan was made, and approved all the same."""
    before, request = cells(desk), asked(say, "erasure", "1")
    plan = planned(say, request)
    assert say("request", step[0], request, *step[1:])[0] == 0
    approve(desk.settings, plan, "Ada", release_brake=True)
    told = json.loads(say("plan", "apply", plan, "--json")[1])
    assert (told["applied"], told["planned"]) == (0, sum(one["rows"] for one in told["dropped"]))
    assert cells(desk) == before


@pytest.mark.parametrize("step", [("refuse", "--clause", "RGT-8"), ("close", "--outcome", "withdrawn")])
def test_a_correction_that_was_refuted_or_withdrawn_is_not_written(desk: Desk, say: Say, step: tuple[str, ...]) -> None:
    """An address that somebody else wanted in her row, with which to come in: planned, refuted, approved, applied."""
    before = cells(desk)
    code, request, err = say("request", "add", "--kind", "rectification", "--customer", "1", "--received", "2026-11-20",
                             "--table", "customers", "--column", "email", "--old", "kari@example.no", "--new",
                             "thief@example.com")
    assert code == 0, err
    assert say("request", "verify-identity", request.strip())[0] == 0
    plan = planned(say, request.strip())
    assert say("request", step[0], request.strip(), *step[1:])[0] == 0
    approve(desk.settings, plan, "Ada", release_brake=True)
    code, out, err = say("plan", "apply", plan, "--json")
    assert (code, out, "was refused or withdrawn" in err) == (2, "", True), err
    assert cells(desk) == before
    assert say("plan", "withdraw", plan, "--by", "Ada")[0] == 0


@pytest.mark.soak
def test_a_request_made_twice_is_carried_out_once(desk: Desk, say: Say, tmp_path: Path) -> None:
    """Each has its plan and its answer; the second finds it done, and the other customer is as before."""
    before = cells(desk)
    first, second = asked(say, "erasure", "2"), asked(say, "erasure", "2")
    plans = [planned(say, first), planned(say, second)]
    for plan in plans:
        approve(desk.settings, plan, "Ada", release_brake=True)
    done = [json.loads(say("plan", "apply", plan, "--json")[1]) for plan in plans]
    assert done[0]["applied"] == done[0]["planned"] > 0
    assert (done[1]["applied"], done[1]["verified"]) == (0, True)
    assert [row for row in cells(desk)["customers"] if row[0] == "1"] == [
        row for row in before["customers"] if row[0] == "1"]
    assert cells(desk)["orders"] == before["orders"]
    for request in (first, second):
        assert say("request", "answer", request, "--out", str(tmp_path / request))[0] == 0


def test_an_erasure_by_an_address_that_two_people_have_ends_marketing_alone(desk: Desk, say: Say,
                                                                            tmp_path: Path) -> None:
    """As an objection does, whoever sent it; no name, address or order of either goes, and nobody is answered."""
    desk.execute("UPDATE customers SET email = 'Kari@example.no' WHERE customer_id = '2'")
    _, request, _ = say("request", "add", "--kind", "erasure", "--email", "KARI@example.no", "--received", "2026-11-20")
    assert say("request", "verify-identity", request.strip())[0] == 0
    made = json.loads(say("plan", "make", "--request", request.strip(), "--json")[1])
    assert {(one["entity"], one["part"]) for one in made["summary"]} == {
        ("customers", "gender"), ("customers", "preferences"), ("newsletter_subscriptions", "email")}
    code, out, err = say("request", "answer", request.strip(), "--out", str(tmp_path / "out"))
    assert (code, out, (tmp_path / "out").exists()) == (2, "", False)
    assert "does not tell whose data is meant" in err
