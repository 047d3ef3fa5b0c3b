"""What is to be corrected for a request, kept sealed until the request is closed.

Belongs here: keeping, reading and forgetting it. Does not belong here: planning and carrying it out (`rectified`),
whose row it is and whether a new value will do (`rights.correction`).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import sealed
from ajprivacy_pipeline.storage.keystore import KeyStore

PREFIX = "correction-"  # begins the name of a file with what was said, and of its key


@dataclass(frozen=True)
class Correction:
    """One value to be corrected: table and column of the contract, the row's key as the warehouse shows it."""

    entity: str
    key: tuple[str, ...]
    column: str
    old: str
    new: str


@dataclass(frozen=True)
class Said:
    """What is to be corrected for a request, and whose rows they are: a subject's id; None for a guest."""

    subject_id: str | None
    corrections: tuple[Correction, ...]


def keep(settings: Settings, keys: KeyStore, request_id: str, said: Said) -> None:
    """Keep what is to be corrected, sealed, in place of what was said before."""
    sealed.seal(settings, keys, sealed.name_of(PREFIX, request_id), json.dumps(asdict(said)).encode())


def kept(settings: Settings, keys: KeyStore, request_id: str) -> Said | None:
    """Returns what is to be corrected for a request; None where nothing was said, or it is forgotten."""
    if (content := sealed.unseal(settings, keys, sealed.name_of(PREFIX, request_id))) is None:
        return None
    found = json.loads(content)
    return Said(found["subject_id"], tuple(Correction(**{**one, "key": tuple(one["key"])})
                                           for one in found["corrections"]))


def forget(settings: Settings, keys: KeyStore, still: Sequence[str]) -> int:
    """Destroy what was said for requests that are none of `still`, which are open; returns how many."""
    gone = sealed.names(settings, PREFIX) - {sealed.name_of(PREFIX, request_id) for request_id in still}
    for name in gone:
        sealed.destroy(settings, keys, name)
    return len(gone)
