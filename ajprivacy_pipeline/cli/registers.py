"""Commands about registers that an authority asks for: notices to recipients, disclosures to authorities.

Belongs here: arguments in, lines out. Does not belong here: work. Nothing here names a person.
"""

from typing import Annotated

import typer

from ajprivacy_pipeline.cli.help import group
from ajprivacy_pipeline.cli.options import Json, parse_day, prepared, print_json, today
from ajprivacy_pipeline.settings import operator

outbox_app = group(
    "Notices to recipients about requests (Art. 19).",
    ("outbox list", "whom to tell"),
    ("outbox acknowledge 1", "they have answered"))
disclosure_app = group(
    "What authorities were given.",
    ("disclosure list", "oldest first"),
    ("disclosure list --subject customer:C00000001", "about one person"))

Who = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it; default: who runs the command.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(outbox_app, name="outbox")
    app.add_typer(disclosure_app, name="disclosure")


@outbox_app.command("list")
def outbox_list(
    everything: Annotated[bool, typer.Option("--all", help="Acknowledged ones too.")] = False, as_json: Json = False,
) -> None:
    """List notices that recipients and systems have not acknowledged, oldest first."""
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.rights.outbox import all_notices, fill
    from ajprivacy_pipeline.storage.control import ControlStore
    settings, day = prepared(), today()
    fill(settings, load_policy(settings.notice), day)
    rows = [{"notice": one.id, "request": one.request, "about": one.about, "addressee": one.addressee,
             "what": list(one.what), "made_on": one.made_on.isoformat(), "due_on": one.due_on.isoformat(),
             "state": one.state(day), "acknowledged_on": one.acknowledged_on.isoformat() if one.acknowledged_on
             else None, "acknowledged_by": one.acknowledged_by}
            for one in all_notices(ControlStore.in_folder(settings.control))
            if everything or one.acknowledged_on is None]
    if as_json:
        print_json(rows)
        return
    if rows:
        typer.echo(f"{'notice':>7}  {'request':24}{'about':21}{'addressee':28}{'due':12}state")
    for row in rows:
        typer.echo(f"{row['notice']:>7}  {row['request']:24}{row['about']:21}{row['addressee']:28}{row['due_on']:12}"
                   f"{row['state']}")
    typer.echo(f"{len(rows):,} notice(s)")


@outbox_app.command("acknowledge")
def outbox_acknowledge(
    notice: Annotated[int, typer.Argument(metavar="NOTICE", help="Its number, as `outbox list` shows it.")],
    by: Who = None,
) -> None:
    """Record that an addressee has acknowledged a notice."""
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.rights.outbox import acknowledge
    settings = prepared()
    found = acknowledge(settings, load_policy(settings.notice), notice, today=today(),
                        by=operator() if by is None else by)
    typer.echo(f"notice {found.id} to {found.addressee}: acknowledged")


@disclosure_app.command("add")
def disclosure_add(
    authority: Annotated[str, typer.Option("--authority", metavar="NAME", help="Which authority it was given to.")],
    basis: Annotated[str, typer.Option("--basis", metavar="CODE", help="A code of the policy (disclosure_bases).")],
    categories: Annotated[str, typer.Option(
        "--categories", metavar="A,B", help="What was given: categories of recipients.toml, by comma.")],
    on: Annotated[str, typer.Option("--on", metavar="YYYY-MM-DD", help="The day on which it was given.")],
    subject: Annotated[str | None, typer.Option(
        "--subject", metavar="SUBJECT", help="customer:ID or contact:ID, if it was about one person.")] = None,
    by: Who = None,
) -> None:
    """Record that an authority was given personal data; nothing of it can be changed afterwards."""
    from ajprivacy_pipeline.rights.disclosures import add_disclosure
    number = add_disclosure(prepared(), authority, basis, categories.split(","), parse_day(on), subject=subject,
                            today=today(), by=operator() if by is None else by)
    typer.echo(f"disclosure {number} is recorded")


@disclosure_app.command("list")
def disclosure_list(
    subject: Annotated[str | None, typer.Option(
        "--subject", metavar="SUBJECT", help="About customer:ID or contact:ID alone.")] = None,
    as_json: Json = False,
) -> None:
    """List what authorities were given, oldest first; whom it was about is not shown."""
    from ajprivacy_pipeline.rights.disclosures import disclosures
    rows = disclosures(prepared(), subject)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['disclosed_on']:12}{row['authority']:32}{row['basis']:16}{', '.join(row['categories'])}")
    typer.echo(f"{len(rows):,} disclosure(s)")
