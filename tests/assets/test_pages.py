"""Dagster's pages answer their own names and change things for their own pages alone, and end with their process."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.assets.conftest import Home

QUERY = json.dumps({"query": "{version}"})
START_SECONDS, END_SECONDS = 180, 60


class Pages:
    """`ajprivacy ui` in a home of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir(exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home, self.said = Home(folder), folder / "said.txt"  # a file: what a killed process leaves has its pipes
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ajprivacy_pipeline", "ui", "--port", str(self.port), "--host",
                 "dagster.example.test", *options], env=self.home.env, cwd=folder, stdout=said, stderr=said)

    def wait(self) -> None:
        """Until they answer."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self.ask("GET", "/overview")[0] == 200:
                    return
            except OSError:
                time.sleep(0.3)
        pytest.fail(f"the pages did not come up: {self.process.poll()}")

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
        """Status and text of an answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def upgrade(self, origin: str | None) -> int:
        """The status that a websocket's handshake is answered with."""
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "graphql-ws"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", "/graphql", headers=headers | ({"Origin": origin} if origin else {}))
            return connection.getresponse().status
        finally:
            connection.close()

    def daemons(self) -> list[Path]:
        """The processes of the daemon beside them."""
        wanted = f"ajprivacy_pipeline.assets.daemon\0{self.process.pid}\0".encode()
        return [path.parent for path in Path("/proc").glob("[0-9]*/cmdline") if wanted in _bytes(path)]

    def end(self) -> None:
        """Whatever state they are in."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    made = Pages(tmp_path_factory.mktemp("ui") / "home")
    made.wait()
    yield made
    made.end()


def test_pages_open_under_their_own_names(pages: Pages) -> None:
    for host in (f"127.0.0.1:{pages.port}", f"LOCALHOST:{pages.port}", f"[::1]:{pages.port}", "dagster.example.test"):
        assert pages.ask("GET", "/overview", Host=host)[0] == 200, host
        assert pages.ask("GET", "/", Host=host)[0] == 307, "where the answers are"


@pytest.mark.parametrize("host", ["elsewhere.example.test", "127.0.0.1", "127.0.0.1:1", "localhost.example.test", ""])
def test_another_name_is_refused(pages: Pages, host: str) -> None:
    status, text = pages.ask("GET", "/", Host=host)
    assert (status, "<html" in text) == (403, False)


def test_a_change_is_json_from_the_same_origin(pages: Pages) -> None:
    own = f"http://127.0.0.1:{pages.port}"
    assert pages.ask("POST", "/graphql", QUERY, Origin=own, Content_Type="application/json; charset=utf-8")[0] == 200
    for origin in ("http://elsewhere.example.test", "null", f"http://localhost:{pages.port}", "https://127.0.0.1", ""):
        assert pages.ask("POST", "/graphql", QUERY, Origin=origin, Content_Type="application/json")[0] == 403, origin
    for kind in ("text/plain", "application/graphql", "multipart/form-data; boundary=x", "text/plain;application/json"):
        assert pages.ask("POST", "/graphql", QUERY, Origin=own, Content_Type=kind)[0] == 403, kind
    assert pages.ask("POST", "/graphql", QUERY, Content_Type="application/json")[0] == 403, "no origin at all"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_change_nothing(pages: Pages, method: str) -> None:
    own = f"http://127.0.0.1:{pages.port}"
    assert pages.ask(method, "/graphql", QUERY, Origin=own, Content_Type="application/json")[0] == 403


def test_a_query_in_the_address_is_refused_and_a_foreign_page_reads_nothing(pages: Pages) -> None:
    assert pages.ask("GET", "/graphql?query=%7Bversion%7D")[0] == 403
    assert pages.ask("GET", "/graphql?query=%7Bversion%7D", Accept="text/html")[0] == 200, "the playground alone"
    assert pages.ask("GET", "/", Origin="http://elsewhere.example.test")[0] == 403


def test_a_websocket_opens_for_its_own_pages_alone(pages: Pages) -> None:
    assert pages.upgrade(f"http://127.0.0.1:{pages.port}") == 101
    assert pages.upgrade("http://elsewhere.example.test") == 403
    assert pages.upgrade(None) == 403


def test_a_page_of_a_month_opens_by_its_address_and_nothing_beside_it(pages: Pages) -> None:
    """What the run's link leads to; no other file of the home can be asked for so."""
    folder = pages.home.folder / "control" / "pages"
    assert pages.ask("GET", "/month/")[0] == 404, "there is none yet"
    folder.mkdir()
    for name in ("month-2026-09.en.html", "month-2026-10.html", "month-2026-10.en.html", ".month-2026-10.html.1",
                 "month-2026-99999.en.html", "other.html"):
        (folder / name).write_text(f"<p>æ {name}</p>", encoding="utf-8")
    for name in ("month-2026-10.html", "month-2026-10.en.html"):
        assert pages.ask("GET", f"/month/{name}") == (200, f"<p>æ {name}</p>")
        assert pages.ask("HEAD", f"/month/{name}") == (200, "")
    assert pages.ask("GET", "/month/") == (200, "<p>æ month-2026-10.en.html</p>"), "the newest"
    for name in ("month-2026-11.html", "other.html", ".month-2026-10.html.1", "../control.db", "%2e%2e/control.db",
                 "../pages/month-2026-10.html"):
        assert pages.ask("GET", f"/month/{name}")[0] == 404, name
    assert pages.ask("GET", "/month/month-2026-10.html", Host="elsewhere.example.test")[0] == 403


@pytest.mark.soak
def test_a_port_in_use_is_said_in_one_sentence(pages: Pages) -> None:
    second = pages.home.call("ui", "--port", str(pages.port))
    assert second.returncode == 2
    assert f"port {pages.port} of 127.0.0.1 is in use: choose another with --port" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.soak
@pytest.mark.parametrize("numbers", [
    (signal.SIGTERM, signal.SIGKILL), (signal.SIGHUP,)])
def test_any_signal_ends_the_pages_and_the_daemon(tmp_path: Path, numbers: tuple[signal.Signals, ...]) -> None:
    """A request to end, and SIGKILL, after which nobody can clean up; a hang-up."""
    ends = {number: Pages(tmp_path / number.name) for number in numbers}
    try:
        for number, one in ends.items():
            one.wait()
            until = time.monotonic() + END_SECONDS
            while len(one.daemons()) > 1 and time.monotonic() < until:  # what it starts looks like it for a moment
                time.sleep(0.2)
            assert len(one.daemons()) == 1
            one.process.send_signal(number)
        for number, one in ends.items():
            one.process.wait(END_SECONDS)
            assert one.process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 0)
            assert "Traceback" not in one.said.read_text(encoding="utf-8")
            until = time.monotonic() + END_SECONDS
            while one.daemons() and time.monotonic() < until:
                time.sleep(0.2)
            assert one.daemons() == []
            with pytest.raises(OSError, match="refused"):
                one.ask("GET", "/")
    finally:
        for one in ends.values():
            one.end()
