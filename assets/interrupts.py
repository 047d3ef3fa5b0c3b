"""Ctrl-C, and a request to end (SIGTERM), while a run works in this process.

Belongs here: when a signal may break in. Does not belong here: how a run is ended (`history`), what is said (`run`).

Dagster takes both signals for itself, notes them while it sets up a run, and forgets what it noted when one of its
sections ends (1.13.27): the run goes on. So we take them. A signal breaks in between the opening of the month and its
closing; before and after it is held, so that nothing of Dagster's own is cut in two.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import dagster as dg
from dagster._utils import interrupts as dagsters

_ENDING = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Whether a signal has arrived, and whether it may break in; one for the process, as signals are."""

    arrived = False
    _may_break_in = False

    def stop_if_arrived(self) -> None:
        """End the run here if a signal is held.

        Raises:
            dagster.DagsterExecutionInterruptedError: one is.
        """
        if self.arrived:
            raise dg.DagsterExecutionInterruptedError

    @contextmanager
    def may_break_in(self) -> Iterator[None]:
        """Let a signal end what is done inside, at once; also one that is held already."""
        self._may_break_in = True
        try:
            self.stop_if_arrived()
            yield
        finally:
            self._may_break_in = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold both signals for the time of a run; one that the caller ignores stays ignored."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self.arrived = False
        taken = [number for number in _ENDING if signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, self._note) for number in taken}
        takes_them = dagsters._replace_interrupt_signal  # noqa: SLF001 - there is no other way to keep them
        dagsters._replace_interrupt_signal = _take_nothing  # noqa: SLF001
        try:
            yield
        finally:
            dagsters._replace_interrupt_signal = takes_them  # noqa: SLF001
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.arrived = True
        if self._may_break_in:
            raise dg.DagsterExecutionInterruptedError


def _take_nothing(new_signal_handler: dagsters.SignalHandler) -> None:
    """What Dagster calls to take the signals."""


INTERRUPTS = Interrupts()
