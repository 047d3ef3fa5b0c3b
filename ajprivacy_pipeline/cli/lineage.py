"""`ajprivacy lineage`: where a column of the warehouse goes.

Belongs here: arguments in, lines out. Does not belong here: work (`lineage`).
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.files import write_whole
from ajprivacy_pipeline.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("lineage")(lineage)


def lineage(
    column: Annotated[str | None, typer.Option(
        "--column", metavar="TABLE.COLUMN",
        help="A column of the source contract (customers.email); default: every one that identifies.")] = None,
    out: Annotated[Path | None, typer.Option(
        "--out", dir_okay=False, metavar="FILE", help="An HTML file to draw into.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show where a column of the warehouse goes, from the SQL alone; ends with 2 when G11 does not hold."""
    from ajprivacy_pipeline.lineage import check_lineage, page, product_graph
    from ajprivacy_pipeline.policy import load_policy
    policy = load_policy(load_settings().notice)
    graph = product_graph(policy)
    names = [column] if column else page.identifying(policy)
    ways = {name: page.follow(policy, graph, name) for name in names}
    if out:
        write_whole(out.parent, {out.name: page.render(policy, graph, names)})
    if as_json:
        typer.echo(json.dumps({name: [asdict(stop) for stop in stops] for name, stops in ways.items()}, indent=2))
    else:
        for name, stops in ways.items():
            typer.echo(f"\n{name}" if not column else name)
            for line in page.lines(stops):
                typer.echo(f"  {line}")
    found = check_lineage(policy)
    if not found.passed:
        raise PrivacyError("\n  - ".join(["G11 does not hold:", *found.violations]))
