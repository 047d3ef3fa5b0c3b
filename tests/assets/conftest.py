"""A home with a small warehouse, and runs of the monthly job in it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import forked
from tests.assets.tiny import make_shop

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Home:
    """A home folder and the environment of commands in it."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of a command."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AJPRIVACY", "DAGSTER"))}
        return {**kept, "AJPRIVACY_HOME": str(self.folder), "AJPRIVACY_THREADS": "1", "PYTHONPATH": str(ROOT)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `ajprivacy` beside the test."""
        return subprocess.Popen([sys.executable, "-m", "ajprivacy_pipeline", *arguments], env=self.env, text=True,
                                cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `ajprivacy` to its end."""
        return forked.call(arguments, self.env, self.folder)

    def scripted(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script that spoils something and then runs `ajprivacy`."""
        return forked.call(arguments, self.env, self.folder, script)

    def shop(self, *, duplicate_canary: bool = False) -> None:
        """Put the tiny warehouse where the sample shop would be."""
        path = self.folder / "sample" / "shop.db"
        path.unlink(missing_ok=True)
        make_shop(path, duplicate_canary=duplicate_canary)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    folder = tmp_path / "hjem på æ ._-"
    folder.mkdir()
    return Home(folder)
