"""Commands about source tables that lost rows, which leaves nobody due.

Belongs here: arguments in, lines out. Does not belong here: work.
"""

import json
from typing import Annotated

import typer

from ajprivacy_pipeline.commands import people
from ajprivacy_pipeline.commands.people import By, Json, Month
from ajprivacy_pipeline.settings import load_settings

evidence_app = typer.Typer(no_args_is_help=True, help="Whether the facts are there: tables that lost rows.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(evidence_app, name="evidence")


@evidence_app.command("list")
def evidence_list(month: Month = None, as_json: Json = False) -> None:
    """Show each source table beside what it is compared with; one that lost rows makes nobody due."""
    from ajprivacy_pipeline.evidence import compared_sources
    rows = compared_sources(load_settings(), month)
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        now = f"{row['rows']:,}" if row["present"] else "not there"
        before = f"{row['before_rows']:,} in {row['before_month']}" if row["before_month"] else "nothing before"
        verdict = "lost rows: nobody is due" if row["is_shrunken"] else ""
        typer.echo(f"{row['table_name']:28}{now:>14}   {before:28}{verdict}".rstrip())


@evidence_app.command("accept")
def evidence_accept(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A source table that lost rows.")], by: By,
    reason: Annotated[str, typer.Option("--reason", metavar="CODE", help="A reason code of the policy (review.toml).")],
    month: Month = None,
) -> None:
    """Say that a table may be as small as the month found it. The next run goes by it."""
    from ajprivacy_pipeline.evidence import accept
    made = accept(people.prepared(), table, by, reason, month=month, today=people.today())
    typer.echo(f"{table} is accepted with {made['rows']:,} rows, as {made['month']} found it; it counts from the next "
               "run of that month or a later one")
