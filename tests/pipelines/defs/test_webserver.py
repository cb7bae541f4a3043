"""What Dagster's page answers to requests that pages of other sites can make."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from pipelines.defs import dev
from pipelines.defs.webserver import OwnPagesOnly, Webserver

OWN = {"host": "127.0.0.1:3000", "origin": "http://127.0.0.1:3000"}
JSON = {"content-type": "application/json"}


def status(
    method: str, path: str, headers: dict[str, str], *more: tuple[str, str], kind: str = "http"
) -> int:
    """200 where a request reaches Dagster, else the status it is answered with."""
    sent: list[dict[str, Any]] = []

    async def dagster(_scope: object, _receive: object, send: Any) -> None:
        await send({"type": "reached", "status": 200})

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> Any:
        return {}

    pairs = [(k.encode(), v.encode()) for k, v in [*headers.items(), *more]]
    scope = {"type": kind, "method": method, "path": path, "headers": pairs}
    asyncio.run(OwnPagesOnly(dagster)(scope, receive, send))
    return sent[0].get("status") or sent[0]["code"]


@pytest.mark.parametrize("name", ["127.0.0.1:3000", "localhost:3000", "[::1]:3000", "localhost"])
def test_the_own_page_asks_and_starts(name: str) -> None:
    own = {"host": name, "origin": f"http://{name}"}
    assert status("GET", "/assets", {"host": name}) == 200
    assert status("GET", "/graphql", {"host": name, "accept": "text/html"}) == 200
    assert status("POST", "/graphql", own | JSON) == 200
    assert status("POST", "/graphql", own | {"content-type": "application/json; charset=x"}) == 200
    assert status("", "/graphql", own, kind="websocket") == 200


@pytest.mark.parametrize(
    "name",
    [
        "rebound.example",
        "rebound.example:3000",
        "127.0.0.1.rebound.example:3000",
        "127.0.0.1:3000.example",
        "127.0.0.1:3000:3000",
        "127.0.0.1@rebound.example",
        "LOCALHOST.example",
        "0.0.0.0:3000",
        "[::1].example:3000",
        "localhost:",
        "",
    ],
)
def test_another_host_is_not_answered(name: str) -> None:
    assert status("GET", "/", {"host": name}) == 403
    assert status("POST", "/graphql", {"host": name, "origin": f"http://{name}"} | JSON) == 403
    headers = {"host": name, "origin": f"http://{name}"}
    assert status("", "/graphql", headers, kind="websocket") == 1008


def test_a_request_without_a_host_or_with_two_is_not_answered() -> None:
    assert status("GET", "/", {}) == 403
    assert status("GET", "/", {"host": "localhost:3000"}, ("host", "rebound.example")) == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://evil.example:3000",
        "https://127.0.0.1:3000",
        "http://127.0.0.1:3001",
        "http://127.0.0.1",
        "http://localhost:3000",
        "null",
        "http://127.0.0.1:3000, http://evil.example",
    ],
)
def test_another_origin_is_not_answered(origin: str) -> None:
    foreign = {"host": "127.0.0.1:3000", "origin": origin}
    assert status("GET", "/", foreign) == 403
    assert status("POST", "/graphql", foreign | JSON) == 403
    assert status("", "/graphql", foreign, kind="websocket") == 1008


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/plain; application/json",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json, text/plain",
        "",
    ],
)
def test_a_form_starts_nothing(media_type: str) -> None:
    assert status("POST", "/graphql", OWN | {"content-type": media_type}) == 403
    assert (
        status("POST", "/report_asset_materialization/a", OWN | {"content-type": media_type}) == 403
    )


def test_a_link_or_a_picture_starts_nothing() -> None:
    for path in ("/graphql", "/graphql/"):
        assert status("GET", path, {"host": OWN["host"]}) == 403
        assert status("GET", path, {"host": OWN["host"], "accept": "image/*"}) == 403
        assert status("HEAD", path, {"host": OWN["host"]}) == 403


def test_who_does_not_name_an_origin_starts_nothing() -> None:
    host = {"host": OWN["host"]}
    assert status("POST", "/graphql", host | JSON) == 403
    assert status("", "/graphql", host, kind="websocket") == 1008
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
        assert status(method, "/graphql", OWN | JSON) == 403


def test_dagster_starts_this_webserver(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(dev, "_start", lambda command, **_: started.append(command))
    dev.start_process([sys.executable, "-m", "dagster_webserver", "--port", "3"], pass_fds=[])
    dev.start_process([sys.executable, "-m", "dagster._daemon", "run"])
    assert started == [
        [sys.executable, "-m", "pipelines.defs.webserver", "--port", "3"],
        [sys.executable, "-m", "dagster._daemon", "run"],
    ]
    server: Webserver = object.__new__(Webserver)
    assert server.build_middleware()[0].cls is OwnPagesOnly
