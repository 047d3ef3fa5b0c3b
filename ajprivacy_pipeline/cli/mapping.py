"""Commands about the mapping: which source tables and columns feed the contract.

Belongs here: arguments in, lines out. Does not belong here: work.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ajprivacy_pipeline.cli.options import Json, require_warehouse
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.settings import load_settings

if TYPE_CHECKING:
    from ajprivacy_pipeline.warehouse.mapping import Finding

mapping_app = typer.Typer(no_args_is_help=True, help="The mapping: which source tables and columns feed the contract.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(mapping_app, name="mapping")


@mapping_app.command("init")
def mapping_init(
    out: Annotated[Path | None, typer.Option(help="The file; default: mapping.toml in the home.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Draft a mapping by looking at the warehouse's tables and columns; no row is read."""
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.warehouse.draft import draft
    from ajprivacy_pipeline.warehouse.source import open_source
    settings = load_settings()
    require_warehouse(settings)
    target = out or settings.home / "mapping.toml"
    if target.exists() and not force:
        raise PrivacyError(f"{target} is there already: name another with --out, or write over it with --force")
    with open_source(settings.warehouse_url) as source:
        text = draft(source, load_policy(settings.notice).sources)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    typer.echo(f"{target}: read it, correct it, then `ajprivacy mapping check`")


@mapping_app.command("check")
def mapping_check(
    rows: Annotated[bool, typer.Option("--rows", help="Read the rows too: which values cannot be read.")] = False,
    as_json: Json = False,
) -> None:
    """Hold the mapping against the warehouse: faults stop a run, missing evidence lets nothing become due."""
    from ajprivacy_pipeline.errors import MappingError
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.warehouse.findings import ranked
    from ajprivacy_pipeline.warehouse.mapping import check, load_mapping
    from ajprivacy_pipeline.warehouse.source import open_source
    settings = load_settings()
    require_warehouse(settings)
    policy = load_policy(settings.notice)
    mapping = load_mapping(settings.mapping_file, policy.sources)
    with open_source(settings.warehouse_url) as source:
        findings = check(source, mapping, policy.sources)
    if rows and not _faults(findings):
        from ajprivacy_pipeline.run.rows_check import check_rows
        findings = ranked([*findings, *check_rows(settings, policy, mapping)])
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        typer.echo("\n".join([*(f"{f.shown:11}{f.message}" for f in findings), f"{len(findings)} finding(s)"]))
    if faults := _faults(findings):
        raise MappingError(f"{faults} fault(s) stop a run; each line above ends with its fix")


def _faults(findings: "list[Finding]") -> int:
    return sum(finding.level == "fault" for finding in findings)
