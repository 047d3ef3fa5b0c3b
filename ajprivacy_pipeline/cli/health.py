"""The command that says from outside whether something needs attention, for a person or a timer of the system.

Belongs here: arguments in, lines and an exit code out. Does not belong here: work.
"""

from typing import Annotated

import typer

from ajprivacy_pipeline.cli.options import Json, print_json
from ajprivacy_pipeline.errors import NEEDS_ATTENTION, PrivacyError
from ajprivacy_pipeline.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(health)


def health(
    notify: Annotated[bool, typer.Option("--notify", help="Tell the addresses of AJPRIVACY_ALERTS what changed.")] = (
        False),
    try_out: Annotated[bool, typer.Option("--try", help="Send a message to the addresses, and look at nothing.")] = (
        False),
    as_json: Json = False,
) -> None:
    """Say what needs attention: exit code 0 for nothing or warnings alone, 4 for an error."""
    from ajprivacy_pipeline.alerts.conditions import health as look
    from ajprivacy_pipeline.alerts.notify import Message, send
    from ajprivacy_pipeline.alerts.told import tell
    settings = load_settings()
    if (notify or try_out) and not settings.alerts:
        raise PrivacyError("AJPRIVACY_ALERTS names nobody to tell")
    if try_out:
        _require(send(settings.alerts, Message("ajprivacy: a try", ("This address hears what needs attention.",))))
        typer.echo(f"sent to {len(settings.alerts)} address(es)")
        return
    from ajprivacy_pipeline.assets.alerts import runs_of
    from ajprivacy_pipeline.assets.instance import prepare_dagster
    from ajprivacy_pipeline.storage.zones import without_pandas
    with prepare_dagster(settings) as instance, without_pandas():
        found = look(settings, runs_of(instance, settings))
    faults = tell(settings, found)["faults"] if notify else []
    if as_json:
        print_json(found)
    else:
        for one in found["conditions"]:
            typer.echo(f"{one['severity']:6} {one['name']:18} {one['says']}\n{'':26}{one['to_do']}")
        for name, why in found["unknown"].items():
            typer.echo(f"{'?':6} {name:18} could not be looked at: {why}")
        if not found["conditions"] and not found["unknown"]:
            typer.echo("nothing needs attention")
    if any(one["severity"] == "error" for one in found["conditions"]):
        for fault in faults:
            typer.echo(f"ajprivacy: {fault}", err=True)
        raise typer.Exit(NEEDS_ATTENTION)  # whoever watches the code hears of it, also where nobody else did
    _require(faults)


def _require(faults: list[str]) -> None:
    if faults:
        raise PrivacyError("; ".join(faults))
