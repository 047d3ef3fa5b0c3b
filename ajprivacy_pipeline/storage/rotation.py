"""Keys of an installation, replaced and destroyed while nobody else makes or uses them.

Belongs here: the locks, and which keys may be destroyed by name. Does not belong here: how they are sealed (keystore).
"""

from ajprivacy_pipeline.errors import KeyStoreError
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import hold_lock, warehouse_lock

PSEUDONYMS = "pseudonym-"  # what the names of the secrets of key periods begin with


def rotate_root(settings: Settings) -> int:
    """Seal every key under a new root key; returns how many. No token changes.

    Raises:
        KeyStoreError: as `KeyStore.rotate`.
        ControlError: a run or an apply is under way.
    """
    with warehouse_lock(settings, alone=True), hold_lock(settings):
        return KeyStore(settings.keys, settings.root_key).rotate()


def destroy_period(settings: Settings, period: str) -> list[str]:
    """Destroy the secrets of a key period: its tokens cannot be linked to anybody any more; returns their names.

    Raises:
        KeyStoreError: there is none of that period.
        ControlError: a run or an apply is under way.
    """
    with warehouse_lock(settings, alone=True), hold_lock(settings):
        keys = KeyStore(settings.keys, settings.root_key)
        names = [name for name in keys.fingerprints() if name.startswith(PSEUDONYMS) and name.endswith(f"-{period}")]
        if not names:
            raise KeyStoreError(f"there is no key of pseudonymisation for {period}; `ajprivacy keys fingerprint` lists "
                                "those there are, and a period is a year")
        for name in names:
            keys.destroy(name)
        return names
