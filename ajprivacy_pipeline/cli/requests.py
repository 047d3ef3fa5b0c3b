"""Commands about requests of people to use a right: recorded, followed, answered.

Belongs here: arguments in, lines out. Does not belong here: work. What is shown about a person is restricted data;
lists name nobody.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ajprivacy_pipeline.cli.help import group
from ajprivacy_pipeline.cli.options import Json, parse_day, prepared, print_json, require_warehouse, today
from ajprivacy_pipeline.cli.people import Lang, Language
from ajprivacy_pipeline.settings import operator

if TYPE_CHECKING:
    from ajprivacy_pipeline.policy.rights import Rights
    from ajprivacy_pipeline.rights.correction import Wish
    from ajprivacy_pipeline.rights.requests import Request

request_app = group(
    "The rights of the person, from request to answer.",
    ("request add --kind access --received 2026-11-02 --customer C1", ""),
    ("request list", "by deadline"),
    ("request verify-identity ID", "before anything is handed out"),
    ("request answer ID --out DIR", "the package, or the answer"),
    ("request copy ID --out DIR", "the same once more, if it was lost"),
    ("request close ID", "it was sent"))

RequestId = Annotated[str, typer.Argument(metavar="ID", help="The request's id, as `request list` shows it.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write to; nobody else can read it.")]
Table = Annotated[str | None, typer.Option("--table", metavar="TABLE", help="Of the contract, as customers.")]
Column = Annotated[str | None, typer.Option("--column", metavar="COLUMN", help="Of the contract, as email.")]
Old = Annotated[str | None, typer.Option("--old", metavar="VALUE", help="What stands there; '' for nothing.")]
New = Annotated[str | None, typer.Option("--new", metavar="VALUE", help="What is right.")]
RowId = Annotated[str | None, typer.Option("--row", metavar="ID", help="Of a record, as an order's id.")]
Who = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it; default: who runs the command.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(request_app, name="request")
    app.command("access-log")(access_log)


def access_log(
    subject: Annotated[str | None, typer.Option(
        "--subject", metavar="SUBJECT", help="Of customer:ID or contact:ID alone.")] = None,
    as_json: Json = False,
) -> None:
    """List who looked at people's data: explanations, packages, decisions taken out. Whom it was about is a token."""
    from ajprivacy_pipeline.oversight.accesses import accesses
    rows = accesses(prepared(), subject)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['looked_at']:%Y-%m-%d %H:%M} UTC  {row['what']:12}{row['month'] or '-':9}{row['subject']:14}"
                   f"{row['by']}")
    typer.echo(f"{len(rows):,} access(es)")


@request_app.command("add")
def request_add(
    kind: Annotated[str, typer.Option(
        "--kind", metavar="KIND", help="access, rectification, erasure, restriction, portability, objection, or "
                                          "objection_situation.")],
    received: Annotated[str, typer.Option("--received", metavar="YYYY-MM-DD", help="The day on which it arrived.")],
    customer: Annotated[str | None, typer.Option("--customer", metavar="ID", help="The customer's id.")] = None,
    contact: Annotated[str | None, typer.Option("--contact", metavar="ID", help="The contact person's id.")] = None,
    email: Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="The address it came from.")] = None,
    table: Table = None, column: Column = None, old: Old = None, new: New = None, row: RowId = None, by: Who = None,
) -> None:
    """Record a request that did not come through the warehouse, and print its id.

    A rectification may say at once what is to be corrected; `request correct` says it, or more, afterwards.
    """
    from ajprivacy_pipeline.rights.correction import add_with_wish
    from ajprivacy_pipeline.rights.steps import asker_of
    settings = prepared()
    require_warehouse(settings)
    typer.echo(add_with_wish(settings, kind, parse_day(received), asker_of(customer, contact, email),
                             _wish(table, column, old, new, row), today=today(), by=_who(by)))


@request_app.command("correct")
def request_correct(
    request: RequestId, table: Table = None, column: Column = None, old: Old = None, new: New = None,
    row: RowId = None, by: Who = None,
) -> None:
    """Say what is to be corrected for a rectification; it is carried out by a plan of the request."""
    from ajprivacy_pipeline.rights.correction import correct
    settings = prepared()
    require_warehouse(settings)
    if (wish := _wish(table, column, old, new, row)) is None:
        raise typer.BadParameter("--table, --column, --old and --new say what is to be corrected")
    correct(settings, request, wish, today=today(), by=_who(by))
    typer.echo(f"next: ajprivacy plan make --request {request}")


@request_app.command("list")
def request_list(
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False, as_json: Json = False,
) -> None:
    """List open requests with their state and deadline, in order of deadline; whose they are is not shown."""
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.rights.requests import known_requests
    settings = prepared()
    rights = load_policy(settings.notice).rights
    rows = sorted((_row(request, rights) for request in known_requests(settings, rights)
                   if everything or request.is_open), key=lambda row: (row["deadline"] or "", row["request"]))
    if as_json:
        print_json(rows)
        return
    if rows:
        typer.echo(f"{'request':24}{'kind':21}{'state':20}{'received':12}{'deadline':12}{'timing':10}")
    for row in rows:
        waits = f"  waits for identity since {row['received_on']}" if row["waits_for_identity"] else ""
        typer.echo(f"{row['request']:24}{row['kind'] or 'unknown':21}{row['state']:20}{row['received_on'] or '-':12}"
                   f"{row['deadline'] or '-':12}{row['timing']:10}{waits}".rstrip())
    typer.echo(f"{len(rows):,} request(s)")


@request_app.command("show")
def request_show(request: RequestId, as_json: Json = False) -> None:
    """Show a request with every step that was taken, when, and by whom."""
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.rights.requests import find_request
    settings = prepared()
    rights = load_policy(settings.notice).rights
    found = find_request(settings, rights, request)
    if as_json:
        print_json(_detailed(found, rights))
    else:
        typer.echo("\n".join(_lines(found, rights)))


@request_app.command("verify-identity")
def request_verify_identity(request: RequestId, by: Who = None) -> None:
    """Record that the person has shown who they are; before that nothing is handed out."""
    from ajprivacy_pipeline.enforcement.plans import RECTIFICATION
    from ajprivacy_pipeline.enforcement.requested import ENDING
    from ajprivacy_pipeline.rights.steps import verify_identity
    found = verify_identity(prepared(), request, today=today(), by=_who(by))
    _moved(found)
    if found.kind in (*ENDING, RECTIFICATION):
        typer.echo(f"next: ajprivacy plan make --request {request}")


@request_app.command("extend")
def request_extend(
    request: RequestId,
    reason: Annotated[str, typer.Option("--reason", metavar="CODE", help="A reason code of the policy (rights.toml).")],
    by: Who = None,
) -> None:
    """Extend the deadline to three months from receipt, within the first month and with a reason."""
    from ajprivacy_pipeline.rights.steps import extend
    _moved(extend(prepared(), request, reason, today=today(), by=_who(by)))
    typer.echo(f"next: ajprivacy request letter {request} --about extension --out DIR")


@request_app.command("letter")
def request_letter(
    request: RequestId,
    about: Annotated[str, typer.Option("--about", metavar="WHAT", help="extension, identity or lifting.")],
    out: Out,
    lang: Lang = Language.NB,
    by: Who = None,
) -> None:
    """Write a letter that is no answer yet: why it takes longer, who the person is, that a restriction ends."""
    from ajprivacy_pipeline.rights.letter import write_letter
    for name in write_letter(prepared(), request, about, out, language=lang.value, today=today(), by=_who(by)):
        typer.echo(out / name)


@request_app.command("refuse")
def request_refuse(
    request: RequestId,
    clause: Annotated[str, typer.Option("--clause", metavar="CLAUSE", help="The clause that it is refused by.")],
    told: Annotated[str | None, typer.Option(
        "--told", metavar="YYYY-MM-DD", help="Of an objection that restricts: when the person was told that this ends.",
    )] = None,
    by: Who = None,
) -> None:
    """Refuse a request by a clause; an objection to marketing cannot be refused."""
    from ajprivacy_pipeline.rights.steps import refuse
    _moved(refuse(prepared(), request, clause, told_on=parse_day(told) if told else None, today=today(), by=_who(by)))


@request_app.command("answer")
def request_answer(
    request: RequestId,
    out: Out,
    lang: Lang = Language.NB,
    by: Who = None,
) -> None:
    """Write the package or the answer: a page, JSON, and CSV for each table. It is about a person: hand it over safely.

    Before the person is identified, or where an address reaches several people, nothing is written.
    """
    from ajprivacy_pipeline.rights.answer import answer
    settings = prepared()
    require_warehouse(settings)
    for name in answer(settings, request, out, language=lang.value, today=today(), by=_who(by)):
        typer.echo(out / name)


@request_app.command("copy")
def request_copy(
    request: RequestId,
    out: Out,
    by: Who = None,
) -> None:
    """Write the answer once more as it was handed over, from our own copy, for whoever has lost it.

    It is about a person: hand it over safely. After the policy's days our copy is destroyed, and nothing is written.
    """
    from ajprivacy_pipeline.rights.handed_copy import hand_copy
    for name in hand_copy(prepared(), request, out, today=today(), by=_who(by)):
        typer.echo(out / name)


@request_app.command("close")
def request_close(
    request: RequestId,
    outcome: Annotated[str, typer.Option("--outcome", metavar="OUTCOME", help="granted or withdrawn.")] = "granted",
    told: Annotated[str | None, typer.Option(
        "--told", metavar="YYYY-MM-DD", help="When the person was told that the restriction ends.")] = None,
    by: Who = None,
) -> None:
    """Close a request that was answered; closing a restriction lifts it."""
    from ajprivacy_pipeline.rights.steps import close
    _moved(close(prepared(), request, outcome=outcome, told_on=parse_day(told) if told else None, today=today(),
                 by=_who(by)))


def _who(by: str | None) -> str:
    return operator() if by is None else by


def _wish(table: str | None, column: str | None, old: str | None, new: str | None, row: str | None) -> "Wish | None":
    """What is to be corrected, if anything is said of it; then all of it must be."""
    from ajprivacy_pipeline.rights.correction import Wish
    if table is None and column is None and old is None and new is None and row is None:
        return None
    if table is None or column is None or old is None or new is None:
        raise typer.BadParameter("--table, --column, --old and --new say together what is to be corrected")
    return Wish(table, column, old, new, row)


def _moved(request: "Request") -> None:
    typer.echo(f"request {request.id}: {request.state}")


def _row(request: "Request", rights: "Rights") -> dict[str, Any]:
    deadline = request.deadline(rights)
    return {"request": request.id, "kind": request.kind, "state": request.state, "source": request.source,
            "received_on": _text(request.received_on), "deadline": _text(deadline),
            "timing": request.timing(rights, today()), "waits_for_identity": request.waits_for_identity(rights)}


def _detailed(request: "Request", rights: "Rights") -> dict[str, Any]:
    from ajprivacy_pipeline.rights.requests import VERIFY
    waits = request.waits_for_identity(rights)
    return {**_row(request, rights), "waiting_since": _text(request.received_on) if waits else None,
            "identity_verified_on": _text(request.verified_on), "extended_on": _text(request.extended_on),
            "reason": request.reason, "answered_on": _text(request.answered_on), "closed_on": _text(request.closed_on),
            "outcome": request.outcome, "clause": request.clause,
            "asked_by": {name: value for name, value in vars(request.asker).items() if value and name != "email_key"}
            if request.asker else None,
            "steps": [{"step": step.event, "by": step.by, "on": _text(step.on),
                       "recorded_at": step.at.isoformat(timespec="seconds"),
                       "detail": None if step.event == VERIFY else step.detail}  # whose identity it was: a token
                      for step in request.steps]}


def _lines(request: "Request", rights: "Rights") -> list[str]:
    row = _detailed(request, rights)
    lines = [f"request {row['request']} ({row['kind'] or 'unknown'}, {row['source']}): {row['state']}",
             f"  received {row['received_on']}, to be answered by {row['deadline']} ({row['timing']})"]
    if row["waiting_since"]:
        lines.append(f"  waits for identification since {row['waiting_since']}; the deadline runs on")
    if row["extended_on"]:
        lines.append(f"  extended on {row['extended_on']}: {rights.extensions.get(row['reason'], row['reason'])}")
    if row["clause"]:
        lines.append(f"  refused by {row['clause']}")
    lines += [f"  {step['recorded_at']} UTC  {step['step'].replace('_', '-')} by {step['by']}"
              f"{': ' + step['detail'] if step['detail'] else ''}" for step in row["steps"]]
    return lines


def _text(day: Any) -> str | None:
    return day.isoformat() if day is not None else None
