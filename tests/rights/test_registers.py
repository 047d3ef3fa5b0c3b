"""Notices to recipients until they are acknowledged, and what authorities were given; nothing of it names anybody."""

import json
from datetime import date
from pathlib import Path

import pytest

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.rights import System
from ajprivacy_pipeline.policy.ropa import render, ropa
from ajprivacy_pipeline.rights.disclosures import disclosures
from ajprivacy_pipeline.rights.outbox import all_notices, count_notices, fill
from ajprivacy_pipeline.storage.control import ControlStore
from tests.rights.conftest import SHOP, Say
from tests.rights.shop import POLICY, TODAY, Desk, write_shop


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """No month is decided: that takes longest, and none of this needs it."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    write_shop(url, SHOP)
    return Desk(tmp_path / "home", url, monkeypatch)


def restricted(say: Say) -> str:
    request = say("request", "add", "--kind", "restriction", "--customer", "1", "--received", "2026-11-20")[1].strip()
    say("request", "verify-identity", request)
    return request


def test_a_restriction_is_told_to_everybody_who_receives_something(desk: Desk, say: Say) -> None:
    waiting = say("request", "add", "--kind", "restriction", "--customer", "2", "--received", "2026-11-20")[1].strip()
    request = restricted(say)
    rows = json.loads(say("outbox", "list", "--json")[1])
    assert {row["addressee"] for row in rows} == set(POLICY.recipients) - {"authorities"}
    assert {(row["request"], row["about"], row["due_on"], row["state"]) for row in rows} == {
        (request, "restriction", "2026-12-12", "waits")}
    assert json.loads(say("outbox", "list", "--json")[1]) == rows  # each once
    say("request", "verify-identity", waiting)
    assert len(json.loads(say("outbox", "list", "--json")[1])) == 2 * len(rows)


def test_a_notice_is_acknowledged_once_and_overdue_after_its_last_day(desk: Desk, say: Say) -> None:
    restricted(say)
    first, *others = json.loads(say("outbox", "list", "--json")[1])
    assert say("outbox", "acknowledge", str(first["notice"]), "--by", "Ada")[0] == 0
    code, out, err = say("outbox", "acknowledge", str(first["notice"]), "--by", "Ada")
    assert (code, out, "was acknowledged on 2026-11-28 already" in err) == (2, "", True)
    assert "there is no notice 99" in say("outbox", "acknowledge", "99", "--by", "Ada")[2]
    control = ControlStore.in_folder(desk.settings.control)
    assert [one.acknowledged_by for one in all_notices(control)][:2] == ["Ada", None]
    assert count_notices(desk.settings, date(2026, 12, 12)) == {"acknowledged": 1, "waits": len(others)}
    assert count_notices(desk.settings, date(2026, 12, 13)) == {"acknowledged": 1, "overdue": len(others)}
    assert len(json.loads(say("outbox", "list", "--json")[1])) == len(others)


def test_a_system_of_the_policy_is_told_of_its_categories_alone(desk: Desk, say: Say) -> None:
    restricted(say)
    rights = POLICY.rights.model_copy(update={"systems": {"crm": System(meaning="sales", categories=("username",))}})
    policy: Policy = POLICY.model_copy(update={"rights": rights, "recipients": {}})
    assert fill(desk.settings, policy, TODAY) == 1
    (notice,) = all_notices(ControlStore.in_folder(desk.settings.control))
    assert (notice.addressee, notice.what) == ("crm", ("contacts.username", "customers.username"))


ADD = ("disclosure", "add", "--authority", "Oslo politidistrikt", "--basis", "police", "--categories", "name, address",
       "--on", "2026-11-20", "--by", "Ada")


def test_a_disclosure_is_recorded_and_found_by_whom_it_was_about(desk: Desk, say: Say) -> None:
    assert say(*ADD, "--subject", "customer:1")[1] == "disclosure 1 is recorded\n"
    assert say(*ADD)[0] == 0
    rows = json.loads(say("disclosure", "list", "--json")[1])
    assert [(row["authority"], row["categories"], row["about_one_person"]) for row in rows] == [
        ("Oslo politidistrikt", ["address", "name"], True), ("Oslo politidistrikt", ["address", "name"], False)]
    assert "customer:1" not in str(rows)
    assert json.loads(say("disclosure", "list", "--subject", "customer:1", "--json")[1]) == rows[:1]
    assert json.loads(say("disclosure", "list", "--subject", "customer:2", "--json")[1]) == []
    page = render(ropa(POLICY, TODAY, disclosures(desk.settings)))
    assert "Oslo politidistrikt" in page


@pytest.mark.parametrize(("option", "value", "said"), [
    ("--authority", " ", "--authority must name somebody"), ("--basis", "curiosity", "'curiosity' is not a basis"),
    ("--categories", "name,shoe size", "--categories are none of the policy's"),
    ("--on", "2026-11-29", "2026-11-29 is in the future"), ("--on", "yesterday", "is not a day"),
    ("--subject", "Kari", "customer:ID")])
def test_a_disclosure_that_cannot_be_recorded_is_one_sentence(desk: Desk, say: Say, option: str, value: str,
                                                              said: str) -> None:
    given = {**dict(zip(ADD[2::2], ADD[3::2], strict=True)), option: value}
    code, out, err = say("disclosure", "add", *(part for pair in given.items() for part in pair))
    assert (code, out, said in err, err.count("\n")) == (2, "", True, 1), err
    assert disclosures(desk.settings) == []


def test_a_person_is_told_what_authorities_were_given_but_for_what_is_kept_back(desk: Desk, say: Say,
                                                                                tmp_path: Path) -> None:
    given = dict(zip(ADD[2::2], ADD[3::2], strict=True))
    for authority, basis, subject in (("Skatteetaten", "tax", "customer:1"), ("Arbeidstilsynet", "supervision",
                                      "customer:2"), ("Oslo politidistrikt", "police", "customer:1"),
                                      ("Oslo tingrett", "court_order", "customer:1")):
        told = {**given, "--authority": authority, "--basis": basis, "--subject": subject}
        assert say("disclosure", "add", *(part for pair in told.items() for part in pair))[0] == 0
    for customer, seen in (("1", ["Skatteetaten"]), ("2", ["Arbeidstilsynet"])):
        request = say("request", "add", "--kind", "access", "--customer", customer, "--received", "2026-11-20")[1]
        say("request", "verify-identity", request.strip())
        assert say("request", "answer", request.strip(), "--out", str(tmp_path / customer))[0] == 0
        package = json.loads((tmp_path / customer / "package.json").read_text(encoding="utf-8"))
        assert [one["authority"] for one in package["disclosures"]] == seen
        assert package["disclosures"][0]["disclosed_on"] == "2026-11-20"
        page = (tmp_path / customer / "package.html").read_text(encoding="utf-8")
        assert [name for name in ("Skatteetaten", "Arbeidstilsynet", "politi", "tingrett") if name in page] == seen
    guest = say("request", "add", "--kind", "access", "--email", "gjest@example.no", "--received", "2026-11-20")[1]
    say("request", "verify-identity", guest.strip())
    assert say("request", "answer", guest.strip(), "--out", str(tmp_path / "guest"))[0] == 0
    assert "Vi har ikke registrert noen utlevering" in (tmp_path / "guest" / "package.html").read_text(encoding="utf-8")
