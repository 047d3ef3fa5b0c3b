"""Tells people what needs attention: by e-mail, to a webhook, or through a command of the site.

Belongs here: addresses of AJPRIVACY_ALERTS, how a message looks and leaves. Does not belong here: what needs attention
(`conditions`), what was told before (`told`). A message holds counts, days and our own words, and nothing else. No
address keeps another waiting, and none of them keeps us for longer than it is given.
"""

import json
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from email.message import EmailMessage
from http.client import HTTPException
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

from ajprivacy_pipeline.errors import PrivacyError

_STEP_SECONDS = 15  # for one answer of a server, or for a program
_GOODBYE_SECONDS = 1  # for a mail server's last word
_PATIENCE_SECONDS = 20  # for all of it, also from a server that answers letter by letter
_ASKED = ("from", "to")
_FORM = "smtp://HOST?from=A&to=B (or smtps://), https://HOST/PATH, or command:/PATH"
_TOO_LONG = "it took longer than it may"
_WHY: Mapping[type[Exception], str] = {  # the first that fits; none says what an address or a server said
    smtplib.SMTPAuthenticationError: "the user or the password is refused",
    smtplib.SMTPNotSupportedError: "the server lacks TLS, login or other letters than English ones; a password leaves "
                                   "over TLS alone",
    smtplib.SMTPRecipientsRefused: "no recipient is accepted",
    smtplib.SMTPSenderRefused: "the sender is not accepted",
    smtplib.SMTPServerDisconnected: "the server ended the connection",
    ssl.SSLCertVerificationError: "the server's certificate is not trusted",
    ssl.SSLError: "TLS could not be agreed upon",
    socket.gaierror: "no machine of that name is known",
    TimeoutError: _TOO_LONG,
    subprocess.TimeoutExpired: _TOO_LONG,
    ConnectionRefusedError: "nothing listens there",
    FileNotFoundError: "there is no such program",
    PermissionError: "it may not be run",
    HTTPException: "it does not answer as HTTP does",
    ConnectionError: "the connection was cut",
    UnicodeError: "user, password or name holds a letter that is not sent there",
}


class Message(NamedTuple):
    """What is told: one line, and lines."""

    subject: str
    lines: tuple[str, ...]


class Outcome(NamedTuple):
    """Whether an address took its message, and a sentence about what went wrong, without what stands in the address."""

    taken: bool
    fault: str | None = None


class _AsItIs(urllib.request.HTTPRedirectHandler):
    """A webhook that sends us elsewhere is not the one that was named."""

    def redirect_request(self, *_: object) -> None:
        return None


def checked(addresses: Sequence[str]) -> list[SplitResult]:
    """Returns addresses in their parts.

    Raises:
        PrivacyError: one has another form; it is named by its number, since it may hold a password.
    """
    found = []
    for number, address in enumerate(addresses, start=1):
        try:
            parts = urlsplit(address)
            is_whole = {
                "smtp": bool(parts.hostname and all(name in parse_qs(parts.query) for name in _ASKED)),
                "smtps": bool(parts.hostname and all(name in parse_qs(parts.query) for name in _ASKED)),
                "http": bool(parts.hostname), "https": bool(parts.hostname),
                "command": parts.path.startswith("/"),
            }.get(parts.scheme, False) and (parts.port or 1) > 0
        except ValueError:
            is_whole = False
        if not is_whole:
            raise PrivacyError(f"AJPRIVACY_ALERTS: address {number} is none of {_FORM}")
        found.append(parts)
    return found


def send(addresses: Sequence[str], message: Message) -> list[str]:
    """Tell every address the same; returns a sentence for each that did not take it, without what stands in it.

    Raises:
        PrivacyError: an address has another form; nobody was told.
    """
    return [found.fault for found in deliver(addresses, [message] * len(addresses)) if found.fault]


def deliver(addresses: Sequence[str], messages: Sequence[Message | None]) -> list[Outcome]:
    """Tell each address its message (None: nothing), all at the same time; returns what became of each.

    After 20 seconds an address counts as one that did not take it, whatever becomes of it later.

    Raises:
        PrivacyError: an address has another form; nobody was told.
    """
    found: dict[int, Outcome] = {}

    def attempt(number: int, parts: SplitResult, message: Message) -> None:
        try:
            lacks = _WAYS[parts.scheme](parts, message)
            found[number] = Outcome(taken=True, fault=lacks and f"{_called(number, parts)}: {lacks}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are told, and it is said
            found[number] = _not_taken(number, parts, _why(error))

    told = [(number, parts, message) for number, (parts, message) in enumerate(
        zip(checked(addresses), messages, strict=True), start=1) if message is not None]
    tries = [threading.Thread(target=attempt, args=one, daemon=True) for one in told]
    for one in tries:
        one.start()
    end = time.monotonic() + _PATIENCE_SECONDS
    for one in tries:
        one.join(max(0.0, end - time.monotonic()))
    late = {number: _not_taken(number, parts, _TOO_LONG) for number, parts, _ in told}
    ended = late | found
    return [ended.get(number, Outcome(taken=False)) for number in range(1, len(messages) + 1)]


def _called(number: int, parts: SplitResult) -> str:
    """An address by its number, since it may hold a password."""
    return f"address {number} of AJPRIVACY_ALERTS ({parts.scheme})"


def _not_taken(number: int, parts: SplitResult, why: str) -> Outcome:
    return Outcome(taken=False, fault=f"{_called(number, parts)} did not take the message: {why}")


def _why(error: BaseException) -> str:
    """What went wrong in words of ours; the kind of an error that has none."""
    if isinstance(error, HTTPError):
        return f"it answered {error.code}"
    if isinstance(error, subprocess.CalledProcessError):
        return f"it ended with exit code {error.returncode}"
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        return _why(error.reason)
    if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, TimeoutError):
        return _TOO_LONG
    said = next((words for kind, words in _WHY.items() if isinstance(error, kind)), None)
    return said or (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _mail(parts: SplitResult, message: Message) -> str | None:
    """By SMTP; a password leaves over TLS alone, and whoever offers TLS gets it. Says whether recipients are refused.

    A plus in an address is a plus. Once the server has taken the mail, nothing that it does afterwards is a fault.
    """
    asked = parse_qs(parts.query.replace("+", "%2B"))
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject, asked["from"][-1], ", ".join(asked["to"])
    mail.set_content("\n".join(message.lines) + "\n")
    host, safe = parts.hostname or "", ssl.create_default_context()
    server = (smtplib.SMTP_SSL(host, parts.port or 465, timeout=_STEP_SECONDS, context=safe)
              if parts.scheme == "smtps" else smtplib.SMTP(host, parts.port or 25, timeout=_STEP_SECONDS))
    try:
        server.ehlo()
        if parts.scheme == "smtp" and (parts.username or server.has_extn("starttls")):
            server.starttls(context=safe)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        refused = server.send_message(mail)
        with suppress(OSError, smtplib.SMTPException):
            if server.sock is not None:
                server.sock.settimeout(_GOODBYE_SECONDS)
            server.quit()
    finally:
        server.close()
    return f"{len(refused)} of its recipients did not take the message" if refused else None


def _post(parts: SplitResult, message: Message) -> None:
    """By HTTP POST, as JSON with the text that most chat systems show."""
    body = json.dumps({"text": "\n".join([message.subject, *message.lines]), "subject": message.subject,
                       "lines": list(message.lines)}).encode()
    address = quote(parts.geturl(), safe="%/:?#[]@!$&'()*+,;=~")  # what is encoded already stays so
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - checked
    with urllib.request.build_opener(_AsItIs).open(request, timeout=_STEP_SECONDS):
        pass


def _call(parts: SplitResult, message: Message) -> None:
    """By a program of the site: the subject is its argument, the lines its input; of our settings it gets none.

    What it leaves behind when it ends goes on; one that does not end is ended with all that it has started.
    """
    with subprocess.Popen([parts.path, message.subject], text=True, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, start_new_session=True,
                          env={"PATH": os.defpath, "LANG": "C.UTF-8"}) as process:
        try:
            process.communicate("\n".join(message.lines) + "\n", timeout=_STEP_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, parts.path)


_WAYS = {"smtp": _mail, "smtps": _mail, "http": _post, "https": _post, "command": _call}
