"""The counter of the control store's changes that lies beside the keys: how a store that has lost something is told.

Belongs here: reading and raising the number, and what lies in a home that a store must know of. Does not belong here:
the store itself (`control`), which counts its changes in the transaction of each. The number beside the keys is written
after the store's: a run that is killed between the two leaves the store ahead, which is harmless and corrected when the
store is next opened; a store that is behind was put back from an older copy, or is another one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ajprivacy_pipeline.errors import ControlError

NAME = "control.counter"
REMEDY = ("legal holds, reviews and effects of requests may be gone with it: restore control/control.db (of the same "
        "day as keys/), or start anew by name with `ajprivacy keys accept-store --by NAME --reason CODE`")


def read_counter(keys: Path) -> int | None:
    """Returns the number beside the keys; None where there is none yet.

    Raises:
        ControlError: what stands there is no number.
    """
    try:
        text = (keys / NAME).read_text(encoding="ascii").strip()
        return int(text)
    except FileNotFoundError:
        return None
    except ValueError:
        raise ControlError(f"keys/{NAME} holds no number, so nobody can tell whether the control store is whole: "
                           f"{REMEDY}") from None


def raise_counter(keys: Path, number: int) -> None:
    """Write the number, durably, unless a higher one stands there."""
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(keys):
        known = read_counter(keys)
        if known is None or known < number:
            _write(keys, number)


def reset_counter(keys: Path, number: int) -> None:
    """Write the number whatever stands there."""
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(keys):
        _write(keys, number)


def remains(home: Path) -> str | None:
    """Returns what lies in a home that a control store must have known of, in words; None where nothing does."""
    found = {"sealed keys": ("keys", "*.sealed"), "restricted files": ("restricted", "*.duckdb"),
             "pseudonymised files": ("pseudonymised", "*.duckdb"), "releases": ("published", "releases/*")}
    named = [words for words, (folder, pattern) in found.items() if any((home / folder).glob(pattern))]
    return ", ".join(named) or None


@contextmanager
def _alone(keys: Path) -> Iterator[None]:
    handle = os.open(keys, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)  # the name of the new file, too
    finally:
        os.close(handle)


def _write(keys: Path, number: int) -> None:
    beside = keys / f".{NAME}"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{number}\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(keys / NAME)
