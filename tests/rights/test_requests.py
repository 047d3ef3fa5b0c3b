"""Requests: recorded, moved by the state table alone, with deadlines by calendar month; a refusal changes nothing."""

import json
from collections import deque
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.retention.recorded_requests import forget, steps
from ajprivacy_pipeline.rights.requests import Request
from ajprivacy_pipeline.rights.states import moved, table
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_tables import request_events, request_people, requests
from tests.rights.shop import Desk, write_shop

RIGHTS = load_policy(NOTICE).rights
SHOP = {
    "customers": [{"customer_id": "1", "customer_type": "consumer", "name": "Kari Nordmann", "email": "kari@example.no",
                   "profile_created_at": "2020-01-01"},
                  {"customer_id": "B", "customer_type": "business", "name": "Hansen AS"}],
    "contacts": [{"contact_id": "7", "customer_id": "B", "name": "Ola Hansen", "created_at": "2021-01-01"}],
}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    write_shop(url, SHOP)
    return Desk(tmp_path / "home", url, monkeypatch)


@pytest.fixture
def say(desk: Desk, capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda *arguments: desk.run(capsys, "request", *arguments)


def added(say: Any, kind: str = "access", received: str = "2026-11-20",
          whose: tuple[str, str] = ("--customer", "1")) -> str:
    code, out, err = say("add", "--kind", kind, *whose, "--received", received)
    assert (code, err) == (0, "")
    return str(out.strip())


def stored(desk: Desk) -> list[list[dict[str, Any]]]:
    control = ControlStore.in_folder(desk.settings.control)
    return [control.rows(sa.select(table)) for table in (requests, request_people, request_events)]


@pytest.mark.parametrize(("whose", "named"), [
    (("--customer", "1"), {"customer_id": "1"}), (("--contact", "7"), {"contact_id": "7"}),
    (("--email", "Nobody@Example.no"), {"email": "Nobody@Example.no"})])
def test_a_request_is_recorded_with_whose_it_is(desk: Desk, say: Any, capsys: pytest.CaptureFixture[str],
                                                whose: tuple[str, str], named: dict[str, str]) -> None:
    shown = desk.shown(capsys, added(say, whose=whose))
    assert shown["asked_by"] == named
    assert (shown["kind"], shown["state"], shown["deadline"]) == ("access", "awaiting identity", "2026-12-20")
    assert [step["step"] for step in shown["steps"]] == ["added"]


def test_whose_it_is_stands_nowhere_in_clear(desk: Desk, say: Any) -> None:
    added(say, whose=("--email", "canary@example.no"))
    added(say, whose=("--contact", "7"))
    for path in desk.settings.control.rglob("*"):
        assert path.is_dir() or b"canary" not in path.read_bytes()


@pytest.mark.parametrize(("arguments", "said"), [
    (("--kind", "deletion", "--customer", "1", "--received", "2026-11-20"), "'deletion' is no kind of request"),
    (("--kind", "access", "--customer", "99", "--received", "2026-11-20"), "the warehouse has nobody of that id"),
    (("--kind", "access", "--contact", "1", "--received", "2026-11-20"), "the warehouse has nobody of that id"),
    (("--kind", "access", "--customer", "anonymised-consumer", "--received", "2026-11-20"), "nobody of that id"),
    (("--kind", "access", "--email", "no address", "--received", "2026-11-20"), "--email is no e-mail address"),
    (("--kind", "access", "--received", "2026-11-20"), "name one of --customer ID"),
    (("--kind", "access", "--customer", " ", "--received", "2026-11-20"), "name one of --customer ID"),
    (("--kind", "access", "--customer", "1", "--email", "a@b.no", "--received", "2026-11-20"), "name one of"),
    (("--kind", "access", "--customer", "1", "--received", "2026-11-29"), "2026-11-29 is in the future"),
    (("--kind", "access", "--customer", "1", "--received", "1979-12-31"), "1979-12-31 is too long ago"),
    (("--kind", "access", "--customer", "1", "--received", "20.11.2026"), "is not a day"),
    (("--kind", "access", "--customer", "1", "--received", "2026-11-20", "--by", " "), "--by must name somebody")])
def test_what_cannot_be_recorded_is_one_sentence(desk: Desk, say: Any, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = say("add", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert stored(desk) == [[], [], []]


@pytest.mark.parametrize(("taken", "step", "said"), [
    ([], ("verify-identity", "unknown"), "there is no request of that id"),
    ([], ("show", "unknown"), "there is no request of that id"),
    ([], ("extend", "ID", "--reason", "lazy"), "'lazy' is not a reason code of an extension"),
    ([], ("refuse", "ID", "--clause", "ABC-1"), "'ABC-1' is no clause of the policy"),
    ([], ("close", "ID", "--outcome", "refused"), "'refused' is no outcome"),
    (["verify-identity"], ("verify-identity", "ID"), "verify-identity may not be taken while it is ready"),
    (["extend --reason many"], ("extend", "ID", "--reason", "many"), "extend may not be taken while it is extended"),
    (["close"], ("close", "ID"), "it is done already"),
    (["close"], ("refuse", "ID", "--clause", "RGT-1"), "it is done already"),
    (["refuse --clause RGT-1"], ("close", "ID"), "it is refused already"),
    (["refuse --clause RGT-1"], ("verify-identity", "ID"), "it is refused already")])
def test_a_step_that_may_not_be_taken_changes_nothing(desk: Desk, say: Any, taken: list[str], step: tuple[str, ...],
                                                      said: str) -> None:
    request = added(say)
    for one in taken:
        name, *more = one.split()
        assert say(name, request, *more)[0] == 0
    before = stored(desk)
    code, out, err = say(*(request if part == "ID" else part for part in step))
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert stored(desk) == before


@pytest.mark.parametrize("command", [
    ("request", "show", "unknown"), ("request", "verify-identity", "unknown"),
    ("request", "extend", "unknown", "--reason", "many"), ("request", "refuse", "unknown", "--clause", "RGT-1"),
    ("request", "close", "unknown"), ("request", "answer", "unknown", "--out", "OUT"),
    ("request", "copy", "unknown", "--out", "OUT"),
    ("request", "letter", "unknown", "--about", "identity", "--out", "OUT"),
    ("request", "correct", "unknown", "--table", "customers", "--column", "name", "--old", "a", "--new", "b")])
def test_an_id_that_nobody_knows_is_one_sentence_and_nothing_is_written(
        desk: Desk, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: tuple[str, ...]) -> None:
    out = tmp_path / "out"
    code, said, err = desk.run(capsys, *(str(out) if part == "OUT" else part for part in command))
    assert (code, said, err.count("\n"), out.exists()) == (2, "", 1, False), err
    assert "there is no request" in err
    assert stored(desk) == [[], [], []]


def test_an_objection_is_not_refused(desk: Desk, say: Any) -> None:
    request = added(say, "objection")
    code, _, err = say("refuse", request, "--clause", "RGT-6")
    assert (code, "cannot be refused" in err) == (2, True)
    assert len(stored(desk)[2]) == 1


def test_a_restriction_ends_after_the_person_was_told(desk: Desk, say: Any) -> None:
    request = added(say, "restriction")
    assert "the person is told first" in say("close", request)[2]
    assert "--told lies in the future" in say("close", request, "--told", "2026-11-29")[2]
    assert "or before the request" in say("close", request, "--told", "2026-11-19")[2]
    assert len(stored(desk)[2]) == 1
    assert say("close", request, "--told", "2026-11-28") == (0, f"request {request}: done\n", "")


@pytest.mark.parametrize(("received", "one", "three"), [
    ("2026-01-31", "2026-02-28", "2026-04-30"), ("2024-01-31", "2024-02-29", "2024-04-30"),
    ("2026-11-30", "2026-12-30", "2027-02-28"), ("2026-12-15", "2027-01-15", "2027-03-15")])
def test_deadlines_go_by_the_calendar_from_receipt(received: str, one: str, three: str) -> None:
    request = Request("r", "access", "recorded", date.fromisoformat(received), None, "ready")
    assert str(request.deadline(RIGHTS)) == one
    extended = Request("r", "access", "recorded", date.fromisoformat(received), None, "extended",
                       extended_on=date.fromisoformat(received))
    assert str(extended.deadline(RIGHTS)) == three


@pytest.mark.parametrize(("today", "timing"), [
    ("2026-12-12", "in time"), ("2026-12-13", "soon"), ("2026-12-20", "soon"), ("2026-12-21", "overdue")])
def test_a_request_is_soon_due_and_then_overdue(today: str, timing: str) -> None:
    request = Request("r", "access", "recorded", date(2026, 11, 20), None, "ready")
    assert request.timing(RIGHTS, date.fromisoformat(today)) == timing


@pytest.mark.parametrize(("today", "code"), [(date(2026, 12, 19), 0), (date(2026, 12, 20), 0), (date(2026, 12, 21), 2)])
def test_an_extension_is_made_within_the_first_month(desk: Desk, say: Any, capsys: pytest.CaptureFixture[str],
                                                     today: date, code: int) -> None:
    request = added(say)
    desk.on(today)
    assert say("extend", request, "--reason", "complex")[0] == code
    assert desk.shown(capsys, request)["deadline"] == ("2027-02-20" if code == 0 else "2026-12-20")


def test_the_wait_for_identity_is_shown_and_moves_no_deadline(desk: Desk, say: Any,
                                                              capsys: pytest.CaptureFixture[str]) -> None:
    request = added(say)
    assert desk.shown(capsys, request)["waiting_since"] == "2026-11-20"
    assert "waits for identity since 2026-11-20" in say("list")[1]
    assert say("verify-identity", request, "--by", "Ada")[1] == f"request {request}: ready\n"
    shown = desk.shown(capsys, request)
    assert (shown["waiting_since"], shown["deadline"], shown["identity_verified_on"]) == (
        None, "2026-12-20", "2026-11-28")
    assert [(step["step"], step["by"]) for step in shown["steps"]][1] == ("verify_identity", "Ada")


def test_an_extended_request_is_still_identified(desk: Desk, say: Any, capsys: pytest.CaptureFixture[str]) -> None:
    request = added(say)
    assert say("extend", request, "--reason", "many")[1].startswith(f"request {request}: extended\n")
    assert desk.shown(capsys, request)["waits_for_identity"]
    assert say("verify-identity", request)[1] == f"request {request}: extended\n"
    assert not desk.shown(capsys, request)["waits_for_identity"]


def test_a_list_names_nobody(desk: Desk, say: Any) -> None:
    added(say, whose=("--email", "canary@example.no"))
    closed = added(say)
    say("close", closed)
    listed = json.loads(say("list", "--json")[1])
    assert [row["kind"] for row in listed] == ["access"]
    everything = say("list", "--all", "--json")[1]
    assert len(json.loads(everything)) == 2
    assert "canary" not in everything


def test_only_handlers_take_steps(desk: Desk, say: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "notice"
    folder.mkdir()
    for path in NOTICE.glob("*.toml"):
        text = path.read_text(encoding="utf-8").replace("handlers = []", 'handlers = ["Ada Berg"]')
        (folder / path.name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("AJPRIVACY_NOTICE", str(folder))
    code, _, err = say("add", "--kind", "access", "--customer", "1", "--received", "2026-11-20", "--by", "Eve")
    assert (code, "none of the policy's handlers" in err) == (2, True)
    assert say("add", "--kind", "access", "--customer", "1", "--received", "2026-11-20", "--by", "ada BERG")[0] == 0


def test_whose_it_was_is_forgotten_after_the_limitation_period(desk: Desk, say: Any,
                                                               capsys: pytest.CaptureFixture[str]) -> None:
    request, still_open = added(say), added(say)
    say("close", request)
    control, months = ControlStore.in_folder(desk.settings.control), load_policy(NOTICE).periods["limitation_months"]
    assert forget(control, date(2029, 11, 27), months) == 0
    assert forget(control, date(2029, 11, 28), months) == 1
    assert forget(control, date(2029, 11, 28), months) == 0
    assert desk.shown(capsys, request)["asked_by"] is None
    assert desk.shown(capsys, still_open)["asked_by"] == {"customer_id": "1"}
    assert list(steps(control)) == [request, still_open]


def test_every_open_state_leads_to_an_end_and_no_end_leads_on() -> None:
    known = table()
    assert set(known.begins.values()) <= set(known.states)
    for step in known.steps.values():
        assert set(step.moves) | set(step.moves.values()) <= set(known.states)
        assert all(known.states[before].open or before == after for before, after in step.moves.items())
    for state, meaning in known.states.items():
        reached, waiting = {state}, deque([state])
        while waiting:
            at = waiting.popleft()
            for step in known.steps.values():
                if step.moves.get(at, at) not in reached:
                    reached.add(step.moves[at])
                    waiting.append(step.moves[at])
        ends = {one for one in reached if not known.states[one].open}
        assert ends == ({"done", "refused"} if meaning.open else {state})


@given(st.lists(st.sampled_from(sorted(table().steps)), max_size=8))
def test_a_request_moves_as_the_table_says_and_never_from_an_end(taken: list[str]) -> None:
    state = "awaiting identity"
    for step in taken:
        allowed = table().steps[step].moves
        if state in allowed:
            state = moved(state, step)
            assert state in table().states
        else:
            with pytest.raises(RightsError):
                moved(state, step)


