"""The commands `ledger` and `certificate`: what they print, and how they end."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import pytest

from ajprivacy_pipeline.cli import keys as keys_commands
from ajprivacy_pipeline.cli import main as cli
from ajprivacy_pipeline.enforcement.head import NAME
from ajprivacy_pipeline.enforcement.ledger import Token, open_ledger
from ajprivacy_pipeline.enforcement.recover import recover
from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.settings import Settings, load_settings, prepare_home
from tests.enforcement.month import BATCHES, carry_out

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home whose ledger is empty."""
    monkeypatch.setenv("AJPRIVACY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(keys_commands, "today", lambda: date(2026, 11, 27))
    made = load_settings()
    prepare_home(made)
    return made


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home that carried out a month."""
    made = load_settings({"AJPRIVACY_HOME": str(tmp_path_factory.mktemp("filled"))})
    prepare_home(made)
    carry_out(open_ledger(made))
    return made


@pytest.fixture
def filled(filled_once: Settings, settings: Settings) -> Settings:
    """A copy of it."""
    shutil.copytree(filled_once.home, settings.home, dirs_exist_ok=True)
    return settings


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command; its exit code, stdout and stderr."""
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ajprivacy", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return int(left.value.code or 0), *capsys.readouterr()
    return run


def spoil(settings: Settings, statement: str) -> None:
    with closing(sqlite3.connect(settings.control / "control.db")) as con, con:
        con.execute(statement)


def test_an_empty_ledger(settings: Settings, call: Call) -> None:
    assert call("ledger", "list") == (0, "0 entries\n", "")
    assert call("ledger", "list", "--json") == (0, "[]\n", "")
    assert call("ledger", "verify") == (0, "the ledger is whole: nothing is recorded yet\n", "")
    assert call("ledger", "find", "12") == (0, "nothing is recorded about this id\n", "")
    code, out, err = call("certificate", "--month", "2026-10", "--out", str(settings.home / "out"))
    assert (code, out) == (2, "")
    assert "no plan of 2026-10 was carried out, so there is nothing to certify" in err
    assert not (settings.home / "out").exists()


def test_list(filled: Settings, call: Call) -> None:
    code, out, _ = call("ledger", "list")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert lines[0] == ["entry", "recorded", "(UTC)", "kind", "plan", "month", "hash", "what"]
    assert [line[3] for line in lines[1:-1]] == ["plan_made", "approved", "batch", "batch", "verified"]
    assert "batch 1: 5 decisions about 2 people" in out
    assert "by ada" in out
    assert "8 of 11 decisions" in out
    assert lines[-1] == ["5", "entries"]
    found = json.loads(call("ledger", "list", "--json")[1])
    assert [entry["seq"] for entry in found] == [1, 2, 3, 4, 5]
    assert found[2]["body"]["counts"] == BATCHES[0]["counts"]
    assert "customer:" not in json.dumps(found)


def test_verify(filled: Settings, call: Call) -> None:
    head = open_ledger(filled).check()
    assert call("ledger", "verify") == (0, f"the ledger is whole: 5 entries, head {head.hash}\n", "")
    assert json.loads(call("ledger", "verify", "--json")[1]) == {
        "entries": 5, "head": {"seq": 5, "hash": head.hash}, "whole": True, "faults": []}


@pytest.mark.parametrize(("statement", "said"), [
    ("UPDATE ledger SET body = replace(body, '9', '8') WHERE seq = 1", "entry 1 was changed"),
    ("DELETE FROM ledger WHERE seq = 2", "entry 2 is missing"),
    ("DELETE FROM ledger WHERE seq = 5", "it was cut at its end"),
    ("UPDATE ledger_tokens SET clauses = 'x' WHERE seq = 4", "the tokens of entry 4 are not those")])
def test_a_broken_ledger_ends_with_2(filled: Settings, call: Call, statement: str, said: str) -> None:
    spoil(filled, statement)
    code, out, err = call("ledger", "verify")
    assert (code, out) == (2, "")
    assert "the ledger has 1 fault(s); restore the control store and keys/ of the same day:\n  - " in err
    assert said in err
    code, out, _ = call("ledger", "verify", "--json")
    assert (code, json.loads(out)["whole"], len(json.loads(out)["faults"])) == (2, False, 1)
    for words in (("certificate", "--month", "2026-10", "--out", str(filled.home / "out")), ("ledger", "find", "12")):
        code, out, err = call(*words)
        assert (code, out, said in err) == (2, "", True)
    with pytest.raises(ControlError, match=said):
        recover(filled, "Ada")
    assert not (filled.home / "out").exists()


def test_two_faults_are_two_sentences(filled: Settings, call: Call) -> None:
    spoil(filled, "DELETE FROM ledger WHERE seq = 2")
    (filled.keys / NAME).unlink()
    code, _, err = call("ledger", "verify")
    assert (code, err.count("\n  - ")) == (2, 2)


def test_an_entry_that_cannot_be_read_is_one_sentence(filled: Settings, call: Call) -> None:
    spoil(filled, "UPDATE ledger SET body = '[1' WHERE seq = 2")
    for arguments, said in ((("list",), "entry 2 of the ledger cannot be read"),
                            (("find", "12"), "entry 2 was changed")):
        code, _, err = call("ledger", *arguments)
        assert code == 2
        assert said in err
        assert "Traceback" not in err


@pytest.mark.parametrize(("subject", "lines"), [
    ("customer:1", ["2026-11-26  CON-4"]), ("customer:12", ["2026-11-27  CON-4"]), ("contact:2", ["2026-11-26  CON-4"]),
    ("1", ["2026-11-26  CON-4"]), ("2", ["2026-11-26  CON-4"]), ("12", ["2026-11-27  CON-4"])])
def test_find_says_date_and_clause_and_nothing_else(
    filled: Settings, call: Call, subject: str, lines: list[str],
) -> None:
    assert call("ledger", "find", subject) == (0, "".join(f"{line}\n" for line in lines), "")
    found = json.loads(call("ledger", "find", subject, "--json")[1])
    assert found == [{"date": line.split()[0], "clause": line.split()[1]} for line in lines]


@pytest.mark.parametrize("subject", ["customer:2", "contact:1", "contact:12", "3", "", "customer:", "order:12", "1 "])
def test_find_of_an_unknown_id(filled: Settings, call: Call, subject: str) -> None:
    assert call("ledger", "find", subject) == (0, "nothing is recorded about this id\n", "")
    assert call("ledger", "find", subject, "--json") == (0, "[]\n", "nothing is recorded about this id\n")


def test_find_after_a_years_key_is_destroyed(filled: Settings, call: Call) -> None:
    ledger = open_ledger(filled)
    old = {**BATCHES[0], "carried_out_on": "2020-12-31", "batch": 7}
    ledger.append("batch", old, [Token("customer:1", "2020-11", "IND-2")], at=datetime(2021, 1, 1))  # noqa: DTZ001
    assert call("ledger", "find", "1")[1] == "2020-12-31  IND-2\n2026-11-26  CON-4\n"
    assert ledger.forget_years(date(2026, 1, 1), 5) == (2020,)
    code, out, err = call("ledger", "find", "1")
    assert (code, out) == (0, "2026-11-26  CON-4\n")
    assert err == "of 2020 nobody can be found any more: the year's key is gone\n"
    assert call("ledger", "verify")[0] == 0


def test_certificate(filled: Settings, call: Call) -> None:
    out = filled.home / "out"
    code, said, err = call("certificate", "--month", "2026-10", "--out", str(out))
    assert (code, err) == (0, "")
    assert said.splitlines() == [str(out / f"certificate-2026-10{end}") for end in (".html", ".en.html", ".json")]
    assert json.loads((out / "certificate-2026-10.json").read_text(encoding="utf-8"))["rows"] == 8
    assert '<html lang="nb">' in (out / "certificate-2026-10.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in (out / "certificate-2026-10.en.html").read_text(encoding="utf-8")
    code, _, err = call("certificate", "--month", "oktober", "--out", str(out))
    assert (code, "write it as YYYY-MM" in err) == (2, True)


def test_going_on_with_a_new_store_is_written_into_the_ledger(filled: Settings, call: Call) -> None:
    """What was recorded is lost; that somebody said so is the first entry of what follows, and the ledger is whole."""
    head = open_ledger(filled).check()
    (filled.control / "control.db").unlink()
    code, _, err = call("ledger", "verify")
    assert (code, "the control store is gone" in err) == (2, True)
    assert call("keys", "accept-store", "--by", "Ada", "--reason", "nothing_recorded")[0] == 0
    assert call("ledger", "verify")[0] == 0
    (entry,) = json.loads(call("ledger", "list", "--json")[1])
    assert (entry["kind"], entry["body"]) == (
        "started_anew", {"by": "Ada", "reason": "nothing_recorded", "head_before": f"5 {head.hash}"})
