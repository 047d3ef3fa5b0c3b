"""Of what is not certainly the person's, and of what a request does not reach, nothing is claimed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.enforcement.enforcement_world import ONE_QUICK, empty_database
from tests.rights.conftest import Say, decide
from tests.rights.shop import Desk, Rows

OLD = {"profile_created_at": "2010-01-01", "last_login_at": "2010-02-01", "customer_type": "consumer"}
SHOP: Rows = {
    "customers": [
        {"customer_id": "1", "name": "Tor Vik", "email": "felles@example.no", "gender": "m", **OLD},
        {"customer_id": "2", "name": "Tone Vik", "email": "Felles@example.no", "gender": "f", **OLD},
        # what stays after erasure: a decade and a digit
        {"customer_id": "3", "birth_date": "1970-01-01", "postal_code": "7", "country": "NO", **OLD},
        *({"customer_id": who, "email": "par@example.no", "gender": "f", **OLD, "last_login_at": "2026-08-01"}
          for who in ("4", "5"))],
    "orders": [{"order_id": "gift", "customer_id": "3", "ordered_at": "2026-07-01", "delivered_at": "2026-07-05",
                "paid_at": "2026-07-01", "total_amount": "10", "delivery_name": "Gro By",
                "delivery_email": "gro@example.no"}],
    "rights_requests": [
        {"request_id": "r", "kind": "restriction", "email": "felles@example.no", "received_at": "2026-10-05"},
        {"request_id": "a", "kind": "access", "email": "felles@example.no", "received_at": "2026-10-06"},
        {"request_id": "o", "kind": "objection", "email": "par@example.no", "received_at": "2026-10-07"}],
    "newsletter_subscriptions": [
        {"subscription_id": "n", "customer_id": "4", "email": "par@example.no", "subscribed_at": "2026-01-01"}],
}
REQUESTS = ("et krav om begrenset behandling", "et krav om innsyn eller dataportabilitet")
FREEZE = "en sperre som følger e-postadressen"
Answered = Callable[..., str]


@pytest.fixture(params=ONE_QUICK)
def desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return decide(tmp_path, empty_database(request.param, request, tmp_path, "unsure"), monkeypatch, SHOP)


@pytest.fixture
def answered(say: Say, tmp_path: Path) -> Answered:
    """The text of the answer to a request, which is planned first where it ends something."""

    def told(kind: str, *whose: str, lang: str = "nb") -> str:
        code, request, err = say("request", "add", "--kind", kind, "--received", "2026-11-20", *whose)
        assert code == 0, err
        assert say("request", "verify-identity", request.strip())[0] == 0
        if kind == "erasure":
            assert say("plan", "make", "--request", request.strip())[0] == 0
        out = tmp_path / "answers" / request.strip()
        code, _, err = say("request", "answer", request.strip(), "--out", str(out), "--lang", lang)
        assert code == 0, err
        found = json.loads((out / "package.json").read_text(encoding="utf-8"))
        return json.dumps([found["answer"], found["parts"], found["held"]], ensure_ascii=False)

    return told


@pytest.mark.parametrize("kind", ["access", "erasure"])
def test_a_request_by_an_address_of_several_is_told_to_none_of_them(answered: Answered, kind: str) -> None:
    """Who of the two asked nobody knows: to the other one it would tell of somebody else's request."""
    text = answered(kind, "--customer", "1")
    assert FREEZE in text
    assert not [name for name in REQUESTS if name in text]


def test_nor_by_the_explanation_for_the_customer(say: Say) -> None:
    code, text, err = say("explain", "customer:1", "--for-customer")
    assert code == 0, err
    assert FREEZE in text
    assert not [name for name in (*REQUESTS, "henvendelse r", "henvendelse a", "5. oktober 2026") if name in text]
    assert "henvendelse r" in say("explain", "customer:1")[1]  # the staff must see it


def test_an_objection_by_an_address_of_several_is_told_as_what_it_did(say: Say) -> None:
    for lang, told, named in (("nb", "dagen markedsføring til e-postadressen ble stanset", "nnsigelse o"),
                              ("en", "the day marketing to the e-mail address was stopped", "bjection o")):
        code, text, err = say("explain", "customer:4", "--for-customer", "--lang", lang)
        assert code == 0, err
        assert told in text
        assert named not in text
        assert named in say("explain", "customer:4", "--lang", lang)[1]  # the staff must see it


def test_a_persons_own_request_is_told(answered: Answered, say: Say) -> None:
    """Of the restriction it is certain that it is theirs, too."""
    code, _, err = say("request", "add", "--kind", "restriction", "--customer", "1", "--received", "2026-11-19")
    assert code == 0, err
    text = answered("erasure", "--customer", "1")
    assert FREEZE in text
    assert [name for name in REQUESTS if name in text] == [REQUESTS[0]]


@pytest.mark.parametrize("kind", ["restriction", pytest.param("objection_situation", marks=pytest.mark.soak)])
@pytest.mark.parametrize("address", ["gro@example.no", pytest.param("nobody@example.no", marks=pytest.mark.soak)])
def test_what_reaches_nothing_is_not_said_to_be_done(answered: Answered, kind: str, address: str) -> None:
    """Neither of whoever stands in others' deliveries alone, which are frozen with their owner, nor of nobody."""
    for lang, claimed, told in (("nb", ("begrenset", "analysene"), "ikke funnet noe"),
                                ("en", ("restricted", "analyses"), "found nothing")):
        text = answered(kind, "--email", address, lang=lang)
        assert told in text
        assert not [word for word in claimed if word in text]
        assert not [word for word in claimed if word in answered("access", "--email", address, lang=lang)]


def test_what_stays_after_erasure_does_not_wait_for_a_decision(answered: Answered, say: Say) -> None:
    text = answered("access", "--customer", "3")
    assert "Er ikke vurdert ennå" not in text
    assert text.count("Det har ingen egen sluttdato.") == 1
    assert "eller bare noe som er gjort grovere" in say("explain", "customer:3")[1]


@pytest.mark.parametrize("kind", ["restriction", pytest.param("objection_situation", marks=pytest.mark.soak)])
def test_what_a_restriction_does_not_reach_is_named_with_it(answered: Answered, say: Say, kind: str) -> None:
    """Log lines go by their period, and a visit without a login is not known to be anybody's in what is published."""
    text = answered(kind, "--customer", "1").lower()
    assert ("systemlogg" in text, "uten innlogging" in text) == (True, True)
    text = answered("access", "--customer", "1")
    assert ("systemlogg" in text, "uten innlogging" in text) == (True, True)
