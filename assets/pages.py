"""Dagster's pages on this machine, behind the guard, with the daemon that starts schedules beside them.

Belongs here: starting and ending both. Does not belong here: what they run, or who may ask (guard).
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import cast

import uvicorn
from ajprivacy_pipeline.assets.guard import App, Guard
from ajprivacy_pipeline.assets.history import CODE
from ajprivacy_pipeline.assets.instance import prepare_dagster
from ajprivacy_pipeline.assets.month_page import Shown
from dagster import __version__
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster_webserver.app import create_app_from_workspace_process_context

from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.monthly.page import page_folder
from ajprivacy_pipeline.settings import Settings

_HERE = "127.0.0.1"
_NAMES = (_HERE, "localhost", "[::1]")
_PATIENCE_SECONDS = 10
_DATABASE_LIMITS = (15_000, 3_600, 20)  # of the webserver's own: statement timeout, recycling, overflow of connections


def serve(settings: Settings, port: int, *, read_only: bool, hosts: Sequence[str] = ()) -> None:
    """Serve the pages until a signal ends them, and the daemon with them; `read_only` pages have no daemon.

    Args:
        settings: whose home.
        port: on 127.0.0.1.
        read_only: nothing can be started.
        hosts: further names to answer under, as a proxy in front passes them on.

    Raises:
        PrivacyError: the port is in use.
    """
    _require_free(port)
    known = [*(f"{name}:{port}" for name in _NAMES), *hosts]
    with _signals_end_it(), suppress(KeyboardInterrupt), prepare_dagster(settings) as instance:
        instance.optimize_for_webserver(*_DATABASE_LIMITS)
        target = ModuleTarget(CODE, None, str(settings.home), None)
        with (WorkspaceProcessContext(instance, version=__version__, read_only=read_only, workspace_load_target=target,
                                      code_server_log_level="WARNING") as context,
              _daemon(settings, wanted=not read_only)):
            app = create_app_from_workspace_process_context(context)
            shown = Shown(cast("App", app), page_folder(settings))
            uvicorn.run(Guard(shown, known), host=_HERE, port=port, log_level="warning",
                        timeout_graceful_shutdown=_PATIENCE_SECONDS)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HERE, port))
        except OSError:
            raise PrivacyError(f"port {port} of {_HERE} is in use: choose another with --port") from None


@contextmanager
def _signals_end_it() -> Iterator[None]:
    """Let a hang-up and a request to end do what Ctrl-C does."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def hang_up(_signal: int, _frame: FrameType | None) -> None:
        os.kill(os.getpid(), signal.SIGTERM)  # the server ends in order on this one

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, end), signal.SIGHUP: signal.signal(signal.SIGHUP, hang_up)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _daemon(settings: Settings, *, wanted: bool) -> Iterator[None]:
    """Run Dagster's daemon as long as the pages; it ends with this process however that ends."""
    if not wanted:
        yield
        return
    process = subprocess.Popen([sys.executable, "-m", "ajprivacy_pipeline.assets.daemon", str(os.getpid()), CODE],
                               cwd=settings.home)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
