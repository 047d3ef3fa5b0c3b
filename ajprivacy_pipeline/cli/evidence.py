"""Commands about what a month has lost since it was last believed, which leaves nobody due.

Belongs here: arguments in, lines out. Does not belong here: work.
"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from ajprivacy_pipeline.cli.help import group
from ajprivacy_pipeline.cli.options import By, Json, NewestMonth, Reason, prepared, today
from ajprivacy_pipeline.settings import load_settings

if TYPE_CHECKING:
    from ajprivacy_pipeline.oversight.evidence import Value

evidence_app = group(
    "Whether the facts are there: what a source has lost.",
    ("evidence list", "what tripped, where"),
    ("evidence accept cases --by NAME --reason CODE", "it is right"))


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(evidence_app, name="evidence")


@evidence_app.command("list")
def evidence_list(month: NewestMonth = None, as_json: Json = False) -> None:
    """Show each table and column beside what it is compared with; where a guard has tripped, nobody is due."""
    from ajprivacy_pipeline.oversight.evidence import compared, place_of
    rows = compared(load_settings(), month)
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    typer.echo(f"{'table and column':42}{'guard':10}{'now':>22}{'then':>22}   since")
    for row in rows:
        then = _figure(row["guard"], row["then"]) if row["then"] else "-"
        verdict = f"   tripped: nobody is due; {row['to_do']}" if row["tripped"] else ""
        typer.echo(f"{place_of(row['table'], row['column']):42}{row['guard']:10}{_figure(row['guard'], row['now']):>22}"
                   f"{then:>22}   {row['since'] or 'nothing before':14}{verdict}".rstrip())


def _figure(guard: str, value: "Value") -> str:
    if guard == "age":
        return value["newest"] or "no day"
    if guard == "rows":
        return "not there" if value["part"] is None else f"{value['part']:,}"
    if guard == "warranty":
        return f"{(value['part'] or 0) / value['whole']:.2f} years" if value["whole"] else "no line"
    if value["part"] is None:
        return f"{value['whole']:,} open"
    return f"{value['part']:,} of {value['whole']:,}"


@evidence_app.command("accept")
def evidence_accept(
    place: Annotated[str, typer.Argument(metavar="TABLE[.COLUMN]", help="Where a guard has tripped.")], by: By,
    reason: Reason,
    month: NewestMonth = None,
) -> None:
    """Say that a table or column is right as the month found it. The next run goes by it; a further loss trips."""
    from ajprivacy_pipeline.oversight.evidence import accept
    made = accept(prepared(), place, by, reason, month=month, today=today())
    typer.echo(f"{place} is accepted as {made['month']} found it; it counts from the next run")
