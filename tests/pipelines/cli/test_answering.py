"""The message that waits for a server: it comes with the first answer, and never without one."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from pipelines.cli import answering


class _Server(BaseHTTPRequestHandler):
    """Refuses the first request, and sends the second to another page: so do servers of another
    token. The third leads to the page itself.
    """

    answers: ClassVar = [(401, ""), (303, "/auth/login?next=%2F"), (303, "/")]

    def do_GET(self) -> None:
        status, location = self.answers.pop(0)
        self.send_response(status)
        self.send_header("location", location)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@contextmanager
def serving() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_it_prints_when_the_server_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(answering, "_PAUSE_SECONDS", 0)
    with serving() as port:
        address = f"http://127.0.0.1:{port}?access_token=x"
        answering.wait("Here it is", address, port=port, server=os.getppid())
    assert capsys.readouterr() == ("Here it is\n", "")
    assert _Server.answers == []


def test_it_ends_with_the_server_and_says_that_the_port_is_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answering.wait("Here it is", f"http://127.0.0.1:{port}", port=port, server=0)
    taken = f"--port: {port} is taken. Is this command running already? Choose another.\n"
    assert capsys.readouterr() == ("", taken)
    answering.wait("Here it is", f"http://127.0.0.1:{port}", port=port, server=0)
    assert capsys.readouterr() == ("", "")
