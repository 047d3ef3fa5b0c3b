"""Dagster's daemon as a child that does not outlive its parent: `python -m … PARENT MODULE`.

Belongs here: tying it to the process that serves the pages. Does not belong here: what it starts.
"""

import ctypes
import os
import signal
import sys
import threading
import time

from dagster._daemon.cli import cli

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """Run the daemon until it is told to end, or its parent has ended, even killed."""
    parent, module = int(sys.argv[1]), sys.argv[2]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    cli(["run", "--log-level", "warning", "-m", module])


def _watch(parent: int) -> None:
    """End with the parent where the system does not see to it."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
