"""What a run reports while it works: names of tables and steps, counts, seconds.

Belongs here: a piece of work that is done, and telling one from the next. Does not belong here: the steps (`steps`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """A piece of work that is done: its name, the rows it made (None: it makes no table), the seconds it took."""

    what: str
    rows: int | None
    seconds: float


Report = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """Report to nobody."""


class Steps:
    """Turns "now comes this" into "that is done"."""

    def __init__(self, what: str, report: Report) -> None:
        """Report the steps of `what`."""
        self._what, self._report, self._now, self._since = what, report, "", time.monotonic()

    def next(self, step: str) -> None:
        """Report the step before, and remember this one."""
        now = time.monotonic()
        if self._now:
            self._report(Progress(f"{self._what}: {self._now}", None, now - self._since))
        self._now, self._since = step, now
