"""Commands about single people: why something is kept, what must be reviewed, which legal holds stand.

Belongs here: arguments in, lines out. Does not belong here: work.
"""

import json
from enum import StrEnum
from typing import Annotated

import typer

from ajprivacy_pipeline.cli.help import group
from ajprivacy_pipeline.cli.options import (
    By,
    Json,
    NewestMonth,
    Reason,
    parse_day,
    prepared,
    print_columns,
    print_json,
    today,
)
from ajprivacy_pipeline.settings import load_settings, operator

review_app = group(
    "What a person must decide each month.",
    ("review list", "what waits, and what it takes"),
    ("review decide customer:C00000001 keep --by NAME --reason CODE", ""))
hold_app = group(
    "Legal holds: what must stay whatever else ends.",
    ("hold place cases --owner NAME --ground CODE --expires 2027-06-30", ""),
    ("hold lift 1 --by NAME", "it ends today"))

Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="customer:ID or contact:ID.")]
Reviewed = Annotated[str, typer.Argument(
    metavar="SUBJECT|RECORD", help="customer:ID or contact:ID, or of a record its table and id, as communications:ID.")]
Expires = Annotated[str, typer.Option("--expires", metavar="YYYY-MM-DD", help="The day by which it must be renewed.")]
HoldId = Annotated[int, typer.Argument(metavar="ID", help="The hold's number, as `hold list` shows it.")]


class Language(StrEnum):
    """The languages of explanations."""

    NB = "nb"
    EN = "en"


Lang = Annotated[Language, typer.Option("--lang", metavar="nb|en", help="Norwegian bokmål or English.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("explain")(explain)
    app.add_typer(review_app, name="review")
    app.add_typer(hold_app, name="hold")


def explain(
    subject: Subject, month: NewestMonth = None,
    lang: Lang = Language.NB,
    customer: Annotated[bool, typer.Option(
        "--for-customer", help="For the person: no version of the policy, no dates that did not decide.")] = False,
    as_json: Json = False,
) -> None:
    """Say why each thing about one person is kept, held or due, and until when. Each access is logged."""
    from dataclasses import replace

    from ajprivacy_pipeline import explain as explaining
    from ajprivacy_pipeline.enforcement.ledger import open_ledger
    settings = load_settings()
    found = explaining.explain(settings, subject, month, operator())
    since = sorted({(one.carried_out_on, one.clause) for one in open_ledger(settings).find(subject).found
                    if one.carried_out_on >= found.as_of})
    found = replace(found, went=tuple(since))
    if as_json:
        typer.echo(json.dumps(explaining.as_json(found, lang.value), indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(explaining.page(found, lang.value, for_customer=customer)))


@review_app.command("list")
def review_list(month: NewestMonth = None, as_json: Json = False) -> None:
    """List what is under review, what may be decided about it, its age and the last decision; "-": not decided here."""
    from ajprivacy_pipeline.oversight.reviews import answers, open_reviews
    rows = open_reviews(load_settings(), month)
    if as_json:
        print_json(rows)
        return
    lines = [("reason", "subject", "record", "may be", "age", "decision")] if rows else []
    for row in rows:
        age = f"{row['age_days']} days" if row["age_days"] is not None else "-"
        may = answers(row["reason"])
        waits = "undecided" if may else "-"  # the rest is looked at, or ends by other commands
        decided = f"{row['decision']} on {row['decided_on']}" if row["decision"] else waits
        record = f"{row['entity']}:{row['record_id']}" if row["record_id"] else "-"
        lines.append((row["reason"], row["subject_id"] or "-", record, "|".join(may) or "-", age, decided))
    print_columns(lines, right=(4,))
    typer.echo(f"{len(rows):,} case(s)")


@review_app.command("decide")
def review_decide(
    subject: Reviewed,
    decision: Annotated[str, typer.Argument(metavar="release|keep", help="What is decided; a message is kept.")],
    by: By,
    reason: Reason,
    kind: Annotated[str | None, typer.Option(
        "--kind", metavar="KIND", help="What is decided about: open_balance, no_evidence, until_further_notice, "
                                       "orphan, data_quality; default: what is under review.")] = None,
    month: NewestMonth = None,
) -> None:
    """Record a decision on an overdue balance, a lasting fault, a person without evidence, an unattributed message."""
    from ajprivacy_pipeline.oversight.reviews import decide
    settings = prepared()
    made = decide(settings, subject, decision, by, reason, kind=kind, month=month, today=today())
    pinned = f", {made['invoices']} invoice(s)" if made["kind"] == "open_balance" else ""
    typer.echo(f"decision {made['id']}: {subject} {decision} ({made['kind']}){pinned}; it counts from the next run of "
               "a month that ends on or after today")


@hold_app.command("place")
def hold_place(
    subject: Annotated[str, typer.Argument(
        metavar="SUBJECT|ENTITY", help="customer:ID, contact:ID, or a table as app_logs.")],
    owner: Annotated[str, typer.Option("--owner", metavar="NAME", help="Who answers for the hold.")],
    ground: Annotated[str, typer.Option("--ground", metavar="CODE", help="A ground code of the policy (review.toml).")],
    expires: Expires,
) -> None:
    """Place a legal hold on a person or on a whole table; says whether that is in time."""
    from ajprivacy_pipeline.oversight.holds import carried_out_on, place_hold
    settings = prepared()
    number = place_hold(settings, subject, owner, ground, parse_day(expires), today=today(), by=operator())
    gone_on = carried_out_on(settings, subject)
    typer.echo(f"hold {number} placed on {subject}: " + (
        f"already carried out on {gone_on}, nothing was left; what comes back is held" if gone_on else "held"))


@hold_app.command("renew")
def hold_renew(hold: HoldId, expires: Expires) -> None:
    """Set a later expiry."""
    from ajprivacy_pipeline.oversight.holds import renew_hold
    renew_hold(prepared(), hold, parse_day(expires), today=today(), by=operator())
    typer.echo(f"hold {hold} renewed until {expires}")


@hold_app.command("lift")
def hold_lift(hold: HoldId, by: By) -> None:
    """Lift a hold as of today."""
    from ajprivacy_pipeline.oversight.holds import lift_hold
    lift_hold(prepared(), hold, by, today=today())
    typer.echo(f"hold {hold} lifted")


@hold_app.command("list")
def hold_list(as_json: Json = False) -> None:
    """List every hold, lifted ones too."""
    from ajprivacy_pipeline.oversight.holds import list_holds
    rows = list_holds(prepared(), today=today())
    if as_json:
        print_json(rows)
        return
    if rows:
        print_columns([("hold", "subject", "ground", "owner", "placed", "expires", "state"), *(
            (str(row["id"]), row["subject_id"], row["ground"], row["owner"], str(row["placed_on"]),
             str(row["expires_on"]), row["state"]) for row in rows)], right=(0,))
    typer.echo(f"{len(rows):,} hold(s)")


