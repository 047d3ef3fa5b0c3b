"""The command line `ajprivacy`: arguments in, lines and exit codes out.

Belongs here: commands and how they look. Does not belong here: work. Exit codes: 0 done, 1 a bug, 2 something the user
can mend (its message on stderr), 130 interrupted. Heavy imports stand inside the commands, so that help is instant.
"""

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from ajprivacy_pipeline import __version__
from ajprivacy_pipeline.commands import evidence as evidence_commands
from ajprivacy_pipeline.commands import lineage as lineage_commands
from ajprivacy_pipeline.commands import people as people_commands
from ajprivacy_pipeline.commands import policy as policy_commands
from ajprivacy_pipeline.commands import releases as release_commands
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from ajprivacy_pipeline.release import Asked

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="Keeps the promise of a privacy notice over a customer warehouse. Settings come from "
                       "AJPRIVACY_HOME, AJPRIVACY_WAREHOUSE, AJPRIVACY_NOTICE, AJPRIVACY_MAPPING, AJPRIVACY_MEMORY, "
                       "AJPRIVACY_THREADS, AJPRIVACY_ROOT_KEY.")
mapping_app = typer.Typer(no_args_is_help=True, help="The mapping: which source tables and columns feed the contract.")
policy_app = typer.Typer(no_args_is_help=True, help="The notice as data.")
keys_app = typer.Typer(no_args_is_help=True, help="The keys of the zones.")
app.add_typer(mapping_app, name="mapping")
app.add_typer(policy_app, name="policy")
policy_commands.register(policy_app)
people_commands.register(app)
evidence_commands.register(app)
release_commands.register(app)
lineage_commands.register(app)
app.add_typer(keys_app, name="keys")

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Month = Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="The month; default: the last full one.")]
OneMonth = Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The month.")]


def main() -> None:
    """Entry point: turns our errors into exit code 2 and an interruption into 130."""
    try:
        app()
    except PrivacyError as error:
        typer.echo(f"ajprivacy: {error}", err=True)
        sys.exit(2)
    except Exception as error:
        from ajprivacy_pipeline.control import is_full
        if not is_full(error):
            raise
        typer.echo("ajprivacy: the disk is full or a file may not grow; free space and run again", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("ajprivacy: interrupted; nothing was published", err=True)
        sys.exit(130)


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Shared options."""
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def run(
    month: Month = None,
    history_from: Annotated[str | None, typer.Option(
        "--history-from", metavar="YYYY-MM", help="Let the published history begin earlier than it does.")] = None,
    as_json: Json = False,
) -> None:
    """Run a month through Dagster: read, decide, pseudonymise, prove, publish."""
    from ajprivacy_pipeline.release import Asked
    _run_and_show(load_settings(), month or _last_month(), Asked(history_from=history_from), as_json=as_json)


@release_commands.releases_app.command()
def reissue(
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The published month to compute again.")],
    as_json: Json = False,
) -> None:
    """Compute a published month again from the warehouse as it is now, and publish it if every gate lets it pass.

    The newest release is made anew with this month in it; all others stay as they are, and so do the microdata. Where
    the month differs from what was published by one to nine people anywhere, nothing is published (G6).
    """
    from ajprivacy_pipeline.release import Asked
    from ajprivacy_pipeline.release.inspect import newest_month
    settings = load_settings()
    _run_and_show(settings, newest_month(settings), Asked(reissue=month), as_json=as_json)


@app.command()
def sample(
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 50_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same shop.")] = 1,
    url: Annotated[str | None, typer.Option(help="Where to; default: the sample file in the home.")] = None,
    until: Annotated[str | None, typer.Option(
        metavar="YYYY-MM-DD", help="The shop's last day; default: the end of the last full month.")] = None,
) -> None:
    """Generate a shop with invented people."""
    from ajprivacy_pipeline.calendar import last_day
    from ajprivacy_pipeline.settings import prepare_home
    from ajprivacy_pipeline.show import Lines
    from ajprivacy_pipeline.warehouse.sample import generate
    settings = load_settings()
    prepare_home(settings)
    if url is None:
        (settings.home / "sample").mkdir(mode=0o700, exist_ok=True)
    target = url or _sample_url(settings)
    with Lines() as lines:
        made = generate(target, customers, seed, _day(until) if until else last_day(_last_month()), lines.note)
    typer.echo(f"{sum(made.values()):,} rows in {len(made)} tables")


@app.command()
def decisions(
    month: OneMonth, out: Annotated[Path, typer.Option(file_okay=False, help="The folder to write to.")],
) -> None:
    """Write a month's decisions as Parquet, one file a table. They name people: treat the folder as restricted."""
    from ajprivacy_pipeline.copies import export_decisions
    for table, rows in export_decisions(load_settings(), month, out).items():
        typer.echo(f"{table:24}{rows:>14,} rows   {out / f'{table}.parquet'}")


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on 127.0.0.1.")] = 3000,
    read_only: Annotated[bool, typer.Option("--read-only", help="For watching: nothing can be started.")] = False,
    hosts: Annotated[list[str] | None, typer.Option(
        "--host", metavar="NAME[:PORT]", help="A further name to answer under, for a proxy with a login.")] = None,
) -> None:
    """Open Dagster's pages on this machine alone. They have no login: never put them on a network without a proxy."""
    from ajprivacy_pipeline.assets.pages import serve
    typer.echo(f"http://127.0.0.1:{port} · Ctrl-C ends it", err=True)
    serve(load_settings(), port, read_only=read_only, hosts=hosts or ())


@mapping_app.command("init")
def mapping_init(
    out: Annotated[Path | None, typer.Option(help="The file; default: mapping.toml in the home.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Draft a mapping by looking at the warehouse's tables and columns; no row is read."""
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.warehouse.draft import draft
    from ajprivacy_pipeline.warehouse.source import open_source
    settings = load_settings()
    _require_warehouse(settings)
    target = out or settings.home / "mapping.toml"
    if target.exists() and not force:
        raise PrivacyError(f"{target} is there already: name another with --out, or write over it with --force")
    with open_source(settings.warehouse_url) as source:
        text = draft(source, load_policy(settings.notice).sources)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    typer.echo(f"{target}: read it, mend it, then `ajprivacy mapping check`")


@mapping_app.command("check")
def mapping_check(as_json: Json = False) -> None:
    """Hold the mapping against the warehouse: faults stop a run, missing evidence lets nothing become due."""
    from ajprivacy_pipeline.errors import MappingError
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.warehouse.mapping import check, load_mapping
    from ajprivacy_pipeline.warehouse.source import open_source
    settings = load_settings()
    _require_warehouse(settings)
    sources = load_policy(settings.notice).sources
    with open_source(settings.warehouse_url) as source:
        findings = check(source, load_mapping(settings.mapping_file, sources), sources)
    if as_json:
        typer.echo(json.dumps([{"level": f.level, "table": f.table, "column": f.column, "message": f.message}
                               for f in findings], indent=2))
    else:
        typer.echo("\n".join([*(f"{f.level:9}{f.message}" for f in findings), f"{len(findings)} finding(s)"]))
    if faults := sum(f.level == "fault" for f in findings):
        raise MappingError(f"{faults} fault(s) stop a run; each line above ends with its mend")


@policy_app.command("check")
def policy_check(as_json: Json = False) -> None:
    """Load and validate the notice data and the SQL models, and what each lacks of the other; list every fault."""
    from ajprivacy_pipeline.completeness import require_complete
    from ajprivacy_pipeline.policy import load_policy
    policy = load_policy(load_settings().notice)
    facts = {"version": policy.version, "clauses": len(policy.clauses), "purposes": len(policy.retention.purposes),
             "attributes": len(policy.retention.attributes), "source_tables": len(policy.sources.tables),
             "published_tables": len(policy.release.tables), "models": len(require_complete(policy))}
    typer.echo(json.dumps(facts, indent=2) if as_json else "\n".join(f"{k:18}{v}" for k, v in facts.items()))


@keys_app.command("fingerprint")
def keys_fingerprint(as_json: Json = False) -> None:
    """Tell keys apart without showing them."""
    from ajprivacy_pipeline.keystore import KeyStore
    from ajprivacy_pipeline.settings import prepare_home
    settings = load_settings()
    prepare_home(settings)
    found = KeyStore(settings.keys, settings.root_key).fingerprints()
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(f"{k:40}{v}" for k, v in found.items()))


@keys_app.command("accept-store")
def keys_accept_store(
    by: people_commands.By,
    reason: Annotated[str, typer.Option("--reason", metavar="CODE", help="A reason code of the policy (review.toml).")],
) -> None:
    """Go on with a control store that has lost something, or with a new one. What it held is lost: record it again."""
    from ajprivacy_pipeline.evidence import accept_store
    number = accept_store(people_commands.prepared(), by, reason, today=people_commands.today())
    typer.echo(f"the control store goes on from change {number}; record legal holds and reviews again before the next "
               "run")


def _run_and_show(settings: Settings, month: str, asked: "Asked", *, as_json: bool) -> None:
    """Run a month through Dagster with a line for each step, and print what it came to."""
    from ajprivacy_pipeline.assets.run import run_month
    from ajprivacy_pipeline.show import Lines, summary_lines
    _require_warehouse(settings)
    with Lines() as lines:
        summary = run_month(settings, month, lines.report, asked)
    typer.echo(json.dumps(summary, indent=2) if as_json else "\n".join(summary_lines(summary)))


def _sample_url(settings: Settings) -> str:
    return f"sqlite:///{settings.home / 'sample' / 'shop.db'}"


def _require_warehouse(settings: Settings) -> None:
    """Say how to make the sample shop before anything else fails for want of it."""
    if settings.warehouse_url == _sample_url(settings) and not (settings.home / "sample" / "shop.db").exists():
        raise PrivacyError("there is no warehouse yet: make the sample shop with `ajprivacy sample`, or name yours in "
                           "AJPRIVACY_WAREHOUSE (a SQLAlchemy URL)")


def _last_month() -> str:
    from ajprivacy_pipeline.calendar import last_full_month
    return last_full_month(datetime.now(ZoneInfo("Europe/Oslo")).date())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PrivacyError(f"'{text}' is not a day; write it as YYYY-MM-DD") from None
