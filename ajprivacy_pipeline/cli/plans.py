"""Commands that plan, approve and carry out what is due in the warehouse.

Belongs here: arguments in, lines out. Does not belong here: work. Exit code 2 also where a plan was made that cannot be
approved, 3 where a plan was stopped because what it rests on has changed.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from ajprivacy_pipeline.cli.help import group
from ajprivacy_pipeline.cli.options import Json, prepared, print_json, require_warehouse, today
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from ajprivacy_pipeline.enforcement.shapes import ApplyResult, PlanSummary

plan_app = group(
    "What is due, carried out in the warehouse: planned, approved, applied.",
    ("plan list", "each with its state"),
    ("plan show PLAN", "what would go, part by part"),
    ("plan approve PLAN --by NAME", "let it go"),
    ("plan apply PLAN", "carry it out"))

PlanId = Annotated[str, typer.Argument(metavar="PLAN", help="The plan's id, or how it begins.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(plan_app, name="plan")


@plan_app.command("make")
def plan_make(
    month: Annotated[str | None, typer.Option(
        "--month", metavar="YYYY-MM", help="The newest decided month, which is also the default.")] = None,
    request: Annotated[str | None, typer.Option(
        "--request", metavar="ID", help="Of one person, for an erasure, an objection or a rectification.")] = None,
    as_json: Json = False,
) -> None:
    """Make the plan of the newest decided month, or of a request: what would go, why, and what stands in the way."""
    from ajprivacy_pipeline.enforcement.make import make_plan
    from ajprivacy_pipeline.rights.correction import plan_of_request
    from ajprivacy_pipeline.settings import operator
    settings = _ready()
    if month is not None and request is not None:
        raise typer.BadParameter("a plan is of a month or of a request: keep one of the two options")
    summary = make_plan(settings, month) if request is None else plan_of_request(
        settings, request, today=today(), by=operator())
    _show(summary, "made", as_json=as_json)
    if summary["refused"]:
        raise typer.Exit(PrivacyError.exit_code)


@plan_app.command("list")
def plan_list(as_json: Json = False) -> None:
    """List every plan with its state, oldest first."""
    from ajprivacy_pipeline.enforcement.plans import known_plans
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.storage.control import ControlStore
    settings = prepared()
    days = load_policy(settings.notice).enforcement.approval_days
    known = known_plans(ControlStore.in_folder(settings.control))
    rows = [{"plan": plan.id, "month": plan.month, "state": plan.state(days), "rows": plan.summary["rows"],
             "subjects": plan.summary["subjects"], "made_at": plan.made_at.isoformat(timespec="seconds")}
            for plan in known]
    if as_json:
        print_json(rows)
        return
    if rows:
        typer.echo(f"{'plan':18}{'month':9}{'state':16}{'rows':>12}{'people':>12}   made (UTC)")
    for row in rows:
        typer.echo(f"{row['plan']:18}{row['month']:9}{row['state']:16}{row['rows']:>12,}{row['subjects']:>12,}   "
                   f"{row['made_at']}")
    typer.echo(f"{len(rows):,} plan(s)")


@plan_app.command("show")
def plan_show(plan: PlanId, as_json: Json = False) -> None:
    """Show what a plan does, part by part, and what became of it."""
    from ajprivacy_pipeline.enforcement.plans import find_plan
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.storage.control import ControlStore
    settings = prepared()
    found = find_plan(ControlStore.in_folder(settings.control), plan)
    state = found.state(load_policy(settings.notice).enforcement.approval_days)
    if as_json:
        print_json({**found.summary, "state": state, "events": [
            {"event": event.event, "by": event.by, "at": event.happened_at.isoformat(timespec="seconds")}
            for event in found.events]})
        return
    _show(found.summary, state, as_json=False)
    for event in found.events:
        typer.echo(f"{event.happened_at:%Y-%m-%d %H:%M} UTC  {event.event} by {event.by}")


@plan_app.command("approve")
def plan_approve(
    plan: PlanId, by: By,
    release_brake: Annotated[bool, typer.Option(
        "--release-brake", help="Somebody has looked at it: let more go than goes in passing.")] = False,
) -> None:
    """Approve a plan by name; it is bound to exactly what it was made of."""
    from ajprivacy_pipeline.enforcement.approve import approve
    settings = _ready()
    approved = approve(settings, plan, by, release_brake=release_brake)
    if approved.events[-1].event == "first_approval":
        typer.echo(f"plan {approved.id} waits for a second approval, by somebody else")
    else:
        typer.echo(f"plan {approved.id} is approved: carry it out with `ajprivacy plan apply {approved.id}`")


@plan_app.command("withdraw")
def plan_withdraw(plan: PlanId, by: By) -> None:
    """Withdraw a plan; what it has carried out already stands."""
    from ajprivacy_pipeline.enforcement.approve import withdraw
    typer.echo(f"plan {withdraw(prepared(), plan, by).id} is withdrawn")


@plan_app.command("recover")
def plan_recover(
    by: By,
    moved: Annotated[bool, typer.Option(
        "--moved", help="It was restored to another address than the plans were carried out at.")] = False,
) -> None:
    """After a restore of the warehouse: write off the batches that it lacks; their people are planned anew.

    One that holds none of their people, or stands at another address, is refused: it may be another warehouse.
    """
    from ajprivacy_pipeline.enforcement.recover import recover
    lost = recover(_ready(), by, moved=moved)
    for plan, batches in lost.items():
        typer.echo(f"plan {plan}: {len(batches)} batch(es) undone by the restore")
    typer.echo("run the month again, then `ajprivacy plan make`" if lost else
               "the warehouse lacks nothing of the ledger")


@plan_app.command("apply")
def plan_apply(plan: PlanId, as_json: Json = False) -> None:
    """Carry an approved plan out, or go on with it; of one that is carried out, read back what stands there."""
    from ajprivacy_pipeline.enforcement.carry import apply_plan
    from ajprivacy_pipeline.settings import operator
    settings = _ready()
    result = apply_plan(settings, plan, by=operator())
    _tell(settings, result)
    if as_json:
        print_json(result)
    else:
        typer.echo("\n".join(_lines(result)))
    if not result["verified"]:
        raise typer.Exit(PrivacyError.exit_code)


def _tell(settings: Settings, result: "ApplyResult") -> None:
    """The newest month's page and Dagster's say what was carried out; where they cannot, nothing is undone."""
    from ajprivacy_pipeline.assets.noted import note
    from ajprivacy_pipeline.monthly.renew import renew
    from ajprivacy_pipeline.policy import load_policy
    try:
        policy = load_policy(settings.notice)
        note(settings, policy, *renew(settings, policy, today()), result)
    except PrivacyError as error:
        typer.echo(f"the page of the month, or Dagster's, stays as it was: {error}", err=True)


def _ready() -> Settings:
    settings = load_settings()
    require_warehouse(settings)
    return prepared()


def _lines(result: "ApplyResult") -> list[str]:
    dropped = sum(row["rows"] for row in result["dropped"])
    verdict = "verified" if result["verified"] else "NOT verified"
    done = f"{result['applied']:,} of {result['planned']:,} carried out, {verdict} ({result['batches']:,} batch(es))"
    lines = [f"plan {result['plan']} of {result['month']}: {done}"]
    if result["already"]:
        lines.append(f"{result['already']:>12,}  stood so already")
    if dropped:
        lines += [f"{row['rows']:>12,}  not any more: {row['reason']}" for row in result["dropped"]]
    if result["not_carried_out"]:
        lines.append(f"{result['not_carried_out']:>12,}  not carried out by us")
    if result["written_back"]:
        lines.append(f"{result['written_back']:>12,}  were written back by another system since, and went again")
    lines += [f"{row['rows']:>12,}  rows beside the decisions in {row['table']}, {row['cells']:,} values"
              for row in result["copies"]]
    lines += [f"{row['rows']:>12,}  still in {row['table']}.{row['column']} ({row['how']})" for row in result["sweep"]]
    lines += [f"may still lie in {row['where']}: {row['what']}" + (f"; ends {row['ends']}" if row["ends"] else "")
              for row in result["residue"]]
    if anew := result.get("built_anew"):
        lines.append(f"built anew without it, under new keys: {', '.join(anew)}")
    return lines


def _show(summary: "PlanSummary", state: str, *, as_json: bool) -> None:
    if as_json:
        print_json(summary)
        return
    if summary["plan"] is None:
        typer.echo(f"{summary['month']}: nothing is due, so there is no plan")
        return
    since = f", oldest due since {summary['oldest_due_on']}" if summary["oldest_due_on"] else ""
    typer.echo(f"plan {summary['plan']} of {summary['month']} ({state}): {summary['rows']:,} decisions about "
               f"{summary['subjects']:,} people, {summary['cells']:,} values{since}")
    typer.echo(f"{'table and part':40}{'action':12}{'clause':8}{'rows':>10}{'values':>10}{'share':>9}")
    shares = {(row["entity"], row["part"]): row for row in summary["brake"]}
    for row in summary["summary"]:
        brake = shares.get((row["entity"], row["part"]))  # a rectification takes nothing away, and has none
        share = f"{brake['share']:>8.1%}{' brake' if brake['tripped'] else ''}" if brake else ""
        typer.echo(f"{row['entity'] + '.' + row['part']:40}{row['action']:12}{row['clause']:8}{row['rows']:>10,}"
                   f"{row['cells']:>10,}{share}")
    for table in summary.get("beside", []):
        typer.echo(f"holds the old value too, and is not written by us: {table}")
    for copied in summary.get("copies", []):
        typer.echo(f"{'beside them, ' + copied['table']:60}{copied['rows']:>10,}{copied['cells']:>10,}")
    for earlier, rows in summary.get("written_back", {}).items():
        typer.echo(f"written back since by another system: {rows:,} decisions of plan {earlier}; apply it once more: "
                   f"`ajprivacy plan apply {earlier}`")
    for found in summary["not_carried_out"]:
        typer.echo(f"not carried out by us: {found['entity']}.{found['column']}, {found['rows']:,} rows: "
                   f"{found['reason']}")
    for waiting in summary["waiting"]:
        typer.echo(f"waits: {waiting['entity']}.{waiting['part']}, {waiting['rows']:,} rows, for "
                   f"{waiting['waits_for']}")
    for refused in summary["refused"]:
        column = f".{refused['column']}" if refused["column"] else ""
        typer.echo(f"refused: {refused['table']}{column} ({refused['constraint']}): {refused['fix']}")
    if summary["overdue"]:
        years = ", ".join(f"{year}: {rows:,}" for year, rows in summary["overdue"].items())
        typer.echo(f"due since before {summary['month']}, by year: {years}")
