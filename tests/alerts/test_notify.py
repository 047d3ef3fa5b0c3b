"""Messages to a real mail server, a real HTTP receiver and a real program; what does not take them is said."""

import json
import os
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Handler
from aiosmtpd.smtp import AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ajprivacy_pipeline.alerts import notify
from ajprivacy_pipeline.alerts.notify import Message, Outcome, checked, deliver, send
from ajprivacy_pipeline.errors import PrivacyError

SENT = Message("ajprivacy: 1 thing(s) need attention (run_failed)", ("error: one job failed. Mend it.", "over: that"))


class Kept(Handler):
    """A mail server's box."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[tuple[str | None, str | None, str | None, list[str], bool]] = []

    def handle_message(self, message: object) -> None:
        """Not used: the session is of interest, too."""

    async def handle_DATA(self, _: object, session: Session, envelope: Envelope) -> str:  # noqa: N802 - theirs
        """Keep a mail."""
        mail = self.prepare_message(session, envelope)
        lines = mail.get_payload(decode=True).decode().splitlines()
        self.mails.append((mail["Subject"], mail["From"], mail["To"], lines, session.ssl is not None))
        return "250 OK"


def _certificate(folder: Path) -> Path:
    """One that this machine's name for itself is trusted under."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256()))
    path = folder / "server.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption())
                     + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def _mail_server(box: Kept, **options: object) -> Iterator[int]:
    with socket.socket() as probe:  # the controller knocks at the port that it was given, also at 0
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    server = Controller(box, hostname="localhost", port=port, **options)  # type: ignore[arg-type]
    server.start()
    try:
        yield port
    finally:
        server.stop()


def test_a_mail_arrives_as_it_was_said() -> None:
    """Without TLS where the server has none, as on a relay of the own machine."""
    box = Kept()
    with _mail_server(box) as port:
        faults = send([f"smtp://localhost:{port}?from=ops@example.no&to=dpo@example.no"], SENT)
    assert faults == []
    assert box.mails == [(SENT.subject, "ops@example.no", "dpo@example.no", list(SENT.lines), False)]


@pytest.mark.parametrize(("trusted", "password", "fault"), [
    (True, "s3cret", None),
    (True, "wrong", "the user or the password is refused"),
    (False, "s3cret", "the server's certificate is not trusted"),
])
def test_a_password_leaves_over_tls_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool, password: str,
                                          fault: str | None) -> None:
    """To a server whose certificate is trusted; a fault says nothing of what the address holds."""
    path, box, asked = _certificate(tmp_path), Kept(), []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))

    def may_enter(server: object, session: Session, envelope: Envelope, way: str, data: object) -> AuthResult:
        asked.append(session.ssl is not None)
        return AuthResult(success=b"s3cret" in getattr(data, "password", b""), handled=False)

    with _mail_server(box, tls_context=context, require_starttls=True, authenticator=may_enter,
                      auth_required=True) as port:
        faults = send([f"smtp://ops:{password}@localhost:{port}?from=a@example.no&to=b@example.no"], SENT)
    assert faults == ([f"address 1 of AJPRIVACY_ALERTS (smtp) did not take the message: {fault}"] if fault else [])
    assert [mail[4] for mail in box.mails] == ([True] if fault is None else [])
    assert all(asked)


def test_a_password_does_not_leave_without_tls() -> None:
    """A server that has none gets neither password nor mail."""
    box = Kept()
    with _mail_server(box) as port:
        faults = send([f"smtp://ops:s3cret@localhost:{port}?from=a@example.no&to=b@example.no"], SENT)
    assert faults == [("address 1 of AJPRIVACY_ALERTS (smtp) did not take the message: the server lacks TLS, login or "
                       "other letters than English ones; a password leaves over TLS alone")]
    assert box.mails == []


def _answering(port: int, *, to: str = "b@example.no") -> str:
    return f"smtp://localhost:{port}?from=a@example.no&to={to}"


@contextmanager
def _listening(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that says to each caller what `talk` says."""
    with socket.socket() as server:
        server.bind(("localhost", 0))
        server.listen()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=talk, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _mail_server_that(asked: list[bytes], at_the_end: bytes) -> Callable[[socket.socket], None]:
    """One that takes mails for everybody but `nobody@…`, and then says something."""

    def talk(caller: socket.socket) -> None:
        answers = {b"EHLO": b"250 me", b"DATA": b"354 go on", b".": b"250 taken", b"QUIT": at_the_end,
                   b"MAIL": b"250 yes", b"RCPT": b"250 yes", b"RSET": b"250 yes"}
        with suppress(OSError), caller, caller.makefile("rwb") as lines:
            lines.write(b"220 here\r\n")
            lines.flush()
            for line in lines:
                word = line.split()[0].upper() if line.split() else b""
                if word == b"RCPT":
                    asked.append(line.split(b":")[1].strip())
                said = b"550 no" if b"nobody@" in line and word == b"RCPT" else answers.get(word)
                if said is not None:
                    lines.write(said + b"\r\n")
                    lines.flush()

    return talk


@pytest.mark.parametrize("goodbye", [b"221 bye", b"451 not now", b"nonsense"])
def test_a_mail_that_was_taken_is_told_whatever_the_server_says_then(goodbye: bytes) -> None:
    """Else it would be sent again a quarter of an hour later."""
    with _listening(_mail_server_that([], goodbye)) as port:
        assert send([_answering(port)], SENT) == []


def test_every_recipient_is_told_and_a_plus_is_a_plus() -> None:
    """By commas, or named again; one who is refused is said, and the others do not get it again for that."""
    asked: list[bytes] = []
    with _listening(_mail_server_that(asked, b"221 bye")) as port:
        assert send([_answering(port, to="ops+alerts@example.no&to=dpo@example.no,b@example.no")], SENT) == []
        assert asked == [b"<ops+alerts@example.no>", b"<dpo@example.no>", b"<b@example.no>"]
        found = deliver([_answering(port, to="b@example.no,nobody@example.no")], [SENT])
        assert found == [Outcome(taken=True, fault="address 1 of AJPRIVACY_ALERTS (smtp): 1 of its recipients did not "
                                                   "take the message")]
        refused = deliver([_answering(port, to="nobody@example.no")], [SENT])
    assert refused == [Outcome(taken=False, fault="address 1 of AJPRIVACY_ALERTS (smtp) did not take the message: no "
                                                  "recipient is accepted")]


def _silent(caller: socket.socket) -> None:
    with suppress(OSError):
        caller.recv(1)
        threading.Event().wait(5)


def _drips(caller: socket.socket) -> None:
    """Answer line by line, each in time, and never in full."""
    with suppress(OSError):
        caller.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(50):
            threading.Event().wait(0.1)
            caller.sendall(b"X-More: 1\r\n")


def test_who_does_not_answer_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that is silent, nor one that answers for ever: all are tried at the same time."""
    monkeypatch.setattr(notify, "_STEP_SECONDS", 0.3)
    monkeypatch.setattr(notify, "_PATIENCE_SECONDS", 1)
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/told\n")
    program.chmod(0o700)
    with _listening(_silent) as silent, _listening(_drips) as dripping:
        faults = send([_answering(silent), f"http://localhost:{silent}/", f"http://localhost:{dripping}/",
                       "smtp://localhost:1?from=a@example.no&to=b@example.no", f"command:{program}"], SENT)
    assert [fault.partition(" AJPRIVACY_ALERTS ")[2] for fault in faults] == [
        "(smtp) did not take the message: it took longer than it may",
        "(http) did not take the message: it took longer than it may",
        "(http) did not take the message: it took longer than it may",
        "(smtp) did not take the message: nothing listens there"]
    assert (tmp_path / "told").exists()


@contextmanager
def _receiver(status: int) -> Iterator[tuple[str, list[dict[str, object]]]]:
    got: list[dict[str, object]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Location", "http://localhost:1/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("localhost", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/hook?token=s3cret", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(("status", "is_taken"), [(200, True), (204, True), (302, False), (400, False), (500, False)])
def test_a_webhook_gets_json(status: int, is_taken: bool) -> None:
    """A refusal, and a word to go elsewhere, are told without the address."""
    with _receiver(status) as (address, got):
        faults = send([address], SENT)
    assert got == [{"text": "\n".join([SENT.subject, *SENT.lines]), "subject": SENT.subject,
                    "lines": list(SENT.lines)}]
    assert faults == ([] if is_taken else [
        f"address 1 of AJPRIVACY_ALERTS (http) did not take the message: it answered {status}"])


def test_a_program_gets_the_subject_and_the_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fails, or is not there, does not keep the next from hearing it; keys and addresses stay with us."""
    monkeypatch.setenv("AJPRIVACY_ROOT_KEY", "s3cret")
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" > {tmp_path}/seen\ncat >> {tmp_path}/seen\nenv > {tmp_path}/env\n')
    bad.write_text("#!/bin/sh\nexit 3\n")
    for program in (good, bad):
        program.chmod(0o700)
    faults = send([f"command:{bad}", f"command:{tmp_path}/none", f"command:{good}"], SENT)
    assert faults == ["address 1 of AJPRIVACY_ALERTS (command) did not take the message: it ended with exit code 3",
                      "address 2 of AJPRIVACY_ALERTS (command) did not take the message: there is no such program"]
    assert (tmp_path / "seen").read_text().splitlines() == [SENT.subject, *SENT.lines]
    assert "AJPRIVACY" not in (tmp_path / "env").read_text()


def test_a_webhook_with_a_letter_that_is_not_english_is_asked_for_it() -> None:
    """As browsers do; what is encoded already stays as it is."""
    with _receiver(200) as (address, got):
        assert send([address.replace("hook", "høst/%C3%B8")], SENT) == []
    assert len(got) == 1


def test_what_a_program_leaves_behind_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has told; one that does not end is ended, with all that it has started."""
    monkeypatch.setattr(notify, "_STEP_SECONDS", 1)
    os.mkfifo(tmp_path / "alive")
    behind, endless = tmp_path / "behind", tmp_path / "endless"
    behind.write_text("#!/bin/sh\nsleep 3 &\n")
    endless.write_text(f"#!/bin/sh\nsleep 60 > {tmp_path}/alive\n")
    for program in (behind, endless):
        program.chmod(0o700)
    assert send([f"command:{behind}"], SENT) == []
    listens = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    assert send([f"command:{endless}"], SENT) == [
        "address 1 of AJPRIVACY_ALERTS (command) did not take the message: it took longer than it may"]
    assert select.select([listens], [], [], 10)[0] == [listens]
    assert os.read(listens, 1) == b""
    os.close(listens)


@pytest.mark.parametrize("address", [
    "dpo@example.no", "smtp://host?to=a@example.no", "smtp://host?from=a@example.no", "smtp:///?from=a&to=b", "https:///x",
    "command:relative", "command:", "ftp://host/x", "http://host:0x/", "file:/etc/hosts", "http://[half/",
])
def test_an_address_of_another_form_is_refused_before_anybody_is_told(tmp_path: Path, address: str) -> None:
    """By its number, since it may hold a password."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o700)
    with pytest.raises(PrivacyError, match=r"^AJPRIVACY_ALERTS: address 2 is none of smtp://HOST") as raised:
        send([f"command:{program}", address], SENT)
    assert "host" not in str(raised.value)
    assert not (tmp_path / "ran").exists()
    assert checked([]) == []
