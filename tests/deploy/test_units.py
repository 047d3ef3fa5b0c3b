"""The files of deploy/ fit the program: commands, options, variables; and a home comes back from a backup of both."""

import configparser
import shlex
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.main import get_command

from ajprivacy_pipeline.cli.main import app
from ajprivacy_pipeline.settings import load_settings
from tests.assets.conftest import Home

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
EXPIRES = (date.today() + timedelta(days=100)).isoformat()  # noqa: DTZ011 - any day ahead will do
UNITS = sorted(DEPLOY.glob("systemd/*.service"))


def _unit(path: Path) -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=True, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read_string(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_is_there(path: Path) -> None:
    """With options that the command has, as nobody's root, and with a mask that leaves files to their owner."""
    service = _unit(path)["Service"]
    program, name, *options = shlex.split(service["ExecStart"])
    command = get_command(app).get_command(None, name)  # type: ignore[attr-defined,arg-type]
    assert program.endswith("/ajprivacy")
    assert command is not None
    command.make_context(name, options)
    assert (service["User"], service["UMask"], service["NoNewPrivileges"]) == ("ajprivacy", "0077", "yes")
    assert service["EnvironmentFile"] == "/etc/ajprivacy/environment"


def test_watchers_can_start_nothing_and_have_no_daemon() -> None:
    assert "--read-only" in _unit(DEPLOY / "systemd" / "ajprivacy-watch.service")["Service"]["ExecStart"]
    assert "--read-only" not in _unit(DEPLOY / "systemd" / "ajprivacy.service")["Service"]["ExecStart"]
    assert _unit(DEPLOY / "systemd" / "ajprivacy-health.service")["Service"]["SuccessExitStatus"] == "4"


def test_the_example_sets_variables_that_are_read() -> None:
    lines = [line for line in (DEPLOY / "environment.example").read_text(encoding="utf-8").splitlines()
             if line and not line.startswith("#")]
    values = dict(line.split("=", 1) for line in lines)
    assert all(name in (load_settings.__doc__ or "") for name in values)
    settings = load_settings(values)
    assert (settings.memory_limit, settings.threads, len(settings.alerts)) == (4 * 10**9, 4, 1)


@pytest.mark.soak
def test_control_store_and_keys_come_back_together_or_not_at_all(tmp_path: Path) -> None:
    """A backup of the folders belongs together: with an older control store beside newer keys nothing runs."""
    home = Home(tmp_path / "home")

    def called(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "ajprivacy_pipeline", *arguments], env=home.env, cwd=home.folder,
                              text=True, capture_output=True, check=False)

    def placed() -> subprocess.CompletedProcess[str]:
        return called("hold", "place", "app_logs", "--owner", "Ada", "--ground", "litigation",
                      "--expires", EXPIRES)

    home.folder.mkdir()
    first = placed()
    assert first.returncode == 0, first.stderr
    backup = home.folder.parent / "backup"
    for folder in ("control", "keys"):
        shutil.copytree(home.folder / folder, backup / folder)
    assert placed().returncode == 0
    shutil.rmtree(home.folder / "control")
    shutil.copytree(backup / "control", home.folder / "control")
    alone = called("hold", "list")
    assert alone.returncode == 2
    assert "the control store has lost something" in alone.stderr
    shutil.rmtree(home.folder / "keys")
    shutil.copytree(backup / "keys", home.folder / "keys")
    assert called("hold", "list").returncode == 0
