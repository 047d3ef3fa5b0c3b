"""`ajprivacy page`: the page of a month.

Belongs here: arguments in, lines out. Does not belong here: what it says (`monthly`).
"""

from pathlib import Path
from typing import Annotated

import typer

from ajprivacy_pipeline.cli.options import NewestMonth, prepared, today


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("page")(page)


def page(
    month: NewestMonth = None,
    out: Annotated[Path | None, typer.Option(
        file_okay=False, metavar="DIR", help="The folder to write to; default: control/pages in the home.")] = None,
) -> None:
    """Write the page of a month for management, in Norwegian and English: counts, days and months alone.

    A run writes it when the month ends; this writes it anew, with what has happened since. Dagster's pages then show
    the newest one's answers, too.
    """
    from ajprivacy_pipeline.assets.noted import note
    from ajprivacy_pipeline.monthly.renew import renew
    from ajprivacy_pipeline.policy import load_policy
    settings = prepared()
    policy = load_policy(settings.notice)
    found, paths = renew(settings, policy, today(), month, out)
    for path in paths:
        typer.echo(path)
    if month is None and out is None:
        note(settings, policy, found, paths)
