"""What documents name is there: files they link to, headings, commands and their options."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from ajprivacy_pipeline.cli.main import app

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def _anchors(path: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?://|mailto:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            lost.append(link)
    assert lost == []


def _commands(text: str) -> Iterator[str]:
    """Each command that stands in code: what follows `ajprivacy ` to the end of the line or of the code."""
    fences = "".join(re.findall(r"^```\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE))
    blocks = "".join(re.findall(r"^    .*\n", text, flags=re.MULTILINE))
    for line in re.findall(r"^ *(?:[A-Z_]+=\S+ |\*/15 \* \* \* \* +)?ajprivacy (.+)$", fences + blocks, re.MULTILINE):
        yield re.split(r"\s+[>#&|]", line)[0]
    yield from re.findall(r"`ajprivacy ([^`]+)`", re.sub(r"^    .*$", "", text, flags=re.MULTILINE).replace("\n", " "))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_are_there(page: Path) -> None:
    """A command of a document is one of the program, and so is each option that it is given."""
    unknown = []
    for told in _commands(page.read_text(encoding="utf-8")):
        command, words = get_command(app), shlex.split(told)
        while words and hasattr(command, "commands") and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        if ((hasattr(command, "commands") and words and not words[0].startswith("-"))
                or [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]):
            unknown.append(told)
    assert unknown == []
