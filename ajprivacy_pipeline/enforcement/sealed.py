"""The keys under which the past is remembered, told apart by fingerprints in each batch's marker.

The control store tells another key from its own entries; where it was replaced, too, the warehouse still knows.
Belongs here: noting and comparing them. Does not belong here: what the keys are used for.
"""

import json
from collections.abc import Mapping

from ajprivacy_pipeline.enforcement.apply import Writer
from ajprivacy_pipeline.enforcement.ledger import KEY_OF_YEAR
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.retention import carried, effects, guard
from ajprivacy_pipeline.storage.keystore import KeyStore

_LASTING = (carried.KEY, effects.KEY, guard.KEY)


def key_prints(keys: KeyStore) -> dict[str, str]:
    """Returns the fingerprints of the keys that are never changed while something stands under them, by name."""
    return {name: print_ for name, print_ in keys.fingerprints().items()
            if name in _LASTING or name.startswith(KEY_OF_YEAR)}


def require_same_keys(writer: Writer, keys: KeyStore) -> None:
    """Stop where the warehouse was carried out in under another key than one that lies here (EnforcementError).

    One that is not here any more is another matter: those of the ledger's years end, and whoever needs one says so.
    """
    ours = key_prints(keys)
    for counts in writer.all_markers():
        known: Mapping[str, str] = json.loads(counts).get("keys", {})
        if others := sorted(name for name, print_ in known.items() if name in ours and ours[name] != print_):
            raise EnforcementError(f"the marker table of the warehouse knows keys/{others[0]}.sealed by another "
                                   "fingerprint: restore the keys and the control store that belong to this "
                                   "warehouse, or what was erased would come back unseen")
