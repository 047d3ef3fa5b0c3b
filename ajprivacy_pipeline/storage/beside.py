"""What lies beside the keys and says what another store must hold: small texts, written durably, one writer at a time.

Belongs here: the lock of the folder, and replacing a text whole or not at all. Does not belong here: what the texts
say (`counter`, `enforcement.ledger`), keys (`keystore`).
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only one who writes beside the keys; what was written is durable afterwards. The folder is made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)  # the name of the new file, too
    finally:
        os.close(handle)


def write_durably(folder: Path, name: str, text: str) -> None:
    """Replace a file of ASCII text, whole or not at all; to be called `alone`."""
    beside = folder / f".{name}"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(folder / name)
