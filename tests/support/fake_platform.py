"""A server that answers like the platform's API, with faults and with pages that move.

What a pull must make of its answers belongs to the tests.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pipelines.ingest.pull.api import Waits
from pipelines.settings import Settings
from tests.support.order_definition import ID, ORDER

TOKEN = "tok-zqxmarker-1"
ORDER_ID = f"{ID}01"
START = 1_760_000_000_000
NOW = datetime(2026, 6, 1, tzinfo=UTC)
PERSONAL = "ann.zqxmarker@example.com"
FAULTS = ("500", "503", "429", "429 date", "cut", "short", "html", "reset", "empty", "gzip", "null")
"""Answers that a client may not take for the end."""


def process(number: int, **changes: Any) -> dict[str, Any]:
    """A process of `order` as the API lists it."""
    record = {
        "id": f"10000000-0000-4000-8000-{number:012}",
        "team": ORDER_ID,
        "procedure": ORDER_ID,
        "status": "OPEN",
        "state": "NEW",
        "createdAt": START + number,
        "updatedAt": START + number,
        "data": {"number": f"N{number}", "score": number},
    }
    return record | changes


class Platform(ThreadingHTTPServer):
    """Lists `processes` in their order, at most `cap` to a page, and `others` by their paths.

    Each request for a page takes the next of `faults` (None for a good answer), and after each good
    one `after_page` is called. `shown` are the processes of good answers, `requests` all requests
    that had a valid token.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.token = TOKEN
        self.processes: dict[str, list[dict[str, Any]]] = {"order": []}
        self.others: dict[str, list[dict[str, Any]]] = {}
        self.unlisted: dict[str, dict[str, Any]] = {}
        self.users: list[dict[str, Any]] = []
        self.config: dict[str, Any] = {"procedures": [{"id": ORDER_ID, "shortId": "order"}]}
        self.cap = 100
        self.faults: list[str | None] = []
        self.errors: list[Any] = []
        self.filters = False
        self.says_more = True
        self.ignores_skip = False
        self.after_page: Callable[[], None] = lambda: None
        self.shown: list[dict[str, Any]] = []
        self.requests: list[tuple[str, Any]] = []

    def listed(self, place: str) -> list[dict[str, Any]] | None:
        """What is listed of a procedure (its shortId) or at a path."""
        return self.others.get(place, self.processes.get(place))

    def page(self, place: str, body: dict[str, Any]) -> dict[str, Any]:
        listed = self.listed(place) or []
        since = body["where"].get("updatedAt", {}).get(">=") if self.filters else None
        if since is not None:
            ms = datetime.fromisoformat(since).timestamp() * 1000
            listed = [one for one in listed if one["updatedAt"] >= ms]
        skip = 0 if self.ignores_skip else body["skip"]
        end = skip + min(body["limit"], self.cap)
        found = json.loads(json.dumps(listed[skip:end]))
        meta = {"hasMore": self.ignores_skip or len(listed) > end} if self.says_more else {}
        self.shown += found
        return {"_meta": meta, "_data": found, "_errors": self.errors}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Platform  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._is_admitted(body):
            return
        place = self.path if self.path in self.server.others else self.path.split("/")[4]
        fault = self.server.faults.pop(0) if self.server.faults else None
        if self.server.listed(place) is None:
            self._answer(
                404, {"_data": None, "_errors": [{"code": "NOT_FOUND", "message": PERSONAL}]}
            )
        elif fault is None:
            self._answer(200, self.server.page(place, body))
            self.server.after_page()
        else:
            self._fail(fault)

    def do_GET(self) -> None:
        if not self._is_admitted(None):
            return
        path = self.path.partition("?")[0]
        if path == "/v1/ext/users":
            self._answer(200, {"_data": self.server.users, "_meta": {}, "_errors": []})
        elif path == "/v1/ext/config":
            self._answer(200, {"_data": self.server.config, "_meta": {}, "_errors": []})
        elif (found := self.server.unlisted.get(path.rpartition("/")[2])) is not None:
            self._answer(200, {"_data": found})
        else:
            self._answer(404, {"_errors": [{"message": PERSONAL}]})

    def _is_admitted(self, body: Any) -> bool:
        if self.headers["Authorization"] != f"Bearer {self.server.token}":
            self._answer(401, {"_data": None, "_errors": [PERSONAL]})
            return False
        self.server.requests.append((self.path, body))
        return True

    def _fail(self, fault: str) -> None:
        some = self.server.processes["order"][:3]
        whole = json.dumps({"_data": some, "_meta": {"hasMore": False}}).encode()
        if fault in ("500", "503"):
            self._send(int(fault), b"<h1>Oops</h1>", "text/html")
        elif fault == "429":
            self._send(429, b"{}", **{"Retry-After": "7"})
        elif fault == "429 date":
            until = NOW + timedelta(seconds=11)
            self._send(429, b"{}", **{"Retry-After": f"{until:%a, %d %b %Y %H:%M:%S} GMT"})
        elif fault == "cut":  # fewer bytes than announced
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole[: len(whole) // 2])
            self.close_connection = True
        elif fault == "short":
            self._send(200, whole[: len(whole) // 2])
        elif fault == "html":
            self._send(200, b"<html>Sign in</html>", "text/html")
        elif fault == "empty":
            self._send(200, b"")
        elif fault == "gzip":
            self._send(200, whole, **{"Content-Encoding": "gzip"})
        elif fault == "null":
            self._answer(200, {"_data": None, "_errors": [{"code": "INTERNAL"}]})
        elif fault in ("401", "403"):
            self._answer(int(fault), {"_errors": [PERSONAL]})
        elif fault == "302":
            self._send(302, b"", Location=f"{self.server.url}/elsewhere")
        else:  # a reset
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True

    def _answer(self, status: int, body: Any) -> None:
        self._send(status, json.dumps(body, indent=1).encode())

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", **headers: str
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base
        pass


@contextmanager
def running_platform() -> Iterator[Platform]:
    with Platform() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Clock:
    """Waits that take no time; `slept` has their lengths, in seconds."""

    def __init__(self, at: datetime = NOW) -> None:
        self.slept: list[float] = []
        self.seconds = 0.0
        self.at = at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    @property
    def waits(self) -> Waits:
        return Waits(
            self.sleep,
            lambda: self.seconds,
            lambda: self.at + timedelta(seconds=self.seconds),
        )


def platform_settings(folder: Path, url: str, **changes: Any) -> Settings:
    """Settings of a data folder below `folder`, with the definition of `order`, to pull from."""
    procedures = folder / "procedures"
    procedures.mkdir(exist_ok=True)
    (procedures / "order.yaml").write_text(ORDER)
    data = folder / "data"
    options: dict[str, Any] = {"api_url": url, "api_requests_per_second": 0.0}
    return Settings(
        data=data, landing=data / "landing", procedures=procedures, **(options | changes)
    )


def landed_lines(settings: Settings, pattern: str = "order-*") -> list[bytes]:
    """The lines of the landing files of pulls, in order of their names."""
    files = sorted((settings.landing / "pull").glob(f"**/{pattern}.ndjson.gz"))
    return [line for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


def landed(settings: Settings) -> list[dict[str, Any]]:
    """The versions in the landing files of pulls, in order."""
    return [json.loads(line) for line in landed_lines(settings)]


def texts(records: list[dict[str, Any]]) -> set[str]:
    """Records as texts that can be compared, each once."""
    return {json.dumps(record, sort_keys=True) for record in records}
