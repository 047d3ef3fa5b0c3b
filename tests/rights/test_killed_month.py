"""What a killed run of a month leaves: answers come from the month before, until the killed one is run to its end."""

import json
import signal
from pathlib import Path

import pytest

from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file, told_month
from tests import forked
from tests.rights.conftest import SHOP, Say
from tests.rights.shop import Desk, write_shop
from tests.rights.test_whole import asked

DECIDED, KILLED = "2026-10", "2026-11"
# A run that dies when it is about to make a model whose name begins so.
_DIES = """
import os, signal, sys
from ajprivacy_pipeline.cli import main as cli
from ajprivacy_pipeline.run.month import MonthRun
begins, real = sys.argv.pop(), MonthRun.model
def made(run, name):
    if name.startswith(begins):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(run, name)
MonthRun.model = made
cli.main()
"""


def leave_half(desk: Desk, month: str, *, decided: bool = False) -> None:
    """What stands in the restricted zone after a run that was killed when it had read, or when it had decided."""
    with open_month(desk.settings, month, "killed") as run:
        if decided:
            run_decisions(run)
        else:
            run.extract()


def answered(say: Say, request: str, out: Path) -> str:
    assert say("request", "answer", request, "--out", str(out))[0] == 0
    return (out / "package.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("left", ["begun", "read", "decided"])
def test_a_killed_run_of_a_newer_month_is_passed_over(desk: Desk, say: Say, tmp_path: Path, left: str) -> None:
    """Answers, holds and explanations come from the finished month; what the run left is nobody's answer."""
    request = asked(say, "access", "1")
    whole = answered(say, request, tmp_path / "before")
    if left == "begun":
        month_file(desk.settings, KILLED).write_bytes(b"")
    else:
        leave_half(desk, KILLED, decided=left == "decided")
    assert told_month(desk.settings) == DECIDED
    assert answered(say, request, tmp_path / "after") == whole
    assert say("explain", "customer:1")[0] == 0
    assert say("hold", "place", "customer:1", "--owner", "Ada", "--ground", "litigation", "--expires",
               "2027-01-31")[0] == 0
    code, _, err = say("explain", "customer:1", "--month", KILLED)
    assert (code == 0) == (left == "decided"), err  # who names it is told of it, or what is missing


def test_a_month_that_was_run_to_its_end_is_told_from_at_once(desk: Desk) -> None:
    """Before, the one before; on its end the new one, whose end destroys the other; a later failed run changes none."""
    with open_month(desk.settings, KILLED, "whole") as run:
        run_decisions(run)
        assert told_month(desk.settings) == KILLED  # it is being run: readers are refused, not led past it
        run.finish()
    assert not month_file(desk.settings, DECIDED).exists()
    assert told_month(desk.settings) == KILLED


def test_a_killed_second_run_says_what_to_run(desk: Desk, say: Say, tmp_path: Path) -> None:
    """Its finished file was replaced by half a one: nothing older stands, so one sentence, and nothing is written."""
    request = asked(say, "access", "1")
    whole = answered(say, request, tmp_path / "before")
    leave_half(desk, DECIDED)
    for arguments in (("request", "answer", request, "--out", str(tmp_path / "out")), ("request", "list")):
        code, out, err = say(*arguments)
        assert (code, out) == (2, "")
        assert "its last run did not end: run the month again with `ajprivacy run --month 2026-10`" in err
    assert not (tmp_path / "out").exists()
    with open_month(desk.settings, DECIDED, "again") as run:
        run_decisions(run)
        run.finish()
    assert answered(say, request, tmp_path / "after") == whole


@pytest.mark.soak
def test_what_a_killed_run_left_is_built_anew_without_who_is_erased(desk: Desk, say: Say, tmp_path: Path) -> None:
    """An erasure is planned and carried out; neither the finished month's file nor the left one holds her any more."""
    leave_half(desk, KILLED)
    request = asked(say, "erasure", "2")
    made = json.loads(say("plan", "make", "--request", request, "--json")[1])
    approve(desk.settings, made["plan"], "Ada", release_brake=True)
    assert json.loads(say("plan", "apply", made["plan"], "--json")[1])["verified"]
    assert say("request", "answer", request, "--out", str(tmp_path / "out"))[0] == 0
    keys = KeyStore(desk.settings.keys, desk.settings.root_key)
    for month in (DECIDED, KILLED):
        with zones.open_zone(desk.settings, keys, month_file(desk.settings, month), read_only=True) as con:
            left = con.execute("SELECT gender FROM raw.customers WHERE customer_id = '2'").fetchall()
            assert left == [(None,)], month
    assert told_month(desk.settings) == DECIDED


@pytest.mark.soak
@pytest.mark.parametrize("moment", ["staged.", "anonymous."])
@pytest.mark.parametrize("month", ["2026-09", "2026-10"])
def test_a_run_is_really_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                                month: str, moment: str) -> None:
    """With SIGKILL, as it stages and as it releases: the month before answers, or a sentence; then it is run again."""
    write_shop(f"sqlite:///{tmp_path / 'shop.db'}", SHOP)
    desk = Desk(tmp_path / "home", f"sqlite:///{tmp_path / 'shop.db'}", monkeypatch)

    def say(*arguments: str) -> tuple[int, str, str]:
        return desk.run(capsys, *arguments)

    with open_month(desk.settings, "2026-09", "test") as run:
        run_decisions(run)
        run.finish()
    request = asked(say, "access", "1")
    whole = answered(say, request, tmp_path / "before")
    ended = forked.call(["run", "--month", month, moment], desk.env, tmp_path, _DIES)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    code, _, err = say("request", "answer", request, "--out", str(tmp_path / "out"))
    if (month, moment) == ("2026-09", "staged."):
        assert "its last run did not end: run the month again with `ajprivacy run --month 2026-09`" in err
        assert (code, (tmp_path / "out").exists()) == (2, False)
    else:
        assert code == 0, err
        assert (tmp_path / "out" / "package.html").read_text(encoding="utf-8") == whole
    assert forked.call(["run", "--month", month], desk.env, tmp_path).returncode == 0
    assert told_month(desk.settings) == month
    assert answered(say, request, tmp_path / "after")
