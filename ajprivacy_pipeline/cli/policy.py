"""`ajprivacy policy ...`: what the policy promises, says, and would do.

Belongs here: arguments in, lines out. Does not belong here: work (`policy`, `whatif`).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ajprivacy_pipeline.cli.help import Quick, group
from ajprivacy_pipeline.cli.options import Json, LastFullMonth, OneMonth, last_month, print_json, today
from ajprivacy_pipeline.settings import load_settings

if TYPE_CHECKING:
    from ajprivacy_pipeline.whatif.compare import Owed

Old = Annotated[str, typer.Argument(metavar="OLD", help="A folder of notice files, a stored version, or 'current'.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="A folder of notice files, a stored version, or 'current'.")]
policy_app = group(
    "The notice as data.",
    ("policy init notice", "a notice of your own"),
    ("policy diff current notice", "what it says differently"),
    ("policy simulate notice --month 2026-10", "whom it decides otherwise"))


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for name, command in (("check", check), ("clauses", clauses), ("show", show), ("diff", diff),
                          ("simulate", simulate), ("forecast", forecast), ("ropa", ropa), ("init", init),
                          ("versions", versions)):
        policy_app.command(name, cls=Quick)(command)
    app.add_typer(policy_app, name="policy")


def check(as_json: Json = False) -> None:
    """Load and validate the notice data and the SQL models, and what each lacks of the other; list every fault."""
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.retention.completeness import require_complete
    policy = load_policy(load_settings().notice)
    facts = {"version": policy.version, "clauses": len(policy.clauses), "purposes": len(policy.retention.purposes),
             "attributes": len(policy.retention.attributes), "source_tables": len(policy.sources.tables),
             "published_tables": len(policy.release.tables), "models": len(require_complete(policy))}
    if as_json:
        print_json(facts)
    else:
        typer.echo("\n".join(f"{name:18}{value}" for name, value in facts.items()))


def clauses(as_json: Json = False) -> None:
    """Every promise of the notice: its state, its meaning, and the test that proves it."""
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.policy.clauses import clause_rows, state_counts
    policy = load_policy(load_settings().notice)
    rows, counts = clause_rows(policy), state_counts(policy)
    if as_json:
        print_json({"policy_version": policy.version, "states": counts, "clauses": rows})
        return
    typer.echo(f"{'clause':7}{'state':30}meaning")
    for row in rows:
        typer.echo(f"{row['id']:7}{row['state']:30}{row['meaning']}")
        for label, text in (("how", row["how"]), ("test", row["test"]), ("not yet", row["pending"])):
            if text:
                typer.echo(f"{'':37}{label}: {text}")
    typer.echo(", ".join(f"{count} {state}" for state, count in counts.items()))


def show(as_json: Json = False) -> None:
    """Who has which attribute for which purpose, how long it is kept, and what stops its end."""
    from ajprivacy_pipeline.storage.kept import policy_tables
    found = policy_tables(load_settings())
    if as_json:
        print_json(found)
        return
    covering = {purpose for rows in found["matrix"].values() for row in rows for purpose in row["purposes"]}
    purposes = [purpose for purpose in found["purposes"] if purpose in covering]
    typer.echo(f"policy {found['version']}, valid from {found['valid_from']}; * marks a choice of the controller")
    for kind, rows in found["matrix"].items():
        _table(kind.replace("_", " "), [
            {"attribute": " ".join([row["attribute"], *(["*"] if row["choice"] else []),
                                    *(["(misplaced)"] if row["misplaced"] else [])]),
             **{purpose: "x" if purpose in row["purposes"] else "" for purpose in purposes}}
            for row in rows])
    _table("periods", [{"period": row["period"] + (" *" if row["choice"] else ""), "value": row["value"],
                        "source": row["source"]} for row in found["periods"]])
    _table("choices *", [{"choice": name, "value": json.dumps(value)} for name, value in found["choices"].items()])
    _table("freezes", found["freezes"])
    _table("scopes", [{"scope": scope, "holds": ", ".join(entities)} for scope, entities in found["scopes"].items()])


def diff(old: Old, new: New, as_json: Json = False) -> None:
    """What two policies say differently, key by key."""
    from ajprivacy_pipeline.policy.diff import diff as compare
    from ajprivacy_pipeline.storage.policy_versions import find_texts
    settings = load_settings()
    found = compare(find_texts(settings, old), find_texts(settings, new))
    if as_json:
        print_json(found)
        return
    for side, head in (("old", found["old"]), ("new", found["new"])):
        typer.echo(f"{side}  {head['version']}, valid from {head['valid_from']}")
    for change in found["changes"]:
        sides = {"added": f"{change['now']}", "removed": f"was {change['was']}"}
        typer.echo(f"  {change['file']}: {change['key']}: {change['kind']}: "
                   + sides.get(change["kind"], f"{change['was']} -> {change['now']}"))
    typer.echo(f"{len(found['changes'])} key(s) differ")


def simulate(
    new: New, month: OneMonth, as_json: Json = False,
    out: Annotated[Path | None, typer.Option(
        dir_okay=False, metavar="FILE",
        help="A new Parquet file inside the restricted zone for the ids of all who flip.")] = None,
) -> None:
    """What another policy would decide for a month that was run; the month stays as it is."""
    from ajprivacy_pipeline.storage.policy_versions import find_texts
    from ajprivacy_pipeline.whatif.compare import tables
    from ajprivacy_pipeline.whatif.simulate import simulate as decide
    settings = load_settings()
    found = decide(settings, find_texts(settings, new), month, out)
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found['month']} by policy {found['new_version']} instead of {found['old_version']}")
    _owed("backlog: newly due, to be carried out first", found["backlog"])
    _owed("due already under the month's own policy; once carried out, no longer period brings it back",
          found["owed_before_the_change"])
    for title, rows in tables(found):
        _table(title, rows)
    if not found["flips"]:
        typer.echo("no decision flips")


def forecast(
    month: LastFullMonth = None, as_json: Json = False,
    plot: Annotated[Path | None, typer.Option(dir_okay=False, metavar="FILE", help="A PNG file to draw.")] = None,
    csv: Annotated[Path | None, typer.Option(
        dir_okay=False, metavar="FILE", help="A CSV file to write, a row a month.")] = None,
) -> None:
    """How many people, attributes and records become due, month by month, for thirty years."""
    from ajprivacy_pipeline.whatif import forecast as ahead
    found = ahead.forecast(load_settings(), month or last_month())
    if plot:
        ahead.write_plot(found, plot)
    if csv:
        ahead.write_csv(found, csv)
    if as_json:
        print_json(found)
        return
    now, *after = ahead.edges(found).values()
    typer.echo(f"as decided for {found['month']}, policy {found['policy_version']}; "
               "a person counts when the last attribute goes")
    _table("becomes due", [now, *ahead.by_year(found), *after])


def ropa(
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(
        file_okay=False, metavar="DIR", help="A folder to write ropa.html and ropa.json to.")] = None,
) -> None:
    """The records of processing (Art. 30), from policy and registers; what is missing is listed."""
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.policy.ropa import ropa as record
    from ajprivacy_pipeline.policy.ropa import write_ropa
    settings, day = load_settings(), today()
    policy = load_policy(settings.notice)
    if (settings.control / "control.db").exists():
        from ajprivacy_pipeline.rights.disclosures import disclosures
        from ajprivacy_pipeline.rights.outbox import count_notices
        found = record(policy, day, disclosures(settings), count_notices(settings, day))
    else:  # nothing was done here yet
        found = record(policy, day)
    written = write_ropa(found, out) if out else []
    if as_json:
        print_json(found)
        return
    typer.echo(f"{len(found['purposes'])} purposes, {len(found['recipients'])} recipients, policy {policy.version}")
    for warning in found["warnings"]:
        typer.echo(f"  warning: {warning}")
    for path in written:
        typer.echo(f"  {path}")


def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")]) -> None:
    """Write the default notice into a folder of your own; AJPRIVACY_NOTICE=DIR makes it the one that counts."""
    from ajprivacy_pipeline.storage.policy_versions import start_policy
    for name in start_policy(folder):
        typer.echo(f"  {folder / name}")
    typer.echo(f"change them, then `AJPRIVACY_NOTICE={folder} ajprivacy policy check`")


def versions(as_json: Json = False) -> None:
    """Every policy that a run used, oldest first: when and by whom it was stored, and what it changed."""
    from ajprivacy_pipeline.storage.policy_versions import history
    found = history(load_settings())
    if as_json:
        print_json(found)
        return
    for row in found:
        changed = "" if row["changes"] is None else f", {len(row['changes'])} key(s) differ from the one before"
        by = row["stored_by"] or "unknown"
        typer.echo(f"{row['version']}  stored {row['stored_at']:%Y-%m-%d %H:%M} UTC by {by}; "
                   f"decided {', '.join(row['months']) or 'no month that stands'}{changed}")
        for change in row["changes"] or ():
            typer.echo(f"  {change['file']}: {change['key']}: {change['was'] or '-'} -> {change['now'] or '-'}")
    if not found:
        typer.echo("no policy is stored: the first run stores the one it uses")


def _owed(title: str, owed: "Owed") -> None:
    if owed["attributes"] or owed["records"]:
        typer.echo(f"{title}: {owed['attributes']:,} attributes and {owed['records']:,} records of "
                   f"{owed['people']:,} people, the oldest since {owed['oldest_due_on']}")
        _table("", owed["by_year"])


def _table(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows under their columns; numbers to the right."""
    if not rows:
        return
    cells = [[_cell(column, value) for column, value in row.items()] for row in rows]
    heads = [column.replace("_", " ") for column in rows[0]]
    widths = [max(len(head), *(len(line[i]) for line in cells)) for i, head in enumerate(heads)]
    numeric = [all(isinstance(row[column], int | None) for row in rows) for column in rows[0]]
    typer.echo(f"\n{title}" if title else "")
    for line in (heads, *cells):
        parts = (text.rjust(width) if right else text.ljust(width)
                 for text, width, right in zip(line, widths, numeric, strict=True))
        typer.echo(("  " + "  ".join(parts)).rstrip())


def _cell(column: str, value: object) -> str:
    if isinstance(value, int) and column not in ("year", "value"):
        return f"{value:,}"
    return "" if value is None else str(value)

