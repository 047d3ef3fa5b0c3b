"""The root key of an installation, replaced while nobody else makes or uses a key.

Belongs here: the locks. Does not belong here: how keys are sealed (keystore), destroying those of a key period
(`pseudonyms.keys`).
"""

from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import hold_lock, warehouse_lock


def rotate_root(settings: Settings) -> int:
    """Seal every key under a new root key; returns how many. No token changes.

    Raises:
        KeyStoreError: as `KeyStore.rotate`.
        ControlError: a run or an apply is under way.
    """
    with warehouse_lock(settings, alone=True), hold_lock(settings):
        return KeyStore(settings.keys, settings.root_key).rotate()
