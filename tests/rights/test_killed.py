"""From request to answer, killed before any commit and any rename of a file: resumed, it ends as if nothing was."""

import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.ledger import open_ledger
from tests import forked
from tests.enforcement.enforcement_world import empty_database
from tests.rights.conftest import decide
from tests.rights.shop import POLICY, Desk

pytestmark = pytest.mark.soak

# What changes anything for good is a commit of a database or a file that takes its place.
_DIES = """
import os, signal, sys
from datetime import date
import sqlalchemy as sa
from ajprivacy_pipeline.cli import main, requests
requests.today = lambda: date(2026, 11, 28)
left = [int(sys.argv.pop())]
def reached(*_):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
sa.event.listen(sa.Engine, "commit", reached)
sys.addaudithook(lambda event, _: reached() if event == "os.rename" else None)
main.main()
"""
_STEPS = ("add", "verify-identity", "make", "approve", "apply", "answer", "close")
_QUICK = {"apply": (4,)}
_MANY = 60  # more than a command has points


def _is_done(said: str) -> bool:
    """Whether a command found that it had done everything before it was killed."""
    return any(words in said for words in ("already", "may not be taken while it is", "is approved"))


@dataclass
class Case:
    """One request; each command is first killed at some of its points, in processes of their own, then run."""

    desk: Desk
    capsys: pytest.CaptureFixture[str]
    kind: str
    points: dict[str, tuple[int, ...]]
    folder: Path
    kills: int = 0

    def run(self, step: str, *arguments: str) -> str:
        """Run a command killed at each of its points in turn, then to its end; returns what it printed then."""
        for number in self.points.get(step, ()):
            done = forked.call([*arguments, str(number)], self.desk.env, self.folder, _DIES)
            if done.returncode != -signal.SIGKILL:  # it has no such point any more
                assert done.returncode == 0 or _is_done(done.stderr), (step, number, done.stderr)
                break
            self.kills += 1
            if step == "add" and (rows := json.loads(self.run("list", "request", "list", "--json"))):
                return str(rows[0]["request"])
        code, out, err = self.desk.run(self.capsys, *arguments)
        assert code == 0 or _is_done(err), (step, err)
        return out

    def whole(self, out: Path) -> dict[str, Any]:
        """From request to answer; returns the answer."""
        request = self.run("add", "request", "add", "--kind", self.kind, "--customer", "1", "--received",
                           "2026-11-20").strip()
        if self.kind == "erasure":
            self.run("verify-identity", "request", "verify-identity", request)
        plan = json.loads(self.run("make", "plan", "make", "--request", request, "--json"))["plan"]
        self.run("approve", "plan", "approve", plan, "--by", "Ada", "--release-brake")
        assert json.loads(self.run("apply", "plan", "apply", plan, "--json"))["verified"]
        self.run("answer", "request", "answer", request, "--out", str(out))
        self.run("close", "request", "close", request)
        found: dict[str, Any] = json.loads((out / "package.json").read_text(encoding="utf-8"))
        assert json.loads(self.run("show", "request", "show", request, "--json"))["state"] == "done"
        return {**found, "request": {**found["request"], "id": ""}}

    def end(self) -> tuple[dict[str, list[tuple[Any, ...]]], dict[tuple[str, str], int]]:
        """Every row of the contract's tables, and the rows of each part that the ledger has, which is whole."""
        engine, ledger = sa.create_engine(self.desk.env["AJPRIVACY_WAREHOUSE"]), open_ledger(self.desk.settings)
        with engine.connect() as connection:
            rows = {table: sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {table}")), key=str)
                    for table in POLICY.sources.tables}
        engine.dispose()
        assert ledger.verify().faults == ()
        done: dict[tuple[str, str], int] = {}
        for entry in ledger.entries():
            for count in entry.body.get("counts", ()):
                part = count["entity"], count["part"]
                done[part] = done.get(part, 0) + count["rows"]
        return rows, done


def check(made: Callable[[Path], Desk], capsys: pytest.CaptureFixture[str], kind: str,
          points: dict[str, tuple[int, ...]], tmp_path: Path) -> Case:
    ends = []
    for name, some in (("straight", {}), ("killed", points)):
        case = Case(made(tmp_path / name), capsys, kind, some, tmp_path)
        ends.append((case.whole(tmp_path / f"{name}-answer"), *case.end()))
    assert ends[0] == ends[1]
    assert ends[0][0]["parts"] != []
    return case


def test_an_erasure_killed_and_resumed_is_answered_as_if_nothing_had_been(
        decided: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def copied(folder: Path) -> Desk:
        shutil.copytree(decided, folder)
        return Desk(folder / "home", f"sqlite:///{folder / 'shop.db'}", monkeypatch)

    assert check(copied, capsys, "erasure", _QUICK, tmp_path).kills == sum(map(len, _QUICK.values()))


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["erasure", "objection"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql", "mariadb"])
def test_the_same_at_every_point_of_every_command(
        database: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
        request: pytest.FixtureRequest) -> None:
    def empty(folder: Path) -> Desk:
        folder.mkdir()
        return decide(folder, empty_database(database, request, folder, folder.name), monkeypatch)

    every = dict.fromkeys(_STEPS, tuple(range(1, _MANY)))
    assert check(empty, capsys, kind, every, tmp_path).kills > len(_STEPS)
