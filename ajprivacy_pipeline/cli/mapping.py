"""Commands about the mapping: which source tables and columns feed the contract.

Belongs here: arguments in, lines out. Does not belong here: work.
"""

import json
import shlex
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ajprivacy_pipeline.cli.help import group
from ajprivacy_pipeline.cli.options import Json, require_warehouse
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.settings import load_settings

if TYPE_CHECKING:
    from ajprivacy_pipeline.policy import Sources
    from ajprivacy_pipeline.recipes.recipe import Question
    from ajprivacy_pipeline.warehouse.mapping import Finding
    from ajprivacy_pipeline.warehouse.source import Source

mapping_app = group(
    "The mapping: which source tables and columns feed the contract.",
    ("mapping init --recipe auto", "of a shop that we know"),
    ("mapping check --rows", "what a run would make of it"))


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(mapping_app, name="mapping")


@mapping_app.command("init")
def mapping_init(
    out: Annotated[Path | None, typer.Option(
        metavar="FILE", help="The file; default: mapping.toml in the home.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    recipe: Annotated[str | None, typer.Option(
        metavar="NAME", help="A shop that many have, by name; `auto` recognises it by its tables.")] = None,
    answer: Annotated[list[str] | None, typer.Option(
        metavar="NAME=VALUE", help="An answer to a question of the recipe; may be given several times. What is not "
                                   "answered is asked on a terminal, and stands by its default elsewhere.")] = None,
    look: Annotated[bool, typer.Option(
        "--values", help="Without a recipe: look at values of the first 500 rows of each table, too, for what names "
                         "leave open or say wrongly. None is written or shown.")] = False,
) -> None:
    """Write a mapping: of a shop that a recipe knows, or drafted from names. No row is read, but with --values."""
    from ajprivacy_pipeline.clock import today
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.warehouse.draft import draft
    from ajprivacy_pipeline.warehouse.source import open_source
    settings = load_settings()
    require_warehouse(settings)
    target = out or settings.home / "mapping.toml"
    if target.exists() and not force:
        raise PrivacyError(f"{target} is there already: name another with --out, or write over it with --force")
    if answer and recipe is None:
        raise PrivacyError("--answer belongs to a recipe: name one with --recipe, or --recipe auto")
    if look and recipe is not None:
        raise PrivacyError("--values belongs to a draft without --recipe")
    policy = load_policy(settings.notice)
    sources = policy.sources
    with open_source(settings.warehouse_url) as source:
        text, lines = (draft(source, sources, today=today(policy.retention.time_zone) if look else None), []
                       ) if recipe is None else _by_recipe(source, recipe, answer or [])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        if recipe is not None:
            lines += _not_read(source, target, sources)
    named = settings.mapping_file is not None and settings.mapping_file.resolve() == target.resolve()
    lines += [] if named else [f"export AJPRIVACY_MAPPING={shlex.quote(str(target))}"]
    typer.echo("\n".join([*lines, f"{target}: read it, correct it, then `ajprivacy mapping check --rows`"]))


def _by_recipe(source: "Source", wanted: str, given: list[str]) -> tuple[str, list[str]]:
    """The mapping of a shop that a recipe knows, and what to say about it."""
    from ajprivacy_pipeline.recipes.answers import answers_for, parse_answers
    from ajprivacy_pipeline.recipes.recipe import recipes
    from ajprivacy_pipeline.recipes.recognise import recognise
    from ajprivacy_pipeline.recipes.written import driver_command, mapping_text
    answers, tables = parse_answers(given), source.tables()
    shop = recognise(tables, source.dialect, recipes(), wanted, answers)
    typer.echo(shop.shown)
    told = answers_for(shop, tables, answers, _ask if sys.stdin.isatty() else None)
    lines = [f"{question.name} = {told[question.name] or '(nothing)'}" for question in shop.recipe.questions]
    return mapping_text(shop, told, source.dialect), [*lines, f"driver: {driver_command(shop.recipe)}"]


def _not_read(source: "Source", written: Path, sources: "Sources") -> list[str]:
    """What to say of columns that look personal and that a mapping which was just written does not cover."""
    from ajprivacy_pipeline.warehouse.mapping import load_mapping, resolve
    from ajprivacy_pipeline.warehouse.unread import unread
    mapping = load_mapping(written, sources)
    return [found.message for found in unread(source, mapping, resolve(source, mapping, sources))]


def _ask(question: "Question", default: str) -> str:
    """Ask on the terminal until there is an answer."""
    typer.echo(question.ask)
    for answer, meaning in question.options.items():
        typer.echo(f"  {answer}: {meaning}")
    while True:
        answer = str(typer.prompt(question.name, default=default, show_default=bool(default))).strip()
        if question.fits(answer):
            return answer
        typer.echo(f"write one of {', '.join(question.options)}" if question.options else "that is no answer")


@mapping_app.command("check")
def mapping_check(
    rows: Annotated[bool, typer.Option("--rows", help="Read the rows too: which values cannot be read.")] = False,
    as_json: Json = False,
) -> None:
    """Hold the mapping against the warehouse: faults stop a run, missing evidence lets nothing become due."""
    from ajprivacy_pipeline.errors import MappingError
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.warehouse.findings import ranked
    from ajprivacy_pipeline.warehouse.mapping import check, load_mapping
    from ajprivacy_pipeline.warehouse.source import open_source
    settings = load_settings()
    require_warehouse(settings)
    policy = load_policy(settings.notice)
    if settings.mapping_file is None and (ours := settings.home / "mapping.toml").exists():
        typer.echo(f"{ours} is there and not looked at: export AJPRIVACY_MAPPING={shlex.quote(str(ours))}", err=True)
    mapping = load_mapping(settings.mapping_file, policy.sources)
    with open_source(settings.warehouse_url) as source:
        findings = check(source, mapping, policy.sources)
    if rows and not _faults(findings):
        from ajprivacy_pipeline.run.rows_check import check_rows
        findings = ranked([*findings, *check_rows(settings, policy, mapping)])
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        counts = Counter(found.shown for found in findings)
        told = ", ".join(f"{count} {shown}" for shown, count in counts.items())
        typer.echo("\n".join([*(f"{f.shown:11}{f.message}" for f in findings),
                              f"{len(findings)} finding(s){f': {told}; the gravest stand first' if findings else ''}"]))
    if faults := _faults(findings):
        raise MappingError(f"{faults} fault(s) stop a run; each line above ends with its fix")


def _faults(findings: "list[Finding]") -> int:
    return sum(finding.level == "fault" for finding in findings)
