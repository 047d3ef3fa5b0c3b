"""A small shop written by hand, in which every request has one right answer, and the commands over it."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.cli import main as cli
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE, Settings, load_settings, prepare_home

POLICY = load_policy(NOTICE)
TODAY = date(2026, 11, 28)
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def write_shop(url: str, rows: Rows) -> None:
    """Make every table of the contract, under its own names, and fill it."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for name, table in POLICY.sources.tables.items():
            columns = [sa.Column(column, sa.String(200) if column in table.key else sa.String(500),
                                 primary_key=column in table.key) for column in table.columns]
            made = sa.Table(name, sa.MetaData(), *columns)
            made.create(connection)
            if rows.get(name):
                connection.execute(made.insert(), [{column: row.get(column) for column in table.columns}
                                                   for row in rows[name]])
    engine.dispose()


class Killed(BaseException):
    """Ends a command where it stands, as nothing that it catches would."""


class Desk:
    """One home over one warehouse, and the command line over both."""

    def __init__(self, home: Path, url: str, monkeypatch: pytest.MonkeyPatch, **env: str) -> None:
        """Use a home; the warehouse is there already."""
        self.env = {"AJPRIVACY_HOME": str(home), "AJPRIVACY_WAREHOUSE": url, "AJPRIVACY_THREADS": "1", **env}
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)
        self._monkeypatch = monkeypatch
        self.on(TODAY)
        prepare_home(self.settings)

    @property
    def settings(self) -> Settings:
        """The settings of the home."""
        return load_settings(self.env)

    def on(self, day: date) -> None:
        """Let it be another day for the commands."""
        for module in ("requests", "registers"):
            self._monkeypatch.setattr(f"ajprivacy_pipeline.cli.{module}.today", lambda: day)

    def execute(self, statement: str) -> None:
        """Change the warehouse, as another system would."""
        engine = sa.create_engine(self.env["AJPRIVACY_WAREHOUSE"])
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def run(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
        """Run a command; returns its exit code, what it printed, and what it said on stderr."""
        self._monkeypatch.setattr("sys.argv", ["ajprivacy", *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    def shown(self, capsys: pytest.CaptureFixture[str], request: str) -> dict[str, Any]:
        """A request as `request show --json` has it."""
        code, out, err = self.run(capsys, "request", "show", request, "--json")
        assert code == 0, err
        found: dict[str, Any] = json.loads(out)
        return found
