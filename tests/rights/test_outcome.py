"""What is told of an erasure or an objection: before, while and after it is carried out; letters that are no answer."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement import judged
from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.enforcement.carry import apply_plan
from ajprivacy_pipeline.enforcement.ledger import Found, Ledger
from ajprivacy_pipeline.enforcement.our_copies import OurCopies
from ajprivacy_pipeline.explain.words import Language
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.enforcement import Backup
from ajprivacy_pipeline.rights.daily import plan_ready, tidy
from ajprivacy_pipeline.rights.elsewhere import Elsewhere
from ajprivacy_pipeline.rights.outbox import Notice
from ajprivacy_pipeline.rights.outcome import Outcome
from ajprivacy_pipeline.rights.requests import Request, known_requests
from ajprivacy_pipeline.rights.wording import Wording
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import sealed
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests.browser import contrasts, opened, overflow
from tests.rights.shop import POLICY, TODAY, Desk

Say = Callable[..., tuple[int, str, str]]


def asked(say: Say, kind: str, *whose: str) -> str:
    code, out, err = say("request", "add", "--kind", kind, *(whose or ("--customer", "1")), "--received", "2026-11-20")
    assert code == 0, err
    return out.strip()


def answer(say: Say, request: str, out: Path, *more: str) -> dict[str, Any]:
    code, _, err = say("request", "answer", request, "--out", str(out), *more)
    assert code == 0, err
    found: dict[str, Any] = json.loads((out / "package.json").read_text(encoding="utf-8"))
    return found


def states(package: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(part["table"], part["part"]): part["state"] for part in package["parts"]}


def read_in_a_browser(text: str) -> None:
    """The tables of what is gone and what stays: headings, scope, contrast, a phone's width, paper."""
    for width in (390, 1200):
        with opened(text, width) as page:
            assert overflow(page) == 0
            assert page.locator("h3").all_inner_texts() == ["Hva vi har gjort", "Hva som blir stående"]
            assert page.locator("table").count() == 2
            assert page.locator("th:not([scope])").count() == 0
            assert page.locator("table").evaluate_all(
                "found => found.every(one => one.querySelector('thead th[scope=col]')"
                " && [...one.querySelectorAll('tbody tr')].every(row => row.querySelector('th[scope=row]')))")
            assert contrasts(page) == []
            assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.soak
def test_an_erasure_is_told_as_far_as_it_is_carried_out(desk: Desk, say: Say, tmp_path: Path) -> None:
    request = asked(say, "erasure", "--email", "kari@example.no")
    assert say("request", "verify-identity", request)[1].endswith(f"next: ajprivacy plan make --request {request}\n")
    before = answer(say, request, tmp_path / "before")
    assert (before["parts"], "kobles fra deg ved neste utføring" in before["answer"][0]) == ([], True)

    plan = json.loads(say("plan", "make", "--request", request, "--json")[1])["plan"]
    planned = answer(say, request, tmp_path / "planned")
    assert "er ikke utført ennå" in planned["answer"][0]
    assert set(states(planned).values()) == {"waits", "stays"}

    approve(desk.settings, plan, "Ada")
    apply_plan(desk.settings, plan)
    done = answer(say, request, tmp_path / "done")
    found = states(done)
    assert found["customers", "gender"] == found["newsletter_subscriptions", "email"] == "gone"
    assert found["customers", "email"] == found["orders", "delivery"] == "stays"
    assert "waits" not in found.values()
    (email,) = [part for part in done["parts"] if (part["table"], part["part"]) == ("customers", "email")]
    assert email["until"] is not None
    assert email["clauses"] == ["CON-4"]
    assert "uten at du trenger å be om det" in email["text"]
    page = (tmp_path / "done" / "package.html").read_text(encoding="utf-8")
    for claim in ("neste utføring", "ikke utført", "nonymisert"):
        assert claim not in page
    read_in_a_browser(page)
    day = Wording("nb").day(today(POLICY.retention.time_zone))
    assert f"Det samme er gjort i våre egne arbeidskopier; de ble bygget på nytt {day}." in done["answer"]
    (told,) = [text for text in done["answer"] if text.startswith("Vi melder dette videre til ")]
    assert "IT-leverandører" in told

    keys = KeyStore(desk.settings.keys, desk.settings.root_key)  # what a restored warehouse has again is not gone
    Ledger(ControlStore.in_folder(desk.settings.control), keys, desk.settings.keys).append(
        "undone_by_restore", {"plan": plan, "batches": [1], "by": "Ada"})
    again = answer(say, request, tmp_path / "again", "--lang", "en")
    assert set(states(again).values()) == {"waits", "stays"}
    assert "not carried out yet" in again["answer"][0]


@pytest.mark.soak
def test_an_address_of_several_is_answered_to_nobody(desk: Desk, say: Say, tmp_path: Path) -> None:
    desk.execute("UPDATE customers SET email = 'KARI@example.no' WHERE customer_id = '2'")
    request = asked(say, "objection", "--email", "kari@example.no")
    for _ in range(2):  # before its plan is made, and after
        code, out, err = say("request", "answer", request, "--out", str(tmp_path / "out"))
        assert (code, out, "does not tell whose data is meant" in err, err.count("\n")) == (2, "", True, 1)
        assert not (tmp_path / "out").exists()
        say("plan", "make", "--request", request)


@pytest.mark.soak
def test_the_daily_job_plans_what_is_ready_once(desk: Desk, say: Say) -> None:
    policy = load_policy(NOTICE)
    waiting, objection = asked(say, "erasure"), asked(say, "objection", "--customer", "2")

    def daily() -> Any:
        return plan_ready(desk.settings, policy, known_requests(desk.settings, policy.rights))

    assert daily() == {"made": 1, "approved": 0, "nothing_due": 0, "left": 0}
    assert [step["step"] for step in json.loads(say("request", "show", objection, "--json")[1])["steps"]] == [
        "added", "planned"]
    assert daily() == {"made": 0, "approved": 0, "nothing_due": 0, "left": 0}
    say("request", "verify-identity", waiting)
    assert daily()["made"] == 1
    assert daily()["made"] == 0


def test_what_was_decided_for_an_answer_is_destroyed_in_time(desk: Desk, say: Say) -> None:
    request = asked(say, "objection")
    say("plan", "make", "--request", request)
    keys = KeyStore(desk.settings.keys, desk.settings.root_key)
    found = judged.judged(desk.settings, keys, request)
    assert found is not None
    assert found.people == ("customer:1",)
    last = found.on + timedelta(days=POLICY.rights.package_days)
    tidy(desk.settings, POLICY, last, [request])
    tidy(desk.settings, POLICY, last - timedelta(days=1))
    assert judged.judged(desk.settings, keys, request) == found
    tidy(desk.settings, POLICY, last)
    assert judged.judged(desk.settings, keys, request) is None
    assert sealed.names(desk.settings, judged.PREFIX) == set()


def everything(desk: Desk) -> tuple[list[list[Any]], list[list[Any]], set[Path]]:
    """Every row of the warehouse and of the control store, and the files of the home."""
    control, found = desk.settings.control / "control.db", []
    for url in (desk.env["AJPRIVACY_WAREHOUSE"], f"sqlite:///{control}"):
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            found.append([sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {table}")), key=repr)
                          for table in sorted(sa.inspect(connection).get_table_names())])
        engine.dispose()
    return found[0], found[1], {path for path in desk.settings.restricted.parent.rglob("*") if path.is_file()
                                and path.suffix != ".lock"}


@pytest.mark.parametrize(("kind", "said"), [
    (None, "there is no request unknown: `ajprivacy request list` shows those that there are"),
    pytest.param("access", "is about access, which ends nothing", marks=pytest.mark.soak)])
def test_a_plan_of_a_request_that_nobody_knows_or_that_ends_nothing_is_refused(desk: Desk, say: Say, kind: str | None,
                                                                               said: str) -> None:
    """One sentence, and neither the warehouse nor anything of ours is changed."""
    request = asked(say, kind) if kind else "unknown"
    before = everything(desk)
    code, out, err = say("plan", "make", "--request", request)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert said in err
    assert everything(desk) == before


@pytest.mark.parametrize(("kind", "step", "about", "told"), [
    ("access", ("extend", "--reason", "complex"), "extension",
     "Henvendelsen er sammensatt. Du får svar senest 20. februar 2027"),
    ("access", (), "identity", "Svarfristen er 20. desember 2026"),
    ("restriction", (), "lifting", "kommet til at grunnlaget for begrensningen er falt bort")])
def test_a_letter_says_what_it_has_to_and_moves_nothing(say: Say, tmp_path: Path, kind: str, step: tuple[str, ...],
                                                        about: str, told: str) -> None:
    request = asked(say, kind)
    if step:
        say("request", step[0], request, *step[1:])
    state = json.loads(say("request", "show", request, "--json")[1])
    code, _, err = say("request", "letter", request, "--about", about, "--out", str(tmp_path / "out"))
    assert code == 0, err
    package = json.loads((tmp_path / "out" / "package.json").read_text(encoding="utf-8"))
    assert (package["letter"], package["held"], told in " ".join(package["answer"])) == (about, [], True)
    assert "Kari" not in (tmp_path / "out" / "package.html").read_text(encoding="utf-8")
    after = json.loads(say("request", "show", request, "--json")[1])
    assert [step["step"] for step in after["steps"]] == [*(step["step"] for step in state["steps"]), "letter"]
    assert {**after, "steps": []} == {**state, "steps": []}


@pytest.mark.parametrize(("about", "said"), [
    ("extension", "was not extended"), ("lifting", "it is no restriction"), ("thanks", "'thanks' is no letter")])
def test_a_letter_that_is_not_due_is_refused(say: Say, tmp_path: Path, about: str, said: str) -> None:
    request = asked(say, "access")
    before = say("request", "show", request, "--json")[1]
    code, out, err = say("request", "letter", request, "--about", about, "--out", str(tmp_path / "out"))
    assert (code, out, said in err, err.count("\n")) == (2, "", True, 1)
    assert not (tmp_path / "out").exists()
    assert say("request", "show", request, "--json")[1] == before


@pytest.mark.parametrize(("kind", "whose", "may"), [
    ("access", ("--email", "kari@example.no"), True), ("access", ("--email", "nobody@example.no"), True),
    ("access", ("--customer", "1"), False), ("objection", ("--email", "kari@example.no"), False)])
def test_more_is_asked_of_an_address_that_was_verified(say: Say, tmp_path: Path, kind: str, whose: tuple[str, str],
                                                       may: bool) -> None:
    """It may be several people's, and the letter reads the same for one, for several and for nobody."""
    request = asked(say, kind, *whose)
    assert say("request", "verify-identity", request)[0] == 0
    code, _, err = say("request", "letter", request, "--about", "identity", "--out", str(tmp_path / "out"))
    assert (code, "does not wait for identification" in err) == ((0, False) if may else (2, True))
    assert (tmp_path / "out").exists() is may


def test_the_day_of_the_desk_is_the_day_of_the_letter(say: Say, tmp_path: Path) -> None:
    request = asked(say, "access")
    say("request", "letter", request, "--about", "identity", "--out", str(tmp_path / "out"))
    assert json.loads((tmp_path / "out" / "package.json").read_text())["made_on"] == TODAY.isoformat()


def test_rows_that_stay_on_the_same_grounds_are_told_together() -> None:
    """Each order has a day of its own; whoever reads the answer wants the first and the last."""
    policy, words = load_policy(NOTICE), Wording("nb")
    parts = tuple(judged.JudgedPart("orders", "link", "retain", day, ("contract",), (), 1)
                  for day in (date(2028, 5, 2), date(2027, 5, 2), date(2031, 5, 2)))
    known = judged.Judged(TODAY, ("customer:1",), (*parts, judged.JudgedPart(
        "orders", "link", "retain", None, ("contract",), (), 2)))
    request = Request("R1", "erasure", "warehouse", date(2026, 10, 2), None, "ready")
    found = Outcome(policy, words, request, known, judged.CarriedOut(Counter(), None, verified=False)).parts()
    assert [(part.rows, part.first_until, part.until) for part in found] == [
        (3, "2027-05-02", "2031-05-02"), (2, None, None)]
    assert "det første til 2. mai 2027, det siste til 2. mai 2031" in found[0].text
    assert found[0].title.endswith("kobling til deg")


def test_an_answer_says_where_it_still_stands_and_until_when() -> None:
    policy, words = load_policy(NOTICE), Wording("nb")
    backups = {"nightly": Backup(where="object store", life_days=35)}
    policy = policy.model_copy(update={"enforcement": policy.enforcement.model_copy(update={"backups": backups})})
    on = date(2026, 11, 20)

    def told(copies: OurCopies, *acknowledged: date | None) -> list[str]:
        notices = [Notice(i, "R1", "erasure", name, (), on, date(2026, 12, 4), day, None)
                   for i, (name, day) in enumerate(zip(("it_services", "transport"), acknowledged, strict=False))]
        return Elsewhere(copies, notices).ended(policy, words, on)

    assert told(OurCopies(on, None), None, on) == [
        "Det samme er gjort i våre egne arbeidskopier; de ble bygget på nytt 20. november 2026.",
        "Sikkerhetskopier der det gamle fortsatt står, er borte senest 25. desember 2026.",
        "Vi melder dette videre til IT-leverandører, og ber om bekreftelse innen 4. desember 2026.",
        "Transportører har bekreftet at de har fått beskjed."]
    assert told(OurCopies(None, date(2026, 12, 2)))[0] == (
        "I våre egne, krypterte arbeidskopier står det gamle til den neste månedlige kjøringen er ferdig, etter planen "
        "2. desember 2026.")
    assert told(OurCopies(None, None)) == [
        "Sikkerhetskopier der det gamle fortsatt står, er borte senest 25. desember 2026."]
    policy = load_policy(NOTICE)  # without a register nobody knows
    assert told(OurCopies(None, None)) == [
        "Det gamle kan fortsatt stå i sikkerhetskopier. Når de er borte, har vi ikke registrert."]


@pytest.mark.parametrize(("language", "names"), [
    ("nb", "IT-leverandører, transportører og avdelingen som har kopien i «grid»"),
    ("en", "IT providers, carriers on our behalf and the department that has the copy in “grid”")])
def test_who_is_told_is_named_as_within_a_sentence(language: Language, names: str) -> None:
    on = date(2026, 11, 20)
    notices = [Notice(1, "R1", "erasure", name, (), on, on, None, None) for name in (
        "it_services", "transport", "copy grid")]
    found = Elsewhere(OurCopies(None, None), notices).ended(load_policy(NOTICE), Wording(language), on)
    assert f" {names}, " in found[-1]


@pytest.mark.parametrize(("entity", "part", "decision", "held"), [
    ("customers", "gender", "hold", True), ("newsletter_subscriptions", "email", "hold", True),
    ("customers", "name", "hold", False),  # the contract needs it, too
    ("orders", "delivery", "hold", False), ("customers", "gender", "retain", False)])
def test_an_objection_does_not_call_gone_what_a_freeze_holds(entity: str, part: str, decision: str, held: bool) -> None:
    """Nothing was due, because everything that marketing alone had is held: it is not "no data"."""
    known = judged.Judged(TODAY, ("customer:1",), (judged.JudgedPart(
        entity, part, decision, date(2026, 11, 20), (), ("data_quality",) if decision == "hold" else (), 1),))
    request = Request("R1", "objection", "recorded", date(2026, 11, 20), None, "new")
    found = Outcome(load_policy(NOTICE), Wording("nb"), request, known, judged.CarriedOut(
        Counter(), None, verified=False))
    assert [(one.state, one.part) for one in found.parts()] == ([("stays", part)] if held else [])
    assert ("Vi hadde ingen opplysninger som bare ble brukt til dette." in found.sentences()[0]) is not held
    assert any("kan vi ikke slette ennå" in text for text in found.sentences()) is held


@pytest.mark.parametrize(("still", "text"), [
    (("unpaid",), "så lenge betaling gjenstår;"),
    ((), "så lenge en sak er åpen, levering gjenstår, betaling gjenstår eller en garantitid er ukjent;")])
def test_what_stays_without_an_end_names_what_is_open_for_the_person(still: tuple[str, ...], text: str) -> None:
    known = judged.Judged(TODAY, ("customer:1",), (judged.JudgedPart(
        "customers", "name", "retain", None, ("contract",), (), 1),), still)
    request = Request("R1", "erasure", "recorded", date(2026, 11, 20), None, "ready")
    (part,) = Outcome(load_policy(NOTICE), Wording("nb"), request, known, judged.CarriedOut(
        Counter(), None, verified=False)).parts()
    assert text in part.text


@pytest.mark.parametrize(("clauses", "text"), [
    (("PRO-2",), "etter løfte PRO-2 i personvernerklæringen"),
    (("CON-4", "PRO-2", "CON-4"), "etter løftene CON-4, PRO-2 i personvernerklæringen")])
@pytest.mark.parametrize("kind", ["erasure", "objection"])
def test_what_the_month_took_is_told_by_its_promises(kind: str, clauses: tuple[str, ...], text: str) -> None:
    request = Request("R1", kind, "recorded", date(2026, 11, 20), None, "ready")
    found = Outcome(load_policy(NOTICE), Wording("nb"), request, None, judged.CarriedOut(
        Counter(), None, verified=False), [Found(TODAY, "2026-10", clause) for clause in clauses])
    assert text in found.sentences()[0]


@pytest.mark.parametrize(("is_person", "table", "part", "grounds", "clauses"), [
    (True, "orders", "delivery", ("unpaid",), ("CON-6",)), (False, "orders", "delivery", ("unpaid",), ("CON-2",)),
    (True, "customers", "email", ("contract",), ("CON-4",)), (False, "contacts", "email", ("contract",), ("REV-1",)),
    (False, "contacts", "email", ("profile",), ("PRO-2",))])
def test_what_stays_names_the_promise_that_is_made_to_whoever_asks(is_person: bool, table: str, part: str,
                                                                   grounds: tuple[str, ...],
                                                                   clauses: tuple[str, ...]) -> None:
    """A contact person of a company is told nothing of what consumers are promised."""
    known = judged.Judged(TODAY, ("contact:1",), (judged.JudgedPart(table, part, "retain", None, grounds, (), 1),), (),
                          is_person)
    request = Request("R1", "erasure", "recorded", date(2026, 11, 20), None, "ready")
    (told,) = Outcome(load_policy(NOTICE), Wording("nb"), request, known, judged.CarriedOut(
        Counter(), None, verified=False)).parts()
    assert told.clauses == clauses


def test_what_is_open_is_kept_with_what_was_decided(desk: Desk, say: Say) -> None:
    """A warranty of a line is not known, so that the contract has no end."""
    desk.execute("UPDATE products SET warranty_years = NULL")
    request = asked(say, "erasure")
    say("request", "verify-identity", request)
    assert say("plan", "make", "--request", request)[0] == 0
    keys = KeyStore(desk.settings.keys, desk.settings.root_key)
    found = judged.judged(desk.settings, keys, request)
    assert found is not None
    assert found.open == ("warranty_unknown",)


@pytest.mark.parametrize(("decision", "told"), [("retain", True), ("due", False)])
def test_an_erasure_that_is_met_in_part_tells_of_the_courts(decision: str, told: bool) -> None:
    known = judged.Judged(TODAY, ("customer:1",), (judged.JudgedPart(
        "customers", "name", decision, date(2028, 5, 2), ("contract",), (), 1),))
    request = Request("R1", "erasure", "recorded", date(2026, 11, 20), None, "ready")
    found = Outcome(load_policy(NOTICE), Wording("nb"), request, known, judged.CarriedOut(
        Counter(), None, verified=False)).sentences()
    assert any("bringe saken inn for domstolene" in text for text in found) is told
    assert not any("fra dagen vi mottok" in text for text in found)  # what was sent meanwhile nobody here knows
