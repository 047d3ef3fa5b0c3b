"""How much of a run is done: against what the last whole run of this home did, by name.

Belongs here: names and seconds of the last run, and what of them is left. Does not belong here: how it looks (`cli`).
"""

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

from ajprivacy_pipeline.run.progress import Progress

_NAME = "progress.json"  # names of tables and steps, and seconds; nothing else


class Expected:
    """What is left of a run. The first run of a home knows nothing, and says nothing."""

    def __init__(self, folder: Path) -> None:
        """Read what the last whole run did; a file that cannot be read is none."""
        self._file = folder / _NAME
        self._done: list[tuple[str, float]] = []
        self._left: Counter[str] = Counter()
        self._seconds: dict[str, float] = {}
        with suppress(OSError, ValueError, TypeError):
            for name, seconds in json.loads(self._file.read_text(encoding="utf-8")):
                self._left[str(name)] += 1
                self._seconds[str(name)] = float(seconds)

    def note(self, done: Progress) -> str:
        """Returns "n of N" with something done; "" where no run is known. N grows with what was not expected."""
        self._done.append((done.what, round(done.seconds, 2)))
        if self._left[done.what] > 0:
            self._left[done.what] -= 1
        return f"{len(self._done)} of {len(self._done) + self._left.total()}" if self._seconds else ""

    def seconds_left(self) -> float | None:
        """Returns how long the rest took last time; None where no run is known."""
        return sum(self._seconds[name] * count for name, count in self._left.items()) if self._seconds else None

    def keep(self) -> None:
        """Remember this run for the next; a folder that cannot be written is left alone."""
        with suppress(OSError):
            self._file.write_text(json.dumps(self._done), encoding="utf-8")
