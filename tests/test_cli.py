"""The command line: help for everything, exit codes, JSON, and words that say what to do."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import typer
from typer import Context

from ajprivacy_pipeline import errors
from ajprivacy_pipeline.cli.console import _WIDTH, _broken, _gates
from ajprivacy_pipeline.cli.help import ORDER
from ajprivacy_pipeline.cli.main import app
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.settings import CHECKOUT, NOTICE
from tests import forked


def _commands(group: typer.Typer, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    for command in group.registered_commands:
        assert command.callback is not None
        found.append((*path, command.name or command.callback.__name__))
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        found += _commands(inner.typer_instance, (*path, str(inner.name)))
    return found


def _call(home: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AJPRIVACY", "DAGSTER"))}
    return forked.call(arguments, {**kept, "AJPRIVACY_HOME": str(home / "home"), "COLUMNS": "200", **env}, home)


@pytest.mark.parametrize("command", _commands(app), ids=" ".join)
def test_every_command_has_help(command: tuple[str, ...], tmp_path: Path) -> None:
    """Each says in a line what it does, and each option too."""
    done = _call(tmp_path, *command, "--help")

    assert done.returncode == 0
    assert "Usage:" in done.stdout
    assert "<bool>" not in done.stdout
    assert not (tmp_path / "home").exists()


def test_every_option_is_explained() -> None:
    """No option without help."""
    from typer.main import get_command
    todo = [get_command(app)]
    while todo:
        command = todo.pop()
        todo += getattr(command, "commands", {}).values()
        assert command.help
        assert all(getattr(parameter, "help", None) for parameter in command.params), command.name


@pytest.mark.parametrize(("arguments", "env", "words"), [
    (("run",), {}, "ajprivacy sample"),
    (("run", "--month", "2026-13"), {"AJPRIVACY_WAREHOUSE": "sqlite:///nothing.db"}, "write it as YYYY-MM"),
    (("run", "--month", "2099-01"), {"AJPRIVACY_WAREHOUSE": "sqlite:///nothing.db"}, "not over yet"),
    (("run", "--month", "2026-08"), {"AJPRIVACY_WAREHOUSE": "sqlite:///nothing.db"}, "nothing.db"),
    (("run", "--month", "2026-08"), {"AJPRIVACY_WAREHOUSE": "no url at all"}, "AJPRIVACY_WAREHOUSE"),
    (("run", "--month", "2026-08"), {"AJPRIVACY_WAREHOUSE": "postgresql://u:geheim@127.0.0.1:1/x"}, "127.0.0.1"),
    (("run",), {"AJPRIVACY_THREADS": "many"}, "AJPRIVACY_THREADS"),
    (("decisions", "--month", "2026-08", "--out", "out"), {}, "it was never run, or was destroyed"),
    (("decisions", "--month", "august", "--out", "out"), {}, "write it as YYYY-MM"),
    (("sample", "--until", "yesterday"), {}, "write it as YYYY-MM-DD"),
    (("mapping", "check"), {}, "ajprivacy sample"),
    (("mapping", "init"), {}, "ajprivacy sample"),
    (("releases", "reissue", "--month", "2026-08"), {}, "nothing to issue again"),
    (("run", "--month", "2026-08", "--history-from", "earlier"), {"AJPRIVACY_WAREHOUSE": "sqlite:///nothing.db"},
     "write it as YYYY-MM"),
    (("keys", "fingerprint"), {"AJPRIVACY_ROOT_KEY": "short"}, "64 hex digits"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_what_the_user_can_mend_ends_with_2(
    arguments: tuple[str, ...], env: dict[str, str], words: str, tmp_path: Path,
) -> None:
    """One message on stderr, nothing on stdout, no traceback, no secret, nothing half-written."""
    done = _call(tmp_path, *arguments, **env)

    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "geheim" not in done.stderr
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "home" / "published" / "analytics.duckdb").exists()


def test_unknown_option_ends_with_2(tmp_path: Path) -> None:
    """As every command line does."""
    assert _call(tmp_path, "run", "--monht", "2026-08").returncode == 2


def test_json_is_json(tmp_path: Path) -> None:
    """For scripts: stdout holds JSON alone."""
    policy = json.loads(_call(tmp_path, "policy", "check", "--json").stdout)
    keys = json.loads(_call(tmp_path, "keys", "fingerprint", "--json").stdout)

    assert len(policy["version"]) == 16
    assert len(keys["root"]) == 16


def test_sample_then_mapping(tmp_path: Path) -> None:
    """The sample shop needs no mapping; a draft of one is not written over by accident."""
    made = _call(tmp_path, "sample", "--customers", "50", "--seed", "3", "--until", "2026-09-30")
    assert made.returncode == 0, made.stderr
    checked = _call(tmp_path, "mapping", "check", "--json")
    assert checked.returncode == 0, checked.stderr
    assert not [finding for finding in json.loads(checked.stdout) if finding["level"] == "fault"]
    assert _call(tmp_path, "mapping", "init").returncode == 0
    again = _call(tmp_path, "mapping", "init")
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert _call(tmp_path, "mapping", "check").returncode == 0


def test_the_example_of_the_start_is_the_order_of_use() -> None:
    assert [words[0] for words in _examples(str(app.info.epilog))] == [
        "sample", "run", "page", "explain", "plan", "plan", "plan"]
    for code in ("0 done", "1 a bug", "2 an error", "3 a plan was stopped", "4 something needs attention", "130"):
        assert code in str(app.info.epilog)


def test_every_group_shows_examples_that_are_commands() -> None:
    """Each with options that it has, and with all that it must have or a word that says which."""
    from typer.main import get_command
    groups = [(app.info.epilog, "")] + [(inner.typer_instance.info.epilog, f"{inner.name}")
                                        for inner in app.registered_groups if inner.typer_instance]
    for epilog, name in groups:
        shown = _examples(str(epilog))
        assert len(shown) > 1, name
        for words in shown:
            assert words[0] == name or not name
            command = get_command(app)
            while words and words[0] in getattr(command, "commands", {}):
                command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
            assert not hasattr(command, "commands")
            known = {name for parameter in command.params for name in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= known
            needed = [parameter for parameter in command.params if parameter.required]
            given = [word for word in words if not word.startswith("--")]
            assert len(given) >= len(needed), words


def _examples(text: str) -> list[list[str]]:
    """The words of each example of a help page, after `ajprivacy`."""
    return [re.split(r"\s{2,}", line.strip())[0].split()[1:] for line in text.splitlines()
            if line.startswith("  ajprivacy ")]


def test_commands_are_listed_in_the_order_of_use() -> None:
    """All of them: one that is left out of the order would not be shown."""
    from typer.main import get_command
    assert sorted(ORDER) == sorted(getattr(get_command(app), "commands", {}))


def test_help_fits_a_terminal_and_cuts_nothing_short() -> None:
    """Eighty columns, whole sentences, and no type where a word says what to give."""
    from typer.main import get_command
    todo = [(get_command(app), ("ajprivacy",))]
    while todo:
        command, path = todo.pop()
        todo += [(inner, (*path, name)) for name, inner in getattr(command, "commands", {}).items()]
        text = command.get_help(Context(command, info_name=" ".join(path), terminal_width=80))
        assert [line for line in text.splitlines() if len(line) > 80 or (line.endswith("...")
                and not line.startswith("Usage:"))] == [], path
        assert re.findall(r"--[a-z-]+ <", text) == []


def test_exit_codes_are_those_of_the_documents() -> None:
    """One table, of what the errors and the command line say; each code stands in the help, too."""
    kinds, found = [errors.PrivacyError], {errors.DONE, errors.A_BUG, errors.NEEDS_ATTENTION, errors.INTERRUPTED}
    while kinds:
        kind = kinds.pop()
        found.add(kind.exit_code)
        kinds += kind.__subclasses__()
    text = (CHECKOUT / "docs" / "commands.md").read_text(encoding="utf-8")
    table = text.partition("| exit code |")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| (\d+) \|", table, re.MULTILINE)

    assert [int(code) for code in listed] == sorted(found)
    told = str(app.info.epilog).partition("Exit codes:")[2]
    assert re.findall(r"\d+", told) == listed


def test_a_name_is_never_longer_than_its_column() -> None:
    """The progress of a run stays in columns: every model has room, and the longest step of a release."""
    names = [*catalogue_of(load_policy(NOTICE)), "release: computing cells in another order"]
    assert max(map(len, names)) < _WIDTH


@pytest.mark.parametrize(("verdicts", "told"), [
    ({"G1": "passed"}, "1 passed (G1)"),
    ({f"G{number}": "passed" for number in (1, 2, 3, 5, 9, 10)}, "6 passed (G1 to G3, G5, G9 to G10)"),
    ({"G1": "passed", "G2": "failed", "G3": "passed", "G4": "not checked"},
     "2 passed (G1, G3); 1 failed (G2); 1 not checked (G4)"),
])
def test_a_summary_says_which_guarantees_have_which_verdict(verdicts: dict[str, str], told: str) -> None:
    assert "; ".join(_gates(verdicts)) == told


@pytest.mark.parametrize(("length", "lines"), [(65, 1), (66, 1), (67, 2)])
def test_a_summary_has_lines_of_eighty_columns(length: int, lines: int) -> None:
    """What somebody copies stays in one line, however long it is."""
    found = _broken("gates", "a" * (length - 2) + " b")
    assert len(found) == lines
    assert max(map(len, found)) <= 80
    assert _broken("gates", "a" * (length - 2) + " %")[-1].endswith("a %")
    assert _broken("query", "/a place/" * 20) == ["  query       " + "/a place/" * 20]
