"""Dagster's page for this machine alone: no page of another site can read it, or start anything.

Dagster answers any `Host` and any `Origin`, also mutations by GET. Run as a module, this is
`dagster-webserver` that does not.
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import dagster_webserver.app as dagster_app
import dagster_webserver.cli as dagster_cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# The names of this machine for itself: a page that has rebound its own name sends that one.
_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_READING = ("GET", "HEAD")
_FORBIDDEN = b"Only pages of this server may ask for this.\n"
# What its command looks up by this name; there is no option for another.
_SERVER = "DagsterWebserver"


class OwnPagesOnly:
    """Answers 403 to requests for another host, of another origin, or that could change something
    without being JSON of the same origin.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or _is_allowed(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": _FORBIDDEN})


class Webserver(DagsterWebserver[Any, Any]):
    """Dagster's webserver behind `OwnPagesOnly`."""

    def build_middleware(self) -> list[Middleware]:
        return [Middleware(OwnPagesOnly), *super().build_middleware()]


def _is_allowed(scope: Scope) -> bool:
    host, origin = _header(scope, b"host"), _header(scope, b"origin")
    name, _, port = host.rpartition(":") if host[-1:].isdigit() and ":" in host else (host, "", "")
    if (name or host) not in _HOSTS or not (port or "0").isdigit():
        return False
    is_own = origin == f"http://{host}"
    if scope["type"] == "websocket":
        return is_own
    if scope["method"] in _READING:
        # The form for queries is a page; a query itself comes by POST.
        is_query = scope["path"].rstrip("/").endswith("/graphql")
        is_page = "text/html" in _header(scope, b"accept")
        return (is_own or not origin) and (is_page or not is_query)
    media_type = _header(scope, b"content-type").partition(";")[0].strip().lower()
    return scope["method"] == "POST" and is_own and media_type == "application/json"


def _header(scope: Scope, name: bytes) -> str:
    """The value of a header; a header that is given several times has a value that none allows."""
    found = [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
    return ",".join(found)


def main(arguments: Sequence[str]) -> None:
    """Run `dagster-webserver` with these arguments."""
    setattr(dagster_app, _SERVER, Webserver)
    dagster_cli.cli(list(arguments), auto_envvar_prefix="DAGSTER_WEBSERVER")


if __name__ == "__main__":
    main(sys.argv[1:])
