"""The second copy of the ledger's head, beside the keys: how a ledger cut at its end, or added to, is told.

Belongs here: reading and writing `keys/ledger.head`, and what a difference to the store means. Does not belong here:
the chain itself (`chain`, `ledger`).

The file has the head (number and hash of the newest entry) and, while an entry is being appended, a second line that
announces it. It is announced before its transaction commits and becomes the head afterwards: a process killed in
between leaves the store ahead by exactly what was announced, which is accepted. Nothing else is.
"""

from pathlib import Path
from typing import NamedTuple

from ajprivacy_pipeline.enforcement.chain import GENESIS
from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.storage.beside import alone, write_durably

NAME = "ledger.head"
REMEDY = "restore the control store and keys/ of the same day"


class Head(NamedTuple):
    """The newest entry."""

    seq: int
    hash: str


NOTHING = Head(0, GENESIS)  # the head of an empty ledger


class HeadCopy:
    """The copy in one folder of keys."""

    def __init__(self, folder: Path) -> None:
        """Keep it in `folder`."""
        self._folder = folder

    def said(self) -> tuple[Head, ...]:
        """Returns the head and what is announced after it; nothing where there is no copy yet.

        Raises:
            ControlError: what stands there is none.
        """
        try:
            lines = (self._folder / NAME).read_text(encoding="ascii").splitlines()
            return tuple(Head(int(seq), made) for seq, made in (line.split() for line in lines))
        except FileNotFoundError:
            return ()
        except ValueError:
            raise ControlError(f"keys/{NAME} does not hold the head of a ledger: {REMEDY}") from None

    def announce(self, last: Head, following: Head) -> None:
        """Write, durably, which entry will follow the last one."""
        self._write(last, following)

    def reset(self, head: Head) -> None:
        """Write a head whatever stands there."""
        self._write(head)

    def advance(self, head: Head) -> None:
        """Write a head, durably, unless that one or a later one stands there."""
        with alone(self._folder):
            said = self.said()
            if not said or said[0].seq < head.seq:
                write_durably(self._folder, NAME, _line(head))

    def _write(self, *heads: Head) -> None:
        with alone(self._folder):
            write_durably(self._folder, NAME, "".join(map(_line, heads)))


def fault_between(said: tuple[Head, ...], last: Head) -> str | None:
    """Returns what is wrong between the copy and the store's last entry, as a sentence; None where nothing is."""
    if said[:1] == (last,) or said[1:] == (last,) or (not said and last == NOTHING):
        return None
    if not said:
        return f"the copy of the head, keys/{NAME}, is gone, while the ledger has entries up to {last.seq}"
    counted = said[0].seq
    if counted == last.seq:
        return f"entry {last.seq} is not the one whose hash stands beside the keys"
    how = "it was cut at its end" if counted > last.seq else "something was added to it"
    return f"the ledger ends with entry {last.seq}, the copy of its head beside the keys with entry {counted}: {how}"


def _line(head: Head) -> str:
    return f"{head.seq} {head.hash}\n"
