"""The keys under which the past is remembered, held against the fingerprints that each batch left of them.

A batch leaves them twice: in the ledger of the control store, and in the marker table of the warehouse. Under another
key what was erased would come back unseen, so a run stops before it reads anything.
Belongs here: comparing. Does not belong here: noting them (`enforcement.key_fingerprints`), what the keys are used for.
"""

import json
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from ajprivacy_pipeline.errors import KeyStoreError
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_tables import ledger
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.warehouse.marker import read_counts
from ajprivacy_pipeline.warehouse.source import open_source

CONTROL, WAREHOUSE = "the ledger of the control store", "the marker table of the warehouse"


def other_keys(told: Iterable[str], keys: KeyStore) -> list[str]:
    """Returns the names of keys that are known by another fingerprint than what lies here.

    One that is not here any more is another matter: those of years and sweeps end, and whoever needs one says so.

    Args:
        told: what batches left, as JSON with the fingerprints under `keys`.
        keys: those that lie here.
    """
    ours = keys.fingerprints()
    known: set[tuple[str, str]] = set()
    for text in told:
        prints: Mapping[str, str] = json.loads(text).get("keys", {})
        known |= set(prints.items())
    return sorted({name for name, print_ in known if name in ours and ours[name] != print_})


def refusal(who: str, others: list[str]) -> str:
    """Returns what is said where `who` knows other keys."""
    return (f"{who} knows keys/{others[0]}.sealed by another fingerprint: restore the keys and the control store that "
            "belong to this warehouse, or what was erased would come back unseen")


def require_known_keys(settings: Settings, control: ControlStore, keys: KeyStore) -> None:
    """Stop where this installation has carried something out under another key than one that lies here.

    A home that has carried nothing out in this warehouse has keys of its own and may look at it; it can make no plan.

    Raises:
        KeyStoreError: another key; nothing was read or changed.
        SourceError: the warehouse cannot be reached.
    """
    bodies = [row["body"] for row in control.rows(sa.select(ledger.c.body).where(
        ledger.c.kind.in_(("batch", "rectified"))))]
    if not bodies:
        return
    if others := other_keys(bodies, keys):
        raise KeyStoreError(refusal(CONTROL, others))
    plans = {json.loads(body)["plan"] for body in bodies}
    with open_source(settings.warehouse_url) as source:
        marked = [counts for plan, counts in read_counts(source) if plan in plans]
    if others := other_keys(marked, keys):
        raise KeyStoreError(refusal(WAREHOUSE, others))
