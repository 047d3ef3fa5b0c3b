"""The keys under which the past is remembered, told apart by fingerprints in each batch's marker and ledger entry.

Where the control store was replaced with the keys, too, the warehouse still knows.
Belongs here: which keys leave fingerprints, and comparing them before anything is planned or carried out. Does
not belong here: comparing them before a run (`run.known_keys`), what the keys are used for.
"""

from ajprivacy_pipeline.enforcement.apply import Writer
from ajprivacy_pipeline.enforcement.erased import key_name
from ajprivacy_pipeline.enforcement.ledger import KEY_OF_YEAR
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.retention import carried, effects, guard
from ajprivacy_pipeline.run.known_keys import WAREHOUSE, other_keys, refusal
from ajprivacy_pipeline.storage.keystore import KeyStore

_LASTING = (carried.KEY, effects.KEY, guard.KEY)


def key_prints(keys: KeyStore, plan: str) -> dict[str, str]:
    """Returns the fingerprints of the keys that are never changed while something stands under them, by name.

    Of the keys of sweeps it is that of one plan.
    """
    return {name: print_ for name, print_ in keys.fingerprints().items()
            if name in (*_LASTING, key_name(plan)) or name.startswith(KEY_OF_YEAR)}


def require_same_keys(writer: Writer, keys: KeyStore) -> None:
    """Stop where the warehouse was carried out in under another key than one that lies here (EnforcementError)."""
    if others := other_keys(writer.all_markers(), keys):
        raise EnforcementError(refusal(WAREHOUSE, others))
