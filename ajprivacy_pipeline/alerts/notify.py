"""Tells people what needs attention: by e-mail, to a webhook, or through a command of the site.

Belongs here: addresses of AJPRIVACY_ALERTS, how a message looks and leaves. Does not belong here: what needs attention
(`conditions`), what was told before (`told`). A message holds counts, days and our own words, and nothing else.
"""

import json
import os
import smtplib
import ssl
import subprocess
import urllib.request
from collections.abc import Sequence
from email.message import EmailMessage
from http.client import HTTPException
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from ajprivacy_pipeline.errors import PrivacyError

_PATIENCE_SECONDS = 20
_ASKED = ("from", "to")
_FORM = "smtp://HOST?from=A&to=B (or smtps://), https://HOST/PATH, or command:/PATH"
_Failure = (OSError, HTTPException, smtplib.SMTPException, subprocess.SubprocessError)


class Message(NamedTuple):
    """What is told: one line, and lines."""

    subject: str
    lines: tuple[str, ...]


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
    """Tell every address; returns a sentence for each that did not take it, without what stands in the address.

    Raises:
        PrivacyError: an address has another form; nobody was told.
    """
    ways = {"smtp": _mail, "smtps": _mail, "http": _post, "https": _post, "command": _call}
    faults = []
    for number, parts in enumerate(checked(addresses), start=1):
        try:
            ways[parts.scheme](parts, message)
        except _Failure as error:
            faults.append(f"address {number} of AJPRIVACY_ALERTS ({parts.scheme}) did not take the message: "
                          f"{type(error).__name__}")
    return faults


def _mail(parts: SplitResult, message: Message) -> None:
    """By SMTP; a password leaves over TLS alone, and whoever offers TLS gets it."""
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject, asked["from"], asked["to"]
    mail.set_content("\n".join(message.lines) + "\n")
    host, safe = parts.hostname or "", ssl.create_default_context()
    with (smtplib.SMTP_SSL(host, parts.port or 465, timeout=_PATIENCE_SECONDS, context=safe)
          if parts.scheme == "smtps" else smtplib.SMTP(host, parts.port or 25, timeout=_PATIENCE_SECONDS)) as server:
        server.ehlo()
        if parts.scheme == "smtp" and (parts.username or server.has_extn("starttls")):
            server.starttls(context=safe)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(mail)


def _post(parts: SplitResult, message: Message) -> None:
    """By HTTP POST, as JSON with the text that most chat systems show."""
    body = json.dumps({"text": "\n".join([message.subject, *message.lines]), "subject": message.subject,
                       "lines": list(message.lines)}).encode()
    request = urllib.request.Request(parts.geturl(), body, {"Content-Type": "application/json"})  # noqa: S310 - checked
    with urllib.request.build_opener(_AsItIs).open(request, timeout=_PATIENCE_SECONDS):
        pass


def _call(parts: SplitResult, message: Message) -> None:
    """By a program of the site: the subject is its argument, the lines its input; of our settings it gets none."""
    subprocess.run([parts.path, message.subject], input="\n".join(message.lines) + "\n", text=True, check=True,
                   capture_output=True, timeout=_PATIENCE_SECONDS, env={"PATH": os.defpath, "LANG": "C.UTF-8"})
