"""The counter of the control store's changes that lies beside the keys: how a store that has lost something is told.

Belongs here: reading and raising the number, and what lies in a home that a store must know of. Does not belong here:
the store itself (`control`), which counts its changes in the transaction of each. The number beside the keys is written
after the store's: a run that is killed between the two leaves the store ahead, which is harmless and corrected when the
store is next opened; a store that is behind was put back from an older copy, or is another one.
"""

from pathlib import Path

from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.storage.beside import alone, write_durably

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
    with alone(keys):
        known = read_counter(keys)
        if known is None or known < number:
            write_durably(keys, NAME, f"{number}\n")


def reset_counter(keys: Path, number: int) -> None:
    """Write the number whatever stands there."""
    with alone(keys):
        write_durably(keys, NAME, f"{number}\n")


def remains(home: Path) -> str | None:
    """Returns what lies in a home that a control store must have known of, in words; None where nothing does."""
    found = {"sealed keys": ("keys", "*.sealed"), "restricted files": ("restricted", "*.duckdb"),
             "pseudonymised files": ("pseudonymised", "*.duckdb"), "releases": ("published", "releases/*")}
    named = [words for words, (folder, pattern) in found.items() if any((home / folder).glob(pattern))]
    return ", ".join(named) or None
