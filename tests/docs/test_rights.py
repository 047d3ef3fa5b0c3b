"""Every command in docs/rights.md runs, in the order in which it stands there."""

import re
import shlex
from pathlib import Path

import pytest

from ajprivacy_pipeline.rights.states import table
from tests.rights.shop import Desk, write_shop

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "rights.md"
SHOP = {"customers": [{"customer_id": "123", "customer_type": "consumer", "name": "Kari Nordmann",
                       "email": "kari@example.no", "profile_created_at": "2020-01-01"}]}


def test_the_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    write_shop(url, SHOP)
    desk, request = Desk(tmp_path / "home", url, monkeypatch), "none yet"
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^    ajprivacy (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(commands) == 27
    for command in commands:
        words = [request if word == "ID" else word for word in shlex.split(command)]
        code, out, err = desk.run(capsys, *words)
        assert (code, err) == (0, ""), command
        if words[:2] == ["request", "add"]:
            request = out.strip()
    assert "Kari Nordmann" in (tmp_path / "answer" / "package.html").read_text(encoding="utf-8")
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "answer").iterdir()}
    assert "RGT-8" in (tmp_path / "refusal" / "package.html").read_text(encoding="utf-8")


def test_every_state_is_told() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [state for state in table().states if f"`{state}`" not in text] == []
