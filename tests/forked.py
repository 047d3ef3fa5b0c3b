"""Processes of their own that need not load everything again, and commands run in them.

They are forked from a server that has loaded all modules (`tests.loaded`) and never opened a database. Whoever tests
the start of a process, its limits or what ends it starts Python itself.
"""

import contextlib
import functools
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ajprivacy_pipeline.settings import CHECKOUT

OURS = ("AJPRIVACY", "DAGSTER")


def start(target: Callable[..., None], *arguments: Any) -> ForkServerProcess:
    """A process that does this and ends."""
    process = _server().Process(target=target, args=arguments)
    process.start()
    return process


def call(arguments: Sequence[str], env: Mapping[str, str], cwd: Path, script: str = "",
         timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run `ajprivacy` to its end, or a script that changes something first and then runs it.

    Args:
        arguments: after the command's name.
        env: all of the process's environment.
        cwd: the folder it works in.
        script: Python; it finds the arguments in sys.argv.
        timeout: seconds after which it is killed.
    """
    assert "AJPRIVACY_NOTICE" not in env, "the jobs are loaded, of the shipped notice"
    with TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = start(_command, list(arguments), dict(env), str(cwd), script, str(out), str(err))
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), timeout)
        return subprocess.CompletedProcess(arguments, process.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))


@functools.cache
def _server() -> ForkServerContext:
    """The server, started where the modules are found and knowing nothing of the test that needs it first."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.loaded"])
    with _at_home():
        forkserver.ensure_running()
    return context


@contextlib.contextmanager
def _at_home() -> Iterator[None]:
    kept, folder = dict(os.environ), Path.cwd()
    for name in [name for name in kept if name.startswith(OURS)]:
        del os.environ[name]
    os.chdir(CHECKOUT)
    try:
        yield
    finally:
        os.chdir(folder)
        os.environ.update(kept)


def _command(arguments: list[str], env: dict[str, str], cwd: str, script: str, out: str, err: str) -> None:
    for path, number in ((out, 1), (err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["ajprivacy", *arguments]
    if script:
        exec(script, {"__name__": "__main__"})  # noqa: S102 - the test's own
    else:
        from ajprivacy_pipeline.cli import main as cli
        cli.main()
