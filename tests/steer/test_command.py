"""The commands of the policy: JSON for scripts, exit code 2 for an error the user can fix, nothing half-written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ajprivacy_pipeline.cli import main as cli
from ajprivacy_pipeline.settings import NOTICE, Settings
from tests.steer.conftest import MONTH


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
