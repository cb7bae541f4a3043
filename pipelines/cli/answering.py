"""Prints a message when a server answers; to be run as a module, beside the server it waits for.

It is a child of the process that becomes the server, and ends with it.
"""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

_PAUSE_SECONDS = 0.2
_TIMEOUT_SECONDS = 5


def print_when_it_answers(message: str, address: str, *, port: int) -> None:
    """Print the message once the address answers; to be called before this process is replaced."""
    command = [sys.executable, "-P", "-m", "pipelines.cli.answering"]
    waiting = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)  # noqa: S603 - our own
    assert waiting.stdin
    # Not an argument: other users can see those, and the address has the token.
    with waiting.stdin as given:
        json.dump([message, address, port, os.getpid()], given)


def wait(message: str, address: str, *, port: int, server: int) -> None:
    """Print the message when the server (a process) answers, or that its port is taken."""
    while os.getppid() == server:
        if _answers(address):
            print(message, flush=True)  # noqa: T201 - rich takes longer to load than this to run
            return
        time.sleep(_PAUSE_SECONDS)
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), _TIMEOUT_SECONDS):
        action = "Is this command running already? Choose another."
        print(f"--port: {port} is taken. {action}", file=sys.stderr)  # noqa: T201


def _answers(address: str) -> bool:
    """Whether the page is shown, or leads to itself without the token; another server that has the
    port refuses the token, or asks for it.
    """
    there = urlsplit(address)
    connection = HTTPConnection(there.netloc, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"/?{there.query}")
        answer = connection.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    is_elsewhere = urlsplit(answer.getheader("location", "")).path.strip("/")
    return answer.status < HTTPStatus.BAD_REQUEST and not is_elsewhere


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        text, url, number, process = json.load(sys.stdin)
        wait(text, url, port=number, server=process)
