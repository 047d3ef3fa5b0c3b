"""The commands of the policy: JSON for scripts, exit code 2 for an error the user can fix, nothing half-written."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ajprivacy_pipeline.cli import main as cli
from ajprivacy_pipeline.settings import NOTICE, Settings
from tests.steer.conftest import MONTH

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands work in the decided home."""
    monkeypatch.setenv("AJPRIVACY_HOME", str(settings.home))
    monkeypatch.setenv("AJPRIVACY_THREADS", "1")


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["ajprivacy", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


@pytest.mark.parametrize(("arguments", "keys"), [
    (("clauses",), {"policy_version", "states", "clauses"}),
    (("show",), {"version", "matrix", "periods", "choices", "freezes", "scopes"}),
    (("diff", "current", str(NOTICE)), {"old", "new", "changes"}),
    (("simulate", "current", "--month", MONTH), {"backlog", "flips", "by_purpose", "by_clause", "by_part"}),
    (("forecast", "--month", MONTH), {"now", "held", "no_end_in_sight", "later", "months"}),
    (("ropa",), {"controller", "purposes", "recipients", "warnings"}),
], ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_every_command_speaks_to_people_and_to_scripts(
    arguments: tuple[str, ...], keys: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(monkeypatch, "policy", *arguments) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 2
    assert call(monkeypatch, "policy", *arguments, "--json") == 0
    assert keys <= set(json.loads(capsys.readouterr().out))


def test_a_policy_is_validated_once_until_it_changes_and_never_shown_unless_it_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    """A home that is there keeps what was shown; a fault is refused by the same sentence before and after."""
    home, folder = tmp_path / "home", tmp_path / "notice"
    shutil.copytree(NOTICE, folder)
    monkeypatch.setenv("AJPRIVACY_HOME", str(home))
    monkeypatch.setenv("AJPRIVACY_NOTICE", str(folder))
    assert call(monkeypatch, "policy", "show") == 0
    first = capsys.readouterr().out
    assert not home.exists()
    home.mkdir()
    quick = ("import sys; sys.argv = ['ajprivacy', 'policy', 'show']\nfrom ajprivacy_pipeline.cli.main import main\n"
             "try: main()\nfinally: print('pydantic' in sys.modules)")
    shown = [subprocess.run([sys.executable, "-c", quick], check=True, capture_output=True, text=True,
                            cwd=ROOT).stdout for _ in range(2)]
    assert shown == [first + "True\n", first + "False\n"]

    purposes = folder / "purposes.toml"
    sound, kept = purposes.read_text(encoding="utf-8"), (home / "policy.json").read_bytes()
    purposes.write_text(sound.replace("log_months = { value = 13", "log_months = { value = -1"), encoding="utf-8")
    said = []
    for _ in range(2):
        assert call(monkeypatch, "policy", "show") == 2
        said.append(capsys.readouterr())
    assert said[0] == said[1]
    assert not said[0].out
    assert "purposes.toml: periods.log_months.value: Input should be greater than or equal to 0" in said[0].err
    assert (home / "policy.json").read_bytes() == kept
    purposes.write_text(sound.replace("log_months = { value = 13", "log_months = { value = 14"), encoding="utf-8")
    assert call(monkeypatch, "policy", "show") == 0
    assert re.search(r"log_months +14 ", capsys.readouterr().out)


@pytest.mark.parametrize(("arguments", "words"), [
    (("diff", "current", "nowhere"), "neither a folder"),
    (("diff", "{empty}", "current"), "actions.toml: missing"),
    (("simulate", "nowhere", "--month", MONTH), "neither a folder"),
    (("simulate", "{empty}", "--month", MONTH), "purposes.toml: missing"),
    (("simulate", "current", "--month", "2020-01"), "never made or has been destroyed"),
    (("simulate", "current", "--month", MONTH, "--out", "{empty}/ids"), "inside the restricted zone"),
    (("forecast", "--month", "2020-01"), "never made or has been destroyed"),
    (("forecast", "--month", "20-1"), "write it as YYYY-MM"),
    (("forecast", "--month", MONTH, "--plot", "{empty}/no/such.png"), "cannot be written"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_what_the_user_can_mend_ends_with_2(
    arguments: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    filled = [argument.format(empty=tmp_path / "empty") for argument in arguments]

    assert call(monkeypatch, "policy", *filled) == 2
    out, err = capsys.readouterr()
    assert words in err
    assert out == ""
    assert not list((tmp_path / "empty").iterdir())
