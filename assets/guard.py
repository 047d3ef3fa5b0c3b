"""The check in front of Dagster's pages: under which names they answer, and how something may be changed.

Belongs here: Host, Origin, methods and kinds of content, as an ASGI application. Does not belong here: what pages show,
or a login, which is a proxy's (docs/deployment.md). Without it a foreign page in the officer's browser could start
runs, and a foreign name that resolves to this machine could read what the pages show.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_READS = ("GET", "HEAD")
_POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1


class Guard:
    """An ASGI application that passes on what is asked under one of its names, and changes from its own pages alone."""

    def __init__(self, app: App, hosts: Iterable[str]) -> None:
        """Stand in front of `app`.

        Args:
            app: what answers.
            hosts: the values of Host that it answers to, port included where it is not the scheme's own.
        """
        self._app, self._hosts = app, frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 with one sentence, or close a websocket before it is accepted, where the check refuses."""
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal})
        else:
            body = f"{refusal}\n".encode()
            await send({"type": "http.response.start", "status": 403, "headers": [
                (b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]})
            await send({"type": "http.response.body", "body": body})

    def _refusal(self, scope: Scope) -> str | None:
        """Why a request is refused, None where it is not."""
        host, origin = _only(scope, "host"), _only(scope, "origin")
        if host is None or host.lower() not in self._hosts:
            return "These pages do not answer under this name: see `ajprivacy ui --help`, --host."
        is_own = origin is not None and origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")
        if _has(scope, "origin") and not is_own:
            return "These pages answer no other page."
        if scope["type"] == "websocket":
            return None if is_own else "These pages answer no other page."
        if scope["method"] in _READS:
            wants_page = "text/html" in (_only(scope, "accept") or "")
            is_query = scope["path"].rstrip("/").endswith("/graphql") and not wants_page
            return "Queries are sent as JSON by POST." if is_query else None
        kind = (_only(scope, "content-type") or "").partition(";")[0].strip().lower()
        if scope["method"] == "POST" and is_own and kind == "application/json":
            return None
        return "Changes are made by these pages alone, as JSON by POST."


def _only(scope: Scope, name: str) -> str | None:
    """Returns the value of a header that is given once; None where it is missing or given twice."""
    found = [value for key, value in scope["headers"] if key.lower() == name.encode()]
    return found[0].decode("latin-1") if len(found) == 1 else None


def _has(scope: Scope, name: str) -> bool:
    return any(key.lower() == name.encode() for key, _ in scope["headers"])
