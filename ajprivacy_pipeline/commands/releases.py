"""`ajprivacy releases ...`: what is published, whether it is whole, what changed, and publishing it elsewhere too.

Belongs here: arguments in, lines out. Does not belong here: work (`release`).
"""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from ajprivacy_pipeline.release import Asked

releases_app = typer.Typer(no_args_is_help=True, help="What is published.")

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Old = Annotated[str, typer.Argument(metavar="OLD", help="The month of a release, YYYY-MM.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="The month of a release, YYYY-MM.")]
Month = Annotated[str | None, typer.Argument(metavar="[YYYY-MM]", help="The month of a release; default: all.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for name, command in (("list", list_), ("verify", verify), ("diff", diff), ("reissue", reissue),
                          ("publish", publish)):
        releases_app.command(name)(command)
    app.add_typer(releases_app, name="releases")


def list_(as_json: Json = False) -> None:
    """List every release, oldest first: its months, its size, and whether it is the one analysts see."""
    from ajprivacy_pipeline.release.inspect import list_releases
    rows = list_releases(load_settings())
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        size = f"{row['tables']:>3} tables {row['rows']:>9,} rows" if row["tables"] is not None else " " * 25
        typer.echo(f"{row['month']}  from {row['history_from']}  {size}  {row['state']:9}"
                   f"{'proven' if row['proven'] else 'not proven':12}policy {row['policy_version']}  "
                   f"manifest {row['manifest_sha256'][:12]}")
    typer.echo(f"{len(rows):,} release(s)")


def verify(month: Month = None, as_json: Json = False) -> None:
    """Hold every file against the manifest, and analytics.duckdb against the files; ends with 2 when one differs."""
    from ajprivacy_pipeline.release.inspect import verify as verify_all
    rows = verify_all(load_settings(), month)
    if as_json:
        _print_json(rows)
    else:
        for row in rows:
            typer.echo(f"{row['month']}  " + (f"{row['files']:>4} files {row['rows']:>9,} rows  as published"
                                              if not row["faults"] else "NOT as published"))
    if faults := [fault for row in rows for fault in row["faults"]]:
        raise ReleaseError("\n  - ".join([f"{len(faults)} fault(s):", *faults]))


def diff(old: Old, new: New, as_json: Json = False) -> None:
    """What two releases say differently, in counts of cells; ends with 2 when a closed month changed."""
    from ajprivacy_pipeline.release.inspect import diff as compare
    found = compare(load_settings(), old, new)
    if as_json:
        _print_json(found)
    else:
        for table, entry in found["tables"].items():
            cells = ", ".join(f"{count:,} {what}" for what, count in entry["cells"].items() if count) or "none"
            typer.echo(f"{table}: cells {cells}")
            for path, change in entry["files"].items():
                typer.echo(f"  {change['kind']:8}{path}  {change['was'][:12] or '-':12} -> {change['is'][:12] or '-'}")
        typer.echo(f"{len(found['tables'])} table(s) differ; "
                   f"{len(found['closed_months_changed'])} file(s) of closed months")
    if changed := found["closed_months_changed"]:
        raise ReleaseError(f"{len(changed)} file(s) of closed months differ, first {changed[0]}: "
                           "a closed month changes by an explicit re-issue alone")


def reissue(
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The published month to compute again.")],
    as_json: Json = False,
) -> None:
    """Compute a published month again from the warehouse as it is now, and publish it if every gate lets it pass.

    The newest release is made anew with this month in it; all others stay as they are, and so do the microdata. Where
    the month differs from what was published by one to nine people anywhere, nothing is published (G6).
    """
    from ajprivacy_pipeline.control import ControlStore
    from ajprivacy_pipeline.release import Asked
    settings = load_settings()
    is_there = (settings.control / "control.db").is_file()
    rows = ControlStore.in_folder(settings.control).releases() if is_there else []
    known = [row["month"] for row in rows if row["proven"]]
    if not known:
        raise ReleaseError("no proven release is known: there is nothing to issue again")
    run_and_show(settings, max(known), Asked(reissue=month), as_json=as_json)


def run_and_show(settings: Settings, month: str, asked: "Asked", *, as_json: bool) -> None:
    """Run a month through Dagster with a line for each step, and print what it came to."""
    from ajprivacy_pipeline.assets.run import run_month
    from ajprivacy_pipeline.show import Lines, summary_lines
    with Lines() as lines:
        summary = run_month(settings, month, lines.report, asked)
    typer.echo(json.dumps(summary, indent=2) if as_json else "\n".join(summary_lines(summary)))


def publish(as_json: Json = False) -> None:
    """Bring the newest proven release to the database AJPRIVACY_PUBLISH_URL, whose country must be one of the EEA."""
    from dataclasses import asdict

    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.release.publish import publish as publish_tables
    from ajprivacy_pipeline.settings import NOTICE

    def progress(table: str, rows: int) -> None:
        if not as_json:
            typer.echo(f"  {table:32} {rows:>9,} rows")

    done = publish_tables(load_settings(), load_policy(NOTICE), progress)
    if as_json:
        _print_json(asdict(done))
        return
    typer.echo(f"{done.month}  {done.tables} tables {done.rows:,} rows  {done.destination} in {done.country}  "
               + ("published" if done.changed else "stood there already"))


def _print_json(found: Any) -> None:
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False, default=str))
