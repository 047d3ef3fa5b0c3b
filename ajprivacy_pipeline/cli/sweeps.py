"""`ajprivacy sweep`: where in the warehouse values still stand that were erased.

Belongs here: arguments in, lines out. Does not belong here: work (`enforcement.sweep`).
"""

import typer

from ajprivacy_pipeline.cli.options import Json, prepared, print_columns, print_json, require_warehouse


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("sweep")(sweep)


def sweep(as_json: Json = False) -> None:
    """Look in every table of the warehouse for what the last plans erased; counts alone, and nothing is changed.

    A plan's set of what it erased is kept as keyed hashes until a while after it was verified (enforcement.toml). Then
    the guard's addresses and numbers are looked for.
    """
    from ajprivacy_pipeline.enforcement.sweep import GUARD
    from ajprivacy_pipeline.enforcement.sweep import sweep as look
    settings = prepared()
    require_warehouse(settings)
    hits, plans = look(settings)
    if as_json:
        print_json(hits)
    else:
        if hits:
            print_columns([("rows", "where", "found by"), *(
                (f"{hit['rows']:,}", f"{hit['table']}.{hit['column']}", str(hit["how"])) for hit in hits)], right=(0,))
        if plans == [GUARD]:
            typer.echo(f"{sum(hit['rows'] for hit in hits):,} row(s) hold an address or a number that the guard knows; "
                       "the plans' own sets of what they erased are over")
        elif plans:
            rows = sum(hit["rows"] for hit in hits)
            typer.echo(f"{rows:,} row(s) hold something that plan {', '.join(plans)} erased")
    if not plans:
        typer.echo("no plan's set of what it erased is there any more, or none has erased anything: "
                   "there is nothing to look for", err=as_json)
