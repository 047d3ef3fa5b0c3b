"""Commands about the keys of the zones, and the control store that is counted beside them.

Belongs here: arguments in, lines out. Does not belong here: work.
"""

import json
from typing import Annotated

import typer

from ajprivacy_pipeline.cli.help import group
from ajprivacy_pipeline.cli.options import By, Json, Reason, prepared, today
from ajprivacy_pipeline.settings import load_settings

keys_app = group(
    "The keys of the zones.",
    ("keys fingerprint", "before and after a restore"),
    ("keys destroy 2020", "nobody links that year again"))


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(keys_app, name="keys")


@keys_app.command("fingerprint")
def keys_fingerprint(as_json: Json = False) -> None:
    """Tell keys apart without showing them."""
    from ajprivacy_pipeline.settings import prepare_home
    from ajprivacy_pipeline.storage.keystore import KeyStore
    settings = load_settings()
    prepare_home(settings)
    found = KeyStore(settings.keys, settings.root_key).fingerprints()
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(f"{k:40}{v}" for k, v in found.items()))


@keys_app.command("rotate")
def keys_rotate() -> None:
    """Put a new root key in the old one's place and seal every key under it; no token changes."""
    from ajprivacy_pipeline.storage.rotation import rotate_root
    typer.echo(f"{rotate_root(prepared())} keys are sealed under a new root key: back keys/ up anew, and destroy the "
               "backups of the old root key")


@keys_app.command("destroy")
def keys_destroy(period: Annotated[str, typer.Argument(metavar="YEAR", help="The key period.")]) -> None:
    """Destroy the keys of pseudonymisation of a period: nobody can link its tokens to a person again."""
    from ajprivacy_pipeline.pseudonyms.keys import destroy_period
    typer.echo(f"destroyed: {', '.join(destroy_period(prepared(), period))}; destroy their backups, too")


@keys_app.command("accept-store")
def keys_accept_store(
    by: By,
    reason: Reason,
) -> None:
    """Go on with a control store that has lost something, or with a new one. What it held is lost: record it again."""
    from ajprivacy_pipeline.enforcement.ledger import open_ledger
    from ajprivacy_pipeline.oversight.evidence import accept_store
    settings = prepared()
    number = accept_store(settings, by, reason, today=today())
    open_ledger(settings).start_anew(by.strip(), reason)
    typer.echo(f"the control store goes on from change {number}; record legal holds and reviews again before the next "
               "run")
