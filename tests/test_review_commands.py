"""`ajprivacy review` and `ajprivacy hold`: what is printed, what the next run makes of it, what is refused."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.cli import main as cli
from ajprivacy_pipeline.cli import people
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file
from tests.explain.world import MONTH, home
from tests.review_world import everything, shop

TODAY = date(2026, 11, 3)
NEXT, LATER = "2026-11", "2026-12"
Call = Callable[..., str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with one decided month."""
    return home(tmp_path_factory.mktemp("home"), shop())


@pytest.fixture
def settings(made: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A copy of it of the test's own, in which the commands work, on the third of November."""
    shutil.copytree(made.home, tmp_path / "home")
    monkeypatch.setenv("AJPRIVACY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AJPRIVACY_THREADS", "1")
    monkeypatch.setattr(people, "today", lambda: TODAY)
    return replace(made, home=tmp_path / "home")


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command that must end with 2 and print nothing but a message; returns the message."""
    def run(*arguments: str, code: int = 2) -> str:
        monkeypatch.setattr(sys, "argv", ["ajprivacy", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        assert (left.value.code or 0) == code, err
        assert not (out and err)
        return str(out or err)
    return run


@pytest.fixture
def call(refuse: Call) -> Call:
    """Run a command that must end with 0; returns what it prints."""
    return lambda *arguments: refuse(*arguments, code=0)


def decided_as(settings: Settings, month: str, subject: str) -> tuple[str, list[str]]:
    """Decision and held_by of a name once the month is run with what people have recorded."""
    home(settings.home, shop(), month)
    keys = KeyStore(settings.keys, settings.root_key)
    with zones.open_zone(settings, keys, month_file(settings, month), read_only=True) as con:
        found = con.execute("SELECT decision, held_by FROM retention.attribute_decisions "
                            "WHERE subject_id = ? AND attribute = 'name'", [subject]).fetchall()
    return found[0][0], found[0][1]


def cases(call: Call, month: str, subject: str) -> dict[str, dict[str, Any]]:
    """The month's cases of a subject by their reason, as `review list --json` gives them."""
    return {row["reason"]: row for row in json.loads(call("review", "list", "--month", month, "--json"))
            if row["subject_id"] == subject}


def test_the_list_says_what_waits_since_when_and_how_it_was_answered(settings: Settings, call: Call) -> None:
    """Oldest first; a decision stands beside its case; the JSON says the same."""
    lines = call("review", "list").splitlines()
    assert lines[0].split() == ["reason", "subject", "record", "may", "be", "age", "decision"]
    assert lines[1].split()[:2] == ["open_balance_review", "customer:1"]
    assert lines[1].split()[2:4] == ["-", "release|keep"]
    assert {line.index("  ", line.index("release|keep")) for line in lines[1:-1] if "release|keep" in line} == {
        lines[1].index("release|keep") + len("release|keep")}, "however long a name before it is"
    assert lines[1].split()[4:] == [str((date(2026, 11, 1) - date(2015, 1, 15)).days), "days", "undecided"]
    assert lines[-1] == f"{len(lines) - 2} case(s)"
    assert "not under review" not in call("review", "decide", "contact:42", "keep", "--by", "Ada",
                                          "--reason", "collection", "--kind", "open_balance")
    answered = cases(call, MONTH, "contact:42")["open_balance_review"]

    assert (answered["decision"], answered["decided_by"], answered["decided_on"]) == ("keep", "Ada", "2026-11-03")
    assert [line.split()[-3:] for line in call("review", "list").splitlines()
            if line.split()[:2] == ["open_balance_review", "contact:42"]] == [["keep", "on", "2026-11-03"]]


@pytest.mark.soak
def test_what_is_released_goes_with_the_next_run(settings: Settings, call: Call) -> None:
    """The freeze is gone, the case too; the month that was decided before stays as it was."""
    assert decided_as(settings, NEXT, "customer:1") == ("hold", ["no_evidence", "open_balance"])
    said = call("review", "decide", "customer:1", "release", "--by", "Ada", "--reason", "written_off",
                "--kind", "open_balance", "--month", MONTH)
    assert said.startswith("decision 1: customer:1 release (open_balance), 2 invoice(s)")
    call("review", "decide", "customer:1", "release", "--by", "Bo", "--reason", "no_ground_found",
         "--kind", "no_evidence", "--month", MONTH)

    assert decided_as(settings, MONTH, "customer:1") == ("hold", ["no_evidence", "open_balance"])
    assert decided_as(settings, NEXT, "customer:1") == ("due", [])
    assert cases(call, NEXT, "customer:1") == {}


@pytest.mark.soak
def test_what_is_kept_is_asked_again_the_month_after(settings: Settings, call: Call) -> None:
    """The balance is considered monthly (CON-5): a decision to keep answers one month's case."""
    call("review", "decide", "customer:1", "keep", "--by", "Ada", "--reason", "collection", "--kind", "open_balance")
    assert cases(call, MONTH, "customer:1")["open_balance_review"]["decision"] == "keep"

    assert decided_as(settings, NEXT, "customer:1") == ("hold", ["no_evidence", "open_balance"])
    assert cases(call, NEXT, "customer:1")["open_balance_review"]["decision"] is None


@pytest.mark.soak
def test_a_hold_stops_the_next_run_until_it_is_lifted(settings: Settings, call: Call) -> None:
    """Placed, listed, renewed, lifted: a row each, none of them changed later."""
    call("review", "decide", "customer:2", "release", "--by", "Ada", "--reason", "no_ground_found")
    assert decided_as(settings, NEXT, "customer:2") == ("due", [])
    placed = call("hold", "place", "customer:2", "--owner", "Legal", "--ground", "litigation",
                  "--expires", "2027-03-01")
    assert placed == "hold 1 placed on customer:2: held\n"
    assert decided_as(settings, NEXT, "customer:2") == ("hold", ["legal_hold"])
    before = everything(settings)
    assert call("hold", "renew", "1", "--expires", "2027-09-01") == "hold 1 renewed until 2027-09-01\n"
    assert [line.split() for line in call("hold", "list").splitlines()[:2]] == [
        ["hold", "subject", "ground", "owner", "placed", "expires", "state"],
        ["1", "customer:2", "litigation", "Legal", "2026-11-03", "2027-09-01", "active"]]
    assert call("hold", "lift", "1", "--by", "Ada") == "hold 1 lifted\n"

    assert [row["event"] for row in everything(settings)[0]] == ["placed", "renewed", "lifted"]
    assert everything(settings)[0][:1] == before[0]
    assert everything(settings)[1:] == before[1:]
    assert json.loads(call("hold", "list", "--json"))[0]["state"] == "lifted"
    assert decided_as(settings, NEXT, "customer:2") == ("due", [])


@pytest.mark.soak
def test_a_hold_that_has_expired_still_holds_and_is_asked_about(
    settings: Settings, call: Call, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is destroyed because somebody forgot to renew; it can be renewed late."""
    call("review", "decide", "customer:2", "release", "--by", "Ada", "--reason", "no_ground_found")
    call("hold", "place", "customer:2", "--owner", "Legal", "--ground", "audit", "--expires", "2026-12-15")
    monkeypatch.setattr(people, "today", lambda: date(2027, 1, 4))

    assert decided_as(settings, LATER, "customer:2") == ("hold", ["legal_hold"])
    assert "expiring_hold" in cases(call, LATER, "customer:2")
    assert "expired, renew or lift it" in call("hold", "list")
    call("hold", "renew", "1", "--expires", "2027-06-01")
    assert "active" in call("hold", "list")
    assert decided_as(settings, LATER, "customer:2") == ("hold", ["legal_hold"])
    assert "expiring_hold" not in cases(call, LATER, "customer:2")


@pytest.mark.soak
def test_a_message_of_nobodys_is_listed_decided_and_not_asked_about_for_a_year(settings: Settings, call: Call) -> None:
    """As the list names it, so it is decided about; the next month's list is without it."""
    def lines(month: str) -> list[list[str]]:
        return [line.split() for line in call("review", "list", "--month", month).splitlines()
                if line.startswith("until_further_notice")]

    days = str((date(2026, 11, 1) - date(2024, 5, 6)).days)
    assert lines(MONTH) == [["until_further_notice", "-", "communications:old", "keep", days, "days",
                            "undecided"]]
    said = call("review", "decide", "communications:old", "keep", "--by", "Ada", "--reason", "still_needed")
    assert said.startswith("decision 1: communications:old keep (until_further_notice); it counts from the next run")
    assert lines(MONTH)[0][-3:] == ["keep", "on", "2026-11-03"]

    home(settings.home, shop(), NEXT)
    assert lines(NEXT) == []


DECIDE = ("--by", "Ada", "--reason", "no_ground_found")
PLACE = ("--owner", "Legal", "--ground", "litigation", "--expires", "2027-03-01")


@pytest.mark.parametrize(("arguments", "words"), [
    (("review", "list", "--month", "2026-01"), "never run, or was destroyed"),
    (("review", "list", "--month", "january"), "write it as YYYY-MM"),
    (("review", "decide", "customer:99", "release", *DECIDE), "not in the month's data"),
    (("review", "decide", "2", "release", *DECIDE), "customer:ID or contact:ID"),
    (("review", "decide", "customer:2", "forget", *DECIDE), "choose release or keep"),
    (("review", "decide", "customer:2", "release", "--by", "Ada", "--reason", "because"), "choose one of"),
    (("review", "decide", "customer:2", "release", "--by", "Ada"), "--reason"),
    (("review", "decide", "customer:2", "release", "--reason", "no_ground_found"), "--by"),
    (("review", "decide", "customer:2", "release", *DECIDE, "--month", "2026-01"), "never run, or was destroyed"),
    (("review", "decide", "customer:3", "release", *DECIDE), "not under review"),
    (("review", "decide", "communications:old", "release", *DECIDE), "no end of its own (PRO-3)"),
    (("review", "decide", "communications:new", "keep", "--by", "Ada", "--reason", "still_needed"), "not under review"),
    (("review", "decide", "communications:old", "keep", "--by", "Ada"), "--reason"),
    (("hold", "place", "customer:99", *PLACE), "not in the month's data"),
    (("hold", "place", "products", *PLACE), "neither customer:ID"),
    (("hold", "place", "customer:2", "--owner", "Legal", "--expires", "2027-03-01"), "--ground"),
    (("hold", "place", "customer:2", *PLACE[:3], "", *PLACE[4:]), "choose one of"),
    (("hold", "place", "customer:2", *PLACE[:4]), "--expires"),
    (("hold", "place", "customer:2", *PLACE[:5], "soon"), "write it as YYYY-MM-DD"),
    (("hold", "place", "customer:2", *PLACE[:5], "2026-11-03"), "not in the future"),
    (("hold", "place", "customer:2", *PLACE[:5], "9999-12-31"), "name 2028-11-03 or an earlier day"),
    (("hold", "renew", "1", "--expires", "2028-11-04"), "name 2028-11-03 or an earlier day"),
    (("hold", "renew", "7", "--expires", "2027-06-01"), "no hold 7"),
    (("hold", "renew", "1", "--expires", "2027-01-01"), "name a later day"),
    (("hold", "renew", "one", "--expires", "2027-01-01"), "ID"),
    (("hold", "lift", "7", "--by", "Ada"), "no hold 7"),
    (("hold", "lift", "1"), "--by"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_bad_input_ends_with_2_and_changes_nothing(
    settings: Settings, call: Call, refuse: Call, arguments: tuple[str, ...], words: str,
) -> None:
    """The message says what to fix; the control store is as it was, with its one hold."""
    call("hold", "place", "customer:1", *PLACE)
    before = everything(settings)

    assert words in refuse(*arguments)
    assert everything(settings) == before
