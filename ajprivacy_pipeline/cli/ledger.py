"""`ajprivacy ledger ...` and `ajprivacy certificate`: what was carried out, whether the record is whole, who was in it.

Belongs here: arguments in, lines out. Does not belong here: work (`enforcement`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ajprivacy_pipeline.cli.help import group
from ajprivacy_pipeline.cli.options import Json, OneMonth, prepared, print_columns, print_json

if TYPE_CHECKING:
    from ajprivacy_pipeline.enforcement.entries import Entry

ledger_app = group(
    "The record of what was planned, approved, carried out, verified.",
    ("ledger list", "what was done, oldest first"),
    ("ledger verify", "whether the record is whole"),
    ("ledger find customer:C00000001", "whether somebody was in it"))
_KINDS = ("customer", "contact")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for name, command in (("list", list_), ("verify", verify), ("find", find)):
        ledger_app.command(name)(command)
    app.add_typer(ledger_app, name="ledger")
    app.command("certificate")(certificate)


def list_(as_json: Json = False) -> None:
    """List every entry, oldest first: when, what, of which plan, and the beginning of its hash."""
    from dataclasses import asdict

    from ajprivacy_pipeline.enforcement.ledger import open_ledger
    entries = open_ledger(prepared()).entries()
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return
    if entries:
        print_columns([("entry", "recorded (UTC)", "kind", "plan", "month", "hash", "what"), *(
            (f"{entry.seq:,}", f"{entry.recorded_at:%Y-%m-%d %H:%M}", entry.kind, entry.body.get("plan") or "-",
             entry.body.get("month") or "-", entry.hash[:12], _told(entry)) for entry in entries)], right=(0,))
    typer.echo(_counted(len(entries)))


def verify(as_json: Json = False) -> None:
    """Recompute every hash, and hold the end against its copy beside the keys; ends with 2 when anything differs."""
    from ajprivacy_pipeline.enforcement.ledger import as_error, open_ledger
    verdict = open_ledger(prepared()).verify()
    if as_json:
        print_json({"entries": verdict.entries, "head": verdict.head._asdict(), "whole": not verdict.faults,
                    "faults": list(verdict.faults)})
    elif not verdict.faults:
        typer.echo(f"the ledger is whole: {_counted(verdict.entries)}, head {verdict.head.hash}" if verdict.entries else
                   "the ledger is whole: nothing is recorded yet")
    if verdict.faults:
        raise as_error(verdict.faults)


def find(
    subject: Annotated[str, typer.Argument(
        metavar="ID", help="customer:ID or contact:ID; an id alone is looked for as both.")],
    as_json: Json = False,
) -> None:
    """Say when and by which clause somebody was carried out, and nothing else; of a destroyed year nobody can say."""
    from ajprivacy_pipeline.enforcement.ledger import open_ledger
    ledger = open_ledger(prepared())
    ledger.check()
    kind, _, bare = subject.partition(":")
    ids = [subject] if kind in _KINDS and bare else [f"{kind}:{subject}" for kind in _KINDS]
    answers = [ledger.find(one) for one in ids]
    found = sorted({(one.carried_out_on, one.clause) for answer in answers for one in answer.found})
    if as_json:
        print_json([{"date": day, "clause": clause} for day, clause in found])
    for day, clause in found if not as_json else ():
        typer.echo(f"{day}  {clause}")
    if not found:
        typer.echo("nothing is recorded about this id", err=as_json)
    if years := answers[0].years_without_key:
        typer.echo(f"of {', '.join(map(str, years))} nobody can be found any more: the year's key is gone", err=True)


def certificate(
    month: OneMonth,
    out: Annotated[Path, typer.Option("--out", file_okay=False, metavar="DIR", help="The folder to write to.")],
) -> None:
    """Write what was carried out of a month, by clause, from the ledger alone: HTML in Norwegian and English, JSON."""
    from ajprivacy_pipeline.enforcement.certificate import certificate_of
    from ajprivacy_pipeline.enforcement.certificate_page import write_certificate
    from ajprivacy_pipeline.enforcement.ledger import open_ledger
    from ajprivacy_pipeline.policy import load_policy
    settings = prepared()
    ledger = open_ledger(settings)
    head = ledger.check()
    clauses = load_policy(settings.notice).clauses
    for path in write_certificate(certificate_of(ledger.entries(), month, head), out, clauses):
        typer.echo(path)


def _counted(entries: int) -> str:
    return f"{entries:,} entries" if entries != 1 else "1 entry"


def _told(entry: "Entry") -> str:
    """What matters of an entry beside its plan."""
    body = entry.body
    if entry.kind == "batch":
        rows = sum(count["rows"] for count in body["counts"])
        return f"batch {body['batch']}: {rows:,} decisions about {body['subjects']:,} people"
    if "applied" in body:
        return f"{body['applied']:,} of {body['planned']:,} decisions"
    return f"by {body['by']}" if body.get("by") else ""
