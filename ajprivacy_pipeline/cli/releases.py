"""`ajprivacy releases ...`: what is published, whether it is whole, what changed, and publishing it elsewhere too.

Belongs here: arguments in, lines out. Does not belong here: work (`release`); `reissue`, which runs a month (cli).
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ajprivacy_pipeline.cli.help import group
from ajprivacy_pipeline.cli.options import Json, print_columns, print_json
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.settings import load_settings

releases_app = group(
    "What is published.",
    ("releases list", "and which one analysts see"),
    ("releases verify", "whether any file was changed"),
    ("releases diff 2026-09 2026-10", "what they say differently"))

Old = Annotated[str, typer.Argument(metavar="OLD", help="The month of a release, YYYY-MM.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="The month of a release, YYYY-MM.")]
Month = Annotated[str | None, typer.Argument(metavar="[YYYY-MM]", help="The month of a release; default: all.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for name, command in (("list", list_), ("verify", verify), ("diff", diff), ("publish", publish)):
        releases_app.command(name)(command)
    app.add_typer(releases_app, name="releases")


def list_(as_json: Json = False) -> None:
    """List every release, oldest first: its months, its size, and whether it is the one analysts see."""
    from ajprivacy_pipeline.release.inspect import list_releases
    rows = list_releases(load_settings())
    if as_json:
        print_json(rows)
        return
    if rows:
        print_columns([("month", "from", "tables", "rows", "state", "proof", "policy", "manifest"), *(
            (row["month"], row["history_from"], *_size(row), row["state"], "proven" if row["proven"] else "not proven",
             row["policy_version"], row["manifest_sha256"][:12]) for row in rows)], right=(2, 3))
    typer.echo(f"{len(rows):,} release(s)")


def _size(row: Mapping[str, Any]) -> tuple[str, str]:
    """Tables and rows of a release; of a damaged or replaced one nobody knows them."""
    return ("-", "-") if row["tables"] is None else (f"{row['tables']:,}", f"{row['rows']:,}")


def verify(month: Month = None, as_json: Json = False) -> None:
    """Hold every file against the manifest, and analytics.duckdb against the files; ends with 2 when one differs."""
    from ajprivacy_pipeline.release.inspect import verify as verify_all
    rows = verify_all(load_settings(), month)
    if as_json:
        print_json(rows)
    elif rows:
        print_columns([("month", "files", "rows", "state"), *(
            (row["month"], "-", "-", "NOT as published") if row["faults"] else
            (row["month"], f"{row['files']:,}", f"{row['rows']:,}", "as published") for row in rows)], right=(1, 2))
    if faults := [fault for row in rows for fault in row["faults"]]:
        raise ReleaseError("\n  - ".join([f"{len(faults)} fault(s):", *faults]))


def diff(old: Old, new: New, as_json: Json = False) -> None:
    """What two releases say differently, in counts of cells; ends with 2 when a closed month changed."""
    from ajprivacy_pipeline.release.inspect import diff as compare
    found = compare(load_settings(), old, new)
    if as_json:
        print_json(found)
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


def publish(as_json: Json = False) -> None:
    """Bring the newest proven release to the database AJPRIVACY_PUBLISH_URL, whose country must be one of the EEA."""
    from dataclasses import asdict

    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.release.sql_copy import publish as publish_tables

    def progress(table: str, rows: int) -> None:
        if not as_json:
            typer.echo(f"  {table:32} {rows:>9,} rows")

    settings = load_settings()
    done = publish_tables(settings, load_policy(settings.notice), progress)
    if as_json:
        print_json(asdict(done))
        return
    typer.echo(f"{done.month}  {done.tables} tables {done.rows:,} rows  {done.destination} in {done.country}  "
               + ("published" if done.changed else "stood there already"))

