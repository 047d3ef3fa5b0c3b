"""The command line `ajprivacy`: arguments in, lines and exit codes out.

Belongs here: commands and how they look. Does not belong here: work. Exit codes: 0 done, 1 a bug, 2 an error the user
can fix (its message on stderr), 3 a plan was stopped, 4 something needs attention (`health`), 130 interrupted. Heavy
imports stand inside the commands, so that help is instant.
"""

import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ajprivacy_pipeline import __version__
from ajprivacy_pipeline.cli import (
    evidence,
    health,
    keys,
    ledger,
    lineage,
    mapping,
    pages,
    people,
    plans,
    policy,
    registers,
    releases,
    requests,
    sweeps,
)
from ajprivacy_pipeline.cli.help import Ordered, examples
from ajprivacy_pipeline.cli.options import (
    Json,
    LastFullMonth,
    OneMonth,
    last_month,
    parse_day,
    require_warehouse,
    sample_url,
)
from ajprivacy_pipeline.errors import INTERRUPTED, PrivacyError
from ajprivacy_pipeline.settings import Settings, load_settings, operator

if TYPE_CHECKING:
    from ajprivacy_pipeline.release import ReleaseRequest

_EXAMPLES = examples(
    ("sample --customers 5000", "a shop to try it on"),
    ("run", "the last full month"),
    ("page", "its page for management"),
    ("explain customer:C00000001", "why something is kept"),
    ("plan show PLAN", "what would go"),
    ("plan approve PLAN --by NAME", "let it go"),
    ("plan apply PLAN", "carry it out"), title="Examples, in the order of use:")
_EXIT_CODES = """\b
Exit codes: 0 done, 1 a bug, 2 an error you can fix (its message says how),
3 a plan was stopped, 4 something needs attention (health), 130 interrupted."""

app = typer.Typer(cls=Ordered, no_args_is_help=True, epilog=f"{_EXAMPLES}\n\n{_EXIT_CODES}", add_completion=False,
                  pretty_exceptions_enable=False, rich_markup_mode=None, context_settings={"max_content_width": 120},
                  help="Keeps the promise of a privacy notice over a customer warehouse. Settings come from "
                       "AJPRIVACY_HOME, AJPRIVACY_WAREHOUSE, AJPRIVACY_NOTICE, AJPRIVACY_MAPPING, AJPRIVACY_MEMORY, "
                       "AJPRIVACY_THREADS, AJPRIVACY_ROOT_KEY, AJPRIVACY_ALERTS.")


def main() -> None:
    """Entry point: turns our errors and an interruption into their exit codes, each with one sentence."""
    try:
        app()
    except PrivacyError as error:
        typer.echo(f"ajprivacy: {error}", err=True)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            typer.echo("ajprivacy: interrupted; nothing that was half done is published, and it can be started again",
                       err=True)
        raise
    except Exception as error:
        from ajprivacy_pipeline.storage.control import is_full
        if not is_full(error):
            raise
        typer.echo("ajprivacy: the disk is full or a file may not grow; free space and run again", err=True)
        sys.exit(PrivacyError.exit_code)


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Shared options."""
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def run(
    month: LastFullMonth = None,
    history_from: Annotated[str | None, typer.Option(
        "--history-from", metavar="YYYY-MM", help="Let the published history begin earlier than it does.")] = None,
    period: Annotated[list[str] | None, typer.Option(
        "--period", metavar="FACTS=LENGTH", help="Publish orders, deliveries, cases, messages or web_events by month, "
        "quarter or year, from the first such period on of which nothing is published.")] = None,
    as_json: Json = False,
) -> None:
    """Run a month through Dagster: read, decide, pseudonymise, prove, publish."""
    from ajprivacy_pipeline.release import ReleaseRequest
    from ajprivacy_pipeline.release.periods import read_lengths
    request = ReleaseRequest(history_from=history_from, periods=read_lengths(period or []))
    _run_and_show(load_settings(), month or last_month(), request, as_json=as_json)


@releases.releases_app.command()
def reissue(
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The published month to compute again.")],
    as_json: Json = False,
) -> None:
    """Compute a published month again from the warehouse as it is now, and publish it if every gate lets it pass.

    The newest release is made anew with this month in it; all others stay as they are, and so do the microdata. Where
    the month differs from what was published by one to nine people anywhere, nothing is published (G6).
    """
    from ajprivacy_pipeline.release import ReleaseRequest
    from ajprivacy_pipeline.release.inspect import newest_month
    settings = load_settings()
    _run_and_show(settings, newest_month(settings), ReleaseRequest(reissue=month), as_json=as_json)


@app.command()
def sample(
    customers: Annotated[int, typer.Option(min=1, metavar="N", help="How many customers.")] = 50_000,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed makes the same shop.")] = 1,
    url: Annotated[str | None, typer.Option(
        metavar="URL", help="Where to; default: the sample file in the home.")] = None,
    until: Annotated[str | None, typer.Option(
        metavar="YYYY-MM-DD", help="The shop's last day; default: the end of the last full month.")] = None,
    copies: Annotated[bool, typer.Option(
        "--copies", help="Let it keep people in five more tables, and write the mapping that declares them.")] = False,
) -> None:
    """Generate a shop with invented people."""
    from ajprivacy_pipeline.calendar import last_day
    from ajprivacy_pipeline.cli.console import Lines
    from ajprivacy_pipeline.sample import generate, write_mapping
    from ajprivacy_pipeline.settings import prepare_home
    settings = load_settings()
    prepare_home(settings)
    if url is None:
        (settings.home / "sample").mkdir(mode=0o700, exist_ok=True)
    target = url or sample_url(settings)
    with Lines() as lines:
        made = generate(target, customers, seed, parse_day(until) if until else last_day(last_month()), lines.note,
                        copies=copies)
    typer.echo(f"{sum(made.values()):,} rows in {len(made)} tables")
    if copies:
        mapping = settings.home / "mapping.toml"
        typer.echo(f"its copies are declared in {mapping}" if write_mapping(mapping) else
                   f"{mapping} is another one and stays: declare the copies in it yourself")


@app.command()
def decisions(
    month: OneMonth, out: Annotated[Path, typer.Option(
        file_okay=False, metavar="DIR", help="The folder to write to.")],
) -> None:
    """Write a month's decisions as Parquet, one file a table. They name people: treat the folder as restricted."""
    from ajprivacy_pipeline.retention.export import export_decisions
    for table, rows in export_decisions(load_settings(), month, out, by=operator()).items():
        typer.echo(f"{table:24}{rows:>14,} rows   {out / f'{table}.parquet'}")


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="N", help="The port on 127.0.0.1.")] = 3000,
    read_only: Annotated[bool, typer.Option("--read-only", help="For watching: nothing can be started.")] = False,
    hosts: Annotated[list[str] | None, typer.Option(
        "--host", metavar="NAME[:PORT]", help="A further name to answer under, for a proxy with a login.")] = None,
) -> None:
    """Open Dagster's pages on this machine alone. They have no login: never put them on a network without a proxy."""
    from ajprivacy_pipeline.assets.pages import serve
    typer.echo(f"http://127.0.0.1:{port} · Ctrl-C ends it", err=True)
    serve(load_settings(), port, read_only=read_only, hosts=hosts or ())


def _run_and_show(settings: Settings, month: str, request: "ReleaseRequest", *, as_json: bool) -> None:
    """Run a month through Dagster with a line for each step, and print what it came to."""
    gc.disable()  # the collector would walk through all that Dagster loads, several times, and find nothing
    from ajprivacy_pipeline.assets.run import run_month
    from ajprivacy_pipeline.cli.console import Lines, summary_lines
    from ajprivacy_pipeline.run.expected import Expected
    require_warehouse(settings)
    expected = Expected(settings.dagster_home)
    with Lines(expected) as lines:
        summary = run_month(settings, month, lines.report, request)
    expected.keep()
    typer.echo(json.dumps(summary, indent=2) if as_json else "\n".join(summary_lines(summary)))


for commands in (health, pages, people, plans, requests, registers, ledger, sweeps, evidence, policy, releases, lineage,
                 mapping, keys):
    commands.register(app)
