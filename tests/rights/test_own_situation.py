"""An objection for reasons of one's own situation (Art. 21(1)): restricts while it is weighed; upheld, it keeps out."""

import json
from datetime import date
from pathlib import Path

import pytest

from ajprivacy_pipeline.retention.recorded_requests import forget
from ajprivacy_pipeline.rights import steps
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from tests.rights.conftest import Say
from tests.rights.test_effects import OLD, TODAY, add, home, verify

KIND = "objection_situation"


def decided(settings: Settings, month: str) -> tuple[str, list[str], bool]:
    """What is decided about Kari's name, what holds it, and whether she is kept out of what is published."""
    with open_month(settings, month, "test") as run:
        run_decisions(run)
        run.finish()
        (row,) = run.con.execute("SELECT decision, held_by FROM retention.attribute_decisions WHERE subject_id = "
                                 "'customer:1' AND attribute = 'name'").fetchall()
        out = run.con.execute("SELECT count(*) FROM retention.kept_out WHERE subject_id = 'customer:1'").fetchall()
    return row[0], row[1], out[0][0] == 1


def test_it_restricts_until_it_is_decided_and_what_was_upheld_stays(tmp_path: Path) -> None:
    settings = home(tmp_path, OLD)
    assert decided(settings, "2026-10") == ("due", [], False)
    request = add(settings, KIND)
    verify(settings, request)
    assert decided(settings, "2026-10") == ("hold", ["restriction"], True)
    steps.close(settings, request, outcome="granted", told_on=TODAY, today=TODAY, by="Ada")
    assert decided(settings, "2026-10") == ("due", [], True)
    assert forget(ControlStore.in_folder(settings.control), date(2099, 1, 1), 36) == 1  # nobody knows whose it was
    assert decided(settings, "2026-10") == ("due", [], True)


@pytest.mark.parametrize("outcome", ["refused", "withdrawn"])
def test_what_was_not_upheld_has_no_effect(tmp_path: Path, outcome: str) -> None:
    settings = home(tmp_path, OLD)
    request = add(settings, KIND)
    if outcome == "refused":
        steps.refuse(settings, request, "IMP-1", told_on=TODAY, today=TODAY, by="Ada")
    else:
        steps.close(settings, request, outcome=outcome, told_on=TODAY, today=TODAY, by="Ada")
    assert decided(settings, "2026-10") == ("due", [], False)


def recorded(say: Say, *, verified: bool = True) -> str:
    code, request, err = say("request", "add", "--kind", KIND, "--customer", "1", "--received", "2026-11-20")
    assert code == 0, err
    if verified:
        assert say("request", "verify-identity", request.strip())[0] == 0
    return request.strip()


@pytest.mark.parametrize(("step", "said"), [
    (("refuse", "--clause", "IMP-1"), "this lifts the restriction, and the person is told first"),
    (("refuse", "--clause", "IMP-1", "--told", "2026-11-19"), "--told lies in the future or before the request"),
    (("refuse", "--clause", "IMP-1", "--told", "2026-11-29"), "--told lies in the future or before the request"),
    (("close",), "this lifts the restriction, and the person is told first")])
def test_it_is_not_lifted_before_the_person_was_told(say: Say, step: tuple[str, ...], said: str) -> None:
    request = recorded(say)
    before = say("request", "show", request)
    code, _, err = say("request", step[0], request, *step[1:])
    assert (code, said in err, err.count("\n")) == (2, True, 1)
    assert say("request", "show", request) == before


def test_nothing_is_answered_before_the_person_is_identified(say: Say, tmp_path: Path) -> None:
    request = recorded(say, verified=False)
    code, _, err = say("request", "answer", request, "--out", str(tmp_path / "out"))
    assert (code, "RGT-8" in err, (tmp_path / "out").exists()) == (2, True, False)


@pytest.mark.parametrize(("lang", "upheld", "refused"), [
    ("nb", "Vi tar innsigelsen din til følge for dette formålet: forbedring av sortiment og tjenester.",
     "Vi har avslått henvendelsen."),
    ("en", "We uphold your objection to this purpose: improvement of range and services.",
     "We have refused your request.")])
def test_from_request_to_either_answer(say: Say, tmp_path: Path, lang: str, upheld: str, refused: str) -> None:
    request = recorded(say)
    assert say("request", "answer", request, "--out", str(tmp_path / "yes"), "--lang", lang)[0] == 0
    answer = json.loads((tmp_path / "yes" / "package.json").read_text())["answer"]
    assert answer[0].startswith(upheld)
    for claim in ("anonym", "ikke bygger på berettiget interesse", "not rest on legitimate interest"):
        assert claim not in " ".join(answer)  # marketing rests on that, too, and goes on
    assert say("request", "close", request)[0] == 0  # its answer told of the end
    other = recorded(say)
    assert say("request", "letter", other, "--about", "lifting", "--out", str(tmp_path / "told"))[0] == 0
    assert say("request", "refuse", other, "--clause", "IMP-1", "--told", "2026-11-28")[0] == 0
    assert say("request", "answer", other, "--out", str(tmp_path / "no"), "--lang", lang)[0] == 0
    assert json.loads((tmp_path / "no" / "package.json").read_text())["answer"][0].startswith(refused)


def test_a_package_tells_of_it_and_names_the_purpose_no_more(say: Say, tmp_path: Path) -> None:
    def told(name: str) -> tuple[str, list[str]]:
        code, access, err = say("request", "add", "--kind", "access", "--customer", "1", "--received", "2026-11-21")
        assert code == 0, err
        assert say("request", "verify-identity", access.strip())[0] == 0
        assert say("request", "answer", access.strip(), "--out", str(tmp_path / name))[0] == 0
        found = json.loads((tmp_path / name / "package.json").read_text())
        return found["answer"][-1], [one["name"] for one in found["purposes"]]
    request = recorded(say)
    text, purposes = told("weighed")
    assert ("Mens vi vurderer det, er behandlingen begrenset" in text, "improvement" in purposes) == (True, True)
    assert say("request", "close", request, "--told", "2026-11-28")[0] == 0
    text, purposes = told("upheld")
    assert ("holder vi opplysningene dine ute av analysene våre" in text, "improvement" in purposes) == (True, False)
