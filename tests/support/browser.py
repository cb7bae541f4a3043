"""A real browser for tests of pages, and servers to point it at.

What a page must show belongs to the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest
from playwright.sync_api import Page, expect, sync_playwright

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium is installed")


@contextmanager
def open_page() -> Iterator[Page]:
    """A page of a headless browser, large enough for a dashboard."""
    with sync_playwright() as playwright:
        # As root, as in containers, Chromium starts only without its sandbox.
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport={"width": 1500, "height": 950})
            page.set_default_timeout(90_000)
            expect.set_options(timeout=90_000)
            yield page
        finally:
            browser.close()


@contextmanager
def serving(
    arguments: Sequence[str], *, port: int, environment: Mapping[str, str]
) -> Iterator[str]:
    """The address of a `leadtime` command that serves on `port`, until the block ends.

    With the token that the command prints for notebooks. It is started in a folder that has
    packages of the names of ours, which it must not import.
    """
    address = f"http://127.0.0.1:{port}"
    leadtime = Path(sys.executable).with_name("leadtime")
    command = [str(leadtime), *arguments, "--port", str(port)]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as printed:
        for package in ("notebooks", "pipelines", "schemas", "transforms"):
            place = Path(folder, package)
            place.mkdir()
            (place / "__init__.py").write_text('raise SystemExit("this is another package")')
        server = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            cwd=folder,
            stdout=printed,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_for(address, server)
            yield _printed_address(printed, address) if arguments[0] == "notebook" else address
        finally:
            # A session of its own: its children, which may outlive it, are in its group.
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    server.wait(20)
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _printed_address(printed: IO[bytes], address: str) -> str:
    """The address with its token, which is printed shortly after the server answers."""
    for _ in range(360):
        printed.seek(0)
        if with_token := re.search(rf"{address}\?\S+", printed.read().decode()):
            return with_token[0]
        time.sleep(0.25)
    raise AssertionError(f"no token is printed for {address}")


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(360):
        assert server.poll() is None, f"the server ended with {server.returncode}"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except urllib.error.HTTPError:
            return  # it asks for a token
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.5)
    raise AssertionError(f"nothing answers at {address}")
