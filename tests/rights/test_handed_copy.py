"""Our copy of an answer: sealed, handed over once more while its days last, and to nobody but who was answered."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from ajprivacy_pipeline.oversight.accesses import accesses
from ajprivacy_pipeline.rights.daily import tidy
from ajprivacy_pipeline.rights.folder import PREFIX
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from tests.rights.conftest import SHOP, Say, decide
from tests.rights.shop import POLICY, TODAY, Desk
from tests.rights.test_whole import asked

DAYS = POLICY.rights.package_days
Copied = Callable[[str], tuple[int, str]]


@pytest.fixture
def copied(say: Say, tmp_path: Path) -> Copied:
    """Ask for a copy into a folder that is not there; returns its code and what was said."""

    def ask(request: str) -> tuple[int, str]:
        out = tmp_path / "again"
        shutil.rmtree(out, ignore_errors=True)
        code, said, err = say("request", "copy", request, "--out", str(out), "--by", "Ada")
        assert (err.count("\n"), out.exists(), said == "") == ((0, True, False) if code == 0 else (1, False, True)), err
        return code, err

    return ask


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def answered(say: Say, request: str, out: Path) -> dict[str, bytes]:
    code, _, err = say("request", "answer", request, "--out", str(out))
    assert code == 0, err
    return files(out)


def kept(desk: Desk) -> list[Path]:
    """What lies of copies: files and keys."""
    return [*desk.settings.restricted.glob(f"{PREFIX}*"), *desk.settings.keys.glob(f"{PREFIX}*")]


def steps(desk: Desk, capsys: pytest.CaptureFixture[str], request: str) -> list[tuple[str, str]]:
    return [(step["step"], step["by"]) for step in desk.shown(capsys, request)["steps"]]


def test_the_same_files_are_written_once_more_and_that_is_noted(desk: Desk, say: Say, copied: Copied, tmp_path: Path,
                                                                capsys: pytest.CaptureFixture[str]) -> None:
    """After the request was closed, and whatever became of the warehouse meanwhile."""
    request = asked(say, "access", "1")
    whole = answered(say, request, tmp_path / "out")
    assert b"Kari Nordmann" in whole["package.html"]
    assert all(b"Kari Nordmann" not in path.read_bytes() for path in kept(desk))
    assert say("request", "close", request)[0] == 0
    (tmp_path / "shop.db").unlink()
    assert copied(request) == (0, "")
    assert files(tmp_path / "again") == whole
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "again").iterdir()} == {0o600}
    assert steps(desk, capsys, request)[-1] == ("copy", "Ada")
    looks = [(one["what"], one["subject"]) for one in accesses(desk.settings, "customer:1")]
    assert [what for what, _ in looks] == ["package", "copy"]
    assert len({subject for _, subject in looks}) == 1
    assert accesses(desk.settings, "customer:2") == []


def test_it_is_there_to_its_last_day_and_no_copy_lengthens_that(desk: Desk, say: Say, copied: Copied,
                                                                tmp_path: Path) -> None:
    request = asked(say, "access", "1")
    answered(say, request, tmp_path / "out")
    desk.on(TODAY + timedelta(days=DAYS - 1))
    assert copied(request)[0] == 0
    assert len(kept(desk)) == 2
    desk.on(TODAY + timedelta(days=DAYS))  # the job of the day has not run yet
    code, err = copied(request)
    assert (code, f"our copy was destroyed {DAYS} days after {TODAY}" in err) == (2, True), err
    assert kept(desk) == []


def test_what_is_answered_anew_has_its_days_from_then_on(desk: Desk, say: Say, copied: Copied, tmp_path: Path) -> None:
    request = asked(say, "access", "1")
    answered(say, request, tmp_path / "out")
    desk.on(TODAY + timedelta(days=5))
    anew = answered(say, request, tmp_path / "out")
    desk.on(TODAY + timedelta(days=DAYS))
    assert copied(request)[0] == 0
    assert files(tmp_path / "again") == anew


def test_the_job_of_the_day_destroys_it(desk: Desk, say: Say, copied: Copied, tmp_path: Path) -> None:
    request = asked(say, "access", "1")
    answered(say, request, tmp_path / "out")
    for day, gone in ((DAYS - 1, 0), (DAYS, 1), (DAYS, 0)):
        assert tidy(desk.settings, POLICY, TODAY + timedelta(days=day))["packages"] == gone
    assert kept(desk) == []
    assert "or its key is gone" in copied(request)[1]


def test_what_was_not_answered_has_no_copy(say: Say, copied: Copied, tmp_path: Path) -> None:
    code, request, err = say("request", "add", "--kind", "access", "--customer", "1", "--received", "2026-11-20")
    assert code == 0, err
    assert "before the person is identified (RGT-8)" in copied(request.strip())[1]
    assert say("request", "verify-identity", request.strip())[0] == 0
    assert "no answer to that request was written here" in copied(request.strip())[1]
    answered(say, asked(say, "access", "1"), tmp_path / "out")  # another request of the same person
    assert "no answer to that request was written here" in copied(request.strip())[1]


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_a_folder_of_others_or_with_other_files_is_refused(desk: Desk, say: Say, tmp_path: Path, mode: int,
                                                           capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is noted of what was not handed over; an earlier answer to the same request is replaced."""
    request, other = asked(say, "access", "1"), asked(say, "access", "2")
    answered(say, request, tmp_path / "out")
    before = answered(say, other, tmp_path / "other")
    (tmp_path / "other").chmod(mode)
    code, out, err = say("request", "copy", request, "--out", str(tmp_path / "other"))
    assert (code, out, err.count("\n"), files(tmp_path / "other")) == (2, "", 1, before), err
    assert "copy" not in [step for step, _ in steps(desk, capsys, request)]
    assert [one["what"] for one in accesses(desk.settings, "customer:1")] == ["package"]
    assert say("request", "copy", request, "--out", str(tmp_path / "out"))[0] == 0


def test_after_a_refusal_the_package_is_handed_to_nobody(say: Say, copied: Copied, tmp_path: Path) -> None:
    """It was found out that somebody else had asked; the refusal itself can be copied."""
    request = asked(say, "access", "1")
    answered(say, request, tmp_path / "out")
    assert say("request", "refuse", request, "--clause", "RGT-8")[0] == 0
    assert "was refused after that answer" in copied(request)[1]
    shutil.rmtree(tmp_path / "out")
    refusal = answered(say, request, tmp_path / "out")
    assert copied(request)[0] == 0
    assert files(tmp_path / "again") == refusal


def test_what_says_nothing_about_anybody_is_no_look(desk: Desk, say: Say, copied: Copied, tmp_path: Path,
                                                    capsys: pytest.CaptureFixture[str]) -> None:
    request = asked(say, "restriction", "1")
    answered(say, request, tmp_path / "out")
    assert copied(request)[0] == 0
    assert accesses(desk.settings) == []
    assert steps(desk, capsys, request)[-1] == ("copy", "Ada")


@pytest.mark.parametrize(("values", "handed"), [
    ("customer_id = '2', email = 'ola@example.no'", False), ("customer_id = '2'", False),
    ("customer_id = NULL, email = NULL", False), ("details = 'called'", True)])
def test_a_request_that_the_warehouse_makes_somebody_elses_has_no_copy_for_them(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], values: str,
        handed: bool) -> None:
    """Closed in the warehouse by now, so that nobody is waited for to show who they are."""
    desk = decide(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", monkeypatch, {**SHOP, "rights_requests": [
        {"request_id": "R", "kind": "access", "customer_id": "1", "received_at": "2026-10-20",
         "identity_verified_at": "2026-10-21"}]})
    out = tmp_path / "again"
    assert desk.run(capsys, "request", "answer", "R", "--out", str(tmp_path / "out"))[0] == 0
    assert desk.run(capsys, "request", "close", "R")[0] == 0
    desk.execute(f"UPDATE rights_requests SET {values}")
    with open_month(desk.settings, "2026-11", "again") as run:
        run_decisions(run)
        run.finish()
    code, said, err = desk.run(capsys, "request", "copy", "R", "--out", str(out))
    assert (code, err.count("\n"), out.exists()) == ((0, 0, True) if handed else (2, 1, False)), err
    assert handed or (said, "names somebody else than when it was answered" in err) == ("", True)
    assert [one["what"] for one in accesses(desk.settings, "customer:1")] == ["package", *(["copy"] if handed else [])]
